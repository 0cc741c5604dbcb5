"""The normal state: Bloch–Grüneisen, residual ratio, connectivity."""

from dataclasses import dataclass, field
from typing import Any

import lmfit
import numpy as np
from numpy.typing import ArrayLike, NDArray
from uncertainties import ufloat, wrap

from nbtools.physics.normal_metal import bloch_gruneisen
from nbtools.statistics.arrays import check_points
from nbtools.statistics.information import aicc
from nbtools.statistics.noise import noise_of
from nbtools.units import Quantity

Array = NDArray[np.float64]
# ρ(300 K) − ρ(40 K) of fully connected MgB2, clean film to good bulk, in Ω m (Rowell, SUST 16, R17).
IDEAL_RESISTIVITY_RISE = (4.3e-8, 7.3e-8)
EXPONENTS = (3.0, 5.0)  # m, usual for MgB2, and of simple metals
REACH = 5.0  # K, beyond the fitted temperatures: less than the law can go wrong in
BAD_FIT = 5.0  # χ²ᵣ from which on a law's parameters have no σ


@dataclass(frozen=True)
class NormalState:
    """ρ(T) of the normal state.

    Attributes
    ----------
    residual, amplitude, debye_temperature, exponent : of ρ0 + A (T/Θ)^m J_m(Θ/T)
    residual_ratio : ρ(300 K)/ρ(40 K), from the fit
    resistivity_100 : ρ(100 K), Ω m; its uncertainty includes the geometry's
    connectivity : Rowell's Δρ_ideal/[ρ(300 K) − ρ(40 K)], for the clean and the bulk reference
    aicc : by exponent, for those compared
    reduced_chi_square, window : of the chosen fit, in K
    undetermined : by quantity, why it is NaN or has no σ
    """

    residual: Quantity
    amplitude: Quantity
    debye_temperature: Quantity
    exponent: float
    residual_ratio: Quantity
    resistivity_100: Quantity
    connectivity: tuple[Quantity, Quantity]
    aicc: dict[float, float]
    reduced_chi_square: float
    window: tuple[float, float]
    fit: Any
    undetermined: dict[str, str] = field(default_factory=dict)

    def predict(self, temperature: ArrayLike) -> Array:
        """ρ in Ω m at `temperature` in K."""
        return np.asarray(self.fit.eval(temperature=np.asarray(temperature, float)))


def fit_normal_state(
    temperature: ArrayLike,
    resistivity: ArrayLike,
    *,
    onset: float,
    scale_uncertainty: float = 0.0,
    unit: str = "ohm m",
) -> NormalState:
    """Bloch–Grüneisen fit above a transition, for each exponent; the lowest AICc is kept.

    What lies outside the measured temperatures by more than 5 K is not given: ρ(300 K)/ρ(40 K) needs both. Where
    the law misses the points (χ²ᵣ > 5), its parameters have no σ, and a resistivity read off it has that
    of the misfit.

    Parameters
    ----------
    temperature, resistivity : shape (n,), K and Ω m
    onset : K; the fit starts 3 K above it
    scale_uncertainty : relative σ of the geometry (tap distance, cross-section): shared by all points
    unit : "ohm m", or "ohm" where the geometry is not known

    Raises
    ------
    ValueError
        Fewer than 8 points above the transition, or less than 50 K of them.
    """
    x, y = check_points(temperature=temperature, resistivity=resistivity).sorted_by(0).columns
    x, y = x[x > onset + 3], y[x > onset + 3]
    if len(x) < 8 or np.ptp(x) < 50:
        raise ValueError(
            f"{len(x)} points over {np.ptp(x) if len(x) else 0:.3g} K lie above {onset + 3:.4g} K; "
            "a Bloch–Grüneisen fit needs at least 8 points over 50 K: measure to higher temperature"
        )
    fits = {m: _fit_bloch_gruneisen(x, y, m) for m in EXPONENTS}
    by_exponent = {m: aicc(fit.chisqr, len(x), fit.nvarys) for m, fit in fits.items()}
    exponent = min(by_exponent, key=lambda m: by_exponent[m])
    window = (float(x[0]), float(x[-1]))
    return _normal_state(fits[exponent], exponent, by_exponent, scale_uncertainty, unit, window)


def _fit_bloch_gruneisen(x: Array, y: Array, exponent: float) -> Any:
    model = lmfit.Model(bloch_gruneisen, independent_vars=["temperature"])
    rise = float(y[-1] - y[0])
    parameters = model.make_params(
        residual={"value": float(y[0]), "min": 0},
        amplitude={"value": max(10 * rise, 1e-3 * float(y[0])), "min": 0},
        debye_temperature={"value": 800, "min": 50, "max": 3000},
        exponent={"value": exponent, "vary": False},
    )
    return model.fit(y, parameters, temperature=x, weights=1 / (noise_of(x, y) or 1e-6 * float(y[0])))


def _normal_state(
    fit: Any,
    exponent: float,
    by_exponent: dict[float, float],
    scale: float,
    unit: str,
    window: tuple[float, float],
) -> NormalState:
    values = getattr(fit, "uvars", None)  # lmfit leaves it away where it found no covariance
    if values is None:
        raise ValueError("the Bloch–Grüneisen fit found no uncertainties: the data do not determine it")
    missing = {
        f"{what}({t:.0f} K)": f"the curve was fitted from {window[0]:.4g} to {window[1]:.4g} K"
        for what, t in (("R", 40.0), ("R", 100.0), ("R", 300.0))
        if not window[0] - REACH <= t <= window[1] + REACH
    }
    misfit = 0.0
    if fit.redchi > BAD_FIT:
        misfit = float(np.sqrt(np.mean((fit.data - fit.best_fit) ** 2)))
        missing["σ of ρ0, A and Θ"] = (
            f"the law misses the points by {np.sqrt(fit.redchi):.3g} times their scatter (χ²ᵣ = {fit.redchi:.4g}): "
            "what it says of them is not known to any σ"
        )
    names = ("residual", "amplitude", "debye_temperature")

    def read(kelvin: float) -> Any:
        def law(*parameters: float) -> float:
            return float(
                bloch_gruneisen(kelvin, exponent=exponent, **dict(zip(names, parameters, strict=True)))
            )

        return wrap(law)(*(values[name] for name in names))

    at = {t: read(t) for t in (40.0, 100.0, 300.0)}
    if misfit:
        at = {t: value + ufloat(0.0, misfit) for t, value in at.items()}
    rise = at[300.0] - at[40.0]
    ratio = at[300.0] / at[40.0]
    ends_known = not {"R(40 K)", "R(300 K)"} & set(missing)

    def with_scale(number: Any, unit: str, *, known: bool = True) -> Quantity:
        if not known:
            return Quantity(np.nan, unit=unit)
        return Quantity(number.n, float(np.hypot(number.s, scale * number.n)), unit)

    def of_law(number: Any, unit: str, *, scaled: bool = True) -> Quantity:
        if misfit:
            return Quantity(number.n, np.nan, unit)
        return with_scale(number, unit) if scaled else Quantity.of(number, unit)

    clean, bulk = (with_scale(ideal / rise, "", known=ends_known) for ideal in IDEAL_RESISTIVITY_RISE)
    return NormalState(
        of_law(values["residual"], unit),
        of_law(values["amplitude"], unit),
        of_law(values["debye_temperature"], "K", scaled=False),
        exponent,
        Quantity.of(ratio) if ends_known else Quantity(np.nan),
        with_scale(at[100.0], unit, known="R(100 K)" not in missing),
        (clean, bulk),
        by_exponent,
        float(fit.redchi),
        window,
        fit,
        missing,
    )
