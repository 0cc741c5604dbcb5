"""Every question of the classroom on its twin: right answers are taken, wrong ones told why, nothing is told early."""

import inspect
import math
import re
from html import unescape

import nbformat
import pytest
from notebook_cells import NOTEBOOKS, run_cells, without_rendering

from nbtools import ac_susceptibility, cathodoluminescence, magneto_optics, stem, structure, transport
from nbtools.display.gui import descendants
from nbtools.fitting.state import StateError
from nbtools.lessons.questions import Question, link_in_lab
from nbtools.notebook.document import headings
from nbtools.report import notebook_html
from nbtools.units import SUPERSCRIPTS, Quantity, convert, printed_unit

# They share the twins and the cached numbers of the notebooks.
pytestmark = pytest.mark.notebook
CLASSROOM = NOTEBOOKS / "08_in_the_classroom.ipynb"
LESSONS = (
    ac_susceptibility.lesson,
    cathodoluminescence.lesson,
    magneto_optics.lesson,
    stem.lesson,
    structure.lesson,
    structure.lesson_powder,
    transport.lesson,
)
# Units that a student may write instead of the one that is asked for.
ALSO = {
    "K": "mK",
    "angstrom": "nm",
    "mohm": "uohm",
    "g/cm^3": "kg/m^3",
    "G/mm": "mT/mm",
    "A": "mA",
    "A/cm^2": "A/m^2",
    "um": "nm",
    "eV": "meV",
    "nm": "angstrom",
}
NUMBER = re.compile(r"(?<![\w.,#])[-−]?\d+(?:\.\d+)?(?![\d#])")


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    """All questions of the classroom, as its cells ask them."""
    with pytest.MonkeyPatch.context() as patch:
        without_rendering(patch)
        found = [one for one in run_cells(CLASSROOM, patch) if isinstance(one, Question)]
    for question in found:
        question.lesson.forget()
    return found


@pytest.fixture(scope="module")
def numbers(questions: list[Question]) -> list[Question]:
    return [question for question in questions if question.truth is not None]


@pytest.fixture(scope="module")
def choices(questions: list[Question]) -> list[Question]:
    return [question for question in questions if question.options]


def answered(question: Question, answer: object) -> Question:
    """The question with this one answer."""
    question.lesson.forget(question.key)
    return question.commit(answer, 1.0 if question.chance else None)


def right_choice(question: Question) -> str:
    """The option that is taken: exactly one."""
    taken = [option for option in question.options if answered(question, option).answer.right]
    question.lesson.forget(question.key)
    assert len(taken) == 1, f"{question.key}: {taken} are taken"
    return taken[0]


def test_the_classroom_asks_every_question_of_every_room(questions):
    """Each `ask_` of a lesson stands in the notebook once; what it asks is a number or a choice."""
    source = "\n".join(cell.source for cell in nbformat.read(CLASSROOM, as_version=4).cells)
    asked = [name for module in LESSONS for name, _ in inspect.getmembers(module, inspect.isfunction)]
    names = [name for name in asked if name.startswith("ask_")]
    calls = {name: len(re.findall(rf"\b{name}\(", source)) for name in names}
    assert calls == {name: names.count(name) for name in names}
    assert len(questions) == len(names)
    assert all((question.truth is None) == bool(question.options) for question in questions)


def test_a_number_is_taken_in_three_spellings(numbers):
    """With a point, with a comma and its unit, in another unit, as a power of ten as printed and as typed."""
    for question in numbers:
        truth, unit = float(question.truth), question.unit
        digits = f"{truth:.4g}"
        other = (
            f"{convert(truth, unit, ALSO[unit]):.6g} {ALSO[unit]}"
            if unit in ALSO
            else f"{10 * truth:.4f} × 10^-1 {unit}".strip()
        )
        power = math.floor(math.log10(abs(truth)))
        scientific = (
            f"{truth / 10**power:.3f}·10{str(power).translate(SUPERSCRIPTS)} {printed_unit(unit)}".strip()
        )
        spelled = (digits, f"{digits.replace('.', ',')} {unit}".strip(), other, scientific, f"≈{truth:.3e}")
        for typed in spelled:
            assert answered(question, typed).answer.right, f"{question.key}: {typed!r} was refused"
        question.lesson.forget(question.key)


def test_a_wrong_number_is_told_its_slip_and_at_last_the_reason(numbers):
    """The sign, a power of ten, kilo for milli, and each slip that the question names."""
    for question in numbers:
        truth = float(question.truth)
        wrong = {-truth: "sign", 10 * truth: "factor of 10:", 1e3 * truth: "10^3"}
        wrong |= {value: sentence for sentence, value in question.rivals.items()}
        assert len(wrong) >= 3
        for answer, reason in wrong.items():
            told = answered(question, float(answer))
            assert not told.answer.right, f"{question.key}: {answer} was taken"
            assert reason in told.answer.said, f"{question.key}: {answer} was told {told.answer.said!r}"
            if not told.closed:
                assert told.answer.said.startswith("not yet: ") and question.why not in str(told)
                told.commit(float(answer))
            assert question.closed and question.why in told.heard() and str(question.truth) in told.heard()
        question.lesson.forget(question.key)


def test_one_choice_is_right_and_the_others_are_told_why(choices):
    """What is no option costs no try."""
    for question in choices:
        right = right_choice(question)
        for option in set(question.options) - {right}:
            told = answered(question, option)
            assert not told.answer.right and told.closed
            assert right in told.answer.said and question.why in told.heard()
        question.lesson.forget(question.key)
        for typed in (None, "", right.upper(), 1):
            with pytest.raises(StateError, match="one of"):
                question.commit(typed, 1.0)
        assert question.answer is None


def test_every_question_has_a_reason_of_two_sentences_at_most(questions):
    """It ends without a stop, which `heard` sets, and holds no number that was not found."""
    for question in questions:
        sentences = re.split(r"(?<=[a-zA-Z0-9)%²])\. (?=[A-ZN])", question.why)
        assert question.why and len(sentences) <= 2, f"{question.key}: {sentences}"
        assert not question.why.endswith(".") and "nan" not in question.why.split()


def test_every_link_jumps_to_a_heading(questions):
    """JupyterLab's anchor of a heading is its text with blanks as hyphens."""
    for question in questions:
        file, _, anchor = question.link.partition("#")
        known = [text.replace(" ", "-") for text in headings(nbformat.read(NOTEBOOKS / file, as_version=4))]
        assert known.count(anchor) == 1, f"{question.key}: {question.link} leads nowhere"
        assert file.startswith(question.lesson.room)
        assert re.fullmatch(rf"{file}#cell-id=[\w-]+", link_in_lab(question.link))


def test_each_notebook_leads_to_its_stop_and_the_start_to_all():
    """The last sentence of an introduction; and in the classroom no link that jumps nowhere."""
    classroom = nbformat.read(CLASSROOM, as_version=4)
    known = {text.replace(" ", "-") for text in headings(classroom)}
    for path in sorted(NOTEBOOKS.glob("0[1-6]_*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        begin = next(n for n, cell in enumerate(cells) if cell.source.startswith("## "))
        last = [cell.source.splitlines()[-1] for cell in cells[:begin] if cell.cell_type == "markdown"]
        found = re.findall(r"\(08_in_the_classroom\.ipynb#([^\s]+)\)\.$", "\n".join(last), flags=re.MULTILINE)
        assert len(found) == 1 and found[0] in known, f"{path.stem}: {last}"
        assert found[0].startswith(f"Stop-{int(path.stem[:2])}:")
    own = re.findall(r"\(#([^\s]+)\)", "\n".join(cell.source for cell in classroom.cells))
    assert set(own) <= known
    assert {stop for stop in known if re.match(r"Stop-\d:", stop)} <= set(own)
    assert all(anchor.isascii() for anchor in own), "JupyterLab finds no heading with a letter outside ASCII"


def test_nothing_is_told_before_the_answer(numbers, choices):
    """Neither truth nor reason nor slip stands in a control, in the line or in what a page keeps; then they do."""
    for question in (*numbers, *choices):
        question.lesson.forget(question.key)
        assert question.controls["answer"].value in (None, "")
        before = _seen(question)
        secrets = [question.why, question.link, *question.rivals]
        secrets += [f"{value:.3g}" for value in question.rivals.values()]
        secrets += [str(question.truth), f"{question.truth:.3g}"] if question.truth is not None else []
        for secret in secrets:
            assert secret not in before, f"{question.key}: {secret!r} is told too early"
        right = right_choice(question) if question.options else float(question.truth)
        assert question.why in _seen(answered(question, right)), "the search sees what is told"
        question.lesson.forget(question.key)
        question.changed()


def _seen(question: Question) -> str:
    """All that the page can know of a question, without its own text and options."""
    state = " ".join(str(item.get_state()) for item in descendants(question.face.box))
    bundle = " ".join(str(value) for value in question._repr_mimebundle_().values())
    text = unescape(f"{state} {bundle}")
    text = re.sub(r"[0-9a-f]{32}", "", text)  # the name of a model may hold any digits
    return text.replace(question.text, "")


def figures(text: str, question: Question) -> list[str]:
    """The numbers in a text that give a question's answer away.

    One is the truth rounded as it is printed there, to three digits at least, in the question's unit or one that a
    student may write; or any that would be taken, with the question's unit behind it.
    """
    truth = float(question.truth)
    spellings = [truth] + (
        [convert(truth, question.unit, ALSO[question.unit])] if question.unit in ALSO else []
    )
    unit = Quantity(1.0, unit=question.unit).to(question.unit).unit if question.unit else ""
    told = []
    for found in NUMBER.finditer(text):
        digits = found[0].replace("−", "-")
        value, places = float(digits), len(digits.partition(".")[2])
        if not places and value:
            places = len(digits.rstrip("0")) - len(digits)  # 61400 is 61 432 in three digits
        known = re.sub(r"\D", "", digits).lstrip("0")[: places if places < 0 else None]
        exact = len(known) >= 3 and any(
            math.isclose(value, round(one, places), rel_tol=1e-9) for one in spellings
        )
        behind = re.match(r"(?: ± [\d.]+)? *(\S+)", text[found.end() :])
        in_unit = bool(unit and behind and behind[1].startswith((unit, question.unit))) and _taken(
            question, value
        )
        if exact or in_unit:
            told.append(text[max(found.start() - 40, 0) : found.end() + 20])
    return told


def _taken(question: Question, value: float) -> bool:
    right = answered(question, value).answer.right
    question.lesson.forget(question.key)
    return right


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The classroom before anyone has answered: its source, its stored outputs, and its page of the report."""
    notebook = nbformat.read(CLASSROOM, as_version=4)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    data = [
        str(value)
        for output in outputs
        for kind, value in (*output.get("data", {}).items(), ("text", output.get("text", "")))
        if not kind.startswith("image")
    ]
    page = re.sub(r'src="data:[^"]*"', "", notebook_html(notebook, CLASSROOM.parent))
    return {
        "source": "\n".join(cell.source for cell in notebook.cells),
        "stored outputs": "\n".join(data),
        "page": unescape(re.sub(r"<[^>]*>", " ", page)),
    }


def test_no_page_tells_a_number_before_it_is_asked(numbers, pages):
    """Neither the classroom's cells, nor what is stored with them, nor the report."""
    told = {
        (name, question.key): found
        for question in numbers
        for name, text in pages.items()
        if (found := figures(text, question))
    }
    assert not told


def test_no_page_tells_a_reason_or_a_slip(questions, pages):
    """They are made of numbers that were found, and come with the answer."""
    for question in questions:
        for name, text in pages.items():
            for secret in (question.why, *question.rivals):
                assert secret not in text, f"{name} of the classroom tells {question.key}: {secret}"


def test_a_number_that_is_told_is_found(numbers):
    """In a sentence, in a table, in another unit: the search cannot pass on nothing."""
    for question in numbers:
        assert figures(f"which makes {question.truth}, as expected", question)
        assert figures(f"<td>{float(question.truth):.4g}</td>", question)
        if question.unit in ALSO:
            assert figures(f"it is {question.truth.to(ALSO[question.unit])}", question)
