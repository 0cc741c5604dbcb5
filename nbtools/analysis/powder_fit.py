"""The whole-pattern fit: phases and background enter linearly, the instrument and the cells do not."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import lmfit
import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from nbtools.models.powder_pattern import Instrument, PhaseState, PowderLines, phase_pattern
from nbtools.statistics.choice import ranked

Array = NDArray[np.float64]
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
STRAINS = np.linspace(-0.01, 0.01, 21)
NEARBY = np.linspace(-0.003, 0.003, 13)
CLEARLY = 16.0  # of χ²
COARSE_POINTS = 1500
VISIBLE = 15.0  # σ of its scale, from which a phase has a cell and a width of its own; freed sooner, noise shapes it
DEGREES = range(1, 16)
STEP = 1e-6  # of every parameter; none has a scale under 10⁻³


@dataclass
class PatternFit:
    """One pattern, the phases to explain it, and the state of the fit.

    two_theta, counts, variance : shape (n,), degrees; variance is None for counts (then it is that of the model)
    lines : by phase; textured : the phases whose texture is free
    """

    two_theta: Array
    counts: Array
    variance: Array | None
    lines: dict[str, PowderLines]
    instrument: Instrument
    textured: tuple[str, ...] = ()
    degree: int = 4
    _kept: dict[str, tuple[Any, Array]] = field(default_factory=dict)
    weight: Array = field(default_factory=lambda: np.zeros(0))
    visible: tuple[str, ...] = ()

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
        design = np.stack(columns, axis=1) * self.weight[:, None]
        norms = np.sqrt(np.sum(design**2, axis=0))
        norms[norms == 0] = 1.0
        normal = (design / norms).T @ (design / norms)
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
        p["width"].min = 0.2 * float(np.median(np.diff(self.two_theta)))
        return p

    def find(self, p: lmfit.Parameters) -> None:
        """Near enough to converge: each cell scanned over ±1 % with wide lines, then the width."""
        coarse = self.thinned()
        for _ in range(2):
            for name in self.lines:
                coarse.scan(p, self.strains(name), STRAINS)
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
        return PatternFit(angle, counts, None, self.lines, self.instrument, degree=self.degree)

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
            if kind in kinds and (kind not in ("strain", "size", "texture") or own):
                p[name].vary = True

    @property
    def _reference(self) -> str:
        """The number of the visible phase whose width is the instrument's by convention."""
        return str(list(self.lines).index(self.visible[0])) if self.visible else ""

    def look(self, p: Mapping[str, float]) -> None:
        """Which phases stand out of the noise; the strongest first."""
        columns = [*self.templates(p), *self.background()]
        factors, covariance = self.solve(columns)
        misfit = float(np.mean(((self.counts - np.stack(columns, axis=1) @ factors) * self.weight) ** 2))
        clear = factors / np.sqrt(np.maximum(np.diag(covariance) * max(misfit, 1.0), 1e-300))
        areas = [f * float(np.sum(c)) for f, c in zip(factors, columns, strict=True)][: len(self.lines)]
        order = ranked(areas, highest=True)
        names = list(self.lines)
        self.visible = tuple(names[i] for i in order if clear[i] > VISIBLE)

    def converge(self, p: lmfit.Parameters, **options: Any) -> lmfit.Parameters:
        """Least squares over what is free, scales and background solved for at each step."""

        def residual(trial: lmfit.Parameters) -> Array:
            values = trial.valuesdict()
            rest = (self.counts - self.curve(values)) * self.weight
            return np.append(rest, weak_terms(trial))

        if not any(parameter.vary for parameter in p.values()):
            return p
        return lmfit.minimize(residual, p, method="leastsq", **options).params

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
    for kinds in (("zero", "strain", "width"), ("mixing", "ratio", "slope", "breadth"), ("size", "texture")):
        fit.release(p, *kinds)
        p = fit.converge(p, ftol=1e-4, xtol=1e-4, epsfcn=1e-10)
        fit.weigh(fit.curve(p.valuesdict()))
        fit.look(p.valuesdict())
        fit.settle_weak(p)
        fit.choose_background(p.valuesdict())
    for _ in range(2):
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
