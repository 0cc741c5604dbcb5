"""Islands of one phase in maps of elements: how many, how large, and how their outlines bend."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import norm

from nbtools.results import NotPossible
from nbtools.statistics.resampling import jackknife_error
from nbtools.stem.image import ImageError, check_plane
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
SMOOTHING = 1.5  # pixels, r.m.s.: before two maps of few counts are held against each other
TILES = 3  # of a field, a side: pieces of outline in different ones are taken as independent
SCALE = 8e-9  # m, r.m.s.


@dataclass(frozen=True)
class Islands:
    """Parts of a map where one element outweighs another.

    fraction : of the area; count : of islands; largest : share of their area in the largest one
    spans : whether one reaches from side to side; labels : (y, x), 0 between them
    """

    fraction: Quantity
    count: int
    largest: float
    spans: bool
    labels: NDArray[np.int64]


def find_islands(inside: Any, outside: Any, *, smoothing: float = SMOOTHING, smallest: int = 20) -> Islands:
    """Islands of one phase from the counts of two elements, of which one is only inside and one only outside.

    Parameters
    ----------
    inside, outside : counts, shape (y, x); smoothing : r.m.s., pixels; smallest : pixels of an island

    Raises
    ------
    ImageError
        A map that is none, or maps of different sizes.
    """
    labels, count = ndimage.label(_excess(inside, outside, smoothing) > 0)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    labels = np.where(sizes[labels] >= smallest, labels, 0)
    sizes = sizes[1:][sizes[1:] >= smallest]
    share = float(np.mean(labels > 0))
    # A field of few islands scatters as if each were drawn independently.
    sigma = share * float(np.sqrt(np.sum(sizes.astype(float) ** 2))) / max(float(sizes.sum()), 1.0)
    edges = (labels[0], labels[-1]), (labels[:, 0], labels[:, -1])
    spans = any(np.intersect1d(a[a > 0], b[b > 0]).size for a, b in edges)
    largest = float(sizes.max() / sizes.sum()) if sizes.size else 0.0
    return Islands(Quantity(share, sigma), len(sizes), largest, bool(spans), labels)


def _excess(inside: Any, outside: Any, smoothing: float) -> Array:
    """Of one element over the other, each in units of what it has in its own phase."""
    maps = [check_plane(m) for m in (inside, outside)]
    if maps[0].shape != maps[1].shape:
        raise ImageError(
            f"maps of one field are needed; theirs are {maps[0].shape} and {maps[1].shape} pixels"
        )
    one, other = (ndimage.gaussian_filter(m, smoothing) for m in maps)
    return np.asarray(one / np.percentile(one, 99) - other / np.percentile(other, 99))


@dataclass(frozen=True)
class OutlineCurvature:
    """How the outlines of islands bend, along all their length.

    mean : curvature, 1/m, positive where the island is convex; of closed outlines it is 2π times (islands less
        holes) over the length, whatever their shape
    concave : share of the length along which the island is concave
    of_chance : that share for a smooth random (Gaussian) pattern on the same share of the area
    scale : r.m.s. smoothing, m, below which a bend is not seen
    places, bends : (y, x) of each piece of outline, m, shape (n, 2), and its curvature, 1/m
    """

    mean: Quantity
    concave: Quantity
    of_chance: float
    scale: float
    places: Array
    bends: Array


def outline_curvature(
    inside: Any, outside: Any, pixel_size: float, *, scale: float = SCALE
) -> OutlineCurvature:
    """How the outlines of the islands of `find_islands` bend in the section.

    The outline is where a smoothed excess f of one element over the other is zero, κ = −∇·(∇f/|∇f|) there;
    σ leaves out one of nine tiles of the field after the other, and is a little small (covers 58 % instead of 68 %)
    where the field is less than 20 correlation lengths wide.

    Parameters
    ----------
    inside, outside : counts, shape (y, x); pixel_size : m; scale : r.m.s. smoothing, m

    Raises
    ------
    ImageError
        A map that is none, maps of different sizes, outlines in less than three of the nine tiles.

    Notes
    -----
    A Gaussian pattern with covariance exp(−r²/2ℓ²), cut at u, has Φ(−u/√2) of its outlines concave and a mean of
    u √(2/π)/ℓ: Adler and Taylor's Euler characteristic (Random Fields and Geometry, ch. 11) over Rice's length.
    """
    width = scale / pixel_size
    excess = _excess(inside, outside, SMOOTHING)
    level = ndimage.gaussian_filter(excess, width)
    middle, length, curvature, tile = _outlines(excess, level, width)
    if len(np.unique(tile)) < 3:
        raise ImageError(
            f"outlines of islands in at least 3 of {TILES**2} parts of the map are needed, "
            f"{len(np.unique(tile))} have any: take a larger field, or a scale below {scale} m"
        )
    whole, total, hollow = (
        np.bincount(tile, weight)[np.unique(tile)].astype(float)
        for weight in (length, length * curvature / pixel_size, length * (curvature < 0))
    )
    share = float(np.mean(level > 0))
    chance = float(norm.sf(norm.isf(share) / np.sqrt(2)))
    return OutlineCurvature(
        mean=Quantity(*_jackknifed(total, whole), "1/m"),
        concave=Quantity(*_jackknifed(hollow, whole)),
        of_chance=chance,
        scale=scale,
        places=middle * pixel_size,
        bends=curvature / pixel_size,
    )


def _outlines(excess: Array, level: Array, width: float) -> tuple[Array, Array, Array, NDArray[np.int64]]:
    """Of every piece of outline off the rim (`level` is zero): place and length (pixels), curvature and tile."""
    from skimage.measure import find_contours

    orders = {"y": (1, 0), "x": (0, 1), "yy": (2, 0), "xy": (1, 1), "xx": (0, 2)}
    f = {name: ndimage.gaussian_filter(excess, width, order=order) for name, order in orders.items()}
    bend = f["yy"] * f["x"] ** 2 - 2 * f["xy"] * f["x"] * f["y"] + f["xx"] * f["y"] ** 2
    slope = np.hypot(f["x"], f["y"])
    ends = [(line[:-1], line[1:]) for line in find_contours(level, 0.0)]
    first, last = (np.concatenate([end[i] for end in ends] or [np.empty((0, 2))]) for i in (0, 1))
    middle = (first + last) / 2
    rim, shape = 3 * width, np.array(excess.shape)
    kept = np.all((middle >= rim) & (middle <= shape - 1 - rim), axis=1)
    middle = middle[kept]
    at = [ndimage.map_coordinates(values, middle.T, order=1) for values in (bend, slope)]
    tile = np.floor(TILES * (middle - rim) / (shape - 2 * rim)).clip(0, TILES - 1).astype(int)
    return middle, np.hypot(*(last - first)[kept].T), -at[0] / at[1] ** 3, tile @ (TILES, 1)


def _jackknifed(part: Array, whole: Array) -> tuple[float, float]:
    """Σ part / Σ whole and its σ, from leaving out one tile after the other (Tukey), wider for so few (Student)."""
    left_out = (part.sum() - part) / (whole.sum() - whole)
    return float(part.sum() / whole.sum()), jackknife_error(left_out, student=True)


@dataclass(frozen=True, repr=False)
class IslandsStudy(StudyResult):
    """Islands of boride in maps of elements.

    Attributes
    ----------
    maps : counts by element, shape (y, x)
    pixel_size : m
    islands : where boron outweighs oxygen
    outline : how their outlines bend; None where there is too little of them
    images : of the same field, by name, with the edge of a pixel, m
    """

    maps: dict[str, Array]
    pixel_size: float
    islands: Islands
    outline: OutlineCurvature | None
    images: dict[str, tuple[Array, float]]

    def rows(self) -> list[Row]:
        share = Row("area of boride", self.islands.fraction, "boron over oxygen", "boride_area", "%")
        rows = [share, Row("islands", Quantity(float(self.islands.count), 0.0), "20 pixels or more")]
        if self.outline:
            how = f"outlines seen at {1e9 * self.outline.scale:.0f} nm"
            rows.append(Row("concave outline", self.outline.concave, how, "concave_outline", "%"))
            rows.append(Row("mean curvature", self.outline.mean, how, "mean_curvature", "1/um"))
        return rows

    def notes(self) -> list[str]:
        span = "one island spans the field" if self.islands.spans else "no island spans the field"
        said = [f"{span}; the largest holds {self.islands.largest:.0%} of their area"]
        if self.outline:
            said.append(
                f"a smooth random pattern of this area is concave along {100 * self.outline.of_chance:.0f} %"
            )
        return said


def estimate_islands(
    maps: "dict[str, Array]", pixel_size: float, images: "dict[str, tuple[Array, float]]"
) -> IslandsStudy:
    """Islands and their outlines.

    Parameters
    ----------
    maps : counts of B and O, by element
    pixel_size : m
    images : of the same field

    Raises
    ------
    NotPossible
        Maps that lack an element, or of different sizes.
    """
    lacking = [element for element in ("B", "O") if element not in maps]
    if lacking:
        held = ", ".join(maps) or "none"
        raise NotPossible(f"maps of B and O are needed, and the files hold {held} (as field_edx_O.tif)")
    islands = find_islands(maps["B"], maps["O"])
    try:
        outline = outline_curvature(maps["B"], maps["O"], pixel_size)
    except NotPossible:
        outline = None
    return IslandsStudy(maps, pixel_size, islands, outline, images)
