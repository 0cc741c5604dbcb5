"""Verified files of a data set: a twin is recorded on first use, a measured set mirrored or downloaded."""

import functools
import hashlib
import importlib
import importlib.metadata
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from nbtools import paths
from nbtools.cache import code_hash
from nbtools.fingerprints import COMMAND, compare_fingerprint, stored_fingerprints
from nbtools.manifest_entries import DataFile, ManifestError, Measured, Twin, find
from nbtools.paths import data_folder

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
