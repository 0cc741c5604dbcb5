"""The field of plane currents against closed forms, Biot and Savart by hand, and values worked out elsewhere."""

import numpy as np
import pytest
from scipy.constants import mu_0

from nbtools.physics import current_sheet as sheet

PLATE = {"sides": (4.1e-3, 4.8e-3), "thickness": 0.5e-3}
# H over J_c (mm) on the line y = 0, 5 µm above the plate full of rooftop currents, at x (mm); no cusp among them.
PROFILE = {1.0: 0.13872, 1.5: 0.03442, 1.9: -0.06179, 2.2: -0.08309, 2.5: -0.05235, 3.0: -0.02742}


def strip_current(x, *, half_width: float, applied: float, sheet_current: float) -> np.ndarray:
    """Sheet current (A/m) across a thin strip of sheet_current = J_c d (Brandt & Indenbom 1993), 0 outside it.

    (2 J_c d/π) arctan(c x/√(b² − x²)) within b = a/cosh(H/H_c), ±J_c d beyond; H_c = J_c d/π, c = tanh(H/H_c).
    The sign is theirs, H_z(x) = H + (1/2π) ∫ J(u)/(x − u) du: minus J_y.
    """
    x = np.asarray(x, float)
    reduced = np.pi * applied / sheet_current
    front, slope = half_width / np.cosh(reduced), np.tanh(reduced)
    with np.errstate(invalid="ignore", divide="ignore"):
        shielding = 2 / np.pi * np.arctan(slope * x / np.sqrt(np.maximum(front**2 - x**2, 0.0)))
    current = np.where(np.abs(x) < front, shielding, np.sign(x)) * sheet_current
    return np.where(np.abs(x) <= half_width, current, 0.0)


def rooftop_profile(pixels: int) -> dict[float, float]:
    """H over J_c (mm) of the full plate in a window 8 mm wide, at the places of `PROFILE`."""
    side = 8e-3 / pixels
    stream = sheet.uniform_rectangle((pixels, pixels), side, PLATE["sides"])
    jx, jy = sheet.current_of(stream, side)
    field = sheet.plate_field(jx, jy, pixel_size=side, thickness=PLATE["thickness"], height=5e-6) / mu_0
    x = side * (np.arange(pixels) - (pixels - 1) / 2)
    middle = (field[pixels // 2] + field[pixels // 2 - 1]) / 2
    return {place: 1e3 * float(np.interp(1e-3 * place, x, middle)) for place in PROFILE}


def test_one_pixel_is_biot_and_savart() -> None:
    """A lone prism of current, summed by brute force over a thousand pieces of it."""
    jx, jy = np.zeros((2, 9, 9))
    jx[4, 4], jy[4, 4] = 3.0, -2.0
    field = sheet.plate_field(jx, jy, pixel_size=1.0, thickness=0.7, height=0.4)
    u = (np.arange(24) + 0.5) / 24
    x, y, z = np.meshgrid(u - 0.5, u - 0.5, -0.7 * u, indexing="ij")
    for row, column in ((4, 4), (0, 4), (4, 8), (7, 2)):
        dx, dy, dz = column - 4 - x, row - 4 - y, 0.4 - z
        exact = mu_0 / (4 * np.pi) * 0.7 * np.mean((3.0 * dy + 2.0 * dx) / (dx**2 + dy**2 + dz**2) ** 1.5)
        assert field[row, column] == pytest.approx(exact, rel=2e-3, abs=1e-12)


def test_a_loop_that_turns_from_x_to_y_points_up() -> None:
    """The axes: J = curl(g ẑ) of a hill gives B_z > 0 above it and < 0 beside it."""
    stream = sheet.uniform_rectangle((41, 41), 1.0, (20.0, 20.0))
    field = sheet.plate_field(*sheet.current_of(stream, 1.0), pixel_size=1.0, thickness=0, height=1.0)
    assert field[20, 20] > 0 > field[20, 2]


def test_a_sheet_is_the_limit_of_a_thin_plate() -> None:
    """J d at d → 0 gives the field of the sheet current."""
    jx, jy = sheet.current_of(sheet.uniform_rectangle((33, 33), 1.0, (20.0, 16.0)), 1.0)
    thin = sheet.plate_field(jx / 1e-4, jy / 1e-4, pixel_size=1.0, thickness=1e-4, height=2.0)
    flat = sheet.plate_field(jx, jy, pixel_size=1.0, thickness=0, height=2.0)
    np.testing.assert_allclose(thin, flat, rtol=1e-3, atol=1e-4 * flat.max())


@pytest.mark.parametrize(("height", "expected"), [(None, 0.568017), (5e-6, 0.441785), (20e-6, 0.422991)])
def test_the_self_field_of_the_full_plate(height: float | None, expected: float) -> None:
    """On the axis, at mid-plane and above the surface (planning runs; 4.1 × 4.8 × 0.5 mm)."""
    found = sheet.plate_penetration_field(1e3, **PLATE, height=height)
    assert found == pytest.approx(expected, rel=1e-4)


def test_the_profile_of_the_full_plate_converges() -> None:
    """Within 1 % at 256² pixels, and nearer than at 128²."""
    errors = {}
    for pixels in (128, 256):
        found = rooftop_profile(pixels)
        errors[pixels] = max(abs(found[x] / value - 1) for x, value in PROFILE.items())
    assert errors[256] < 0.01
    assert errors[256] < errors[128]


def test_strip() -> None:
    """The strip of Brandt and Indenbom at H = H_c."""
    strip = {"half_width": 1.0, "applied": 1 / np.pi, "sheet_current": 1.0}
    np.testing.assert_allclose(
        np.pi * sheet.strip_field([0.8, 1.5, 0.5], **strip), [1.020033, 1.236568, 0], atol=1e-6
    )
    assert strip_current(0.7, **strip) == pytest.approx(1.0)


def test_a_strip_s_own_field_is_that_of_its_current() -> None:
    """Biot and Savart of the strip's current and the applied field give its published B: 0 inside the front."""
    strip = {"half_width": 1.0, "applied": 1 / np.pi, "sheet_current": 1.0}
    edges = np.linspace(-1, 1, 40_001)
    middle, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    current = strip_current(middle, **strip)
    for x in (0.0, 0.4, 0.8, 1.5):
        own = np.sum(current / (x - middle + 1e-12)) * width / (2 * np.pi)
        assert own + 1 / np.pi == pytest.approx(float(sheet.strip_field(x, **strip)), abs=2e-3)


def test_the_transfer_is_a_flat_wave_s() -> None:
    """A plane wave of current over the whole window has the field of the Fourier kernel in its middle."""
    n, side, k = 256, 1.0, 2 * np.pi / 16
    x = side * np.arange(n)
    jy = np.tile(np.cos(k * x), (n, 1))
    field = sheet.plate_field(np.zeros((n, n)), jy, pixel_size=side, thickness=3.0, height=1.0)
    seen = np.abs(np.fft.rfft(field[n // 2, 64:192]))[8] / 64
    pixel = np.sinc(k * side / 2 / np.pi)
    expected = float(sheet.current_transfer(k, thickness=3.0, height=1.0)) * pixel
    assert seen == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"jy": np.zeros((3, 4))}, "two equal maps"),
        ({"jx": np.full((4, 4), np.nan)}, "NaN"),
        ({"pixel_size": 0.0}, "pixel_size is 0"),
        ({"height": -1e-6}, "height"),
    ],
)
def test_a_wrong_map_is_refused(change: dict, text: str) -> None:
    """Each with the sentence that says what is wrong."""
    good = {
        "jx": np.zeros((4, 4)),
        "jy": np.zeros((4, 4)),
        "pixel_size": 1.0,
        "thickness": 0.0,
        "height": 1.0,
    }
    with pytest.raises(ValueError, match=text):
        sheet.plate_field(**{**good, **change})


def test_a_stream_function_on_another_grid() -> None:
    """A ramp from the edge keeps its slope between the pixels and reaches 0 at the edge, half a pixel further out."""
    distance = np.array([0.5, 1.5, 2.5, 3.5, 2.5, 1.5, 0.5]) * np.ones((5, 1))
    distance = np.pad(distance, ((1, 1), (1, 1)), constant_values=-0.5)
    stream = np.where(distance > 0, 4.0 * distance, 0.0)
    places = np.meshgrid([3.0], [1.0, 1.5, 2.25, 0.5, 0.75], indexing="ij")
    inside = np.array([[True, True, True, True, True]])
    found = sheet.resample_stream(stream, distance, places, inside)[0]
    assert found == pytest.approx([2.0, 4.0, 7.0, 0.0, 1.0], abs=1e-9)
    assert not sheet.resample_stream(stream, distance, places, ~inside).any()


def test_currents_of_a_sense() -> None:
    """Loops that all run one way are all of that sense and none of the other; half turned round is half."""
    outline = np.zeros((9, 9), bool)
    outline[1:-1, 1:-1] = True
    jx, jy = sheet.current_of(np.where(outline, sheet.distance_transform_edt(outline), 0.0), 1.0)
    assert sheet.share_of_sense(jx, jy, outline, clockwise=False) == pytest.approx(1)
    assert sheet.share_of_sense(jx, jy, outline) == 0
    half = np.where(np.arange(9) < 4, -1.0, 1.0)
    half[4] = 0.0
    assert sheet.share_of_sense(half * jx, half * jy, outline) == pytest.approx(0.5)
    assert np.isnan(sheet.share_of_sense(0 * jx, 0 * jy, outline))


def test_from_which_depth_a_signal_comes() -> None:
    """Of a thick plate half of it from within ln 2/k; of a thin one from within half its thickness."""
    assert sheet.signal_depth(2.0) == pytest.approx(np.log(2) / 2)
    assert sheet.signal_depth(1e-6, thickness=3.0) == pytest.approx(1.5, rel=1e-5)
    assert sheet.signal_depth(1.0, share=0.9, thickness=2.0) == pytest.approx(
        -np.log(1 - 0.9 * (1 - np.exp(-2)))
    )


def test_a_full_rectangle_is_a_roof() -> None:
    """The distance to the nearest edge, with the longer side along x."""
    roof = sheet.uniform_rectangle((5, 9), 2.0, (14.0, 6.0))
    assert roof[2].tolist() == [0, 1, 3, 3, 3, 3, 3, 1, 0]
    assert roof[:, 4].tolist() == [0, 1, 3, 1, 0]


def test_far_from_a_strip_the_field_is_the_applied_one() -> None:
    """And within its front there is none; just outside it is steeper than the square root by H_c/(front tanh)."""
    options = {"half_width": 2e-3, "applied": 800.0, "sheet_current": 3000.0}
    assert sheet.strip_field([50.0], **options) == pytest.approx([800.0], rel=1e-6)
    front = 2e-3 / np.cosh(np.pi * 800 / 3000)
    assert sheet.strip_field([0.0, 0.999 * front], **options).tolist() == [0, 0]
    near = sheet.strip_field([front * 1.0001], **options)[0]
    expected = 3000 / np.pi * np.arctanh(np.sqrt(1 - 1.0001**-2) / np.tanh(np.pi * 800 / 3000))
    assert near == pytest.approx(expected, rel=1e-9)
