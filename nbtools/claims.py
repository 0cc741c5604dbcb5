"""A statement, our evidence, and the verdict that follows; the table of claims.

``settle(ledger, "GL-01", from_arithmetic(length, "√(Φ0/2πHc2)"))`` judges and enters; `judge` has the rules.
"""

import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from nbtools.evidence import (
    Evidence,
    Measurement,
    from_arithmetic,
    from_comparison,
    from_measurement,
    from_twin,
    sigmas,
)
from nbtools.paper import Statement, statement, statements
from nbtools.results import Ledger
from nbtools.verdicts import WORDS, Verdict, judge, resolution

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "WORDS",
    "Evidence",
    "Statement",
    "Verdict",
    "from_arithmetic",
    "from_comparison",
    "from_measurement",
    "from_twin",
    "judge",
    "resolution",
    "settle",
    "sigmas",
    "statement",
    "statements",
    "summary_text",
    "table",
]

Sources = Ledger | Verdict | Iterable[Ledger | Verdict]


def settle(ledger: Ledger, name: str, evidence: Evidence | None = None) -> Verdict:
    """Judge a statement, enter the verdict in the ledger and write it.

    A later verdict takes the place of an earlier one, but another sample's data displace nothing.
    """
    verdict = judge(name, evidence)
    foreign = isinstance(evidence, Measurement) and not evidence.same_sample
    if not (foreign and name in ledger.verdicts):
        about = statement(name)
        origin = evidence.origin if evidence else "paper"
        place = {"kind": about.kind, "notebook": about.notebook, "origin": origin}
        ledger.verdicts[name] = _entry(verdict) | place | _deviation(verdict) | _cell()
        ledger.write()
    return verdict


def table(sources: Sources, *, all_statements: bool = False) -> "pd.DataFrame":
    """Verdicts in the order of the paper: id, says, paper, ours, verdict, basis.

    Of two verdicts on one statement the later source counts. With `all_statements`, those that no source
    settles are listed too: judged where that takes no evidence, else with an empty verdict.
    """
    import pandas as pd

    entries: dict[str, Mapping[str, Any]] = {}
    for source in [sources] if isinstance(sources, (Ledger, Verdict)) else sources:
        entries |= source.verdicts if isinstance(source, Ledger) else {source.id: _entry(source)}
    rows = [
        {"id": name, **(entries[name] if name in entries else open_entry(about))}
        for name, about in statements().items()
        if all_statements or name in entries
    ]
    return pd.DataFrame(rows, columns=["id", "says", "paper", "ours", "verdict", "basis"])


def summary_text(sources: Sources, *, all_statements: bool = False, width: int = 100) -> str:
    """The same table for a terminal `width` characters wide, and how often each word was said."""
    rows = table(sources, all_statements=all_statements).to_dict("records")
    lines: list[str] = []
    for row in rows:
        numbers = " ".join(filter(None, [row["ours"], f"(paper: {row['paper']})"]))
        lines += _wrapped(f"{row['id']:<8}{row['verdict'] or 'open'}: {numbers}", width)
        lines += _wrapped(f"{'':8}{row['says']}", width) + _wrapped(f"{'':8}{row['basis']}", width) + [""]
    counts = Counter(row["verdict"] or "open" for row in rows)
    listed = ", ".join(f"{counts[word]} {word}" for word in (*WORDS, "open") if counts[word])
    return "\n".join(lines + _wrapped(f"{len(rows)} statements: {listed or 'none settled'}", width))


def html_rows(entries: Mapping[str, Mapping[str, Any]], page: str) -> str:
    """Table rows of verdicts by id, in the order of the paper; `page` is the ending of the notebooks' own pages.

    An entry is what `settle` wrote, with the notebook's name as ``found_in``.
    """
    return "".join(_html_row(name, entries[name], page) for name in statements() if name in entries)


def _html_row(name: str, entry: Mapping[str, Any], page: str) -> str:
    text = {key: escape(str(value)) for key, value in entry.items()}
    place = f"{text['found_in']}, cell {text['cell']}" if entry.get("cell") else text["found_in"]
    anchor = f"#cell-{text['cell']}" if entry.get("cell") else ""
    link = f'<a href="{text["found_in"]}.{page}{anchor}">{place}</a>'
    word = text["verdict"] or "open"
    kind = word.split()[-1]
    said = f"{text['says']}<p class='meta'>{text['basis']}</p><p class='meta'>{link}</p>"
    found = f"<b class='{kind}'>{word}</b><p>{text['ours']}</p><p class='meta'>paper: {text['paper']}</p>"
    return f"<tr class='{kind}'><th>{name}</th><td>{said}</td><td>{found}</td></tr>"


def _entry(verdict: Verdict) -> dict[str, str]:
    """A verdict as the ledger keeps it."""
    return {
        "says": statement(verdict.id).says,
        "verdict": verdict.word,
        "basis": verdict.basis,
        "ours": verdict.ours,
        "paper": verdict.paper,
    }


def _deviation(verdict: Verdict) -> dict[str, float]:
    """How many σ ours lies from the paper's (of a twin: from what was planted), where that is a number."""
    apart = verdict.deviation
    if apart is None or not apart.uncertainty > 0:
        return {}
    return {"sigmas": round(float(apart) / apart.uncertainty, 2)}


def _cell() -> dict[str, int]:
    """The code cell that is running, in a notebook run once from the top."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    # The running cell is the last input; releases differ on whether it counts as executed yet.
    return {"cell": len(shell.user_ns["In"]) - 1} if shell is not None else {}


def open_entry(about: Statement) -> dict[str, str]:
    """A statement that no ledger settles."""
    if about.kind in ("input", "needs-data"):
        return _entry(judge(about))
    return {
        "says": about.says,
        "verdict": "",
        "basis": f"open until notebook {about.notebook} has run",
        "ours": "",
        "paper": about.printed,
    }


def _wrapped(text: str, width: int) -> list[str]:
    """Lines that start below the verdict, not below the id."""
    return textwrap.wrap(text, width, subsequent_indent=" " * 8)
