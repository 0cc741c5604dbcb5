"""Phase fractions from a powder pattern: refined whole, with covariance, limits, and what it cannot see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import lmfit
import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.analysis.phase_fractions import Densities, Shares, densities_of, shares, upper_limit
from nbtools.analysis.powder_covariance import covariance_of
from nbtools.analysis.powder_fit import PatternFit, refine
from nbtools.analysis.powder_input import count_variance, read_arrays, read_phases
from nbtools.analysis.refined_pattern import RefinedPattern
from nbtools.cache import cached
from nbtools.models.powder_pattern import (
    COPPER,
    KALPHA_RATIO,
    Instrument,
    PowderLines,
    PowderPhase,
    powder_lines,
)
from nbtools.units import Quantity

Array = NDArray[np.float64]
DETECTION = 3.0  # σ of its scale, from which a phase counts as detected
MARGIN = 3.0  # deg beyond the pattern's end, from where lines still reach into it
BLIND = (
    "amorphous parts (boron, B2O3): a refinement shares the whole among the crystals it is given; an internal "
    "standard would show them",
    "microabsorption (Brindley): small where phases absorb alike, as MgO and MgB2 nearly do",
    "graininess, surface and preparation of the powder: the stated σ is that of counting",
)


@dataclass(frozen=True)
class PhaseFractions:
    """How much of each phase a pattern shows; all fractions sum to one and have no unit.

    weight_fractions, volume_fractions, mole_fractions : by phase; one that comes out below zero is none
    upper_limits : by phase, the weight fraction it stays under at 95 %
    significance : by phase, its scale over σ, negative where the pattern dips
    weights, volumes, moles : the same as arrays in the order of `names`, with their covariance
    densities : kg/m³, by phase, with which the volumes were computed
    lattices : by phase and axis, m; of a phase too weak to tell, as its CIF has it, with σ = 0
    rwp, expected_rwp, reduced_chi_square : misfit of the whole pattern, its background included
    two_theta, counts, pattern, background, components : degrees; counts, the fit, its parts by phase
    instrument : as refined; parameters : lmfit's, with standard errors; model : all of it, to be evaluated
    used, undetermined : what was assumed, and what this cannot tell, in sentences
    """

    names: tuple[str, ...]
    weight_fractions: dict[str, Quantity]
    volume_fractions: dict[str, Quantity]
    mole_fractions: dict[str, Quantity]
    upper_limits: dict[str, float]
    significance: dict[str, float]
    weights: Shares
    volumes: Shares
    moles: Shares
    densities: dict[str, float]
    lattices: dict[str, dict[str, Quantity]]
    rwp: float
    expected_rwp: float
    reduced_chi_square: float
    two_theta: Array
    counts: Array
    pattern: Array
    background: Array
    components: dict[str, Array]
    instrument: Instrument
    parameters: lmfit.Parameters
    used: tuple[str, ...]
    undetermined: tuple[str, ...]
    model: RefinedPattern = field(repr=False)

    @property
    def detected(self) -> tuple[str, ...]:
        """The phases whose lines stand 3 σ or more out of the pattern."""
        return tuple(name for name in self.names if self.significance[name] >= DETECTION)

    def molar_ratio(self, one: str, other: str) -> Quantity:
        """Formula units of `one` for each of `other`."""
        return self.moles.ratio(self.names.index(one), self.names.index(other))

    def texture(self, name: str) -> Quantity:
        """March–Dollase coefficient of a phase; 1 without error where it was not refined."""
        known = self.parameters[f"texture_{self.names.index(name)}"]
        value = float(np.exp(known.value))
        return Quantity(value, value * (known.stderr or 0.0))

    def with_densities(self, densities: Densities) -> "PhaseFractions":
        """The same refinement with other densities: "x-ray", "handbook" or a dict by phase, kg/m³."""
        chosen = densities_of(self.model.crystals, densities, expansion=self.model.expansion)
        specific = [chosen[name] for name in self.names]
        volumes = shares(self.weights.values, self.weights.covariance, 1 / np.array(specific))
        return replace(self, densities=chosen, volumes=volumes, volume_fractions=volumes.named(self.names))

    def __str__(self) -> str:
        lines = [self._line(name) for name in self.names]
        quality = f"R_wp = {self.rwp:.1%} (counting alone {self.expected_rwp:.1%})"
        return "\n".join([*lines, f"{quality}, χ²ᵣ = {self.reduced_chi_square:.2f}"])

    def _line(self, name: str) -> str:
        if name not in self.detected:
            return f"{name:6} under {100 * self.upper_limits[name]:.2g} wt% (95 %), not detected"
        weight, volume = (q[name].to("%") for q in (self.weight_fractions, self.volume_fractions))
        return f"{name:6} {str(weight)[:-2]} wt%, {str(volume)[:-2]} vol%"


def fit_phase_fractions(
    two_theta: ArrayLike,
    counts: ArrayLike,
    phases: Mapping[str, PowderPhase] | Sequence[PowderPhase],
    *,
    variance: ArrayLike | None = None,
    wavelengths: tuple[float, float] = COPPER,
    ratio: float = KALPHA_RATIO,
    monochromator: float = 0.0,
    densities: Densities = "x-ray",
    texture: Mapping[str, Sequence[int]] | None = None,
) -> PhaseFractions:
    """Refine a whole powder pattern (Rietveld) and return how much of each phase there is.

    Counts = Σ_p S_p Σ_hkl m|F|² LP P(hkl) [pV(Kα1) + r pV(Kα2)] + background. Refined are all scales, one Chebyshev
    background, the zero, the cells, the width U tan²θ + V tanθ + W with its Lorentzian share, the Kα2 ratio, one
    displacement B common to all atoms, and the further broadening of each phase but the strongest. A phase is weight
    S Z M V (Hill and Howard 1987); none is forced above zero, so that a weak one is not biased.

    Parameters
    ----------
    two_theta, counts : shape (n,), degrees and counts
    phases : crystals by name (`read_crystal` reads CIFs), or a list of them
    variance : of the counts, shape (n,), where they are not plain counts; else Poisson's
    wavelengths, ratio : Kα1 and Kα2, m, and their strengths' ratio to start from; 0 keeps to one wavelength
    monochromator : its 2θ, degrees (graphite with Cu: 26.6); 0 without one
    densities : for volumes: "x-ray", "handbook" or a dict by phase, kg/m³
    texture : phases with a preferred orientation and its axis (h, k, l); each gets a March–Dollase coefficient

    Raises
    ------
    ValueError
        Arrays that are no pattern, phases that are no crystals or have no line in it; a pattern without them.
    """
    angle, observed, spread = read_arrays(two_theta, counts, variance)
    crystals = read_phases(phases)
    gain, said = (1.0, ()) if spread is not None else count_variance(observed)
    instrument = Instrument(wavelengths=wavelengths, ratio=ratio, monochromator=monochromator)
    lines = _lines(crystals, angle, instrument, texture or {})
    fit = PatternFit(angle, observed / gain, spread, lines, instrument, textured=tuple(texture or {}))
    return _result(fit, refine(fit), crystals, densities, gain, said)


def _lines(
    crystals: Mapping[str, PowderPhase],
    angle: Array,
    instrument: Instrument,
    texture: Mapping[str, Sequence[int]],
) -> dict[str, PowderLines]:
    if strange := set(texture) - set(crystals):
        raise ValueError(f"texture is given for {', '.join(strange)}; the phases are {', '.join(crystals)}")
    widest = np.radians(min(angle[-1] + MARGIN, 179.0) / 2)
    shortest = min(instrument.wavelengths) / (2 * np.sin(widest))
    longest = max(instrument.wavelengths) / (2 * np.sin(np.radians(angle[0] / 2)))
    found = {}
    for name, crystal in crystals.items():
        found[name] = powder_lines(crystal, shortest, axis=texture.get(name))
        if not np.any(found[name].squared_inverse_spacing() > longest**-2):
            raise ValueError(
                f"{name} has no line between {angle[0]:.4g}° and {angle[-1]:.4g}° at {wavelength_text(instrument)}; "
                "leave it out, or check wavelength and CIF"
            )
    return found


def wavelength_text(instrument: Instrument) -> str:
    """``1.5406 Å``"""
    return f"{instrument.wavelengths[0] * 1e10:.4f} Å"


def _result(
    fit: PatternFit,
    p: lmfit.Parameters,
    crystals: dict[str, PowderPhase],
    densities: Densities,
    gain: float,
    said: tuple[str, ...],
) -> PhaseFractions:
    values, names = p.valuesdict(), tuple(crystals)
    columns = [*fit.templates(values), *fit.background()]
    factors, _ = fit.solve(columns)
    rest = (fit.counts - np.stack(columns, axis=1) @ factors) * fit.weight
    scales, covariance, chi_square = covariance_of(fit, p, rest)
    model = _refined(fit, values, crystals, gain * factors)
    chosen = densities_of(crystals, densities, expansion=model.expansion)
    mass = np.array(list(model.masses.values()))
    per = {
        "weights": mass,
        "volumes": mass / np.array([chosen[name] for name in names]),
        "moles": mass / np.array([crystal.molar_mass for crystal in crystals.values()]),
    }
    parts = {kind: shares(np.maximum(scales, 0), covariance, factor) for kind, factor in per.items()}
    limits = map(upper_limit, parts["weights"].values, parts["weights"].uncertainties)
    weighted = float(np.sum((fit.counts * fit.weight) ** 2))
    freedom = rest.size - len(factors) - sum(parameter.vary for parameter in p.values())
    return PhaseFractions(
        names=names,
        weight_fractions=parts["weights"].named(names),
        volume_fractions=parts["volumes"].named(names),
        mole_fractions=parts["moles"].named(names),
        upper_limits=dict(zip(names, limits, strict=True)),
        significance=dict(zip(names, map(float, scales / np.sqrt(np.diag(covariance))), strict=True)),
        **parts,
        densities=chosen,
        lattices=_lattices(fit, p, crystals),
        rwp=float(np.sqrt(np.sum(rest**2) / weighted)),
        expected_rwp=float(np.sqrt(freedom / weighted)),
        reduced_chi_square=chi_square,
        two_theta=fit.two_theta,
        counts=gain * fit.counts,
        pattern=gain * (np.stack(columns, axis=1) @ factors),
        background=model.background(fit.two_theta),
        components={n: gain * s * c for n, s, c in zip(names, factors, columns, strict=False)},
        instrument=model.instrument,
        parameters=p,
        used=_used(fit, values) + said,
        undetermined=_undetermined(fit, chi_square),
        model=model,
    )


def _refined(
    fit: PatternFit, values: dict[str, float], crystals: dict[str, PowderPhase], factors: Array
) -> RefinedPattern:
    return RefinedPattern(
        crystals,
        fit.lines,
        {name: fit.state_at(values, name) for name in crystals},
        fit.instrument_at(values),
        dict(zip(crystals, map(float, factors), strict=False)),
        factors[len(crystals) :],
        (float(fit.two_theta[0]), float(fit.two_theta[-1])),
    )


def _lattices(
    fit: PatternFit, p: lmfit.Parameters, crystals: Mapping[str, PowderPhase]
) -> dict[str, dict[str, Quantity]]:
    found: dict[str, dict[str, Quantity]] = {}
    for i, (name, crystal) in enumerate(crystals.items()):
        axes = dict(zip("abc", crystal.lengths, strict=True))
        strains = {axis: p[f"strain_{i}_{axis}"] for axis in fit.lines[name].axes}
        found[name] = {
            axis: Quantity(axes[axis] * (1 + strain.value), axes[axis] * (strain.stderr or 0.0), "m")
            for axis, strain in strains.items()
        }
    return found


def _used(fit: PatternFit, values: Mapping[str, float]) -> tuple[str, ...]:
    held = [name for name in fit.lines if name not in fit.visible]
    lines = [
        f"{wavelength_text(fit.instrument)}, background of degree {fit.degree}",
        *(f"{name}: cell of its CIF, width of the strongest phase, being too weak to say" for name in held),
    ]
    return tuple(lines)


def _undetermined(fit: PatternFit, chi_square: float) -> tuple[str, ...]:
    if chi_square <= 1 + 5 * np.sqrt(2 / fit.counts.size):
        return BLIND
    return (*BLIND, f"the model misses the pattern (χ²ᵣ = {chi_square:.3g}): σ is widened by that misfit")


@cached
def study_composition(
    two_theta: Array, counts: Array, phases: Mapping[str, PowderPhase], **options: Any
) -> PhaseFractions:
    """`fit_phase_fractions` of plain arrays, kept on disk: a refinement takes a second or two."""
    return fit_phase_fractions(two_theta, counts, phases, **options)
