"""A room as a lesson: read off by hand, predict and then look, judge a world blind, break the verdict."""

import hashlib
import json
import math
import re
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from nbtools import paths
from nbtools.display.face import Face
from nbtools.display.gui import button, ipywidgets
from nbtools.fitting.showing import Showing
from nbtools.fitting.state import StateError
from nbtools.lessons.answers import (
    UNDECIDED,
    Answer,
    Kind,
    read_answers,
    write_answers,
)
from nbtools.results import NotPossible
from nbtools.study import StudyResult
from nbtools.units import HC, Quantity, convert, printed_unit

T = TypeVar("T")
TRIES = 2  # at a number; a choice has one, for a second would be given away
# What a wrong answer over the right one is, when one thing was taken for another.
SLIPS = {
    "the sign is the other way round": -1.0,
    "a factor of two: a radius for a diameter, a half for the whole": 2.0,
    "a factor of 79.6: A/m for Oe": 1e3 / (4 * math.pi),
    "a factor of 4π: one unit system for the other": 4 * math.pi,
    "a factor of 2π: a wavelength for a wave number": 2 * math.pi,
    "a factor of 57.3: degrees for radians": 180 / math.pi,
    "a factor of 2.30: a decadic logarithm for a natural one": math.log(10),
    "a factor of 2.35: a full width at half maximum for a standard deviation": math.sqrt(8 * math.log(2)),
}
POWERS = {
    1: "the decimal point, nm for Å, or G for mT",
    2: "per cent for a share, or m for cm",
    3: "kilo or milli",
    4: "G or Oe for T, or cm² for m²",
    6: "micro or mega",
    9: "nm for m",
}
# One spelling of what a keyboard or a formula editor may give.
PLAIN = str.maketrans({"−": "-", "–": "-", "×": "x", "·": "*", "⋅": "*", "μ": "u", "Ω": "ohm"})
FROM_SUPERSCRIPTS = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789")
NUMBER = re.compile(
    r"(?P<sign>[-+]?)\s*(?P<digits>(?!10\s*(?:\^|\*\*))\d[\d.,]*|[.,]\d+)?"
    r"(?:[eE](?P<e>[-+]?\d+)|(?P<base>\s*(?(digits)[x*]\s*)10\s*(?:\^|\*\*)\s*\(?(?P<power>[-+]?\d+)\)?))?"
    r"(?:\s*(?:±|\+-|\+/-)\s*[\d.,]+)?\s*(?P<unit>[^\d\s.,].*)?"
)


@dataclass(frozen=True)
class Judgement:
    """Whether an answer is right, what is said to it, and its score where it has one."""

    right: bool
    said: str
    score: float | None = None


def judge_number(
    answer: float,
    truth: Quantity,
    *,
    tolerance: float,
    rivals: Mapping[str, float] | None = None,
    hidden: bool = False,
) -> Judgement:
    """Right within `tolerance`; else the slip that would explain the answer.

    Parameters
    ----------
    answer, truth, tolerance : in the same unit
    rivals : what else a physicist might take for it: a sentence, and the number that this would give
    hidden : do not say the truth to a wrong answer
    """
    if abs(answer - truth) <= tolerance:
        return Judgement(True, f"right: the notebook finds {truth}")
    where = "not yet" if hidden else f"the notebook finds {truth}"
    slip = find_slip(answer, float(truth), tolerance=tolerance, rivals=rivals or {})
    return Judgement(False, f"{where}: {slip}" if slip else where)


def find_slip(answer: float, truth: float, *, tolerance: float, rivals: Mapping[str, float]) -> str:
    """What was likely confused; no text where nothing fits.

    A rival is met within `tolerance`; a factor within the tolerance as a share of the truth, 1 to 8 %.
    """
    for sentence, value in rivals.items():
        if abs(answer - value) <= tolerance:
            return sentence
    if not answer or not truth or not math.isfinite(answer / truth):
        return ""
    share = min(max(abs(tolerance / truth), 0.01), 0.08)
    ratio = answer / truth
    found = {name: min(abs(ratio / f - 1), abs(ratio * f - 1)) for name, f in SLIPS.items()}
    power = round(math.log10(abs(ratio)))
    if power:
        hint, size = POWERS.get(abs(power)), "10" if abs(power) == 1 else f"10^{abs(power)}"
        found[f"a factor of {size}{f': {hint}' if hint else ''}"] = abs(ratio / 10.0**power - 1)
    found["nm for eV, or eV for nm"] = abs(answer * truth / HC - 1)
    found["upside down"] = abs(answer * truth - 1)
    best = min(found, key=lambda name: found[name])
    return best if found[best] <= share else ""


@dataclass(frozen=True)
class Flip:
    """Where a verdict changes on the way of one knob from `start`; `at` is None where it does not."""

    start: float
    before: Any
    after: Any
    at: Quantity | None


def find_flip(
    verdict: Callable[[float], Any],
    start: float,
    end: float,
    *,
    unit: str = "",
    steps: int = 10,
    halvings: int = 5,
) -> Flip:
    """The first change of a verdict on the way of one knob, by even steps and then by halving.

    Parameters
    ----------
    verdict : of the knob; what it says where it raises ValueError is "not determined"
    start, end : of the knob; the way goes from the first to the second
    unit : of the knob
    steps, halvings : a change narrower than a step can be missed; the place is known to step/2^(halvings + 1)
    """

    def say(value: float) -> Any:
        try:
            return verdict(value)
        except ValueError:
            return "not determined"

    before, last = say(start), start
    for number in range(1, steps + 1):
        place = start + (end - start) * number / steps
        if (after := say(place)) != before:
            break
        last = place
    else:
        return Flip(start, before, before, None)
    for _ in range(halvings):
        middle = (last + place) / 2
        if (there := say(middle)) == before:
            last = middle
        else:
            place, after = middle, there
    return Flip(start, before, after, Quantity((last + place) / 2, abs(place - last) / 2, unit))


class Lesson:
    """The questions of one room, and what a student answered to them.

    Parameters
    ----------
    room : the notebook's number, which also names the file of the answers: ``03`` → ``03.json``
    data : what the questions are about, as the hash of a sample's files: an answer to other data is none to these
    answers : by the question's key, as the parameters cell gives them; a verdict with its confidence,
        ``{"mystery-1": ["two steps", 0.8]}``. The boxes of the questions do the same.
    world : which blind world; any word gives one
    folder : where answers are kept; by default `nbtools.paths.lessons_folder`

    What is judged is compared with a number that the notebook computed, never with one that was typed.
    """

    def __init__(
        self,
        room: str,
        *,
        answers: Mapping[str, Any] | None = None,
        world: str = "mystery-1",
        data: str = "",
        folder: Path | None = None,
    ) -> None:
        self.room, self.world, self.data = room, world, data
        self.path = (folder or paths.lessons_folder()) / f"{room}.json"
        read_answers(self.path, room)  # what cannot be read is said at once
        self._given = dict(answers or {})

    @property
    def answers(self) -> dict[str, Answer]:
        """All answers of this room, of earlier days too: those in its file, which other lessons of the room share."""
        return read_answers(self.path, self.room)

    def by_hand(self, key: str, text: str, value: float, **options: Any) -> "Question":
        """A number that the student reads off a curve. Options as for `check`."""
        return self._number("by hand", key, text, value, **options)

    def check(self, key: str, text: str, value: float, **options: Any) -> "Question":
        """A number, in two tries: a wrong one is told which slip would explain it, and then the right one and why.

        Parameters
        ----------
        value : what the notebook computed; a `Quantity` brings σ and is converted to `unit`
        unit : in which the answer is given
        tolerance : in `unit`; by default 5 % of the value or 3 σ, whichever is more
        rivals : ``{"that is the midpoint": number}``: what else might be taken for it
        why : the reason or formula, said once the question is answered for good
        link : where to read on: ``03_transport.ipynb#Fig.-9(a)``

        Raises
        ------
        NotPossible
            The value is not determined: such a truth is not asked.
        """
        return self._number("check", key, text, value, **options)

    def predict(
        self,
        key: str,
        text: str,
        outcome: Any,
        *,
        options: Sequence[str] = (),
        why: str = "",
        link: str = "",
        reveal: Callable[[], Any] | None = None,
        **number: Any,
    ) -> "Question":
        """A choice among `options`, or a number (as for `check`), committed before the outcome is shown.

        Parameters
        ----------
        reveal : draws what gives the answer away, below it once it is committed
        """
        if not options:
            value = math.nan if outcome is None else outcome
            return self._number("prediction", key, text, value, why=why, link=link, **number)
        if outcome not in options:
            raise ValueError(f"{key}: the outcome {outcome!r} is none of the options {list(options)}")

        def judge(answer: Any, *_: Any) -> Judgement:
            right = answer == outcome
            return Judgement(right, f"{'as predicted' if right else 'not as predicted'}: {outcome}")

        question = Question(
            self, "prediction", key, text, judge, options=options, why=why, link=link, reveal=reveal
        )
        return self._ask(question)

    def mystery(self, worlds: Mapping[str, T]) -> "Mystery[T]":
        """The world that this room and the word in the parameters cell draw from `worlds`, by their label."""
        digest = hashlib.sha256(f"{self.room}/{self.world}".encode()).digest()
        label = list(worlds)[int.from_bytes(digest[:8], "big") % len(worlds)]
        return Mystery(self.world, tuple(worlds), int.from_bytes(digest[8:12], "big"), worlds[label], {label})

    def judge(
        self, mystery: "Mystery[Any]", text: str, *, by_code: str = "", why: str = "", link: str = ""
    ) -> "Question":
        """A verdict on a blind world and how sure the student is.

        The score is the sum over all worlds of (stated chance − 1 or 0)², the chance that is left being shared among
        the worlds that were not chosen: on average best for who states what he believes, and never better for a
        wrong answer than for `UNDECIDED`. It is shown only over several worlds.

        Parameters
        ----------
        by_code : what the notebook's own estimator says of it, shown with the truth
        """
        worlds = mystery.worlds

        def judge(answer: Any, confidence: float | None, _: bool) -> Judgement:
            right = mystery.is_world(answer)
            truth = next(label for label in worlds if mystery.is_world(label))
            sure = 1 / len(worlds) if answer == UNDECIDED else confidence or 0.0
            left = (1 - sure) / (len(worlds) - 1)
            chances = {world: left for world in worlds} | ({} if answer == UNDECIDED else {answer: sure})
            score = sum((chance - (world == truth)) ** 2 for world, chance in chances.items())
            word = "not decided" if answer == UNDECIDED else "right" if right else "wrong"
            said = f"{word}: it was “{truth}”"
            return Judgement(right, f"{said}; the notebook says: {by_code}" if by_code else said, score)

        question = Question(
            self,
            "blind world",
            mystery.name,
            text,
            judge,
            options=(*worlds, UNDECIDED),
            sure=True,
            why=why,
            link=link,
        )
        return self._ask(question.of("twin", mystery.name))

    def full_key(self, key: str) -> str:
        """The key of a question on these data."""
        return f"{key} @ {self.data}" if self.data else key

    def forget(self, *keys: str) -> Self:
        """Take answers back: these, or all."""
        gone = set(map(self.full_key, keys))
        kept = {key: answer for key, answer in self.answers.items() if keys and key not in gone}
        write_answers(self.path, self.room, kept)
        return self

    def keep(self, key: str, answer: Answer) -> None:
        """Enter an answer and write the file."""
        if (kept := self.answers).get(key) != answer:
            write_answers(self.path, self.room, kept | {key: answer})

    def _number(
        self,
        kind: Kind,
        key: str,
        text: str,
        value: float,
        *,
        unit: str = "",
        tolerance: float | None = None,
        rivals: Mapping[str, float] | None = None,
        why: str = "",
        link: str = "",
    ) -> "Question":
        if not math.isfinite(value):
            raise NotPossible(f"{key}: the notebook could not determine this number, so it is not asked")
        truth = Quantity.of(value, unit)
        truth = truth.to(unit) if unit and truth.unit else truth
        sigma = truth.uncertainty if truth.uncertainty > 0 else 0.0
        within = max(0.05 * abs(truth), 3 * sigma) if tolerance is None else tolerance

        def judge(answer: Any, _: float | None, last: bool) -> Judgement:
            return judge_number(float(answer), truth, tolerance=within, rivals=rivals, hidden=not last)

        question = Question(
            self, kind, key, text, judge, unit=unit, truth=truth, rivals=rivals, why=why, link=link
        )
        return self._ask(question)

    def _ask(self, question: "Question") -> "Question":
        """Judge anew what was answered before, then take what the parameters cell gives."""
        question.judge_again()
        if question.key in self._given and not question.closed:
            given = self._given[question.key]
            question.attempt(question.commit, *(given if isinstance(given, (list, tuple)) else [given]))
        return question


@dataclass(frozen=True)
class Mystery(Generic[T]):
    """A world drawn by a word: what it is recorded with (`drawn`, `seed`), but not which it is."""

    name: str
    worlds: tuple[str, ...]
    seed: int = field(repr=False)
    drawn: T = field(repr=False)
    _label: set[str] = field(repr=False)

    def is_world(self, label: str) -> bool:
        """Whether it is the world of that label."""
        return label in self._label


class Question(Showing[Any]):
    """One question with its box: `commit` an answer, and what is said to it follows.

    With no screen it is the same object; printed, it is a line that says whether it has been answered.
    """

    def __init__(
        self,
        lesson: Lesson,
        kind: Kind,
        key: str,
        text: str,
        judge: Callable[[Any, float | None, bool], Judgement],
        *,
        unit: str = "",
        options: Sequence[str] = (),
        sure: bool = False,
        truth: Quantity | None = None,
        rivals: Mapping[str, float] | None = None,
        why: str = "",
        link: str = "",
        reveal: Callable[[], Any] | None = None,
    ) -> None:
        super().__init__()
        self.lesson, self.kind, self.key, self.text = lesson, kind, key, text
        self.unit, self.options, self._judge = unit, tuple(options), judge
        self.chance = 1 / (len(self.options) - 1) if sure else None
        self.truth, self.rivals = truth, dict(rivals or {})
        self.why, self.link, self.reveal = why, link, reveal

    def about(self, study: StudyResult) -> Self:
        """With the origin of the data that it is about."""
        return self.of(study.stamp.origin, study.stamp.source) if study.stamp else self

    @property
    def answer(self) -> Answer | None:
        """What was committed."""
        return self.lesson.answers.get(self.lesson.full_key(self.key))

    @property
    def tries(self) -> int:
        """How often it was answered."""
        return self.answer.tries if self.answer else 0

    @property
    def most_tries(self) -> int:
        """Two at a number; one at a choice, and at a prediction."""
        return 1 if self.options or self.kind == "prediction" else TRIES

    @property
    def closed(self) -> bool:
        """Answered for good: right, or no try left."""
        return self.answer is not None and (self.answer.right or self.tries >= self.most_tries)

    def commit(self, answer: Any, confidence: float | None = None) -> Self:
        """Commit a number (as typed, or a float) or one of the options; for a blind world with a confidence.

        Raises
        ------
        StateError
            No number, none of the options, no confidence, or a question that is answered already.
        """
        if self.closed:
            raise StateError(f"{self.key} is answered; lesson.forget({self.key!r}) takes that back")
        given = self._read(answer)
        if given == UNDECIDED and self.chance:
            confidence = self.chance
        if self.chance and not (confidence is not None and self.chance <= confidence <= 1):
            raise StateError(
                f"how sure came as {confidence}; between {self.chance:.2f} (chance) and 1 was expected"
            )
        before = self.answer.said.partition(": ")[2] if self.answer else ""
        self._keep(given, confidence, tries=1 + self.tries, first_slip=before)
        self.changed()
        return self

    def judge_again(self) -> None:
        """The same answer against what the notebook computes now; one to another question counts for none."""
        if (known := self.answer) is None:
            return
        given = self.attempt(self._read, known.answer)
        if given is None:
            self.lesson.forget(self.key)
        else:
            self._keep(given, known.confidence, tries=known.tries, first_slip=known.first_slip)

    def _read(self, answer: Any) -> float | str:
        if self.options:
            if answer is None:
                raise StateError(f"nothing is chosen yet; choose one of {', '.join(self.options)}")
            if answer not in self.options:
                raise StateError(f"{answer!r} came; one of {', '.join(self.options)} was expected")
            return str(answer)
        try:
            numbers = (
                [float(answer)] if isinstance(answer, (int, float)) else read_answer(str(answer), self.unit)
            )
        except ValueError as problem:
            raise StateError(str(problem)) from None
        if not math.isfinite(numbers[0]):
            raise StateError(f"{answer} came; a finite number was expected")
        # Where a comma may part thousands, what is right is what was meant.
        return next((one for one in numbers if self._judge(one, None, True).right), numbers[0])

    def _keep(
        self, answer: float | str, confidence: float | None, *, tries: int, first_slip: str = ""
    ) -> None:
        found = self._judge(answer, confidence, tries >= self.most_tries)
        record = Answer(
            kind=self.kind,
            text=self.text,
            answer=answer,
            unit=self.unit,
            right=bool(found.right),
            said=found.said,
            tries=tries,
            first_slip=first_slip,
            confidence=confidence,
            score=found.score,
            chance=self.chance,
        )
        self.lesson.keep(self.lesson.full_key(self.key), record)

    def heard(self) -> str:
        """The answer, and what was said to it; once it is answered for good, the reason and where to read on."""
        if self.answer is None:
            return ""
        said = f"your answer {self.answer.shown}: {self.answer.said}"
        if not self.closed:
            return f"{said}. One more try."
        return f"{said}. {self.why}." if self.why else said

    def __str__(self) -> str:
        if self.answer is None:
            choice = f" ({' / '.join(self.options)})" if self.options else ""
            return f"Not answered yet: {self.text}{choice}"
        return f"{self.text}\n  {self.heard()}"

    def _make_face(self) -> Any:
        return QuestionFace(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """The live box where there is a kernel, and for everyone else the line."""
        return {**(self.attempt(self.face.mime_bundle) or {}), "text/plain": str(self)}

    def __repr__(self) -> str:
        return f"<Question {self.key!r}>"


def read_answer(text: str, unit: str) -> list[float]:
    """What a student may mean by a number, in `unit`: ``38.3``, ``38,3 K``, ``38300 mK``, ``3.83·10¹``.

    One reading, the decimal point or comma first; two where three digits behind it may also be a group of thousands.

    Raises
    ------
    ValueError
        No number, or a unit of another kind.
    """
    plain = re.sub(r"[⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda power: "^" + power[0].translate(FROM_SUPERSCRIPTS), text)
    plain = unicodedata.normalize("NFKC", plain).translate(PLAIN).strip().lstrip("≈~ ")
    plain = re.sub(r"(?<=\d)[ '’_](?=\d{3}(?!\d))", "", plain)
    found = NUMBER.fullmatch(plain)
    if not found or not (found["digits"] or found["base"]):
        raise ValueError(f"{text!r} is not a number; write for instance 0.25, 1e-9 or 3·10^5")
    digits, power = found["digits"] or "1", found["power"] or found["e"] or "0"
    try:
        scale = factor_of(found["unit"] or "", unit)
    except ValueError:
        wanted = f"a number in {printed_unit(unit)} is asked for" if unit else "a pure number is asked for"
        raise ValueError(f"{text!r} is read as a number in {found['unit']!r}; {wanted}") from None
    return [float(f"{found['sign']}{one}e{power}") * scale for one in readings(digits)]


def readings(digits: str) -> list[str]:
    """A decimal number as typed, as Python writes it; with groups of thousands, a second reading or the only one."""
    marks = re.sub(r"\d", "", digits)
    thousands = re.fullmatch(r"[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})*(?:[.,]\d*)?", digits)
    if len(marks) > 1:
        # The mark that stands once, at the end, is the decimal one.
        if not thousands or len(set(marks)) > 2 or marks.count(marks[-1]) > 1 < len(set(marks)):
            raise ValueError(f"{digits!r} is not a number; write for instance 0.25 or 61400")
        if len(set(marks)) == 1:
            return [digits.replace(marks[0], "")]
        return [digits.replace(marks[0], "").replace(marks[-1], ".")]
    decimal = digits.replace(",", ".")
    return [decimal, digits.replace(marks, "")] if marks and thousands else [decimal]


def factor_of(own: str, unit: str) -> float:
    """How many `unit` make one of what the student wrote; per cent of a pure number, and the H of a B, too.

    Raises
    ------
    ValueError
        Two that do not measure the same thing.
    """
    if own in ("", unit):
        return 1.0
    own = own.replace("°", "deg").replace("Ohm", "ohm").replace("**", "^")
    own = re.sub(r"[A-Z][a-z]{3,}", lambda word: word[0].lower(), own)  # Kelvin, Angstrom
    own = re.sub(r"(?<=[A-Za-z])(?=-?\d)", "^", own)
    with suppress(ValueError):
        return convert(1.0, own, unit)
    # A flux density is taken for the field that has it in vacuum.
    return convert(convert(1.0, own, "T") / (4e-7 * math.pi), "A/m", unit)


def link_in_lab(link: str) -> str:
    """A link to a heading as one to its cell: JupyterLab finds no heading with a letter outside ASCII."""
    file, _, anchor = link.partition("#")
    path = paths.NOTEBOOKS / file
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"] if path.is_file() else []
    for cell in cells:
        text = "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""
        if anchor in [
            line.lstrip("#").strip().replace(" ", "-") for line in text.splitlines() if line[:1] == "#"
        ]:
            return f"{file}#cell-id={cell['id']}"
    return link


LINE = '<div style="line-height:1.35">'  # a question fills no more of a small screen than it needs


class QuestionFace(Face):
    """The controls, every one by name in `controls`; the whole as `box`."""

    def __init__(self, owner: Any) -> None:
        super().__init__(owner)
        w = ipywidgets()
        self.origin = ""
        self.text, self.said = (w.HTML(layout={"width": "100%"}) for _ in range(2))
        self.controls = {"answer": self._answer()}
        if owner.chance:
            self.controls["confidence"] = w.FloatSlider(
                value=owner.chance,
                min=owner.chance,
                max=1.0,
                step=0.01,
                readout_format=".0%",
                description="how sure",
            )
        self.controls["commit"] = button("Commit", lambda: self.do(self._commit), tip="this is my answer")
        row = w.HBox(list(self.controls.values()), layout={"flex_flow": "row wrap", "width": "100%"})
        self.reading = w.Output()
        self.box = self._stack([self.text, row, self.said, self.reading, self.sentences])
        self.update()

    def _answer(self) -> Any:
        w = ipywidgets()
        if self.owner.options:
            # Nothing is chosen before the student chooses.
            return w.RadioButtons(
                options=list(self.owner.options), value=None, layout={"width": "max-content"}
            )
        unit = printed_unit(self.owner.unit)
        example = f"a number in {unit}" if unit else "a number"
        return w.Text(placeholder=example, layout={"width": "220px"})

    def _commit(self) -> None:
        sure = self.controls.get("confidence")
        self.owner.commit(self.controls["answer"].value, *([sure.value] if sure else []))

    def show_origin(self, tag: str) -> None:
        """In the line of the question, which leaves the screen to its picture."""
        self.origin = f'<span style="float:right;padding-left:1em">{tag}</span>'
        self._ask()

    def _ask(self) -> None:
        asked = f"<b>{escape(self.owner.kind)}</b> · {escape(self.owner.text)}"
        self.text.value = f"{LINE}{self.origin}{asked}</div>"

    def _draw(self) -> None:
        self._ask()
        self.said.value = f"{LINE}{escape(self.owner.heard())}</div>"
        shown: list[dict[str, Any]] = []
        if self.owner.closed and self.owner.reveal:
            from IPython.utils.capture import capture_output

            with capture_output() as caught:
                self.owner.reveal()
            # A figure comes as bytes; what a widget holds is text.
            shown += [
                {
                    kind: b64encode(data).decode() if isinstance(data, bytes) else data
                    for kind, data in one.data.items()
                }
                for one in caught.outputs
            ]
        if self.owner.closed and self.owner.link:
            shown.append({"text/markdown": f"[Read on]({link_in_lab(self.owner.link)})"})
        # An output, for JupyterLab opens its links beside the notebook; a link in a widget would leave the page.
        self.reading.outputs = tuple(
            {"output_type": "display_data", "metadata": {}, "data": data} for data in shown
        )

    def _follow(self) -> None:
        for control in self.controls.values():
            control.disabled = self.owner.closed
