"""Figures of the magneto-optics room, printed: errors side by side, cost, coverage, 200 seeds, the solver's time."""

import time

import numpy as np
import pytest
import scipy.fft
from plate_worlds import CURRENT, bean_square, coverage, plate_current, relative_error

from nbtools.magneto_optics.inversion import invert_current
from nbtools.physics.critical_state import CreepingPlate, signed_distance

OTHER_CODE = {(1, 0): 0.070, (1, 1): 0.100, (1, 5): 0.188, (3, 0): 0.069, (3, 1): 0.174, (3, 5): 0.236}


@pytest.mark.parametrize(("height", "percent"), OTHER_CODE)
def test_errors_side_by_side(height, percent):
    """Mean over ten draws of noise: automatic strength, best strength, the other code's best."""
    rows = []
    for seed in range(10):
        currents, field = bean_square(height, percent, seed=seed)
        auto = invert_current(field, pixel_size=1.0, height=height)
        grid = auto.regularisation * 10.0 ** np.arange(-2, 2.1, 0.25)
        best = [invert_current(field, pixel_size=1.0, height=height, regularisation=one) for one in grid]
        rows.append((relative_error(auto, currents), min(relative_error(one, currents) for one in best)))
    auto, best = np.mean(rows, axis=0)
    print(
        f"{height} px, {percent} %: auto {auto:.3f}, best {best:.3f}, other code {OTHER_CODE[height, percent]:.3f}"
    )
    assert auto <= 1.10 * best


def test_cost_of_an_inversion():
    """CPU time over that of a bare pair of real FFTs of the padded size, printed for three sizes."""
    for n in (129, 256, 512):
        field = np.random.default_rng(0).normal(size=(n, n)) + np.hanning(n)[:, None] * np.hanning(n) * 50
        shape = tuple(scipy.fft.next_fast_len(2 * n, real=True) for _ in range(2))
        padded = np.zeros(shape)
        cold = _seconds(lambda field=field: invert_current(field, pixel_size=1.0, height=1.0), 1)
        warm = _seconds(lambda field=field: invert_current(field, pixel_size=1.0, height=1.0), 9)
        real = _seconds(lambda p=padded, s=shape: scipy.fft.irfft2(scipy.fft.rfft2(p), s=s), 9)
        full = _seconds(lambda p=padded: scipy.fft.ifft2(scipy.fft.fft2(p)), 9)
        print(
            f"{n}²: first {cold / real:.1f}, next {warm / real:.1f} real pairs ({warm / full:.1f} complex pairs)"
        )


def test_coverage_of_the_map():
    """Core, d-lines and rim apart, 40 seeds."""
    found = [coverage(seed) for seed in range(40)]
    print({name: f"{100 * np.mean([one[name] for one in found]):.1f} %" for name in found[0]})
    assert 0.60 < np.mean([one["core"] for one in found]) < 0.76


def test_j_c_over_200_seeds():
    """Bias under 3 %; the coverage of the stated σ is printed."""
    found = [plate_current(seed)["critical_current"] for seed in range(200)]
    pulls = np.array([(one - CURRENT) / one.uncertainty for one in found])
    bias = np.mean([float(one) for one in found]) / CURRENT - 1
    print(f"bias {100 * bias:+.2f} %, coverage {100 * np.mean(np.abs(pulls) < 1):.0f} %")
    assert abs(bias) < 0.03


def test_the_solver_s_cost():
    """A right-hand side at 512² over one at 256², and twenty frames of a ramp at 128²: printed."""
    seconds = {}
    for n in (256, 512):
        mask = np.zeros((n, n), bool)
        mask[2:-2, 2:-2] = True
        plate = CreepingPlate(signed_distance(mask), np.ones((n, n)), 2 / n, 0.25)
        seconds[n] = _seconds(lambda plate=plate, n=n: plate.rate(np.zeros((n, n)), 0.0, 1.0), 3)
    print(f"right-hand side: {seconds[256]:.3f} s at 256², ratio {seconds[512] / seconds[256]:.1f}")
    mask = np.zeros((128, 128), bool)
    mask[4:-4, 4:-4] = True
    plate, stream = (
        CreepingPlate(signed_distance(mask), np.ones((128, 128)), 2 / 120, 0.25),
        np.zeros((128, 128)),
    )
    start = time.process_time()
    for before, after in zip(np.linspace(0, 0.28, 21)[:-1], np.linspace(0, 0.28, 21)[1:], strict=True):
        stream = plate.ramp(stream, before, after, 3e-3)
    print(f"20 frames at 128²: {time.process_time() - start:.0f} s CPU, {plate.evaluations} right-hand sides")


def _seconds(action, repeats):
    """The least CPU time of a few calls."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)
