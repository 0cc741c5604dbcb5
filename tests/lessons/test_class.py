"""Thirty students' files become one page for the lecturer."""

import re
from pathlib import Path

import pytest

from nbtools.__main__ import main
from nbtools.lessons.class_page import read_class
from nbtools.lessons.hand_in import HandIn
from nbtools.lessons.questions import Lesson

WORLDS = {"one": 1, "two": 2, "three": 3}


@pytest.fixture
def class_folder(tmp_path: Path) -> Path:
    """Thirty students: twenty read the onset right, six in mK, four guess; each judges a world at 80 %."""
    folder = tmp_path / "class"
    folder.mkdir()
    for number in range(30):
        lesson = Lesson("03", world=f"w{number}", folder=tmp_path / str(number))
        question = lesson.by_hand("onset", "Where does it start?", 38.3, unit="K")
        question.commit(38.3 if number < 20 else 38300.0 if number < 26 else 110.0 + number)
        mystery = lesson.mystery(WORLDS)
        right = number % 2 == 0
        lesson.judge(mystery, "Which?").commit(next(w for w in WORLDS if mystery.is_world(w) is right), 0.8)
        name, text = HandIn(tmp_path / str(number)).file(f"Student {number}")
        (folder / name).write_text(text)
    (folder / "notes.json").write_text("{}")
    return folder


def test_the_page_says_who_misread_what(
    class_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Counts, the slip with the names, and the class's confidence beside how often it was right."""
    found = read_class(class_folder)
    onset = next(question for question in found.questions if question.key == "onset")
    assert (len(onset.answers), onset.right, onset.at_once) == (30, 20, 20)
    first, second = onset.misread
    assert first == "6 × a factor of 10^3: kilo or milli: " + ", ".join(f"Student {n}" for n in range(20, 26))
    assert second.startswith("4 × no known slip: Student 26 (136 K), ")
    blind = [question for question in found.questions if question.key != "onset"]
    assert all(re.match(r"1 × “(one|two|three)”: Student \d+$", m) for q in blind for m in q.misread)
    assert found.calibration == [("70% to 90%", 30, 15)]
    page = tmp_path / "page.html"
    assert main(["class", str(class_folder), "-o", str(page)]) == 0
    out = capsys.readouterr().out
    assert "30 students" in out and "left out: notes.json" in out
    html = page.read_text()
    assert "30 blind worlds: 50% right at a mean confidence of 80%" in html
    assert "kilo or milli" in html and "Student 21" in html and "<script" not in html


def test_two_files_of_one_name_are_two_students(class_folder: Path):
    """Unless they are the same file twice."""
    first = sorted(class_folder.glob("answers-*.json"))[0]
    (class_folder / "again.json").write_text(first.read_text())
    assert len(read_class(class_folder).students) == 30
    (class_folder / "again.json").write_text(first.read_text().replace("38.3", "38.4", 1))
    names = [student.student for student in read_class(class_folder).students]
    assert len(names) == 31 and sum("(2)" in name for name in names) == 1


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
def test_a_folder_without_answers_is_refused(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "empty").mkdir()
    assert main(["class", str(tmp_path / folder)]) == 2
    assert str(tmp_path) in capsys.readouterr().out
