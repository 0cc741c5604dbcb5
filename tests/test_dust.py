"""Dust moves the last bits and nothing else, the same way wherever the same result appears."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dust
import numpy as np
import pytest
import scipy.fft
import scipy.linalg

ASK = """
import json, sys
import numpy as np
from numpy.linalg import solve
from scipy.linalg import svd
from scipy.fft import rfft2
x = np.random.default_rng(1).normal(size=(9, 9))
print(json.dumps([solve(x, x[0]).tolist(), svd(x)[1].tolist(), rfft2(x).real.ravel().tolist()]))
"""


@pytest.fixture
def matrix() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(9, 9))


@pytest.fixture
def dusty() -> None:
    """Dust on this process for one test."""
    dust.install(7)
    yield
    dust.remove()


def answers(code: str, *arguments: str, **variables: str) -> list:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=os.environ | variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_only_the_last_bits_move(matrix: np.ndarray, dtype: type) -> None:
    """By two units at most, most elements by some; type, shape and layout stay; a zero stays one."""
    given = np.asfortranarray(matrix.astype(dtype))
    clean = [np.linalg.inv(given), scipy.fft.fft2(given), scipy.linalg.qr(given)[1]]
    dust.install(7)
    try:
        moved = [np.linalg.inv(given), scipy.fft.fft2(given), scipy.linalg.qr(given)[1]]
    finally:
        dust.remove()
    for before, after in zip(clean, moved, strict=True):
        assert (after.dtype, after.shape, after.flags.f_contiguous) == (
            before.dtype,
            before.shape,
            before.flags.f_contiguous,
        )
        assert np.mean((before != after)[before != 0]) > 0.5
        assert np.all(np.abs(after - before) <= 4 * np.finfo(dtype).eps * np.abs(before))
    np.testing.assert_array_equal(np.linalg.inv(given), clean[0])


def test_tuples_and_numbers_keep_their_types(matrix: np.ndarray, dusty: None) -> None:
    """A named tuple stays one, whole numbers are left alone."""
    assert np.linalg.svd(matrix).S.shape == (9,)
    *_, rank, _ = np.linalg.lstsq(matrix, matrix[0], rcond=None)
    assert (rank, type(np.linalg.det(matrix))) == (9, np.float64)


def test_the_same_input_gives_the_same_output(matrix: np.ndarray, dusty: None) -> None:
    """As on a real machine: again, in threads, and in another order; longer than the row of factors, too."""
    rows = [row * np.ones(dust.FACTORS) for row in matrix[0]]
    again = [np.linalg.norm(row) for row in rows]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(np.linalg.norm, rows)) == again
        moved = list(pool.map(scipy.fft.rfft, reversed(rows)))
    for row, transform in zip(reversed(rows), moved, strict=True):
        np.testing.assert_array_equal(scipy.fft.rfft(row), transform)


def test_a_process_and_its_children_are_dusty() -> None:
    """From the first import on, names bound early among them; another seed is another machine; none is this one."""
    clean, dusted, again, other = (
        answers(ASK, **variables) for variables in ({}, dust.around(1), dust.around(1), dust.around(2))
    )
    assert dusted == again
    for one in (dusted, other):
        assert all(a != b for a, b in zip(clean, one, strict=True))
        np.testing.assert_allclose(np.concatenate(one), np.concatenate(clean), rtol=2e-15)
    assert other != dusted
    by_a_child = (
        "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', sys.argv[1]]).returncode)"
    )
    assert answers(by_a_child, ASK, **dust.around(1)) == dusted
    by_a_worker = (
        "import json, numpy as np, joblib\n"
        "x = np.random.default_rng(1).normal(size=(9, 9))\n"
        "found = joblib.Parallel(n_jobs=2)(joblib.delayed(np.linalg.solve)(x, row) for row in x[:1])\n"
        "print(json.dumps([one.tolist() for one in found]))"
    )
    assert answers(by_a_worker, **dust.around(1)) == dusted[:1]


def test_a_process_without_numpy_pays_nothing() -> None:
    """Neither numpy nor scipy is imported for the dust."""
    asked = (
        "import json, sys; print(json.dumps([name for name in ('numpy', 'scipy') if name in sys.modules]))"
    )
    assert answers(asked, **dust.around(1)) == []


def test_the_variables_make_another_processor() -> None:
    """Where they act (x86), a product or a function gives other last bits than here."""
    asked = (
        "import json, numpy as np\n"
        "x = np.random.default_rng(1).normal(size=(99, 99))\n"
        "print(json.dumps([(x @ x).tolist(), np.exp(x).tolist()]))"
    )
    here, there = (np.array(answers(asked, **more)) for more in ({}, dust.OTHER_PROCESSOR))
    np.testing.assert_allclose(here, there, rtol=1e-9)
    processor = Path("/proc/cpuinfo")
    if processor.exists() and "avx2" in processor.read_text():
        assert not np.array_equal(here, there)
