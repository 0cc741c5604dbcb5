"""What a whole-pattern fit may be given: arrays that are a pattern, phases that are crystals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.models.powder_pattern import PowderPhase
from nbtools.statistics.arrays import real_array

Array = NDArray[np.float64]
FEWEST_POINTS = 50
MOST_POINTS = 2_000_000
PLAIN = (0.5, 2.0)  # scatter over Poisson's, between which numbers that are not whole still pass for counts


def read_arrays(
    two_theta: ArrayLike, counts: ArrayLike, variance: ArrayLike | None
) -> tuple[Array, Array, Array | None]:
    """Pattern in rising order of angle.

    Raises
    ------
    ValueError
        What is wrong with the arrays, and what was expected.
    """
    angle, observed = (_numbers(name, a) for name, a in (("two_theta", two_theta), ("counts", counts)))
    spread = None if variance is None else _numbers("variance", variance)
    sizes = {a.size for a in (angle, observed, *([] if spread is None else [spread]))}
    if len(sizes) > 1 or not FEWEST_POINTS <= angle.size <= MOST_POINTS:
        raise ValueError(
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
        raise ValueError("a variance is not positive; leave it out where the counts are plain counts")
    return angle, observed, spread[order]


def read_phases(phases: Mapping[str, PowderPhase] | Sequence[PowderPhase]) -> dict[str, PowderPhase]:
    """Crystals by name.

    Raises
    ------
    ValueError
        None; something that is no crystal; two of one name.
    """
    if isinstance(phases, Mapping):
        found = {str(name): phase for name, phase in phases.items()}
    else:
        alone = hasattr(phases, "positions") or isinstance(phases, str)
        listed: list[Any] = [phases] if alone else list(phases)
        found = {str(getattr(phase, "name", phase)): phase for phase in listed}
        if len(found) < len(listed):
            raise ValueError("two phases have the same name; give a dict with a name for each")
    if not found:
        raise ValueError(
            "no phases came; give crystals, as nbtools.files.crystal.read_crystal reads them from CIFs"
        )
    for name, phase in found.items():
        _require_crystal(name, phase)
    return found


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
        raise ValueError(f"{name} has shape {array.shape}; one dimension was expected")
    if bad := int(np.sum(~np.isfinite(array))):
        raise ValueError(f"{bad} of {array.size} values of {name} are not finite; leave those points out")
    return array


def _require_angles(angle: Array) -> None:
    if not 0 < angle[0] < angle[-1] < 180:
        raise ValueError(
            f"2θ from {angle[0]:.4g} to {angle[-1]:.4g} came; degrees between 0 and 180 were expected"
        )
    if angle[-1] < np.pi:
        raise ValueError(f"2θ ends at {angle[-1]:.4g}: these look like radians; degrees were expected")
    if twice := int(np.sum(np.diff(angle) == 0)):
        raise ValueError(f"{twice} angles stand twice; merge overlapping ranges first")


def _require_counts(counts: Array) -> None:
    if np.any(counts < 0):
        raise ValueError(
            f"{int(np.sum(counts < 0))} counts are below zero; give the raw pattern, its background not subtracted, "
            "or its variance"
        )
    if np.ptp(counts) == 0:
        raise ValueError(f"all counts are {counts[0]:g}: this pattern shows nothing")


def _require_crystal(name: str, phase: object) -> None:
    needed = ("lengths", "angles", "positions", "scattering", "formula_units", "molar_mass", "density")
    if missing := [attribute for attribute in needed if not hasattr(phase, attribute)]:
        raise ValueError(
            f"phase {name!r} is a {type(phase).__name__} without {missing[0]}; a crystal was expected: "
            "nbtools.files.crystal.read_crystal reads one from a CIF"
        )
