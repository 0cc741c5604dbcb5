"""The plate's twin as files: same seed, same bytes; what it says it planted; worlds it does not know."""

import numpy as np
import pytest
from scipy.constants import mu_0

from nbtools.files.indicator_frames import read_all_frames
from nbtools.magneto_optics.twin import MagnetoOpticsWorld, record_magneto_optics, truth

SMALL = {"temperatures": (35.0,), "critical_currents": (2.4e7,), "window": (64, 64), "pixel_size": 1e-4}
SMALL |= {"world": "two-to-one", "calibration_fields": (-600.0, 0.0, 400.0, 800.0)}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    return record_magneto_optics(folder, seed=3, **SMALL)


def test_the_same_seed_gives_the_same_bytes(recorded, tmp_path) -> None:
    """And another seed does not."""
    again = record_magneto_optics(tmp_path / "a", seed=3, **SMALL)
    other = record_magneto_optics(tmp_path / "b", seed=4, **SMALL)
    assert [one.read_bytes() for one in again] == [one.read_bytes() for one in recorded]
    assert other[1].read_bytes() != recorded[1].read_bytes()


def test_the_series_read_back(recorded) -> None:
    """A calibration and two histories, 16 bit, none saturated, all marked synthetic."""
    found = read_all_frames(recorded[:-1])
    known, series = found.calibration, found.series
    assert [one.history for one in series] == ["cooled in 0.02 T", "zero-field cooled"]
    assert known.temperature == 60 and known.counts.dtype == np.uint16
    assert max(int(one.counts.max()) for one in [known, *series]) < 60_000
    assert all(b"synthetic twin" in one.read_bytes()[: 1 << 16] for one in recorded)


def test_the_field_starts_from_the_applied_one() -> None:
    """Far from the plate B_z is nearly the applied field, over it less on the way up."""
    world = MagnetoOpticsWorld(**SMALL)
    field = world.field(world.ramp_states(35.0)[0], 0.01 / mu_0)
    assert field[0, 0] == pytest.approx(0.01, rel=0.15)
    assert field[32, 32] < 0.5 * field[0, 0]


def test_the_wrong_worlds_differ() -> None:
    """Each pattern of J_c is its own, with the mean of the uniform one within a fifth."""
    for name in ("granular", "two-to-one"):
        pattern = MagnetoOpticsWorld(world=name).pattern()
        assert np.ptp(pattern) > 0.5
        assert pattern.mean() == pytest.approx(1, abs=0.2)


def test_the_truth_is_that_of_the_parameters() -> None:
    """Shifted parameters, shifted truth; the ridge is where the integrals of J_c from both edges meet."""
    known = truth(**SMALL | {"world": "paper", "gradient": 0.15})
    x = np.linspace(-1, 1, 200_001)
    rise = np.cumsum(1 + 0.15 * x)
    place = x[np.searchsorted(rise, rise[-1] / 2)] * 2.05e-3
    assert known["ridge_offset"] == pytest.approx(place, rel=1e-3)
    assert truth(**SMALL | {"critical_currents": (5e7,)})["critical_current_35K"] == 5e7


def test_the_remanent_senses_are_those_of_the_state() -> None:
    """Filled twice over it has turned round all over; half filled it has not."""
    known = truth(**SMALL | {"world": "paper"})
    assert known["clockwise_35K"] < 0.05
    strong = truth(**SMALL | {"world": "two-to-one", "critical_currents": (8e7,)})
    assert strong["clockwise_35K"] > 0.1
    assert (known["even_at_35K"], strong["even_at_35K"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("change", "text"),
    [({"world": "flat"}, "world is 'flat'"), ({"temperatures": (1.0, 2.0)}, "2 temperatures")],
)
def test_an_unknown_world_is_refused(change, text) -> None:
    """With what it can be."""
    with pytest.raises(ValueError, match=text):
        MagnetoOpticsWorld(**change)
