"""The scale bar: its length is what it says, in the image's own metres."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nbtools.display.scale_bar import add_scale_bar


@pytest.mark.parametrize("pixel", [3e-11, 20e-9, 200e-9, 5e-6])
def test_the_bar_is_as_long_as_it_says(pixel):
    """A quarter of the width or so, whatever the magnification; the words are plain text."""
    figure = Figure(figsize=(2, 2), dpi=200)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(np.zeros((100, 100)), cmap="gray")
    add_scale_bar(axes, pixel)
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3].min(axis=2) > 240
    longest = max(np.max(np.diff(np.flatnonzero(np.r_[0, ~row, 1])), initial=1) - 1 for row in picture)
    drawn = longest / 400 * 100 * pixel
    number, unit = axes.artists[-1].info.scale_text.split()
    metres = float(number) * {"pm": 1e-12, "nm": 1e-9, "µm": 1e-6, "mm": 1e-3}[unit]
    assert drawn == pytest.approx(metres, rel=0.06)
    assert 0.1 * 100 * pixel <= metres <= 0.3 * 100 * pixel + 1e-15


def test_a_pixel_without_a_size_is_refused():
    """No bar of a length that nobody knows."""
    with pytest.raises(ValueError, match="metres a pixel"):
        add_scale_bar(Figure().subplots(), 0.0)
