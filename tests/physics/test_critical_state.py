"""The critical-state solver against the exact strip and disk, Bean's rooftop, and its own symmetries."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import zeta

from nbtools.physics import critical_state
from nbtools.physics.critical_state import CreepingPlate, plate_state, signed_distance
from nbtools.physics.current_sheet import current_of
from nbtools.physics.open_kernel import SUM_OF_INVERSE_CUBES


def rectangle(rows: int, columns: int, margin: int = 2) -> np.ndarray:
    mask = np.zeros((rows + 2 * margin, columns + 2 * margin), bool)
    mask[margin:-margin, margin:-margin] = True
    return mask


@pytest.fixture(scope="module")
def square():
    """A plate a quarter as thick as wide, filled and then taken back to no field (J_c = 1, half width 1)."""
    return plate_state(
        rectangle(24, 24),
        np.array([0, 0.3, 0.8, 0.0]),
        critical_current=1.0,
        pixel_size=2 / 24,
        thickness=0.5,
    )


def test_a_long_strip_has_brandt_and_indenbom_s_moment() -> None:
    """−J_s a² tanh(H/H_c) a unit of length, within what creep at n = 60 allows."""
    states = plate_state(
        rectangle(96, 16),
        np.array([0.0, 0.5, 1.0]) / np.pi,
        critical_current=1.0,
        pixel_size=2 / 16,
        thickness=0.0,
        exponent=60,
    )
    middle = states.stream[:, 50].sum(axis=1) * 2 / 16
    np.testing.assert_allclose(-middle[1:], np.tanh([0.5, 1.0]), rtol=0.012)


def test_a_thin_disk_has_its_exact_moment() -> None:
    """(8/3) R³ H_d times half of arccos(1/cosh x) + sinh x/cosh² x, H_d = J_s/2 (Clem and Sanchez 1994)."""
    side = 2 / 32
    y, x = side * (np.mgrid[:38, :38] - 18.5)
    distance = (1 - np.hypot(x, y)) / side
    states = plate_state(
        distance,
        np.array([0.0, 0.25, 0.5]),
        critical_current=1.0,
        pixel_size=side,
        thickness=0.0,
        exponent=60,
    )
    reduced = np.array([0.5, 1.0])
    exact = (np.arccos(1 / np.cosh(reduced)) + np.sinh(reduced) / np.cosh(reduced) ** 2) / 2 * (8 / 3) / 2
    np.testing.assert_allclose(-states.moment[1:], exact, rtol=0.015)


def test_a_full_plate_is_a_rooftop(square) -> None:
    """|J| = J_c everywhere away from the d-lines, which lie on the diagonals."""
    jx, jy = square.current(2)
    n = jx.shape[0]
    y, x = np.mgrid[:n, :n] - (n - 1) / 2
    away = (np.maximum(abs(x), abs(y)) < 10) & (abs(abs(x) - abs(y)) > 3) & (np.maximum(abs(x), abs(y)) > 3)
    assert np.abs(np.hypot(jx, jy)[away] - 1).max() < 0.08
    # Sectors: the current runs along the nearest edge, clockwise under a rising field.
    assert jx[away & (y > abs(x))].min() > 0.9
    assert jx[away & (y < -abs(x))].max() < -0.9


def test_the_field_starts_from_the_edge(square) -> None:
    """Partly filled: J_c at the rim, less in the middle, and no field in the middle of the thickness."""
    jx, _ = square.current(1)
    n = jx.shape[0]
    column = np.abs(jx[:, n // 2])
    assert column[3] == pytest.approx(1, abs=0.08)
    assert column[n // 2 - 2] < 0.5


def test_taken_back_to_no_field_the_moment_turns_round(square) -> None:
    """After filling, a way back of more than twice the filling field reverses all currents (Bean)."""
    assert square.moment[3] == pytest.approx(-square.moment[2], rel=0.06)


def test_going_back_is_the_virgin_state_twice_over() -> None:
    """M(H) after the turn is M_v(H₀) − 2 M_v((H₀ − H)/2), Bean's own rule."""
    options = {"critical_current": 1.0, "pixel_size": 2 / 20, "thickness": 0.25, "exponent": 80.0}
    outline = rectangle(20, 20)
    loop = plate_state(outline, np.array([0, 0.2, 0.0]), **options)
    virgin = plate_state(outline, np.array([0, 0.1, 0.2]), **options)
    assert loop.moment[2] == pytest.approx(virgin.moment[2] - 2 * virgin.moment[1], rel=0.05)


def test_cooled_in_a_field_the_currents_hold_it() -> None:
    """Without current at H and then at 0: the moment is that of a virgin ramp to −H, so positive; B < 0 outside."""
    options = {"critical_current": 1.0, "pixel_size": 2 / 16, "thickness": 0.25}
    frozen = plate_state(rectangle(16, 16, 8), np.array([0.05, 0.0]), **options)
    virgin = plate_state(rectangle(16, 16, 8), np.array([0.0, 0.05]), **options)
    assert frozen.moment[1] == pytest.approx(-virgin.moment[1], rel=1e-3)
    field = frozen.field(1, height=0.05)
    assert field[16, 16] > 0 > field[16, 6]


def test_a_current_that_falls_with_field_carries_less() -> None:
    """Kim's moment is below Bean's, and goes to it as the half field grows."""
    options = {"critical_current": 1.0, "pixel_size": 2 / 12, "thickness": 0.5}
    moments = {
        half: abs(plate_state(rectangle(12, 12), np.array([0, 0.6]), half_field=half, **options).moment[1])
        for half in (0.5, 50.0, np.inf)
    }
    assert moments[0.5] < 0.75 * moments[np.inf]
    assert moments[50.0] == pytest.approx(moments[np.inf], rel=0.02)


@pytest.mark.parametrize("thickness", [0.0, 2.0])
def test_the_field_of_a_hill_in_open_space(thickness) -> None:
    """∫ Q(k) g(k) k dk/2π over a Gaussian's middle, √(π/2)/2s of a sheet: no image of it in the next period."""
    side, width = 0.5, np.sqrt(5.0)
    plate = CreepingPlate(signed_distance(rectangle(60, 60)), np.ones((64, 64)), side, thickness)
    y, x = side * np.mgrid[:64, :64]
    hill = np.exp(-((x - 15) ** 2 + (y - 15) ** 2) / (2 * width**2))

    def part(k):
        kd = k * thickness
        response = k / 2 if not thickness else (1 - (1 - np.exp(-kd)) / kd) / thickness
        return response * width**2 * np.exp(-((k * width) ** 2) / 2) * k

    expected = quad(part, 1e-9, 20, epsabs=1e-13)[0] if thickness else np.sqrt(np.pi / 2) / (2 * width)
    assert plate.magnetisation_field(hill)[30, 30] == pytest.approx(expected, rel=3e-7)


def test_the_lattice_sum_is_epsteins() -> None:
    """Σ' (m² + n²)^(−3/2) = 4 ζ(3/2) β(3/2), β being Dirichlet's."""
    beta = (zeta(1.5, 0.25) - zeta(1.5, 0.75)) / 8
    assert pytest.approx(4 * zeta(1.5) * beta, rel=1e-8) == SUM_OF_INVERSE_CUBES


def test_the_electric_field_is_a_power_of_the_current() -> None:
    """ρ = E_c/J_c (J/J_c)^(n−1), E_c = µ0 a/6; and of Kim's J_c/(1 + |H|/H₀)."""
    mask = signed_distance(rectangle(8, 12))
    for half_field, weaker in ((np.inf, 1.0), (2.0, 1.5)):
        plate = CreepingPlate(mask, np.full(mask.shape, 3.0), 0.5, 0.0, half_field, exponent=11.0)
        found = plate._resistance(np.full((11, 15), (1.1 * 3.0 / weaker) ** 2), np.zeros(mask.shape), 1.0)
        assert found == pytest.approx(4e-7 * np.pi * 2.0 / 6 / (3.0 / weaker) * 1.1**10, rel=1e-6)


def test_the_polynomials_of_the_clock() -> None:
    """T_j, T_j′ and T_j″ as numpy has them."""
    value, slope, curve = critical_state._chebyshev(5, 1.02)
    for j in range(6):
        polynomial = np.polynomial.Chebyshev.basis(j)
        expected = [float(polynomial.deriv(m)(1.02)) for m in (0, 1, 2)] if j else [1.0, 0.0, 0.0]
        assert (value[j], slope[j], curve[j]) == pytest.approx(expected)


def test_the_inverse_on_the_sample_is_one() -> None:
    """Q dG/dt gives back what drove it, on every pixel of the sample and only there."""
    plate = CreepingPlate(signed_distance(rectangle(20, 20)), np.ones((24, 24)), 0.1, 0.5)
    rate = plate.rate(np.zeros((24, 24)), 0.0, 1.0)
    np.testing.assert_allclose(plate.magnetisation_field(rate)[plate.mask], -1.0, atol=0.01)
    assert not rate[~plate.mask].any()


def test_a_right_hand_side_takes_steps_that_do_not_grow_with_the_grid(monkeypatch) -> None:
    """O(N log N): the number of Fourier transforms of dG/dt is the same at 32², 64² and 128²."""
    calls = []
    counted = critical_state.rfft2
    monkeypatch.setattr(critical_state, "rfft2", lambda *a, **k: calls.append(1) or counted(*a, **k))
    numbers = []
    for n in (32, 64, 128):
        plate = CreepingPlate(signed_distance(rectangle(n - 4, n - 4)), np.ones((n, n)), 2 / n, 0.25)
        calls.clear()
        plate.rate(np.zeros((n, n)), 0.0, 1.0)
        numbers.append(len(calls))
    assert max(numbers) <= 1.25 * min(numbers), numbers


def test_a_step_without_end_is_tried_again_shorter(monkeypatch) -> None:
    """A first step that overflows, and leaves nothing but infinities: the state is that of shorter steps."""
    plate = {"critical_current": 1.0, "pixel_size": 2 / 16, "thickness": 0.25}
    history = np.array([0.0, 0.2])
    monkeypatch.setenv("NBTOOLS_CACHE", "off")
    clean = plate_state(rectangle(16, 16), history, **plate)
    real, steps = CreepingPlate._chebyshev_step, []

    def endless(self, stream, now, sweep, step):
        steps.append(step)
        if len(steps) == 3:
            self._guess = np.full(stream.shape, np.nan)
            return np.full(stream.shape, np.nan), float("nan")
        return real(self, stream, now, sweep, step)

    monkeypatch.setattr(CreepingPlate, "_chebyshev_step", endless)
    again = plate_state(rectangle(16, 16), history, **plate)
    assert steps[3] < steps[2]
    np.testing.assert_allclose(again.moment, clean.moment, rtol=2e-3)


def test_last_bits_are_not_passed_on(monkeypatch) -> None:
    """Each element of each transform turned by a bit moves no state by more than 1e-7 of the largest current.

    The field goes up and back, and J_c falls with it: where steps follow their errors to the last bit, this plate is
    the one that ends 1e-4 elsewhere.
    """
    plate = {"critical_current": 1.0, "pixel_size": 2 / 24, "thickness": 0.25, "half_field": 1.0}
    history = np.array([0.0, 0.2, 0.4, 0.2, 0.0])
    outline = signed_distance(rectangle(24, 28)) - 0.2
    monkeypatch.setenv("NBTOOLS_CACHE", "off")
    clean = plate_state(outline, history, tolerance=1e-2, **plate).stream
    rng, apply = np.random.default_rng(1), CreepingPlate._apply
    monkeypatch.setattr(
        CreepingPlate,
        "_apply",
        lambda *given: (found := apply(*given)) * (1 + 4e-16 * rng.integers(-1, 2, found.shape)),
    )
    turned = plate_state(outline, history, tolerance=1e-2, **plate).stream
    assert 0 < np.abs(turned - clean).max() < 1e-7 * np.abs(clean).max()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"outline": np.ones((6, 6), bool)}, "touches the rim"),
        ({"outline": np.zeros((6, 6), bool)}, "0 pixels of sample"),
        ({"applied": [1.0]}, "at least two"),
        ({"critical_current": -1.0}, "critical_current is -1"),
        ({"pixel_size": np.nan}, "pixel_size"),
    ],
)
def test_a_wrong_plate_is_refused(change: dict, text: str) -> None:
    """Each with its sentence."""
    good = {
        "outline": rectangle(6, 6),
        "applied": [0, 0.1],
        "critical_current": 1.0,
        "pixel_size": 0.3,
        "thickness": 0.5,
    }
    with pytest.raises(ValueError, match=text):
        plate_state(**{**good, **change})


def test_the_stream_function_and_its_current_agree() -> None:
    """A state's current is the curl of its stream function over the thickness."""
    states = plate_state(rectangle(8, 8), [0, 0.1], critical_current=1.0, pixel_size=0.25, thickness=0.5)
    np.testing.assert_array_equal(states.current(1)[0], current_of(states.stream[1] / 0.5, 0.25)[0])


@pytest.mark.parametrize("rim", [(0, slice(None)), (-1, slice(None)), (slice(None), 0), (slice(None), -1)])
def test_a_sample_at_any_rim_is_refused(rim) -> None:
    """Each of the four: the field around it must be in the map."""
    outline = np.zeros((8, 8), bool)
    outline[3:5, 3:5] = True
    outline[rim] = True
    with pytest.raises(ValueError, match="touches the rim"):
        plate_state(outline, [0, 1], critical_current=1e9, pixel_size=1e-6, thickness=1e-6)
