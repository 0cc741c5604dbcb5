"""What is planted in the cathodoluminescence twin: bands, places and the instrument, before any noise."""

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from nbtools.cathodoluminescence.model_centres import (
    FWHM,
    energy_jacobian,
    excitation_range,
    gaussian_band,
    photon_energy,
    second_order,
    tailed_band,
)
from nbtools.cathodoluminescence.model_emission import World
from nbtools.physics.domain import require_one_of
from nbtools.units import HC

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CathodoluminescenceWorld:
    """Every number of the cathodoluminescence twin; the default is what the paper states, or is marked assumed.

    Bands are Gaussian in energy. Spectra of type B are ultraviolet with a shoulder of F₂²⁺ and F light, spectra of type
    C green and red; a pixel is of both, as its place says. `model_emission` has the worlds.
    """

    world: World = "channels"

    # Bands: IV and Figs 16, 17 (350, 441, 500 and 700 nm); widths and relative strengths assumed.
    ultraviolet: float = HC / 350.0  # eV
    violet: float = HC / 441.0
    green: float = HC / 500.0
    red: float = HC / 700.0
    widths: tuple[float, float, float, float] = (0.20, 0.17, 0.19, 0.13)  # eV, standard deviation
    strengths: tuple[float, float, float, float] = (1.0, 0.3, 0.7, 0.35)
    violet_share: float = (
        0.3  # of the ultraviolet map that the violet one follows, the rest follows the green
    )
    tail: float = 0.55  # eV, of the "tail" world
    second_order_share: float = 0.7  # of a grating without a filter, "second order" world

    # The field: 0.26 of the area is MgB2 (III.A); the pictures' widths, and how coarse the texture is, are assumed.
    dark_share: float = 0.265
    texture: float = 1.8e-6  # m
    survey_pixel: float = 0.5e-6  # m, 3000 times
    detail_pixel: float = 0.5e-6 * 3000 / 8000  # 8000 times
    pixels: int = 72
    points_dwell: float = 50.0  # of a point spectrum, in dwell times of a map pixel

    # The instrument, assumed.
    beam_energy: float = 5e3  # eV
    beam_current: float = 1e-9  # A
    dwell: float = 0.1  # s, a pixel
    channels: int = 512
    shortest: float = 270.0  # nm
    longest: float = 850.0
    peak_counts: float = 120.0  # in the ultraviolet peak of an even pixel
    dark_counts: float = 2.0
    cosmic_rate: float = 2e-3  # a spectrum
    absorption: float = 0.5  # of MgB2, for light made beside it
    drift: tuple[float, float] = (0.0, 0.0)  # pixels between the SEM image and the map
    sem_noise: float = 0.01  # of the grey scale, averaged to the map's pixels

    def __post_init__(self) -> None:
        require_one_of(get_args(World), world=self.world)

    @property
    def wavelength(self) -> Array:
        """nm, shape (channels,)"""
        return np.linspace(self.shortest, self.longest, self.channels)

    @property
    def beam_range(self) -> float:
        """Of the beam in MgO (m)."""
        return float(excitation_range(self.beam_energy))

    @property
    def response(self) -> Array:
        """Of grating and detector, 1 at its best: falls towards both ends."""
        nm = self.wavelength
        rising = 1 / (1 + np.exp(-(nm - 315.0) / 18.0))
        return np.asarray((0.35 + 0.65 * rising) * np.exp(-0.5 * ((nm - 540.0) / 260.0) ** 2))

    def band_spectra(self) -> Array:
        """Ultraviolet, violet, green and red light over nm, before the detector, shape (4, channels).

        In units of the ultraviolet band's largest value.
        """
        nm = self.wavelength
        energy, centres = photon_energy(nm), (self.ultraviolet, self.violet, self.green, self.red)
        bands = [
            gaussian_band(energy, strength, centre, width)
            for strength, centre, width in zip(self.strengths, centres, self.widths, strict=True)
        ]
        if self.world == "tail":
            none = np.zeros_like(nm)
            long = tailed_band(energy, 1.0, self.ultraviolet, self.widths[0], tail=self.tail)
            bands = [long, none, none, none]
        if self.world == "second order":
            bands[3] = np.zeros_like(nm)
        light = np.array(bands) / energy_jacobian(nm)
        if self.world == "second order":
            light += second_order(nm, light, share=self.second_order_share)
        return np.asarray(light / light[0].max())

    @property
    def point_kinds(self) -> dict[str, tuple[float, float, float]]:
        """Ultraviolet, green and red emission of the spots A (MgB2), B and C, in units of an even pixel."""
        return {"A": (0.0, 0.0, 0.0), "B": (1.5, 0.7, 0.1), "C": (0.15, 1.6, 1.2)}


def truth(**parameters: object) -> dict[str, float]:
    """What `record_cathodoluminescence` plants with the same parameters: energies (eV), wavelengths (nm), shares.

    NaN where this world has no such band.
    """
    world = CathodoluminescenceWorld(**parameters)  # type: ignore[arg-type]
    none, hidden = float("nan"), world.world == "tail"
    centres = {
        "ultraviolet": world.ultraviolet,
        "violet": none if hidden else world.violet,
        "green": none if hidden else world.green,
        "red": none if world.world in ("tail", "second order") else world.red,
    }
    structured = world.world in ("channels", "rim")
    return {
        **{f"{name}_energy": energy for name, energy in centres.items()},
        **{f"{name}_wavelength": HC / energy for name, energy in centres.items()},
        **{f"{name}_fwhm": FWHM * w for name, w in zip(centres, world.widths, strict=True)},
        "tail_end": tail_end(world),
        "gathered": float(structured),
        "channels": float(world.world == "channels"),
        "overlap": float(world.world in ("channels", "shuffled")),
        "beam_energy": world.beam_energy,
        "dark_share": world.dark_share,
    }


def tail_end(world: CathodoluminescenceWorld) -> float:
    """Where spectrum B falls to three times the noise of its dark level (nm)."""
    light = spot_light(world, world.point_kinds["B"]) * world.points_dwell
    noise = np.sqrt(world.dark_counts * world.points_dwell)
    above = np.flatnonzero(light > 3 * noise)
    return float(world.wavelength[above[-1]]) if above.size else float("nan")


def spot_light(world: CathodoluminescenceWorld, emission: tuple[float, float, float]) -> Array:
    """Counts of one dwell time from a spot with the given ultraviolet, green and red emission, shape (channels,)."""
    ultraviolet, green, red = emission
    violet = world.violet_share * ultraviolet + (1 - world.violet_share) * green
    light = np.array([ultraviolet, violet, green, red]) @ world.band_spectra()
    return np.asarray(world.peak_counts * light * world.response)


def hyperspectral_light(world: CathodoluminescenceWorld, maps: dict[str, Array]) -> Array:
    """Counts of one dwell time, shape (y, x, channels), from emission maps as the beam sees them."""
    ultraviolet, green, red = (maps[name] for name in ("ultraviolet", "green", "red"))
    violet = world.violet_share * ultraviolet + (1 - world.violet_share) * green
    return np.asarray(
        world.peak_counts
        * np.stack([ultraviolet, violet, green, red], -1)
        @ (world.band_spectra() * world.response)
    )
