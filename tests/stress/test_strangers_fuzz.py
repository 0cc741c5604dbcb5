"""2,000 damaged copies of each text that a stranger may send: what was written or our own sentence; nothing runs."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

sys.path.insert(0, str(Path(__file__).parent.parent / "files"))
sys.path.insert(0, str(Path(__file__).parent.parent / "fitting"))
from damage import damaged
from fit_worlds import decay_widget
from test_reader_fuzz import CASES, SECONDS, time_limit
from test_strangers_files import TEXTS
from watched import watched

from nbtools.files.indicator_frames import FramesError, read_frames
from nbtools.inspection import inspect_path
from nbtools.lessons.questions import Lesson
from nbtools.manifest_entries import MANIFEST

pytestmark = [pytest.mark.stress, pytest.mark.timeout(3600)]
NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
# What a file that was tampered with might hold in the place of a word or a number.
PLANTED = (
    b"__import__('os').system('touch here')",
    b"!!python/object/apply:os.getcwd []",
    b"../../../etc/passwd",
)
PLANTED += (b"[" * 5000, b"{}", b"null", b"1e999", b"-1", b'"\\ud800"', b"true", b"*a", b"&a [*a]")


def whole_lesson(folder: Path) -> Path:
    lesson = Lesson("03", folder=folder)
    lesson.by_hand("onset", "Where?", 38.3, unit="K").commit(38.0)
    lesson.predict("x", "?", "up", options=("up", "down")).commit("down")
    return folder / "03.json"


def whole_manifest(folder: Path) -> Path:
    """Its first sets: YAML is slow to read."""
    first = MANIFEST.read_text(encoding="utf-8").split("\n  - name:")[:3]
    (folder / "manifest.yaml").write_text("\n  - name:".join(first), encoding="utf-8")
    return folder / "manifest.yaml"


WHOLE = {
    "manifest": whole_manifest,
    "fit": lambda folder: decay_widget().save(folder / "a.fit.json", replace=True),
    "lesson": whole_lesson,
    "ledger": lambda folder: shutil.copy(NOTEBOOKS / "results" / "03_transport.json", folder / "03.json"),
}


def tampered(content: bytes, seed: int) -> bytes:
    """Damaged as any file, or one word of it replaced by something planted."""
    random = np.random.default_rng(seed)
    if random.random() < 0.5:
        return damaged(content, seed)
    places = [at for at in range(len(content)) if content[at : at + 1] in b":,-"]
    at = int(random.choice(places)) + 1
    end = min(at + int(random.integers(1, 40)), len(content))
    return content[:at] + b" " + PLANTED[random.integers(len(PLANTED))] + content[end:]


@pytest.mark.parametrize("kind", WHOLE)
def test_tampered_texts(tmp_path, monkeypatch, kind):
    """The project's manifest, a saved fit, a student's answers, stored results."""
    monkeypatch.chdir(tmp_path)
    reader, error, _ = TEXTS[kind]
    path = Path(WHOLE[kind](tmp_path))
    content, read = path.read_bytes(), 0
    reader(path)
    for seed in range(CASES):
        path.write_bytes(tampered(content, seed))
        with time_limit(SECONDS, f"case {seed}"), watched() as reached:
            try:
                reader(path)
                read += 1
            except error as problem:
                assert 20 < len(str(problem)) < 100_000, f"case {seed}"
            except Exception as problem:
                raise AssertionError(f"case {seed} of {kind}: {problem!r}") from problem
        assert not reached, f"case {seed}"
    print(f"{kind}: {read} of {CASES} tampered files were read, the others refused")
    assert 0 < read < CASES


def test_tampered_notes_beside_frames(tmp_path):
    """The YAML that says at which fields a camera's frames were taken."""
    counts = np.random.default_rng(0).integers(0, 4000, (3, 8, 8)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "frames.tif", counts, photometric="minisblack")
    note = b"applied_field_T: [0.0, 0.01, 0.02]\ntemperature_K: 10\npixel_size_m: 5.0e-6\n"
    read = 0
    for seed in range(CASES):
        (tmp_path / "frames.yaml").write_bytes(tampered(note, seed))
        with time_limit(SECONDS, f"case {seed}"):
            try:
                read_frames(tmp_path / "frames.tif")
                read += 1
            except FramesError as problem:
                assert "frames" in str(problem), f"case {seed}"
    print(f"{read} of {CASES} tampered notes were read, the others refused")
    assert 0 < read < CASES


def test_tampered_notebooks(tmp_path):
    """As a file to inspect: it is no data, whatever it holds."""
    content = (NOTEBOOKS / "03_transport.ipynb").read_bytes()[:20_000]
    path = tmp_path / "theirs.ipynb"
    path.write_bytes(content)
    inspect_path(path)
    for seed in range(CASES):
        path.write_bytes(tampered(content, seed))
        with watched() as reached:
            assert "cannot be used" in inspect_path(path)[0]
        assert not reached, f"case {seed}"
