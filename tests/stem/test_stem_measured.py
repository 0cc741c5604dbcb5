"""Other people's images of SrTiO₃: known spacings and zones, and a file without a unit is refused."""

import numpy as np
import pytest

from nbtools import stem
from nbtools.files.crystal import own_crystal
from nbtools.files.images import read_image

TITANATE = {"SrTiO3": own_crystal("SrTiO3")}


@pytest.fixture
def stem_files(realdata):
    pytest.importorskip("rsciio")
    return realdata / "stem"


def test_a_ser_file(stem_files):
    """FEI's own scale: SrTiO₃ along a cube's edge; the stated pixel is 3.6 % off, which is seen."""
    found = stem.index_pattern(
        *stem.check_image(read_image(stem_files / "openNCEM/16_STOimage_1.ser")), TITANATE
    )
    assert found.best.crystal == "SrTiO3"
    assert sorted(map(abs, found.best.zone)) == [0, 0, 1]
    assert found.determined
    assert found.best.scale == pytest.approx(3.905 / 4.05, abs=0.01)


def test_a_file_without_a_unit(stem_files):
    """Refused as it is; read with a scale, bright and dark field show the same columns."""
    images = [read_image(stem_files / f"atomap/test_{d}_cropped.hdf5") for d in ("ADF", "ABF")]
    with pytest.raises(stem.ImageError, match="no scale"):
        stem.check_image(images[0])
    found = stem.index_pattern(*stem.check_image(images[0], 9.326e-12), TITANATE)
    assert found.best.crystal == "SrTiO3"
    placed = stem.place_columns(found.best, found.spots, np.ones(images[0].shape, bool), 9.326e-12)
    fit = stem.refine_columns(images[0], placed.positions[placed.elements != "O"])
    assert fit.converged.mean() > 0.8
    values = np.asarray(images[1], float)
    y, x = np.rint(fit.positions[fit.converged]).astype(int).T
    inside = (y < values.shape[0]) & (x < values.shape[1])
    assert values[y[inside], x[inside]].mean() < values.mean()
