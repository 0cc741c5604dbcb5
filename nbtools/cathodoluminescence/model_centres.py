"""Light from point defects in MgO under an electron beam: bands, their excitation, and how the light gets out."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter

from nbtools.physics.domain import require_not_negative, require_positive, require_within
from nbtools.units import HC

Array = NDArray[np.float64]
FWHM = 2 * math.sqrt(2 * math.log(2))  # of a Gaussian, in standard deviations
# Where half of what a beam excites lies, seen from above, as a share of its range; Gaussian, assumed.
LATERAL_SHARE = 0.25


@dataclass(frozen=True)
class Centre:
    """A luminescent centre: its emission energy (eV) and whose number that is."""

    name: str
    energy: float
    source: str

    @property
    def wavelength(self) -> float:
        """nm"""
        return HC / self.energy

    def __str__(self) -> str:
        return f"{self.name} {self.energy:.3f} eV ({self.wavelength:.0f} nm; {self.source})"


# As the paper places them, and as other work does. Citations are of the work, not of a page.
PAPER_CENTRES = tuple(
    Centre(name, HC / nm, f"paper, {source}")
    for name, nm, source in (
        ("F2", 375.0, "refs 57-59, 63"),
        ("F+", 380.0, "refs 57-59, 63"),
        ("F2(2+)", 441.0, "refs 64, 65"),
        ("F2(+)", 475.0, "refs 64, 65"),
        ("F", 490.0, "refs 64, 65"),
        ("V(Mg) hole", 700.0, "ref. 66"),
    )
)
LITERATURE_CENTRES = (
    Centre("F", 2.35, "2.3-2.4 eV, Rosenblatt et al., Phys. Rev. B 39, 10309 (1989)"),
    Centre("F+", 3.15, "3.1-3.2 eV, Kappers, Kroes and Hensley, Phys. Rev. B 1, 4151 (1970)"),
)


def photon_energy(wavelength: ArrayLike) -> Array:
    """hc/λ in eV, of a wavelength in nm; its own inverse."""
    require_positive(wavelength=wavelength)
    return np.asarray(HC / np.asarray(wavelength, float))


def energy_jacobian(wavelength: ArrayLike) -> Array:
    """|dλ/dE| = λ²/hc in nm/eV: what turns a density over wavelength into one over energy.

    Source: Mooney and Kambhampati, J. Phys. Chem. Lett. 4, 3316 (2013).
    """
    require_positive(wavelength=wavelength)
    return np.asarray(wavelength, float) ** 2 / HC


def gaussian_band(energy: ArrayLike, height: ArrayLike, centre: ArrayLike, width: ArrayLike) -> Array:
    """Height exp(−(E − E₀)²/2w²): strong electron–phonon coupling makes a band Gaussian in energy.

    Source: Huang and Rhys, Proc. R. Soc. A 204, 406 (1950). `width` is the standard deviation.
    """
    require_positive(width=width)
    u = (np.asarray(energy, float) - centre) / np.asarray(width, float)
    return np.asarray(height * np.exp(-0.5 * u**2))


def tailed_band(energy: ArrayLike, height: float, centre: float, width: float, *, tail: float) -> Array:
    """A Gaussian that goes on as exp(E/tail) below E₀ − w²/tail, smooth in value and slope."""
    require_positive(width=width, tail=tail)
    x = np.asarray(energy, float) - centre
    gauss = -0.5 * (x / width) ** 2
    line = x / tail + 0.5 * (width / tail) ** 2
    return np.asarray(height * np.exp(np.where(x < -(width**2) / tail, line, gauss)))


def second_order(wavelength: ArrayLike, spectrum: ArrayLike, *, share: float) -> Array:
    """What a grating without an order filter adds at λ: `share` of the light of λ/2, spread over twice as many nm.

    `wavelength` ascends (nm, shape (n,)); `spectrum` has it along its last axis and is zero outside.
    """
    require_within(0.0, 1.0, share=share)
    nm = np.asarray(wavelength, float)

    def halved(light: Array) -> Array:
        return np.interp(nm / 2, nm, light, left=0.0)

    return np.asarray(0.5 * share * np.apply_along_axis(halved, -1, np.asarray(spectrum, float)))


def excitation_range(
    beam_energy: ArrayLike,
    *,
    molar_mass: float = 20.152,
    atomic_number: float = 10.0,
    density: float = 3580.0,
) -> Array:
    """How deep the beam excites (m): 0.0276 A E^1.67/(Z^0.889 ρ) µm; the defaults are MgO's.

    Parameters
    ----------
    beam_energy : eV
    molar_mass, atomic_number : mean of an atom, g/mol and 1
    density : kg/m³

    Source: Kanaya and Okayama, J. Phys. D 5, 43 (1972).
    """
    require_not_negative(beam_energy=beam_energy)
    require_positive(molar_mass=molar_mass, atomic_number=atomic_number, density=density)
    kilovolts = np.asarray(beam_energy, float) / 1e3
    micrometres = 0.0276 * molar_mass * kilovolts**1.67 / (atomic_number**0.889 * density / 1e3)
    return np.asarray(1e-6 * micrometres)


def edge_out_coupling(distance: ArrayLike, *, gain: float, length: float) -> Array:
    """1 + gain exp(−d/length): light that a flat surface traps leaves at an edge, whatever its colour."""
    require_positive(length=length)
    return np.asarray(1 + gain * np.exp(-np.asarray(distance, float) / length))


def seen_through_beam(
    emission: ArrayLike, emitter: ArrayLike, *, pixel: float, beam_range: float, absorption: float = 0.0
) -> Array:
    """What a scanned beam reads of an emission that lives in the emitter phase alone.

    The beam excites a Gaussian of standard deviation `LATERAL_SHARE` × range about where it points; of the
    light excited beside it while it points at the dark phase, that phase absorbs a share.

    Parameters
    ----------
    emission : shape (y, x); emitter : shape (y, x), bool, where light can come from
    pixel, beam_range : m
    absorption : of the dark phase, 0–1
    """
    require_positive(pixel=pixel)
    require_within(0.0, 1.0, absorption=absorption)
    inside = np.asarray(emitter, bool)
    light = np.where(inside, np.asarray(emission, float), 0.0)
    blurred = gaussian_filter(light, LATERAL_SHARE * beam_range / pixel, mode="reflect")
    return np.asarray(np.where(inside, blurred, (1 - absorption) * blurred))
