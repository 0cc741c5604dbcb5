"""MATLAB 5 files, read in a child process: over a damaged one SciPy's reader may crash and take a kernel with it."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from nbtools.files.child import read_in_child

# Numbers and words of the file, and of structures one level deep, as a plain .npz on the standard output.
READ = """
import sys, numpy as np
from scipy.io import loadmat
flat = {}
for name, value in loadmat(sys.argv[1], simplify_cells=True).items():
    inner = value.items() if isinstance(value, dict) else [("", value)]
    flat |= {f"{name}.{key}" if key else name: np.asarray(one) for key, one in inner if not name.startswith("__")}
np.savez(sys.stdout.buffer, **{key: one for key, one in flat.items() if one.dtype.kind in "fiubcU"})
"""


def load_matlab(path: Path) -> dict[str, Any]:
    """The variables of a file; a structure as a dict.

    Raises
    ------
    ValueError
        No MATLAB 5 file, a damaged one, or one over which the reader died.
    """
    found: dict[str, Any] = {}
    with np.load(io.BytesIO(read_in_child(READ, path)), allow_pickle=False) as content:
        for key in content.files:
            name, _, inner = key.partition(".")
            if inner:
                found.setdefault(name, {})[inner] = content[key]
            else:
                found[name] = content[key]
    return found
