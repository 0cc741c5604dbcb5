"""What every face shares: it does what a control asks, shows what came of it, and follows the state."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nbtools.display.gui import FACE_STYLE, button, close_all, ipywidgets, sentences_html


class Face:
    """Controls over an `owner` whose state they follow; `box` holds it all, `controls` has each by name.

    A face says how it is drawn (`_draw`) and how its controls are brought to the state (`_follow`).
    """

    box: Any
    controls: dict[str, Any]

    def __init__(self, owner: Any) -> None:
        self.owner, self.busy = owner, False
        self.sentences = ipywidgets().HTML(layout={"width": "100%"})

    def _step_buttons(self) -> dict[str, Any]:
        o = self.owner
        return {
            "undo": button("Undo", lambda: self.do(o.undo), tip="one move back", icon="undo"),
            "redo": button("Redo", lambda: self.do(o.redo), tip="one move forward", icon="repeat"),
            "reset": button("Reset", lambda: self.do(o.reset), tip="as it was made", icon="step-backward"),
        }

    def _stack(self, parts: list[Any]) -> Any:
        w = ipywidgets()
        layout = {"width": "100%", "max_width": "1000px", "overflow": "hidden"}
        return w.VBox([w.HTML(FACE_STYLE, layout={"display": "none"}), *parts], layout=layout)

    def show_origin(self, tag: str) -> None:
        """Above all else, at the right: where the data come from."""
        label = ipywidgets().HTML(f'<div style="text-align:right">{tag}</div>')
        self.box.children = (label, *self.box.children)

    # ---- what the controls ask for

    def ask(self, action: Any, *arguments: Any) -> None:
        """Do what a control asks, unless it only follows the state; then show what came of it."""
        if not self.busy:
            self.do(action, *arguments)

    def do(self, action: Any, *arguments: Any) -> None:
        """Do it, say what went wrong, bring every control to the state."""
        self.owner.say()
        self.owner.attempt(action, *arguments)
        self.refresh()

    def set(self, name: str, **changes: Any) -> None:
        """For the rows."""
        self.owner.set(name, **changes)

    # ---- showing

    def update(self) -> None:
        """After a change of the state: plots, numbers, controls, sentences."""
        with self._following():
            self.owner.attempt(self._draw)
            self._follow()
            self.show_sentences()

    def refresh(self) -> None:
        """Bring the controls to the state; what could not be done shows as its old value."""
        with self._following():
            self._follow()
            self.show_sentences()

    @contextmanager
    def _following(self) -> Iterator[None]:
        """While controls are brought to the state they ask for nothing: the one guard of a face."""
        before, self.busy = self.busy, True
        try:
            yield
        finally:
            self.busy = before

    def show_sentences(self) -> None:
        """What the owner has to say."""
        self.sentences.value = sentences_html(self.owner.sentences)

    def mime_bundle(self) -> dict[str, Any]:
        """The live view, for a front end that has a kernel."""
        return dict(self.box._repr_mimebundle_())

    def close(self) -> None:
        """Close every widget of this face."""
        close_all(self.box)

    def _draw(self) -> None:
        raise NotImplementedError

    def _follow(self) -> None:
        raise NotImplementedError
