"""From grey values to phases: slices laid on each other, stripes and noise taken out, thresholds and how far they hold.

Volumes are worked on slice by slice, and levels are read off a part of a large one.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.results import NotPossible
from nbtools.statistics.arrays import real_array
from nbtools.statistics.choice import ceil_whole
from nbtools.statistics.resampling import jackknife_error

Array = NDArray[np.float32]
Labels = NDArray[np.uint8]
Method = Literal["midpoint", "otsu", "fraction", "two-threshold"]
Classes = Literal["auto", 2, 3]
Filter = Literal["gaussian", "median"]
BRIGHT, DARK, BLACK = 0, 1, 2  # labels: MgO, MgB2, pore

EM_ROUNDS = 200
DEEP = 5  # pixels a side of a box that lies whole in one phase: there a grey value is the phase's own
RIM = 5  # pixels a side of the box round a black voxel in which a blurred edge lies
LEVELS_FROM = 1 << 23  # voxels from which levels are read
# Between two phases lie edges: at the grey half-way the squared gradient is larger than inside either, in grey values
# of one kind it is about as large, whatever their histogram (normal, exponential, lognormal). A field of few grains
# gives any ratio: so it must exceed `EDGES` by `SURE` of its own standard deviations, from so many blocks a side.
# Of 1,800 such textures, 128 pixels a side, 15 pass; of 144 images of two phases at a contrast to noise from 2 up, all.
EDGES = 1.35
SURE, BLOCKS = 2.0, 4
# Where edges are few and noise is strong, the histogram decides: distance of two classes over the root mean square of
# their widths (Ashman, Bird and Zepf, Astron. J. 108, 2348 (1994)). Grey values of one kind give up to 1.9.
SEPARATE = 2.5
LEAST_SHARE = 0.02  # of the smaller class: less of it are outliers
LEAST_PORES = 3e-4
# That distance of pores from the dark phase. Without pores up to 2.9, with them 4.7 and more.
PORES = 3.5
FIFTHS = 5  # of a pixel, in which a drift is found
LONGEST_STEP = 8  # pixels a slice: a match further off is a chance one


def checked_grey(image: Any, *, dimensions: int | None = None) -> Array:
    """Grey values as 32-bit numbers; refuses what is no image.

    Parameters
    ----------
    image : (y, x) or (z, y, x), any real numbers
    dimensions : 2 or 3, where only one of them will do

    Raises
    ------
    NotPossible
        Another number of axes, text or complex numbers, NaN, one grey value everywhere.
    """
    masked = isinstance(image, np.ma.MaskedArray)
    grey: Any = real_array(image, "the image") if masked else np.asarray(image)
    allowed = (dimensions,) if dimensions else (2, 3)
    if grey.ndim not in allowed or grey.dtype.kind not in "buif":
        raise NotPossible(
            f"an array of shape {grey.shape} and type {grey.dtype} came; grey values with "
            f"{' or '.join(map(str, allowed))} axes are expected"
        )
    grey = grey.astype(np.float32, copy=False)
    if not np.isfinite(grey.min() + grey.max()):
        raise NotPossible(
            f"{np.sum(~np.isfinite(grey))} grey values are NaN or infinite: cut or fill them first"
        )
    if grey.min() == grey.max():
        raise NotPossible(f"every grey value is {grey.flat[0]:g}: there is nothing to tell apart")
    return np.asarray(grey, np.float32)


def _planes(grey: Array) -> Array:
    """A section as a volume of one slice."""
    return grey if grey.ndim == 3 else grey[None]


# ---- slices on each other, stripes, noise


@dataclass(frozen=True)
class Alignment:
    """A stack whose slices lie on each other.

    Attributes
    ----------
    stack : (z, y, x), cut to the field that every slice shows
    offsets : (z, 2), how far each slice was off, pixels (y, x)
    """

    stack: Array
    offsets: NDArray[np.float64]

    def __str__(self) -> str:
        wander = np.abs(self.offsets).max()
        return f"drift up to {wander:.1f} pixels; {' × '.join(map(str, self.stack.shape))} voxels are left"


def align_slices(stack: Any) -> Alignment:
    """Shift each slice onto the one before, by the peak of their smoothed cross-correlation.

    Neighbouring slices of a real structure differ, which a match takes for drift: a third of a pixel a slice in the
    twin. Lengths along z come out some per cent short, and a slow shear is not seen at all.

    Parameters
    ----------
    stack : (z, y, x), any grey values

    Source: Guizar-Sicairos, Thurman and Fienup, Opt. Lett. 33, 156 (2008), by scikit-image.
    """
    from skimage.registration import phase_cross_correlation

    grey = checked_grey(stack, dimensions=3)
    window = np.outer(*(np.hanning(side) for side in grey.shape[1:])).astype(np.float32)
    means = rough_means(grey)

    def smooth(face: Array) -> Array:
        # Curtains and noise stay where they are while the sample moves: they would pin the match to zero.
        clean = ndimage.gaussian_filter(_without_stripes(face, means), 1.5)
        return np.asarray((clean - clean.mean()) * window)

    steps = np.zeros((len(grey), 2))
    before = smooth(grey[0])
    for number in range(1, len(grey)):
        here = smooth(grey[number])
        steps[number], *_ = phase_cross_correlation(before, here, upsample_factor=FIFTHS, normalization=None)
        before = here
    # In whole parts of a pixel: their sum is then exact, and a drift of whole pixels stays one.
    steps = np.round(steps * FIFTHS)
    steps[np.abs(steps).max(axis=1) > LONGEST_STEP * FIFTHS] = 0.0
    offsets = np.cumsum(-steps, axis=0)
    offsets = (offsets - np.median(offsets, axis=0)) / FIFTHS
    return Alignment(shifted_back(grey, offsets), offsets)


def shifted_back(stack: Any, offsets: NDArray[np.float64]) -> Array:
    """Slices moved by −offset and cut to what all of them show.

    Parameters
    ----------
    stack : (z, y, x)
    offsets : (z, 2), pixels
    """
    faces = np.asarray(stack)
    first = ceil_whole(np.maximum(0, -offsets.min(axis=0)))
    last = ceil_whole(np.maximum(0, offsets.max(axis=0)))
    cuts = tuple(slice(a, side - b) for a, b, side in zip(first, last, faces.shape[1:], strict=True))
    left = np.empty((len(faces), *faces[0][cuts].shape), faces.dtype)
    for number, (face, offset) in enumerate(zip(faces, offsets, strict=True)):
        left[number] = ndimage.shift(face, -offset, order=1, mode="nearest")[cuts]
    return left


def rough_means(grey: Array) -> tuple[float, float, float]:
    """A threshold, and the mean greys above and below it, of smoothed grey values."""
    part = _part(grey)
    smooth = ndimage.gaussian_filter(part, (*[0] * (grey.ndim - 2), 2, 2))
    cut = grey_classes(smooth, count=2).threshold(0)
    rough = smooth < cut
    if rough.all() or not rough.any():
        return cut, float(part.mean()), float(part.mean())
    return cut, float(part[~rough].mean()), float(part[rough].mean())


def remove_stripes(image: Any) -> Array:
    """Take out what is the same along a whole column (curtains) or a whole line (charging) of a slice.

    The phases are told apart roughly first, and only what is left beside their mean greys is averaged:
    a column that holds much of one phase is no stripe.

    Parameters
    ----------
    image : (y, x), or (z, y, x) slice by slice
    """
    grey = checked_grey(image)
    means = rough_means(grey)
    clean = np.empty_like(grey)
    for target, face in zip(_planes(clean), _planes(grey), strict=True):
        target[:] = _without_stripes(face, means)
    return clean


def _without_stripes(face: Array, means: tuple[float, float, float]) -> Array:
    """A stripe is a factor where both greys lie well above zero; around zero there is none, and it is a shift."""
    cut, bright, dark = means
    step = max(bright - dark, 1e-30)
    a_factor = min(bright, dark) > 0.1 * step
    for _ in range(2):  # the second time the phases are known better
        level = np.where(ndimage.gaussian_filter(face, 2) < cut, dark, bright).astype(np.float32)
        # At a blurred edge the rest is large and of no stripe's making: medians pass over it.
        rest = (face - level) / (level if a_factor else np.float32(step))
        for axis in (0, 1):
            rest -= (stripe := np.median(rest, axis=axis, keepdims=True))
            face = face / (1 + stripe) if a_factor else face - step * stripe
    return np.asarray(face, np.float32)


def denoise(image: Any, *, method: Filter = "gaussian", size: float = 1.0) -> Array:
    """Take noise away by a Gaussian or a median over `size` pixels of an image (y, x) or volume (z, y, x)."""
    grey = checked_grey(image)
    if method == "gaussian":
        return np.asarray(ndimage.gaussian_filter(grey, size), np.float32)
    return np.asarray(ndimage.median_filter(grey, 2 * max(1, round(size)) + 1), np.float32)


# ---- levels


@dataclass(frozen=True)
class GreyClasses:
    """A mixture of normal distributions fitted to a histogram, from the brightest class down.

    Attributes
    ----------
    shares, means, spreads : of each class
    """

    shares: tuple[float, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]

    def threshold(self, between: int) -> float:
        """Half-way between class `between` and the next darker one."""
        return (self.means[between] + self.means[between + 1]) / 2

    def separation(self, between: int) -> float:
        """Distance of class `between` and the next darker one over the root mean square of their widths."""
        apart = self.means[between] - self.means[between + 1]
        return apart / math.hypot(self.spreads[between], self.spreads[between + 1]) * math.sqrt(2)


def _part(grey: Array) -> Array:
    """At most `LEVELS_FROM` voxels: whole slices, in blocks of four, evenly over a volume."""
    if grey.ndim == 2 or grey.size <= LEVELS_FROM:
        return grey
    blocks = max(1, LEVELS_FROM // grey[0].size // 4)
    starts = np.linspace(0, len(grey) - 4, blocks).astype(int)
    return grey[np.unique((starts[:, None] + np.arange(4)).ravel())]


def grey_classes(grey: Array, *, count: int) -> GreyClasses:
    """Expectation and maximisation on a histogram of 512 bins, started from Otsu's thresholds.

    Source: Dempster, Laird and Rubin, J. R. Stat. Soc. B 39, 1 (1977).
    """
    from skimage.filters import threshold_multiotsu

    heights, edges = np.histogram(grey, 512)
    x, weights = (edges[1:] + edges[:-1]) / 2, heights / heights.sum()
    cuts = threshold_multiotsu(hist=(heights, x), classes=2)
    labels = np.digitize(x, cuts, right=True)  # what lies at a threshold is below it
    if count == 3:  # pores are few: below the dark mean by as much as the bright one is above it
        low, high = (np.average(x[labels == k], weights=weights[labels == k]) for k in (0, 1))
        labels = np.digitize(x, [low - 0.55 * (high - low), *cuts])
    shares, means, spreads = np.zeros(count), np.full(count, x[0]), np.zeros(count)
    member = np.array([labels == k for k in range(count)], float)
    for _ in range(EM_ROUNDS):
        mass = member * weights
        shares = np.maximum(mass.sum(axis=1), 1e-9)
        means = np.where(shares > 1e-9, mass @ x / shares, means)  # an empty class stays where it is
        spreads = np.sqrt(
            np.maximum((mass * (x - means[:, None]) ** 2).sum(axis=1) / shares, np.ptp(x) ** 2 * 1e-6)
        )
        density = (
            shares[:, None] / spreads[:, None] * np.exp(-(((x - means[:, None]) / spreads[:, None]) ** 2) / 2)
        )
        member = density / np.maximum(density.sum(axis=0), 1e-300)
    order = np.argsort(-means, kind="stable")
    return GreyClasses(*(tuple(map(float, values[order])) for values in (shares, means, spreads)))


def own_levels(grey: Array, fitted: GreyClasses) -> GreyClasses:
    """The classes with the median grey of what lies deep inside each phase, which no edge has blurred."""
    means = list(fitted.means)
    for _ in range(3):
        cut = (means[0] + means[1]) / 2
        low = (means[1] + means[2]) / 2 if len(means) == 3 else -math.inf
        for number, inside in enumerate((grey >= cut, (grey < cut) & (grey >= low))):
            deep = grey[ndimage.minimum_filter(inside, DEEP)]
            if deep.size >= 50:
                means[number] = float(np.median(deep))
    return GreyClasses(fitted.shares, tuple(means), fitted.spreads)


def edge_strength(grey: Array, levels: GreyClasses) -> tuple[float, float]:
    """Mean squared gradient half-way between two levels over that at the levels, m²/(max(a, b) √(ab)), and its spread.

    About one of noise or a texture of one kind; large where two phases meet at edges. The spread is the standard
    deviation of its logarithm, by leaving out blocks of the field one by one: few grains say little.
    """
    squared = sum(along**2 for along in np.gradient(grey)[-2:])
    step = levels.means[0] - levels.means[1]
    near = [np.abs(grey - g) < 0.15 * step for g in (levels.threshold(0), *levels.means[:2])]
    sums, counts = (
        np.array([_by_block(np.where(one, of, 0)) for one in near]) for of in (squared, np.float32(1))
    )

    def strength(left_out: int | None = None) -> float:
        parts = [0.0 if left_out is None else array[:, left_out] for array in (sums, counts)]
        total, number = sums.sum(axis=1) - parts[0], counts.sum(axis=1) - parts[1]
        if np.any(number < 20):
            # With no grey value between them the edges are as sharp as can be.
            return math.inf if number[0] < 20 and step > 0 else 0.0
        middle, bright, dark = total / number
        return float(middle**2 / max(max(bright, dark) * math.sqrt(bright * dark), 1e-30))

    found = strength()
    if not 0 < found < math.inf:
        return found, 0.0
    others = np.array([strength(block) for block in range(sums.shape[1])])
    logs = np.log(others[(others > 0) & np.isfinite(others)])
    return found, jackknife_error(logs) if len(logs) > 1 else 0.0


def _by_block(values: Array) -> NDArray[np.float64]:
    """Sums over the blocks of a field, four along y and x."""
    summed = values.reshape(-1, *values.shape[-2:]).sum(axis=0, dtype=float)
    for axis in (0, 1):
        starts = np.arange(BLOCKS) * summed.shape[axis] // BLOCKS
        summed = np.add.reduceat(summed, starts, axis=axis)
    return np.asarray(summed.ravel())


# ---- phases


@dataclass(frozen=True)
class Segmentation:
    """Phases by grey level, the darkest class being pores where there are three.

    Attributes
    ----------
    labels : 0 bright, 1 dark (the phase), 2 black (pores)
    thresholds : grey levels between the classes, from the brightest down
    levels : grey of each class, from the brightest down
    edges : squared gradient half-way between bright and dark over that inside them, which tells two phases from one
    fraction, pore_fraction : share of the voxels
    moves : how far `fraction` is uncertain: the furthest that another usual threshold would put it (half-way between
        the inner greys of two classes or of three, Otsu's, a tenth of the step either way), and half of what the
        class of pores takes
    method : of the threshold
    why_classes : why there are two or three classes
    """

    labels: Labels
    thresholds: tuple[float, ...]
    levels: tuple[float, ...]
    edges: float
    fraction: float
    pore_fraction: float
    moves: float
    method: str
    why_classes: str

    @property
    def phase(self) -> NDArray[np.bool_]:
        """Where the dark phase is."""
        return self.labels == DARK


def segment(
    image: Any, *, method: Method = "midpoint", classes: Classes = "auto", fraction: float | None = None
) -> Segmentation:
    """Give every voxel a phase by its grey level; the dark one is the phase, black ones are pores.

    ``"midpoint"`` cuts half-way between the mean greys of the classes, where a blurred edge keeps its place
    (the means from a mixture of normal distributions); ``"otsu"`` between the classes of least variance;
    ``"fraction"`` so that `fraction` is dark or black; ``"two-threshold"`` takes what is surely dark, and
    what hangs on it.

    Parameters
    ----------
    image : (y, x) or (z, y, x), grey
    method : of the threshold between bright and dark
    classes : 2, or 3 with pores; "auto" looks for pores and says what it found
    fraction : share that is to be dark, of the method "fraction"

    Raises
    ------
    NotPossible
        An image without two grey levels that can be told apart, or with NaN.
    ValueError
        An unknown method or number of classes, a fraction missing or out of range.
    """
    grey = checked_grey(image)
    if classes not in ("auto", 2, 3):
        raise ValueError(f"classes is {classes!r}; 2, 3 with pores, or 'auto'")
    part = _part(grey)
    two = grey_classes(part, count=2)
    edges, spread = edge_strength(part, own_levels(part, two))
    needed = EDGES * math.exp(SURE * spread)
    in_histogram = two.separation(0) >= SEPARATE and min(two.shares) >= LEAST_SHARE
    if edges < needed and not (edges >= needed / EDGES and in_histogram):
        raise NotPossible(
            f"no two phases to tell apart: the grey values are of one kind (no edges between two of them: {edges:.2f} "
            f"times the gradient inside, {needed:.2f} are needed). Denoise more, or take an image with more contrast"
        )
    three = grey_classes(part, count=3)
    found = (
        three.separation(1) >= PORES
        and min(three.shares[:2]) >= LEAST_SHARE
        and three.shares[2] >= LEAST_PORES
    )
    with_pores = classes == 3 or (classes == "auto" and found)
    said = f"pores lie {three.separation(1):.1f} of their widths below the dark phase"
    if classes == "auto":
        said = f"{said}: three classes" if found else "no pores were found: two classes"
    else:
        said = f"{classes} classes were asked for" + (
            "" if found == with_pores else ", against the grey values"
        )
    fitted = own_levels(part, three if with_pores else two)
    upper = _upper_threshold(part, fitted, method, fraction)
    step = fitted.means[0] - fitted.means[1]
    lower = fitted.threshold(1) if with_pores else -math.inf
    labels = _labelled(
        grey, fitted, upper, lower, hysteresis=0.15 * step if method == "two-threshold" else 0.0
    )
    share, pores = (float(np.count_nonzero(labels == which) / labels.size) for which in (DARK, BLACK))
    moves = 0.0
    if method != "fraction":
        others = [upper - 0.1 * step, upper + 0.1 * step, *_other_thresholds(part, two, three)]
        shares = np.array([np.mean((part < cut) & (part >= lower)) for cut in [upper, *others]])
        moves = float(np.abs(shares - shares[0]).max())
    return Segmentation(
        labels=labels,
        thresholds=(upper, lower) if with_pores else (upper,),
        levels=fitted.means,
        edges=edges,
        fraction=share,
        pore_fraction=pores,
        moves=math.hypot(moves, pores / 2),
        method=method,
        why_classes=said,
    )


def _other_thresholds(grey: Array, two: GreyClasses, three: GreyClasses) -> list[float]:
    """What else a physicist might take: half-way between the inner greys of two classes or of three, and Otsu's."""
    from skimage.filters import threshold_otsu

    usual = (two, three) if three.shares[2] >= LEAST_PORES else (two,)  # a class with nothing in it is none
    halves = [own_levels(grey, fitted).threshold(0) for fitted in usual]
    return [*halves, float(threshold_otsu(grey))]


def _labelled(
    grey: Array, fitted: GreyClasses, upper: float, lower: float, *, hysteresis: float = 0.0
) -> Labels:
    """Labels in slabs of slices, each with the neighbours that rims reach into."""
    if hysteresis:
        from skimage.filters import apply_hysteresis_threshold

        dark = apply_hysteresis_threshold(-grey, -(upper + hysteresis), -(upper - hysteresis))
    else:
        dark = grey < upper
    labels = dark.view(np.uint8)
    if not np.isfinite(lower):
        return labels
    if grey.ndim == 2:
        return _with_pores(grey, labels, fitted, lower)
    result = np.empty_like(labels)
    slab, reach = max(8, LEVELS_FROM // grey[0].size), RIM - 1
    for start in range(0, len(grey), slab):
        first, last = max(0, start - reach), min(len(grey), start + slab + reach)
        part = _with_pores(grey[first:last], labels[first:last], fitted, lower)
        result[start : start + slab] = part[start - first : start - first + slab]
    return result


def _with_pores(grey: Array, labels: Labels, fitted: GreyClasses, lower: float) -> Labels:
    """Black cores with their rims: an edge from bright to black passes through the grey of the dark phase."""
    black = grey < lower
    # A rim is dark only between the two; what hangs on dark voxels beyond it is the phase.
    rim = ndimage.maximum_filter(black, RIM) & (labels == DARK) & ~black
    beyond = (labels == DARK) & ~black & ~rim
    lone = rim & ~ndimage.maximum_filter(beyond, RIM)
    middle = (fitted.means[0] + fitted.means[2]) / 2
    result = np.where(lone, np.where(grey < middle, BLACK, BRIGHT), labels)
    result[black] = BLACK
    return result.astype(np.uint8)


def _upper_threshold(grey: Array, fitted: GreyClasses, method: str, fraction: float | None) -> float:
    if method in ("midpoint", "two-threshold"):
        return fitted.threshold(0)
    if method == "otsu":
        from skimage.filters import threshold_otsu

        return float(threshold_otsu(grey))
    if method != "fraction":
        raise ValueError(f"method is {method!r}; it is midpoint, otsu, fraction or two-threshold")
    if fraction is None or not 0 < fraction < 1:
        raise ValueError(f"fraction is {fraction!r}; the share that is to be dark is expected, as 0.265")
    return float(np.quantile(grey, fraction))


def overlap(first: Any, second: Any) -> dict[str, float]:
    """Dice's coefficient and Matthews' correlation of two masks of the same shape."""
    a, b = np.asarray(first, bool), np.asarray(second, bool)
    if a.shape != b.shape:
        raise ValueError(f"masks of shape {a.shape} and {b.shape} came; they must cover the same field")
    both, either = float(np.sum(a & b)), float(a.sum() + b.sum())
    p, q, pq = a.mean(), b.mean(), (a & b).mean()
    spread = math.sqrt(max(p * (1 - p) * q * (1 - q), 0.0))
    return {
        "dice": 2 * both / either if either else math.nan,
        "mcc": float((pq - p * q) / spread) if spread else math.nan,
    }
