"""What a twin recorded, in a few numbers: the same on every machine, though the last bits of floats are not.

Of each array in each file: shape, mean, standard deviation, quantiles, the mean step between neighbours along each
axis, and the means of parts along each axis; of what is written beside the arrays, the words and the numbers. Shapes,
words and gaps are compared exactly, all else within a quarter of its standard error: what the noise of single readings,
as neighbours show it, and the resolution of the file leave. A recording that differs by less is the same for all that
the instrument can tell. It can be so little because the seed gives the same noise everywhere.
"""

import functools
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtools import manifest_entries
from nbtools.files.quantum_design import read_dat
from nbtools.files.tiff_scale import tiff_scale
from nbtools.manifest_entries import ManifestError
from nbtools.whole_file import write_whole

Array = NDArray[np.float64]
Fingerprint = dict[str, dict[str, dict[str, Any]]]  # file → array → statistic → numbers

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TOLERANCE = 0.25  # of a standard error
PARTS = 8  # along an axis
SERIES = 16  # pages of a file; so few are pictures, each for itself, and more are slices of a volume
PRECISION = 1e-6  # what seven digits of a text file, or a float32, still tell apart
SHORT_ROW = 50  # numbers one after another in a text; more are an array
READINGS = 10_000  # in a part: enough for its noise to one per cent
WHOLE = r"[-+]?\d+"
DECIMAL = re.compile(r"[-+]?(?:\d*\.\d+|\d+\.|\d+(?=[eE]))(?:[eE][-+]?\d+)?")
MEDIAN_OF_SQUARES = 0.4549364231195724  # of normal deviates
COMMAND = "python -m nbtools twins --store"


def stored_fingerprints() -> dict[str, Fingerprint]:
    """The fingerprints of the project's twins by name; empty where none are stored.

    Raises
    ------
    ManifestError
        A file that cannot be read.
    """
    path = _place()
    return dict(_read(path, path.stat().st_mtime_ns)) if path.is_file() else {}


def store_fingerprints(fingerprints: Mapping[str, Fingerprint]) -> Path:
    """Write the fingerprints of all twins beside the manifest, one line an array, so that a diff shows what moved."""
    return write_whole(_place(), _lines(fingerprints, depth=3) + "\n")


def take_fingerprint(paths: Iterable[Path]) -> Fingerprint:
    """The fingerprint of recorded files, each number to a tenth of what it may differ by.

    Parameters
    ----------
    paths : .dat (Quantum Design), .tif, .hspy, or text

    Raises
    ------
    ValueError
        A file that cannot be read.
    """
    return {
        path.name: {
            label: {
                name: found.rounded() if isinstance(found, _Numbers) else found
                for name, found in statistics.items()
            }
            for label, statistics in _described(path).items()
        }
        for path in paths
    }


def compare_fingerprint(stored: Fingerprint, paths: Iterable[Path]) -> list[str]:
    """A sentence for all that recorded files say otherwise than a stored fingerprint; none if they are the same.

    Shapes, words and gaps have to be equal, numbers within `TOLERANCE` of the standard errors of what was recorded.
    """
    found = {path.name: _described(path) for path in paths}
    lines = _unmatched("", stored, found)
    for file in [file for file in stored if file in found]:
        lines += _unmatched(f"{file}, ", stored[file], found[file])
        for label in [label for label in stored[file] if label in found[file]]:
            place, before, now = f"{file}, {label}", stored[file][label], found[file][label]
            lines += _unmatched(f"{place}, ", before, now)
            lines += [_moved(f"{place}, {name}", before[name], now[name]) for name in before if name in now]
    return [line for line in lines if line]


def _unmatched(place: str, stored: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    gone = [f"{place}{name}: stored, and not recorded" for name in stored if name not in found]
    return gone + [f"{place}{name}: recorded, and not stored" for name in found if name not in stored]


def _moved(place: str, stored: Any, found: "_Numbers | str | list[int] | int") -> str:
    """A sentence, or nothing where both are the same."""
    if not isinstance(found, _Numbers):
        return "" if stored == found else f"{place}: {stored} stored, {found} recorded"
    before = np.array(stored, float)
    if before.shape != found.values.shape:
        return f"{place}: {before.size} stored, {found.values.size} recorded"
    step = np.abs(found.values - before)
    if np.all(step <= found.within):
        return ""
    worst = int(np.argmax(step / np.maximum(found.within, 1e-300)))
    which = f" {worst + 1} of {before.size}" if before.size > 1 else ""
    value, within = found.values[worst], found.within[worst]
    return f"{place}{which}: {before[worst]:.7g} stored, {value:.7g} recorded, the same within {within:.1g}"


def _place() -> Path:
    return manifest_entries.MANIFEST.with_name("data_fingerprints.json")


@functools.lru_cache(maxsize=8)
def _read(path: Path, changed: int) -> dict[str, Fingerprint]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(entry, dict) for files in content.values() for entry in files.values()):
            raise ValueError("it is not twins with their files")
        return dict(content)
    except (OSError, ValueError, AttributeError) as problem:
        raise ManifestError(
            f"{path.name} cannot be read ({problem}); `{COMMAND}` writes it, or take it from the repository"
        ) from None


def _lines(content: Any, depth: int) -> str:
    """JSON with a line for each entry of the outermost `depth` levels."""
    if not depth or not content:
        return json.dumps(content, ensure_ascii=False)
    indent = " " * (4 - depth)
    entries = [
        f"{indent}{json.dumps(key, ensure_ascii=False)}: {_lines(value, depth - 1)}"
        for key, value in content.items()
    ]
    return "{\n" + ",\n".join(entries) + f"\n{indent[1:]}}}"


# ---- the numbers of an array


@dataclass(frozen=True)
class _Numbers:
    """Statistics of one kind, and what each may differ by; shape (n,)."""

    values: Array
    within: Array

    def rounded(self) -> list[float]:
        """To a tenth of what they may differ by, or better; whole numbers where that is ten or more."""
        digits = np.ceil(-np.log10(np.maximum(self.within, 1e-300))) + 1
        return [
            round(float(value), int(min(count, 300)) if count > 0 else None)
            for value, count in zip(self.values, digits, strict=True)
        ]


def _numbers(pairs: Iterable[tuple[float, float]]) -> _Numbers:
    values, within = zip(*pairs, strict=True)
    return _Numbers(np.array(values, float), np.array(within, float))


def _statistics(values: NDArray[Any]) -> dict[str, Any]:
    """Of an array of numbers; gaps (NaN) are counted and left out."""
    found: dict[str, Any] = {"shape": list(values.shape)}
    resolution = 1.0 if values.dtype.kind in "iu" else 0.0
    x = values.astype(float)
    here = np.isfinite(x)
    if not here.all():
        found["gaps"] = int(np.sum(~here))
    flat = np.sort(values[here], kind="stable").astype(float)  # small integers are sorted fastest so
    if not flat.size:
        return found
    if np.ptp(flat) <= PRECISION * np.abs(flat).max():
        return found | {"constant": _numbers([(flat.mean(), PRECISION * np.abs(flat).max())])}
    noise = _Noise(x, resolution)
    along = {axis: noise.parts(axis) for axis in range(x.ndim) if x.shape[axis] > 1}
    # Noise need not be the same everywhere: that of all is the mean of what the parts have.
    single = float(np.sqrt(np.mean([sigma**2 for _, sigma in along[min(along)]])))
    mean, within = _mean(x, single)
    least = max(resolution, PRECISION * _rms(flat))
    found |= {
        "mean": _numbers([(mean, within)]),
        "deviation": _numbers([(flat.std(), within)]),
        "quantiles": _numbers(_quantile(flat, share, single, least) for share in QUANTILES),
        # A value stands in two steps, so that their mean has at most √2 of the error.
        "steps": _numbers(_mean(np.abs(np.diff(x, axis=axis)), np.sqrt(2) * single) for axis in along),
    }
    for axis, parts in along.items():
        found[f"parts along {axis}"] = _numbers(_mean(part, sigma) for part, sigma in parts)
    return found


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))


class _Noise:
    """Scatter of single readings, from second differences along the last axis: slopes are none, edges are rare."""

    def __init__(self, values: Array, resolution: float) -> None:
        self.values, self.resolution = values, resolution
        if values.shape[-1] > 2:
            squares = np.diff(values, 2, axis=-1) ** 2 / 6
            self._squares = np.pad(squares, [(0, 0)] * (values.ndim - 1) + [(1, 1)], mode="edge")
        else:
            self._squares = (values - np.nanmean(values)) ** 2

    def parts(self, axis: int) -> list[tuple[Array, float]]:
        """The values of each part along an axis, and their scatter."""
        count = min(PARTS, self.values.shape[axis])
        cut = (np.array_split(each, count, axis=axis) for each in (self.values, self._squares))
        return [(part, self._scatter(squares)) for part, squares in zip(*cut, strict=True)]

    def _scatter(self, squares: Array) -> float:
        thinned = squares.ravel()[:: max(1, squares.size // READINGS)]
        seen = thinned[np.isfinite(thinned)]
        variance = float(np.median(seen)) / MEDIAN_OF_SQUARES if seen.size else 0.0
        return float(np.sqrt(variance + self.resolution**2 / 12))


def _mean(part: Array, sigma: float) -> tuple[float, float]:
    here = part[np.isfinite(part)]
    if not here.size:
        return 0.0, 0.0
    return float(here.mean()), max(TOLERANCE * sigma / np.sqrt(here.size), PRECISION * _rms(here))


def _quantile(ordered: Array, share: float, sigma: float, least: float) -> tuple[float, float]:
    """With the error that noise leaves: that of one reading over the root of how many lie so near."""
    at = float(ordered[round(share * (ordered.size - 1))])
    near = np.searchsorted(ordered, at + sigma, "right") - np.searchsorted(ordered, at - sigma, "left")
    return at, max(TOLERANCE * sigma / float(np.sqrt(max(int(near), 1))), least)


# ---- what a file holds


def _described(path: Path) -> dict[str, dict[str, Any]]:
    """Statistics of each array in a file, and the words and numbers of the text beside them."""
    found = {}
    for label, content in _READERS.get(path.suffix.lower(), _text)(path):
        if isinstance(content, str):
            found[label] = _words(content)
        elif content.dtype.kind in "fiub":
            found[label] = _statistics(np.atleast_1d(content))
        else:
            found[label] = {"words": _digest(json.dumps(content.tolist(), default=str))}
    return found


def _words(text: str) -> dict[str, Any]:
    numbers = [float(number) for number in DECIMAL.findall(text)]
    found: dict[str, Any] = {"words": _digest(DECIMAL.sub("#", text))}
    if numbers:
        found["numbers"] = _numbers((value, PRECISION * abs(value)) for value in numbers)
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _quantum_design(path: Path) -> Iterator[tuple[str, str | NDArray[Any]]]:
    """Columns, and the header without the times."""
    dataset = read_dat(path)
    header = {key: value for key, value in dataset.attrs["header"].items() if "TIME" not in key.upper()}
    yield "header", _json([dataset.attrs["instrument"], header])
    for name, column in dataset.variables.items():
        yield f"{name} ({column.attrs.get('units', '')})", column.values


def _tiff(path: Path) -> Iterator[tuple[str, str | NDArray[Any]]]:
    """Pixels of all pages, their size, and what the first page says."""
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        steps, _ = tiff_scale(tiff, path)
        yield "description", _json([tiff.pages[0].description, {name: steps[name] for name in sorted(steps)}])
        pixels = np.array([page.asarray() for page in tiff.pages])
    if 1 < len(pixels) <= SERIES:
        yield from ((f"page {number} ({pixels.dtype})", page) for number, page in enumerate(pixels, 1))
    else:
        yield f"pixels ({pixels.dtype})", pixels[0] if len(pixels) == 1 else pixels


def _hspy(path: Path) -> Iterator[tuple[str, str | NDArray[Any]]]:
    """Every array by its place in the file, and all attributes."""
    import h5py

    with h5py.File(path, "r") as file:
        found: dict[str, Any] = {"/": file}
        file.visititems(found.__setitem__)
        yield "attributes", _json([[name, dict(found[name].attrs)] for name in sorted(found)])
        for name in sorted(found):
            if isinstance(found[name], h5py.Dataset):
                yield name, np.asarray(found[name][()])


def _text(path: Path) -> Iterator[tuple[str, str | NDArray[Any]]]:
    """Rows of more than `SHORT_ROW` numbers as arrays, and the rest."""
    text = path.read_text(encoding="utf-8")
    one = rf"(?:{DECIMAL.pattern}|{WHOLE})"
    row = rf"(?:{one}[\s,;]+){{{SHORT_ROW},}}{one}"
    yield "text", re.sub(row, "", text)
    for number, found in enumerate(re.findall(row, text), 1):
        yield f"row {number}", np.array(re.split(r"[\s,;]+", found), float)


def _json(content: object) -> str:
    return json.dumps(
        content,
        sort_keys=True,
        ensure_ascii=False,
        default=lambda value: getattr(value, "tolist", value.__str__)(),
    )


_READERS = {".dat": _quantum_design, ".tif": _tiff, ".tiff": _tiff, ".hspy": _hspy}
