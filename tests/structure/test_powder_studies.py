"""From files to phase fractions: crystals added or in place of ours, what the file does not say, and own files only."""

import numpy as np
import pytest
from powder_worlds import ANGLES, PLANTED, cif, clean_pattern

from nbtools import structure
from nbtools.notebook.sample import open_sample, open_samples
from nbtools.study import Missing

INPUTS = {"images": None, "powder pattern": None}


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NBTOOLS_RESULTS", str(tmp_path / "lab" / "results"))


def written(folder, fractions, name="mine.xy", header="# Wavelength: 1.540593 Å\n", seed=1):
    """A pattern of counts as text."""
    counts = np.random.default_rng(seed).poisson(clean_pattern(fractions))
    rows = "\n".join(f"{x:.2f} {n}" for x, n in zip(ANGLES, counts.tolist(), strict=True))
    (folder / name).write_text(f"{header}{rows}\n", encoding="utf-8")
    return folder / name


def opened(path, **more):
    return open_samples(INPUTS | {"powder pattern": path}, notebook="01_structure", **more)


def test_own_numbers_only(tmp_path):
    """A pattern of one's own: the twin's images are left out, the ledger is a folder's of its own, one table."""
    images, powder = open_samples(
        {"images": "fib-sem-twin", "powder pattern": written(tmp_path, PLANTED)}, notebook="01_structure"
    )
    assert not images.files and repr(images) == "data  no images given"
    assert images.ledger is powder.ledger and "mine.xy" in str(powder.ledger.path.parent)
    assert structure.study_composition(powder)
    assert {entry.origin for entry in powder.ledger.results.values()} == {"measured"}
    assert "weight fraction MgB2" in repr(images.export())


def test_images_of_ones_own_leave_out_the_twins_pattern(tmp_path):
    """And so do crystals: nothing of a twin is refined against them."""
    tile = tmp_path / "mine.tif"
    tile.write_bytes(b"II*\0")
    images, powder = open_samples({"images": tile, "powder pattern": "powder-twin"}, notebook="01_structure")
    assert images.files and not powder.files
    _, powder = open_samples(
        {"images": None, "powder pattern": "powder-twin"}, notebook="01_structure", own=["a.cif"]
    )
    assert "no powder pattern is given" in repr(structure.study_composition(powder))


def test_twins_are_opened_where_nothing_is_given():
    """Both, in the paper's ledger."""
    _, powder = open_samples({"images": None, "powder pattern": "powder-twin"}, notebook="01_structure")
    assert powder.is_papers and powder.ledger.folder is None


def test_a_foreign_pattern_gives_nothing(tmp_path):
    """Silicon: a sentence with its lines, no number in the table, the figure and widgets say the same."""
    _, powder = opened(written(tmp_path, {"Si": 1.0}))
    composition = structure.study_composition(powder)
    assert isinstance(composition, Missing) and "28.4" in composition.reason
    assert isinstance(structure.study_composition_budget(powder, composition), Missing)
    assert isinstance(structure.explore_powder.pattern(composition), Missing)
    assert not powder.ledger.results and "do not explain" in repr(powder.export())


def test_a_crystal_is_added(tmp_path):
    """With silicon's CIF the same file gives silicon, and ours as limits."""
    crystal = tmp_path / "silicon.cif"
    crystal.write_text(cif("Si"), encoding="utf-8")
    _, powder = opened(written(tmp_path, {"MgO": 0.5, "Si": 0.5}))
    found = structure.study_composition(powder, cifs=crystal)
    assert found.names == ("MgO", "MgB2", "Mg", "Si")
    silicon = found.weight_fractions["Si"]
    assert set(found.detected) == {"MgO", "Si"} and abs(silicon - 0.5) < 4 * silicon.uncertainty


def test_a_crystal_takes_the_place_of_ours(tmp_path, realdata):
    """By formula and space group, whatever its name; two of the same are refused."""
    theirs = [realdata / "xrd/RaDMaX-online/MgO.cif", realdata / "xrd/MgB2/MgB2.cif"]
    powder = open_sample("powder-twin")
    found = structure.study_composition(powder, cifs=theirs, record=False)
    assert found.names == ("MgO", "MgB2", "Mg") and found.model.crystals["MgO"].name == "1011117"
    ours = structure.study_composition(powder, record=False)
    assert found.weight_fractions["MgB2"] == pytest.approx(ours.weight_fractions["MgB2"], abs=0.004)
    twice = structure.study_composition(powder, cifs=[theirs[0], theirs[0]], record=False)
    assert "two CIFs are of MgO" in twice.reason


def test_a_cif_that_is_none(tmp_path):
    """Its sentence in place of the study."""
    (tmp_path / "bad.cif").write_text("no crystal")
    found = structure.study_composition(open_sample("powder-twin"), cifs=tmp_path / "bad.cif", record=False)
    assert "bad.cif is not a CIF file" in found.reason


def test_a_file_without_a_wavelength(tmp_path):
    """Copper is taken and said; with another given it is that one, at which these phases explain nothing."""
    _, powder = opened(written(tmp_path, PLANTED, header=""))
    found = structure.study_composition(powder)
    assert any("gives no wavelength: that of copper is taken" in note for note in found.notes())
    other = structure.study_composition(powder, wavelength=1.79e-10, record=False)
    assert isinstance(other, Missing) and "check the wavelength, 1.7900 Å" in other.reason
    with pytest.raises(ValueError, match=r"wavelength is 1\.5406"):
        structure.study_composition(powder, wavelength=1.5406)


def test_two_patterns_in_a_folder(tmp_path):
    """The first is refined, the other named."""
    folder = tmp_path / "scans"
    folder.mkdir()
    written(folder, PLANTED, "a.xy")
    written(folder, PLANTED, "b.xy", seed=2)
    _, powder = opened(folder)
    found = structure.study_composition(powder)
    assert "assumed: a.xy is refined; left out: b.xy" in found.notes()


@pytest.mark.parametrize(
    "file",
    [
        "nomad-measurements/XRD-918-16_10.xrdml",
        "nomad-measurements/TwoTheta_scan_powder.rasx",
        "project_chameleon/brukerraw_test.RAW",
        "project_chameleon/bruker_output.txt",
        "xylib/BT86_.UXD",
        "xylib/PSI_DMC.dat",
        "xylib/1517474.cif",
    ],
)
def test_other_peoples_patterns(file, realdata):
    """None is of these phases: no fraction from any, X-rays by their lines, neutrons by their kind."""
    _, powder = opened(realdata / "xrd" / file)
    found = structure.study_composition(powder)
    assert isinstance(found, Missing) and not powder.ledger.results
    assert ("do not explain" in found.reason) != ("neutrons" in found.reason)


def test_what_moves_the_volume_fraction():
    """The density by 1.6 %; a texture that is not there by no more than counting does."""
    powder = open_sample("powder-twin")
    composition = structure.study_composition(powder, record=False)
    study = structure.study_composition_budget(powder, composition, record=False)
    assert study.budget["density: handbook or X-ray"] == pytest.approx(0.0158, abs=0.001)
    assert study.budget["texture free or not"] < 3 * study.budget["counting"]
    lacking = structure.study_composition_budget(powder, composition, phase="Si", record=False)
    assert "Si is not detected; detected are MgO, MgB2" in lacking.reason
