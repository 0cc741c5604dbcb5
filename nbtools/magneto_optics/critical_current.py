"""J_c of a plate from its flux maps: the plate's own geometry, filled or partly filled, is fitted to every pixel."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import mu_0
from scipy.ndimage import map_coordinates

from nbtools.magneto_optics.inversion import check_map, square_pixel
from nbtools.magneto_optics.profiles import bin_map
from nbtools.physics.critical_state import PlateStates, plate_state, signed_distance
from nbtools.physics.current_sheet import current_of, plate_field, resample_stream
from nbtools.physics.domain import require_not_negative
from nbtools.statistics.arrays import refuse_masked
from nbtools.units import Quantity

Array = NDArray[np.float64]
LARGEST_FITTED = 512  # pixels a side; of a larger map the means of several pixels are fitted
LARGEST_SOLVED = 48  # pixels across the plate in the solver, which needs no finer map for a family of fields
STATES = 17  # of a partly filled plate, from no field to more than fills it
FILLED = 1.15  # where the family ends, over the field that fills the plate
FRONT_PIXELS = 0.05  # how well the solver places a front, from runs on finer grids
GRID_ERROR = 1.7  # of J_c of a full plate, over its width in pixels squared: against sums on finer pixels
SMOOTH = 10  # pixels over which a misfit may be alike
FEWEST_PARTS = 4  # along a side, into which a small map is cut for the scatter of its misfit
EDGE_STEP = 0.5  # pixels, by which an edge is moved to see what that does to the field
RIM_PIXELS = 2  # on both sides of the edge, where a pixel averages over a cusp


@dataclass(frozen=True)
class CriticalCurrent:
    """J_c of one map, or of every map of a ramp.

    Attributes
    ----------
    critical_current : A/m² (of a sheet A/m), the mean over the maps
    each : shape (n,), and each_uncertainty; of the maps one by one
    applied : shape (n,), T
    state : "filled", "partly filled" or "remanent" of each map
    full_penetration : µ0 H (T) at which the middle of the plate is reached with this J_c
    field_slope : d ln J_c/d(µ0 H) (1/T); zero in Bean's model, negative in Kim's; NaN of fewer than three maps
    residual : shape (n, y, x), T; the maps minus the fit, on the pixels that were fitted
    own : shape (n, y, x), T; the field of the fitted currents alone; NaN where no flux has entered
    pixel_size : m, of these maps: the camera's, or several of it for a large map
    """

    critical_current: Quantity
    each: Array
    each_uncertainty: Array
    applied: Array
    state: tuple[str, ...]
    full_penetration: Quantity
    field_slope: Quantity
    residual: Array
    own: Array
    pixel_size: float


def estimate_critical_current(
    field: ArrayLike,
    applied: ArrayLike,
    *,
    pixel_size: float,
    outline: ArrayLike,
    thickness: float,
    height: float,
) -> CriticalCurrent:
    """J_c from maps of B_z after zero-field cooling, by the fields of Bean currents in this very outline.

    Every map is fitted with J_c and a free offset, which takes up drift and the calibration of the applied field. A
    plate that the fitted J_c says is filled has rooftop currents; one partly filled has those that the
    critical-state solver finds; a map in (nearly) no field with trapped flux is taken as filled and reversed. Of a
    filled plate the map also says where between the pixels its edges lie: place, size and stretch of the outline are
    fitted, for a quarter of a pixel on every edge of a plate 20 pixels wide is 4 % of J_c. σ is from the sums of the
    misfit over squares of ten pixels, so it holds what a smooth misfit does.

    Parameters
    ----------
    field : shape (y, x) or (n, y, x), T; B_z with the applied field in it
    applied : one number or shape (n,), T; µ0 H of each map
    pixel_size : m, of square pixels
    outline : shape (y, x), True on the sample
    thickness : m; 0 is a sheet, whose J_c is then in A/m
    height : m, of the indicator above the top face

    Raises
    ------
    ValueError
        Shapes that do not fit, NaN, an outline that is empty or runs out of the map.
    """
    maps, fields, distance, side = _check(field, applied, outline, square_pixel(pixel_size))
    require_not_negative(thickness=thickness, height=height)
    family = _family(distance.tobytes(), distance.shape, side, float(thickness), float(height))
    fits = [_fit_one(one, float(b), family) for one, b in zip(maps, fields, strict=True)]
    values, sigmas = np.array([fit.current for fit in fits]), np.array([fit.sigma for fit in fits])
    mean = _mean(values, sigmas, "A/m^2" if thickness else "A/m")
    filling = mu_0 * family.filling * mean
    return CriticalCurrent(
        critical_current=mean,
        each=values,
        each_uncertainty=sigmas,
        applied=fields,
        state=tuple(fit.state for fit in fits),
        full_penetration=Quantity(filling, mu_0 * family.filling * mean.uncertainty, "T"),
        field_slope=_field_slope(values, sigmas, fields),
        residual=np.array([fit.residual for fit in fits]),
        own=np.array([fit.own for fit in fits]),
        pixel_size=side,
    )


def plate_states(
    outline: ArrayLike, *, pixel_size: float, thickness: float, height: float
) -> tuple[Array, Array, Array, float]:
    """The fields of an outline that fills with current, all per unit J_c.

    Parameters
    ----------
    outline : shape (y, x), True on the sample
    pixel_size, thickness, height : m

    Returns
    -------
    reduced : shape (s,), m; H/J_c of each state
    states : shape (s, y, x), T per A/m²; the field of the currents that shield a rising field
    filled : shape (y, x), T per A/m²; of the full plate with the opposite sense
    pixel_size : m, of these maps
    """
    shape = np.shape(outline)
    _, _, distance, side = _check(np.zeros(shape), 0.0, outline, square_pixel(pixel_size))
    family = _family(distance.tobytes(), distance.shape, side, float(thickness), float(height))
    return family.partial.reduced, family.partial.maps, family.filled, side


def filled_plate(outline: ArrayLike, pixel_size: float) -> Array:
    """g per J_c (m) of an outline full of Bean currents: the distance to its nearest edge, 0 outside."""
    return np.maximum(signed_distance(outline), 0.0) * pixel_size


def _check(
    field: ArrayLike, applied: ArrayLike, outline: ArrayLike, side: float
) -> tuple[list[Array], Array, Array, float]:
    """The maps and pixels' distances to the edge (in pixels), both on pixels that are not too many, and their side."""
    refuse_masked(field, "field")
    stack, fields = np.asarray(field), np.atleast_1d(np.asarray(applied, float))
    stack = stack[None] if stack.ndim == 2 else stack
    if stack.ndim != 3 or fields.shape != stack.shape[:1]:
        raise ValueError(
            f"field has the shape {np.shape(field)} and applied {np.shape(applied)}; one map (y, x) for each applied "
            "field is needed"
        )
    if not np.isfinite(fields).all():
        raise ValueError(f"applied holds {fields}; every field must be finite (T)")
    mask = np.asarray(outline, bool)
    if mask.shape != stack.shape[1:]:
        raise ValueError(
            f"outline has the shape {mask.shape}, the maps {stack.shape[1:]}; they must be equal"
        )
    if not mask.any() or mask[[0, -1]].any() or mask[:, [0, -1]].any():
        raise ValueError(
            "outline is empty or runs out of the map; the whole sample must be in the map, with a margin"
        )
    factor = -(-max(mask.shape) // LARGEST_FITTED)
    distance = np.asarray(signed_distance(mask), float)
    if factor == 1:
        return [check_map(one) for one in stack], fields, distance, side
    return (
        [bin_map(check_map(one), factor) for one in stack],
        fields,
        bin_map(distance, factor) / factor,
        factor * side,
    )


# ---- the family of fields of one plate, all per unit J_c


@dataclass(frozen=True)
class _Family:
    filled: Array  # T per A/m²
    moves: Array  # shape (4, y, x), T per A/m² and pixel: `filled` when the edges move
    filling: float  # m: the field (A/m) that fills the plate, over J_c
    distance: Array  # pixels to the edge, positive inside
    pixel_size: float
    thickness: float
    height: float

    @property
    def mask(self) -> NDArray[np.bool_]:
        return self.distance > 0

    @property
    def chosen(self) -> NDArray[np.bool_]:
        """The pixels that are fitted."""
        return np.abs(self.distance) > RIM_PIXELS

    @property
    def width(self) -> float:
        """Pixels, of the shorter side."""
        return float(min(np.ptp(axis) + 1 for axis in np.nonzero(self.mask)))

    @property
    def partial(self) -> "_Partial":
        at = (self.pixel_size, self.thickness, self.height)
        return _partial(self.distance.tobytes(), self.distance.shape, *at)


@dataclass(frozen=True)
class _Partial:
    """The states of a plate that fills."""

    reduced: Array  # m: H/J_c of each
    maps: Array  # T per A/m² of the currents
    centred: Array  # of the chosen pixels, less their mean
    gram: Array  # products of these between any two states

    def between(self, place: Array) -> Array:
        """The weights of the states at H/J_c: those of its two neighbours; shape (…, states)."""
        number = np.arange(self.reduced.size)
        return np.maximum(1 - np.abs(np.interp(place, self.reduced, number)[..., None] - number), 0.0)


@lru_cache(maxsize=8)
def _family(
    distance: bytes, shape: tuple[int, int], pixel_size: float, thickness: float, height: float
) -> _Family:
    to_edge = np.frombuffer(distance, float).reshape(shape)

    def field(stream: Array, thickness: float, height: float) -> Array:
        at = {"pixel_size": pixel_size, "thickness": thickness, "height": height}
        return plate_field(*current_of(stream, pixel_size), **at)

    rooftop = filled_plate(to_edge, pixel_size)
    filled = field(rooftop, thickness, height)
    # Flux meets last on the mid-plane: two half plates seen from there.
    middle = 2 * field(rooftop, thickness / 2, 0) if thickness else filled
    moves = []
    y, x = np.gradient(to_edge)
    # Every edge outward, all along x, all along y, and out along x but in along y.
    for step in (np.ones(shape), x, y, x**2 - y**2):
        out, back = (filled_plate(to_edge + way * EDGE_STEP * step, pixel_size) for way in (1, -1))
        moves.append(field((out - back) / (2 * EDGE_STEP), thickness, height))
    filling = float(middle[to_edge > 0].max()) / mu_0
    return _Family(filled, np.array(moves), filling, to_edge, pixel_size, thickness, height)


@lru_cache(maxsize=8)
def _partial(
    to_edge: bytes, shape: tuple[int, int], pixel_size: float, thickness: float, height: float
) -> _Partial:
    family = _family(to_edge, shape, pixel_size, thickness, height)
    states, distance = _coarse_states(family)
    ratio = states.pixel_size / pixel_size
    rows, columns = np.indices(shape)
    # Pixel centres of the coarse map, counted from the same corner.
    places = ((rows + 0.5) / ratio + 0.5, (columns + 0.5) / ratio + 0.5)
    maps = []
    for stream in states.stream:
        g = resample_stream(stream, distance, places, family.mask)
        jx, jy = current_of(g / (thickness or 1.0), pixel_size)
        maps.append(plate_field(jx, jy, pixel_size=pixel_size, thickness=thickness, height=height))
    centred = np.array([one[family.chosen] for one in maps])
    centred -= centred.mean(axis=1, keepdims=True)
    return _Partial(states.applied, np.array(maps), centred, centred @ centred.T)


def _coarse_states(family: _Family) -> tuple[PlateStates, Array]:
    """The ramp from no field to past filling on a coarse grid, for J_c = 1."""
    rows, columns = np.nonzero(family.mask)
    across = max(np.ptp(rows), np.ptp(columns)) + 1
    factor = max(1.0, across / LARGEST_SOLVED)
    shape = tuple(int(np.ceil(n / factor)) for n in family.distance.shape)
    places = np.meshgrid(*(factor * (np.arange(n) + 0.5) - 0.5 for n in shape), indexing="ij")
    distance = map_coordinates(family.distance, places, order=1, mode="nearest") / factor
    distance = np.pad(distance, 1, mode="constant", constant_values=-2.0)
    # Crowded at low fields, where the current changes fastest.
    fields = FILLED * family.filling * np.linspace(0, 1, STATES) ** 1.6
    side = factor * family.pixel_size
    states = plate_state(distance, fields, critical_current=1.0, pixel_size=side, thickness=family.thickness)
    return states, distance


# ---- the fit of one map


@dataclass(frozen=True)
class _Fit:
    current: float
    sigma: float
    state: str
    residual: Array
    own: Array


def _fit_one(field: Array, applied: float, family: _Family) -> _Fit:
    chosen = family.chosen
    # The outline as it is says whether the plate is full; with edges that move, a ring of current looks like one.
    [slope], *_ = _fit_shapes(family.filled[None], field, chosen)
    full = abs(applied) >= mu_0 * family.filling * abs(slope)
    remanent = abs(applied) < 0.05 * mu_0 * family.filling * abs(slope)
    if not (full or remanent):
        return _fit_partial(field, applied, family)
    shapes = np.concatenate([family.filled[None], family.moves])
    factors, offset, sigma = _fit_shapes(shapes, field, chosen)
    own = np.tensordot(factors, shapes, axes=1)
    current = abs(float(factors[0]))
    sigma = float(np.hypot(sigma, GRID_ERROR / family.width**2 * current))
    return _Fit(current, sigma, "filled" if full else "remanent", field - offset - own, own)


def _fit_shapes(shapes: Array, field: Array, chosen: NDArray[np.bool_]) -> tuple[Array, float, float]:
    """The factors of some maps in a field, its offset, and σ of the first factor."""
    models, data = shapes[:, chosen], field[chosen]
    centred = models - models.mean(axis=1, keepdims=True)
    weights = np.linalg.solve(centred @ centred.T, centred)
    factors = weights @ (data - data.mean())
    offset = float(data.mean() - factors @ models.mean(axis=1))
    return factors, offset, _sigma(weights, data - offset - factors @ models, chosen)


def _sigma(weights: Array, rest: Array, chosen: NDArray[np.bool_]) -> float:
    """Of the first of some linear estimates of the pixels, from the sums of their misfit over squares.

    A misfit may be alike within a square, as one that is smooth is, and of another size in another; of noise alone it
    is the usual σ (Liang & Zeger 1986).
    """
    row, column = (
        np.arange(n) * parts // n for n in chosen.shape for parts in [max(FEWEST_PARTS, n // SMOOTH)]
    )
    square = (row[:, None] * chosen.shape[1] + column)[chosen]
    _, square = np.unique(square, return_inverse=True)
    sums = np.bincount(square, weights[0] * rest)
    return float(np.sqrt(np.sum(sums**2) * sums.size / (sums.size - 1 - len(weights))))


def _fit_partial(field: Array, applied: float, family: _Family) -> _Fit:
    """The J_c at which the plate at H = applied, so in the state H/J_c, has this map: a scan and a parabola.

    Between two states the field is interpolated, so the squared misfit follows from their products alone.
    """
    known, chosen = family.partial, family.chosen
    sign, strength = np.sign(applied), abs(applied) / mu_0
    data = field[chosen] - field[chosen].mean()
    along, whole = known.centred @ data, float(data @ data)

    def cost(current: Array) -> Array:
        weights = sign * current[:, None] * known.between(strength / current)
        return whole - 2 * weights @ along + np.einsum("ij,jk,ik->i", weights, known.gram, weights)

    def model(current: float, of: Array) -> Array:
        # The solver's currents oppose a rising field.
        return sign * current * np.tensordot(known.between(np.array(strength / current)), of, axes=(0, 0))

    # A front of under one pixel shows no more than that J_c is large.
    thick = family.thickness or 1.0
    limit = np.pi * strength / (thick * np.arccosh(1 / (1 - 2 / family.width)))
    scan = np.geomspace(0.8 * strength / family.filling, 2 * limit, 60)
    for _ in range(4):
        costs = cost(scan)
        best = int(np.clip(np.argmin(costs), 1, scan.size - 2))
        last, scan = scan, np.linspace(scan[best - 1], scan[best + 1], 9)
    if last[np.argmin(costs)] > limit:
        nothing = np.full(field.shape, np.nan)
        return _Fit(np.nan, np.nan, f"not entered: J_c over {limit:.2g} A/m²", field - field.mean(), nothing)
    curve = np.polyfit(last[best - 1 : best + 2] - last[best], costs[best - 1 : best + 2], 2)
    current = float(last[best] - curve[1] / (2 * curve[0])) if curve[0] > 0 else float(last[best])
    current = float(np.clip(current, last[best - 1], last[best + 1]))
    if not sign * known.between(np.array(strength / current)) @ along > 0:
        nothing = np.full(field.shape, np.nan)
        state = "no shielding current: the field over the sample is not weaker than beside it"
        return _Fit(np.nan, np.nan, state, field - field.mean(), nothing)
    step = 0.02 * current
    change = (model(current + step, known.centred) - model(current - step, known.centred)) / (2 * step)
    rest = data - model(current, known.centred)
    # A front of few pixels of the solver is placed no better than a fraction of one.
    depth = 1 - 1 / np.cosh(np.pi * strength / (current * thick))
    sigma = np.hypot(
        _sigma((change / (change @ change))[None], rest, chosen),
        current * FRONT_PIXELS * 2 / LARGEST_SOLVED / depth,
    )
    own = model(current, known.maps)
    away = field - own
    return _Fit(current, float(sigma), "partly filled", away - away[chosen].mean(), own)


def _mean(values: Array, sigmas: Array, unit: str) -> Quantity:
    """Weighted mean of those that are known; its σ is that of the weights or of the scatter, whichever is larger."""
    known = np.isfinite(values)
    if not known.any():
        return Quantity(np.nan, np.nan, unit)
    values, sigmas = values[known], sigmas[known]
    weights = 1 / np.maximum(sigmas, 1e-12 * np.abs(values)) ** 2
    mean = float(np.average(values, weights=weights))
    # The maps share the grid, the outline and the calibration, so their mean is no better than the best of them.
    inner = float(sigmas.min())
    outer = float(np.sqrt(np.average((values - mean) ** 2, weights=weights) / max(values.size - 1, 1)))
    return Quantity(mean, max(inner, outer), unit)


def _field_slope(values: Array, sigmas: Array, fields: Array) -> Quantity:
    """Weighted slope of ln J_c over µ0 H."""
    known = np.isfinite(values)
    values, sigmas, fields = values[known], sigmas[known], fields[known]
    if values.size < 3 or np.ptp(fields) == 0:
        return Quantity(np.nan, np.nan, "1/T")
    weights = (values / np.maximum(sigmas, 1e-12 * values)) ** 2
    x = fields - np.average(fields, weights=weights)
    y = np.log(values)
    y = y - np.average(y, weights=weights)
    total = float(np.sum(weights * x**2))
    slope = float(np.sum(weights * x * y) / total)
    scatter = np.sum(weights * (y - slope * x) ** 2) / (values.size - 2)
    return Quantity(slope, float(np.sqrt(max(1.0, scatter) / total)), "1/T")
