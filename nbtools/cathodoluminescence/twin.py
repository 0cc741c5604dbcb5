"""The cathodoluminescence twin: SEM image, hyperspectral map and point spectra of one field at two magnifications."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nbtools.cathodoluminescence.model_centres import seen_through_beam
from nbtools.cathodoluminescence.model_emission import emission_maps, two_phase_map
from nbtools.cathodoluminescence.twin_world import (
    CathodoluminescenceWorld,
    hyperspectral_light,
    spot_light,
    truth,
)
from nbtools.files.write_hspy import Axis, Signal, write_hspy
from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.files.write_sample_card import write_sample_card
from nbtools.units import Quantity, convert

__all__ = ["CathodoluminescenceWorld", "record_cathodoluminescence", "truth"]

Array = NDArray[np.float64]
SURVEY_BLOCK, DETAIL_BLOCK = 8, 3  # fine pixels in one of the survey and of the detail: 3000 to 8000


def record_cathodoluminescence(folder: str | Path, *, seed: int, **parameters: object) -> list[Path]:
    """Record the field at 3000 and at 8000 times, and the sample card.

    ``survey_3000x.hspy`` and ``detail_8000x.hspy`` hold the map (y, x, wavelength), the SEM image taken before it,
    spectra of the spots A, B and C, the dark spectrum and the spectral response. Same seed and parameters,
    same content; no clock is read. `truth` gives what was planted.

    Parameters
    ----------
    folder : made if missing; nothing is written outside
    seed : of the sample's texture and of the noise
    parameters : of `CathodoluminescenceWorld`
    """
    world = CathodoluminescenceWorld(**parameters)  # type: ignore[arg-type]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    sample, *noise = np.random.default_rng(seed).spawn(3)
    section = _section(world, sample)
    survey = section.field(SURVEY_BLOCK, 0, world.pixels)
    corner = (section.emitter.shape[0] - DETAIL_BLOCK * world.pixels) // 2
    detail = section.field(DETAIL_BLOCK, corner, world.pixels)
    return [
        _record(folder / "survey_3000x.hspy", world, survey, world.survey_pixel, 3000, noise[0]),
        _record(folder / "detail_8000x.hspy", world, detail, world.detail_pixel, 8000, noise[1]),
        _write_card(folder / "sample.yaml", world),
    ]


@dataclass(frozen=True)
class _Section:
    """The polished surface on a fine grid: where MgO is, and each colour's emission as the beam sees it."""

    emitter: NDArray[np.bool_]
    seen: dict[str, Array]
    share: Array  # of each pixel that is MgO: what the SEM image shows

    def field(self, block: int, corner: int, pixels: int) -> "_Section":
        """The same in coarser pixels of `block` fine ones, from a corner on; a pixel is MgO if most of it is."""
        cut = slice(corner, corner + block * pixels)

        def means(values: NDArray[Any]) -> Array:
            return np.asarray(values[cut, cut].reshape(pixels, block, pixels, block).mean((1, 3)))

        share = means(self.emitter)
        return _Section(share > 0.5, {name: means(light) for name, light in self.seen.items()}, share)


def _section(world: CathodoluminescenceWorld, rng: Generator) -> _Section:
    pixel = world.survey_pixel / SURVEY_BLOCK
    size = (SURVEY_BLOCK * world.pixels,) * 2
    texture = {"pixel": pixel, "scale": world.texture, "dark_share": world.dark_share}
    emitter = two_phase_map(size, rng=rng, **texture)
    maps = emission_maps(world.world, emitter, pixel=pixel, rng=rng)
    beam = {"pixel": pixel, "beam_range": world.beam_range, "absorption": world.absorption}
    seen = {name: seen_through_beam(m, emitter, **beam) for name, m in maps.items()}
    return _Section(emitter, seen, emitter.astype(float))


def _record(
    path: Path, world: CathodoluminescenceWorld, field: _Section, pixel: float, times: int, rng: Generator
) -> Path:
    nm = world.wavelength
    places = convert(pixel, "m", "um") * np.arange(world.pixels)
    space = [Axis("y", places, "µm", False), Axis("x", places, "µm", False)]
    spectrum = Axis("Wavelength", nm, "nm", True)
    instrument = {
        "beam_energy": world.beam_energy / 1e3,  # keV, as HyperSpy has it
        "beam_current": convert(world.beam_current, "A", "nA"),
        "magnification": float(times),
    }
    short = instrument | {"dwell_time": world.dwell}
    long = instrument | {"dwell_time": world.dwell * world.points_dwell}

    def signal(title: str, data: NDArray[Any], quantity: str, settings: dict[str, float]) -> Signal:
        axes = [spectrum] if data.ndim == 1 else [*space, spectrum]
        return Signal(title, data, axes, "CL_SEM", quantity, settings)

    image = field.share * 0.6 + 0.2 + world.sem_noise * rng.standard_normal(field.share.shape)
    image = np.clip(np.round(255 * np.roll(image, _whole(world.drift), (0, 1))), 0, 255).astype(np.uint8)
    image_axes = [Axis("y", places, "µm", True), Axis("x", places, "µm", True)]
    signals = [
        signal("CL map", _map(world, field, rng), "Counts", short),
        Signal("SEM image", image, image_axes, "", "Grey level", short),
    ]
    for name, emission in world.point_kinds.items():
        light = spot_light(world, emission) + world.dark_counts
        counts = rng.poisson(light * world.points_dwell).astype(np.uint32)
        signals.append(signal(f"spectrum {name}", counts, "Counts", long))
    dark = rng.poisson(world.dark_counts * world.points_dwell, nm.size).astype(np.uint32)
    signals.append(signal("dark spectrum", dark, "Counts", long))
    signals.append(signal("spectral response", np.round(world.response, 4), "Relative response", {}))
    return write_hspy(path, signals)


def _whole(drift: tuple[float, float]) -> tuple[int, int]:
    return round(drift[0]), round(drift[1])


def _map(world: CathodoluminescenceWorld, field: _Section, rng: Generator) -> NDArray[np.uint16]:
    counts = rng.poisson(hyperspectral_light(world, field.seen) + world.dark_counts)
    struck = np.argwhere(rng.random(counts.shape[:2]) < world.cosmic_rate)
    for y, x in struck:
        counts[y, x, rng.integers(counts.shape[2])] += rng.integers(300, 3000)
    return np.minimum(counts, np.iinfo(np.uint16).max).astype(np.uint16)


def _write_card(path: Path, world: CathodoluminescenceWorld) -> Path:
    """What the microscopist knows, as a person writes it."""
    card = {
        "name": f"MgO-MgB2 section, {SYNTHETIC}",
        "is_paper_sample": True,
        "beam_energy": str(Quantity(world.beam_energy, 50.0, "eV").to("keV")),
        "beam_current": str(Quantity(world.beam_current, 0.05 * world.beam_current, "A").to("nA")),
        "dwell": f"{world.dwell:g} s",
        "frame": 1,
    }
    return write_sample_card(path, card)
