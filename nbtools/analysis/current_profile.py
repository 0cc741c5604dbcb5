"""J_c a against temperature read point by point off χ'(T), by inverting the response of a geometry."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nbtools.analysis.ac_curves import AcCurve, as_curves
from nbtools.physics.bean_state import bean_susceptibility
from nbtools.physics.creep import creep_susceptibility

Array = NDArray[np.float64]
LEVELS = (-0.93, -0.07)  # of χ': nearer to its ends the inverse is all noise


def response_table(
    geometry: str, *, aspect: float = 1.0, exponent: float = np.inf
) -> tuple[Array, Array, Array]:
    """ln x, χ', χ'' of Bean's state, for interpolation; of a creep law with finite n, against ln u."""
    log_field = np.linspace(-7.0, 7.0, 561)
    if np.isfinite(exponent):
        u = np.exp(log_field)
        return log_field, *creep_susceptibility(u, exponent, reduced_frequency=1 / u, geometry=geometry)  # type: ignore[arg-type]
    real, loss = bean_susceptibility(np.exp(log_field), geometry, aspect=aspect)  # type: ignore[arg-type]
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
    points = [invert_curve(curve, geometry, exponent, reference) for curve in as_curves(curves)]
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


def grain_share(curve: AcCurve, *, lost: float = 0.05) -> float:
    """What is screened without loss: −χ' at the temperature above the loss peak where χ'' has fallen to 5 % of it.

    In Bean's state less than 0.2 % are left there. 0 for a curve without χ'' or whose peak does not end.
    """
    if curve.out_of_phase is None:
        return 0.0
    smooth = curve.smooth
    assert smooth.loss is not None
    peak = int(np.argmax(smooth.loss))
    gone = np.flatnonzero(smooth.loss[peak:] < lost * smooth.loss[peak])
    return float(np.clip(-smooth.real[peak + gone[0]], 0.0, 0.8)) if gone.size else 0.0
