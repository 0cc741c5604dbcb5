"""A room as a lesson: judged against what was computed, kept as plain text, the same with no screen."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from driving import drive

from nbtools.fitting.state import StateError
from nbtools.lessons.answers import AnswerTable, read_answers
from nbtools.lessons.hand_in import HandIn, read_handed_in
from nbtools.lessons.questions import Lesson, Question, find_flip, link_in_lab
from nbtools.paths import NOTEBOOKS
from nbtools.report import _output_html
from nbtools.results import NotPossible
from nbtools.units import Quantity, convert

WORLDS = {"smooth noise": 1, "a cascade": 2, "grains": 3}


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    return Lesson("03", folder=tmp_path)


# What is asked, in which unit, the right answer, and three wrong ones with what is said to them.
FIELD = Quantity(convert(713.0, "Oe", "A/m"), convert(3.0, "Oe", "A/m"), "A/m")
CHECKS = {
    "a susceptibility": (
        Quantity(-1.20, 0.02),
        "",
        -1.18,
        {1.20: "sign", -12.0: "a factor of 10:", -1.0: "of a long bar"},
        {"that is full screening of a long bar": -1.0},
    ),
    "a field": (FIELD, "Oe", 710, {-713: "sign", 0.0713: "10^4", 56739: "A/m for Oe"}, {}),
    "a band": (
        Quantity(3.5425, 0.0005, "eV"),
        "eV",
        3.54,
        {-3.54: "sign", 350: "nm for eV", 35.4: "a factor of 10:"},
        {},
    ),
    "a resistance": (
        Quantity(6.06e-4, 1e-5, "ohm"),
        "mohm",
        0.61,
        {-0.61: "sign", 606e-6: "10^3", 1.01: "end to end"},
        {"that is the bar from end to end": 1.01},
    ),
    "a width": (
        Quantity(0.45, 0.01, "K"),
        "K",
        0.46,
        {1.06: "half maximum", -0.45: "sign", 0.225: "two"},
        {},
    ),
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_right_answer_is_taken_and_three_wrong_ones_are_not(lesson: Lesson, name: str) -> None:
    """A wrong sign, a slip of units and a physicist's error are refused, each with its own sentence."""
    truth, unit, right, wrong, rivals = CHECKS[name]
    why = "that is how it is"
    question = lesson.check(name, "how much?", truth, unit=unit, rivals=rivals, why=why)
    shown = str(truth.to(unit) if unit else truth)
    for answer, sentence in wrong.items():
        lesson.forget(name)
        assert not question.commit(answer).answer.right
        assert sentence in question.answer.said
        assert not question.closed
        assert shown not in str(question) and why not in str(question), (
            "the first wrong answer is not told the right one"
        )
    assert question.commit(str(right)).answer.right
    assert question.answer.tries == 2 and why in str(question)
    with pytest.raises(StateError, match="takes that back"):
        question.commit(right)


def test_after_two_tries_the_answer_is_told_and_why(lesson: Lesson) -> None:
    """And not after one."""
    question = lesson.check("x", "?", 10.0, why="twice five", link="03_transport.ipynb")
    assert "One more try" in str(question.commit(13.7)) and "10" not in question.answer.said
    said = str(question.commit(17.1))
    assert question.closed and "the notebook finds 10" in said and "twice five" in said
    assert "03_transport.ipynb" in str(question.face.reading.outputs)


TYPED = {
    "K": (
        38.3,
        "38.3",
        "38,3 K",
        "38300 mK",
        "3.83e1 K",
        "3,83 · 10¹ K",
        "≈38.3 Kelvin",
        "38.3 ± 0.2 K",
        "38.3K",
    ),
    "": (-0.12, "−1,2e-1", "-0.12", "–.12", "- 0,12", "-12 %", "-1.2·10⁻¹", "-1.2 x 10^-1"),
    "mohm": (0.61, "0.61 mΩ", "0.61 m\u2126", "6.1e-4 ohm", "6,1 × 10^-4 Ω", "610 µΩ", "610 μΩ", "0.61 mOhm"),
    "Oe": (710.0, "0.071 T", "710", "710 G", "56.5 kA/m", "7.1*10**2 Oe"),
    "um": (0.058, "58 nm", "0.058 µm", "0.058 μm", "5.8e-8 m", ",058"),
    "angstrom": (4.212, "4.212 Å", "4.212 \u212b", "0.4212 nm", "421,2 pm", "4.212 Angstrom", "4,212"),
    "A/cm^2": (
        61400.0,
        *("61 400", "61\u202f400 A/cm²", "61'400", "61,400", "61.400 A/cm2", "61400,0", "61_400.0"),
        *("6.14x10^4", "6,14·10⁴ A cm⁻²", "614 MA/m²", "6.14e8 A/m2", "0.614 kA/mm²", "6.14e4 A·cm^-2"),
    ),
    "g/cm^3": (3.215, "3,215", "3215 kg/m³", "3.215 g cm⁻³"),
    "G/mm": (22.0, "22", "2.2 mT/mm", "2,2 T/m", "220 G/cm"),
    "%": (0.13, "0.13", "0,13 %"),
    "eV": (0.08, "80 meV", "0,08 eV"),
    "A": (1e6, "10⁶", "10^6 A", "1 MA", "1,000,000", "1.000.000", "1,000,000.0"),
}


@pytest.mark.parametrize(
    ("unit", "typed"), [(unit, typed) for unit, (_, *all_) in TYPED.items() for typed in all_]
)
def test_a_number_is_taken_in_any_spelling(typed: str, unit: str, lesson: Lesson) -> None:
    """Comma or point, powers of ten, groups of thousands, its own unit or the question's, from any keyboard."""
    truth = TYPED[unit][0]
    question = lesson.check("x", "?", Quantity(truth, unit=unit), unit=unit).commit(typed)
    assert question.answer.right and question.answer.answer == pytest.approx(truth, rel=2e-3)


@pytest.mark.parametrize(
    "typed",
    [
        *("38.3 mm", "much", "", "3 K 4", "1e", "e5", "nan", "inf", "1e400", "10^", "0x10", "1/3"),
        *("1,2,3", "1.2.3", "12,34,567", "38 3", "-234.85 °C", "T = 38.3 K"),
    ],
)
def test_what_is_no_such_number_costs_no_try(typed: str, lesson: Lesson) -> None:
    """It is said what was expected."""
    question = lesson.check("x", "?", Quantity(38.3, unit="K"), unit="K")
    with pytest.raises(StateError, match=r"write for instance|asked for|expected"):
        question.commit(typed)
    assert question.answer is None


def test_a_comma_that_may_part_thousands_is_read_as_what_is_right(lesson: Lesson) -> None:
    """Else as a decimal comma: a slip is then told as one."""
    small = lesson.check("small", "?", 4.212).commit("4,212")
    assert small.answer.right and small.answer.answer == 4.212
    assert lesson.check("large", "?", 4212.0).commit("4,212").answer.answer == 4212.0
    other = lesson.check("other", "?", 4.2e6).commit("4,212").answer
    assert not other.right and other.answer == 4.212 and "10^6" in other.said


def test_answers_to_other_data_do_not_reappear(tmp_path: Path) -> None:
    """They are kept under their own data, and come back with them."""
    one = Lesson("03", data="abc", folder=tmp_path).by_hand("onset", "Where?", 38.3, unit="K")
    one.commit(38.3)
    assert Lesson("03", data="xyz", folder=tmp_path).by_hand("onset", "Where?", 21.0, unit="K").answer is None
    assert Lesson("03", data="abc", folder=tmp_path).by_hand("onset", "Where?", 38.3, unit="K").answer.right


def test_the_default_tolerance_follows_the_error(lesson: Lesson) -> None:
    """Three σ where that is wide, a twentieth of the value where it is not."""
    wide = lesson.check("wide", "?", Quantity(10.0, 2.0))
    assert wide.commit(15.9).answer.right
    assert not lesson.check("narrow", "?", Quantity(10.0, 0.01)).commit(10.6).answer.right


def test_what_fits_no_slip_is_given_no_reason(lesson: Lesson) -> None:
    """Better silent than a wrong diagnosis."""
    assert lesson.check("x", "?", 10.0).commit(13.7).answer.said == "not yet"


def test_a_choice_and_a_predicted_number_have_one_try(lesson: Lesson) -> None:
    """A second would be given away."""
    number = lesson.predict("n", "?", 10.0).commit(13.7)
    mystery = lesson.mystery(WORLDS)
    wrong = next(one for one in WORLDS if not mystery.is_world(one))
    for question in (number, lesson.judge(mystery, "Which?").commit(wrong, 0.5)):
        assert question.closed and not question.answer.right and "One more try" not in question.heard()
    assert "10" in number.heard()


def test_a_link_leads_to_the_cell_of_its_heading() -> None:
    """Of a notebook of the package; any other is left as it is."""
    found = link_in_lab("03_transport.ipynb#Fig.-9(a)-·-Resistivity")
    notebook = json.loads((NOTEBOOKS / "03_transport.ipynb").read_text(encoding="utf-8"))
    cell = next(one for one in notebook["cells"] if found.endswith(f"#cell-id={one['id']}"))
    assert "## Fig. 9(a) · Resistivity" in "".join(cell["source"]) and cell["cell_type"] == "markdown"
    for link in ("03_transport.ipynb#nowhere", "elsewhere.ipynb#Fig.", "03_transport.ipynb"):
        assert link_in_lab(link) == link


def test_by_hand_the_code_stands_beside(lesson: Lesson) -> None:
    """After the commitment, and not before."""
    question = lesson.by_hand("onset", "Where?", Quantity(38.3, 0.02, "K"), unit="K")
    assert "38.3" not in str(question)
    assert "38.300 ± 0.020 K" not in str(question.commit(32.2))
    assert "38.300 ± 0.020 K" in str(question.commit(31.2))
    assert question.closed


def test_a_prediction_is_committed_before_it_is_shown(lesson: Lesson) -> None:
    """Once, and only to one of the choices; a number that nobody could find is not asked."""
    question = lesson.predict("ξ", "Longer?", "shorter", options=("longer", "shorter"))
    assert "Not answered yet" in str(question)
    with pytest.raises(StateError, match="one of longer, shorter"):
        question.commit("wider")
    assert "not as predicted: shorter" in str(question.commit("longer"))
    with pytest.raises(StateError):
        question.commit("shorter")
    with pytest.raises(NotPossible, match="not asked"):
        lesson.predict("flip", "Where?", None)


def test_a_blind_world_is_drawn_by_its_word(tmp_path: Path) -> None:
    """The same word draws the same world, other words all of them; its label is not in what can be printed."""
    drawn = {}
    for number in range(1, 31):
        mystery = Lesson("03", world=f"mystery-{number}", folder=tmp_path).mystery(WORLDS)
        again = Lesson("03", world=f"mystery-{number}", folder=tmp_path).mystery(WORLDS)
        assert (mystery.drawn, mystery.seed) == (again.drawn, again.seed)
        assert repr(mystery) == f"Mystery(name='mystery-{number}', worlds={tuple(WORLDS)})"
        drawn[number] = mystery.drawn
    assert set(drawn.values()) == set(WORLDS.values())
    rooms = [Lesson(room, folder=tmp_path).mystery(WORLDS).seed for room in ("01", "03", "06")]
    assert len(set(rooms)) == 3


def test_honesty_pays(tmp_path: Path) -> None:
    """The score is proper: whatever the chance of being right, saying just that costs least on average."""
    lesson = Lesson("03", folder=tmp_path)
    sure = np.linspace(1 / 3, 1, 21)

    def cost(confidence: float, right: bool) -> float:
        mystery = lesson.mystery(WORLDS)
        label = next(name for name in WORLDS if mystery.is_world(name) is right)
        score = lesson.forget().judge(mystery, "Which?").commit(label, confidence).answer.score
        assert score is not None
        return score

    costs = {right: np.array([cost(float(c), right) for c in sure]) for right in (True, False)}
    for chance in sure:
        expected = chance * costs[True] + (1 - chance) * costs[False]
        assert sure[np.argmin(expected)] == pytest.approx(chance)


def test_calibration_is_kept_over_mysteries(tmp_path: Path) -> None:
    """Right share beside mean confidence, over all words so far; a confidence below chance is refused."""
    for number, (right, sure) in enumerate([(True, 0.9), (False, 0.5), (True, 0.7), (True, 0.5)]):
        lesson = Lesson("03", world=f"w{number}", folder=tmp_path)
        mystery = lesson.mystery(WORLDS)
        question = lesson.judge(mystery, "Which?", by_code="two steps")
        label = next(name for name in WORLDS if mystery.is_world(name) is right)
        for wrong in (0.2, 1.1, None):
            with pytest.raises(StateError, match="chance"):
                question.commit(label, wrong)
        assert "the notebook says: two steps" in question.commit(label, sure).heard()
    said = AnswerTable({"03": lesson.answers}).calibration()
    assert said.startswith("4 blind worlds: 75% right at a mean confidence of 65%; mean score 0.")


def test_who_says_that_he_does_not_know_is_calibrated(tmp_path: Path) -> None:
    """He counts for right as often as chance is, which is what he states."""
    for word in ("a", "b", "c"):
        lesson = Lesson("03", world=word, folder=tmp_path)
        lesson.judge(lesson.mystery(WORLDS), "Which?").commit("I do not know")
    said = AnswerTable({"03": lesson.answers}).calibration()
    assert (
        "33% right at a mean confidence of 33%; mean score 0.67 (0 is best, honest ignorance has 0.67)"
        in said
    )


def test_a_wrong_answer_never_scores_better_than_not_knowing(tmp_path: Path) -> None:
    """Whatever the confidence; and one world alone shows no score."""
    lesson = Lesson("03", folder=tmp_path)
    mystery = lesson.mystery(WORLDS)
    wrong = next(name for name in WORLDS if not mystery.is_world(name))
    ignorance = lesson.judge(mystery, "Which?").commit("I do not know").answer.score
    assert ignorance == pytest.approx(2 / 3)
    for confidence in np.linspace(1 / 3, 1, 11):
        answer = lesson.forget().judge(mystery, "Which?").commit(wrong, float(confidence)).answer
        assert answer.score >= ignorance - 1e-12
        assert "score" not in answer.said and "score" not in AnswerTable({"03": lesson.answers}).calibration()


def test_answers_are_kept_and_judged_anew(tmp_path: Path) -> None:
    """Plain JSON beside the results; on other data the same answer may be wrong."""
    Lesson("03", folder=tmp_path).by_hand("onset", "Where?", 38.3, unit="K").commit(38.0)
    stored = json.loads((tmp_path / "03.json").read_text())
    assert stored["schema_version"] == 1 and stored["answers"]["onset"]["answer"] == 38.0
    later = Lesson("03", folder=tmp_path)
    assert later.by_hand("onset", "Where?", 20.0, unit="K").answer.right is False
    assert later.answers["onset"].tries == 1


def test_two_lessons_of_a_room_keep_each_others_answers(tmp_path: Path) -> None:
    """And neither brings back what the other, or a reset, has taken."""
    one, two = (Lesson("01", data=data, folder=tmp_path) for data in ("abc", "xyz"))
    first, second = one.check("x", "?", 1.0), two.check("x", "?", 2.0)
    first.commit(1.0)
    second.commit(2.0)
    assert set(read_answers(one.path, "01")) == {"x @ abc", "x @ xyz"}
    two.forget("x")
    assert first.closed and second.answer is None
    HandIn(tmp_path).reset()
    box = HandIn(tmp_path)
    box.reset(), box.reset()
    assert first.answer is None
    second.commit(2.0)
    assert set(read_answers(one.path, "01")) == {"x @ xyz"}


def test_an_answer_that_is_judged_anew_keeps_its_tries(tmp_path: Path) -> None:
    """What the first try was taken for; and after one wrong try the truth is still not told."""

    def asked() -> Question:
        return Lesson("03", folder=tmp_path).check("x", "?", 38.3, unit="K")

    asked().commit(38300.0)
    again = asked()
    assert again.tries == 1 and "38.3 K" not in again.heard() and again.answer.said.startswith("not yet")
    again.commit(38.3)
    last = asked().answer
    assert (last.tries, last.right) == (2, True) and "kilo or milli" in last.first_slip


def test_an_answer_to_another_question_counts_for_none(tmp_path: Path) -> None:
    """A word where a number is asked, or an option that is gone: a sentence, and the question is open."""
    Lesson("03", folder=tmp_path).predict("x", "?", "up", options=("up", "down")).commit("down")
    question = Lesson("03", folder=tmp_path).check("x", "?", 3.0)
    assert question.answer is None and "'down' is not a number" in question.sentences[0]
    with pytest.raises(StateError, match="finite"):
        question.commit("1e400")


def test_the_parameters_cell_answers_too(tmp_path: Path) -> None:
    """By the key; what cannot be is said in the question and stops nothing."""
    given = {"x": 3.2, "y": "no number", "mystery-1": ["grains", 0.8]}
    lesson = Lesson("03", answers=given, folder=tmp_path)
    assert lesson.by_hand("x", "?", 3.1).answer.right
    refused = lesson.by_hand("y", "?", 3.1)
    assert refused.answer is None and "'no number' is not a number" in refused.sentences[0]
    assert lesson.judge(lesson.mystery(WORLDS), "Which?").answer.confidence == 0.8


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"schema_version": 2}',
        '{"schema_version": 1, "room": "04", "answers": {}}',
        "__import__('os')",
    ],
)
def test_a_file_of_something_else_is_refused_and_left(tmp_path: Path, content: str) -> None:
    """Another schema, another room, no JSON: one sentence, and the file stays as it is."""
    path = tmp_path / "03.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"03\.json holds .*move it away"):
        Lesson("03", folder=tmp_path)
    assert path.read_text() == content


def test_the_report_shows_text_as_text(lesson: Lesson) -> None:
    """A table of all answers, nothing in it alive; with no student one line."""
    assert "Nothing is answered yet" in AnswerTable({}).html()
    lesson.predict("k", "<script>x</script>", "a & b", options=("a & b", "c")).commit("c")
    table = AnswerTable({"03": lesson.answers})
    html = table.html()
    assert "3: <script>x</script> c" in str(table)
    assert "&lt;script&gt;" in html and "a &amp; b" in html and "<script" not in html


def test_the_box_is_the_same_object(lesson: Lesson) -> None:
    """A number typed into the box is the answer, in this lesson and in its file; then the box is closed."""
    question = lesson.by_hand("onset", "Where?", 38.3, unit="K").of("twin", "a twin")
    box = question.controls
    box["answer"].value = "much"
    box["commit"].click()
    assert "not a number" in question.face.sentences.value
    box["answer"].value = "37,9 K"
    box["commit"].click()
    assert question.answer.answer == 37.9
    assert "the notebook finds 38.3 K" in question.face.said.value
    assert box["answer"].disabled
    assert read_answers(lesson.path, "03") == lesson.answers


def test_every_kind_of_box_can_be_driven(lesson: Lesson) -> None:
    """To its limits, with nothing raised and nothing printed."""
    for question in (
        lesson.check("a", "?", 1.0),
        lesson.predict("b", "?", "x", options=("x", "y")),
        lesson.judge(lesson.mystery(WORLDS), "Which?"),
    ):
        report = drive(question)
        assert report.clean, report.errors
        assert report.moves["commit"] == 1
        question.close()


def test_a_reader_with_no_kernel_sees_the_line(lesson: Lesson) -> None:
    """The page has the words where the box was, before and after the answer."""
    import nbformat

    question = lesson.by_hand("onset", "Where does it start?", 38.3, unit="K")
    bundle = question._repr_mimebundle_()
    assert set(bundle) >= {"application/vnd.jupyter.widget-view+json", "text/plain"}
    output = nbformat.v4.new_output("display_data", data=bundle)
    assert _output_html(output, "", Path()) == "<pre>Not answered yet: Where does it start?</pre>"
    assert repr(question) == "<Question 'onset'>"


def test_a_flip_is_found_where_it_was_planted() -> None:
    """A verdict that changes at 0.437, from above and from below, to the stated half width."""
    for start, end in ((0.0, 1.0), (1.0, 0.0)):
        flip = find_flip(lambda x: "yes" if x < 0.437 else "no", start, end)
        assert flip.at is not None and abs(flip.at - 0.437) <= flip.at.uncertainty
        assert {flip.before, flip.after} == {"yes", "no"}
        assert flip.start == start and flip.at.uncertainty == pytest.approx(0.1 / 2**6)


def test_a_verdict_that_holds_says_so() -> None:
    """No place is named where none was found; what cannot be computed is a verdict of its own."""
    flip = find_flip(lambda x: "yes", 1.0, 2.0)
    assert flip.at is None and flip.after == "yes"
    assert find_flip(lambda x: math.sqrt(x) >= 0, 1.0, -1.0).after == "not determined"


def test_nothing_is_chosen_and_nothing_is_told_before_the_student_does(lesson: Lesson) -> None:
    """In no trait of any control."""
    from nbtools.display.gui import descendants

    questions = [
        lesson.check("a", "how much?", 123.75, why="because", rivals={"a slip": 77.5}),
        lesson.predict("b", "which?", "left", options=("left", "right"), why="because"),
        lesson.judge(lesson.mystery(WORLDS), "Which?", by_code="it is grains", why="because"),
    ]
    for question in questions:
        assert question.controls["answer"].value in (None, "")
        state = " ".join(str(item.get_state()) for item in descendants(question.face.box))
        for secret in ("123.75", "77.5", "because", "it is grains"):
            assert secret not in state
    with pytest.raises(StateError, match="nothing is chosen"):
        questions[1].commit(None)


def test_answers_are_handed_in_under_a_name(tmp_path: Path) -> None:
    """All rooms in one file that the lecturer's page reads; taken back only when asked twice."""
    for room in ("03", "05"):
        Lesson(room, folder=tmp_path).by_hand("onset", "Where?", 38.3, unit="K").commit(38.3)
    box = HandIn(tmp_path)
    with pytest.raises(ValueError, match="write your name"):
        box.file(" ")
    name, text = box.file("Marie Curie")
    assert name == "answers-Marie-Curie.json"
    path = tmp_path / name
    path.write_text(text)
    handed = read_handed_in(path)
    assert handed.student == "Marie Curie" and set(handed.rooms) == {"03", "05"}
    assert handed.rooms["03"]["onset"].right
    assert "once more" in box.reset() and Lesson("03", folder=tmp_path).answers
    box.reset()
    assert not Lesson("03", folder=tmp_path).answers and not Lesson("05", folder=tmp_path).answers
    assert path.exists()
    path.write_text("[]")
    with pytest.raises(ValueError, match="not what a student downloads"):
        read_handed_in(path)


def test_what_tells_the_answer_is_shown_after_it(lesson: Lesson) -> None:
    """Not before it; a picture that the outcome draws, then where to read on."""
    drawn = []
    question = lesson.predict(
        "x", "?", "up", options=("up", "down"), link="03_transport.ipynb", reveal=lambda: drawn.append(1)
    )
    assert question.face.reading.outputs == () and not drawn
    question.commit("down")
    assert drawn == [1] and "03_transport.ipynb" in str(question.face.reading.outputs)


def test_all_answers_stand_at_the_end_with_the_calibration_of_all_stops(tmp_path: Path) -> None:
    """Blind worlds of three rooms make the score that one alone does not."""
    for room in ("03", "05", "06"):
        lesson = Lesson(room, folder=tmp_path)
        mystery = lesson.mystery(WORLDS)
        lesson.judge(mystery, "Which?").commit(next(one for one in WORLDS if mystery.is_world(one)), 1.0)
    box = HandIn(tmp_path)
    assert box.box is not None
    box.controls["show"].click()
    shown = box.controls["table"].value
    assert "3 blind worlds: 100% right at a mean confidence of 100%; mean score 0.00" in shown
    assert shown.count("Which?") == 3
    (tmp_path / "06.json").write_text("[]")
    box.controls["show"].click()
    assert "move it away" in box.controls["said"].value
