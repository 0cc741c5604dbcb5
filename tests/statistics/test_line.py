"""A weighted line: its answer, the σ of what is read off it, and what it refuses."""

import numpy as np
import pytest
from scipy.stats import binomtest, kstest
from seeds import ONE_SIGMA

from nbtools.statistics.line import fit_line
from nbtools.statistics.nulls import p_value, permuted


def lines(seed, sigma=None):
    rng = np.random.default_rng(seed)
    x = 1e3 + np.sort(rng.uniform(0, 10, 12))
    errors = rng.uniform(0.1, 2.0, 12)
    y = -3.0 * (x - 1004.0) + errors * rng.normal(size=12)
    return x, y, errors


@pytest.mark.seeds
def test_slope_value_and_crossing_are_covered():
    """Far from zero slope and intercept are all but one number; the crossing and a value know it."""
    hits = {"slope": 0, "crossing": 0, "value": 0}
    for seed in range(200):
        x, y, errors = lines(seed)
        line = fit_line(x, y, sigma=errors)
        pulls = {
            "slope": (line.slope + 3.0, line.slope),
            "crossing": (-line.intercept / line.slope - 1004.0, -line.intercept / line.slope),
            "value": (line.at(1010.0) + 18.0, line.at(1010.0)),
        }
        for name, (off, quantity) in pulls.items():
            hits[name] += abs(float(off)) < quantity.uncertainty
    for name, hit in hits.items():
        assert binomtest(hit, 200, ONE_SIGMA).pvalue > 0.001, f"{name}: {hit} of 200"


def test_it_is_numpys_line():
    """With the errors that come, and with those of the scatter."""
    x, y, errors = lines(3)
    x = x - 1e3
    for sigma, scaled in ((errors, "unscaled"), (None, True)):
        weights = None if sigma is None else 1 / sigma
        expected, covariance = np.polyfit(x, y, 1, w=weights, cov=scaled)
        line = fit_line(x, y, sigma=sigma)
        assert (line.slope, line.intercept) == pytest.approx(tuple(expected))
        assert line.slope.uncertainty == pytest.approx(np.sqrt(covariance[0, 0]))
        assert line.intercept.uncertainty == pytest.approx(np.sqrt(covariance[1, 1]))


def test_a_masked_point_is_left_out_and_counted():
    """As if it had never been measured."""
    x, y, errors = lines(5)
    spoilt = np.ma.array(np.r_[y, 1e6], mask=np.r_[np.zeros(12, bool), True])
    line = fit_line(np.r_[x, 1005.0], spoilt, sigma=np.r_[errors, 0.1])
    assert float(line.slope) == float(fit_line(x, y, sigma=errors).slope)
    assert line.left_out == "1 masked point was left out"


@pytest.mark.parametrize(
    ("x", "sigma", "said"),
    [([1, 1, 1], None, "1 places"), ([1, 2], None, "3 points"), ([1, 2], 0.0, "positive")],
)
def test_what_makes_no_line_is_refused(x, sigma, said):
    """One place, too few points to see a scatter, a σ of zero."""
    with pytest.raises(ValueError, match=said):
        fit_line(x, np.arange(float(len(x))), sigma=sigma)


@pytest.mark.seeds
def test_a_permutation_null_is_uniform():
    """Of unrelated pairs p is uniform, though the statistic is the best of several; of related ones it is small."""

    def best(fixed, moved):
        return float(max(abs(np.corrcoef(fixed, moved[:, k])[0, 1]) for k in range(3)))

    p = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        fixed, moved = rng.normal(size=20), rng.normal(size=(20, 3))
        p.append(p_value(best(fixed, moved), permuted(best, fixed, moved, 99, rng)))
    assert kstest(p, "uniform").pvalue > 0.001
    moved[:, 1] += 3 * fixed
    assert p_value(best(fixed, moved), permuted(best, fixed, moved, 99, rng)) == 0.01
