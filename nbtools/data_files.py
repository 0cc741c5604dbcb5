"""Verified files of a data set: a twin is recorded on first use, a measured set mirrored or downloaded."""

import importlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import yaml

from nbtools import paths
from nbtools.content_hash import content_hash, file_hash
from nbtools.manifest_entries import DataFile, ManifestError, Measured, Twin, find


class DataMissing(ValueError):
    """A data set that is not here and cannot be had; says what is missing and what to do."""


class WrongHash(ValueError):
    """Files that are not what the manifest says; shows both hashes."""


def data_folder() -> Path:
    """Where data sets are kept: ``NBTOOLS_DATA``, or ``build/data`` of the project."""
    return paths.data_folder()


def fetch(name: str) -> Path:
    """The verified file of a data set, or its folder where it has several.

    A twin is recorded on first use; a measured file is copied from the mirror folder ``NBTOOLS_MIRROR``
    or downloaded from its public address. All lies in `data_folder`, under the name of the set.

    Raises
    ------
    DataMissing
        What cannot be had here, and what to do.
    WrongHash
        What was found instead of the expected content.
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


def _fetch_twin(entry: Twin, folder: Path) -> None:
    """Leave what is recorded if it is right; else record beside it and rename."""
    if recorded_hash(entry, folder) == entry.content_sha256:
        return
    with workplace() as bench:
        fresh = bench / "fresh"
        fresh.mkdir()
        found = record_twin(entry, fresh)
        if found != entry.content_sha256:
            raise WrongHash(
                f"{entry.name}: nbtools.twin.{entry.recorder} recorded content with the sha256 {found}, the "
                f"manifest says {entry.content_sha256}. If the recorder was changed on purpose, run "
                "`python -m nbtools data --update`; if not, the environment is not the locked one"
            )
        for attempt in range(20):
            with suppress(OSError):
                fresh.rename(folder)
            # Another process may have been quicker; what it recorded is as good as ours.
            if recorded_hash(entry, folder) == entry.content_sha256:
                return
            with suppress(OSError):
                folder.rename(bench / f"stale-{attempt}")
    raise DataMissing(
        f"{entry.name} was recorded but cannot be put into {folder}; remove that folder by hand"
    )


def record_twin(entry: Twin, folder: Path) -> str:
    """Run the recorder into `folder`; the hash of what it wrote."""
    record = _recorder(entry)
    try:
        record(folder, seed=entry.seed, **entry.parameters)
    except (TypeError, ValueError) as problem:
        raise ValueError(
            f"{entry.name}: nbtools.twin.{entry.recorder} could not record with seed {entry.seed} and "
            f"parameters {entry.parameters}: {problem}"
        ) from problem
    missing = [name for name in entry.files if not (folder / name).is_file()]
    if missing:
        raise ValueError(
            f"{entry.name}: nbtools.twin.{entry.recorder} did not write {', '.join(missing)}, which the manifest "
            "lists; correct `files` there"
        )
    return content_hash(folder / name for name in entry.files)


def _recorder(entry: Twin) -> Callable[..., object]:
    """`record_<recorder>` of `nbtools.twin.<recorder>`; the manifest cannot name anything else."""
    module_name = f"nbtools.twin.{entry.recorder}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as problem:
        if problem.name != module_name:
            raise
        raise ManifestError(f"{entry.name}: there is no {module_name}; write another `recorder`") from None
    record = getattr(module, f"record_{entry.recorder}", None)
    if not callable(record) or not str(record.__module__).startswith("nbtools.twin."):
        raise ManifestError(f"{entry.name}: {module_name} has no function record_{entry.recorder}")
    return record


def recorded_hash(entry: Twin, folder: Path) -> str | None:
    """The hash of a recorded twin; None where files are missing or cannot be decoded."""
    try:
        return content_hash(inside(folder, name) for name in entry.files)
    except (OSError, ValueError, yaml.YAMLError):
        return None


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
