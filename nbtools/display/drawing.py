"""Drawings: a result becomes a figure that says where its data come from, and is exported under its own name."""

import functools
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from nbtools import __version__
from nbtools.display import style
from nbtools.study import Missing, NotPossible, Stamp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Format = Literal["pdf", "png", "svg"]


def drawing(
    *, panels: int | Callable[[Any], int] = 1, columns: int = 1, height: float | None = None, name: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make ``draw(axes, result, **options)`` into a drawing that a notebook calls as ``draw(result, **options)``.

    It then makes a figure of journal width, tags each panel with the origin of the data, shows it, and exports it
    under its own name into the folder of the result. A `Missing` draws its reason, and so does `NotPossible`. With
    ``axes=`` it only draws.

    Parameters
    ----------
    panels : how many side by side; or a function of the result that says it
    columns : 1 (86 mm) or 2 (178 mm); of a varying number of panels one alone is 86 mm wide
    height : mm; by default three quarters of a panel's width
    name : of the exported file; by default the function's

    Of the drawing:

    axes : where to draw, in place of a figure of its own
    formats : "pdf", "png" or "svg", one or several; by default "pdf"
    tag : False leaves the origin off a figure of measured data; it stays in the file's metadata
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def draw(
            result: Any,
            *others: Any,
            axes: Any = None,
            formats: Format | Sequence[Format] = "pdf",
            tag: bool = True,
            **options: Any,
        ) -> Any:
            lacking = next((r for r in (result, *others) if isinstance(r, Missing)), None)
            if axes is not None:
                if lacking is None:
                    return function(axes, result, *others, **options)
                return write_reason(axes, lacking.reason)
            if lacking is not None:
                figure, own = style.new_figure(height=20)
                write_reason(own, lacking.reason)
                _show(figure, f"{name or function.__name__}: not possible")
                return None
            count = panels(result) if callable(panels) else panels
            wide = columns if count > 1 or panels == 1 else 1
            figure, own = style.new_figure(count, columns=wide, height=height)
            try:
                function(own, result, *others, **options)
            except NotPossible as reason:
                figure, own = style.new_figure(height=20)
                write_reason(own, str(reason))
                _show(figure, f"{name or function.__name__}: not possible")
                return None
            finish(figure, result.stamp, name or function.__name__, formats=formats, tag=tag)
            return None

        signature = inspect.signature(function)
        draw.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]
        return draw

    return decorate


def finish(
    figure: "Figure",
    stamp: Stamp,
    name: str,
    *,
    formats: Format | Sequence[Format] = "pdf",
    tag: bool = True,
) -> None:
    """Tag the panels of a figure, show it, and export it where the stamp says.

    Parameters
    ----------
    figure : to finish
    stamp : origin, source, method, options and folder
    name : of the files
    formats : one or several
    tag : False for measured data only

    Raises
    ------
    ValueError
        `tag` is False and the data are synthetic; a format that is not known.
    """
    if not tag and stamp.origin != "measured":
        raise ValueError(f"the data are {style.ORIGIN_LABELS[stamp.origin]}: their figure keeps its tag")
    if tag:
        for axes in figure.axes:
            style.tag_origin(axes, stamp.origin, stamp.source)
    _show(figure, f"{stamp.prefix}{name} ({stamp.origin})")
    if stamp.exports is not None:
        for kind in [formats] if isinstance(formats, str) else formats:
            style.export(figure, stamp.prefix + name, stamp.exports, kind, about=about(stamp))


def about(stamp: Stamp) -> Mapping[str, str]:
    """What a figure's file says of itself: program, origin, data, method and options."""
    said = {
        "origin": stamp.origin,
        "data": stamp.source,
        "method": stamp.method,
        "options": dict(stamp.options),
    }
    return {"Creator": f"nbtools {__version__}", "Subject": json.dumps(said, ensure_ascii=False, default=str)}


def write_reason(axes: Any, reason: str) -> Any:
    """Why there is no figure, in its place: on one panel or on each of several."""
    for one in getattr(axes, "flat", [axes]):
        one.set_axis_off()
        one.text(0.5, 0.5, reason, ha="center", va="center", wrap=True, fontsize=7, transform=one.transAxes)
    return axes


def _show(figure: "Figure", text: str) -> None:
    """Into the notebook's output, where there is one."""
    import sys

    picture = style.picture(figure)
    if "IPython" in sys.modules:
        from IPython.display import display

        display({"image/png": picture, "text/plain": text}, raw=True)
