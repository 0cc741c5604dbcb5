"""The front door for own files works without a screen, and its face follows."""

import shutil
from pathlib import Path

import nbformat
import pytest
import yaml

from nbtools import own_sample
from nbtools.files.sample_card import read_sample_card
from nbtools.manifest import fetch
from nbtools.own_sample import OwnSample


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a folder of two transport files and one that nobody reads."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "bar 7"
    folder.mkdir()
    for name in ("resistivity.dat", "zfc_fc.dat"):
        shutil.copy(fetch("transport-twin") / name, folder)
    (folder / "notes.dat").write_text("nothing of use\n")
    return folder


def test_from_an_empty_form_to_a_notebook(lab: Path):
    """Files chosen, the card filled in as one types, the notebook opened with both; the data stay as they are."""
    own = OwnSample(lab.parent)
    assert "bar 7/" in own.listing and own.listing[0] == ".."
    before = sorted(path.name for path in lab.iterdir())
    own.look_in("bar 7").choose()
    assert own.entries["name"] == "bar 7"
    assert {"cross_section", "tap_distance", "dimensions"} <= set(own.asked)
    assert "notes.dat" in repr(own) and "transport (03)" in repr(own)
    own.fill("dimensions", "1.00 ± 0.02 mm × 1.20 ± 0.02 mm × 5.0 ± 0.1 mm").fill("field_axis", "3")
    own.fill("cross_section", "1,2 ± 0,1 mm^2")
    card = own.save_card()
    known = read_sample_card(card)
    assert known.dimensions is not None and [round(1e3 * edge, 9) for edge in known.dimensions] == [
        1.0,
        1.2,
        5.0,
    ]
    assert known.field_axis == 3 and known.cross_section == pytest.approx(1.2e-6)
    path = own.open_notebook("transport")
    source = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    assert str(lab / "resistivity.dat") in source and str(card.resolve()) in source
    assert "# paper" not in source
    assert sorted(path.name for path in lab.iterdir()) == before


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("mass", "21.5", "no unit"),
        ("mass", "-3 mg", "more than zero"),
        ("field_axis", "4", "1, 2 or 3"),
        ("dimensions", "1 mm × 2 mm", "dimensions"),
        ("name", " ", "needs a name"),
    ],
)
def test_a_slip_is_said_while_it_is_typed(lab: Path, name: str, text: str, says: str):
    """What is wrong stands beside the entry; nothing is saved until it is mended."""
    own = OwnSample(lab).choose()
    own.fill(name, text)
    assert says in own.errors[name]
    with pytest.raises(ValueError, match=name):
        own.save_card()
    assert not (lab.parent / "own").exists()
    own.fill(name, {"name": "bar", "mass": "21.5 ± 0.1 mg"}.get(name, ""))
    assert name not in own.errors and own.save_card().is_file()


def test_a_card_beside_the_files_fills_the_form(lab: Path):
    """And what the form does not show of it is left to the file."""
    (lab / "sample.yaml").write_text(yaml.safe_dump({"name": "mine", "dimensions": ["1 mm", "2 mm", "3 mm"]}))
    own = OwnSample(lab).choose()
    assert own.entries["name"] == "mine" and own.entries["dimensions"] == "1 mm × 2 mm × 3 mm"


def test_the_face_does_what_the_state_does(lab: Path, monkeypatch: pytest.MonkeyPatch):
    """From a click in the list to the report, through the controls alone."""
    own = OwnSample(lab.parent)
    controls = own.face.controls
    controls["files"].value = "bar 7/"
    assert own.folder == lab
    controls["all"].click()
    assert "resistivity.dat" in own.face.found.value
    controls["card mass"].value = "21.5"
    assert "no unit" in own.errors["mass"] and "no unit" in own.face._rows["mass"][1].value
    controls["save"].click()
    assert "mass" in own.face.said.value
    controls["card mass"].value = "21.5 ± 0.1 mg"
    controls["transport"].click()
    assert (lab.parent / "own" / "bar-7" / "03_transport.ipynb").is_file()
    assert "own/bar-7/03_transport.ipynb" in own.face.links.value
    made = []

    def report(folder: Path, into: Path, **options: object) -> Path:
        made.append((folder, options["card"]))
        return Path(into) / "index.html"

    monkeypatch.setattr(own_sample, "write_sample_report", report)
    controls["report"].click()
    assert made == [(lab, Path("own/bar-7/sample.yaml"))]
    assert "own/bar-7/report/index.html" in own.face.links.value
    controls["folder"].value = "/nowhere at all"
    assert "is no folder" in own.face.said.value and controls["folder"].value == str(lab)
