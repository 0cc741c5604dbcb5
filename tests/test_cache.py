"""The cache: what is in a key, what is refused, and that a value is either right or computed again."""

import importlib
import io
import os
import pickle
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pydantic
import pytest

from nbtools import cache, manifest
from nbtools.cache import cached
from nbtools.units import Quantity

CALLS: list[Any] = []


@cached
def doubled(value: Any, *, offset: float = 0.0) -> Any:
    CALLS.append(value)
    return np.asarray(value, dtype=float) * 2 + offset


@cached
def described(value: Any) -> str:
    CALLS.append(value)
    return repr(value)


@dataclass(frozen=True)
class Sample:
    length: float
    profile: np.ndarray


@dataclass
class Draft:
    length: float


class Card(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)
    mass: float


class Loose(pydantic.BaseModel):
    mass: float


class Pair(NamedTuple):
    a: int
    b: int


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def entries() -> list[Path]:
    return sorted(cache.folder().rglob("output.pkl"))


def test_a_second_call_is_read():
    """The same content, in another array, gives the stored value without a call."""
    first, second = doubled(np.arange(3)), doubled(np.arange(3))
    assert len(CALLS) == 1
    np.testing.assert_array_equal(first, second)


def test_defaults_and_keywords_are_one_key():
    """How an argument is written does not matter, only what it is."""
    doubled(1.0), doubled(value=1.0), doubled(1.0, offset=0.0)
    assert len(CALLS) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.arange(3), np.arange(3.0)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        ("1", b"1"),
        (None, "None"),
        ((1, 2), [1, 2]),
        ((1, 2), Pair(1, 2)),
        ([[1], 2], [[1, 2]]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (Quantity(1.0, 0.1, "K"), Quantity(1.0, 0.2, "K")),
        (Quantity(1.0, 0.1, "K"), Quantity(1.0, 0.1, "T")),
        (Sample(1.0, np.zeros(2)), Sample(1.0, np.ones(2))),
        (Card(mass=1.0), Card(mass=2.0)),
        (np.float32(1), np.float64(1)),
        (np.datetime64("2020-01-01"), np.datetime64("2020-01-02")),
    ],
)
def test_what_differs_has_another_key(one: Any, other: Any):
    """Two arguments that a function can tell apart never share an entry."""
    described(one), described(other)
    assert len(CALLS) == 2


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        2.5,
        1j,
        "µΩ cm",
        b"\0",
        (),
        [],
        {},
        Pair(1, 2),
        np.array(5.0),
        np.float64(2),
        np.str_("x"),
    ],
)
def test_plain_values_are_accepted(value: Any):
    """Each kind of argument that the docstring promises is a key, and the same key again."""
    described(value), described(pickle.loads(pickle.dumps(value)))
    assert len(CALLS) == 1


def test_an_entry_of_the_manifest_is_a_key():
    """Two reads of one entry share a key, two entries do not."""
    sets = [manifest.find(name) for name in ("transport-twin", "transport-twin", "transport-twin-normal")]
    assert len({described(entry) for entry in sets}) == len(CALLS) == 2


def test_the_key_does_not_depend_on_the_process(tmp_path: Path):
    """Another process, with another hash seed, finds the entry."""
    package = planted(tmp_path, factor=3)
    argument = "{'a': (1, 2.5, 'x', b'y', None), 'b': [numpy.arange(5.0)]}"
    code = f"import sys, numpy; sys.path.insert(0, {str(tmp_path)!r}); from {package} import top"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(cache.ROOT)}
        run = [sys.executable, "-c", f"{code}; top.keys_of({argument})"]
        subprocess.run(run, env=environment, check=True)
    assert len(entries()) == 1


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (Path("x.dat"), "is a path.* pass what was read"),
        (io.StringIO("x"), "is an open file"),
        (len, "is a callable"),
        (Sample, "is a callable"),
        (np.array([1, "a", None], dtype=object), "Python objects"),
        (np.ma.masked_array([1.0], mask=[True]), "MaskedArray"),
        (Draft(1.0), "Draft that can change.* frozen"),
        (Loose(mass=1.0), "Loose that can change.* frozen"),
        ({"a": [Path("x")]}, "is a path"),
        (Sample(1.0, Path("x")), r"\.profile is a path"),
        ({1, 2}, "of type set"),
        (object(), "of type object"),
    ],
)
def test_what_hides_its_content_is_refused(value: Any, says: str):
    """One sentence names the function, the argument, what came and what to pass."""
    with pytest.raises(ValueError, match=rf"described\(value\).*{says}"):
        described(value)


def test_zarr_and_dask_are_refused(monkeypatch: pytest.MonkeyPatch):
    """Arrays that read their content later are refused by name, also with the cache off."""
    zarr, dask = pytest.importorskip("zarr"), pytest.importorskip("dask.array")
    with pytest.raises(ValueError, match=r"is a Zarr object: .* pass the numpy array"):
        described(zarr.array(np.arange(3)))
    monkeypatch.setenv("NBTOOLS_CACHE", "off")
    with pytest.raises(ValueError, match="is a Dask object"):
        described(dask.arange(3))


def test_nested_functions_are_refused():
    """A captured value would not be in the key."""
    with pytest.raises(ValueError, match=r"nested function.*top of a module"):
        cached(lambda x: x)


def test_a_cell_of_a_notebook_is_refused(monkeypatch: pytest.MonkeyPatch):
    """A function without a module file has no source to hash."""
    monkeypatch.setattr(described.__wrapped__, "__module__", "__main__")
    with pytest.raises(ValueError, match="put the function or class into a module"):
        cached(described.__wrapped__)


def test_off_computes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """``NBTOOLS_CACHE=off`` runs the function each time and writes nothing."""
    monkeypatch.setenv("NBTOOLS_CACHE", "off")
    doubled(1.0), doubled(1.0)
    assert len(CALLS) == 2
    assert cache.folder() is None and cache.size() == (0, 0)
    assert not list(tmp_path.iterdir())


def test_a_caller_cannot_change_a_later_result():
    """What is returned belongs to the caller alone."""
    for _ in range(3):
        result = doubled(np.ones(2))
        np.testing.assert_array_equal(result, [2, 2])
        result[:] = -1


@pytest.mark.parametrize("position", [0, 40, -1])
def test_a_flipped_bit_is_computed_again(position: int):
    """Seal, middle or end: a damaged entry is not read, and is replaced."""
    doubled(np.ones(2))
    content = bytearray(entries()[0].read_bytes())
    content[position] ^= 4
    entries()[0].write_bytes(content)
    np.testing.assert_array_equal(doubled(np.ones(2)), [2, 2])
    doubled(np.ones(2))
    assert len(CALLS) == 2


@pytest.mark.parametrize("length", [0, 10, 32, 100])
def test_a_half_written_entry_is_computed_again(length: int):
    """An entry that ends early counts as absent."""
    doubled(np.ones(2))
    os.truncate(entries()[0], length)
    np.testing.assert_array_equal(doubled(np.ones(2)), [2, 2])


def test_an_entry_in_the_place_of_another_is_not_read():
    """The seal holds the key."""
    doubled(1.0)
    one = entries()[0]
    doubled(2.0)
    other = next(entry for entry in entries() if entry != one)
    other.write_bytes(one.read_bytes())
    assert doubled(2.0) == 4


def test_nothing_outside_the_folder_is_unpickled(tmp_path: Path):
    """A link out of the folder is not followed, even to a well-sealed entry."""
    doubled(1.0)
    outside = tmp_path / "outside.pkl"
    entries()[0].rename(outside)
    (cache.folder() / "joblib/nbtools/cache/_entry").glob("*").__next__().joinpath("output.pkl").symlink_to(
        outside
    )
    doubled(1.0)
    assert len(CALLS) == 2


def test_leftovers_of_a_killed_process_are_removed():
    """The next one to write an entry clears what was left beside it."""
    doubled(1.0)
    left = entries()[0].with_name("dead.part")
    left.write_bytes(b"x")
    entries()[0].unlink()
    doubled(1.0)
    assert not left.exists()


def test_a_folder_that_cannot_be_made_computes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Where no folder can be, the function just runs."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("NBTOOLS_CACHE", str(tmp_path / "file" / "cache"))
    assert doubled(1.0) == 2


def test_a_read_only_folder_is_read(monkeypatch: pytest.MonkeyPatch):
    """Entries there are used; new values are computed and returned."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("NBTOOLS_CACHE", folder)
        doubled(1.0)
        before = entries()
        with read_only(folder):
            assert doubled(1.0) == 2 and len(CALLS) == 1
            assert doubled(2.0) == 4 and len(CALLS) == 2
        assert entries() == before


def test_a_full_disk_computes():
    """A write that fails half-way raises nothing and leaves nothing."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        np.testing.assert_array_equal(doubled(np.ones(10_000)), np.full(10_000, 2.0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert cache.size() == (0, 0)


def test_a_value_that_cannot_be_stored_says_so(monkeypatch: pytest.MonkeyPatch):
    """A generator cannot be kept: the author of the function hears of it at once."""
    with pytest.raises(TypeError, match="generator"):
        generated(3)


def test_an_error_is_not_kept():
    """A call that raised is made again."""
    for _ in range(2):
        with pytest.raises(ValueError, match="could not convert"):
            doubled("x")
    assert len(CALLS) == 2


def test_size_and_clear():
    """Entries are counted, removed, and nothing else in the folder is."""
    doubled(1.0), doubled(2.0)
    mine = cache.folder() / "mine" / "notes.txt"
    mine.parent.mkdir()
    mine.write_text("keep")
    count, used = cache.size()
    assert count == 2 and used == sum(entry.stat().st_size for entry in entries())
    cache.clear()
    assert cache.size() == (0, 0) and mine.read_text() == "keep"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("deep.py", "FACTOR = 5\n"),
        ("sub/__init__.py", "NAME = 'changed'\n"),
        ("lazy.py", "def add(): return 5\n"),
    ],
)
def test_a_change_in_what_is_imported_computes_again(tmp_path: Path, file: str, text: str):
    """A constant two imports away, a package on the way, a module imported inside a function."""
    before = loaded(planted(tmp_path, factor=3)).scaled(2)
    (tmp_path / "planted" / file).write_text(text)
    fresh = loaded("planted")
    count = len(entries())
    assert fresh.scaled(2) == {"deep.py": 2 * 5 + 1, "lazy.py": 2 * 3 + 5}.get(file, before)
    assert len(entries()) == count + 1


def test_a_change_elsewhere_is_not_seen(tmp_path: Path):
    """A module that the function cannot reach leaves its entries alone, and going back finds the old ones."""
    package = planted(tmp_path, factor=3)
    loaded(package).scaled(2)
    (tmp_path / package / "other.py").write_text("OTHER = 2\n")
    loaded(package).scaled(2)
    assert len(entries()) == 1
    for factor in (4, 3):
        (tmp_path / package / "deep.py").write_text(f"FACTOR = {factor}\n")
        loaded(package).scaled(2)
    assert len(entries()) == 2


def test_code_edited_after_its_import_is_not_stored(tmp_path: Path):
    """The old code in memory must not answer for the new code on disk."""
    module = loaded(planted(tmp_path, factor=3))
    (tmp_path / "planted" / "deep.py").write_text("FACTOR = 5\n")
    assert module.scaled(2) == 7 and entries() == []


def test_a_computed_import_counts_the_whole_package(tmp_path: Path):
    """What `import_module` will load cannot be read, so everything counts."""
    package = planted(tmp_path, factor=3)
    (tmp_path / package / "lazy.py").write_text(
        "import importlib\nM = importlib.import_module\ndef add(): return 1\n"
    )
    before = loaded(package), cache.code_hash("planted.top")
    (tmp_path / package / "other.py").write_text("OTHER = 2\n")
    assert cache.code_hash("planted.top") != before[1]


FACE = "import lazy_loader\n\n__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)\n"


@pytest.mark.parametrize(
    "way", ["from planted.room import estimate\n", "from planted import room\n", "import planted.room as r\n"]
)
def test_a_lazy_face_leads_to_all_of_its_package(tmp_path: Path, way: str):
    """Which module stands behind a name of it is not asked: each of them counts. A file named outright stands alone."""
    planted(tmp_path, factor=3)
    room = tmp_path / "planted" / "room"
    room.mkdir()
    (room / "__init__.py").write_text(FACE)
    (room / "__init__.pyi").write_text(
        "from . import draw as draw\nfrom .level import estimate as estimate\n"
    )
    (room / "level.py").write_text("def estimate(x):\n    return x\n")
    (room / "draw.py").write_text("COLOUR = 'blue'\n")
    (tmp_path / "planted" / "user.py").write_text(way)
    sys.path.insert(0, str(tmp_path))
    try:
        importlib.invalidate_caches()
        importlib.import_module("planted.user")
    finally:
        sys.path.remove(str(tmp_path))
    assert {"planted.room", "planted.room.level", "planted.room.draw"} <= {
        *cache.code_modules("planted.user")
    }
    (tmp_path / "planted" / "user.py").write_text("from planted.room.level import estimate\n")
    assert cache.code_modules("planted.user") == [
        "planted",
        "planted.room",
        "planted.room.level",
        "planted.user",
    ]


@pytest.mark.parametrize(
    "recorder", sorted({e.recorder for e in manifest.data_sets().values() if e.origin == "twin"})
)
def test_no_twin_hangs_on_what_is_drawn_or_estimated(recorder: str):
    """The code of a recorder is twins, models, the files' writers and what these share, and nothing of the reader's."""
    module = f"nbtools.{recorder}"
    importlib.import_module(module)
    parts = {part for name in cache.code_modules(module) for part in name.split(".")}
    assert parts & {"models", "physics"}
    assert not parts & {
        "analysis",
        "display",
        "draw",
        "explore",
        "fitting",
        "notebook",
        "paper",
        "study",
        "viewers",
        "widgets",
    }


def test_the_library_versions_are_in_the_key(monkeypatch: pytest.MonkeyPatch):
    """Another numpy or scipy computes again."""
    doubled(1.0)
    monkeypatch.setattr(cache, "_versions", lambda: ("0.0", "0.0"))
    doubled(1.0)
    assert len(CALLS) == 2


@cached
def generated(count: int) -> Iterator[int]:
    return (i for i in range(count))


def planted(folder: Path, *, factor: int) -> str:
    """A small package: top → sub.middle → deep, top ⇢ lazy inside a function; `other` stands apart."""
    files = {
        "__init__.py": "",
        "top.py": (
            "from nbtools.cache import cached\nfrom planted.sub import middle\n\n@cached\ndef scaled(x):\n"
            "    from .lazy import add\n    return middle.scale(x) + add()\n\n"
            "@cached\ndef keys_of(x):\n    return list(x)\n"
        ),
        "sub/__init__.py": "",
        "sub/middle.py": "from ..deep import FACTOR\n\ndef scale(x):\n    return FACTOR * x\n",
        "deep.py": f"FACTOR = {factor}\n",
        "lazy.py": "def add():\n    return 1\n",
        "other.py": "OTHER = 1\n",
    }
    for name, text in files.items():
        path = folder / "planted" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return "planted"


@pytest.fixture(autouse=True)
def forget_planted() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "planted"]:
        del sys.modules[name]


@pytest.fixture(autouse=True)
def planted_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def loaded(package: str) -> ModuleType:
    """`package`.top as a new process would import it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    importlib.invalidate_caches()
    return importlib.import_module(f"{package}.top")


@contextmanager
def read_only(folder: str) -> Iterator[None]:
    """Without write permission; root, whom no permission stops, becomes another user."""
    folders = [Path(folder), *(p for p in Path(folder).rglob("*") if p.is_dir())]
    set_user: Callable[[int], None] = os.seteuid if os.geteuid() == 0 else (lambda user: None)
    for path in folders:
        path.chmod(0o555)
    set_user(65534)
    try:
        yield
    finally:
        set_user(0)
        for path in folders:
            path.chmod(0o755)
