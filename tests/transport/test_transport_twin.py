"""The recorded transport twin: reproducible, as noisy as it says, and holding what was planted."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.stats import chi2

from nbtools.files.quantum_design import read_dat, split_sweeps
from nbtools.files.sample_card import read_sample_card
from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.physics.demagnetisation import shielded_prism_susceptibility
from nbtools.transport.model_gradiometer import sample_length_factor
from nbtools.transport.twin import TransportWorld, record_transport, truth
from nbtools.units import convert

FILES = ["resistivity.dat", "magnetoresistance.dat", "zfc_fc.dat", "virgin_magnetisation.dat", "sample.yaml"]
# An instrument without systematic errors, whose readings differ from the model by noise alone.
IDEAL = {
    "dimension_uncertainty": 0.0,
    "tap_distance_uncertainty": 0.0,
    "field_offset_uncertainty": 0.0,
    "thermometer_offset_uncertainty": 0.0,
    "thermometer_lag": 0.0,
    "zero_drift": 0.0,
}
QUICK = IDEAL | {"sweep_temperatures": (20.0,), "magnetisation_temperatures": (5.0,)}


@pytest.fixture(scope="module")
def ideal(tmp_path_factory: pytest.TempPathFactory) -> dict[str, xr.Dataset]:
    """The four files of an ideal instrument, read."""
    paths = record_transport(tmp_path_factory.mktemp("ideal"), seed=1, **IDEAL)
    return {path.stem: read_dat(path) for path in paths if path.suffix == ".dat"}


def is_noise(deviation: np.ndarray) -> bool:
    """Whether the squares of deviations over σ sum up as χ² does in all but 1 of 10,000 cases."""
    tail = chi2.cdf(np.sum(deviation**2), deviation.size)
    return bool(5e-5 < tail < 1 - 5e-5)


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    """A twin is its seed and parameters."""
    first, second = (record_transport(tmp_path / name, seed=7) for name in "ab")
    assert [path.name for path in first] == FILES
    assert [a.read_bytes() for a in first] == [b.read_bytes() for b in second]


def test_another_seed_is_another_measurement(tmp_path: Path) -> None:
    """Every data file changes; what the experimenter knows does not."""
    first, second = (record_transport(tmp_path / str(seed), seed=seed) for seed in (1, 2))
    differs = [a.read_bytes() != b.read_bytes() for a, b in zip(first, second, strict=True)]
    assert differs == [True, True, True, True, False]


def test_files_do_not_share_noise(tmp_path: Path) -> None:
    """More sweeps in one file leave the others as they were."""
    first = record_transport(tmp_path / "a", seed=7)
    second = record_transport(tmp_path / "b", seed=7, sweep_temperatures=(10.0, 20.0))
    same = [a.read_bytes() == b.read_bytes() for a, b in zip(first, second, strict=True)]
    assert same == [True, False, True, True, True]


def test_nothing_is_written_outside_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither beside it nor in the working directory, and no temporary file stays."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    paths = record_transport(tmp_path / "deep" / "folder", seed=1)
    written = {Path(folder) / name for folder, _, names in os.walk(tmp_path) for name in names}
    assert written == set(paths)


def test_every_file_says_synthetic(tmp_path: Path) -> None:
    """In its header, or in the card's name."""
    assert all(SYNTHETIC in path.read_text("utf-8")[:600] for path in record_transport(tmp_path, seed=1))


def test_resistance_noise_is_the_stated_one(ideal: dict[str, xr.Dataset]) -> None:
    """R(T) and R(H) scatter about the model by the voltage noise over the current."""
    world, sigma = TransportWorld(), 2.58e-9 / 5e-3
    for name in ("resistivity", "magnetoresistance"):
        data = ideal[name]
        t, h = data.temperature.values, data.field.values
        model = world.normal_resistivity(t) * world.reduced_resistance(t, h) * 3e-3 / 1e-6
        assert is_noise((data.resistance_1.values - model) / sigma)


def test_moment_noise_is_the_stated_one(ideal: dict[str, xr.Dataset]) -> None:
    """Above T_c the magnetometer's floor, on the virgin curves that and a share of the moment."""
    normal = ideal["zfc_fc"].sel(point=ideal["zfc_fc"].temperature > 38.6)
    paramagnet = 1e-4 / normal.temperature.values * convert(10.0, "Oe", "A/m") * 5e-9
    floor = convert(5e-8, "emu", "A m^2")
    assert is_noise((normal.moment.values - paramagnet * truth()["sample_length_factor"]) / floor)

    shielded = shielded_prism_susceptibility(1.0, 1.0, 5.0)
    read = 5e-9 * sample_length_factor(5e-3, mode="MPMS3 dc", scan_length=0.035)
    for kelvin, sweep in zip(
        TransportWorld().magnetisation_temperatures, split_sweeps(ideal["virgin_magnetisation"]), strict=True
    ):
        model = read * TransportWorld().virgin_curve(kelvin, sweep.data.field.values, shielded=shielded)
        assert is_noise((sweep.data.moment.values - model) / np.hypot(floor, 1e-4 * model))


def test_noise_over_seeds(tmp_path: Path) -> None:
    """χ² of the resistance above the transition over 5 seeds is a χ², not only its mean."""
    world, tails = TransportWorld(), []
    for seed in range(5):
        data = read_dat(record_transport(tmp_path, seed=seed, **QUICK)[0])
        data = data.sel(point=data.temperature > 45)
        model = world.normal_resistivity(data.temperature.values) * 3e-3 / 1e-6
        deviation = (data.resistance_1.values - model) / (2.58e-9 / 5e-3)
        tails.append(chi2.cdf(np.sum(deviation**2), deviation.size))
    # Fisher: minus twice the sum of their logarithms is χ² with two degrees of freedom each.
    assert 1e-4 < chi2.sf(-2 * np.sum(np.log(tails)), 2 * len(tails)) < 1 - 1e-4


def test_stated_deviation_is_the_noise(ideal: dict[str, xr.Dataset]) -> None:
    """The column of standard deviations averages to the noise of a point."""
    stated = ideal["resistivity"].resistance_uncertainty_1.values
    assert np.sqrt(np.mean(stated**2)) == pytest.approx(2.58e-9 / 5e-3, rel=0.03)


def test_the_nanovoltmeter_drifts_as_stated(tmp_path: Path) -> None:
    """Without other noise the steps of the zero are those of a random walk that ends at 1 nV."""
    data = read_dat(
        record_transport(tmp_path, seed=3, **QUICK | {"zero_drift": 1e-6, "voltage_noise": 0.0})[0]
    )
    cold = data.temperature.values < 30
    zero = data.resistance_1.values[cold] * 5e-3
    steps = np.diff(zero)
    assert is_noise(steps[:-1] / (1e-6 / np.sqrt(data.sizes["point"])))


def normal_resistance(paths: list[Path]) -> float:
    data = read_dat(paths[0])
    return float(np.interp(40.0, *_sorted(data.temperature[:300], data.resistance_1[:300])))


def midpoint(paths: list[Path]) -> float:
    data = read_dat(paths[0])
    return float(
        np.interp(truth()["normal_resistance_40K"] / 2, *_sorted(data.resistance_1, data.temperature))
    )


def first_moment(paths: list[Path]) -> float:
    return float(read_dat(paths[2]).moment[0])


@pytest.mark.parametrize(
    ("drawn", "uncertainty", "see", "expected"),
    [
        ("tap_distance_uncertainty", 0.1e-3, normal_resistance, 0.1 / 3),
        ("dimension_uncertainty", 0.02e-3, normal_resistance, 0.02 * np.sqrt(2)),
        ("field_offset_uncertainty", convert(0.5, "Oe", "A/m"), first_moment, 0.05),
        ("thermometer_offset_uncertainty", 0.05, midpoint, 0.05 / 37.84),
    ],
)
def test_what_the_card_leaves_open_is_drawn(
    drawn: str, uncertainty: float, see: Callable[[list[Path]], float], expected: float, tmp_path: Path
) -> None:
    """Each "±" of the card alone scatters five bars by as much as it says."""
    central = see(record_transport(tmp_path, seed=0, **QUICK))
    seen = [see(record_transport(tmp_path, seed=seed, **QUICK | {drawn: uncertainty})) for seed in range(5)]
    assert is_noise((np.array(seen) / central - 1) / expected)


def test_warming_lags_cooling(tmp_path: Path) -> None:
    """The same sample passes its midpoint 0.05 K higher on warming."""
    path = record_transport(tmp_path, seed=5, **QUICK | {"thermometer_lag": 0.05})[0]
    cooling, warming = (
        np.interp(0.5 * truth()["normal_resistance_40K"], *_sorted(s.data.resistance_1, s.data.temperature))
        for s in split_sweeps(read_dat(path))
    )
    # R/R_n = 1/2 falls by 0.89 per K: the noise of 1e-3 is 1.1 mK on each branch, the thermometer's 2 mK.
    assert warming - cooling == pytest.approx(0.05, abs=4 * np.sqrt(2) * 2.3e-3)


def test_ten_percent_fields_are_in_the_file(ideal: dict[str, xr.Dataset]) -> None:
    """R(H) passes 10 % of R_n at the planted field wherever it can, and nowhere at 2 K."""
    answers, world = truth(), TransportWorld()
    sweeps = split_sweeps(ideal["magnetoresistance"])
    assert len(sweeps) == len(world.sweep_temperatures)
    for kelvin, sweep in zip(world.sweep_temperatures, sweeps, strict=True):
        share = sweep.data.resistance_1.values / (float(world.normal_resistivity(kelvin)) * 3e-3 / 1e-6)
        planted = answers[f"upper_critical_field_{kelvin:g}K"]
        below, above = share[sweep.data.field.values < planted], share[sweep.data.field.values > planted]
        assert np.all(below < 0.105)
        assert np.all(above > 0.095)
        assert (above.size > 0) == (kelvin > 2)


def test_shielding_is_in_the_file(ideal: dict[str, xr.Dataset]) -> None:
    """ZFC at 5 K reads the planted −1.1, FC under 1 % of it."""
    zfc, fc = (s.data.sortby("temperature") for s in split_sweeps(ideal["zfc_fc"]))
    scale = convert(10.0, "Oe", "A/m") * 5e-9
    screened = np.interp(5.0, zfc.temperature, zfc.moment) / scale
    cooled_in_field = np.interp(5.0, fc.temperature, fc.moment) / scale
    assert screened == pytest.approx(truth()["apparent_susceptibility_5K"], rel=5e-4)
    assert cooled_in_field / screened == pytest.approx(truth()["field_cooled_fraction"], rel=1e-2)


def test_flux_enters_at_the_planted_field(ideal: dict[str, xr.Dataset]) -> None:
    """Below H_p the virgin curve is a line within its noise, two steps above it is not."""
    for sweep in split_sweeps(ideal["virgin_magnetisation"]):
        entry = truth()[f"entry_field_{round(sweep.held):g}K"]
        h, m = sweep.data.field.values, sweep.data.moment.values
        sigma = np.hypot(convert(5e-8, "emu", "A m^2"), 1e-4 * m)
        linear = h < entry
        slope = np.sum((h * m / sigma**2)[linear]) / np.sum((h**2 / sigma**2)[linear])
        deviation = (m - slope * h) / sigma
        assert is_noise(deviation[linear])
        assert np.all(deviation[h > entry + convert(50.0, "Oe", "A/m")] > 3)


def test_remanence_offsets_the_moment(tmp_path: Path) -> None:
    """0.5 Oe on 10 Oe reads 5 % more."""
    half = convert(0.5, "Oe", "A/m")
    plain, more = (
        read_dat(record_transport(tmp_path / str(offset), seed=2, **QUICK | {"field_offset": offset})[2])
        for offset in (0.0, half)
    )
    assert float(more.moment[0] / plain.moment[0]) == pytest.approx(1.05, rel=1e-3)
    assert float(more.field[0]) == pytest.approx(convert(10.0, "Oe", "A/m"))


def test_two_steps_leave_a_plateau(tmp_path: Path, ideal: dict[str, xr.Dataset]) -> None:
    """At 36.9 K the links alone resist: 30 % of R_n, where the paper's world has 2 %."""
    granular = read_dat(record_transport(tmp_path, seed=1, world="two-step", **QUICK)[0])
    left = [
        float(np.interp(36.9, *_sorted(data.temperature[-193:], data.resistance_1[-193:])))
        / truth()["normal_resistance_40K"]
        for data in (granular, ideal["resistivity"])
    ]
    assert left[0] == pytest.approx(0.30, abs=0.03)
    assert left[1] == pytest.approx(0.02, abs=0.01)


def test_a_normal_metal_keeps_its_resistance(tmp_path: Path) -> None:
    """No point below half of R_n, no diamagnetic point beyond noise."""
    paths = record_transport(tmp_path, seed=1, world="normal", **QUICK)
    resistance, moment = read_dat(paths[0]).resistance_1.values, read_dat(paths[2]).moment.values
    assert resistance.min() > 0.98 * truth()["normal_resistance_40K"]
    assert moment.min() > -5 * convert(5e-8, "emu", "A m^2")
    assert np.mean(moment) > 0


def test_card_states_the_bar(tmp_path: Path) -> None:
    """The reader of cards finds all that the notebook asks for, with the uncertainties that were drawn from."""
    card = read_sample_card(record_transport(tmp_path, seed=1)[-1])
    assert card.require("volume", "field_length", "geometry_factor", "current_density", "scan_length") is None
    assert card.is_paper_sample
    assert card.instrument == "MPMS"
    assert card.dimensions == pytest.approx((1e-3, 1e-3, 5e-3))
    measures = [*card.dimensions, card.tap_distance, card.remanence, card.thermometer_offset]
    drawn = [2e-5, 2e-5, 2e-5, 1e-4, convert(0.5, "Oe", "A/m"), 0.05]
    assert [measure.uncertainty for measure in measures] == pytest.approx(drawn)


def test_thermometer_offset_is_true_minus_stated(tmp_path: Path) -> None:
    """As on the card: where the sample is 0.5 K warmer than stated, the midpoint reads 0.5 K low."""
    reads = midpoint(record_transport(tmp_path, seed=1, **IDEAL | {"thermometer_offset": 0.5}))
    assert reads == pytest.approx(37.84 - 0.5, abs=0.02)


def test_unknown_parameter_is_refused(tmp_path: Path) -> None:
    """A misspelt parameter does not become a default twin, and nothing is written."""
    with pytest.raises(TypeError, match="curent"):
        record_transport(tmp_path / "new", seed=1, curent=1e-3)
    assert not (tmp_path / "new").exists()


def _sorted(x: xr.DataArray, y: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x), np.asarray(y)
    order = np.argsort(x)
    return x[order], y[order]
