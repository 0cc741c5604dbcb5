"""Where a powder pattern and crystals meet the refinement: phase fractions, and what moves them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from nbtools.cache import cached
from nbtools.files.crystal import Crystal, CrystalError, own_crystal, read_crystal
from nbtools.files.powder_diffraction import (
    NO_WAVELENGTH,
    PowderDiffractionError,
    read_pattern,
    scan_options,
)
from nbtools.files.text_table import TableError
from nbtools.results import NotPossible
from nbtools.structure.powder_refinement import COMPUTED_CELL, PhaseFractions, fit_phase_fractions
from nbtools.study import Missing, Row, StudyResult, study
from nbtools.units import Quantity

if TYPE_CHECKING:
    from nbtools.notebook.sample import Sample

OWN_PHASES = ("MgO", "MgB2", "Mg")
PLATE_AXIS = (0, 0, 1)  # MgB2 grows as plates


@study("Fig. 1 · Composition")
def study_composition(
    sample: "Sample",
    *,
    cifs: str | Path | Sequence[str | Path] = (),
    densities: Literal["x-ray", "handbook"] | dict[str, float] = "handbook",
    texture: dict[str, tuple[int, int, int]] | None = None,
    wavelength: Annotated[float, Field(gt=1e-11, lt=1e-9)] | None = None,
    scan: Annotated[int, Field(ge=0)] = 0,
) -> PhaseFractions | Missing:
    """Weight and volume fractions of the phases in a powder pattern.

    Parameters
    ----------
    sample : from `open_samples`; the first of its files that is a powder pattern is taken
    cifs : crystals beside MgO, MgB2 and Mg; one of the same formula and space group, or of the same name, takes the
        place of ours
    densities : for volumes: "handbook" (the paper's), "x-ray" (of the refined cells), or by phase, kg/m³
    texture : phases whose preferred orientation is refined, with its axis (h, k, l)
    wavelength : m, where the file does not state it; without it that of copper is taken, and said
    scan : which one, where the file holds several

    Returns
    -------
    The result, or `Missing` where no file is a powder pattern, or where these phases do not explain it.
    """
    pattern, options, said = _pattern(sample, scan, wavelength)
    phases, computed = _phases(cifs)
    options |= {"densities": densities, "texture": texture, "reach": dict.fromkeys(computed, COMPUTED_CELL)}
    result = _refined(pattern.two_theta.values, pattern.counts.values, phases, options)
    return replace(result, used=(*result.used, *said))


@cached
def _refined(
    two_theta: Any, counts: Any, phases: dict[str, Crystal], options: dict[str, Any]
) -> PhaseFractions:
    """`fit_phase_fractions`, kept on disk: a refinement takes a second or two."""
    return fit_phase_fractions(two_theta, counts, phases, **options)


def _pattern(sample: "Sample", scan: int, wavelength: float | None) -> tuple[Any, dict[str, Any], list[str]]:
    """The powder pattern of a sample's files, what the refinement is told of it, and what was assumed."""
    if not sample.files:
        raise NotPossible("no powder pattern is given; POWDER takes one, with the crystals of CIFS beside it")
    found, refusals = [], []
    for file in sample.files:
        try:
            pattern = read_pattern(file, scan=scan, columns=sample.columns)
            found.append((pattern, scan_options(pattern)))
        except (PowderDiffractionError, TableError) as problem:
            refusals.append(str(problem))
    if not found:
        raise NotPossible("; ".join(refusals[:3]))
    (pattern, options), others = found[0], [other.attrs["source"] for other, _ in found[1:]]
    sample.used.append(pattern.attrs["source"])
    said = [note for note in pattern.attrs["notes"] if note != NO_WAVELENGTH]
    if others:
        said.append(f"{pattern.attrs['source']} is refined; left out: {', '.join(others)}")
    if pattern.attrs["scans"] > 1:
        said.append(f"scan {scan} of {pattern.attrs['scans']}, counted from 0")
    if "wavelengths" not in options:
        said.append(
            NO_WAVELENGTH + (": the given one is taken" if wavelength else ": that of copper is taken")
        )
        options |= {"wavelengths": (wavelength, wavelength), "ratio": 0.0} if wavelength else {}
    return pattern, options, said


def _phases(cifs: str | Path | Sequence[str | Path]) -> tuple[dict[str, Crystal], list[str]]:
    """Our three crystals with those of CIFs added or in their place, and the names of the latter."""
    phases = {name: own_crystal(name) for name in OWN_PHASES}
    given: list[str] = []
    for path in [cifs] if isinstance(cifs, (str, Path)) else cifs:
        try:
            crystal = read_crystal(path)
        except CrystalError as problem:
            raise NotPossible(str(problem)) from None
        kind = (crystal.formula, crystal.space_group)
        same = [name for name, other in phases.items() if (other.formula, other.space_group) == kind]
        name = crystal.name if crystal.name in phases or not same else same[0]
        if name in given:
            raise NotPossible(
                f"two CIFs are of {name}, the second of them {Path(path).name}; give one of each crystal"
            )
        phases[name] = crystal
        given.append(name)
    return phases, given


@dataclass(frozen=True, repr=False)
class CompositionBudget(StudyResult):
    """What moves the volume fraction of one phase.

    Attributes
    ----------
    phase : its name
    value : its volume fraction
    budget : by cause, relative change
    texture : the refinement with a free texture of that phase
    """

    phase: str
    value: Quantity
    budget: dict[str, float]
    texture: PhaseFractions

    def rows(self) -> list[Row]:
        free = self.texture.volume_fractions[self.phase]
        rows = [
            Row(f"{self.phase} by volume", self.value, "as above", shown="%"),
            Row(
                f"{self.phase} by volume, texture free",
                free,
                f"r = {self.texture.texture(self.phase)}",
                shown="%",
            ),
        ]
        for choice in ("handbook", "x-ray"):
            other = self.texture.with_densities(choice)
            density = other.densities[self.phase]
            rows.append(
                Row(
                    f"the same, {choice} density",
                    other.volume_fractions[self.phase],
                    f"{density:.0f} kg/m³",
                    shown="%",
                )
            )
        return rows

    def notes(self) -> list[str]:
        return [
            f"χ²ᵣ with a free texture {self.texture.reduced_chi_square:.2f}",
            "the weights do not move with the density, the volumes do",
        ]


@study("Fig. 1 · What moves the volume fraction")
def study_composition_budget(
    sample: "Sample", composition: PhaseFractions, *, phase: str = "MgB2"
) -> CompositionBudget | Missing:
    """Counting, the choice of the density, and a texture that is refined or not.

    Parameters
    ----------
    sample : that of `composition`
    composition : from `study_composition`
    phase : the phase in question, whose plates may lie flat

    Returns
    -------
    The result, or `Missing` where the pattern does not show that phase.
    """
    if phase not in composition.detected:
        raise NotPossible(
            f"{phase} is not detected; detected are {', '.join(composition.detected) or 'none'}"
        )
    chosen = composition.stamp.options if composition.stamp else {}
    free = study_composition(sample, record=False, **{**chosen, "texture": {phase: PLATE_AXIS}})
    if isinstance(free, Missing):
        raise NotPossible(free.reason)
    value = composition.volume_fractions[phase]
    handbook, cell = (
        float(composition.with_densities(choice).volume_fractions[phase]) for choice in ("handbook", "x-ray")
    )
    budget = {
        "counting": value.uncertainty / float(value),
        "density: handbook or X-ray": abs(cell / handbook - 1),
        "texture free or not": abs(float(free.volume_fractions[phase]) / float(value) - 1),
    }
    return CompositionBudget(phase, value, budget, free)
