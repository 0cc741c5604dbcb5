"""How often the tests of the critical state are right over many seeds, how well J_c comes back, what it takes."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest
from seeds import BENCH_SEEDS as SEEDS
from seeds import ONE_SIGMA, room

sys.path.insert(0, str(Path(__file__).parent.parent / "ac_susceptibility"))
import ac_sets

from nbtools.ac_susceptibility import (
    check_critical_state,
    civale_test,
    estimate_half_screening,
    estimate_loop_current,
    fit_collapse,
)
from nbtools.physics.bean_state import bean_susceptibility
from nbtools.units import Quantity

COVERED = (0.57 - room(rate=ONE_SIGMA), 0.78 + room(rate=ONE_SIGMA))
ERRORS = (0.003, 0.01, 0.03, 0.05)  # of a curve's thermometer, K
WORLDS = {
    "Bean": ac_sets.bean,
    "linear": ac_sets.linear,
    "creep, n = 5": ac_sets.creep,
    "two-step": ac_sets.two_step,
    "Kim, 20 Oe, no dc field": ac_sets.kim_at(0.0, 20 * 79.577),
}


def combined_test(response, seed, error, *, with_rivals):
    """The combined test and its rectangles on one set of curves."""
    rng = np.random.default_rng([seed, 21])
    curves = ac_sets.amplitude_set(response, rng, error)
    others = ac_sets.frequency_set(response, rng, error)
    options = {"temperature_uncertainty": error}
    rectangles = civale_test(curves, with_power=False, replicas=60, **options)
    found = check_critical_state(curves, others, rectangles=rectangles, with_rivals=with_rivals, **options)
    return found, rectangles


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("name", [name for name in WORLDS if name != "Bean"])
def test_a_wrong_world_is_rejected_or_said_to_be_open(name, error, capsys):
    """Printed: in how many seeds a wrong world passes for Bean's without a word; the bar is 5 %."""
    kept = 0
    for seed in range(SEEDS):
        found, _ = combined_test(WORLDS[name], seed, error, with_rivals=True)
        kept += found.verdict == "critical state"
    with capsys.disabled():
        print(f"\n{1e3 * error:.0f} mK, {name}: taken for Bean's in {kept} of {SEEDS}")
    assert kept <= (0.05 + room(rate=0.05)) * SEEDS


@pytest.mark.parametrize("error", ERRORS)
def test_beans_state_is_kept(error, capsys):
    """Printed: how often Bean's state is kept (bar 95 %), and each p-value under 5 % (bar 10 %)."""
    kept, low = 0, dict[str, int]()
    for seed in range(SEEDS):
        found, _ = combined_test(ac_sets.bean, seed, error, with_rivals=False)
        kept += found.passes
        for key, p in found.p_values.items():
            if np.isfinite(p):
                low[key] = low.get(key, 0) + (p < 0.05)
    with capsys.disabled():
        print(f"\n{1e3 * error:.0f} mK: Bean's state kept in {kept} of {SEEDS}; p under 5 %: {low}")
    assert kept >= (0.95 - room(rate=0.05)) * SEEDS
    assert max(low.values()) <= (0.1 + room(rate=0.05)) * SEEDS
    assert sum(low.values()) <= (0.06 + room(rate=0.05, cells=len(low))) * SEEDS * len(low)


@pytest.mark.parametrize("noise", [2e-4, 1e-3, 5e-3])
@pytest.mark.parametrize("error", [0.003, 0.01])
def test_currents(noise, error, capsys):
    """Printed: coverage of half screening and of the collapse (bar 57 to 78 %), bias and scatter of the latter."""
    inside: dict[str, list[bool]] = {"half screening": [], "collapse": []}
    logs = []
    for seed in range(SEEDS):
        rng = np.random.default_rng([seed, 23])
        curves = [
            ac_sets.curve(ac_sets.bean, h, rng=rng, offset=error, noise=noise) for h in ac_sets.AMPLITUDES
        ]
        half = estimate_half_screening(curves, half_width=0.5e-3, temperature_uncertainty=error)[
            1
        ].temperature
        inside["half screening"].append(
            abs(half - ac_sets.temperature_of(80 / 0.620204103)) < half.uncertainty
        )
        fit = fit_collapse(curves, temperature_uncertainty=error)
        middle = len(fit.temperature) // 2
        found, truth = fit.full_field[middle], ac_sets.full_field(fit.temperature[middle])
        inside["collapse"].append(abs(found - truth) < found.uncertainty)
        logs.append(np.log(float(found) / truth))
    with capsys.disabled():
        covered = {name: f"{np.mean(hits):.2f}" for name, hits in inside.items()}
        print(f"\nnoise {noise:g}, {1e3 * error:.0f} mK: covered {covered}, ", end="")
        print(f"ln J_c of the collapse {np.mean(logs):+.4f} ± {np.std(logs):.4f}")
    for hits in inside.values():
        assert COVERED[0] <= np.mean(hits) <= COVERED[1]
    assert abs(np.mean(logs)) < 4 * np.std(logs) / np.sqrt(SEEDS) + 0.003


@pytest.mark.parametrize("noise", [1e-4, 1e-3, 1e-2])
def test_loops(noise, capsys):
    """Printed: coverage of J_c of a loop whose edges are known to 2 % (bar 57 to 78 %)."""
    inside = []
    for seed in range(SEEDS):
        rng = np.random.default_rng([seed, 24])
        edges = [Quantity(side, 0.02 * side, "m") for side in (1e-3, 1.2e-3, 5e-3)]
        true = [rng.normal(float(edge), edge.uncertainty) for edge in edges]
        a, b = sorted(true[:2])
        moment = 1e9 * a * (1 - a / (3 * b)) / 4 * np.prod(true)
        field = np.linspace(-4e6, 4e6, 201)
        branches = [
            (field, sign * moment * (1 + noise * rng.normal(size=201)) + 1e-13 * field) for sign in (1, -1)
        ]
        volume = edges[0] * edges[1] * edges[2]
        found = estimate_loop_current(*branches, temperature=5.0, sides=edges[:2], volume=volume).current
        inside.append(abs(found - 1e9) < found.uncertainty)
    with capsys.disabled():
        print(f"\nloops, noise {noise:g}: covered {np.mean(inside):.2f}")
    assert COVERED[0] <= np.mean(inside) <= COVERED[1]


def test_twelve_curves(monkeypatch, capsys):
    """Printed: processor time of the rectangles of 3 to 12 curves of 100 points; the bar is 5 s at 12."""
    monkeypatch.setenv("NBTOOLS_CACHE", "off")
    rng = np.random.default_rng(1)
    monkeypatch.setattr(ac_sets, "TEMPERATURE", np.linspace(35.9, 37.7, 100))
    for count in (3, 6, 9, 12):
        curves = [ac_sets.curve(ac_sets.bean, h, rng=rng, offset=0.003) for h in np.geomspace(2, 2000, count)]
        start = time.process_time()
        found = civale_test(curves, temperature_uncertainty=0.003)
        spent = time.process_time() - start
        with capsys.disabled():
            print(f"\n{count} curves: {len(found.rectangles)} rectangles, {spent:.1f} s")
    assert spent <= 5.0


def test_a_redraw(capsys):
    """Printed: three amplitudes × 400 temperatures, all five geometries."""
    fields = np.geomspace(1e-3, 1e3, 1200)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        for geometry in ("slab", "cylinder", "square_bar", "strip", "disk"):
            bean_susceptibility(fields, geometry)  # type: ignore[arg-type]
        times.append(time.perf_counter() - start)
    with capsys.disabled():
        print(f"\nall geometries: median {1e3 * np.median(times):.1f} ms, best {1e3 * min(times):.1f} ms")
