"""Where resistance returns, in field or in temperature; the law of H_c2(T), and what its choice does to H_c2(0)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import lmfit
import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.cache import cached
from nbtools.physics.domain import require_one_of
from nbtools.physics.superconductor import coherence_length
from nbtools.physics.upper_critical_field import orbital_field, power_law_field, two_band_field
from nbtools.results import NotPossible
from nbtools.statistics.arrays import check_points
from nbtools.statistics.crossing import find_crossing, rough_crossing
from nbtools.statistics.information import aicc
from nbtools.statistics.noise import averaged, noise_of
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
Law = Literal["power", "orbital", "two-band"]
MOST_POINTS = 2000  # of one curve; beyond, neighbours are averaged
STEP = 0.01  # K, over which the slope of H_c2(T) is taken


@dataclass(frozen=True)
class UpperCriticalField:
    """The field where one R(H) curve reaches a share of the normal resistance (A/m)."""

    found: bool
    reason: str
    field: Quantity


def estimate_upper_critical_field(
    field: ArrayLike,
    resistance: ArrayLike,
    *,
    criterion: float = 0.1,
    normal_resistance: float,
    uncertainty: float | None = None,
) -> UpperCriticalField:
    """Field where R(H) crosses `criterion` × `normal_resistance`, at one temperature.

    Parameters
    ----------
    field, resistance : shape (n,), A/m and Ω (or Ω m), one up or down sweep
    criterion : share of the normal resistance, 0 < criterion < 1; the paper takes 0.1
    normal_resistance : the normal state's, extrapolated to this temperature
    uncertainty : one standard deviation of the resistance; by default from the scatter

    Raises
    ------
    ValueError
        A criterion outside (0, 1), a normal resistance that is not positive, or under 6 points.

    Examples
    --------
    A return of resistance in the middle of 3 MA/m, 0.2 MA/m wide, crosses a tenth at 3 − 0.2 ln 9 = 2.56 MA/m:

    >>> h = np.linspace(0, 7e6, 701)
    >>> found = estimate_upper_critical_field(h, 1 / (1 + np.exp(-(h - 3e6) / 2e5)), normal_resistance=1.0)
    >>> f"{found.field / 1e6:.2f}"
    '2.56'
    """
    points = check_points(field=field, resistance=resistance)
    if not 0 < criterion < 1 or not normal_resistance > 0 or len(points.kept) < 6:
        raise ValueError(
            f"criterion {criterion:g}, normal resistance {normal_resistance:.3g} and {len(points.kept)} points came; "
            "0 < criterion < 1, a positive normal resistance and at least 6 points are needed"
        )
    h, r = points.sorted_by(0).columns
    share = r / normal_resistance
    sigma = (uncertainty / normal_resistance if uncertainty else noise_of(h, share)) or 1e-7
    missing = _why_missing(h, share, criterion, sigma)
    if missing:
        return UpperCriticalField(False, missing, Quantity(np.nan, unit="A/m"))
    found = _crossing(h, share, criterion, sigma)
    return UpperCriticalField(
        bool(np.isfinite(found)),
        f"R/R_n crosses {criterion:g} between two measured fields",
        Quantity(found, found.uncertainty, "A/m"),
    )


def collect_upper_critical_fields(
    curves: Iterable[tuple[float, ArrayLike, ArrayLike]],
    in_fields: Iterable[tuple[float, ArrayLike, ArrayLike]] = (),
    *,
    criterion: float = 0.1,
) -> tuple[Array, Array, Array]:
    """T (K), H_c2 and its σ (A/m) of those R/R_n curves that cross `criterion`, coldest first.

    Parameters
    ----------
    curves : of (temperature in K, fields in A/m, R/R_n)
    in_fields : of (field in A/m, temperatures in K, R/R_n); how well the temperature of a crossing is known becomes
        an uncertainty of the field by the slope of a power law through all points

    Raises
    ------
    ValueError
        Curves in fields with too few points for that law.
    """
    points = []
    for temperature, field, share in curves:
        found = estimate_upper_critical_field(field, share, criterion=criterion, normal_resistance=1.0)
        if found.found:
            points.append((temperature, float(found.field), found.field.uncertainty))
    at = [(find_crossing_temperature(t, share, criterion=criterion), h) for h, t, share in in_fields]
    at = [(crossing, h) for crossing, h in at if np.isfinite(crossing)]
    if at:
        t = np.array([point[0] for point in points] + [float(crossing) for crossing, _ in at])
        h = np.array([point[1] for point in points] + [h for _, h in at])
        law = fit_upper_critical_law(t, h)
        for crossing, field in at:
            slope = float(np.ptp(law.predict([crossing - STEP, crossing + STEP]))) / (2 * STEP)
            points.append((float(crossing), field, slope * crossing.uncertainty))
    table = np.array(sorted(points)).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def find_crossing_temperature(
    temperature: ArrayLike, share: ArrayLike, *, criterion: float = 0.1
) -> Quantity:
    """Where R(T)/R_n in one field reaches `criterion`, K; NaN where the curve does not go from under it to over it.

    Parameters
    ----------
    temperature, share : shape (n,), K and R/R_n, in any order
    criterion : share of the normal resistance, 0 < criterion < 1
    """
    t, r = check_points(temperature=temperature, share=share).sorted_by(0).columns
    if len(t) < 6 or not np.median(r[:3]) < criterion < np.median(r[-3:]):
        return Quantity(np.nan, unit="K")
    found = _crossing(t, r, criterion, noise_of(t, r) or 1e-7)
    return Quantity(found, found.uncertainty, "K")


def _crossing(x: Array, share: Array, criterion: float, sigma: float) -> Quantity:
    """Where a rising curve crosses, by a local fit no narrower than what lies below the criterion."""
    x, share, errors = averaged(x, share, sigma, most=MOST_POINTS)
    start = rough_crossing(x, share, criterion)
    nearby = rough_crossing(x, share, criterion - 0.5 * min(criterion, 1 - criterion))
    return find_crossing(x, share, criterion, sigma=errors, start=start, smallest=0.4 * abs(start - nearby))


def _why_missing(h: Array, share: Array, criterion: float, sigma: float) -> str:
    below = share < criterion
    if not below.any():
        return f"R/R_n is above {criterion:g} at every field: the sample is too warm"
    start = rough_crossing(h, share, criterion)
    if start <= h[1] and below.mean() < 0.5:
        return f"R/R_n is above {criterion:g} at every field: the sample is too warm"
    # Noise alone reaches over the criterion: what counts is that the last fields lie above it together.
    beyond = share[h > start]
    if not len(beyond) or np.mean(beyond) < criterion + min(sigma, sigma * 3 / np.sqrt(len(beyond))):
        return f"R/R_n stays under {criterion:g} up to the largest field: H_c2 lies above it"
    return ""


@dataclass(frozen=True)
class UpperCriticalLaw:
    """One law fitted to H_c2(T).

    Attributes
    ----------
    law : "power" H(0)(1 − t)^exponent; "orbital" (WHH); "two-band" (Gurevich)
    zero_temperature_field : H_c2(0), A/m
    critical_temperature : K, fitted or as given
    exponent : 1 + α of the power law, or NaN
    diffusivity_ratio : D_π/D_σ of the two-band form, or NaN
    coherence_length : ξ(0) = √(Φ0/2πμ0H_c2(0)), m
    aicc, reduced_chi_square, extrapolation : the last is lowest measured T over T_c
    """

    law: Law
    zero_temperature_field: Quantity
    critical_temperature: Quantity
    exponent: Quantity
    diffusivity_ratio: Quantity
    coherence_length: Quantity
    aicc: float
    reduced_chi_square: float
    extrapolation: float

    def predict(self, temperature: ArrayLike) -> Array:
        """H_c2 in A/m at `temperature` in K."""
        names = ("zero_temperature_field", "critical_temperature", "exponent", "diffusivity_ratio")
        known = {name: float(getattr(self, name)) for name in names if np.isfinite(getattr(self, name))}
        return np.asarray(_MODELS[self.law](np.asarray(temperature, float), **known))


def fit_upper_critical_law(
    temperature: ArrayLike,
    field: ArrayLike,
    *,
    law: Law = "power",
    uncertainty: ArrayLike | None = None,
    temperature_uncertainty: float = 0.0,
    critical_temperature: float | None = None,
) -> UpperCriticalLaw:
    """Fit H_c2(T) by one of three laws and extrapolate to T = 0.

    "power" is the paper's H_c2(0)(1 − T/T_c)^(1+α); "orbital" the dirty one-band limit of Werthamer,
    Helfand and Hohenberg; "two-band" Gurevich's dirty two-band form with the couplings of MgB2.

    Parameters
    ----------
    temperature, field : shape (n,), K and A/m
    uncertainty : shape (n,) or a number, A/m; by default the scatter about the fit
    temperature_uncertainty : K; turned into field through the local slope
    critical_temperature : K, held; by default fitted

    Raises
    ------
    ValueError
        An unknown law or fewer points than parameters + 1.
    """
    require_one_of(_MODELS, law=law)
    points = check_points(temperature=temperature, field=field, uncertainty=uncertainty).sorted_by(0)
    t, h, *given = points.columns
    sigma = given[0] if given else None
    free = _free_parameters(law) + (critical_temperature is None)
    if len(t) <= free:
        raise ValueError(
            f"{len(t)} finite points came; the {law} law with {free} free parameters needs {free + 1}"
            + ("" if critical_temperature else ", or give critical_temperature")
        )
    if temperature_uncertainty:
        through_slope = np.abs(np.gradient(h, t)) * temperature_uncertainty
        sigma = np.hypot(0.0 if sigma is None else sigma, through_slope)
    fit = _fit(law, t, h, sigma, critical_temperature)
    return _summarise(law, fit, t, critical_temperature)


@cached
def compare_upper_critical_laws(
    temperature: ArrayLike, field: ArrayLike, **options: Any
) -> dict[Law, UpperCriticalLaw]:
    """`fit_upper_critical_law` for each law, the lowest AICc first."""
    fits = [fit_upper_critical_law(temperature, field, law=law, **options) for law in _MODELS]
    return {fit.law: fit for fit in sorted(fits, key=lambda fit: fit.aicc)}


_MODELS: dict[Law, Any] = {
    "power": power_law_field,
    "orbital": orbital_field,
    "two-band": two_band_field,
}


def _free_parameters(law: Law) -> int:
    return 1 if law == "orbital" else 2


def _fit(law: Law, t: Array, h: Array, sigma: Array | None, critical_temperature: float | None) -> Any:
    model = lmfit.Model(_MODELS[law], independent_vars=["temperature"])
    warmest = float(t[-1])
    guess = critical_temperature or warmest + 0.05 * float(np.ptp(t))
    slope = float(h[0] / max(1 - t[0] / guess, 0.05))
    hints: dict[str, dict[str, Any]] = {
        "zero_temperature_field": {"value": slope, "min": 0.1 * float(np.max(h)), "max": 100 * slope},
        "critical_temperature": {
            "value": guess,
            "vary": critical_temperature is None,
            "min": warmest + 1e-3 if critical_temperature is None else -np.inf,
            "max": 2 * warmest if critical_temperature is None else np.inf,
        },
        "exponent": {"value": 1.2, "min": 0.3, "max": 4},
        "diffusivity_ratio": {"min": 1e-3, "max": 1e3},
    }
    weights = None if sigma is None else 1 / sigma
    fits = []
    # Two bands have two minima, one for either band being the dirtier.
    for ratio in (0.2, 5.0) if law == "two-band" else (np.nan,):
        hints["diffusivity_ratio"]["value"] = ratio
        parameters = model.make_params(**{k: v for k, v in hints.items() if k in model.param_names})
        options = {"weights": weights, "scale_covar": sigma is None, "max_nfev": 600}
        fits.append(model.fit(h, parameters, temperature=t, **options))
    return min(fits, key=lambda fit: fit.chisqr)


def _summarise(law: Law, fit: Any, t: Array, critical_temperature: float | None) -> UpperCriticalLaw:
    def of(name: str, unit: str) -> Quantity:
        if name not in fit.params:
            return Quantity(np.nan, unit=unit)
        error = fit.params[name].stderr
        return Quantity(fit.params[name].value, np.nan if error is None else error, unit)

    zero = of("zero_temperature_field", "A/m")
    length = float(coherence_length(zero))
    parameters, points = fit.nvarys, len(t)
    misfit = fit.chisqr if fit.weights is not None else points * np.log(fit.chisqr / points)
    tc = of("critical_temperature", "K")
    return UpperCriticalLaw(
        law,
        zero,
        tc if critical_temperature is None else Quantity(critical_temperature, 0.0, "K"),
        of("exponent", ""),
        of("diffusivity_ratio", ""),
        Quantity(length, 0.5 * length * zero.uncertainty / zero, "m"),
        aicc(misfit, points, parameters),
        float(fit.redchi),
        float(t[0] / tc),
    )


@dataclass(frozen=True, repr=False)
class UpperFieldStudy(StudyResult):
    """H_c2(T) by one criterion and the laws fitted to it, lowest AICc first.

    Attributes
    ----------
    criterion : share of the normal resistance
    temperature, field, uncertainty : of H_c2, K and A/m, shape (n,)
    laws : by name; the power law is the paper's
    curves : of (K, fields in A/m, R/R_n)
    in_fields : of (A/m, temperatures in K, R/R_n)
    missing : what could not be had, a sentence each
    """

    criterion: float
    temperature: Array
    field: Array
    uncertainty: Array
    laws: dict[Any, UpperCriticalLaw]
    curves: tuple[tuple[float, Array, Array], ...]
    in_fields: tuple[tuple[float, Array, Array], ...]
    missing: dict[str, str]

    def rows(self) -> list[Row]:
        measured = " and ".join(
            name for name, found in (("R(H)", self.curves), ("R(T) in fields", self.in_fields)) if found
        )
        how = f"{measured} at {self.criterion:.0%} of R_n, power law, T_c free"
        power = self.laws["power"]
        rows = [
            Row("H_c2(0)", power.zero_temperature_field, how, "upper_critical_field", "kOe"),
            Row("curvature α", self.curvature, how, "curvature"),
            Row("coherence length ξ(0)", power.coherence_length, how, shown="nm"),
        ]
        for name, law in self.laws.items():
            if name != "power":
                rows.append(
                    Row(f"H_c2(0), {name} law", law.zero_temperature_field, "the same points", shown="kOe")
                )
        return rows

    def notes(self) -> list[str]:
        power = self.laws["power"].aicc
        said = [f"{what}: {reason}" for what, reason in self.missing.items()]
        for name, law in self.laws.items():
            said.append(
                f"{name} law: χ²ᵣ = {law.reduced_chi_square:.2g}"
                + ("" if name == "power" else f", AICc {law.aicc - power:+.0f} against the power law")
            )
        coldest = float(np.min(self.temperature))
        return [*said, f"the data end at {coldest:.4g} K; everything below is the law's"]

    @property
    def best(self) -> UpperCriticalLaw:
        return next(iter(self.laws.values()))

    @property
    def curvature(self) -> Quantity:
        """α of the power law (1 − t)^(1 + α)."""
        return Quantity(self.laws["power"].exponent - 1, self.laws["power"].exponent.uncertainty)

    @property
    def outdone(self) -> dict[str, bool]:
        """Whether the power law beats each other law by more than 10 in AICc."""
        power = self.laws["power"].aicc
        return {name: law.aicc > power + 10 for name, law in self.laws.items() if name != "power"}


def estimate_upper_field(
    curves: Sequence[tuple[float, ArrayLike, ArrayLike]],
    in_fields: Sequence[tuple[float, ArrayLike, ArrayLike]] = (),
    *,
    normal: Callable[[Any], Any],
    criterion: float = 0.1,
    temperature_uncertainty: float = 0.0,
    calibration: float = 0.0,
) -> UpperFieldStudy:
    """H_c2(T) from the resistance against field, or against temperature in fields, and its laws.

    Parameters
    ----------
    curves : of (K, fields in A/m, resistances)
    in_fields : of (A/m, temperatures in K, resistances)
    normal : the normal-state value at temperatures, in the unit of the resistances
    criterion : share of it
    temperature_uncertainty : K, of one temperature against another
    calibration : K, of all temperatures together; what it does to each law's parameters is added to their σ

    Raises
    ------
    NotPossible
        Too few curves in which the criterion is crossed.
    """
    ordered = sorted(curves, key=lambda curve: curve[0])
    shares = tuple((t, np.asarray(h), np.asarray(r) / float(normal(t))) for t, h, r in ordered)
    cooled = tuple(
        (h, np.asarray(t), np.asarray(r) / np.asarray(normal(np.asarray(t))))
        for h, t, r in sorted(in_fields, key=lambda curve: curve[0])
    )
    try:
        t, h, sigma = collect_upper_critical_fields(shares, cooled, criterion=criterion)
        options: dict[str, Any] = {"uncertainty": sigma, "temperature_uncertainty": temperature_uncertainty}
        laws = compare_upper_critical_laws(t, h, **options)
    except ValueError as reason:
        raise NotPossible(f"H_c2(T): {reason}") from None
    if calibration:
        shifted = compare_upper_critical_laws(t + calibration, h, **options)
        laws = {name: _with_calibration(law, shifted[name]) for name, law in laws.items()}
    return UpperFieldStudy(criterion, t, h, sigma, laws, shares, cooled, {})


def _with_calibration(law: UpperCriticalLaw, shifted: UpperCriticalLaw) -> UpperCriticalLaw:
    names = ("zero_temperature_field", "critical_temperature", "exponent", "coherence_length")
    widened: dict[str, Any] = {
        name: getattr(law, name).widened(abs(getattr(shifted, name) - getattr(law, name))) for name in names
    }
    return replace(law, **widened)
