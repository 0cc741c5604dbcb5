"""Questions on ac susceptibility for the classroom: read a curve, reckon a current, predict, judge blind, break it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from nbtools.ac_susceptibility.critical_state import CriticalStateTest, check_critical_state
from nbtools.ac_susceptibility.current import CurrentStudy
from nbtools.ac_susceptibility.curves import AcCurve
from nbtools.ac_susceptibility.draw import draw_ac_curves
from nbtools.ac_susceptibility.rectangles import civale_test
from nbtools.ac_susceptibility.twin_world import AcSusceptibilityWorld
from nbtools.display import style
from nbtools.display.drawing import finish
from nbtools.lessons.questions import Flip, Lesson, Mystery, Question, find_flip
from nbtools.physics.bean_state import half_screening_field
from nbtools.study import NotPossible, Stamp
from nbtools.units import Quantity

if TYPE_CHECKING:
    from nbtools.ac_susceptibility.study import CurvesStudy

# The blind bars, by what they are.
WORLDS: dict[str, dict[str, Any]] = {
    "Bean": {"world": "bean"},
    "linear": {"world": "linear"},
    "Kim": {"world": "kim"},
    "creep, n = 5": {"world": "creep"},
    "two steps": {"world": "two-step"},
}
CURVES = "05_ac_susceptibility.ipynb#χ′-and-χ″-over-full-screening"
RECTANGLES = "05_ac_susceptibility.ipynb#Fig.-13-·-Rectangles"
RIVALS = "05_ac_susceptibility.ipynb#What-the-rectangles-cannot-see:-height,-frequency,-dc-field,-grains"
FREQUENCY = "05_ac_susceptibility.ipynb#Fig.-15-·-Frequency"
CURRENT = "05_ac_susceptibility.ipynb#Fig.-14-·-The-critical-current-near-T_c"
NOISE = 1e-3  # of χ over full screening
TEMPERATURE = np.linspace(33, 38.8, 291)


def show_curves(curves: "CurvesStudy") -> None:
    """χ′ and χ″ of several amplitudes, with nothing read off them."""
    figure, axes = style.new_figure(2, columns=2, height=50)
    draw_ac_curves(axes, curves.of_amplitudes(), window=(35.5, 37.6))
    if curves.stamp is not None:
        finish(figure, curves.stamp, "ac_curves_by_hand")


def ask_half_screening(lesson: Lesson, curves: "CurvesStudy") -> Question:
    """The half-screening temperature of the second smallest amplitude, read off the curves.

    Parameters
    ----------
    lesson : keeps the answer
    curves : from `study_curves`

    Raises
    ------
    NotPossible
        One amplitude, or a curve that does not pass one half.
    """
    shown = curves.of_amplitudes()
    if len(shown) < 2 or not np.isfinite(shown[1].smooth.temperature_at(-0.5)):
        raise NotPossible("the second smallest amplitude does not pass half of full screening")
    half = shown[1].smooth.crossing(-0.5, temperature_error=0.005)
    question = "At which temperature does χ′ of the second smallest amplitude pass −1/2?"
    wrong = {
        f"that is the curve of the {name} amplitude": other.smooth.temperature_at(-0.5)
        for name, other in zip(("smallest", "third"), (shown[0], *shown[2:3]), strict=False)
    }
    why = (
        "χ′ = −1 is full screening, and how much of it is left depends on h/J_c(T) alone. A larger amplitude "
        "needs a larger J_c to be screened as well, and gets there at a lower temperature"
    )
    asked = lesson.by_hand(
        "half screening", question, half, unit="K", tolerance=0.05, rivals=wrong, why=why, link=CURVES
    )
    return asked.about(curves)


def ask_current_density(lesson: Lesson, current: CurrentStudy) -> Question:
    """J_c at half screening of the second smallest amplitude, reckoned from amplitude and edge.

    Parameters
    ----------
    lesson : keeps the answer
    current : from `study_current`

    Raises
    ------
    NotPossible
        Without the edges, or with one amplitude.
    """
    if current.half_width is None or len(current.halves) < 2:
        raise NotPossible(current.missing.get("J_c in A/cm²", "the files hold one amplitude"))
    density = current.halves[1].current.to("A/cm^2")
    factor = half_screening_field(current.geometry)  # type: ignore[arg-type]
    field = Quantity(current.halves[1].amplitude, unit="A/m").to("Oe")
    edge = 2 * float(current.half_width.to("mm"))
    question = (
        f"The second smallest amplitude, {field}, is half screened at h = {factor:.3f} J_c a. Here a is half the "
        f"shorter edge of the bar, which is {edge:.2f} mm. How many A/cm² is J_c?"
    )
    wrong = {"that is h/a, a slab's factor": float(density) * factor}
    wrong["that is with the whole edge for its half"] = float(density) / 2
    why = (
        f"J_c = h/({factor:.3f} a), with h = {field} (1 Oe = 79.6 A/m) and a = {current.half_width.to('mm')}. "
        "Flux enters a bar from four sides, a slab from two, hence the factor"
    )
    asked = lesson.check(
        "current density", question, density, unit="A/cm^2", rivals=wrong, why=why, link=CURRENT
    )
    return asked.about(current)


def ask_frequency(lesson: Lesson, state: CriticalStateTest) -> Question:
    """Which way half screening moves when the frequency rises tenfold.

    Parameters
    ----------
    lesson : keeps the answer
    state : from `study_critical_state`, with several frequencies

    Raises
    ------
    NotPossible
        The files hold one frequency.
    """
    shift = state.shift_per_decade
    if not np.isfinite(shift):
        raise NotPossible("the files hold one frequency")
    ways = ("to higher temperature", "to lower temperature", "not at all")
    way = ways[2] if abs(shift) < 2 * shift.uncertainty else ways[int(shift < 0)]
    question = "The frequency rises tenfold. Which way does half screening move?"
    why = (
        "Flux that creeps has less time at a higher frequency, so that the bar screens up to a higher "
        f"temperature; in a critical state without creep nothing moves. Here it is {shift.to('mK')} a decade"
    )
    return lesson.predict("frequency", question, way, options=ways, why=why, link=FREQUENCY).about(state)


def blind_bar(lesson: Lesson) -> tuple[Mystery[Any], list[AcCurve], list[AcCurve]]:
    """A bar drawn by the lesson's word: three amplitudes in 10 Oe dc, three frequencies in none, with noise."""
    mystery = lesson.mystery(WORLDS)
    bar, rng = AcSusceptibilityWorld(**mystery.drawn), np.random.default_rng(mystery.seed)
    drives = [(h, bar.frequency, bar.bias) for h in bar.amplitudes]
    drives += [(bar.amplitudes[1], hertz, 0.0) for hertz in bar.frequencies]
    curves = [_measured(bar, *drive, rng.normal(0, NOISE, (2, TEMPERATURE.size))) for drive in drives]
    return mystery, curves[: len(bar.amplitudes)], curves[len(bar.amplitudes) :]


def ask_blind_bar(lesson: Lesson) -> Question:
    """Which of five bars was measured, and how sure one is; the curves are shown."""
    mystery, by_amplitude, by_frequency = blind_bar(lesson)
    figure, axes = style.new_figure(4, columns=2, height=42)
    draw_ac_curves(axes[:2], by_amplitude, window=(35.5, 38.5))
    draw_ac_curves(axes[2:], by_frequency, window=(35.5, 38.5), by="frequency")
    for panel, label in zip(axes, ("χ′", "χ″") * 2, strict=True):
        panel.set_ylabel(f"{label}/full screening")
    finish(figure, Stamp("A bar, blind", "twin", mystery.name, "blind_bar"), "blind_bar")
    found = check_critical_state(by_amplitude, by_frequency)
    left = [name for name, p in found.excluded.items() if p > 0.05]
    by_code = f"{found.verdict}; of the rivals it leaves {', '.join(left) or 'none'}"
    why = (
        "Bean's loss peak is as high at every amplitude, and no frequency or dc field moves it; a linear bar "
        "forgets the amplitude, Kim's feels the dc field, creep the frequency. Of two steps a part stays "
        "screened without loss"
    )
    return lesson.judge(mystery, "Which bar was it?", by_code=by_code, why=why, link=RIVALS)


def find_opening_exponent() -> Flip:
    """Whether, and where, the rectangles of creep open as its exponent falls from 40 to 4."""
    noise = np.random.default_rng(4).normal(0, NOISE, (3, 2, TEMPERATURE.size))

    def rectangles(exponent: float) -> str:
        bar = AcSusceptibilityWorld("creep", creep_exponent=exponent, grain_share=0.0)
        curves = [
            _measured(bar, h, bar.frequency, 0.0, own) for h, own in zip(bar.amplitudes, noise, strict=True)
        ]
        test = civale_test(curves, with_power=False, replicas=40, temperature_uncertainty=0.005)
        return "closed" if test.closes else "open"

    return find_flip(rectangles, 40.0, 4.0, steps=3, halvings=2)


def ask_opening(lesson: Lesson) -> Question:
    """What the rectangles of creep do as its exponent falls."""
    ways = ("they stay closed", "they open")
    answer = ways[int(find_opening_exponent().at is not None)]
    question = (
        "Creep moves half screening with frequency. Its n falls from 40 to 4: what do the rectangles do?"
    )
    why = (
        "With a constant exponent χ is still a function of h/J*(T) alone, J* being another current than J_c. "
        "Rectangles ask no more than that; frequency tells creep"
    )
    asked = lesson.predict("rectangles of creep", question, answer, options=ways, why=why, link=RECTANGLES)
    return asked.of("model")


def _measured(
    bar: AcSusceptibilityWorld, amplitude: float, hertz: float, bias: float, noise: np.ndarray
) -> AcCurve:
    real, loss = np.array(bar.susceptibility(TEMPERATURE, amplitude, hertz, bias)) + noise
    return AcCurve(amplitude, TEMPERATURE, real, loss, hertz, bias)
