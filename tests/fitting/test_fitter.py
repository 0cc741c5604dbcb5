"""The fit with no display: numbers, settings, failures in words."""

import subprocess
import sys

import lmfit
import numpy as np
import pytest
from fit_worlds import decay, decay_data, decay_widget, numbers, peak_model, peak_widget

from nbtools.fitting import FitWidget
from nbtools.fitting.state import FitError, StateError


def test_it_gives_the_numbers_of_lmfit() -> None:
    """The same fit, written by hand, gives the same values and uncertainties."""
    t, y = decay_data()
    params = lmfit.create_params(amplitude=1.5, rate=0.8, offset=0.0)
    by_hand = lmfit.Model(decay).fit(y, params, t=t, weights=np.full(t.size, 1 / 0.02), scale_covar=False)
    widget = decay_widget()
    widget.fit()
    for name, p in by_hand.params.items():
        assert widget.result.params[name].value == pytest.approx(p.value, rel=1e-6)
        assert widget.result.params[name].stderr == pytest.approx(p.stderr, rel=1e-4)


def test_no_screen_is_loaded_to_fit() -> None:
    """Headless means without any GUI package."""
    script = (
        "import sys, lmfit, numpy as np; from nbtools.fitting import FitWidget\n"
        "x = np.arange(9.0); w = FitWidget(lmfit.models.LinearModel(), x, 2 * x + np.cos(x)); w.fit(); w.summary()\n"
        "assert not {'ipywidgets', 'bqplot', 'IPython', 'matplotlib.pyplot'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_an_expression_model_is_fitted() -> None:
    """lmfit's ExpressionModel is a model like any other."""
    x = np.linspace(0, 3, 30)
    widget = FitWidget(
        lmfit.models.ExpressionModel("a * exp(-b * x)"), x, 3 * np.exp(-0.7 * x), params={"a": 1, "b": 1}
    )
    widget.fit()
    assert widget.values == pytest.approx({"a": 3, "b": 0.7}, rel=1e-8)


def test_several_curves_share_a_parameter() -> None:
    """One rate, two amplitudes."""
    t = np.linspace(0, 8, 50)
    ys = [decay(t, amplitude, 0.5, 0.1) for amplitude in (1.0, 4.0)]
    widget = FitWidget(lmfit.Model(decay), [t, t], ys, shared=["rate"], params={"rate": 1.0})
    widget.fit()
    assert widget.values["rate"] == pytest.approx(0.5, rel=1e-6)
    assert widget.values["amplitude_2"] == pytest.approx(4, rel=1e-6)
    assert "rate_1" not in widget.values


def test_an_expression_ties_parameters() -> None:
    """The tied one follows, and does not count as free."""
    widget = decay_widget().set("offset", expr="amplitude / 20")
    widget.fit()
    assert widget.values["offset"] == pytest.approx(widget.values["amplitude"] / 20)
    assert widget.result.nvarys == 2


def test_only_points_in_range_and_unmasked_are_fitted() -> None:
    """The fit range and the mask are counted out."""
    widget = decay_widget().change(fit_range=(1.0, 6.0)).mask(10, 11)
    inside = int(((widget.problem.curves[0].x >= 1) & (widget.problem.curves[0].x <= 6)).sum())
    assert widget.fit().ndata == inside - 2


def test_the_view_does_not_decide_the_fit() -> None:
    """View range and fit range are different things."""
    widget = decay_widget()
    first = numbers_of(widget)
    assert numbers_of(widget.reset().change(view_range=(2, 3))) == first


def numbers_of(widget: FitWidget) -> dict[str, float]:
    widget.fit()
    return numbers(widget)


def test_a_robust_loss_shrugs_off_an_outlier() -> None:
    """Least squares is dragged off, soft L1 is not."""
    t, y = decay_data()
    y[30] += 5
    widget = FitWidget(lmfit.Model(decay), t, y, sigma=0.02)
    off = {
        loss: abs(numbers_of(widget.reset().change(loss=loss))["rate"] - 0.5)
        for loss in ("least_squares", "robust")
    }
    assert off["robust"] < 0.2 * off["least_squares"]


def test_poisson_maximises_the_likelihood() -> None:
    """The mean of counts is their likelihood's maximum, and √(mean/n) its σ; least squares on √N is biased."""
    counts = np.random.default_rng(3).poisson(2.5, 400).astype(float)
    widget = FitWidget(lmfit.models.ConstantModel(), np.arange(400.0), counts).change(loss="poisson")
    widget.fit()
    assert widget.values["c"] == pytest.approx(counts.mean(), rel=1e-6)
    assert widget.result.params["c"].stderr == pytest.approx(np.sqrt(counts.mean() / 400), rel=0.05)


def test_auto_refit_holds_the_moved_one() -> None:
    """The others follow to their best for it."""
    widget = decay_widget().change(auto_refit=True)
    widget.set("rate", value=0.6)
    alone = decay_widget().set("rate", value=0.6, vary=False)
    alone.fit()
    assert widget.values == pytest.approx(alone.values, rel=1e-6)


def test_undo_takes_back_a_fit() -> None:
    """And redo brings it again."""
    widget = decay_widget()
    before = widget.values
    widget.fit()
    after = widget.values
    assert widget.undo().values == before
    assert widget.redo().values == after


def test_a_sum_of_peaks_is_guessed_part_by_part() -> None:
    """lmfit's composite has no guess of its own; ours lands close enough to converge."""
    widget = peak_widget()
    assert widget.values["g_center"] == pytest.approx(4, abs=0.3)
    widget.fit()
    assert widget.result.success


def test_a_model_without_a_guess_is_searched() -> None:
    """Between the ends of the sliders, and says so."""
    widget = decay_widget(params={"amplitude": 5.0, "rate": 3.0, "offset": 1.0})
    before = np.std(widget.view()[0].residual)
    widget.guess()
    assert np.std(widget.view()[0].residual) < before / 10
    assert "no guess of its own" in widget.sentences[0]


def test_values_of_a_nanometre_are_fitted() -> None:
    """Scales of 1e-9 converge by both least-squares methods."""
    x = np.linspace(0, 1e-6, 40)
    for method in ("leastsq", "least_squares"):
        widget = FitWidget(
            lmfit.models.LinearModel(), x, 3e-3 * x + 2e-9, params={"slope": 1e-3, "intercept": 1e-9}
        )
        widget.change(method=method).fit()
        assert widget.values == pytest.approx({"slope": 3e-3, "intercept": 2e-9}, rel=1e-6, abs=0)


# ---- stated failures


def test_points_that_are_not_numbers_are_left_out_and_said() -> None:
    """Three of them do not stop a fit."""
    t, y = decay_data()
    y[[3, 7]], t[9] = [np.nan, np.inf], np.nan
    widget = FitWidget(lmfit.Model(decay), t, y)
    assert "3 of 60 points are NaN or infinite and are left out" in widget.sentences[0]
    assert widget.fit().ndata == 57


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: w.change(fit_range=(100, 200)), "0 points are in the fit range and 3 parameters vary"),
        (
            lambda w: [w.set(n, vary=False) for n in ("amplitude", "rate", "offset")],
            "every parameter is fixed",
        ),
        (lambda w: w.set("rate", value=-1e6), "values that are not numbers at the starting parameters"),
        (lambda w: w.change(loss="poisson"), "counts are negative"),
    ],
)
def test_a_fit_that_cannot_be_is_a_sentence(change, says: str) -> None:
    """What came and what to do."""
    t, y = decay_data()
    widget = FitWidget(lmfit.Model(decay), t, y - 1, sigma=0.02)
    change(widget)
    with pytest.raises(FitError, match=says):
        widget.fit()


def test_negative_uncertainties_are_a_sentence() -> None:
    """The first one is named; masked, they do no harm."""
    t, y = decay_data()
    sigma = np.full(t.size, 0.02)
    sigma[5] = -0.02
    widget = FitWidget(lmfit.Model(decay), t, y, sigma=sigma)
    with pytest.raises(FitError, match=r"1 uncertainties are not positive \(first -0.02 at x ="):
        widget.fit()
    assert widget.mask(5).fit().success


def test_a_model_that_raises_says_where() -> None:
    """With the parameters at which it did."""

    def fussy(x, a=1.0):
        raise ZeroDivisionError("no such thing")

    widget = FitWidget(lmfit.Model(fussy), np.arange(5.0), np.arange(5.0))
    with pytest.raises(FitError, match=r"the model raised ZeroDivisionError: no such thing \(at a = 1\)"):
        widget.fit()


def test_a_million_points_are_thinned_for_display_only() -> None:
    """Two thousand drawn, all of them fitted."""
    x = np.linspace(0, 1, 1_000_000)
    widget = FitWidget(lmfit.models.LinearModel(), x, 2 * x + 1)
    assert widget.view()[0].x.size == 2000
    assert widget.fit().ndata == 1_000_000


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: FitWidget(peak_model(), [1, 2], [1, 2, 3]), r"x has shape \(2,\) and y \(3,\)"),
        (
            lambda: FitWidget(peak_model(), [1, 2], [1, 2], params={"g_centre": 1}),
            "'g_centre' is no parameter",
        ),
        (lambda: FitWidget(peak_model(), [[1], [2]], [[1], [2]], shared=["x0"]), r"shared names \['x0'\]"),
    ],
)
def test_a_widget_that_cannot_be_made_says_why(make, says: str) -> None:
    """At once, with the names that would do."""
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize("expr", ["amplitude +", "no_such_name * 2"])
def test_a_bad_expression_is_refused_and_forgotten(expr: str) -> None:
    """The state stays as it was."""
    widget = decay_widget()
    before = widget.state
    with pytest.raises(FitError, match="expression"):
        widget.set("offset", expr=expr)
    assert widget.state == before


def test_a_state_of_another_model_is_refused() -> None:
    """Its parameters have other names."""
    with pytest.raises(StateError, match="belongs to another model"):
        decay_widget().state = peak_widget().state


# ---- data and settings that would be wrong without a word


def test_masked_points_are_left_out_and_counted() -> None:
    """A masked value is no measurement, in x, y or σ."""
    x = np.linspace(0, 10, 101)
    y = np.ma.array(2 * x + 1)
    y[3] = 1e6
    y[3] = np.ma.masked
    sigma = np.ma.array(np.ones(101))
    sigma[7] = np.ma.masked
    widget = FitWidget(lmfit.models.LinearModel(), x, y, sigma=sigma, params={"slope": 1.0, "intercept": 0.0})
    assert widget.sentences == ["data: 2 of 101 points are masked and are left out."]
    assert widget.fit().ndata == 99
    assert widget.values == pytest.approx({"slope": 2, "intercept": 1})
    assert "2 of 101 points are masked" in widget.summary()


@pytest.mark.parametrize("which", ["x", "y", "sigma"])
def test_complex_numbers_are_refused_with_what_to_do(which: str) -> None:
    """Their imaginary part is not dropped."""
    arrays = {name: np.linspace(1, 2, 5) for name in ("x", "y", "sigma")}
    arrays[which] = arrays[which] * (1 + 1j)
    with pytest.raises(ValueError, match=rf"{which} is complex.*\[z.real, z.imag\].*abs\(z\)"):
        FitWidget(lmfit.models.LinearModel(), arrays["x"], arrays["y"], sigma=arrays["sigma"])


def test_a_complex_model_is_refused_with_what_to_do() -> None:
    """At the fit, in words."""
    widget = FitWidget(
        lmfit.Model(lambda x, a=1.0: a * np.exp(1j * x)), np.arange(5.0), np.arange(5.0), params={"a": 1.0}
    )
    with pytest.raises(FitError, match=r"complex numbers.*return a part or the modulus"):
        widget.fit()


@pytest.mark.parametrize(
    ("ties", "loop"),
    [
        ({"rate": "rate + 1"}, "rate → rate"),
        ({"rate": "offset", "offset": "rate + 1"}, "rate → offset → rate"),
        (
            {"rate": "offset", "offset": "amplitude", "amplitude": "2 * rate"},
            "rate → offset → amplitude → rate",
        ),
    ],
)
def test_a_circle_of_expressions_is_refused_when_set(ties: dict[str, str], loop: str) -> None:
    """Its names are said, and the state stays as it was."""
    widget = decay_widget()
    *free, last = ties
    for name in free:
        widget.set(name, expr=ties[name])
    before = widget.state
    with pytest.raises(StateError, match="go in a circle") as caught:
        widget.set(last, expr=ties[last])
    said = str(caught.value)
    assert all(name in said for name in loop.split(" → "))
    assert widget.state == before


def test_a_circle_in_starting_parameters_is_refused() -> None:
    """Also where no hand set it."""
    start = lmfit.Parameters()
    start.add("amplitude", 1.0)
    start.add("rate", 1.0)
    start.add("offset", expr="rate")
    widget = decay_widget(params=start)
    with pytest.raises(StateError, match="circle"):
        widget.set("rate", expr="offset")


def test_an_expression_is_cut_off_at_its_bounds_as_by_lmfit_and_that_is_said() -> None:
    """lmfit's own fit gives the same numbers."""
    x = np.linspace(0, 10, 101)
    start = lmfit.Parameters()
    start.add("slope", 1.0)
    start.add("intercept", expr="2 * slope", max=1.0)
    model = lmfit.models.LinearModel()
    widget = FitWidget(model, x, 2 * x + 4, params=start)
    widget.fit()
    assert widget.values == pytest.approx(model.fit(2 * x + 4, start, x=x).params.valuesdict(), rel=1e-6)
    assert "intercept = 2 * slope is cut off at its bound 1." in widget.warnings
    assert "max=1.0" in widget.to_code()


def test_slopes_that_hang_on_their_step_are_said() -> None:
    """A model with steps of its own has no σ to be believed without a word."""
    t, y = decay_data()

    def rough(t, amplitude, rate):
        return amplitude * np.exp(-np.round(rate, 6) * t)

    widget = FitWidget(lmfit.Model(rough), t, y, sigma=0.02, params={"amplitude": 1.5, "rate": 0.6})
    widget.fit()
    assert any("rate" in sentence for sentence in widget.warnings)
