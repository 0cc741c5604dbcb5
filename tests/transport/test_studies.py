"""Whole curves to whole answers, on worlds whose answers are known; and what is said where they are missing."""

import hashlib
import json

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from nbtools import transport
from nbtools.files import registry
from nbtools.files.registry import Contents, Reader, Signal
from nbtools.files.write_quantum_design import write_ppms_resistivity
from nbtools.notebook.sample import open_sample
from nbtools.physics import demagnetisation, superconductor
from nbtools.physics.normal_metal import bloch_gruneisen
from nbtools.results import NotPossible, read_ledger
from nbtools.units import Quantity

METAL = {"residual": 0.17e-6, "amplitude": 2.9e-6, "debye_temperature": 880.0, "exponent": 3.0}
TEMPERATURE = np.r_[2:30:1.0, 30:45:0.1, 45:301:2.0]


def resistance(share=0.0, lower=1.8, noise=1e-3, seed=0):
    step = superconductor.transition_fraction(TEMPERATURE, midpoint=37.84, width=0.45)
    second = superconductor.transition_fraction(TEMPERATURE, midpoint=37.84 - lower, width=0.45)
    rng = np.random.default_rng(seed)
    metal = bloch_gruneisen(TEMPERATURE, **METAL)
    return metal * ((1 - share) * step + share * second) + noise * 0.17e-6 * rng.normal(size=TEMPERATURE.size)


@pytest.mark.parametrize("backwards", [False, True])
def test_one_step_and_two_are_told_apart(backwards):
    """A link share of 30 %, 1.8 K lower, is two steps of that share and distance; none is one."""
    order = slice(None, None, -1 if backwards else 1)
    for share, steps in ((0.0, 1), (0.3, 2)):
        curve = {"cooling": (TEMPERATURE[order], resistance(share)[order])}
        study = transport.estimate_resistance(curve)
        assert study.steps.steps == steps
    assert study.steps.second_share == pytest.approx(0.3, abs=0.01)
    assert study.steps.separation == pytest.approx(1.8, abs=0.02)


def test_two_steps_still_have_an_onset():
    """The steepest tangent of a double step is that of its steeper part, not of a cubic through both."""
    found = transport.estimate_transition(TEMPERATURE, resistance(0.3))
    assert 38.2 < found.onset < 38.8


def test_the_normal_state_is_recovered():
    """ρ(100 K), the ratio and the exponent of the metal that was planted; the geometry's error is in ρ."""
    geometry = Quantity(2.0, 0.1, "m")
    study = transport.estimate_resistance({"cooling": (TEMPERATURE, resistance() / 2)}, geometry=geometry)
    planted = bloch_gruneisen([40.0, 100.0, 300.0], **METAL)
    assert study.normal.exponent == 3
    assert study.normal.resistivity_100 == pytest.approx(planted[1], rel=1e-3)
    assert study.normal.resistivity_100.uncertainty == pytest.approx(0.05 * planted[1], rel=0.02)
    assert study.normal.residual_ratio == pytest.approx(planted[2] / planted[0], rel=2e-3)
    ideal = np.array(transport.IDEAL_RESISTIVITY_RISE) / (planted[2] - planted[0])
    assert study.normal.connectivity == pytest.approx(tuple(ideal), rel=0.01)


def test_a_narrow_range_says_what_is_missing():
    """Without 50 K of normal state there is a transition, no Bloch–Grüneisen fit, and the reason."""
    below = TEMPERATURE < 60
    study = transport.estimate_resistance({"cooling": (TEMPERATURE[below], resistance()[below])})
    assert study.transition.found and study.normal is None
    assert "measure to higher temperature" in study.missing["normal state"]


def test_no_curve_is_not_possible():
    """Nothing in: the sentence says what to give."""
    for estimate in (transport.estimate_resistance, transport.estimate_screening):
        with pytest.raises(NotPossible, match="give at least"):
            estimate({})


def test_branches_are_averaged_and_their_difference_is_error():
    """Cooling and warming 50 mK apart give the middle with at least half the difference as σ."""
    low, high = (
        transport.estimate_transition(TEMPERATURE + shift, resistance(seed=s))
        for s, shift in ((1, -0.025), (2, 0.025))
    )
    both = transport.combine_branches([low, high])
    assert both.midpoint == pytest.approx(37.84, abs=3e-3)
    assert both.midpoint.uncertainty >= 0.024


SIDES = (1e-3, 1e-3, 5e-3)
CHI0 = demagnetisation.shielded_prism_susceptibility(*SIDES)


def screened(reading=CHI0, fraction=1.0, field=800.0):
    t = np.r_[2:36:1.0, 36:42:0.1, 42:60:1.0]
    shape = superconductor.screening_fraction(t, critical_temperature=38.5, width=0.7)
    rng = np.random.default_rng(0)
    moment = reading * fraction * 5e-9 * field * (shape + 1e-4 * rng.normal(size=t.size))
    return t, moment


CARD = {
    "field": 800.0,
    "volume": Quantity(5e-9, 1e-10, "m^3"),
    "sides": SIDES,
    "remanence": Quantity(0.0, 8.0, "A/m"),
    "instrument": "MPMS",
}


def test_full_screening_is_seen_as_full():
    """A moment of χ0 × the length factor is a screened fraction of 1, each input's share in the budget."""
    read = transport.estimate_screening({"zfc": screened()}, **CARD).shielding.fully_screened / CHI0
    study = transport.estimate_screening({"zfc": screened(reading=CHI0 * read)}, **CARD)
    assert study.shielding.screened_fraction == pytest.approx(1, abs=1e-3)
    assert study.shielding.budget["volume"] == pytest.approx(0.02)
    assert study.shielding.budget["field"] == pytest.approx(0.01)
    assert study.onset == pytest.approx(38.49, abs=0.05)


def test_the_meissner_fraction():
    """FC plateau over ZFC plateau."""
    study = transport.estimate_screening({"zfc": screened(), "fc": screened(fraction=0.008)})
    assert study.meissner_fraction == pytest.approx(0.008, rel=1e-3)
    assert study.shielding is None


def test_entry_fields_extrapolate():
    """Parabolic entry fields at seven temperatures give H_c1(0), and the parabola is preferred."""
    h = np.linspace(0, 160e3, 81)
    rng = np.random.default_rng(4)
    curves = []
    for kelvin in (5.0, 10, 15, 20, 25, 30, 33):
        entry = 57e3 * (1 - (kelvin / 38.5) ** 2)
        clean = superconductor.virgin_magnetisation(
            h, susceptibility=-1.1, entry_field=entry, full_field=8 * entry
        )
        curves.append((kelvin, h, 5e-9 * clean + 2e-8 * rng.normal(size=h.size), None))
    study = transport.estimate_flux_entry(curves, critical_temperature=38.5)
    assert study.best.law == "parabolic"
    assert study.best.zero_temperature_field == pytest.approx(57e3, rel=0.01)


def test_a_shape_correction_needs_the_shape():
    """The correction is refused in words where the card gives no dimensions."""
    with pytest.raises(ValueError, match="needs the sample's dimensions"):
        transport.estimate_flux_entry([], critical_temperature=38.5, correction="brandt")


def test_eddy_currents_at_half_screening():
    """A cylinder of 0.5 mm at 10 Hz: 2.2e-12 Ω m (physics notes), ten times that at ten times the frequency."""
    found = transport.estimate_eddy_resistivity(0.5e-3, 10.0)
    assert found == pytest.approx(2.2e-12, rel=0.01)
    assert transport.estimate_eddy_resistivity(0.5e-3, 100.0) == pytest.approx(10 * found)
    deeper = transport.estimate_eddy_resistivity(0.5e-3, 10.0, screened=[0.1, 0.5, 0.9])
    assert deeper[1] == found and np.all(np.diff(deeper) < 0)
    with pytest.raises(ValueError, match="screened"):
        transport.estimate_eddy_resistivity(0.5e-3, 10.0, screened=1.0)


def test_the_budget_of_the_penetration_depth():
    """The longest bar is the largest move; a fixed core term moves λ by 11 %."""
    fields = Quantity(56738.0, 500.0, "A/m"), Quantity(7.79e6, 1e4, "A/m")
    budget = transport.estimate_lengths(*fields, alternatives={"edge": (60e3, 7.79e6)}).budget
    assert list(budget.values()) == sorted(budget.values(), reverse=True)
    assert budget["core term 0 or 0.497"] == pytest.approx(0.11, abs=0.002)


def test_the_holder_is_taken_off():
    """A sample on a paramagnetic holder, minus the holder measured at other temperatures, is the sample."""
    t, moment = screened()
    holder_at = np.linspace(1, 70, 300)[::-1]
    holder = 1e-7 / (holder_at + 1)
    bare = transport.subtract_background(
        t, moment + 1e-7 / (t + 1), background_along=holder_at, background=holder
    )
    assert bare == pytest.approx(moment, abs=1e-9)


def test_a_holder_measured_too_short_is_refused():
    """Beyond its range the holder is not invented."""
    with pytest.raises(ValueError, match="measure the holder over the same range"):
        transport.subtract_background(
            [2.0, 60.0], [0.0, 0.0], background_along=[5.0, 50.0], background=[1.0, 1.0]
        )


def resistance_file(path, temperature, midpoint=38.0):
    """R(T) of one bridge in no field as a `.dat`."""
    share = superconductor.transition_fraction(temperature, midpoint=midpoint, width=1.0)
    share = share + 1e-4 * np.random.default_rng(3).normal(size=temperature.size)
    rows = "\n".join(f"{t:.6g},0,{0.01 * r:.9g}" for t, r in zip(temperature, share, strict=True))
    names = "Temperature (K),Magnetic Field (Oe),Bridge 1 Resistance (Ohms)"
    path.write_text(f"[Header]\nBYAPP, Resistivity, 2.1, 1.0\n[Data]\n{names}\n{rows}\n")
    return path


def test_two_files_with_branches_of_one_name(tmp_path):
    """Two warming curves are two curves: their mean, half their difference as error, each by its file's name."""
    t = np.arange(4, 60, 0.25)
    files = [resistance_file(tmp_path / f"{n}.dat", t, middle) for n, middle in (("a", 37.9), ("b", 38.1))]
    found = transport.study_resistance(open_sample(files), record=False)
    assert list(found.branches) == ["warming (a.dat)", "warming (b.dat)"]
    assert found.transition.midpoint == pytest.approx(38.0, abs=0.02)
    assert found.transition.midpoint.uncertainty == pytest.approx(0.1, abs=0.01)
    assert any("differ by 200 mK" in note for note in found.notes())


def test_a_curve_that_ends_above_the_step_does_not_hide_it(tmp_path):
    """One file holds the normal state, another the transition: T_c is of the one that has it, the other is named."""
    high = resistance_file(tmp_path / "high.dat", np.arange(50.0, 300.0, 1.0))
    low = resistance_file(tmp_path / "low.dat", np.arange(4, 60, 0.25))
    found = transport.study_resistance(open_sample([high, low]), record=False)
    assert found.transition.found and found.transition.midpoint == pytest.approx(38.0, abs=0.02)
    assert any(note.startswith("warming (high.dat): no transition") for note in found.notes())


def moment_file(path, fields, midpoint=38.0):
    """Zero-field-cooled and field-cooled m(T) in each field (Oe)."""
    t = np.arange(2, 60, 0.25)
    shape = 1 - superconductor.transition_fraction(t, midpoint=midpoint, width=1.0)
    rows = [
        f"{x:.6g},{h},{-1e-5 * h * f * s:.9g}"
        for h in fields
        for f in (1, 0.1)
        for x, s in zip(t, shape, strict=True)
    ]
    names = "Temperature (K),Magnetic Field (Oe),Moment (emu)"
    path.write_text("[Header]\nBYAPP,VSM,2.0,3.0\n[Data]\n" + "\n".join([names, *rows]) + "\n")
    return path


def test_every_moment_curve_is_kept_and_shown(tmp_path):
    """Two fields in one file: four curves, each in the figure; the fraction is of one field's two branches."""
    sample = open_sample(moment_file(tmp_path / "two.dat", (100.0, 20.0)))
    found = transport.study_screening(sample, record=False)
    assert list(found.curves) == ["zfc (20 Oe)", "zfc (100 Oe)", "fc (100 Oe)", "fc (20 Oe)"]
    assert found.field_cooled == "fc (20 Oe)"
    assert found.meissner_fraction == pytest.approx(0.1, rel=1e-3)
    assert "T_c onset, zfc (100 Oe)" in [row.label for row in found.rows()]
    axes = Figure().subplots()
    transport.draw.screening(found, axes=axes)
    assert {"ZFC (20 Oe)", "FC (100 Oe)"} <= {line.get_label() for line in axes.lines}


def test_curves_of_two_files_are_not_taken_for_zero_field_cooled(tmp_path):
    """Two warming curves in two files: no file says which was cooled in no field, so no Meissner fraction."""
    t = np.arange(2, 60, 0.25)
    for name, share in (("one", 1.0), ("other", 0.1)):
        step = 1 - superconductor.transition_fraction(t, midpoint=38.0, width=1.0)
        rows = "\n".join(f"{x:.6g},100,{-1e-3 * share * y:.9g}" for x, y in zip(t, step, strict=True))
        names = "Temperature (K),Magnetic Field (Oe),Moment (emu)"
        text = f"[Header]\nBYAPP,VSM,2.0,3.0\n[Data]\n{names}\n{rows}\n"
        (tmp_path / f"{name}.dat").write_text(text)
    found = transport.study_screening(open_sample(tmp_path), record=False)
    assert list(found.curves) == ["warming (one.dat)", "warming (other.dat)"]
    assert np.isnan(found.meissner_fraction)
    assert any("which curve was cooled in no field" in note for note in found.notes())


def test_the_width_does_not_hold_the_thermometers_offset():
    """All temperatures are off together, so their difference is not."""
    curve = {"cooling": (TEMPERATURE, resistance())}
    known = transport.estimate_resistance(curve).transition
    shifted = transport.estimate_resistance(curve, temperature_uncertainty=0.5).transition
    assert shifted.midpoint.uncertainty == pytest.approx(np.hypot(0.5, known.midpoint.uncertainty))
    assert shifted.width.uncertainty == pytest.approx(known.width.uncertainty)


def test_the_value_under_the_hand_is_kept(tmp_path, monkeypatch):
    """A criterion set by hand, then the button: the study's number by it replaces the one before; the line says how."""
    monkeypatch.setenv("NBTOOLS_RESULTS", str(tmp_path / "out"))
    t = np.arange(4, 60, 0.25)
    sample = open_sample(resistance_file(tmp_path / "a.dat", t), notebook="03_transport")
    result = transport.study_resistance(sample)
    before = read_ledger(sample.ledger.path).results
    explorer = transport.explore.transition(result)
    explorer.controls["criterion value"].value = "0.3"
    number = explorer.outcome.numbers["Tc"]
    explorer.controls["use"].click()
    assert not explorer.errors
    after = read_ledger(sample.ledger.path).results
    assert after["critical_temperature"].value == pytest.approx(float(number), abs=1e-9)
    assert after["critical_temperature"].uncertainty == pytest.approx(number.uncertainty)
    assert after["critical_temperature"].method == "30 % of the step left"
    assert after["critical_temperature"].options == "criterion=0.3"
    assert list(after) == list(before)
    assert after["resistive_zero"].quantity == before["resistive_zero"].quantity
    assert explorer.sentences[0].endswith("TC_CRITERION = 0.3")
    again = transport.study_resistance(sample, criterion=0.3, record=False)
    assert float(again.critical_temperature) == after["critical_temperature"].value
    # What is not kept cannot be used.
    assert "use" not in transport.explore.transition(again).controls


def bridges(folder, field):
    """R(T) of three bridges in one file, their transitions at 38, 30 and 20 K, in a field (Oe)."""
    rows = [
        [
            t,
            field,
            *(
                0.01 * superconductor.transition_fraction(t, midpoint=m, width=1.0)
                for m in (38.0, 30.0, 20.0)
            ),
        ]
        for t in np.arange(4, 60, 0.25)
    ]
    names = ["Temperature (K)", "Magnetic Field (Oe)", *(f"Bridge {n} Resistance (Ohms)" for n in (1, 2, 3))]
    text = "\n".join([",".join(names), *(",".join(f"{cell:.9g}" for cell in row) for row in rows)])
    path = folder / "three.dat"
    path.write_text(f"[Header]\nBYAPP, Resistivity, 2.1, 1.0\nINFO, film, Sample2 Name\n[Data]\n{text}\n")
    return open_sample(path)


def test_each_bridge_has_its_own_answer(tmp_path):
    """By default the first, with the others named; any of them by its number; none that is not there."""
    sample = bridges(tmp_path, 0.0)
    first = transport.study_resistance(sample, record=False)
    assert "bridge 2 (film), bridge 3; give bridge=<number>" in first.missing["the other bridges"]
    for number, midpoint in ((None, 38.0), (2, 30.0), (3, 20.0)):
        found = transport.study_resistance(sample, bridge=number, record=False).transition.midpoint
        assert abs(found - midpoint) < 0.1
    lacking = transport.study_resistance(sample, bridge=4, record=False)
    assert not lacking and "no such sweep of bridge 4, but of bridge 1" in lacking.reason


def test_a_small_field_that_stands_for_none_is_said(tmp_path):
    """R(T) at 5 Oe is taken, and the result says its field."""
    result = transport.study_resistance(bridges(tmp_path, 5.0), record=False)
    assert "warming at 5 Oe (lowest field held, taken for zero)" in str(result.missing)


def test_a_ratio_is_not_read_beyond_the_data():
    """R(T) that ends at 250 K has no R(300 K): no ratio, no connectivity, and the reason; R(100 K) stands."""
    below = TEMPERATURE < 251
    normal = transport.fit_normal_state(TEMPERATURE[below], resistance()[below], onset=38.5)
    assert np.isnan(normal.residual_ratio) and np.isnan(normal.connectivity[0])
    assert normal.resistivity_100 == pytest.approx(bloch_gruneisen(100.0, **METAL), rel=1e-3)
    assert list(normal.undetermined) == ["R(300 K)"] and "to 249 K" in str(normal)


def test_a_bad_fit_has_no_sigma():
    """A hump that no Bloch–Grüneisen law has: Θ without σ and why, ρ(100 K) with the misfit as σ."""
    hump = 0.02e-6 * np.exp(-(((TEMPERATURE - 150) / 20) ** 2))
    normal = transport.fit_normal_state(TEMPERATURE, resistance() + hump, onset=38.5)
    assert normal.reduced_chi_square > 100
    assert np.isnan(normal.debye_temperature.uncertainty) and np.isfinite(normal.debye_temperature)
    assert "times their scatter" in normal.undetermined["σ of ρ0, A and Θ"]
    assert 1e-3 < normal.resistivity_100.uncertainty / normal.resistivity_100 < 0.05


def test_no_meissner_fraction_without_an_onset():
    """Two moments that never turn positive or to zero have no onset, and then no Meissner fraction either."""
    t = np.linspace(2, 30, 60)
    noise = 1e-9 * np.random.default_rng(2).normal(size=(2, t.size))
    study = transport.estimate_screening({"zfc": (t, -1e-6 + noise[0]), "fc": (t, -1.44e-6 + noise[1])})
    assert np.isnan(study.onset) and np.isnan(study.meissner_fraction)


def test_the_solved_body_brings_its_own_error():
    """The bar is solved to 1e-4; the formulas beside it are shown with what parts them from it."""
    full = transport.full_screening_susceptibility(*SIDES)
    assert full["shielded prism"].uncertainty == pytest.approx(1e-4 * abs(CHI0))
    for name in ("Aharoni", "spheroid", "Brandt cylinder"):
        assert full[name].uncertainty == pytest.approx(abs(full[name] - CHI0))
    study = transport.estimate_screening({"zfc": screened()}, **CARD)
    assert study.shielding.budget["demagnetisation"] == pytest.approx(1e-4)


def test_coils_that_nobody_published_leave_the_rest():
    """A PPMS VSM has a transition and a Meissner fraction; its susceptibility says why not."""
    study = transport.estimate_screening({"zfc": screened()}, **CARD | {"instrument": "PPMS vsm"})
    assert study.transitions["zfc"].found and study.shielding is None
    assert "no published dimensions" in study.missing["4πχ"]


def test_a_step_count_says_why():
    """A skewed single step fits better as two, is one, and the sentence says why."""
    t = np.linspace(36, 40, 200)
    skewed = 0.97 * superconductor.transition_fraction(t, midpoint=38.0, width=0.2)
    skewed += 0.03 * superconductor.transition_fraction(t, midpoint=37.0, width=0.4)
    rng = np.random.default_rng(1)
    count = transport.count_transition_steps(t, skewed + 1e-3 * rng.normal(size=t.size), noise=1e-3)
    assert count.steps == 1 and count.aicc_difference > 10
    assert "less than 5 %" in str(count)


def test_the_ledger_says_where_its_numbers_come_from(tmp_path, monkeypatch):
    """File with sha256, card and version stand in the JSON and in the CSV; a ledger of before is still read."""
    monkeypatch.setenv("NBTOOLS_RESULTS", str(tmp_path / "out"))
    file = resistance_file(tmp_path / "a.dat", np.arange(4, 60, 0.25))
    card = tmp_path / "mine.yaml"
    card.write_text('name: bar 7\nthermometer_offset: "0.00 ± 0.05 K"\n')
    sample = open_sample(file, card, notebook="03_transport")
    transport.study_resistance(sample)
    kept = read_ledger(sample.ledger.path).provenance[sample.name]
    assert kept["files"] == {"a.dat": hashlib.sha256(file.read_bytes()).hexdigest()}
    assert any(entry.startswith("thermometer_offset") for entry in kept["card"]) and kept["nbtools"]
    sample.export()
    assert kept["files"]["a.dat"] in (sample.exports / "03_transport.csv").read_text()
    before = json.loads(sample.ledger.path.read_text())
    del before["provenance"]
    sample.ledger.path.write_text(json.dumps(before))
    assert read_ledger(sample.ledger.path).provenance == {}


def read_table(path):
    """A reader as somebody's own package would have it: two columns, K and Ω."""
    t, r = np.loadtxt(path, unpack=True)
    data = xr.Dataset(
        {"temperature": ("point", t), "field": ("point", 0 * t), "resistance_1": ("point", r)},
        attrs={"instrument": "own cryostat", "source": path.name},
    )
    signal = Signal("warming", "resistance", (), t.size, "transport", data=data)
    return Contents("R(T) of an own cryostat", (signal,))


def test_a_file_of_a_registered_reader_reaches_the_study(tmp_path):
    """What a reader of one's own reads in the form of `read_dat` is studied, not only inspected."""
    t = np.arange(4, 60, 0.25)
    path = tmp_path / "own.xyz"
    noise = 1e-4 * np.random.default_rng(3).normal(size=t.size)
    r = 0.01 * (superconductor.transition_fraction(t, midpoint=38.0, width=1.0) + noise)
    np.savetxt(path, np.c_[t, r])
    registry.register(Reader("an own table", read_table, (".xyz",), techniques=("transport",)))
    try:
        sample = open_sample(path)
        assert transport.study_resistance(sample, record=False).transition.midpoint == pytest.approx(
            38, abs=0.1
        )
        assert "own.xyz (own cryostat)" in repr(sample)
    finally:
        registry.unregister("an own table")
    with pytest.raises(NotPossible, match=r"No file of own\.xyz is"):
        open_sample(path).sweeps(axis="temperature", needs="resistance")


def test_a_ppms_file_of_cooling_in_fields(tmp_path):
    """The usual run: R(T) in no field and in five; H_c2(T), its law, and the curves that it comes from."""
    law = {"zero_temperature_field": 7.79e6, "critical_temperature": 37.26, "exponent": 1.23}
    rng, parts = np.random.default_rng(5), []
    for field in (0.0, 8e5, 2e6, 3.5e6, 5e6, 7e6):
        t = np.r_[2:45:0.1, 45:301:4.0] if not field else np.arange(2.0, 60.0, 0.1)
        tenth = law["critical_temperature"] * (
            1 - (field / law["zero_temperature_field"]) ** (1 / law["exponent"])
        )
        step = 1 / (1 + np.exp(-(t - tenth - 0.25 * np.log(9)) / 0.25))
        ohm = bloch_gruneisen(t, **METAL) * step / 2e-3 + 1e-8 * rng.normal(size=t.size)
        parts.append((t, np.full(t.size, field), ohm))
    t, h, ohm = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    path = write_ppms_resistivity(
        tmp_path / "bar.dat",
        name="bar",
        elapsed=10.0 * np.arange(t.size),
        temperature=t,
        field=h,
        resistance=ohm,
        resistance_deviation=1e-8,
        current=1e-3,
        cross_section=2e-6,
        length=1e-3,
    )
    sample = open_sample(path)
    resistance = transport.study_resistance(sample)
    upper = transport.study_upper_field(sample, resistance)
    assert [round(t[0] / 1e5) for t in upper.in_fields] == [8, 20, 35, 50, 70] and not upper.curves
    power = upper.laws["power"]
    for name, planted in law.items():
        found = getattr(power, name)
        assert abs(found - planted) < 3 * found.uncertainty < 0.15 * planted, name
    assert "R(T) in fields" in upper.rows()[0].how
    cooling, points = panels = Figure().subplots(1, 2)
    transport.draw.upper_field(upper, axes=panels)
    assert len(cooling.lines) == 6 and cooling.get_xlabel() == "temperature (K)"
    assert cooling.lines[0].get_label() == "10.05 kOe"
    assert np.allclose(points.lines[0].get_xdata(), upper.temperature)
    assert transport.explore.upper_critical_field(upper) is not None
