"""Bean's critical state in a cylinder with ends, in a field along its axis: both axes of χ(h) move, not only χ₀."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq, minimize
from scipy.special import ellipe, ellipk

from nbtools.cache import cached
from nbtools.physics.domain import require_not_negative, require_within
from nbtools.statistics.choice import ceil_whole

Array = NDArray[np.float64]
FIELDS = np.concatenate([np.geomspace(0.01, 0.1, 7), np.arange(0.15, 1.06, 0.05)])


@dataclass(frozen=True)
class FiniteCylinder:
    """The virgin curve of one shape.

    full_screening : χ₀, external, −(1 + q/b) of Brandt's fit
    reduced_field, magnetisation : h/(J_c a) and M/(J_c a), shape (n,), from zero to saturation at −1/3
    """

    length_over_diameter: float
    full_screening: float
    reduced_field: Array
    magnetisation: Array

    def virgin_curve(self, reduced_field: ArrayLike) -> Array:
        """M/(J_c a) at any field, shape as given."""
        x = np.minimum(np.asarray(reduced_field, float), self.reduced_field[-1])
        return np.asarray(PchipInterpolator(self.reduced_field, self.magnetisation)(x))


@cached
def finite_cylinder(length_over_diameter: float, *, radial: int = 20, axial: int = 24) -> FiniteCylinder:
    """Bean's virgin state of a cylinder with ends, field by field.

    In a rising field the state minimises ½∫∫J Q J + (h r/2)J over −J_c ≤ J ≤ 0 (Prigozhin's principle), Q being
    the vector potential of current loops (Brandt, PRB 58, 6506 (1998)); half of the cylinder is
    meshed, closer towards its faces. Against the infinite cylinder's closed form and Brandt's χ₀ it is good to 0.3 %.

    Parameters
    ----------
    length_over_diameter : from 0.2 to 20
    radial, axial : cells over the radius and over half of the length

    Raises
    ------
    ValueError
        A shape outside these limits.
    """
    require_within(0.2, 20.0, length_over_diameter=length_over_diameter)
    r, _, area, energy = _mesh_energy(length_over_diameter, radial, axial)
    drive, weight = area * r**2 / 2, area * r**2 / length_over_diameter
    screening = float(weight @ np.linalg.solve(energy, -drive))
    currents, found = np.zeros(r.size), []
    for field in FIELDS:
        currents = _critical_state(energy, field * drive, currents)
        found.append(float(weight @ currents))
    return FiniteCylinder(length_over_diameter, screening, np.append(0.0, FIELDS), np.append(0.0, found))


def finite_cylinder_susceptibility(reduced_field: ArrayLike, length_over_diameter: float) -> Array:
    """χ' of the critical state in units of full screening, as `bean_susceptibility` has it for long samples.

    Parameters
    ----------
    reduced_field : amplitude over J_c a, a being the radius; any shape, not negative
    length_over_diameter : as `finite_cylinder` has it
    """
    require_not_negative(reduced_field=reduced_field)
    shape = finite_cylinder(length_over_diameter)
    x = np.maximum(np.asarray(reduced_field, float), 1e-6)
    # Past saturation only the part of the cycle in which the state still changes is integrated.
    limit = np.where(x > 1, shape.magnetisation[-1], 0.0)
    end = np.arcsin(np.sqrt(np.minimum(1.0, shape.reduced_field[-1] / x)))
    nodes, weights = np.polynomial.legendre.leggauss(64)
    angle = end[..., None] * (nodes + 1) / 2
    rest = shape.virgin_curve(x[..., None] * np.sin(angle) ** 2) - limit[..., None]
    in_phase = -4 / (np.pi * x) * end * ((rest * np.cos(2 * angle)) @ weights)
    return in_phase / -shape.full_screening


def finite_half_screening_field(length_over_diameter: float) -> float:
    """Reduced field at which χ' is one half of full screening; 0.620 of a long cylinder."""
    misses = lambda x: float(finite_cylinder_susceptibility(x, length_over_diameter)) + 0.5  # noqa: E731
    return float(brentq(misses, 1e-3, 50.0, xtol=1e-9))


def _mesh_energy(aspect: float, radial: int, axial: int) -> tuple[Array, Array, Array, Array]:
    """Places and areas of the cells, and the energy of their currents; lengths in radii."""
    edges_r = 1 - (1 - np.arange(radial + 1) / radial) ** 1.6
    edges_z = aspect * (1 - (1 - np.arange(axial + 1) / axial) ** 1.8)
    centres = ((edges[1:] + edges[:-1]) / 2 for edges in (edges_r, edges_z))
    r, z = (grid.ravel() for grid in np.meshgrid(*centres, indexing="ij"))
    dr, dz = (g.ravel() for g in np.meshgrid(np.diff(edges_r), np.diff(edges_z), indexing="ij"))
    potential = np.diag([_own_potential(*cell) for cell in zip(r, dr, dz, strict=True)])
    own = np.arange(r.size)
    for gr, wr in zip(*np.polynomial.legendre.leggauss(3), strict=True):
        for gz, wz in zip(*np.polynomial.legendre.leggauss(16), strict=True):
            there, up = r + gr * dr / 2, z + gz * dz / 2
            direct = _loop_potential(r[:, None], there, z[:, None] - up)
            direct[own, own] = 0.0
            potential += wr * wz / 4 * (direct + _loop_potential(r[:, None], there, z[:, None] + up))
    area = dr * dz
    energy = (r * area)[:, None] * potential * area
    return r, z, area, (energy + energy.T) / 2


def _loop_potential(r: Array, source: Array, height: Array) -> Array:
    """A/(μ0 I) of a loop of radius `source` at distance r from its axis, `height` above its plane."""
    k2 = np.minimum(4 * r * source / ((r + source) ** 2 + height**2), 1 - 1e-15)
    scale = np.sqrt(source / r) / (np.pi * np.sqrt(k2))
    return np.asarray(scale * ((1 - k2 / 2) * ellipk(k2) - ellipe(k2)))


def _own_potential(r: float, dr: float, dz: float) -> float:
    """The mean potential of a cell at its own centre: parts about as high as wide, the middle one by its logarithm."""
    parts = [2 * ceil_whole(2.5 * max(side / other, 1.0)) + 1 for side, other in ((dr, dz), (dz, dr))]
    steps = [((np.arange(n) + 0.5) / n - 0.5) * side for n, side in zip(parts, (dr, dz), strict=True)]
    there, up = np.meshgrid(r + steps[0], steps[1], indexing="ij")
    middle = (parts[0] // 2, parts[1] // 2)
    up[middle] = 1.0
    potential = _loop_potential(np.asarray(r), there, up)
    a, b = dr / parts[0] / 2, dz / parts[1] / 2
    logarithm = np.log(a * a + b * b) / 2 - 1.5 + (a / b * np.arctan(b / a) + b / a * np.arctan(a / b)) / 2
    potential[middle] = (np.log(8 * r) - logarithm - 2) / (2 * np.pi)
    return float(potential.mean())


def _critical_state(energy: Array, drive: Array, start: Array) -> Array:
    """The currents of least energy between −1 and 0."""
    scale = 1 / np.sqrt(np.diag(energy))
    scaled, pull = energy * scale[:, None] * scale, drive * scale
    found = minimize(
        lambda y: (0.5 * y @ (scaled @ y) + pull @ y, scaled @ y + pull),
        start / scale,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-1 / s, 0.0) for s in scale],
        options={"maxiter": 4000, "maxfun": 6000, "ftol": 1e-15, "gtol": 1e-10, "maxcor": 30},
    )
    return np.asarray(found.x * scale)
