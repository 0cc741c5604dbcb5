"""The STEM twin: HAADF and ABF of four interfaces, a field of view with EDX maps, as ImageJ-TIFF with scale."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.files.write_sample_card import write_sample_card
from nbtools.stem.model_image import CONTRAST, Columns, bright_field, draw_columns, project_columns
from nbtools.stem.twin_world import Grain, StemWorld, truth
from nbtools.units import Quantity

__all__ = ["StemWorld", "record_stem", "truth"]

Array = NDArray[np.float64]
# How much of a grain is present at each place (n, 2) of the specimen, 0 … 1.
Presence = Callable[[Array], Array]
FIELD_PIXEL = 2e-9
ELEMENTS = ("O", "B", "Mg")


def record_stem(folder: str | Path, *, seed: int, **parameters: object) -> list[Path]:
    """Record the five situations of Figs 4 to 8 and the sample card.

    ``planar1``, ``planar2``, ``terraced`` and ``junction`` as ``…_haadf.tif`` and ``…_abf.tif``; the field of
    view as ``field_haadf.tif``, ``field_abf.tif`` and ``field_edx_O.tif``, ``…_B.tif``, ``…_Mg.tif``;
    ``sample.yaml``. 16-bit ImageJ-TIFF with the pixel size in nm. Same seed and parameters, same bytes.

    Parameters
    ----------
    folder : made if missing; nothing is written outside
    seed : of dose noise, jitter and where the lattices start; parameters : of `StemWorld`, SI

    Raises
    ------
    ValueError, TypeError
        An unknown world, an unknown parameter.
    """
    world = StemWorld(**parameters)  # type: ignore[arg-type]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # A generator per situation: a change of one leaves the others as they were.
    field, *situations = np.random.default_rng(seed).spawn(5)
    scenes = {
        "planar1": _two(world, *world.planar_grains(1), tilt=0.06),
        "planar2": _two(world, *world.planar_grains(2), tilt=-0.11),
        "terraced": _two(world, *world.terraced_grains(), stepped=True),
        "junction": _three(world),
    }
    written = _record_field(folder, world, field)
    for (name, scene), rng in zip(scenes.items(), situations, strict=True):
        written += _record_pair(folder, name, world, scene, rng)
    return [*written, _write_card(folder / "sample.yaml", world)]


def _heights(places: Array, world: StemWorld, tilt: float) -> tuple[Array, Array]:
    """Along and above (up in the picture) a line through the middle that is turned by `tilt`."""
    middle = world.size * world.pixel_size / 2
    up, right = middle - places[:, 0], places[:, 1] - middle
    return np.cos(tilt) * right + np.sin(tilt) * up, np.cos(tilt) * up - np.sin(tilt) * right


def _two(
    world: StemWorld, oxide: Grain, boride: Grain, *, tilt: float = 0.0, stepped: bool = False
) -> list[tuple[Grain | None, Presence]]:
    """Boride below, oxide above, and whatever the film leaves between."""

    def above(places: Array) -> Array:
        along, up = _heights(places, world, tilt)
        return up - (world.boundary_height(along) if stepped else 0.0)

    half = world.gap / 2
    return [
        (oxide, lambda places: (above(places) > half).astype(float)),
        (boride, lambda places: (above(places) < -half).astype(float)),
        (None, lambda places: (np.abs(above(places)) <= half).astype(float)),
    ]


def _three(world: StemWorld) -> list[tuple[Grain | None, Presence]]:
    """Boride below; above it MgO(1) left, where the boundary is tilted, and MgO(2) right, where it has steps."""
    first, second, boride = world.junction_grains()
    half, overlap = world.gap / 2, world.overlap

    def left_of(places: Array) -> Array:
        along, up = _heights(places, world, 0.0)
        return -(along + 0.2 * up)

    def above(places: Array) -> Array:
        along, up = _heights(places, world, -0.15)
        steps = 0.0 if world.world == "straight" else 3 * world.step_spacing * ((along > 1.8e-9) * 1.0)
        return up - steps * (left_of(places) < 0)

    def ramp(places: Array) -> Array:
        """0 … 1 through the tilted boundary, a step elsewhere."""
        width = np.where(left_of(places) > 0, overlap, 1e-15)
        return np.asarray(np.clip(0.5 + above(places) / width, 0, 1))

    def clear(places: Array) -> Array:
        """Off the film, where there is one."""
        near = (np.abs(above(places)) <= half) | ((np.abs(left_of(places)) <= half) & (above(places) > 0))
        return (~near if half else np.ones(len(places), bool)).astype(float)

    return [
        (first, lambda p: ramp(p) * (left_of(p) > 0) * clear(p)),
        (second, lambda p: ramp(p) * (left_of(p) <= 0) * clear(p)),
        (boride, lambda p: (1 - ramp(p)) * clear(p)),
        (None, lambda p: 1 - clear(p)),
    ]


def _record_pair(
    folder: Path, name: str, world: StemWorld, scene: list[tuple[Grain | None, Presence]], rng: Generator
) -> list[Path]:
    """HAADF and ABF of the same place, recorded in one scan: the same jitter, noise of their own."""
    shifts = world.jitter * rng.standard_normal(world.size)
    origins = rng.uniform(0, 1e-9, (len(scene), 2))
    points = _film_points(world, scene[-1][1], rng)
    drawn = {}
    for detector, power in CONTRAST.items():
        image = np.zeros((world.size, world.size))
        for (grain, presence), origin in zip(scene, origins, strict=True):
            columns = _columns(world, grain, presence, origin, power, points)
            image += draw_columns(
                columns, image.shape, world.pixel_size, spread=world.spread, row_shifts=shifts
            )
        drawn[detector] = image
    dark = drawn["HAADF"] / drawn["HAADF"].mean()
    bright = bright_field(drawn["ABF"])
    counts = {"haadf": world.dose * (0.2 + 0.8 * dark), "abf": world.bright_dose * bright}
    return [
        _write_image(folder / f"{name}_{detector}.tif", rng.poisson(mean), world.pixel_size)
        for detector, mean in counts.items()
    ]


def _columns(
    world: StemWorld,
    grain: Grain | None,
    presence: Presence,
    origin: Array,
    power: float,
    points: Array,
) -> Columns:
    """Of one grain (or of the film) where it is, moved as the scan distorts."""
    length = world.size * world.pixel_size
    if grain is None:
        boride = project_columns(world.boride, (0, 0, 1), 0.0, (2e-9, 2e-9), power=power)
        weight = boride.weights.mean() * 32 / FILM_POINTS
        columns = Columns(points, np.full(len(points), weight), np.full(len(points), "B"))
    else:
        columns = project_columns(
            grain.crystal,
            grain.zone,
            grain.rotation,
            (length, length),
            origin=(float(origin[0]), float(origin[1])),
            power=power,
        )
        share = presence(columns.positions)
        columns = Columns(columns.positions, columns.weights * share, columns.elements).among(share > 0)
    middle = length / 2
    return Columns(
        (columns.positions - middle) @ world.distortion.T + middle, columns.weights, columns.elements
    )


FILM_POINTS = 400  # in a nm²: a glass in projection is all but smooth


def _film_points(world: StemWorld, presence: Presence, rng: Generator) -> Array:
    length = world.size * world.pixel_size
    count = rng.poisson(FILM_POINTS * (length / 1e-9) ** 2 / 10) * 10
    places = rng.uniform(0, length, (count, 2))
    return places[presence(places) > 0]


def _record_field(folder: Path, world: StemWorld, rng: Generator) -> list[Path]:
    """Islands of boride in oxide on the scale of Fig. 4, with three element maps of few counts."""
    shape = (world.size // 2, world.size // 2)
    rough = sum(
        weight * ndimage.gaussian_filter(rng.standard_normal(shape), width, mode="wrap") * width
        for width, weight in ((24, 1.0), (10, 0.7), (4, 0.35))
    )
    boride = (rough > np.quantile(rough, 1 - world.fraction)).astype(float)
    boride = ndimage.gaussian_filter(boride, 0.7)
    heavy = 1.0 - 0.45 * boride
    maps = {"O": 1 - boride, "B": boride, "Mg": 0.7 - 0.3 * boride}
    images = {"haadf": world.dose * heavy, "abf": world.bright_dose * (1 - 0.4 * heavy)}
    images |= {f"edx_{element}": world.counts * (maps[element] + 0.04) for element in ELEMENTS}
    return [
        _write_image(folder / f"field_{name}.tif", rng.poisson(mean), FIELD_PIXEL)
        for name, mean in images.items()
    ]


def _write_image(path: Path, counts: NDArray[np.int64], pixel_size: float) -> Path:
    """16-bit counts with the pixel size in nm, as ImageJ writes and every microscopy reader reads."""
    import tifffile

    per_nm = 1e-9 / pixel_size
    tifffile.imwrite(
        path,
        np.minimum(counts, 65535).astype(np.uint16),
        imagej=True,
        resolution=(per_nm, per_nm),
        metadata={"unit": "nm", "axes": "YX", "origin": SYNTHETIC},
    )
    return path


def _write_card(path: Path, world: StemWorld) -> Path:
    """What the microscopist knows of the specimen."""
    card = {
        "name": f"MgO-MgB2 lamella, {SYNTHETIC}",
        "is_paper_sample": True,
        "thickness": str(Quantity(world.thickness, 0.1 * world.thickness, "m").to("nm")),
    }
    return write_sample_card(path, card)
