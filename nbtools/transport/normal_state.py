"""The normal state: Bloch–Grüneisen, residual ratio, connectivity."""

from dataclasses import dataclass
from typing import Any

import lmfit
import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.models.normal_metal import bloch_gruneisen
from nbtools.statistics.information import aicc
from nbtools.statistics.noise import noise_of
from nbtools.units import Quantity

Array = NDArray[np.float64]
# ρ(300 K) − ρ(40 K) of fully connected MgB2, clean film to good bulk, in Ω m (Rowell, SUST 16, R17).
IDEAL_RESISTIVITY_RISE = (4.3e-8, 7.3e-8)


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

    def predict(self, temperature: ArrayLike) -> Array:
        """ρ in Ω m at `temperature` in K."""
        return np.asarray(self.fit.eval(temperature=np.asarray(temperature, float)))

    def __str__(self) -> str:
        known = self.resistivity_100.unit == "ohm m"
        symbol, shown = ("ρ", self.resistivity_100.to("uohm cm")) if known else ("R", self.resistivity_100)
        return (
            f"{symbol}(100 K) = {shown}, {symbol}300/{symbol}40 = {self.residual_ratio}, "
            f"Θ = {self.debye_temperature} (m = {self.exponent:g}; "
            + ", ".join(f"AICc {a:.0f} for m = {m:g}" for m, a in self.aicc.items())
            + (
                f")\nRowell connectivity {self.connectivity[0]} (clean), {self.connectivity[1]} (bulk)"
                if known
                else ")"
            )
        )


def fit_normal_state(
    temperature: ArrayLike,
    resistivity: ArrayLike,
    *,
    onset: float,
    scale_uncertainty: float = 0.0,
    unit: str = "ohm m",
    exponents: tuple[float, ...] = (3.0, 5.0),
) -> NormalState:
    """Bloch–Grüneisen fit above a transition, for each exponent; the lowest AICc is kept.

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
    x, y = np.asarray(temperature, float), np.asarray(resistivity, float)
    order = np.argsort(x[x > onset + 3], kind="stable")
    x, y = x[x > onset + 3][order], y[x > onset + 3][order]
    if len(x) < 8 or np.ptp(x) < 50:
        raise ValueError(
            f"{len(x)} points over {np.ptp(x) if len(x) else 0:.3g} K lie above {onset + 3:.4g} K; "
            "a Bloch–Grüneisen fit needs at least 8 points over 50 K: measure to higher temperature"
        )
    fits = {m: _fit_bloch_gruneisen(x, y, m) for m in exponents}
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
    values = fit.uvars
    if values is None:
        raise ValueError("the Bloch–Grüneisen fit found no uncertainties: the data do not determine it")
    at = {t: _predict_with_error(fit, t) for t in (40.0, 100.0, 300.0)}
    rise = at[300.0] - at[40.0]
    ratio = at[300.0] / at[40.0]

    def with_scale(number: Any, unit: str) -> Quantity:
        return Quantity(number.n, float(np.hypot(number.s, scale * number.n)), unit)

    clean, bulk = (with_scale(ideal / rise, "") for ideal in IDEAL_RESISTIVITY_RISE)
    return NormalState(
        with_scale(values["residual"], unit),
        with_scale(values["amplitude"], unit),
        Quantity.of(values["debye_temperature"], "K"),
        exponent,
        Quantity.of(ratio),
        with_scale(at[100.0], unit),
        (clean, bulk),
        by_exponent,
        float(fit.redchi),
        window,
        fit,
    )


def _predict_with_error(fit: Any, temperature: float) -> Any:
    """ρ at one temperature as an ``uncertainties`` number that keeps its correlations."""
    from uncertainties import wrap

    def at(residual: float, amplitude: float, debye_temperature: float) -> float:
        exponent = fit.params["exponent"].value
        return float(
            bloch_gruneisen(
                temperature,
                residual=residual,
                amplitude=amplitude,
                debye_temperature=debye_temperature,
                exponent=exponent,
            )
        )

    values = fit.uvars
    return wrap(at)(values["residual"], values["amplitude"], values["debye_temperature"])
