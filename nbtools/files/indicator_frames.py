"""Series of camera frames with field, temperature and history of each, from TIFF and what stands in or beside it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import yaml
from numpy.typing import NDArray

from nbtools.files.tiff_scale import pixels_of

TIFF = {".tif", ".tiff"}
CALIBRATION = "calibration"
EXAMPLE = (
    "applied_field_T: [0.0, 0.01, 0.02], temperature_K: 10, history: zero-field cooled (or calibration), "
    "pixel_size_m: 5.0e-6, indicator_height_m: 1.0e-5"
)
NUMBERS = ("temperature_K", "pixel_size_m", "indicator_height_m", "anisotropy_field_T")


class FramesError(ValueError):
    """A series that cannot be used; says what was found, what was expected and what to do."""


@dataclass(frozen=True)
class FrameSeries:
    """Frames of one history at one temperature.

    counts : shape (n, y, x), as the camera gave them, but with row 0 at the bottom of the picture: x right, y up, so
        that z = x × y points at the viewer
    applied : shape (n,), T; µ0 H of each frame
    temperature : K; history : "calibration", "zero-field cooled" or "cooled in … T"
    pixel_size, height : m, NaN where nobody says; anisotropy_field : T, of the film, NaN where unknown
    """

    name: str
    counts: NDArray[Any]
    applied: NDArray[np.float64]
    temperature: float
    history: str
    pixel_size: float
    height: float
    anisotropy_field: float = float("nan")
    metadata: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_calibration(self) -> bool:
        """Whether these are uniform fields above T_c."""
        return self.history == CALIBRATION

    def __str__(self) -> str:
        n, rows, columns = self.counts.shape
        fields = f"{1e4 * self.applied.min():.0f} … {1e4 * self.applied.max():.0f} G"
        return f"{self.name}: {n} × {rows} × {columns}, {self.temperature:g} K, {self.history}, {fields}"


def read_frames(path: str | Path | Iterable[str | Path]) -> FrameSeries:
    """One series: a TIFF of pages, or a list of single TIFF frames in order.

    What the frames are stands as JSON in the description of the first page, or as YAML in ``<name>.yaml`` beside it.

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
    pages, description = [], ""
    for one in paths:
        frames, text = _pages(one)
        pages += frames
        description = description or text
    if len({frame.shape for frame in pages}) > 1 or len({frame.dtype for frame in pages}) > 1:
        sizes = sorted({f"{frame.shape[0]} × {frame.shape[1]} {frame.dtype}" for frame in pages})
        raise FramesError(
            f"{paths[0].name}: frames of {', '.join(sizes)} came; all must be of one size and bit depth"
        )
    about = _about(paths[0], description)
    return _series(paths[0].name, np.array(pages)[:, ::-1], about)


def read_all_frames(paths: Iterable[str | Path]) -> tuple[FrameSeries, list[FrameSeries]]:
    """The calibration, and the other series in order of temperature.

    Raises
    ------
    FramesError
        Besides `read_frames`: no calibration, or more than one.
    """
    series = [read_frames(path) for path in paths]
    known = [one for one in series if one.is_calibration]
    if len(known) != 1:
        raise FramesError(
            f"{len(known)} calibration series among {', '.join(one.name for one in series)}; exactly one is needed, "
            "with `history: calibration`, taken above T_c in known fields"
        )
    others = [one for one in series if not one.is_calibration]
    return known[0], sorted(others, key=lambda one: (one.history, one.temperature))


def _pages(path: Path) -> tuple[list[NDArray[Any]], str]:
    try:
        with tifffile.TiffFile(path) as file:
            frames = [frame for series in file.series for frame in _frames_of(file, series, path)]
            text = getattr(file.pages[0], "description", "")
    except (tifffile.TiffFileError, OSError, ValueError, IndexError) as problem:
        raise FramesError(
            f"{path.name} cannot be read as TIFF ({problem}); export the frames again"
        ) from None
    if any(frame.ndim != 2 for frame in frames):
        raise FramesError(
            f"{path.name} holds colour frames of shape {frames[0].shape}; grey frames are expected"
        )
    return frames, text


def _frames_of(file: Any, series: Any, path: Path) -> NDArray[Any]:
    data = pixels_of(file, series, path)
    return data.reshape(-1, *data.shape[-2:]) if series.keyframe.samplesperpixel == 1 else data[None]


def _about(path: Path, description: str) -> dict[str, Any]:
    beside = path.with_suffix(".yaml")
    try:
        text = beside.read_text(encoding="utf-8") if beside.is_file() else ""
        content = yaml.safe_load(text) if text else json.loads(description)
    except (yaml.YAMLError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or "applied_field_T" not in content:
        raise FramesError(
            f"{path.name} does not say at which fields its frames were taken; write {beside.name} beside it, with "
            f"{EXAMPLE}"
        )
    return content


def _series(name: str, counts: NDArray[Any], about: dict[str, Any]) -> FrameSeries:
    try:
        applied = np.atleast_1d(np.asarray(about["applied_field_T"], float))
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
        metadata=about,
    )
