"""Phase fractions from a powder pattern: refined whole, with covariance and limits, and refused where it does not fit.

In this order: what a refinement may be given; the fit, in which phases and background enter linearly, the instrument
and the cells do not; how far its scales can be trusted; whether the phases explain the pattern; the result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import lmfit
import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import maximum_filter1d, median_filter, uniform_filter1d
from scipy.optimize import least_squares
from scipy.signal import find_peaks
from scipy.stats import norm
from scipy.stats import t as student

from nbtools.results import NotPossible
from nbtools.statistics.arrays import real_array
from nbtools.statistics.choice import ranked
from nbtools.structure.model_powder_pattern import (
    COPPER,
    KALPHA_RATIO,
    STEEPEST,
    Instrument,
    PhaseState,
    PowderLines,
    PowderPhase,
    RefinedPattern,
    line_shift,
    line_width,
    phase_pattern,
    powder_lines,
)
from nbtools.structure.phase_fractions import Densities, densities_of, shares, upper_limit
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
FEWEST_POINTS = 50
MOST_POINTS = 2_000_000
PLAIN = 2.0  # times Poisson's scatter, or its inverse: up to here numbers that are not whole still pass for counts
MARGIN = 3.0  # deg beyond the pattern's end, from where lines still reach into it
DETECTION = 3.0  # σ of its scale, from which a phase counts as detected
# What the data leave open is held by weak Gaussian terms: name → (centre, σ). A pattern with a few hundred counts
# in its peaks overrules all of them.
WEAK = {
    "zero": (0.0, 0.2),  # deg
    "ratio": (0.5, 0.3),
    "mixing_0": (0.5, 0.5),
    "mixing_1": (0.0, 0.5),
    "breadth": (0.0, 2.0),  # Å², further B of all atoms
    "strain": (0.0, 0.01),
    "slope": (0.0, 2.0),  # of FWHM² with tanθ, over FWHM²
    "size": (0.0, 2.0),  # over FWHM²
    "texture": (0.0, 1.0),  # ln r
}
COARSE_WIDTH = 0.5  # deg: wide enough to catch a line 1 % of lattice away
WIDTHS = np.geomspace(0.03, 1.2, 15)
# How far a cell may be from its CIF: one that was measured, and one that was computed, as most of the databases' are.
MEASURED_CELL = 0.004
COMPUTED_CELL = 0.012
SCANNED = np.linspace(-1, 1, 21)
NEARBY = np.linspace(-0.003, 0.003, 13)
CLEARLY = 16.0  # of χ²
COARSE_POINTS = 1500
VISIBLE = 15.0  # σ of its scale, from which a phase has a cell and a width of its own; freed sooner, noise shapes it
DEGREES = range(1, 16)
MOST_STEPS = 60  # of a minimisation; a pattern that fits takes 10
STEP = 1e-6  # of every parameter; none has a scale under 10⁻³
FURTHEST = 3.0  # σ of its weak term, beyond which no parameter goes
MISSED = 5  # lines that a message names
CLEAR = 5.0  # σ by which a line stands out, so that noise makes one in 1,000 patterns
PROFILE = 0.2  # of an explained line: what a profile may miss of it
# Area of lines of no phase over that of the phases, up to which a share of the whole is known to 3 σ. Crystals scatter
# per mass at least as much as MgO and MgB2 do (13 common ones: 1 to 8 times), so that this bounds the unlisted weight.
LARGEST_REST = 1 / DETECTION
BROAD = 3.0  # deg, over which the ground of a pattern is found
LEAST_OPEN = 0.5  # of the points; where lines of no phase stand in more there is nothing to refine
APART = 0.5  # deg, so that Kα1 and Kα2 are one line
BLIND = (
    "amorphous parts (boron, B2O3): a refinement shares the whole among the crystals it is given; an internal "
    "standard would show them",
    "microabsorption (Brindley): small where phases absorb alike, as MgO and MgB2 nearly do",
    "graininess, surface and preparation of the powder: the stated σ is that of counting",
)


# What a refinement may be given ------------------------------------------------------------------


def read_arrays(
    two_theta: ArrayLike, counts: ArrayLike, variance: ArrayLike | None
) -> tuple[Array, Array, Array | None]:
    """Pattern in rising order of angle.

    Raises
    ------
    NotPossible
        What is wrong with the arrays, and what was expected.
    """
    angle, observed = (_numbers(name, a) for name, a in (("two_theta", two_theta), ("counts", counts)))
    spread = None if variance is None else _numbers("variance", variance)
    sizes = {a.size for a in (angle, observed, *([] if spread is None else [spread]))}
    if len(sizes) > 1 or not FEWEST_POINTS <= angle.size <= MOST_POINTS:
        raise NotPossible(
            f"{angle.size} angles and {observed.size} counts came; equally many, from {FEWEST_POINTS} to "
            f"{MOST_POINTS:,}, were expected"
        )
    order = np.argsort(angle, kind="stable")
    angle, observed = angle[order], observed[order]
    _require_angles(angle)
    if spread is None:
        _require_counts(observed)
        return angle, observed, None
    if not np.all(spread > 0):
        raise NotPossible("a variance is not positive; leave it out where the counts are plain counts")
    return angle, observed, spread[order]


def count_variance(counts: Array) -> tuple[float, tuple[str, ...]]:
    """What one count is worth in the numbers given, and a sentence where it is not 1.

    Whole numbers are counts. Rates or means are not: their scatter from point to point, over their size, is how
    much one count was.
    """
    if np.all(counts == np.round(counts)):
        return 1.0, ()
    local = (counts[:-2] + counts[1:-1] + counts[2:]) / 3
    bend = counts[:-2] - 2 * counts[1:-1] + counts[2:]
    # Only the flat part of a pattern scatters by counting alone.
    flat = (local > 0) & (local <= np.median(local))
    if flat.sum() < 10:
        return 1.0, ()
    gain = float(np.mean(bend[flat] ** 2 / 6 / local[flat]))
    if 1 / PLAIN <= gain <= PLAIN or not gain > 0:
        return 1.0, ()
    return gain, (f"the numbers are no plain counts: one count is {gain:.3g} by their scatter",)


def _numbers(name: str, values: ArrayLike) -> Array:
    array = real_array(values, name, expected="numbers, one a step,")
    if array.ndim != 1:
        raise NotPossible(f"{name} has shape {array.shape}; one dimension was expected")
    if bad := int(np.sum(~np.isfinite(array))):
        raise NotPossible(f"{bad} of {array.size} values of {name} are not finite; leave those points out")
    return array


def _require_angles(angle: Array) -> None:
    if not 0 < angle[0] < angle[-1] < 180:
        raise NotPossible(
            f"2θ from {angle[0]:.4g} to {angle[-1]:.4g} came; degrees between 0 and 180 were expected"
        )
    if angle[-1] < np.pi:
        raise NotPossible(f"2θ ends at {angle[-1]:.4g}: these look like radians; degrees were expected")
    if twice := int(np.sum(np.diff(angle) == 0)):
        raise NotPossible(f"{twice} angles stand twice; merge overlapping ranges first")


def _require_counts(counts: Array) -> None:
    if np.any(counts < 0):
        raise NotPossible(
            f"{int(np.sum(counts < 0))} counts are below zero; give the raw pattern, its background not subtracted, "
            "or its variance"
        )
    if np.ptp(counts) == 0:
        raise NotPossible(f"all counts are {np.max(counts):g}: this pattern shows nothing")


# The fit ---------------------------------------------------------------------------------------


@dataclass
class PatternFit:
    """One pattern, the phases to explain it, and the state of the fit.

    Attributes
    ----------
    two_theta, counts : shape (n,), degrees and counts
    variance : shape (n,), or None for plain counts, whose variance is that of the model
    lines : by phase
    instrument : to start from
    textured : the phases whose texture is free
    reach : by phase, how far its cell may be from its CIF, where that is not `MEASURED_CELL`
    degree : of the background
    sigma : of each point, shape (n,)
    is_open : whether a point counts, shape (n,); where a line of no phase stands none does
    visible : the phases that have a cell and a width of their own, the strongest first
    stands_out : whether any phase does, out of noise and misfit
    settled : whether the last minimisation came to an end
    """

    two_theta: Array
    counts: Array
    variance: Array | None
    lines: dict[str, PowderLines]
    instrument: Instrument
    textured: tuple[str, ...] = ()
    reach: Mapping[str, float] = field(default_factory=dict)
    degree: int = 4
    _kept: dict[str, tuple[Any, Array]] = field(default_factory=dict)
    _polynomials: Array = field(init=False)
    sigma: Array = field(init=False)
    is_open: NDArray[np.bool_] = field(init=False)
    visible: tuple[str, ...] = ()
    stands_out: bool = True
    settled: bool = True

    def __post_init__(self) -> None:
        low, high = self.two_theta[[0, -1]]
        x = (2 * self.two_theta - low - high) / (high - low)
        self._polynomials = chebyshev.chebvander(x, max(self.degree, *DEGREES))
        self.is_open = np.ones(self.two_theta.size, bool)
        self.weigh(np.maximum(uniform_filter1d(self.counts, 9), 0) + 1)

    # ---- the model

    def weigh(self, model: Array) -> None:
        """Weight by the variance of the model, so that points that came out low do not count more."""
        floor = max(0.2, 1e-4 * float(np.mean(np.abs(model))))
        spread = np.maximum(model, floor) if self.variance is None else self.variance
        self.sigma = np.sqrt(spread)

    @property
    def weight(self) -> Array:
        """1/σ of each point that counts, else 0, shape (n,)."""
        return np.asarray(self.is_open / self.sigma)

    def instrument_at(self, p: Mapping[str, float]) -> Instrument:
        """The instrument of a set of parameters."""
        return replace(
            self.instrument,
            zero=p["zero"],
            ratio=p["ratio"],
            caglioti=caglioti(p["width"], p["slope_0"], p["slope_1"]),
            mixing=(p["mixing_0"], p["mixing_1"]),
        )

    def state_at(self, p: Mapping[str, float], name: str) -> PhaseState:
        """What a set of parameters says about one phase."""
        i = list(self.lines).index(name)
        strain = tuple(p[f"strain_{i}_{axis}"] for axis in self.lines[name].axes)
        return PhaseState(
            strain, p[f"size_{i}"] * p["width"] ** 2, 1e-20 * p["breadth"], float(np.exp(p[f"texture_{i}"]))
        )

    def templates(self, p: Mapping[str, float]) -> list[Array]:
        """Each phase at unit scale; one whose parameters did not move is not computed again."""
        instrument = self.instrument_at(p)
        found = []
        for name, lines in self.lines.items():
            state = self.state_at(p, name)
            if name not in self._kept or self._kept[name][0] != (instrument, state):
                pattern = phase_pattern(self.two_theta, lines, instrument, state)
                self._kept[name] = ((instrument, state), pattern)
            found.append(self._kept[name][1])
        return found

    def columns(self, p: Mapping[str, float], degree: int | None = None) -> Array:
        """Phases and Chebyshev polynomials of the background, shape (n, k): what enters linearly."""
        count = (self.degree if degree is None else degree) + 1
        return np.column_stack([*self.templates(p), self._polynomials[:, :count]])

    def solve(self, columns: Array) -> tuple[Array, Array]:
        """Least-squares factors of the columns and their covariance."""
        design = columns * self.weight[:, None]
        norms = np.sqrt(np.sum(design**2, axis=0))
        norms[norms == 0] = 1.0
        normal = (design / norms).T @ (design / norms)
        inverse = np.linalg.pinv(normal, rcond=1e-12, hermitian=True)
        factors = inverse @ ((design / norms).T @ (self.counts * self.weight))
        return factors / norms, inverse / np.outer(norms, norms)

    def curve(self, p: Mapping[str, float]) -> Array:
        """The best pattern with these instrument, cell and texture parameters."""
        columns = self.columns(p)
        return np.asarray(columns @ self.solve(columns)[0])

    def misfit(self, p: Mapping[str, float]) -> float:
        return float(np.sum(((self.counts - self.curve(p)) * self.weight) ** 2))

    # ---- how it converges

    def start(self) -> lmfit.Parameters:
        """All parameters at rest: the CIFs' cells, no texture; only `release` lets them move."""
        p = lmfit.Parameters()
        first = {"zero": 0.0, "ratio": self.instrument.ratio, "width": COARSE_WIDTH, "breadth": 0.0}
        first |= {"slope_0": 0.0, "slope_1": 0.0, "mixing_0": 0.5, "mixing_1": 0.0}
        for i, lines in enumerate(self.lines.values()):
            first |= {f"strain_{i}_{axis}": 0.0 for axis in lines.axes}
            first |= {f"size_{i}": 0.0, f"texture_{i}": 0.0}
        for name, value in first.items():
            p.add(name, value=value, vary=False)
        for name in p:
            if np.isfinite(sigma := weak_sigma(name)):
                centre = _weak(name)[0]
                p[name].set(min=centre - FURTHEST * sigma, max=centre + FURTHEST * sigma)
            if name.startswith("strain"):
                reach = self.reach.get(list(self.lines)[int(name.split("_")[1])], MEASURED_CELL)
                p[name].set(min=-reach, max=reach)
        p["width"].set(min=0.2 * float(np.median(np.diff(self.two_theta))), max=2 * WIDTHS[-1])
        return p

    def find(self, p: lmfit.Parameters) -> None:
        """Near enough to converge: each cell scanned over ±1 % with wide lines, then the width."""
        coarse = self.thinned()
        for _ in range(2):
            for name in self.lines:
                coarse.scan(p, self.strains(name), self.reach.get(name, MEASURED_CELL) * SCANNED)
        self.scan(p, ["width"], WIDTHS)

    def strains(self, name: str) -> list[str]:
        """The parameters of a phase's cell."""
        i = list(self.lines).index(name)
        return [f"strain_{i}_{axis}" for axis in self.lines[name].axes]

    def settle_weak(self, p: lmfit.Parameters) -> None:
        """A phase too weak to move its own cell has its CIF's, unless one near by fits clearly better."""
        for name in set(self.lines) - set(self.visible):
            i = list(self.lines).index(name)
            for kind in (*self.strains(name), f"size_{i}", f"texture_{i}"):
                p[kind].set(value=0.0, vary=False)
            self.scan(p, self.strains(name), NEARBY, worth=CLEARLY)

    def thinned(self) -> "PatternFit":
        """The same pattern in wider steps."""
        step = max(1, self.two_theta.size // COARSE_POINTS)
        size = self.two_theta.size // step * step
        angle, counts = (a[:size].reshape(-1, step).mean(axis=1) for a in (self.two_theta, self.counts))
        return PatternFit(
            angle, counts, None, self.lines, self.instrument, reach=self.reach, degree=self.degree
        )

    def scan(self, p: lmfit.Parameters, names: list[str], values: Array, *, worth: float = 0.0) -> None:
        """Set the named parameters to the one value, of several, that fits best, if χ² falls by more than `worth`."""
        kept = p.valuesdict()
        found = [self.misfit({**kept, **dict.fromkeys(names, float(value))}) for value in values]
        if min(found) < self.misfit(kept) - worth:
            for name in names:
                p[name].value = float(values[np.argmin(found)])

    def release(self, p: lmfit.Parameters, *kinds: str) -> None:
        """Let parameters move: a shared one by its name, one of each visible phase by its kind."""
        numbers = {str(list(self.lines).index(name)): name for name in self.visible}
        for name in p:
            kind, _, rest = name.partition("_")
            own = rest.split("_")[0] in numbers
            if kind == "texture":
                own = own and numbers[rest] in self.textured
            elif kind == "size":
                own = own and rest != self._reference
            if kind == "ratio" and self.instrument.ratio == 0:
                continue  # one wavelength: its strength is that of the phases
            if kind in kinds and (kind not in ("strain", "size", "texture") or own):
                p[name].vary = True

    @property
    def _reference(self) -> str:
        """The number of the visible phase whose width is the instrument's by convention."""
        return str(list(self.lines).index(self.visible[0])) if self.visible else ""

    def look(self, p: Mapping[str, float]) -> None:
        """Which phases stand out of noise and misfit, the strongest first, and whether any does at all."""
        columns = self.columns(p)
        factors, covariance = self.solve(columns)
        misfit = float(np.sum(((self.counts - columns @ factors) * self.weight) ** 2) / np.sum(self.is_open))
        clear = factors / np.sqrt(np.maximum(np.diag(covariance) * max(misfit, 1.0), 1e-300))
        areas = list(factors * np.sum(columns, axis=0))[: len(self.lines)]
        order = ranked(areas, highest=True)
        names = list(self.lines)
        self.visible = tuple(names[i] for i in order if clear[i] > VISIBLE)
        self.stands_out = bool(np.any(clear[: len(names)] > DETECTION))

    def converge(self, p: lmfit.Parameters, tolerance: float) -> None:
        """Least squares over what is free, between its bounds; scales and background are solved for at each step.

        The Jacobian is Kaufman's: what scales and background cannot make up for (BIT Numer. Math. 15, 49 (1975)).
        """
        held, free = p.valuesdict(), [name for name in p if p[name].vary]
        if not free:
            return
        sigma = np.array([weak_sigma(name) for name in free])
        centre = np.array([_weak(name)[0] for name in free])

        def residual(x: Array) -> Array:
            rest = (self.counts - self.curve({**held, **dict(zip(free, x, strict=True))})) * self.weight
            return np.append(rest, (x - centre) / sigma)

        def jacobian(x: Array) -> Array:
            _, whole = self.jacobian({**held, **dict(zip(free, x, strict=True))}, free)
            design = whole * self.weight[:, None]
            moved, linear = design[:, : len(free)], np.linalg.qr(design[:, len(free) :])[0]
            return np.vstack([linear @ (linear.T @ moved) - moved, np.diag(1 / sigma)])

        found = least_squares(
            residual,
            [held[name] for name in free],
            jacobian,
            bounds=([p[name].min for name in free], [p[name].max for name in free]),
            x_scale="jac",
            ftol=tolerance,
            xtol=tolerance,
            max_nfev=MOST_STEPS,
        )
        self.settled = found.status > 0
        for name, value in zip(free, found.x, strict=True):
            p[name].value = float(value)

    def leave_out(self, p: Mapping[str, float]) -> None:
        """Lines of none of the phases, with half a degree on either side but for the phases' own lines."""
        columns = self.columns(p)
        factors, _ = self.solve(columns)
        explained = columns[:, : len(self.lines)] @ np.maximum(factors[: len(self.lines)], 0)
        rest = self.counts - columns @ factors
        own = self.own_lines(p, self.visible)
        places, _ = lines_of_none(self.two_theta, rest, self.sigma, explained, own)
        near = np.min(np.abs(self.two_theta[:, None] - np.array([*places, np.inf])), axis=1)
        inside = np.zeros(self.two_theta.size + 1)
        for ends, step in zip(np.searchsorted(self.two_theta, own.T), (1, -1), strict=True):
            np.add.at(inside, ends, step)
        is_open = (near > APART) | (np.cumsum(inside)[:-1] > 0)
        if np.mean(is_open) > LEAST_OPEN:
            self.is_open = is_open

    def own_lines(self, p: Mapping[str, float], names: Sequence[str], cell: float = 0.0) -> Array:
        """From where to where a peak is one of these phases, degrees, shape (lines, 2).

        One and a half widths about a line, and as far as a cell that is off by `cell` moves it.
        """
        instrument, found = self.instrument_at(p), [np.zeros((0, 2))]
        for name in names:
            state = self.state_at(p, name)
            inverse = self.lines[name].squared_inverse_spacing(state.strain)
            for wavelength in instrument.wavelengths:
                sine = wavelength * np.sqrt(inverse) / 2
                bragg = 2 * np.degrees(np.arcsin(sine[(sine > 0) & (sine < STEEPEST)]))
                away = 1.5 * line_width(bragg, instrument.caglioti, state.size)
                away = away + np.degrees(2 * np.tan(np.radians(bragg / 2)) * cell)
                place = bragg + line_shift(bragg, instrument)
                found.append(np.column_stack([place - away, place + away]))
        return np.concatenate(found)

    def choose_background(self, p: Mapping[str, float]) -> None:
        """The degree with the least AIC, everything else held; BIC leaves a bias of 0.3 σ."""
        columns = self.columns(p, DEGREES[-1])

        def criterion(degree: int) -> float:
            chosen = columns[:, : len(self.lines) + degree + 1]
            rest = (self.counts - chosen @ self.solve(chosen)[0]) * self.weight
            return float(np.sum(rest**2) + 2 * degree)

        self.degree = min(DEGREES, key=criterion)

    def jacobian(self, values: Mapping[str, float], free: Sequence[str]) -> tuple[list[str], Array]:
        """d(pattern)/d(parameter) of the free parameters, then of scales and background: names and (n, k)."""
        columns = self.columns(values)
        here, held = columns[:, : len(self.lines)], self.solve(columns)[0][: len(self.lines)]
        instrument = self.instrument_at(values)
        states = [self.state_at(values, name) for name in self.lines]
        slopes = []
        for name in free:
            moved = {**values, name: values[name] + STEP}
            other, slope = self.instrument_at(moved), np.zeros(self.two_theta.size)
            for i, (phase, lines) in enumerate(self.lines.items()):
                state = self.state_at(moved, phase)
                if (other, state) != (instrument, states[i]):
                    shifted = phase_pattern(self.two_theta, lines, other, state)
                    slope += held[i] * (shifted - here[:, i]) / STEP
            slopes.append(slope)
        names = [*free, *(f"scale_{i}" for i in range(len(held)))]
        names += [f"background_{k}" for k in range(self.degree + 1)]
        return names, np.column_stack([*slopes, columns])


def refine(fit: PatternFit) -> lmfit.Parameters:
    """The parameters that fit best: found coarsely, then freed in the usual order, then weighted by the model.

    Cells and width first, then profile, Kα2 and displacements, then what only visible phases can say; the
    background's degree by AIC; in the end scores of the Poisson likelihood vanish, as its variance is the model's.
    """
    p = fit.start()
    fit.find(p)
    fit.look(p.valuesdict())
    fit.settle_weak(p)
    fit.look(p.valuesdict())
    if not fit.stands_out:
        return p
    for kinds in (("zero", "strain", "width"), ("mixing", "ratio", "slope", "breadth"), ("size", "texture")):
        fit.release(p, *kinds)
        fit.converge(p, 1e-4)
        fit.weigh(fit.curve(p.valuesdict()))
        fit.look(p.valuesdict())
        fit.settle_weak(p)
        fit.choose_background(p.valuesdict())
    fit.leave_out(p.valuesdict())
    for _ in range(2):
        fit.converge(p, 1e-6)
        fit.weigh(fit.curve(p.valuesdict()))
    return p


def caglioti(width: float, slope: float, curvature: float) -> tuple[float, float, float]:
    """U, V, W from the FWHM at tanθ = ½ and the relative slope and curvature of its square there."""
    square = width**2
    return (
        square * curvature,
        square * (slope - curvature),
        square * (1 - slope / 2 + curvature / 4),
    )


def weak_sigma(name: str) -> float:
    """σ of the weak term of a parameter; infinite where there is none."""
    return _weak(name)[1]


def _weak(name: str) -> tuple[float, float]:
    return WEAK.get(name) or WEAK.get(name.split("_")[0]) or (0.0, np.inf)


# How far its scales can be trusted ---------------------------------------------------------------


@dataclass(frozen=True)
class Scales:
    """The scales of the phases with all else free.

    values, covariance : shapes (n,) and (n, n)
    counted : their σ by counting alone, shape (n,)
    chi_square : reduced, of the whole pattern
    misses : whether that is more than counting
    """

    values: Array
    covariance: Array
    counted: Array
    chi_square: float
    misses: bool


def trust(fit: PatternFit, p: lmfit.Parameters, rest: Array, model: RefinedPattern) -> Scales:
    """Scales with their covariance; standard errors are written into `p`.

    Where the model misses the pattern the misfit of whole lines, not of points, is what scatters. The covariance is
    then the jackknife over lines (each left out once, to first order; Bell and McCaffrey, Surv. Methodol. 28, 169
    (2002)), widened by Student's t of as many degrees of freedom as there are lines that carry a parameter, and no σ
    is below √χ²ᵣ times that of counting.

    Parameters
    ----------
    fit, p : as refined
    rest : counts − fit, shape (n,)
    model : the same fit, for the places of its lines
    """
    free = [name for name in p if p[name].vary]
    names, jacobian = fit.jacobian(p.valuesdict(), free)
    design = jacobian * fit.weight[:, None]
    prior = np.zeros(len(names))
    prior[: len(free)] = [weak_sigma(name) ** -2 for name in free]
    norms = np.sqrt(np.sum(design**2, axis=0) + prior)
    norms[norms == 0] = 1.0
    design = design / norms
    information = design.T @ design + np.diag(prior / norms**2)
    inverse = np.linalg.pinv(information, rcond=1e-13, hermitian=True)
    scored = rest * fit.weight
    freedom = max(int(np.sum(fit.is_open)) - len(names), 1)
    chi_square = float(np.sum(scored**2)) / freedom
    misses = chi_square > 1 + 5 * float(np.sqrt(2 / freedom))
    chosen = slice(len(free), len(free) + len(fit.lines))
    counted = np.sqrt(np.diag(inverse))
    if misses:
        starts = _line_starts(fit, model, p["width"].value)
        # As many degrees of freedom as lines carry a parameter.
        carried = np.add.reduceat((design @ inverse) ** 2, starts, axis=0)
        behind = np.sum(carried, axis=0) ** 2 / np.maximum(np.sum(carried**2, axis=0), 1e-300) - 1
        moves = _without_each_line(design, information, scored, starts)
        robust = moves.T @ moves * (len(moves) - 1) / len(moves)
        spread = np.sqrt(np.diag(robust))
        wider = student.ppf(norm.cdf(1), np.maximum(behind, 1.0))
        factor = np.maximum(wider, np.sqrt(chi_square) * counted / np.maximum(spread, 1e-300))
        inverse = robust * np.outer(factor, factor)
    covariance = inverse / np.outer(norms, norms)
    for name, sigma in zip(free, np.sqrt(np.diag(covariance)), strict=False):
        p[name].stderr = float(sigma)
    values = fit.solve(fit.columns(p.valuesdict()))[0][: len(fit.lines)]
    return Scales(values, covariance[chosen, chosen], (counted / norms)[chosen], chi_square, misses)


def _line_starts(fit: PatternFit, model: RefinedPattern, width: float) -> Indices:
    """Where each line begins, with half of what is on either side; lines within two widths are one."""
    places = np.sort(np.concatenate([model.line_positions(name) for name in fit.lines]))
    places = places[(places > fit.two_theta[0]) & (places < fit.two_theta[-1])]
    between = np.flatnonzero(np.diff(places) > 2 * width)
    ends = (places[between] + places[between + 1]) / 2
    return np.unique([0, *np.searchsorted(fit.two_theta, ends)])


def _without_each_line(design: Array, information: Array, scored: Array, starts: Indices) -> Array:
    """By how much each parameter moves when a line is left out, shape (lines, k)."""
    moves = []
    for first, last in zip(starts, [*starts[1:], scored.size], strict=True):
        part = design[first:last]
        left = information - part.T @ part
        moves.append(np.linalg.pinv(left, rcond=1e-9, hermitian=True) @ (part.T @ scored[first:last]))
    return np.array(moves)


# Whether the phases explain the pattern ----------------------------------------------------------


def lines_of_none(
    two_theta: Array, net: Array, sigma: Array, explained: Array, own: Array
) -> tuple[list[float], float]:
    """2θ (degrees) of the lines in what is left of a pattern, the strongest first, and their area in counts.

    What is left at a line of a phase is that phase's, and so is what a profile not quite that of the model leaves
    beside it.

    Parameters
    ----------
    two_theta, net, sigma : of the pattern without its background and what is explained, and its noise, shape (n,)
    explained : of the phases that are there, shape (n,)
    own : from where to where a peak is one of theirs, degrees, shape (lines, 2)
    """
    smooth, error = uniform_filter1d(net, 5), np.sqrt(uniform_filter1d(sigma**2, 5) / 5)
    apart = max(1, round(APART / float(np.median(np.diff(two_theta)))))
    peaks, about = find_peaks(smooth, prominence=CLEAR * float(np.median(error)), width=2, distance=apart)
    near = maximum_filter1d(explained, 2 * apart + 1)
    clear = (smooth[peaks] > CLEAR * error[peaks]) & (smooth[peaks] > PROFILE * near[peaks])
    place = two_theta[peaks][:, None]
    clear &= ~np.any((place > own[:, 0]) & (place < own[:, 1]), axis=1)
    peaks, high = peaks[clear], about["prominences"][clear]
    area = sum(float(np.sum(net[max(peak - apart, 0) : peak + apart + 1])) for peak in peaks)
    return [float(two_theta[peaks[i]]) for i in ranked(list(high), highest=True)], area


# The result --------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class PhaseFractions(StudyResult):
    """How much of each phase a pattern shows; all fractions sum to one and have no unit.

    Attributes
    ----------
    names : of the phases
    scales, covariance : of the phases, shapes (n,) and (n, n), in units in which one that shows nothing is 0
    significance : by phase, by how many σ it stands above zero, negative where the pattern dips
    doubts : by phase, why it is not counted as detected although something stands at its lines
    missed : 2θ of the strongest lines of none of the phases, degrees
    unexplained : the area of those lines over that of the phases
    misses : whether the misfit is more than counting
    density_choice : with which `densities` were chosen
    densities : kg/m³, by phase, with which volumes are computed
    rwp, expected_rwp, reduced_chi_square : misfit of the whole pattern, its background included
    two_theta, counts, pattern : degrees; counts and the fit, shape (m,)
    parameters : lmfit's, with standard errors
    model : all of it, to be evaluated elsewhere
    used : what was assumed, in sentences
    """

    names: tuple[str, ...]
    scales: Array
    covariance: Array
    significance: dict[str, float]
    doubts: dict[str, str]
    missed: list[float]
    unexplained: float
    misses: bool
    density_choice: Densities
    densities: dict[str, float]
    rwp: float
    expected_rwp: float
    reduced_chi_square: float
    two_theta: Array
    counts: Array
    pattern: Array
    parameters: lmfit.Parameters
    model: RefinedPattern
    used: tuple[str, ...]

    def _shares(self, factors: Mapping[str, float]) -> dict[str, Quantity]:
        found = shares(
            self.scales, self.covariance, [factors[name] for name in self.names], unlisted=self.unexplained
        )
        return dict(zip(self.names, found, strict=True))

    @property
    def weight_fractions(self) -> dict[str, Quantity]:
        """By phase; one that comes out below zero is none."""
        return self._shares(self.model.masses)

    @property
    def volume_fractions(self) -> dict[str, Quantity]:
        """By phase, with `densities`."""
        return self._shares({name: mass / self.densities[name] for name, mass in self.model.masses.items()})

    @property
    def mole_fractions(self) -> dict[str, Quantity]:
        """By phase, of formula units."""
        masses, crystals = self.model.masses, self.model.crystals
        return self._shares({name: mass / crystals[name].molar_mass for name, mass in masses.items()})

    @property
    def upper_limits(self) -> dict[str, float]:
        """By phase, the weight fraction it stays under at 95 %."""
        return {n: upper_limit(float(w), w.uncertainty) for n, w in self.weight_fractions.items()}

    @property
    def detected(self) -> tuple[str, ...]:
        """The phases that stand 3 σ or more above zero, with no doubt."""
        return tuple(n for n in self.names if self.significance[n] >= DETECTION and n not in self.doubts)

    @property
    def background(self) -> Array:
        """Counts without any phase, shape (m,)."""
        return self.model.background(self.two_theta)

    @property
    def components(self) -> dict[str, Array]:
        """Counts of each phase, shape (m,)."""
        return self.model.components(self.two_theta)

    @property
    def lattices(self) -> dict[str, dict[str, Quantity]]:
        """By phase and axis, m; of a phase too weak to tell, as its CIF has it, with σ = 0."""
        found: dict[str, dict[str, Quantity]] = {}
        for i, name in enumerate(self.names):
            axes = dict(zip("abc", self.model.crystals[name].lengths, strict=True))
            strains = {axis: self.parameters[f"strain_{i}_{axis}"] for axis in self.model.lines[name].axes}
            found[name] = {
                axis: Quantity(axes[axis] * (1 + strain.value), axes[axis] * (strain.stderr or 0.0), "m")
                for axis, strain in strains.items()
            }
        return found

    def molar_ratio(self, one: str, other: str) -> Quantity:
        """Formula units of `one` for each of `other`; NaN where there is none of it."""
        moles = self.mole_fractions
        return moles[one] / moles[other] if moles[other] > 0 else Quantity(np.nan)

    def texture(self, name: str) -> Quantity:
        """March–Dollase coefficient of a phase; 1 without error where it was not refined."""
        known = self.parameters[f"texture_{self.names.index(name)}"]
        value = float(np.exp(known.value))
        return Quantity(value, value * (known.stderr or 0.0))

    def with_densities(self, densities: Densities) -> "PhaseFractions":
        """The same refinement with other densities: "x-ray", "handbook" or a dict by phase, kg/m³."""
        chosen = densities_of(self.model.crystals, densities, expansion=self.model.expansion)
        return replace(self, densities=chosen, density_choice=densities)

    def rows(self) -> list[Row]:
        weights, volumes, rows = self.weight_fractions, self.volume_fractions, []
        choice = self.density_choice if isinstance(self.density_choice, str) else "given"
        for name in self.detected:
            how = f"whole pattern, lines at {self.significance[name]:.0f} σ"
            rows.append(Row(f"{name} by weight", weights[name], how, f"weight_fraction_{name}", "%"))
        for name in self.detected:
            how = f"{choice} density, {self.densities[name]:.0f} kg/m³"
            rows.append(Row(f"{name} by volume", volumes[name], how, f"volume_fraction_{name}", "%"))
        for name in self.names:
            if name not in self.detected:
                how = "95 %, unified interval; not detected"
                limit = Quantity(self.upper_limits[name], 0.0)
                rows.append(Row(f"{name} by weight, under", limit, how, f"upper_limit_{name}", "%"))
        for one, other in zip(self.detected, self.detected[1:2], strict=False):
            ratio = self.molar_ratio(one, other)
            rows.append(Row(f"{one} : {other}", ratio, "formula units", f"molar_ratio_{one}_{other}"))
        for name in self.detected:
            for axis, length in self.lattices[name].items():
                if length.uncertainty > 0:
                    rows.append(
                        Row(
                            f"{name}, {axis}",
                            length,
                            "of the refined cell",
                            f"cell_{axis}_{name}",
                            "angstrom",
                        )
                    )
            if self.parameters[f"texture_{self.names.index(name)}"].vary:
                how = "March–Dollase; 1 without texture"
                rows.append(Row(f"texture of {name}", self.texture(name), how, f"texture_{name}"))
        return rows

    def notes(self) -> list[str]:
        said = [
            f"R_wp = {self.rwp:.1%}, counting alone {self.expected_rwp:.1%}; χ²ᵣ = {self.reduced_chi_square:.2f}"
        ]
        if self.misses:
            said.append("the model misses the pattern: σ is widened by that misfit")
        said += [f"{name} is not counted as detected: {doubt}" for name, doubt in self.doubts.items()]
        if self.missed:
            said.append(
                f"no phase explains {lines_text(self.missed, self.model.instrument)}, with "
                f"{100 * self.unexplained:.1f} % of the area of those that are: σ allows for as much weight that is "
                "not listed"
            )
        said += [f"assumed: {sentence}" for sentence in self.used]
        return [*said, *(f"not visible to this: {sentence}" for sentence in BLIND)]


def fit_phase_fractions(
    two_theta: ArrayLike,
    counts: ArrayLike,
    phases: Mapping[str, PowderPhase],
    *,
    variance: ArrayLike | None = None,
    wavelengths: tuple[float, float] = COPPER,
    ratio: float = KALPHA_RATIO,
    densities: Densities = "x-ray",
    texture: Mapping[str, Sequence[int]] | None = None,
    reach: Mapping[str, float] | None = None,
) -> PhaseFractions:
    """Refine a whole powder pattern (Rietveld) and return how much of each phase there is.

    Counts = Σ_p S_p Σ_hkl m|F|² LP P(hkl) [pV(Kα1) + r pV(Kα2)] + background. Refined are all scales, one Chebyshev
    background, the zero, the cells, the width U tan²θ + V tanθ + W with its Lorentzian
    share, the Kα2 ratio, one displacement B common to all atoms, and the further broadening of each phase but the
    strongest. A phase is weight S Z M V (Hill and Howard 1987); none is forced above zero, so that a weak one is not
    biased. Then comes the test whether these phases explain the pattern at all.

    Parameters
    ----------
    two_theta, counts : shape (n,), degrees and counts
    phases : crystals by name (`nbtools.files.crystal.read_crystal` reads CIFs)
    variance : of the counts, shape (n,), where they are not plain counts; else Poisson's
    wavelengths, ratio : Kα1 and Kα2, m, and their strengths' ratio to start from; 0 keeps to one wavelength
    densities : for volumes: "x-ray", "handbook" or a dict by phase, kg/m³
    texture : phases with a preferred orientation and its axis (h, k, l); each gets a March–Dollase coefficient
    reach : by phase, how far (relative) its cell may be from its CIF; by default 0.4 %, as measured cells are

    Raises
    ------
    NotPossible
        Arrays that are no pattern; no phases, or one without a line in it; a pattern that these phases do not
        explain, with the strongest lines that they miss.
    ValueError
        A texture or density of a phase that is not among them.
    """
    angle, observed, spread = read_arrays(two_theta, counts, variance)
    if not phases:
        raise NotPossible("no phases came; give crystals, as nbtools.files.crystal.read_crystal reads them")
    crystals = {str(name): crystal for name, crystal in phases.items()}
    gain, said = (1.0, ()) if spread is not None else count_variance(observed)
    alone = ratio == 0 or wavelengths[0] == wavelengths[1]
    instrument = Instrument(
        wavelengths=(wavelengths[0],) * 2 if alone else wavelengths,
        ratio=0.0 if alone else ratio,
    )
    lines = _lines(crystals, angle, instrument, texture or {})
    densities_of(crystals, densities)
    fit = PatternFit(
        angle, observed / gain, spread, lines, instrument, textured=tuple(texture or {}), reach=reach or {}
    )
    return _result(fit, refine(fit), crystals, densities, gain, said)


def _lines(
    crystals: Mapping[str, PowderPhase],
    angle: Array,
    instrument: Instrument,
    texture: Mapping[str, Sequence[int]],
) -> dict[str, PowderLines]:
    if strange := set(texture) - set(crystals):
        raise ValueError(f"texture is given for {', '.join(strange)}; the phases are {', '.join(crystals)}")
    widest = np.radians(min(angle[-1] + MARGIN, 179.0) / 2)
    shortest = min(instrument.wavelengths) / (2 * np.sin(widest))
    longest = max(instrument.wavelengths) / (2 * np.sin(np.radians(angle[0] / 2)))
    found = {}
    for name, crystal in crystals.items():
        found[name] = powder_lines(crystal, shortest, axis=texture.get(name))
        inverse = found[name].squared_inverse_spacing()
        inside = (inverse > longest**-2) & (
            inverse < (2 * np.sin(np.radians(angle[-1] / 2)) / min(instrument.wavelengths)) ** 2
        )
        if not np.any(inside):
            raise NotPossible(
                f"{name} has no line between {angle[0]:.4g}° and {angle[-1]:.4g}° at {wavelength_text(instrument)}, so "
                "that its share cannot be known; measure a wider range, or check wavelength and CIF"
            )
    return found


def wavelength_text(instrument: Instrument) -> str:
    """``1.5406 Å``"""
    return f"{instrument.wavelengths[0] * 1e10:.4f} Å"


def _result(
    fit: PatternFit,
    p: lmfit.Parameters,
    crystals: dict[str, PowderPhase],
    densities: Densities,
    gain: float,
    said: tuple[str, ...],
) -> PhaseFractions:
    values, names = p.valuesdict(), tuple(crystals)
    columns = fit.columns(values)
    factors, _ = fit.solve(columns)
    pattern = columns @ factors
    rest = fit.counts - pattern
    model = RefinedPattern(
        crystals,
        fit.lines,
        {name: fit.state_at(values, name) for name in crystals},
        fit.instrument_at(values),
        dict(zip(crystals, map(float, gain * factors), strict=False)),
        gain * factors[len(crystals) :],
        (float(fit.two_theta[0]), float(fit.two_theta[-1])),
    )
    scales = trust(fit, p, rest, model)
    sigma = np.sqrt(np.diag(scales.covariance))
    significance = dict(zip(names, map(float, scales.values / sigma), strict=True))
    doubts = {}
    for name, counted in zip(names, scales.values / scales.counted, strict=True):
        if counted >= DETECTION and (doubt := _doubt(fit, p, name, significance[name])):
            doubts[name] = doubt
    phases = columns[:, : len(names)] * factors[: len(names)]
    there = [name for name in names if significance[name] >= DETECTION and name not in doubts]
    explained = phases[:, [name in there for name in names]].sum(axis=1)
    net = rest + phases.sum(axis=1) - explained
    missed, area = lines_of_none(fit.two_theta, net, fit.sigma, explained, fit.own_lines(values, there))
    if not there or area > LARGEST_REST * explained.sum():
        raise _not_explained(fit, crystals, there, doubts)
    weighted = float(np.sum((fit.counts * fit.weight) ** 2))
    freedom = np.sum(fit.is_open) - len(factors) - sum(parameter.vary for parameter in p.values())
    return PhaseFractions(
        names=names,
        scales=scales.values,
        covariance=scales.covariance,
        significance=significance,
        doubts=doubts,
        missed=missed[:MISSED],
        unexplained=area / float(explained.sum()),
        misses=scales.misses,
        density_choice=densities,
        densities=densities_of(crystals, densities, expansion=model.expansion),
        rwp=float(np.sqrt(np.sum((rest * fit.weight) ** 2) / weighted)),
        expected_rwp=float(np.sqrt(freedom / weighted)),
        reduced_chi_square=scales.chi_square,
        two_theta=fit.two_theta,
        counts=gain * fit.counts,
        pattern=gain * pattern,
        parameters=p,
        model=model,
        used=_used(fit, p) + said,
    )


def _doubt(fit: PatternFit, p: lmfit.Parameters, name: str, significance: float) -> str:
    """Why a phase at whose lines something stands is not counted as detected; empty where it is."""
    for strain in fit.strains(name):
        if p[strain].vary and _at_its_bound(p[strain]):
            off = 100 * p[strain].value
            return (
                f"its cell would be {off:+.1f} % off its CIF, as far as it may go, so it is another crystal"
            )
    if not significance >= DETECTION:
        return "what stands at its lines is not as strong as its structure says"
    return ""


def _at_its_bound(parameter: lmfit.Parameter) -> bool:
    """Whether the bound is nearer than the parameter's own σ."""
    nearest = min(parameter.max - parameter.value, parameter.value - parameter.min)
    return bool(nearest <= min(parameter.stderr or 0.0, 0.05 * (parameter.max - parameter.min)))


def _not_explained(
    fit: PatternFit, crystals: Mapping[str, PowderPhase], there: list[str], doubts: Mapping[str, str]
) -> NotPossible:
    """The phases do not explain the pattern: why, and its strongest lines where none of them has one."""
    if doubts:
        why = "; ".join(f"{name}: {doubt}" for name, doubt in doubts.items())
    elif not there:
        why = "none of them stands out of the noise"
    else:
        why = f"lines of none of them carry more than {100 * LARGEST_REST:.0f} % of the area of {', '.join(there)}"
    missed = lines_beside(fit, there)
    strongest = f"; the strongest they miss: {lines_text(missed, fit.instrument)}" if missed else ""
    return NotPossible(
        f"these phases ({', '.join(crystals)}) do not explain this pattern: {why}{strongest}. Give the crystals that "
        f"are in it as CIFs, check the wavelength, {wavelength_text(fit.instrument)}, and where crystallites "
        "lie in one direction refine that texture"
    )


def lines_beside(fit: PatternFit, there: Sequence[str]) -> list[float]:
    """2θ of the strongest lines of a pattern that are of none of the phases that are there.

    They are told by the places in the CIFs, so that they do not hang on where a fit that means nothing came to rest.
    """
    angle, step = fit.two_theta, float(np.median(np.diff(fit.two_theta)))
    net = fit.counts - median_filter(fit.counts, max(3, round(BROAD / step)))
    variance = uniform_filter1d(fit.counts, 9) if fit.variance is None else fit.variance
    own = fit.own_lines(fit.start().valuesdict(), there, MEASURED_CELL)
    places, _ = lines_of_none(angle, net, np.sqrt(np.maximum(variance, 1.0)), np.zeros(angle.size), own)
    return places[:MISSED]


def lines_text(places: Sequence[float], instrument: Instrument) -> str:
    """``the lines at 28.44° (3.136 Å), 47.30° (1.920 Å)``"""
    half = instrument.wavelengths[0] / 2
    text = ", ".join(f"{x:.2f}° ({1e10 * half / np.sin(np.radians(x / 2)):.3f} Å)" for x in places)
    return f"the line{'s' * (len(places) > 1)} at {text}"


def _used(fit: PatternFit, p: lmfit.Parameters) -> tuple[str, ...]:
    held = [name for name in fit.lines if name not in fit.visible]
    lines = [
        f"{wavelength_text(fit.instrument)}, background of degree {fit.degree}",
        *(f"{name}: cell of its CIF, width of the strongest phase, being too weak to say" for name in held),
    ]
    for name in fit.visible:
        off = max((p[strain].value for strain in fit.strains(name)), key=abs)
        if abs(off) > MEASURED_CELL:
            lines.append(f"{name}: its cell is {100 * off:+.1f} % off its CIF; it may be another crystal")
    ends = [n for n in p if p[n].vary and not n.startswith("strain") and _at_its_bound(p[n])]
    lines += [f"{name} ends where it may go no further, at {p[name].value:.3g}" for name in ends]
    if not fit.settled:
        lines.append(f"the refinement was ended after {MOST_STEPS} steps")
    return tuple(lines)
