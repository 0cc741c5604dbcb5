"""Change a printed number, and the verdicts that rest on it follow; the others stay."""

import pytest
from driving import drive

from nbtools.fitting.state import StateError
from nbtools.paper import recompute
from nbtools.paper.explore import explore_what_if


def test_what_moves_is_what_recompute_says():
    """As printed nothing has moved; a thirtieth of the resistivity moves what rests on it, and back."""
    what_if = explore_what_if()
    assert what_if.moved == [] and what_if.changes == {}
    what_if.set("RES-03", 0.005)
    changed = recompute({"RES-03": [0.005]})
    expected = {n for n, verdict in changed.items() if verdict.word != what_if.printed[n].word}
    assert expected and {row[0] for row in what_if.moved} == expected
    assert "RES-03 from ~0.2 µΩ m to 0.005" in repr(what_if)
    what_if.undo()
    assert what_if.moved == []


def test_it_can_begin_with_a_change():
    """And says in words what follows, where there is no kernel."""
    what_if = explore_what_if({"RES-03": [0.005]})
    text = what_if._repr_mimebundle_()["text/plain"]
    assert "GL-05: " in text and "→ inconsistent" in text


def test_several_numbers_of_one_statement(tmp_path):
    """Each has its own place; one that there is not is refused."""
    what_if = explore_what_if()
    what_if.choose("CMP-02").set("CMP-02", 30.0, 1)
    assert what_if.changes == {"CMP-02": (73.1, 30.0, 0.4)}
    with pytest.raises(StateError, match="prints no number 5"):
        what_if.set("CMP-02", 30.0, 5)
    with pytest.raises(StateError, match="finite"):
        what_if.set("CMP-02", float("nan"), 1)


def test_the_box_and_the_slider_move_the_same_number():
    """And the table below says what followed."""
    what_if = explore_what_if()
    controls = what_if.controls
    controls["number"].value = "RES-03"
    controls = what_if.controls  # those of the statement that was chosen
    controls["value 0"].value = 0.005
    assert what_if.changes == {"RES-03": (0.005,)}
    assert controls["slider 0"].value == 0.005 and controls["slider 0"].min <= 0.005
    assert "GL-05" in what_if.face.result.value
    controls["reset"].click()
    assert what_if.changes == {} and controls["value 0"].value == 0.2
    assert drive(what_if).clean
