"""Another machine made out of this one: the last bits of every transform and linear-algebra result differ.

Processors and libraries round differently, and a number that hangs on the last bit is no result. With dust on them,
each element of what FFTs and linear algebra return is moved by up to two units in its last place. As on a real machine
the same input gives the same output, in every process and thread: the dust is a function of the seed and the result.
Products (``@``) and functions as exp are out of Python's reach; the variables of `OTHER_PROCESSOR` move these.

`install` puts it on this process. A process that has ``tests/machine`` on its ``PYTHONPATH`` and a seed in
``NBTOOLS_DUST`` installs it before anything else, and so do all its children: `around` gives these two variables.
numpy and scipy are not imported for it; their functions are replaced when they are.
"""

import functools
import importlib.abc
import importlib.machinery
import os
import sys
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

SEED = "NBTOOLS_DUST"
STARTUP = Path(__file__).parent / "machine"
ULPS = 2
FACTORS = 65537  # a prime: rows of an array do not get the same dust

# An older processor, to numpy, OpenBLAS and the C library: no AVX2, no FMA.
OTHER_PROCESSOR = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
    "OPENBLAS_CORETYPE": "Nehalem",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX2_Usable,-FMA_Usable",
}

TRANSFORMS = tuple(
    f"{inverse}{kind}{dimensions}"
    for inverse in ("", "i")
    for kind in ("fft", "rfft", "hfft", "dct", "dst")
    for dimensions in ("", "2", "n")
)
# fmt: off
LINEAR_ALGEBRA = (
    "cho_factor", "cho_solve", "cholesky", "det", "eig", "eigh", "eigh_tridiagonal", "eigsh", "eigvals", "eigvalsh",
    "expm", "inv", "lstsq", "lu_factor", "lu_solve", "matrix_norm", "matrix_power", "multi_dot", "norm", "null_space",
    "orth", "pinv", "pinvh", "polar", "qr", "schur", "solve", "solve_banded", "solve_triangular", "solveh_banded",
    "spsolve", "sqrtm", "svd", "svds", "svdvals", "vector_norm",
)
# fmt: on
DUSTY = {
    "numpy.fft": TRANSFORMS,
    "scipy.fft": TRANSFORMS,
    "numpy.linalg": LINEAR_ALGEBRA,
    "scipy.linalg": LINEAR_ALGEBRA,
    "scipy.sparse.linalg": LINEAR_ALGEBRA,
}


def install(seed: int = 2026) -> None:
    """Put dust on this process: on the modules that are loaded, and on those that will be.

    Names bound before (``from numpy.linalg import svd``) stay clean, so it comes first.

    Parameters
    ----------
    seed : which other machine this is
    """
    remove()
    sys.meta_path.insert(0, _Dust(seed))
    for name in DUSTY:
        if name in sys.modules:
            _cover(sys.modules[name], seed)


def remove() -> None:
    """Take the dust off again, but for names bound meanwhile."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Dust)]
    for module in (sys.modules[name] for name in DUSTY if name in sys.modules):
        for name in DUSTY[module.__name__]:
            clean = getattr(getattr(module, name, None), "clean", None)
            if clean is not None:
                setattr(module, name, clean)


def around(seed: int) -> dict[str, str]:
    """The environment variables that put dust on a Python process and all its children."""
    path = [str(STARTUP), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {SEED: str(seed), "PYTHONPATH": os.pathsep.join(dict.fromkeys(path))}


class _Dust(importlib.abc.MetaPathFinder):
    """Finds the modules as Python does, and covers them once they are executed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname not in DUSTY:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                _cover(module, self.seed)

            spec.loader.exec_module = exec_module
        return spec


def _cover(module: ModuleType, seed: int) -> None:
    for name in DUSTY[module.__name__]:
        if hasattr(module, name):
            setattr(module, name, _dusty(getattr(module, name), seed))


def _dusty(clean: Any, seed: int) -> Any:
    @functools.wraps(clean)
    def call(*arguments: Any, **options: Any) -> Any:
        return _moved(clean(*arguments, **options), seed)

    call.clean = clean
    return call


def _moved(result: Any, seed: int) -> Any:
    """The same, with other last bits: arrays and numbers of floats, and the tuples that hold them."""
    import numpy as np

    if isinstance(result, tuple):
        moved = [_moved(part, seed) for part in result]
        return type(result)(*moved) if hasattr(result, "_fields") else tuple(moved)
    if not isinstance(result, (np.ndarray, np.inexact, float, complex)) or not np.size(result):
        return result
    array = np.asarray(result)
    if array.dtype.kind not in "fc":
        return result
    # The array as it lies in memory, so that the result lies so, too.
    turned = array.flags.f_contiguous and not array.flags.c_contiguous
    rows = np.ascontiguousarray(array.T if turned else array)
    start = zlib.crc32(rows, seed) % FACTORS
    factors = _factors(seed, rows.real.dtype.char)[start : start + FACTORS]
    moved = (
        rows * np.resize(factors, rows.shape)
        if rows.size > FACTORS
        else rows * factors[: rows.size].reshape(rows.shape)
    )
    return (moved.T if turned else moved) if isinstance(result, np.ndarray) else type(result)(moved.item())


@functools.cache
def _factors(seed: int, dtype: str) -> Any:
    """Numbers from 1 - 2ε to 1 + 2ε, the same ones twice, so that a slice may begin anywhere."""
    import numpy as np

    steps = np.random.default_rng(seed).integers(-ULPS, ULPS + 1, FACTORS)
    return np.tile((1 + steps * np.finfo(dtype).eps).astype(dtype), 2)
