"""How the table of the creep response was made: ``python -m nbtools.physics.creep_table`` makes it again (minutes)."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.physics.ac_response import eddy_susceptibility
from nbtools.physics.bean_state import bean_susceptibility
from nbtools.physics.creep import INVERSE_EXPONENTS, REDUCED_FIELDS, TABLE, CreepGeometry, solve_creep

Array = NDArray[np.float64]


def creep_column(inverse_exponent: float, geometry: CreepGeometry, reduced_field: ArrayLike) -> Array:
    """χ', χ'' (2, k) of one column: closed forms at its ends, Bean's (0) and the metal's (1), solutions between."""
    u = np.asarray(reduced_field, float)
    if inverse_exponent == 0:
        return np.array(bean_susceptibility(u, geometry))
    if inverse_exponent == 1:
        return np.array(eddy_susceptibility(np.sqrt(0.5 / u), "slab" if geometry == "slab" else "cylinder"))
    return np.array(solve_creep(u, 1 / inverse_exponent, geometry))


def write_creep_table(path: str | Path) -> None:
    """All columns of the slab and of the cylinder, each of shape (2, fields, exponents), in single precision."""
    shapes: tuple[CreepGeometry, ...] = ("slab", "cylinder")
    columns = {s: [creep_column(v, s, REDUCED_FIELDS) for v in INVERSE_EXPONENTS] for s in shapes}
    parts: dict[str, Any] = {s: np.stack(c, axis=-1).astype(np.float32) for s, c in columns.items()}
    np.savez_compressed(path, **parts)


if __name__ == "__main__":
    write_creep_table(str(files("nbtools.physics").joinpath(TABLE)))
