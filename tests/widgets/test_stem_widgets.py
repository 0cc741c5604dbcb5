"""STEM under the hand: windows, patterns and steps follow their sliders, with no screen."""

import numpy as np
import pytest
import stem_worlds as worlds

from nbtools.analysis import stem
from nbtools.widgets import stem as hands_on


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(0)
    return worlds.two_phases(rng, ((0, 0, 1), (0, 0, 1)), (0.2, 0.9), size=320, angle=np.pi / 2)


def test_the_window_names_what_it_sees(image):
    """The upper half is MgO, the lower MgB2; the frame stays in the picture."""
    widget = hands_on.explore_window(image, worlds.CRYSTALS, worlds.PIXEL)
    height = 320 * worlds.PIXEL
    for y, name in ((0.2 * height, "MgO"), (0.8 * height, "MgB2")):
        widget.set("y", value=y).set("x", value=height / 2)
        plots = {panel.title: panel for panel in widget.panels()}
        assert any(name in label for label in plots["transform"].dots)
        frame = plots["image"].lines["window"]
        assert np.min(frame) >= 0
        assert np.max(frame) <= height * 1e9 + 1e-6


def test_a_pattern_turned_into_place(image):
    """The median misplacement has its least at the planted turning."""
    places, weights = worlds.projected(worlds.CRYSTALS["MgO"], (0, 0, 1), 0.0, 6e-9)
    picture = worlds.drawn(places, weights, 300)
    widget = hands_on.explore_zone(picture, worlds.CRYSTALS, worlds.PIXEL).set("pattern", value="MgO [1 0 0]")
    turned = float(stem.index_pattern(picture, worlds.PIXEL, worlds.CRYSTALS["MgO"]).best.rotation)
    near, far = (
        float(widget.set("rotation", value=(turned + d + 45) % 90 - 45).outcome.numbers["misplaced"])
        for d in (0, 9)
    )
    assert near < 1 < far


def test_the_price_of_a_step():
    """Dear steps vanish; a boundary cannot be written into a script, so none is offered."""
    x = np.arange(0, 20e-9, 0.1e-9)
    noise = 0.02e-9 * np.random.default_rng(1).standard_normal(len(x))

    class Line:
        along, height = x, 0.6e-9 * (x > 8e-9) + noise
        correlation, resolution = 0.1e-9, 0.0

    widget = hands_on.explore_steps(Line())
    assert float(widget.set("penalty", value=3.0).outcome.numbers["steps"]) == 1
    assert float(widget.set("penalty", value=20.0).outcome.numbers["steps"]) <= 1
    assert "boundary" in widget.why_no_code


def test_noise_is_nothing_to_turn():
    """No spots, a sentence."""
    with pytest.raises(ValueError, match="nothing to turn"):
        hands_on.explore_zone(np.random.default_rng(0).normal(size=(128, 128)), worlds.CRYSTALS, worlds.PIXEL)


def test_planes_are_strong_in_their_own_grain(image):
    """The upper half is MgO: its waves, if a thousand times the noise, are strong there; those of MgB2 below."""
    index = stem.index_interface(image, worlds.PIXEL, worlds.CRYSTALS)
    widget = hands_on.explore_bragg(image, index, worlds.PIXEL)
    signals = [spot.signal for found in index.solutions for spot in found.spots]
    clear = [wave for wave, signal in zip(widget.options["wave"], signals, strict=True) if signal > 1000]
    assert len(clear) >= 8
    for wave in clear:
        strength = next(
            p.image.array for p in widget.set("wave", value=wave).panels() if p.title == "strength"
        )
        upper, lower = strength[:130].mean(), strength[190:].mean()
        assert (upper > 1.5 * lower) if wave.startswith("MgO") else (lower > 1.5 * upper), wave


def test_fringes_have_the_spacing_of_their_planes(image):
    """The transform of the filtered image peaks at the wave that was asked for."""
    index = stem.index_interface(image, worlds.PIXEL, worlds.CRYSTALS)
    widget = hands_on.explore_bragg(image, index, worlds.PIXEL)
    wave = widget.options["wave"][0]
    fringes = next(p.image.array for p in widget.set("wave", value=wave).panels() if p.title == "fringes")
    power = np.abs(np.fft.fft2(fringes))
    ky, kx = (
        np.fft.fftfreq(n, worlds.PIXEL)[i]
        for n, i in zip(fringes.shape, np.unravel_index(power.argmax(), power.shape), strict=True)
    )
    assert np.hypot(ky, kx) == pytest.approx(np.hypot(*widget.fixed["waves"][wave]), rel=0.02)
