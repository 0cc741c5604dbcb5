"""Creep: ac response of a conductor with E = E_c (J/J_c)ⁿ, from a metal (n = 1) to Bean's state (n → ∞)."""

from functools import cache
from importlib.resources import files
from typing import Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import RectBivariateSpline
from scipy.linalg import solve_banded

from nbtools.physics.domain import require_not_negative, require_positive, require_within

Array = NDArray[np.float64]
CreepGeometry = Literal["slab", "cylinder", "square_bar"]
TABLE = "creep_table.npz"
# 1/n of the table, and the reduced fields of its rows.
INVERSE_EXPONENTS = np.array([0, 1 / 41, 1 / 21, 1 / 14, 0.1, 1 / 7, 0.2, 2 / 7, 0.4, 0.55, 0.75, 1])
REDUCED_FIELDS = np.geomspace(0.005, 100.0, 64)


def creep_susceptibility(
    reduced_field: ArrayLike,
    exponent: ArrayLike,
    *,
    reduced_frequency: ArrayLike = 1.0,
    geometry: CreepGeometry = "slab",
) -> tuple[Array, Array]:
    """χ', χ'' of a long sample with E = E_c(J/J_c)ⁿ in an alternating field along it; χ'' > 0 is loss.

    Diffusion of flux, μ0 ∂H/∂t = ∂E/∂x, leaves one number besides n: χ depends on x and ωτ only through
    u = x (x ωτ)^(−1/n), which is Brandt's χ(h₀ⁿ⁻¹/ω). In words: u is the reduced field with the current
    density taken at the electric field that the drive sets, μ0 ω h a. n → ∞ gives u = x, Bean's; n = 1
    gives u = 1/ωτ, and ωτ = 2(a/δ)². Read from a table of numerical solutions (`solve_creep`), true to 1e-3.
    A square bar is taken as a cylinder, exact in Bean's limit.

    Source: Brandt, PRB 55, 14513 (1997).

    Parameters
    ----------
    reduced_field : x = h/(J_c a), a half the thickness or the radius
    exponent : n, from 1 (ohmic) to infinity (Bean)
    reduced_frequency : ωτ with τ = μ0 J_c a²/E_c
    geometry : "slab", "cylinder" or "square_bar"

    Returns
    -------
    χ', χ'' : the arguments broadcast together

    Raises
    ------
    ValueError
        A negative field, an exponent below 1, a frequency that is not positive, another geometry.
    """
    require_not_negative(reduced_field=reduced_field)
    require_within(1.0, np.inf, exponent=exponent)
    require_positive(reduced_frequency=reduced_frequency)
    _check(geometry)
    x, n, w = (np.asarray(a, float) for a in (reduced_field, exponent, reduced_frequency))
    x = np.clip(x, 1e-12, 1e12)
    u = x * (x * w) ** (-1 / n)
    return cast(tuple[Array, Array], tuple(_read_table(u, 1 / n, geometry)))


def solve_creep(
    reduced_field: ArrayLike,
    exponent: float,
    geometry: CreepGeometry = "slab",
    *,
    cells: int = 64,
    steps: int = 320,
    cycles: float = 2.5,
) -> tuple[Array, Array]:
    """χ', χ'' by integration in time, for u as `creep_susceptibility` defines it; all u at once.

    Strategy: finite volumes, finer under the surface; second-order implicit steps (BDF2); Newton on pairs
    (J, E), moved along E where the law is steep and along J where it is flat, so that it converges for any n.

    Parameters
    ----------
    reduced_field : u, shape (k,)
    exponent : n, up to about 60
    cells, steps, cycles : grid in space, steps a period, periods (the last one is analysed)
    """
    _check(geometry)
    u = np.atleast_1d(np.asarray(reduced_field, float))[:, None]
    depth = (np.arange(cells + 1) / cells) ** 2
    grid = _Grid(depth, geometry)
    step = 2 * np.pi / steps
    now = np.maximum(1 - depth / u, 0.0)
    before, slope = now, np.diff(now, axis=1) / grid.width
    electric = _field_of(slope, u, exponent)
    means = []
    for count in range(1, round(cycles * steps) + 1):
        past = (4 * now - before) / 3 if count > 1 else now
        length = step * (2 / 3 if count > 1 else 1.0)
        before, now = now, past.copy()
        now[:, 0] = np.cos(count * step)
        slope, electric = _advance(now, past, slope, electric, u, exponent, length, grid)
        means.append(now @ grid.share)
    phase = step * np.arange(len(means) - steps + 1, len(means) + 1)
    last = np.array(means[-steps:])
    return 2 / steps * np.cos(phase) @ last - 1, 2 / steps * np.sin(phase) @ last


class _Grid:
    """Nodes from the surface (0) to the middle (1), with the volume of each and the area between them."""

    def __init__(self, depth: Array, geometry: str) -> None:
        edges = np.concatenate([[0.0], (depth[1:] + depth[:-1]) / 2, [1.0]])
        round_ = geometry != "slab"
        volume = np.diff(1 - (1 - edges) ** 2) / 2 if round_ else np.diff(edges)
        self.width = np.diff(depth)
        self.area = 1 - edges[1:-1] if round_ else np.ones(depth.size - 1)
        self.volume = volume[1:]
        self.share = volume / volume.sum()


def _advance(
    now: Array, past: Array, slope: Array, electric: Array, u: Array, n: float, step: float, grid: _Grid
) -> tuple[Array, Array]:
    """One implicit step: fills `now`, returns the field's slope and the electric field between the nodes."""
    turn = max(n, 1.001) ** (-1 / (max(n, 1.001) - 1))  # J over its scale where the law has slope one
    for _ in range(80):
        steep = n * u**n * np.maximum(np.abs(slope), 1e-30) ** (n - 1)
        guess = electric + steep * (np.diff(now, axis=1) / grid.width - slope)
        change = _newton_step(now, past, guess, steep, step, grid)
        now[:, 1:] -= change
        moved = np.diff(now, axis=1) / grid.width
        along_field = electric + steep * (moved - slope)
        by_field = np.sign(along_field) * np.abs(along_field) ** (1 / n) / u
        slope = np.where(np.abs(moved) * u > turn, by_field, moved)
        electric = _field_of(slope, u, n)
        if max(np.max(np.abs(slope - moved) * u), np.max(np.abs(change))) < 1e-6:
            break
    return slope, electric


def _newton_step(now: Array, past: Array, guess: Array, steep: Array, step: float, grid: _Grid) -> Array:
    """Solve the tridiagonal systems of all fields as one."""
    rest = grid.volume * (now - past)[:, 1:] + step * grid.area * guess
    rest[:, :-1] -= step * (grid.area * guess)[:, 1:]
    link = step * grid.area * steep / grid.width
    bands = np.zeros((3, *link.shape))
    bands[1] = grid.volume + link
    bands[1][:, :-1] += link[:, 1:]
    bands[0][:, 1:] = bands[2][:, :-1] = -link[:, 1:]
    solved = solve_banded((1, 1), bands.reshape(3, -1), rest.ravel(), check_finite=False)
    return np.asarray(solved.reshape(link.shape))


def _field_of(slope: Array, u: Array, n: float) -> Array:
    return np.sign(slope) * np.abs(u * slope) ** n


@cache
def _table(geometry: str) -> tuple[RectBivariateSpline, RectBivariateSpline]:
    with files("nbtools.physics").joinpath(TABLE).open("rb") as file:
        values = np.load(file)["slab" if geometry == "slab" else "cylinder"].astype(float)
    field = np.log(REDUCED_FIELDS)
    real, loss = (RectBivariateSpline(field, INVERSE_EXPONENTS, part) for part in values)
    return real, loss


def _read_table(u: Array, inverse: Array, geometry: str) -> tuple[Array, Array]:
    """Between the nodes by splines; beyond the ends by the power laws of a shallow and of a uniform flux."""
    real, loss = _table(geometry)
    u, inverse = np.broadcast_arrays(u, inverse)
    inside = np.clip(u, REDUCED_FIELDS[0], REDUCED_FIELDS[-1])
    at = np.log(inside)
    shallow = np.minimum(u / inside, 1.0) ** (1 / (1 + inverse))  # depth of the flux ∝ u^(n/(n+1))
    beyond = np.maximum(u / inside, 1.0)
    in_phase = -1 + shallow * (1 + real.ev(at, inverse))
    out_of_phase = shallow * loss.ev(at, inverse) / beyond
    return in_phase * beyond ** np.where(inverse > 0, -2.0, -1.5), out_of_phase


def _check(geometry: str) -> None:
    if geometry not in ("slab", "cylinder", "square_bar"):
        raise ValueError(f'geometry is {geometry!r}; creep is known for "slab", "cylinder" and "square_bar"')
