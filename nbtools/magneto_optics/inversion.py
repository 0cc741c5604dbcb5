"""From a map of B_z to the current below it: Fourier inversion of a plate or a sheet, its strength from the data alone.

B_z(k) = T(k) J(k) with T ~ e^(−kz), so noise grows without bound with k and every inversion is a filter. Here J is
weighed as a field whose power falls like k^−3, as that of currents with edges and d-lines does, against white noise;
both amplitudes come from the map's own spectrum by maximum likelihood. The filter is then Wiener's,
T/(T² + λ k³), and λ, noise and resolution are known without the truth and without a further Fourier transform.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.ndimage import uniform_filter1d

from nbtools.physics.current_sheet import current_transfer, wave_numbers
from nbtools.physics.domain import require_not_negative, require_one_of, require_positive
from nbtools.statistics.arrays import real_array
from nbtools.statistics.choice import nearest_whole

Array = NDArray[np.float64]
Choice = Literal["auto", "gcv", "l-curve"]
EDGE_POWER = 3.0  # |J(k)|² ~ k^−3 of a current with jumps along lines, averaged over directions
SMALLEST_MAP = 8


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


def invert_current(
    field: ArrayLike,
    *,
    pixel_size: float,
    height: float,
    thickness: float = 0,
    regularisation: Choice | float = "auto",
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
    regularisation : how λ is found: "auto" (likelihood of the spectrum), "gcv", "l-curve"; or λ itself
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
    require_one_of(("closed", "mirror"), edges=edges)
    optics = lay_out(values.shape, side, float(height), float(thickness))
    shape = optics.shape
    spectrum = rfft2(_extend(values, shape, edges))
    rings = optics.rings(spectrum)
    strength, sigma = choose_strength(rings, regularisation, values.size)
    damped = optics.transfer**2 + strength * optics.k**EDGE_POWER
    stream = spectrum * (optics.transfer / (damped * optics.k))
    stream[0, 0] = 0.0
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


# ---- the strength, from the spectrum of the map itself


@dataclass(frozen=True)
class Rings:
    """Power of the map in rings of |k|: how many modes each holds, their mean power, T there."""

    k: Array
    count: Array
    power: Array
    transfer: Array

    def shares(self, strengths: Array) -> Array:
        """Share λk³/(T² + λk³) of each ring that the fit leaves, for each λ."""
        ratio = self.k**EDGE_POWER / self.transfer**2
        return 1 - 1 / (1 + strengths[:, None] * ratio)


def choose_strength(rings: Rings, how: Any, pixels: int) -> tuple[float, float]:
    """λ, and σ of the map in T."""
    found, sigma = _likeliest(rings, pixels)
    if not isinstance(how, str):
        require_not_negative(regularisation=how)
        return float(how), sigma
    if how not in get_args(Choice):
        raise ValueError(f"regularisation is {how!r}; it can be {', '.join(get_args(Choice))}, or a number")
    if how == "auto":
        return found, sigma
    score = {"gcv": _cross_validation, "l-curve": _corner}[how]
    grid = _grid(rings)
    return float(grid[np.argmin(score(rings, grid))]), sigma


def _grid(rings: Rings) -> Array:
    """λ from where all is passed to where nothing is."""
    ratio = rings.transfer**2 / rings.k**EDGE_POWER
    return np.exp(np.linspace(np.log(ratio.min()) - 5, np.log(ratio.max()) + 5, 201))


def _likeliest(rings: Rings, pixels: int) -> tuple[float, float]:
    """λ and σ at which Gaussian currents and noise would most likely have this spectrum (Whittle's likelihood)."""

    def profile(strengths: Array) -> tuple[Array, Array]:
        # With the noise as unit, ring by ring, power is (1 + T²/(λ k³)) = 1/share left.
        left = rings.shares(strengths)
        noise = (rings.count * rings.power * left).sum(axis=1) / rings.count.sum()
        with np.errstate(divide="ignore"):
            cost = np.log(noise) - (rings.count * np.log(left)).sum(axis=1) / rings.count.sum()
        return np.where(np.isfinite(cost), cost, np.inf), noise

    low, high = np.log(_grid(rings)[[0, -1]])
    for points in (41, 21, 21):
        grid = np.exp(np.linspace(low, high, points))
        cost, noise = profile(grid)
        best = int(np.argmin(cost))
        low, high = np.log(grid[[max(best - 1, 0), min(best + 1, points - 1)]])
    return float(grid[best]), float(np.sqrt(noise[best] / pixels))


def _cross_validation(rings: Rings, grid: Array) -> Array:
    left = rings.shares(grid)
    misfit = (rings.count * rings.power * left**2).sum(axis=1)
    return misfit / (rings.count * left).sum(axis=1) ** 2


def _corner(rings: Rings, grid: Array) -> Array:
    """Minus the curvature of log(size of J) over log(misfit)."""
    left = rings.shares(grid)
    misfit = np.log((rings.count * rings.power * left**2).sum(axis=1)) / 2
    passed = (1 - left) ** 2 / rings.transfer**2
    size = np.log((rings.count * rings.power * passed * rings.k**EDGE_POWER).sum(axis=1)) / 2
    x1, y1 = np.gradient(misfit), np.gradient(size)
    x2, y2 = np.gradient(x1), np.gradient(y1)
    return -(x1 * y2 - y1 * x2) / np.maximum(x1**2 + y1**2, 1e-12) ** 1.5


def resolved_length(rings: Rings, strength: float) -> float:
    passed = 1 - rings.shares(np.array([strength]))[0]
    above = np.flatnonzero(passed >= 0.5)
    return float(np.pi / rings.k[above[-1]]) if above.size else float("inf")


# ---- what all frames of one size share


def padded_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Twice the map, rounded up to a length that transforms fast."""
    rows, columns = (next_fast_len(2 * n, real=True) for n in shape)
    return rows, columns


@dataclass(frozen=True)
class Optics:
    """All that does not hang on the map: the same for every frame of a ramp, so it is kept."""

    shape: tuple[int, int]
    ky: Array
    kx: Array
    k: Array
    transfer: Array
    ring: NDArray[np.intp]
    weight: Array
    radius: Array
    radial: Array  # T in the rings
    count: Array

    def rings(self, spectrum: Any) -> Rings:
        power = np.bincount(self.ring, self.weight * (spectrum.real**2 + spectrum.imag**2).ravel())
        known = np.flatnonzero(self.count)[1:]
        radius = self.radius[known]
        return Rings(radius, self.count[known], power[known] / self.count[known], self.radial[known])


@lru_cache(maxsize=4)
def lay_out(shape: tuple[int, int], side: float, height: float, thickness: float) -> Optics:
    padded = padded_shape(shape)
    ky, kx, k = wave_numbers(padded, side)
    step = min(ky[1, 0], kx[0, 1])
    ring = nearest_whole(k / step).ravel()
    # Each mode off the first and last column stands for its conjugate, too.
    weight = np.full(k.shape, 2.0)
    weight[:, 0] = 1.0
    if padded[1] % 2 == 0:
        weight[:, -1] = 1.0
    transfer = current_transfer(k, thickness=thickness, height=height)
    count = np.asarray(np.bincount(ring, weight.ravel()), np.float64)
    radius = step * np.arange(count.size)
    radial = current_transfer(radius, thickness=thickness, height=height)
    # Nothing is asked at k = 0; a value there only spares a division by zero.
    k[0, 0] = step
    return Optics(padded, ky, kx, k, transfer, ring, weight.ravel(), radius, radial, count)
