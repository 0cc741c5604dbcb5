"""Curves of ac susceptibility against temperature: from a moment to χ over full screening, smoothed and inverted."""

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.physics.bean_state import bean_susceptibility
from nbtools.physics.creep import creep_susceptibility
from nbtools.results import NotPossible
from nbtools.statistics.noise import mad_sigma
from nbtools.units import Quantity, convert

Array = NDArray[np.float64]
WINDOW = 7  # points of a local parabola
# What counts as one dc field: its own scatter, at least the last place of a reading (A/m) and a share of the field.
FIELD_RESOLUTION = convert(0.1, "Oe", "A/m")
FIELD_SHARE = 0.002
# What counts as one frequency or one amplitude: a share of it.
DRIVE_SHARE = 0.01
LEVELS = (-0.93, -0.07)  # of χ': nearer to its ends the inverse is all noise


@dataclass(frozen=True)
class AcCurve:
    """χ'(T) and χ''(T) at one drive; sorted by temperature.

    temperature, in_phase, out_of_phase : shape (n,), K and susceptibilities on one scale for all curves
    amplitude, frequency, bias : of the drive (A/m, Hz) and the dc field (A/m)
    full_screening : what the lowest temperatures read before the curve was divided by it
    phase : by which the response was turned so that nothing is lost when all is screened (rad)
    lag : of the thermometer between warming and cooling, taken out (K); NaN where one branch was measured
    """

    amplitude: float
    temperature: Array
    in_phase: Array
    out_of_phase: Array | None = None
    frequency: float = np.nan
    bias: float = 0.0
    full_screening: float = -1.0
    phase: float = 0.0
    lag: float = np.nan

    def __post_init__(self) -> None:
        loss = self.in_phase if self.out_of_phase is None else self.out_of_phase
        columns = [np.asarray(c, float).ravel() for c in (self.temperature, self.in_phase, loss)]
        if len({c.size for c in columns}) != 1:
            sizes = ", ".join(str(c.size) for c in columns)
            raise ValueError(f"temperatures, χ' and χ'' have {sizes} values; they must be as many")
        if not self.amplitude > 0:
            raise ValueError(f"the amplitude is {self.amplitude:g}; it must be positive, in A/m")
        good = np.flatnonzero(np.isfinite(columns).all(axis=0))
        order = good[np.argsort(columns[0][good], kind="stable")]
        if order.size < WINDOW:
            raise ValueError(f"a curve has {order.size} usable points; it needs at least {WINDOW}")
        for name, column in zip(("temperature", "in_phase", "out_of_phase"), columns, strict=True):
            value = None if name == "out_of_phase" and self.out_of_phase is None else column[order]
            object.__setattr__(self, name, value)

    @cached_property
    def smooth(self) -> "Smooth":
        """The curve smoothed, kept once it is made."""
        return Smooth(self)

    def shifted(self, kelvin: float) -> "AcCurve":
        """The curve with its temperatures moved."""
        return replace(self, temperature=self.temperature + kelvin)

    def where(self, rows: NDArray[np.bool_]) -> "AcCurve":
        """Some of its points."""
        loss = None if self.out_of_phase is None else self.out_of_phase[rows]
        return replace(
            self, temperature=self.temperature[rows], in_phase=self.in_phase[rows], out_of_phase=loss
        )


def sort_curves(curves: Iterable[AcCurve]) -> list[AcCurve]:
    """By rising amplitude, then frequency."""
    return sorted(curves, key=lambda curve: (curve.amplitude, curve.frequency))


def collect_curves(sweeps: Iterable[Any], *, left_out: dict[str, str] | None = None) -> list[AcCurve]:
    """One normalised curve for each drive of temperature sweeps with an ac moment, warming and cooling combined.

    The level above the transition is taken off (holder, coil); the response is turned so that the coldest points
    lose nothing; it is divided by what the coldest points screen: all curves by that of the one that screens most, if
    they agree within 5 %: a large amplitude is never quite screened.
    Warming and cooling are shifted onto their mean; the shift stays on the curve as its lag.

    Dc fields are one field where they lie within the scatter of their readings. A branch whose points do not make a
    curve is left out; the others stand.

    Parameters
    ----------
    sweeps : with `.along`, `.data`, `.amplitude`, `.frequency`, `.held`, as `find_sweeps` gives them
    left_out : takes the reason for each branch that is left out, by its drive

    Raises
    ------
    NotPossible
        No branch makes a curve; the reason of the first.
    """
    members = list(sweeps)
    biases, amplitudes, frequencies = (
        nearby([getattr(s, name) for s in members], tolerance)
        for name, tolerance in (
            ("held", _field_tolerance(members)),
            ("amplitude", _drive_tolerance),
            ("frequency", _drive_tolerance),
        )
    )
    branches: dict[str, list[AcCurve]] = {}
    reasons = {}
    for sweep, bias, amplitude, frequency in zip(members, biases, amplitudes, frequencies, strict=True):
        drive = {"amplitude": amplitude, "frequency": frequency, "bias": bias}
        try:
            curve = normalise_curve(sweep.along, *_parts(sweep.data), **drive)
            branches.setdefault(str(drive), []).append(curve)
        except ValueError as reason:
            reasons[name_of_drive(amplitude, frequency, bias)] = str(reason)
    curves = [combine_curves(both) for both in branches.values()]
    if left_out is not None:
        left_out |= reasons
    if not curves:
        name, why = next(iter(reasons.items()), ("the files", "no ac sweep came"))
        raise NotPossible(f"{name}: {why}")
    return sorted(
        _share_full_screening(curves), key=lambda curve: (curve.bias, curve.amplitude, curve.frequency)
    )


def name_of_drive(amplitude: float, frequency: float, bias: float) -> str:
    """``1 Oe, 10 Hz, 10 Oe dc``, from A/m and Hz."""
    drive, field = (convert(value, "A/m", "Oe") for value in (amplitude, bias))
    hertz = f"{frequency:.4g} Hz, " if np.isfinite(frequency) else ""
    return f"{drive:.3g} Oe, {hertz}{field:.3g} Oe dc"


def nearby(values: Iterable[float], tolerance: Callable[[float], float]) -> list[float]:
    """Each value's group by its mean: neighbours in order no further apart than the tolerance are one group.

    Parameters
    ----------
    values : any order, shape (n,); NaN is a group of its own
    tolerance : of a value, in its unit

    Returns
    -------
    The mean of its group for each value, in the order given.
    """
    given = np.array([np.nan if v is None else v for v in values], float)
    order = np.argsort(given, kind="stable")
    label, groups = np.zeros(given.size, int), -1
    for place, index in enumerate(order):
        value, before = given[index], given[order[place - 1]] if place else np.nan
        apart = not value - before <= tolerance(value)
        groups += bool(apart and not (np.isnan(value) and np.isnan(before) and place))
        label[index] = groups
    return [float(given[label == label[i]].mean()) for i in range(given.size)]


def _drive_tolerance(value: float) -> float:
    return DRIVE_SHARE * abs(value)


def _field_tolerance(sweeps: list[Any]) -> Callable[[float], float]:
    """Four standard deviations of the field's readings in a sweep, or what a magnet is read to."""
    scatter = [float(np.std(s.data["field"].values)) for s in sweeps if "field" in s.data]
    own = 4 * float(np.median(scatter)) if scatter else 0.0
    return lambda value: max(own, FIELD_RESOLUTION, FIELD_SHARE * abs(value))


def normalise_curve(
    temperature: ArrayLike,
    in_phase: ArrayLike,
    out_of_phase: ArrayLike | None,
    *,
    amplitude: float,
    frequency: float = np.nan,
    bias: float = 0.0,
) -> AcCurve:
    """A curve over its full screening, with zero above the transition; arguments as in `collect_curves`.

    The moments may be in any unit, or a susceptibility already.
    """
    raw = AcCurve(
        amplitude, np.asarray(temperature, float), np.asarray(in_phase, float), _float(out_of_phase)
    )
    loss = np.zeros(raw.in_phase.size) if raw.out_of_phase is None else raw.out_of_phase
    response = raw.in_phase - 1j * loss
    ends = max(3, response.size // 30)
    response = response - np.median(response.real[-ends:]) - 1j * np.median(response.imag[-ends:])
    cold = complex(np.median(response.real[:ends]), np.median(response.imag[:ends]))
    noise = 1.5 * np.median(np.abs(np.diff(response.real)))
    if not cold.real < -5 * noise:
        raise ValueError(
            f"the in-phase part goes from {cold.real:.3g} when coldest to 0 when warmest: nothing is screened"
        )
    phase = 0.0 if raw.out_of_phase is None else float(np.angle(-cold))
    scale = -abs(cold)
    turned = response * np.exp(-1j * phase) / -scale
    lost = None if raw.out_of_phase is None else -turned.imag
    return AcCurve(amplitude, raw.temperature, turned.real, lost, frequency, bias, scale, phase)


def group_curves(curves: list[AcCurve]) -> tuple[list[AcCurve], list[AcCurve]]:
    """Curves of several amplitudes at one frequency and dc field, and of one amplitude at several frequencies.

    Of several such sets the largest; empty where there is none.
    """
    by_amplitude: dict[Any, list[AcCurve]] = {}
    by_frequency: dict[Any, list[AcCurve]] = {}
    biases = nearby([c.bias for c in curves], _field_tolerance([]))
    frequencies = nearby([c.frequency for c in curves], _drive_tolerance)
    amplitudes = nearby([c.amplitude for c in curves], _drive_tolerance)
    for curve, bias, frequency, amplitude in zip(curves, biases, frequencies, amplitudes, strict=True):
        by_amplitude.setdefault((str(frequency), bias), []).append(curve)
        by_frequency.setdefault((str(amplitude), bias), []).append(curve)
    several = [max(groups.values(), key=len, default=[]) for groups in (by_amplitude, by_frequency)]
    drives, hertz = (group if len(group) > 1 else [] for group in several)
    return sorted(drives, key=lambda c: c.amplitude), sorted(hertz, key=lambda c: c.frequency)


def _share_full_screening(curves: list[AcCurve]) -> list[AcCurve]:
    per_amplitude = np.array([curve.full_screening / curve.amplitude for curve in curves])
    most = float(per_amplitude.min())
    if np.any(per_amplitude > 0.95 * most):
        return curves
    shares = per_amplitude / most
    return [
        replace(
            curve,
            in_phase=share * curve.in_phase,
            out_of_phase=None if curve.out_of_phase is None else share * curve.out_of_phase,
            full_screening=most * curve.amplitude,
        )
        for curve, share in zip(curves, shares, strict=True)
    ]


def combine_curves(branches: list[AcCurve]) -> AcCurve:
    """One curve of a warming and a cooling branch: each moved by half the lag between their half-way points."""
    if len(branches) == 1:
        return branches[0]
    halves = [branch.smooth.temperature_at(-0.5) for branch in branches]
    moved = [b.shifted(float(np.mean(halves) - half)) for b, half in zip(branches, halves, strict=True)]
    losses = [b.out_of_phase for b in moved if b.out_of_phase is not None]
    first = branches[0]
    return AcCurve(
        first.amplitude,
        np.concatenate([b.temperature for b in moved]),
        np.concatenate([b.in_phase for b in moved]),
        np.concatenate(losses) if len(losses) == len(moved) else None,
        first.frequency,
        first.bias,
        first.full_screening,
        first.phase,
        float(np.ptp(halves)),
    )


class Smooth:
    """A curve as local parabolas on a dense grid, with its noise; the same weights serve other values at its points.

    Attributes: `grid`; `real`, `loss` (or None) there; `parts`, both with their slopes; `sigma` of both as smoothed.
    """

    def __init__(self, curve: AcCurve) -> None:
        self.curve = curve
        t = curve.temperature
        self.grid = np.linspace(t[0], t[-1], 500)
        self.columns, self.weights = _local_weights(t, self.grid)
        self.gain = np.sqrt((self.weights**2).sum(axis=1))
        given = [values for values in (curve.in_phase, curve.out_of_phase) if values is not None]
        self.real, *loss = (self.smoothed(values) for values in given)
        self.loss = loss[0] if loss else None
        self.noise = [
            _noise(t, values, np.interp(t, self.grid, slope))
            for values, (_, slope) in zip(given, self.parts, strict=True)
        ]

    def replica(self, real: Array, loss: Array | None) -> "Smooth":
        """Another curve with the same temperatures and noise."""
        other = copy(self)
        for derived in ("parts", "sigma", "peak"):
            vars(other).pop(derived, None)
        other.real, other.loss = real, loss
        return other

    @cached_property
    def parts(self) -> list[tuple[Array, Array]]:
        """χ' and χ'', each with its slope."""
        step = self.grid[1] - self.grid[0]
        return [
            (values, np.gradient(values, step)) for values in (self.real, self.loss) if values is not None
        ]

    @cached_property
    def sigma(self) -> list[Array]:
        """Standard deviation of χ' and χ'' on the grid."""
        return [
            self.gain * np.hypot(value, kelvin * slope)
            for (value, kelvin), (_, slope) in zip(self.noise, self.parts, strict=True)
        ]

    @cached_property
    def peak(self) -> int:
        """Where most is lost."""
        return 0 if self.loss is None else int(np.argmax(self.loss))

    def smoothed(self, values: Array) -> Array:
        """Other values at the same temperatures, on the grid."""
        return np.asarray((values[self.columns] * self.weights).sum(axis=1))

    def temperature_at(self, level: float) -> float:
        """Where χ' passes a level; NaN where it does not."""
        rising = np.maximum.accumulate(self.real)
        if not rising[0] < level < rising[-1]:
            return float("nan")
        return float(np.interp(level, rising, self.grid))

    def crossing(self, level: float, *, temperature_error: float = 0.0) -> Quantity:
        """`temperature_at` with noise, the error of the thermometer included (K)."""
        place = self.temperature_at(level)
        if not np.isfinite(place):
            return Quantity(place, float("nan"), "K")
        slope, sigma = (float(np.interp(place, self.grid, a)) for a in (self.parts[0][1], self.sigma[0]))
        return Quantity(place, sigma / max(abs(slope), 1e-12), "K").widened(temperature_error)


def _parts(data: Any) -> tuple[Array, Array | None]:
    loss = np.asarray(data["ac_out_of_phase"].values) if "ac_out_of_phase" in data else None
    return np.asarray(data["ac_in_phase"].values), loss


def _float(values: ArrayLike | None) -> Array | None:
    return None if values is None else np.asarray(values, float)


def _local_weights(t: Array, grid: Array) -> tuple[NDArray[np.int64], Array]:
    """For each place of the grid its nearest points and their weights in a local parabola (tricube)."""
    count = min(WINDOW, t.size)
    start = np.clip(np.searchsorted(t, grid) - count // 2, 0, t.size - count)
    columns = start[:, None] + np.arange(count)
    away = t[columns] - grid[:, None]
    reach = np.abs(away).max(axis=1, keepdims=True) * 1.15 + 1e-12
    weight = (1 - np.abs(away / reach) ** 3) ** 3
    basis = (away / reach)[..., None] ** np.arange(3)
    normal = np.einsum("gp,gpi,gpj->gij", weight, basis, basis) + 1e-9 * np.eye(3)
    solved = np.linalg.solve(normal, np.broadcast_to(np.eye(3)[0], (grid.size, 3))[..., None])[..., 0]
    return columns, np.einsum("gp,gpi,gi->gp", weight, basis, solved)


def _noise(t: Array, values: Array, slope: Array) -> tuple[float, float]:
    """Standard deviation of the values, and of the temperatures that stand beside them (K).

    Each point against the line through its two neighbours; where the curve is flat the first shows, where it is
    steep the second.
    """
    share = np.divide(t[1:-1] - t[:-2], t[2:] - t[:-2], out=np.full(t.size - 2, 0.5), where=t[2:] > t[:-2])
    rest = values[1:-1] - (1 - share) * values[:-2] - share * values[2:]
    rest = rest / np.sqrt(1 + share**2 + (1 - share) ** 2)
    steep = np.abs(slope[1:-1])
    of_value = mad_sigma(rest[steep <= np.quantile(steep, 0.4)])
    some = steep >= 0.3 * steep.max()
    in_kelvin = np.divide(rest, steep, out=np.zeros_like(rest), where=steep > 0)[some]
    expected = of_value / np.median(steep[some]) if steep.max() > 0 else 0.0
    return of_value, float(np.sqrt(max(mad_sigma(in_kelvin) ** 2 - expected**2, 0.0)))


def response_table(geometry: str, *, exponent: float = np.inf) -> tuple[Array, Array, Array]:
    """ln x, χ', χ'' of Bean's state, for interpolation; of a creep law with finite n, against ln u."""
    log_field = np.linspace(-7.0, 7.0, 561)
    if np.isfinite(exponent):
        u = np.exp(log_field)
        return log_field, *creep_susceptibility(u, exponent, reduced_frequency=1 / u, geometry=geometry)  # type: ignore[arg-type]
    real, loss = bean_susceptibility(np.exp(log_field), geometry)  # type: ignore[arg-type]
    return log_field, real, loss


def log_full_field(
    curves: list[AcCurve], geometry: str, *, exponent: float = np.inf, reference: float = 1.0
) -> Callable[[Array], Array]:
    """ln J_c a (A/m) as a function of temperature: a polynomial through its medians, lines beyond.

    With a finite creep `exponent`, J_c is that at the electric field of the amplitude `reference` (A/m).

    Raises
    ------
    ValueError
        Curves of which too few points lie in the transition.
    """
    points = [invert_curve(curve, geometry, exponent, reference) for curve in curves]
    temperature, value = (np.concatenate(column) for column in zip(*points, strict=True))
    if temperature.size < 8:
        raise ValueError(
            f"{temperature.size} points lie between χ' = {LEVELS[0]:g} and {LEVELS[1]:g}; at least 8 are needed"
        )
    order = np.argsort(temperature, kind="stable")
    parts = np.array_split(order, int(np.clip(temperature.size // 4, 4, 40)))
    place = np.array([np.median(temperature[part]) for part in parts])
    level = np.array([np.median(value[part]) for part in parts])
    # Smooth, so that no kink of it passes for a mismatch: a polynomial inside, straight lines beyond.
    line = np.polynomial.Chebyshev.fit(place, level, min(5, place.size - 2))
    ends = place[[0, -1]]
    slopes = np.minimum(line.deriv()(ends), -1e-3)

    def of(t: Array) -> Array:
        inside = line(np.clip(t, *ends))
        beyond = slopes[0] * np.minimum(t - ends[0], 0) + slopes[1] * np.maximum(t - ends[1], 0)
        return np.asarray(inside + beyond)

    return of


def invert_curve(
    curve: AcCurve, geometry: str, exponent: float = np.inf, reference: float = 1.0
) -> tuple[Array, Array]:
    """Temperatures and ln J_c a of the points inside the transition; what grains screen by themselves is set aside."""
    log_field, real, _ = response_table(geometry, exponent=exponent)
    share = grain_share(curve)
    between = (curve.in_phase + share) / (1 - share)
    inside = (between > LEVELS[0]) & (between < LEVELS[1])
    x = np.interp(between[inside], real, log_field)
    drive = np.log(curve.amplitude / reference) / exponent
    return curve.temperature[inside], np.log(curve.amplitude) - x - drive


def grain_share(curve: AcCurve) -> float:
    """What is screened without loss: −χ' at the temperature above the loss peak where χ'' has fallen to 5 % of it.

    In Bean's state less than 0.2 % are left there. 0 for a curve without χ'' or whose peak does not end.
    """
    if curve.out_of_phase is None:
        return 0.0
    smooth = curve.smooth
    assert smooth.loss is not None
    gone = np.flatnonzero(smooth.loss[smooth.peak :] < 0.05 * smooth.loss[smooth.peak])
    return float(np.clip(-smooth.real[smooth.peak + gone[0]], 0.0, 0.8)) if gone.size else 0.0
