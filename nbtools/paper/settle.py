"""Settle statements in a notebook: judge them, keep the verdicts in the sample's ledger, show them as a table."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from nbtools.paper.printed import Statement, read_paper
from nbtools.paper.statements import judge_statement, registered
from nbtools.paper.table import enter
from nbtools.paper.verdict import WORDS, Verdict, in_print
from nbtools.results import NotPossible
from nbtools.study import Missing, html_table, text_table

if TYPE_CHECKING:
    from nbtools.notebook.sample import Sample

WIDTH = 100
HEADING = (" " * 6, "verdict", "here", "paper", "planted (synthetic)")
WIDEST = (6, 20, 26, 20, 22)


@dataclass(frozen=True)
class Verdicts(Sequence[Verdict]):
    """Verdicts in the order of the paper; shows itself as a table.

    Attributes
    ----------
    verdicts : tuple of Verdict
    left_out : mapping of str to str
        The statements that could not be judged, by id, with the reason.
    kept : bool
        Whether the ledger has them: not those of another sample than the paper's.
    """

    verdicts: tuple[Verdict, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    kept: bool = True

    def __getitem__(self, index: Any) -> Any:
        """By place, or by the statement's id."""
        if isinstance(index, str):
            found = next((verdict for verdict in self.verdicts if verdict.id == index), None)
            if found is None:
                reason = self.left_out.get(index)
                raise KeyError(f"{index} was left out: {reason}" if reason else f"{index} was not asked for")
            return found
        return self.verdicts[index]

    def __len__(self) -> int:
        return len(self.verdicts)

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    @property
    def counts(self) -> dict[str, int]:
        """How often each word was said."""
        found = Counter(verdict.word for verdict in self.verdicts)
        return {word: found[word] for word in WORDS if found[word]}

    def _sentences(self) -> list[str]:
        """The counts, what was left out by its reason, and whether anything was kept."""
        listed = ", ".join(f"{number} {word}" for word, number in self.counts.items()) or "none judged"
        number = len(self.verdicts)
        said = [f"{number} statement{'' if number == 1 else 's'}: {listed}"]
        reasons: dict[str, list[str]] = {}
        for name, reason in self.left_out.items():
            reasons.setdefault(reason, []).append(name)
        said += [f"left out: {', '.join(names)}: {reason}" for reason, names in reasons.items()]
        return said if self.kept else [*said, "not kept: these data are of another sample than the paper's"]

    def _columns(self) -> int:
        """How many columns there are; without a twin's verdict nothing was planted."""
        return len(HEADING) - (not any(verdict.planted for verdict in self.verdicts))

    def __str__(self) -> str:
        count = self._columns()
        blocks, texts = [HEADING[:count]], []
        for verdict in self.verdicts:
            cells = _cells(verdict)[:count]
            wrapped = [_wrapped(cell, width) for cell, width in zip(cells, WIDEST, strict=False)]
            height = max(map(len, wrapped))
            blocks += [
                tuple(column[i] if i < len(column) else "" for column in wrapped) for i in range(height)
            ]
            texts.append((len(blocks), verdict))
        lines = text_table(blocks).splitlines() if self.verdicts else []
        for place, verdict in reversed(texts):
            about = [_says(verdict), in_print(verdict.basis)]
            lines[place:place] = [line for text in about for line in _indented(text)]
        for sentence in self._sentences():
            lines += textwrap.wrap(sentence, WIDTH, subsequent_indent=" " * 2)
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        count = self._columns()
        heading = (*HEADING[:count], "what the paper says, and what was done")
        rows = [(*_cells(v)[:count], f"{_says(v)} — {in_print(v.basis)}") for v in self.verdicts]
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in self._sentences())
        return (html_table([heading, *rows]) if rows else "") + said


def settle(
    sample: "Sample",
    names: str | Sequence[str],
    results: Mapping[str, Any],
    *,
    rivals: Mapping[str, Mapping[str, Any]] | None = None,
) -> Verdicts:
    """Judge statements on a sample, keep the verdicts in its ledger, and show them.

    A statement that rests on a result that is `Missing` is left out, with the reason. Of a sample that is neither
    the paper's own nor a twin of the manifest only what rests on printed numbers is judged, and nothing is kept.

    Parameters
    ----------
    sample : Sample
        From `open_sample`.
    names : str or sequence of str
        Ids, or what comes before the number: ``"GL"`` stands for all of GL.
    results : mapping of str to Any
        What the studies found, under the names that the statements' functions use.
    rivals : mapping of str to mapping, optional
        The same results found on wrong worlds, by the world's name.

    Raises
    ------
    ValueError
        An id that there is not, or that no function judges; a result that a function needs and that was not given.
    """
    known = registered()
    verdicts, left_out = [], {}
    for name in _named([names] if isinstance(names, str) else names):
        on_data = name in known and known[name].rests_on == "data"
        try:
            if on_data and not sample.is_papers:
                raise NotPossible(f"{sample.name} is another sample, which cannot test the paper's")
            verdict = judge_statement(
                name,
                _Results(name, results),
                origin=sample.origin,
                same_sample=sample.origin != "twin" and sample.is_papers,
                planted=sample.planted,
                rivals=rivals or {},
            )
        except NotPossible as reason:
            left_out[name] = str(reason)
            if sample.is_papers and name in sample.ledger.verdicts:
                del sample.ledger.verdicts[name]
                sample.ledger.write()
            continue
        verdicts.append(verdict)
        if sample.is_papers:
            enter(sample.ledger, verdict)
    return Verdicts(tuple(verdicts), left_out, sample.is_papers)


class _Results(Mapping[str, Any]):
    """Results by name; one that is `Missing` raises its reason, one that was not given says what was."""

    def __init__(self, statement: str, results: Mapping[str, Any]) -> None:
        self._statement, self._results = statement, results

    def __getitem__(self, name: str) -> Any:
        if name not in self._results:
            given = ", ".join(self._results) or "none"
            raise ValueError(f"{self._statement} rests on the result {name!r}; results given: {given}")
        found = self._results[name]
        if isinstance(found, Missing):
            raise NotPossible(found.reason)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)


def _named(names: Sequence[str]) -> list[str]:
    """The ids that are asked for, each once, in the order of the paper."""
    paper, wanted = read_paper(), set()
    for name in names:
        group = {id for id in paper if id.partition("-")[0] == name}
        wanted |= group or {paper[name].id}
    return [id for id in paper if id in wanted]


def _cells(verdict: Verdict) -> tuple[str, ...]:
    return (verdict.id, verdict.word, *map(in_print, (verdict.ours, verdict.paper, verdict.planted)))


def _says(verdict: Verdict) -> str:
    about: Statement = read_paper()[verdict.id]
    return about.says


def _wrapped(cell: str, width: int) -> list[str]:
    """Lines of a cell; a number stays with its σ."""
    lines = textwrap.wrap(cell.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"), width)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines] or [""]


def _indented(text: str) -> list[str]:
    indent = " " * (WIDEST[0] + 2)
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
