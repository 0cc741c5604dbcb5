"""What is planted in the transport twin: the bar and its physics, before any instrument."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from nbtools.physics.domain import require_one_of
from nbtools.physics.normal_metal import bloch_gruneisen
from nbtools.physics.superconductor import (
    edge_barrier_factor,
    resistive_surface,
    screening_fraction,
    virgin_magnetisation,
)
from nbtools.physics.upper_critical_field import parabolic_field
from nbtools.units import convert

Array = NDArray[np.float64]
World = Literal["paper", "two-step", "normal"]


@dataclass(frozen=True)
class TransportWorld:
    """Every number of the transport twin, in SI; the default is what the paper states, or is marked assumed.

    What the sample card gives as "value ± uncertainty" is drawn from that normal distribution once a seed,
    so that an error budget that believes the card covers the truth as often as it says.

    Worlds: "paper"; "two-step", where a share of the sample (links between grains) becomes superconducting
    later than the rest; "normal", a metal with no transition.
    """

    world: World = "paper"

    # The bar. III.B gives 1 × 1 × 5 mm³; how well it is cut, its contacts and the current are assumed.
    dimensions: tuple[float, float, float] = (1e-3, 1e-3, 5e-3)  # m, field along the last
    dimension_uncertainty: float = 0.02e-3  # m
    tap_distance: float = 3e-3  # m
    tap_distance_uncertainty: float = 0.1e-3  # m
    current: float = 5e-3  # A

    # The metal. IV gives 0.2 µΩ m at 100 K; residual part, Debye temperature and exponent are assumed.
    resistivity_at_100_kelvin: float = 0.2e-6  # Ω m
    residual_resistivity: float = 0.17e-6  # Ω m
    debye_temperature: float = 880.0  # K
    bloch_exponent: float = 3.0

    # Its transition. The tangent onset 38.4 K and zero below 36.6 K (Fig. 9a) fix midpoint and width;
    # H_c2(0) and 1 + α are III.B's; the broadening with field is assumed.
    transition_midpoint: float = 37.84  # K, zero field
    transition_width: float = 0.45  # K, standard deviation, zero field
    upper_critical_field: float = convert(97.9, "kOe", "A/m")
    upper_critical_exponent: float = 1.23
    broadening_field: float = convert(50.0, "kOe", "A/m")  # doubles the width

    # Magnetism. Onset 38.5 K, flat below 35 K, Meissner fraction under 1 %, 10 Oe (Fig. 9b), H_c1(0) (III.B);
    # how fast flux fills the bar and the paramagnetic impurities are assumed.
    magnetic_critical_temperature: float = 38.5  # K
    screening_width: float = 0.7  # K
    field_cooled_fraction: float = 0.008
    applied_field: float = convert(10.0, "Oe", "A/m")
    lower_critical_field: float = convert(713.0, "Oe", "A/m")
    full_to_entry_field: float = 7.0
    curie_constant: float = 1e-4  # K, volume susceptibility × temperature

    # The second step of the "two-step" world, assumed.
    link_share: float = 0.3
    link_depression: float = 1.8  # K

    # Where one measures, as in Figs S1 and S2. At 2 K H_c2 is beyond the magnet's 90 kOe.
    sweep_temperatures: tuple[float, ...] = (2, 15, 20, 22.5, 25, 27.5, 30, 32, 34, 35, 36, 36.6)  # K, R(H)
    magnetisation_temperatures: tuple[float, ...] = (5, 10, 15, 20, 25, 28, 31, 33, 35)  # K, M(H)

    # The instruments, assumed.
    field_offset: float = 0.0  # A/m, remanence
    field_offset_uncertainty: float = convert(0.5, "Oe", "A/m")
    thermometer_offset: float = 0.0  # K, true − stated; one draw for the PPMS, one for the magnetometers
    thermometer_offset_uncertainty: float = 0.05  # K
    thermometer_lag: float = 0.05  # K, between a curve taken on warming and on cooling
    thermometer_noise: float = 2e-3  # K
    voltage_noise: float = 2.58e-9  # V a point: 1e-3 of the normal state's
    zero_drift: float = 1e-9  # V, the nanovoltmeter's random walk over one file
    moment_noise: float = convert(5e-8, "emu", "A m^2")
    relative_moment_noise: float = 1e-4
    scan_length: float = 0.04  # m, MPMS
    mpms3_scan_length: float = 0.035  # m

    def __post_init__(self) -> None:
        require_one_of(get_args(World), world=self.world)

    @property
    def cross_section(self) -> float:
        """Of the bar as the card states it (m²)."""
        return self.dimensions[0] * self.dimensions[1]

    @property
    def upper_critical_temperature(self) -> float:
        """T_c of the H_c2 law: where the resistance in no field is 10 % of the normal one (K)."""
        return self.transition_midpoint + self.transition_width * float(ndtri(0.1))

    @property
    def steps(self) -> tuple[tuple[float, float], ...]:
        """(share, depression of T_c in K) of each part of the sample that becomes superconducting."""
        if self.world == "two-step":
            return ((1.0 - self.link_share, 0.0), (self.link_share, self.link_depression))
        return ((1.0, 0.0),)

    def normal_resistivity(self, temperature: ArrayLike) -> Array:
        """Bloch–Grüneisen through the resistivities at 0 and 100 K (Ω m)."""

        def phonons(kelvin: ArrayLike) -> Array:
            return bloch_gruneisen(
                kelvin,
                residual=0.0,
                amplitude=1.0,
                debye_temperature=self.debye_temperature,
                exponent=self.bloch_exponent,
            )

        amplitude = (self.resistivity_at_100_kelvin - self.residual_resistivity) / phonons(100.0)
        return self.residual_resistivity + amplitude * phonons(temperature)

    def reduced_resistance(self, temperature: ArrayLike, field: ArrayLike = 0.0) -> Array:
        """R/R_n; grains and links are in series."""
        if self.world == "normal":
            return np.ones(np.broadcast_shapes(np.shape(temperature), np.shape(field)))
        parts = [
            share
            * resistive_surface(
                temperature,
                field,
                zero_temperature_field=self.upper_critical_field,
                critical_temperature=self.upper_critical_temperature - depression,
                exponent=self.upper_critical_exponent,
                width=self.transition_width,
                broadening_field=self.broadening_field,
            )
            for share, depression in self.steps
        ]
        return np.asarray(np.sum(parts, axis=0))

    def screening(self, temperature: ArrayLike) -> Array:
        """Share of the full shielding moment, 0–1."""
        if self.world == "normal":
            return np.zeros(np.shape(temperature))
        parts = [
            share
            * screening_fraction(
                temperature,
                critical_temperature=self.magnetic_critical_temperature - depression,
                width=self.screening_width,
            )
            for share, depression in self.steps
        ]
        return np.asarray(np.sum(parts, axis=0))

    def entry_field(self, temperature: ArrayLike) -> Array:
        """Where flux first enters the bar (A/m): H_c1(T) times Brandt's factor for its length over width."""
        width, _, length = self.dimensions
        return edge_barrier_factor(length / width) * parabolic_field(
            temperature,
            zero_temperature_field=self.lower_critical_field,
            critical_temperature=self.magnetic_critical_temperature,
        )

    def impurity_susceptibility(self, temperature: ArrayLike) -> Array:
        """Curie's law."""
        return self.curie_constant / np.asarray(temperature, float)

    def zero_field_cooled(self, temperature: ArrayLike, *, shielded: float) -> Array:
        """External susceptibility after cooling in no field; `shielded` is that of the fully shielded bar."""
        screening = self.screening(temperature)
        return shielded * screening + self.impurity_susceptibility(temperature) * (1 - screening)

    def field_cooled(self, temperature: ArrayLike, *, shielded: float) -> Array:
        """External susceptibility on cooling in the field: almost all flux stays."""
        expelled = self.field_cooled_fraction * self.screening(temperature)
        return shielded * expelled + self.impurity_susceptibility(temperature) * (1 - expelled)

    def virgin_curve(self, temperature: float, field: ArrayLike, *, shielded: float) -> Array:
        """M(H) in A/m after cooling in no field, at one temperature."""
        susceptibility = float(self.zero_field_cooled(temperature, shielded=shielded))
        entry = float(self.entry_field(temperature))
        if susceptibility >= 0 or entry == 0:
            return susceptibility * np.asarray(field, float)
        return virgin_magnetisation(
            field,
            susceptibility=susceptibility,
            entry_field=entry,
            full_field=self.full_to_entry_field * entry,
        )
