"""The powder twin: same seed same bytes, what it plants, and its worlds."""

import numpy as np
import pytest

from nbtools.files.powder_diffraction import read_pattern
from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.structure.twin_powder import PowderWorld, expected_counts, record_powder, scan_angles, truth


def test_same_seed_same_bytes(tmp_path):
    """And another seed other counts."""
    one, two, three = (record_powder(tmp_path / str(i), seed=s)[0] for i, s in enumerate((3, 3, 4)))
    assert one.read_bytes() == two.read_bytes() != three.read_bytes()
    assert SYNTHETIC in one.read_text()[:1000]


def test_truth_is_the_papers():
    """79.2/20.6/0.2 by weight, 4.381 by formula units; volumes with the cells' densities."""
    planted = truth()
    assert [planted[f"weight_fraction_{n}"] for n in ("MgO", "MgB2", "Mg")] == pytest.approx(
        [0.792, 0.206, 0.002]
    )
    assert planted["molar_ratio"] == pytest.approx(4.381, abs=1e-3)
    assert planted["volume_fraction_MgB2"] == pytest.approx(0.2611, abs=2e-4)


def test_counts_are_the_mean_and_its_noise(tmp_path):
    """Poisson: the squared distance from the mean, over the mean, is one a point."""
    world = PowderWorld()
    scan = read_pattern(record_powder(tmp_path, seed=5)[0])
    mean = expected_counts(world)
    assert scan.two_theta.values == pytest.approx(scan_angles(world), abs=1e-6)
    assert np.mean((scan.counts.values - mean) ** 2 / mean) == pytest.approx(1, abs=0.1)


def test_worlds():
    """Amorphous boron leaves the crystals fewer; texture moves lines, not weights."""
    assert truth(world="amorphous")["weight_fraction_MgB2"] == pytest.approx(0.1475, abs=1e-4)
    assert truth(world="amorphous")["crystalline_share"] < 0.94
    assert truth(world="textured")["weight_fraction_MgB2"] == pytest.approx(0.206)
    flat, plain = (expected_counts(PowderWorld(world=w)) for w in ("textured", "paper"))
    at = np.argmin(np.abs(scan_angles(PowderWorld()) - 51.85))
    assert flat[at] > 1.2 * plain[at]


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"world": "rusty"}, "world is 'rusty'; it can be 'paper'"),
        ({"magnesium": -0.1}, "magnesium is -0.1; it cannot be negative"),
        ({"step": 0.0}, "step is 0; it must be positive"),
    ],
)
def test_a_world_that_cannot_be(parameters, text):
    """Says which parameter, and what it can be."""
    with pytest.raises(ValueError, match=text):
        PowderWorld(**parameters)
