"""R(T) against screening: the largest resistivity that would screen as χ′ does, beside the one that was measured."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.results import NotPossible
from nbtools.study import Row, StudyResult
from nbtools.transport.screening import estimate_eddy_resistivity
from nbtools.units import Quantity

Array = NDArray[np.float64]
SCREENED = (0.02, 0.98)  # shares of full screening between which χ′ tells a resistivity
QUIET = 8.0  # K below the onset of χ′, under which R(T) shows its noise alone


@dataclass(frozen=True, repr=False)
class ResistivityBound(StudyResult):
    """What screening allows and what was measured.

    Attributes
    ----------
    temperature, resistivity : of R(T), K and Ω m
    floor : 3 standard deviations of the resistivity where it is zero, Ω m
    warm, allowed : where χ′ screens in part, K, and the largest resistivity that eddy currents would need, Ω m
    zero : where R(T) reads zero, K
    onset : where χ′ begins to screen, K
    """

    temperature: Array
    resistivity: Array
    floor: float
    warm: Array
    allowed: Array
    zero: Quantity
    onset: Quantity

    def rows(self) -> list[Row]:
        most = Quantity(float(self.allowed.max()), unit="ohm m")
        return [
            Row(
                "screening begins",
                self.onset,
                f"χ′ at {100 * SCREENED[0]:.0f} % of full screening",
                "screening_begins",
            ),
            Row("R(T) reads zero", self.zero, "R under 3 σ of its noise"),
            Row(
                "resistivity that this screening allows",
                most,
                "eddy currents alone, at most",
                "resistivity_allowed",
                shown="uohm cm",
            ),
            Row(
                "resistivity that R(T) can tell from zero",
                Quantity(self.floor, unit="ohm m"),
                "3 σ",
                "resistivity_floor",
                shown="uohm cm",
            ),
        ]

    def notes(self) -> list[str]:
        apart = self.onset - self.zero
        if not np.isfinite(apart) or apart < 2 * apart.uncertainty:
            return []
        return [
            f"Screening begins {apart} above zero resistance. The two curves are then not of one piece of material, "
            "one thermometer or one current density."
        ]


def estimate_resistivity_bound(
    temperature: ArrayLike,
    resistivity: ArrayLike,
    warm: ArrayLike,
    in_phase: ArrayLike,
    *,
    radius: float,
    frequency: float,
    zero: Quantity,
    temperature_error: float,
) -> ResistivityBound:
    """The largest resistivity at which eddy currents alone would screen as deep as χ′ does.

    Parameters
    ----------
    temperature, resistivity : of R(T), shape (n,), K and Ω m
    warm, in_phase : of χ′ over full screening, shape (m,), K and pure numbers from −1 to 0
    radius : of the sample across the field, m
    frequency : Hz
    zero : where R(T) reads zero, K
    temperature_error : K, of a point of χ′

    Raises
    ------
    NotPossible
        χ′ has no point in partial screening; R(T) has no point below it.
    """
    t, rho = np.asarray(temperature, float), np.asarray(resistivity, float)
    warm, depth = np.asarray(warm, float), -np.asarray(in_phase, float)
    partial = (depth > SCREENED[0]) & (depth < SCREENED[1])
    if not partial.any():
        raise NotPossible("χ′ has no point between 2 and 98 % of full screening")
    quiet = t < warm[partial].min() - QUIET
    if quiet.sum() < 3:
        raise NotPossible(
            f"R(T) has {quiet.sum()} points {QUIET:g} K below the transition of χ′; three are needed"
        )
    allowed = estimate_eddy_resistivity(radius, frequency, screened=depth[partial])
    order, along = np.argsort(t, kind="stable"), np.argsort(warm[partial], kind="stable")
    return ResistivityBound(
        t[order],
        rho[order],
        3 * float(np.std(rho[quiet])),
        warm[partial][along],
        allowed[along],
        zero,
        Quantity(float(warm[partial].max()), temperature_error, "K"),
    )
