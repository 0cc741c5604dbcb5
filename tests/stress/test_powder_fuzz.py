"""2,000 damaged powder files: a pattern or our own error; no hang, no crash of what reads them."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "files"))
from damage import damaged
from test_powder_diffraction import REAL
from test_reader_fuzz import time_limit

from nbtools.files.powder_diffraction import PowderDiffractionError, read_pattern

pytestmark = pytest.mark.stress
CASES = 2000
SECONDS = 20  # for one case, on a busy machine


@pytest.mark.timeout(3600)
def test_damaged_powder_files(realdata, tmp_path):
    """Each real file many times, each time damaged otherwise; some survive, most are refused."""
    contents = {name: (realdata / "xrd" / name).read_bytes() for name in REAL}
    read = 0
    for seed in range(CASES):
        name = list(REAL)[seed % len(REAL)]
        path = tmp_path / Path(name).name
        path.write_bytes(damaged(contents[name], seed))
        with time_limit(SECONDS, f"case {seed}"):
            try:
                scan = read_pattern(path)
                read += 1
                assert np.all(np.diff(scan.two_theta.values) > 0), f"case {seed}"
                assert np.isfinite(scan.counts.values).all() and not np.any(scan.variance.values <= 0), (
                    f"case {seed}"
                )
            except PowderDiffractionError as error:
                assert path.name in str(error), f"case {seed}"
    print(f"{read} of {CASES} damaged files were read, the others refused")
    assert 0 < read < CASES
