"""The package away from its checkout: a wheel in an empty environment, run from another folder."""

import hashlib
import json
import os
import re
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
from strangers import CARD

from nbtools import paths
from nbtools.notebook.document import code_cells

CRYSTAL = "20240223_NCCO_SC_Canada4_full_size.dc.dat"
INDEX_FREE = ["install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=paths.CHECKOUT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment that has the wheel, and our packages but not our checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    library = next(folder.glob("lib/python3*/site-packages"))
    # A folder named in a .pth is searched, but the .pth files in it (our editable install) do not count.
    (library / "peers.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(python), *INDEX_FREE, str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    return python


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def call(python: Path, folder: Path, *arguments: str) -> str:
    """What ``python -m nbtools …`` says in a folder of a person who has set nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NBTOOLS", "XDG"))}
    home = {"HOME": str(folder.parent / "home"), "PYTHONPATH": ""}
    command = [str(python), "-m", "nbtools", *arguments]
    done = subprocess.run(command, cwd=folder, env=kept | home, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_wheel_carries_manifest_notebooks_and_stored_results(wheel: Path) -> None:
    """Each as in the checkout, byte for byte."""
    shipped = {path for pattern in ("*.ipynb", "results/*.json") for path in paths.NOTEBOOKS.glob(pattern)}
    with zipfile.ZipFile(wheel) as content:
        for path in {paths.MANIFEST, paths.MANIFEST.with_name("data_fingerprints.json"), *shipped}:
            name = f"nbtools/shipped/{path.relative_to(paths.CHECKOUT).as_posix()}"
            assert content.read(name) == path.read_bytes()
    assert len(shipped) > 16


def test_the_checkout_is_not_what_answers(installed: Path, elsewhere: Path) -> None:
    """The package is the installed one; what it makes goes to the person's own cache folder."""
    script = (
        "from nbtools import paths; print(paths.CHECKOUT, paths.PACKAGE, paths.build_folder(), sep='\\n')"
    )
    environment = {"HOME": str(elsewhere), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [str(installed), "-c", script], cwd=elsewhere, env=environment, capture_output=True, text=True
    )
    checkout, package, build = done.stdout.splitlines()
    assert checkout == "None"
    assert Path(package).is_relative_to(installed.parent.parent)
    assert Path(build).is_relative_to(elsewhere)


def test_what_there_is_and_where_it_goes(installed: Path, elsewhere: Path) -> None:
    """Notebooks and data sets are listed; --help names the folder and each variable."""
    said = call(installed, elsewhere)
    assert "03_transport\n" in said and "transport-twin " in said
    said = call(installed, elsewhere, "--help")
    assert str(elsewhere.parent / "home") in said
    assert all(name in said for name in paths.VARIABLES)


@pytest.mark.timeout(300)
def test_a_file_of_ones_own_is_inspected_and_run(installed: Path, elsewhere: Path, realdata: Path) -> None:
    """``inspect FILE``, then ``run 03 -p DATA=… -o out``, as `inspect` says; nothing is written elsewhere.

    ZFC/FC of NCCO: an onset and a susceptibility; resistance and critical fields are skipped by name.
    """
    measured = (realdata / f"qd/NCCO_Analysis_Code_2026/{CRYSTAL}").read_bytes()
    (elsewhere / "mine.dat").write_bytes(measured)
    (elsewhere / "mine.yaml").write_text(CARD, encoding="utf-8")
    assert "run 03 -p DATA=mine.dat" in call(installed, elsewhere, "inspect", "mine.dat")
    said = call(
        installed, elsewhere, "run", "03", "-p", "DATA=mine.dat", "-p", "SAMPLE=mine.yaml", "-o", "out"
    )
    last = said[said.index("report: ") :]
    assert re.search(r"magnetic onset +23\.\d+ ± 0\.\d+ K +mine\.dat", last)
    assert "statements" not in last
    out = elsewhere / "out"
    ledger = json.loads((out / "03_transport.json").read_text(encoding="utf-8"))
    found = {entry["name"]: entry["value"] for entry in ledger["results"]}
    assert found["magnetic_onset"] == pytest.approx(23.4, abs=0.3)
    assert found["magnetic_midpoint"] == pytest.approx(21.25, abs=0.1)
    assert found["susceptibility"] < -1
    skipped = ledger["skipped"]
    assert {
        "Fig. 9(a) · Resistivity",
        "Fig. S1 · Lower critical field",
        "Fig. S2 · Upper critical field",
    } <= set(skipped)
    assert "moment" in skipped["Fig. 9(a) · Resistivity"]
    assert {entry["origin"] for entry in ledger["results"]} == {"measured"}
    assert {entry["file"] for entry in ledger["results"]} == {"mine.dat"}
    assert not ledger["verdicts"]
    made = {"csv", "ipynb", "json"}
    assert {path.name for path in out.iterdir()} == {
        *(f"03_transport.{ending}" for ending in made),
        *("run.json", "report", "screening.pdf"),
    }
    table = (out / "03_transport.csv").read_text(encoding="utf-8")
    assert "somebody's crystal" in table and "twin" not in table
    assert hashlib.sha256(measured).hexdigest() in table
    executed = nbformat.read(out / "03_transport.ipynb", as_version=4)
    assert "magnetic onset" in code_cells(executed)[-1].outputs[0]["data"]["text/plain"]
    assert (out / "report" / "index.html").exists()
    assert {path.name for path in elsewhere.iterdir()} == {"mine.dat", "mine.yaml", "out"}
