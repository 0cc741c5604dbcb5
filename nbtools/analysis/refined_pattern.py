"""A refined powder pattern as a function: what it would look like with other weights, widths or texture."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

from nbtools.models.powder_pattern import (
    Instrument,
    PhaseState,
    PowderLines,
    PowderPhase,
    line_shift,
    phase_pattern,
    scattering_mass,
)

Array = NDArray[np.float64]
VOLUME_POWERS = {("a",): (3,), ("a", "c"): (2, 1), ("a", "b", "c"): (1, 1, 1)}


@dataclass(frozen=True)
class RefinedPattern:
    """All that a refinement found, ready to be evaluated.

    crystals, lines, states : of each phase, by name
    scales : counts per unit of `phase_pattern`, by phase; coefficients, domain : of the Chebyshev background
    """

    crystals: Mapping[str, PowderPhase]
    lines: Mapping[str, PowderLines]
    states: Mapping[str, PhaseState]
    instrument: Instrument
    scales: Mapping[str, float]
    coefficients: Array
    domain: tuple[float, float]

    @property
    def expansion(self) -> dict[str, float]:
        """Refined volume of the cell over that of the CIF."""
        return {
            name: float(np.prod((1 + np.array(state.strain)) ** VOLUME_POWERS[self.lines[name].axes]))
            for name, state in self.states.items()
        }

    @property
    def masses(self) -> dict[str, float]:
        """Z M V of each phase with its refined cell."""
        return {name: scattering_mass(c) * self.expansion[name] for name, c in self.crystals.items()}

    def line_positions(self, name: str) -> Array:
        """Where the Kα1 lines of a phase stand, degrees."""
        inverse = self.lines[name].squared_inverse_spacing(self.states[name].strain)
        sine = self.instrument.wavelengths[0] * np.sqrt(inverse) / 2
        bragg = 2 * np.degrees(np.arcsin(sine[sine < 1]))
        return np.sort(bragg + line_shift(bragg, self.instrument))

    def background(self, two_theta: ArrayLike) -> Array:
        """Counts without any phase at `two_theta` (degrees)."""
        low, high = self.domain
        x = (2 * np.asarray(two_theta, float) - low - high) / (high - low)
        return np.asarray(chebyshev.chebval(x, self.coefficients))

    def components(
        self,
        two_theta: ArrayLike,
        *,
        weights: Mapping[str, float] | None = None,
        zero: float = 0.0,
        broader: float = 1.0,
        texture: Mapping[str, float] | None = None,
    ) -> dict[str, Array]:
        """Counts of each phase at increasing `two_theta` (degrees).

        Parameters
        ----------
        weights : weight fractions instead of the refined ones, for as much mass in the beam
        zero : further shift, degrees; broader : factor of all widths
        texture : March–Dollase coefficients, for phases that were refined with a texture axis
        """
        scales = dict(self.scales) if weights is None else self._scales_for(weights)
        u, v, w = (broader**2 * part for part in self.instrument.caglioti)
        instrument = replace(self.instrument, caglioti=(u, v, w), zero=self.instrument.zero + zero)
        found = {}
        for name, lines in self.lines.items():
            state = replace(self.states[name], size=broader**2 * self.states[name].size)
            if texture and name in texture:
                state = replace(state, texture=texture[name])
            found[name] = scales[name] * phase_pattern(np.asarray(two_theta, float), lines, instrument, state)
        return found

    def _scales_for(self, weights: Mapping[str, float]) -> dict[str, float]:
        beam = sum(max(scale, 0.0) * self.masses[name] for name, scale in self.scales.items())
        whole = sum(weights.values())
        return {name: beam * weights.get(name, 0.0) / whole / self.masses[name] for name in self.lines}
