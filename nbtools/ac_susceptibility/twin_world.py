"""What is planted in the ac susceptibility twin: the bar, its current density and the world it lives in."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import mu_0

from nbtools.ac_susceptibility.model_worlds import OERSTED, AcWorld
from nbtools.physics.ac_response import eddy_susceptibility
from nbtools.physics.bean_state import half_screening_field
from nbtools.physics.critical_current import reduced_critical_current
from nbtools.physics.demagnetisation import shielded_prism_susceptibility
from nbtools.physics.domain import require_one_of
from nbtools.units import convert

Array = NDArray[np.float64]
World = Literal["paper", "bean", "creep", "linear", "kim", "two-step"]


@dataclass(frozen=True)
class AcSusceptibilityWorld:
    """Every number of the twin, in SI; the default is what the paper states, or is marked assumed.

    Worlds: "paper", where creep sets in above 36.7 K as Fig. 15 has it; "bean", the critical state throughout; "creep"
    with n = 5; "linear", an ohmic conductor; "kim", a current density that falls with the field; "two-step", where
    grains screen a part of the sample by themselves.
    """

    world: World = "paper"

    # The bar (III.D), field along the last edge; how well it is cut is assumed.
    dimensions: tuple[float, float, float] = (1e-3, 1e-3, 5e-3)  # m
    dimension_uncertainty: float = 0.02e-3  # m

    # Half screening at three amplitudes (III.D) fixes J_c ∝ (T* − T)ⁿ; below, Eq. (1) with an assumed J_c(0).
    half_screening: tuple[float, float, float] = (37.1, 36.9, 36.6)  # K
    amplitudes: tuple[float, float, float] = (0.1 * OERSTED, OERSTED, 10 * OERSTED)  # A/m
    critical_temperature: float = 38.5  # K
    zero_temperature_current: float = 3e9  # A/m², assumed

    # Grains: onset 38.5 K, amplitude does not matter above 37.7 K (Fig. 13); their share is assumed.
    grain_share: float = 0.03
    grain_width: float = 0.4  # K

    # The drives of Figs 13 and 15; the three frequencies are not printed.
    frequency: float = 10.0  # Hz
    frequencies: tuple[float, ...] = (10.0, 100.0, 1000.0)  # Hz, at the middle amplitude and no dc field
    bias: float = 10 * OERSTED  # A/m

    # Creep where frequency matters (Fig. 15): n falls from infinity at 36.7 K; the rest is assumed.
    falling_from: float = 36.7  # K
    falling_to: float = 37.4  # K
    last_exponent: float = 4.0
    creep_exponent: float = 5.0  # of the "creep" world
    kim_field: float = 20 * OERSTED  # A/m, of the "kim" world
    link_share: float = 0.7  # of the "two-step" world: what the grains do not screen
    resistivity: float = 0.17e-6  # Ω m, normal state just above T_c

    # Loops of Fig. S4, assumed temperatures.
    loop_temperatures: tuple[float, ...] = (2, 5, 10, 15, 20, 25, 30)  # K
    largest_field: float = convert(50.0, "kOe", "A/m")
    loop_kim_field: float = convert(30.0, "kOe", "A/m")  # J_c falls with the field in the loops

    # The instruments, assumed.
    temperature_error: float = 5e-3  # K, of each curve as a whole
    temperature_jitter: float = 1e-3  # K, of each point
    thermometer_lag: float = 0.02  # K, between warming and cooling
    moment_noise: float = convert(2e-8, "emu", "A m^2")
    relative_noise: float = 1e-4
    phase_error: float = 0.5  # degrees
    holder_susceptibility: float = convert(2e-8, "emu", "A m^2") / OERSTED  # m³, diamagnetic rod
    loop_noise: float = convert(2e-5, "emu", "A m^2")
    thermometer_offset_uncertainty: float = 0.02  # K

    def __post_init__(self) -> None:
        require_one_of(get_args(World), world=self.world)

    @property
    def half_width(self) -> float:
        """Half the shorter edge across the field (m)."""
        return min(self.dimensions[:2]) / 2

    @cached_property
    def current_power(self) -> tuple[float, float]:
        """T* and n of the law through the three half-screening points."""
        t1, t2, t3 = self.half_screening
        end = (t2**2 - t1 * t3) / (2 * t2 - t1 - t3)
        decade = np.log(self.amplitudes[1] / self.amplitudes[0])
        return end, float(decade / np.log((end - t2) / (end - t1)))

    def full_field(self, temperature: ArrayLike) -> Array:
        """J_c times half the width (A/m), for a drive of 1 Oe at 10 Hz: the harmonic sum of both laws."""
        near, deep = self._laws(temperature)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(near > 0, near * deep / (near + deep), 0.0)

    def _laws(self, temperature: ArrayLike) -> tuple[Array, Array]:
        """The power law near T_c and Eq. (1), as J_c times half the width (A/m)."""
        t = np.asarray(temperature, float)
        end, power = self.current_power
        first = self.amplitudes[0] / half_screening_field("square_bar")
        near = first * (np.maximum(end - t, 0.0) / (end - self.half_screening[0])) ** power
        deep = reduced_critical_current(t / self.critical_temperature, "depairing")
        return near, deep * self.zero_temperature_current * self.half_width

    @property
    def law_crossover(self) -> float:
        """The warmest temperature below T* at which both laws give one current (K)."""
        grid = np.linspace(0.0, self.current_power[0], 100_001)
        near, deep = self._laws(grid)
        return float(grid[np.flatnonzero(near > deep)[-1]])

    @property
    def physics(self) -> AcWorld:
        """The world as a model."""
        grains = {
            "grain_share": self.grain_share if self.world != "two-step" else 1 - self.link_share,
            "grain_start": self.critical_temperature,
            "grain_width": self.grain_width,
        }
        match self.world:
            case "paper":
                return AcWorld(
                    falling_from=self.falling_from,
                    falling_to=self.falling_to,
                    last_exponent=self.last_exponent,
                    **grains,
                )
            case "creep":
                return AcWorld(exponent=self.creep_exponent, **grains)
            case "linear":
                return AcWorld(exponent=1.0, **grains)
            case "kim":
                return AcWorld(kim_field=self.kim_field, **grains)
        return AcWorld(**grains)

    def susceptibility(
        self, temperature: ArrayLike, amplitude: float, frequency: float, bias: float
    ) -> tuple[Array, Array]:
        """χ', χ'' over full screening; what the critical state leaves open is still a metal with eddy currents."""
        full = self.full_field(temperature)
        if self.world == "kim":  # so that its half screening in the bias lies where the others' does
            full = full * (1 + self.bias / self.kim_field)
        real, loss = self.physics.susceptibility(temperature, amplitude, full, frequency=frequency, bias=bias)
        depth = np.sqrt(self.resistivity / (np.pi * mu_0 * frequency))
        eddy = eddy_susceptibility(self.half_width / depth, "cylinder")
        return real + (1 + real) * eddy[0], loss + (1 + real) * eddy[1]

    @cached_property
    def shielded(self) -> float:
        """External susceptibility of the fully shielded bar."""
        return float(shielded_prism_susceptibility(*self.dimensions))
