"""How far a whole-pattern fit can be trusted: the covariance of its scales, by counting and by what it misses."""

import lmfit
import numpy as np
from numpy.typing import NDArray

from nbtools.analysis.powder_fit import PatternFit, weak_sigma

Array = NDArray[np.float64]


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
