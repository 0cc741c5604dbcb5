"""Parts of calibration, inversion and J_c of a plate, each against the same worked out by hand or pixel by pixel."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.constants import mu_0
from scipy.fft import rfft2

from nbtools.magneto_optics import calibration as cal
from nbtools.magneto_optics import critical_current as jc
from nbtools.magneto_optics import inversion as inv
from nbtools.magneto_optics.profiles import bin_map, find_ridge, line_profile, place_outline
from nbtools.physics.current_sheet import current_transfer, plate_penetration_field, wave_numbers
from nbtools.results import NotPossible

RNG = np.random.default_rng(0)
FIELDS = np.array([-0.02, 0.0, 0.03, 0.05, 0.08])  # T; middle 0.03, half range 0.05

# ---- calibration: polynomials


def test_powers_of_a_field_in_units_of_its_range():
    """From −1 at the lowest field of the calibration to 1 at its highest."""
    found = cal._powers(np.array([0.03, 0.08, -0.02, 0.055]), FIELDS, 3)
    assert found == pytest.approx(np.vander([0, 1, -1, 0.5], 4, increasing=True))


def test_a_polynomial_and_its_slope():
    """As numpy's, pixel by pixel."""
    coefficients, u = RNG.normal(size=(4, 2, 3)), RNG.normal(size=(2, 3))
    value, slope = cal._evaluate(coefficients, u)
    for at in np.ndindex(2, 3):
        one = np.polynomial.Polynomial(coefficients[(slice(None), *at)])
        assert (value[at], slope[at]) == pytest.approx((one(u[at]), one.deriv()(u[at])))


@pytest.mark.parametrize("sense", [1, -1])
def test_a_polynomial_is_turned_round(sense):
    """Exact frames of cubics give back the field, its slope in counts per T, and what is beyond the range."""
    a, b, c, d = (
        RNG.uniform(low, high, (3, 4)) for low, high in ((900, 1100), (300, 500), (-40, 40), (10, 30))
    )

    def counts(field):
        u = (field - 0.03) / 0.05
        return a + sense * (b * u + c * u**2 + d * u**3)

    def slope(field):
        u = (field - 0.03) / 0.05
        return sense * (b + 2 * c * u + 3 * d * u**2) / 0.05

    frames = np.array([counts(f) for f in FIELDS])
    fit = cal._polynomial(frames, FIELDS, 1e-6)
    assert fit.name == "polynomial of degree 3" and fit.misfit < 1e-6
    # The diagonal of the projection on four columns sums to four, over five frames.
    assert fit.leverage == pytest.approx(4 / 5)
    invert = fit.of(np.s_[1:3])
    for field in (-0.019, 0.012, 0.03, 0.077, 0.095, -0.035):
        value, rate = invert(counts(field)[1:3])
        assert value == pytest.approx(field, abs=1e-9) and rate == pytest.approx(slope(field)[1:3], rel=1e-6)
    # Followed to 1.4 half ranges from the middle, and no further.
    assert invert(counts(0.03 + sense * 0 + 0.05 * 1.8)[1:3])[0] == pytest.approx(0.03 + 1.4 * 0.05)


def test_the_scatter_of_frames_about_a_polynomial():
    """The median over the pixels of √(squares/freedom), as numpy's fits leave them."""
    frames = 1000 + 400 * (FIELDS[:, None, None] / 0.05) + RNG.normal(0, 3, (5, 6, 7))
    fit = cal._polynomial(frames, FIELDS, 3.0)
    assert fit.name.endswith("2")
    x = (FIELDS - 0.03) / 0.05
    rest = [
        frames[:, i, j] - np.polyval(np.polyfit(x, frames[:, i, j], 2), x) for i in range(6) for j in range(7)
    ]
    assert fit.misfit == pytest.approx(np.median([np.sqrt(np.sum(r**2) / (5 - 3)) for r in rest]))


@pytest.mark.parametrize(("bend", "degree"), [(1.35, 2), (1.45, 3)])
def test_a_power_more_must_gain_two(bend, degree):
    """AIC of σ = 2: a cubic of so many σ in χ² gains more than its one parameter costs, or not."""
    x = np.linspace(-1, 1, 7)
    field = 0.01 * (x + 1)
    cubic = x**3 - np.polyval(np.polyfit(x, x**3, 2), x)
    fourth = 2.0 * bend * cubic / np.linalg.norm(cubic)
    frames = np.broadcast_to((500 + 30 * x + fourth)[:, None, None], (7, 4, 4))
    assert cal.choose_degree(frames, field, 2.0) == degree  # bend² is 1.82 or 2.10
    assert cal.choose_degree(frames[:4], field[:4], 1e-3) == 2  # of four fields no more than a parabola


def test_a_curve_is_followed_as_far_as_it_keeps_its_sense():
    """Light with a minimum at u = −0.52: the table is held from there on; chords meet counts between its places."""
    curves = np.array([0.27, 1.04, 1.0])[:, None, None] * np.ones((3, 1, 2))  # (u + 0.52)² − 4e-4
    curves[:, 0, 1] *= -1
    places, values, sense = cal._branch(curves)
    assert places == pytest.approx(np.arange(-14, 15) / 10) and sense.tolist() == [[1, -1]]
    table = (np.maximum(places, -0.5) + 0.52) ** 2 - 4e-4
    for pixel in (0, 1):
        assert values[:, 0, pixel] == pytest.approx(table, abs=1e-12)
    wanted = 0.7 * table[20] + 0.3 * table[21]
    chord = cal._chord(places, values, sense, np.array([[wanted, -wanted]]))
    assert chord == pytest.approx(np.full((1, 2), 0.6 + 0.03))
    ends = cal._chord(places, values, sense, np.array([[-9.0, -9.0]]))
    assert ends == pytest.approx(np.array([[-1.4, 1.4]]), abs=0.91) and ends[0, 1] == pytest.approx(1.4)


# ---- calibration: the polarisers' law


def test_malus_law_is_turned_round():
    """dark + I₀ sin²(c B + θ) with all three of each pixel gives back B, and the slope there."""
    theta, c = 0.11, 2.6
    dark, light = RNG.uniform(90, 110, (8, 9)), RNG.uniform(3e3, 4e3, (8, 9))

    def counts(field):
        return dark + light * np.sin(c * field + theta) ** 2

    grid = np.linspace(0.02, 0.98, 193) * (np.pi / 2 - theta) / 0.08
    c = grid[np.abs(grid - 2.6).argmin()]  # one of the values that are tried
    fit = cal._malus(np.array([counts(f) for f in FIELDS]), FIELDS, theta)
    assert fit.misfit < 1e-6 and fit.leverage == 1.0 and fit.name == "I₀ sin²(cB + 6.3°)"
    invert = fit.of(np.s_[2:5])
    for field in (0.0, 0.02, 0.07):
        value, slope = invert(counts(field)[2:5])
        assert value == pytest.approx(field, abs=1e-9)
        assert slope == pytest.approx((light * c * np.sin(2 * (c * field + theta)))[2:5], rel=1e-6)
    assert invert(dark[2:5] - 50)[0] == pytest.approx(-theta / c)  # darker than dark
    assert invert(dark[2:5] + light[2:5] + 50)[0] == pytest.approx((np.pi / 2 - theta) / c)
    with pytest.raises(ValueError, match="needs analyser"):
        cal._malus(np.array([counts(f) for f in FIELDS]), FIELDS, None)


def test_the_rotation_is_found_block_by_block():
    """Of 64 pixels a side in blocks of eight, joined by straight lines; of fewer in every pixel."""
    theta = 0.1
    grid = np.linspace(0.02, 0.98, 193) * (np.pi / 2 - theta) / 0.08
    for side, size in ((64, 8), (40, 1)):
        c = np.where(np.arange(side)[:, None] < 32, grid[60], grid[90]) * np.ones((side, side))
        frames = 50 + 900 * np.sin(c * FIELDS[:, None, None] + theta) ** 2
        found = cal._rotation(frames, FIELDS, theta)
        assert found.shape == (side, side)
        inside = np.abs(np.arange(side) - 31.5) > size
        assert found[inside] == pytest.approx(c[inside])


# ---- calibration: noise, walls and fillings


def test_roughness_is_the_noise_of_a_smooth_picture():
    """Nothing of a plane; of white noise σ, for the mask's squares sum to one."""
    assert np.sum(cal.ROUGHNESS**2) == pytest.approx(1.0)
    assert cal.roughness(2.5 * RNG.normal(size=(300, 300)) + np.arange(300)) == pytest.approx(2.5, rel=0.02)


@pytest.mark.parametrize(("height", "wall"), [(5.9, False), (6.1, True)])
def test_a_wall_leaves_its_neighbours_by_six_sigma(height, wall):
    """And by half of what their median rises, where that is steep."""
    field = np.zeros((15, 17))
    field[7, 8] = height
    walls = cal.find_walls(field, np.ones((15, 17)))
    assert walls[7, 8] == wall and walls.sum() == wall
    steep = np.where(np.arange(17) < 8, 0.0, 8.0) * np.ones((15, 1))
    steep[7, 12] += height
    assert cal.find_walls(steep, np.ones((15, 17))).sum() == wall  # the edge itself is none
    steep[7, 6] = height + 4.1  # the median rises by 8 within reach
    assert cal.find_walls(steep, np.ones((15, 17)))[7, 6] == (height + 4.1 > 6 + 4)


def test_a_doubtful_pixel_takes_the_mean_of_its_neighbours():
    """Of three by three where two are good; of seven by seven, fifteen, thirty-one where none are so near."""
    values = RNG.normal(size=(41, 43))
    bad = np.zeros((41, 43), bool)
    bad[10, 12] = True
    bad[20:25, 20:25] = True
    filled = values.copy()
    cal._fill(filled, bad)
    assert filled[~bad] == pytest.approx(values[~bad])
    ring = [values[i, j] for i in range(9, 12) for j in range(11, 14) if (i, j) != (10, 12)]
    assert filled[10, 12] == pytest.approx(np.mean(ring))
    near = [values[i, j] for i in range(19, 26) for j in range(19, 26) if not bad[i, j]]
    assert filled[22, 22] == pytest.approx(np.mean(near))
    corner = [values[i, j] for i in range(19, 22) for j in range(19, 22) if not bad[i, j]]
    assert filled[20, 20] == pytest.approx(np.mean(corner))
    everywhere = values.copy()
    cal._fill(everywhere, np.ones((41, 43), bool))
    assert everywhere == pytest.approx(values)


def test_the_in_plane_field_of_one_wave():
    """As strong as B_z and a quarter of a wave off: |B_∥| of a plane wave along either axis."""
    n = 96
    for along_rows in (True, False):
        wave = np.cos(2 * np.pi * np.arange(n) / 12)
        field = wave[:, None] * np.ones(n) if along_rows else wave * np.ones((n, 1))
        found = cal.in_plane_field(field)
        quarter = np.abs(np.sin(2 * np.pi * np.arange(n) / 12))
        expected = quarter[:, None] * np.ones(n) if along_rows else quarter * np.ones((n, 1))
        assert found[40:56, 40:56] == pytest.approx(expected[40:56, 40:56], abs=0.08)


# ---- inversion


def rings(seed=0, count=9):
    rng = np.random.default_rng(seed)
    k = np.linspace(200.0, 4e3, count)
    return inv.Rings(
        k, rng.integers(5, 60, count).astype(float), rng.uniform(0.5, 2, count) * 1e-3, np.exp(-k / 2e3)
    )


def test_what_a_ring_keeps():
    """λk³ of T² + λk³; half a wavelength where half is passed."""
    one = rings()
    strengths = np.array([1e-13, 1e-10])
    for row, strength in zip(one.shares(strengths), strengths, strict=True):
        assert row == pytest.approx(strength * one.k**3 / (one.transfer**2 + strength * one.k**3))
    for strength in (1e-11, 1e-10):
        passed = 1 - one.shares(np.array([strength]))[0]
        last = one.k[passed >= 0.5].max()
        assert inv.resolved_length(one, strength) == pytest.approx(np.pi / last)
    assert inv.resolved_length(one, 1e9) == np.inf


def test_the_trial_strengths():
    """e⁵ beyond where the weakest ring is passed and the strongest is not, evenly in the logarithm."""
    one = rings()
    ratio = one.transfer**2 / one.k**3
    grid = inv._grid(one)
    assert len(grid) == 201 and np.ptp(np.diff(np.log(grid))) < 1e-9
    assert grid[[0, -1]] == pytest.approx([ratio.min() * np.exp(-5), ratio.max() * np.exp(5)])


def test_the_likeliest_strength_by_brute_force():
    """Whittle's likelihood of a ring of so many modes: −n ln p − power n/p with p = σ²(1 + T²/λk³)."""
    one = rings(count=25)
    planted, noise = 3e-11, 0.02
    expected = noise**2 * (1 + one.transfer**2 / (planted * one.k**3))
    one = inv.Rings(one.k, one.count, expected, one.transfer)
    strength, sigma = inv._likeliest(one, 100)

    def likelihood(lam, variance):
        p = variance * (1 + one.transfer**2 / (lam * one.k**3))
        return -np.sum(one.count * (np.log(p) + one.power / p))

    best = likelihood(strength, 100 * sigma**2)
    for lam in (0.9, 1.1):
        assert likelihood(lam * strength, 100 * sigma**2) < best
        assert likelihood(strength, lam * 100 * sigma**2) < best
    assert strength == pytest.approx(planted, rel=0.05) and sigma == pytest.approx(noise / 10, rel=0.01)
    assert inv.choose_strength(one, "auto", 100) == (strength, sigma)
    assert inv.choose_strength(one, 7e-12, 100) == (7e-12, sigma)
    with pytest.raises(ValueError, match="it can be auto, gcv, l-curve, or a number"):
        inv.choose_strength(one, "best", 100)


def test_generalised_cross_validation():
    """Σ n p s² over (Σ n s)², the least of the trials."""
    one = rings(3)
    grid = np.geomspace(1e-13, 1e-9, 7)
    left = one.shares(grid)
    by_hand = [np.sum(one.count * one.power * s**2) / np.sum(one.count * s) ** 2 for s in left]
    assert inv._cross_validation(one, grid) == pytest.approx(by_hand)
    whole = inv._grid(one)
    assert inv.choose_strength(one, "gcv", 100)[0] == whole[np.argmin(inv._cross_validation(one, whole))]


def test_the_corner_of_the_l_curve():
    """Curvature of ln|J| over ln misfit by differences of the two, as a function of the trial."""
    one, grid = rings(5), np.geomspace(1e-14, 1e-8, 61)
    left = one.shares(grid)
    x = 0.5 * np.log([np.sum(one.count * one.power * s**2) for s in left])
    y = 0.5 * np.log([np.sum(one.count * one.power * ((1 - s) / one.transfer) ** 2 * one.k**3) for s in left])
    h = [np.gradient(v) for v in (x, y)]
    curvature = (h[0] * np.gradient(h[1]) - h[1] * np.gradient(h[0])) / (h[0] ** 2 + h[1] ** 2) ** 1.5
    safe = h[0] ** 2 + h[1] ** 2 > 1e-11
    assert inv._corner(one, grid)[safe] == pytest.approx(-curvature[safe])


@pytest.mark.parametrize("shape", [(10, 13), (9, 12)])
def test_rings_hold_all_of_a_spectrum(shape):
    """Power and modes of the rings sum to the whole transform's but for k = 0 (Parseval); T at the rings' radius."""
    field = RNG.normal(size=shape)
    optics = inv.lay_out(shape, 2e-6, 3e-6, 5e-6)
    padded = inv.padded_shape(shape)
    assert optics.shape == padded and all(p >= 2 * n for p, n in zip(padded, shape, strict=True))
    found = optics.rings(rfft2(field, s=padded))
    whole = np.abs(np.fft.fft2(field, s=padded)) ** 2
    assert np.sum(found.count * found.power) == pytest.approx(whole.sum() - whole[0, 0])
    assert found.count.sum() == whole.size - 1
    ky, kx, _ = wave_numbers(padded, 2e-6)
    assert found.k[0] == pytest.approx(min(ky[1, 0], kx[0, 1]))
    assert np.diff(found.k) == pytest.approx(found.k[0])
    assert found.transfer == pytest.approx(current_transfer(found.k, thickness=5e-6, height=3e-6))


def test_outside_of_a_map_its_rim_falls_off():
    """As 1/r³ from half the map's width inside the rim, nearest pixels going on; averaged over nine along the rim."""
    values = RNG.normal(size=(11, 14))
    shape = inv.padded_shape((11, 14))
    found = inv._extend(values, shape, "closed")
    assert found[:11, :14] == pytest.approx(values)
    right = np.pad(values[:, -1], 4, mode="edge")
    smooth = np.array([right[i : i + 9].mean() for i in range(11)])
    assert found[5, 14 + 2] == pytest.approx(smooth[5] * (1 + 3 / 7) ** -3)
    left = np.pad(values[:, 0], 4, mode="edge")
    smooth = np.array([left[i : i + 9].mean() for i in range(11)])
    assert found[5, -2] == pytest.approx(smooth[5] * (1 + 2 / 7) ** -3)
    top = np.pad(values[0], 4, mode="edge")
    smooth = np.array([top[i : i + 9].mean() for i in range(14)])
    assert found[-1, 6] == pytest.approx(smooth[6] * (1 + 1 / 5.5) ** -3)
    mirror = inv._extend(values, shape, "mirror")
    assert mirror[:11, 14:18] == pytest.approx(values[:, :-5:-1])


def test_a_moment_by_its_currents():
    """Half of Σ r × J over the pixels, from the map's middle; within an outline too."""
    jx, jy = RNG.normal(size=(2, 7, 9))
    one = SimpleNamespace(jx=jx, jy=jy, pixel_size=3e-6, thickness=2e-6)
    total = sum(
        (3e-6 * (j - 4) * jy[i, j] - 3e-6 * (i - 3) * jx[i, j]) / 2 * (3e-6) ** 2 * 2e-6
        for i in range(7)
        for j in range(9)
    )
    assert inv.moment_of(one) == pytest.approx(total)
    inside = np.zeros((7, 9), bool)
    inside[1, 2] = True
    alone = (3e-6 * -2 * jy[1, 2] - 3e-6 * -2 * jx[1, 2]) / 2 * (3e-6) ** 2
    assert inv.moment_of(SimpleNamespace(**{**vars(one), "thickness": 0.0}), inside) == pytest.approx(alone)


@pytest.mark.parametrize(
    ("sides", "square"), [((2e-6, 2e-6 * (1 + 9e-7)), True), ((2e-6, 2e-6 * (1 + 1.1e-6)), False)]
)
def test_sides_of_a_pixel(sides, square):
    """Equal to a millionth; three are none."""
    if square:
        assert inv.square_pixel(sides) == 2e-6
    else:
        with pytest.raises(ValueError, match="not square"):
            inv.square_pixel(sides)
    with pytest.raises(ValueError, match="not square"):
        inv.square_pixel((2e-6, 2e-6, 2e-6))
    with pytest.raises(ValueError, match="at least 8 × 8"):
        inv.check_map(np.zeros((7, 9)))
    assert inv.check_map(np.zeros((8, 8))).shape == (8, 8)


# ---- J_c of a plate


def test_shapes_fitted_to_a_field():
    """Factors, offset and σ of the first, as least squares with a constant gives them on the chosen pixels."""
    shapes = RNG.normal(size=(3, 30, 41))
    chosen = RNG.random((30, 41)) < 0.8
    field = 2.0 * shapes[0] - 0.7 * shapes[1] + 0.1 * shapes[2] + 5.0 + 0.3 * RNG.normal(size=(30, 41))
    factors, offset, sigma = jc._fit_shapes(shapes, field, chosen)
    design = np.column_stack([*shapes[:, chosen], np.ones(chosen.sum())])
    best, *_ = np.linalg.lstsq(design, field[chosen], rcond=None)
    assert [*factors, offset] == pytest.approx(best)
    # White noise: close to the usual σ; from sums over squares of about ten pixels (four along a side of 41).
    usual = 0.3 * np.sqrt(np.linalg.inv(design.T @ design)[0, 0])
    assert sigma == pytest.approx(usual, rel=0.6)
    rest = np.full(field.shape, np.nan)
    rest[chosen] = field[chosen] - design @ best
    weights = np.full(field.shape, np.nan)
    weights[chosen] = np.linalg.pinv(design)[0]
    sums = [
        np.nansum((weights * rest)[np.ix_(rows, columns)])
        for rows in np.split(np.arange(30), [8, 15, 23])
        for columns in np.split(np.arange(41), [11, 21, 31])
    ]
    assert sigma == pytest.approx(np.sqrt(np.sum(np.square(sums)) * 16 / (16 - 1 - 3)))


def test_a_mean_of_maps():
    """By 1/σ²; no better than the best map, and no better than they agree."""
    values, sigmas = np.array([10.0, 12.0, np.nan, 11.0]), np.array([1.0, 2.0, 1.0, 0.5])
    weights = np.array([1, 0.25, 4])
    mean = np.array([10, 12, 11]) @ weights / weights.sum()
    found = jc._mean(values, sigmas, "A/m^2")
    outer = np.sqrt((np.array([10, 12, 11]) - mean) ** 2 @ weights / weights.sum() / 2)
    assert found == pytest.approx(mean) and found.uncertainty == pytest.approx(max(0.5, outer)) == 0.5
    apart = jc._mean(np.array([10.0, 16.0]), np.array([0.1, 0.2]), "A/m")
    mean = (10 * 4 + 16) / 5
    assert apart == pytest.approx(mean)
    assert apart.uncertainty == pytest.approx(np.sqrt(((10 - mean) ** 2 * 4 + (16 - mean) ** 2) / 5))
    assert apart.unit == "A/m" and np.isnan(jc._mean(np.full(2, np.nan), np.ones(2), "A/m"))


@pytest.mark.parametrize("scatter", [0.0, 0.4])
def test_how_fast_a_current_falls_with_field(scatter):
    """The weighted slope of ln J_c, as numpy fits it; σ widened by scatter beyond the stated, of three maps or more."""
    fields = np.array([0.01, 0.03, 0.04, 0.08, 0.1])
    values = 1e9 * np.exp(-4.0 * fields + scatter * np.array([1, -1, 0.5, -0.3, 0.2]))
    sigmas = values * np.array([0.02, 0.05, 0.03, 0.04, 0.02])
    found = jc._field_slope(np.r_[values, np.nan], np.r_[sigmas, 1.0], np.r_[fields, 0.2])
    line, covariance = np.polyfit(fields, np.log(values), 1, w=values / sigmas, cov="unscaled")
    chi_square = np.sum(((np.log(values) - np.polyval(line, fields)) * values / sigmas) ** 2)
    assert (chi_square / 3 > 1) == (scatter > 0)
    assert found == pytest.approx(line[0])
    assert found.uncertainty == pytest.approx(np.sqrt(covariance[0, 0] * max(1, chi_square / 3)))
    assert np.isnan(jc._field_slope(values[:2], sigmas[:2], fields[:2]))
    assert np.isnan(jc._field_slope(values, sigmas, np.full(5, 0.03)))


def test_between_two_states():
    """Weights of the neighbours of a place between them; nothing of the others; the ends beyond."""
    known = jc._Partial(np.array([0.0, 1.0, 3.0, 7.0]), np.zeros(0), np.zeros(0), np.zeros(0))
    found = known.between(np.array([0.25, 1.5, 7.0, 9.0]))
    assert found == pytest.approx(
        np.array([[0.75, 0.25, 0, 0], [0, 0.75, 0.25, 0], [0, 0, 0, 1], [0, 0, 0, 1]])
    )


def test_the_field_that_fills_a_square_plate():
    """Where its middle is reached: the loops' own field on the axis, summed without a grid."""
    outline = np.zeros((61, 61), bool)
    outline[10:51, 10:51] = True
    thick = 20.0
    distance = np.asarray(jc.signed_distance(outline), float)
    family = jc._family(distance.tobytes(), distance.shape, 1.0, thick, 0.5)
    on_axis = plate_penetration_field(1.0, sides=(41.0, 41.0), thickness=thick)
    assert 0.95 < family.filling / on_axis < 1.0  # a pixel of a 41st averages over the peak
    assert family.width == 41 and family.mask.sum() == 41 * 41
    assert family.chosen.sum() == np.sum(np.abs(distance) > 2)
    # An edge that moves outward by one pixel everywhere makes the plate wider by as much.
    moved = np.maximum(distance + 0.5, 0) - np.maximum(distance - 0.5, 0)
    jx, jy = jc.current_of(moved, 1.0)
    assert family.moves[0] == pytest.approx(
        jc.plate_field(jx, jy, pixel_size=1.0, thickness=thick, height=0.5)
    )
    assert family.filled.max() > 0 and mu_0 * family.filling > 0


# ---- lines over a map


def test_a_profile_across_its_width():
    """The mean of the lanes and their scatter over √n: of a width of 5.2 pixels five lanes, two to either side."""
    values = RNG.normal(size=(20, 30))
    found = line_profile(values, (4e-6, 10e-6), (25e-6, 10e-6), pixel_size=1e-6, width=5.2e-6)
    lanes = values[8:13, 4:26]
    assert found.distance == pytest.approx(np.arange(22) * 1e-6)
    assert found.field == pytest.approx(lanes.mean(axis=0))
    assert found.uncertainty == pytest.approx(lanes.std(axis=0, ddof=1) / np.sqrt(5))
    down = line_profile(values, (7e-6, 3e-6), (7e-6, 15e-6), pixel_size=1e-6)
    assert down.field == pytest.approx(values[3:16, 7]) and np.isnan(down.uncertainty).all()
    y, x = np.mgrid[:20, :30] * 1.0
    slanted = line_profile(2 * x - 3 * y, (4e-6, 2e-6), (16e-6, 18e-6), pixel_size=1e-6, width=3e-6)
    assert slanted.field[0] == pytest.approx(2 * 4 - 3 * 2)
    assert np.diff(slanted.field) == pytest.approx(2 * 0.6 - 3 * 0.8)
    assert np.mean(slanted.uncertainty) == pytest.approx(
        np.std([-2 * 0.8 - 3 * 0.6, 0, 2 * 0.8 + 3 * 0.6], ddof=1) / 3**0.5
    )
    with pytest.raises(ValueError, match="leaves the map"):
        line_profile(values, (0, 0), (29.5e-6, 3e-6), pixel_size=1e-6)
    with pytest.raises(ValueError, match="no length"):
        line_profile(values, (1e-6, 1e-6), (1e-6, 1e-6), pixel_size=1e-6)
    corner = line_profile(values, (0, 0), (28.5e-6, 18.5e-6), pixel_size=1e-6)
    assert len(corner.distance) == int(np.ceil(np.hypot(28.5, 18.5) + 0.5))


def test_binned_maps_and_outlines():
    """Means of three by three, a rest left out; a plate of odd sides in the middle."""
    values = RNG.normal(size=(11, 8))
    found = bin_map(values, 3)
    assert found.shape == (3, 2) and found[1, 1] == pytest.approx(values[3:6, 3:6].mean())
    outline = place_outline((9, 12), 2.0, (7.0, 10.0))
    assert outline.sum() == 5 * 4 and outline[2:7, 4:8].all()


def test_where_a_current_turns_round():
    """±J on both sides of a line, smooth over one resolution: the zero of a straight line, from the middle."""
    x = np.linspace(0, 40e-6, 81)
    current = np.clip((x - 22e-6) / 3e-6, -1, 1) * 1e9
    current[10] = 2e8  # a change of sign of noise, outside the middle half
    found = find_ridge(x, current, edges=(2e-6, 38e-6), resolution=2e-6)
    chosen = np.abs(x - 22e-6) <= 2.0000001e-6
    line, covariance = np.polyfit(x[chosen] - 20e-6, current[chosen], 1, cov=True)
    place = -line[1] / line[0]
    gradient = np.array([place, 1.0])
    sigma = np.sqrt(gradient @ covariance @ gradient) / line[0]
    assert found == pytest.approx(place) == pytest.approx(2e-6, abs=1e-12)
    assert found.uncertainty == pytest.approx(np.hypot(sigma, 0.2e-6))
    weak = current + np.where(np.abs(x - 15e-6) < 0.3e-6, 1.02e9, 0)  # one pixel of noise crosses twice
    assert find_ridge(x, weak, edges=(2e-6, 38e-6), resolution=2e-6) == pytest.approx(2e-6, abs=0.1e-6)
    with pytest.raises(NotPossible, match="does not change its sign"):
        find_ridge(x, np.abs(current) + 1, edges=(2e-6, 38e-6), resolution=2e-6)
