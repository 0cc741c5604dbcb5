"""The data sets of data_manifest.yaml and a user's own files, opened by name or by path, each file verified.

A twin is recorded on first use, a measured set mirrored or downloaded.
"""

import functools
import hashlib
import importlib
import importlib.metadata
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from nbtools import paths
from nbtools.cache import code_hash
from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.fingerprints import (
    COMMAND,
    compare_fingerprint,
    store_fingerprints,
    stored_fingerprints,
    take_fingerprint,
)
from nbtools.manifest_entries import (
    DataFile,
    DataSet,
    ManifestError,
    Measured,
    Twin,
    data_sets,
    find,
    near_misses,
)
from nbtools.paths import data_folder, of_user

SAMPLE_CARD = "sample.yaml"
Origin = Literal["twin", "measured", "digitised"]
State = Literal["here", "recordable", "mirror", "missing"]


@dataclass(frozen=True, repr=False)
class DataSource:
    """Where the numbers of a notebook come from.

    name : of the data set, or of the user's file or folder
    files : the data files, verified where the manifest knows them; without the sample card
    origin : "twin", "measured" or "digitised"; of a mixture the least, in this order
    sha256 : of the bytes; of a twin of the manifest, of its recorder, parameters, seed and stored fingerprint
    card : the sample card, if there is one
    entry : what the manifest says, None for a user's files
    """

    name: str
    files: tuple[Path, ...]
    origin: Origin
    sha256: str
    card: Path | None = None
    entry: DataSet | None = None

    @property
    def short(self) -> str:
        """The first twelve digits of the hash, for tables and captions."""
        return self.sha256[:12]

    def is_papers(self, card: Any) -> bool:
        """Whether the data may speak on the paper: a twin as it was recorded, or the paper's own sample.

        Parameters
        ----------
        card : the `SampleCard` that is in use
        """
        if self.origin == "twin":
            own_card = self.card is None or self.card.parent in {file.parent for file in self.files}
            return self.entry is not None and own_card
        return bool(card.is_paper_sample)

    def __repr__(self) -> str:
        count = f"{len(self.files)} file{'s' * (len(self.files) != 1)}"
        known_by = f"seed {self.entry.seed}" if isinstance(self.entry, Twin) else f"sha256 {self.short}"
        return f"{self.name}: {self.origin}, {count}, {known_by}"


def open_data(
    data: str | Path | Sequence[str | Path],
    card: str | Path | None = None,
    *,
    folder: str | Path | None = None,
    technique: str = "",
) -> DataSource:
    """The files behind a name of the manifest, a path of one's own, or a list of these.

    Parameters
    ----------
    data : name of a data set; file; folder, of which every file counts; or a list
    card : the sample card (YAML); by default ``sample.yaml`` of the data set or folder
    folder : where relative paths start; by default the current folder
    technique : of a folder of one's own only the files that a reader of this technique may take

    Raises
    ------
    DataMissing, WrongHash
        See `fetch`.
    ValueError
        Neither a name nor a file; an empty folder; a card that is not there.
    """
    start = Path(folder) if folder is not None else Path.cwd()
    parts = [data] if isinstance(data, (str, Path)) else list(data)
    if not parts:
        raise ValueError("no data given; name a data set, a file or a folder")
    sources = [_open_one(part, start, technique) for part in parts]
    source = sources[0] if len(sources) == 1 else _joined(sources)
    if card is None or str(card) == "":
        return source
    own_card = start / of_user(card)
    if not own_card.is_file():
        raise ValueError(f"there is no sample card {own_card}; give the path of a YAML file, or none")
    return replace(source, card=own_card)


@dataclass(frozen=True)
class Status:
    """One line of `python -m nbtools data`."""

    name: str
    origin: str
    technique: str
    figures: tuple[str, ...]
    state: State


def status() -> list[Status]:
    """For every data set: here and verified, recordable, in the mirror folder, or to be downloaded."""
    return [Status(e.name, e.origin, e.technique, e.figures, _state(e)) for e in data_sets().values()]


def check_twins(names: Iterable[str] = (), *, store: bool = False) -> Iterator[tuple[str, list[str]]]:
    """Record twins anew, and say what differs from their stored fingerprints.

    Parameters
    ----------
    names : of the twins; all if none is named
    store : keep the fingerprints of those that differ; the others stay to the digit, whatever machine this is

    Yields
    ------
    name : of the twin
    lines : a sentence for each difference; none where it is as stored

    Raises
    ------
    ValueError
        An unknown name, or one of a measured set.
    """
    twins = {entry.name: entry for entry in data_sets().values() if isinstance(entry, Twin)}
    chosen = [find(name) for name in names] or list(twins.values())
    stored = stored_fingerprints()
    kept = {name: stored[name] for name in twins if name in stored}
    for entry in chosen:
        if not isinstance(entry, Twin):
            raise ValueError(
                f"{entry.name} is {entry.origin}; only twins have fingerprints: {', '.join(twins)}"
            )
        before = stored.get(entry.name)
        with workplace() as bench:
            record_twin(entry, bench)
            files = [bench / name for name in entry.files]
            lines = compare_fingerprint(before, files) if before else ["no fingerprint was stored"]
            if lines:
                kept[entry.name] = take_fingerprint(files)
        yield entry.name, lines
    for name in stored.keys() - twins.keys():
        yield name, ["it is no twin of the manifest"]
    if store and kept != stored:
        store_fingerprints({name: kept[name] for name in twins if name in kept})


def _open_one(data: str | Path, start: Path, technique: str) -> DataSource:
    known = data_sets()
    if isinstance(data, str) and data in known:
        return _open_entry(known[data])
    path = start / of_user(data)
    if not path.exists():
        raise ValueError(
            f"{str(data)!r} is neither a data set nor a file in {start}{near_misses(str(data), known)}"
        )
    card = path / SAMPLE_CARD if (path / SAMPLE_CARD).is_file() else None
    files = _files_of(path, technique)
    if not files:
        of = f" of {technique.replace('_', ' ')}" if technique else ""
        raise ValueError(
            f"the folder {path} holds no data file{of}; give a folder with the files, or one file"
        )
    sha256 = file_hash(path) if path.is_file() else _joined_hash((file.name, _hash(file)) for file in files)
    # A twin's file that was copied elsewhere is still synthetic.
    origin: Origin = "twin" if any(says_synthetic(file) for file in files) else "measured"
    return DataSource(path.name, files, origin, sha256, card)


def _open_entry(entry: DataSet) -> DataSource:
    fetch(entry.name)
    folder = inside(data_folder(), entry.name)
    files = tuple(folder / name for name in entry.file_names if name != SAMPLE_CARD)
    card = folder / SAMPLE_CARD if SAMPLE_CARD in entry.file_names else None
    if isinstance(entry, Twin):
        return DataSource(entry.name, files, "twin", _identity(entry), card, entry)
    hashes = [file.sha256 for file in entry.files]
    sha256 = hashes[0] if len(hashes) == 1 else _joined_hash(zip(entry.file_names, hashes, strict=True))
    return DataSource(entry.name, files, entry.origin, sha256, card, entry)


def _identity(twin: Twin) -> str:
    """The same on every machine, and for all code that records the same."""
    known_by = [twin.recorder, twin.parameters, twin.seed, fingerprint_hash(twin)]
    return hashlib.sha256(json.dumps(known_by, sort_keys=True).encode()).hexdigest()


def is_twin(data: Any) -> bool:
    """Whether what a notebook is to open is the name of a twin of the manifest."""
    return isinstance(data, str) and isinstance(data_sets().get(data), Twin)


def _joined(sources: list[DataSource]) -> DataSource:
    origins = {source.origin for source in sources}
    cards = {source.card for source in sources if source.card}
    if len(cards) > 1:
        raise ValueError(
            f"{', '.join(source.name for source in sources)} bring different sample cards; name the one that holds"
        )
    return DataSource(
        name=" + ".join(source.name for source in sources),
        files=tuple(file for source in sources for file in source.files),
        origin="twin" if "twin" in origins else "digitised" if "digitised" in origins else "measured",
        sha256=_joined_hash((source.name, source.sha256) for source in sources),
        card=next(iter(cards), None),
    )


def _files_of(path: Path, technique: str) -> tuple[Path, ...]:
    found = data_files_of(path)
    if path in found or not technique:
        return found
    from nbtools.files.registry import files_for

    return tuple(files_for(technique, found))


def data_files_of(path: Path) -> tuple[Path, ...]:
    """A file, or each file of a folder in the order of their names, but for the sample card and what is hidden."""
    if path.is_file() or _is_volume(path):
        return (path,)
    return tuple(
        file
        for file in sorted(path.iterdir())
        if (file.is_file() or _is_volume(file)) and file.name != SAMPLE_CARD and not file.name.startswith(".")
    )


def _joined_hash(pairs: Iterable[tuple[str, str]]) -> str:
    return hashlib.sha256("".join(f"{name} {value}\n" for name, value in pairs).encode()).hexdigest()


def _is_volume(path: Path) -> bool:
    """Whether a folder is one data set in Zarr's format."""
    return any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zattrs"))


def _hash(path: Path) -> str:
    if path.is_file():
        return file_hash(path)
    return _joined_hash(
        (part.relative_to(path).as_posix(), file_hash(part))
        for part in sorted(path.rglob("*"))
        if part.is_file()
    )


def says_synthetic(file: Path) -> bool:
    """Whether a file says that a twin recorded it."""
    if not file.is_file():
        return False
    with file.open("rb") as content:
        return SYNTHETIC.encode() in content.read(1 << 16)


def _state(entry: DataSet) -> State:
    folder = inside(data_folder(), entry.name)
    if isinstance(entry, Twin):
        return "here" if is_recorded(entry, folder) else "recordable"
    pairs = zip(entry.files, entry.file_names, strict=True)
    if all((folder / name).is_file() and file_hash(folder / name) == file.sha256 for file, name in pairs):
        return "here"
    return "mirror" if all(in_mirror(file) for file in entry.files) else "missing"


# ---- where the files come from

# Beside the files of a recorded twin: its recipe, the fingerprint that it was compared with, and the sha256 of each
# file as it was recorded here.
RECIPE = ".recipe.json"
SHOWN = 5  # differences of a fingerprint in an error


class DataMissing(ValueError):
    """A data set that is not here and cannot be had; says what is missing and what to do."""


class WrongHash(ValueError):
    """A measured file that is not what the manifest says; shows both hashes."""


class WrongFingerprint(ValueError):
    """A twin that was recorded otherwise than its stored fingerprint says; shows what differs."""


def fetch(name: str) -> Path:
    """The verified file of a data set, or its folder where it has several.

    A twin is recorded on first use, and again when its recipe has changed. A measured file is copied from
    the mirror folder ``NBTOOLS_MIRROR`` or downloaded from its public address. All lies in `data_folder`,
    under the name of the set.

    Raises
    ------
    DataMissing
        What cannot be had here, and what to do.
    WrongHash
        What was found instead of the expected measured file.
    WrongFingerprint
        What a recorder wrote instead of the twin whose fingerprint is stored.
    ValueError
        An unknown name; a link in the data or mirror folder that leads out of it; a recorder that refuses.
    """
    entry = find(name)
    folder = inside(data_folder(), entry.name)
    if isinstance(entry, Twin):
        _fetch_twin(entry, folder)
    else:
        for file, own_name in zip(entry.files, entry.file_names, strict=True):
            _fetch_file(entry, file, inside(data_folder(), f"{entry.name}/{own_name}"))
    return folder / entry.file_names[0] if len(entry.file_names) == 1 else folder


def _fetch_file(entry: Measured, file: DataFile, target: Path) -> None:
    """Leave `target` if it is right; else put a verified copy in its place."""
    there = file_hash(target) if target.is_file() else None
    if there == file.sha256:
        return
    with workplace() as bench:
        copy = bench / target.name
        source = in_mirror(file)
        try:
            if source:
                shutil.copyfile(source, copy)
            else:
                _download(file.url, copy)
        except OSError as problem:
            raise _cannot_be_had(entry, file, there, source or file.url, problem) from None
        if (found := file_hash(copy)) != file.sha256:
            raise WrongHash(
                f"{entry.name}: {source or file.url} has the sha256 {found}, the manifest says {file.sha256}; "
                "it is not the file that was described, and was not used. Put the right file there"
            )
        target.parent.mkdir(exist_ok=True)
        copy.replace(target)


def _cannot_be_had(
    entry: Measured, file: DataFile, there: str | None, source: Path | str, problem: OSError
) -> ValueError:
    reason = f"{source} cannot be read: {problem.strerror or type(problem).__name__}"
    remedy = f"connect to the internet, or set NBTOOLS_MIRROR to a folder that holds {file.path}"
    if there:
        return WrongHash(
            f"{entry.name}: the file in {data_folder()} has the sha256 {there}, the manifest says {file.sha256}, "
            f"and it cannot be replaced ({reason}); {remedy}"
        )
    return DataMissing(f"{entry.name} is missing ({reason}); {remedy}")


def in_mirror(file: DataFile) -> Path | None:
    """The file in the mirror folder ``NBTOOLS_MIRROR``, if that is set and holds it."""
    mirror = paths.mirror_folder()
    path = inside(mirror, file.path) if mirror else None
    return path if path and path.is_file() else None


def _download(url: str, target: Path) -> None:
    import pooch

    pooch.get_logger().setLevel("WARNING")
    pooch.retrieve(url, known_hash=None, fname=target.name, path=target.parent)


def recipe(entry: Twin) -> dict[str, Any]:
    """What a recorded twin follows from: recorder, the code that it runs, parameters and seed.

    The code is the source of the recorder and of all that it imports from nbtools, as this process loaded it, and
    the versions of numpy and scipy. Two processes with the same recipe record the same, but for the last bits of
    floats, which differ between processors.
    """
    return {
        "recorder": f"nbtools.{entry.recorder}",
        "code": _code(recorder(entry).__module__),
        "parameters": json.loads(json.dumps(entry.parameters)),
        "seed": entry.seed,
    }


@functools.cache
def _code(module: str) -> str:
    """The code that `module` runs in this process: what is edited later is not what runs here."""
    versions = " ".join(importlib.metadata.version(package) for package in ("numpy", "scipy"))
    return hashlib.sha256(f"{code_hash(module)} {versions}".encode()).hexdigest()


def is_recorded(entry: Twin, folder: Path) -> bool:
    """Whether `folder` holds the twin: by today's recipe and fingerprint, each file as it was recorded."""
    try:
        note = json.loads(inside(folder, RECIPE).read_text(encoding="utf-8"))
        return bool(note == _note(entry, folder))
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return False


def _note(entry: Twin, folder: Path) -> dict[str, Any]:
    return {
        "recipe": recipe(entry),
        "fingerprint": fingerprint_hash(entry),
        "files": {name: file_hash(inside(folder, name)) for name in entry.files},
    }


def fingerprint_hash(entry: Twin) -> str:
    """Of the stored fingerprint, or of nothing where none is stored."""
    return hashlib.sha256(json.dumps(stored_fingerprints().get(entry.name)).encode()).hexdigest()


def _fetch_twin(entry: Twin, folder: Path) -> None:
    """Leave what is recorded if it is right; else record beside it and rename."""
    if is_recorded(entry, folder):
        return
    with workplace() as bench:
        fresh = bench / "fresh"
        fresh.mkdir()
        record_twin(entry, fresh)
        _compare(entry, fresh)
        for attempt in range(20):
            with suppress(OSError):
                fresh.rename(folder)
                return
            # Another process may have been quicker; what it recorded is as good as ours.
            if is_recorded(entry, folder):
                return
            with suppress(OSError):
                folder.rename(bench / f"stale-{attempt}")
    raise DataMissing(
        f"{entry.name} was recorded but cannot be put into {folder}; remove that folder by hand"
    )


def _compare(entry: Twin, folder: Path) -> None:
    """What was recorded is what the stored fingerprint says; a new twin may have none yet."""
    stored = stored_fingerprints().get(entry.name)
    lines = compare_fingerprint(stored, [folder / name for name in entry.files]) if stored else []
    if lines:
        more = f"\n  and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
        raise WrongFingerprint(
            f"{entry.name}: nbtools.{entry.recorder} recorded something else than what is stored.\n  "
            + "\n  ".join(lines[:SHOWN])
            + f"{more}\nIf its code, parameters or seed were changed on purpose, run `{COMMAND}`, which shows and "
            "keeps what moved; if not, this environment computes something else"
        )


def record_twin(entry: Twin, folder: Path) -> None:
    """Run the recorder into `folder`, and write the recipe beside what it recorded."""
    record = recorder(entry)
    try:
        record(folder, seed=entry.seed, **entry.parameters)
    except (TypeError, ValueError) as problem:
        raise ValueError(
            f"{entry.name}: nbtools.{entry.recorder} could not record with seed {entry.seed} and "
            f"parameters {entry.parameters}: {problem}"
        ) from problem
    missing = [name for name in entry.files if not (folder / name).is_file()]
    if missing:
        raise ValueError(
            f"{entry.name}: nbtools.{entry.recorder} did not write {', '.join(missing)}, which the manifest "
            "lists; correct `files` there"
        )
    (folder / RECIPE).write_text(json.dumps(_note(entry, folder), indent=1) + "\n", encoding="utf-8")


def recorder(entry: Twin) -> Callable[..., object]:
    """`record_transport` of `transport.twin`, `record_fib_sem` of `structure.twin_fib_sem`, and nothing else."""
    module = twin_module(entry)
    folder, file = entry.recorder.split(".")
    name = f"record_{folder if file == 'twin' else file.removeprefix('twin_')}"
    record = getattr(module, name, None)
    if not callable(record) or record.__module__ != module.__name__:
        raise ManifestError(f"{entry.name}: {module.__name__} has no function {name}")
    return record


def twin_module(entry: Twin) -> ModuleType:
    """The module of the recorder, which also says what it planted: ``truth(**parameters)``."""
    name = f"nbtools.{entry.recorder}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as problem:
        if not f"{name}.".startswith(f"{problem.name}."):
            raise
        raise ManifestError(f"{entry.name}: there is no {name}; write another `recorder`") from None


def file_hash(path: str | Path) -> str:
    """The sha256 of the bytes, as `sha256sum` prints it."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inside(folder: Path, name: str) -> Path:
    """The path `folder`/`name`, which must not lead out of the folder through a link."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{path} is a link that leads out of {folder}; remove the link")
    return path


@contextmanager
def workplace() -> Iterator[Path]:
    """A temporary folder in the data folder, so that what is made there can be renamed into place."""
    try:
        data_folder().mkdir(parents=True, exist_ok=True)
        place = tempfile.TemporaryDirectory(dir=data_folder(), prefix=".making-", ignore_cleanup_errors=True)
    except OSError as problem:
        raise DataMissing(
            f"cannot write to {data_folder()} ({problem.strerror}); set NBTOOLS_DATA to a folder where you may"
        ) from None
    with place as folder:
        yield Path(folder)
