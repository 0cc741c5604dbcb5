"""A powder diffractogram from crystals: lines, their strength, their profile, the instrument, and texture."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

from nbtools.physics.crystal_lattice import (
    ANGSTROM,
    Structure,
    plane_angle,
    reciprocal_metric,
    reflections_within,
    structure_factor,
)
from nbtools.physics.domain import require_positive
from nbtools.x_ray_lines import K_ALPHA

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
COPPER = K_ALPHA["Cu"]
KALPHA_RATIO = 0.5  # Kα2 is half as strong
# Reflections times atoms: what a structure factor may cost.
LARGEST = 40_000_000
NARROWEST = 1e-3  # deg, below any diffractometer
STEEPEST = 0.9999  # of sin θ
VOLUME_POWERS = {("a",): (3,), ("a", "c"): (2, 1), ("a", "b", "c"): (1, 1, 1)}
REACH = 60  # full widths; further out a Lorentzian tail is under 10⁻⁴ of the peak
NEAR = 4  # full widths; further out a Gaussian is under 10⁻¹⁹ of the peak


class PowderPhase(Structure, Protocol):
    """What of `nbtools.files.crystal.Crystal` a powder needs beyond its structure."""

    @property
    def formula(self) -> str: ...
    @property
    def formula_units(self) -> int: ...
    @property
    def molar_mass(self) -> float: ...
    @property
    def volume(self) -> float: ...
    @property
    def density(self) -> float: ...


@dataclass(frozen=True)
class PowderLines:
    """The lines of one phase: every set of planes that stays at one angle however the cell relaxes.

    forms : shape (n, k); 1/d² = forms @ cell, for any cell of the same crystal system
    cell : the k free numbers of the reciprocal metric, 1/m² ; axes names which lengths and angles they stand for
    strength : Σ|F|² over the planes of a line, electrons², shape (n,)
    member, share, tilt : of every single plane: its line, its share of the strength, cos² of its angle to the
        texture axis
    """

    name: str
    forms: Array
    cell: Array
    axes: tuple[str, ...]
    strength: Array
    member: Indices
    share: Array
    tilt: Array

    def __len__(self) -> int:
        return len(self.strength)

    def squared_inverse_spacing(self, strain: ArrayLike = 0.0) -> Array:
        """1/d² of each line, 1/m²; `strain` lengthens the axes that `cell` stands for: shape (k,), or one for all."""
        return np.asarray(self.forms @ (self.cell / (1 + np.asarray(strain, float)) ** 2))

    def texture(self, coefficient: float) -> Array:
        """March and Dollase's factor of each line, 1 without texture; see `march_dollase`."""
        factors = self.share * march_dollase(self.tilt, coefficient)
        return np.bincount(self.member, factors, minlength=len(self)).astype(float)


@dataclass(frozen=True)
class Instrument:
    """What the diffractometer does to every line; angles in degrees.

    wavelengths, ratio : Kα1 and Kα2, m, and the strength of Kα2 over that of Kα1 (0: monochromatic)
    zero : of the 2θ circle; displacement : of the sample below the axis over the radius of the circle
    caglioti : U, V, W of FWHM² = U tan²θ + V tanθ + W, deg²
    mixing : Lorentzian share η = η₀ + η₁ 2θ/(100°)
    """

    wavelengths: tuple[float, float] = COPPER
    ratio: float = KALPHA_RATIO
    zero: float = 0.0
    displacement: float = 0.0
    caglioti: tuple[float, float, float] = (0.01, -0.005, 0.01)
    mixing: tuple[float, float] = (0.5, 0.0)

    def __post_init__(self) -> None:
        require_positive(wavelength=self.wavelengths)


@dataclass(frozen=True)
class PhaseState:
    """How one phase differs from its CIF.

    strain : of the free axes, shape (k,) or one for all; size : further broadening, FWHM² += size/cos²θ, deg²
    displacement : further B of all atoms, m²; texture : March and Dollase's coefficient (1: none)
    """

    strain: tuple[float, ...] | float = field(default=0.0)
    size: float = 0.0
    displacement: float = 0.0
    texture: float = 1.0


def powder_lines(
    crystal: PowderPhase, minimum_spacing: float, *, axis: Sequence[int] | None = None
) -> PowderLines:
    """The lines of a phase with d ≥ `minimum_spacing` (m).

    No symmetry need be known: planes whose 1/d² is the same combination of the free numbers of the cell make
    one line, and their |F|² add up.

    Parameters
    ----------
    axis : the plane normal (h k l) along which crystallites like to lie, for the texture; none: no texture

    Raises
    ------
    ValueError
        A cell so large, or a spacing so small, that the planes cannot be counted.
    """
    planes_expected = 4 / 3 * np.pi * crystal.volume / minimum_spacing**3 * len(crystal.elements)
    if not planes_expected < LARGEST:
        raise ValueError(
            f"{crystal.name}: a cell of {crystal.volume / ANGSTROM**3:.4g} Å³ with {len(crystal.elements)} atoms has "
            f"too many reflections down to {minimum_spacing / ANGSTROM:.3g} Å; give a pattern of smaller angles"
        )
    basis, axes = _free_metric(crystal)
    hkl = reflections_within(crystal, minimum_spacing)
    squares = np.abs(structure_factor(crystal, hkl)) ** 2
    forms = np.stack([np.einsum("ni,ij,nj->n", hkl, part, hkl) for part in basis], axis=1)
    lines, member = np.unique(np.round(forms, 6), axis=0, return_inverse=True)
    member = member.ravel()
    strength = np.bincount(member, squares, minlength=len(lines)).astype(float)
    tilt = (
        np.zeros(len(hkl))
        if axis is None or not len(hkl)
        else np.cos(plane_angle(crystal, hkl, np.asarray(axis))) ** 2
    )
    cell = np.array([_metric_number(crystal, part) for part in basis])
    return PowderLines(crystal.name, lines, cell, axes, strength, member, squares / strength[member], tilt)


def scattering_mass(crystal: PowderPhase) -> float:
    """Z M V of a phase, kg m³/mol: what turns its scale into mass (Hill and Howard, J. Appl. Cryst. 20, 467 (1987))."""
    return crystal.formula_units * crystal.molar_mass * crystal.volume


def lorentz_polarisation(two_theta: ArrayLike) -> Array:
    """(1 + cos²2θ)/2/(sin²θ cosθ), without a monochromator; angles in degrees."""
    angle = np.radians(np.asarray(two_theta, float))
    return np.asarray((1 + np.cos(angle) ** 2) / 2 / (np.sin(angle / 2) ** 2 * np.cos(angle / 2)))


def lorentzian(offset: ArrayLike, width: ArrayLike) -> Array:
    """Of unit area over `offset` and full width `width` at half maximum."""
    width = np.asarray(width, float)
    return np.asarray(2 / (np.pi * width) / (1 + (2 * np.asarray(offset, float) / width) ** 2))


def gaussian(offset: ArrayLike, width: ArrayLike) -> Array:
    """Of unit area over `offset` and full width `width` at half maximum."""
    width = np.asarray(width, float)
    squared = (2 * np.asarray(offset, float) / width) ** 2
    return np.asarray(2 * np.sqrt(np.log(2) / np.pi) / width * np.exp(-np.log(2) * squared))


def line_width(two_theta: ArrayLike, caglioti: Sequence[float], size: float = 0.0) -> Array:
    """FWHM, degrees: √(U tan²θ + V tanθ + W + size/cos²θ) (Caglioti, Paoletti, Ricci, Nucl. Instrum. 3, 223 (1958))."""
    half = np.radians(np.asarray(two_theta, float)) / 2
    u, v, w = caglioti
    square = u * np.tan(half) ** 2 + v * np.tan(half) + w + size / np.cos(half) ** 2
    return np.sqrt(np.maximum(square, NARROWEST**2))


def march_dollase(tilt: ArrayLike, coefficient: float) -> Array:
    """(r² cos²α + sin²α/r)^(−3/2) with tilt = cos²α: 1 at r = 1, its mean over the sphere 1 at any r.

    r < 1: plates lie flat, the planes of the axis are too strong. Source: Dollase, J. Appl. Cryst. 19, 267 (1986).
    """
    require_positive(coefficient=coefficient)
    cosine = np.asarray(tilt, float)
    return np.asarray((coefficient**2 * cosine + (1 - cosine) / coefficient) ** -1.5)


def phase_pattern(
    two_theta: ArrayLike, lines: PowderLines, instrument: Instrument, state: PhaseState | None = None
) -> Array:
    """Intensity of one phase at unit scale, electrons² per degree, at increasing `two_theta` (degrees), shape (n,).

    Each line is a pseudo-Voigt, η Lorentzian + (1 − η) Gaussian of the same width.
    """
    state = state or PhaseState()
    angle = np.asarray(two_theta, float)
    inverse = lines.squared_inverse_spacing(state.strain)
    heights = lines.strength * lines.texture(state.texture) * np.exp(-state.displacement * inverse / 2)
    sine = np.outer(instrument.wavelengths, np.sqrt(inverse) / 2)
    seen = (sine < STEEPEST) & (sine > 0)
    bragg = 2 * np.degrees(np.arcsin(sine[seen]))
    areas = np.outer((1.0, instrument.ratio), heights)[seen] * lorentz_polarisation(bragg)
    width = line_width(bragg, instrument.caglioti, state.size)
    eta = instrument.mixing[0] + instrument.mixing[1] * bragg / 100
    place = bragg + line_shift(bragg, instrument)
    tails = _sum_of_lines(lorentzian, angle, place, width, areas * eta, REACH)
    return tails + _sum_of_lines(gaussian, angle, place, width, areas * (1 - eta), NEAR)


def _sum_of_lines(
    profile: Callable[[Array, Array], Array],
    angle: Array,
    place: Array,
    width: Array,
    areas: Array,
    reach: float,
) -> Array:
    """Σ area · profile, each line as far as `reach` of its widths; all lines in one flat array."""
    first, last = np.searchsorted(angle, [place - reach * width, place + reach * width])
    sizes = last - first
    line = np.repeat(np.arange(place.size), sizes)
    point = np.arange(line.size) + np.repeat(first - np.cumsum(sizes) + sizes, sizes)
    values = areas[line] * profile(angle[point] - place[line], width[line])
    return np.bincount(point, values, minlength=angle.size).astype(float)


def line_shift(two_theta: ArrayLike, instrument: Instrument) -> Array:
    """By how many degrees a line is off its Bragg angle: zero − 2 s cosθ, s = displacement over radius."""
    half = np.radians(np.asarray(two_theta, float)) / 2
    return np.asarray(instrument.zero - 2 * np.degrees(instrument.displacement) * np.cos(half))


@dataclass(frozen=True)
class RefinedPattern:
    """All that a refinement found, ready to be evaluated.

    crystals, lines, states : of each phase, by name
    scales : counts per unit of `phase_pattern`, by phase; coefficients, domain : of the Chebyshev background
    """

    crystals: Mapping[str, PowderPhase]
    lines: Mapping[str, PowderLines]
    states: Mapping[str, PhaseState]
    instrument: Instrument
    scales: Mapping[str, float]
    coefficients: Array
    domain: tuple[float, float]

    @property
    def expansion(self) -> dict[str, float]:
        """Refined volume of the cell over that of the CIF."""
        return {
            name: float(np.prod((1 + np.array(state.strain)) ** VOLUME_POWERS[self.lines[name].axes]))
            for name, state in self.states.items()
        }

    @property
    def masses(self) -> dict[str, float]:
        """Z M V of each phase with its refined cell."""
        return {name: scattering_mass(c) * self.expansion[name] for name, c in self.crystals.items()}

    def line_positions(self, name: str) -> Array:
        """Where the Kα1 lines of a phase stand, degrees."""
        inverse = self.lines[name].squared_inverse_spacing(self.states[name].strain)
        sine = self.instrument.wavelengths[0] * np.sqrt(inverse) / 2
        bragg = 2 * np.degrees(np.arcsin(sine[sine < 1]))
        return np.sort(bragg + line_shift(bragg, self.instrument))

    def strongest_line(self, name: str, two_theta: ArrayLike) -> float:
        """Where inside the range of `two_theta` the strongest line of a phase stands, degrees."""
        angle = np.asarray(two_theta, float)
        return float(
            angle[np.argmax(phase_pattern(angle, self.lines[name], self.instrument, self.states[name]))]
        )

    def background(self, two_theta: ArrayLike) -> Array:
        """Counts without any phase at `two_theta` (degrees)."""
        low, high = self.domain
        x = (2 * np.asarray(two_theta, float) - low - high) / (high - low)
        return np.asarray(chebyshev.chebval(x, self.coefficients))

    def components(
        self,
        two_theta: ArrayLike,
        *,
        weights: Mapping[str, float] | None = None,
        zero: float = 0.0,
        broader: float = 1.0,
        texture: Mapping[str, float] | None = None,
    ) -> dict[str, Array]:
        """Counts of each phase at increasing `two_theta` (degrees).

        Parameters
        ----------
        weights : weight fractions instead of the refined ones, for as much mass in the beam
        zero : further shift, degrees; broader : factor of all widths
        texture : March–Dollase coefficients, for phases that were refined with a texture axis
        """
        scales = dict(self.scales) if weights is None else self._scales_for(weights)
        u, v, w = (broader**2 * part for part in self.instrument.caglioti)
        instrument = replace(self.instrument, caglioti=(u, v, w), zero=self.instrument.zero + zero)
        found = {}
        for name, lines in self.lines.items():
            state = replace(self.states[name], size=broader**2 * self.states[name].size)
            if texture and name in texture:
                state = replace(state, texture=texture[name])
            found[name] = scales[name] * phase_pattern(np.asarray(two_theta, float), lines, instrument, state)
        return found

    def _scales_for(self, weights: Mapping[str, float]) -> dict[str, float]:
        beam = sum(max(scale, 0.0) * self.masses[name] for name, scale in self.scales.items())
        whole = sum(weights.values())
        return {name: beam * weights.get(name, 0.0) / whole / self.masses[name] for name in self.lines}


def _free_metric(crystal: PowderPhase) -> tuple[list[Array], tuple[str, ...]]:
    """The free parts of G*, so that G* = Σ cell_j part_j for every cell of this system; and their names."""
    one = np.diag([1.0, 0, 0]), np.diag([0, 1.0, 0]), np.diag([0, 0, 1.0])
    right = np.isclose(np.cos(crystal.angles), 0, atol=1e-5)
    a, b, c = crystal.lengths

    def equal(*lengths: float) -> bool:
        return np.allclose(lengths, a, rtol=1e-5, atol=0)  # in metres all are below numpy's own tolerance

    if right.all() and equal(b, c):
        return [one[0] + one[1] + one[2]], ("a",)
    if right.all() and equal(b):
        return [one[0] + one[1], one[2]], ("a", "c")
    if right.all():
        return list(one), ("a", "b", "c")
    if right[:2].all() and equal(b) and np.isclose(np.cos(crystal.angles[2]), -0.5, atol=1e-4):
        cross = np.zeros((3, 3))
        cross[0, 1] = cross[1, 0] = 0.5
        return [one[0] + one[1] + cross, one[2]], ("a", "c")
    # Lower systems relax as a whole: angles stay, the three lengths scale together.
    return [reciprocal_metric(crystal)], ("a",)


def _metric_number(crystal: PowderPhase, part: Array) -> float:
    """The factor of one free part in G*: its element where only this part has one."""
    row = int(np.argmax(np.diag(part) > 0))
    return float(reciprocal_metric(crystal)[row, row] / part[row, row])
