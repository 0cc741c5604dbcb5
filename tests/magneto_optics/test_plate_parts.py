"""A plate whose field is made here: full, reversed and partly full, and what is read off its maps."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.constants import mu_0

from nbtools.magneto_optics import critical_current as jc
from nbtools.magneto_optics.flux import (
    FluxMaps,
    constant_current_range,
    current_budget,
    profile_states,
    shared_error,
)
from nbtools.magneto_optics.homogeneity import Homogeneity, check_homogeneity
from nbtools.results import NotPossible
from nbtools.units import Quantity

PIXEL, THICK, GAP, CURRENT = 20e-6, 200e-6, 10e-6, 5e8
OUTLINE = np.zeros((44, 52), bool)
OUTLINE[10:34, 12:38] = True  # 24 pixels high, 26 wide
DISTANCE = np.asarray(jc.signed_distance(OUTLINE), float)
FAMILY = jc._family(DISTANCE.tobytes(), OUTLINE.shape, PIXEL, THICK, GAP)
FULL = mu_0 * FAMILY.filling * CURRENT  # T, applied, that fills it


def maps(fields, applied, **change):
    given = {
        "field": np.array(fields),
        "applied": np.array(applied, float),
        "temperature": 30.0,
        "history": "zero-field cooled",
        "pixel_size": PIXEL,
        "height": GAP,
        "thickness": THICK,
        "outline": OUTLINE,
    }
    return FluxMaps(**(given | change))


def full(sense=-1, current=CURRENT):
    """B_z of a plate full of current that shields (−1) or keeps in (+1) a field."""
    return sense * current * FAMILY.filled


def partial(share, current=CURRENT):
    """The state at so much of the field that fills it, as the family of states has it."""
    known = FAMILY.partial
    weights = known.between(np.array(share * FAMILY.filling))
    return current * np.tensordot(weights, known.maps, axes=(0, 0))


NEARLY_SHIELDED = partial(
    0.005, 20 * CURRENT
)  # of a tenth of the field that fills it, by a current twenty times larger

# ---- J_c


@pytest.mark.parametrize(
    ("applied", "sense", "state"), [(1.3, -1, "filled"), (0.0, 1, "remanent"), (0.04, 1, "remanent")]
)
def test_a_full_plate_gives_its_current_back(applied, sense, state):
    """Whatever is added to the whole map; nearly no field with flux in it is a remanent state."""
    field = full(sense) + applied * FULL + 3e-3
    found = maps([field], [applied * FULL]).critical_current([0])
    assert found.critical_current == pytest.approx(CURRENT, rel=1e-6) and found.state == (state,)
    assert np.abs(found.residual).max() < 1e-9 and found.own[0] == pytest.approx(
        full(sense), rel=1e-5, abs=1e-9
    )
    # On the grid J_c is known to 1.7 over the width in pixels squared.
    assert found.each_uncertainty[0] == pytest.approx(CURRENT * 1.7 / 24**2, rel=1e-3)
    assert found.full_penetration == pytest.approx(FULL) and found.pixel_size == PIXEL


@pytest.mark.parametrize("share", [0.3, 0.55, 0.8])
def test_a_plate_that_is_partly_full(share):
    """Its own states give J_c back; a front is placed to a twentieth of a pixel of the solver."""
    for sign in (1, -1):
        field = sign * partial(share) + sign * share * FULL
        found = maps([field], [sign * share * FULL]).critical_current([0])
        assert found.state == ("partly filled",)
        assert found.critical_current == pytest.approx(CURRENT, rel=2e-3)
        assert np.abs(found.residual[0][FAMILY.chosen]).max() < 3e-3 * np.abs(field).max()
    depth = 1 - 1 / np.cosh(np.pi * share * FAMILY.filling / THICK)
    placed = CURRENT * 0.05 * 2 / 48 / depth
    assert found.each_uncertainty[0] == pytest.approx(placed, rel=0.1)


def test_a_field_that_shows_no_current():
    """None has entered; or the field is stronger over the sample than beside it."""
    shielded = maps([NEARLY_SHIELDED + 0.1 * FULL], [0.1 * FULL]).critical_current([0])
    assert np.isnan(shielded.critical_current) and shielded.state[0].startswith("not entered: J_c over")
    wrong = maps([-partial(0.5) + 0.5 * FULL], [0.5 * FULL]).critical_current([0])
    assert "no shielding current" in wrong.state[0] and np.isnan(wrong.each[0]) and np.isnan(wrong.own).all()


def test_the_way_down_has_the_current_of_the_way_up():
    """Half of the change since the largest field is that of a virgin plate at half the way back."""
    top = 2.0 * FULL
    fields = [
        full() + top,
        full() - 2 * partial(0.6) + top - 1.2 * FULL,
        full() - 2 * partial(0.4) + top - 0.8 * FULL,
    ]
    found = maps(fields, [top, top - 1.2 * FULL, top - 0.8 * FULL]).reversed_current()
    assert found.each == pytest.approx([CURRENT] * 2, rel=3e-3)
    assert found.applied.tolist() == [top - 1.2 * FULL, top - 0.8 * FULL]
    with pytest.raises(NotPossible, match="while the field fell"):
        maps(fields[:1], [top]).reversed_current()


# ---- what is read off a map


def test_frames_and_their_names():
    """The largest field, the remanent frame after it, and what a map is called."""
    one = maps([full()] * 3, [0.01, 0.05, 0.0004])
    assert (one.top, one.remanent, one.shown) == (1, 2, [1, 2]) and one.is_ramp and not one.is_cooled
    assert [one.state(i) for i in range(3)] == ["100 G", "500 G", "remanent"] and one.label == "30 K"
    cooled = replace(one, history="cooled in 0.02 T", applied=np.array([0.02, 0.0, 0.01]))
    assert cooled.is_cooled and cooled.label == "30 K, cooled in 0.02 T" and cooled.state(1) == "remanent"
    assert cooled.remanent is None and cooled.shown == [0]
    scanned = replace(one, history="scanned", name="Hall")
    assert (
        scanned.label == "Hall" and scanned.state(0) == "" and not scanned.is_cooled and not scanned.is_ramp
    )


def test_across_the_middle_of_a_sample():
    """Distances from its middle, along its middle row; half its width; the mean field of its inner half."""
    field = np.arange(OUTLINE.size, dtype=float).reshape(OUTLINE.shape)
    one = maps([field], [0.3])
    line = one.across(field)
    assert line.distance == pytest.approx((np.arange(52) - 24.5) * PIXEL) and one.half_width == pytest.approx(
        13 * PIXEL
    )
    assert line.field == pytest.approx(field[21:23].mean(axis=0))  # its middle lies between two rows
    whole = replace(one, outline=None)
    assert whole.across(field).distance[0] == pytest.approx(-25.5 * PIXEL) and np.isnan(whole.half_width)
    with pytest.raises(NotPossible, match="outline of the sample is not known"):
        whole.sample()
    inner = field[16:28, 18:32]
    rows = np.abs(np.arange(44) - 21.5) < 23 / 4
    columns = np.abs(np.arange(52) - 24.5) < 25 / 4
    inner = field[np.ix_(rows, columns)]
    assert one.trapped() == pytest.approx(inner.mean()) and one.trapped().uncertainty == pytest.approx(
        inner.std()
    )
    assert one.own_field(0) == pytest.approx(field - 0.3)


def test_the_sense_and_the_ridge_of_a_remanent_state():
    """All of a full plate's current runs one way round, and turns in its middle."""
    one = maps([full() + 2 * FULL, full(1)], [2 * FULL, 0.0])
    up, down = one.clockwise_share(0), one.clockwise_share(1)
    assert {round(float(up)), round(float(down))} == {0, 1} and abs(up - down) > 0.9
    assert 0 < up.uncertainty <= 0.5
    ridge = one.ridge(width=4 * PIXEL)
    assert ridge == pytest.approx(0.0, abs=0.5 * PIXEL) and ridge.uncertainty > 0
    with pytest.raises(NotPossible, match="no remanent frame"):
        maps([full()], [FULL]).ridge()


def test_what_moves_a_current():
    """Another gap and thickness by the forward field, half a pixel of outline, and σ of the fit."""
    one = maps([full() + 1.5 * FULL], [1.5 * FULL])
    found = current_budget(one, gap=5e-6, thickness=20e-6)
    assert set(found) == {
        "gap of the indicator",
        "thickness of the plate",
        "outline",
        "camera noise and misfit",
    }

    def moved(**change):
        return abs(float(replace(one, **change).critical_current([0]).critical_current) / CURRENT - 1)

    assert found["gap of the indicator"] == pytest.approx(moved(height=GAP + 5e-6), rel=1e-6)
    assert found["thickness of the plate"] == pytest.approx(moved(thickness=THICK + 20e-6), rel=1e-6)
    assert found["camera noise and misfit"] == pytest.approx(1.7 / 24**2, rel=1e-3)
    shared = shared_error(one, thickness=20e-6)
    assert shared == pytest.approx(
        np.hypot(found["outline"] / np.sqrt(3), found["thickness of the plate"]), rel=1e-6
    )
    film = current_budget(replace(one, anisotropy_field=0.1), gap=5e-6, thickness=0.0)
    assert "film's anisotropy field" in film and "thickness of the plate" not in film
    nothing = maps([NEARLY_SHIELDED + 0.1 * FULL], [0.1 * FULL])
    with pytest.raises(NotPossible, match="no flux has entered"):
        current_budget(nothing)


def test_states_along_a_line():
    """Of every state and of the full plate what a profile across the middle shows."""
    found = profile_states(maps([full()], [FULL]), width=4.5 * PIXEL)
    assert found["reduced"] == pytest.approx(FAMILY.partial.reduced) and found["states"].shape == (17, 52)
    row = np.mean([FAMILY.filled[19:24].mean(axis=0), FAMILY.filled[20:25].mean(axis=0)], axis=0)
    assert found["filled"] == pytest.approx(row, rel=1e-6)
    assert found["grid"] == pytest.approx((np.arange(52) - 25.5) * PIXEL)


def ramp(slope, sigma):
    fit = maps([full() + 2 * FULL], [2 * FULL]).critical_current([0])
    return replace(fit, field_slope=Quantity(slope, sigma, "1/T"))


def test_up_to_which_temperature_a_current_is_constant():
    """It falls where its slope lies three σ below zero and below −2 a tesla; the change lies anywhere between."""
    found = {
        5.0: ramp(-1.9, 0.1),
        20.0: ramp(-2.9, 1.0),
        30.0: ramp(-3.1, 1.0),
        35.0: ramp(-9.0, 1.0),
        36.0: ramp(np.nan, 1.0),
    }
    kept, broken = constant_current_range(found)
    assert (kept, broken) == (20.0, 30.0)
    assert kept.uncertainty == broken.uncertainty == pytest.approx(10 / np.sqrt(12))
    never = constant_current_range({5.0: found[5.0]})
    assert never[0] == 5.0 and np.isnan(never[1])
    always = constant_current_range({30.0: found[30.0]})
    assert np.isnan(always[0]) and always[1] == 30.0


# ---- one J_c


def checked(field, noise=0.0, **more):
    rng = np.random.default_rng(6)
    one = maps([field + 1.6 * FULL + noise * rng.normal(size=OUTLINE.shape)], [1.6 * FULL])
    return check_homogeneity(
        one.currents(0), full(), OUTLINE, critical_current=CURRENT, applied=1.6 * FULL, draws=19, **more
    )


def test_one_current_is_even_and_two_are_not():
    """Of the null's own world nothing is left over; a plate 30 % stronger on its right leans to it."""
    noise = 2e-3 * np.abs(full()).max()
    even = checked(full(), noise)
    assert even.uniform and even.p_value > 0.05 and even.scatter < 0.05
    assert even.left_to_right == pytest.approx(1.0, abs=4 * even.left_to_right.uncertainty)
    assert even.hidden == pytest.approx(even.length * min(1, np.hypot(even.expected, 0.05)))
    tilted = np.where(np.arange(52) > 24.5, 1.3, 1.0) * np.maximum(DISTANCE, 0) * PIXEL
    x, y = jc.current_of(tilted, PIXEL)
    field = -CURRENT * jc.plate_field(x, y, pixel_size=PIXEL, thickness=THICK, height=GAP)
    uneven = checked(field, noise)
    assert (
        not uneven.uniform and uneven.p_value == pytest.approx(0.1, abs=0.06)
    ) or uneven.left_to_right > 1.15
    assert uneven.left_to_right == pytest.approx(1.3, abs=0.1)
    again = checked(field, noise, within=0.5)
    assert again.uniform  # by the reader's own definition
    with pytest.raises(NotPossible, match="no flux has entered"):
        one = maps([full()], [FULL])
        check_homogeneity(one.currents(0), full() * np.nan, OUTLINE, critical_current=CURRENT)
    with pytest.raises(NotPossible, match="12 are needed"):
        one = maps([full() + FULL], [FULL])
        check_homogeneity(one.currents(0), full(), OUTLINE, critical_current=2 * CURRENT, draws=3)


@pytest.mark.parametrize(
    ("scatter", "lean", "p", "uniform"),
    [
        (0.06, 1.0, 0.049, False),
        (0.06, 1.0, 0.051, True),
        (0.04, 1.0, 0.01, True),
        (0.04, 1.06, 0.01, False),
        (0.04, 0.94, 0.01, False),
    ],
)
def test_what_is_called_even(scatter, lean, p, uniform):
    """Not told from one J_c at 5 %, or by less than 5 % in scatter and between the halves."""
    one = Homogeneity(Quantity(scatter, 0.01), 0.02, Quantity(lean, 0.01), p, 0.05, 60e-6, 3e-6)
    assert one.uniform == uniform and ("not one J_c" in str(one)) == (not uniform)
    assert "resolved to 60 µm, grains under 3 µm could hide" in str(one)
