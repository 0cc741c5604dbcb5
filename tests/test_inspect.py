"""`python -m nbtools inspect`: what a file is, where it goes, what is missing; over real files and damaged ones."""

import re
import shlex
import sys
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parent / "files"))
from damage import damaged

from nbtools.__main__ import main
from nbtools.files import registry
from nbtools.files.registry import CARD
from nbtools.inspection import inspect_path
from nbtools.manifest import fetch
from nbtools.notebook.document import code_cells, read_parameters

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
PACKAGE = Path(__file__).parent.parent / "nbtools"
# A real file, then what the answer must say and what it must not.
ANSWERS = [
    (
        "qd/MagnetoPy/zfcfc1.dat",
        (
            "Quantum Design file of a MPMS3, 504 points",
            "zfc at 100.1 Oe: moment 0.004336 to 0.01232 emu, 5.003 to 299.9 K, 252 points → transport (notebook 03)",
            "fc at 100.1 Oe: moment 0.0116 to 0.01233 emu, 5.003 to 299.9 K, 252 points → transport (notebook 03)",
            "run 03 -p DATA=",
            "field_axis",
            '`mass: "1.6 mg"`, `instrument: MPMS3 dc`',
        ),
        ("tap_distance", "run 05", "note:"),
    ),
    (
        "qd/MagnetoPy/zfcfc3.dat",
        ("fc at 99.97 Oe: moment 0.01136 to 0.0124 emu, 5.002 to 299.9 K, 255 points → transport",),
        ("run 05", "note:"),
    ),
    (
        "qd/MagnetoPy/mvsh2c.dat",
        (
            "5 to 300.2 K, -70000 to 70000 Oe",
            "up at 5.004 K, of a loop: moment -0.04749 to 0.0475 emu, -70000 to 70000 Oe, 143 points "
            "→ ac_susceptibility (notebook 05)",
            "down at 300 K, of a loop: moment",
            "run 05 -p DATA=",
        ),
        ("run 03", "note:"),
    ),
    ("qd/MagnetoPy/mvsh3.dat", ("down at 5.003 K, of a loop", "run 05"), ("run 03", "mass")),
    ("qd/MagnetoPy/mvsh4.dat", ("down at 293.2 K, of a loop", "run 05", '`mass: "2.875 mg"`'), ("run 03",)),
    ("qd/MagnetoPy/Pd_std1.dat", ("Pd_std", "up at 300.1 K, of a loop", "run 05"), ("run 03",)),
    (
        "qd/MagnetoPy/zfc5.dat",
        ("warming at 200 Oe: moment 0.000129 to 0.01073 emu, 2.002 to 299.9 K",),
        ("run 05",),
    ),
    ("qd/MagnetoPy/fc5.dat", ("warming at 200 Oe: moment 0.0001293 to 0.01482 emu",), ("run 05",)),
    (
        "qd/NCCO_Analysis_Code_2026/20240223_NCCO_SC_Canada4_full_size.dc.dat",
        (
            "Kristine_NCCO_SC_Canada",
            "zfc at 10 Oe: moment -0.2115 to 0.001763 emu, 1.801 to 50.01 K, 97 points → transport",
            "fc at 10 Oe: moment -0.00128 to 0.001763 emu, 1.801 to 50.01 K, 97 points → transport",
            '`instrument: MPMS`, `scan_length: "40 mm"`',
        ),
        ("run 05", "mass"),
    ),
    (
        "qd/NCCO_Analysis_Code_2026/20240222_NCCO_AG.dat",
        ("zfc at 10 Oe: moment 0.001427 to 0.01148 emu",),
        (),
    ),
    (
        "qd/NCCO_Analysis_Code_2026/20240222_NCCO_AG.dc.dat",
        ("zfc at 10 Oe: moment 0.001427 to 0.01148 emu",),
        (),
    ),
    (
        "qd/project_chameleon/4-probe resistivity example file.dat",
        (
            "cooling at -0.02972 Oe: resistance 3.632 to 35.83 mΩ, 1.809 to 10 K, 34 points → transport",
            "warming at -0.02972 Oe: resistance 3.636 to 108.4 mΩ, 1.81 to 300.2 K, 325 points → transport",
            "run 03 -p 'DATA=",
            '`cross_section: "12.5 mm^2"`, `tap_distance: "5 mm"`, `current: "5 mA"`',
        ),
        ("run 05", "bridge"),
    ),
    (
        "qd/nomad-measurements/Resistivity_Ch1_TMR_Ch2_Hall_test.dat",
        (
            "bridge 1 (TMR): up at 2 K: resistance -7.584 to 467.9 mΩ, -10000 to 10000 Oe, 199 points → transport",
            "bridge 2 (Hall): down at 2.3 K: resistance -8.763 to 231.8 mΩ, -10000 to 10000 Oe, 201 points",
        ),
        ("run 05",),
    ),
    (
        "qd/nomad-measurements/ACMS_test.dat",
        (
            "run 05",
            "three ac amplitudes",
            "warming at 1999 Oe: moment 0.005546 to 0.01129 emu, 1.997 to 5.002 K, 10 points → transport",
            "42 × warming (temperature): ac moment 5.772e-06 to 2.508e-05 emu, 1.998 to 10 K, 420 points",
            '`mass: "53.1 mg"`',
        ),
        (),
    ),
    ("qd/quantumPPMS/sample1.dat", ("FePc powder in capsule", "cooling at 0 Oe: moment -9.3e-06"), ("mass",)),
    ("qd/quantumPPMS/sample2.DAT", ("cannot be used", "log of the cryostat"), ("python", "powder")),
    ("xrd/nomad-measurements/XRD-918-16_10.xrdml", ("1.5406 Å", "run 01 -p POWDER="), ("missing",)),
    ("xrd/xylib/PSI_DMC.dat", ("neutrons", "no notebook takes this"), ("python",)),
    ("xrd/MgB2/MgB2.cif", ("B2Mg", "CIFS="), ()),
    ("em3d/cylindra/13pf_MT.tif", ("stack of slices, z 36 × 1.052 nm", "run 01"), ("missing", "run 02")),
    ("em3d/3D-SEM-Segmentation/sample_001_sem.bmp", ("not guessed", "VOXEL_SIZE=<metres>"), ()),
    ("em3d/etspy/HAADF.dm3", ("tilt series", "no notebook takes this"), ("python",)),
    ("stem/openNCEM/16_STOimage_1.ser", ("0.01001 nm", "run 02"), ("run 01",)),
    ("mo/Magneto-optics/nbntri26_8K_50.tif", ("04, as frames", "applied_field_T"), ()),
    ("mo/Magneto-optics/sample.mat", ("-p OUTLINE=",), ("run 04",)),
    ("mo/current-reconstruction/mag.npz", ("x 201 × 1292 nm", "run 04", "HEIGHT=<metres>"), ("missing",)),
    (
        "acsus_local/vortex-dynamics-induced-by-scanning-squid/FCsweep_9p3.mat",
        ("scanning SQUID",),
        ("python",),
    ),
    ("cl/lumispy/nanoparticles.hspy", ("61.27 nm", "6 keV", "run 06 -p DATA=", "beam_energy"), ("missing",)),
    ("cl/lumispy-demos/Test-spectrum_ZnO-NWs.dm4", ("luminescence spectrum", "run 06 -p DATA="), ()),
    ("cl/DPG2026-Tutorial/hBN_coreloss.hspy", ("EELS", "no notebook takes this"), ("python",)),
    ("mo/Magneto-optics/LICENCE-NOTE.txt", ("cannot be used",), ("python",)),
]
# What a derived property of the card is made of.
IMPLIED = {
    "geometry_factor": {"cross_section", "tap_distance"},
    "current_density": {"current", "cross_section"},
    **{name: {"dimensions", "field_axis"} for name in ("sides", "volume", "transverse_lengths")},
}


@pytest.mark.parametrize(("name", "says", "not_"), ANSWERS, ids=[name for name, *_ in ANSWERS])
def test_a_real_file(realdata, name, says, not_):
    """Its kind, its axes, the notebook with its parameter line, and what is missing."""
    text, usable = inspect_path(realdata / name)
    assert all(part in text for part in says), text
    assert not any(part in text for part in not_), text
    assert usable == ("cannot be used" not in says)


def test_the_line_can_be_typed(realdata):
    """What is printed sets the file's full path, blanks and all."""
    file = realdata / "qd/project_chameleon/4-probe resistivity example file.dat"
    line = next(line for line in inspect_path(file)[0].splitlines() if "python -m" in line)
    words = shlex.split(line)
    assert read_parameters([words[words.index("-p") + 1]], Path.cwd()) == {"DATA": str(file)}


def test_what_the_card_still_needs(realdata, tmp_path):
    """With a card only the rest is asked for; with all of it nothing is."""
    card, file = tmp_path / "mine.yaml", realdata / "cl/lumispy/nanoparticles.hspy"
    card.write_text('name: mine\nbeam_energy: "5 ± 0.1 keV"\n', encoding="utf-8")
    assert "does not give frame; add `frame: 1`" in inspect_path(file, card)[0]
    card.write_text('name: mine\nbeam_energy: "5 ± 0.1 keV"\nframe: 1\n', encoding="utf-8")
    assert "gives all that is asked" in inspect_path(file, card)[0]


def test_the_card_is_asked_for_what_the_techniques_ask():
    """Every field that a notebook or a study demands of its card stands in the table, and no more than one knows of."""
    asked = {
        number: fields_asked(technique, next(NOTEBOOKS.glob(f"{number}_*.ipynb")))
        for technique, number in registry.NOTEBOOKS.items()
        if number in ("03", "04", "05", "06")
    }
    told: dict[str, set[str]] = {number: set() for number in registry.NOTEBOOKS.values()}
    for (technique, _), fields in CARD.items():
        told[registry.NOTEBOOKS[technique]].update(fields)
    assert asked == {number: told[number] for number in asked}


def fields_asked(technique, path):
    """The card's fields that a technique's notebook and studies ask for, down to what is written on the card."""
    source = "\n".join(cell.source for cell in code_cells(nbformat.read(path, as_version=4)))
    source = source.replace("*needed", '"volume", "sides", "remanence", "instrument"')
    study = PACKAGE / technique / "study.py"
    source += study.read_text(encoding="utf-8") if study.is_file() else ""
    calls = re.findall(r'\b(?:bench\.has\("[^"]*",|require\(|given\(|\.sigma\()([^)]*)\)', source)
    names = set(re.findall(r'"(\w+)"', " ".join(calls)))
    names |= {"remanence", "thermometer_offset"} if re.search(r"bench\.calibration\b", source) else set()
    if study.is_file():
        names |= set(re.findall(r"\bcard\.(\w+)", source)) & set(IMPLIED)
    return set().union(*(IMPLIED.get(name, {name}) for name in names))


def test_a_folder_is_gone_through_file_by_file(tmp_path, monkeypatch):
    """A twin's folder: each file for itself, its card used, synthetic where it says so, and the line for all."""
    folder = fetch("magneto-optics-twin")
    text, usable = inspect_path(folder)
    assert usable and text.count("(synthetic)") >= 3
    assert f"all of these together: python -m nbtools run 04 -p DATA={folder}" in text
    assert "gives all that is asked" in text


@pytest.mark.parametrize("name", [name for name, says, _ in ANSWERS if "cannot be used" not in says])
def test_a_damaged_file(realdata, tmp_path, name):
    """A finding or a sentence, never a traceback."""
    file = tmp_path / Path(name).name
    file.write_bytes(damaged((realdata / name).read_bytes()[:200_000], len(name)))
    assert len(inspect_path(file)[0]) > 20


def test_from_the_command_line(tmp_path, capsys):
    """0 for a file that is known, 1 for one that is not, 2 with a sentence for none at all."""
    (tmp_path / "card.yaml").write_text("name: mine\n", encoding="utf-8")
    (tmp_path / "note.txt").write_text("see the lab book", encoding="utf-8")
    assert main(["inspect", str(tmp_path / "card.yaml")]) == 0
    assert main(["inspect", str(tmp_path / "note.txt")]) == 1
    assert main(["inspect", str(tmp_path / "gone.dat")]) == 2
    said = capsys.readouterr().out
    assert "sample card" in said and "note.txt cannot be used" in said and "there is no file" in said


def test_a_word_that_looks_like_a_home_is_a_word():
    """``~x`` names nobody's home folder: it is taken as it stands."""
    assert read_parameters(["WORLD=~nobody_of_that_name"], Path.cwd()) == {"WORLD": "~nobody_of_that_name"}
