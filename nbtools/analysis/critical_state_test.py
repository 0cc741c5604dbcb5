"""One test of the critical state from everything that separates it from creep, metal, Kim's state and grains."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from nbtools.analysis.ac_curves import AcCurve, as_curves
from nbtools.analysis.creep_shift import in_millikelvin, weighted_slope
from nbtools.analysis.critical_current import peak_of
from nbtools.analysis.current_profile import grain_share, log_full_field
from nbtools.analysis.rectangles import CivaleTest
from nbtools.models.ac_worlds import AcWorld, rival_worlds
from nbtools.physics.bean_state import loss_peak
from nbtools.units import Quantity

Array = NDArray[np.float64]
CLASSES = {"linear": (0.36, 0.44), "critical state": (0.20, 0.25)}
HEIGHT_ERROR = 0.003  # of χ'': normalisation and phase
ALLOWED_GRAINS = 0.1
SIGNIFICANCE = 0.01


@dataclass(frozen=True)
class CriticalStateTest:
    """What each observation says of Bean's state, and of the worlds that might pass for it.

    heights : loss peak over what the grains leave, by amplitude; expected_height : Bean's
    shift_per_decade : of half screening with frequency (K), NaN without several frequencies
    height_slope : of the peak height per decade of frequency
    bias_shift : half screening in the dc field minus without, at one amplitude (K), NaN without both
    grain_share : screened without loss, whatever the amplitude
    exponents : (temperature, n) from the shift at several levels; a lower bound where no shift is seen
    p_values : of Bean's state by observation; p_value : their smallest times their number
    excluded : for each wrong world the probability of what was seen; small speaks against it
    """

    heights: tuple[Quantity, ...]
    expected_height: float
    shift_per_decade: Quantity
    height_slope: Quantity
    bias_shift: Quantity
    grain_share: float
    p_values: Mapping[str, float]
    excluded: Mapping[str, float]
    missing: tuple[str, ...]

    @property
    def p_value(self) -> float:
        known = [p for p in self.p_values.values() if np.isfinite(p)]
        return float(min(1.0, len(known) * min(known))) if known else float("nan")

    @property
    def passes(self) -> bool:
        """Bean's state is not rejected at 1 %."""
        return not self.p_value < SIGNIFICANCE

    @property
    def verdict(self) -> str:
        if not self.passes:
            return "not a critical state"
        open_ = [name for name, p in self.excluded.items() if p > 0.05]
        return "critical state" if not open_ else "critical state, not told from " + ", ".join(open_)

    def __str__(self) -> str:
        heights = ", ".join(map(str, self.heights))
        ps = ", ".join(f"{name} {_p(p)}" for name, p in self.p_values.items())
        rivals = ", ".join(f"{name} {_p(p)}" for name, p in self.excluded.items())
        return (
            f"loss peaks {heights} (Bean {self.expected_height:.3f}), grains {self.grain_share:.3f}\n"
            f"half screening moves {in_millikelvin(self.shift_per_decade)} per decade of frequency, "
            f"{in_millikelvin(self.bias_shift)} with the dc field\n"
            f"p of Bean's state: {ps}; together {_p(self.p_value)}\n"
            f"p of the others: {rivals}\n{self.verdict}"
        )


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
    curves : one frequency and dc field, several amplitudes; as `civale_test` takes them
    frequency_curves : one amplitude, several frequencies, in no dc field: `AcCurve`s
    rectangles : the result of `civale_test` on `curves`
    temperature_uncertainty : of each curve's thermometer (K)
    with_rivals : whether the wrong worlds are held against the observations, too
    """
    ordered, others = as_curves(curves), as_curves(frequency_curves)
    seen = _observe(ordered, others, temperature_uncertainty)
    share = float(np.median([grain_share(curve) for curve in ordered]))
    expected = loss_peak(geometry)[1]  # type: ignore[arg-type]
    bean = {
        "heights": np.full(len(seen["heights"]), expected),
        "shift": np.zeros(1),
        "slope": np.zeros(1),
        "bias": np.zeros(1),
        "grains": np.zeros(1),
    }
    p_values = {name: _p_of(seen[name], bean[name]) for name in seen}
    p_values["grains"] = 1.0 if share < ALLOWED_GRAINS else 0.0
    if rectangles is not None:
        p_values["rectangles"] = rectangles.p_value
    settings = (ordered, others, seen, share, temperature_uncertainty, geometry)
    excluded = _rivals(*settings) if with_rivals else {}
    missing = tuple(name for name, p in p_values.items() if not np.isfinite(p))
    return CriticalStateTest(
        tuple(seen["heights"]),
        expected,
        _first(seen["shift"]),
        _first(seen["slope"]),
        _first(seen["bias"]),
        share,
        p_values,
        excluded,
        missing,
    )


def classify_height(height: float) -> str:
    """What a loss peak of this height can be: linear conductor, critical state, or creep between them."""
    for name, (low, high) in CLASSES.items():
        if low <= height <= high:
            return name
    return "creep" if CLASSES["critical state"][1] < height < CLASSES["linear"][0] else "none of these alone"


def _observe(curves: list[AcCurve], others: list[AcCurve], error: float) -> dict[str, list[Quantity]]:
    with_loss = [curve for curve in curves if curve.out_of_phase is not None]
    heights = []
    for curve in with_loss:
        height, share = peak_of(curve)[1], grain_share(curve)
        left = 1 - min(share, ALLOWED_GRAINS)
        heights.append(Quantity(height / left, float(np.hypot(height.uncertainty, HEIGHT_ERROR))))
    shift: list[Quantity] = []
    slope: list[Quantity] = []
    bias: list[Quantity] = []
    if len({curve.frequency for curve in others}) > 1:
        decades = np.log10([curve.frequency for curve in others])
        shift = [weighted_slope([_half(curve, error) for curve in others], decades)]
        tops = [peak_of(curve)[1].widened(HEIGHT_ERROR) for curve in others if curve.out_of_phase is not None]
        slope = [weighted_slope(tops, decades)] if len(tops) == len(others) else []
    for curve in curves:
        twin = [o for o in others if _same(o, curve) and abs(o.bias - curve.bias) > 50.0]
        if twin and not bias:
            one, two = _half(curve, error), _half(twin[0], error)
            bias = [Quantity(one - two, float(np.hypot(one.uncertainty, two.uncertainty)), "K")]
    return {"heights": heights, "shift": shift, "slope": slope, "bias": bias}


def _rivals(
    curves: list[AcCurve],
    others: list[AcCurve],
    seen: dict[str, list[Quantity]],
    share: float,
    error: float,
    geometry: str,
) -> dict[str, float]:
    """The same observations on noise-free curves of each wrong world with the data's own J_c(T)."""
    halves = [float(_half(curve, error)) for curve in curves]
    found = {}
    reference = (curves[len(curves) // 2].amplitude, curves[0].frequency if curves[0].frequency > 0 else 10.0)
    for name, world in rival_worlds(float(np.nanmin(halves)), float(np.nanmax(halves)) + 0.3).items():
        current = log_full_field(curves, geometry, exponent=world.exponent, reference=reference[0])
        settings = (world, current, reference, geometry, share, abs(curves[0].bias))
        theirs = _observe(
            [_clean(c, *settings) for c in curves], [_clean(c, *settings) for c in others], error
        )
        pairs = [(o, e) for key in seen for o, e in zip(seen[key], theirs[key], strict=False)]
        if world.grain_share > 0 or share > ALLOWED_GRAINS:
            pairs.append((Quantity(share, 0.02), Quantity(world.grain_share)))
        pairs = [(o, e) for o, e in pairs if np.isfinite(o) and np.isfinite(e)]
        misfit = sum(((float(o) - float(e)) / o.uncertainty) ** 2 for o, e in pairs)
        found[name] = float(chi2.sf(misfit, len(pairs))) if pairs else 1.0
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
