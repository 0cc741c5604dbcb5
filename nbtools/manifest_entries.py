"""What data_manifest.yaml may say, and a sentence for everything else."""

import difflib
import functools
import reprlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic import field_validator as validates
from pydantic import model_validator as validates_all

from nbtools import paths

MANIFEST = paths.MANIFEST
SHA256 = r"^[0-9a-f]{64}$"
# What came, in few words: aliases of aliases would fill the memory when written out.
short = reprlib.Repr()  # with arguments only from Python 3.12 on
short.maxlevel, short.maxstring, short.maxother = 2, 80, 80


class ManifestError(ValueError):
    """The manifest says something that it must not; names the data set, the field and what to write."""


def _relative(text: str) -> str:
    path = PurePosixPath(text)
    if (
        path.is_absolute()
        or ".." in path.parts
        or str(path) != text
        or text == "."
        or set(text) & set("\\:\0")
    ):
        raise ValueError("it leads outside its folder or is not in its plainest form")
    return text


RelativePath = Annotated[str, AfterValidator(_relative)]
Setting = bool | int | float | str


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataFile(_Frozen):
    """One file of a measured or digitised set."""

    path: RelativePath = Field(description="a path in the mirror folder such as qd/crystal/run_1.dat")
    sha256: str = Field(pattern=SHA256, description="the 64 hexadecimal digits that sha256sum prints")
    size: int = Field(gt=0, description="the size in bytes")
    url: str = Field(pattern=r"^https?://[^\s]+$", description="a public address, with blanks as %20")


class _DataSet(_Frozen):
    name: str = Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="lower-case words joined by hyphens, used once"
    )
    title: str = Field(min_length=1, description="one line: what was measured, on what")
    technique: str = Field(min_length=1, description="the analysis that reads it, such as transport")
    licence: str = Field(min_length=1, description="the licence, with its holder")
    terms: Literal["free", "copyleft", "non-commercial"] = Field(
        description="free, copyleft (GPL) or non-commercial (NC); only free data may be shipped"
    )
    citation: str = Field(min_length=1, description="whom to cite: people, repository or paper, commit")
    columns: dict[str, str] = Field(
        min_length=1, description="the columns that matter, each with its unit as the file writes it"
    )
    figures: tuple[str, ...] = Field(description="a list of the figures it serves, such as [Fig. 9]")

    @validates("terms")
    @classmethod
    def _terms_follow_the_licence(cls, terms: str, info: Any) -> str:
        licence = info.data.get("licence", "")
        for mark, expected in (("GPL", "copyleft"), ("-NC", "non-commercial")):
            if mark in licence and terms != expected:
                raise ValueError(f"{terms} does not fit the licence {licence}")
        return terms


class Measured(_DataSet):
    """Somebody's files, at a public address."""

    origin: Literal["measured", "digitised"]
    files: tuple[DataFile, ...] = Field(min_length=1, description="a list with path, sha256, size and url")

    @property
    def file_names(self) -> tuple[str, ...]:
        """What the files are called in the folder of the set."""
        return tuple(PurePosixPath(file.path).name for file in self.files)

    @validates("files")
    @classmethod
    def _own_names(cls, files: tuple[DataFile, ...]) -> tuple[DataFile, ...]:
        if len({PurePosixPath(file.path).name for file in files}) < len(files):
            raise ValueError("two files have the same name")
        return files


class Twin(_DataSet):
    """Synthetic files, recorded when first used by the function ``record_…`` of the module `nbtools.<recorder>`."""

    origin: Literal["twin"]
    files: tuple[RelativePath, ...] = Field(min_length=1, description="a list of the files it records")
    recorder: str = Field(
        pattern=r"^([a-z][a-z_]*\.twin(_[a-z0-9_]+)?|twin\.[a-z][a-z0-9_]*)$",
        description="the module of a twin in its room, as transport.twin",
    )
    seed: int = Field(ge=0, description="a whole number")
    parameters: dict[str, Setting | tuple[Setting, ...]] = Field(
        default={}, description="names and values that the recorder takes, SI"
    )
    default: bool = Field(default=False, description="true for the one set that its notebook opens by itself")

    @property
    def file_names(self) -> tuple[str, ...]:
        """What the files are called in the folder of the set."""
        return self.files


DataSet = Measured | Twin


class _Manifest(_Frozen):
    data_sets: tuple[Annotated[DataSet, Field(discriminator="origin")], ...] = Field(
        description="a list of data sets, each beginning with `- name:`"
    )

    @validates_all(mode="after")
    def _nothing_twice(self) -> "_Manifest":
        names = [entry.name for entry in self.data_sets]
        defaults = [entry.technique for entry in self.data_sets if getattr(entry, "default", False)]
        for what, found in (("name", names), ("default of the technique", defaults)):
            if twice := {one for one in found if found.count(one) > 1}:
                raise ValueError(f"the {what} {', '.join(sorted(twice))} stands twice; keep one")
        return self


def data_sets() -> dict[str, DataSet]:
    """Every data set of the project's manifest, by name."""
    return read_manifest(MANIFEST)


def find(name: str) -> DataSet:
    """One data set; an unknown name is a ValueError with its nearest neighbours and all known names."""
    known = data_sets()
    if name not in known:
        raise ValueError(f"there is no data set {name!r}{near_misses(name, known)}")
    return known[name]


def near_misses(name: str, known: Iterable[str]) -> str:
    """The three nearest names, as the end of a sentence, and where all of them are listed."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.4)
    question = f"; did you mean {', '.join(near)}?" if near else "."
    return f"{question} `python -m nbtools data` lists all"


def read_manifest(path: str | Path) -> dict[str, DataSet]:
    """The data sets by name.

    Raises
    ------
    ManifestError
        A file that cannot be read, or with the data set, the field, what came and what to write.
    """
    path = Path(path)
    try:
        return dict(_read(path, path.stat().st_mtime_ns))
    except OSError as problem:
        raise ManifestError(f"the manifest {path} cannot be read: {problem.strerror}") from None


@functools.lru_cache(maxsize=8)
def _read(path: Path, changed: int) -> dict[str, DataSet]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {entry.name: entry for entry in _Manifest.model_validate(content).data_sets}
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as problem:
        raise ManifestError(f"{path.name} is not YAML: {problem}") from None
    except ValidationError as problem:
        lines = [_sentence(error, content) for error in problem.errors()]
        raise ManifestError("\n".join([f"{path.name}: {len(lines)} to put right", *lines])) from None


def _sentence(error: Any, content: Any) -> str:
    """``data set x, field files.0.sha256: 'abc' found; write the 64 hexadecimal digits …``."""
    place = [step for step in error["loc"] if step not in ("measured", "digitised", "twin", "data_sets")]
    whose, field = "the manifest", "data_sets"
    if place and isinstance(place[0], int):
        entry = content["data_sets"][place.pop(0)]
        name = (
            entry.get("name", f"with the fields {', '.join(map(str, entry))}")
            if isinstance(entry, dict)
            else short.repr(entry)
        )
        whose, field = f"data set {name}", ".".join(map(str, place)) or "origin"
    if error["type"] == "extra_forbidden":
        return f"{whose}, field {field}: there is no such field; the fields are {', '.join(sorted(_HELP))}"
    if error["type"] == "value_error" and not place:
        return f"{whose}: {error['ctx']['error']}"
    found = "nothing" if error["type"] == "missing" else short.repr(error["input"])
    reason = f" ({error['ctx']['error']})" if error["type"] == "value_error" else ""
    words = [str(step) for step in place if isinstance(step, str) and step in _HELP] or [field]
    return f"{whose}, field {field}: {found} found{reason}; write {_HELP.get(words[-1], 'what the docs say')}"


_HELP = {
    name: field.description or ""
    for model in (Measured, Twin, DataFile, _Manifest)
    for name, field in model.model_fields.items()
} | {"origin": "twin, measured or digitised"}
