"""Which of several models a set of points prefers."""


def aicc(misfit: float, points: int, parameters: int) -> float:
    """Akaike's criterion, corrected for few points (Hurvich and Tsai, Biometrika 76, 297).

    `misfit` is −2 ln(likelihood) up to a constant: χ² for a known noise, n ln(χ²/n) for an unknown one.
    """
    correction = 2 * parameters * (parameters + 1) / max(points - parameters - 1, 1)
    return float(misfit + 2 * parameters + correction)
