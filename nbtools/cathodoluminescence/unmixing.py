"""Maps of bands whose shapes are the same everywhere: one weighted linear solve for all pixels, and a test of that."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from nbtools.cathodoluminescence.bands import (
    BACKGROUNDS,
    DIM,
    LEAST_LIGHT,
    STATUS,
    Background,
    BandFit,
    MapFit,
    background_powers,
    coarse_size,
    fit_map,
    fit_spectrum,
    misfit_factor,
    pixel_status,
)
from nbtools.cathodoluminescence.spectra import EnergySpectra, Index, sum_groups
from nbtools.results import NotPossible

Array = NDArray[np.float64]
# Pixels that the test looks at: noise then moves the mean fall of χ² by 2 %, beside the 10 % that are tolerated.
SAMPLE = 1024
CERTAIN = 0.01
# A scatter of shapes this small beside what noise makes of one pixel's biases its heights by less than 0.3 σ.
TOLERATED = 0.1
# Groups of channels to the narrowest band's standard deviation: heights scatter by 0.4 % more than from all channels.
GROUPS = 3
BLOCK = 1 << 20  # numbers of a block of pixels


@dataclass(frozen=True)
class ShapeTest:
    """Whether all pixels share the bands' shapes.

    In each pixel the bands' first changes with centre and width are added to the linear fit. Where the shapes are
    common, χ² falls by twice the number of bands on average, which is what noise buys.

    Attributes
    ----------
    fall : by how much χ² falls, mean of the pixels, in units of what noise leaves
    parameters : by how much it falls where the shapes are common
    pixels : how many were looked at
    p_value : how often noise alone makes it fall as much
    moves : by how much the centres differ from pixel to pixel beyond the noise, eV (rms), one a band
    """

    fall: float
    parameters: int
    pixels: int
    p_value: float
    moves: tuple[float, ...]

    @property
    def common(self) -> bool:
        """Not rejected at p < 0.01, or by too little to matter in any one pixel."""
        return self.p_value >= CERTAIN or self.fall / self.parameters - 1 < TOLERATED

    def __str__(self) -> str:
        verdict = "one set of shapes serves all pixels" if self.common else "the shapes differ between pixels"
        moved = (
            "" if self.common else f"; centres move by {', '.join(f'{m:.2g}' for m in self.moves)} eV (rms)"
        )
        return (
            f"{verdict}: free shapes lower χ² by {self.fall:.3g} a pixel, noise by {self.parameters} "
            f"({self.pixels} pixels, p = {self.p_value:.2g}){moved}"
        )


@dataclass(frozen=True)
class Unmixed:
    """Heights of given shapes in every pixel; arrays of shape (y, x, …), NaN where a pixel could not be used.

    Attributes
    ----------
    shapes : the bands of the mean spectrum, whose centres and widths hold everywhere
    heights, height_uncertainties : counts a channel, shape (y, x, k)
    background : counts a channel, shape (y, x, b)
    areas, area_uncertainties : counts a channel × eV, shape (y, x, k); σ is of the pixel's own noise
    area_errors_shared : σ of the areas by how well the shapes are known; all pixels are off to the same side
    chi_square : shape (y, x), for `freedom` degrees of freedom
    widened : factor by which σ was widened where the shapes do not follow a spectrum, shape (y, x)
    success : shape (y, x), bool
    status : why not, an index into `bands.STATUS`
    test : whether the shapes are common
    """

    shapes: BandFit
    heights: Array
    height_uncertainties: Array
    background: Array
    areas: Array
    area_uncertainties: Array
    area_errors_shared: Array
    chi_square: Array
    freedom: int
    widened: Array
    success: NDArray[np.bool_]
    status: NDArray[np.int8]
    test: ShapeTest

    @property
    def energy(self) -> Array:
        return self.shapes.energy

    @property
    def bands(self) -> tuple[str, ...]:
        return self.shapes.names

    @property
    def centres(self) -> Array:
        """eV, the same in every pixel."""
        return _everywhere(self.shapes.centres, self.success)

    @property
    def centre_uncertainties(self) -> Array:
        return _everywhere([c.uncertainty for c in self.shapes.centres], self.success)

    @property
    def widths(self) -> Array:
        """eV, standard deviation, the same in every pixel."""
        return _everywhere(self.shapes.widths, self.success)

    @property
    def failures(self) -> dict[str, int]:
        """How many pixels failed, by reason."""
        return {why: int(n) for i, why in enumerate(STATUS) if i and (n := np.sum(self.status == i))}

    @property
    def missing(self) -> dict[str, str]:
        return self.shapes.missing

    def __str__(self) -> str:
        done, total = int(self.success.sum()), self.success.size
        middle = np.nanmedian(self.chi_square) if done else np.nan
        lines = [f"{done} of {total} pixels unmixed, χ² {middle:.0f} for {self.freedom} (median)"]
        return "\n".join(
            [*lines, str(self.test), *(f"  {n} pixels: {why}" for why, n in self.failures.items())]
        )


def _everywhere(values: Any, success: NDArray[np.bool_]) -> Array:
    each = np.array([float(v) for v in values])
    return np.where(success[..., None], each, np.nan)


def unmix_map(
    spectra: EnergySpectra, bands: Any, *, background: Background = "constant", shapes: BandFit | None = None
) -> Unmixed:
    """Heights of bands in every pixel, their shapes taken from the mean spectrum; and a test whether these hold.

    Parameters
    ----------
    spectra : from `prepare_spectra` or `energy_spectra`
    bands : the centre of each in eV, or as `fit_bands` has them
    background : "none", "constant" or "linear"
    shapes : bands whose centres and widths are taken as they are, in place of those of the mean spectrum

    Raises
    ------
    NotPossible
        Bands off the axis; a mean spectrum in which none is found; no pixel that can be used.
    """
    status = pixel_status(spectra)
    good = np.flatnonzero(status == 0)
    if not good.size:
        raise NotPossible(f"no pixel can be fitted: {', '.join({STATUS[s] for s in status})}")
    found = fit_spectrum(spectra.mean(good), bands, background=background) if shapes is None else shapes
    if not found:
        raise NotPossible(f"the mean spectrum gives no shapes: {found.reason}")
    bells, slopes = _columns(found)
    powers = background_powers(spectra.energy, BACKGROUNDS[background])
    k, b = len(bells), len(powers)
    size = _group_size(found, k + b + len(slopes))
    columns = sum_groups(np.concatenate([bells, powers]), np.ones(spectra.energy.size), size)
    slopes = sum_groups(slopes, np.ones(spectra.energy.size), size)
    linear, sigma = np.full((len(spectra), k + b), np.nan), np.full((len(spectra), k + b), np.nan)
    chi_square = np.full(len(spectra), np.nan)
    for part in spectra.blocks(good, BLOCK):
        light, variance = spectra.grouped(part, size)
        linear[part], errors, chi_square[part], floor = _solve(light, 1 / variance, columns, k)
        sigma[part] = np.sqrt(errors)
        status[part[floor - chi_square[part] < LEAST_LIGHT]] = DIM
    done = status == 0
    linear[~done], sigma[~done], chi_square[~done] = np.nan, np.nan, np.nan
    freedom = columns.shape[1] - k - b
    widened = misfit_factor(chi_square, freedom)
    sigma *= widened[:, None]
    unit = np.sqrt(2 * np.pi) * np.array([float(w) for w in found.widths])
    shared = _errors_shared(linear[:, :k], columns, slopes, spectra.mean(good), found, size) * unit
    shape = spectra.shape

    def placed(values: NDArray[Any]) -> NDArray[Any]:
        return values.reshape(*shape, *values.shape[1:])

    return Unmixed(
        shapes=found,
        heights=placed(linear[:, :k]),
        height_uncertainties=placed(sigma[:, :k]),
        background=placed(linear[:, k:]),
        areas=placed(linear[:, :k] * unit),
        area_uncertainties=placed(sigma[:, :k] * unit),
        area_errors_shared=placed(shared),
        chi_square=placed(chi_square),
        freedom=freedom,
        widened=placed(widened),
        success=placed(done),
        status=placed(status),
        test=_test_shapes(spectra, np.flatnonzero(done), columns, slopes, found, size),
    )


def _columns(shapes: BandFit) -> tuple[Array, Array]:
    """The bands at height 1, and their changes with centre and with width in units of the width, (k, n) and (2k, n)."""
    centres = np.array([[float(c)] for c in shapes.centres])
    widths = np.array([[float(w)] for w in shapes.widths])
    u = (shapes.energy - centres) / widths
    bells = np.exp(-0.5 * u**2)
    return bells, np.concatenate([bells * u, bells * u**2])


def _errors_shared(
    heights: Array, columns: Array, slopes: Array, mean: EnergySpectra, shapes: BandFit, size: int
) -> Array:
    """σ of each pixel's areas over √2π w by the covariance of the shapes, (P, k), all weighed as the mean spectrum.

    Overlapping bands trade light when a shape is off: the linear fit answers −∂bands/∂shape with other heights.
    """
    k = len(shapes.names)
    weights = 1 / mean.grouped(slice(None), size)[1][0]
    answer = -np.linalg.solve((columns * weights) @ columns.T, (columns * weights) @ slopes.T)[:k]
    answer[np.arange(k), k + np.arange(k)] += 1  # an area goes with its own width
    widths = np.tile([float(w) for w in shapes.widths], 2)
    spread = shapes.shape_covariance / np.outer(widths, widths)
    # Every shape acts in proportion to its band's height: centre and width of a band are taken together.
    each = np.einsum("ai,ij,aj->aij", answer, spread, answer)
    joined = each.reshape(k, 2, k, 2, k).sum((1, 3))
    return np.sqrt(np.maximum(np.einsum("pi,aij,pj->pa", heights, joined, heights), 0.0))


def _group_size(shapes: BandFit, columns: int) -> int:
    """How many channels are summed: groups that no band changes much across, and enough of them to judge a fit."""
    narrowest, channel = min(map(float, shapes.widths)), float(np.max(np.diff(shapes.energy)))
    return max(1, min(coarse_size(narrowest, channel, GROUPS), shapes.energy.size // (2 * columns)))


def _solve(light: Array, weights: Array, columns: Array, bands: int) -> tuple[Array, Array, Array, Array]:
    """Coefficients (P, m), their variances (P, m), χ² (P,), and χ² without the first columns, the `bands`.

    The pixels stand last, so that each operation runs over all of them.
    """
    m = len(columns)
    first, second = np.triu_indices(m)
    gram = np.empty((m, m, len(light)))
    gram[first, second] = gram[second, first] = (columns[first] * columns[second]) @ weights.T
    weighted = weights * light
    right = columns @ weighted.T
    total = np.einsum("pn,pn->p", weighted, light)
    floor = total - np.einsum("ip,ijp,jp->p", right[bands:], _inverse(gram[bands:, bands:]), right[bands:])
    inverse = _inverse(gram)
    values = np.einsum("ijp,jp->ip", inverse, right)
    misfit = np.maximum(total - np.einsum("ip,ip->p", values, right), 0.0)
    return values.T, np.einsum("iip->ip", inverse).T, misfit, floor


def _inverse(matrix: Array) -> Array:
    """Inverse of many small symmetric positive matrices (m, m, P), by Gauss and Jordan over all of them at once.

    Scaled to a diagonal of 1 and held just off singular.
    """
    m = len(matrix)
    scale = 1 / np.sqrt(np.maximum(np.einsum("iip->ip", matrix), 1e-300))
    outer = scale[:, None] * scale
    left = matrix * outer
    left[np.arange(m), np.arange(m)] += 1e-12
    for i in range(m):
        pivot = 1 / left[i, i]
        row = left[i] * pivot
        column = left[:, i].copy()
        left -= column[:, None] * row
        left[i] = row
        left[:, i] = -column * pivot
        left[i, i] = pivot
    left *= outer
    return left


def _test_shapes(
    spectra: EnergySpectra, done: Index, columns: Array, slopes: Array, shapes: BandFit, size: int
) -> ShapeTest:
    """`ShapeTest` of some of the pixels."""
    k, extra = len(shapes.names), len(slopes)
    chosen = done[:: max(1, done.size // SAMPLE)]
    if chosen.size < 2:
        return ShapeTest(float(extra), extra, int(chosen.size), 1.0, (0.0,) * k)
    all_columns = np.concatenate([columns, slopes])
    falls, moves, errors = [], [], []
    freedom = all_columns.shape[1] - len(all_columns)
    for part in spectra.blocks(chosen, BLOCK // 8):
        light, variance = spectra.grouped(part, size)
        weights = 1 / variance
        values, variances, free, _ = _solve(light, weights, all_columns, len(all_columns))
        common = _solve(light, weights, columns, len(columns))[2]
        # What noise leaves is what a fit with free shapes leaves.
        unit = misfit_factor(free, freedom) ** 2
        falls.append((common - free) / unit)
        at = len(columns) + np.arange(k)
        width = np.array([float(w) for w in shapes.widths])
        heights = np.where(values[:, :k] > 0, values[:, :k], np.nan)
        moves.append(values[:, at] / heights * width)
        errors.append(np.sqrt(variances[:, at] * unit[:, None]) / heights * width)
    fall = np.concatenate(falls)
    found, sigma = np.concatenate(moves), np.concatenate(errors)
    weight = np.where(np.isfinite(found), 1 / sigma**2, 0.0)
    square = np.nansum(weight * (found**2 - sigma**2), axis=0) / np.maximum(weight.sum(0), 1e-300)
    return ShapeTest(
        fall=float(fall.mean()),
        parameters=extra,
        pixels=int(fall.size),
        p_value=float(chi2.sf(fall.sum(), extra * fall.size)),
        moves=tuple(float(np.sqrt(max(s, 0.0))) for s in square),
    )


def map_bands(
    spectra: EnergySpectra, bands: Any, *, background: Background = "constant"
) -> tuple[Unmixed | MapFit, ShapeTest]:
    """Bands of every pixel by what applies: unmixed where the shapes are common, else fitted with all free.

    Parameters
    ----------
    spectra, bands, background : as `unmix_map` and `fit_map` have them

    Returns
    -------
    The map, and the test that chose how it was made.
    """
    unmixed = unmix_map(spectra, bands, background=background)
    if unmixed.test.common:
        return unmixed, unmixed.test
    start = [(float(c), float(w)) for c, w in zip(unmixed.shapes.centres, unmixed.shapes.widths, strict=True)]
    named = dict(zip(unmixed.bands, start, strict=True))
    return fit_map(spectra, named, background=background), unmixed.test
