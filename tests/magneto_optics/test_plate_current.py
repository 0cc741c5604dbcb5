"""J_c from maps by the plate's geometry, profiles, ridge and homogeneity, on plates made without the twin."""

from dataclasses import replace

import numpy as np
import pytest
from plate_worlds import (
    CURRENT,
    GAP,
    OPTICS,
    OUTLINE,
    PIXELS,
    SIDE,
    SIDES,
    THICKNESS,
    full_plate,
    noisy_plate,
)
from scipy.constants import mu_0

from nbtools import magneto_optics as mo
from nbtools.physics.critical_state import plate_state
from nbtools.physics.current_sheet import current_of, plate_field, resample_stream
from nbtools.results import NotPossible

FIT = {"pixel_size": SIDE, "outline": OUTLINE, "thickness": THICKNESS, "height": GAP}


def test_a_full_plate_under_field() -> None:
    """J_c within 1 %, the plate recognised as full, and full from 0.568 mm times J_c on."""
    _, own, _ = noisy_plate(seed=0, percent=1)
    found = mo.estimate_critical_current(0.04 - own, 0.04, **FIT)
    assert float(found.critical_current) == pytest.approx(CURRENT, rel=0.01)
    assert found.state == ("filled",)
    assert float(found.full_penetration) == pytest.approx(mu_0 * CURRENT * 0.568017e-3, rel=0.03)
    assert np.std(found.residual) < 1.2 * 0.01 * np.abs(own).max()


def test_a_remanent_plate() -> None:
    """The same currents the other way round in no field."""
    _, own, _ = noisy_plate(seed=1, percent=1)
    found = mo.estimate_critical_current(own, 0.0, **FIT)
    assert found.state == ("remanent",)
    assert float(found.critical_current) == pytest.approx(CURRENT, rel=0.01)


def test_a_partly_filled_plate() -> None:
    """States of the solver on another grid and with sharper creep, at a third and two thirds of filling: within 3 %."""
    grid = 4.8e-3 / 40
    fields = np.array([0.0, 0.35, 0.7]) * 0.568e-3 * CURRENT
    y, x = (grid * (np.arange(n) - (n - 1) / 2) for n in (44, 40))
    distance = np.minimum.outer(SIDES[1] / 2 - np.abs(y), SIDES[0] / 2 - np.abs(x)) / grid
    states = plate_state(
        distance, fields, critical_current=CURRENT, pixel_size=grid, thickness=THICKNESS, exponent=50.0
    )
    place = SIDE * (np.arange(PIXELS) - (PIXELS - 1) / 2) / grid
    places = np.meshgrid(place + 21.5, place + 19.5, indexing="ij")
    maps = []
    for stream, field in zip(states.stream[1:], fields[1:], strict=True):
        jx, jy = current_of(resample_stream(stream, distance, tuple(places), OUTLINE) / THICKNESS, SIDE)
        maps.append(plate_field(jx, jy, **OPTICS) + mu_0 * field)
    found = mo.estimate_critical_current(np.array(maps), mu_0 * fields[1:], **FIT)
    assert found.state == ("partly filled",) * 2
    np.testing.assert_allclose(found.each, CURRENT, rtol=0.03)


def test_a_plate_that_nothing_enters_has_no_value() -> None:
    """A field that stays outside gives NaN and the bound that it is good for."""
    field = np.where(OUTLINE, 0.0, 0.01) + 1e-5 * np.random.default_rng(0).normal(size=OUTLINE.shape)
    found = mo.estimate_critical_current(field, 0.01, **FIT)
    assert np.isnan(found.critical_current)
    assert "not entered" in found.state[0]


def test_a_line_is_averaged_over_its_width() -> None:
    """A plane comes back exactly along any line, with no scatter along contours."""
    y, x = np.mgrid[:50, :60] * 0.1
    profile = mo.line_profile(2 * x, (0.5, 0.5), (4.5, 3.5), pixel_size=0.1, width=0.4)
    expected = 2 * (0.5 + profile.distance * 0.8)
    np.testing.assert_allclose(profile.field, expected, atol=1e-9)
    flat = mo.line_profile(2 * y, (0.5, 2.0), (5.0, 2.0), pixel_size=0.1)
    np.testing.assert_allclose(flat.field, 4.0)


@pytest.mark.parametrize(
    ("start", "end", "text"), [((1, 1), (1, 1), "no length"), ((0, 0), (99, 1), "leaves the map")]
)
def test_a_line_that_is_none_is_refused(start, end, text) -> None:
    """With its sentence."""
    with pytest.raises(ValueError, match=text):
        mo.line_profile(np.zeros((9, 9)), start, end, pixel_size=1.0)


def test_the_ridge_is_where_the_current_turns() -> None:
    """A step of J at 0.13 mm, smeared and noisy, is placed within its σ times three."""
    x = np.linspace(-3, 3, 301)
    j = -np.tanh((x - 0.13) / 0.08) * (np.abs(x) < 2) + 0.03 * np.random.default_rng(0).normal(size=301)
    ridge = mo.find_ridge(x, j, edges=(-2.0, 2.0), resolution=0.15)
    assert float(ridge) == pytest.approx(0.13, abs=3 * ridge.uncertainty)
    assert ridge.uncertainty < 0.05
    with pytest.raises(ValueError, match="does not change its sign"):
        mo.find_ridge(x, np.ones(301), edges=(-2.0, 2.0), resolution=0.1)


def evenness(own, jx=None, jy=None):
    """Of the currents found in `own`, or of others in their place."""
    found = mo.invert_current(own, **OPTICS)
    if jx is not None:
        found = replace(found, jx=jx, jy=jy)
    fitted = mo.estimate_critical_current(0.04 - own, 0.04, **FIT)
    current = float(fitted.critical_current)
    return mo.check_homogeneity(found, fitted.own[0], OUTLINE, critical_current=current)


def test_one_j_c_is_even_and_two_are_not() -> None:
    """A full uniform plate passes; the same with its right half 1.5 times as strong does not."""
    _, own, _ = noisy_plate(seed=2, percent=1)
    even = evenness(own)
    assert even.uniform and even.scatter < 0.05
    jx, jy, _ = full_plate()
    right = np.arange(PIXELS)[None, :] > PIXELS / 2
    uneven = evenness(own, np.where(right, 1.5, 1) * jx, np.where(right, 1.5, 1) * jy)
    assert not uneven.uniform and "not one J_c" in str(uneven)
    assert float(uneven.left_to_right) == pytest.approx(1.5, abs=0.05)


def test_small_unevenness_is_seen_and_called_even_within_the_definition() -> None:
    """A gradient of ± 3 % has a low p, and is even within 5 % all the same; within 1 % it is not."""
    jx, jy, field = full_plate()
    tilt = 1 + 0.03 * np.linspace(-1, 1, PIXELS) / (SIDES[0] / SIDE / PIXELS)
    own = plate_field(tilt * jx, tilt * jy, **OPTICS)
    own = own + 1e-3 * np.abs(field).max() * np.random.default_rng(0).normal(size=own.shape)
    found = evenness(own)
    assert found.p_value <= 0.05 and found.uniform
    assert not replace(found, within=0.01).uniform


@pytest.mark.seeds
def test_the_null_is_one_j_c() -> None:
    """Over 40 seeds an even plate is told from one J_c about as often as its p says."""
    p = [evenness(noisy_plate(seed=seed, percent=2)[1]).p_value for seed in range(40)]
    assert np.mean(np.array(p) <= 0.05) < 0.2


def test_a_partly_filled_plate_is_asked_where_it_is_full() -> None:
    """Nothing is said of a plate in which nothing flows."""
    _, own, _ = noisy_plate(seed=2, percent=1)
    found = mo.invert_current(own, **OPTICS)
    with pytest.raises(NotPossible, match="no flux has entered"):
        mo.check_homogeneity(found, np.full(own.shape, np.nan), OUTLINE, critical_current=1.0)
    with pytest.raises(NotPossible, match="0 resolved spots"):
        mo.check_homogeneity(found, 0.1 * own, OUTLINE, critical_current=CURRENT)


def test_a_large_map_is_fitted_on_coarser_pixels() -> None:
    """1024 × 1024 pixels are fitted as 512 × 512, with the same J_c."""
    _, own, _ = noisy_plate(seed=0, percent=0.1)
    large = np.repeat(np.repeat(0.04 - own, 8, axis=0), 8, axis=1)
    outline = np.repeat(np.repeat(OUTLINE, 8, axis=0), 8, axis=1)
    found = mo.estimate_critical_current(large, 0.04, **FIT | {"pixel_size": SIDE / 8, "outline": outline})
    assert found.pixel_size == pytest.approx(SIDE / 4) and found.own.shape == (1, 512, 512)
    assert float(found.critical_current) == pytest.approx(CURRENT, rel=0.01)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"outline": OUTLINE[:-1]}, "must be equal"),
        ({"outline": np.ones_like(OUTLINE)}, "runs out of the map"),
        ({"applied": [0.0, 0.1]}, "one map"),
        ({"applied": np.nan}, "must be finite"),
        ({"field": np.full(OUTLINE.shape, np.nan)}, "NaN"),
        ({"pixel_size": (1e-5, 2e-5)}, "not square"),
        ({"thickness": -1.0}, "thickness"),
    ],
)
def test_wrong_maps_are_refused(change: dict, text: str) -> None:
    """Each with its sentence."""
    fit = {"field": np.zeros(OUTLINE.shape), "applied": 0.04, **FIT}
    with pytest.raises(ValueError, match=text):
        mo.estimate_critical_current(**{**fit, **change})


def test_the_sides_and_the_outline_agree() -> None:
    """The rectangle that is placed has the area of its sides within a pixel a side."""
    assert OUTLINE.sum() * SIDE**2 == pytest.approx(SIDES[0] * SIDES[1], rel=0.03)
    assert OPTICS["thickness"] == THICKNESS


@pytest.mark.parametrize("seed", range(5))
def test_a_ridge_does_not_hang_on_rounding(seed):
    """The points three steps off belong to the line: their last bits move the ridge by no more than themselves."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0.0, 2.0, 41)
    j = np.tanh((1.01 - x) / 0.1) + 0.05 * np.random.default_rng(7).normal(size=x.size)
    exact = mo.find_ridge(x, j, edges=(0.0, 2.0), resolution=0.05)
    dusty = mo.find_ridge(x * (1 + 4e-16 * rng.integers(-2, 3, x.size)), j, edges=(0.0, 2.0), resolution=0.05)
    assert float(dusty) == pytest.approx(float(exact), abs=1e-10)
