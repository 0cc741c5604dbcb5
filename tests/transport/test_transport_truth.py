"""What the transport twin says it planted, against arithmetic done by other means."""

import math

import pytest

from nbtools.transport.twin import TransportWorld, truth
from nbtools.units import convert

# (T/Θ)³ J_3(Θ/T) of Bloch and Grüneisen at Θ = 880 K, by adaptive quadrature.
J3 = {40: 6.773420e-4, 100: 1.036832e-2, 300: 1.232590e-1}
OERSTED = convert(1.0, "A/m", "Oe")


def test_tangent_onset_on_a_flat_normal_state() -> None:
    """The steepest tangent of a normal distribution of T_c meets the normal line √(π/2) widths above it."""
    flat = truth(residual_resistivity=0.2e-6, resistivity_at_100_kelvin=0.2e-6)
    assert flat["resistive_onset"] == pytest.approx(37.84 + 0.45 * math.sqrt(math.pi / 2), abs=1e-6)


@pytest.mark.parametrize(("name", "share"), [("ninety", 0.9), ("midpoint", 0.5), ("ten", 0.1)])
def test_share_of_resistance(name: str, share: float) -> None:
    """½ erfc of the distance from the midpoint gives the share back."""
    distance = (truth()[f"resistive_{name}"] - 37.84) / 0.45
    assert math.erfc(-distance / math.sqrt(2)) / 2 == pytest.approx(share, abs=1e-8)


def test_the_default_is_the_papers_resistive_transition() -> None:
    """Onset 38.4 K and zero below 36.6 K (RES-01, RES-02) are both planted."""
    assert truth()["resistive_onset"] == pytest.approx(38.40, abs=0.01)
    assert truth()["resistive_zero"] == pytest.approx(36.60, abs=0.01)


def test_zero_moves_with_the_current() -> None:
    """A larger current shows smaller resistances: 3σ is reached where R/R_n is 3σ/(I R_n)."""
    tenfold = truth(current=50e-3)
    share = 3 * 2.58e-9 / (50e-3 * tenfold["normal_resistance_40K"])
    distance = (tenfold["resistive_zero"] - 37.84) / 0.45
    # The normal resistance at 36 K is 0.4 % below that at 40 K.
    assert math.erfc(-distance / math.sqrt(2)) / 2 == pytest.approx(share, rel=0.01)


def test_resistivities() -> None:
    """0.2 µΩ m at 100 K, and the ratio from tabulated Bloch–Grüneisen integrals."""
    answers = truth()
    rho = {kelvin: 0.17 + 0.03 * integral / J3[100] for kelvin, integral in J3.items()}
    assert answers["resistivity_100K"] == pytest.approx(0.2e-6)
    assert answers["residual_resistivity_ratio"] == pytest.approx(rho[300] / rho[40], rel=1e-6)


def test_susceptibility_of_the_shielded_bar() -> None:
    """χ0 = −1.140 of 1 × 1 × 5 (Pardo et al.), read as 0.966 of itself: the paper's −1.1."""
    answers = truth()
    assert answers["external_susceptibility_5K"] == pytest.approx(-1.1401, abs=2e-3)
    assert answers["apparent_susceptibility_5K"] == pytest.approx(-1.10, abs=5e-3)
    assert answers["field_cooled_fraction"] == pytest.approx(0.008, rel=5e-3)


def test_magnetic_onset() -> None:
    """1 % of the screening is reached 0.01 widths below T_c."""
    assert truth()["magnetic_onset"] == pytest.approx(38.5 + 0.7 * math.log(0.99), abs=1e-6)


@pytest.mark.parametrize("kelvin", [5, 10, 20, 35])
def test_entry_field(kelvin: float) -> None:
    """713 Oe (1 − t²), times Brandt's tanh √(0.67 · 5)."""
    expected = 713 * (1 - (kelvin / 38.5) ** 2) * math.tanh(math.sqrt(0.67 * 5))
    assert truth()[f"entry_field_{kelvin}K"] * OERSTED == pytest.approx(expected)


@pytest.mark.parametrize("kelvin", [2, 15, 30, 36.6])
def test_ten_percent_field(kelvin: float) -> None:
    """The field of 10 % resistance is on the paper's law with T_c where R is 10 % in no field."""
    critical = 37.84 - 1.2815515655 * 0.45
    expected = 97_900 * (1 - kelvin / critical) ** 1.23
    assert truth()[f"upper_critical_field_{kelvin:g}K"] * OERSTED == pytest.approx(expected, rel=1e-6)
    assert truth()["upper_critical_temperature"] == pytest.approx(critical)


def test_another_planted_field_moves_only_what_follows_from_it() -> None:
    """20 % more H_c2(0): every 10 % field by 20 %, no temperature."""
    paper, other = truth(), truth(upper_critical_field=1.2 * truth()["upper_critical_field"])
    moved = {name for name in paper if other[name] != pytest.approx(paper[name], rel=1e-6)}
    assert moved == {"upper_critical_field"} | {n for n in paper if n.startswith("upper_critical_field_")}
    assert all(other[name] == pytest.approx(1.2 * paper[name], rel=1e-6) for name in moved)


def test_links_between_grains_lower_the_tail_and_not_the_onset() -> None:
    """The two-step world keeps the tangent onset and loses its resistance 1.4 K and more below the paper's."""
    paper, granular = truth(), truth(world="two-step")
    assert granular["resistive_onset"] == pytest.approx(paper["resistive_onset"], abs=0.01)
    assert granular["resistive_ten"] < paper["resistive_ten"] - 1.4
    assert math.isnan(granular["upper_critical_field_36.6K"])


def test_a_normal_metal_has_no_transition() -> None:
    """Nothing superconducting is planted; the metal is the same, the moment weakly positive."""
    normal = truth(world="normal")
    finite = {name for name, value in normal.items() if math.isfinite(value)}
    assert finite == {
        "resistivity_100K",
        "normal_resistance_40K",
        "residual_resistivity_ratio",
        "sample_length_factor",
        "external_susceptibility_5K",
        "apparent_susceptibility_5K",
    }
    assert 0 < normal["external_susceptibility_5K"] < 1e-3


def test_unknown_world_is_refused() -> None:
    """The error says what can be had."""
    with pytest.raises(ValueError, match="world is 'flat'; it can be 'paper', 'two-step', 'normal'"):
        truth(world="flat")


def test_a_world_does_not_change() -> None:
    """It can be a key of the cache: frozen, and hashable."""
    with pytest.raises(AttributeError):
        TransportWorld().current = 1.0  # type: ignore[misc]
    assert hash(TransportWorld()) == hash(TransportWorld(current=5e-3))
