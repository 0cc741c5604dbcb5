"""What several techniques say together: planted answers come back, and a law that does not pass has no σ."""

import numpy as np
import pytest

from nbtools import joint
from nbtools.files.sample_card import SampleCard
from nbtools.joint.critical_current import JointCurrentStudy, points_of
from nbtools.joint.gaps import estimate_gaps
from nbtools.joint.lengths import depths_of, estimate_penetration_depths
from nbtools.joint.resistivity import estimate_resistivity_bound
from nbtools.manifest import DataSource
from nbtools.notebook.sample import Sample, open_paper
from nbtools.paper import read_paper
from nbtools.results import Ledger, NotPossible, Result
from nbtools.study import Missing
from nbtools.transport.lengths import CORE_TERM_HU, estimate_ginzburg_landau
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
    assert [points.offset_uncertainty for points in found.points.values()] == [0.0, 0.05, 0.4]
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


def test_points_come_from_every_run_by_their_names():
    """The first that found a current is the reference; the others' thermometers may be off as is said."""
    ac, mo = ledgers(noise=0.0)["05_ac_susceptibility"], ledgers(noise=0.0)["04_magneto_optics"]
    found = points_of([ac], [mo], probe=0.05, cold_finger=0.4)
    assert [(name, p.offset_uncertainty) for name, p in found.items()] == [
        ("loops", 0),
        ("half screening", 0.05),
        ("flux profiles", 0.4),
    ]
    assert found["loops"].temperature == [5, 10, 15, 20, 25, 30]
    assert found["half screening"].temperature == [37.1, 36.9, 36.6]
    assert found["flux profiles"].temperature == [30, 33, 35]
    for points in found.values():
        assert np.array(points.current, float) == pytest.approx(law(points.temperature))
    loops = Ledger("", None)
    loops.keep([r for name, r in ac.results.items() if not name.startswith("loop")], claim="05")
    warm = points_of([loops], [mo], probe=0.05, cold_finger=0.4)
    assert [(name, p.offset_uncertainty) for name, p in warm.items()] == [
        ("half screening", 0.0),
        ("flux profiles", 0.4),
    ]


def test_the_table_of_the_bound():
    """Onset, zero, the largest allowed resistivity and the noise's; 3 σ of R where it is zero."""
    kelvin = np.linspace(20, 40, 201)
    rho = np.where(kelvin > 37, 1e-7, 1e-11 * (-1.0) ** np.arange(201))
    bound = bound_of(kelvin[::-1], rho[::-1], [37.3, 37.1], [0.1, 0.5])
    assert bound.floor == pytest.approx(3e-11, rel=1e-3)
    assert np.all(np.diff(bound.temperature) > 0) and bound.resistivity[-1] == 1e-7
    rows = bound.rows()
    assert [(row.label, row.name, row.shown) for row in rows] == [
        ("screening begins", "screening_begins", ""),
        ("R(T) reads zero", "", ""),
        ("resistivity that this screening allows", "resistivity_allowed", "uohm cm"),
        ("resistivity that R(T) can tell from zero", "resistivity_floor", "uohm cm"),
    ]
    assert rows[0].how == "χ′ at 2 % of full screening"
    assert (float(rows[0].quantity), rows[0].quantity.uncertainty) == (37.3, 0.01)
    assert float(rows[2].quantity) == bound.allowed.max() == bound.allowed[1]
    assert float(rows[3].quantity) == bound.floor and float(rows[1].quantity) == 36.9


def test_the_routes_to_a_penetration_depth():
    """√(ħρ/πμ₀Δ) with Δ = 1.764 k T_c; the composite's λ times √(2f/(3 − f)) is that of MgB2 alone."""
    from scipy.constants import hbar, k, mu_0

    depth, rho, end = Quantity(80e-9, 1e-9, "m"), Quantity(3e-7, 3e-8, "ohm m"), Quantity(38.0, 0.4, "K")
    gap = 1.764 * k * 38.0
    dirty = np.sqrt(hbar * 3e-7 / (np.pi * mu_0 * gap))
    found = depths_of(depth, rho, end).lengths
    assert found["from H_c1 and H_c2"] is depth
    route = found["dirty limit, from ρ and T_c"]
    assert float(route) == pytest.approx(dirty, rel=1e-3) and route.unit == "m"
    assert route.uncertainty == pytest.approx(0.5 * dirty * np.hypot(0.1, 0.4 / 38), rel=0.02)
    fields = Quantity(1.2e4, 100.0, "A/m"), Quantity(1e7, 1e5, "A/m")
    both = estimate_penetration_depths(depth, *fields, rho, Quantity(0.25, 0.01), critical_temperature=38.0)
    lengths = both.lengths
    share = np.sqrt(2 * 0.25 / (3 - 0.25))
    assert float(lengths["MgB₂ alone, from H_c1"]) == pytest.approx(80e-9 * share, rel=1e-6)
    assert float(lengths["MgB₂ alone, from dirty limit"]) == pytest.approx(dirty * share, rel=1e-3)
    assert lengths["dirty limit, ρ"].uncertainty == pytest.approx(0.05 * dirty, rel=0.02)
    core = estimate_ginzburg_landau(*fields, core_term=CORE_TERM_HU).penetration_depth
    assert float(lengths["H_c1, with the core"]) == float(core)
    assert [(row.label, row.shown) for row in both.rows()] == [(name, "nm") for name in lengths]


def test_a_depth_by_two_routes_needs_transports_numbers():
    """Which of them were not found is said."""
    ledger = Ledger("", None)
    known = {"penetration_depth": (8e-8, "m"), "critical_temperature": (38.0, "K")}
    entries = [Result(n, v, 0.01 * v, unit, "", "measured", "mine") for n, (v, unit) in known.items()]
    ledger.keep(entries, claim="03")
    source = DataSource("mine", (), "measured", "0" * 64)
    sample = Sample(source, SampleCard(name="mine"), Ledger(""))
    found = joint.study_sample_depths(sample, ledger)
    assert isinstance(found, Missing) and found.reason == "Transport found no resistivity 100"
    ledger.keep(
        [*entries, Result("resistivity_100", 3e-7, 3e-9, "ohm m", "", "measured", "mine")], claim="03"
    )
    assert float(joint.study_sample_depths(sample, ledger).lengths["from H_c1 and H_c2"]) == 8e-8


def test_resistance_and_screening_meet_at_the_edges_of_the_card():
    """The radius is half the shorter edge across the field; the weakest field's curve is taken, with its lag."""
    from types import SimpleNamespace

    source = DataSource("mine", (), "measured", "0" * 64)
    card = SampleCard(name="mine", dimensions=("1 mm", "2 mm", "3 mm"), field_axis=3)
    sample = Sample(source, card, Ledger(""))
    kelvin = np.linspace(20, 40, 201)
    resistance = SimpleNamespace(
        unit="ohm m",
        temperature=kelvin,
        signal=np.where(kelvin > 37, 1e-7, 0.0),
        transition=SimpleNamespace(zero=Quantity(36.9, 0.05, "K")),
        __bool__=lambda: True,
    )

    def curve(lag, share):
        return SimpleNamespace(
            temperature=np.array([37.2]), in_phase=np.array([-share]), frequency=1e3, lag=lag
        )

    for lag, error in ((0.02, 0.02), (np.nan, 0.005)):
        curves = SimpleNamespace(curves=(curve(lag, 0.5), curve(lag, 0.7)))
        bound = joint.study_resistivity_bound(sample, resistance, curves, record=False)
        expected = float(estimate_eddy_resistivity(0.5e-3, 1e3, screened=0.5))
        assert bound.allowed == pytest.approx([expected]) and bound.onset.uncertainty == error
    volts = SimpleNamespace(**{**vars(resistance), "unit": "V"})
    assert "no cross-section" in joint.study_resistivity_bound(sample, volts, curves, record=False).reason


def test_gaps_of_a_volume_against_5_and_37_kelvin():
    """ħv/2πkT and √(ħD/2πkT) of the electrons that are asked for; a single piece has no gap."""
    from types import SimpleNamespace

    from scipy.constants import hbar, k

    phase = np.zeros((40, 16, 16), bool)
    phase[::10] = phase[1::10] = True
    source = DataSource("mine", (), "measured", "0" * 64)
    sample = Sample(source, SampleCard(name="mine"), Ledger(""))
    volume = SimpleNamespace(phase=phase, voxel_size=50e-9)
    found = joint.study_gaps(sample, volume, record=False)
    kelvin, dirty = found.reach["dirty"]
    assert kelvin.tolist() == [5.0, 37.0]
    assert dirty == pytest.approx(np.sqrt(hbar * 1e-4 / (2 * np.pi * k * kelvin)))
    assert found.reach["clean"][1] == pytest.approx(hbar * 5e5 / (2 * np.pi * k * kelvin))
    assert [row.label for row in found.rows()] == [
        "half of the runs are longer than",
        "ξ_N at 37 K, dirty",
        "ξ_N at 5 K, dirty",
        "ξ_N at 37 K, clean",
        "ξ_N at 5 K, clean",
    ]
    half = SimpleNamespace(phase=np.arange(16)[:, None, None] < np.full((16, 16, 16), 4), voxel_size=50e-9)
    assert "no gap between two pieces" in joint.study_gaps(sample, half, record=False).reason


def test_the_papers_points_are_read_with_their_cold_finger():
    """It may be off by 0.4 K unless said otherwise; the plate's temperature and field are the printed ones."""
    paper, printed = open_paper(Ledger("")), read_paper()
    found = joint.study_printed_current(paper, printed, cold_finger=0.2)
    plate, half = found.points["full plate"], found.points["half screening"]
    assert (plate.offset_uncertainty, half.offset_uncertainty) == (0.2, 0.0)
    assert plate.temperature == [35.0] and half.temperature == [37.1, 36.9, 36.6]
    assert list(found.laws) == ["power", "three-halves", "depairing"]
    lengths = joint.study_penetration_depths(paper, printed).lengths
    share = float(printed["CMP-02"].quantities[1]) / 100
    assert float(lengths["MgB₂ alone, from H_c1"]) == pytest.approx(
        77.7e-9 * (2 * share / (3 - share)) ** 0.5
    )
