"""How a phase is spread in space: its share with an honest error, runs along lines, and whether it is isotropic."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtools.statistics.resampling import jackknife_bias, jackknife_error
from nbtools.structure.fractal import checked_phase, cubic_voxel
from nbtools.structure.tiles import checked_lazily
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
Phase = NDArray[np.bool_]

AXES = ("z", "y", "x")
STEP = 3  # voxels along each axis of a diagonal: well under a grain, well over the grid's own steps


@dataclass(frozen=True)
class TwoPointCorrelation:
    """Probability that both ends of a stick of length r lie in the phase, S₂(r), for sticks along each axis.

    Attributes
    ----------
    lags : (R,) r, voxels
    along : (axes, R) S₂ along z, y, x (or y, x); NaN where the array is no longer than r
    fraction : S₂(0), the phase fraction
    """

    lags: np.ndarray
    along: np.ndarray
    fraction: float


def two_point_correlation(binary: Any, lags: Iterable[int]) -> TwoPointCorrelation:
    """S₂ at whole lags along the axes, every pair of voxels counted (no periodic edge); NumPy, Zarr or Dask.

    Torquato, *Random Heterogeneous Materials* (2002), §2.2.
    """
    phase = checked_lazily(binary)
    wanted = np.asarray(list(lags))
    if wanted.size == 0 or wanted.dtype.kind not in "ui" or wanted.min() < 0:
        raise ValueError(f"lags is {lags!r}; whole numbers of voxels from 0 up are expected, as [1, 2, 4, 8]")

    def share(axis: int, lag: int) -> Any:
        if lag >= phase.shape[axis]:
            return np.nan
        begin, end = (
            (slice(None),) * axis + (cut,) for cut in (slice(0, phase.shape[axis] - lag), slice(lag, None))
        )
        return (phase[begin] & phase[end]).mean()

    found = [[share(axis, int(lag)) for lag in wanted] for axis in range(phase.ndim)], phase.mean()
    if not isinstance(phase, np.ndarray):
        import dask

        (found,) = dask.compute(found)  # all in one pass over the array
    along, fraction = found
    return TwoPointCorrelation(wanted, np.array(along, float), float(fraction))


@dataclass(frozen=True, repr=False)
class IsotropyStudy(StudyResult):
    """The texture of the interfaces as an ellipsoid of mean intercept length.

    Attributes
    ----------
    axis_ratio : longest over shortest axis; noise lifts it, which is estimated, taken off, and counted in σ
    intercepts : mean intercept length along each axis of the volume, m, by name
    in_plane : length along y over that along x, within slices, where no alignment can change it
    across_plane : length along z over the mean of y and x; NaN of a section
    correlation : two-point correlation along the axes, at some ten lags up to a third of the field
    voxel_size : m
    """

    axis_ratio: Quantity
    intercepts: dict[str, Quantity]
    in_plane: Quantity
    across_plane: Quantity
    correlation: TwoPointCorrelation
    voxel_size: float

    def rows(self) -> list[Row]:
        how = "fabric tensor of the interfaces"
        rows = [
            Row("longest over shortest axis", self.axis_ratio, how, "axis_ratio"),
            Row("y over x", self.in_plane, how, "in_plane"),
        ]
        if np.isfinite(self.across_plane):
            rows.append(Row("z over both", self.across_plane, how, "across_plane"))
        return rows + [
            Row(f"mean intercept length along {name}", length, "σ from parts of the field", "", "nm")
            for name, length in self.intercepts.items()
        ]

    def notes(self) -> list[str]:
        if not np.isfinite(self.across_plane):
            return []
        return ["lengths along z suffer from the alignment, which makes them look short"]


def phase_share(binary: Any) -> Quantity:
    """The share of a phase; σ from how much the eighths (quarters) of the field differ, not from counting voxels.

    Where one structure fills the field, eighths differ by less than fields would, and σ is a lower bound.

    Source: Lantuéjoul, J. Microsc. 161, 387 (1991): the variance falls with the integral range, not the voxel.
    """
    phase = checked_phase(binary)
    return Quantity(float(phase.mean()), _error_of_mean([float(block.mean()) for block in _eighths(phase)]))


def _error_of_mean(parts: list[float]) -> float:
    """Of a few parts, by Student's t: a scatter seen in four of them is itself uncertain."""
    left_out = [(sum(parts) - part) / (len(parts) - 1) for part in parts]
    return jackknife_error(left_out, student=True)


def estimate_isotropy(binary: Any, *, voxel_size: Any) -> IsotropyStudy:
    """The fabric tensor M of 1/MIL(n)² = n·M·n from interfaces met along axes and face diagonals.

    σ is from the jackknife over eighths (quarters) of the field.

    Parameters
    ----------
    binary : (y, x) or (z, y, x), of the phase
    voxel_size : m, cubic

    Source: Harrigan and Mann, J. Mater. Sci. 19, 761 (1984).
    """
    phase, edge = checked_phase(binary), cubic_voxel(voxel_size)
    parts = np.array([_crossings(block) for block in _eighths(phase)])
    whole = _fabric(_crossings(phase), phase.ndim)
    left_out = [_fabric(np.delete(parts, n, axis=0).mean(axis=0), phase.ndim) for n in range(len(parts))]
    ratio, plane, across = (
        _jackknife(pick(whole), [pick(one) for one in left_out])
        for pick in (_ratio, _in_plane, _across_plane)
    )
    crossings = parts[:, : phase.ndim]
    lengths = edge / crossings.mean(axis=0)
    errors = lengths * [_error_of_mean(c.tolist()) for c in crossings.T] / crossings.mean(axis=0)
    names = AXES[-phase.ndim :]
    lags = np.unique(np.geomspace(1, max(2, min(phase.shape) // 3), 10).astype(int))
    return IsotropyStudy(
        axis_ratio=ratio,
        intercepts={
            n: Quantity(a, b, "m") for n, a, b in zip(names, lengths.tolist(), errors.tolist(), strict=True)
        },
        in_plane=plane,
        across_plane=across,
        correlation=two_point_correlation(phase, lags),
        voxel_size=edge,
    )


def chord_lengths(binary: Any, *, axis: int) -> NDArray[np.int_]:
    """Lengths of all whole runs of the phase along an axis, voxels; those cut by the edge of the field are left out."""
    lines = np.moveaxis(checked_phase(binary), axis, -1)
    padded = np.zeros((lines[..., 0].size, lines.shape[-1] + 2), np.int8)
    padded[:, 1:-1] = lines.reshape(-1, lines.shape[-1])
    steps = np.diff(padded, axis=1)
    _, start = np.nonzero(steps == 1)
    _, end = np.nonzero(steps == -1)
    whole = (start > 0) & (end < lines.shape[-1])
    return np.asarray((end - start)[whole])


def _eighths(phase: Phase) -> list[Phase]:
    halves = [(slice(0, side // 2), slice(side // 2, None)) for side in phase.shape]
    return [phase[cut] for cut in product(*halves)]


def _directions(space: int) -> list[tuple[int, ...]]:
    """The axes, then the face diagonals."""
    axes = [tuple(int(a == b) for b in range(space)) for a in range(space)]
    pairs = [(a, b) for a in range(space) for b in range(a)]
    diagonals = [
        tuple(1 if c == a else sign if c == b else 0 for c in range(space))
        for a, b in pairs
        for sign in (1, -1)
    ]
    return [*axes, *diagonals]


def _crossings(phase: Phase) -> Array:
    """How often one voxel in a pair is of the phase and one is not, per voxel of length: axes, then diagonals.

    All at the length of a diagonal of `STEP`, along the axes between the two whole lengths on either side.
    """
    length = STEP * np.sqrt(2)
    found = []
    for direction in _directions(phase.ndim):
        if sum(map(abs, direction)) == 2:
            found.append(_unlike(phase, [STEP * d for d in direction]) / length)
            continue
        below, above = (_unlike(phase, [n * d for d in direction]) for n in (int(length), int(length) + 1))
        found.append((below + (length - int(length)) * (above - below)) / length)
    return np.array(found)


def _unlike(phase: Phase, shift: list[int]) -> float:
    here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(shift, phase.shape, strict=True))
    there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(shift, phase.shape, strict=True))
    return float(np.mean(phase[here] ^ phase[there]))


def _fabric(crossings: Array, space: int) -> Array:
    """The symmetric tensor whose n·M·n is the square of the crossings along n, by least squares."""
    units = np.array(_directions(space), float)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    pairs = [(a, b) for a in range(space) for b in range(a, space)]
    design = np.array([[n[a] * n[b] * (1 if a == b else 2) for a, b in pairs] for n in units])
    entries = np.linalg.lstsq(design, crossings**2, rcond=None)[0]
    tensor = np.zeros((space, space))
    for (a, b), value in zip(pairs, entries, strict=True):
        tensor[a, b] = tensor[b, a] = value
    return tensor


def _ratio(fabric: Array) -> float:
    values = np.linalg.eigvalsh(fabric)
    return float(np.sqrt(values[-1] / max(values[0], 1e-12)))


def _in_plane(fabric: Array) -> float:
    return float(np.sqrt(fabric[-1, -1] / fabric[-2, -2]))


def _across_plane(fabric: Array) -> float:
    lengths = 1 / np.sqrt(np.diag(fabric))
    return float(lengths[0] / lengths[1:].mean()) if len(lengths) == 3 else float("nan")


def _jackknife(whole: float, left_out: list[float]) -> Quantity:
    """The value less its jackknife bias, and that bias in σ: of a largest and a smallest it is no small part."""
    bias = jackknife_bias(whole, left_out)
    return Quantity(whole - bias, float(np.hypot(jackknife_error(left_out), bias)))
