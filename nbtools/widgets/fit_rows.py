"""One row of controls for each parameter: slider, number, uncertainty, vary, bounds, expression."""

from typing import Any

from nbtools.units import format_value
from nbtools.widgets.fit_report import shown_unit
from nbtools.widgets.fit_state import ParameterState, StateError, fraction_at, value_at
from nbtools.widgets.gui import STEPS, ipywidgets, read_number, write_number

COLUMNS = "minmax(76px,1.3fr) minmax(110px,2.2fr) minmax(84px,1.1fr) minmax(64px,0.9fr) 34px " + " ".join(
    ["minmax(56px,0.8fr)"] * 2 + ["minmax(60px,0.9fr)"]
)
HEADINGS = ("", "", "value", "± σ", "vary", "min", "max", "tied to")


class ParameterRow:
    """The controls of one parameter of `owner`, which has `set(name, **changes)` and `attempt`.

    Parameters
    ----------
    fitted : also σ, vary, min, max and expression; an argument of an explored function has none
    """

    def __init__(
        self,
        owner: Any,
        name: str,
        known: ParameterState,
        *,
        system: str,
        label: str = "",
        fitted: bool = True,
    ) -> None:
        self.owner, self.name, self.fitted = owner, name, fitted
        self.factor, self.unit = shown_unit(known.unit, system)
        self.busy = False
        w = ipywidgets()
        text = {"continuous_update": False, "layout": {"width": "auto"}}
        title = f"{label or name} ({self.unit})" if self.unit else label or name
        self.label = w.Label(title, tooltip=title, layout={"width": "auto", "overflow": "hidden"})
        self.slider = w.IntSlider(
            min=0, max=STEPS, readout=False, tooltip=f"{title}: drag, or arrow keys", layout={"width": "auto"}
        )
        self.number = w.Text(**text, tooltip=f"{title}, as a number: 1e-9 is understood")
        self.sigma = w.Label("", layout={"width": "auto"})
        self.vary = w.Checkbox(indent=False, layout={"width": "auto"}, tooltip=f"let the fit move {name}")
        self.least = w.Text(**text, placeholder="−∞", tooltip=f"least value of {name}")
        self.most = w.Text(**text, placeholder="∞", tooltip=f"greatest value of {name}")
        self.expr = w.Text(**text, placeholder="free", tooltip=f"{name} as an expression of other parameters")
        self.known: ParameterState | None = None
        self._listen()

    @property
    def widgets(self) -> list[Any]:
        """The row, from left to right."""
        found = [self.label, self.slider, self.number]
        return [*found, self.sigma, self.vary, self.least, self.most, self.expr] if self.fitted else found

    @property
    def controls(self) -> dict[str, Any]:
        """What can be set, by name."""
        found = {f"{self.name} slider": self.slider, f"{self.name} value": self.number}
        if self.fitted:
            found |= {f"{self.name} vary": self.vary, f"{self.name} expr": self.expr}
            found |= {f"{self.name} min": self.least, f"{self.name} max": self.most}
        return found

    def _listen(self) -> None:
        self.slider.observe(lambda change: self._ask(self._slide, change["new"]), "value")
        self.number.observe(lambda change: self._ask(self._number, "value", change["new"]), "value")
        if self.fitted:
            self.least.observe(lambda change: self._ask(self._number, "min", change["new"]), "value")
            self.most.observe(lambda change: self._ask(self._number, "max", change["new"]), "value")
            self.vary.observe(lambda change: self._ask(self._set, vary=change["new"]), "value")
            self.expr.observe(lambda change: self._ask(self._set, expr=change["new"].strip()), "value")

    def _ask(self, action: Any, *arguments: Any, **keywords: Any) -> None:
        if self.busy:
            return
        self.owner.say()
        self.owner.attempt(action, *arguments, **keywords)
        self.owner.refresh()

    def _set(self, **changes: Any) -> None:
        self.owner.set(self.name, **changes)

    def _slide(self, position: int) -> None:
        assert self.known is not None
        self._set(value=value_at(position / STEPS, *self.known.ends))

    def _number(self, which: str, text: str) -> None:
        if not text.strip() and which in ("min", "max"):
            text = "-inf" if which == "min" else "inf"
        try:
            value = read_number(text)
        except ValueError as problem:
            raise StateError(f"{self.name}: {problem}") from None
        self._set(**{which: value / self.factor})

    def show(self, known: ParameterState, value: float, sigma: float | None = None) -> None:
        """Bring every control to this state, without being asked back."""
        self.busy = True
        try:
            self.known = known
            free = known.expr is None
            self.slider.disabled = self.number.disabled = not free
            self.slider.value = round(STEPS * fraction_at(value, *known.ends))
            self.number.value = write_number(value * self.factor)
            if self.fitted:
                self.sigma.value = _sigma_text(value * self.factor, sigma and sigma * self.factor)
                self.vary.value, self.vary.disabled = known.vary and free, not free
                self.least.value = write_number(known.min * self.factor)
                self.most.value = write_number(known.max * self.factor)
                self.expr.value = known.expr or ""
        finally:
            self.busy = False


def _sigma_text(value: float, sigma: float | None) -> str:
    """The uncertainty as `format_value` rounds it."""
    if not sigma:
        return ""
    text = format_value(value, sigma)
    tail = text[text.index(")") + 1 :] if ")" in text else ""
    return "± " + text.split("±")[1].split(")")[0].strip() + tail


def rows_grid(rows: list[ParameterRow]) -> Any:
    """All rows in one grid, so that the columns line up and share the width."""
    w = ipywidgets()
    fitted = bool(rows) and rows[0].fitted
    heads = [_heading(text) for text in HEADINGS]
    children = [*(heads if fitted else []), *(widget for row in rows for widget in row.widgets)]
    columns = COLUMNS if fitted else "minmax(110px,1.4fr) minmax(120px,3fr) minmax(84px,0.8fr)"
    return w.GridBox(
        children,
        layout={"grid_template_columns": columns, "grid_gap": "0 6px", "width": "100%", "overflow": "auto"},
    )


def _heading(text: str) -> Any:
    small = f'<div style="font-size:11px;line-height:16px;opacity:.7">{text}</div>'
    return ipywidgets().HTML(small, layout={"height": "18px", "margin": "0"})
