"""The table of the statements under the hand: by verdict, notebook, kind, and words."""

from collections.abc import Callable
from typing import Any, Protocol

from nbtools.display.gui import close_all, ipywidgets
from nbtools.explore.state import ExploreState
from nbtools.fitting.showing import Showing
from nbtools.fitting.state import StateError

ALL = "all"
NARROW = {"width": "270px"}
COLUMNS = ("verdict", "notebook", "kind", "topic")


class Selectable(Protocol):
    """A table that gives a part of itself and shows itself as HTML."""

    rows: Any

    def select(self, *, text: str = "", **wanted: Any) -> "Selectable": ...

    def _repr_html_(self) -> str: ...


def explore_statements(card: Selectable) -> "StatementTable":
    """Menus for verdict, notebook, kind and topic, and a box for words; the rows that fit below them."""
    return StatementTable(card)


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

    @property
    def state(self) -> dict[str, Any]:
        """The choices as plain JSON; assigning them makes them current."""
        return self.current.plain()

    @state.setter
    def state(self, content: dict[str, Any]) -> None:
        self._move(ExploreState.read(content))

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
        return {**bundle, "text/html": self.chosen._repr_html_(), "text/plain": repr(self)}


class StatementFace:
    """Menus, a box for words, and the rows."""

    def __init__(self, table: StatementTable) -> None:
        gui = ipywidgets()
        self.table = table
        self.controls: dict[str, Any] = {
            name: gui.Dropdown(options=options, description=name, layout=NARROW)
            for name, options in table.options.items()
        }
        self.controls["text"] = gui.Text(description="words", placeholder="half screening", layout=NARROW)
        self.rows, self.said = gui.HTML(), gui.HTML()
        for name, control in self.controls.items():
            control.observe(self._follow(name), names="value")
        self.box = gui.VBox(
            [
                gui.HBox(list(self.controls.values()), layout={"flex_flow": "row wrap", "width": "100%"}),
                self.said,
                self.rows,
            ]
        )
        self.update()

    def _follow(self, name: str) -> Callable[[Any], None]:
        def moved(change: Any) -> None:
            self.table.attempt(self.table.set, name, change["new"])

        return moved

    def update(self) -> None:
        """Show what fits."""
        for name, control in self.controls.items():
            control.value = self.table.current.choices[name]
        self.rows.value = self.table.chosen._repr_html_()
        self.show_sentences()

    def show_sentences(self) -> None:
        self.said.value = " ".join(self.table.sentences)

    def mime_bundle(self) -> dict[str, Any]:
        """The live view."""
        return dict(self.box._repr_mimebundle_())

    def close(self) -> None:
        """Take the controls away."""
        close_all(self.box)
