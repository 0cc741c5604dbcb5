"""Bean's critical state: virgin curve, loop, flux profile and ac susceptibility, the current density being constant."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.physics.domain import require_not_negative, require_one_of, require_within

Array = NDArray[np.float64]
Geometry = Literal["slab", "cylinder", "square_bar", "strip", "disk"]
LONG = ("slab", "cylinder", "square_bar")
GEOMETRIES = (*LONG, "strip", "disk")

# Gauss-Legendre angles: 12 are exact to rounding for polynomials, 32 to 1e-12 for the poles of tanh.
_NODES = {count: np.polynomial.legendre.leggauss(count) for count in (12, 32)}
_SATURATED = 40.0  # reduced field at which tanh and 1/cosh have reached their limit to rounding


def virgin_curve(reduced_field: ArrayLike, geometry: Geometry) -> Array:
    """Magnetisation of the virgin state over the current density times the length that reduces the field.

    Long samples along the field, x = h/(J_c a) up to 1 with a half the thickness (slab, bar) or the radius: the slab
    −x + x²/2, the square bar and the cylinder −x + x² − x³/3.
    Thin samples across the field: strip −tanh x with x = h/(J_c d/π); disk
    −½[arccos(1/cosh x) + sinh x/cosh² x] with x = h/(J_c d/2). Every curve starts with slope −1.

    Sources: Bean, Rev. Mod. Phys. 36, 31 (1964); Clem and Sanchez, PRB 50, 9355 (1994); Brandt, PRB 54, 4246
    (1996).

    Parameters
    ----------
    reduced_field : x, any shape, not negative
    geometry : "slab", "cylinder", "square_bar", "strip" or "disk"

    Raises
    ------
    ValueError
        An unknown geometry, a negative field.
    """
    require_not_negative(reduced_field=reduced_field)
    require_one_of(GEOMETRIES, geometry=geometry)
    return _virgin(np.asarray(reduced_field, float), geometry)


def _virgin(x: Array, geometry: str) -> Array:
    if geometry == "strip":
        return -np.tanh(x)
    if geometry == "disk":
        t = np.tanh(x / 2)  # arccos(1/cosh x) = 2 arctan t, sinh x/cosh² x = 2t(1 − t²)/(1 + t²)²
        return np.asarray(-np.arctan(t) - t * (1 - t * t) / (1 + t * t) ** 2)
    p = np.minimum(x, 1.0)
    return np.asarray(-p + p**2 / 2 if geometry == "slab" else -p + p**2 - p**3 / 3)


def bean_loop(reduced_field: ArrayLike, amplitude: float, geometry: Geometry) -> tuple[Array, Array]:
    """Falling and rising branch of the loop between ± `amplitude`: m↓(x) = m_v(x₀) − 2 m_v((x₀ − x)/2)."""
    x = np.asarray(reduced_field, float)
    require_within(-amplitude, amplitude, reduced_field=x)
    top = virgin_curve(amplitude, geometry)
    down = top - 2 * virgin_curve((amplitude - x) / 2, geometry)
    up = -top + 2 * virgin_curve((amplitude + x) / 2, geometry)
    return down, up


def bean_susceptibility(reduced_field: ArrayLike, geometry: Geometry) -> tuple[Array, Array]:
    """χ', χ'' of the critical state, in units of the full screening χ₀: χ(0) = −1, χ'' > 0 is loss.

    χ' = (2/πx₀)∫₀^π m↓ cos θ dθ and χ'' the same with sin θ, x = x₀ cos θ on the falling branch. With
    s = x₀ sin²φ, φ = θ/2, both become smooth integrals of m_v(s) − m_v(∞) up to where that ends:
    χ' = −(8/πx₀)∫ m_v cos 2φ dφ, χ'' = (4/πx₀)[m_v(x₀) − (2/x₀)∫₀^{x₀} m_v ds].

    Sources: Goldfarb, Lelental and Thompson (1991); Clem and Sanchez, PRB 50, 9355 (1994).

    Parameters
    ----------
    reduced_field : amplitude over J_c a (slab, bars: half thickness; cylinder: radius), J_c d/π (strip of
        thickness d) or J_c d/2 (disk); any shape
    geometry : as `virgin_curve` has it

    Returns
    -------
    χ', χ'' : the shape of the argument

    Raises
    ------
    ValueError
        As `virgin_curve`.
    """
    require_not_negative(reduced_field=reduced_field)
    require_one_of(GEOMETRIES, geometry=geometry)
    given = np.asarray(reduced_field, float)
    x = np.clip(given, 1e-9, 1e12)
    nodes, weights = _NODES[12 if geometry in LONG else 32]
    end = np.arcsin(np.sqrt(np.minimum(1.0, (1.0 if geometry in LONG else _SATURATED) / x)))
    # Far from saturation nothing is taken off, so that small fields keep their digits.
    limit = np.where(x > 1, float(_virgin(np.array(1e3), geometry)), 0.0)
    in_phase, area = np.zeros(x.shape), np.zeros(x.shape)
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        angle = end * node
        sine, cosine = np.sin(angle), np.cos(angle)
        rest = weight * (_virgin(x * sine**2, geometry) - limit)
        in_phase += rest * (cosine**2 - sine**2)
        area += rest * sine * cosine
    real = -8 / (np.pi * x) * end * in_phase
    loss = 4 / (np.pi * x) * (_virgin(x, geometry) - 2 * limit - 4 * end * area)
    screened = given <= 1e-9
    return np.where(screened, -1.0, real), np.where(screened, 0.0, np.maximum(loss, 0.0))


def flux_profile(depth: ArrayLike, field: float, amplitude: float, *, falling: bool = True) -> Array:
    """Local field in a long sample at `depth` under its surface, in a cycle between ± `amplitude`.

    All in units of J_c a: h = min(x₀ − s, x + s) on the falling branch, its mirror on the rising one, and
    zero beyond the front at s = x₀.

    Parameters
    ----------
    depth : s, 0 at the surface, 1 at the middle
    field : applied, from −amplitude to amplitude
    """
    s = np.asarray(depth, float)
    if not falling:
        return -flux_profile(s, -field, amplitude)
    return np.where(s < amplitude, np.minimum(amplitude - s, field + s), 0.0)


def half_screening_field(geometry: Geometry, *, level: float = 0.5) -> float:
    """Reduced field at which χ' = −`level`: 1 for a slab, 0.6202 for a cylinder or a square bar."""
    from scipy.optimize import brentq

    require_within(1e-3, 0.999, level=level)
    ends = np.log(1e-3), np.log(1e4)
    return float(
        np.exp(brentq(lambda u: bean_susceptibility(np.exp(u), geometry)[0] + level, *ends, xtol=1e-14))
    )


def loss_peak(geometry: Geometry) -> tuple[float, float]:
    """Reduced field and height of the maximum of χ''."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda u: -float(bean_susceptibility(np.exp(u), geometry)[1]),
        bounds=(-2.0, 3.0),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return float(np.exp(found.x)), float(-found.fun)
