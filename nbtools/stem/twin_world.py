"""What the STEM twin is told: the microscope, the two crystals, and the interfaces of the paper's Figs 5 to 8."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nbtools.files.crystal import Crystal, own_crystal
from nbtools.physics.crystal_lattice import plane_angle, plane_spacing, reciprocal_vectors, viewing_axes
from nbtools.physics.domain import require_one_of
from nbtools.stem.model_image import CONTRAST

Array = NDArray[np.float64]
Triple = tuple[int, int, int]
WORLDS = ("paper", "amorphous", "random", "straight")


@dataclass(frozen=True)
class Grain:
    """A crystal as it is seen: zone towards the viewer, turned by `rotation` (rad)."""

    crystal: Crystal
    zone: Triple
    rotation: float

    def direction(self, hkl: Triple) -> float:
        """Of the planes' normal, rad counter-clockwise from x."""
        y, x = viewing_axes(self.crystal, self.zone, self.rotation) @ (
            np.array(hkl) @ reciprocal_vectors(self.crystal)
        )
        return float(np.arctan2(-y, x))

    def turned_to(self, hkl: Triple, direction: float) -> "Grain":
        """The same grain with the normal of `hkl` along `direction` (rad)."""
        return Grain(self.crystal, self.zone, self.rotation + direction - self.direction(hkl))


@dataclass(frozen=True)
class StemWorld:
    """The microscope and what is true in it; lengths m, angles rad.

    world : "paper"; "amorphous" (a film of `film` at every interface); "random" (no planes aligned);
        "straight" (no steps)
    pixel_size, size : of the atomic images, m and pixels a side; thickness : of the specimen
    dose : mean counts in a HAADF pixel; bright_dose : in an ABF pixel
    spread : r.m.s. radius of a column's image; jitter : r.m.s. displacement of a scan line
    scale_error, drift_shear : of the scan: picture over truth minus one, and how far lines slip each line
    tilt : of the one blurred boundary of the junction, so that the grains overlap by thickness·tan(tilt)
    steps : the terraced boundary, (where along it, how many planes up); step_plane : which planes of MgB2
    fraction : of MgB2 in the field of view; counts : mean X-rays of one element in a pixel of its own phase
    """

    world: Literal["paper", "amorphous", "random", "straight"] = "paper"
    pixel_size: float = 0.02e-9
    size: int = 512
    thickness: float = 20e-9
    dose: float = 60.0
    bright_dose: float = 400.0
    spread: float = 0.05e-9
    jitter: float = 4e-12
    scale_error: float = 0.004
    drift_shear: float = 0.006
    film: float = 1.0e-9
    tilt: float = 0.04
    steps: tuple[float, ...] = (-3.1e-9, 3, -0.9e-9, -4, 1.4e-9, 5, 3.3e-9, -3)
    step_plane: Triple = (1, 0, -1)
    fraction: float = 0.265
    counts: float = 4.0

    def __post_init__(self) -> None:
        require_one_of(WORLDS, world=self.world)
        if len(self.steps) % 2:
            raise ValueError(f"steps come in pairs (where, planes); {len(self.steps)} numbers came")
        if self.size < 64 or not self.pixel_size > 0:
            raise ValueError(f"an image of {self.size} pixels of {self.pixel_size} m cannot be recorded")

    @cached_property
    def oxide(self) -> Crystal:
        return own_crystal("MgO")

    @cached_property
    def boride(self) -> Crystal:
        return own_crystal("MgB2")

    @property
    def gap(self) -> float:
        """Width of the film between grains, m."""
        return self.film if self.world == "amorphous" else 0.0

    @property
    def overlap(self) -> float:
        """Of the grains at the tilted boundary, in projection, m."""
        return float(self.thickness * np.tan(self.tilt))

    @property
    def distortion(self) -> Array:
        """What the scan does to (y, x)."""
        return np.eye(2) * (1 + self.scale_error) + np.array([[0.0, 0.0], [self.drift_shear, 0.0]])

    def planar_grains(self, number: int) -> tuple[Grain, Grain]:
        """MgO and MgB2 of the first ({100} ∥ {10-10}) and second ({110} ∥ {11-22}) flat interface."""
        if number == 1:
            first, along = Grain(self.oxide, (0, 0, 1), 0.0), ((2, 0, 0), (1, 0, 0))
            second = Grain(self.boride, (0, 0, 1), 0.0)
        else:
            first, along = Grain(self.oxide, (0, 0, 1), 0.0), ((2, 2, 0), (1, 1, 2))
            second = Grain(self.boride, (1, -1, 0), 0.0)
        direction = np.pi / 2 + (0.06 if number == 1 else -0.11)
        # Random orientation: a turn that brings no two wide planes of these zones together.
        astray = {1: np.radians(8.0), 2: np.radians(11.8)}[number] if self.world == "random" else 0.0
        return first.turned_to(along[0], direction), second.turned_to(along[1], direction + astray)

    def terraced_grains(self) -> tuple[Grain, Grain]:
        """MgO and MgB2 of the terraced interface, MgB2 along the one zone that holds both step planes."""
        boride = Grain(self.boride, (1, 0, 1), 0.0).turned_to(self.step_plane, np.pi / 2)
        return Grain(self.oxide, (0, 1, 1), 0.3), boride

    def junction_grains(self) -> tuple[Grain, Grain, Grain]:
        """MgO(1), MgO(2) and MgB2 of the triple junction."""
        boride = Grain(self.boride, (1, 0, 1), 0.0).turned_to((1, -1, -1), np.pi / 2 - 0.15)
        return Grain(self.oxide, (0, 0, 1), 0.9), Grain(self.oxide, (0, 1, 1), 0.25), boride

    @property
    def step_spacing(self) -> float:
        """Of the planes that the terraces follow, m."""
        return float(plane_spacing(self.boride, self.step_plane))

    def boundary_height(self, along: Array) -> Array:
        """Height of the terraced boundary over its mean at places `along` it, m."""
        if self.world == "straight":
            return np.zeros_like(along)
        places, planes = np.array(self.steps).reshape(-1, 2).T
        heights = np.append(0.0, np.cumsum(planes)) * self.step_spacing
        return np.asarray(heights[np.searchsorted(places, along)] - heights.mean())


def truth(**parameters: object) -> dict[str, float]:
    """What `record_stem` plants with the same parameters: angles in deg, lengths in m.

    Angle between the aligned planes of both flat interfaces (NaN in the "random" world, where none are), number
    and heights of the steps, width of the disordered layer, overlap at the tilted boundary, share of boride.
    """
    world = StemWorld(**parameters)  # type: ignore[arg-type]
    stepped = world.world != "straight"
    planes = np.array(world.steps).reshape(-1, 2)[:, 1]
    aligned = np.nan if world.world == "random" else 0.0
    angle = float(np.degrees(plane_angle(world.boride, (1, 0, -1), (1, -1, -1))))
    return {
        "first_angle": aligned,
        "second_angle": aligned,
        "steps": float(len(planes)) if stepped else 0.0,
        "step_height": float(np.mean(np.abs(planes)) * world.step_spacing) if stepped else np.nan,
        "step_spacing": world.step_spacing,
        "step_plane_angle": angle,
        "disordered_width": world.gap,
        "overlap": world.overlap,
        "boride_fraction": world.fraction,
        "boron_contrast": float((5 / 12) ** CONTRAST["HAADF"]),
    }
