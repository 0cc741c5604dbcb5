"""Islands in maps of elements: their area and number, and how their outlines bend against geometry's own answers."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import norm
from seeds import pulls_over_seeds

from nbtools import stem
from nbtools.stem import elements

PIXEL = 2e-9
LENGTH = 12.0  # pixels, of the random pattern's covariance exp(−r²/2ℓ²)


def distances(size: int = 200, middle: tuple[float, float] = (100.3, 99.6)) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    return np.hypot(y - middle[0], x - middle[1])


def maps(inside: np.ndarray, counts: float = 50.0) -> tuple[np.ndarray, np.ndarray]:
    """Two elements' mean counts where the first is on the share `inside` of each pixel."""
    return counts * inside, counts * (1 - inside)


def pattern(seed: int, share: float) -> np.ndarray:
    """Of a Gaussian random field the part above the level that leaves `share`, with an edge a pixel wide."""
    noise = np.random.default_rng(seed).standard_normal((512, 512))
    field = ndimage.gaussian_filter(noise, LENGTH / np.sqrt(2), mode="wrap") * np.sqrt(2 * np.pi) * LENGTH
    return norm.cdf(LENGTH * (field - norm.isf(share)))


def test_islands_of_a_map():
    """Two squares on a field: their number, area and that none spans."""
    inside = np.zeros((120, 120))
    inside[20:50, 20:50] = inside[70:100, 60:100] = 1
    found = stem.find_islands(*maps(inside))
    assert found.count == 2 and not found.spans
    assert found.fraction == pytest.approx((900 + 1200) / 14400, rel=0.05)


def test_a_disc_is_convex_and_bends_as_its_radius():
    found = stem.outline_curvature(*maps(np.clip(40.5 - distances(), 0, 1)), PIXEL, scale=2 * PIXEL)
    assert found.concave == 0
    assert found.mean == pytest.approx(1 / (40 * PIXEL), rel=0.01)
    assert np.allclose(np.linalg.norm(found.places / PIXEL - (100.3, 99.6), axis=1), 40, atol=0.3)


def test_mean_curvature_counts_islands_less_holes():
    """Gauss and Bonnet: an island and its hole bend by 2π and −2π in all, whatever their shape."""
    y, x = np.mgrid[:200, :200]
    shape = 60 + 9 * np.cos(5 * np.arctan2(y - 99.6, x - 100.3)) - distances()
    flower = np.clip(shape, 0, 1)
    found = stem.outline_curvature(*maps(flower), PIXEL, scale=3 * PIXEL)
    length = 2 * np.pi / float(found.mean)
    assert 0.2 < found.concave < 0.6
    # r = 60 + 9 cos 5φ, by quadrature.
    turn = np.linspace(0, 2 * np.pi, 20001)
    exact = np.trapezoid(np.hypot(60 + 9 * np.cos(5 * turn), 45 * np.sin(5 * turn)), turn)
    assert length / PIXEL == pytest.approx(exact, rel=0.03)
    ring = stem.outline_curvature(*maps(flower * (distances() > 25)), PIXEL, scale=3 * PIXEL)
    assert ring.mean * length == pytest.approx(0, abs=0.1)


def test_a_random_pattern_bends_as_theory_says():
    """Concave along Φ(−u/√2), on average u √(2/π)/ℓ: stated intervals cover both over 40 patterns, 27 % boride."""
    level = norm.isf(0.27)
    truth = {"concave": norm.sf(level / np.sqrt(2)), "mean": level * np.sqrt(2 / np.pi) / (LENGTH * PIXEL)}

    def estimate(seed: int) -> dict:
        found = stem.outline_curvature(*maps(pattern(seed, 0.27)), PIXEL, scale=PIXEL)
        return {"concave": found.concave, "mean": found.mean}

    for name, pulls in pulls_over_seeds(estimate, truth, seeds=40).items():
        assert pulls.p_value > 0.001, (name, str(pulls))


def test_what_chance_shows_is_for_the_same_share_of_the_area():
    """Half boride, half concave; a tenth, and it is Φ(−1.28/√2) = 18 %."""
    for share, expected in ((0.5, 0.5), (0.1, 0.182)):
        inside = pattern(0, share)
        found = stem.outline_curvature(*maps(inside), PIXEL, scale=PIXEL)
        seen = norm.sf(norm.isf(inside.mean()) / np.sqrt(2))
        assert found.of_chance == pytest.approx(seen, abs=0.01)
        assert found.of_chance == pytest.approx(expected, abs=0.06)


def test_few_counts_do_not_bend_outlines():
    """At 4 counts a pixel and the default scale the noise adds less than a percentage point of concave outline."""
    added = []
    for seed in range(10):
        clean = maps(pattern(seed, 0.27), 4.0)
        rng = np.random.default_rng([seed, 1])
        noisy = [rng.poisson(m + 0.2) for m in clean]
        added.append(
            float(stem.outline_curvature(*noisy, PIXEL).concave)
            - float(stem.outline_curvature(*clean, PIXEL).concave)
        )
    assert abs(np.mean(added)) < 0.01


def test_maps_without_enough_outline_are_refused():
    empty = np.zeros((100, 100))
    empty[48:52, 48:52] = 1
    with pytest.raises(stem.ImageError, match="1 have any: take a larger field"):
        stem.outline_curvature(*maps(empty), PIXEL, scale=PIXEL)
    with pytest.raises(stem.ImageError, match=r"\(100, 100\) and \(90, 90\)"):
        stem.find_islands(empty, np.ones((90, 90)) - empty[:90, :90])


def squares(*boxes, size=100):
    inside = np.zeros((size, size))
    for top, left, side in boxes:
        inside[top : top + side, left : left + side] = 1
    return inside


def test_islands_and_their_share_by_hand():
    """Of 400, 100 and 9 pixels the last is none of twenty; σ as if so few were drawn; the largest's share."""
    inside = squares((10, 10, 20), (60, 20, 10), (80, 80, 3))
    found = stem.find_islands(*maps(inside), smoothing=0.3)
    assert found.count == 2 and found.labels[61, 21] > 0 and found.labels[81, 81] == 0
    assert found.fraction == pytest.approx(0.05) and found.largest == pytest.approx(0.8)
    assert found.fraction.uncertainty == pytest.approx(0.05 * np.hypot(400, 100) / 500)
    assert stem.find_islands(*maps(inside), smoothing=0.3, smallest=9).count == 3
    assert stem.find_islands(*maps(inside), smoothing=0.3, smallest=101).count == 1


@pytest.mark.parametrize("axis", [0, 1])
def test_an_island_that_spans(axis):
    """From one side of the field to the other, and no two that reach one side each."""
    bar = np.zeros((60, 60))
    bar[:, 20:30] = 1
    cut = bar.copy()
    cut[28:32] = 0
    for field, spans in ((bar, True), (cut, False)):
        field = field if axis == 0 else field.T
        assert stem.find_islands(*maps(field), smoothing=0.3).spans == spans


def test_an_excess_is_in_units_of_either_phase():
    """The same outline whatever the counts of either element, taken at their 99th percentiles."""
    inside = squares((20, 20, 40))
    one, other = maps(inside)
    assert elements._excess(7 * one, 0.2 * other, 1.5) == pytest.approx(elements._excess(one, other, 1.5))
    smooth = [ndimage.gaussian_filter(m, 1.5) for m in (one, other)]
    by_hand = smooth[0] / np.percentile(smooth[0], 99) - smooth[1] / np.percentile(smooth[1], 99)
    assert elements._excess(one, other, 1.5) == pytest.approx(by_hand)
