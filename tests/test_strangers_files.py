"""Files from strangers that hold more than data: nothing of it runs, and the sentence says what was expected."""

import ast
import json
import pickle
from pathlib import Path

import nbformat
import numpy as np
import pytest
from watched import watched

from nbtools.files.images import ImageError, read_stack
from nbtools.files.scanning_maps import MapError, read_map
from nbtools.fitting.document import read_document
from nbtools.fitting.state import StateError
from nbtools.inspection import inspect_path
from nbtools.lessons.answers import read_answers
from nbtools.manifest_entries import ManifestError, read_manifest
from nbtools.notebook.document import headings, parameter_names
from nbtools.results import read_ledger
from nbtools.runner import read_run

ROOT = Path(__file__).parent.parent
RUNS = "__import__('os').system('touch here')"
DEEP = "[" * 100_000
RUN_TEXT = ("eval", "exec", "compile", "joblib.load", "yaml.unsafe_load", "yaml.full_load")


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, folder: Path) -> None:
        self.here = folder / "here"

    def __reduce__(self):
        return Path.touch, (self.here,)


def read_lesson(path: Path) -> object:
    return read_answers(path, "03")


TEXTS = {
    "manifest": (read_manifest, ManifestError, "is not YAML|field"),
    "fit": (read_document, StateError, "is not a saved fit"),
    "lesson": (read_lesson, ValueError, "no answers that can be read"),
    "ledger": (read_ledger, ValueError, "is not a ledger"),
}


@pytest.mark.parametrize(
    "text",
    [RUNS, "!!python/object/apply:os.system ['touch here']", DEEP, "\udcff", "[{}, 3]", '{"schema": []}'],
)
@pytest.mark.parametrize("kind", TEXTS)
def test_a_text_is_only_read(tmp_path, monkeypatch, kind, text):
    """Code, a tag of YAML, a hundred thousand brackets, no UTF-8: the reader's own sentence."""
    reader, error, says = TEXTS[kind]
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "03.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with watched() as reached, pytest.raises(error, match=says):
        reader(path)
    assert not reached and not Path("here").exists()


def test_a_manifest_that_repeats_itself_without_end(tmp_path):
    """Aliases of aliases would fill the memory as soon as one is shown in full."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    path = tmp_path / "manifest.yaml"
    path.write_text("\n".join([*lines, "data_sets: *a9"]), encoding="utf-8")
    with pytest.raises(ManifestError, match="there is no such field") as error:
        read_manifest(path)
    assert len(str(error.value)) < 10_000


def test_a_notebook_is_read_and_not_run(tmp_path, monkeypatch):
    """Title, parameters and the record of its run; and it is no data."""
    monkeypatch.chdir(tmp_path)
    cell = nbformat.v4.new_code_cell(f"DATA = {RUNS}", metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A title"), cell])
    notebook.metadata["run"] = {"seconds": "1.0", "peak_memory": "nan", "error": RUNS}
    path = tmp_path / "03_transport.ipynb"
    nbformat.write(notebook, path)
    read_run(path), inspect_path(path)  # what they import is not what is watched
    with watched() as reached:
        assert read_run(path).error == RUNS
        assert headings(notebook) == ["A title"] and parameter_names(notebook) == ["DATA"]
        assert "cannot be used" in inspect_path(path)[0]
    assert not reached and not Path("here").exists()


def test_a_pickle_in_an_array_file(tmp_path):
    """NumPy's own format may hold objects; none is made."""
    np.savez(tmp_path / "map.npz", data=np.array([[Bomb(tmp_path)]], dtype=object))
    with watched() as reached, pytest.raises(MapError, match="not unpickled"):
        read_map(tmp_path / "map.npz")
    assert not reached and not (tmp_path / "here").exists()


@pytest.mark.parametrize("place", ["filters", "compressor"])
@pytest.mark.parametrize("kind", ["|O", "<f8"])
def test_a_pickle_in_a_zarr(tmp_path, kind, place):
    """A codec that unpickles, for objects or for numbers: refused before a chunk is read."""
    array = tmp_path / "stack.zarr" / "0"
    array.mkdir(parents=True)
    axes = [{"name": name, "unit": "micrometer"} for name in "zyx"]
    attributes = {"multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}]}
    (array.parent / ".zgroup").write_text('{"zarr_format": 2}')
    (array.parent / ".zattrs").write_text(json.dumps(attributes))
    codec = {"id": "pickle", "protocol": 5}
    about = {"zarr_format": 2, "shape": [2, 1, 1], "chunks": [2, 1, 1], "dtype": kind, "order": "C"}
    about |= {"fill_value": None, "compressor": None, "filters": None}
    about[place] = [codec] if place == "filters" else codec
    (array / ".zarray").write_text(json.dumps(about))
    (array / "0.0.0").write_bytes(pickle.dumps(Bomb(tmp_path)))
    with pytest.raises(ImageError, match="an array of numbers was expected"):
        np.asarray(read_stack(array.parent))
    assert not (tmp_path / "here").exists()


def test_only_the_cache_unpickles_and_nothing_runs_text():
    """No eval, exec or pickle elsewhere in the package; NumPy and YAML are told to hold back."""
    wrong = []
    for path in sorted((ROOT / "nbtools").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name, whole = ast.unparse(node.func), ast.unparse(node)
                unpickles = name.startswith("pickle.load") and path.name != "cache.py"
                unsafe = name == "yaml.load" and "yaml.BaseLoader" not in whole
                if name in RUN_TEXT or unpickles or unsafe or "allow_pickle=True" in whole:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {whole}")
    assert not wrong
