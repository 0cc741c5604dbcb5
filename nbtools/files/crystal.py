"""Crystals from CIF files, as plain arrays: every atom of the cell with what it needs to scatter."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import constants

from nbtools import paths

if TYPE_CHECKING:
    import gemmi

Array = NDArray[np.float64]
OWN = paths.PACKAGE / "crystals"
ANGSTROM = 1e-10
LARGEST = 10_000_000  # bytes
# What a CIF without displacements is taken to have; ordinary for a hard solid at room temperature.
USUAL_DISPLACEMENT = 0.5e-20


class CrystalError(ValueError):
    """A CIF that cannot be used; says what was found and what was expected."""


@dataclass(frozen=True)
class Crystal:
    """A crystal structure, every atom of the cell written out.

    name : of the data block, else of the file
    lengths, angles : shape (3,), m and rad
    elements, positions, occupancies : N atoms; positions of shape (N, 3), as fractions of the cell
    displacements : isotropic B, shape (N,), m²
    scattering : Cromer and Mann's nine numbers of each atom, shape (N, 9): a₁…a₄, b₁…b₄ (Å²), c
    formula_units : in the cell; molar_mass of one, kg/mol; formula as text
    space_group : Hermann–Mauguin symbol and number; notes : what the file left out
    """

    name: str
    lengths: Array
    angles: Array
    elements: tuple[str, ...]
    positions: Array
    occupancies: Array
    displacements: Array
    scattering: Array
    formula: str
    formula_units: int
    molar_mass: float
    space_group: str
    notes: tuple[str, ...] = field(default=())

    @property
    def volume(self) -> float:
        """Of the cell, m³."""
        a, b, c = np.cos(self.angles)
        return float(np.prod(self.lengths) * math.sqrt(1 - a**2 - b**2 - c**2 + 2 * a * b * c))

    @property
    def density(self) -> float:
        """X-ray density, kg/m³: the mass of the cell's atoms over its volume."""
        return self.formula_units * self.molar_mass / constants.N_A / self.volume

    def __str__(self) -> str:
        cell = ", ".join(f"{length / ANGSTROM:.4f}" for length in self.lengths)
        angles = ", ".join(f"{angle:g}" for angle in np.round(np.degrees(self.angles), 4))
        return (
            f"{self.name}: {self.formula}, {self.space_group}, {cell} Å, {angles}°, {self.density:.0f} kg/m³"
        )


def own_crystal(name: str) -> Crystal:
    """One of the crystals that come with the package: ``MgO``, ``MgB2`` or ``Mg``, with the paper's lattice."""
    path = OWN / f"{name}.cif"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in OWN.glob("*.cif")))
        raise CrystalError(f"no crystal {name!r} comes with the package, only {known}; give a CIF file")
    return read_crystal(path)


def read_crystal(path: str | Path) -> Crystal:
    """The first structure with atoms in a CIF file.

    Raises
    ------
    CrystalError
        No CIF, no cell, no atoms, an unknown element or space group.
    """
    import gemmi

    path = Path(path)
    if not path.is_file():
        raise CrystalError(f"{path} is not there; a CIF file was expected")
    if path.stat().st_size > LARGEST:
        raise CrystalError(f"{path.name} has {path.stat().st_size:,} bytes; a structure as CIF was expected")
    try:
        blocks = list(gemmi.cif.read_string(path.read_bytes().decode("utf-8", "replace")))
    except (ValueError, RuntimeError) as problem:
        raise CrystalError(f"{path.name} is not a CIF file: {problem}") from None
    for block in blocks:
        try:
            structure = gemmi.make_small_structure_from_block(block)
        except (ValueError, RuntimeError) as problem:
            raise CrystalError(f"{path.name} gives no possible cell: {problem}") from None
        if structure.sites:
            return _crystal(path, block, structure)
    raise CrystalError(f"{path.name} holds no atoms: _atom_site_fract_x, _y and _z were expected")


def _crystal(path: Path, block: "gemmi.cif.Block", structure: "gemmi.SmallStructure") -> Crystal:
    cell = structure.cell
    if not cell.is_crystal() or not math.isfinite(cell.volume) or cell.volume <= 0:
        raise CrystalError(
            f"{path.name} gives no unit cell: _cell_length_a … _cell_angle_gamma were expected"
        )
    structure.setup_cell_images()
    if structure.spacegroup is None and not structure.symops:
        raise CrystalError(f"{path.name} names no space group and lists no symmetry operation")
    atoms = [atom for site in structure.get_all_unit_cell_sites() for atom in [_atom(path, site)]]
    mass = sum(atom["occupancy"] * atom["mass"] for atom in atoms)
    units, notes = _formula_units(block, atoms)
    if not any(atom["displacement"] > 0 for atom in atoms):
        notes += (f"no atomic displacements: B = {USUAL_DISPLACEMENT * 1e20:g} Å² taken",)
        for atom in atoms:
            atom["displacement"] = USUAL_DISPLACEMENT
    group = structure.spacegroup
    return Crystal(
        name=block.name or path.stem,
        lengths=np.array([cell.a, cell.b, cell.c]) * ANGSTROM,
        angles=np.radians([cell.alpha, cell.beta, cell.gamma]),
        elements=tuple(atom["element"] for atom in atoms),
        positions=np.array([atom["position"] for atom in atoms]),
        occupancies=np.array([atom["occupancy"] for atom in atoms]),
        displacements=np.array([atom["displacement"] for atom in atoms]),
        scattering=np.array([atom["scattering"] for atom in atoms]),
        formula=_formula(atoms, units),
        formula_units=units,
        molar_mass=1e-3 * mass / units,
        space_group=f"{group.hm} ({group.number})" if group else "as listed",
        notes=notes,
    )


def _atom(path: Path, site: "gemmi.SmallStructure.Site") -> dict[str, Any]:
    element = site.element
    if element.atomic_number == 0 or element.it92 is None:
        raise CrystalError(f"{path.name}: site {site.label!r} is of no known element ({site.type_symbol!r})")
    coefficients = element.it92
    return {
        "element": element.name,
        "mass": element.weight,
        "position": np.mod(np.round(site.fract.tolist(), 9), 1.0),
        "occupancy": site.occ,
        "displacement": 8 * math.pi**2 * max(site.u_iso, 0.0) * ANGSTROM**2,
        "scattering": [*coefficients.a, *coefficients.b, coefficients.c],
    }


def _counts(atoms: list[dict[str, Any]]) -> dict[str, float]:
    counts: dict[str, float] = {}
    for atom in atoms:
        counts[atom["element"]] = counts.get(atom["element"], 0.0) + atom["occupancy"]
    return counts


def _formula_units(block: "gemmi.cif.Block", atoms: list[dict[str, Any]]) -> tuple[int, tuple[str, ...]]:
    """As the file says; else the greatest common divisor of the atoms."""
    written = block.find_value("_cell_formula_units_Z")
    if written and written.split("(")[0].isdigit() and int(written.split("(")[0]) > 0:
        return int(written.split("(")[0]), ()
    counts = [round(count) for count in _counts(atoms).values()]
    return max(math.gcd(*counts), 1), ("no _cell_formula_units_Z: taken from the atoms",)


def _formula(atoms: list[dict[str, Any]], units: int) -> str:
    parts = {element: count / units for element, count in _counts(atoms).items()}
    return "".join(
        f"{element}{'' if round(n, 3) == 1 else f'{n:.3g}'}" for element, n in sorted(parts.items())
    )
