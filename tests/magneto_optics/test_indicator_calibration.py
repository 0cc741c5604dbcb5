"""Counts to field: planted films, the two responses, in-plane fields, walls, and every bad series with its sentence."""

import numpy as np
import pytest
from scipy.constants import mu_0
from scipy.ndimage import gaussian_filter

from nbtools.magneto_optics.calibration import (
    calibrate,
    correct_in_plane_field,
    in_plane_field,
    saturated,
)
from nbtools.physics.current_sheet import current_of, plate_field, uniform_rectangle

FIELDS = np.linspace(-0.05, 0.07, 9)


def film(field: np.ndarray, light: np.ndarray) -> np.ndarray:
    """An in-plane film between polarisers 18° from crossed; its moment turns up against 90 mT."""
    return 300 + light * np.sin(0.35 * field / np.hypot(field, 0.09) + 0.32) ** 2


def series(seed: int, *, noise: float = 10.0):
    """(true field, raw image, frames) of a smooth field under uneven light."""
    rng = np.random.default_rng(seed)
    true = gaussian_filter(rng.normal(size=(64, 64)), 5)
    true = 0.015 + 0.03 * true / np.abs(true).max()
    light = 4e4 * (1 - 0.2 * np.linspace(-1, 1, 64) ** 2)
    ideal = [film(one * np.ones((64, 64)), light) for one in FIELDS]
    frames = np.rint(np.array(ideal) + noise * rng.normal(size=(9, 64, 64))).astype(np.uint16)
    raw = np.rint(film(true, light) + noise * rng.normal(size=(64, 64))).astype(np.uint16)
    return true, raw, frames


def test_a_planted_field_comes_back_with_its_sigma() -> None:
    """No bias, and 68 % of the pixels within their stated σ."""
    true, raw, frames = series(1)
    found = calibrate(raw, frames, FIELDS)
    pulls = (found.field - true) / found.uncertainty
    assert abs(np.mean(pulls)) < 0.1
    assert 0.6 < np.mean(np.abs(pulls) < 1) < 0.76
    assert found.noise == pytest.approx(10, rel=0.1)
    assert found.doubtful.mean() < 0.01


def test_a_stack_is_calibrated_frame_by_frame() -> None:
    """(n, y, x) gives the same as each image alone, and the result stands for its field."""
    _, raw, frames = series(2)
    both = calibrate(np.array([raw, frames[4]]), frames, FIELDS)
    np.testing.assert_allclose(both.field[0], calibrate(raw, frames, FIELDS).field, atol=1e-9)
    np.testing.assert_array_equal(np.asarray(both), both.field)


def test_more_frames_bear_out_a_higher_degree() -> None:
    """Three frames give a parabola, nine of a film that saturates give more; a parabola stays one."""
    _, raw, frames = series(3)
    assert "degree 2" in calibrate(raw, frames[::4], FIELDS[::4]).response
    assert "degree 2" not in calibrate(raw, frames, FIELDS).response
    rng = np.random.default_rng(3)
    parabola = 1000 + 2e4 * FIELDS + 1e5 * FIELDS**2
    plain = parabola[:, None, None] + 5 * rng.normal(size=(9, 64, 64))
    assert "degree 2" in calibrate(plain[3], plain, FIELDS).response


def test_the_polarisers_law_bridges_frames_far_apart() -> None:
    """Malus with θ known: exact between frames at 0, 42 and 85 mT, where a parabola is far off."""
    applied = np.array([0.0, 0.0425, 0.085])
    light = np.full((64, 64), 2e4)

    def law(field):
        return 200 + light * np.sin(12 * field + np.radians(0.5)) ** 2

    true = np.linspace(0.005, 0.06, 64) * np.ones((64, 64))
    frames = np.array([law(one * np.ones((64, 64))) for one in applied])
    malus = calibrate(law(true), frames, applied, response="malus", analyser=np.radians(0.5))
    parabola = calibrate(law(true), frames, applied)
    assert np.abs(malus.field - true).max() < 1e-3
    assert np.abs(parabola.field - true).max() > 3e-3


def test_a_wall_is_doubtful_and_filled() -> None:
    """A line of pixels that answer otherwise is marked, and its filling is the field around it."""
    true, raw, frames = series(4)
    raw[20:22, 5:40] = raw[20:22, 5:40] * 0.7
    found = calibrate(raw, frames, FIELDS)
    assert found.doubtful[20:22, 8:38].mean() > 0.9
    before, after = (np.abs(one - true)[20:22, 8:38].mean() for one in (found.field, found.filled))
    assert after < 0.2 * before


def test_the_in_plane_field_of_a_plate_follows_from_b_z() -> None:
    """Above one sector of a rooftop: the field of the strips of current on both sides, summed by hand."""
    side = 0.25
    stream = uniform_rectangle((160, 160), side, (20.0, 20.0))
    field = plate_field(*current_of(stream, side), pixel_size=side, thickness=0, height=0.5)
    held = in_plane_field(field)
    x, z = 0.25 * (110 - 79.5), 0.5
    near = np.arctan((10 - x) / z) + np.arctan(x / z)
    far = np.arctan((10 + x) / z) - np.arctan(x / z)
    assert held[80, 110] == pytest.approx(mu_0 / (2 * np.pi) * (near - far), rel=0.03)


def test_a_film_held_down_reads_low_and_is_put_right() -> None:
    """B_z/(B_A + B_∥) is what the film shows; the correction undoes it within a tenth of its size."""
    side = 40e-6
    stream = 3e7 * 0.5e-3 * uniform_rectangle((128, 128), side, (3e-3, 3e-3))
    own = plate_field(*current_of(stream, side), pixel_size=side, thickness=0, height=2e-5)
    true = own + 0.02
    seen = true / (1 + in_plane_field(own) / 0.09)
    corrected = correct_in_plane_field(seen, 0.02, pixel_size=side, anisotropy_field=0.09)
    assert np.std(corrected - true) < 0.15 * np.std(seen - true)


def good(**change):
    _, raw, frames = series(0)
    return {"raw": raw, "frames": frames, "applied": FIELDS, **change}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"frames": None}, "no calibration frames"),
        ({"frames": np.zeros((2, 64, 64), np.uint16), "applied": [0, 0.1]}, "at least three different"),
        ({"applied": FIELDS[:5]}, "one each is needed"),
        ({"applied": np.zeros(9)}, "at least three different"),
        ({"raw": np.zeros((32, 64), np.uint16)}, r"must be of one\s+camera"),
        ({"raw": np.zeros((64, 64), np.uint8)}, "another bit depth"),
        ({"raw": np.full((64, 64), np.nan)}, "NaN"),
        ({"raw": np.full((64, 64), 65535, np.uint16)}, "saturated at 65535"),
        ({"raw": np.full((64, 64), 4095, np.uint16)}, "saturated at 4095"),
        ({"frames": np.full((9, 64, 64), 65535, np.uint16)}, "frames: 100 % of image 0"),
        ({"response": "linear"}, "linear"),
        ({"response": "malus"}, "needs analyser="),
    ],
)
def test_a_bad_series_is_refused(change: dict, text: str) -> None:
    """Each with what came, what was expected and what to do."""
    with pytest.raises(ValueError, match=text):
        calibrate(**good(**change))


def test_a_few_saturated_pixels_are_only_doubtful() -> None:
    """A speck at full scale costs its own pixels, not the image."""
    _, raw, frames = series(5)
    raw[10, 10:14] = 65535
    found = calibrate(raw, frames, FIELDS)
    assert found.doubtful[10, 10:14].all()
    assert saturated(raw).sum() == 4
