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
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import find_peaks

from nbtools.results import NotPossible
from nbtools.statistics.arrays import real_array
from nbtools.statistics.choice import ranked
from nbtools.structure.model_powder_pattern import (
    COPPER,
    KALPHA_RATIO,
    Instrument,
    PhaseState,
    PowderLines,
    PowderPhase,
    RefinedPattern,
    phase_pattern,
    powder_lines,
)
from nbtools.structure.phase_fractions import Densities, densities_of, shares, upper_limit
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
FEWEST_POINTS = 50
MOST_POINTS = 2_000_000
PLAIN = (0.5, 2.0)  # scatter over Poisson's, between which numbers that are not whole still pass for counts
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
MOST_STEPS = 60  # of a minimisation, each of one evaluation a parameter; a pattern that fits takes 10
STEP = 1e-6  # of every parameter; none has a scale under 10⁻³
# Of what stands above the background the phases may leave so much; a phase's lines may be so far from its structure's.
LARGEST_UNEXPLAINED = 0.25
LARGEST_MISMATCH = 0.3
SURE_MISMATCH = 0.1  # up to which what stands at a phase's lines is surely that phase
LEAST_AREA = 0.05  # of all lines, from which a phase moves the fractions of the others
LINE_SIGMA = 0.3  # of a line's strength, above which counting does not show the line
MISSED = 5  # lines that a message names
CLEAR = 5.0  # σ by which a line stands out, so that noise makes one in 1,000 patterns
PROFILE = 0.2  # of an explained line: what a profile may miss of it
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
    gain = float(np.mean(bend[flat] ** 2 / 6 / local[flat])) if flat.sum() >= 10 else 1.0
    if PLAIN[0] <= gain <= PLAIN[1] or not gain > 0:
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
        raise NotPossible(f"all counts are {counts[0]:g}: this pattern shows nothing")


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
    weight : 1/σ of each point, shape (n,)
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
    weight: Array = field(default_factory=lambda: np.zeros(0))
    visible: tuple[str, ...] = ()
    stands_out: bool = True
    settled: bool = True

    def __post_init__(self) -> None:
        self.weigh(np.maximum(uniform_filter1d(self.counts, 9), 0) + 1)

    # ---- the model

    def weigh(self, model: Array) -> None:
        """Weight by the variance of the model, so that points that came out low do not count more."""
        floor = max(0.2, 1e-4 * float(np.mean(np.abs(model))))
        spread = np.maximum(model, floor) if self.variance is None else self.variance
        self.weight = 1 / np.sqrt(spread)

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

    def background(self, degree: int | None = None) -> list[Array]:
        """Chebyshev polynomials over the range of angles."""
        low, high = self.two_theta[[0, -1]]
        x = (2 * self.two_theta - low - high) / (high - low)
        return list(chebyshev.chebvander(x, self.degree if degree is None else degree).T)

    def solve(self, columns: list[Array]) -> tuple[Array, Array]:
        """Least-squares factors of the columns and their covariance."""
        with np.errstate(over="ignore", invalid="ignore"):
            design = np.stack(columns, axis=1) * self.weight[:, None]
            norms = np.sqrt(np.sum(design**2, axis=0))
            norms[norms == 0] = 1.0
            normal = (design / norms).T @ (design / norms)
        if not np.isfinite(normal).all():
            raise NotPossible(
                "the refinement does not settle: cells or widths ran away; these phases do not explain this pattern"
            )
        inverse = np.linalg.pinv(normal, rcond=1e-12, hermitian=True)
        factors = inverse @ ((design / norms).T @ (self.counts * self.weight))
        return factors / norms, inverse / np.outer(norms, norms)

    def curve(self, p: Mapping[str, float]) -> Array:
        """The best pattern with these instrument, cell and texture parameters."""
        columns = [*self.templates(p), *self.background()]
        return np.asarray(np.stack(columns, axis=1) @ self.solve(columns)[0])

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
        p["width"].set(min=0.2 * float(np.median(np.diff(self.two_theta))), max=2 * WIDTHS[-1])
        for name in p:
            if name.startswith("strain"):
                reach = self._reach(list(self.lines)[int(name.split("_")[1])])
                p[name].set(min=-reach, max=reach)
        return p

    def find(self, p: lmfit.Parameters) -> None:
        """Near enough to converge: each cell scanned over ±1 % with wide lines, then the width."""
        coarse = self.thinned()
        for _ in range(2):
            for name in self.lines:
                coarse.scan(p, self.strains(name), self._reach(name) * SCANNED)
        self.scan(p, ["width"], WIDTHS)

    def _reach(self, name: str) -> float:
        """How far the cell of a phase may be from its CIF."""
        return self.reach.get(name, MEASURED_CELL)

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
        columns = [*self.templates(p), *self.background()]
        factors, covariance = self.solve(columns)
        misfit = float(np.mean(((self.counts - np.stack(columns, axis=1) @ factors) * self.weight) ** 2))
        clear = factors / np.sqrt(np.maximum(np.diag(covariance) * max(misfit, 1.0), 1e-300))
        areas = [f * float(np.sum(c)) for f, c in zip(factors, columns, strict=True)][: len(self.lines)]
        order = ranked(areas, highest=True)
        names = list(self.lines)
        self.visible = tuple(names[i] for i in order if clear[i] > VISIBLE)
        self.stands_out = bool(np.any(clear[: len(names)] > DETECTION))

    def converge(self, p: lmfit.Parameters, **options: Any) -> lmfit.Parameters:
        """Least squares over what is free, scales and background solved for at each step."""

        def residual(trial: lmfit.Parameters) -> Array:
            values = trial.valuesdict()
            rest = (self.counts - self.curve(values)) * self.weight
            return np.append(rest, weak_terms(trial))

        free = sum(parameter.vary for parameter in p.values())
        if not free:
            return p
        found = lmfit.minimize(residual, p, method="leastsq", max_nfev=MOST_STEPS * (free + 1), **options)
        self.settled = not found.aborted
        return found.params

    def choose_background(self, p: Mapping[str, float]) -> None:
        """The degree with the least AIC, everything else held; BIC leaves a bias of 0.3 σ."""
        templates = self.templates(p)

        def criterion(degree: int) -> float:
            columns = [*templates, *self.background(degree)]
            rest = (self.counts - np.stack(columns, axis=1) @ self.solve(columns)[0]) * self.weight
            return float(np.sum(rest**2) + 2 * degree)

        self.degree = min(DEGREES, key=criterion)

    def jacobian(self, p: lmfit.Parameters) -> tuple[list[str], Array]:
        """d(pattern)/d(parameter) of the free parameters, then of scales and background: names and (n, k)."""
        values = p.valuesdict()
        free = [name for name, parameter in p.items() if parameter.vary]
        factors, _ = self.solve([*self.templates(values), *self.background()])
        held = factors[: len(self.lines)]

        def phases_at(name: str, step: float) -> Array:
            moved = self.templates({**values, name: values[name] + step})
            return np.asarray(held @ np.stack(moved))

        columns = [(phases_at(name, STEP) - phases_at(name, -STEP)) / (2 * STEP) for name in free]
        names = free + [f"scale_{i}" for i in range(len(held))]
        names += [f"background_{k}" for k in range(self.degree + 1)]
        return names, np.stack([*columns, *self.templates(values), *self.background()], axis=1)


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
        p = fit.converge(p, ftol=1e-4, xtol=1e-4, epsfcn=1e-10)
        if not fit.settled:
            break
        fit.weigh(fit.curve(p.valuesdict()))
        fit.look(p.valuesdict())
        fit.settle_weak(p)
        fit.choose_background(p.valuesdict())
    for _ in range(2 if fit.settled else 0):
        p = fit.converge(p, ftol=1e-6, xtol=1e-6, epsfcn=1e-10)
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


def weak_terms(p: lmfit.Parameters) -> Array:
    """How far each free parameter is from the centre of its weak term, in its σ."""
    found = []
    for name, parameter in p.items():
        if parameter.vary and np.isfinite(sigma := weak_sigma(name)):
            found.append((parameter.value - _weak(name)[0]) / sigma)
    return np.array(found)


def weak_sigma(name: str) -> float:
    """σ of the weak term of a parameter; infinite where there is none."""
    return _weak(name)[1]


def _weak(name: str) -> tuple[float, float]:
    return WEAK.get(name) or WEAK.get(name.split("_")[0]) or (0.0, np.inf)


# How far its scales can be trusted ---------------------------------------------------------------


def covariance_of(fit: PatternFit, p: lmfit.Parameters, rest: Array) -> tuple[Array, Array, float]:
    """Scales, their covariance with all else free, and χ²ᵣ; standard errors are written into `p`.

    Where the model misses the pattern the misfit of whole peaks, not of points, is what scatters: the scores are
    then summed over blocks of two widths (White's sandwich), and no σ falls below √χ²ᵣ times that of counting.
    """
    names, jacobian = fit.jacobian(p)
    design = jacobian * fit.weight[:, None]
    free = [name for name in names if name in p]
    prior = [weak_sigma(name) ** -2 for name in free] + [0.0] * (len(names) - len(free))
    norms = np.sqrt(np.sum(design**2, axis=0) + prior)
    norms[norms == 0] = 1.0
    information = (design / norms).T @ (design / norms) + np.diag(np.array(prior) / norms**2)
    inverse = np.linalg.pinv(information, rcond=1e-13, hermitian=True)
    freedom = max(rest.size - len(names), 1)
    chi_square = float(np.sum(rest**2)) / freedom
    if chi_square > 1 + 5 * np.sqrt(2 / freedom):
        inverse = _widened(inverse, design / norms, rest, fit, p["width"].value, chi_square)
    covariance = inverse / np.outer(norms, norms)
    for name in free:
        row = names.index(name)
        p[name].stderr = float(np.sqrt(max(covariance[row, row], 0.0)))
    first = names.index("scale_0")
    chosen = slice(first, first + len(fit.lines))
    values = p.valuesdict()
    scales = fit.solve([*fit.templates(values), *fit.background()])[0][: len(fit.lines)]
    return scales, covariance[chosen, chosen], chi_square


def _widened(
    inverse: Array, design: Array, rest: Array, fit: PatternFit, width: float, chi_square: float
) -> Array:
    step = float(np.median(np.diff(fit.two_theta)))
    starts = np.arange(0, rest.size, max(1, round(2 * width / step)))
    scores = np.add.reduceat(design * rest[:, None], starts, axis=0)
    robust = inverse @ scores.T @ scores @ inverse
    least = chi_square * np.diag(inverse)
    factor = np.sqrt(np.maximum(least / np.maximum(np.diag(robust), 1e-300), 1.0))
    return robust * np.outer(factor, factor)


# Whether the phases explain the pattern ----------------------------------------------------------


def line_mismatch(
    fit: PatternFit, template: Array, scale: float, places: Array, rest: Array, width: float
) -> float:
    """How far the strengths of a phase's lines are from those of its structure, between 0 (as they are) and 1.

    Each line that counting could show has its own strength a (1: as the structure says), read inside one and a half
    widths with a constant underground. The mismatch is Σ c|a − 1| over Σ c(a + 1), c the strength by the structure,
    less what noise alone would give. A line of something else near by makes a large, one that is not there makes it 0.

    Parameters
    ----------
    fit : the pattern
    template, scale : of the phase, shape (n,), and its factor
    places : of its lines, degrees
    rest : counts − fit, shape (n,)
    width : of a line, degrees

    Returns
    -------
    NaN where counting could show fewer than two lines
    """
    angle, apart, total, lines = fit.two_theta, 0.0, 0.0, 0
    groups = np.split(places, np.flatnonzero(np.diff(places) > 2 * width) + 1)
    for group in groups:
        first, last = np.searchsorted(angle, [group[0] - 1.5 * width, group[-1] + 1.5 * width])
        if last - first < 5:
            continue
        weight = fit.weight[first:last] ** 2
        shape = scale * template[first:last]
        # The underground is free, so that a bent background is not taken for a line.
        shape = shape - np.sum(weight * shape) / np.sum(weight)
        known = float(np.sum(weight * shape**2))
        sigma = known**-0.5 if known > 0 else np.inf
        if sigma > LINE_SIGMA:
            continue
        off = float(np.sum(weight * shape * rest[first:last])) / known
        strength = float(np.sum(np.abs(shape)))
        apart += strength * max(abs(off) - sigma, 0.0)
        total += strength * max(2.0 + off, 1.0)
        lines += 1
    return min(apart / total, 1.0) if lines > 1 else np.nan


def unexplained_share(fit: PatternFit, rest: Array, background: Array, width: float) -> float:
    """Of the area that stands above the background, the share that the fit misses, one way or the other.

    Counts and fit are compared over a line's width, so that the shape of a line does not count, and less what noise
    alone would give.
    """
    size = max(3, round(width / float(np.median(np.diff(fit.two_theta)))))
    noise = float(np.sum(np.sqrt(2 / np.pi * uniform_filter1d(fit.weight**-2.0, size) / size)))
    left, above = (
        float(np.sum(np.abs(uniform_filter1d(part, size)))) - noise
        for part in (rest, fit.counts - background)
    )
    return min(max(left, 0.0) / above, 1.0) if above > 0 else 1.0


def strongest_lines(two_theta: Array, net: Array, sigma: Array, explained: Array) -> list[float]:
    """2θ of the strongest lines in what is left of a pattern, degrees, by how far they stand out.

    What is left under an explained line because its profile is not quite that of the model is none.
    """
    smooth, error = uniform_filter1d(net, 5), np.sqrt(uniform_filter1d(sigma**2, 5) / 5)
    apart = max(1, round(APART / float(np.median(np.diff(two_theta)))))
    peaks, about = find_peaks(smooth, prominence=CLEAR * float(np.median(error)), width=2, distance=apart)
    near = maximum_filter1d(explained, 2 * apart + 1)
    clear = (smooth[peaks] > CLEAR * error[peaks]) & (smooth[peaks] > PROFILE * near[peaks])
    peaks, high = peaks[clear], about["prominences"][clear]
    return [float(two_theta[peaks[i]]) for i in ranked(list(high), highest=True)[:MISSED]]


# The result --------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class PhaseFractions(StudyResult):
    """How much of each phase a pattern shows; all fractions sum to one and have no unit.

    Attributes
    ----------
    names : of the phases
    scales, covariance : of the phases, shapes (n,) and (n, n), in units in which one that shows nothing is 0
    significance : by phase, its scale over σ, negative where the pattern dips
    mismatch : by phase, see `line_mismatch`; NaN where fewer than two lines can be told
    unexplained : share of what stands above the background that no phase explains
    missed : 2θ of the strongest lines of none of the phases, degrees
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
    mismatch: dict[str, float]
    unexplained: float
    missed: list[float]
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

    def _shares(self, divisors: Mapping[str, float] | None = None) -> dict[str, Quantity]:
        masses = self.model.masses
        factors = [masses[name] / (divisors[name] if divisors else 1.0) for name in self.names]
        return dict(zip(self.names, shares(self.scales, self.covariance, factors), strict=True))

    @property
    def weight_fractions(self) -> dict[str, Quantity]:
        """By phase; one that comes out below zero is none."""
        return self._shares()

    @property
    def volume_fractions(self) -> dict[str, Quantity]:
        """By phase, with `densities`."""
        return self._shares(self.densities)

    @property
    def mole_fractions(self) -> dict[str, Quantity]:
        """By phase, of formula units."""
        return self._shares({name: crystal.molar_mass for name, crystal in self.model.crystals.items()})

    @property
    def upper_limits(self) -> dict[str, float]:
        """By phase, the weight fraction it stays under at 95 %."""
        return {n: upper_limit(float(w), w.uncertainty) for n, w in self.weight_fractions.items()}

    @property
    def detected(self) -> tuple[str, ...]:
        """The phases whose lines stand 3 σ or more out of the pattern, as strong as their structure says."""
        return tuple(
            name
            for name in self.names
            if self.significance[name] >= DETECTION and not self.mismatch[name] > LARGEST_MISMATCH
        )

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
        for name in self.names:
            if self.mismatch[name] > LARGEST_MISMATCH:
                said.append(
                    f"{name}: what stands at its lines is not as strong as its structure says, so it is not counted "
                    "as detected"
                )
        if self.missed:
            said.append(f"no phase explains {self.missed_text}: a share of the whole is not counted")
        said += [f"assumed: {sentence}" for sentence in self.used]
        return [*said, *(f"not visible to this: {sentence}" for sentence in BLIND)]

    @property
    def misses(self) -> bool:
        """Whether the misfit is more than counting."""
        return self.reduced_chi_square > 1 + 5 * float(np.sqrt(2 / self.counts.size))

    @property
    def missed_text(self) -> str:
        """``the lines at 28.44° (3.136 Å), 47.30° (1.920 Å)``"""
        half = self.model.instrument.wavelengths[0] / 2
        places = ", ".join(f"{x:.2f}° ({1e10 * half / np.sin(np.radians(x / 2)):.3f} Å)" for x in self.missed)
        return f"the line{'s' * (len(self.missed) > 1)} at {places}"


def fit_phase_fractions(
    two_theta: ArrayLike,
    counts: ArrayLike,
    phases: Mapping[str, PowderPhase],
    *,
    variance: ArrayLike | None = None,
    wavelengths: tuple[float, float] = COPPER,
    ratio: float = KALPHA_RATIO,
    monochromator: float = 0.0,
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
    monochromator : its 2θ, degrees (graphite with Cu: 26.6); 0 without one
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
        monochromator=monochromator,
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
    columns = [*fit.templates(values), *fit.background()]
    factors, _ = fit.solve(columns)
    pattern = np.stack(columns, axis=1) @ factors
    rest = fit.counts - pattern
    scales, covariance, chi_square = covariance_of(fit, p, rest * fit.weight)
    model = RefinedPattern(
        crystals,
        fit.lines,
        {name: fit.state_at(values, name) for name in crystals},
        fit.instrument_at(values),
        dict(zip(crystals, map(float, gain * factors), strict=False)),
        gain * factors[len(crystals) :],
        (float(fit.two_theta[0]), float(fit.two_theta[-1])),
    )
    significance = dict(zip(names, map(float, scales / np.sqrt(np.diag(covariance))), strict=True))
    mismatch = {
        name: line_mismatch(
            fit, columns[i], float(factors[i]), model.line_positions(name), rest, values["width"]
        )
        if significance[name] >= DETECTION
        else np.nan
        for i, name in enumerate(names)
    }
    weighted = float(np.sum((fit.counts * fit.weight) ** 2))
    freedom = rest.size - len(factors) - sum(parameter.vary for parameter in p.values())
    left = unexplained_share(fit, rest, model.background(fit.two_theta) / gain, values["width"])
    found = PhaseFractions(
        names=names,
        scales=scales,
        covariance=covariance,
        significance=significance,
        mismatch=mismatch,
        unexplained=left,
        missed=[],
        density_choice=densities,
        densities=densities_of(crystals, densities, expansion=model.expansion),
        rwp=float(np.sqrt(np.sum((rest * fit.weight) ** 2) / weighted)),
        expected_rwp=float(np.sqrt(freedom / weighted)),
        reduced_chi_square=chi_square,
        two_theta=fit.two_theta,
        counts=gain * fit.counts,
        pattern=gain * pattern,
        parameters=p,
        model=model,
        used=_used(fit, p) + said,
    )
    parts = found.components
    surely = [parts[name] for name in found.detected if not mismatch[name] > SURE_MISMATCH]
    explained = np.sum(surely, axis=0) + np.zeros(fit.two_theta.size)
    net = found.counts - found.background - explained
    found.missed.extend(strongest_lines(fit.two_theta, net, gain / fit.weight, explained))
    areas = {name: float(np.sum(f * c)) for name, f, c in zip(names, factors, columns, strict=False)}
    _require_explained(found, areas, settled=fit.settled)
    return found


def _require_explained(found: PhaseFractions, areas: Mapping[str, float], *, settled: bool) -> None:
    """Not too much of the pattern is of no phase, and the phases that count show lines as strong as they should be.

    Raises
    ------
    NotPossible
        These phases do not explain this pattern.
    """
    whole = sum(max(area, 0.0) for area in areas.values())
    wrong = [
        name
        for name in found.names
        if found.mismatch[name] > LARGEST_MISMATCH and areas[name] > LEAST_AREA * whole
    ]
    if not any(value >= DETECTION for value in found.significance.values()):
        why = "none of them stands out of the noise"
    elif found.unexplained > LARGEST_UNEXPLAINED:
        why = f"{100 * found.unexplained:.0f} % of what stands above the background is of none of them"
    elif not settled:
        why = "the refinement does not settle"
    elif wrong:
        why = f"what stands at the lines of {wrong[0]} is not as strong as its structure says"
    else:
        return
    missed = f"; the strongest they miss: {found.missed_text}" if found.missed else ""
    raise NotPossible(
        f"these phases ({', '.join(found.names)}) do not explain this pattern: {why}{missed}. Give the crystals that "
        f"are in it as CIFs, check the wavelength, {wavelength_text(found.model.instrument)}, and where crystallites "
        "lie in one direction refine that texture"
    )


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
    return tuple(lines)
