"""The registry of readers: which reader a file is for, what the file holds, and which technique takes what of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nbtools.units import PAPER_UNITS, convert

# The notebook of each technique.
NOTEBOOKS = {
    "structure": "01",
    "stem": "02",
    "transport": "03",
    "magneto_optics": "04",
    "ac_susceptibility": "05",
    "cathodoluminescence": "06",
}
# What a technique asks of the sample card for what it takes; a test holds this against the notebooks.
CARD = {
    ("transport", "resistance"): ("cross_section", "tap_distance", "current", "thermometer_offset"),
    ("transport", "moment"): (
        "dimensions",
        "field_axis",
        "instrument",
        "remanence",
        "thermometer_offset",
    ),
    ("ac_susceptibility", "moment"): ("dimensions", "field_axis", "thermometer_offset"),
    ("ac_susceptibility", "ac moment"): ("dimensions", "field_axis", "thermometer_offset"),
    ("magneto_optics", "frames"): ("dimensions", "field_axis", "thermometer_offset"),
    ("cathodoluminescence", "luminescence"): ("beam_energy", "frame"),
}
HEAD = 1 << 16  # bytes from which a file is recognised
SMALL = 1e-6  # of the larger end: shown as 0


class NotReadable(ValueError):
    """No reader takes the file; `refusals` are pairs of a reader's name and its reason."""

    def __init__(self, path: Path, refusals: Iterable[tuple[str, str]]) -> None:
        self.path = path
        self.refusals = tuple(refusals)
        reasons: dict[str, list[str]] = {}
        for name, reason in self.refusals:
            reasons.setdefault(reason, []).append(name)
        several = len(reasons) > 1
        lines = [f"as {names[0]}: {reason}" if several else reason for reason, names in reasons.items()]
        super().__init__("\n  ".join([f"{path.name} cannot be used.", *lines]))


@dataclass(frozen=True)
class Range:
    """From where to where a quantity goes.

    Parameters
    ----------
    quantity : `temperature`, `field`, `frequency` …
    low, high : in `unit`
    unit : in which they are given and shown
    """

    quantity: str
    low: float
    high: float
    unit: str

    @classmethod
    def of(cls, quantity: str, values: Any, unit: str) -> "Range":
        """The range of the finite ones among values in SI, in the unit in which the community prints them.

        Parameters
        ----------
        quantity : what they are
        values : array_like, at least one of them finite
        unit : their SI unit
        """
        import numpy as np

        known = np.asarray(values)
        if known.dtype.kind == "f":
            finite = np.isfinite(known)
            known = known if finite.all() else known[finite]
        low, high = float(known.min()), float(known.max())
        shown = _shown_unit(unit, max(abs(low), abs(high)))
        scale = convert(1.0, unit, shown) if unit else 1.0
        return cls(quantity, low * scale, high * scale, shown)

    def in_unit(self, unit: str) -> tuple[float, float]:
        """Both ends in another unit of the same kind."""
        scale = convert(1.0, self.unit, unit) if unit and unit != self.unit else 1.0
        return self.low * scale, self.high * scale

    def __str__(self) -> str:
        largest = max(abs(self.low), abs(self.high))
        ends = (0.0 if abs(end) < SMALL * largest else end for end in (self.low, self.high))
        low, high = (f"{float(f'{end:.4g}'):g}" for end in ends)
        unit = SIGNS.get(self.unit, self.unit)
        return f"{low} {unit}".strip() if low == high else f"{low} to {high} {unit}".strip()


# Units that are shown with the prefix that suits the number.
PREFIXED = {
    "ohm": ("nohm", "uohm", "mohm", "ohm", "kohm", "Mohm"),
    "A": ("nA", "uA", "mA", "A"),
    "V": ("nV", "uV", "mV", "V"),
}
SIGNS = {
    **{unit: unit.replace("ohm", "Ω").replace("u", "µ") for units in PREFIXED.values() for unit in units},
    "uohm cm": "µΩ cm",
    "uV/K": "µV/K",
    "deg": "°",
}


def _shown_unit(unit: str, largest: float) -> str:
    if unit in PREFIXED:
        fits = [one for one in PREFIXED[unit] if largest >= convert(1.0, one, unit)]
        return fits[-1] if fits else (PREFIXED[unit][0] if largest else unit)
    # Lengths come with the unit of their kind of file.
    return unit if unit == "m" else {"V/K": "uV/K", "rad": "deg"}.get(unit, PAPER_UNITS.get(unit, unit))


@dataclass(frozen=True)
class Signal:
    """One sweep, curve, image or map of a file.

    Parameters
    ----------
    name : what tells it from the others of its file
    quantity : what was measured: `resistance`, `moment`, `ac moment`, `image` …
    ranges : of the quantity and of what it was measured against
    points : how many
    technique : the one that takes it, None where none does
    remark : why none does, or what is particular
    kind : signals of one kind are listed together where they are many
    data : the sweep or labelled array itself
    """

    name: str
    quantity: str
    ranges: tuple[Range, ...] = ()
    points: int = 0
    technique: str | None = None
    remark: str = ""
    kind: str = ""
    data: Any = field(default=None, repr=False, compare=False)

    @property
    def asks(self) -> tuple[str, ...]:
        """What its technique asks of the sample card."""
        return CARD.get((self.technique or "", self.quantity), ())

    @property
    def destination(self) -> str:
        """``→ transport (notebook 03)``, or why it goes nowhere."""
        goes = f"→ {self.technique} (notebook {NOTEBOOKS[self.technique]})" if self.technique else ""
        return " ".join(part for part in (goes, f"({self.remark})" if self.remark else "") if part)


@dataclass(frozen=True)
class Route:
    """How a technique's notebook is given the file.

    Parameters
    ----------
    technique : one of `NOTEBOOKS`
    parameter : the notebook's parameter that takes the path
    options : further parameters, as `NAME=value`
    says : a sentence in place of the command, where the file alone is not what the notebook runs on
    takes : what the parameter is set to: the file, its folder, or nothing of it
    """

    technique: str
    parameter: str = "DATA"
    options: tuple[str, ...] = ()
    says: str = ""
    takes: Literal["file", "folder", "nothing"] = "file"

    @property
    def is_complete(self) -> bool:
        """Whether a run needs nothing more; `VOXEL_SIZE=<metres>` is for the user to fill in."""
        return self.takes != "nothing" and not any(option.endswith(">") for option in self.options)


@dataclass(frozen=True)
class Contents:
    """What a reader found in a file.

    Parameters
    ----------
    what : one line: the format, the instrument, the size
    signals : all that the file holds
    routes : where it goes; by default to each technique that takes one of its signals
    facts : further lines
    notes : what was left out while reading, and what the file does not say
    lacks : what a technique needs and the file does not hold
    asks : what the sample card is asked for; by default by the signals
    stated : entries of the sample card that the file states, as YAML
    """

    what: str
    signals: tuple[Signal, ...] = ()
    routes: tuple[Route, ...] | None = None
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    asks: tuple[str, ...] | None = None
    stated: Mapping[str, str] = field(default_factory=dict)

    def of(self, technique: str) -> list[Signal]:
        """The signals that a technique takes, in the order of the file."""
        return [signal for signal in self.signals if signal.technique == technique]

    @property
    def ways(self) -> tuple[Route, ...]:
        """Where the file goes."""
        if self.routes is not None:
            return self.routes
        return tuple(Route(one) for one in dict.fromkeys(s.technique for s in self.signals) if one)

    @property
    def asked(self) -> tuple[str, ...]:
        """What the sample card is asked for."""
        if self.asks is not None:
            return self.asks
        return tuple(dict.fromkeys(entry for signal in self.signals for entry in signal.asks))


@dataclass(frozen=True)
class Reader:
    """One entry of the registry.

    Parameters
    ----------
    name : with its article, as in *read as a powder pattern*
    read : path → `Contents`; a ValueError, OSError or ImportError refuses the file with its sentence
    endings : of the names of its files, lower case with the dot
    looks : what the first bytes say: True, it is one; False, it is none; None, the ending decides
    techniques : that take what it reads
    folders : whether its files may be folders
    """

    name: str
    read: Callable[[Path], Contents]
    endings: tuple[str, ...] = ()
    looks: Callable[[bytes], bool | None] = lambda head: None
    techniques: tuple[str, ...] = ()
    folders: bool = False


_added: list[Reader] = []


def register(reader: Reader) -> Reader:
    """Add a reader, which is asked before those of the package; returns it, so that it can stand above a definition.

    Parameters
    ----------
    reader : one of the same name takes the place of the earlier one

    Raises
    ------
    ValueError
        A technique that there is not.
    """
    strange = set(reader.techniques) - set(NOTEBOOKS)
    if strange:
        raise ValueError(
            f"{reader.name}: found the technique {', '.join(sorted(strange))}; expected some of {', '.join(NOTEBOOKS)}"
        )
    _added[:] = [reader, *(other for other in _added if other.name != reader.name)]
    return reader


def unregister(name: str) -> None:
    """Take away a reader that was added."""
    _added[:] = [reader for reader in _added if reader.name != name]


def readers() -> tuple[Reader, ...]:
    """Every reader in the order in which they are asked: those added last first, the package's most particular next."""
    from nbtools.files import formats

    return (*_added, *formats.READERS)


def candidates(path: str | Path) -> tuple[Reader, ...]:
    """The readers that may take a file: those that know its first bytes; without one those that go by its ending."""
    path = Path(path)
    head = _head(path)
    by_ending = []
    sure = []
    for reader in readers():
        if path.is_dir() and not reader.folders:
            continue
        looks = reader.looks(head)
        if looks:
            sure.append(reader)
        elif looks is None and path.name.lower().endswith(reader.endings):
            by_ending.append(reader)
    return tuple(sure or by_ending)


def open_file(path: str | Path) -> Contents:
    """What the first reader that takes a file finds in it.

    Raises
    ------
    NotReadable
        No reader knows the file, or each that does refuses it, with the reasons.
    """
    path = Path(path)
    refusals = []
    for reader in candidates(path):
        try:
            return reader.read(path)
        except (ValueError, OSError, ImportError) as problem:
            refusals.append((reader.name, " ".join(str(problem).split())))
    raise NotReadable(
        path,
        refusals
        or [("", f"No reader knows a file that begins like this and ends in {path.suffix or 'nothing'}.")],
    )


def files_for(technique: str, paths: Iterable[Path]) -> Iterator[Path]:
    """Those of some files that a technique may take, by their first bytes and endings; none is read.

    Parameters
    ----------
    technique : one of `NOTEBOOKS`
    paths : of files and folders
    """
    for path in paths:
        if any(technique in reader.techniques for reader in candidates(path)):
            yield path


def technique_of(notebook: str) -> str:
    """``03_transport`` → ``transport``; "" for a notebook of no single technique."""
    return next((name for name, number in NOTEBOOKS.items() if notebook.startswith(f"{number}_")), "")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""
