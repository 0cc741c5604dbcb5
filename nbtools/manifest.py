"""The data sets of data_manifest.yaml and a user's own files, opened by name or by path."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from nbtools.data_files import (
    DataMissing,
    WrongFingerprint,
    WrongHash,
    fetch,
    file_hash,
    fingerprint_hash,
    in_mirror,
    inside,
    is_recorded,
    record_twin,
    workplace,
)
from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.fingerprints import (
    compare_fingerprint,
    store_fingerprints,
    stored_fingerprints,
    take_fingerprint,
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
from nbtools.paths import data_folder, of_user

__all__ = [
    "DataMissing",
    "DataSet",
    "DataSource",
    "ManifestError",
    "Measured",
    "Status",
    "Twin",
    "WrongFingerprint",
    "WrongHash",
    "check_twins",
    "data_folder",
    "data_sets",
    "fetch",
    "find",
    "open_data",
    "read_manifest",
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
    sha256 : of the bytes; of a twin of the manifest, of its recorder, parameters, seed and stored fingerprint
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
            paths = [bench / name for name in entry.files]
            lines = compare_fingerprint(before, paths) if before else ["no fingerprint was stored"]
            if lines:
                kept[entry.name] = take_fingerprint(paths)
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
        return DataSource(entry.name, files, "twin", _identity(entry), card, entry, entry.default)
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
    if path.is_file() or _is_volume(path):
        return (path,)
    found = [
        file
        for file in sorted(path.iterdir())
        if (file.is_file() or _is_volume(file)) and file.name != SAMPLE_CARD and not file.name.startswith(".")
    ]
    if not technique:
        return tuple(found)
    from nbtools.files.registry import files_for

    return tuple(files_for(technique, found))


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
