"""Calibration, criteria and fits of magneto-optics on numbers worked out by hand, on either side of a limit."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.constants import mu_0

from nbtools.magneto_optics import calibration as cal
from nbtools.magneto_optics import critical_current as jc
from nbtools.magneto_optics import inversion as inv
from nbtools.magneto_optics.model_profile import front, plate_profile
from nbtools.magneto_optics.profiles import find_ridge, line_profile

SHAPE = (23, 31)
CHESS = np.where(np.add.outer(np.arange(23), np.arange(31)) % 2, 1.0, -1.0)
THREE = np.array([-0.02, 0.03, 0.08])  # T; their middle is 0.03, their range 0.1


def light(field, gain=1.0):
    """Counts of a film whose parabola rises all the way: 5000 + 40000 B + 50000 B²."""
    return gain * (5000 + 4e4 * field + 5e4 * np.square(field)) * np.ones(SHAPE)


def found_at(field, **options):
    return cal.calibrate(light(field), [light(one) for one in THREE], THREE, **options)


# ---- calibration


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_the_top_of_a_scale(bits):
    """2ⁿ − 1 of a camera of n bits; one count less is none, nor is a number that is not whole."""
    image = np.full((4, 5), 30, np.int64)
    image[2, 3] = 2**bits - 1
    assert cal.saturated(image).sum() == 1 and cal.saturated(image)[2, 3]
    assert not cal.saturated(image.astype(float)).any()
    image[2, 3] -= 1
    assert not cal.saturated(image).any()


@pytest.mark.parametrize("bits", [9, 11, 13, 15])
def test_no_camera_has_this_scale(bits):
    """Of an odd number of bits."""
    assert not cal.saturated(np.array([[3, 2**bits - 1]])).any()


@pytest.mark.parametrize(("count", "refused"), [(7, False), (8, True), (12, True)])
def test_one_pixel_in_a_hundred_may_be_saturated(count, refused):
    """Of 713 pixels seven are, eight are not."""
    frames = np.rint([light(one) for one in THREE]).astype(np.uint16)
    image = frames[1].copy()
    image.flat[:count] = 65535
    if refused:
        with pytest.raises(
            ValueError, match=rf"raw: {100 * count / 713:.0f} % of image 0 are saturated at 65535"
        ):
            cal.calibrate(image, frames, THREE)
    else:
        assert cal.calibrate(image, frames, THREE).doubtful.flat[:count].all()


def test_a_pixel_at_the_top_of_the_scale_is_doubtful():
    """Though its field lies in the middle of the range and among its neighbours'; none of the others is."""
    frames = [np.rint(light(one, 0.65)).astype(np.uint16) for one in THREE]
    wobble = np.random.default_rng(4).normal(size=SHAPE)
    raw = np.minimum(np.rint(4060 + 15 * np.clip(wobble, -2, 2)), 4094).astype(np.uint16)
    raw[5, 17] = 4095
    found = cal.calibrate(raw, frames, THREE)
    assert np.argwhere(found.doubtful).tolist() == [[5, 17]] and 0 < found.field[5, 17] < 0.06


def test_a_pixel_without_light():
    """What never answers is doubtful and no NaN, by either law."""
    gain = np.ones(SHAPE)
    gain[4, 9] = 0.0
    frames = [light(one, gain) for one in THREE]
    wobble = gain * np.random.default_rng(4).normal(size=SHAPE)
    found = cal.calibrate(light(0.03, gain) + wobble, frames, THREE)
    assert found.doubtful[4, 9] and np.isfinite(found.field).all() and np.isfinite(found.uncertainty).all()
    bright = [3000 * gain * np.sin(2.6 * one + 0.11) ** 2 for one in THREE]
    fit = cal._malus(np.array(bright), THREE, 0.11)
    value, slope = fit.of(np.s_[:])(np.zeros(SHAPE))
    angle = float(cal._rotation(np.array(bright), THREE, 0.11)[4, 9])
    assert value[4, 9] == pytest.approx(-0.11 / angle) and slope[4, 9] == 0


@pytest.mark.parametrize(
    ("raw", "frames", "applied", "sentence"),
    [
        ((5, 7), (3, 5, 8), 3, r"raw has \(5, 7\) pixels and the calibration frames \(5, 8\)"),
        ((4, 5, 7), (3, 6, 7), 3, r"raw has \(5, 7\) pixels and the calibration frames \(6, 7\)"),
        ((5, 7), (4, 5, 7), 3, "4 calibration frames came with 3 applied fields"),
        ((5, 7), (5, 7), 3, r"raw has the shape \(5, 7\) and frames \(5, 7\)"),
        ((2, 2, 5, 7), (3, 5, 7), 3, r"raw has the shape \(2, 2, 5, 7\)"),
    ],
)
def test_shapes_that_do_not_fit(raw, frames, applied, sentence):
    """Each is named with what came."""
    with pytest.raises(ValueError, match=sentence):
        cal.calibrate(np.ones(raw), np.ones(frames), THREE[:applied])


def test_sigma_of_three_exact_frames():
    """A parabola through three points has the noise of one frame at each: √2 of it over the slope in counts per T."""
    wobble = 5.0 * np.random.default_rng(8).normal(size=SHAPE)
    one = cal.calibrate(light(0.05) + wobble, [light(f) for f in THREE], THREE)
    assert one.noise == pytest.approx(cal.roughness(wobble)) and np.isnan(one.misfit)
    slope = 4e4 + 1e5 * np.asarray(one.field, float)
    assert one.uncertainty == pytest.approx(one.noise * np.sqrt(2) / slope, rel=1e-5)
    assert one.sensitivity == pytest.approx(np.full(SHAPE, 4e4 + 5e4 * 0.06))
    assert one.fit == "polynomial of degree 2, exact"
    smooth = cal.calibrate(light(0.05) + wobble, [light(f) for f in THREE], THREE, smooth=1.5)
    rest = np.sqrt(1 + 1 / (4 * np.pi * 1.5**2))
    assert smooth.uncertainty == pytest.approx(one.noise * rest / slope, rel=1e-5)
    little = cal.calibrate(light(0.05) + wobble, [light(f) for f in THREE], THREE, smooth=0.2)
    assert little.uncertainty == pytest.approx(one.uncertainty, rel=1e-5), "no frame is made worse by it"


def test_frames_are_smoothed_before_the_fit():
    """A chess board on all frames is gone with a σ of three pixels, so it is read as field."""
    frames = [light(one) + 60 * CHESS for one in THREE]
    rough = cal.calibrate(light(0.03) + 60 * CHESS, frames, THREE)
    smooth = cal.calibrate(light(0.03) + 60 * CHESS, frames, THREE, smooth=3.0)
    assert np.ptp(rough.field) < 1e-6
    inner = np.s_[9:-9, 9:-9]
    assert np.ptp(smooth.field[inner]) == pytest.approx(120 / (4e4 + 1e5 * 0.03), rel=0.01)


@pytest.mark.parametrize(
    ("field", "doubtful"), [(0.0891, False), (0.0909, True), (-0.0291, False), (-0.0309, True), (0.03, False)]
)
def test_beyond_the_range_by_a_tenth(field, doubtful):
    """A calibration from −0.02 to 0.08 T serves from −0.03 to 0.09 T."""
    assert (found_at(field).doubtful == doubtful).all()
    assert found_at(field).field == pytest.approx(np.full(SHAPE, field), abs=1e-6)


@pytest.mark.parametrize(("gain", "doubtful"), [(0.092, True), (0.108, False)])
def test_a_pixel_that_hardly_answers(gain, doubtful):
    """With less than a tenth of the median sensitivity; its σ grows no further than there."""
    gains = np.ones(SHAPE)
    gains[11, 7] = gain
    wobble = np.random.default_rng(9).normal(size=SHAPE)
    wobble[11, 7] = 0
    raw = light(0.03, gains) + wobble
    one = cal.calibrate(raw, [light(f, gains) for f in THREE], THREE)
    slope = 4e4 + 1e5 * 0.03
    assert one.doubtful[11, 7] == doubtful and one.doubtful.sum() == doubtful
    assert one.uncertainty[11, 7] == pytest.approx(
        np.sqrt(2) * one.noise / (slope * max(gain, 0.1)), rel=1e-5
    )


@pytest.mark.parametrize(("count", "noisy"), [(9, range(9)), (10, range(0, 10, 2)), (20, range(0, 20, 3))])
def test_nine_frames_tell_the_noise(count, noisy):
    """Of a longer series every second or third."""
    wobble = np.random.default_rng(5).normal(size=SHAPE)
    raw = np.array([light(0.03) + (7 if n in noisy else 90) * wobble for n in range(count)])
    one = cal.calibrate(raw, [light(f) for f in THREE], THREE)
    assert one.noise == pytest.approx(7 * cal.roughness(wobble)) and one.field.shape == raw.shape


def test_the_misfit_in_units_of_the_noise():
    """Four frames on a line but for ±3δ, ∓δ of a cubic: its squares sum to 20 δ², with one degree of freedom."""
    field = np.array([0.0, 0.01, 0.02, 0.03])
    frames = np.array([2000 + 5e4 * b + c for b, c in zip(field, [-2.0, 6.0, -6.0, 2.0], strict=True)])
    wobble = np.random.default_rng(3).normal(size=SHAPE)
    one = cal.calibrate(frames[2] + wobble, frames[:, None, None] * np.ones(SHAPE), field)
    assert one.misfit == pytest.approx(np.sqrt(20 * 4) / cal.roughness(wobble), rel=1e-6)
    assert one.fit == f"polynomial of degree 2, misfit {one.misfit:.2f} of the noise"


@pytest.mark.parametrize(
    ("power", "frames", "degree"), [(6, 14, 6), (7, 14, 6), (5, 8, 5), (5, 6, 4), (3, 5, 3)]
)
def test_no_degree_beyond_six(power, frames, degree):
    """Nor one that leaves fewer than one frame over."""
    x = np.linspace(-1, 1, frames)
    counts = 100 * (x + 2) ** power
    known = counts[:, None, None] * np.ones((3, 4))
    assert cal.choose_degree(known, 0.05 + 0.02 * x, 1e-3) == degree


@pytest.mark.parametrize("axis", [0, 1])
def test_a_film_held_down_by_a_wave(axis):
    """B_∥ of a wave of B_z is a quarter of a wave off: sin where B_z has cos, over B_A."""
    n, a, held, applied = 96, 2e-3, 0.08, 1e-3
    phase = 2 * np.pi * np.arange(n) / 12 + 0.4
    wave = a * np.cos(phase)
    field = applied + (wave[:, None] * np.ones(n) if axis == 0 else wave * np.ones((n, 1)))
    found = cal.correct_in_plane_field(
        np.array([field, field + 5e-4]), [applied, applied + 5e-4], pixel_size=1.0, anisotropy_field=held
    )
    assert found.shape == (2, n, n)
    middle = np.s_[40:56]
    quarter = np.abs(a * np.sin(phase))[middle]
    for one, level in zip(found, (0.0, 5e-4), strict=True):
        line = one[middle, 48] if axis == 0 else one[48, middle]
        expected = (wave[middle] + applied + level) * (1 + quarter / held)
        assert line == pytest.approx(expected, abs=1.2e-5)


def test_walls_are_beside_the_median_of_five_by_five():
    """Twelve bright pixels of twenty-five leave the median dark, thirteen do not: then it is the dark that leave it."""
    for count, marked in ((12, True), (13, False)):
        field = np.zeros((9, 9))
        places = [(i, j) for i in range(3, 6) for j in range(2, 7)][:count]
        for place in places:
            field[place] = 40.0
        found = cal.find_walls(field, np.ones((9, 9)))
        middle = cal._median_at(field, np.ones((9, 9), bool))
        assert middle[4, 4] == (0.0 if count == 12 else 40.0)
        by_hand = np.array(
            [
                [np.median(np.pad(field, 2, mode="edge")[i : i + 5, j : j + 5]) for j in range(9)]
                for i in range(9)
            ]
        )
        assert middle == pytest.approx(by_hand)
        assert found[4, 4] == marked


def test_bad_pixels_far_from_good_ones():
    """In a dark square of nine the middle takes the mean over fifteen by fifteen, of nineteen over thirty-one."""
    values = np.random.default_rng(2).normal(size=(61, 63))
    for half, reach in ((4, 7), (9, 15)):
        bad = np.zeros(values.shape, bool)
        bad[30 - half : 31 + half, 30 - half : 31 + half] = True
        filled = values.copy()
        cal._fill(filled, bad)
        square = np.s_[30 - reach : 31 + reach, 30 - reach : 31 + reach]
        assert filled[30, 30] == pytest.approx(values[square][~bad[square]].mean())


def test_one_good_neighbour_is_too_little():
    """Of nine pixels a single good one does not decide, two do."""
    values = np.arange(225.0).reshape(15, 15)
    for good, expected in (([(6, 6)], None), ([(6, 6), (8, 7)], (values[6, 6] + values[8, 7]) / 2)):
        bad = np.zeros((15, 15), bool)
        bad[6:9, 6:9] = True
        for place in good:
            bad[place] = False
        filled = values.copy()
        cal._fill(filled, bad)
        if expected is None:
            near = np.s_[4:11, 4:11]
            expected = values[near][~bad[near]].mean()
        assert filled[7, 7] == pytest.approx(expected)


# ---- profiles


def test_a_line_may_touch_the_border():
    """Its ends may lie on the first and last pixels, and no further."""
    values = np.random.default_rng(1).normal(size=(5, 8))
    assert line_profile(values, (0, 6e-6), (14e-6, 6e-6), pixel_size=2e-6).field == pytest.approx(values[3])
    for start, end in (((0, 8.2e-6), (4e-6, 8e-6)), ((-0.2e-6, 1e-6), (4e-6, 1e-6)), ((0, 0), (14.2e-6, 0))):
        with pytest.raises(ValueError, match="leaves the map"):
            line_profile(values, start, end, pixel_size=2e-6)


@pytest.mark.parametrize(("width", "lanes"), [(3.9, 1), (4.1, 3), (8.1, 5)])
def test_lanes_of_a_width(width, lanes):
    """One more on either side for every two pixels of two micrometres."""
    values = np.random.default_rng(1).normal(size=(9, 11))
    line = line_profile(values, (4e-6, 8e-6), (16e-6, 8e-6), pixel_size=2e-6, width=width * 1e-6)
    half = lanes // 2
    assert line.field == pytest.approx(values[4 - half : 5 + half, 2:9].mean(axis=0))


@pytest.mark.parametrize("middle", [0.0, 7e-6])
def test_the_largest_turn_of_the_middle_half_is_the_ridge(middle):
    """Steps of ±1 in the outer quarters and of ±0.2 inside do not count beside the step of 1.4."""
    x = np.arange(-20, 21) * 1e-6 + 3e-7
    j = np.full(41, 1.0)
    j[x > 4e-6] = -0.4
    j[np.abs(x - 7.3e-6) < 0.1e-6] = 0.1
    j[x < -11e-6] = -9.0
    found = find_ridge(x + middle, j, edges=(middle - 20e-6, middle + 20e-6), resolution=2e-6)
    turn = np.flatnonzero(x < 4e-6)[-1]
    part = np.s_[turn - 3 : turn + 4]
    slope, start = np.polyfit(x[part], j[part], 1)
    assert found == pytest.approx(-start / slope, rel=1e-9)


# ---- the model of a profile

STATES = np.array([[0.0, 0.0, 0.0], [1.0, -2.0, 1.0], [2.0, -5.0, 3.0]]) * 1e-12


@pytest.mark.parametrize("sign", [1, -1])
def test_a_profile_between_two_states(sign):
    """H/J_c a quarter of the way from the second to the third, J_c halved by Kim's 30/T of 1/30 T."""
    applied = sign / 30
    reduced = np.array([0.0, 1.0, 3.0]) * 1e-4
    current = (1 / 30) / mu_0 / 1.5e-4  # what H/J = 1.5e-4 m wants
    found = plate_profile(
        [-1.0, 0.5, 2.0],
        2 * current,
        kim=30.0,
        offset=0.004,
        applied=applied,
        grid=[-1.0, 0.0, 2.0],
        reduced=reduced,
        states=STATES,
        filled=[1.0, 7.0, 1.0],
    )
    shape = np.array([1.25, -2.75, 1.5]) * 1e-12
    own = sign * current * np.array([shape[0], 0.75 * shape[1] + 0.25 * shape[2], shape[2]])
    assert found == pytest.approx(own + applied + 0.004)
    plain = plate_profile(
        [0.0],
        current,
        applied=applied,
        grid=[-1.0, 0.0, 2.0],
        reduced=reduced,
        states=STATES,
        filled=[1, 7, 1],
    )
    assert plain == pytest.approx([sign * current * shape[1] + applied])


def test_a_full_profile():
    """Beyond the last state the plate is full, with the current that shields."""
    at = {
        "grid": [-1.0, 0.0, 2.0],
        "reduced": [0.0, 1e-4, 3e-4],
        "states": STATES,
        "filled": [1e-12, 7e-12, 2e-12],
    }
    found = plate_profile([0.0, 1.0], 3e7, applied=mu_0 * 3e7 * 3.01e-4, **at)
    assert found - mu_0 * 3e7 * 3.01e-4 == pytest.approx([-3e7 * 7e-12, -3e7 * 4.5e-12])
    below = plate_profile([0.0], 3e7, applied=mu_0 * 3e7 * 2.99e-4, **at)
    assert below - mu_0 * 3e7 * 2.99e-4 == pytest.approx(
        3e7 * -(2 * 0.01 / 2 + 5 * 1.99 / 2) * 1e-12, rel=1e-6
    )


def test_the_front_of_a_strip():
    """A field of J_c d acosh(5/3)/π, which is J_c d ln 3/π, leaves three fifths of the half width free of flux."""
    applied = -mu_0 * 3e8 * 2e-4 * np.log(3) / np.pi
    assert front(3e8, applied=applied, half_width=5e-4, thickness=2e-4) == pytest.approx(3e-4)


# ---- inversion


def test_what_is_told_of_a_current():
    """|J| of a 3-4-5 triangle; times the thickness, and as it is of a sheet; the unit of each."""
    one = inv.CurrentMap(
        *(np.full((8, 9), v) for v in (3.0, -4.0, 0.1)),
        1e-9,
        np.zeros((8, 9)),
        1e-3,
        2e-6,
        "hand",
        1e-6,
        0.0,
        0.3,
    )
    assert one.magnitude == pytest.approx(5.0) and one.sheet_current == pytest.approx(1.5)
    assert one.unit == "A/m^2"
    sheet = inv.CurrentMap(**{**vars(one), "thickness": 0.0})
    assert sheet.sheet_current == pytest.approx(5.0) and sheet.unit == "A/m"


@pytest.mark.parametrize("thickness", [0.0, 4.0])
def test_an_inversion_by_its_filter(thickness):
    """Each wave of the padded map is T/(T² + λ k³) times that of B_z, and σ by its squares (Parseval)."""
    rng = np.random.default_rng(12)
    field = rng.normal(size=(12, 15))
    lam = 3e-13
    one = inv.invert_current(
        field, pixel_size=1.3, height=0.7, thickness=thickness, regularisation=lam, edges="mirror"
    )
    shape = inv.padded_shape((12, 15))
    wide = np.pad(field, [(0, shape[0] - 12), (0, shape[1] - 15)], mode="symmetric")
    ky, kx = (2 * np.pi * np.fft.fftfreq(n, 1.3) for n in shape)
    k = np.hypot(ky[:, None], kx)
    k[0, 0] = 1.0
    # A sheet at height z makes µ0/2 e^(−kz) of B_z; a plate the integral of that through its thickness.
    t = mu_0 / 2 * np.exp(-0.7 * k) * ((1 - np.exp(-k * thickness)) / k if thickness else 1.0)
    stream = np.fft.fft2(wide) * t / (t**2 + lam * k**3) / k
    stream[0, 0] = 0.0
    jx, jy = (np.fft.ifft2(f * stream).real[:12, :15] for f in (1j * ky[:, None], -1j * kx))
    # The shortest wave of an even side has no derivative in a real transform.
    assert one.jx == pytest.approx(jx, abs=0.05 * np.abs(jx).max())
    assert one.jy == pytest.approx(jy, abs=0.05 * np.abs(jy).max())
    explained = np.fft.ifft2(k * t * stream).real[:12, :15]
    rest = field - explained
    assert one.residual == pytest.approx(rest - rest.mean(), abs=1e-9)
    ring = np.floor(k * 1.3 * max(shape) / (2 * np.pi) + 0.5 + 1e-9).astype(int)
    ring[0, 0] = 0
    r = np.arange(1, ring.max() + 1) * 2 * np.pi / (1.3 * max(shape))
    tr = mu_0 / 2 * np.exp(-0.7 * r) * ((1 - np.exp(-r * thickness)) / r if thickness else 1.0)
    passed = tr / (tr**2 + lam * r**3)
    count = np.bincount(ring.ravel())[1:]
    gain = np.sqrt(np.sum(count * passed**2) / k.size / 2)
    assert one.uncertainty == pytest.approx(np.full((12, 15), one.noise * gain), rel=1e-6)
    assert one.response(r) == pytest.approx(tr * passed)
    assert (one.regularisation, one.choice, one.pixel_size, one.height) == (lam, "hand", 1.3, 0.7)
    assert one.thickness == thickness
    x, y = one.smooth(one.jx, one.jy)
    assert one.bias[0] == pytest.approx(x - one.jx) and one.bias[1] == pytest.approx(y - one.jy)


# ---- J_c of a plate


def test_maps_that_are_too_large_are_binned():
    """Of 1030 pixels a side three by three are one, with distances in the larger pixels."""
    outline = np.zeros((20, 1030), bool)
    outline[4:16, 300:700] = True
    field = np.random.default_rng(0).normal(size=outline.shape)
    maps, fields, distance, side = jc._check(field, 0.02, outline, 2e-6)
    assert maps[0].shape == distance.shape == (6, 343) and side == pytest.approx(6e-6)
    assert maps[0][2, 50] == pytest.approx(field[6:9, 150:153].mean()) and fields.tolist() == [0.02]
    rows = np.minimum(np.arange(6, 9) - 3.5, 15.5 - np.arange(6, 9))
    assert distance[2, 150] == pytest.approx(rows.mean() / 3, abs=0.01)
    kept = jc._check(field[:, 288:800], 0.02, outline[:, 288:800], 2e-6)
    assert kept[0][0].shape == (20, 512) and kept[3] == 2e-6


@pytest.mark.parametrize("border", [(0, 5), (11, 5), (5, 0), (5, 13)])
def test_a_sample_keeps_a_margin(border):
    """On none of the four sides may it run out of the map."""
    outline = np.zeros((12, 14), bool)
    outline[4:8, 4:8] = True
    assert jc._check(np.zeros((12, 14)), 0.0, outline, 1.0)[2].shape == (12, 14)
    outline[border] = True
    with pytest.raises(ValueError, match="runs out of the map"):
        jc._check(np.zeros((12, 14)), 0.0, outline, 1.0)


def test_edges_that_move():
    """Outward, along x, along y, and out along x but in along y: what half a pixel of each does to a full plate."""
    outline = np.zeros((24, 31), bool)
    outline[6:18, 7:25] = True
    distance = np.asarray(jc.signed_distance(outline), float)
    family = jc._family(distance.tobytes(), distance.shape, 3e-6, 7e-6, 1e-6)
    gy, gx = np.gradient(distance)
    for found, step in zip(family.moves, (1.0, gx, gy, gx * gx - gy * gy), strict=True):
        stream = 3e-6 * (np.maximum(distance + step / 2, 0) - np.maximum(distance - step / 2, 0))
        field = jc.plate_field(*jc.current_of(stream, 3e-6), pixel_size=3e-6, thickness=7e-6, height=1e-6)
        assert found == pytest.approx(field, rel=1e-9, abs=1e-25)
    assert family.width == 12 and family.chosen.sum() == (np.abs(distance) > 2).sum()
    sheet = jc._family(distance.tobytes(), distance.shape, 3e-6, 0.0, 1e-6)
    assert sheet.filling == pytest.approx(sheet.filled[distance > 0].max() / mu_0)


@pytest.mark.parametrize(
    ("share", "state"),
    [(1.01, "filled"), (0.99, "partly"), (0.051, "partly"), (0.049, "remanent"), (-1.01, "filled")],
)
def test_what_a_plate_is_taken_for(monkeypatch, share, state):
    """Full from the field on that fills it, remanent under a twentieth of that, by its own J_c."""
    outline = np.zeros((20, 24), bool)
    outline[5:15, 5:19] = True
    distance = np.asarray(jc.signed_distance(outline), float)
    family = jc._family(distance.tobytes(), distance.shape, 3e-6, 7e-6, 1e-6)
    monkeypatch.setattr(jc, "_fit_partial", lambda *_: SimpleNamespace(state="partly"))
    field = -3e9 * family.filled
    found = jc._fit_one(field, share * mu_0 * family.filling * 3e9, family)
    assert found.state == state
    if state != "partly":
        assert found.current == pytest.approx(3e9)
        assert found.sigma == pytest.approx(3e9 * 1.7 / 100, rel=1e-6)


@pytest.mark.parametrize("level", [-20.0, 0.0, 35.0])
@pytest.mark.parametrize("height", [6.1, -6.1, 5.9, -5.9])
def test_a_wall_may_be_bright_or_dark(level, height):
    """On any field: six σ above or below."""
    field = np.full((11, 13), level)
    field[4, 6] += height
    found = cal.find_walls(field, np.ones((11, 13)))
    assert found.sum() == found[4, 6] == (abs(height) > 6)


OBLONG = np.zeros((70, 108), bool)
OBLONG[5:65, 6:102] = True  # 60 high, 96 wide: twice what the solver takes


def oblong(thickness=8e-6):
    distance = np.asarray(jc.signed_distance(OBLONG), float)
    return jc._family(distance.tobytes(), distance.shape, 3e-6, thickness, 1e-6), distance


def test_the_solvers_grid(monkeypatch):
    """Two by two pixels are one, in distances of its own, with a rim; fields crowded at the start, to past filling."""
    given = {}
    monkeypatch.setattr(jc, "plate_state", lambda *values, **named: given.update(named, values=values))
    family, fine = oblong()
    _, distance = jc._coarse_states(family)
    assert distance is given["values"][0] and distance.shape == (35 + 2, 54 + 2)
    for row, column in ((10, 4), (15, 30), (3, 20), (0, 0)):
        four = fine[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        assert distance[row + 1, column + 1] == pytest.approx(four.mean() / 2)
    assert (distance[0] == -2).all() and (distance[:, -1] == -2).all()
    fields = given["values"][1] / family.filling
    assert fields.size == 17 and fields[[0, -1]] == pytest.approx([0, 1.15])
    assert fields[[4, 8]] == pytest.approx([1.15 * 0.25**1.6, 1.15 * 0.5**1.6])
    assert given["pixel_size"] == pytest.approx(6e-6) and given["thickness"] == 8e-6
    assert given["critical_current"] == 1.0


@pytest.mark.parametrize("thickness", [0.0, 8e-6])
def test_states_from_the_solvers_grid(monkeypatch, thickness):
    """A stream function that is a plane there is the same plane at the middles of the camera's pixels."""
    _, fine = oblong(thickness)
    y, x = 6e-6 * (np.mgrid[:37, :56] - 0.5)  # a pixel of rim, then middles
    streams = np.array([5 + 3e5 * x - 2e5 * y, 7 - 1e5 * x + 4e4 * y])
    states = SimpleNamespace(stream=streams, applied=np.array([1.0, 2.0]), pixel_size=6e-6)
    monkeypatch.setattr(jc, "_coarse_states", lambda _: (states, np.ones((37, 56))))
    found = jc._partial.__wrapped__(fine.tobytes(), fine.shape, 3e-6, thickness, 1e-6)
    y, x = 3e-6 * (np.mgrid[:70, :108] + 0.5)
    for one, plane in zip(found.maps, (5 + 3e5 * x - 2e5 * y, 7 - 1e5 * x + 4e4 * y), strict=True):
        g = np.where(OBLONG, plane, 0.0) / (thickness or 1.0)
        field = jc.plate_field(*jc.current_of(g, 3e-6), pixel_size=3e-6, thickness=thickness, height=1e-6)
        assert one == pytest.approx(field, rel=1e-7, abs=1e-9 * np.abs(field).max())
    chosen = found.maps[:, np.abs(fine) > 2]
    centred = chosen - chosen.mean(axis=1)[:, None]
    assert found.centred == pytest.approx(centred) and found.gram == pytest.approx(centred @ centred.T)
    assert found.reduced.tolist() == [1, 2]


@pytest.mark.parametrize(("share", "current"), [(0.31, 4.3e8), (0.72, 9.1e8)])
def test_the_current_of_a_state_that_is_in_the_family(share, current):
    """The lowest point of a parabola through the misfits: to a hundred-thousandth."""
    outline = np.zeros((22, 26), bool)
    outline[5:17, 6:20] = True
    distance = np.asarray(jc.signed_distance(outline), float)
    family = jc._family(distance.tobytes(), distance.shape, 4e-6, 9e-6, 1e-6)
    number = np.interp(share * family.filling, family.partial.reduced, np.arange(17))
    low = int(number)
    low_map, high_map = family.partial.maps[low : low + 2]
    own = current * (low_map + (number - low) * (high_map - low_map))
    applied = mu_0 * share * family.filling * current
    found = jc._fit_partial(own + 0.02, applied, family)
    assert found.current == pytest.approx(current, rel=1e-5) and found.state == "partly filled"
    assert found.own == pytest.approx(own, rel=1e-4, abs=1e-5 * np.abs(own).max())
    assert found.residual == pytest.approx(np.zeros((22, 26)), abs=1e-4 * np.abs(own).max())
    free = 1 - 1 / np.cosh(np.pi * share * family.filling / 9e-6)
    assert found.sigma == pytest.approx(current * 0.05 * 2 / 48 / free, rel=1e-2)
