"""The FIB-SEM twin: a volume slice by slice, the image of a section and its element maps; and what is planted in it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

import nbtools.structure.model_random_media as random_media
from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.files.write_sample_card import write_sample_card
from nbtools.physics.domain import require_one_of
from nbtools.units import convert

World = Literal["fractal", "one-length", "stretched", "isolated"]
OXIDE, DIBORIDE, PORE = 0, 1, 2
Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class FibSemWorld:
    """Every number of the FIB-SEM twin, lengths in m or in voxels as said; what the paper does not give is assumed.

    Worlds: "fractal", a mass fractal between two lengths; "one-length" (a level set of smoothed noise), "stretched"
    (one length, drawn out along y), "isolated" (grains that never touch).
    """

    world: World = "fractal"
    world_seed: int = 1  # of the medium; the recorder's seed is of the noise

    # The medium. D = 1.67 on sections and 26.5 % are III.A's; where the power law begins is assumed.
    fraction: float = 0.265
    section_dimension: float = 1.67
    inner_length: float = 6.0  # voxels, smallest length of the fractal
    one_length: float = 4.0  # voxels, kernel of the smoothed noise
    stretch: float = 2.0
    pore_fraction: float = 0.01
    pore_length: float = 5.0  # voxels

    # The field of view: a quarter of the paper's 25 µm at the voxel that 512³ of them would have; assumed.
    side: int = 128
    voxel_size: float = 50e-9  # m
    image_side: int = 512  # the SEM image of another section

    # The microscope; assumed. Grey levels of 8 bits.
    oxide_grey: float = 150.0
    diboride_grey: float = 90.0
    pore_grey: float = 20.0
    contrast_to_noise: float = 3.0
    point_spread: float = 1.5  # pixels, standard deviation, in the image plane
    curtaining: float = 0.10  # amplitude of the stripes (two standard deviations), share of the grey value
    charging: float = 0.05  # the same along the scan lines
    slice_jitter: float = 0.05  # of the slice thickness, share
    drift: float = 1.0  # pixels a slice, standard deviation; the field is brought back as it wanders off
    shine_through: float = 0.2  # of what lies behind a pore
    shine_depth: int = 2  # voxels

    # Element maps of the section; assumed.
    map_step: int = 4  # image pixels a map pixel
    map_spread: float = 0.2e-6  # m, standard deviation of the excited volume, about 5 keV
    map_counts: float = 20.0  # a pixel of the pure phase
    map_shift: tuple[int, int] = (2, -1)  # map pixels by which the maps lie off the image

    def __post_init__(self) -> None:
        require_one_of(get_args(World), world=self.world)

    @property
    def codimension(self) -> float:
        """d − D, the same for sections and volume."""
        return 2 - self.section_dimension

    def medium(self, shape: tuple[int, ...], stream: int = 0) -> Labels:
        """The phases, voxel by voxel: MgO, MgB₂, pores; `stream` tells one place of the sample from another."""
        rng = np.random.default_rng([self.world_seed, stream])
        labels = self._diboride(shape, rng).astype(np.uint8)
        pores = random_media.gaussian_field(shape, rng, correlation_length=self.pore_length)
        labels[random_media.level_set(pores, self.pore_fraction)] = PORE
        return labels

    def _diboride(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.bool_]:
        f = self.fraction
        if self.world == "fractal":
            return random_media.woven_cascade(
                shape, rng, fraction=f, codimension=self.codimension, inner=self.inner_length
            )
        if self.world == "isolated":
            return random_media.isolated_grains(shape, rng, fraction=f, spacing=3.5 * self.one_length)
        drawn = [1.0] * len(shape)
        drawn[-2] = self.stretch if self.world == "stretched" else 1.0
        field = random_media.gaussian_field(shape, rng, correlation_length=self.one_length, stretch=drawn)
        return random_media.level_set(field, f)


def truth(**parameters: object) -> dict[str, float]:
    """What `record_fib_sem` plants with the same parameters, read off the medium before any instrument.

    Dimensions of sections and volume and the outer cut-off (voxels) of a fractal world, NaN in others; mean share
    of MgB₂ over many fields, and its share here; whether it spans all three axes, and the share of it that lies in
    the largest cluster; the ratio of the longest to the shortest axis of its texture; the share of the interface on the
    section of the SEM image that is hollow, seen from MgB₂.
    """
    world = FibSemWorld(**parameters)  # type: ignore[arg-type]
    here = world.medium((world.side,) * 3) == DIBORIDE
    section = world.medium((world.image_side,) * 2, stream=1)
    labels, _ = ndimage.label(here)
    sizes = np.bincount(labels.ravel())[1:]
    if not sizes.size:
        raise ValueError(f"no voxel of this field holds MgB2: take a larger side than {world.side}")
    largest = labels == 1 + int(np.argmax(sizes))
    fractal = world.world == "fractal"
    dimension = world.section_dimension if fractal else math.nan
    ratio = random_media.cutoff_ratio(world.fraction, dimension=dimension) if fractal else math.nan
    return {
        "section_dimension": dimension,
        "volume_dimension": dimension + 1,
        "cutoff_ratio": ratio,
        "scale_free": float(fractal),
        "mean_fraction": world.fraction * (1 - world.pore_fraction),
        "fraction": float(here.mean()),
        "spans": float(all(_touches_both(largest, axis) for axis in range(3))),
        "cluster_fraction": float(sizes.max() / sizes.sum()),
        "axis_ratio": world.stretch if world.world == "stretched" else 1.0,
        "hollow_share": random_media.hollow_share(section == DIBORIDE),
    }


def _touches_both(cluster: NDArray[np.bool_], axis: int) -> bool:
    first, last = (np.take(cluster, end, axis=axis).any() for end in (0, -1))
    return bool(first and last)


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
        _write_card(folder / "sample.yaml"),
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


def _write_card(path: Path) -> Path:
    card = {"name": f"MgO/MgB2 composite, {SYNTHETIC}", "is_paper_sample": True}
    return write_sample_card(path, card)
