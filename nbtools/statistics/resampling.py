"""Standard errors from leaving parts out (Tukey's jackknife)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, t


def jackknife_error(left_out: ArrayLike, *, student: bool = False) -> float:
    """Standard error of a statistic from its values with one part left out at a time.

    Parameters
    ----------
    left_out : shape (n,), n ≥ 2
    student : widen to the 68 % interval that so few parts allow
    """
    values = np.asarray(left_out, float)
    freedom = len(values) - 1
    widening = float(t.ppf(norm.cdf(1), freedom)) if student else 1.0
    return float(np.sqrt(freedom * np.var(values))) * widening


def jackknife_bias(whole: float, left_out: Sequence[float]) -> float:
    """What the statistic of the whole is off because of its finite number of parts."""
    return (len(left_out) - 1) * (float(np.mean(left_out)) - whole)
