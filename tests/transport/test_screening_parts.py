"""Normal state, screening and the magnetometer's coils, part by part."""

import numpy as np
import pytest
from scipy.constants import mu_0
from scipy.integrate import quad

from nbtools.physics.ac_response import eddy_susceptibility
from nbtools.physics.normal_metal import bloch_gruneisen
from nbtools.physics.superconductor import FLUX_QUANTUM
from nbtools.statistics.information import aicc
from nbtools.transport import lengths, screening
from nbtools.transport import model_gradiometer as coils
from nbtools.transport import normal_state as normal
from nbtools.units import Quantity

TRUTH = {"residual": 2e-8, "amplitude": 9e-7, "debye_temperature": 820.0, "exponent": 3.0}


def metal(noise=0.0, low=45.0, high=300.0, **more):
    t = np.linspace(low, high, 120)
    rho = bloch_gruneisen(t, **(TRUTH | more))
    return t, rho + noise * np.random.default_rng(0).normal(size=t.size)


# ---- the normal state


def test_a_metal_of_known_parameters():
    """ρ0, A and Θ come back with what follows from them: ρ(100 K), ρ(300 K)/ρ(40 K), Rowell's connectivity."""
    found = normal.fit_normal_state(*metal(1e-11), onset=39.0)
    assert found.exponent == 3.0 and found.window == (45.0, 300.0)
    for name in ("residual", "amplitude", "debye_temperature"):
        value = getattr(found, name)
        assert abs(value - TRUTH[name]) < 4 * value.uncertainty < 0.1 * TRUTH[name]
    at = {kelvin: float(bloch_gruneisen(kelvin, **TRUTH)) for kelvin in (40, 100, 300)}
    assert found.resistivity_100 == pytest.approx(at[100], rel=1e-3)
    assert found.residual_ratio == pytest.approx(at[300] / at[40], rel=2e-3)
    clean, bulk = found.connectivity
    assert clean == pytest.approx(4.3e-8 / (at[300] - at[40]), rel=2e-3)
    assert bulk == pytest.approx(7.3e-8 / (at[300] - at[40]), rel=2e-3)
    assert found.predict(100.0) == pytest.approx(at[100], rel=1e-3) and found.undetermined == {}
    # The wrong exponent is refused by AICc, counted of so many points and three parameters.
    assert set(found.aicc) == {3.0, 5.0} and found.aicc[5.0] > found.aicc[3.0] + 10
    assert found.aicc[3.0] == pytest.approx(aicc(found.fit.chisqr, 120, 3))
    assert found.reduced_chi_square == pytest.approx(found.fit.chisqr / 117)


def test_a_geometry_is_in_every_resistivity_and_in_no_ratio():
    """Its σ adds in quadrature to ρ(100 K) and to the connectivity."""
    bare, scaled = (
        normal.fit_normal_state(*metal(1e-11), onset=39.0, scale_uncertainty=s) for s in (0.0, 0.04)
    )
    for one, other in (
        (bare.resistivity_100, scaled.resistivity_100),
        *zip(bare.connectivity, scaled.connectivity, strict=True),
    ):
        assert other.uncertainty == pytest.approx(np.hypot(one.uncertainty, 0.04 * one), rel=1e-3)
    assert scaled.residual_ratio.uncertainty == pytest.approx(bare.residual_ratio.uncertainty)


@pytest.mark.parametrize(
    ("low", "high", "missing"), [(44.9, 295.1, set()), (45.1, 294.9, {"R(40 K)", "R(300 K)"})]
)
def test_what_lies_beyond_the_measured_temperatures(low, high, missing):
    """By more than 5 K is not given."""
    found = normal.fit_normal_state(*metal(1e-11, low, high), onset=39.0)
    assert set(found.undetermined) == missing
    assert np.isnan(found.residual_ratio) == bool(missing)


def test_a_law_that_misses_the_points():
    """χ²ᵣ beyond 5: no σ of its parameters, and that of the misfit for a resistivity read off it."""
    t, rho = metal(1e-11)
    found = normal.fit_normal_state(t, rho + 4e-10 * np.sin(t / 9), onset=39.0)
    assert found.reduced_chi_square > 5 and np.isnan(found.debye_temperature.uncertainty)
    said = found.undetermined["σ of ρ0, A and Θ"]
    assert f"by {np.sqrt(found.reduced_chi_square):.3g} times" in said
    misfit = np.sqrt(np.mean((found.fit.data - found.fit.best_fit) ** 2))
    assert found.resistivity_100.uncertainty == pytest.approx(misfit, rel=0.2)


@pytest.mark.parametrize(("points", "span", "refused"), [(8, 51, False), (7, 51, True), (8, 49, True)])
def test_the_fewest_points_of_a_normal_state(points, span, refused):
    """Eight over 50 K, from 3 K above the onset."""
    t = np.r_[np.linspace(30, 42, 5), np.linspace(42.01, 42.01 + span, points)]
    rho = bloch_gruneisen(t, **TRUTH)
    if refused:
        with pytest.raises(ValueError, match=f"{points} points over {span} K lie above 42 K"):
            normal.fit_normal_state(t, rho, onset=39.0)
    else:
        assert normal.fit_normal_state(t, rho, onset=39.0).window[0] == pytest.approx(42.01)


# ---- screening


def test_eddy_currents_that_screen_so_much():
    """ρ = π f µ0 (r/x)² with χ′(x) = −the share, of a cylinder."""
    for share in (0.2, 0.9):
        rho = screening.estimate_eddy_resistivity(1e-3, 333.0, screened=share)
        ratio = 1e-3 / np.sqrt(rho / (np.pi * 333.0 * mu_0))
        assert eddy_susceptibility(ratio, "cylinder")[0] == pytest.approx(-share, rel=1e-6)
    assert screening.estimate_eddy_resistivity(2e-3, 333.0) == pytest.approx(
        4 * screening.estimate_eddy_resistivity(1e-3, 333.0)
    )
    with pytest.raises(ValueError, match="screened"):
        screening.estimate_eddy_resistivity(1e-3, 333.0, screened=0.995)


@pytest.mark.parametrize(("beyond", "refused"), [(0.9, False), (1.1, True)])
def test_a_holder_over_the_same_range(beyond, refused):
    """Taken off by straight lines; it may lack one per cent of the range at either end."""
    x, moment = np.linspace(5.0, 105.0, 21), np.linspace(1.0, 2.0, 21)
    for low, high in ((5.0 + beyond, 105.0), (5.0, 105.0 - beyond)):
        holder = np.array([high, 50.0, low])
        ask = {"background_along": holder, "background": 0.01 * holder + 0.3}
        if refused:
            with pytest.raises(ValueError, match="the holder was measured from"):
                screening.subtract_background(x, moment, **ask)
        else:
            left = screening.subtract_background(x, moment, **ask)
            inside = (x >= low) & (x <= high)
            assert left[inside] == pytest.approx((moment - 0.01 * x - 0.3)[inside])


def test_a_plateau_at_low_temperature():
    """The mean below a quarter of the transition with its standard error; of few points half of their spread too."""
    t = np.array([3.0, 5, 7, 9.4, 9.6, 15, 25, 38, 45])
    m = np.array([-1.0, -1.2, -0.9, -1.1, 5.0, 5.0, 5.0, 5.0, 5.0])
    found = screening.estimate_plateau(t[::-1], m[::-1], midpoint=38.0)
    assert found == pytest.approx(np.mean(m[:4]))
    assert found.uncertainty == pytest.approx(np.std(m[:4], ddof=1) / 2)
    few = screening.estimate_plateau(t[2:], m[2:], midpoint=38.0)
    assert few == pytest.approx((-0.9 - 1.1 + 5.0) / 3) and few.uncertainty >= 6.1 / 2
    noise = screening.noise_of(t[2:], m[2:])
    assert few.uncertainty == pytest.approx(np.hypot(noise / np.sqrt(3), 6.1 / 2))
    assert np.isnan(screening.estimate_plateau(t + 40, m, midpoint=38.0))


def test_a_share_of_flux_that_is_expelled():
    """Field cooled over zero-field cooled; of no screening none."""
    found = screening.estimate_meissner_fraction(Quantity(-4.0, 0.2), Quantity(-1.0, 0.1))
    assert found == pytest.approx(0.25)
    assert found.uncertainty == pytest.approx(0.25 * np.hypot(0.05, 0.1))
    for sigma, known in ((1.99, True), (2.01, False)):
        one = screening.estimate_meissner_fraction(Quantity(-4.0, sigma), Quantity(-1.0, 0.1))
        assert np.isfinite(one) == known


def test_full_screening_by_every_method():
    """The solved body's σ is the solution's; the others are off by what parts them from it."""
    prism = screening.full_screening_susceptibility(2e-3, 3e-3, 1e-3)
    solved = prism["shielded prism"]
    assert next(iter(prism)) == "shielded prism" and len(prism) == 5
    assert solved.uncertainty == pytest.approx(abs(solved) * screening._prism_error(3.0))
    for name in list(prism)[1:]:
        assert prism[name].uncertainty == pytest.approx(abs(prism[name] - solved))
    round_one = screening.full_screening_susceptibility(2e-3, 3e-3, 1e-3, shape="cylinder")
    first = next(iter(round_one))
    assert first == "Brandt cylinder" and round_one[first] == prism[first]
    assert round_one[first].uncertainty == pytest.approx(3e-3 * abs(round_one[first]))
    sphere = screening.full_screening_susceptibility(1e-3, 1e-3, 1e-3)["spheroid"]
    assert sphere == pytest.approx(-1.5)
    assert [screening._prism_error(f) for f in (3, 10, 20, 100, 500)] == pytest.approx(
        [1e-4, 1e-4, 3e-4, 2e-2, 2e-2]
    )
    assert screening._prism_error(np.sqrt(10 * 20)) == pytest.approx(np.sqrt(1e-4 * 3e-4))


def test_a_susceptibility_and_its_budget():
    """m/(V H) with the remanence in the field, over what the instrument reads of full screening."""
    parts = {
        "moment": Quantity(-3e-7, 6e-9, "A m^2"),
        "field": 800.0,
        "volume": Quantity(4e-10, 2e-11, "m^3"),
        "remanence": Quantity(-50.0, 15.0, "A/m"),
        "full_screening": {"shielded prism": Quantity(-1.4, 0.014), "Aharoni": Quantity(-1.3, 0.1)},
        "method": "shielded prism",
        "length_factor": Quantity(0.98, 0.0049),
    }
    found = screening.estimate_shielding(**parts)
    chi = -3e-7 / (4e-10 * 750.0)
    relative = {
        "volume": 0.05,
        "field": 0.02,
        "moment noise": 0.02,
        "sample length": 0.005,
        "demagnetisation": 0.01,
    }
    assert found.susceptibility == pytest.approx(chi) and found.fully_screened == pytest.approx(-1.4 * 0.98)
    assert found.susceptibility.uncertainty == pytest.approx(abs(chi) * np.linalg.norm([0.05, 0.02, 0.02]))
    assert found.fully_screened.uncertainty == pytest.approx(1.4 * 0.98 * np.hypot(0.005, 0.01))
    assert found.screened_fraction == pytest.approx(chi / (-1.4 * 0.98))
    total = np.linalg.norm(list(relative.values()))
    assert found.screened_fraction.uncertainty == pytest.approx(float(found.screened_fraction) * total)
    assert found.budget == pytest.approx(relative) and found.most_useful == "volume"
    for change in ({"method": "guess"}, {"volume": Quantity(0.0, 1e-12)}, {"field": 50.0}):
        with pytest.raises(ValueError, match="must be one of shielded prism, Aharoni"):
            screening.estimate_shielding(**(parts | change))


# ---- coils


@pytest.mark.parametrize("mode", ["MPMS", "MPMS3 dc"])
def test_a_dipole_anywhere_on_the_axis(mode):
    """Flux of three loops, −1 2 −1, by Biot and Savart's field of each at the dipole."""
    radius, baseline = coils.COILS[mode]
    for z in (0.0, 0.004, -0.013):
        flux = sum(
            turns * mu_0 * radius**2 / 2 / (radius**2 + (z - at) ** 2) ** 1.5
            for turns, at in ((-1, -baseline), (2, 0.0), (-1, baseline))
        )
        assert coils.scan_voltage(z, mode=mode) == pytest.approx(flux)
    assert coils.scan_voltage(0.004, mode=mode) == pytest.approx(coils.scan_voltage(-0.004, mode=mode))
    with pytest.raises(ValueError, match="no published dimensions"):
        coils.scan_voltage(0.0, mode="PPMS vsm")


def test_a_vibrating_rod_by_lock_in():
    """The second harmonic of cos ωt over a vibration, of a rod over that of a point; by quadrature in time."""
    amplitude, rod = 2e-3, 6e-3

    def flux(z):
        return quad(lambda s: float(coils.scan_voltage(z + s, mode="MPMS3 vsm")), -rod / 2, rod / 2)[0] / rod

    def harmonic(of):
        return quad(lambda p: of(amplitude * np.cos(p)) * np.cos(2 * p), 0, np.pi)[0]

    point = harmonic(lambda z: float(coils.scan_voltage(z, mode="MPMS3 vsm")))
    found = coils.sample_length_factor(rod, mode="MPMS3 vsm", amplitude=amplitude)
    assert found == pytest.approx(harmonic(flux) / point, rel=1e-6)
    standard = coils.sample_length_factor(3.8e-3, mode="MPMS3 vsm", amplitude=amplitude)
    against = coils.sample_length_factor(rod, mode="MPMS3 vsm", amplitude=amplitude, reference_length=3.8e-3)
    assert against == pytest.approx(found / standard)


def test_a_scanned_rod_by_least_squares():
    """Amplitude and offset of a point's scan fitted to a rod's, over the whole scan."""
    z = np.linspace(-0.03, 0.03, 401)
    point = coils.scan_voltage(z, mode="MPMS")
    rod = np.mean(
        [coils.scan_voltage(z + s, mode="MPMS") for s in (np.arange(400) + 0.5 - 200) / 400 * 8e-3], axis=0
    )
    by_hand = np.linalg.lstsq(np.column_stack([point, np.ones(401)]), rod, rcond=None)[0][0]
    assert coils.sample_length_factor(8e-3, mode="MPMS", scan_length=0.06) == pytest.approx(by_hand, rel=1e-6)


# ---- lengths


@pytest.mark.parametrize("core", [0.0, 0.497])
def test_lengths_from_both_critical_fields(core):
    """ξ and λ planted; H_c2, H_c1, H_c and the depairing current by their formulas."""
    xi, lam = 5e-9, 120e-9
    upper = FLUX_QUANTUM / (2 * np.pi * mu_0 * xi**2)
    lower = FLUX_QUANTUM / (4 * np.pi * mu_0 * lam**2) * (np.log(lam / xi) + core)
    found = lengths.estimate_ginzburg_landau(lower, upper, core_term=core)
    assert found.coherence_length == pytest.approx(xi) and found.penetration_depth == pytest.approx(lam)
    assert found.kappa == pytest.approx(24)
    assert found.thermodynamic_field == pytest.approx(
        FLUX_QUANTUM / (2 * np.sqrt(2) * np.pi * mu_0 * xi * lam)
    )
    assert found.depairing_current == pytest.approx(
        FLUX_QUANTUM / (3 * np.sqrt(3) * np.pi * mu_0 * lam**2 * xi)
    )
    sure = lengths.estimate_ginzburg_landau(
        Quantity(lower, 0.0), Quantity(upper, 0.06 * upper), core_term=core
    )
    assert sure.coherence_length.uncertainty == pytest.approx(0.03 * xi)
    for fields in ((0.0, upper), (lower, 0.0), (-lower, upper)):
        with pytest.raises(ValueError, match="both must be positive"):
            lengths.estimate_ginzburg_landau(*fields)
