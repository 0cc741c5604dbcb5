"""What an image must be before it is analysed: one plane of finite numbers with a scale, without burned-in bars."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.results import NotPossible
from nbtools.statistics.arrays import real_array
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
LARGEST_PIXEL = 1e-9  # m; atoms cannot be told apart in larger ones
SMALLEST = 32  # pixels a side
MISSING_SHARE = 0.05
SATURATED = 1e-3  # share of the pixels from which saturation is said


class ImageError(NotPossible):
    """An image that cannot be used; says what came, what was expected and what to do."""


@dataclass(frozen=True)
class LatticeImage:
    """One image of a sample, checked.

    Attributes
    ----------
    name : of the file, and of the signal where the file holds several
    plane : shape (y, x), annotations and missing pixels filled
    pixel_size : m
    dark : whether columns are dark, as in bright field
    saturated : share of the pixels at the largest value
    remark : what was done to read it
    """

    name: str
    plane: Array = field(repr=False)
    pixel_size: float
    dark: bool
    saturated: float
    remark: str = ""

    @property
    def key(self) -> str:
        """The name as the ledger has it."""
        return re.sub(r"\W+", "_", self.name).strip("_")

    @property
    def notes(self) -> list[str]:
        """What to mind, a sentence each."""
        said = [self.remark] if self.remark else []
        if self.saturated > SATURATED:
            said.append(
                f"{self.saturated:.1%} of the pixels are at the largest value: the detector was saturated there, "
                "heights and widths of those columns are not to be trusted"
            )
        return said


def check_lattice_image(
    image: Any, pixel_size: Any = None, *, name: str = "", remark: str = ""
) -> LatticeImage:
    """An image with what is said of it: whether columns are dark, and how much is saturated.

    Parameters
    ----------
    image : as `check_image` takes it
    pixel_size : m; by default as the image says
    name : what it is called; of bright field where it holds "bf"
    remark : what was done to read it

    Raises
    ------
    ImageError
        As `check_image`.
    """
    plane, size = check_image(image, pixel_size)
    said = re.search(r"(?i)(?<![a-z])a?bf(?![a-z])|haadf|(?<![a-z])m?adf|(?<![a-z])df", name)
    if said:
        dark = "bf" in said.group().lower()
    else:
        # Columns are narrower than what is between them: the tail of the grey values is on their side.
        fine = plane - ndimage.gaussian_filter(plane, 0.3e-9 / size)
        dark = bool(np.mean((fine - fine.mean()) ** 3) < 0)
    return LatticeImage(name, plane, size, dark, saturated_share(image), remark)


@dataclass(frozen=True, repr=False)
class ImagesStudy(StudyResult):
    """The images of a sample.

    Attributes
    ----------
    images : that may show a lattice, by name
    maps : of elements, counts by element, with the edge of a pixel, m
    overviews : images with pixels too large for a lattice, by name, with the edge of a pixel, m
    left_out : by name, with the reason
    beside : what else each file holds, sentences by its name
    """

    images: dict[str, LatticeImage]
    maps: dict[str, tuple[Array, float]]
    overviews: dict[str, tuple[Array, float]]
    left_out: dict[str, str]
    beside: dict[str, list[str]] = field(default_factory=dict)

    def rows(self) -> list[Row]:
        found = [
            Row(name, Quantity(one.pixel_size, 0.0, "m"), _size(one.plane, "lattice image"), shown="nm")
            for name, one in self.images.items()
        ]
        for what, several in (("element map", self.maps), ("overview", self.overviews)):
            found += [
                Row(name, Quantity(size, 0.0, "m"), _size(plane, what), shown="nm")
                for name, (plane, size) in several.items()
            ]
        return found

    def notes(self) -> list[str]:
        said = [f"{name}: {note}" for name, one in self.images.items() for note in one.notes]
        said += [f"{name} is left out: {reason}" for name, reason in self.left_out.items()]
        return said + [f"{name}: {one}" for name, held in self.beside.items() for one in held]

    def choose(self, name: str | None = None) -> LatticeImage:
        """The image of that name, by default the first.

        Raises
        ------
        NotPossible
            There is no lattice image, or none of that name.
        """
        if not self.images:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in self.left_out.items())
            raise NotPossible(
                f"the files hold no image that may show a lattice{f' ({reasons})' if reasons else ''}"
            )
        if name is None:
            return next(iter(self.images.values()))
        if name not in self.images:
            raise NotPossible(f"the files hold no lattice image {name!r}, but {', '.join(self.images)}")
        return self.images[name]


def _size(plane: Array, what: str) -> str:
    return f"{what}, {plane.shape[1]} × {plane.shape[0]} pixels"


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


def saturated_share(image: Any) -> float:
    """Share of the pixels at the image's largest value, where this is no annotation; 0 of a single brightest pixel."""
    plane = _filled(_plane(image))
    burned = _annotations(plane)
    at_top = (plane == plane.max()) & ~burned
    return float(at_top.mean()) if at_top.sum() > 1 else 0.0


def _without_bars(plane: Array) -> Array:
    """Scale bars and their captions are filled with the image's median."""
    burned = _annotations(plane)
    if not burned.any():
        return plane
    around = ndimage.binary_dilation(burned, iterations=3)
    return np.where(around, np.median(plane[~around]) if (~around).any() else 0.0, plane)


def _annotations(plane: Array) -> NDArray[np.bool_]:
    """Burned-in scale bars: full rectangles of one extreme value, at least three times as long as wide, by a straight
    edge, and what has the same value within a bar's length of them, as a caption.

    Saturated columns are of one extreme value, too; they are round and are left as they are.
    """
    burned = np.zeros(plane.shape, bool)
    for extreme in (plane.min(), plane.max()):
        parts, count = ndimage.label(plane == extreme)
        if not count:
            continue
        sizes = np.bincount(parts.ravel(), minlength=count + 1)
        for number, box in enumerate(ndimage.find_objects(parts), 1):
            tall, wide = (side.stop - side.start for side in box)
            long, thin = max(tall, wide), min(tall, wide)
            full = sizes[number] >= 0.98 * tall * wide
            if full and thin >= 3 and long >= max(3 * thin, plane.shape[1] / 40):
                near = tuple(slice(max(side.start - long, 0), side.stop + long) for side in box)
                burned[near] |= plane[near] == extreme
    return burned
