"""The critical state tested by all that separates it from creep, metal, Kim's state and grains; the creep exponent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit
from scipy.stats import chi2

from nbtools.ac_susceptibility.current import peak_of
from nbtools.ac_susceptibility.curves import AcCurve, grain_share, log_full_field, sort_curves
from nbtools.ac_susceptibility.model_worlds import AcWorld, rival_worlds
from nbtools.ac_susceptibility.rectangles import CivaleTest
from nbtools.physics.bean_state import loss_peak
from nbtools.results import NotPossible
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
HEIGHT_ERROR = 0.003  # of χ'': normalisation and phase
ALLOWED_GRAINS = 0.1
TESTED = ("heights", "shift", "slope", "bias")  # what is held against each world
SIGNIFICANCE = 0.01
GRAIN_ERROR = 0.02  # of the share that grains screen: normalisation and where the loss ends


@dataclass(frozen=True, repr=False)
class CriticalStateTest(StudyResult):
    """What each observation says of Bean's state, and of the worlds that might pass for it.

    Attributes
    ----------
    heights : loss peak over what the grains leave, by amplitude
    expected_height : Bean's
    shift_per_decade : of half screening with frequency (K), NaN without several frequencies
    height_slope : of the peak height per decade of frequency
    width_slope : of the distance between 20 % and 80 % screening per decade of frequency (K)
    bias_shift : half screening in the dc field minus without, at one amplitude (K), NaN without both
    grain_share : screened without loss, whatever the amplitude
    p_values : of Bean's state by observation, NaN where there is none
    p_value : their smallest times their number
    excluded : for each wrong world the probability of what was seen; small speaks against it
    """

    heights: tuple[Quantity, ...]
    expected_height: float
    shift_per_decade: Quantity
    height_slope: Quantity
    width_slope: Quantity
    bias_shift: Quantity
    grain_share: Quantity
    p_values: Mapping[str, float]
    excluded: Mapping[str, float]

    @property
    def p_value(self) -> float:
        known = [p for p in self.p_values.values() if np.isfinite(p)]
        return float(min(1.0, len(known) * min(known))) if known else float("nan")

    @property
    def granular(self) -> bool:
        """Whether more is screened by grains alone than 10 %, by two standard deviations."""
        return bool(self.grain_share - 2 * self.grain_share.uncertainty > ALLOWED_GRAINS)

    @property
    def passes(self) -> bool:
        """Bean's state is not rejected at 1 %, and not one part of the sample screens by itself."""
        return not self.p_value < SIGNIFICANCE and not self.granular

    @property
    def verdict(self) -> str:
        if not np.isfinite(self.p_value):
            return "not discriminating"
        if not self.passes:
            return "not a critical state"
        open_ = [name for name, p in self.excluded.items() if not p <= 0.05]
        return "critical state" if not open_ else "critical state, not told from " + ", ".join(open_)

    def rows(self) -> list[Row]:
        bean = f"top of χ''; Bean's {self.expected_height:.3f}"
        rows = [
            Row(f"loss peak over full screening, amplitude {i + 1}", height, bean, f"peak_height_{i}")
            for i, height in enumerate(self.heights)
        ]
        per = "per decade of frequency"
        rows += [
            Row("half screening moves", self.shift_per_decade, per, "shift_per_decade", "mK"),
            Row("the loss peak grows", self.height_slope, per, "height_per_decade"),
            Row(
                "the transition broadens", self.width_slope, f"20 % to 80 %, {per}", "width_per_decade", "mK"
            ),
            Row("half screening moves", self.bias_shift, "with the dc field", "bias_shift", "mK"),
            Row("screened by grains alone", self.grain_share, "χ' where the loss has ended", "grain_share"),
        ]
        return [row for row in rows if np.isfinite(row.quantity)]

    def notes(self) -> list[str]:
        ours = ", ".join(f"{name} {_p(p)}" for name, p in self.p_values.items())
        said = [f"p of Bean's state: {ours}; together {_p(self.p_value)}"]
        if self.excluded:
            said.append(
                "p of the other worlds: " + ", ".join(f"{name} {_p(p)}" for name, p in self.excluded.items())
            )
        return [*said, self.verdict]


def check_critical_state(
    curves: Any,
    frequency_curves: Any = (),
    *,
    rectangles: CivaleTest | None = None,
    temperature_uncertainty: float = 0.003,
    geometry: str = "square_bar",
    with_rivals: bool = True,
) -> CriticalStateTest:
    """Height of the loss peak, shift with frequency, shift with the dc field and the rectangles, together.

    Parameters
    ----------
    curves : one frequency and dc field, several amplitudes
    frequency_curves : one amplitude, several frequencies, in no dc field: `AcCurve`s
    rectangles : the result of `civale_test` on `curves`
    temperature_uncertainty : of each curve's thermometer (K)
    with_rivals : whether the wrong worlds are held against the observations, too
    """
    ordered, others = sort_curves(curves), sort_curves(frequency_curves)
    if not ordered:
        raise NotPossible("no curve came; the test needs one amplitude at least, better three")
    seen = _observe(ordered, others, temperature_uncertainty)
    share = Quantity(float(np.median([grain_share(curve) for curve in ordered])), GRAIN_ERROR)
    expected = loss_peak(geometry)[1]  # type: ignore[arg-type]
    bean = {
        "heights": np.full(len(seen["heights"]), expected),
        "shift": np.zeros(1),
        "slope": np.zeros(1),
        "bias": np.zeros(1),
    }
    p_values = {name: _p_of(seen[name], expectation) for name, expectation in bean.items()}
    if rectangles is not None:
        p_values["rectangles"] = rectangles.p_value
    settings = (ordered, others, seen, share, temperature_uncertainty, geometry)
    excluded = _rivals(*settings) if with_rivals else {}
    return CriticalStateTest(
        tuple(seen["heights"]),
        expected,
        _first(seen["shift"]),
        _first(seen["slope"]),
        _first(seen["width"]),
        _first(seen["bias"]),
        share,
        p_values,
        excluded,
    )


def _observe(curves: list[AcCurve], others: list[AcCurve], error: float) -> dict[str, list[Quantity]]:
    with_loss = [curve for curve in curves if curve.out_of_phase is not None]
    heights = []
    for curve in with_loss:
        height, share = peak_of(curve)[1], grain_share(curve)
        left = 1 - min(share, ALLOWED_GRAINS)
        heights.append(Quantity(float(height) / left, height.uncertainty).widened(HEIGHT_ERROR))
    shift: list[Quantity] = []
    slope: list[Quantity] = []
    width: list[Quantity] = []
    bias: list[Quantity] = []
    if len({curve.frequency for curve in others}) > 1:
        decades = np.log10([curve.frequency for curve in others])
        shift = [weighted_slope([_half(curve, error) for curve in others], decades)]
        tops = [peak_of(curve)[1].widened(HEIGHT_ERROR) for curve in others if curve.out_of_phase is not None]
        slope = [weighted_slope(tops, decades)] if len(tops) == len(others) else []
        ends = [(curve.smooth.crossing(-0.2), curve.smooth.crossing(-0.8)) for curve in others]
        width = [weighted_slope([warm - cold for warm, cold in ends], decades)]
    for curve in curves:
        twin = [o for o in others if _same(o, curve) and abs(o.bias - curve.bias) > 50.0]
        if twin and not bias:
            one, two = _half(curve, error), _half(twin[0], error)
            bias = [one - two]
    return {"heights": heights, "shift": shift, "slope": slope, "width": width, "bias": bias}


def _rivals(
    curves: list[AcCurve],
    others: list[AcCurve],
    seen: dict[str, list[Quantity]],
    share: Quantity,
    error: float,
    geometry: str,
) -> dict[str, float]:
    """The same observations on noise-free curves of each wrong world with the data's own J_c(T)."""
    halves = [float(_half(curve, error)) for curve in curves]
    found = {}
    reference = (curves[len(curves) // 2].amplitude, curves[0].frequency if curves[0].frequency > 0 else 10.0)
    for name, world in rival_worlds(float(np.nanmin(halves)), float(np.nanmax(halves)) + 0.3).items():
        current = log_full_field(curves, geometry, exponent=world.exponent, reference=reference[0])
        settings = (world, current, reference, geometry, float(share), abs(curves[0].bias))
        theirs = _observe(
            [_clean(c, *settings) for c in curves], [_clean(c, *settings) for c in others], error
        )
        pairs = [(o, e) for key in TESTED for o, e in zip(seen[key], theirs[key], strict=False)]
        if world.grain_share > 0 or share > ALLOWED_GRAINS:
            pairs.append((share, Quantity(world.grain_share)))
        pairs = [(o, e) for o, e in pairs if np.isfinite(o) and np.isfinite(e)]
        misfit = sum(((float(o) - float(e)) / o.uncertainty) ** 2 for o, e in pairs)
        found[name] = float(chi2.sf(misfit, len(pairs))) if pairs else float("nan")
    return found


def _clean(
    curve: AcCurve,
    world: AcWorld,
    current: Any,
    reference: tuple[float, float],
    geometry: str,
    share: float,
    bias: float,
) -> AcCurve:
    t = np.linspace(curve.temperature[0], curve.temperature[-1], 400)
    full = np.exp(np.clip(current(t), -30, 40))
    if np.isfinite(world.kim_field):  # J_c was read in the field of the curves
        full = full * (1 + bias / world.kim_field)
    frequency = curve.frequency if curve.frequency > 0 else reference[1]
    real, loss = world.susceptibility(
        t, curve.amplitude, full, frequency=frequency, bias=curve.bias, reference=reference, geometry=geometry
    )
    alone = share if world.grain_share == 0 else 0.0
    real, loss = -alone + (1 - alone) * real, (1 - alone) * loss
    return AcCurve(curve.amplitude, t, real, loss, frequency, curve.bias)


def _half(curve: AcCurve, error: float) -> Quantity:
    return curve.smooth.crossing(-0.5, temperature_error=error)


def _same(one: AcCurve, other: AcCurve) -> bool:
    return abs(one.amplitude / other.amplitude - 1) < 0.03 and abs(one.frequency / other.frequency - 1) < 0.03


def _p_of(seen: list[Quantity], expected: Array) -> float:
    known = [(o, e) for o, e in zip(seen, expected, strict=False) if np.isfinite(o)]
    if not known:
        return float("nan")
    return float(chi2.sf(sum(((float(o) - e) / o.uncertainty) ** 2 for o, e in known), len(known)))


def _first(found: list[Quantity]) -> Quantity:
    return found[0] if found else Quantity(float("nan"), float("nan"))


def _p(value: float) -> str:
    return "unknown" if not np.isfinite(value) else "< 0.001" if value < 1e-3 else f"{value:.2g}"


# Shift with frequency -------------------------------------------------------------------------


@dataclass(frozen=True)
class CreepExponent:
    """n at one level from its shift per decade of frequency (K); where none is resolved `lower_bound`, at 95 %."""

    temperature: float
    shift: Quantity
    exponent: Quantity
    lower_bound: float


def estimate_creep_exponents(
    frequency_curves: Any,
    log_slope: Any,
    *,
    levels: Any = (0.97, 0.94, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1),
    temperature_uncertainty: float = 0.003,
) -> list[CreepExponent]:
    """n(T) from curves at several frequencies: a level moves by ΔT = 1/(n |d log₁₀ J_c/dT|) per decade.

    Parameters
    ----------
    frequency_curves : `AcCurve`s of one amplitude
    log_slope : function of temperature giving ln J_c, or a number, |d log₁₀ J_c/dT| (1/K)
    levels : shares of the full screening
    """
    ordered = sorted(sort_curves(frequency_curves), key=lambda curve: curve.frequency)
    if len({curve.frequency for curve in ordered}) < 2:
        raise ValueError("the curves have one frequency; a shift needs two or more")
    smooth = [curve.smooth for curve in ordered]
    found = []
    for level in levels:
        places = [one.crossing(-level, temperature_error=temperature_uncertainty) for one in smooth]
        shift = weighted_slope(places, np.log10([curve.frequency for curve in ordered]))
        if not np.isfinite(shift):
            continue  # a level that one of the curves does not pass
        centre = float(np.mean(places))
        if callable(log_slope):
            ends = np.asarray(log_slope(np.array([centre - 0.08, centre + 0.08])))
            steep = abs(float(ends[1] - ends[0])) / 0.16 / np.log(10)
        else:
            steep = float(log_slope)
        if not steep > 0:
            continue
        bound = 1 / (steep * max(float(shift) + 1.645 * shift.uncertainty, 1e-9))
        resolved = shift > 2 * shift.uncertainty
        n = 1 / (steep * float(shift)) if resolved else float("nan")
        sigma = n * shift.uncertainty / float(shift) if resolved else float("nan")
        found.append(CreepExponent(centre, shift, Quantity(n, sigma), bound))
    return sorted(found, key=lambda one: one.temperature)


@dataclass(frozen=True, repr=False)
class CreepStudy(StudyResult):
    """The creep exponent at several levels of the curves, and the temperature from which frequency matters.

    Attributes
    ----------
    exponents : coldest first
    onset : kink of the shift with frequency (K); NaN where none is seen, or one at every level
    curves : of one amplitude at several frequencies
    """

    exponents: tuple[CreepExponent, ...]
    onset: Quantity
    curves: tuple[AcCurve, ...]

    def rows(self) -> list[Row]:
        rows = [
            Row(
                f"n at {one.temperature:.2f} K", one.exponent, f"moves {in_millikelvin(one.shift)} per decade"
            )
            for one in self.exponents
            if np.isfinite(one.exponent)
        ]
        if np.isfinite(self.onset):
            rows.append(Row("creep sets in", self.onset, "kink of the shift with frequency", "creep_onset"))
        return rows

    def notes(self) -> list[str]:
        bounds = [one for one in self.exponents if not np.isfinite(one.exponent)]
        at = ", ".join(f"{one.lower_bound:.0f} at {one.temperature:.2f} K" for one in bounds)
        return [f"no shift is resolved; n is above (95 %) {at}"] if bounds else []


def estimate_creep_onset(exponents: list[CreepExponent]) -> Quantity:
    """Where the shift per decade leaves zero: the kink of max(0, s(T − T₀)) through the levels (K).

    The levels share the thermometers of the curves, so their common error is put on the answer, not averaged away. NaN
    where no shift is seen, or one at every level.
    """
    t = np.array([one.temperature for one in exponents])
    shift = np.array([float(one.shift) for one in exponents])
    sigma = np.array([one.shift.uncertainty for one in exponents])
    if t.size < 5 or shift[-3:].mean() < 2 * sigma.mean():
        return Quantity(float("nan"), float("nan"), "K")
    if shift[0] > 2 * sigma.mean():
        return Quantity(float("nan"), float("nan"), "K")
    rise = (shift[-1] - shift[0]) / (t[-1] - t[0])
    start = (max(rise, 1e-3), float(t[0]))
    (slope, onset), covariance = curve_fit(
        lambda x, s, t0: s * np.maximum(x - t0, 0.0),
        t,
        shift,
        p0=start,
        sigma=sigma,
        absolute_sigma=True,
        bounds=([1e-4, t[0] - 1.0], [10.0, t[-1]]),
    )
    return Quantity(float(onset), covariance[1, 1] ** 0.5, "K").widened(float(sigma.mean() / slope))


def weighted_slope(values: list[Quantity], at: Array) -> Quantity:
    """Weighted straight line: its slope."""
    y, sigma = np.array([float(v) for v in values]), np.array([v.uncertainty for v in values])
    weight = sigma**-2.0
    centre = np.sum(weight * at) / weight.sum()
    spread = np.sum(weight * (at - centre) ** 2)
    return Quantity(float(np.sum(weight * (at - centre) * y) / spread), float(spread**-0.5), values[0].unit)


def in_millikelvin(kelvin: Quantity) -> str:
    return str(Quantity(1e3 * kelvin, 1e3 * kelvin.uncertainty, "mK")) if np.isfinite(kelvin) else "unknown"
