"""Maps of field, flux or outline from .npz, .mat and .txt, as labelled arrays (y, x)."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nbtools.files.matlab import load_matlab
from nbtools.results import NotPossible
from nbtools.units import factor

# A flux map names its unit; what is no field stays as it is.
FIELD_UNITS = {"T", "mT", "uT", "nT", "G", "mG"}
LENGTHS = {"m": 1.0, "mm": 1e-3, "um": 1e-6, "µm": 1e-6, "nm": 1e-9}


class MapError(NotPossible):
    """A file that holds no map that can be used; says what was found and what was expected."""


def read_map(path: str | Path, *, name: str | None = None, unit: str | None = None) -> xr.DataArray:
    """One map with its coordinates.

    ``.npz``: ``data`` with ``xs``, ``ys``, ``units``, ``length_units`` (scanning SQUID); nothing in it is unpickled.
    ``.mat``: a named 2-D array, or a QCoDeS structure with ``array`` and ``unit``. ``.txt``: columns x, y, z, value
    on a full grid (scanning Hall microscope), lengths in m; the plane is that of the two columns that spread most.

    Parameters
    ----------
    path : the file
    name : which array of a .mat or .npz; by default the only 2-D one
    unit : of the values, where the file does not say; "T", "mT", "nT", "G" … are turned into T

    Returns
    -------
    DataArray with dimensions (y, x), coordinates in m where they are known, ``attrs["units"]``

    Raises
    ------
    MapError
        Another kind of file, no 2-D array or several, columns that fill no grid, an object that would be unpickled.
    """
    path = Path(path)
    readers = {".npz": _npz, ".mat": _mat, ".txt": _columns, ".dat": _columns}
    if path.suffix.lower() not in readers:
        raise MapError(f"{path.name}: expected {', '.join(readers)}; export the map as one of these")
    try:
        values, coordinates, found = readers[path.suffix.lower()](path, name)
    except MapError:
        raise
    except Exception as problem:  # of numpy's, SciPy's, zipfile's and zlib's own
        raise MapError(f"{path.name} cannot be read as a map: {problem}; export it again") from None
    stated = unit or found
    if stated in FIELD_UNITS:
        values, stated = values * factor(stated, "T"), "T"
    return xr.DataArray(
        values, coordinates, ("y", "x"), attrs={"units": stated or "not stated", "source": path.name}
    )


def map_names(path: str | Path) -> list[str]:
    """Names of the 2-D arrays of a .mat or .npz file; none of a table.

    Raises
    ------
    MapError
        A file that cannot be read.
    """
    path = Path(path)
    try:
        content = {".npz": _npz_content, ".mat": _mat_content}.get(path.suffix.lower(), lambda _: {})(path)
    except MapError:
        raise
    except Exception as problem:
        raise MapError(f"{path.name} cannot be read as a map: {problem}; export it again") from None
    return list(_maps(content))


def read_outline(path: str | Path) -> NDArray[np.bool_]:
    """A mask (y, x), True on the sample, from .mat, .npz or a grey TIFF; row 0 is the top of the picture, as stored."""
    path = Path(path)
    if path.suffix.lower() in (".tif", ".tiff"):
        import tifffile

        return np.asarray(tifffile.imread(path)) > 0
    return np.asarray(read_map(path).values > 0)


def pixel_of(map_: xr.DataArray) -> float:
    """The side of a map's square pixels (m).

    Raises
    ------
    MapError
        Coordinates that are missing, uneven or of different steps along x and y.
    """
    if "x" not in map_.coords or "y" not in map_.coords:
        raise MapError(
            f"{map_.attrs.get('source', 'the map')} does not say how large its pixels are; give pixel_size"
        )
    steps = [np.diff(map_[axis].values) for axis in ("y", "x")]
    sides = [float(np.median(one)) for one in steps]
    if any(np.abs(one - side).max() > 0.02 * abs(side) for one, side in zip(steps, sides, strict=True)):
        raise MapError(
            f"{map_.attrs.get('source', 'the map')}: the points are not evenly spaced; resample it first"
        )
    if abs(abs(sides[0]) - abs(sides[1])) > 1e-3 * abs(sides[1]):
        raise MapError(
            f"{map_.attrs.get('source', 'the map')}: pixels of {1e6 * sides[1]:.4g} × {1e6 * sides[0]:.4g} µm are not "
            "square; resample it to one step"
        )
    return abs(sides[1])


Read = tuple[NDArray[np.float64], dict[str, Any], str]


def _npz_content(path: Path) -> dict[str, Any]:
    try:
        # From memory: of a damaged archive numpy would leave the file open.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except ValueError as problem:
        raise MapError(f"{path.name}: {problem}; objects are not unpickled, save plain arrays") from None


def _npz(path: Path, name: str | None) -> Read:
    content = _npz_content(path)
    values = content[_only_map(path, content, name)].astype(float)
    scale = LENGTHS.get(str(content.get("length_units", "")))
    coordinates = {}
    for axis, size in zip(("ys", "xs"), values.shape, strict=True):
        if scale and axis in content and content[axis].shape == (size,):
            coordinates[axis[0]] = content[axis] * scale
    return values, coordinates, str(content.get("units", ""))


def _mat_content(path: Path) -> dict[str, Any]:
    try:
        return load_matlab(path)
    except ValueError as problem:
        raise MapError(f"{path.name} is no MATLAB file that can be read ({problem})") from None


def _mat(path: Path, name: str | None) -> Read:
    content = _mat_content(path)
    chosen = content[_only_map(path, content, name)]
    if isinstance(chosen, dict):
        return np.asarray(chosen["array"], float), {}, str(chosen.get("unit", ""))
    return np.asarray(chosen, float), {}, ""


def _maps(content: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The 2-D arrays of a file, and of its structures that hold one, with their shapes."""
    arrays = {k: v["array"] if isinstance(v, dict) and "array" in v else v for k, v in content.items()}
    return {
        k: v.shape
        for k, v in arrays.items()
        if isinstance(v, np.ndarray) and v.ndim == 2 and v.dtype.kind in "fiub"
    }


def _only_map(path: Path, content: dict[str, Any], name: str | None) -> str:
    maps = _maps(content)
    chosen = [key for key in maps if name in (None, key)]
    if len(chosen) != 1:
        found = ", ".join(f"{key} {shape}" for key, shape in maps.items()) or "none"
        wanted = "one map is expected" if name is None else f"there is no map {name!r}"
        remedy = "; say which by its name (MAP in notebook 04)" if maps else ""
        raise MapError(f"{path.name}: {wanted}, found {found}{remedy}")
    return chosen[0]


def _columns(path: Path, name: str | None) -> Read:
    try:
        table = np.asarray(np.loadtxt(path), np.float64)
    except ValueError as problem:
        raise MapError(f"{path.name} is no table of numbers ({problem})") from None
    if table.ndim != 2 or table.shape[1] != 4:
        raise MapError(
            f"{path.name} has the shape {table.shape}; four columns x, y, z (m) and the value are expected"
        )
    # The third column is what the stage drifts along, or the height.
    spread = np.ptp(table[:, :3], axis=0)
    plane = np.sort(np.argsort(spread, kind="stable")[1:])
    x, y = table[:, plane].T
    # The stage drifts a little along each line, so columns are told apart by order, not by equal numbers.
    breaks = np.flatnonzero(np.abs(np.diff(x)) > 3 * np.median(np.abs(np.diff(x)))) + 1
    breaks = (
        breaks if breaks.size else np.flatnonzero(np.abs(np.diff(y)) > 3 * np.median(np.abs(np.diff(y)))) + 1
    )
    lengths = np.diff(np.r_[0, breaks, x.size])
    if np.unique(lengths).size != 1:
        raise MapError(
            f"{path.name}: lines of {sorted(set(lengths.tolist()))} points; a full grid is expected"
        )
    places_in_plane = np.stack([x, y], axis=-1).reshape(lengths.size, int(lengths[0]), 2)
    values = table[:, 3].reshape(places_in_plane.shape[:2])
    if abs(np.ptp(places_in_plane[0, :, 0])) < abs(np.ptp(places_in_plane[0, :, 1])):
        places_in_plane, values = places_in_plane.transpose(1, 0, 2), values.T
    # Along the grid's own directions: a stage may be turned against its axes.
    steps = [float(np.hypot(*np.diff(places_in_plane, axis=axis).mean(axis=(0, 1)))) for axis in (0, 1)]
    places = {name: step * np.arange(n) for name, step, n in zip("yx", steps, values.shape, strict=True)}
    return values, places, ""


def resample_square(map_: xr.DataArray) -> xr.DataArray:
    """The map on square pixels of its finer step, by linear interpolation, x and y ascending."""
    ordered = map_.sortby("y").sortby("x")
    steps = [float(np.median(np.diff(ordered[axis].values))) for axis in ("y", "x")]
    side = min(steps)
    places = {}
    for axis in ("y", "x"):
        low, high = float(ordered[axis][0]), float(ordered[axis][-1])
        # Rounding must not put the last place beyond the last point.
        places[axis] = np.minimum(low + side * np.arange(int((high - low) / side + 1e-9) + 1), high)
    resampled = ordered.interp(places)
    resampled.attrs = map_.attrs
    return resampled
