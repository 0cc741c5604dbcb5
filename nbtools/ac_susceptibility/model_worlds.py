"""Worlds that an ac susceptibility may come from: Bean's, creep, ohmic, Kim's, granular."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.physics.bean_state import bean_susceptibility
from nbtools.physics.creep import creep_susceptibility
from nbtools.physics.kim_state import kim_susceptibility
from nbtools.units import convert

Array = NDArray[np.float64]
OERSTED = convert(1.0, "Oe", "A/m")


@dataclass(frozen=True)
class AcWorld:
    """What makes the response of a bar other than Bean's; the default is Bean's critical state.

    exponent : n of E ~ Jⁿ, at all temperatures; 1 is ohmic, infinity Bean's
    falling_from, falling_to, last_exponent : 1/n rises from 0 to 1/last between these temperatures (K)
    kim_field : H₀ (A/m) of J_c0/(1 + |H|/H₀)
    grain_share, grain_start, grain_width : a part of the sample that screens by itself, whatever the amplitude,
        from this temperature down (K)
    """

    exponent: float = np.inf
    falling_from: float = np.inf
    falling_to: float = np.inf
    last_exponent: float = 4.0
    kim_field: float = np.inf
    grain_share: float = 0.0
    grain_start: float = np.inf
    grain_width: float = 1.0

    def inverse_exponent(self, temperature: ArrayLike) -> Array:
        """1/n."""
        t = np.asarray(temperature, float)
        if not np.isfinite(self.falling_from):
            return np.full(t.shape, 1 / self.exponent)
        risen = (t - self.falling_from) / (self.falling_to - self.falling_from)
        return np.clip(risen, 0.0, 1.5) / self.last_exponent

    def grains(self, temperature: ArrayLike) -> Array:
        """Share that the grains screen by themselves: s tanh((T_g − T)/w), linear under T_g and flat some w below."""
        t = np.asarray(temperature, float)
        if self.grain_share == 0 or not np.isfinite(self.grain_start):
            return np.full(t.shape, self.grain_share)
        return self.grain_share * np.tanh(np.maximum(self.grain_start - t, 0.0) / self.grain_width)

    def susceptibility(
        self,
        temperature: ArrayLike,
        amplitude: float,
        full_field: ArrayLike,
        *,
        frequency: float = 10.0,
        bias: float = 0.0,
        reference: tuple[float, float] = (OERSTED, 10.0),
        geometry: str = "square_bar",
    ) -> tuple[Array, Array]:
        """χ', χ'' over the full screening, at the temperatures.

        Parameters
        ----------
        temperature, full_field : shape (n,), K and J_c a (A/m); J_c is that at the drive `reference`
        amplitude, frequency, bias : of the drive (A/m, Hz) and the dc field along it (A/m)
        reference : amplitude and frequency at which the current density is quoted
        """
        t, full = np.asarray(temperature, float), np.maximum(np.asarray(full_field, float), 1e-9)
        inverse = self.inverse_exponent(t)
        if np.isfinite(self.kim_field):
            real, loss = kim_susceptibility(
                amplitude,
                full,
                kim_field=self.kim_field,
                bias=bias,
                geometry=geometry,  # type: ignore[arg-type]
            )
        elif not inverse.any():
            real, loss = bean_susceptibility(amplitude / full, geometry)  # type: ignore[arg-type]
        else:
            # J_c at the electric field of this drive; the table wants it at ωτ x = 1.
            drive = amplitude * frequency / (reference[0] * reference[1])
            reduced = np.clip(amplitude / full * drive**-inverse, 1e-12, 1e12)
            n = 1 / np.maximum(inverse, 1e-9)
            real, loss = creep_susceptibility(
                reduced,
                n,
                reduced_frequency=1 / reduced,
                geometry=geometry,  # type: ignore[arg-type]
            )
        alone = self.grains(t)
        return -alone + (1 - alone) * real, (1 - alone) * loss


def rival_worlds(coldest: float, hottest: float) -> Mapping[str, AcWorld]:
    """The wrong worlds, for data whose transition goes from `coldest` to `hottest` (K)."""
    falling = {"falling_from": coldest, "falling_to": hottest}
    return {
        "linear": AcWorld(exponent=1.0),
        "creep, n = 5": AcWorld(exponent=5.0),
        "n falling": AcWorld(**falling),
        "Kim, 20 Oe": AcWorld(kim_field=20 * OERSTED),
        "Kim, 100 Oe": AcWorld(kim_field=100 * OERSTED),
        "two-step": AcWorld(grain_share=0.3, grain_start=hottest + 1.0, grain_width=1.0),
    }
