"""Random media: fractions, correlations and dimensions against closed forms."""

import math

import numpy as np
import pytest
from scipy import ndimage

import nbtools.structure.model_random_media as random_media
from nbtools.physics import proximity

SIDE = 512


def rng(seed=0):
    return np.random.default_rng(seed)


def correlation(field, lag):
    """Of a periodic field with itself, along both axes."""
    return np.mean([np.mean(field * np.roll(field, lag, axis)) for axis in (0, 1)])


def test_the_cut_offs_of_the_paper():
    """L/l = 55.94 at D = 1.67 and 63.44 at 1.68, by hand: 0.265^(-1/0.33) and ^(-1/0.32)."""
    assert random_media.cutoff_ratio(0.265, dimension=1.67) == pytest.approx(55.94223, rel=1e-6)
    assert random_media.cutoff_ratio(0.265, dimension=1.68) == pytest.approx(63.43906, rel=1e-6)
    assert random_media.cutoff_ratio(0.265, dimension=2.67, space=3) == pytest.approx(55.94223, rel=1e-6)


def test_smoothed_noise_has_its_closed_correlation():
    """exp(−r²/4s²) for a Gaussian kernel of length s."""
    field = random_media.gaussian_field((SIDE, SIDE), rng(), correlation_length=4.0)
    for lag in (2, 4, 8):
        assert correlation(field, lag) == pytest.approx(math.exp(-(lag**2) / 64), abs=0.03)


def test_a_power_law_field_has_its_spectrum():
    """Half the exponent's fall in amplitude, nothing outside the band."""
    field = random_media.power_law_field((SIDE, SIDE), rng(), exponent=3.0, band=(8.0, 64.0))
    power = np.abs(np.fft.fft2(field)) ** 2
    k = 2 * np.pi * np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    low, high = (power[(k > a) & (k < 1.1 * a)].mean() for a in (0.2, 0.6))
    assert math.log(low / high) / math.log(3) == pytest.approx(3.0, abs=0.3)
    assert power[k > 2 * np.pi / 8 * 1.01].max() < 1e-6 * power.max()


def test_a_level_set_has_exactly_its_fraction():
    """Counted, not on average."""
    field = random_media.gaussian_field((64, 64), rng(), correlation_length=2.0)
    assert random_media.level_set(field, 0.265).sum() == round(0.265 * 64**2)
    assert not random_media.level_set(field, 0.0).any()


@pytest.mark.parametrize("make", [random_media.fractal_cascade, random_media.woven_cascade])
def test_cascades_fill_their_fraction_on_average(make):
    """Each field scatters by several per cent; the mean of forty does not."""
    shares = [make((256, 256), rng(seed), fraction=0.265, inner=2.3).mean() for seed in range(40)]
    assert np.mean(shares) == pytest.approx(0.265, abs=4 * np.std(shares) / math.sqrt(40))
    assert np.std(shares) > 0.005


def test_a_cascade_has_the_correlation_of_its_dimension():
    """S₂ falls as r^(D − 2) over the middle octaves: −0.33, counted with many fields."""
    products = np.zeros(3)
    for seed in range(60):
        phase = random_media.fractal_cascade((SIDE, SIDE), rng(seed), inner=2.3)
        products += [np.mean(phase[:, lag:] & phase[:, :-lag]) for lag in (6, 12, 24)]
    slopes = np.diff(np.log(products)) / math.log(2)
    assert slopes == pytest.approx([-0.32, -0.32], abs=0.05)


def test_a_cascade_lies_off_the_dyadic_grid():
    """Changes of phase are no likelier at multiples of eight pixels than elsewhere."""
    changes = sum(
        np.diff(random_media.fractal_cascade((256, 256), rng(seed), inner=2.3).astype(int), axis=1) != 0
        for seed in range(20)
    ).sum(axis=0)
    on = changes[7::8].mean() / changes.mean()
    assert on == pytest.approx(1.0, abs=0.15)


def test_grains_cover_their_fraction():
    """The Boolean model's 1 − exp(−nV), on average over fields."""
    shares = [random_media.lognormal_grains((256, 256), rng(s), median_radius=5.0).mean() for s in range(30)]
    assert np.mean(shares) == pytest.approx(0.265, abs=4 * np.std(shares) / math.sqrt(30) + 0.005)


def test_isolated_grains_touch_nowhere():
    """As many pieces as cells, none through the field, and the fraction is met."""
    phase = random_media.isolated_grains((96, 96, 96), rng(), spacing=16.0)
    labels, count = ndimage.label(phase, np.ones((3, 3, 3)))
    assert count > 100
    assert np.bincount(labels.ravel())[1:].max() < 0.05 * phase.sum()
    assert phase.mean() == pytest.approx(0.265, abs=0.001)


def test_a_stretch_lengthens_one_axis():
    """A factor of two in the kernel is one in the correlation length."""
    field = random_media.gaussian_field((SIDE, SIDE), rng(), correlation_length=4.0, stretch=(2.0, 1.0))
    along, across = (np.mean(field * np.roll(field, 8, axis)) for axis in (0, 1))
    assert along == pytest.approx(math.exp(-64 / 256), abs=0.05)
    assert across == pytest.approx(math.exp(-64 / 64), abs=0.05)


def test_wrong_numbers_are_named():
    """What came and what is allowed."""
    with pytest.raises(ValueError, match=r"fraction is 1\.2; it must be from 0 to 1"):
        random_media.fractal_cascade((32, 32), rng(), fraction=1.2)
    with pytest.raises(ValueError, match="correlation_length is -1"):
        random_media.gaussian_field((32, 32), rng(), correlation_length=-1.0)


def test_the_reach_of_pairs_in_a_normal_metal():
    """At 37 K: 16 nm at 5·10⁵ m/s; 1.8 and 5.7 nm at 1 and 10 cm²/s."""
    assert proximity.clean_normal_length(37.0, velocity=5e5) == pytest.approx(16.43e-9, rel=1e-3)
    assert proximity.dirty_normal_length(37.0, diffusivity=1e-4) == pytest.approx(1.813e-9, rel=1e-3)
    assert proximity.dirty_normal_length(37.0, diffusivity=1e-3) == pytest.approx(5.73e-9, rel=1e-3)


def test_a_length_beyond_the_field_is_refused():
    """Not a field of NaN."""
    with pytest.raises(ValueError, match="holds no wave of the length"):
        random_media.gaussian_field((16, 16), rng(), correlation_length=60.0)
