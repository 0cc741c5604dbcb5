"""What several techniques say together: planted answers come back, and a law that does not pass has no σ."""

import numpy as np
import pytest

from nbtools import joint
from nbtools.files.sample_card import SampleCard
from nbtools.joint.critical_current import JointCurrentStudy, points_of
from nbtools.joint.gaps import estimate_gaps
from nbtools.joint.resistivity import estimate_resistivity_bound
from nbtools.manifest import DataSource
from nbtools.notebook.sample import Sample, open_paper
from nbtools.paper import read_paper
from nbtools.results import Ledger, NotPossible, Result
from nbtools.study import Missing
from nbtools.transport.screening import estimate_eddy_resistivity
from nbtools.units import Quantity

END, ZERO, EXPONENT = 37.4, 3e9, 1.8


def law(kelvin):
    return ZERO * (1 - np.asarray(kelvin) / END) ** EXPONENT


def ledgers(*, plate_factor: float = 1.0, plate_offset: float = 0.0, noise: float = 0.05, seed: int = 1):
    """Results of notebooks 05 and 04 on one law; the plate's thermometer reads too much by `plate_offset`."""
    rng = np.random.default_rng(seed)

    def kept(notebook: str, named: dict[str, tuple[float, str]]) -> Ledger:
        entries = [
            Result(name, value, 0.03 * abs(value), unit, "", "measured", "mine")
            for name, (value, unit) in named.items()
        ]
        ledger = Ledger("", None)
        ledger.keep(entries, claim=notebook)
        return ledger

    def current(kelvin: float) -> float:
        return float(law(kelvin) * np.exp(rng.normal(0, noise)))

    loops = {f"loop_current_{t}K": (current(t), "A/m^2") for t in (5, 10, 15, 20, 25, 30)}
    halves = {}
    for i, t in enumerate((37.1, 36.9, 36.6)):
        halves |= {f"half_screening_{i}": (t, "K"), f"critical_current_{i}": (current(t), "A/m^2")}
    plate = {
        f"critical_current_{t + plate_offset:g}K": (plate_factor * current(t), "A/m^2") for t in (30, 33, 35)
    }
    return {"05_ac_susceptibility": kept("05", loops | halves), "04_magneto_optics": kept("04", plate)}


def study(found, **options) -> JointCurrentStudy:
    source = DataSource("mine", (), "measured", "0" * 64)
    return joint.study_critical_current(Sample(source, SampleCard(name="mine"), Ledger("")), found, **options)


def test_one_law_comes_back_with_the_thermometers_offset():
    """T_c, exponent and a cold finger that reads 0.3 K too much, within 3 σ over ten worlds."""
    deviations = []
    for seed in range(10):
        found = study(ledgers(plate_offset=0.3, seed=seed))
        assert found.fits
        rows = {row.name: row.quantity for row in found.rows()}
        for name, planted in (
            ("critical_temperature", END),
            ("exponent", EXPONENT),
            ("offset_flux_profiles", 0.3),
        ):
            deviations.append((float(rows[name]) - planted) / rows[name].uncertainty)
    assert np.max(np.abs(deviations)) < 4 and 0.4 < np.std(deviations) < 1.6


def test_a_law_that_does_not_pass_has_no_number_and_says_who_is_off():
    """A plate that carries five times the current: no σ, no row, and the instruments with their factors."""
    found = study(ledgers(plate_factor=5.0), cold_finger=0.05)
    assert not found.fits and found.rows() == []
    assert "flux profiles by a factor of" in found.notes()[-1] and "no number has a σ" in found.notes()[-1]


def test_one_instrument_alone_is_not_enough():
    """It is said which techniques would be needed."""
    only = ledgers()["04_magneto_optics"]
    with pytest.raises(NotPossible, match="found by flux profiles; two of loops"):
        points_of([], [only], probe=0.05, cold_finger=0.4)
    assert isinstance(study({"04_magneto_optics": only}), Missing)


def test_the_allowed_resistivity_is_that_of_an_eddy_current():
    """χ′ made by a normal metal of known ρ allows this ρ; R(T) above it is seen beside it."""
    planted = 2e-10
    radius = 0.5e-3
    screened = np.array([0.05, 0.3, 0.6, 0.9])
    # A frequency at which this ρ screens by each share.
    frequencies = [planted / float(estimate_eddy_resistivity(radius, 1.0, screened=s)) for s in screened]
    kelvin = np.linspace(20, 40, 400)
    rho = np.where(kelvin > 37, 1e-7, 0.0) + np.random.default_rng(0).normal(0, 1e-10, kelvin.size)
    bound = estimate_resistivity_bound(
        kelvin,
        rho,
        [37.5],
        [-screened[0]],
        radius=radius,
        frequency=frequencies[0],
        zero=Quantity(36.9, 0.05, "K"),
        temperature_error=0.01,
    )
    assert bound.allowed == pytest.approx([planted], rel=1e-6)
    assert bound.floor == pytest.approx(3e-10, rel=0.15)
    assert "above zero resistance" in bound.notes()[0]


@pytest.mark.parametrize(
    ("screened", "kept"),
    [
        ([0.01, 0.021, 0.5], [0.021, 0.5]),
        ([0.5, 0.979, 0.99], [0.5, 0.979]),
        ([0.021, 0.021, 0.979], [0.021] * 2 + [0.979]),
    ],
)
def test_only_partial_screening_tells_a_resistivity(screened, kept):
    """From 2 to 98 % of full screening; the bound is sorted by temperature, and screening begins at its warmest."""
    warm = [37.5, 37.3, 37.1]
    kelvin = np.linspace(20, 40, 201)
    bound = bound_of(kelvin, np.where(kelvin > 37, 1e-7, 0.0), warm, screened)
    begins = max(w for w, s in zip(warm, screened, strict=True) if s in kept)
    assert float(bound.onset) == begins and bound.warm.tolist() == sorted(bound.warm)
    expected = [float(estimate_eddy_resistivity(0.5e-3, 1e3, screened=s)) for s in kept]
    assert bound.allowed == pytest.approx(expected[::-1])


def test_what_gives_no_bound_is_said():
    """No partial screening; and two points of noise where three are needed."""
    kelvin = np.linspace(20, 40, 201)
    with pytest.raises(NotPossible, match="between 2 and 98 %"):
        bound_of(kelvin, np.zeros(201), [37.0], [0.99])
    late = np.array([28.7, 28.9, *np.linspace(30, 40, 20)])
    with pytest.raises(NotPossible, match="2 points 8 K below"):
        bound_of(late, np.zeros(late.size), [37.0], [0.5])
    three = np.array([28.5, 28.7, 28.9, *np.linspace(30, 40, 20)])
    assert bound_of(three, np.zeros(three.size), [37.0], [0.5]).floor == 0


def test_screening_at_zero_resistance_needs_no_words():
    """Within two standard deviations both begin together."""
    kelvin = np.linspace(20, 40, 201)
    told = [bound_of(kelvin, np.zeros(201), [w], [0.5]).notes() for w in (36.95, 37.2)]
    assert told[0] == [] and "Screening begins 0.300 ± " in told[1][0]


def bound_of(kelvin, rho, warm, screened):
    return estimate_resistivity_bound(
        kelvin,
        rho,
        warm,
        -np.array(screened),
        radius=0.5e-3,
        frequency=1e3,
        zero=Quantity(36.9, 0.05, "K"),
        temperature_error=0.01,
    )


def test_gaps_are_the_runs_between_the_pieces():
    """Plates ten voxels apart have gaps of eight voxels along z and none across that is whole."""
    phase = np.zeros((40, 16, 16), bool)
    phase[::10] = phase[1::10] = True
    found = estimate_gaps(phase, 50e-9, diffusivity=1e-4, fermi_velocity=5e5, span=(5.0, 37.0))
    assert set(np.round(found.runs * 1e9)) == {400.0}
    assert found.reach["dirty"][1][0] > found.reach["dirty"][1][1]


def test_the_papers_own_numbers_give_lengths_and_laws():
    """λ by ln κ is the printed one; Eq. (1) does not pass the printed currents as well as a free power law."""
    paper, printed = open_paper(Ledger("")), read_paper()
    depths = joint.study_penetration_depths(paper, printed)
    assert float(depths.lengths["H_c1, ln κ (printed)"]) == pytest.approx(77.7e-9)
    assert depths.lengths["H_c1, with the core"] > depths.lengths["H_c1, ln κ (printed)"]
    assert depths.stamp.origin == "paper"
    found = joint.study_printed_current(paper, printed)
    half, plate = found.points["half screening"], found.points["full plate"]
    # Half a unit of the last printed digit, as a uniform error: 37.1 K, 1.6 A cm⁻², 35 K, 300 Oe.
    assert half.temperature_uncertainty == pytest.approx(0.05 / 3**0.5)
    assert half.relative_uncertainty == pytest.approx(0.05 / 1.6 / 3**0.5)
    assert plate.temperature_uncertainty == pytest.approx(0.5 / 3**0.5)
    assert plate.relative_uncertainty == pytest.approx(50 / 300 / 3**0.5)
    # A square bar screens half at 0.62 of what a slab takes, and 300 Oe are 4203 A cm⁻² in this plate.
    assert half.current == pytest.approx(np.array([1.6e4, 1.6e5, 1.6e6]) * 1.612372, rel=1e-5)
    assert plate.current == pytest.approx([4202.9e4], rel=1e-3)
    assert "29 mK and 1.8 %" in found.notes()[0] and "off by 0.4 K" in found.notes()[1]
    laws = found.laws
    assert found.rows()[0].how.startswith("for 1 degree of freedom, p")
    assert laws["power"].p_value > 0.05 > laws["depairing"].p_value
