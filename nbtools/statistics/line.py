"""A straight line through points with errors: slope and intercept with what they share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nbtools.statistics.arrays import check_points
from nbtools.units import Quantity


@dataclass(frozen=True)
class Line:
    """y = intercept + slope · x.

    Attributes
    ----------
    slope, intercept : with σ; they know of each other, so that ``-intercept / slope`` has the σ of a crossing
    chi_square : of the residuals against the σ that came; NaN where none came
    points : how many were used
    left_out : how many points were masked or not finite, in words
    """

    slope: Quantity
    intercept: Quantity
    chi_square: float
    points: int
    left_out: str = ""

    def at(self, x: float) -> Quantity:
        """The line's value at x, with σ."""
        return Quantity.of(self.intercept + self.slope * float(x))


def fit_line(x: ArrayLike, y: ArrayLike, *, sigma: ArrayLike | None = None) -> Line:
    """Weighted least squares.

    Parameters
    ----------
    x, y : shape (n,)
    sigma : shape (n,) or a number, one standard deviation of y, n ≥ 2; by default found from the scatter, n ≥ 3

    Raises
    ------
    ValueError
        Too few points, all at one x, or a σ that is not positive.
    """
    from uncertainties import correlated_values

    points = check_points(x=x, y=y, sigma=sigma)
    at, values = points.columns[:2]
    errors = points.columns[2] if sigma is not None else np.ones(at.size)
    if not np.all(errors > 0):
        raise ValueError("sigma is not positive; one standard deviation of each point was expected")
    weight = 1 / errors
    fewest = 2 if sigma is not None else 3
    if at.size < fewest or np.ptp(at) == 0:
        raise ValueError(
            f"{at.size} points at {np.unique(at).size} places came; "
            f"a line needs {fewest} points, at two places at least"
        )
    middle = float(np.average(at, weights=weight**2))
    design = np.stack([np.ones(at.size), at - middle], axis=1) * weight[:, None]
    covariance = np.linalg.inv(design.T @ design)
    coefficients = covariance @ design.T @ (values * weight)
    misfit = float(np.sum((values * weight - design @ coefficients) ** 2))
    if sigma is None:
        covariance = covariance * misfit / (at.size - 2)
    level, slope = correlated_values(coefficients, covariance)
    chi_square = misfit if sigma is not None else float("nan")
    return Line(Quantity.of(slope), Quantity.of(level - slope * middle), chi_square, at.size, points.left_out)
