"""A folder of one sample's files becomes one page on that sample, and one bad file never stops it."""

import json
import shutil
from pathlib import Path

import pytest

from nbtools import sample_report
from nbtools.__main__ import main
from nbtools.files.registry import Contents, NotReadable, Route
from nbtools.inspection import Inspection
from nbtools.manifest import fetch
from nbtools.results import Ledger, Result
from nbtools.runner import Run


def inspection(name: str, *routes: Route, **more: object) -> Inspection:
    return Inspection(Path("/lab") / name, Contents("a file", routes=routes, **more))


def test_files_of_one_technique_run_together_and_a_pattern_runs_alone():
    """DATA takes a list; a parameter that takes one file has a run for each; crystals go along with a pattern."""
    transport, pattern = Route("transport"), Route("structure", "POWDER")
    found = [
        inspection("b.dat", transport),
        inspection("a.dat", transport, Route("ac_susceptibility")),
        inspection("one.xy", pattern),
        inspection("two.xy", pattern),
        inspection("own.cif", Route("structure", "CIFS")),
        Inspection(
            Path("/lab/broken.dat"), None, NotReadable(Path("broken.dat"), [("a log", "it is empty")])
        ),
        inspection(
            "nowhere.dat", Route("transport", takes="nothing", says="no notebook takes heat capacity")
        ),
    ]
    plan = sample_report.plan_jobs(found)
    assert [(job.technique, [path.name for path in job.files]) for job in plan.jobs] == [
        ("structure", ["one.xy", "own.cif"]),
        ("structure", ["two.xy", "own.cif"]),
        ("transport", ["b.dat", "a.dat"]),
        ("ac_susceptibility", ["a.dat"]),
    ]
    assert plan.jobs[0].parameters == {"POWDER": "/lab/one.xy", "CIFS": ["/lab/own.cif"]}
    assert plan.jobs[2].parameters == {"DATA": ["/lab/b.dat", "/lab/a.dat"]}
    assert set(plan.left_out) == {"broken.dat", "nowhere.dat"}
    assert "it is empty" in plan.left_out["broken.dat"]
    assert plan.left_out["nowhere.dat"] == "no notebook takes heat capacity"


def test_images_and_a_pattern_run_together_and_apart_where_that_stops():
    """What 01 takes is one run; its parts are each file alone, with all crystals."""
    found = [
        inspection("a.tif", Route("structure")),
        inspection("b.tif", Route("structure")),
        inspection("one.xy", Route("structure", "POWDER")),
        inspection("own.cif", Route("structure", "CIFS")),
    ]
    (job,) = sample_report.plan_jobs(found).jobs
    crystals = {"CIFS": ["/lab/own.cif"]}
    assert job.parameters == {"DATA": ["/lab/a.tif", "/lab/b.tif"], "POWDER": "/lab/one.xy", **crystals}
    assert [part.parameters for part in job.parts()] == [
        {"DATA": "/lab/a.tif", **crystals},
        {"DATA": "/lab/b.tif", **crystals},
        {"POWDER": "/lab/one.xy", **crystals},
    ]


def test_a_file_that_lacks_what_only_the_user_knows_is_left_out_with_its_command():
    """Nothing runs with `VOXEL_SIZE=<metres>`."""
    ways = (
        Route("structure", options=("VOXEL_SIZE=<metres>",)),
        Route("magneto_optics", says="04: no field", takes="nothing"),
    )
    plan = sample_report.plan_jobs([inspection("grey.tif", *ways, lacks=("the size of a pixel",))])
    assert plan.jobs == []
    assert plan.left_out["grey.tif"].startswith(
        "the size of a pixel; python -m nbtools run 01 -p DATA=/lab/grey.tif"
    )


def test_runs_of_one_technique_complete_each_other():
    """A number that several runs found is not mixed: each stands with its own, and takes what it lacks."""

    def ledger(**values: float) -> Ledger:
        found = Ledger("")
        for name, value in values.items():
            found.add(name, value, method="", origin="measured")
        return found

    first, second = ledger(depth=1.0, end=38.0), ledger(end=37.0, resistivity=2.0)
    joined = [
        {name: result.value for name, result in one.results.items()}
        for one in sample_report._complete([first, second])
    ]
    assert joined == [
        {"depth": 1.0, "end": 38.0, "resistivity": 2.0},
        {"depth": 1.0, "end": 37.0, "resistivity": 2.0},
    ]


def test_one_reason_is_given_once():
    """Sections of a run, and files that are refused alike; each file that is refused otherwise for itself."""
    gaps = [
        ("a.tif", "", "a.tif has no pixel size"),
        ("b.tif", "", "b.tif has no pixel size"),
        ("c.dat", "", "c.dat is damaged"),
        ("Transport, x.dat", "H_c1", "no moment"),
        ("Transport, x.dat", "H_c2", "no moment"),
    ]
    assert list(sample_report._by_reason(gaps)) == [
        ("a.tif, b.tif", "", "a.tif has no pixel size"),
        ("c.dat", "", "c.dat is damaged"),
        ("Transport, x.dat", "H_c1; H_c2", "no moment"),
    ]


def test_a_card_is_written_with_what_the_files_state(tmp_path: Path):
    """Stated entries stand in it, what is asked beyond them as lines to fill in; a filled one is kept."""
    found = [inspection("a.dat", Route("transport"), asks=("mass", "current"), stated={"mass": "21 mg"})]
    card = sample_report.card_of(tmp_path / "lab", tmp_path, found)
    lines = card.read_text().splitlines()
    assert "name: lab" in lines
    assert any(line.startswith("mass: 21 mg") for line in lines)
    assert any(line.startswith("# current: ") for line in lines)
    assert sample_report.read_sample_card(card).name == "lab"
    card.write_text("name: mine\n")
    assert sample_report.card_of(tmp_path / "lab", tmp_path, found).read_text() == "name: mine\n"


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A folder with two transport files of a twin, and a file that nobody can read."""
    folder = tmp_path / "lab"
    folder.mkdir()
    for name in ("resistivity.dat", "zfc_fc.dat"):
        shutil.copy(fetch("transport-twin") / name, folder)
    (folder / "broken.dat").write_text("nothing of use\n")
    return folder


def test_the_file_that_stops_a_technique_is_named(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """All files together stop it; each is then tried alone, and what the good one gives is kept."""

    def fake(path: Path, *, output: Path, parameters: dict, **options: object) -> Run:
        import nbformat
        from nbformat.v4 import new_notebook

        data = parameters["DATA"]
        error = "" if data == str(lab / "zfc_fc.dat") else "cell 3: ZeroDivisionError"
        output.mkdir(parents=True, exist_ok=True)
        nbformat.write(new_notebook(), output / path.name)
        ledger = Ledger(path.stem, output)
        if not error:
            ledger.keep([Result("onset", 38.4, 0.1, "K", "midpoint", "measured", "mine")], claim="it")
        ledger.write()
        return Run(path.stem, output / path.name, 1.0, 1.0, error)

    monkeypatch.setattr(sample_report, "run_notebook", fake)
    said: list[str] = []
    sample_report.write_sample_report(lab, tmp_path / "out", on_job=lambda job, what: said.append(what))
    written = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [entry["value"] for entry in written["results"]] == [38.4]
    stopped = [title for title, why in written["left out"].items() if "ZeroDivisionError" in why]
    assert stopped == ["Transport, resistivity.dat"]
    assert said.count("runs") == 3
    said.clear()
    sample_report.write_sample_report(lab, tmp_path / "out", on_job=lambda job, what: said.append(what))
    assert said.count("as before") == 1  # what was found; what stopped is tried again


def test_a_folder_becomes_a_page(lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Planted numbers come back within 2 σ with their files; the broken file is named; what two
    techniques say together stands on the page."""
    for name in ("ac_amplitudes.dat", "loops.dat"):
        shutil.copy(fetch("ac-twin") / name, lab)
    shutil.copy(fetch("ac-twin") / "sample.yaml", lab)
    out = tmp_path / "out"
    assert main(["report", str(lab), "-o", str(out)]) == 0
    assert "transport (resistivity.dat, zfc_fc.dat): done" in capsys.readouterr().out
    written = json.loads((out / "results.json").read_text())
    found = {entry["name"]: entry for entry in written["results"]}
    from nbtools.transport import twin

    for name in ("resistive_midpoint", "resistive_ninety"):
        planted = twin.truth()[name]
        assert abs(found[name]["value"] - planted) < 2 * max(found[name]["uncertainty"], 0.05), name
    assert found["resistive_midpoint"]["file"] == "resistivity.dat"
    assert {entry["origin"] for entry in written["results"]} == {"twin"}
    assert "broken.dat" in written["left out"]
    page = (out / "index.html").read_text()
    assert "Several techniques together" in page and "One critical current" in page
    places = [page.index(part) for part in ("T_c 50 %", "Several techniques together", "Left out")]
    assert places == sorted(places)
    assert sample_report.SYNTHETIC in page
    # Again: nothing runs.
    assert main(["report", str(lab), "-o", str(out)]) == 0
    assert "as before" in capsys.readouterr().out


def test_what_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Before anything runs, in one sentence."""
    assert main(["report", str(tmp_path / "nowhere"), "-o", str(tmp_path / "out")]) == 2
    assert "there is no file" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
