"""Small cases of magneto-optics whose answer is known in closed form or by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.constants import mu_0

from nbtools import magneto_optics as mo
from nbtools.magneto_optics.critical_current import GRID_ERROR, _field_slope, _mean, _sigma
from nbtools.magneto_optics.flux import FluxMaps, constant_current_range
from nbtools.magneto_optics.homogeneity import Homogeneity
from nbtools.magneto_optics.inversion import moment_of
from nbtools.magneto_optics.model_profile import front, plate_profile
from nbtools.physics.critical_state import signed_distance
from nbtools.physics.current_sheet import current_of, plate_field
from nbtools.units import Quantity

PLATE = {"pixel_size": 1e-4, "thickness": 4e-4, "height": 1e-5}
MASK = np.zeros((36, 40), bool)
MASK[8:28, 8:32] = True  # 20 pixels high, 24 wide
DISTANCE = signed_distance(MASK)


def field_of(distance, **change):
    """B_z of the rooftop whose edges lie where `distance` (pixels) is zero, for 1 A/m²."""
    stream = 1e-4 * np.maximum(distance, 0.0)
    return plate_field(*current_of(stream, 1e-4), **PLATE | change)


def moved(step):
    """What a pixel's move of the edges by `step` adds to that field."""
    return field_of(DISTANCE + step / 2) - field_of(DISTANCE - step / 2)


NORMAL = np.gradient(DISTANCE)


@pytest.mark.parametrize(
    "step", [1.0, NORMAL[1], NORMAL[0], NORMAL[1] ** 2 - NORMAL[0] ** 2], ids=["grown", "x", "y", "stretched"]
)
@pytest.mark.parametrize(("applied", "state"), [(0.08, "filled"), (0.0, "remanent")])
def test_a_plate_whose_edges_lie_between_pixels_has_its_current(step, applied, state):
    """Moved by 0.3 pixels in each of the ways that are fitted: J_c exactly, σ that of the grid alone."""
    own = 4e7 * (field_of(DISTANCE) + 0.3 * moved(step)) * (-1 if applied else 1)
    found = mo.estimate_critical_current(applied + 0.001 + own, applied, outline=MASK, **PLATE)
    assert found.state == (state,)
    assert float(found.critical_current) == pytest.approx(4e7, rel=1e-9)
    assert found.each_uncertainty == pytest.approx(4e7 * GRID_ERROR / 20**2, rel=1e-6)
    np.testing.assert_allclose(found.own[0], own, atol=1e-12)
    np.testing.assert_allclose(found.residual[0], 0.0, atol=1e-12)
    middle = 2 * field_of(DISTANCE, thickness=2e-4, height=0)[MASK].max()
    assert float(found.full_penetration) == pytest.approx(4e7 * middle, rel=1e-9)


def test_sigma_is_from_sums_over_squares():
    """Sixteen squares whose misfits are ± 1: each sum is a sixteenth, two of sixteen degrees of freedom are gone."""
    signs = np.kron(np.resize([1.0, -1.0, -1.0], 16).reshape(4, 4), np.ones((2, 2)))
    weights = np.full((1, 64), 1 / 64)
    assert _sigma(weights, signs.ravel(), np.ones((8, 8), bool)) == pytest.approx(np.sqrt(1 / 14))


def test_the_mean_is_weighted_and_no_better_than_the_best_map():
    """By hand; a map without a value is left out."""
    assert _mean(np.array([1.0, 2.0, np.nan]), np.array([1.0, 0.5, 1.0]), "A/m") == Quantity(1.8, 0.5, "A/m")
    wide = _mean(np.array([1.0, 3.0]), np.array([0.1, 0.1]), "A/m")
    assert (float(wide), wide.uncertainty) == pytest.approx((2.0, 1.0))


def test_the_slope_over_field_is_that_of_the_logarithm():
    """J_c ∝ exp(−3 B): exactly, σ from 10 % a map; where the maps scatter more, from their scatter."""
    b = np.array([0.0, 0.1, 0.2])
    values = np.exp(-3 * b)
    slope = _field_slope(values, 0.1 * values, b)
    assert (float(slope), slope.uncertainty, slope.unit) == pytest.approx((-3.0, np.sqrt(0.5), "1/T"))
    bent = values * np.exp([0.1, -0.2, 0.1])
    # Misfits of 0.1, −0.2 and 0.1 with σ of 0.01: χ² of 600 for one degree of freedom.
    loose = _field_slope(bent, 0.01 * bent, b)
    assert (float(loose), loose.uncertainty) == pytest.approx((-3.0, 0.01 * np.sqrt(600 / 0.02)))
    assert np.isnan(_field_slope(values[:2], values[:2], b[:2]))


@pytest.mark.parametrize(
    ("slopes", "steady", "falling"),
    [
        ({10: (0.0, 1.0), 20: (-1.0, 0.1), 30: (-5.0, 1.0), 35: (-9.0, 1.0)}, 20, 30),
        ({10: (-2.5, 1.0), 20: (-2.5, 0.5)}, 10, 20),
        ({10: (-2.9, 1.0), 20: (-3.1, 1.0)}, 10, 20),
        ({10: (5.0, 0.1), 20: (np.nan, 1.0)}, 10, np.nan),
        ({10: (-5.0, 1.0), 20: (0.0, 1.0)}, np.nan, 10),
    ],
)
def test_where_the_current_begins_to_fall(slopes, steady, falling):
    """By three σ and by two per tesla; a temperature without a slope says nothing."""
    found = {float(t): SimpleNamespace(field_slope=Quantity(*slope, "1/T")) for t, slope in slopes.items()}
    last, first = constant_current_range(found)
    assert (float(last), float(first)) == pytest.approx((steady, falling), nan_ok=True)
    gap = (falling - steady) / np.sqrt(12)
    assert (last.uncertainty, first.uncertainty) == pytest.approx((gap, gap), nan_ok=True)


def test_the_ramp_down_is_half_of_what_has_changed():
    """A plate full in 80 mT and full the other way in −80 mT has the same current, at the field that was applied."""
    own = 4e7 * field_of(DISTANCE)
    given = {"field": np.array([0.08 - own, own - 0.08]), "applied": np.array([0.08, -0.08]), "outline": MASK}
    back = flux_maps(**given | PLATE).reversed_current()
    assert float(back.critical_current) == pytest.approx(4e7, rel=1e-9)
    assert back.state == ("filled",) and list(back.applied) == [-0.08]


def flux_maps(**change):
    """Three frames of 6 × 8 pixels of 1 mm, the sample on rows 1 to 4 and columns 2 to 6."""
    outline = np.zeros((6, 8), bool)
    outline[1:5, 2:7] = True
    hill = np.add.outer(np.arange(6.0), 10 * np.arange(8.0))
    given = {"field": np.array([0 * hill, hill / 2, hill]), "applied": np.array([0.0, 0.04, 0.001])}
    given |= {"temperature": 35.0, "history": "zero-field cooled", "pixel_size": 1e-3, "height": 0.0}
    return FluxMaps(**given | {"thickness": 5e-4, "outline": outline, "name": "a.tif"} | change)


def test_a_ramp_knows_its_frames():
    """Where it turns, what is remanent, what its frames are called."""
    ramp = flux_maps()
    assert (ramp.top, ramp.remanent, ramp.shown) == (1, 2, [1, 2])
    assert (ramp.label, ramp.state(1), ramp.state(2)) == ("35 K", "400 G", "remanent")
    assert flux_maps(applied=np.array([0.0, 0.04, 0.003])).remanent is None
    assert flux_maps(applied=np.array([0.0, 0.001, 0.04])).remanent is None
    cooled = flux_maps(history="cooled in 0.02 T")
    assert (cooled.is_cooled, cooled.label, cooled.state(0)) == (True, "35 K, cooled in 0.02 T", "remanent")
    scan = flux_maps(history="scanned")
    assert (scan.is_cooled, scan.is_ramp, scan.label, scan.state(0)) == (False, False, "a.tif", "")


def test_a_line_and_the_plateau_of_a_map():
    """Through the middle of the sample, between its rows; the inner half is two pixels of it."""
    ramp = flux_maps()
    across = ramp.across(ramp.field[2])
    np.testing.assert_allclose(across.distance, 1e-3 * np.arange(-4, 4), atol=1e-12)
    np.testing.assert_allclose(across.field, 2.5 + 10 * np.arange(8))
    assert ramp.half_width == pytest.approx(2.5e-3)
    assert ramp.trapped() == Quantity(42.5, 0.5, "T")
    np.testing.assert_allclose(ramp.own_field(1), ramp.field[1] - 0.04)
    bare = flux_maps(outline=None)
    assert np.isnan(bare.half_width) and bare.across(ramp.field[2]).distance[0] == pytest.approx(-3.5e-3)


def test_the_ridge_of_a_straight_line():
    """Where it is zero, from the middle of the edges; σ is a tenth of the resolution."""
    x = np.linspace(-3, 3, 301)
    ridge = mo.find_ridge(x, 0.13 - x, edges=(-1.8, 2.2), resolution=0.15)
    assert (float(ridge), ridge.uncertainty) == pytest.approx((-0.07, 0.015))


PROFILE = {"grid": [0.0, 1.0], "reduced": [0.0, 1.0, 2.0], "states": [[0, 0], [1, 3], [2, 2]]}


@pytest.mark.parametrize(
    ("place", "kim", "expected"), [(1.5, 0.0, 2.0), (0.5, 0.0, 1.0), (3.0, 0.0, 6.0), (1.5, 1e6, 2.0)]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_profile_is_interpolated_between_its_states(place, kim, expected, sign):
    """Half way along the grid; beyond the last state the plate is full; Kim's current is that of its field."""
    applied = sign * 7 * mu_0 * place
    current = 7 * (1 + kim * abs(applied))
    found = plate_profile([0.5], current, kim, 0.25, applied, filled=[-5.0, -7.0], **PROFILE)
    assert found == pytest.approx(sign * 7 * expected + applied + 0.25)


def test_the_front_of_a_strip():
    """At H = J_c d/π it lies at a/cosh 1 from the middle, whatever the field's sign."""
    for sign in (1, -1):
        place = front(1e8, applied=sign * mu_0 * 1e4 / np.pi, half_width=2.0, thickness=1e-4)
        assert place == pytest.approx(2 / np.cosh(1))


@pytest.mark.parametrize(
    ("scatter", "ratio", "p", "uniform"),
    [
        (0.03, 1.02, 0.01, True),
        (0.06, 1.02, 0.01, False),
        (0.03, 1.06, 0.01, False),
        (0.03, 1 / 1.06, 0.01, False),
        (0.5, 2.0, 0.06, True),
    ],
)
def test_a_map_is_even_within_what_was_agreed(scatter, ratio, p, uniform):
    """Not told from one J_c, or by less than 5 % in scatter and between the halves."""
    one = Homogeneity(Quantity(scatter, 0.01), 0.02, Quantity(ratio, 0.01), p, 0.05, 80e-6, 9e-6)
    assert one.uniform == uniform
    word = "one J_c within 5 %" if uniform else "not one J_c"
    assert str(one) == (
        f"{word}: scatter {one.scatter.to('%')}, right over left {one.left_to_right}, p = {p:.2g}; "
        "resolved to 80 µm, grains under 9 µm could hide"
    )


def test_the_moment_by_hand():
    """½ Σ (x j_y − y j_x) a² d over pixels of 2 and a thickness of 3; of a sheet without it; of a half, half."""
    y, x = 2 * (np.mgrid[:8, :8] - 3.5)
    currents = SimpleNamespace(jx=-y, jy=x, pixel_size=2.0, thickness=3.0)
    assert moment_of(currents) == pytest.approx(16128.0)
    assert moment_of(currents, x > 0) == pytest.approx(8064.0)
    sheet = SimpleNamespace(jx=-y, jy=x, pixel_size=2.0, thickness=0.0)
    assert moment_of(sheet) == pytest.approx(16128 / 3)


def test_the_filter_and_its_noise_are_what_is_said():
    """Of noise alone: T²/(T² + λk³) of a sheet at a height of one pixel; the currents scatter as their σ says."""
    noise = np.random.default_rng(4).normal(size=(96, 96))
    strength = (mu_0 / 2) ** 2 * 0.05
    found = mo.invert_current(noise, pixel_size=1.0, height=1.0, regularisation=strength)
    k = np.array([0.1, 0.7, 2.0])
    transfer = mu_0 / 2 * np.exp(-k)
    np.testing.assert_allclose(found.response(k), transfer**2 / (transfer**2 + strength * k**3))
    assert found.noise == pytest.approx(1, rel=0.03) and found.choice == "hand"
    inner = np.s_[16:-16, 16:-16]
    for current in (found.jx, found.jy):
        assert current[inner].std() == pytest.approx(found.uncertainty[0, 0], rel=0.15)
    half = np.pi / found.resolution  # the last of the map's rings at which half passes
    assert found.response(half) >= 0.5 > found.response(half + 2 * np.pi / 192)
