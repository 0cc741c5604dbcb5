"""The critical state whose current density falls with the local field, Kim's J_c = J_c0/(1 + |H|/H₀), in a dc field."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.physics.domain import require_not_negative, require_one_of, require_positive

Array = NDArray[np.float64]
DEPTHS, DEPTH_SHARES = np.polynomial.legendre.leggauss(8)
PHASES, PHASE_SHARES = np.polynomial.legendre.leggauss(20)


def kim_susceptibility(
    amplitude: ArrayLike,
    full_field: ArrayLike,
    *,
    kim_field: float,
    bias: float = 0.0,
    geometry: Literal["slab", "cylinder", "square_bar"] = "square_bar",
) -> tuple[Array, Array]:
    """χ', χ'' of the steady cycle bias ± amplitude along a long sample; χ'' > 0 is loss.

    With g(H) = H + H|H|/2H₀ Kim's state is Bean's: dg/ds = ∓ J_c0. The falling branch is therefore
    g = min(g₊ − J_c0 s, g(t) + J_c0 s), the rising one its mirror, and H = g⁻¹ is averaged over the section.
    H₀ → ∞ is Bean's state; so is a bias much above the amplitude, with J_c(bias).

    Source: Kim, Hempstead and Strnad, PRL 9, 306 (1962); Chen and Goldfarb, J. Appl. Phys. 66, 2489 (1989).

    Parameters
    ----------
    amplitude : h (A/m), positive
    full_field : J_c0 times half the thickness or the radius (A/m), broadcast with the amplitude; 0 screens nothing
    kim_field, bias : H₀ and the dc field (A/m)

    Raises
    ------
    ValueError
        A field that is not positive, another geometry.
    """
    require_positive(amplitude=amplitude, kim_field=kim_field)
    require_not_negative(full_field=full_field)
    require_one_of(("slab", "cylinder", "square_bar"), geometry=geometry)
    h, full = np.broadcast_arrays(np.asarray(amplitude, float), np.asarray(full_field, float))
    full = np.maximum(full, 1e-12 * h)
    top, bottom = (_stretched(bias + sign * h, kim_field) for sign in (1, -1))
    # Beyond this depth the field is frozen: the same on both branches, and no part of the response.
    end = np.minimum((top - bottom) / (2 * full), 1.0)
    state = {"end": end, "full": full, "kim_field": kim_field, "is_round": geometry != "slab"}
    real, loss = np.zeros(h.shape), np.zeros(h.shape)
    for phase, weight in zip(np.pi * (PHASES + 1) / 2, PHASE_SHARES / 2, strict=True):
        down = _mean_field(top, _stretched(bias + h * np.cos(phase), kim_field), **state)
        # Half a turn later the rising branch: the mirror of a falling one.
        up = -_mean_field(-bottom, _stretched(h * np.cos(phase) - bias, kim_field), **state)
        real += weight * (down - up) * np.cos(phase) / h
        loss += weight * (down - up) * np.sin(phase) / h
    return real - 1, np.maximum(loss, 0.0)


def _mean_field(
    start: Array, now: Array, *, end: Array, full: Array, kim_field: float, is_round: bool
) -> Array:
    """<H> over the moving part of the section, on a branch that falls from `start` to `now` (both stretched)."""
    kink = np.minimum((start - now) / (2 * full), end)
    total = np.zeros(np.shape(kink))
    for node, weight in zip((DEPTHS + 1) / 2, DEPTH_SHARES / 2, strict=True):
        outer, inner = kink * node, kink + (end - kink) * node
        for depth, width, local in (
            (outer, kink, now + full * outer),
            (inner, end - kink, start - full * inner),
        ):
            perimeter = 2 * (1 - depth) if is_round else 1.0
            total += weight * width * perimeter * _relaxed(local, kim_field)
    return total


def _stretched(field: ArrayLike, kim_field: float) -> Array:
    h = np.asarray(field, float)
    return h + h * np.abs(h) / (2 * kim_field)


def _relaxed(stretched: Array, kim_field: float) -> Array:
    return np.asarray(np.sign(stretched) * kim_field * (np.sqrt(1 + 2 * np.abs(stretched) / kim_field) - 1))
