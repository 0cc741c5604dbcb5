"""The table of all statements: in JupyterLab, in the report, in the terminal and as files, from one set of rows."""

import json
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbtools
from nbtools import paths
from nbtools.paper.ledgers import STORED, Ledgers
from nbtools.paper.printed import Paper, Statement, read_paper
from nbtools.paper.statements import judge_statement, registered
from nbtools.paper.verdict import NO_DATA, UNDECIDED, VAGUE, WORDS, Verdict, in_print, without_data
from nbtools.results import Ledger
from nbtools.study import Stamp, html_table
from nbtools.whole_file import write_whole

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 2
OPEN = "open"
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
COLUMNS = [
    *(
        "id",
        "topic",
        "where",
        "says",
        "kind",
        "notebook",
        "cell",
        "heading",
        "paper",
        "ours",
        "planted",
        "sigmas",
    ),
    *("verdict", "basis", "origin", "same_sample", "settles_by", "run", "left_out"),
]
OTHER_SAMPLE = "data of another sample"
# What the LaTeX table has room for.
PRINTED = {
    "id": "",
    "says": "statement",
    "paper": "paper",
    "ours": "here",
    "planted": "planted",
    "verdict": "verdict",
}
# A notebook's own style sets lines far apart and centres cells.
TIGHT = (
    "<style>.statements :is(th, td) {vertical-align: top; text-align: left; white-space: normal; line-height: 1.35}"
    ".statements th {white-space: nowrap} .statements p {margin: 0}"
    ".statements tr.not-counted {opacity: 0.6} .statements .not-counted i {color: #b3261e}</style>"
)


@dataclass(frozen=True)
class PaperTable:
    """All statements in the order of the paper.

    Attributes
    ----------
    rows : pandas.DataFrame
        One a statement, with columns id, topic, where, says, kind, notebook, cell, paper, ours, planted,
        sigmas, verdict, basis, origin, same_sample, settles_by, run, left_out. `cell` is the number of the code cell
        (0: not known); `sigmas` how far ours lies from the paper's (of a twin: from what was planted); `run` the
        run that the verdict is from; `left_out` why it does not count (empty: it counts)
    run : str
        The run whose statements count.
    """

    rows: "pd.DataFrame"
    run: str = STORED

    @property
    def counted(self) -> "pd.DataFrame":
        """The rows that count."""
        return self.rows[self.rows["left_out"] == ""]

    @property
    def counts(self) -> "Counter[str]":
        """How often each verdict was given, of those that count; "open" where no notebook has settled it."""
        found = Counter(self.counted["verdict"].replace("", OPEN))
        return Counter({word: found[word] for word in (*WORDS, OPEN) if found[word]})

    @property
    def left_out(self) -> dict[str, list[str]]:
        """The ids of the statements that do not count, by the reason."""
        rows = self.rows[self.rows["left_out"] != ""]
        return {reason: list(group["id"]) for reason, group in rows.groupby("left_out", sort=False)}

    @property
    def by_topic(self) -> dict[str, list[tuple[str, bool]]]:
        """The verdicts of each topic in order, each with whether it counts."""
        return {
            topic: list(zip(rows["verdict"], rows["left_out"] == "", strict=True))
            for topic, rows in self.rows.groupby("topic", sort=False)
        }

    @property
    def distances(self) -> dict[str, float]:
        """By how many σ our arithmetic on the paper's own numbers lies from what it prints, where that counts.

        By the statement's quantity and id.
        """
        known = self.select(origin="paper", left_out="").rows.dropna(subset="sigmas")
        paper = read_paper()
        labels = [f"{paper[name].quantity} ({name})" for name in known["id"]]
        return dict(zip(labels, known["sigmas"], strict=True))

    @property
    def inconsistent(self) -> frozenset[str]:
        """The labels of `distances` whose statement is inconsistent; to lie beyond a stated bound may be right."""
        wrong = self.select(verdict="inconsistent").rows["id"]
        return frozenset(
            label for label in self.distances if label.rpartition("(")[2].rstrip(")") in set(wrong)
        )

    @property
    def stamp(self) -> Stamp:
        """For its figures: arithmetic on printed numbers, and what twins allow to recover."""
        folder = paths.exports_folder() or (
            paths.results_folder() if paths.this_run() else paths.build_folder()
        )
        return Stamp(
            "The statements", "paper", "its statements; R rests on twins", "paper_table", exports=folder
        )

    @property
    def undecided(self) -> "PaperTable":
        """Those that neither the paper's own numbers nor data as good as the twin's decide."""
        return self.select(verdict=(VAGUE, UNDECIDED, NO_DATA, ""))

    def strongest(self, number: int) -> "PaperTable":
        """Of those that count, the inconsistent ones whose numbers lie the most σ from the paper's, furthest first."""
        rows = self.select(verdict="inconsistent", left_out="").rows.dropna(subset="sigmas")
        return PaperTable(
            rows.sort_values("sigmas", key=abs, ascending=False, kind="stable").head(number), self.run
        )

    def select(self, *, text: str = "", **wanted: Any) -> "PaperTable":
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
        words, texts = text.lower().split(), (" ".join(map(str, row)).lower() for row in chosen.to_numpy())
        # By position: an empty list of truth values would be read as a list of no columns.
        places = [place for place, line in enumerate(texts) if all(word in line for word in words)]
        return PaperTable(chosen.iloc[places], self.run)

    @property
    def settling(self) -> "Settling":
        """Each statement of this table, and what would settle it."""
        return Settling(tuple(zip(self.rows["id"], self.rows["says"], self.rows["settles_by"], strict=True)))

    def export(self, folder: Path | None = None) -> list[Path]:
        """Write claims.json, claims.csv and claims.tex (a longtable, for XeLaTeX or LuaLaTeX); returns their paths.

        Parameters
        ----------
        folder : by default that of exports, or the one above the results
        """
        folder = folder or paths.exports_folder() or _beside_results()
        records = [
            {k: v for k, v in row.items() if v == v} | {"counted": not row["left_out"]}
            for row in self.rows.to_dict("records")
        ]  # JSON has no NaN
        content = {
            "schema": SCHEMA,
            "run": self.run,
            "nbtools": nbtools.__version__,
            "paper": read_paper().sha256,
            "counted": len(self.counted),
            "counts": self.counts,
            "left_out": {reason: len(ids) for reason, ids in self.left_out.items()},
            "statements": records,
        }
        printed = self.rows[list(PRINTED)].rename(columns=PRINTED)
        printed["verdict"] += ["" if not reason else " (not counted)" for reason in self.rows["left_out"]]
        shape = {
            "longtable": True,
            "escape": True,
            "column_format": "lp{4.8cm}p{2.4cm}p{2.7cm}p{2.4cm}p{2.2cm}",
        }
        texts = {
            "claims.json": json.dumps(content, ensure_ascii=False, indent=1) + "\n",
            "claims.csv": self.rows.to_csv(index=False),
            "claims.tex": printed.to_latex(index=False, **shape),
        }
        return [write_whole(folder / name, text) for name, text in texts.items()]

    def text(self, width: int = 100, *, notebooks: Iterable[str] | None = None) -> str:
        """The rows (of these notebooks only) for a terminal `width` characters wide; last, the counts of all."""
        rows = self.rows if notebooks is None else self.select(notebook=tuple(notebooks)).rows
        lines = [line for row in rows.to_dict("records") for line in _row_text(row, width)]
        return "\n".join([*lines, *(line for part in self._sentences() for line in _wrapped(part, width))])

    def html(self, page: str) -> str:
        """The rows as an HTML table; `page` is the ending of the notebooks' own pages."""
        rows = "".join(_html_row(row, page) for row in self.rows.to_dict("records"))
        return f'<table class="statements">{rows}</table>'

    def _sentences(self) -> list[str]:
        """How many there are, how many of them count, and for each reason how many do not."""
        listed = ", ".join(f"{number} {word}" for word, number in self.counts.items()) or "none settled"
        if len(self.counted) == len(self.rows):
            return [f"{len(self.rows)} statements: {listed}"]
        whose = "stored" if self.run == STORED else f"of the run {self.run}"
        left_out = [f"{len(ids)} not counted: {reason}" for reason, ids in self.left_out.items()]
        return [f"{len(self.rows)} statements, {len(self.counted)} {whose}: {listed}", *left_out]

    def __str__(self) -> str:
        return "\n".join(self._sentences())

    def _repr_html_(self) -> str:
        said = "".join(f'<p class="meta">{escape(part)}</p>' for part in self._sentences())
        return f"{TIGHT}{self.html('ipynb')}{said}"


@dataclass(frozen=True, repr=False)
class Settling:
    """Statements and what would settle them, as a table."""

    lines: tuple[tuple[str, str, str], ...]

    def __repr__(self) -> str:
        return "\n".join(f"{name}  {says}\n        → {by}" for name, says, by in self.lines)

    def _repr_html_(self) -> str:
        return html_table([("", "the paper says", "what would settle it"), *self.lines])


def _beside_results() -> Path:
    """A run of one's own keeps all in one folder; else ``build/`` holds it, beside ``build/results``."""
    return paths.results_folder() if paths.is_own_run() else paths.results_folder().parent


def paper_table(ledgers: Mapping[str, Ledger], *, paper: Paper | None = None) -> PaperTable:
    """Every statement of the paper with the verdict that these ledgers give; each is settled in one notebook.

    Parameters
    ----------
    ledgers : mapping of str to Ledger
        By the notebook's name, as `read_ledgers` gives them; of a plain mapping every row counts.
    paper : Paper, optional
        By default ``paper.yaml``.
    """
    import pandas as pd

    known = ledgers if isinstance(ledgers, Ledgers) else Ledgers(ledgers)
    given = {id: (name, entry) for name, ledger in known.items() for id, entry in ledger.verdicts.items()}
    rows = []
    for id, about in (paper or read_paper()).items():
        name, entry = given.get(id, (_stem(about.notebook), None))
        if entry or not known.own:
            rows.append(_row(about, name, entry, known))
    return PaperTable(pd.DataFrame(rows, columns=COLUMNS), known.run)


def ledger_entry(verdict: Verdict, about: Statement) -> dict[str, Any]:
    """A verdict as a ledger keeps it."""
    entry: dict[str, Any] = {
        "says": about.says,
        "verdict": verdict.word,
        "basis": verdict.basis,
        "ours": verdict.ours,
        "paper": verdict.paper,
        "kind": about.kind,
        "notebook": about.notebook,
        "origin": verdict.origin,
    }
    if verdict.planted:
        entry["planted"] = verdict.planted
    if verdict.origin in ("measured", "digitised"):
        entry["same_sample"] = verdict.same_sample
    if verdict.sigmas is not None:
        entry["sigmas"] = round(verdict.sigmas, 2)
    return entry


def enter(ledger: Ledger, verdict: Verdict, **more: Any) -> None:
    """Enter a verdict in a ledger, with the running cell and the hash of ``paper.yaml``, and write it.

    `more` are further fields: ``other_data=True`` where the data are neither a twin's nor the paper's sample.
    """
    entry = ledger_entry(verdict, read_paper()[verdict.id])
    ledger.verdicts[verdict.id] = entry | more | _running_cell()
    ledger.paper = read_paper().sha256
    ledger.write()


def css_class(word: str) -> str:
    """The class of a verdict in a page: ``not-discriminating``."""
    return (word or OPEN).replace(" ", "-")


def open_entry(about: Statement) -> dict[str, Any]:
    """A statement that no ledger settles: judged where printed numbers suffice or nothing can decide, else open."""
    known = registered().get(about.id)
    if known is not None and known.rests_on == "paper":
        return ledger_entry(judge_statement(about.id), about)
    if about.kind in ("input", "needs-data"):
        return ledger_entry(without_data(about), about)
    return {
        "says": about.says,
        "verdict": "",
        "basis": f"open until notebook {about.notebook} has run",
        "ours": "",
        "paper": about.printed,
    }


def _row(
    about: Statement,
    name: str,
    entry: Mapping[str, Any] | None,
    ledgers: Ledgers,
) -> dict[str, Any]:
    found = entry or open_entry(about)
    return {
        "id": about.id,
        "topic": TOPICS[about.id.partition("-")[0]],
        "where": about.where,
        "says": about.says,
        "kind": about.kind,
        "notebook": name,
        "cell": found.get("cell", 0),
        "paper": found["paper"],
        "ours": in_print(found["ours"]),
        "planted": in_print(f"{found['planted']} (synthetic)") if found.get("planted") else "",
        "sigmas": found.get("sigmas", float("nan")),
        "verdict": found["verdict"],
        "basis": in_print(found["basis"]),
        "origin": found.get("origin", "paper"),
        "same_sample": bool(found.get("same_sample", False)),
        "settles_by": about.settles_by,
        "run": (ledgers[name].run or "unknown") if entry else "",
        "left_out": _why_left_out(name, entry, ledgers),
    }


def _why_left_out(name: str, entry: Mapping[str, Any] | None, ledgers: Ledgers) -> str:
    """Why a row does not count; empty if it does."""
    reasons = [f"{name} {ledgers.left_out[name]}"] if name in ledgers.left_out else []
    if entry is None:
        return "; ".join(reasons)
    if reasons and ledgers[name].run == STORED and ledgers.run != STORED:
        reasons.append("the stored verdict is shown")
    if entry.get("other_data") or (
        entry.get("origin") in ("measured", "digitised") and not entry.get("same_sample")
    ):
        reasons.append(OTHER_SAMPLE)
    return "; ".join(reasons)


def _stem(number: str) -> str:
    """The name of the notebook of this number, if there is one."""
    return next((path.stem for path in sorted(paths.NOTEBOOKS.glob(f"{number}_*.ipynb"))), number)


def _row_text(row: Mapping[str, Any], width: int) -> list[str]:
    planted = f"(planted: {row['planted']})" if row["planted"] else ""
    numbers = " ".join(filter(None, [row["ours"], planted, f"(paper: {row['paper']})"]))
    mark = f"[not counted: {row['left_out']}] " if row.get("left_out") else ""
    return [
        *_wrapped(f"{row['id']:<8}{mark}{row['verdict'] or OPEN}: {numbers}", width),
        *_wrapped(f"{'':8}{row['says']}", width),
        *_wrapped(f"{'':8}{row['basis']}", width),
        "",
    ]


def _html_row(row: Mapping[str, Any], page: str) -> str:
    text = {key: escape(str(value)) for key, value in row.items()}
    place = f"{text['notebook']}, cell {text['cell']}" if row["cell"] else text["notebook"]
    anchor = f"#cell-{text['cell']}" if row["cell"] else ""
    link = f'<a href="{text["notebook"]}.{page}{anchor}">{place}</a>' if row["run"] else place
    kind = css_class(row["verdict"])
    said = f"{text['says']}<p class='meta'>{text['basis']}</p><p class='meta'>{link}</p>"
    if row["left_out"]:
        said += f"<p class='meta'><i>not counted: {text['left_out']}</i></p>"
    planted = f"<p class='meta'>planted: {text['planted']}</p>" if row["planted"] else ""
    found = (
        f"<b class='{kind}'>{text['verdict'] or OPEN}</b><p>{text['ours']}</p>{planted}"
        f"<p class='meta'>paper: {text['paper']}</p>"
    )
    classes = "not-counted" if row["left_out"] else kind
    return (
        f"<tr class='{classes}' id='{text['id']}'><th>{text['id']}</th><td>{said}</td><td>{found}</td></tr>"
    )


def _running_cell() -> dict[str, int]:
    """The code cell that is running, in a notebook run once from the top."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    # The running cell is the last input; releases differ on whether it counts as executed yet.
    return {"cell": len(shell.user_ns["In"]) - 1} if shell is not None else {}


def _wrapped(text: str, width: int) -> list[str]:
    """Lines that start below the verdict, not below the id."""
    return textwrap.wrap(text, width, subsequent_indent=" " * 8)
