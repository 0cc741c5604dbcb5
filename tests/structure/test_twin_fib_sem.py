"""The FIB-SEM twin: its files, its faults, its truth."""

import numpy as np
import pytest
import yaml

from nbtools.files.images import pixel_sizes, read_image, read_stack
from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.manifest import file_hash
from nbtools.structure.twin_fib_sem import FibSemWorld, record_fib_sem, record_stack, slice_positions, truth

SMALL = {"side": 48, "image_side": 64}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A small recording."""
    return record_fib_sem(tmp_path_factory.mktemp("twin"), seed=3, **SMALL)


def test_the_files_are_those_of_the_instruments(files) -> None:
    """A stack with ImageJ's voxels, an image with FEI's pixels, coarser maps; each says that it is synthetic."""
    stack, image, boron = read_stack(files[0]), read_image(files[1]), read_image(files[2])
    assert stack.shape == (48, 48, 48)
    assert pixel_sizes(stack) == pytest.approx((50e-9,) * 3)
    assert pixel_sizes(image) == pytest.approx((50e-9,) * 2)
    assert image.attrs["scale"] == "fei"
    assert boron.shape == (16, 16)
    assert pixel_sizes(boron) == pytest.approx((200e-9,) * 2)
    for file in files:
        assert SYNTHETIC.encode() in file.read_bytes()[: 1 << 16]
    assert yaml.safe_load(files[-1].read_text(encoding="utf-8"))["is_paper_sample"] is True


def test_the_same_seed_gives_the_same_content(files, tmp_path) -> None:
    """And another one another noise."""
    again = record_fib_sem(tmp_path / "a", seed=3, **SMALL)
    other = record_fib_sem(tmp_path / "b", seed=4, **SMALL)
    assert list(map(file_hash, again)) == list(map(file_hash, files))
    assert file_hash(other[0]) != file_hash(files[0])


def test_contrast_and_noise_are_those_stated() -> None:
    """Without blur and stripes the two greys stand 60 apart and scatter by 20."""
    plain = {"point_spread": 0.01, "curtaining": 0.0, "charging": 0.0, "drift": 0.0, "slice_jitter": 0.0}
    world = FibSemWorld(world="one-length", side=48, pore_fraction=1e-6, **plain)
    stack = record_stack(world, np.random.default_rng(0))
    here = world.medium((48,) * 3)[: len(stack)]
    dark, bright = stack[here == 1].astype(float), stack[here == 0].astype(float)
    assert bright.mean() - dark.mean() == pytest.approx(60, abs=1)
    assert bright.std() == pytest.approx(20, abs=0.5)


def test_drift_and_jitter_are_those_stated() -> None:
    """A pixel a slice, a twentieth of the thickness; the field is brought back before it is lost."""
    places, offsets = slice_positions(FibSemWorld(side=2000), np.random.default_rng(0))
    assert np.diff(places).std() == pytest.approx(0.05, abs=0.005)
    assert np.diff(offsets, axis=0).std() == pytest.approx(1.0, abs=0.05)
    assert np.abs(offsets).max() < 16


@pytest.mark.parametrize(
    ("world", "spans", "scale_free"),
    [("fractal", 1.0, 1.0), ("one-length", 1.0, 0.0), ("isolated", 0.0, 0.0), ("stretched", 1.0, 0.0)],
)
def test_the_truth_is_of_the_medium(world, spans, scale_free) -> None:
    """What spans, what is scale-free, and how much there is."""
    planted = truth(world=world, side=128 if world == "fractal" else 64)
    assert planted["spans"] == spans
    assert planted["scale_free"] == scale_free
    assert planted["mean_fraction"] == pytest.approx(0.265 * 0.99)
    assert np.isnan(planted["section_dimension"]) == (not scale_free)


def test_an_unknown_world_is_named() -> None:
    """With the known ones."""
    with pytest.raises(ValueError, match="world is 'square'; it can be 'fractal', 'one-length'"):
        truth(world="square")
