"""Images and stacks of slices as labelled arrays, with the pixel size the file states and never a guessed one."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from nbtools.files.microscopy import read_signals
from nbtools.files.tiff_scale import InverseLength, pixels_of, tiff_scale
from nbtools.units import factor

TIFF = (".tif", ".tiff")
PICTURES = (".bmp", ".png", ".jpg", ".jpeg")
LARGEST = 4_000_000_000  # bytes
LATTICE = 1e-10  # m: with larger pixels no image shows lattice planes
AXES = ("z", "y", "x")


class ImageError(ValueError):
    """An image that cannot be used; says what was found, what was expected and what to do."""


class OneSlice(ImageError):
    """A single image where a stack was expected."""


def read_image(path: str | Path, *, pixel_size: float | Sequence[float] | None = None) -> xr.DataArray:
    """One grey image: dimensions ``(y, x)``, coordinates in m where the file or the caller gives the pixel size.

    TIFF with ImageJ's, FEI's, Zeiss's, TESCAN's, Hitachi's or OME's tags, BMP, PNG, JPEG; microscopes' own
    formats through `nbtools.files.microscopy`. A resolution in dots per inch is the printer's, not the
    sample's, and does not count. ``attrs``: ``source``, ``bits``, ``scale`` (who stated the pixel size).

    Parameters
    ----------
    path : the file
    pixel_size : m, one number or (y, x); overrides what the file says

    Raises
    ------
    ImageError
        No image, a stack, a colour image, a truncated file, one that claims more than 4 GB.
    """
    image = _read(Path(path))
    if image.ndim == 3 and image.shape[0] == 1:
        image = image[0]
    if image.ndim != 2:
        raise ImageError(f"{Path(path).name} holds {image.shape[0]} slices; read_stack(path) reads a stack")
    return _scaled(image, pixel_size)


def read_images(path: str | Path) -> list[xr.DataArray]:
    """Every grey image of one place in a file: each detector's of a microscope's file, each map of an element.

    Frames of one place, one after the other, are averaged after each is moved onto the first; ``attrs["remark"]``
    then says how many and how far. ``attrs["beside"]`` names what else the file holds. Slices of a volume and
    projections of a tilt series are no images of one place.

    Parameters
    ----------
    path : the file

    Returns
    -------
    Images (y, x) as `read_image` gives them, each with its ``attrs["title"]``.

    Raises
    ------
    ImageError
        A file that holds no such image, with what it holds instead.
    """
    path = Path(path)
    if path.suffix.lower() in (*TIFF, *PICTURES):
        signals = [_read(path, frames=True)]
        signals[0].attrs["title"] = path.stem
    else:
        try:
            signals = read_signals(path)
        except (ValueError, OSError, ImportError) as problem:
            raise ImageError(" ".join(str(problem).split())) from None
    found, beside, reasons = [], [], []
    for signal in signals:
        if reason := why_no_image(signal) or _why_no_place(signal):
            beside.append(_one_beside(signal, reason))
            reasons.append(f"{signal.attrs['title']}: {reason}")
            continue
        image = signal if signal.ndim == 2 else _averaged(signal)
        # openNCEM's files have x first.
        image = image.transpose("y", "x")
        found.append(image.assign_attrs(source=path.name, bits=8 * signal.dtype.itemsize))
    if not found:
        raise ImageError(f"{path.name} holds no image of one place ({'; '.join(reasons)})")
    found = [one.assign_attrs(beside=beside) for one in found]
    titles = [str(one.attrs["title"]) for one in found]
    for number, one in enumerate(found):
        if titles.count(titles[number]) > 1:
            one.attrs["title"] = f"{titles[number]} {titles[: number + 1].count(titles[number])}"
    return found


def _why_no_place(signal: xr.DataArray) -> str:
    """What speaks against an array being one image, or frames of one place; "" where nothing does."""
    dims = set(map(str, signal.dims))
    if not {"y", "x"} <= dims:
        return f"over ({', '.join(map(str, signal.dims))}), no image"
    others = dims - {"y", "x"}
    if "tilt" in dims:
        return f"{tilt_series(signal)}; reconstruct it to have a volume"
    if "energy" in dims or "wavelength" in dims:
        return "a spectrum at each place; save the map of each element's line"
    if len(others) > 1:
        return f"over ({', '.join(map(str, signal.dims))}), no image"
    (over,) = others or {""}
    deep = over in signal.coords and signal.coords[over].attrs.get("units") == "m"
    step = float(np.ptp(signal.coords["x"].values[:2])) if "x" in signal.coords else np.inf
    if over and (deep or not step < LATTICE):
        return f"{signal.sizes[over]} slices of a volume, which 01 takes"
    return ""


def tilt_series(signal: xr.DataArray) -> str:
    """What a tilt series is, with its angles."""
    angles = np.degrees(signal.coords["tilt"].values) if "tilt" in signal.coords else np.empty(0)
    turned = f" from {angles.min():.4g}° to {angles.max():.4g}°" if angles.size else ""
    return f"a tilt series of {signal.sizes['tilt']} projections{turned}"


def _averaged(frames: xr.DataArray) -> xr.DataArray:
    """The mean of frames of one place, each moved onto the first by the maximum of their correlation."""
    from scipy import ndimage
    from skimage.registration import phase_cross_correlation

    (over,) = (name for name in frames.dims if name not in ("y", "x"))
    planes = frames.transpose(over, "y", "x").values.astype(float)
    first = planes[0] - planes[0].mean()
    total, moved, farthest = planes[0].copy(), np.ones_like(planes[0]), 0.0
    for plane in planes[1:]:
        shift = phase_cross_correlation(first, plane - plane.mean(), upsample_factor=20, normalization=None)[
            0
        ]
        total += ndimage.shift(plane, shift, order=3, mode="constant", cval=0.0)
        moved += ndimage.shift(np.ones_like(plane), shift, order=1, mode="constant", cval=0.0)
        farthest = max(farthest, float(np.hypot(*shift)))
    mean = total / np.maximum(moved, 1e-9)
    said = f"the mean of {len(planes)} frames, each moved onto the first by up to {farthest:.1f} pixels"
    said = "; ".join(filter(None, (said, frames.attrs.get("remark", ""))))
    image = frames.isel({over: 0}, drop=True).transpose("y", "x").copy(data=mean)
    return image.assign_attrs(remark=said)


def read_stack(
    path: str | Path | Iterable[str | Path], *, voxel_size: float | Sequence[float] | None = None
) -> xr.DataArray:
    """A stack of slices: dimensions ``(z, y, x)``, coordinates in m where the voxel size is known.

    Parameters
    ----------
    path : a TIFF of many pages, a microscope's volume, an OME-Zarr folder (which stays on disk, as a Dask
        array), or a list of images in order
    voxel_size : m, one number or (z, y, x); overrides what the file says

    Raises
    ------
    ImageError
        As `read_image`; slices of several shapes or types, a single slice.
    """
    stack = _read(Path(path)) if isinstance(path, (str, Path)) else _stacked([Path(file) for file in path])
    if stack.ndim != 3 or stack.shape[0] < 2:
        raise OneSlice(
            f"{stack.attrs['source']} holds one slice of shape {stack.shape[-2:]}; a stack was expected"
        )
    return _scaled(stack, voxel_size)


def pixel_sizes(image: xr.DataArray) -> tuple[float, ...]:
    """The step along each dimension, m, positive.

    Raises
    ------
    ImageError
        A dimension without a coordinate in m, or with uneven steps.
    """
    sizes = []
    for name in image.dims:
        if name not in image.coords or image.coords[name].attrs.get("units") != "m" or image.sizes[name] < 2:
            raise ImageError(_missing_sentence(image, str(name)))
        steps = np.diff(image.coords[name].values)
        if not np.allclose(steps, steps[0], rtol=1e-3):
            raise ImageError(f"{image.attrs.get('source', 'the image')}: steps along {name} are uneven")
        sizes.append(abs(float(np.mean(steps))))
    return tuple(sizes)


def _missing_sentence(image: xr.DataArray, name: str) -> str:
    stated = image.attrs.get("unitless_steps", {}).get(name)
    said = f"a step of {stated:g} without a unit" if stated else "nothing"
    source = image.attrs.get("source", "the image")
    return (
        f"{source} says {said} about the size of a pixel along {name}; it is not guessed: give it in metres"
    )


def _read(path: Path, *, frames: bool = False) -> xr.DataArray:
    ending = path.suffix.lower()
    if path.is_dir():
        return _read_zarr(path)
    if not path.is_file():
        raise ImageError(f"{path} is not there; an image was expected")
    if ending in TIFF:
        return _read_tiff(path, frames=frames)
    if ending in PICTURES:
        return _read_picture(path)
    signals = read_signals(path)
    found = [
        s for s in signals if s.ndim in (2, 3) and set(s.dims) <= {*AXES, "tilt"} and not why_no_image(s)
    ]
    if not found:
        reasons = "; ".join(filter(None, map(why_no_image, signals)))
        raise ImageError(
            f"{path.name} holds no image ({reasons or 'read_signals(path) lists what it holds'})"
        )
    beside = [
        _one_beside(one, why_no_image(one) or _why_no_place(one)) for one in signals if one is not found[0]
    ]
    about = {"source": path.name, "bits": 8 * found[0].dtype.itemsize, "scale": "the file"}
    return found[0].assign_attrs(about, beside=beside)


def _one_beside(signal: xr.DataArray, reason: str = "") -> str:
    """What else is in a file, and why it is not taken."""
    sides = " × ".join(f"{name} {size}" for name, size in signal.sizes.items())
    return f"{signal.attrs['title']}, in the same file, over {sides}" + (f": {reason}" if reason else "")


def why_no_image(signal: xr.DataArray) -> str:
    """What speaks against an array with y and x being an image of places; "" where nothing does."""
    if signal.dtype.kind == "c":
        return "complex numbers, as of a Fourier transform"
    if any(signal.coords[name].attrs.get("units") == "1/m" for name in signal.coords):
        return "a diffraction pattern, its pixels in 1/nm, which neither 01 nor 02 takes"
    if "channel" in signal.dims:
        return f"{signal.sizes['channel']} colour channels; save one grey image"
    return ""


def _read_tiff(path: Path, *, frames: bool = False) -> xr.DataArray:
    """The image of a file, or its slices; frames of a film only where they are asked for."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            series, *others = _series(tiff)
            _refuse_broken(path, tiff, series)
            _refuse_no_volume(path, series, tiff.imagej_metadata or {}, frames=frames)
            data = pixels_of(series, path)
            if others:
                data = np.stack([data, *(pixels_of(other, path) for other in others)])
            steps, author = tiff_scale(tiff, path)
    except (ImageError, ImportError):
        raise
    except InverseLength as reason:
        raise ImageError(f"{path.name} is {reason}") from None
    except Exception as problem:
        raise ImageError(f"{path.name} is no whole TIFF file: {problem}") from None
    if "S" in series.axes:
        data = np.moveaxis(data, series.axes.index("S"), -1)
    return _labelled(_grey(np.squeeze(data), path, colour_last="S" in series.axes), path, steps, author)


def _series(tiff: Any) -> list[Any]:
    """What is read of a file: the first image that OME or ImageJ names, else the largest, before an icon of it.

    Pages that were written one by one and are of one kind are the slices of a stack.
    """
    known = list(tiff.series)
    if tiff.is_ome or tiff.is_imagej:
        return known[:1]
    largest = max(known, key=lambda one: one.size)
    alike = [one for one in known if (one.shape, one.dtype) == (largest.shape, largest.dtype)]
    return alike if len(alike) == len(known) and largest.axes == "YX" else [largest]


def _refuse_no_volume(path: Path, series: Any, imagej: dict[str, Any], *, frames: bool) -> None:
    """Frames of a film and channels are no slices, where the file says that it holds them."""
    sides = dict(zip(series.axes, series.shape, strict=True))
    if (count := sides.get("T", 1)) > 1 and not frames:
        raise ImageError(
            f"{path.name} is a time series of {count} frames; one image or slices of a volume were expected: save the "
            "frame that is meant, or, if they are slices, say so in the file (in ImageJ: Properties, slices for frames)"
        )
    # What has a spacing is a volume, though programs that write for ImageJ call its slices channels.
    channels = sides.get("C", 1)
    if channels > 1 and (sides.get("Z", 1) > 1 or not imagej.get("spacing")):
        raise ImageError(
            f"{path.name} holds {channels} channels; one grey image or slices of a volume were expected: save one of "
            "them"
        )


def _refuse_broken(path: Path, tiff: Any, series: Any) -> None:
    """Before anything is allocated: is what the file claims possible, and is it all there?"""
    samples = float(np.prod([float(n) for n in series.shape]))
    claimed = samples * series.dtype.itemsize
    if claimed > LARGEST:
        raise ImageError(
            f"{path.name} claims an image of shape {series.shape}, {claimed / 1e9:.3g} GB; up to {LARGEST / 1e9:g} GB "
            "are read: crop it, or convert it to OME-Zarr"
        )
    slices = samples / max(float(series.keyframe.size), 1.0)
    spoken_of = int((tiff.imagej_metadata or {}).get("images", 1))
    if slices < spoken_of:
        raise ImageError(f"{path.name} is cut short: it speaks of {spoken_of} slices and has {slices:.0f}")
    there = path.stat().st_size
    ends = [
        o + n
        for page in series.pages
        if page
        for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)
    ]
    if not ends or max(ends) > there:
        raise ImageError(
            f"{path.name} is cut short: it has {there:,} bytes and speaks of {max(ends, default=0):,}"
        )
    stored = samples * series.keyframe.bitspersample / 8
    if series.keyframe.compression == 1 and stored > there:
        raise ImageError(f"{path.name} claims {stored:,.0f} bytes of pixels and has {there:,} in all")


def _read_picture(path: Path) -> xr.DataArray:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            width, height = picture.size
            if 4 * width * height > LARGEST:
                raise ImageError(f"{path.name} claims {width} × {height} pixels; that is more than is read")
            data = np.array(picture.convert("L") if picture.mode in ("1", "P") else picture)
    except ImageError:
        raise
    except Exception as problem:
        raise ImageError(f"{path.name} is no whole picture: {problem}") from None
    return _labelled(_grey(data, path, colour_last=data.ndim == 3), path, {}, "")


def _grey(data: np.ndarray[Any, Any], path: Path, *, colour_last: bool) -> np.ndarray[Any, Any]:
    """A colour image whose channels are the same is a grey one; any other has no grey value of its own."""
    if colour_last and data.ndim >= 3 and data.shape[-1] in (2, 3, 4):
        channels = data[..., :3] if data.shape[-1] > 2 else data[..., :1]
        if not (channels == channels[..., :1]).all():
            raise ImageError(
                f"{path.name} is a colour image of {data.shape[-1]} channels (a screenshot?); "
                "save the grey values that the instrument recorded"
            )
        data = data[..., 0]
    if np.iscomplexobj(data):
        raise ImageError(
            f"{path.name} holds complex numbers, as of a Fourier transform; grey values were expected"
        )
    if data.ndim not in (2, 3):
        raise ImageError(f"{path.name} has the shape {data.shape}; (y, x) or (z, y, x) was expected")
    return data


def _labelled(data: np.ndarray[Any, Any], path: Path, steps: dict[str, float], author: str) -> xr.DataArray:
    dims = AXES[-data.ndim :]
    attrs = {
        "source": path.name,
        "bits": 8 * data.dtype.itemsize,
        "scale": author or "not stated",
        "unitless_steps": {},
    }
    return _placed(xr.DataArray(data, dims=dims, attrs=attrs, name=path.stem), steps)


def _placed(image: xr.DataArray, steps: Mapping[str, float]) -> xr.DataArray:
    """With places in m along the dimensions whose steps are known."""
    known = {name: step for name, step in steps.items() if name in image.dims}
    return image.assign_coords(
        {name: (name, step * np.arange(image.sizes[name]), {"units": "m"}) for name, step in known.items()}
    )


def _scaled(image: xr.DataArray, given: float | Sequence[float] | None) -> xr.DataArray:
    """With the caller's pixel size, where there is one."""
    if given is None:
        return image
    sizes = [float(n) for n in np.broadcast_to(np.asarray(given, float), (image.ndim,))]
    if not all(np.isfinite(n) and n > 0 for n in sizes):
        raise ImageError(f"a pixel size of {given} came; positive numbers in metres were expected")
    steps = dict(zip(map(str, image.dims), sizes, strict=True))
    return _placed(image, steps).assign_attrs(scale="the caller")


def _stacked(files: Sequence[Path]) -> xr.DataArray:
    if not files:
        raise ImageError("an empty list of images came; a stack of slices was expected")
    slices = [read_image(file) for file in files]
    for kind, of_each in (
        ("shape", [piece.shape for piece in slices]),
        ("type", [piece.dtype for piece in slices]),
    ):
        several = {of: file.name for of, file in zip(of_each, files, strict=True)}
        if len(several) > 1:
            named = ", ".join(f"{name} {of}" for of, name in several.items())
            raise ImageError(f"the slices differ in {kind}: {named}")
    first = slices[0]
    data = np.stack([piece.values for piece in slices])
    steps = {
        name: float(np.diff(first.coords[name].values[:2])[0]) for name in first.dims if name in first.coords
    }
    stack = _labelled(data, files[0], {str(k): v for k, v in steps.items()}, first.attrs["scale"])
    return stack.assign_attrs(source=f"{files[0].name} … {files[-1].name}")


def _read_zarr(path: Path) -> xr.DataArray:
    """The finest level of an OME-Zarr image, lazily."""
    try:
        import dask.array
        import zarr
    except ImportError:
        raise ImportError(
            "OME-Zarr needs zarr and dask: pip install 'mgb2-notebooks[volume,distributed]'"
        ) from None
    try:
        node = zarr.open(str(path), mode="r")
        plain = isinstance(node, zarr.Array)
        known = [] if plain else dict(node.attrs).get("ome", dict(node.attrs)).get("multiscales")
        image = known[0] if known else {}
        level = image["datasets"][0] if known else {}
        data = dask.array.from_zarr(node[level["path"]] if known else node) if known or plain else None
        # An array alone has no axes; version 0.3 has names alone, the versions before it not even those.
        names = image.get("axes", "tczyx"[-5 if data is None else -data.ndim :])
        axes = [axis if isinstance(axis, dict) else {"name": axis} for axis in names]
        scales = np.ones(len(axes))
        for holder in (level, image):
            for step in holder.get("coordinateTransformations", []):
                if step.get("type") == "scale":
                    scales = scales * np.array(step["scale"], float)
    except Exception as problem:
        raise ImageError(
            f"{path.name} cannot be read as OME-Zarr ({problem!r}); an array of numbers was expected"
        ) from None
    if data is None:
        raise ImageError(
            f"{path.name} is a Zarr group without OME's multiscales; an OME-Zarr image was expected"
        )
    places = {axis["name"]: number for number, axis in enumerate(axes)}
    others = [name for name in places if name not in AXES]
    if not {"y", "x"} <= set(places) or any(data.shape[places[name]] != 1 for name in others):
        sides = ", ".join(f"{name} {data.shape[places[name]]}" for name in places)
        raise ImageError(
            f"{path.name} has the axes {sides}; one image (y, x) or one volume (z, y, x) was expected"
        )
    dims = tuple(name for name in AXES if name in places)
    order = [places[name] for name in (*others, *dims)]
    data = data.transpose(order)
    data = data.reshape(data.shape[len(others) :])
    steps = {}
    for name in dims:
        with suppress(ValueError):  # a unit that is no length, or none
            steps[name] = float(scales[places[name]]) * factor(axes[places[name]].get("unit", ""), "m")
    return _labelled(data, path, steps, "OME-Zarr")
