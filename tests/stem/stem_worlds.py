"""Two-phase images with known answers, made without the image model: atoms in a block, turned and projected."""

import numpy as np

from nbtools import stem
from nbtools.files.crystal import own_crystal
from nbtools.physics.crystal_lattice import equivalent_zones, low_index_zones, reflections_within
from nbtools.stem.model_image import Columns, draw_columns

CRYSTALS = {name: own_crystal(name) for name in ("MgO", "MgB2")}
NUMBERS = {"Mg": 12, "O": 8, "B": 5}
PIXEL = 0.02e-9
LARGEST = 1024  # pixels a side; a larger image is drawn by the image model, column by column


def cell(crystal):
    """a, b, c as rows for cubic and hexagonal cells."""
    a, b, c = crystal.lengths
    gamma = crystal.angles[2]
    return np.array([[a, 0, 0], [b * np.cos(gamma), b * np.sin(gamma), 0], [0, 0, c]])


def frame(crystal, zone, turn):
    """Rows x, y (down) and the zone, some turn about it."""
    towards = np.array(zone) @ cell(crystal)
    towards = towards / np.linalg.norm(towards)
    start = np.eye(3)[np.argmin(abs(towards))]
    right = np.cross(start, towards)
    right /= np.linalg.norm(right)
    up = np.cross(towards, right)
    return np.array(
        [np.cos(turn) * right - np.sin(turn) * up, -(np.sin(turn) * right + np.cos(turn) * up), towards]
    )


def projected(crystal, zone, turn, side, shift=(0.0, 0.0), power=1.7):
    """(y, x) from the picture's middle and heights of all columns: a slab one repeat thick, seen along the zone."""
    rows, axes = cell(crystal), frame(crystal, zone, turn)
    reach = 0.75 * side
    limits = np.ceil(reach * np.linalg.norm(np.linalg.inv(rows), axis=0)).astype(int) + 2
    grid = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in limits], indexing="ij"), -1).reshape(-1, 3)
    depth = np.linalg.norm(np.array(zone) @ rows)
    found, weights = [], []
    for place, element in zip(crystal.positions, crystal.elements, strict=True):
        x, y, z = axes @ ((grid + place) @ rows).T
        slab = (z > -1e-13) & (z < depth - 1e-13)
        found.append(np.stack([y, x], axis=1)[slab])
        weights.append(np.full(slab.sum(), NUMBERS[element] ** power / (depth * 1e9)))
    places = np.concatenate(found) + shift
    near = np.all(np.abs(places) < side / 2 + 0.3e-9, axis=1)
    return places[near], np.concatenate(weights)[near]


def drawn(places, weights, size, pixel=PIXEL, spread=0.05e-9):
    """Sum of Gaussians: what each column is along y times what it is along x, as one product of matrices."""
    if size > LARGEST:
        columns = Columns(places + pixel * (size - 1) / 2, weights, np.full(len(places), "X"))
        return draw_columns(columns, (size, size), pixel, spread=spread)
    at = pixel * (np.arange(size) - (size - 1) / 2)
    down, across = (np.exp(-0.5 * ((at - axis[:, None]) / spread) ** 2) for axis in places.T)
    return (weights[:, None] * down).T @ across


def two_phases(rng, zones, turns, *, size=400, gap=0.0, overlap=0.0, angle=None, dose=60.0, stretch=None):
    """MgO and MgB2 on both sides of a straight boundary; a film of `gap`, an overlap of `overlap` (m)."""
    side = size * PIXEL
    angle = rng.uniform(0, 2 * np.pi) if angle is None else angle
    normal = np.array([np.sin(angle), np.cos(angle)])
    image = np.zeros((size, size))
    for crystal, zone, turn, sign in zip(CRYSTALS.values(), zones, turns, (-1, 1), strict=True):
        places, weights = projected(crystal, zone, turn, side, rng.uniform(0, 0.5e-9, 2))
        depth = sign * (places @ normal) - gap / 2
        share = (depth > 0) * 1.0 if not overlap else np.clip(0.5 + depth / overlap, 0, 1)
        places = places if stretch is None else places @ np.asarray(stretch).T
        image += drawn(places, weights * share, size)
    if gap:
        film = rng.uniform(-side / 2, side / 2, (30_000, 2))
        film = film[np.abs(film @ normal) < gap / 2]
        image += drawn(film, np.full(len(film), 0.06 * image.mean()), size)
    return rng.poisson(dose * image / image.mean()).astype(float)


def random_zones(rng, largest=2):
    """One low-index zone of each crystal, any of its family."""
    zones = []
    for crystal in CRYSTALS.values():
        families = low_index_zones(crystal, largest)[0]
        family = equivalent_zones(crystal, families[rng.integers(len(families))])
        zones.append(family[rng.integers(len(family))])
    return zones


def same_family(name, one, other):
    """Whether two zones of a crystal are equivalent."""
    return tuple(one) in map(tuple, equivalent_zones(CRYSTALS[name], other).tolist())


def stairs(rng, *, count, noise, length=20e-9, pitch=0.1e-9, spacing=2.129e-10, smallest=1):
    """(along, height) of a boundary with `count` steps of whole planes, and their heights."""
    x = np.arange(0, length, pitch)
    places = (np.arange(1, count + 1) + rng.uniform(-0.25, 0.25, count)) * length / (count + 1)
    planes = rng.integers(smallest, 4, count) * rng.choice([-1, 1], count)
    z = sum((spacing * n * (x > at) for n, at in zip(planes, places, strict=True)), np.zeros_like(x))
    return np.stack([x, z + noise * rng.standard_normal(len(x))], axis=1), planes


def planes_of(name, zone, shortest=1.4e-10):
    """hkl of all planes of a zone that are not narrower, shape (n, 3)."""
    hkl = reflections_within(CRYSTALS[name], shortest)
    return hkl[hkl @ np.asarray(zone) == 0]


def stepped_phases(rng, *, zones=None, hkl=None, count=1, size=512, dose=60.0, inclined=0.0, dark=False):
    """MgO over MgB2 whose planes `hkl` the boundary follows with `count` steps; image, planes of each step, d (m).

    inclined : slope of the boundary over the planes; dark : bright field, in which columns are dark
    """
    zones = random_zones(rng) if zones is None else zones
    choice = planes_of("MgB2", zones[1])
    hkl = choice[rng.integers(len(choice))] if hkl is None else np.asarray(hkl)
    wave = hkl @ np.linalg.inv(cell(CRYSTALS["MgB2"])).T
    side, spacing = size * PIXEL, 1 / np.linalg.norm(wave)
    turn = rng.uniform(0, 2 * np.pi)
    axes = frame(CRYSTALS["MgB2"], zones[1], turn)
    start = np.arctan2(axes[1] @ wave, axes[0] @ wave)
    # The planes' normal points down in the picture, within 15°: into the boride.
    turn += start - (np.pi / 2 + rng.uniform(-0.25, 0.25))
    axes = frame(CRYSTALS["MgB2"], zones[1], turn)
    normal = spacing * np.array([axes[1] @ wave, axes[0] @ wave])
    at = ((np.arange(1, count + 1) + rng.uniform(-0.25, 0.25, count)) / (count + 1) - 0.5) * 0.85 * side
    planes = rng.integers(1, 5, count) * rng.choice([-1, 1], count)
    level = spacing * np.append(0.0, np.cumsum(planes))
    level += rng.uniform(-0.1e-9, 0.1e-9) - level.mean()
    image = np.zeros((size, size))
    turns = (rng.uniform(0, 2 * np.pi), turn)
    for (name, crystal), zone, angle in zip(CRYSTALS.items(), zones, turns, strict=True):
        shift = rng.uniform(0, 0.5e-9, 2)
        places, weights = projected(crystal, zone, angle, side, shift, 0.7 if dark else 1.7)
        along = places @ [-normal[1], normal[0]]
        depth = places @ normal - level[np.searchsorted(at, along)] - inclined * along
        image += drawn(places, weights * ((depth > 0) == (name == "MgB2")), size)
    seen = 1 - 0.4 * image / image.max() if dark else 0.2 + 0.8 * image / image.mean()
    return rng.poisson(dose * seen).astype(float), planes, spacing


def as_planted(found, planes, spacing):
    """Largest error of the heights in planes, read in either sense along the line; None with another count."""
    if found.count != len(planes):
        return None
    heights = np.array(found.heights, float) / spacing
    ways = [sign * planes[::step] for sign in (1, -1) for step in (1, -1)]
    return min(float(np.max(np.abs(heights - way), initial=0.0)) for way in ways)


def indexed(image, **options):
    """Both grains of an image of two, found and compared as a notebook does."""
    return stem.index_interface(stem.index_grains(image, PIXEL, CRYSTALS, **options))


def layer(seed, **planted):
    """The layer between two random grains, indexed or not, as a notebook finds it."""
    rng = np.random.default_rng([seed, 6])
    size = planted.pop("size", 400)
    image = two_phases(rng, random_zones(rng), rng.uniform(0, 2 * np.pi, 2), size=size, **planted)
    grains = stem.find_grains(image, PIXEL, count=2)
    return stem.bound_disordered_width(stem.find_boundary(image, grains.masks, grains.spots, PIXEL))
