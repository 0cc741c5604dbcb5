"""The GUI packages, imported when a widget is first shown, and the pieces that all faces share."""

import html
import math
import warnings
from collections.abc import Callable, Iterable
from typing import Any

STEPS = 1000
# Numbers have room in narrow columns; what the keyboard moves is seen (noUiSlider draws no focus).
FACE_STYLE = (
    "<style>.nbt-rows input{padding:2px 4px}"
    ".noUi-handle:focus-visible{outline:3px solid #0072B2;outline-offset:2px}"
    ".jupyter-widgets button:focus-visible,.jupyter-widgets input:focus-visible,"
    ".jupyter-widgets select:focus-visible{outline:3px solid #0072B2;outline-offset:1px}</style>"
)
# Okabe and Ito, as mid-tones that stand on white and on black.
DATA_COLOURS = ("#3D8FD1", "#CC79A7", "#009E73", "#E69F00")
MODEL_COLOUR = "#D55E00"
PART_COLOURS = ("#009E73", "#B58900", "#CC79A7", "#56B4E9")
TEXT = "var(--jp-ui-font-color1)"
GRID = "var(--jp-border-color2)"
TABLE_STYLE = (
    "<style>.nbt table{font-size:12px;border-collapse:collapse}.nbt td,.nbt th{padding:1px 8px;text-align:right}"
    ".nbt pre{font-size:12px;line-height:1.35;margin:0;max-height:260px;overflow:auto}"
    ".nbt div{overflow-x:auto}</style>"
)


def ipywidgets() -> Any:
    """The package, or one sentence on how to get it."""
    try:
        import ipywidgets as package
    except ImportError:
        raise ImportError(
            "the live widget needs ipywidgets and bqplot: pip install 'mgb2-notebooks[notebook]'; "
            "fit(), summary(), save() and figure() work without"
        ) from None
    return package


def bqplot() -> Any:
    """The package; its own deprecation warnings at import are not ours to show."""
    ipywidgets()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import bqplot as package
    return package


def descendants(*roots: Any) -> list[Any]:
    """Every widget that hangs on these: children, layouts, scales, marks, interactions."""
    kind = ipywidgets().Widget
    seen: dict[int, Any] = {}
    waiting = list(roots)
    while waiting:
        item = waiting.pop()
        if isinstance(item, kind) and id(item) not in seen:
            seen[id(item)] = item
            waiting += [getattr(item, name) for name in item.trait_names()]
        elif isinstance(item, (list, tuple)):
            waiting += item
        elif isinstance(item, dict):
            waiting += item.values()
    return list(seen.values())


def close_all(*roots: Any) -> None:
    """Close these and everything that hangs on them, so that nothing keeps them alive."""
    for widget in descendants(*roots):
        widget.unobserve_all()
        widget.close()


def sentences_html(sentences: Iterable[str]) -> str:
    """Sentences for the reader, announced by screen readers, in the theme's colours."""
    lines = "<br>".join(html.escape(sentence) for sentence in sentences)
    style = "line-height:1.35;white-space:normal;border-left:3px solid #D55E00;padding-left:6px"
    return f'<div role="status" style="{style}">{lines}</div>' if lines else ""


def read_number(text: str) -> float:
    """A number as typed: ``1e-9``, ``-inf``, ``2,5``.

    Raises
    ------
    ValueError
        Text that is no number.
    """
    try:
        value = float(text.strip().replace("−", "-").replace(",", "."))
    except ValueError:
        raise ValueError(f"{text!r} is not a number; write for instance 0.25 or 1e-9") from None
    if math.isnan(value):
        raise ValueError("nan is not a value; write a number, or inf for no bound")
    return value


def write_number(value: float) -> str:
    """Six digits, scientific where they are called for; no text for a bound that is not there."""
    return "" if math.isinf(value) else f"{value:.6g}"


def button(label: str, action: Callable[[], Any], *, tip: str, icon: str = "", strong: bool = False) -> Any:
    """A button that acts and forgets what it is told."""
    w = ipywidgets()
    made = w.Button(description=label, tooltip=tip, icon=icon, layout={"width": "auto"})
    made.button_style = "primary" if strong else ""
    made.on_click(lambda _: action())
    return made
