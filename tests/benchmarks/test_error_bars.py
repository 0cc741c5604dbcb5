"""Bias and coverage of the estimators at three noises and three sizes, for the page on error bars of the report.

Those of curves of resistance and moment are in test_transport_strangers.py.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lmfit
import numpy as np
import pytest
import stem_worlds
from luminescence_worlds import bands
from plate_worlds import CURRENT, current_of_a_users_plate
from powder_worlds import PLANTED, SHORT, refined
from seeds import BENCH_SEEDS, pulls_over_seeds, record_error_bars

sys.path += [str(Path(__file__).parent.parent / folder) for folder in ("ac_susceptibility", "fitting")]
import ac_sets
from fit_worlds import decay, decay_data

from nbtools import ac_susceptibility, transport
from nbtools.cathodoluminescence.bands import fit_spectrum
from nbtools.cathodoluminescence.spectra import energy_spectra
from nbtools.cathodoluminescence.unmixing import unmix_map
from nbtools.error_bars import REFUSED
from nbtools.fitting import FitWidget
from nbtools.physics.crystal_lattice import plane_spacing
from nbtools.physics.normal_metal import bloch_gruneisen
from nbtools.results import NotPossible
from nbtools.structure.isotropy import estimate_isotropy, phase_share
from nbtools.structure.model_random_media import gaussian_field, level_set
from nbtools.structure.segmentation import denoise, segment
from nbtools.units import Quantity


def plate(seed, noise, size):
    """J_c of a full plate that lies anywhere between the pixels, `size` a side, its thickness known to 2 %."""
    found = current_of_a_users_plate(seed, percent=100 * noise, gap=10e-6, pixels=size)
    return {"J_c": found["critical_current"]}


def amplitudes(seed, noise, size):
    """Three ac curves of Bean's bar of `size` points, their thermometers off by 3 mK each."""
    rng = np.random.default_rng([seed, 62])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ac_sets, "TEMPERATURE", np.linspace(35.9, 37.7, size))
        return [
            ac_sets.curve(ac_sets.bean, h, rng=rng, offset=0.003, noise=noise) for h in ac_sets.AMPLITUDES
        ]


def half_screening(seed, noise, size):
    """Where the middle amplitude is screened by half."""
    found = ac_susceptibility.estimate_half_screening(
        amplitudes(seed, noise, size), half_width=0.5e-3, temperature_uncertainty=0.003
    )
    return {"temperature of half screening": found[1].temperature}


def collapse(seed, noise, size):
    """J_c(T) in the middle of the range, over what was planted there."""
    fit = ac_susceptibility.fit_collapse(amplitudes(seed, noise, size), temperature_uncertainty=0.003)
    middle = len(fit.temperature) // 2
    return {"J_c over the planted one": fit.full_field[middle] / ac_sets.full_field(fit.temperature[middle])}


def loop(seed, noise, size):
    """J_c of a loop of a bar whose edges are known to 2 %."""
    rng = np.random.default_rng([seed, 63])
    edges = [Quantity(side, 0.02 * side, "m") for side in (1e-3, 1.2e-3, 5e-3)]
    true = [rng.normal(float(edge), edge.uncertainty) for edge in edges]
    a, b = sorted(true[:2])
    field, moment = np.linspace(-1e5, 1e5, size), 1e9 * a * (1 - a / (3 * b)) / 4 * np.prod(true)
    branches = [(field, sign * moment * (1 + noise * rng.normal(size=size))) for sign in (1, -1)]
    volume = edges[0] * edges[1] * edges[2]
    found = ac_susceptibility.estimate_loop_current(
        *branches, temperature=5.0, sides=edges[:2], volume=volume
    )
    return {"J_c": found.current}


METAL = {"residual": 0.17e-6, "debye_temperature": 880.0}


def normal_state(seed, noise, size):
    """A Bloch–Grüneisen metal from 42 to 300 K."""
    rng = np.random.default_rng([seed, 64])
    t = np.linspace(42, 300, size)
    clean = bloch_gruneisen(t, **METAL, amplitude=2.9e-6, exponent=3)
    found = transport.fit_normal_state(
        t, clean + noise * METAL["residual"] * rng.normal(size=size), onset=38.4
    )
    return {name: getattr(found, name) for name in METAL}


LAW = {"zero_temperature_field": 7.79e6, "critical_temperature": 37.26, "exponent": 1.23}


def upper_critical_law(seed, noise, size):
    """H_c2(T) of the paper's law between 20 and 36 K."""
    rng = np.random.default_rng([seed, 65])
    t = np.linspace(20, 36, size)
    fields = LAW["zero_temperature_field"] * (1 - t / LAW["critical_temperature"]) ** LAW["exponent"]
    found = transport.fit_upper_critical_law(
        t, fields * (1 + noise * rng.normal(size=size)), uncertainty=noise * fields
    )
    return {name: getattr(found, name) for name in LAW}


DECAY = {"amplitude": 2.0, "rate": 0.5, "offset": 0.1}


def fitted_decay(seed, noise, size):
    """A decay by the widget's fit, from the covariance."""
    t, y = decay_data(seed, points=size, noise=noise)
    start = {"amplitude": 1.5, "rate": 0.8, "offset": 0.0}
    result = FitWidget(lmfit.Model(decay), t, y, sigma=noise, params=start).fit()
    return {name: Quantity(p.value, p.stderr) for name, p in result.params.items()}


LINES, SPREADS = np.array([3.45, 2.81, 2.45, 1.77]), np.array([0.22, 0.20, 0.25, 0.20])
BRIGHT = np.array([1.0, 0.5, 0.3, 0.6])
WEAKEST, ALONE = 2, 3
AREAS = np.sqrt(2 * np.pi) * BRIGHT * SPREADS


def counted_bands(seed, noise, size, spectra):
    """Counts of four bands of which two overlap, in `size` channels; the brightest has 1/noise² at its top."""
    axis, top = np.linspace(1.5, 4.5, size), noise**-2
    clean = bands(axis, top * BRIGHT, LINES, SPREADS, 0.1 * top)
    return energy_spectra(
        axis, np.random.default_rng([seed, 66]).poisson(clean, (spectra, size)).astype(float)
    )


def luminescence(seed, noise, size):
    """A band that stands alone, and the weakest of the four, which lies on the flank of another."""
    found = fit_spectrum(counted_bands(seed, noise, size, 1), list(LINES))
    return {
        "centre, alone": found.centres[ALONE],
        "width, alone": found.widths[ALONE],
        "area, alone": found.areas[ALONE] * noise**2,
        "centre, on a flank": found.centres[WEAKEST],
    }


def unmixed(seed, noise, size):
    """The same band in one pixel of a map, by the shapes of the mean of 400 others."""
    shapes = fit_spectrum(counted_bands(seed, noise, size, 400).mean(), list(LINES))
    found = unmix_map(counted_bands(seed + 10_000, noise, size, 1), list(LINES), shapes=shapes)
    sigma = np.hypot(found.area_uncertainties, found.area_errors_shared)
    return {"area": Quantity(float(found.areas[0, WEAKEST]), float(sigma[0, WEAKEST])) * noise**2}


def composition(seed, noise, size):
    """Weights of a powder whose strongest line has 1/noise² counts, in `size` points."""
    angles = np.linspace(SHORT[0], SHORT[-1], size)
    found = refined(seed, PLANTED, angles, peak=noise**-2, background=noise**-2 / 50)
    return {name: found.weight_fractions[name] for name in ("MgO", "MgB2")}


SHARE = 0.265


def blobs(seed, shape):
    """One phase of a texture of 4 voxels, cut out of a field twice as wide, so that the share varies as it does."""
    wide = gaussian_field(
        [2 * side for side in shape], np.random.default_rng([seed, 67]), correlation_length=4
    )
    return level_set(wide, SHARE)[tuple(slice(0, side) for side in shape)]


def section(seed, noise, size):
    """Share and shape of the phase in a section whose greys scatter by `noise` of their contrast."""
    phase = blobs(seed, (size, size))
    grey = 1.0 - phase + noise * np.random.default_rng([seed, 68]).normal(size=phase.shape)
    seen = segment(denoise(grey, size=1.2), classes=2).phase
    return {
        "share of the phase": phase_share(seen),
        "length along y over x": estimate_isotropy(seen, voxel_size=1e-8).in_plane,
    }


def two_crystals(seed, noise, size):
    """The angle between the planes of two grains, and the spacing of the first spot over its planes' own."""
    rng = np.random.default_rng([seed, 69])
    apart = float(rng.uniform(-1.5, 1.5))
    turned = (0.2, 0.2 + np.radians(apart))
    image = stem_worlds.two_phases(rng, ((0, 0, 1), (0, 0, 1)), turned, size=size, dose=noise**-2)
    found = stem_worlds.indexed(image)
    solution = found.solutions[0]
    own = float(plane_spacing(solution.structure, solution.spots[0].hkl))
    angles = [planes.angle - apart for planes in found.parallel_planes[:1]]
    return dict(zip(["angle less the planted one (°)"], angles, strict=False)) | {
        "spacing over the crystal's": solution.spots[0].spacing / own
    }


def film(seed, noise, size):
    """A disordered film of 1 nm between two random grains."""
    found = stem_worlds.layer(seed, gap=1e-9, size=size, dose=noise**-2)
    return {"width": found.width} if found.bounded else {}


@dataclass(frozen=True)
class World:
    """What is planted for an estimator, at three noises and three sizes.

    Attributes
    ----------
    estimate : of seed, noise and size; its answers by name. One that is not possible counts as missing
    truth : what is planted, by the same names
    noises : shares of the signal
    sizes : numbers of what `counted` names
    """

    estimate: Callable[[int, float, int], dict[str, Quantity]]
    truth: dict[str, float]
    noises: tuple[float, float, float]
    sizes: tuple[int, int, int]
    counted: str


AMPLITUDE_SETS = {"noises": (2e-4, 1e-3, 5e-3), "sizes": (61, 181, 541), "counted": "points a curve"}
SPECTRA = {"noises": (0.01, 0.03, 0.1), "sizes": (128, 512, 1024), "counted": "channels"}
GRAINS = {"noises": (0.06, 0.13, 0.3), "sizes": (250, 320, 400), "counted": "pixels a side"}
WORLDS = {
    "structure.fit_phase_fractions": World(
        composition,
        {name: PLANTED[name] for name in ("MgO", "MgB2")},
        (0.007, 0.014, 0.03),
        (521, 1041, 2601),
        "points",
    ),
    "structure.estimate_isotropy": World(
        section,
        {"share of the phase": SHARE, "length along y over x": 1.0},
        (0.05, 0.2, 0.5),
        (64, 128, 256),
        "pixels a side",
    ),
    "stem.index_interface": World(
        two_crystals,
        {"angle less the planted one (°)": 0.0, "spacing over the crystal's": 1.0},
        **GRAINS,
    ),
    "stem.bound_disordered_width": World(film, {"width": 1e-9}, **GRAINS),
    "magneto_optics.estimate_critical_current": World(
        plate, {"J_c": CURRENT}, (0.005, 0.01, 0.03), (32, 64, 128), "pixels a side"
    ),
    "ac_susceptibility.estimate_half_screening": World(
        half_screening,
        {"temperature of half screening": ac_sets.temperature_of(80 / 0.620204103)},
        **AMPLITUDE_SETS,
    ),
    "ac_susceptibility.fit_collapse": World(collapse, {"J_c over the planted one": 1.0}, **AMPLITUDE_SETS),
    "ac_susceptibility.estimate_loop_current": World(
        loop, {"J_c": 1e9}, (1e-4, 1e-3, 1e-2), (41, 201, 1001), "points a branch"
    ),
    "cathodoluminescence.fit_spectrum": World(
        luminescence,
        {
            "centre, alone": LINES[ALONE],
            "width, alone": SPREADS[ALONE],
            "area, alone": AREAS[ALONE],
            "centre, on a flank": LINES[WEAKEST],
        },
        **SPECTRA,
    ),
    "cathodoluminescence.unmix_map": World(unmixed, {"area": AREAS[WEAKEST]}, **SPECTRA),
    "transport.fit_normal_state": World(normal_state, METAL, (3e-4, 1e-3, 5e-3), (40, 130, 500), "points"),
    "transport.fit_upper_critical_law": World(
        upper_critical_law, LAW, (0.003, 0.01, 0.03), (6, 11, 40), "points"
    ),
    "fitting.FitWidget.fit": World(fitted_decay, DECAY, (0.005, 0.02, 0.1), (20, 60, 500), "points"),
}
# Kept for the report and not judged: σ is of a fit that is linear about its answer. At a few per cent of noise this
# band's width hangs on how much of the light is its neighbour's, and χ² is no parabola there.
NOT_LINEAR = ("centre, on a flank",)
CELLS = [
    (name, noise, size) for name, world in WORLDS.items() for noise in world.noises for size in world.sizes
]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("estimator", "noise", "size"), CELLS)
def test_bias_and_coverage(estimator: str, noise: float, size: int) -> None:
    """Every cell is kept for the report; a bias of half its σ fails here, and so does an interval that is refused."""
    world = WORLDS[estimator]

    def estimate(seed: int) -> dict[str, Quantity]:
        try:
            return world.estimate(seed, noise, size)
        except NotPossible:
            return {}

    pulls, beyond = pulls_over_seeds(estimate, world.truth, seeds=BENCH_SEEDS), []
    record_error_bars(__file__, estimator, pulls, noise=f"{100 * noise:g} %", size=f"{size} {world.counted}")
    for name, found in pulls.items():
        print(f"{estimator}, {name}, {100 * noise:g} %, {size} {world.counted}: {found}")
        allowed = max(0.5, 3.3 / np.sqrt(max(len(found.values), 1)))
        if name not in NOT_LINEAR and (abs(found.bias) > allowed or found.p_value < REFUSED / len(CELLS)):
            beyond.append(f"{name}: {found}")
    assert not beyond, "\n".join(beyond)
