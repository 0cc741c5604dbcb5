"""Questions on transport for the classroom: read a curve, reckon a voltage, predict, judge blind, break it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from nbtools.display import style
from nbtools.display.drawing import finish
from nbtools.explore.sliders import Explorer
from nbtools.lessons.questions import Flip, Lesson, Mystery, Question, find_flip
from nbtools.study import NotPossible, Stamp
from nbtools.transport.draw import draw_resistivity
from nbtools.transport.resistance import ResistanceStudy
from nbtools.transport.transition import StepCount, count_transition_steps
from nbtools.transport.twin_world import TransportWorld
from nbtools.transport.upper_field import UpperFieldStudy, estimate_upper_field
from nbtools.units import convert

if TYPE_CHECKING:
    from nbtools.notebook.sample import Sample

# The blind samples, by what they are.
WORLDS: dict[str, dict[str, Any]] = {
    "one sharp transition": {},
    "one broad transition": {"transition_width": 0.8},
    "two steps": {"world": "two-step", "link_depression": 1.4},
}
BLIND_NOISE = 0.03
CURVE = "03_transport.ipynb#Fig.-9(a)-·-Resistivity"
UPPER_FIELD = "03_transport.ipynb#Fig.-S2-·-Upper-critical-field"
STEPS = "03_transport.ipynb#Resistivity"
TEMPERATURE = np.linspace(33, 41, 81)


def explore_steps() -> Explorer:
    """R/R_n of a bar under two sliders: the width of its steps, and how far below the first the second lies."""

    def share(temperature: np.ndarray, width: float = 0.45, distance: float = 1.8) -> np.ndarray:
        world = TransportWorld("two-step", transition_width=width, link_depression=distance)
        return world.reduced_resistance(temperature)

    explorer = Explorer(
        share,
        x=TEMPERATURE,
        ranges={"width": (0.1, 1.2), "distance": (0.0, 3.0)},
        units={"width": "K", "distance": "K"},
        labels={"width": "width of each step", "distance": "distance of the steps"},
        x_label="temperature",
        x_unit="K",
        y_label="R/Rₙ",
    )
    return explorer.of("model")


def show_curve(resistance: ResistanceStudy) -> None:
    """The resistance curve alone, with nothing read off it."""
    figure, axes = style.new_figure(height=45)
    draw_resistivity(axes, resistance.temperature, resistance.signal, unit=resistance.unit)
    if resistance.stamp is not None:
        finish(figure, resistance.stamp, "resistivity_by_hand")


def ask_residual_ratio(lesson: Lesson, resistance: ResistanceStudy) -> Question:
    """R(300 K)/R(40 K), read off the curve.

    Parameters
    ----------
    lesson : keeps the answer
    resistance : from `study_resistance`

    Raises
    ------
    NotPossible
        The curve does not determine it: a truth that is not determined is not asked.
    """
    if resistance.normal is None or not np.isfinite(resistance.normal.residual_ratio):
        raise NotPossible("this curve does not reach from 40 to 300 K")
    question = "Read the curve at 300 K and at 40 K. What is the first over the second?"
    ratio = resistance.normal.residual_ratio
    why = (
        f"At 40 K electrons scatter at defects alone, at 300 K also at phonons: R(300 K)/R(40 K) = {ratio}. "
        "Length and cross-section cancel"
    )
    wrong = {"that is the rise over the value at 40 K, not the ratio": float(ratio) - 1}
    asked = lesson.by_hand("residual ratio", question, ratio, rivals=wrong, why=why, link=CURVE)
    return asked.about(resistance)


def ask_voltage_drop(lesson: Lesson, sample: "Sample", resistance: ResistanceStudy) -> Question:
    """The resistance between the taps at 100 K, reckoned from ρ and the card.

    Parameters
    ----------
    lesson : keeps the answer
    sample : its card gives cross-section, taps and edges
    resistance : gives ρ(100 K)

    Raises
    ------
    NotPossible
        The card or the curve does not give what the question needs.
    """
    geometry, taps, sides = sample.given("geometry_factor", "tap_distance", "sides")
    if resistance.normal is None:
        raise NotPossible("ρ(100 K) is not determined by this curve")
    drop = (resistance.normal.resistivity_100 / geometry).to("ohm")
    whole = float(drop.to("mohm")) * max(sides) / float(taps)
    edges = " × ".join(f"{convert(side, 'm', 'mm'):.1f}" for side in sorted(map(float, sides)))
    question = (
        f"ρ(100 K) is {resistance.normal.resistivity_100.to('uohm cm')} in a bar of {edges} mm³, whose voltage taps "
        f"are {convert(float(taps), 'm', 'mm'):.1f} mm apart along it. How many mΩ does the meter read at 100 K?"
    )
    wrong = {"that is the bar from end to end, not between the taps": whole}
    why = (
        f"R = ρ l/A, where l is the distance of the taps, {taps.to('mm')}: the meter sees no more of the bar"
    )
    asked = lesson.check("between the taps", question, drop, unit="mohm", rivals=wrong, why=why, link=CURVE)
    return asked.about(resistance)


def ask_criterion(lesson: Lesson, resistance: ResistanceStudy, upper: UpperFieldStudy) -> Question:
    """How ξ moves when H_c2 is read at 90 % in place of 10 %.

    Parameters
    ----------
    lesson : keeps the answer
    resistance : gives the normal state
    upper : from `study_upper_field`, by the 10 % criterion
    """
    # The study's curves are shares of the normal state already.
    other = estimate_upper_field(upper.curves, normal=lambda _: 1.0, criterion=0.9)
    low, high = (study.laws["power"].coherence_length for study in (upper, other))
    question = "H_c2 is read at 90 % of the normal resistance instead of 10 %. How does ξ come out?"
    found = "longer" if high > low else "shorter"
    why = (
        "90 % of the resistance is back at a higher field than 10 %, and ξ² = Φ₀/(2πμ₀H_c2). ξ(0) is "
        f"{low.to('nm')} at 10 % and {high.to('nm')} at 90 %"
    )
    asked = lesson.predict(
        "criterion", question, found, options=("longer", "shorter"), why=why, link=UPPER_FIELD
    )
    return asked.about(upper)


def blind_sample(lesson: Lesson) -> tuple[Mystery[Any], np.ndarray]:
    """A sample drawn by the lesson's word, and its R/R_n with noise at `TEMPERATURE`."""
    mystery = lesson.mystery(WORLDS)
    share = TransportWorld(**mystery.drawn).reduced_resistance(TEMPERATURE)
    return mystery, share + np.random.default_rng(mystery.seed).normal(0, BLIND_NOISE, TEMPERATURE.size)


def ask_blind_sample(lesson: Lesson) -> Question:
    """Which of three samples a noisy curve was measured on, and how sure one is; the curve is shown."""
    mystery, share = blind_sample(lesson)
    figure, axes = style.new_figure(height=42)
    axes.plot(TEMPERATURE, share, ".", color=style.BLUE)
    axes.set(xlabel="temperature (K)", ylabel=r"$R/R_{\rm n}$")
    finish(figure, Stamp("A sample, blind", "twin", mystery.name, "blind_sample"), "blind_sample")
    steps = count_transition_steps(TEMPERATURE, share, noise=BLIND_NOISE)
    why = (
        "Two steps give dR/dT two maxima and R a shoulder, one transition gives one, broad or sharp. Noise "
        "hides the shoulder where the steps are as near as they are wide"
    )
    return lesson.judge(mystery, "Which sample was it?", by_code=str(steps), why=why, link=STEPS)


def find_two_step_limit() -> Flip:
    """How near the links may come to the grains before two steps count as one."""
    noise = np.random.default_rng(3).normal(0, 0.01, TEMPERATURE.size)

    def steps(apart: float) -> int:
        world = TransportWorld("two-step", link_depression=apart)
        share = world.reduced_resistance(TEMPERATURE) + noise
        found: StepCount = count_transition_steps(TEMPERATURE, share, noise=0.01)
        return found.steps

    return find_flip(steps, 1.8, 0.2, unit="K", steps=6, halvings=3)


def ask_two_step_limit(lesson: Lesson) -> Question:
    """At which distance two steps count as one."""
    limit = find_two_step_limit()
    question = f"{limit.start} K apart they count as two. At which distance, in K, do they become one?"
    why = (
        "Two steps nearer than each of them is wide make one broad transition, within the noise. That one "
        "transition is seen does not exclude links between grains that follow closely"
    )
    asked = lesson.predict("two steps", question, limit.at, unit="K", tolerance=0.2, why=why, link=STEPS)
    return asked.of("model")
