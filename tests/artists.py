"""What a reader sees on a drawing, read from its artists."""

from typing import Any

import numpy as np
from matplotlib.container import BarContainer, ErrorbarContainer

from nbtools.display import style
from nbtools.study import Stamp


def lines(axes: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Label → (x, y) of each line that has one."""
    return {
        line.get_label(): (np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float))
        for line in axes.lines
        if not line.get_label().startswith("_")
    }


def unnamed(axes: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """(x, y) of the lines without a label, error bars apart, in the order in which they were drawn."""
    of_bars = {
        part for bars in _error_bars(axes) for part in (bars.lines[0], *bars.lines[1])
    }  # None: no mark
    return [
        (np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float))
        for line in axes.lines
        if line.get_label().startswith("_") and line not in of_bars
    ]


def points(axes: Any) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """(label, x, y, half length of the bar) of each set of points with error bars; 0 where it has none."""
    found = []
    for bars in _error_bars(axes):
        ends = [np.array(segments.get_segments()) for segments in bars.lines[2]]
        half = np.ptp(ends[-1], axis=1).max(axis=1) / 2 if ends else 0.0
        if bars.lines[0] is None:  # drawn without a mark: the middle of its bar
            x, y = ends[-1].mean(axis=1).T
        else:
            x, y = (np.asarray(values, float) for values in bars.lines[0].get_data())
        half = half + np.zeros(x.size)
        label = bars.get_label()
        found.append(("" if label.startswith("_") else label, x, y, half))
    return found


def legend(axes: Any) -> list[str]:
    """Its texts, from top to bottom; none where there is none."""
    shown = axes.get_legend()
    return [text.get_text() for text in shown.get_texts()] if shown else []


def widths(axes: Any) -> dict[str, float]:
    """Name → length of each horizontal bar, from the top down."""
    [bars] = [one for one in axes.containers if isinstance(one, BarContainer)]
    names = [label.get_text() for label in axes.get_yticklabels()]
    found = {name: float(bar.get_width()) for name, bar in zip(names, bars, strict=True)}
    return dict(reversed(found.items()))


def texts(axes: Any) -> list[str]:
    """Free texts and annotations."""
    return [text.get_text() for text in axes.texts]


def _error_bars(axes: Any) -> list[ErrorbarContainer]:
    return [one for one in axes.containers if isinstance(one, ErrorbarContainer)]


def figure_of(monkeypatch: Any, draw: Any, result: Any, *others: Any, **options: Any) -> Any:
    """The figure that a notebook would show of a result on synthetic data."""
    shown: list[Any] = []

    def caught(figure: Any) -> bytes:
        shown.append(figure)
        return b""

    monkeypatch.setattr(style, "picture", caught)
    object.__setattr__(result, "stamp", Stamp("a section", "twin", "a twin", "a method"))  # frozen ones, too
    draw(result, *others, **options)
    [figure] = shown
    return figure


def millimetres(figure: Any) -> float:
    """Its width."""
    return float(figure.get_size_inches()[0] * 25.4)
