"""Many seeds against a planted answer: how biased, and does the stated 68 % interval cover it 68 % of the time."""

import datetime
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from nbtools.error_bars import ONE_SIGMA, STORED, ErrorBar, store_error_bars
from nbtools.units import Quantity

# Of a bench; fewer give a first look: NBTOOLS_SEEDS=40 make bench.
BENCH_SEEDS = int(os.environ.get("NBTOOLS_SEEDS") or 200)


@dataclass(frozen=True)
class Pulls:
    """(estimate − truth)/σ of every seed that gave an estimate, and how many gave none."""

    values: np.ndarray
    missing: int

    @property
    def bias(self) -> float:
        return float(np.mean(self.values))

    @property
    def coverage(self) -> float:
        return float(np.mean(np.abs(self.values) < 1))

    @property
    def p_value(self) -> float:
        """Of the claim that the 68 % interval covers the truth in 68 % of cases."""
        hits = int(np.sum(np.abs(self.values) < 1))
        return float(binomtest(hits, len(self.values), ONE_SIGMA).pvalue)

    def __str__(self) -> str:
        spread = np.std(self.values)
        return (
            f"bias {self.bias:+.2f} σ, spread {spread:.2f} σ, coverage {100 * self.coverage:.0f} % "
            f"of {len(self.values)} ({self.missing} without an estimate)"
        )


def record_error_bars(
    bench: str, estimator: str, pulls: Mapping[str, Pulls], *, noise: str, size: str, path: Path = STORED
) -> None:
    """Keep what a bench found of one planted world, for the page on error bars of the report.

    Parameters
    ----------
    bench : its ``__file__``
    estimator : as it is called, ``transport.estimate_transition``
    pulls : by quantity, over seeds 0, 1, 2 …
    noise, size : of the planted data, in words with their units; a later run of the same replaces this one
    """
    today = datetime.date.today().isoformat()
    rows = [
        ErrorBar(
            estimator=estimator,
            quantity=quantity,
            noise=noise,
            size=size,
            seeds=len(found.values) + found.missing,
            found=len(found.values),
            bias=round(found.bias, 3) if len(found.values) else None,
            covered=int(np.sum(np.abs(found.values) < 1)),
            date=today,
            bench=Path(bench).name,
        )
        for quantity, found in pulls.items()
    ]
    store_error_bars(rows, path)


def pulls_over_seeds(estimate: Callable[[int], dict[str, Quantity]], truth: dict[str, float], *, seeds: int):
    """`Pulls` of each quantity: `estimate(seed)` against `truth`, by name; one that is left out is missing."""
    found = [estimate(seed) for seed in range(seeds)]
    result = {}
    for name, planted in truth.items():
        numbers = [f[name] for f in found if name in f and np.isfinite(f[name])]
        values = np.array([(float(q) - planted) / q.uncertainty for q in numbers])
        result[name] = Pulls(values, seeds - len(numbers))
    return result
