"""What a fit tells: criteria, warnings in words, intervals, windows, rivals."""

import lmfit
import numpy as np
import pytest
from fit_worlds import decay, decay_data, decay_widget, peak_widget
from scipy import stats
from seeds import ONE_SIGMA, pulls_over_seeds

from nbtools.fitting import FitWidget
from nbtools.fitting.state import FitError
from nbtools.units import Quantity

TRUTH = {"amplitude": 2.0, "rate": 0.5, "offset": 0.1}


def said(widget: FitWidget) -> str:
    widget.fit()
    return "\n".join(widget.warnings)


def test_a_good_fit_needs_no_warning() -> None:
    """Nothing is said where there is nothing to say."""
    assert said(peak_widget()) == ""


def test_the_small_sample_criterion() -> None:
    """AICc = AIC + 2k(k + 1)/(n − k − 1), by hand."""
    widget = decay_widget()
    result = widget.fit()
    assert widget.last.aicc == pytest.approx(result.aic + 2 * 3 * 4 / (60 - 3 - 1))


def test_a_correlation_over_nine_tenths_is_named() -> None:
    """A line far from its origin: slope and intercept are known only together."""
    x = np.linspace(100, 101, 30)
    widget = FitWidget(lmfit.models.LinearModel(), x, 2 * x + np.cos(40 * x))
    assert "slope and intercept are correlated by -1.000" in said(widget)


def test_a_parameter_at_its_bound_is_named() -> None:
    """With the bound it leans on."""
    assert "rate sits at its upper bound 0.45" in said(decay_widget().set("rate", value=0.4, max=0.45))


def test_a_fit_that_did_not_converge_says_so() -> None:
    """Two evaluations are not enough."""
    widget = decay_widget()
    result = widget.fit()
    result.success, result.message = False, "too many calls"
    assert "did not converge: too many calls" in "\n".join(widget.warnings)


def test_a_parameter_the_data_do_not_know_is_named() -> None:
    """One that does nothing."""

    def twice(x, a=1.0, idle=1.0):
        return a + 0 * idle * x

    widget = FitWidget(lmfit.Model(twice), np.arange(9.0), np.cos(np.arange(9.0)))
    assert "No uncertainty of idle: the data do not determine it" in said(widget)
    assert widget.result.params["a"].stderr == pytest.approx(np.cos(np.arange(9.0)).std(ddof=2) / 3)


def test_uncertainties_known_up_to_a_factor_are_scaled_and_that_is_said() -> None:
    """As without σ, while χ²ᵣ stays in sight."""
    absolute, scaled, without = decay_widget(sigma=0.002), decay_widget(sigma=0.002), decay_widget(sigma=None)
    scaled.change(weighting="scaled sigma")
    for widget in (absolute, scaled, without):
        widget.fit()
    errors = [w.result.params["rate"].stderr for w in (absolute, scaled, without)]
    assert errors[1] == pytest.approx(errors[2], rel=1e-6)
    root = np.sqrt(absolute.result.redchi)
    assert errors[1] == pytest.approx(root * errors[0], rel=1e-6)
    assert f"scaled by its root, {root:.3g}" in "\n".join(scaled.warnings)


@pytest.mark.parametrize(("sigma", "words"), [(0.002, "too small"), (0.2, "too large")])
def test_wrong_uncertainties_are_noticed(sigma: float, words: str) -> None:
    """χ²ᵣ far from one, either way."""
    assert words in said(decay_widget(sigma=sigma))


def test_the_summary_says_when_something_was_moved() -> None:
    """Numbers of an older state are not shown as if they were of this one."""
    widget = decay_widget()
    widget.fit()
    assert "moved" not in widget.summary()
    assert "moved since" in widget.set("rate", value=0.7).summary()


def test_the_band_is_that_of_lmfit() -> None:
    """Against `eval_uncertainty`, whose Student factor for one σ is divided out."""
    widget = decay_widget()
    result = widget.fit()
    grid = np.linspace(0, 8, 20)
    factor = stats.t.ppf((1 + ONE_SIGMA) / 2, result.nfree)
    ours = widget.problem.band(result, 0, grid)
    assert ours == pytest.approx(result.eval_uncertainty(t=grid, sigma=1) / factor, rel=1e-3)


def test_a_profile_of_a_linear_parameter_is_its_covariance() -> None:
    """Where χ² is a parabola the two agree, to lmfit's root finding."""
    x = np.linspace(-1, 1, 40)
    y = 2 * x + 0.1 * np.random.default_rng(0).normal(size=40)
    widget = FitWidget(lmfit.models.LinearModel(), x, y, sigma=0.1)
    widget.fit()
    table = widget.intervals()
    for name in ("slope", "intercept"):
        stderr = widget.result.params[name].stderr
        assert (table.minus[name], table.plus[name]) == pytest.approx((stderr, stderr), rel=1e-3)


def test_a_robust_fit_has_no_profile() -> None:
    """It has no likelihood, and says so."""
    widget = decay_widget().change(loss="robust")
    widget.fit()
    with pytest.raises(FitError, match="no likelihood"):
        widget.intervals()


def test_window_sensitivity_finds_a_bad_end() -> None:
    """A curve whose last tenth is another physics: cutting it moves the answers by many σ."""
    t, y = decay_data()
    y[-6:] += 0.3
    table = FitWidget(lmfit.Model(decay), t, y, sigma=0.02).window()
    moves = table["offset move"].abs()
    cut_low, cut_high = moves[table.low > 0].max(), moves[table.high < 8].max()
    assert cut_high > 5
    assert cut_high > 2 * cut_low


def test_the_right_model_beats_its_rival() -> None:
    """An exponential against a line, on the same points."""
    widget = decay_widget()
    widget.fit()
    table = widget.rivals(line=lmfit.models.LinearModel())
    assert table.index[0] == "this model"
    assert table.loc["line", "AICc above best"] > 10
    assert table.weight.sum() == pytest.approx(1)


def test_the_history_has_a_row_for_each_fit() -> None:
    """With settings, criteria, values and uncertainties."""
    widget = decay_widget()
    widget.fit()
    widget.change(loss="robust").fit()
    table = widget.history
    assert list(table.loss) == ["least_squares", "robust"]
    assert table["rate ±"].notna().all()


SIZES = (1e-9, 1.0, 1e6)


@pytest.mark.seeds
@pytest.mark.parametrize(("kind", "size"), [*(("covariance", size) for size in SIZES), ("profile", SIZES[0])])
def test_intervals_cover_the_truth_as_often_as_they_say(kind: str, size: float) -> None:
    """68 % in 68 % of cases, by the binomial rule, whatever the parameters are counted in."""
    seeds = 40 if kind == "covariance" else 20
    pulls = pulls_over_seeds(lambda seed: interval(seed, kind, size), TRUTH, seeds=seeds)
    assert all(found.p_value > 1e-3 for found in pulls.values()), pulls


def interval(seed: int, kind: str, size: float) -> dict[str, Quantity]:
    """Each estimate with the σ of its covariance, or of the side of the profile on which the truth lies.

    All parameters of the decay are `size` times larger, and so is time smaller.
    """
    t, y = decay_data(seed)
    model = lmfit.Model(
        lambda t, amplitude, rate, offset: decay(t * size, amplitude / size, rate / size, offset / size)
    )
    start = {"amplitude": 1.5 * size, "rate": 0.8 * size, "offset": 0.1 * size}
    widget = FitWidget(model, t / size, y, sigma=0.02, params=start)
    result = widget.fit()
    if kind == "covariance":
        return {name: Quantity(p.value / size, p.stderr / size) for name, p in result.params.items()}
    table = widget.intervals() / size
    side = {name: "minus" if table.value[name] > TRUTH[name] else "plus" for name in TRUTH}
    return {name: Quantity(table.value[name], table[side[name]][name]) for name in TRUTH}
