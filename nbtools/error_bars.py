"""How good are these error bars? Bias and coverage of the estimators, as `make bench` found them in planted worlds."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

from scipy.stats import binomtest, norm

from nbtools.results import dumps
from nbtools.study import html_table
from nbtools.whole_file import write_whole

STORED = Path(__file__).with_suffix(".json")
ONE_SIGMA = float(2 * norm.cdf(1) - 1)
# A stated σ that is right is refused by chance in one row of a thousand.
REFUSED = 1e-3
HEADING = (
    "quantity",
    "noise",
    "size",
    "bias (σ)",
    "coverage",
    "of seeds",
    "68 % refused",
    "found on",
    "bench",
)


@dataclass(frozen=True)
class ErrorBar:
    """One estimator in one planted world, over many seeds.

    Attributes
    ----------
    estimator : as it is called, ``transport.estimate_transition``
    quantity : which of its answers
    noise, size : of the planted data, in words with their units
    seeds : how many were drawn, from 0 on
    found : of these gave an estimate
    bias : mean of (estimate − planted)/σ; None where nothing was found
    covered : in how many the 68 % interval holds what was planted
    date : of the run, year-month-day
    bench : the file of ``tests/benchmarks`` that found it
    """

    estimator: str
    quantity: str
    noise: str
    size: str
    seeds: int
    found: int
    bias: float | None
    covered: int
    date: str
    bench: str

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What a later run of the same world replaces."""
        return self.estimator, self.quantity, self.noise, self.size

    @property
    def p_value(self) -> float:
        """Of the claim that the interval covers in 68 % of cases; NaN where nothing was found."""
        return float(binomtest(self.covered, self.found, ONE_SIGMA).pvalue) if self.found else float("nan")

    @property
    def refused(self) -> bool:
        """Whether the seeds refuse the claim."""
        return self.p_value < REFUSED


def read_error_bars(path: Path = STORED) -> list[ErrorBar]:
    """The stored rows, by estimator; none where no file is."""
    if not path.exists():
        return []
    return [ErrorBar(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def store_error_bars(rows: Iterable[ErrorBar], path: Path = STORED) -> None:
    """Put rows in the place of earlier ones of the same worlds; all others stay."""
    kept: Mapping[tuple[str, ...], ErrorBar] = {row.place: row for row in (*read_error_bars(path), *rows)}
    # In the order in which they first came: noises and sizes rise.
    in_order = sorted(kept.values(), key=lambda row: (row.estimator, row.quantity))
    write_whole(path, dumps([asdict(row) for row in in_order]))


def error_bars_html(rows: Iterable[ErrorBar]) -> str:
    """A table for each estimator, and first of all in how many worlds the stated interval is refused."""
    rows = list(rows)
    refused = [row for row in rows if row.refused]
    pieces = [
        "<h1>How good are these error bars?</h1>",
        "<p>Worlds with a planted answer, drawn with many seeds. Bias is the mean of (estimate − planted)/σ. "
        "Coverage is the share of 68 % intervals that hold what was planted. A binomial test refuses the stated "
        f"interval at p &lt; {REFUSED:g}.</p>",
        f"<p>Refused in {len(refused)} of {len(rows)} rows. <code>make bench</code> computes the figures again.</p>",
    ]
    for estimator in dict.fromkeys(row.estimator for row in rows):
        lines = [_line(row) for row in rows if row.estimator == estimator]
        pieces.append(f"<h2><code>{escape(estimator)}</code></h2>{html_table([HEADING, *lines])}")
    return "\n".join(pieces)


def _line(row: ErrorBar) -> tuple[str, ...]:
    share = f"{100 * row.covered / row.found:.0f} %" if row.found else "none found"
    said = f"yes, p = {row.p_value:.1g}" if row.refused else "no"
    bias = "" if row.bias is None else f"{row.bias:+.2f}"
    return (
        row.quantity,
        row.noise,
        row.size,
        bias,
        share,
        f"{row.found}/{row.seeds}",
        said,
        row.date,
        row.bench,
    )
