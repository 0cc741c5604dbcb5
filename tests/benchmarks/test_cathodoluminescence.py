"""Speed of the map fit and rates of the three tests over 200 seeds; figures are printed, rates are judged."""

import time

import numpy as np
import pytest
from luminescence_worlds import CENTRES, ENERGY, band_map
from scipy.stats import binomtest

from nbtools.analysis.cathodoluminescence import assess_boundary_profile, assess_channels, fit_map
from nbtools.models.colour_centres import seen_through_beam
from nbtools.models.emission_maps import emission_maps, two_phase_map

SEEDS = 200
PIXEL = 0.375e-6


def rate(pixels, **options):
    """Spectra a second of processor time, four bands and a background in 512 channels."""
    counts, _, _ = band_map(0, shape=(pixels // 32, 32))
    start = time.process_time()
    fit = fit_map(ENERGY, counts, list(CENTRES), workers=1, **options)
    assert fit.success.all()
    return pixels / (time.process_time() - start)


def test_speed_of_the_map_fit(capsys):
    """Printed: all free, all shared; and that twice the pixels take about twice as long."""
    rates = {pixels: rate(pixels) for pixels in (512, 2048)}
    shared = rate(2048, shared=("centres", "widths"))
    with capsys.disabled():
        print(f"\nspectra/s, all free: {rates}; centres and widths shared: {shared:.0f}")


def field(world, seed):
    """Photons in the green and ultraviolet windows of a field of 72 × 72 pixels, and its emitter."""
    rng = np.random.default_rng([seed, 5])
    emitter = two_phase_map((72, 72), pixel=PIXEL, scale=1.8e-6, dark_share=0.265, rng=rng)
    maps = emission_maps(world, emitter, pixel=PIXEL, rng=rng)
    beam = {"pixel": PIXEL, "beam_range": 0.295e-6, "absorption": 0.5}
    seen = {
        name: rng.poisson(200 * seen_through_beam(light, emitter, **beam) + 10)
        for name, light in maps.items()
    }
    return emitter, seen["green"], seen["ultraviolet"]


@pytest.mark.parametrize("world", ["channels", "shuffled", "uniform", "out-coupling"])
def test_rates_over_seeds(world, capsys):
    """A planted channel is found at p < 0.01 in 95 % of fields, another world called one in at most 5 %."""
    hits = gathered = 0
    for seed in range(SEEDS):
        emitter, green, ultraviolet = field(world, seed)
        hits += assess_channels(green, emitter, seed=seed).p_value < 0.01
        gathered += assess_boundary_profile(green, emitter, reference=ultraviolet, seed=seed).p_value < 0.01
    with capsys.disabled():
        print(f"\n{world}: channels in {hits}, gathering in {gathered} of {SEEDS}")
    if world == "channels":
        assert binomtest(hits, SEEDS, 0.95, alternative="less").pvalue > 1e-3
    else:
        assert binomtest(hits, SEEDS, 0.05, alternative="greater").pvalue > 1e-3
