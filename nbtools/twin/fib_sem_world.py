"""What is planted in the FIB-SEM twin: the medium, its numbers, and the microscope's faults."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.models import random_media

World = Literal["fractal", "blocks", "one-length", "rough", "grains", "stretched", "isolated"]
WORDS = {"fractal": "scale-free", "blocks": "scale-free"}
OXIDE, DIBORIDE, PORE = 0, 1, 2
Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class FibSemWorld:
    """Every number of the FIB-SEM twin, lengths in m or in voxels as said; what the paper does not give is assumed.

    Worlds: "fractal" (woven, no grid) and "blocks" (halved cells), mass fractals between two lengths;
    "one-length" (a level set of smoothed noise), "rough" (of a k⁻ⁿ field: a fractal surface round a solid),
    "grains" (lognormal balls), "stretched" (one length, drawn out along y), "isolated" (grains that never touch).
    """

    world: World = "fractal"
    world_seed: int = 1  # of the medium; the recorder's seed is of the noise

    # The medium. D = 1.67 on sections and 26.5 % are III.A's; where the power law begins is assumed.
    fraction: float = 0.265
    section_dimension: float = 1.67
    inner_length: float = 6.0  # voxels, smallest length of the fractal
    one_length: float = 4.0  # voxels, kernel of the smoothed noise
    grain_radius: float = 8.0  # voxels, median by volume
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
        if self.world not in get_args(World):
            raise ValueError(f"there is no world {self.world!r}; there are {', '.join(get_args(World))}")

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
        if self.world in ("fractal", "blocks"):
            make = random_media.woven_cascade if self.world == "fractal" else random_media.fractal_cascade
            return make(shape, rng, fraction=f, codimension=self.codimension, inner=self.inner_length)
        if self.world == "grains":
            return random_media.lognormal_grains(shape, rng, fraction=f, median_radius=self.grain_radius)
        if self.world == "isolated":
            return random_media.isolated_grains(shape, rng, fraction=f, spacing=3.5 * self.one_length)
        if self.world == "rough":
            field = random_media.power_law_field(shape, rng, exponent=len(shape) + 1.0)
        else:
            drawn = [1.0] * len(shape)
            drawn[-2] = self.stretch if self.world == "stretched" else 1.0
            field = random_media.gaussian_field(
                shape,
                rng,
                correlation_length=self.one_length,
                stretch=drawn,
            )
        return random_media.level_set(field, f)


def truth(**parameters: object) -> dict[str, float]:
    """What `record_fib_sem` plants with the same parameters, read off the medium before any instrument.

    Dimensions of sections and volume and the outer cut-off (voxels) of a fractal world, NaN in others; mean share
    of MgB₂ over many fields, and its share here; whether it spans all three axes, and the share of it that lies in
    the largest cluster; the ratio of the longest to the shortest axis of its texture.
    """
    world = FibSemWorld(**parameters)  # type: ignore[arg-type]
    here = world.medium((world.side,) * 3) == DIBORIDE
    labels, _ = ndimage.label(here)
    sizes = np.bincount(labels.ravel())[1:]
    if not sizes.size:
        raise ValueError(f"no voxel of this field holds MgB2: take a larger side than {world.side}")
    largest = labels == 1 + int(np.argmax(sizes))
    fractal = world.world in WORDS
    dimension = world.section_dimension if fractal else math.nan
    ratio = fractal and random_media.cutoff_ratio(world.fraction, dimension=dimension)
    return {
        "section_dimension": dimension,
        "volume_dimension": dimension + 1,
        "cutoff_ratio": float(ratio) if fractal else math.nan,
        "scale_free": float(fractal),
        "mean_fraction": world.fraction * (1 - world.pore_fraction),
        "fraction": float(here.mean()),
        "spans": float(all(_touches_both(largest, axis) for axis in range(3))),
        "cluster_fraction": float(sizes.max() / sizes.sum()),
        "axis_ratio": world.stretch if world.world == "stretched" else 1.0,
    }


def _touches_both(cluster: NDArray[np.bool_], axis: int) -> bool:
    first, last = (np.take(cluster, end, axis=axis).any() for end in (0, -1))
    return bool(first and last)
