"""Data sets: verified, or refused with a sentence; recorded, mirrored or downloaded, and nowhere else."""

import hashlib
import http.server
import importlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from nbtools import manifest, manifest_entries
from nbtools.fingerprints import stored_fingerprints
from nbtools.manifest import (
    RECIPE,
    DataMissing,
    ManifestError,
    WrongFingerprint,
    WrongHash,
    check_twins,
    fetch,
    file_hash,
    open_data,
    status,
)

PROJECT = manifest_entries.MANIFEST
MEASURED = b"Temperature (K),Moment (emu)\n2,1\n"
SHA = hashlib.sha256(MEASURED).hexdigest()


def measured(**changes: object) -> dict:
    file = {
        "path": "lab/run 1.csv",
        "url": "http://127.0.0.1:9/run%201.csv",
        "sha256": SHA,
        "size": len(MEASURED),
    }
    entry = {
        "name": "crystal",
        "title": "a crystal",
        "origin": "measured",
        "technique": "transport",
        "files": [file],
        "licence": "MIT (somebody)",
        "terms": "free",
        "citation": "somebody",
        "columns": {"Temperature": "K"},
        "figures": ["Fig. 9"],
    }
    return without_none(entry | changes)


def twin(**changes: object) -> dict:
    own = {
        "name": "fake-twin",
        "origin": "twin",
        "files": ["values.csv", "sample.yaml"],
        "recorder": "fake.twin",
        "seed": 3,
        "parameters": {"scale": 2.0},
    }
    return measured(**(own | changes))


def without_none(entry: dict) -> dict:
    return {key: value for key, value in entry.items() if value is not None}


@pytest.fixture
def write_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Put a manifest with these entries in the place of the project's."""

    def write(*entries: dict) -> Path:
        path = tmp_path / "data_manifest.yaml"
        path.write_text("# a comment\n" + yaml.safe_dump({"data_sets": list(entries)}, sort_keys=False))
        monkeypatch.setattr(manifest_entries, "MANIFEST", path)
        return path

    return write


FAKE = """
from nbtools.fake.helper import times

FOLDERS = []

def record_fake(folder, *, seed, scale=1.0):
    FOLDERS.append(folder)
    (folder / "values.csv").write_text(f"{times(seed, scale)}\\n")
    (folder / "sample.yaml").write_text("mass: 1 mg\\n")
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    """Load a recorder `nbtools.fake.twin` from its file, as a new process would; the folders that it is given."""
    package = tmp_path / "source" / "nbtools" / "fake"
    package.mkdir(parents=True)
    (package / "twin.py").write_text(FAKE)
    (package / "twin_empty.py").write_text("")
    (package / "helper.py").write_text("def times(a, b):\n    return a * b\n")
    (package / "draw.py").write_text("COLOUR = 1\n")
    monkeypatch.setattr("nbtools.__path__", [*sys.modules["nbtools"].__path__, str(package.parent)])

    def load() -> list[Path]:
        for name in ("fake", "fake.twin", "fake.helper"):
            monkeypatch.delitem(sys.modules, f"nbtools.{name}", raising=False)
        manifest._code.cache_clear()
        importlib.invalidate_caches()
        return importlib.import_module("nbtools.fake.twin").FOLDERS

    load.package = package
    return load


@pytest.fixture
def recordings(fake: Callable[[], list[Path]]) -> Iterator[list[Path]]:
    """The folders that the recorder `nbtools.fake.twin` was given."""
    yield fake()
    manifest._code.cache_clear()


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror folder with the file of `measured`."""
    path = tmp_path / "mirror" / "lab" / "run 1.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(MEASURED)
    monkeypatch.setenv("NBTOOLS_MIRROR", str(tmp_path / "mirror"))
    return path


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of its own, and no mirror."""
    monkeypatch.setenv("NBTOOLS_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("NBTOOLS_MIRROR", raising=False)


class TestTheProjectsManifest:
    def test_every_technique_has_a_twin_that_opens_by_itself(self):
        """What a notebook runs on by default, and rivals beside it; the sixteen Quantum Design files are listed."""
        sets = manifest.data_sets().values()
        defaults = {entry.technique for entry in sets if getattr(entry, "default", False)}
        rivals = {entry.technique for entry in sets if entry.origin == "twin" and not entry.default}
        assert defaults == rivals == {entry.technique for entry in sets}
        folders = [file.path.split("/")[0] for e in sets if e.origin == "measured" for file in e.files]
        assert folders.count("qd") == 16

    def test_no_measured_file_is_shipped(self):
        """None lies in the project under whatever name, whatever its licence."""
        measured = {
            f.sha256 for e in manifest.data_sets().values() if e.origin == "measured" for f in e.files
        }
        root = PROJECT.parent
        tracked = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True)
        ours = {file_hash(root / line) for line in tracked.stdout.splitlines() if (root / line).is_file()}
        assert ours
        assert not measured & ours

    @pytest.mark.parametrize(
        "name", [n for n, e in manifest_entries.read_manifest(PROJECT).items() if e.origin == "measured"]
    )
    def test_measured_sets_are_what_they_say(
        self, name: str, realdata: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """Taken from the mirror with the right hash and size; the columns of a .dat stand in its header."""
        monkeypatch.setenv("NBTOOLS_MIRROR", str(realdata))
        path, entry = fetch(name), manifest.find(name)
        places = [path] if path.is_file() else [path / own for own in entry.file_names]
        assert [place.stat().st_size for place in places] == [file.size for file in entry.files]
        assert not missing_columns(entry, places)

    @pytest.mark.parametrize(
        "name", [n for n, e in manifest_entries.read_manifest(PROJECT).items() if e.origin == "twin"]
    )
    def test_twins_record_what_they_promise(self, name: str, monkeypatch: pytest.MonkeyPatch):
        """The recorder gives what the fingerprint says (in build/data, by today's recipe); the columns of .dat files
        stand in a header."""
        monkeypatch.delenv("NBTOOLS_DATA")
        folder, entry = fetch(name), manifest.find(name)
        places = [folder / own for own in entry.files] if folder.is_dir() else [folder]
        assert all(place.stat().st_size for place in places)
        assert not missing_columns(entry, places)


def missing_columns(entry: manifest.DataSet, places: list[Path]) -> list[str]:
    """The columns of an entry whose data are Quantum Design's text files that no header has with its unit."""
    tables = [place for place in places if place.suffix.lower() == ".dat"]
    if not tables or entry.technique not in ("transport", "ac_susceptibility"):
        return []
    headers = "".join(place.read_bytes()[:20_000].decode("latin-1") for place in tables)
    return [column for column, unit in entry.columns.items() if f"{column} ({unit})" not in headers]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (twin(seed="soon"), r"data set fake-twin, field seed: 'soon' found; write a whole number"),
        (twin(seed=None), r"data set fake-twin, field seed: nothing found; write a whole number"),
        (twin(recorder="os.system"), r"field recorder: 'os\.system' found; write the module of a twin"),
        (twin(recorder="__import__"), r"field recorder: '__import__' found"),
        (twin(files=["../escape.csv"]), r"field files\.0: '\.\./escape\.csv' found \(it leads outside"),
        (twin(files=["/etc/passwd"]), r"field files\.0: '/etc/passwd' found \(it leads outside"),
        (
            twin(name="Fake Twin"),
            r"data set Fake Twin, field name: .* write lower-case words joined by hyphens",
        ),
        (twin(name="../up"), r"field name: '\.\./up' found"),
        (measured(files=[]), r"data set crystal, field files: \[\] found; write a list"),
        (measured(files=[{"path": "a"}]), r"field files\.0\.sha256: nothing found; write the 64 hex"),
        (measured(license="MIT"), r"field license: there is no such field; the fields are .*licence"),
        (measured(origin="guessed"), r"data set crystal, field origin: .* write twin, measured or digitised"),
        (
            measured(licence="GPL-3.0"),
            r"field terms: 'free' found \(free does not fit the licence GPL-3\.0\)",
        ),
        (measured(licence="CC-BY-NC-4.0"), r"free does not fit the licence CC-BY-NC-4\.0"),
    ],
)
def test_a_wrong_entry_is_named(entry: dict, says: str, write_manifest: Callable[..., Path]):
    """The sentence has the data set, the field, what came, and what to write."""
    write_manifest(entry)
    with pytest.raises(ManifestError, match=says):
        manifest.data_sets()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("data_sets: [", "is not YAML"),
        ("", "the manifest, field data_sets"),
        ("data_sets: {a: 1}", "field data_sets: .* write a list of data sets"),
        ("data_sets: [3]", "data set 3"),
    ],
)
def test_a_manifest_of_another_shape_is_refused(text: str, says: str, write_manifest: Callable[..., Path]):
    """Not YAML, empty, a mapping, a number: a sentence each."""
    write_manifest().write_text(text)
    with pytest.raises(ManifestError, match=says):
        manifest.data_sets()


def test_a_name_stands_once(write_manifest: Callable[..., Path]):
    """Two data sets of one name are refused."""
    write_manifest(measured(), measured())
    with pytest.raises(ManifestError, match="the name crystal stands twice"):
        manifest.data_sets()


def test_an_unknown_name_has_near_misses():
    """The sentence asks what was meant and lists what there is."""
    with pytest.raises(
        ValueError,
        match=r"'ncco-superconducter'; did you mean ncco-superconductor.*\? `python -m nbtools data` lists all",
    ):
        fetch("ncco-superconducter")


def test_a_twin_is_recorded_once(write_manifest: Callable[..., Path], recordings: list[Path]):
    """On first use into the data folder; then it is there."""
    write_manifest(twin())
    first, second = fetch("fake-twin"), fetch("fake-twin")
    assert len(recordings) == 1
    assert first == second == manifest.data_folder() / "fake-twin"
    assert (first / "values.csv").read_text() == "6.0\n"


@pytest.mark.parametrize("damage", ["other", "missing", "recipe missing", "recipe damaged"])
def test_a_damaged_twin_is_recorded_again(
    damage: str, write_manifest: Callable[..., Path], recordings: list[Path]
):
    """A changed or missing file, or a recipe that cannot be read, never passes for the twin."""
    write_manifest(twin())
    folder = fetch("fake-twin")
    if damage == "other":
        (folder / "sample.yaml").write_text("mass: 2 mg\n")
    elif damage == "recipe damaged":
        (folder / RECIPE).write_bytes(b'{"recipe": \xff')
    else:
        (folder / {"missing": "values.csv"}.get(damage, RECIPE)).unlink()
    assert [row.state for row in status()] == ["recordable"]
    fetch("fake-twin")
    assert (folder / "sample.yaml").read_text() == "mass: 1 mg\n" and (folder / "values.csv").exists()
    assert len(recordings) == 2


@pytest.mark.parametrize("change", ["recorder", "helper", "parameters", "seed"])
def test_a_twin_is_recorded_again_when_its_recipe_changes(
    change: str, write_manifest: Callable[..., Path], fake: Callable[[], list[Path]]
):
    """The recorder, a module that it imports, a parameter, the seed: each by itself, without a word from anybody."""
    write_manifest(twin())
    fake()
    folder = fetch("fake-twin")
    helper = fake.package / "helper.py"
    if change == "recorder":
        (fake.package / "twin.py").write_text(FAKE.replace("(seed, scale)", "(seed, scale) + 1"))
    elif change == "helper":
        helper.write_text(helper.read_text().replace("*", "-"))
    else:
        write_manifest(twin(**{"parameters": {"scale": 3.0}} if change == "parameters" else {"seed": 4}))
    folders = fake()
    assert [row.state for row in status()] == ["recordable"]
    fetch("fake-twin")
    fetch("fake-twin")
    expected = {"recorder": "7.0", "helper": "1.0", "parameters": "9.0", "seed": "8.0"}[change]
    assert (folder / "values.csv").read_text() == f"{expected}\n" and len(folders) == 1


def test_what_a_recorder_does_not_import_is_no_part_of_the_recipe(
    write_manifest: Callable[..., Path], fake: Callable[[], list[Path]]
):
    """An edited drawing beside it leaves the twin as it was recorded."""
    write_manifest(twin())
    fake()
    fetch("fake-twin")
    (fake.package / "draw.py").write_text("COLOUR = 2\n")
    folders = fake()
    fetch("fake-twin")
    assert folders == []


def test_the_recipe_names_the_code_that_recorded(
    write_manifest: Callable[..., Path], fake: Callable[[], list[Path]]
):
    """A process that loaded a recorder before it was edited does not pass its recording off as the new one's."""
    write_manifest(twin())
    fake()
    folder = fetch("fake-twin")
    (fake.package / "twin.py").write_text(FAKE.replace("(seed, scale)", "(seed, scale) + 1"))
    (folder / "values.csv").unlink()
    fetch("fake-twin")  # still the old code
    assert (folder / "values.csv").read_text() == "6.0\n"
    fake()
    fetch("fake-twin")
    assert (folder / "values.csv").read_text() == "7.0\n"


def test_the_recipe_lies_beside_the_files(write_manifest: Callable[..., Path], recordings: list[Path]):
    """Recorder, code, parameters, seed, and the sha256 of each file as it lies there."""
    write_manifest(twin())
    folder = fetch("fake-twin")
    note = json.loads((folder / RECIPE).read_text())
    assert {key: note["recipe"][key] for key in ("recorder", "parameters", "seed")} == {
        "recorder": "nbtools.fake.twin",
        "parameters": {"scale": 2.0},
        "seed": 3,
    }
    assert len(note["recipe"]["code"]) == 64
    assert note["files"] == {name: file_hash(folder / name) for name in ("values.csv", "sample.yaml")}


CHANGED = FAKE.replace("(seed, scale)", "(seed, scale) + 0.5")


def test_a_twin_with_another_fingerprint_is_refused(
    write_manifest: Callable[..., Path], fake: Callable[[], list[Path]]
):
    """What differs, and what to do; nothing of it stays."""
    write_manifest(twin())
    fake()
    assert list(check_twins(store=True)) == [("fake-twin", ["no fingerprint was stored"])]
    before = open_data("fake-twin").sha256
    (fake.package / "twin.py").write_text(CHANGED)
    fake()
    with pytest.raises(WrongFingerprint, match=r"(?s)fake-twin: .*6 stored, 6\.5 recorded, .*twins --store"):
        fetch("fake-twin")
    assert [path.name for path in manifest.data_folder().iterdir()] == ["fake-twin"]  # the old one
    assert [row.state for row in status()] == ["recordable"]
    (line,) = dict(check_twins(store=True))["fake-twin"]
    assert line == "values.csv, text, numbers: 6 stored, 6.5 recorded, the same within 6e-06"
    assert (fetch("fake-twin") / "values.csv").read_text() == "6.5\n"
    assert open_data("fake-twin").sha256 != before


def test_code_that_records_the_same_needs_no_word(
    write_manifest: Callable[..., Path], fake: Callable[[], list[Path]]
):
    """Another way to compute, with other last bits: recorded again, and the same twin to a notebook."""
    write_manifest(twin())
    fake()
    list(check_twins(store=True))
    before = open_data("fake-twin").sha256
    (fake.package / "twin.py").write_text(FAKE.replace("(seed, scale)", "(seed, scale) * (1 + 3e-16)"))
    folders = fake()
    assert (fetch("fake-twin") / "values.csv").read_text() == "6.000000000000002\n" and len(folders) == 1
    assert open_data("fake-twin").sha256 == before


def test_storing_keeps_what_is_the_same_to_the_digit(
    write_manifest: Callable[..., Path], fake: Callable[[], list[Path]]
):
    """Of two twins the one that moved is written; with a name the other is not even recorded."""
    write_manifest(twin(), twin(name="other-twin", parameters={"scale": 0.0}))
    fake()
    list(check_twins(store=True))
    before = stored_fingerprints()
    (fake.package / "twin.py").write_text(FAKE.replace("(seed, scale)", "(seed, scale) * 1.01"))
    folders = fake()
    assert [name for name, lines in check_twins() if lines] == ["fake-twin"]
    assert stored_fingerprints() == before
    assert [name for name, _ in check_twins(["fake-twin"], store=True)] == ["fake-twin"]
    assert len(folders) == 3
    after = stored_fingerprints()
    assert after["other-twin"] == before["other-twin"] and after["fake-twin"] != before["fake-twin"]
    write_manifest(twin())
    assert [name for name, lines in check_twins(store=True) if lines] == ["other-twin"]
    assert list(stored_fingerprints()) == ["fake-twin"]


def test_only_twins_have_fingerprints(write_manifest: Callable[..., Path], recordings: list[Path]):
    """A measured set, or a slip, is answered with the names that there are."""
    write_manifest(twin(), measured())
    with pytest.raises(ValueError, match="crystal is measured; only twins have fingerprints: fake-twin"):
        list(check_twins(["crystal"]))
    with pytest.raises(ValueError, match="there is no data set 'fake-twn'; did you mean fake-twin"):
        list(check_twins(["fake-twn"]))


@pytest.mark.parametrize("text", ["{", "[]", '{"fake-twin": 3}', '{"fake-twin": {"values.csv": 3}}'])
def test_damaged_fingerprints_say_what_to_do(
    text: str, write_manifest: Callable[..., Path], recordings: list[Path]
):
    """Half a file, another shape: one sentence."""
    write_manifest(twin()).with_name("data_fingerprints.json").write_text(text)
    with pytest.raises(ManifestError, match=r"data_fingerprints\.json cannot be read .*twins --store"):
        fetch("fake-twin")


def test_parameters_tell_twins_apart(write_manifest: Callable[..., Path], recordings: list[Path]):
    """Two twins share a recorder and differ in content."""
    write_manifest(twin(), twin(name="other-twin", parameters={"scale": 5}))
    assert open_data("fake-twin").sha256 != open_data("other-twin").sha256
    assert (fetch("other-twin") / "values.csv").read_text() == "15\n"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"parameters": {"colour": "red"}}, "could not record .*colour"),
        ({"files": ["values.csv", "more.csv"]}, "did not write more.csv"),
        ({"recorder": "nowhere.twin"}, "there is no nbtools.nowhere.twin"),
        ({"recorder": "fake.twin_empty"}, "has no function record_empty"),
    ],
)
def test_a_recorder_that_cannot_says_so(
    changes: dict, says: str, write_manifest: Callable[..., Path], recordings: list[Path]
):
    """An unknown parameter, file or recorder is named with its data set."""
    write_manifest(twin(**changes))
    with pytest.raises(ValueError, match=f"fake-twin: .*{says}"):
        fetch("fake-twin")


def test_a_function_from_elsewhere_is_no_recorder(
    write_manifest: Callable[..., Path], recordings: list[Path], monkeypatch: pytest.MonkeyPatch
):
    """A name that a twin module merely imported does not run."""
    monkeypatch.setattr(sys.modules["nbtools.fake.twin"].record_fake, "__module__", "os")
    write_manifest(twin())
    with pytest.raises(ManifestError, match="has no function record_fake"):
        fetch("fake-twin")
    assert recordings == []


def test_a_mirrored_file_is_copied(write_manifest: Callable[..., Path], mirror: Path):
    """The one file of a set comes back as a verified copy in the data folder."""
    write_manifest(measured())
    path = fetch("crystal")
    assert path == manifest.data_folder() / "crystal" / "run 1.csv" and path.read_bytes() == MEASURED


def test_a_wrong_mirror_is_refused(write_manifest: Callable[..., Path], mirror: Path):
    """Both hashes are shown, and nothing is put into the data folder."""
    write_manifest(measured())
    mirror.write_bytes(b"another file")
    with pytest.raises(WrongHash, match=rf"sha256 {hashlib.sha256(b'another file').hexdigest()}, .* {SHA}"):
        fetch("crystal")
    assert not (manifest.data_folder() / "crystal").exists()


def test_a_damaged_copy_is_replaced(write_manifest: Callable[..., Path], mirror: Path):
    """A local file that does not match gives way to a good one."""
    write_manifest(measured())
    fetch("crystal").write_bytes(b"damaged")
    assert fetch("crystal").read_bytes() == MEASURED


def test_a_damaged_copy_is_refused_where_it_cannot_be_replaced(
    write_manifest: Callable[..., Path], mirror: Path
):
    """Without a source the wrong file is an error, never an answer."""
    write_manifest(measured())
    fetch("crystal").write_bytes(b"damaged")
    mirror.unlink()
    with pytest.raises(WrongHash, match=r"crystal: the file in .* has the sha256 .* cannot be replaced"):
        fetch("crystal")


def test_what_cannot_be_had_says_what_to_do(write_manifest: Callable[..., Path]):
    """No mirror and no network: one sentence."""
    write_manifest(measured())
    with pytest.raises(
        DataMissing, match=r"crystal is missing .*set NBTOOLS_MIRROR to a folder that holds lab/run 1"
    ):
        fetch("crystal")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A web server on this machine that gives the measured file."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "run 1.csv").write_bytes(MEASURED)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(tmp_path / "served"))

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def served(server: str, **changes: object) -> dict:
    entry = measured()
    entry["files"][0] |= {"url": f"{server}/run%201.csv", **changes}
    return entry


def test_a_file_is_downloaded(write_manifest: Callable[..., Path], server: str):
    """Without a mirror it comes from its address, verified."""
    write_manifest(served(server))
    assert fetch("crystal").read_bytes() == MEASURED


def test_a_wrong_download_is_refused(write_manifest: Callable[..., Path], server: str):
    """Another file at the address is not used."""
    write_manifest(served(server, sha256="1" * 64))
    with pytest.raises(WrongHash, match=f"run%201.csv has the sha256 {SHA}, the manifest says 1{{64}}"):
        fetch("crystal")
    assert list(manifest.data_folder().rglob("*.csv")) == []


def test_an_address_without_file_says_so(write_manifest: Callable[..., Path], server: str):
    """A 404 is one sentence with the address."""
    write_manifest(served(server, url=f"{server}/gone.csv"))
    with pytest.raises(DataMissing, match=r"gone\.csv cannot be read: HTTPError"):
        fetch("crystal")


@pytest.mark.parametrize("where", ["folder", "file", "mirror"])
def test_links_out_are_refused(where: str, write_manifest: Callable[..., Path], mirror: Path, tmp_path: Path):
    """A link in the data or mirror folder is not followed outside, be its content right or not."""
    write_manifest(measured())
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "run 1.csv").write_bytes(MEASURED)
    own = manifest.data_folder() / "crystal"
    link = {"folder": own, "file": own / "run 1.csv", "mirror": mirror}[where]
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(outside if where == "folder" else outside / "run 1.csv")
    with pytest.raises(ValueError, match="link that leads out"):
        fetch("crystal")


def test_a_data_folder_that_cannot_be_made_says_so(
    write_manifest: Callable[..., Path], mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The sentence names the variable to set."""
    write_manifest(measured())
    (tmp_path / "file").touch()
    monkeypatch.setenv("NBTOOLS_DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(DataMissing, match=r"cannot write to .*; set NBTOOLS_DATA"):
        fetch("crystal")


def test_many_may_fetch_at_once(write_manifest: Callable[..., Path], recordings: list[Path], mirror: Path):
    """Eight threads on a stale twin and a damaged file all get the right content, and no litter stays."""
    write_manifest(twin(), measured())
    for name in ("fake-twin/values.csv", "crystal/run 1.csv"):
        path = manifest.data_folder() / name
        path.parent.mkdir(parents=True)
        path.write_text("stale")
    found: list[bytes] = []

    def work() -> None:
        found.append((fetch("fake-twin") / "values.csv").read_bytes() + fetch("crystal").read_bytes())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [b"6.0\n" + MEASURED] * 8
    assert sorted(path.name for path in manifest.data_folder().iterdir()) == ["crystal", "fake-twin"]


def test_status_knows_each_state(write_manifest: Callable[..., Path], recordings: list[Path], mirror: Path):
    """Recordable becomes here; mirror and missing are told apart."""
    gone = measured(name="gone")
    gone["files"][0]["path"] = "lab/gone.csv"
    write_manifest(twin(), measured(), gone)
    assert [row.state for row in status()] == ["recordable", "mirror", "missing"]
    fetch("fake-twin"), fetch("crystal")
    assert [row.state for row in status()] == ["here", "here", "missing"]


class TestOpenData:
    def test_a_twin_brings_its_card(self, write_manifest: Callable[..., Path], recordings: list[Path]):
        """Data files, card, origin and hash of a twin."""
        write_manifest(twin(default=True), twin(name="rival", parameters={}))
        source = open_data("fake-twin")
        assert [file.name for file in source.files] == ["values.csv"] and source.card.name == "sample.yaml"
        assert source.origin == "twin" and repr(source) == "fake-twin: twin, 1 file, seed 3"
        assert source.sha256 == open_data("fake-twin").sha256 != open_data("rival").sha256

    def test_a_measured_set(self, write_manifest: Callable[..., Path], mirror: Path):
        """A set of the manifest has its file hash and no card."""
        write_manifest(measured())
        source = open_data("crystal")
        assert (source.origin, source.sha256, source.card) == ("measured", SHA, None)

    def test_a_file_of_ones_own(self, tmp_path: Path):
        """A relative path starts at `folder`; the file is measured, under its own hash."""
        (tmp_path / "mine.dat").write_bytes(MEASURED)
        (tmp_path / "mine.yaml").write_text("mass: 1 mg\n")
        source = open_data("mine.dat", "mine.yaml", folder=tmp_path)
        assert (source.name, source.origin, source.sha256) == ("mine.dat", "measured", SHA)
        assert source.card == tmp_path / "mine.yaml" and source.entry is None

    def test_a_folder_of_ones_own(self, tmp_path: Path):
        """Every file counts but the card and what is hidden."""
        for name in ("b.dat", "a.dat", "sample.yaml", ".hidden"):
            (tmp_path / "mine" / name).parent.mkdir(exist_ok=True)
            (tmp_path / "mine" / name).write_text(name)
        source = open_data(tmp_path / "mine")
        assert [file.name for file in source.files] == [
            "a.dat",
            "b.dat",
        ] and source.card.name == "sample.yaml"

    def test_a_list(self, write_manifest: Callable[..., Path], mirror: Path, tmp_path: Path):
        """Files of several sources are one source, in order."""
        write_manifest(measured())
        (tmp_path / "mine.dat").write_bytes(MEASURED)
        source = open_data(["crystal", "mine.dat"], folder=tmp_path)
        assert (source.name, source.origin) == ("crystal + mine.dat", "measured")
        assert [file.name for file in source.files] == ["run 1.csv", "mine.dat"]

    def test_a_list_with_a_twin_is_synthetic(
        self, write_manifest: Callable[..., Path], recordings: list[Path], mirror: Path
    ):
        """One synthetic file makes the whole synthetic."""
        write_manifest(measured(), twin())
        assert open_data(["crystal", "fake-twin"]).origin == "twin"

    def test_a_copied_twin_stays_a_twin(self, tmp_path: Path):
        """A synthetic file under another name is not taken for a measurement."""
        copy = tmp_path / "mine.dat"
        copy.write_bytes((fetch("transport-twin") / "zfc_fc.dat").read_bytes())
        assert open_data(copy).origin == "twin"

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("transport-twn",), "neither a data set nor a file in .*did you mean transport-twin"),
            (("mine.dat", "no.yaml"), "there is no sample card .*no.yaml"),
            (("empty",), "holds no data file"),
            (([],), "no data given"),
        ],
    )
    def test_what_is_not_there_says_so(self, arguments: tuple, says: str, tmp_path: Path):
        """A name with a slip, a card, a folder, nothing at all: a sentence each."""
        (tmp_path / "mine.dat").write_bytes(MEASURED)
        (tmp_path / "empty").mkdir()
        with pytest.raises(ValueError, match=says):
            open_data(*arguments, folder=tmp_path)

    def test_its_repr_names_no_path(self, tmp_path: Path):
        """What a notebook shows is the same on every machine."""
        (tmp_path / "mine.dat").write_bytes(MEASURED)
        assert repr(open_data(tmp_path / "mine.dat")) == f"mine.dat: measured, 1 file, sha256 {SHA[:12]}"
