"""STEM under the hand: windows, patterns, profiles and steps follow their sliders, with no screen."""

import numpy as np
import pytest
import stem_worlds as worlds

from nbtools.stem import explore
from nbtools.stem.boundary import estimate_layers
from nbtools.stem.image import check_lattice_image
from nbtools.stem.interface import estimate_grains
from nbtools.stem.terraces import estimate_terraces
from nbtools.study import Missing


def studied(image):
    return estimate_grains(check_lattice_image(image, worlds.PIXEL, name="one_haadf"), worlds.CRYSTALS)


@pytest.fixture(scope="module")
def grains():
    """MgO in the upper half, MgB2 in the lower."""
    rng = np.random.default_rng(0)
    image = worlds.two_phases(rng, ((0, 0, 1), (0, 0, 1)), (0.2, 0.9), size=320, angle=np.pi / 2)
    return studied(image)


@pytest.fixture(scope="module")
def one_grain():
    places, weights = worlds.projected(worlds.CRYSTALS["MgO"], (0, 0, 1), 0.0, 6e-9)
    return studied(worlds.drawn(places, weights, 300))


def test_the_window_names_what_it_sees(grains):
    """The frame stays in the picture."""
    widget = explore.window(grains)
    height = 320 * worlds.PIXEL
    for y, name in ((0.2 * height, "MgO"), (0.8 * height, "MgB2")):
        widget.set("y", value=y).set("x", value=height / 2)
        plots = {panel.title: panel for panel in widget.panels()}
        assert any(name in label for label in plots["transform"].dots)
        frame = plots["image"].lines["window"]
        assert np.min(frame) >= 0
        assert np.max(frame) <= height * 1e9 + 1e-6


def test_a_pattern_turned_into_place(one_grain):
    """The median misplacement has its least at the planted turning."""
    widget = explore.zone(one_grain).set("pattern", value="MgO [1 0 0]")
    turned = float(one_grain.grains.patterns[0].best.rotation)
    near, far = (
        float(widget.set("rotation", value=(turned + d + 45) % 90 - 45).outcome.numbers["misplaced"])
        for d in (0, 9)
    )
    assert near < 1 < far


def test_what_is_not_there_says_so(one_grain):
    """A second grain of one crystal."""
    missing = explore.zone(one_grain, grain=2)
    assert isinstance(missing, Missing) and "shows 1" in missing.reason


def test_the_price_of_a_step():
    """Dear steps vanish, cheap ones come."""
    rng = np.random.default_rng(0)
    image, planes, _ = worlds.stepped_phases(rng, zones=((0, 1, 1), (1, 0, 1)), hkl=(1, 0, -1), count=2)
    widget = explore.steps(estimate_terraces(studied(image)))
    assert float(widget.set("penalty", value=3.0).outcome.numbers["steps"]) == len(planes)
    assert float(widget.set("penalty", value=20.0).outcome.numbers["steps"]) <= len(planes)


def test_the_profile_is_as_wide_as_its_window(grains):
    """A sharp boundary: the fitted width is the window's within a tenth, the end near the middle."""
    layer = estimate_layers(grains)
    for side in ("first", "second"):
        fit = explore.profile(layer, side=side)
        assert fit.values["width"] == pytest.approx(0.3e-9, rel=0.15)
        assert abs(fit.values["end"]) < 0.15e-9


def test_planes_are_strong_in_their_own_grain(grains):
    """The upper half is MgO: its waves, if a thousand times the noise, are strong there; those of MgB2 below."""
    widget = explore.planes(grains)
    found = [pattern.best for pattern in grains.grains.patterns]
    signals = [spot.signal for solution in found for spot in solution.spots]
    clear = [wave for wave, signal in zip(widget.options["wave"], signals, strict=True) if signal > 1000]
    assert len(clear) >= 8
    for wave in clear:
        strength = next(
            p.image.array for p in widget.set("wave", value=wave).panels() if p.title == "strength"
        )
        upper, lower = strength[:130].mean(), strength[190:].mean()
        assert (upper > 1.5 * lower) if wave.startswith("MgO") else (lower > 1.5 * upper), wave


def test_fringes_have_the_spacing_of_their_planes(grains):
    """The transform of the filtered image peaks at the wave that was asked for."""
    widget = explore.planes(grains)
    wave = widget.options["wave"][0]
    fringes = next(p.image.array for p in widget.set("wave", value=wave).panels() if p.title == "fringes")
    power = np.abs(np.fft.fft2(fringes))
    ky, kx = (
        np.fft.fftfreq(n, worlds.PIXEL)[i]
        for n, i in zip(fringes.shape, np.unravel_index(power.argmax(), power.shape), strict=True)
    )
    assert np.hypot(ky, kx) == pytest.approx(np.hypot(*widget.fixed["waves"][wave]), rel=0.02)
