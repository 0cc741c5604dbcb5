"""How often the fractal verdict is right: worlds with known answers, seed after seed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.analysis.section_judgement import EXCESS, judge_sections
from nbtools.cache import cached
from nbtools.models import random_media

Phase = NDArray[np.bool_]
World = Callable[[tuple[int, ...], Generator], Phase]

# Each at 26.5 %, as it is named; lengths in pixels.
WORLDS: Mapping[str, World] = {
    "cascade": lambda shape, rng: random_media.fractal_cascade(shape, rng, inner=2.3),
    "woven cascade": lambda shape, rng: random_media.woven_cascade(shape, rng, inner=4.0),
    "one length": lambda shape, rng: random_media.level_set(
        random_media.gaussian_field(shape, rng, correlation_length=4.0), 0.265
    ),
    "lognormal grains": lambda shape, rng: random_media.lognormal_grains(shape, rng, median_radius=6.0),
    "k⁻³ field": lambda shape, rng: random_media.level_set(
        random_media.power_law_field(shape, rng, band=(4.0, min(shape) / 2)), 0.265
    ),
    "isolated grains": lambda shape, rng: random_media.isolated_grains(shape, rng),
}
FRACTAL = ("cascade", "woven cascade")
DENOISED = 0.8  # pixels


@dataclass(frozen=True)
class PowerStudy:
    """Excess breadth (decades) and verdict of each seed, by world.

    side : pixels of the sections; noise : one over contrast-to-noise, 0 without an instrument
    """

    side: int
    noise: float
    excess: dict[str, NDArray[np.float64]]
    verdicts: dict[str, tuple[str, ...]]

    def share(self, world: str, verdict: str) -> float:
        """How often a world is given this verdict."""
        return self.verdicts[world].count(verdict) / len(self.verdicts[world])

    def __str__(self) -> str:
        words = ("scale-free", "not scale-free", "cannot tell")
        lines = [f"{self.side}² pixels, threshold {EXCESS:g} decades".ljust(38) + "  ".join(words)]
        for world, excess in self.excess.items():
            shares = "  ".join(f"{100 * self.share(world, word):{len(word) - 2}.0f} %" for word in words)
            lines.append(
                f"{world:17s} {np.nanmean(excess):+z.2f} ± {np.nanstd(excess):.2f}".ljust(38) + shares
            )
        return "\n".join(lines)


@cached
def study_power(
    *,
    side: int = 256,
    seeds: int = 12,
    contrast_to_noise: float = 3.0,
    point_spread: float = 1.5,
    nulls: int = 39,
    worlds: tuple[str, ...] = tuple(WORLDS),
) -> PowerStudy:
    """Make each world anew for every seed, look at it through an instrument, and judge it.

    Parameters
    ----------
    side : pixels of a section
    contrast_to_noise, point_spread : of the instrument, the second in pixels; a contrast of infinity is none
    """
    excess, verdicts = {}, {}
    for world in worlds:
        judged = [_judge(world, side, seed, contrast_to_noise, point_spread, nulls) for seed in range(seeds)]
        excess[world] = np.array([found[0] for found in judged])
        verdicts[world] = tuple(found[1] for found in judged)
    return PowerStudy(side, 1 / contrast_to_noise, excess, verdicts)


def _judge(
    world: str, side: int, seed: int, contrast_to_noise: float, point_spread: float, nulls: int
) -> tuple[float, str]:
    rng = np.random.default_rng([seed, side, list(WORLDS).index(world)])
    phase = WORLDS[world]((side, side), rng)
    if np.isfinite(contrast_to_noise):
        phase = _look_at(phase, rng, contrast_to_noise, point_spread)
    found = judge_sections([phase[None]], rng, nulls=nulls)
    return found.excess, found.word


def _look_at(phase: Phase, rng: Generator, contrast_to_noise: float, point_spread: float) -> Phase:
    """Blurred, noisy, smoothed a little, cut where as much is left as there was."""
    grey = ndimage.gaussian_filter(phase.astype(np.float32), point_spread)
    grey += rng.standard_normal(phase.shape, dtype=np.float32) / np.float32(contrast_to_noise)
    return random_media.level_set(ndimage.gaussian_filter(grey, DENOISED), float(phase.mean()))
