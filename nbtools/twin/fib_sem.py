"""The FIB-SEM twin: a stack of slices, an SEM image and its element maps, as the instruments would record them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.twin.fib_sem_world import DIBORIDE, OXIDE, PORE, FibSemWorld, Labels, truth
from nbtools.units import convert
from nbtools.whole_file import write_whole

__all__ = ["FibSemWorld", "record_fib_sem", "slice_positions", "truth"]

Image = NDArray[np.float32]
FEI_METADATA = 34682
# Atoms of each element in the phases, relative to the pure phase that has most of it.
CONTENT: Mapping[str, tuple[float, float, float]] = {  # of MgO, MgB2, pore
    "boron": (0.0, 1.0, 0.0),
    "oxygen": (1.0, 0.03, 0.0),
    "magnesium": (1.0, 0.55, 0.0),
}
KEPT = 0.9  # of the drift, from one slice to the next; the rest is corrected
MARGIN = 16  # pixels round the field, for drift


def record_fib_sem(folder: str | Path, *, seed: int, **parameters: object) -> list[Path]:
    """Record one synthetic sample: its volume slice by slice, and the image and element maps of a section.

    ``fib_sem_stack.tif`` (8 bit, ImageJ's tags: voxel size in nm), ``sem_image.tif`` (8 bit, FEI's tag),
    ``edx_boron.tif``, ``edx_oxygen.tif``, ``edx_magnesium.tif`` (16-bit counts) and ``sample.yaml``. Same
    seed and parameters, same grey values; no clock is read. `truth` gives what was planted.

    Parameters
    ----------
    folder : made if missing; nothing is written outside
    seed : of the noise and of drift and jitter
    parameters : of `FibSemWorld`

    Raises
    ------
    ValueError, TypeError
        An unknown world, an unknown parameter.
    """
    world = FibSemWorld(**parameters)  # type: ignore[arg-type]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stack_noise, image_noise, map_noise = np.random.default_rng(seed).spawn(3)
    section = world.medium((world.image_side,) * 2, stream=1)
    return [
        _write_stack(folder / "fib_sem_stack.tif", record_stack(world, stack_noise), world),
        _write_image(folder / "sem_image.tif", _photograph(section, world, image_noise), world),
        *_record_maps(folder, section, world, map_noise),
        _write_card(folder / "sample.yaml", world),
    ]


def record_stack(world: FibSemWorld, rng: Generator) -> NDArray[np.uint8]:
    """The grey values of all slices, (z, y, x): jittered, drifting, striped, blurred and noisy."""
    places, offsets = slice_positions(world, rng)
    seen = _view(world, places, offsets, _greys(planted_labels(world), world))
    return _expose(seen, world, rng)


def planted_labels(world: FibSemWorld) -> Labels:
    """The medium with the margin that drift needs; without it, what `truth` is read from."""
    inner = world.medium((world.side,) * 3)
    sides = ((0, world.shine_depth + 1), (MARGIN, MARGIN), (MARGIN, MARGIN))
    return np.pad(inner, sides, mode="wrap")


def slice_positions(world: FibSemWorld, rng: Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the faces lie along z (voxels, (n,)) and how far the field has wandered (pixels, (n, 2))."""
    thickness = 1 + world.slice_jitter * rng.standard_normal(world.side)
    places = np.clip(np.cumsum(thickness) - thickness[0], 0, world.side - 1)
    offsets = np.zeros((world.side, 2))
    for number, step in enumerate(world.drift * rng.standard_normal((world.side - 1, 2)), 1):
        offsets[number] = KEPT * offsets[number - 1] + step
    return places, np.clip(offsets, 1 - MARGIN, MARGIN - 1)


def _greys(labels: Labels, world: FibSemWorld) -> Image:
    """What each voxel would give; through a pore shines what lies behind it."""
    levels = np.zeros(3, np.float32)
    levels[[OXIDE, DIBORIDE, PORE]] = world.oxide_grey, world.diboride_grey, world.pore_grey
    grey = levels[labels]
    if labels.ndim == 3:
        behind = np.roll(grey, -world.shine_depth, axis=0)
        grey += (labels == PORE) * world.shine_through * (behind - world.pore_grey)
    return np.asarray(grey, np.float32)


def _view(world: FibSemWorld, places: NDArray, offsets: NDArray, grey: Image) -> Image:
    """Each face, blurred, through a window that drifts; between two planes of voxels the grey is shared."""
    side = world.side
    seen = np.empty((side, side, side), np.float32)
    for number, (place, offset) in enumerate(zip(places, offsets, strict=True)):
        below = int(place)
        face = (1 - place + below) * grey[below] + (place - below) * grey[below + 1]
        face = ndimage.gaussian_filter(face, world.point_spread)
        moved = ndimage.shift(face, offset, order=1, mode="nearest")
        seen[number] = moved[MARGIN : MARGIN + side, MARGIN : MARGIN + side]
    return seen


def _expose(seen: Image, world: FibSemWorld, rng: Generator) -> NDArray[np.uint8]:
    """Curtains along y, charging along the scan lines, noise, eight bits."""
    stripes = _wandering((*seen.shape[:-2], 1, seen.shape[-1]), rng, keep=0.5) * world.curtaining / 2
    lines = _wandering((*seen.shape[:-1], 1), rng, keep=0.9, axis=-2) * world.charging / 2
    noise = (world.oxide_grey - world.diboride_grey) / world.contrast_to_noise
    grey = seen * (1 + stripes) * (1 + lines)
    grey += noise * rng.standard_normal(seen.shape, dtype=np.float32)
    return np.clip(np.round(grey), 0, 255).astype(np.uint8)


def _wandering(shape: tuple[int, ...], rng: Generator, *, keep: float, axis: int = -1) -> Image:
    """Noise of variance 1 that forgets its neighbour along `axis` by a share `keep` each pixel."""
    steps = np.moveaxis(rng.standard_normal(shape, dtype=np.float32), axis, 0)
    for number in range(1, len(steps)):
        steps[number] = keep * steps[number - 1] + np.sqrt(1 - keep**2) * steps[number]
    return np.moveaxis(steps, 0, axis)


def _photograph(section: Labels, world: FibSemWorld, rng: Generator) -> NDArray[np.uint8]:
    seen = ndimage.gaussian_filter(_greys(section, world), world.point_spread)
    return _expose(seen, world, rng)


def _record_maps(folder: Path, section: Labels, world: FibSemWorld, rng: Generator) -> list[Path]:
    """Counts of each element: the excited volume blurs, coarse pixels gather, photons come one by one."""
    paths = []
    for element, content in CONTENT.items():
        there = np.asarray(content, np.float32)[section]
        blurred = ndimage.gaussian_filter(there, world.map_spread / world.voxel_size)
        step, side = world.map_step, world.image_side // world.map_step
        gathered = blurred[: side * step, : side * step].reshape(side, step, side, step).mean(axis=(1, 3))
        moved = np.roll(gathered, world.map_shift, axis=(0, 1))
        counts = rng.poisson(world.map_counts * np.maximum(moved, 0)).astype(np.uint16)
        paths.append(_write_map(folder / f"edx_{element}.tif", counts, world))
    return paths


def _write_stack(path: Path, stack: NDArray[np.uint8], world: FibSemWorld) -> Path:
    return _write_imagej(path, stack, world.voxel_size, axes="ZYX", spacing=world.voxel_size)


def _write_map(path: Path, counts: NDArray[np.uint16], world: FibSemWorld) -> Path:
    return _write_imagej(path, counts, world.map_step * world.voxel_size, axes="YX")


def _write_imagej(path: Path, data: NDArray, edge: float, *, axes: str, spacing: float = 0.0) -> Path:
    import tifffile

    nanometres = convert(edge, "m", "nm")
    described = {"axes": axes, "unit": "nm", "origin": SYNTHETIC}
    if spacing:
        described["spacing"] = convert(spacing, "m", "nm")
    tifffile.imwrite(path, data, imagej=True, resolution=(1 / nanometres, 1 / nanometres), metadata=described)
    return path


def _write_image(path: Path, image: NDArray[np.uint8], world: FibSemWorld) -> Path:
    import tifffile

    lines = [
        "[User]",
        f"UserText={SYNTHETIC}",
        "[Beam]",
        "HV=2000",
        "[Scan]",
        f"PixelWidth={world.voxel_size:.6g}",
        f"PixelHeight={world.voxel_size:.6g}",
        f"HorFieldsize={world.voxel_size * image.shape[1]:.6g}",
        "",
    ]
    tag = (FEI_METADATA, 2, 0, "\r\n".join(lines), True)
    tifffile.imwrite(path, image, extratags=[tag], description=SYNTHETIC, software=False, metadata=None)
    return path


def _write_card(path: Path, world: FibSemWorld) -> Path:
    card = {"name": f"MgO/MgB2 composite, {SYNTHETIC}", "is_paper_sample": True}
    return write_whole(path, yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=110))
