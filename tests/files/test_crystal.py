"""Crystals from CIF: densities and structure against handbooks and gemmi, errors that say what to do."""

from pathlib import Path

import gemmi
import numpy as np
import pytest

from nbtools.files.crystal import OWN, CrystalError, own_crystal, read_crystal


@pytest.mark.parametrize(("name", "density"), [("MgO", 3582.549), ("MgB2", 2623.913), ("Mg", 1738.0)])
def test_x_ray_densities(name: str, density: float) -> None:
    """Mass of the cell over its volume, as the handbooks have it (atomic masses differ in the fifth digit)."""
    assert own_crystal(name).density == pytest.approx(density, rel=1e-3)


@pytest.mark.parametrize("name", ["MgO", "MgB2", "Mg"])
def test_atoms_scatter_as_gemmi_says(name: str) -> None:
    """The written-out cell gives gemmi's own structure factor of a general reflection."""
    crystal = own_crystal(name)
    structure = gemmi.read_small_structure(str(OWN / f"{name}.cif"))
    structure.change_occupancies_to_crystallographic()
    hkl = [3, 1, 1] if name == "MgO" else [1, 0, 2]
    s2 = 1e20 / (2 * structure.cell.calculate_d(hkl)) ** 2
    a, b, c = crystal.scattering[:, :4], crystal.scattering[:, 4:8], crystal.scattering[:, 8]
    form = np.sum(a * np.exp(-b * s2 * 1e-20), axis=1) + c
    damped = crystal.occupancies * form * np.exp(-crystal.displacements * s2)
    ours = np.sum(damped * np.exp(2j * np.pi * crystal.positions @ hkl))
    theirs = gemmi.StructureFactorCalculatorX(structure.cell).calculate_sf_from_small_structure(
        structure, hkl
    )
    assert abs(ours) == pytest.approx(abs(theirs), rel=1e-6)


def test_what_a_file_leaves_out_is_said() -> None:
    """Nothing is filled in silently."""
    assert own_crystal("MgB2").notes == ()
    assert (own_crystal("MgB2").formula, own_crystal("MgB2").formula_units) == ("B2Mg", 1)


def test_other_peoples_files(realdata: Path) -> None:
    """pymatgen's symmetry-free cell and the COD's old tag names."""
    computed = read_crystal(realdata / "xrd/MgB2/MgB2.cif")
    assert len(computed.elements) == 3
    assert computed.lengths[0] == pytest.approx(3.0628e-10, rel=1e-4)
    assert "B = 0.5 Å² taken" in computed.notes[0]
    periclase = read_crystal(realdata / "xrd/RaDMaX-online/MgO.cif")
    assert (len(periclase.elements), periclase.formula) == (8, "MgO")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not a cif at all {", "is not a CIF file"),
        ("data_empty\n_cell_length_a 4\n", "holds no atoms"),
        (
            "data_x\nloop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nMg 0 0 0\n",
            "gives no unit cell",
        ),
        ((OWN / "MgO.cif").read_text().replace("Mg Mg 0", "Qq Qq 0"), "no known element"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    """What came, and what was expected."""
    path = tmp_path / "bad.cif"
    path.write_text(text)
    with pytest.raises(CrystalError, match=said):
        read_crystal(path)


def test_an_unknown_crystal_lists_the_known() -> None:
    """So that the next try succeeds."""
    with pytest.raises(CrystalError, match="only Mg, MgB2, MgO"):
        own_crystal("NaCl")
