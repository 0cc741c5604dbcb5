"""The face of a question: a box or a menu, how sure, a button, and what was said."""

from html import escape
from typing import Any

from nbtools.widgets.face import Face
from nbtools.widgets.gui import button, ipywidgets


class QuestionFace(Face):
    """The controls, every one by name in `controls`; the whole as `box`."""

    def __init__(self, owner: Any) -> None:
        super().__init__(owner)
        w = ipywidgets()
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
        self.box = self._stack([self.text, row, self.said, self.sentences])
        self.update()

    def _answer(self) -> Any:
        w = ipywidgets()
        if self.owner.options:
            return w.Dropdown(options=list(self.owner.options), layout={"width": "auto"})
        return w.Text(placeholder="a number", description=self.owner.unit, layout={"width": "220px"})

    def _commit(self) -> None:
        sure = self.controls.get("confidence")
        self.owner.commit(self.controls["answer"].value, *([sure.value] if sure else []))

    def _draw(self) -> None:
        self.text.value = f"<b>{escape(self.owner.kind)}</b> · {escape(self.owner.text)}"
        self.said.value = "" if self.owner.answer is None else escape(self.owner.heard())

    def _follow(self) -> None:
        for control in self.controls.values():
            control.disabled = self.owner.closed
