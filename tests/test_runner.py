"""Notebooks run headless: what is executed, where, with what, and what is kept."""

import base64
import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from small_notebook import DRAW, ENTER, PARAMETERS, outputs, write_notebook

from nbtools.notebook.document import WIDGET_VIEW, clean, parameter_names, read_parameters, with_parameters
from nbtools.results import Ledger, read_ledger
from nbtools.runner import Run, find_notebooks, read_results, read_run, run_all, run_notebook, store


def executed_cells(run: Run) -> list:
    return [cell for cell in nbformat.read(run.executed, as_version=4).cells if cell.cell_type == "code"]


def test_a_run_uses_the_notebooks_folder_and_this_python(tmp_path: Path) -> None:
    """As in Jupyter, relative paths start at the notebook; the kernel is the environment that runs it."""
    path = write_notebook(tmp_path / "03_small.ipynb", "import os, sys\nprint(os.getcwd(), sys.prefix)")
    run = run_notebook(path, output=tmp_path / "out")
    assert outputs(run.executed) == f"{tmp_path} {sys.prefix}\n"


def test_a_run_leaves_the_notebook_and_writes_its_ledger(tmp_path: Path) -> None:
    """The source stays as it is; the executed copy and the ledger are in the output folder."""
    path = write_notebook(tmp_path / "03_small.ipynb", PARAMETERS, ENTER)
    before = path.read_bytes()
    run = run_notebook(path, output=tmp_path / "out")
    assert run.ok
    assert path.read_bytes() == before
    assert read_ledger(tmp_path / "out" / "03_small.json").results["count"].value == 3


def test_a_users_parameters_reach_the_notebook(tmp_path: Path) -> None:
    """They replace the defaults, below them, and a file is found from any folder."""
    path = write_notebook(tmp_path / "03_small.ipynb", PARAMETERS, "print(open(DATA).read(), COUNT)")
    (tmp_path / "mine.dat").write_text("4 K")
    parameters = read_parameters(["DATA=mine.dat", "COUNT=7"], tmp_path)
    run = run_notebook(path, output=tmp_path / "out", parameters=parameters)
    assert outputs(run.executed) == "4 K 7\n"


def test_a_failing_cell_is_kept_and_the_next_notebook_runs(tmp_path: Path) -> None:
    """The executed copy ends with the error, which the run names in one line; the rest goes on."""
    bad = write_notebook(tmp_path / "01_bad.ipynb", "## A step", "1", "raise ValueError('too\\nbad')", "2")
    good = write_notebook(tmp_path / "02_good.ipynb", "print('fine')")
    failed, ran = run_all([bad, good], output=tmp_path / "out")
    assert failed.error == "cell 2 of 3 (A step): ValueError: too"
    assert [len(cell.outputs) for cell in executed_cells(failed)] == [1, 1, 0]
    assert executed_cells(failed)[1].outputs[0].ename == "ValueError"
    assert ran.ok


def test_two_run_at_a_time_and_the_sum_of_them_last(tmp_path: Path) -> None:
    """In the order asked for; one that reads the others' results starts when they have ended."""
    stamp = (
        "import time; from pathlib import Path; Path(f'{N}').write_text(str(time.time())); time.sleep(0.5)"
    )
    first = [write_notebook(tmp_path / f"0{n}_a.ipynb", stamp.format(N=n)) for n in (1, 2)]
    sums = write_notebook(tmp_path / "00_sum.ipynb", "read_ledgers = list\nread_ledgers()", stamp.format(N=3))
    runs = list(run_all([sums, *first], output=tmp_path / "out", workers=2))
    assert [(run.name, run.ok) for run in runs] == [("01_a", True), ("02_a", True), ("00_sum", True)]
    began = [float((tmp_path / str(n)).read_text()) for n in (1, 2, 3)]
    assert began[2] > max(began[:2]) + 0.4


def test_a_kernel_that_dies_is_a_failed_run(tmp_path: Path) -> None:
    """An abort in a library does not take the run with it."""
    path = write_notebook(tmp_path / "03_small.ipynb", "import os; os._exit(9)")
    run = run_notebook(path, output=tmp_path / "out")
    assert "died" in run.error


def test_a_cell_that_takes_too_long_is_a_failed_run(tmp_path: Path) -> None:
    """With a timeout, a cell that hangs is stopped."""
    path = write_notebook(tmp_path / "03_small.ipynb", "import time; time.sleep(60)")
    run = run_notebook(path, output=tmp_path / "out", timeout=1)
    assert "timed out" in run.error


def test_a_failing_run_does_not_pass_for_the_one_before(tmp_path: Path) -> None:
    """The ledger of an earlier run is gone when a run starts."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "03_small.json").write_text("{}")
    path = write_notebook(tmp_path / "03_small.ipynb", "raise ValueError")
    run_notebook(path, output=tmp_path / "out")
    assert not (tmp_path / "out" / "03_small.json").exists()


def test_progress_is_told_for_each_code_cell(tmp_path: Path) -> None:
    """Which notebook, which cell of how many, and the heading above it."""
    path = write_notebook(tmp_path / "03_small.ipynb", "# Title?", "1", "## Fig. 9(a)", "2")
    told: list[tuple] = []
    run_notebook(path, output=tmp_path / "out", on_cell=lambda *what: told.append(what))
    assert told == [("03_small", 1, 2, "Title?"), ("03_small", 2, 2, "Fig. 9(a)")]


def test_a_run_is_read_back_from_its_notebook(tmp_path: Path) -> None:
    """The report of an earlier run needs nothing else."""
    path = write_notebook(tmp_path / "03_small.ipynb", "1")
    run = run_notebook(path, output=tmp_path / "out")
    assert read_run(run.executed) == run
    assert run.seconds > 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process's peak memory")
def test_peak_memory_sees_what_was_freed(tmp_path: Path) -> None:
    """200 MB that were used and given back count."""
    path = write_notebook(tmp_path / "03_small.ipynb", "waste = b'1' * 200_000_000", "del waste")
    assert run_notebook(path, output=tmp_path / "out").peak_memory > 200e6


def test_two_runs_leave_the_same_bytes(tmp_path: Path) -> None:
    """Pictures, cell metadata and streams carry no time, no release and no kernel."""
    path = write_notebook(tmp_path / "03_small.ipynb", PARAMETERS, DRAW, "import sys\nprint(1); print(2)")
    for name in ("one", "two"):
        run = run_notebook(path, output=tmp_path / name)
        store(run, results=tmp_path / name, folder=tmp_path / f"stored {name}")
    first, second = ((tmp_path / f"stored {n}" / "03_small.ipynb").read_bytes() for n in ("one", "two"))
    assert first == second
    assert b"image/png" in first


def test_storing_takes_notebook_and_ledger(tmp_path: Path) -> None:
    """The stored notebook bears no trace of the run itself; its ledger is beside it."""
    path = write_notebook(tmp_path / "03_small.ipynb", PARAMETERS, ENTER)
    run = run_notebook(path, output=tmp_path / "out")
    store(run, results=tmp_path / "out", folder=tmp_path)
    assert "run" not in nbformat.read(path, as_version=4).metadata
    assert read_ledger(tmp_path / "results" / "03_small.json").results["count"].value == 3


def test_ledgers_beside_a_notebooks_own_belong_to_it(tmp_path: Path) -> None:
    """Their numbers are labelled; their verdicts displace none of the notebook's own."""
    for name, value in (("03_a", 1.0), ("03_a_measured", 2.0), ("03_abc", 3.0)):
        ledger = Ledger(name, tmp_path, verdicts={"GL-01": {"verdict": name}}, skipped={name: "why"})
        ledger.add("Tc", value, method="typed", origin="twin")
    whole = read_results("03_a", tmp_path)
    assert {name: entry.value for name, entry in whole.results.items()} == {"Tc": 1.0, "measured Tc": 2.0}
    assert whole.verdicts == {"GL-01": {"verdict": "03_a"}}
    assert set(whole.skipped) == {"03_a", "03_a_measured"}
    assert read_results("03_b", tmp_path) is None


def test_a_failed_run_is_not_stored(tmp_path: Path) -> None:
    """Its error is not what a reader should open."""
    with pytest.raises(ValueError, match="03_small is not stored, because it failed: cell 1"):
        store(Run("03_small", tmp_path / "x.ipynb", 1.0, 1.0, "cell 1"), results=tmp_path, folder=tmp_path)


def test_a_stopped_run_stops(tmp_path: Path) -> None:
    """Ctrl-C ends the whole run, kernel and all, instead of counting as one failed notebook."""
    marker = tmp_path / "pid"
    code = f"import os, pathlib, time\npathlib.Path({str(marker)!r}).write_text(str(os.getpid()))\ntime.sleep(60)"
    write_notebook(tmp_path / "01_slow.ipynb", code)
    write_notebook(tmp_path / "02_next.ipynb", "1")
    script = (
        "from pathlib import Path; from nbtools.runner import *\n"
        f"here = Path({str(tmp_path)!r})\n"
        "print([run.name for run in run_all(find_notebooks(folder=here), output=here / 'out')])"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
    while not (marker.exists() and marker.read_text()):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in said
    assert not (tmp_path / "out" / "02_next.ipynb").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(marker.read_text()), 0)


def test_notebooks_are_found_by_number_and_name(tmp_path: Path) -> None:
    """03, 03_small and 03_small.ipynb are the same; none named means all, in order."""
    paths = [write_notebook(tmp_path / f"{stem}.ipynb") for stem in ("01_first", "03_small")]
    assert find_notebooks(folder=tmp_path) == paths
    for name in ("03", "03_small", "03_small.ipynb"):
        assert find_notebooks([name], folder=tmp_path) == [paths[1]]
    with pytest.raises(ValueError, match="no notebook 04; there are 01_first, 03_small"):
        find_notebooks(["03", "04"], folder=tmp_path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("1e-3", 1e-3),
        ("-2.5", -2.5),
        ("[0, 1e4, off]", [0, 1e4, "off"]),
        ('["a b", 2]', ["a b", 2]),
        ("true", True),
        ("None", None),
        ("SI", "SI"),
        ("no", "no"),
        ("2026-01-01", "2026-01-01"),
        ("a: [unclosed", "a: [unclosed"),
    ],
)
def test_values_are_what_a_person_means(text: str, value: object, tmp_path: Path) -> None:
    """Numbers are numbers, lists are lists, and a word stays a word."""
    assert read_parameters([f"X={text}"], tmp_path) == {"X": value}


def test_names_of_files_become_full_paths(tmp_path: Path) -> None:
    """In a list too, with blanks too, from the caller's folder; a folder where a slash says that it is one."""
    for name in ("a.dat", "b c.dat"):
        (tmp_path / name).touch()
    (tmp_path / "runs").mkdir()
    given = read_parameters(["ONE=b c.dat", "MANY=[a.dat, b c.dat]", "FOLDER=./runs", "WORD=runs"], tmp_path)
    assert given == {
        "FOLDER": str(tmp_path / "runs"),
        "WORD": "runs",
        "ONE": str(tmp_path / "b c.dat"),
        "MANY": [str(tmp_path / "a.dat"), str(tmp_path / "b c.dat")],
    }


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A slip in a file's name is told before anything runs."""
    with pytest.raises(ValueError, match=r"there is no file mine\.dta in "):
        read_parameters(["DATA=mine.dta"], tmp_path)


def test_a_parameter_has_a_name_and_a_value(tmp_path: Path) -> None:
    """-p without = is a sentence."""
    with pytest.raises(ValueError, match=r"-p mine\.dat is not NAME=VALUE"):
        read_parameters(["mine.dat"], tmp_path)


def test_an_unknown_parameter_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    """A slip in a parameter's name does not run with the default instead."""
    notebook = nbformat.read(write_notebook(tmp_path / "03_small.ipynb", PARAMETERS), as_version=4)
    assert parameter_names(notebook) == ["DATA", "COUNT"]
    with pytest.raises(ValueError, match="no parameter DATE: the notebook has DATA, COUNT"):
        with_parameters(notebook, {"DATE": "x", "COUNT": 1})


def test_cleaning_removes_what_a_reader_cannot_use(tmp_path: Path) -> None:
    """Widget views and states, times and counters of front ends go; tags and pictures stay."""
    notebook = nbformat.read(write_notebook(tmp_path / "03_small.ipynb", "1"), as_version=4)
    cell = notebook.cells[0]
    picture = base64.b64encode(PNG).decode()
    cell.metadata |= {"execution": {"iopub.execute_input": "10:00"}, "papermill": {"duration": 1}}
    bundle = {WIDGET_VIEW: {"model_id": "1"}, "image/png": picture, "text/plain": "a slider"}
    cell.outputs = [nbformat.v4.new_output("display_data", nbformat.from_dict(bundle))]
    notebook.metadata |= {"widgets": {"state": {}}, "papermill": {}}
    clean(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert cell.metadata == {"tags": ["parameters"]}
    assert set(cell.outputs[0].data) == {"image/png", "text/plain"}


def test_a_picture_loses_its_remarks_and_nothing_else() -> None:
    """The chunks that draw are kept byte for byte."""
    from nbtools.notebook.document import bare_png

    remark = b"\0\0\0\5tEXta\0now\x00\x00\x00\x00"
    remarked = PNG[:33] + remark + PNG[33:]
    assert base64.b64decode(bare_png(base64.b64encode(remarked).decode())) == PNG


# One grey pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
