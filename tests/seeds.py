"""Many seeds against a planted answer: how biased, and does the stated 68 % interval cover it 68 % of the time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, norm

from nbtools.units import Quantity

ONE_SIGMA = 2 * norm.cdf(1) - 1


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


def pulls_over_seeds(estimate: Callable[[int], dict[str, Quantity]], truth: dict[str, float], *, seeds: int):
    """`Pulls` of each quantity: `estimate(seed)` against `truth`, by name."""
    found = [estimate(seed) for seed in range(seeds)]
    result = {}
    for name, planted in truth.items():
        numbers = [f[name] for f in found if np.isfinite(f[name])]
        values = np.array([(float(q) - planted) / q.uncertainty for q in numbers])
        result[name] = Pulls(values, seeds - len(numbers))
    return result
