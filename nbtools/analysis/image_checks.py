"""What an image must be before it is analysed: one plane of finite numbers with a scale, without burned-in bars."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.statistics.arrays import real_array

Array = NDArray[np.float64]
LARGEST_PIXEL = 1e-9  # m; atoms cannot be told apart in larger ones
SMALLEST = 32  # pixels a side
MISSING_SHARE = 0.05


class ImageError(ValueError):
    """An image that cannot be used; says what came, what was expected and what to do."""


def check_image(image: Any, pixel_size: Any = None) -> tuple[Array, float]:
    """The image as float64, annotations and missing pixels filled, and its pixel size in m.

    Parameters
    ----------
    image : shape (y, x), any number type; an xarray image may bring its own scale as coordinates in m
    pixel_size : m; one number, or (y, x) if they are equal to a part in a thousand

    Raises
    ------
    ImageError
        Colours, a stack, a line, an empty or constant image, missing pixels, no scale or an odd one.
    """
    plane = _plane(image)
    size = _pixel_size(image if pixel_size is None else pixel_size)
    return _without_bars(_filled(plane)), size


def check_plane(image: Any) -> Array:
    """As `check_image`, where no scale is needed."""
    return _filled(_plane(image))


def _plane(image: Any) -> Array:
    values = np.asarray(getattr(image, "values", image))
    if values.ndim == 3 and 3 <= values.shape[-1] <= 4:
        raise ImageError(
            f"an image of shape {values.shape} came: colours, as of a screenshot. A grey image of the "
            "microscope was expected, shape (y, x); take its own file, or the mean over the last axis"
        )
    if values.ndim != 2:
        raise ImageError(f"an array of shape {values.shape} came; one image of shape (y, x) was expected")
    if min(values.shape) < SMALLEST:
        raise ImageError(f"the image has {values.shape} pixels; at least {SMALLEST} a side are needed")
    return real_array(image, "the image", error=ImageError)


def _filled(plane: Array) -> Array:
    missing = ~np.isfinite(plane)
    if share := float(missing.mean()):
        if share > MISSING_SHARE:
            raise ImageError(
                f"{share:.0%} of the image is not a number; up to {MISSING_SHARE:.0%} can be filled. "
                "Crop it, or mask the rest"
            )
        nearest = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
        plane = plane[tuple(nearest)]
    if np.ptp(plane) == 0:
        raise ImageError(f"every pixel of the image is {plane.flat[0]:g}; there is nothing to see in it")
    return plane


def _pixel_size(given: Any) -> float:
    if hasattr(given, "coords") or hasattr(given, "attrs"):
        given = _own_scale(given)
    sizes = np.atleast_1d(np.asarray(given, float)) if isinstance(given, (int, float, tuple, list)) else given
    if not isinstance(sizes, np.ndarray) or not np.all(np.isfinite(sizes)) or np.any(sizes <= 0):
        raise ImageError(
            f"the image has no scale (pixel size {given!r}); give pixel_size in metres, as 2e-11 for 20 pm"
        )
    if np.ptp(sizes) > 1e-3 * sizes.mean():
        raise ImageError(f"the pixels are not square ({sizes} m); resample the image to square ones")
    size = float(sizes.mean())
    if size > LARGEST_PIXEL:
        raise ImageError(
            f"a pixel of {size:g} m cannot show atoms; is it in nm or Å? Metres were expected, as 2e-11 for 20 pm"
        )
    return size


def _own_scale(image: Any) -> Any:
    """The steps of the coordinates y and x, where the file gave them in metres."""
    sides = [image.coords[name] for name in ("y", "x") if name in image.coords]
    if len(sides) < 2 or any(side.attrs.get("units", "m") != "m" or side.size < 2 for side in sides):
        return None
    return tuple(abs(float(side[1] - side[0])) for side in sides)


def _without_bars(plane: Array) -> Array:
    """Scale bars and captions are blocks of one extreme value: they are filled with the image's median."""
    burned = np.zeros(plane.shape, bool)
    for extreme in (plane.min(), plane.max()):
        blocks, count = ndimage.label(plane == extreme)
        if not count:
            continue
        sizes = np.bincount(blocks.ravel())[1:]
        large = np.flatnonzero(sizes >= max(30, 2e-4 * plane.size)) + 1
        burned |= np.isin(blocks, large)
    if not burned.any():
        return plane
    around = ndimage.binary_dilation(burned, iterations=3)
    return np.where(around, np.median(plane[~around]) if (~around).any() else 0.0, plane)
