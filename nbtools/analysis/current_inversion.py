"""From a map of B_z to the current below it: Fourier inversion of a plate or a sheet, its strength from the data alone.

B_z(k) = T(k) J(k) with T ~ e^(−kz), so noise grows without bound with k and every inversion is a filter. Here J is
weighed as a field whose power falls like k^−3, as that of currents with edges and d-lines does, against white noise;
both amplitudes come from the map's own spectrum by maximum likelihood. The filter is then Wiener's,
T/(T² + λ k³), and λ, noise and resolution are known without the truth and without a further Fourier transform.
"""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import irfft2, rfft2
from scipy.ndimage import uniform_filter1d

from nbtools.analysis.inversion_optics import constrain_to_sample, lay_out, padded_shape
from nbtools.analysis.inversion_strength import EDGE_POWER, Choice, choose_strength, resolved_length
from nbtools.physics.current_sheet import current_transfer, wave_numbers
from nbtools.physics.domain import require_not_negative, require_positive
from nbtools.statistics.arrays import real_array
from nbtools.units import Quantity

Array = NDArray[np.float64]
SMALLEST_MAP = 8
FAINTEST = 1e-3  # of the map's rms: less noise than this is not believed on the sample alone


@dataclass(frozen=True)
class CurrentMap:
    """Currents that explain a map of B_z, and how well they are known.

    jx, jy : shape (y, x); A/m² in a plate, A/m in a sheet (``thickness=0``). In a plate that is not full of current
        through its depth only the sheet current, J times the thickness, has a meaning
    uncertainty : shape (y, x), the same unit; one standard deviation of each component from noise alone. It does not
        hold what the filter takes away: that is `bias`
    regularisation : λ of the filter T/(T² + λ k³), (T/(A/m²))² m³; `choice` says how it was found
    residual : shape (y, x), T; the map minus the field of these currents
    noise : σ of B_z (T), from the spectrum
    resolution : m; half the wavelength at which the filter passes half the current
    """

    jx: Array
    jy: Array
    uncertainty: Array
    regularisation: float
    residual: Array
    noise: float
    resolution: float
    choice: str
    pixel_size: float
    height: float
    thickness: float
    mask: NDArray[np.bool_] | None = field(default=None, repr=False)

    @property
    def unit(self) -> str:
        """A/m^2 of a plate, A/m of a sheet."""
        return "A/m^2" if self.thickness else "A/m"

    @property
    def magnitude(self) -> Array:
        """|J|, shape (y, x)."""
        return np.hypot(self.jx, self.jy)

    @property
    def sheet_current(self) -> Array:
        """|J| d (A/m), shape (y, x): what is measured whatever the depth profile."""
        return self.magnitude * (self.thickness or 1.0)

    def smooth(self, jx: ArrayLike, jy: ArrayLike) -> tuple[Array, Array]:
        """Any currents on this grid as this inversion would show them without noise: its kernel applied."""
        return tuple(self._filter(np.asarray(one, float)) for one in (jx, jy))  # type: ignore[return-value]

    @cached_property
    def bias(self) -> tuple[Array, Array]:
        """What the filter takes from (jx, jy), estimated on the found currents: largest at the rim and the d-lines."""
        jx, jy = self.smooth(self.jx, self.jy)
        return jx - self.jx, jy - self.jy

    def _filter(self, current: Array) -> Array:
        shape = padded_shape(current.shape)
        passed = self.response(wave_numbers(shape, self.pixel_size)[2])
        rows, columns = current.shape
        return irfft2(passed * rfft2(current, s=shape), s=shape)[:rows, :columns]

    def response(self, k: ArrayLike) -> Array:
        """Share of a current at |k| that the inversion passes: T²/(T² + λ k³)."""
        k = np.asarray(k, float)
        transfer = current_transfer(k, thickness=self.thickness, height=self.height)
        return transfer**2 / (transfer**2 + self.regularisation * k**EDGE_POWER)

    def __str__(self) -> str:
        inside = self.magnitude if self.mask is None else self.magnitude[self.mask]
        largest = Quantity(float(np.percentile(inside, 99)), float(np.median(self.uncertainty)), self.unit)
        per = "A/cm^2" if self.thickness else "A/m"
        share = float(np.std(self.residual)) / self.noise if self.noise else np.nan
        return (
            f"|J| up to {largest.to(per)}, resolved to {1e6 * self.resolution:.0f} µm; noise of B_z "
            f"{1e3 * self.noise:.2g} mT, residual {share:.2f} of it (λ by {self.choice})"
        )


def invert_current(
    field: ArrayLike,
    *,
    pixel_size: float,
    height: float,
    thickness: float = 0,
    mask: ArrayLike | None = None,
    regularisation: Choice | float = "auto",
    noise: float | None = None,
    edges: Literal["closed", "mirror"] = "closed",
) -> CurrentMap:
    """Currents of a plate or a sheet from the B_z that they make above it.

    Parameters
    ----------
    field : shape (y, x), T; of the currents alone, so with the applied field subtracted. y grows with the row, z
        points to the indicator, and J = curl(g ẑ) as in `models.current_sheet`
    pixel_size : m, of square pixels
    height : m, of the indicator above the top face
    thickness : m; 0 is a sheet, whose current is then in A/m
    mask : shape (y, x), True on the sample: the currents are those within it that fit best, by least squares
    regularisation : how λ is found: "auto" (likelihood of the spectrum), "gcv", "l-curve", "discrepancy" (which needs
        `noise`); or λ itself
    noise : σ of B_z (T), if it is known; by default it is found with λ
    edges : "closed" lets the field die away outside the map as that of a moment does; "mirror" is for currents that
        run out of the map, which then go on as their mirror image

    Raises
    ------
    ValueError
        A map that is not a finite (y, x) array of at least 8 × 8, pixels that are not square, a mask of another
        shape, a length outside its range, an unknown choice.
    """
    values = check_map(field)
    side = square_pixel(pixel_size)
    require_not_negative(height=height, thickness=thickness)
    inside = _check_mask(mask, values.shape)
    if edges not in ("closed", "mirror"):
        raise ValueError(f'edges is {edges!r}; it can be "closed" or "mirror"')
    optics = lay_out(values.shape, side, float(height), float(thickness))
    shape = optics.shape
    spectrum = rfft2(_extend(values, shape, edges))
    rings = optics.rings(spectrum)
    strength, sigma = choose_strength(rings, regularisation, noise, values.size)
    damped = optics.damped(strength)
    stream = spectrum * (optics.transfer / (damped * optics.k))
    stream[0, 0] = 0.0
    if inside is not None:
        # Without noise the least squares are so ill-conditioned that the iteration wanders off.
        quiet = FAINTEST * float(values.std()) / max(sigma, 1e-300)
        damped = optics.damped(strength * max(1.0, quiet**2))
        stream = constrain_to_sample(stream, values, optics, damped, inside)
    rows, columns = values.shape
    jx, jy, model = (
        irfft2(factor * stream, s=shape)[:rows, :columns]
        for factor in (1j * optics.ky, -1j * optics.kx, optics.k * optics.transfer)
    )
    # k = 0 is in no current: a constant field is neither explained nor counted as misfit.
    residual = values - model
    residual -= residual.mean()
    response = rings.transfer / (strength * rings.k**EDGE_POWER + rings.transfer**2)
    gain = np.sqrt(np.sum(rings.count * response**2) / np.prod(shape) / 2)
    return CurrentMap(
        jx=jx,
        jy=jy,
        uncertainty=np.full(values.shape, sigma * gain),
        regularisation=strength,
        residual=residual,
        noise=sigma,
        resolution=resolved_length(rings, strength),
        choice=regularisation if isinstance(regularisation, str) else "hand",
        pixel_size=side,
        height=float(height),
        thickness=float(thickness),
        mask=inside,
    )


def moment_of(currents: CurrentMap, inside: ArrayLike | None = None) -> float:
    """Magnetic moment ½ ∫ r × J dV (A m²) of currents that close inside the map, or within `inside`."""
    rows, columns = currents.jx.shape
    y, x = (currents.pixel_size * (np.arange(n) - (n - 1) / 2) for n in (rows, columns))
    twist = x[None, :] * currents.jy - y[:, None] * currents.jx
    chosen = np.ones(twist.shape, bool) if inside is None else np.asarray(inside, bool)
    return float(twist[chosen].sum()) / 2 * currents.pixel_size**2 * (currents.thickness or 1.0)


def check_map(field: ArrayLike, name: str = "field") -> Array:
    """A finite map (y, x) as float; the sentence that refuses another."""
    values = real_array(field, name)
    if values.ndim != 2 or min(values.shape) < SMALLEST_MAP:
        raise ValueError(
            f"{name} has the shape {values.shape}; a map (y, x) of at least 8 × 8 pixels is needed"
        )
    if missing := int(np.sum(~np.isfinite(values))):
        raise ValueError(
            f"{name} holds {missing} pixels of NaN or infinity; fill them from their neighbours or crop the map"
        )
    return values


def square_pixel(pixel_size: Any) -> float:
    """The side of a pixel (m); two equal sides are accepted, different ones refused."""
    sides = np.atleast_1d(np.asarray(pixel_size, float))
    require_positive(pixel_size=sides)
    if sides.size > 2 or abs(sides[-1] - sides[0]) > 1e-6 * sides[0]:
        raise ValueError(
            f"pixel_size is {pixel_size}: the pixels are not square; resample the map to square pixels first"
        )
    return float(sides[0])


def _check_mask(mask: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    if mask is None:
        return None
    inside = np.asarray(mask, bool)
    if inside.shape != shape:
        raise ValueError(f"mask has the shape {inside.shape}, field {shape}; they must be equal")
    if not inside.any():
        raise ValueError("mask is False everywhere; it must be True on the sample")
    return inside


# ---- outside the map


def _extend(values: Array, shape: tuple[int, int], edges: str) -> Array:
    """The map in the corner of a grid twice as large, its surroundings filled in; it wraps round."""
    if edges == "mirror":
        return np.pad(
            values, [(0, n - m) for n, m in zip(shape, values.shape, strict=True)], mode="symmetric"
        )
    rim = values.copy()
    # The rim is continued outward; its noise would become streaks, so it is averaged along the rim first.
    for axis in (0, 1):
        for end in (0, -1):
            index = (end, slice(None)) if axis == 0 else (slice(None), end)
            rim[index] = uniform_filter1d(values[index], min(9, values.shape[1 - axis]), mode="nearest")
    places, decay = _surroundings(values.shape, shape)
    extended = rim[places]
    extended *= decay
    extended[: values.shape[0], : values.shape[1]] = values
    return extended


@lru_cache(maxsize=4)
def _surroundings(inner: tuple[int, int], shape: tuple[int, int]) -> tuple[Any, Array]:
    """Which pixel of the map each place continues, and by how much: 1/r³, as the field of a moment falls."""
    nearest, away = [], []
    for n, m in zip(shape, inner, strict=True):
        place = np.arange(n)
        # Past the middle of the gap a place belongs to the other end of the map, for the grid wraps round.
        nearest.append(np.where(place < m, place, np.where(place - m < (n - m) / 2, m - 1, 0)))
        beyond = np.where(place < m, 0, np.minimum(place - m + 1, n - place))
        away.append(1 + beyond / (m / 2))
    distance = np.maximum(away[0][:, None], away[1][None, :])
    return np.ix_(*nearest), distance**-3
