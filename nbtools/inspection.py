"""What a file is, what it holds, which notebook takes it, and what the sample card still needs."""

import json
import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtools.files.registry import (
    CARD,
    NOTEBOOKS,
    Contents,
    NotReadable,
    Range,
    Route,
    Signal,
    open_file,
)
from nbtools.files.sample_card import SampleCard, read_sample_card
from nbtools.manifest import SAMPLE_CARD, data_files_of, says_synthetic

OUTSIDE = "no notebook takes this as its DATA"
# Signals of one kind beyond this are listed as one.
MOST_LINES = 4


@dataclass(frozen=True)
class Inspection:
    """One file: what it holds, or why no reader takes it."""

    path: Path
    contents: Contents | None
    problem: NotReadable | None = None
    synthetic: bool = False

    @property
    def usable(self) -> bool:
        """Whether a reader took the file."""
        return self.contents is not None


def inspect_path(path: str | Path, card: str | Path | None = None) -> tuple[str, bool]:
    """The report on a file, or on each file of a folder, and whether anything could be read.

    Parameters
    ----------
    path : of a file or a folder
    card : the sample card; by default ``sample.yaml`` beside the file

    Raises
    ------
    ValueError
        Nothing is there.
    """
    found = inspect_files(path)
    reports = [_report(one, card) for one in found]
    if len(found) > 1:
        routes = Counter(
            way.technique for one in found if one.contents for way in one.contents.ways if _from_folder(way)
        )
        for technique, count in routes.items():
            if count == len(found):
                reports.append(f"all of these together: {_command(Route(technique), Path(path))}")
        if routes:
            command = f"python -m nbtools report {shlex.quote(str(path))} -o out/"
            reports.append(f"if they are of one sample, every technique on its files and one page: {command}")
    return "\n\n".join(reports), any(one.usable for one in found)


def inspect_files(path: str | Path) -> list[Inspection]:
    """A file, or each file of a folder, in the order of their names.

    Parameters
    ----------
    path : of a file or a folder

    Raises
    ------
    ValueError
        Nothing is there.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"there is no file {path}; give the path of a file or a folder")
    files = data_files_of(path)
    if not files:
        raise ValueError(f"the folder {path} holds no file; give a folder with data, or one file")
    return [_inspect(file) for file in files]


def as_json(found: list[Inspection]) -> str:
    """The same for a program: a list with one object for each file."""
    return json.dumps([_as_dict(one) for one in found], ensure_ascii=False, indent=1)


def _inspect(path: Path) -> Inspection:
    try:
        contents = open_file(path)
    except NotReadable as problem:
        return Inspection(path, None, problem)
    return Inspection(path, contents, synthetic=says_synthetic(path))


def _from_folder(route: Route) -> bool:
    """Whether a run takes several files of this route at once."""
    return route.parameter == "DATA" and route.takes != "nothing"


def _report(one: Inspection, card: str | Path | None) -> str:
    if one.contents is None:
        return str(one.problem)
    path, found = one.path, one.contents
    lines = [f"{path.name}: {found.what}" + (" (synthetic)" if one.synthetic else ""), *found.facts]
    lines += _signal_lines(found.signals)
    lines += [f"note: {sentence}" for sentence in found.notes]
    lines += [f"missing: {sentence}" for sentence in found.lacks]
    lines += [way_of(route, path) for route in found.ways]
    if not found.ways and found.asks is None:
        lines.append(OUTSIDE)
    if asked := found.asked:
        beside = path.parent / SAMPLE_CARD
        known = card or (beside if beside.is_file() else None)
        sample = read_sample_card(known) if known else SampleCard(name=path.stem)
        lacking = sample.require(*asked, stated=found.stated)
        lines.append(lacking or f"The sample card {sample.name} gives all that is asked.")
    return "\n  ".join(lines)


def _signal_lines(signals: tuple[Signal, ...]) -> list[str]:
    """A line for each signal that has ranges; where many are of one kind, one line for them."""
    kinds: dict[tuple[str, str, str | None], list[Signal]] = {}
    for signal in signals:
        if signal.kind:
            kinds.setdefault((signal.quantity, signal.kind, signal.technique), []).append(signal)
    lines = []
    for alike in kinds.values():
        if len(alike) <= MOST_LINES:
            lines += [_signal_line(signal.name, [signal]) for signal in alike]
        else:
            lines.append(_signal_line(f"{len(alike)} × {alike[0].kind}", alike))
    return lines


def _signal_line(name: str, alike: list[Signal]) -> str:
    ranges = ", ".join(map(str, _together([signal.ranges for signal in alike])))
    points = sum(signal.points for signal in alike)
    return f"{name}: {alike[0].quantity} {ranges}, {points} points {alike[0].destination}".rstrip()


def _together(ranges: list[tuple[Range, ...]]) -> list[Range]:
    """The range that holds those of several signals, quantity by quantity, where their units agree."""
    joined = []
    for same in zip(*ranges, strict=True):
        unit = same[0].unit
        ends = [end for one in same for end in one.in_unit(unit)]
        joined.append(Range(same[0].quantity, min(ends), max(ends), unit))
    return joined


def way_of(route: Route, path: Path) -> str:
    """The command that a user types for one of a file's ways, or the sentence in its place."""
    if not route.says:
        return _command(route, path)
    if route.takes == "nothing":
        return route.says
    target = path if route.takes == "file" else path.parent
    return f"{route.says} -p {shlex.quote(f'{route.parameter}={target}')}"


def _command(route: Route, path: Path) -> str:
    """The command to type."""
    value = f'["{path}"]' if route.parameter == "CIFS" else str(path)
    words = [f"{route.parameter}={value}", *route.options]
    if route.parameter == "DATA" and route.technique in {technique for technique, _ in CARD}:
        words.append("SAMPLE=mine.yaml")
    settings = " ".join(f"-p {shlex.quote(word)}" for word in words)
    return f"python -m nbtools run {NOTEBOOKS[route.technique]} {settings} -o out/"


def _as_dict(one: Inspection) -> dict[str, Any]:
    if one.contents is None:
        refusals = one.problem.refusals if one.problem else ()
        return {
            "file": str(one.path),
            "usable": False,
            "refused": [{"as": name, "because": reason} for name, reason in refusals],
        }
    found = one.contents
    return {
        "file": str(one.path),
        "usable": True,
        "what": found.what,
        "synthetic": one.synthetic,
        "facts": list(found.facts),
        "signals": [
            {
                "name": signal.name,
                "quantity": signal.quantity,
                "points": signal.points,
                "ranges": [vars(one) for one in signal.ranges],
                "technique": signal.technique,
                "remark": signal.remark,
            }
            for signal in found.signals
        ],
        "notes": list(found.notes),
        "missing": list(found.lacks),
        "run": [way_of(route, one.path) for route in found.ways],
        "card": {"asked": list(found.asked), "stated": dict(found.stated)},
    }
