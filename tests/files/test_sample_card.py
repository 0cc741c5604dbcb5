"""The sample card: what it gives, implies and refuses."""

import re

import pytest

from nbtools.files.sample_card import SampleCardError, read_sample_card

FULL = """
name: MgB2 rod 3
is_paper_sample: true
shape: prism
dimensions: ["1.00 ± 0.02 mm", "2.00 +/- 0.02 mm", "5.0(1) mm"]
field_axis: 3
mass: {value: 21.5, uncertainty: 0.1, unit: mg}
density: 2.60 ± 0.02 g/cm^3
porosity: 5 ± 1 %
holder: quartz rod
background_file: data/holder.dat
tap_distance: 2.0 ± 0.1 mm
cross_section: 2.0 ± 0.1 mm^2
current: 5 mA
remanence: 0.0 ± 0.5 Oe
instrument: MPMS3 dc
scan_length: 35 mm
thermometer_offset: 0.00 ± 0.05 K
beam_energy: "5.0 ± 0.1 keV"
beam_current: "1.0 ± 0.1 nA"
dwell: "100 ms"
frame: 1
"""


def card(folder, text):
    """The card of this text, in a folder that holds data/holder.dat."""
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "holder.dat").write_text("x")
    (folder / "sample.yaml").write_text(text, encoding="utf-8")
    return read_sample_card(folder / "sample.yaml")


def test_every_field(tmp_path):
    """All fields in SI."""
    full = card(tmp_path, FULL)
    assert full.is_paper_sample and full.instrument == "MPMS3 dc"
    assert full.mass == pytest.approx(21.5e-6) and full.mass.uncertainty == pytest.approx(1e-7)
    assert full.density == pytest.approx(2600) and full.porosity == pytest.approx(0.05)
    assert full.remanence.uncertainty == pytest.approx(39.78873577)
    assert full.background_file == (tmp_path / "data/holder.dat").resolve()
    assert full.used_and_defaulted()[1] == []


def test_implied_quantities(tmp_path):
    """Volume, edges, geometry factor and current density follow with their σ."""
    full = card(tmp_path, FULL)
    assert full.volume == pytest.approx(10e-9) and full.volume.unit == "m^3"
    assert full.volume.uncertainty / full.volume == pytest.approx((0.02**2 + 0.01**2 + 0.02**2) ** 0.5)
    assert full.field_length == pytest.approx(5e-3)
    assert full.transverse_lengths == (pytest.approx(1e-3), pytest.approx(2e-3))
    assert full.geometry_factor == pytest.approx(1e-3)
    assert full.geometry_factor.uncertainty == pytest.approx(1e-3 * (0.05**2 + 0.05**2) ** 0.5)
    assert full.current_density == pytest.approx(2500)
    assert full.current_density.uncertainty != full.current_density.uncertainty  # the current states none


@pytest.mark.parametrize(
    ("shape", "part"), [("prism", 1), ("cylinder", 0.785398163), ("spheroid", 0.523598776)]
)
def test_volume_of_each_shape(tmp_path, shape, part):
    """Edge product, π/4 and π/6 of it."""
    text = f"name: a\nshape: {shape}\ndimensions: [1 mm, 1 mm, 2 mm]\n"
    assert card(tmp_path, text).volume == pytest.approx(2e-9 * part)


def test_volume_without_dimensions(tmp_path):
    """Mass, density and porosity give the outer volume; two of them do not."""
    text = "name: a\nmass: 10 mg\ndensity: 2.5 g/cm^3\n"
    assert card(tmp_path, text).volume is None
    assert card(tmp_path, text + "porosity: 20 %\n").volume == pytest.approx(5e-9)


def test_only_a_name(tmp_path):
    """Everything else is not given, and says so; nothing is invented."""
    bare = card(tmp_path, "name: a\n")
    given, missing = bare.used_and_defaulted()
    assert given == ["name = a"]
    assert "shape = prism (default)" in missing and "mass: not given" in missing and len(missing) == 16
    assert bare.volume is bare.field_length is bare.geometry_factor is None
    assert not bare.is_paper_sample


def test_null_is_not_given(tmp_path):
    """`mass:` without a value is as no line at all."""
    empty = card(tmp_path, "name: a\nmass:\n")
    assert empty.mass is None and "mass: not given" in empty.used_and_defaulted()[1]


def test_require(tmp_path):
    """None when all is there; else one sentence with the lines to add."""
    assert card(tmp_path, FULL).require("volume", "tap_distance") is None
    bare = card(tmp_path, "name: rod\n")
    assert bare.require("tap_distance") == (
        'The sample card of rod does not give tap_distance; add `tap_distance: "2.0 ± 0.1 mm"`.'
    )
    assert bare.require("geometry_factor").endswith("expected cross_section and tap_distance.")


def test_a_card_does_not_change(tmp_path):
    """Frozen: a number of the user's stays the user's."""
    with pytest.raises(ValueError, match="frozen"):
        card(tmp_path, "name: a\n").mass = 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found no fields; expected lines such as `name: my sample`"),
        ("- a\n- b\n", "found no fields"),
        ("3: a\n", "found no fields"),
        ("name: [a", "is not YAML"),
        ("name: a\nholder: 2020-13-45\n", "is not YAML"),
        ("[" * 3000, "is not YAML"),
        ("mass: 1 mg\n", "name is missing; expected `name: my sample`"),
        ("name: ''\n", "name: found ''"),
        ("name: a\ntap_distence: 1 mm\n", "found the unknown field tap_distence; did you mean tap_distance?"),
        ("name: a\nzzz: 1 mm\n", "found the unknown field zzz; expected one of name,"),
        ("name: a\nmass: 3\n", 'mass: found 3 without a unit; expected text such as "1.00 ± 0.02 kg"'),
        ("name: a\nmass: 3 mm\n", "they measure different things (for example `mass:"),
        ("name: a\nmass: -3 mg\n", "expected more than zero"),
        ("name: a\nmass: 1e308(1) mg\n", "expected what a laboratory measures"),
        ("name: a\nmass: 3 ± 1e200 mg\n", "expected what a laboratory measures"),
        ("name: a\nporosity: 1.2\n", "expected at least 0 and less than 1"),
        ("name: a\ndimensions: [1 mm, 2 mm]\n", "dimensions.2 is missing"),
        ("name: a\ndimensions: 1 mm\n", "dimensions: found '1 mm'"),
        ("name: a\nfield_axis: 4\n", "field_axis: found 4"),
        ("name: a\nshape: cube\n", "input should be 'prism', 'cylinder' or 'spheroid'"),
        ("name: a\ninstrument: SQUID\n", "input should be 'MPMS', 'MPMS3 dc', 'MPMS3 vsm' or 'PPMS vsm'"),
        ("name: a\nmass: 1 mg\nmass: 2 mg\n", "found mass twice"),
        ("name: &a x\nholder: *a\n", "found an alias"),
        ("name: a\nholder: !!python/object/apply:os.getcwd []\n", "is not YAML"),
        ("name: a\nbackground_file: ../holder.dat\n", "leads out of the folder of the card"),
        ("name: a\nbackground_file: /etc/hostname\n", "leads out of the folder of the card"),
        ("name: a\nbackground_file: none.dat\n", "does not exist beside the card"),
        ("name: a\n" + "# " + "x" * 200_000, "found 200010 bytes; expected a page of YAML"),
    ],
)
def test_refused_with_a_reason(tmp_path, text, message):
    """Each case names the card, the field, what was found and what was expected."""
    with pytest.raises(SampleCardError, match=re.escape(message)) as error:
        card(tmp_path, text)
    assert str(error.value).startswith("sample.yaml")


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    """A link beside the card that leads elsewhere is no file beside the card."""
    outside = tmp_path / "outside.dat"
    outside.write_text("x")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link.dat").symlink_to(outside)
    with pytest.raises(SampleCardError, match="leads out of the folder"):
        card(inner, "name: a\nbackground_file: link.dat\n")
