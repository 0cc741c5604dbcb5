"""The whole paper on one card: every statement, its verdict, the cell that found it, and what would settle it."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtools.claims import html_rows, open_entry, statements
from nbtools.notebook.document import heading_above
from nbtools.paper.verdict import NO_DATA, VAGUE, WORDS
from nbtools.results import Ledger
from nbtools.runner import find_notebooks, read_results
from nbtools.whole_file import write_whole

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
TOPICS = {
    "CMP": "composition",
    "FRA": "fractal structure",
    "STM": "interfaces",
    "RES": "resistivity",
    "MAG": "magnetisation",
    "GL": "lengths",
    "MO": "flux and currents",
    "AC": "ac susceptibility",
    "JC": "critical current",
    "PRX": "proximity",
    "CL": "luminescence",
}
# What the LaTeX table has room for.
PRINTED = {"id": "", "says": "statement", "paper": "paper", "ours": "here", "verdict": "verdict"}
# A notebook's own style sets lines far apart and centres cells.
TIGHT = (
    "<style>.statements :is(th, td) {vertical-align: top; text-align: left; white-space: normal; line-height: 1.35}"
    ".statements th {white-space: nowrap} .statements p {margin: 0}</style>"
)


@dataclass(frozen=True)
class Scorecard:
    """All statements in the order of the paper.

    Attributes
    ----------
    rows : one a statement, with columns id, topic, where, says, kind, notebook, cell, heading, paper, ours, sigmas,
        verdict, basis, origin, settles_by. `cell` is the number of the code cell (0: not known), `sigmas` how far
        ours lies from the paper's (of a twin: from what was planted)
    """

    rows: "pd.DataFrame"

    @property
    def counts(self) -> dict[str, int]:
        """How often each verdict was given; "open" where no notebook has settled the statement."""
        found = Counter(self.rows["verdict"].replace("", "open"))
        return {word: found[word] for word in (*WORDS, "open") if found[word]}

    @property
    def by_topic(self) -> dict[str, list[str]]:
        """The verdicts of each topic, in order."""
        return {topic: list(rows["verdict"]) for topic, rows in self.rows.groupby("topic", sort=False)}

    @property
    def distances(self) -> dict[str, float]:
        """By how many σ our arithmetic on the paper's own numbers lies from what it prints."""
        known = self.select(origin="paper").rows.dropna(subset="sigmas")
        return dict(zip(known["id"], known["sigmas"], strict=True))

    @property
    def undecided(self) -> "Scorecard":
        """Those that neither the paper's own numbers nor data as good as the twin's decide."""
        return self.select(verdict=(VAGUE, NO_DATA, ""))

    def select(self, *, text: str = "", **wanted: Any) -> "Scorecard":
        """The statements in which every word of `text` stands, and whose columns are as `wanted` (or one of these).

        Raises
        ------
        ValueError
            A column that there is not.
        """
        if unknown := set(wanted) - set(self.rows.columns):
            raise ValueError(
                f"no column {', '.join(sorted(unknown))}; there are {', '.join(self.rows.columns)}"
            )
        chosen = self.rows
        for column, value in wanted.items():
            chosen = chosen[chosen[column].isin([value] if isinstance(value, str) else list(value))]
        texts = [" ".join(map(str, row)).lower() for row in chosen.to_numpy()]
        return Scorecard(chosen[[all(word in line for word in text.lower().split()) for line in texts]])

    def export(self, folder: Path) -> list[Path]:
        """Write claims.json, claims.csv and claims.tex (a longtable, for XeLaTeX or LuaLaTeX); returns their paths."""
        records = [
            {k: v for k, v in row.items() if v == v} for row in self.rows.to_dict("records")
        ]  # JSON has no NaN
        content = json.dumps({"schema": SCHEMA, "statements": records}, ensure_ascii=False, indent=1)
        printed = self.rows[list(PRINTED)].rename(columns=PRINTED)
        shape = {"longtable": True, "escape": True, "column_format": "lp{6cm}p{3cm}p{3cm}p{2.5cm}"}
        texts = {
            "claims.json": content + "\n",
            "claims.csv": self.rows.to_csv(index=False),
            "claims.tex": printed.to_latex(index=False, **shape),
        }
        return [write_whole(folder / name, text) for name, text in texts.items()]

    def __str__(self) -> str:
        listed = ", ".join(f"{number} {word}" for word, number in self.counts.items())
        return f"{len(self.rows)} statements: {listed or 'none'}"

    def _repr_html_(self) -> str:
        entries = {row["id"]: {**row, "found_in": row["notebook"]} for row in self.rows.to_dict("records")}
        table = f'{TIGHT}<table class="statements">{html_rows(entries, "ipynb")}</table>'
        return f'{table}<p class="meta">{escape(str(self))}</p>'


def read_ledgers() -> dict[str, Ledger]:
    """The results of every notebook: of the run that this cell is part of, else the stored ones."""
    fresh = Path(os.environ.get("NBTOOLS_RESULTS") or "nowhere")
    found = {}
    for path in find_notebooks():
        ledger = read_results(path.stem, fresh) or read_results(path.stem, path.parent / "results")
        if ledger and ledger.verdicts:
            found[path.stem] = ledger
    return found


def gather(ledgers: Mapping[str, Ledger]) -> Scorecard:
    """Every statement of the paper with the verdict that these ledgers give; each is settled in one notebook."""
    import pandas as pd

    given = {id: (name, entry) for name, ledger in ledgers.items() for id, entry in ledger.verdicts.items()}
    headings = {name: dict(_headings(name)) for name in ledgers}
    rows = []
    for id, about in statements().items():
        name, entry = given.get(id, (about.notebook, open_entry(about)))
        number = entry.get("cell", 0)
        rows.append(
            {
                "id": id,
                "topic": TOPICS[id.partition("-")[0]],
                "where": about.where,
                "says": about.says,
                "kind": about.kind,
                "notebook": name,
                "cell": number,
                "heading": headings.get(name, {}).get(number, ""),
                **{column: entry[column] for column in ("paper", "ours")},
                "sigmas": entry.get("sigmas", float("nan")),
                **{column: entry[column] for column in ("verdict", "basis")},
                "origin": entry.get("origin", "paper"),
                "settles_by": about.settles_by,
            }
        )
    return Scorecard(pd.DataFrame(rows))


def _headings(name: str) -> Iterator[tuple[int, str]]:
    """The heading above each code cell of a notebook, by the cell's number."""
    import nbformat

    notebook = nbformat.read(find_notebooks([name])[0], as_version=4)
    places = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    for number, index in enumerate(places, start=1):
        yield number, heading_above(notebook, index)
