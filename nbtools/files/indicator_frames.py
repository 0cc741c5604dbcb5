"""Series of camera frames with field, temperature and history of each, from TIFF and what stands in or beside it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import yaml
from numpy.typing import NDArray

from nbtools.files.tiff_scale import pixels_of
from nbtools.results import NotPossible

TIFF = {".tif", ".tiff"}
CALIBRATION = "calibration"
EXAMPLE = (
    "applied_field_T: [0.0, 0.01, 0.02], temperature_K: 10, history: zero-field cooled (or calibration), "
    "pixel_size_m: 5.0e-6, indicator_height_m: 1.0e-5"
)
# The entry by which a note on frames is known as one.
FIELDS = "applied_field_T"
NUMBERS = ("temperature_K", "pixel_size_m", "indicator_height_m", "anisotropy_field_T")


class FramesError(NotPossible):
    """A series that cannot be used; says what was found, what was expected and what to do."""


@dataclass(frozen=True)
class FrameSeries:
    """Frames of one history at one temperature.

    Attributes
    ----------
    name : of the file, or of the first of several
    counts : shape (n, y, x), as the camera gave them, but with row 0 at the bottom of the picture: x right, y up, so
        that z = x × y points at the viewer
    applied : shape (n,), T; µ0 H of each frame
    temperature : K, NaN where nobody says
    history : "calibration", "zero-field cooled" or "cooled in … T"
    pixel_size, height : m, NaN where nobody says
    anisotropy_field : T, of the film, NaN where nobody says
    """

    name: str
    counts: NDArray[Any]
    applied: NDArray[np.float64]
    temperature: float
    history: str
    pixel_size: float
    height: float
    anisotropy_field: float = float("nan")

    @property
    def is_calibration(self) -> bool:
        """Whether these are uniform fields above T_c."""
        return self.history == CALIBRATION

    def __str__(self) -> str:
        n, rows, columns = self.counts.shape
        fields = f"{1e4 * self.applied.min():.0f} … {1e4 * self.applied.max():.0f} G"
        return f"{self.name}: {n} × {rows} × {columns}, {self.temperature:g} K, {self.history}, {fields}"


@dataclass(frozen=True)
class FrameSet:
    """All frames of a sample.

    Attributes
    ----------
    calibration : in uniform fields above T_c
    series : the others, by history and temperature
    left_out : by the file's name, why it is none of these
    """

    calibration: FrameSeries
    series: tuple[FrameSeries, ...]
    left_out: Mapping[str, str]


def read_frames(
    path: str | Path | Iterable[str | Path], *, about: Mapping[str, Any] | None = None
) -> FrameSeries:
    """One series: a TIFF of pages, or a list of single TIFF frames in order.

    Parameters
    ----------
    path : of one file, or of several
    about : what the frames are, where the files do not say it. Else it stands as JSON in the description of the first
        page, or as YAML in ``<name>.yaml`` beside it

    Raises
    ------
    FramesError
        No TIFF, frames of different sizes, or nothing that says at which fields they were taken.
    """
    paths = [Path(path)] if isinstance(path, (str, Path)) else [Path(one) for one in path]
    if not paths or any(one.suffix.lower() not in TIFF for one in paths):
        raise FramesError(
            f"{', '.join(one.name for one in paths) or 'nothing'} came; TIFF frames are expected"
        )
    if about is None:
        # Before any frame is read: most images are no frames.
        about = _about(paths[0], next(filter(None, map(_description, paths)), ""))
    pages = [frame for one in paths for frame in _pages(one)]
    _require_alike([(paths[0].name, frame) for frame in pages])
    said = dict(about)
    return _series(paths[0].name, np.array(pages)[:, ::-1], said)


def read_all_frames(
    paths: Iterable[str | Path], *, about: Mapping[str, Mapping[str, Any]] | None = None
) -> FrameSet:
    """The calibration, and the other series in order of history and temperature.

    Files of one history and temperature are frames of one series, in the order of their names (9 before 10); so are
    all files of the calibration. Notes and other files that are no TIFF are passed over.

    Parameters
    ----------
    paths : of the files
    about : by the name of a file, what it does not say itself. Files that then still say nothing are left out

    Raises
    ------
    FramesError
        Besides `read_frames`: no calibration; files of one series that differ in size, pixel or height.
    """
    known, said = [], dict(about or {})
    left_out: dict[str, str] = {}
    frames = sorted((Path(one) for one in paths), key=lambda one: _natural(one.name))
    for path in [one for one in frames if one.suffix.lower() in TIFF]:
        try:
            known.append(read_frames(path, about=said.get(path.name)))
        except FramesError as problem:
            if said and path.name not in said:
                left_out[path.name] = "no fields are given for it"
                continue
            raise FramesError(str(problem)) from None
    groups: dict[tuple[Any, ...], list[FrameSeries]] = {}
    for one in known:
        # NaN is no key: two of them differ.
        key = (one.history,) if one.is_calibration else (one.history, f"{one.temperature:g}")
        groups.setdefault(key, []).append(one)
    series = [_joined(group) for group in groups.values()]
    calibration = next((one for one in series if one.is_calibration), None)
    if calibration is None:
        found = ", ".join(one.name for one in series) or "files that are no TIFF"
        raise FramesError(
            f"there is no calibration series among {found}; one is needed, with `history: calibration`, taken above "
            "T_c in known fields"
        )
    others = [one for one in series if not one.is_calibration]
    ordered = sorted(others, key=lambda one: (one.history, np.nan_to_num(one.temperature)))
    return FrameSet(calibration, tuple(ordered), left_out)


def read_note(path: Path) -> dict[str, Any]:
    """The entries of a note.

    Raises
    ------
    FramesError
        YAML without fields.
    """
    return _said(path.name, _yaml(path), path.name)


def _natural(name: str) -> list[Any]:
    """Sorts ``ramp_9`` before ``ramp_10``."""
    return [int(part) if part.isdigit() else part.lower() for part in re.split(r"(\d+)", name)]


def _joined(group: list[FrameSeries]) -> FrameSeries:
    """Frames of one series that lie in several files."""
    if len(group) == 1:
        return group[0]
    first = group[0]
    _require_alike([(one.name, one.counts[0]) for one in group])
    for name in ("pixel_size", "height", "anisotropy_field"):
        stated = {getattr(one, name) for one in group if np.isfinite(getattr(one, name))}
        if len(stated) > 1:
            raise FramesError(
                f"{first.name} and {len(group) - 1} more of its series state several values of {name}: "
                f"{', '.join(f'{value:g}' for value in sorted(stated))}; one is expected"
            )
    return replace(
        first,
        name=f"{first.name} and {len(group) - 1} more",
        counts=np.concatenate([one.counts for one in group]),
        applied=np.concatenate([one.applied for one in group]),
    )


def _require_alike(frames: list[tuple[str, NDArray[Any]]]) -> None:
    kinds = sorted({f"{frame.shape[0]} × {frame.shape[1]} {frame.dtype}" for _, frame in frames})
    if len(kinds) > 1:
        raise FramesError(
            f"{frames[0][0]}: frames of {', '.join(kinds)} came; all must be of one size and bit depth"
        )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with tifffile.TiffFile(path) as file:
            yield file
    except (tifffile.TiffFileError, OSError, ValueError, IndexError) as problem:
        if isinstance(problem, FramesError):
            raise
        raise FramesError(
            f"{path.name} cannot be read as TIFF ({problem}); export the frames again"
        ) from None


def _description(path: Path) -> str:
    with _opened(path) as file:
        return str(getattr(file.pages[0], "description", ""))


def _pages(path: Path) -> list[NDArray[Any]]:
    with _opened(path) as file:
        frames = [frame for series in file.series for frame in _frames_of(series, path)]
    if any(frame.ndim != 2 for frame in frames):
        raise FramesError(
            f"{path.name} holds colour frames of shape {frames[0].shape}; grey frames are expected"
        )
    return frames


def _frames_of(series: Any, path: Path) -> NDArray[Any]:
    data = pixels_of(series, path)
    return data.reshape(-1, *data.shape[-2:]) if series.keyframe.samplesperpixel == 1 else data[None]


def _about(path: Path, description: str) -> dict[str, Any]:
    beside = path.with_suffix(".yaml")
    if beside.is_file():
        return _said(path.name, _yaml(beside), beside.name)
    try:
        return _said(path.name, json.loads(description), beside.name)
    except (ValueError, RecursionError):
        return _said(path.name, None, beside.name)


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _said(name: str, content: Any, note: str) -> dict[str, Any]:
    if not isinstance(content, dict) or FIELDS not in content:
        raise FramesError(
            f"{name} does not say at which fields its frames were taken; write {note} beside it, with {EXAMPLE}"
        )
    return content


def _series(name: str, counts: NDArray[Any], about: dict[str, Any]) -> FrameSeries:
    try:
        applied = np.atleast_1d(np.asarray(about[FIELDS], float))
        numbers = {key: float(about.get(key, "nan")) for key in NUMBERS}
    except (OverflowError, TypeError, ValueError) as problem:
        raise FramesError(
            f"{name}: {problem} in what is said of the frames; numbers were expected, as in {EXAMPLE}"
        ) from None
    if applied.shape != counts.shape[:1]:
        raise FramesError(
            f"{name}: {counts.shape[0]} frames came with {applied.size} fields; one each is expected"
        )
    return FrameSeries(
        name=name,
        counts=counts,
        applied=applied,
        temperature=numbers["temperature_K"],
        history=str(about.get("history", "zero-field cooled")),
        pixel_size=numbers["pixel_size_m"],
        height=numbers["indicator_height_m"],
        anisotropy_field=numbers["anisotropy_field_T"],
    )
