"""One J_c(T) from several instruments, the thermometer of each allowed to be off by an amount of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from nbtools.ac_susceptibility.current_law import CurrentRegression
from nbtools.physics.critical_current import EXPONENTS, log_current
from nbtools.physics.domain import require_one_of
from nbtools.results import Ledger, NotPossible
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
# A fit that chance would spoil so seldom has no σ: its errors, or its one law, are not what they were said to be.
SMALLEST_P = 1e-3


@dataclass(frozen=True)
class CurrentPoints:
    """J_c(T) of one instrument.

    temperature, current : shape (n,), K and A/m²
    temperature_uncertainty, relative_uncertainty : of one point against the next, K and of ln J_c
    offset_uncertainty : K, how far the thermometer as a whole may be off; 0 for the one that others are held against
    """

    temperature: ArrayLike
    current: ArrayLike
    temperature_uncertainty: float = 0.005
    relative_uncertainty: float = 0.05
    offset_uncertainty: float = 0.0


@dataclass(frozen=True)
class JointCurrent:
    """One law through the points of all instruments.

    Attributes
    ----------
    critical_temperature (K), zero_temperature_current (A/m²), exponent : of the law, on the reference's scale
    offsets : by instrument, what its thermometer reads too much (K)
    chi_square, degrees_of_freedom : misfit, the offsets' own prior included
    chi_square_exact : the same with every thermometer taken at its word
    """

    law: str
    critical_temperature: Quantity
    zero_temperature_current: Quantity
    exponent: Quantity
    offsets: Mapping[str, Quantity]
    chi_square: float
    chi_square_exact: float
    degrees_of_freedom: int

    @property
    def p_value(self) -> float:
        """How often one law with such errors would fit no better."""
        return float(chi2.sf(self.chi_square, self.degrees_of_freedom))

    def predict(self, temperature: ArrayLike) -> Array:
        """J_c (A/m²) on the reference's temperature scale; 0 from T_c up."""
        t = np.asarray(temperature, float) / float(self.critical_temperature)
        below, current = t < 1, np.zeros(t.shape)
        shape = log_current(self.law, float(self.exponent))(np.log(1 - t[below]))
        current[below] = float(self.zero_temperature_current) * np.exp(shape)
        return current


@dataclass(frozen=True, repr=False)
class JointCurrentStudy(StudyResult):
    """One J_c(T) of a sample from all instruments that found one.

    Attributes
    ----------
    joint : the fit
    points : that it was made of, by instrument
    """

    joint: JointCurrent
    points: Mapping[str, CurrentPoints]

    @property
    def fits(self) -> bool:
        """Whether one law passes within the stated errors."""
        return self.joint.p_value >= SMALLEST_P

    def departure(self, name: str) -> tuple[float, float]:
        """The mean ln(J_c / law) of an instrument's points with its thermometer moved, and the largest."""
        points = self.points[name]
        moved = np.asarray(points.temperature, float) - float(self.joint.offsets.get(name, 0.0))
        law = self.joint.predict(moved)
        known = law > 0
        away = np.log(np.asarray(points.current, float)[known] / law[known])
        return (float(away.mean()), float(away[np.argmax(np.abs(away))])) if away.size else (np.nan, np.nan)

    def rows(self) -> list[Row]:
        if not self.fits:
            return []
        joint, how = self.joint, f"{self.joint.law} law through {', '.join(self.points)}"
        rows = [
            Row("T_c", joint.critical_temperature, how, "critical_temperature"),
            Row("exponent n of (1 − T/T_c)ⁿ", joint.exponent, how, "exponent"),
        ]
        for name, offset in joint.offsets.items():
            key = f"offset_{name.replace(' ', '_')}"
            rows.append(
                Row(f"thermometer of {name} reads too much by", offset, "drawn to 0 by its own error", key)
            )
        return rows

    def notes(self) -> list[str]:
        joint = self.joint
        said = [
            f"χ² = {joint.chi_square:.1f} for {degrees_of_freedom(joint)} (p = {joint.p_value:.2g}); "
            f"{joint.chi_square_exact:.0f} with every thermometer taken at its word",
            f"assumed of each point: {1e3 * CurrentPoints.temperature_uncertainty:g} mK and "
            f"{100 * CurrentPoints.relative_uncertainty:g} %, beside what its thermometer may be off as a whole",
        ]
        if not self.fits:
            away = []
            for name in self.points:
                mean, worst = self.departure(name)
                away.append(
                    f"{name} by a factor of {np.exp(mean):.2g} on average, {np.exp(worst):.2g} at worst"
                )
            said.append(
                "one law does not pass within the stated errors, so no number has a σ. It is missed by "
                + "; by ".join(away)
            )
        return said


@dataclass(frozen=True, repr=False)
class PrintedCurrents(StudyResult):
    """The paper's own critical currents, each law fitted to all of them.

    Attributes
    ----------
    laws : the fit of each law
    points : that they were made of, half screening and the full plate
    """

    laws: Mapping[str, JointCurrent]
    points: Mapping[str, CurrentPoints]

    def rows(self) -> list[Row]:
        rows = []
        for name, fit in self.laws.items():
            how = f"for {degrees_of_freedom(fit)}, p = {fit.p_value:.2g}"
            rows.append(Row(f"χ² of the {name} law", Quantity(fit.chi_square), how))
        return rows

    def notes(self) -> list[str]:
        warm, plate = (self.points[name] for name in ("half screening", "full plate"))
        return [
            "errors are the rounding of what is printed, as uniform ones: half screening to "
            f"{1e3 * warm.temperature_uncertainty:.0f} mK and {100 * warm.relative_uncertainty:.1f} %, the full plate "
            f"to {plate.temperature_uncertainty:.2g} K and {100 * plate.relative_uncertainty:.1f} %",
            f"assumed: the thermometer of the plate may be off by {plate.offset_uncertainty:g} K",
        ]


def degrees_of_freedom(fit: JointCurrent) -> str:
    """``1 degree of freedom``."""
    return f"{fit.degrees_of_freedom} degree{'' if fit.degrees_of_freedom == 1 else 's'} of freedom"


def points_of(
    ac_susceptibility: Sequence[Ledger], magneto_optics: Sequence[Ledger], *, probe: float, cold_finger: float
) -> dict[str, CurrentPoints]:
    """The critical currents that runs of notebooks 05 and 04 kept, by instrument.

    Parameters
    ----------
    ac_susceptibility, magneto_optics : the results of every run, none where there is none
    probe, cold_finger : K, how far the thermometers of half screening and of the flux profiles may be off against
        that of the loops

    Raises
    ------
    NotPossible
        Fewer than two instruments found a current.
    """
    found: dict[str, CurrentPoints] = {}

    def enter(name: str, currents: Sequence[tuple[float, Quantity]], offset: float) -> None:
        if currents:
            temperatures, densities = zip(*currents, strict=True)
            found[name] = CurrentPoints([*temperatures], [*densities], offset_uncertainty=offset)

    enter(
        "loops", [point for run in ac_susceptibility for point in run.series("loop_current_", "K").items()], 0
    )
    half_screening = [
        (float(halves[i]), current)
        for run in ac_susceptibility
        for halves in (run.series("half_screening_"),)
        for i, current in run.series("critical_current_").items()
        if i in halves
    ]
    enter("half screening", half_screening, probe if found else 0.0)
    profiles = [point for run in magneto_optics for point in run.series("critical_current_", "K").items()]
    enter("flux profiles", profiles, cold_finger if found else 0.0)
    if len(found) < 2:
        raise NotPossible(
            f"Critical currents were found by {', '.join(found) or 'no technique'}; two of loops, half screening and "
            "flux profiles are needed to hold them against each other"
        )
    return found


def fit_joint_current(instruments: Mapping[str, CurrentPoints], *, law: str = "power") -> JointCurrent:
    """Fit ln J_c(T) of all instruments by one law, with errors in both and an offset for each thermometer.

    Every point has a true temperature of its own, below T_c, as in `fit_critical_current_law`; each offset is drawn
    towards zero by its stated uncertainty.

    Parameters
    ----------
    instruments : points by name; one at least without `offset_uncertainty`, which defines the scale
    law : "power" (n free), "linear", "three-halves", "square" or "depairing" (Eq. 1)

    Raises
    ------
    ValueError
        No reference thermometer, fewer points than parameters, currents or temperatures that are not positive.
    """
    loose = [name for name, points in instruments.items() if points.offset_uncertainty > 0]
    problem = _problem(instruments, law, loose)
    free, exact = problem.solve(), problem.with_exact_thermometers().solve()
    three, covariance = problem.law_parameters(free)
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    moved = {
        name: Quantity(value * scale, error * scale, "K")
        for name, value, error in zip(loose, *problem.offsets(free), strict=True)
        if (scale := instruments[name].offset_uncertainty)
    }
    zero = float(np.exp(three[0]))
    return JointCurrent(
        law,
        Quantity(three[1], spread[1], "K"),
        Quantity(zero, spread[0] * zero, "A/m^2"),
        Quantity(three[2], spread[2]),
        moved,
        2 * float(free.cost),
        2 * float(exact.cost),
        problem.degrees_of_freedom,
    )


def _problem(instruments: Mapping[str, CurrentPoints], law: str, loose: Sequence[str]) -> CurrentRegression:
    require_one_of(EXPONENTS, law=law)
    sizes = [np.size(points.temperature) for points in instruments.values()]
    t, j, sigma_t, sigma_j, scales = (
        np.concatenate(
            [np.broadcast_to(getattr(p, name), np.shape(p.temperature)) for p in instruments.values()]
        )
        for name in CurrentPoints.__dataclass_fields__
    )
    if len(loose) == len(instruments):
        raise ValueError(
            "every thermometer may be off; give one of them offset_uncertainty=0, as the reference"
        )
    if not (np.all(t > 0) and np.all(j > 0)):
        raise ValueError("temperatures and currents must be positive; leave out points without a current")
    if t.size < 4:
        raise ValueError(f"{t.size} points came; one law needs four at least")
    owner = np.repeat([*instruments], sizes)
    moves = np.array([(owner == name) * scales for name in loose]).reshape(len(loose), t.size).T
    power = EXPONENTS[law]
    held = np.array([np.nan, np.nan, np.nan if power is None else power])
    return CurrentRegression(t, np.log(j), sigma_t, sigma_j, law, held, moves)
