"""The data sets of data_manifest.yaml and a user's own files, opened by name or by path."""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from nbtools import manifest_entries
from nbtools.content_hash import content_hash, file_hash
from nbtools.data_files import (
    DataMissing,
    WrongHash,
    data_folder,
    fetch,
    in_mirror,
    inside,
    record_twin,
    recorded_hash,
    workplace,
)
from nbtools.manifest_entries import (
    DataSet,
    ManifestError,
    Measured,
    Twin,
    data_sets,
    find,
    near_misses,
    read_manifest,
)
from nbtools.twin.quantum_design import SYNTHETIC

__all__ = [
    "DataMissing",
    "DataSet",
    "DataSource",
    "ManifestError",
    "Measured",
    "Status",
    "Twin",
    "WrongHash",
    "content_hash",
    "data_folder",
    "data_sets",
    "fetch",
    "find",
    "open_data",
    "read_manifest",
    "refresh_hashes",
    "status",
]

SAMPLE_CARD = "sample.yaml"
Origin = Literal["twin", "measured", "digitised"]
State = Literal["here", "recordable", "mirror", "missing"]


@dataclass(frozen=True, repr=False)
class DataSource:
    """Where the numbers of a notebook come from.

    name : of the data set, or of the user's file or folder
    files : the data files, verified where the manifest knows them; without the sample card
    origin : "twin", "measured" or "digitised"; of a mixture the least, in this order
    sha256 : of the content (twin) or of the bytes
    card : the sample card, if there is one
    entry : what the manifest says, None for a user's files
    is_default : whether this is what the notebook opens by itself, so that its results may be stored
    """

    name: str
    files: tuple[Path, ...]
    origin: Origin
    sha256: str
    card: Path | None = None
    entry: DataSet | None = None
    is_default: bool = False

    @property
    def short(self) -> str:
        """The first twelve digits of the hash, for tables and captions."""
        return self.sha256[:12]

    def __repr__(self) -> str:
        count = f"{len(self.files)} file{'s' * (len(self.files) != 1)}"
        return f"{self.name}: {self.origin}, {count}, sha256 {self.short}"


def open_data(
    data: str | Path | Sequence[str | Path],
    card: str | Path | None = None,
    *,
    folder: str | Path | None = None,
) -> DataSource:
    """The files behind a name of the manifest, a path of one's own, or a list of these.

    Parameters
    ----------
    data : name of a data set; file; folder, of which every file counts; or a list
    card : the sample card (YAML); by default ``sample.yaml`` of the data set or folder
    folder : where relative paths start; by default the current folder

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
    sources = [_open_one(part, start) for part in parts]
    source = sources[0] if len(sources) == 1 else _joined(sources)
    if card is None or str(card) == "":
        return source
    own_card = start / Path(card).expanduser()
    if not own_card.is_file():
        raise ValueError(f"there is no sample card {own_card}; give the path of a YAML file, or none")
    return replace(source, card=own_card, is_default=False)


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


def refresh_hashes(names: Iterable[str] | None = None) -> dict[str, tuple[str, str]]:
    """Record twins anew (all, or `names`) and write their hashes into the manifest; name → old and new.

    For maintainers who changed a recorder on purpose. Only the hash lines of the file change.
    """
    moved = {}
    for entry in data_sets().values() if names is None else [find(name) for name in names]:
        if isinstance(entry, Twin):
            with workplace() as bench:
                found = record_twin(entry, bench)
            if found != entry.content_sha256:
                moved[entry.name] = (entry.content_sha256, found)
    if moved:
        _write_hashes({name: found for name, (_, found) in moved.items()})
    return moved


def _write_hashes(hashes: dict[str, str]) -> None:
    manifest = manifest_entries.MANIFEST
    text = manifest.read_text(encoding="utf-8")
    for name, found in hashes.items():
        own_lines = rf"- name: [\"']?{name}[\"']? *\n(?:(?! *- name:).*\n)*?"
        text, count = re.subn(rf"({own_lines} *content_sha256: ).*", rf'\g<1>"{found}"', text)
        if count != 1:
            raise ManifestError(
                f"{manifest.name}: write `content_sha256: {found}` under `- name: {name}` by hand"
            )
    fresh = manifest.with_name(f".{manifest.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(manifest)


def _open_one(data: str | Path, start: Path) -> DataSource:
    known = data_sets()
    if isinstance(data, str) and data in known:
        return _open_entry(known[data])
    path = start / Path(data).expanduser()
    if not path.exists():
        raise ValueError(
            f"{str(data)!r} is neither a data set nor a file in {start}{near_misses(str(data), known)}"
        )
    card = path / SAMPLE_CARD if (path / SAMPLE_CARD).is_file() else None
    files = _files_of(path)
    if not files:
        raise ValueError(f"the folder {path} holds no data file; give a folder with the files, or one file")
    sha256 = (
        file_hash(path) if path.is_file() else _joined_hash((file.name, file_hash(file)) for file in files)
    )
    # A twin's file that was copied elsewhere is still synthetic.
    origin: Origin = "twin" if any(_says_synthetic(file) for file in files) else "measured"
    return DataSource(path.name, files, origin, sha256, card)


def _open_entry(entry: DataSet) -> DataSource:
    fetch(entry.name)
    folder = inside(data_folder(), entry.name)
    files = tuple(folder / name for name in entry.file_names if name != SAMPLE_CARD)
    card = folder / SAMPLE_CARD if SAMPLE_CARD in entry.file_names else None
    if isinstance(entry, Twin):
        return DataSource(entry.name, files, "twin", entry.content_sha256, card, entry, entry.default)
    hashes = [file.sha256 for file in entry.files]
    sha256 = hashes[0] if len(hashes) == 1 else _joined_hash(zip(entry.file_names, hashes, strict=True))
    return DataSource(entry.name, files, entry.origin, sha256, card, entry)


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


def _files_of(path: Path) -> tuple[Path, ...]:
    if path.is_file():
        return (path,)
    found = sorted(path.iterdir())
    return tuple(f for f in found if f.is_file() and f.name != SAMPLE_CARD and not f.name.startswith("."))


def _joined_hash(pairs: Iterable[tuple[str, str]]) -> str:
    return hashlib.sha256("".join(f"{name} {value}\n" for name, value in pairs).encode()).hexdigest()


def _says_synthetic(file: Path) -> bool:
    with file.open("rb") as content:
        return SYNTHETIC.encode() in content.read(1 << 16)


def _state(entry: DataSet) -> State:
    folder = inside(data_folder(), entry.name)
    if isinstance(entry, Twin):
        return "here" if recorded_hash(entry, folder) == entry.content_sha256 else "recordable"
    pairs = zip(entry.files, entry.file_names, strict=True)
    if all((folder / name).is_file() and file_hash(folder / name) == file.sha256 for file, name in pairs):
        return "here"
    return "mirror" if all(in_mirror(file) for file in entry.files) else "missing"
