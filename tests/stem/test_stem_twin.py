"""The STEM twin: same seed, same bytes; its files say their scale and that they are synthetic; its worlds differ."""

import numpy as np
import pytest

from nbtools.files.images import pixel_sizes, read_image
from nbtools.files.sample_card import read_sample_card
from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.manifest import file_hash
from nbtools.stem.twin import StemWorld, record_stem, truth

SMALL = {"size": 128}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    return {path.name: path for path in record_stem(folder, seed=3, **SMALL)}


def test_same_seed_same_bytes(recorded, tmp_path):
    """And another seed, others."""
    again = {path.name: path for path in record_stem(tmp_path / "again", seed=3, **SMALL)}
    other = {path.name: path for path in record_stem(tmp_path / "other", seed=4, **SMALL)}
    assert {n: file_hash(p) for n, p in recorded.items()} == {n: file_hash(p) for n, p in again.items()}
    assert file_hash(other["planar1_haadf.tif"]) != file_hash(recorded["planar1_haadf.tif"])


def test_files_read_as_any_others(recorded):
    """With their pixel size, in counts; each says that it is synthetic."""
    for name, path in recorded.items():
        assert SYNTHETIC.encode() in path.read_bytes()[: 1 << 16]
        if name.endswith(".tif"):
            image = read_image(path)
            expected = 2e-9 if name.startswith("field") else 0.02e-9
            assert pixel_sizes(image) == pytest.approx((expected, expected))
            assert image.dtype == np.uint16
    assert read_sample_card(recorded["sample.yaml"]).thickness == pytest.approx(20e-9)


def test_both_detectors_see_the_same_place(recorded):
    """Columns are bright in HAADF where they are dark in ABF."""
    dark, bright = (read_image(recorded[f"planar1_{d}.tif"]).values.astype(float) for d in ("haadf", "abf"))
    assert np.corrcoef(dark.ravel(), bright.ravel())[0, 1] < -0.4


def test_worlds_differ_where_they_should(recorded, tmp_path):
    """A film leaves the field of view as it was, and changes the interface."""
    film = {p.name: p for p in record_stem(tmp_path, seed=3, world="amorphous", **SMALL)}
    assert file_hash(film["field_haadf.tif"]) == file_hash(recorded["field_haadf.tif"])
    assert file_hash(film["planar1_haadf.tif"]) != file_hash(recorded["planar1_haadf.tif"])


def test_what_is_planted():
    """In the paper's world planes are parallel and nothing is between; the others say what they lack."""
    paper, film, astray, flat = (truth(world=w) for w in ("paper", "amorphous", "random", "straight"))
    assert paper["first_angle"] == 0.0 and np.isnan(astray["first_angle"])
    assert (paper["disordered_width"], film["disordered_width"]) == (0.0, 1e-9)
    assert (paper["steps"], flat["steps"]) == (4.0, 0.0)
    assert paper["step_height"] == pytest.approx((3 + 4 + 5 + 3) / 4 * 2.129441e-10)
    assert paper["overlap"] == pytest.approx(20e-9 * np.tan(0.04))


def test_the_planted_planes_are_parallel():
    """By the grains' own directions, for both flat interfaces."""
    for number, planes in ((1, ((2, 0, 0), (1, 0, 0))), (2, ((2, 2, 0), (1, 1, 2)))):
        grains = StemWorld().planar_grains(number)
        one, other = (grain.direction(hkl) for grain, hkl in zip(grains, planes, strict=True))
        assert np.sin(one - other) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"world": "flat"}, "it can be .paper"), ({"size": 8}, "cannot be"), ({"steps": (1.0,)}, "pairs")],
)
def test_what_cannot_be_recorded(tmp_path, wrong, says):
    """A sentence, before anything is written."""
    with pytest.raises(ValueError, match=says):
        record_stem(tmp_path, seed=0, **wrong)
