"""What every widget here shares: sentences for the reader, caught errors, a face made on demand, a picture."""

import traceback
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Generic, Literal, Self, TypeVar

from nbtools.display.style import ORIGIN_COLOURS
from nbtools.fitting.state import FitError, HasParameters, StateError, Trail
from nbtools.results import ORIGIN_LABELS, Origin

Known = TypeVar("Known", bound=HasParameters)


class Showing(Generic[Known]):
    """A state with a face: the face and every GUI package come only when it is first shown."""

    _start: Known
    _trail: Trail[Known]

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.errors: list[str] = []
        self._callbacks: list[Callable[[Any], None]] = []
        self._face: Any = None
        self._origin = ("", "")
        self.source = ""

    def of(self, origin: Origin | Literal["model"], source: str = "") -> Self:
        """Say on the widget and its picture whether the data are measured, digitised or synthetic, or a model's."""
        self.source = source
        if origin == "model":
            self._origin = ("model, no data", "#777777")
        else:
            label = ORIGIN_LABELS[origin] + (f" · {source}" if source else "")
            self._origin = (label, ORIGIN_COLOURS[origin])
        return self

    def _begin(self, state: Known) -> None:
        self._start, self._trail = state, Trail(state)

    @property
    def current(self) -> Known:
        """The state, as the validated object."""
        return self._trail.state

    @property
    def state(self) -> dict[str, Any]:
        """The state as plain JSON, with its schema version; assigning one makes it current."""
        return self.current.plain()

    @state.setter
    def state(self, content: Mapping[str, Any]) -> None:
        state = type(self._start).read(content)
        self._refuse_foreign(state)
        self._move(state)

    def _refuse_foreign(self, state: Known) -> None:
        """Raise `StateError` for a state that is of something else."""

    def undo(self) -> Self:
        """Back by one move."""
        return self._step(self._trail.undo(), "There is nothing to undo.")

    def redo(self) -> Self:
        """Forward again by one move."""
        return self._step(self._trail.redo(), "There is nothing to redo.")

    def reset(self) -> Self:
        """Back to how it was made."""
        self._move(self._start)
        return self

    def _move(self, state: Known, control: str | None = None) -> None:
        self._trail.move(state, control)
        self.changed()

    def _step(self, moved: bool, otherwise: str) -> Self:
        self.say(*([] if moved else [otherwise]))
        self.changed()
        return self

    @property
    def face(self) -> Any:
        """The live controls and plot; made when first asked for."""
        if self._face is None:
            self._face = self._make_face()
            label, colour = self._origin
            if label:
                self._face.show_origin(f'<span style="color:{colour}">{escape(label)}</span>')
        return self._face

    @property
    def controls(self) -> dict[str, Any]:
        """Every control by name, as ipywidgets."""
        return dict(self.face.controls)

    def on_change(self, callback: Callable[[Any], None]) -> Self:
        """Call ``callback(self)`` after every change; what it raises is shown in the widget."""
        self._callbacks.append(callback)
        return self

    def say(self, *sentences: str) -> None:
        """What the widget shows below its buttons; no sentence clears it."""
        self.sentences = list(sentences)

    def changed(self) -> None:
        """Redraw the face, if there is one, and call the callbacks."""
        if self._face is not None:
            self._face.update()
        for callback in self._callbacks:
            self.attempt(callback, self)

    def attempt(self, action: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        """Do what a control asks for; what it raises becomes a sentence in the widget, and is kept.

        A stated failure (`FitError`, `StateError`) is only said; anything else, or a model that
        raised, also goes to `errors`, where a test finds it.
        """
        try:
            return action(*arguments, **keywords)
        except (FitError, StateError) as problem:
            if problem.__cause__ is not None:
                self.errors.append(_short(problem.__cause__))
            self.say(_capital(str(problem)))
        except Exception as problem:
            self.errors.append(_short(problem))
            self.say(f"{type(problem).__name__}: {problem} (in {_place(problem)})")
        if self._face is not None:
            self._face.show_sentences()
        return None

    def close(self) -> None:
        """Take the face away; the state stays, and a new face can be made of it."""
        if self._face is not None:
            self._face.close()
            self._face = None

    def figure(self) -> Any:
        """The last state as a matplotlib Figure."""
        raise NotImplementedError

    def _tagged(self, figure: Any) -> Any:
        label, colour = self._origin
        if label:
            figure.text(0.995, 0.995, label, ha="right", va="top", fontsize=7, color=colour)
        return figure

    def _make_face(self) -> Any:
        raise NotImplementedError

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """The live widget where there is a kernel, and for everyone else the picture of this state."""
        from nbtools.display.style import encode

        bundle: dict[str, Any] = {"text/plain": repr(self)}
        bundle.update(self.attempt(self.face.mime_bundle) or {})
        picture = self.attempt(self.figure)
        if picture is not None:
            bundle["image/png"] = encode(picture, dpi=100)
        return {**bundle, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def _short(problem: BaseException) -> str:
    return "".join(traceback.format_exception_only(problem)).strip()


def _place(problem: BaseException) -> str:
    frames = traceback.extract_tb(problem.__traceback__)
    return f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "unknown"


def _capital(sentence: str) -> str:
    named = sentence.split(" ")[0].endswith(":")  # a parameter's name keeps its spelling
    return (sentence if named else sentence[:1].upper() + sentence[1:]) + (
        "" if sentence.endswith(".") else "."
    )
