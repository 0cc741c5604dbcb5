"""Figures of the magneto-optics room, printed: errors side by side, cost, coverage, 200 seeds, the solver's time."""

import subprocess
import sys
import time

import numpy as np
import pytest
import scipy.fft
from plate_worlds import (
    CONDITIONS,
    CURRENT,
    bean_square,
    coverage,
    current_of_a_users_plate,
    plate_current,
    relative_error,
)
from seeds import pulls_over_seeds

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


@pytest.mark.parametrize(("percent", "gap"), CONDITIONS)
def test_coverage(percent, gap):
    """σ of the map in core, d-lines and rim, 40 seeds; σ of J_c, 200 seeds, its outline known and as a user has it."""
    found = [coverage(seed, percent=percent, gap=gap) for seed in range(40)]
    means = {name: np.mean([one[name] for one in found]) for name in found[0]}
    print(
        f"{percent} %, {1e6 * gap:.0f} µm:", {name: f"{100 * share:.1f} %" for name, share in means.items()}
    )
    assert 0.57 < means["core"] < 0.78
    for world in (plate_current, current_of_a_users_plate):
        pulls = pulls_over_seeds(
            lambda seed, world=world: world(seed, percent=percent, gap=gap),
            {"critical_current": CURRENT},
            seeds=200,
        )["critical_current"]
        print(f"{world.__name__}: {pulls}")
        assert 0.57 < pulls.coverage < 0.78


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("size", "count"), [(512, 8), (1024, 8), (2048, 8), (2048, 40)])
def test_cost_of_calibration_and_current(size, count):
    """At the size of a camera: under 60 s of CPU and 2 GB over the input for 40 frames of 2048²."""
    lines = subprocess.run(
        [sys.executable, "-c", LARGE.format(size=size, count=count)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for line in lines:
        name, seconds, megabytes = line.split()
        print(f"{name}, {count} × {size}²: {float(seconds):.1f} s, {float(megabytes):.0f} MB over the input")
        assert float(seconds) < 60 and float(megabytes) < 2048


LARGE = """
import resource, time
import numpy as np
from nbtools import magneto_optics as mo
size, count = {size}, {count}
rng = np.random.default_rng(0)
fields = np.linspace(-0.06, 0.08, 15)
light = (4e4 * (1 - 0.2 * np.linspace(-1, 1, size, dtype=np.float32) ** 2)) * np.ones((size, 1), np.float32)
x = np.linspace(-1, 1, size, dtype=np.float32)
hill = 0.04 * np.exp(-3 * (x[:, None] ** 2 + x**2))
def film(b):
    ideal = 300 + light * np.sin(0.35 * b / np.hypot(b, 0.09) + 0.32) ** 2
    return np.rint(ideal + 10 * rng.standard_normal((size, size), np.float32)).astype(np.uint16)
frames = np.array([film(one) for one in fields])
raw = np.empty((count, size, size), np.uint16)
for i in range(count):
    raw[i] = film(hill * (i + 1) / count)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, start = peak(), time.process_time()
found = mo.calibrate(raw, frames, fields)
print("calibrate", time.process_time() - start, peak() - before)
side = 6.4e-3 / size
outline = mo.place_outline((size, size), side, (4.1e-3, 4.8e-3))
before, start = peak(), time.process_time()
applied = np.linspace(0.005, 0.04, count)
at = dict(pixel_size=side, thickness=0.5e-3, height=1e-5)
mo.estimate_critical_current(found.field, applied, outline=outline, **at)
print("estimate_critical_current", time.process_time() - start, peak() - before)
"""


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
