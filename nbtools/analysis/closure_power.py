"""What closing rectangles can exclude: replicas of Bean's state and of the wrong worlds at the data's own errors."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gamma

from nbtools.analysis.ac_curves import AcCurve, Smooth
from nbtools.analysis.current_profile import grain_share, log_full_field
from nbtools.analysis.rectangle_geometry import WANDER_LENGTH, Track, inverse_error, measure_closure
from nbtools.cache import cached
from nbtools.models.ac_worlds import AcWorld, rival_worlds

Array = NDArray[np.float64]
SIGNIFICANCE = 0.05


@cached
def simulate_closure(
    curves: list[AcCurve], error: float, geometry: str, replicas: int, seed: int, with_power: bool = True
) -> tuple[Array, dict[str, float]]:
    """The statistic in replicas of Bean's state, and the share of each wrong world's replicas beyond their 95 %."""
    smooth = [curve.smooth for curve in curves]
    reference = curves[len(curves) // 2].amplitude
    halves = [one.temperature_at(-0.5) for one in smooth]
    ends = float(np.nanmin(halves)), float(np.nanmax(halves)) + 0.3
    rivals = rival_worlds(*ends) if with_power else {}
    rng = np.random.default_rng(seed)
    measure = partial(measure_closure, error=error, floor=inverse_error(smooth))

    def statistics(world: AcWorld, count: int) -> Array:
        current = log_full_field(curves, geometry, exponent=world.exponent, reference=reference)
        seen = map(measure, replicate(smooth, world, current, error, geometry, count, rng))
        return np.array([np.inf if one is None else one.statistic for one in seen])

    share = float(np.median([grain_share(curve) for curve in curves]))
    null = statistics(AcWorld(grain_share=share), replicas)
    threshold = null_distribution(null).isf(SIGNIFICANCE)
    power = {
        name: float(np.mean(statistics(world, replicas // 2) > threshold)) for name, world in rivals.items()
    }
    return null, power


def null_distribution(null: Array) -> Any:
    """The gamma distribution with the mean and variance of the replicas."""
    known = null[np.isfinite(null)]
    if known.size < 10:
        raise ValueError(
            f"only {known.size} of {null.size} simulated sets of curves have rectangles: the temperature error is "
            "as large as the distance between the curves"
        )
    shape = known.mean() ** 2 / max(known.var(), 1e-12)
    return gamma(shape, scale=known.mean() / shape)


def replicate(
    smooth: list[Smooth], world: AcWorld, current: Any, error: float, geometry: str, count: int, rng: Any
) -> Iterator[list[Track]]:
    """`count` times the curves that a world gives at the data's own temperatures, noise and thermometer errors."""
    reference = (smooth[len(smooth) // 2].curve.amplitude, 10.0)
    clean = [_clean(one.curve, world, current, reference, geometry) for one in smooth]
    for _ in range(count):
        tracks = []
        for one, (grid, *response) in zip(smooth, clean, strict=True):
            t = one.curve.temperature
            true = t - error * thermometer_error(t, rng) - one.noise[0][1] * rng.standard_normal(t.size)
            parts = [
                one.smoothed(np.interp(true, grid, part) + noise[0] * rng.standard_normal(t.size))
                for part, noise in zip(response, one.noise, strict=False)
            ]
            loss = parts[1] if len(parts) > 1 else None
            tracks.append(Track(one.curve.amplitude, one.grid, parts[0], loss, one.noise, one.gain))
        yield tracks


def thermometer_error(temperature: Array, rng: Any, *, waves: int = 8) -> Array:
    """A draw along one curve, of standard deviation one and the correlation `wander`."""
    frequency, phase = rng.standard_normal(waves) / WANDER_LENGTH, rng.uniform(0, 2 * np.pi, waves)
    moving = np.cos(np.outer(temperature, frequency) + phase).sum(axis=1) * np.sqrt(2 / waves)
    return np.asarray((rng.standard_normal() + moving) / np.sqrt(2))


def _clean(
    curve: AcCurve, world: AcWorld, current: Any, reference: tuple[float, float], geometry: str
) -> tuple[Array, Array, Array]:
    grid = np.linspace(curve.temperature[0] - 0.2, curve.temperature[-1] + 0.2, 800)
    stronger = 1 + abs(curve.bias) / world.kim_field
    full = np.exp(np.clip(current(grid), -30, 40)) * stronger
    drive = {"bias": curve.bias, "reference": reference, "geometry": geometry}
    return grid, *world.susceptibility(grid, curve.amplitude, full, **drive)  # type: ignore[arg-type]
