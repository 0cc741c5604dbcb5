"""The line between two grains to a part of a pixel, and how wide a layer without a lattice between them can be.

How much of each lattice is where is fitted in a strip along the boundary. A lattice that ends sharply, on a whole
column, seems to end a little elsewhere, and over a certain width: both hang on where the columns happen to lie. What
that does is not assumed but measured, on strips with the same two lattices, the same noise, the same course of the
boundary and no layer between; where that leaves a layer, on strips with a layer as wide.
"""

from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.stats import norm
from scipy.stats import t as student

from nbtools.cache import cached
from nbtools.results import NotPossible
from nbtools.statistics.noise import mad_sigma
from nbtools.stem.image import LatticeImage
from nbtools.stem.interface import GrainsStudy
from nbtools.stem.spots import Spots, smoothed
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
RESOLUTION = 0.3e-9  # m, r.m.s. of the window in which the presence of a lattice is fitted
CORRELATION = 2 * np.sqrt(np.pi) * RESOLUTION  # m, over which neighbouring places know the same pixels
STEP = 0.1e-9  # m, between places along the boundary
REACH = 3.0e-9  # m, to either side of it
BOTH_SIDES = 1.6e-9  # m, where on either side its own grain must be
FAINTEST = 0.03  # of the strongest wave's amplitude, from which a wave counts
RIDGE = 0.02  # of a pattern's power: keeps shares small where the window holds less than one period
DRAWS = 24  # of sharp boundaries
LARGEST_SHIFT = 0.3e-9  # m, of a sharp boundary over the lattices
# Planes that a boundary may follow, by their normal and its own: within 4° it leaves one of 0.2 nm after 3 nm or more.
ALONG_PLANES = np.cos(np.radians(4))
CONFIDENCE = 0.95  # of the limits, one-sided
# A strained or badly channelling last plane looks like none: m, a share of a plane on both sides. An assumption; it is
# no scatter, so that the limits allow for it and σ does not hold it.
DECHANNELLING = 0.05e-9
# Beyond this (m) two overlapping grains cannot be told apart: both shares are at half over the whole window.
LARGEST_OVERLAP = 1.2e-9
LEAST_CROSSED = 0.5  # share of the boundary on which both contours must be found
BETWEEN = 5  # %, of a lattice's pixels that lie lowest between its columns
FEWEST = 8  # places along a boundary
MOST_FITTED = 50_000  # pixels from which the waves' amplitudes are found
QUARTILES = 2 * norm.ppf(0.75)  # distance of a Gaussian's, in σ


@dataclass(frozen=True)
class DrawnBoundaries:
    """What the same two lattices show where each ends on whole columns, in so many draws.

    Attributes
    ----------
    gaps : between the half-way contours, beyond the width of the layer that was drawn, m, shape (n,)
    scatters : error of each by its scatter along the boundary, m, shape (n,)
    fades : squared r.m.s. widths of both falls, the window's own taken off, m², shape (n, 2)
    """

    gaps: Array
    scatters: Array
    fades: Array

    @property
    def gap(self) -> Quantity:
        """Mean, and how far one more would be from it, m."""
        scatter = float(np.std(self.gaps, ddof=1)) * np.sqrt(1 + 1 / len(self.gaps))
        return Quantity(float(np.mean(self.gaps)), float(scatter), "m")

    @property
    def quantile(self) -> float:
        """Of Student's distribution for so many draws, at the confidence of the limits."""
        return float(student.ppf(CONFIDENCE, len(self.gaps) - 1))

    def fading(self, fades: tuple[Quantity, Quantity]) -> Quantity:
        """What a boundary fades beyond these, m²: the mean of both falls, each weighing by how little it scatters here.

        An inclined boundary widens both falls alike. σ is how far the two disagree, or how far these draws do with what
        each fall scatters along the boundary, whichever is larger (Birge's rule).
        """
        known = np.isfinite(fades)
        if not known.any():
            return Quantity(np.nan, np.nan, "m^2")
        weights = known / np.maximum(np.var(self.fades, axis=0, ddof=1), 1e-30)
        weights = weights / weights.sum()
        beyond = np.where(known, fades, 0.0) - self.fades.mean(axis=0)
        mean = float(weights @ beyond)
        among = float(np.sqrt(weights @ (beyond - mean) ** 2))
        drawn = float(np.std(self.fades @ weights, ddof=1))
        along = weights[known] @ np.diag([fade.uncertainty for fade in np.array(fades, object)[known]])
        return Quantity(mean, max(among, float(np.linalg.norm([drawn, *along]))), "m^2")


@dataclass(frozen=True)
class Boundary:
    """The interface of two grains as lines over a straight one, lengths in m.

    Attributes
    ----------
    along : places along it
    height : half way between the two contours, towards the first grain
    first, second : where half of the first and of the second lattice is left; NaN where it is not crossed
    fades : squared r.m.s. widths of both falls, the window's own taken off, m²: medians along it; negative by noise
    origin, tangent : of the straight line, (y, x): a place is origin + along·tangent + height·normal
    across, profiles : how much of each lattice is where, on lines across, (n,) and (2, along, n)
    sharp : what sharp boundaries of these lattices show; None where none could be drawn
    layered : what they show with a layer between that is as wide as it seems; None where sharp ones explain the gap
    """

    along: Array
    height: Array
    first: Array
    second: Array
    fades: tuple[Quantity, Quantity]
    origin: Array
    tangent: Array
    across: Array
    profiles: Array = field(repr=False)
    sharp: DrawnBoundaries | None = None
    layered: DrawnBoundaries | None = None

    @property
    def normal(self) -> Array:
        """Across the line, towards the first grain, (y, x)."""
        return np.array([self.tangent[1], -self.tangent[0]])

    def places(self, height: Array | None = None) -> Array:
        """(y, x) in m of the line, or of one of the contours."""
        line = self.height if height is None else height
        return np.asarray(self.origin + np.outer(self.along, self.tangent) + np.outer(line, self.normal))

    def profile(self, side: int) -> tuple[Array, Array, Array]:
        """Across the boundary: places, mean share of one lattice there, each line moved by its own height, and σ."""
        known = np.isfinite(self.height)
        moved = np.array(
            [
                np.interp(self.across, self.across - height, share)
                for height, share in zip(self.height[known], self.profiles[side][known], strict=True)
            ]
        )
        return (
            self.across,
            moved.mean(axis=0),
            moved.std(axis=0) / np.sqrt(_independent(known.sum(), self.along)),
        )


@cached
def find_boundary(
    image: Array, masks: tuple[Mask, Mask], waves: tuple[Spots, Spots], pixel_size: float
) -> Boundary:
    """The line between two grains.

    Each grain's waves, continued over the boundary, are one pattern each; within a Gaussian window the
    image is fitted as a share of the one, a share of the other and a constant. A grain is taken to end
    where half of its share is left.

    Parameters
    ----------
    image : shape (y, x)
    masks : of the two grains, bool
    waves : of each grain, as `find_grains` and `index_grains` give them
    pixel_size : m

    Raises
    ------
    NotPossible
        A grain without a lattice, or two that do not face each other.
    """
    if not all(len(spots) for spots in waves):
        raise NotPossible("one of the grains shows no lattice; its end cannot be seen")
    strip = _Strip.along_boundary(image, pixel_size, masks, waves)
    profiles = strip.shares(strip.picture)
    away = round(BOTH_SIDES / pixel_size)
    middle = len(strip.across) // 2
    # Beyond the end of either grain, as at a triple junction, there is no boundary of the two.
    facing = (profiles[0][:, middle + away] > 0.5) & (profiles[1][:, middle - away] > 0.5)
    if facing.sum() < FEWEST:
        length = facing.sum() * float(np.median(np.diff(strip.along))) * 1e9
        raise NotPossible(f"the two grains face each other on {length:.1f} nm only; are they neighbours?")
    lines = _Lines.of(strip.across, profiles[:, facing], strip.along)
    sharp, layered = _drawn(strip, waves, facing, lines), None
    if sharp is not None and len(lines.gaps):
        beyond = float(np.median(lines.gaps)) - sharp.gap
        if beyond > sharp.quantile * beyond.uncertainty:
            layered = _drawn(strip, waves, facing, lines, width=float(beyond))
    return Boundary(
        along=strip.along[facing],
        height=(lines.first + lines.second) / 2,
        first=lines.first,
        second=lines.second,
        fades=lines.fades,
        origin=strip.origin,
        tangent=strip.tangent,
        across=strip.across,
        profiles=profiles[:, facing],
        sharp=sharp,
        layered=layered,
    )


@dataclass(frozen=True)
class _Lines:
    """Both contours along a boundary, and the squared widths of both falls."""

    first: Array
    second: Array
    fades: tuple[Quantity, Quantity]

    @classmethod
    def of(cls, across: Array, profiles: Array, along: Array) -> "_Lines":
        half = [_crossings(across, profiles[side], rising=side == 0) for side in (0, 1)]
        fades = []
        for side in (0, 1):
            low, high = (
                _crossings(across, profiles[side], rising=side == 0, level=level) for level in (0.25, 0.75)
            )
            gaps = np.abs(high - low)
            fades.append(_fade(gaps[np.isfinite(gaps)], along))
        return cls(half[0], half[1], (fades[0], fades[1]))

    @property
    def waving(self) -> float:
        """How far the line half way between the contours is from straight, r.m.s. over its places, m."""
        middle = (self.first + self.second) / 2
        middle = middle[np.isfinite(middle)]
        place = np.arange(len(middle))
        return float(np.std(middle - np.polyval(np.polyfit(place, middle, 1), place)))

    @property
    def gaps(self) -> Array:
        """Distances of the contours where both are crossed."""
        gaps = self.first - self.second
        return np.asarray(gaps[np.isfinite(gaps)])


def _fade(quartiles: Array, along: Array) -> Quantity:
    """Variance of a fall beyond the window's by its quartiles' distances along a boundary; σ from their scatter."""
    if not quartiles.size:
        return Quantity(np.nan, np.nan, "m^2")
    middle, sigma = float(np.median(quartiles)), _statistical(quartiles, along)
    low, fade, high = (
        _beyond_window(max(d, 0.0), RESOLUTION) for d in (middle - sigma, middle, middle + sigma)
    )
    return Quantity(fade, (high - low) / 2, "m^2")


def _beyond_window(quartiles: float, window: float) -> float:
    """Variance of a uniform ramp that, seen through a Gaussian window, has its quartiles so far apart.

    Of a fall that is steeper than the window's, the negative variance that the window lacks.
    """
    if quartiles < QUARTILES * window:
        return (quartiles / QUARTILES) ** 2 - window**2
    return float(window * np.interp(quartiles / window, *_ramps_through_window())) ** 2 / 12


@cache
def _ramps_through_window() -> tuple[Array, Array]:
    """Distance of the quartiles of uniform ramps that are seen through a Gaussian window, and their widths, in windows.

    Where a ramp from −w/2 to w/2 has reached three quarters: w·share = ∫ Φ over the ramp.
    """
    ramps, places = np.linspace(0.02, 12, 600), np.linspace(0, 8, 400)
    low, high = (places[:, None] + sign * ramps / 2 for sign in (-1, 1))
    shares = (_integral(high) - _integral(low)) / ramps
    return 2 * np.array([np.interp(0.75, share, places) for share in shares.T]), ramps


def _integral(z: Array) -> Array:
    """Of the normal distribution function."""
    return np.asarray(z * norm.cdf(z) + norm.pdf(z))


def _crossings(across: Array, profiles: Array, *, rising: bool, level: float = 0.5) -> Array:
    """Where each profile passes `level`, nearest to the place that best parts it into below and above."""
    values = profiles if rising else profiles[:, ::-1]
    places = across if rising else across[::-1]
    excess = values - level
    score = np.cumsum(-excess, axis=1) + np.cumsum(excess[:, ::-1], axis=1)[:, ::-1]
    cut = score.argmax(axis=1)
    ups = (excess[:, :-1] < 0) & (excess[:, 1:] >= 0)
    distance = np.where(ups, np.abs(np.arange(ups.shape[1]) - cut[:, None]), np.inf)
    at = distance.argmin(axis=1)
    rows = np.arange(len(values))
    before, after = excess[rows, at], excess[rows, at + 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        found = places[at] - before / (after - before) * (places[at + 1] - places[at])
    clear = (excess[:, -8:].mean(axis=1) > 0) & (excess[:, :8].mean(axis=1) < 0) & ups.any(axis=1)
    return np.where(clear, found, np.nan)


@dataclass(frozen=True)
class _Strip:
    """The image and both lattices on a grid along a boundary, (along, across), and what fits their shares there."""

    picture: Array
    known: Array
    patterns: tuple[Array, Array]
    deep: tuple[Mask, Mask]
    inverse: Array
    sigma: float
    inner: slice
    every: int
    wide: Array
    long: Array
    origin: Array
    tangent: Array
    noise: float

    @property
    def normal(self) -> Array:
        return np.array([self.tangent[1], -self.tangent[0]])

    @property
    def across(self) -> Array:
        return self.wide[self.inner]

    @property
    def along(self) -> Array:
        return self.long[:: self.every]

    @classmethod
    def along_boundary(
        cls, plane: Array, size: float, masks: tuple[Mask, Mask], waves: tuple[Spots, Spots]
    ) -> "_Strip":
        origin, tangent = _straight_line(masks, size)
        normal = np.array([tangent[1], -tangent[0]])
        shape = np.array(plane.shape)
        count = int(np.ceil(np.hypot(*shape)))
        long = size * np.arange(-count, count + 1, dtype=float)
        on = origin + np.outer(long, tangent)
        # The picture's rim has half a window: it is left out.
        rim = 1.5 * RESOLUTION
        long = long[np.all((on > rim) & (on < (shape - 1) * size - rim), axis=1)]
        margin = round(3 * RESOLUTION / size)
        half = round(REACH / size) + margin
        wide = size * np.arange(-half, half + 1, dtype=float)
        if len(long) < FEWEST:
            raise NotPossible("the two grains have no boundary inside the image; are they neighbours?")
        places = (origin + long[:, None, None] * tangent + wide[:, None] * normal) / size
        inside = np.all((places >= 0) & (places <= shape - 1), axis=-1)
        coordinates = np.moveaxis(places, -1, 0)
        picture = ndimage.map_coordinates(plane - plane.mean(), coordinates, order=3, mode="nearest")
        nearest = np.rint(coordinates).astype(int)
        nearest = [np.clip(axis, 0, n - 1) for axis, n in zip(nearest, shape, strict=True)]
        in_grain = [mask[tuple(nearest)] & inside for mask in masks]
        away = round(1e-9 / size)
        side = np.arange(len(wide)) - half
        deep = [grain & (sign * side > away) for grain, sign in zip(in_grain, (1, -1), strict=True)]
        first, second = (
            _pattern(spots, tangent, picture, where if where.any() else grain, long, wide)
            for spots, where, grain in zip(waves, deep, in_grain, strict=True)
        )
        known = inside.astype(float)
        columns = [first * known, second * known, known]
        sigma = RESOLUTION / size
        normal_matrix = np.empty((*picture.shape, 3, 3))
        for i, one in enumerate(columns):
            for j, other in enumerate(columns[: i + 1]):
                normal_matrix[..., i, j] = normal_matrix[..., j, i] = smoothed(one * other, sigma)
        for i, pattern in enumerate((first, second)):
            normal_matrix[..., i, i] += RIDGE * np.mean(pattern**2)
        normal_matrix[..., 2, 2] += 1e-9
        step = max(1, round(STEP / size))
        return cls(
            picture=picture,
            known=known,
            patterns=(first, second),
            deep=(deep[0] if deep[0].any() else in_grain[0], deep[1] if deep[1].any() else in_grain[1]),
            inverse=np.linalg.inv(normal_matrix)[..., :2, :],
            sigma=sigma,
            inner=slice(margin, len(wide) - margin),
            every=step,
            wide=wide,
            long=long,
            origin=origin,
            tangent=tangent,
            noise=float(np.mean([spots.noise for spots in waves])),
        )

    def shares(self, picture: Array) -> Array:
        """Shares of both patterns by least squares in a Gaussian window around each place, (2, along, across).

        Over what each is deep inside its own grain.
        """
        columns = [*self.patterns, np.ones_like(picture)]
        right = np.stack([smoothed(picture * self.known * one, self.sigma) for one in columns], axis=-1)
        found = np.einsum("yxij,yxj->iyx", self.inverse, right)
        for share, deep in zip(found, self.deep, strict=True):
            level = float(np.median(share[deep])) if deep.any() else 1.0
            share /= level if level > 0 else 1.0
        found = found[:, :: self.every, self.inner]
        # Beyond the picture's rim as at the rim.
        inside = self.known[:: self.every, self.inner] > 0
        first, last = inside.argmax(axis=1), inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
        nearest = np.clip(np.arange(inside.shape[1]), first[:, None], last[:, None])
        return np.asarray(np.take_along_axis(found, nearest[None], axis=2))


def _pattern(spots: Spots, tangent: Array, picture: Array, deep: Mask, long: Array, wide: Array) -> Array:
    """The sum of a grain's waves on the grid of a strip, (along, across), as they are deep inside the grain.

    Its spots know the grain up to its end, and some of them only say that it ends: those would let the lattice fade
    in the pattern, too. Fitted away from the end such waves get what they have there, next to nothing.
    """
    normal = np.array([tangent[1], -tangent[0]])
    kept = np.flatnonzero(spots.amplitudes > FAINTEST * spots.amplitudes.max(initial=0.0))
    k = spots.wave_vectors[kept]
    down, across = (
        np.exp(2j * np.pi * np.outer(long, k @ tangent)),
        np.exp(2j * np.pi * np.outer(wide, k @ normal)),
    )
    rows, columns = np.nonzero(deep)
    some = slice(None, None, -(-len(rows) // MOST_FITTED))
    rows, columns = rows[some], columns[some]
    at = down[rows] * across[columns]
    design = np.concatenate([at.real, -at.imag, np.ones((len(at), 1))], axis=1)
    found = np.linalg.lstsq(design, picture[rows, columns], rcond=1e-6)[0]
    factors = found[: len(k)] + 1j * found[len(k) : -1]
    return np.asarray(((down * factors) @ across.T).real)


def _straight_line(masks: tuple[Mask, Mask], size: float) -> tuple[Array, Array]:
    """The straight line that best divides two masks: a point and its direction, the first grain on the left."""
    step = max(4, max(masks[0].shape) // 128)
    points = [size * step * np.argwhere(mask[::step, ::step]) for mask in masks]
    every = np.concatenate(points)
    sides = np.repeat([1.0, -1.0], [len(part) for part in points])
    middle = every.mean(axis=0)
    scaled = np.column_stack([(every - middle) / np.ptp(every), np.ones(len(every))])
    # Logistic regression by a few Newton steps, lightly ridged: the dividing line of two clouds.
    weights = np.linalg.lstsq(scaled, sides, rcond=None)[0] * 4
    for _ in range(12):
        share = 1 / (1 + np.exp(-np.clip(scaled @ weights, -30, 30)))
        slope = scaled.T @ (share - (sides + 1) / 2) + 1e-3 * weights
        curvature = (scaled * (share * (1 - share))[:, None]).T @ scaled + 1e-3 * np.eye(3)
        weights = weights - np.linalg.solve(curvature, slope)
    normal = weights[:2] / np.linalg.norm(weights[:2])
    origin = middle - normal * weights[2] / np.linalg.norm(weights[:2]) * np.ptp(every)
    return origin, np.array([-normal[1], normal[0]])


def _planes_along(spots: Spots, strip: _Strip) -> Array:
    """Wave vectors of planes that run along a boundary, the strongest first, (n, 2)."""
    steep = np.abs(spots.wave_vectors @ strip.normal) / np.hypot(*spots.wave_vectors.T)
    return spots.wave_vectors[steep > ALONG_PLANES]


def _facets(course: Array, strip: _Strip, spots: Spots) -> Array:
    """A course moved onto the nearest of the strongest planes that run along it."""
    along, across = _planes_along(spots, strip)[0] @ np.array([strip.tangent, strip.normal]).T
    return np.asarray((np.rint(along * strip.long + across * course) - along * strip.long) / across)


def _drawn(
    strip: _Strip, waves: tuple[Spots, Spots], facing: Mask, seen: _Lines, *, width: float = 0.0
) -> DrawnBoundaries | None:
    """The strip drawn again from both lattices, each with whole columns up to `width`/2 of a line; studied alike.

    In every draw the line lies elsewhere over the columns: on that the gap hangs most. It is straight. Where the line
    that was seen waves more than any of these, the true one is not known, because a line also waves where columns end:
    in turn it is then as seen, straight, and in facets along the planes of either lattice, which end on one and the
    same place of a column over all their length.
    """
    owners = [_column_heights(pattern, strip) for pattern in strip.patterns]
    lattices = [_over_background(pattern) for pattern in strip.patterns]
    middle = (seen.first + seen.second) / 2
    known = np.isfinite(middle)
    if known.sum() < 2 or any(owner is None for owner in owners):
        return None
    course = np.interp(strip.long, strip.along[facing][known], middle[known])
    course = ndimage.gaussian_filter1d(course, strip.sigma, mode="nearest")
    straight = np.polynomial.Polynomial.fit(strip.long, course, 1)(strip.long)
    rng = np.random.default_rng(0)

    def draws(courses: list[Array]) -> tuple[list[tuple[Any, ...]], list[float]]:
        found, waving = [], []
        for number, shift in enumerate(np.linspace(-1, 1, DRAWS) * LARGEST_SHIFT):
            line = (courses[number % len(courses)] + shift)[:, None]
            first, second = owners
            picture = lattices[0] * (first > line + width / 2) + lattices[1] * (second < line - width / 2)
            picture = picture + strip.noise * rng.standard_normal(picture.shape)
            lines = _Lines.of(strip.across, strip.shares(picture)[:, facing], strip.along)
            if len(lines.gaps) and np.isfinite(lines.fades).all():
                scatter = _statistical(lines.gaps, strip.along)
                found.append((float(np.median(lines.gaps)) - width, scatter, *lines.fades))
                waving.append(lines.waving)
        return found, waving

    drawn, waving = draws([straight])
    if len(drawn) >= DRAWS // 2 and seen.waving > max(waving):
        facets = [_facets(course, strip, spots) for spots in waves if _planes_along(spots, strip).size]
        drawn, _ = draws([course, straight, *facets])
    if len(drawn) < DRAWS // 2:
        return None
    gaps, scatters, *fades = np.array(drawn).T
    return DrawnBoundaries(gaps, scatters, np.stack(fades, axis=1))


def _pitch(strip: _Strip) -> float:
    return float(strip.wide[1] - strip.wide[0])


def _sense(pattern: Array) -> float:
    """+1 of bright columns, -1 of dark ones, as in bright field: then the troughs are narrower than the tops."""
    return 1.0 if np.mean((pattern - pattern.mean()) ** 3) >= 0 else -1.0


def _over_background(pattern: Array) -> Array:
    """A lattice with nothing between its columns: where columns end, their mean level ends, too."""
    sense = _sense(pattern)
    return np.asarray(pattern - sense * np.percentile(sense * pattern, BETWEEN))


def _column_heights(pattern: Array, strip: _Strip) -> Array | None:
    """For each place the height of that column of a lattice which it belongs to: the nearest; None without columns."""
    pitch = _pitch(strip)
    tops = _sense(pattern) * pattern
    wide = 2 * round(0.06e-9 / pitch) + 1
    peaks = np.argwhere(
        (tops == ndimage.maximum_filter(tops, wide)) & (tops > tops.mean() + 0.5 * tops.std())
    )
    if len(peaks) < 4:
        return None
    grid = np.stack(np.meshgrid(*map(np.arange, pattern.shape), indexing="ij"), axis=-1)
    nearest = cKDTree(peaks).query(grid.reshape(-1, 2))[1].reshape(pattern.shape)
    return np.asarray(strip.wide[peaks[nearest, 1]])


@dataclass(frozen=True)
class DisorderedWidth:
    """The layer between the half-way contours of two lattices, m.

    Attributes
    ----------
    width : beyond the gap that boundaries of these lattices show which were drawn as wide, with its error
    upper_limit_95, lower_limit_95 : one-sided; zero is the clean termination
    overlap : of the grains in projection, from how much more slowly each lattice fades than a sharp one
    fading : squared width of the fall beyond that of sharp boundaries, m²: zero is edge-on
    bounded : whether the image allows a limit
    reason : why not
    budget : parts of the error by name
    """

    width: Quantity
    upper_limit_95: float
    lower_limit_95: float
    overlap: Quantity
    fading: Quantity
    bounded: bool
    reason: str
    boundary: Boundary
    budget: dict[str, float]

    @property
    def disordered(self) -> bool:
        """Whether a layer was found: the lower limit is above zero."""
        return self.bounded and self.lower_limit_95 > 0

    def __str__(self) -> str:
        if not self.bounded:
            return f"the width cannot be bounded: {self.reason}"
        limit = f"below {self.upper_limit_95 * 1e9:.2f} nm (95 %)"
        found = "a disordered layer" if self.disordered else "no disordered layer"
        return f"{found}: {self.width.to('nm')}, {limit}; overlap in projection {self.overlap.to('nm')}"


def bound_disordered_width(boundary: Boundary) -> DisorderedWidth:
    """The gap between the places where half of each lattice is left, beyond what a sharp boundary shows.

    An inclined boundary makes both lattices fade over thickness·tan(tilt), about the same place: it
    widens the falls and leaves the gap, up to about 1 nm; beyond, the grains cannot be told apart.

    Parameters
    ----------
    boundary : from `find_boundary`
    """
    gaps = boundary.first - boundary.second
    known = np.isfinite(gaps)
    none = Quantity(np.nan, np.nan, "m")
    if known.sum() < 4 or boundary.sharp is None:
        reason = (
            "the lattices show no columns" if known.sum() >= 4 else "no place shows the ends of both lattices"
        )
        nothing = Quantity(np.nan, np.nan, "m^2")
        return DisorderedWidth(none, np.inf, 0.0, none, nothing, False, reason, boundary, {})
    sharp = boundary.sharp
    fading = sharp.fading(boundary.fades)
    overlap = _overlap(fading)
    reason = ""
    if known.mean() < LEAST_CROSSED:
        reason = f"both lattices end on only {known.mean():.0%} of the boundary"
    elif not np.isfinite(overlap) or overlap > LARGEST_OVERLAP:
        reason = f"the grains overlap by {overlap * 1e9:.1f} nm in projection, over 1 nm"
    drawn = boundary.layered or sharp
    # The scatter that the draws show, too, is in how they differ among each other.
    scatter = _statistical(gaps[known], boundary.along)
    excess = float(np.sqrt(max(scatter**2 - float(np.mean(drawn.scatters**2)), 0.0)))
    budget = {
        "where the columns lie, and noise": drawn.gap.uncertainty,
        "other scatter along the boundary": excess,
    }
    sigma = float(np.linalg.norm(list(budget.values())))
    width = Quantity(float(np.median(gaps[known])) - float(drawn.gap), sigma, "m")
    allowed = drawn.quantile * sigma + DECHANNELLING
    upper = np.inf if reason else max(float(width), 0.0) + allowed
    lower = 0.0 if reason else max(float(width) - allowed, 0.0)
    return DisorderedWidth(width, upper, lower, overlap, fading, not reason, reason, boundary, budget)


def _overlap(fading: Quantity) -> Quantity:
    """Width of a uniform ramp with this variance; where there is none, how wide one could be."""
    width = float(np.sqrt(12 * max(float(fading), 0.0)))
    sigma = fading.uncertainty
    upper = float(np.sqrt(12 * (max(float(fading), 0.0) + sigma)))
    return Quantity(width, upper - width, "m")


def _statistical(gaps: Array, along: Array) -> float:
    """Error of the median from the scatter along the boundary, over its independent places."""
    return float(1.25 * mad_sigma(gaps - np.median(gaps)) / np.sqrt(_independent(len(gaps), along)))


def _independent(count: int, along: Array) -> float:
    """Of so many places along a boundary those that know other pixels."""
    return max(count * float(np.median(np.diff(along))) / CORRELATION, 1.0)


@dataclass(frozen=True, repr=False)
class LayerStudy(StudyResult):
    """What lies between the grains of one image.

    Attributes
    ----------
    image : that was studied
    widths : of each pair of neighbours, by the names of both
    missing : pairs that are no neighbours or show no lattice, with the reason
    """

    image: LatticeImage
    widths: dict[str, DisorderedWidth]
    missing: dict[str, str]

    def rows(self) -> list[Row]:
        rows = []
        for number, (name, found) in enumerate(self.widths.items(), 1):
            key = f"{self.image.key}_{number}" if len(self.widths) > 1 else self.image.key
            end = f", {name}" if len(self.widths) > 1 else ""
            if found.bounded:
                limit = Quantity(found.upper_limit_95, np.nan, "m")
                how = "half-way contours, less those of boundaries drawn as wide"
                rows.append(Row(f"layer{end}", found.width, how, f"{key}_width", "nm"))
                rows.append(Row(f"layer below{end}", limit, "95 %, one-sided", f"{key}_limit", "nm"))
            rows.append(
                Row(
                    f"overlap in projection{end}",
                    found.overlap,
                    "fading of both lattices",
                    f"{key}_overlap",
                    "nm",
                )
            )
        return rows

    def notes(self) -> list[str]:
        said = [
            f"{name}: " + ("a layer without a lattice" if w.disordered else "no layer beyond the error")
            for name, w in self.widths.items()
            if w.bounded
        ]
        said += [
            f"{name}: the width cannot be bounded: {w.reason}"
            for name, w in self.widths.items()
            if not w.bounded
        ]
        said += [f"{name}: {reason}" for name, reason in self.missing.items()]
        said.append(
            f"the limits allow {1e9 * DECHANNELLING:.2f} nm for last planes that channel badly, an assumption"
        )
        return said

    @property
    def widest(self) -> DisorderedWidth:
        """That of the weakest limit."""
        return max(self.widths.values(), key=lambda one: one.upper_limit_95)


def estimate_layers(grains: GrainsStudy) -> LayerStudy:
    """The layer between each pair of neighbouring grains, indexed or not.

    Raises
    ------
    NotPossible
        One grain; no pair of neighbours.
    """
    found, missing = {}, {}
    own = grains.grains
    if len(own) < 2:
        raise NotPossible(f"{grains.image.name} shows one grain, no interface")
    for one, other in combinations(range(len(own)), 2):
        name = f"{own.name(one)} | {own.name(other)}"
        try:
            line = find_boundary(
                grains.image.plane,
                (own.masks[one], own.masks[other]),
                (own.waves[one], own.waves[other]),
                grains.image.pixel_size,
            )
        except NotPossible as reason:
            missing[name] = str(reason)
            continue
        found[name] = bound_disordered_width(line)
    if not found:
        raise NotPossible("; ".join(missing.values()))
    return LayerStudy(grains.image, found, missing)
