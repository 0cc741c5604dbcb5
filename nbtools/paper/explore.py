"""The statements under the hand: the table by verdict, notebook, kind and words; and what if a number were another."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Protocol

from nbtools.display.face import Face
from nbtools.display.gui import STEPS, TABLE_STYLE, close_all, ipywidgets
from nbtools.explore.state import ExploreState
from nbtools.fitting.showing import Showing
from nbtools.fitting.state import ParameterState, StateError
from nbtools.paper.printed import read_paper
from nbtools.paper.statements import recompute
from nbtools.paper.verdict import Verdict
from nbtools.study import html_table
from nbtools.units import printed_unit

ALL = "all"
NARROW = {"width": "270px"}
COLUMNS = ("verdict", "notebook", "kind", "topic")


class Selectable(Protocol):
    """A table that gives a part of itself and shows itself as HTML."""

    rows: Any

    def select(self, *, text: str = "", **wanted: Any) -> "Selectable": ...

    def _repr_html_(self) -> str: ...


def explore_statements(card: Selectable, **chosen: str) -> "StatementTable":
    """Menus for verdict, notebook, kind and topic, and a box for words; the rows that fit below them.

    Parameters
    ----------
    card : a `PaperTable`
    chosen : to begin with, as ``verdict="inconsistent"``; what no statement has is left at all of them

    Raises
    ------
    StateError
        A menu that there is not.
    """
    table = StatementTable(card)
    for name, value in chosen.items():
        if name not in table.options or value in table.options[name]:
            table.set(name, value)
    return table.of("paper", "its statements")


class StatementTable(Showing[ExploreState]):
    """The paper's table and what is chosen of it; with no kernel the whole table stands in its place.

    Parameters
    ----------
    card : a `PaperTable`
    """

    def __init__(self, card: Selectable) -> None:
        super().__init__()
        self.card = card
        self.options = {name: (ALL, *dict.fromkeys(card.rows[name])) for name in COLUMNS}
        self._begin(ExploreState(parameters={}, choices={**dict.fromkeys(COLUMNS, ALL), "text": ""}))

    def set(self, name: str, value: str) -> "StatementTable":
        """Choose: ``set("verdict", "inconsistent")``, ``set("text", "half screening")``.

        Raises
        ------
        StateError
            A menu or an entry that there is not.
        """
        if name != "text" and value not in self.options.get(name, ()):
            known = self.options.get(name) or (*COLUMNS, "text")
            raise StateError(f"{name}: {value!r} is none of {', '.join(known)}")
        self._move(self.current.changed(choices={**self.current.choices, name: value}), name)
        return self

    @property
    def chosen(self) -> Selectable:
        """The statements that fit."""
        choices = self.current.choices
        wanted = {name: str(choices[name]) for name in COLUMNS if choices[name] != ALL}
        return self.card.select(text=str(choices["text"]), **wanted)

    def _make_face(self) -> "StatementFace":
        return StatementFace(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """The live table; and the rows as they stand, which need no kernel."""
        bundle = dict(self.attempt(self.face.mime_bundle) or {})
        return {**bundle, "text/html": self.card._repr_html_(), "text/plain": repr(self)}


class StatementFace(Face):
    """Menus, a box for words, and the rows."""

    def __init__(self, table: StatementTable) -> None:
        super().__init__(table)
        gui = ipywidgets()
        self.controls = {
            name: gui.Dropdown(options=options, description=name, layout=NARROW)
            for name, options in table.options.items()
        }
        self.controls["text"] = gui.Text(description="words", placeholder="half screening", layout=NARROW)
        self.rows = gui.HTML(layout={"max_height": "460px", "overflow": "auto"})
        for name, control in self.controls.items():
            control.observe(self._choose(name), names="value")
        menus = gui.HBox(list(self.controls.values()), layout={"flex_flow": "row wrap", "width": "100%"})
        self.box = gui.VBox([menus, self.sentences, self.rows])
        self.update()

    def _choose(self, name: str) -> Callable[[Any], None]:
        return lambda change: self.ask(self.owner.set, name, change["new"])

    def _draw(self) -> None:
        self.rows.value = self.owner.chosen._repr_html_()

    def _follow(self) -> None:
        for name, control in self.controls.items():
            control.value = self.owner.current.choices[name]


def explore_what_if(changes: Mapping[str, Sequence[float]] | None = None) -> "WhatIf":
    """Any printed number under the hand, and the verdicts that follow it.

    Parameters
    ----------
    changes : to begin with, as `nbtools.paper.recompute` has it
    """
    return WhatIf(changes or {}).of("paper", "its printed numbers")


class WhatIf(Showing[ExploreState]):
    """The paper's printed numbers, changed one by one or together, and what its other numbers then say of it.

    Parameters
    ----------
    changes : for a statement's id its numbers, as many as are printed, in the printed units

    Raises
    ------
    ValueError
        A statement that there is not, or another count of numbers.
    """

    def __init__(self, changes: Mapping[str, Sequence[float]]) -> None:
        super().__init__()
        self.paper = read_paper()
        changed = self.paper.changed(changes)
        self.printed = recompute()
        numbers = {}
        for name, about in self.paper.items():
            for place, value in enumerate(about.value):
                low, high = _ends(float(value), about.rounding[place])
                now = float(changed[name].value[place])
                numbers[f"{name} {place}"] = ParameterState(
                    value=now, unit=about.unit[place], low=min(low, now), high=max(high, now)
                )
        first = next(iter(changes), next(name.split()[0] for name in numbers))
        self._begin(ExploreState(parameters=numbers, choices={"number": first}))
        self._known: tuple[Any, dict[str, Verdict]] = (None, {})

    def set(self, name: str, value: float, place: int = 0) -> "WhatIf":
        """Change a printed number: ``set("RES-03", 0.005)``.

        Parameters
        ----------
        name : the statement's id
        value : in the printed unit
        place : which of its numbers, from 0

        Raises
        ------
        StateError
            A statement that prints no such number, or a value that is none.
        """
        key = f"{name} {place}"
        known = self.current.parameters.get(key)
        if known is None:
            raise StateError(f"{name} prints no number {place}; choose one of the menu")
        if not math.isfinite(value):
            raise StateError(f"{value} came; a finite number was expected")
        low, high = min(known.low or value, value), max(known.high or value, value)
        moved = known.model_copy(update={"value": float(value), "low": low, "high": high})
        self._move(self.current.changed(parameters={**self.current.parameters, key: moved}), key)
        return self

    def choose(self, name: str) -> "WhatIf":
        """Take a statement's numbers under the hand."""
        self._move(self.current.changed(choices={"number": name}), "number")
        return self

    def reset(self) -> "WhatIf":
        """Every number as it is printed or was given; the statement under the hand stays."""
        self._move(self._start.changed(choices=self.current.choices))
        return self

    @property
    def changes(self) -> dict[str, tuple[float, ...]]:
        """The statements whose numbers are not those printed, for `recompute`."""
        now = {
            name: tuple(self.current.parameters[f"{name} {i}"].value for i in range(len(about.value)))
            for name, about in self.paper.items()
            if about.value
        }
        return {
            name: values
            for name, values in now.items()
            if values != tuple(map(float, self.paper[name].value))
        }

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """Every verdict on printed numbers, with the numbers as they stand."""
        changes = self.changes
        if self._known[0] != changes:
            self._known = (changes, recompute(changes) if changes else self.printed)
        return self._known[1]

    @property
    def moved(self) -> list[tuple[str, str, str, str]]:
        """Statement, the verdict as printed, the verdict now, and on what it rests now."""
        return [
            (name, self.printed[name].word, now.word, now.basis)
            for name, now in self.verdicts.items()
            if now.word != self.printed[name].word
        ]

    @property
    def sentence(self) -> str:
        """What was changed, and how many verdicts followed."""
        if not self.changes:
            return f"{len(self.printed)} verdicts rest on printed numbers alone. Change one of the numbers."
        what = "; ".join(
            f"{name} from {self.paper[name].printed} to {', '.join(f'{value:.4g}' for value in values)}"
            for name, values in self.changes.items()
        )
        count = len(self.moved)
        return f"{what}: {count or 'no'} verdict{'' if count == 1 else 's'} of {len(self.printed)} changed"

    def __repr__(self) -> str:
        return "\n".join(
            [self.sentence, *(f"{n}: {was} → {now}. {basis}" for n, was, now, basis in self.moved)]
        )

    def _make_face(self) -> "WhatIfFace":
        return WhatIfFace(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """The live numbers; and in words what follows from them as they stand."""
        return {**(self.attempt(self.face.mime_bundle) or {}), "text/plain": repr(self)}


class WhatIfFace(Face):
    """A menu of the statements, a box and a slider for each of its numbers, and what moved."""

    def __init__(self, owner: WhatIf) -> None:
        super().__init__(owner)
        gui = ipywidgets()
        options = [
            (f"{n} · {about.quantity}: {about.printed}", n) for n, about in owner.paper.items() if about.value
        ]
        self.controls = {
            "number": gui.Dropdown(options=options, description="printed", layout={"width": "100%"}),
            **self._step_buttons(),
        }
        self.says, self.result = gui.HTML(), gui.HTML()
        self.rows = gui.VBox()
        self._shown = ""
        self.controls["number"].observe(lambda change: self.ask(owner.choose, change["new"]), names="value")
        buttons = gui.HBox([self.controls[name] for name in ("undo", "redo", "reset")])
        self.box = self._stack(
            [self.controls["number"], self.says, self.rows, buttons, self.sentences, self.result]
        )
        self.update()

    def _build_rows(self, name: str) -> None:
        gui = ipywidgets()
        close_all(*self.rows.children)
        self._shown, rows = name, []
        for place in range(len(self.owner.paper[name].value)):
            known = self.owner.current.parameters[f"{name} {place}"]
            box = gui.FloatText(value=known.value, layout={"width": "110px"})
            slider = gui.FloatSlider(
                value=known.value,
                min=known.low,
                max=known.high,
                step=(known.high - known.low) / STEPS,
                readout=False,
            )
            for control in (box, slider):
                control.observe(self._follow_number(name, place), names="value")
            unit = gui.HTML(escape(printed_unit(known.unit)))
            rows.append(gui.HBox([box, unit, slider]))
            self.controls[f"value {place}"], self.controls[f"slider {place}"] = box, slider
        self.rows.children = rows

    def _follow_number(self, name: str, place: int) -> Callable[[Any], None]:
        return lambda change: self.ask(self.owner.set, name, change["new"], place)

    def _draw(self) -> None:
        rows = [("statement", "as printed", "now", "because"), *self.owner.moved]
        table = html_table(rows) if self.owner.moved else ""
        self.result.value = f"{TABLE_STYLE}<p><b>{escape(self.owner.sentence)}</b></p>{table}"

    def _follow(self) -> None:
        name = str(self.owner.current.choices["number"])
        self.controls["number"].value = name
        self.says.value = f"<i>{escape(self.owner.paper[name].says)}</i>"
        if self._shown != name:
            self._build_rows(name)
        for place in range(len(self.owner.paper[name].value)):
            known = self.owner.current.parameters[f"{name} {place}"]
            box, slider = self.controls[f"value {place}"], self.controls[f"slider {place}"]
            slider.min, slider.max = min(slider.min, known.low), max(slider.max, known.high)
            box.value = slider.value = known.value


def _ends(value: float, rounding: float) -> tuple[float, float]:
    """Twenty roundings either way, on the side of zero where the value is."""
    low, high = value - 20 * rounding, value + 20 * rounding
    if value > 0:
        low = max(low, value / 20)
    elif value < 0:
        high = min(high, value / 20)
    return low, high
