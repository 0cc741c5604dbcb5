"""Spots of a transform: planted waves come back to their last digits, noise is known, windows are what they say."""

import numpy as np
import pytest
from scipy import ndimage

from nbtools import stem
from nbtools.stem import spots

PIXEL = 0.02e-9
SHAPE = (200, 240)
WAVES = np.array([(1.3e9, 4.6e9), (-3.9e9, 2.9e9)])
AMPLITUDES, PHASES = np.array([3.0, 1.0]), np.array([0.7, -1.1])


def places(shape=SHAPE):
    """(y, x) of each pixel from the middle, m."""
    return [PIXEL * (np.arange(n) - (n - 1) / 2) for n in shape]


def waves(shape=SHAPE, shift=(0.0, 0.0)):
    y, x = places(shape)
    image = np.full(shape, 50.0)
    for (ky, kx), amplitude, phase in zip(WAVES, AMPLITUDES, PHASES, strict=True):
        turn = 2 * np.pi * (ky * (y[:, None] - shift[0]) + kx * (x - shift[1]))
        image += amplitude * np.cos(turn + phase)
    return image


@pytest.fixture(scope="module")
def noisy():
    """Two waves under noise of 0.5 in a pixel, and their spots."""
    image = waves() + 0.5 * np.random.default_rng(0).normal(size=SHAPE)
    return stem.find_spots(image, PIXEL, stem.hann_window(SHAPE), longest=0.45e-9)


def test_planted_waves_come_back():
    """Wave vectors to a ten-thousandth of the window's resolution, amplitudes and phases at the middle."""
    found = stem.find_spots(waves(), PIXEL, stem.hann_window(SHAPE), longest=0.45e-9)
    assert len(found) == 2
    assert found.wave_vectors * found.length == pytest.approx(WAVES * found.length, abs=3e-4)
    assert found.amplitudes == pytest.approx(AMPLITUDES, rel=1e-3)
    assert found.phases == pytest.approx(PHASES, abs=2e-3)
    assert found.moved(2 * found.wave_vectors).wave_vectors == pytest.approx(2 * found.wave_vectors)
    # Hann's window is worth two thirds of each side.
    assert found.length == pytest.approx(PIXEL * np.sqrt(SHAPE[0] * SHAPE[1]) * 2 / 3, rel=1e-4)


def test_noise_and_signals(noisy):
    """The noise in a pixel; the power over it is A² Σw²... over 4 σ²; σ of k is Cramér and Rao's and a floor."""
    assert noisy.noise == pytest.approx(0.5, rel=0.06)
    window = stem.hann_window(SHAPE)
    signals = AMPLITUDES**2 / 4 * window.sum() ** 2 / np.sum(window**2) / 0.5**2
    assert noisy.signals == pytest.approx(signals, rel=0.25)
    assert noisy.sigmas * noisy.length == pytest.approx(0.5 / np.sqrt(noisy.signals) + 0.004)
    off = np.abs(noisy.wave_vectors - WAVES)
    assert np.all(off < 4 * noisy.sigmas[:, None])


def test_spots_seen_from_elsewhere(noisy):
    """Phases of the same waves at another place."""
    shift = np.array([0.31e-9, -0.17e-9])
    turned = noisy.phases + 2 * np.pi * noisy.wave_vectors @ shift
    assert noisy.seen_from(shift).phases == pytest.approx(turned)


def test_a_part_of_a_large_image():
    """Of 150 pixels a side where the window holds most; the phases are those at the middle of the whole image."""
    shape = (200, 300)
    window = np.zeros(shape)
    window[20:180, 140:290] = 1.0
    found = stem.find_spots(waves(shape), PIXEL, window, longest=0.45e-9, largest=150)
    assert found.wave_vectors == pytest.approx(WAVES, abs=1e6)
    assert np.angle(np.exp(1j * (found.phases - PHASES))) == pytest.approx([0, 0], abs=0.03)
    assert found.length == pytest.approx(PIXEL * 100, rel=0.02)
    assert spots._fullest(np.array([0, 1, 5, 4, 4, 0.0]), 3) == slice(2, 5)
    assert spots._fullest(np.ones(3), 3) == slice(0, 3)


def test_periods_that_are_too_long_are_background():
    """A wave of 0.6 nm is none where 0.45 nm is the longest, and takes nothing from the others."""
    y, _ = places()
    slow = waves() + 20 * np.cos(2 * np.pi * y / 1.5e-9)[:, None]
    found = stem.find_spots(slow, PIXEL, stem.hann_window(SHAPE), longest=0.45e-9)
    assert np.all(np.hypot(*found.wave_vectors.T) > 0.9 / 0.45e-9)
    assert found.amplitudes[0] == pytest.approx(3.0, rel=0.01)


def test_noise_alone_has_no_spots():
    """None in ten images."""
    rng = np.random.default_rng(1)
    for _ in range(10):
        noise = rng.normal(size=(96, 96))
        assert not len(stem.find_spots(noise, PIXEL, stem.hann_window(noise.shape), longest=0.45e-9))


def test_windows():
    """Hann's between the pixels' middles; that of a grain falls over 70 % of its half width to its rim."""
    hann = stem.hann_window((4, 8))
    assert hann[1, 3] == pytest.approx(np.sin(1.5 * np.pi / 4) ** 2 * np.sin(3.5 * np.pi / 8) ** 2)
    assert hann == pytest.approx(hann[::-1, ::-1])
    mask = np.zeros((41, 61), bool)
    mask[:21] = True
    window = stem.grain_window(mask)
    assert np.all(window[21:] == 0) and window[10, 30] == 1
    assert (
        window[0, 30]
        == pytest.approx(np.sin(np.pi / 2 * 0.5 / (0.7 * 11)) ** 2)
        == pytest.approx(window[20, 30])
    )
    assert window[3, 30] == pytest.approx(np.sin(np.pi / 2 * 3.5 / (0.7 * 11)) ** 2)


def test_smoothing_is_a_gaussian_filter():
    """SciPy's, with mirrored rims."""
    image = np.random.default_rng(2).normal(size=(60, 45))
    for sigma in (1.3, 4.0):
        expected = ndimage.gaussian_filter(image, sigma, mode="reflect", truncate=8)
        assert spots.smoothed(image, sigma) == pytest.approx(expected, abs=2e-3 * np.abs(image).max())


def test_the_background_of_a_part():
    """What varies slowly is taken off, and a level leaves nothing at the window's rim."""
    window = np.zeros((80, 90))
    window[10:60, 20:80] = 1.0
    level = np.full((80, 90), 7.0)
    left = spots.without_background(level, window, PIXEL, 0.45e-9)
    assert left[10:60, 20:80] == pytest.approx(0.0, abs=1e-9)
    wave = level + np.cos(2 * np.pi * np.arange(90) * PIXEL / 0.2e-9)
    kept = spots.without_background(wave, np.ones((80, 90)), PIXEL, 0.45e-9)[30:50, 35:55]
    assert kept == pytest.approx(wave[30:50, 35:55] - 7, abs=0.01)


def test_the_transform_that_is_shown():
    """log₁₀ of the power, k = 0 in the middle, y down: maxima at ± each wave; its half width is Nyquist's."""
    power, half = stem.power_spectrum(waves((256, 256)), PIXEL, stem.hann_window((256, 256)))
    assert half == pytest.approx(1 / (2 * PIXEL)) and power.shape == (256, 256)
    assert power.max() - power.min() == pytest.approx(9, abs=1e-6)
    row, column = np.unravel_index(power.argmax(), power.shape)
    k = (np.array([row, column]) - 128) / (256 * PIXEL)
    assert min(np.abs(k - WAVES[0]).max(), np.abs(k + WAVES[0]).max()) < 1 / (256 * PIXEL)


def test_the_level_of_noise_on_rings():
    """The mean of an exponential from its median, ring by ring; rings without values by their neighbours."""
    rng = np.random.default_rng(3)
    radius = np.hypot(*np.meshgrid(np.arange(120.0), np.arange(100.0), indexing="ij"))
    wanted = (radius > 20) & ((radius < 50) | (radius > 70))
    power = rng.exponential(np.where(radius < 60, 2.0, 4.0))
    level = spots._Rings(radius, wanted, 10.0).level(power)
    assert level[0, 35] == pytest.approx(2.0, rel=0.2) and level[0, 85] == pytest.approx(4.0, rel=0.2)
    assert level[0, 55] == pytest.approx((level[0, 45] * 2 + level[0, 75]) / 3, rel=1e-6)
    assert level[0, 5] == level[0, 25]


def test_streaks_along_y():
    """A smeared column of the power shows as its own level, from the lowest quarter of each block."""
    power = np.random.default_rng(4).exponential(1.0, (200, 50))
    power[:, 17] *= 30
    level = spots._streaks(power)
    assert level.shape == power.shape
    assert level[:, 17].mean() == pytest.approx(30, rel=0.4)
    assert np.delete(level, 17, axis=1).mean() == pytest.approx(1.0, rel=0.1)


def test_two_spots_closer_than_the_window_resolves():
    """k and −k are one spot; what is nearer than the distance to either is the same."""
    found = [(1.0, 2.0, 0j)]
    assert not spots._is_apart((1.1, 2.0), found, 0.2) and not spots._is_apart((-1.0, -2.1), found, 0.2)
    assert spots._is_apart((1.3, 2.0), found, 0.2) and spots._is_apart((-1.0, 2.0), found, 0.2)
    assert spots._is_apart((0.0, 0.0), [], 9.0)


def test_the_maximum_between_pixels():
    """The vertex of a Gaussian peak, exactly; rows beyond the middle are negative."""
    y, x = np.mgrid[:40, :21]
    power = np.exp(-((y - 33.3) ** 2) / 4 - (x - 6.8) ** 2 / 6)
    assert spots._maxima(power, power > 0.5).tolist() == [[33, 7]]
    assert spots._peak(power, 33, 7, [40, 40], 0.5) == pytest.approx(((33.3 - 40) / 20, 6.8 / 20))
    assert spots._peak(np.ones((40, 21)), 5, 7, [40, 40], 0.5) == pytest.approx((5 / 20, 7 / 20))


def test_a_newton_step_by_differences():
    """Towards the maximum of |Σ f exp(−2πi k·r)|², by its first and second differences; at most half a window."""
    y, x = places((40, 60))
    k0 = np.array([1.3e9, 0.9e9])
    rng = np.random.default_rng(5)
    weighted = (
        np.cos(2 * np.pi * (k0[0] * y[:, None] + k0[1] * x) + 0.4) * np.hanning(40)[:, None] * np.hanning(60)
    )
    weighted += 0.05 * rng.normal(size=weighted.shape)

    def total(k):
        return np.sum(weighted * np.exp(-2j * np.pi * (k[0] * y[:, None] + k[1] * x)))

    def height(k):
        return abs(total(k)) ** 2

    start, h = k0 + np.array([6e7, -4e7]), 1e6
    e = h * np.eye(2)
    slope = np.array([(height(start + d) - height(start - d)) / (2 * h) for d in e])
    bend = np.array(
        [
            [
                (
                    height(start + a + b)
                    - height(start + a - b)
                    - height(start - a + b)
                    + height(start - a - b)
                )
                / (4 * h * h)
                for b in e
            ]
            for a in e
        ]
    )
    *k, s = spots._refined(weighted, y, x, *start)
    assert s == pytest.approx(total(start))
    newton = -np.linalg.solve(bend, slope)
    assert np.array(k) - start == pytest.approx(newton, rel=2e-3)
    # Half a period over both half sides is the longest step.
    limit = 0.5 / (y[-1] + x[-1])
    assert np.hypot(*newton) < limit

    def step(k):
        return np.array(spots._refined(weighted, y, x, *k)[:2]) - k

    out = start + np.linspace(0, 8, 200)[:, None] * (start - k0)
    far = next(k for k in out if np.hypot(*step(k)) > 0.999 * limit)
    assert np.hypot(*step(far)) == pytest.approx(limit) and step(far) @ (k0 - far) > 0
    # Where the height is no hill, the place stays.
    beyond = k0 + np.array([2.1 / (40 * PIXEL), 0])
    assert np.abs(step(beyond)).max() < 1


def test_waves_are_taken_off_one_after_the_other():
    """What is left of two waves is nothing of them; one that was fitted before stays as it is."""
    window = stem.hann_window(SHAPE)
    left = waves() - 50.0
    fitted = spots._fit_waves(left, window, PIXEL, [(*WAVES[0] * 1.003, 0j), (1.0, 2.0, 3j)])
    assert fitted[1] == (1.0, 2.0, 3j)
    assert np.array(fitted[0][:2]) == pytest.approx(WAVES[0], rel=2e-4)
    assert 2 * abs(fitted[0][2]) == pytest.approx(3.0, rel=2e-3)
    assert np.angle(fitted[0][2]) == pytest.approx(0.7, abs=0.01)
    y, x = places()
    second = np.cos(2 * np.pi * (WAVES[1, 0] * y[:, None] + WAVES[1, 1] * x) - 1.1)
    assert np.abs(window * (left - second)).max() < 0.03
