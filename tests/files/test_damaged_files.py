"""A few damaged files: a dataset or our own error, never anything else; `tests/stress` has the long run."""

import numpy as np
import pytest
import xarray as xr
from damage import damaged
from dat_files import magnetometer, vsm, write

from nbtools.files.quantum_design import QuantumDesignError, keep_good_points, read_dat, split_sweeps
from nbtools.files.sample_card import SampleCard, SampleCardError, read_sample_card

CARD = (
    b'name: rod\ndimensions: ["1.00 \xc2\xb1 0.02 mm", "2 mm", "5.0(1) mm"]\nmass: {value: 21.5, unit: mg}\n'
)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_dat_file(tmp_path, seed):
    """Reading, filtering and cutting a damaged file: a dataset with credible temperatures, or our error."""
    text = vsm() if seed % 2 else magnetometer([(5 + i % 40, 10, -1e-3) for i in range(80)])
    try:
        data = read_dat(write(tmp_path, damaged(text.encode(), seed)))
    except QuantumDesignError as error:
        assert "file.dat" in str(error)
        return
    assert isinstance(data, xr.Dataset) and np.all((data.temperature >= 0) & (data.temperature < 2000))
    split_sweeps(keep_good_points(data)[0])


@pytest.mark.parametrize("seed", range(20))
def test_damaged_sample_card(tmp_path, seed):
    """A damaged card: a card, or our error."""
    path = write(tmp_path, damaged(CARD, seed), name="sample.yaml")
    try:
        assert isinstance(read_sample_card(path), SampleCard)
    except SampleCardError as error:
        assert "sample.yaml" in str(error)
