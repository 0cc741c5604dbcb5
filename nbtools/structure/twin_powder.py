"""The powder twin: a diffractogram of the paper's composite as an X-ray diffractometer would write it, in .xrdml."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from nbtools.files.crystal import Crystal, own_crystal
from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.files.write_sample_card import write_sample_card
from nbtools.physics.domain import require_not_negative, require_one_of, require_positive
from nbtools.structure.model_powder_pattern import (
    Instrument,
    PhaseState,
    lorentz_polarisation,
    phase_pattern,
    powder_lines,
    scattering_mass,
)
from nbtools.whole_file import write_whole

Array = NDArray[np.float64]
World = Literal["paper", "textured", "amorphous"]
PHASES = ("MgO", "MgB2", "Mg")
PLATE_AXIS = (0, 0, 1)  # MgB2 grows as plates, and a press lays them flat


@dataclass(frozen=True)
class PowderWorld:
    """A composite in a Bragg–Brentano diffractometer with a copper tube; SI, angles in degrees.

    world : "paper"; "textured": the MgB2 plates lie flat; "amorphous": a third of the boron-bearing phase gives no
        lines, only a hump
    magnesia, diboride, magnesium : weight fractions of the crystals
    start, stop, step : of the scan, degrees; counting_time : s a step
    peak, background : counts at the strongest line and under it at the middle of the scan
    strain : of MgO and of MgB2 against their CIFs; size : further width of MgB2, deg²
    displacement : of the sample over the radius; texture : March–Dollase coefficient of the textured world
    """

    world: World = "paper"
    magnesia: float = 0.792
    diboride: float = 0.206
    magnesium: float = 0.002
    start: float = 20.0
    stop: float = 110.0
    step: float = 0.02
    counting_time: float = 40.0
    peak: float = 10_000.0
    background: float = 200.0
    strain: tuple[float, float] = (2e-4, -3e-4)
    size: float = 0.004
    displacement: float = 2e-4
    texture: float = 0.7
    amorphous_share: float = 1 / 3

    def __post_init__(self) -> None:
        require_one_of(get_args(World), world=self.world)
        require_not_negative(magnesia=self.magnesia, diboride=self.diboride, magnesium=self.magnesium)
        require_positive(
            peak=self.peak, background=self.background, step=self.step, total=sum(self.crystalline)
        )

    @property
    def crystalline(self) -> tuple[float, float, float]:
        """What the crystals of MgO, MgB2 and Mg weigh, of a sample that weighs one."""
        seen = 1 - self.amorphous_share if self.world == "amorphous" else 1.0
        return self.magnesia, self.diboride * seen, self.magnesium

    @property
    def weights(self) -> dict[str, float]:
        """Weight fractions of the crystals, which is what lines can show."""
        whole = sum(self.crystalline)
        return {name: part / whole for name, part in zip(PHASES, self.crystalline, strict=True)}


INSTRUMENT = Instrument(caglioti=(0.008, -0.004, 0.012), mixing=(0.45, 0.15))


def record_powder(folder: str | Path, *, seed: int, **parameters: object) -> list[Path]:
    """Record ``powder.xrdml`` and ``sample.yaml``; same seed and parameters, same bytes.

    Parameters
    ----------
    folder : made if missing; nothing is written outside
    seed : of the counting noise
    parameters : of `PowderWorld`
    """
    world = PowderWorld(**parameters)  # type: ignore[arg-type]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    angle = scan_angles(world)
    # Rounded, so that the last bit of a sine cannot turn into another count.
    expected = np.round(expected_counts(world), 6)
    counts = np.random.default_rng(seed).poisson(expected)
    card = {"name": f"MgO-MgB2 powder, {SYNTHETIC}", "is_paper_sample": True}
    return [
        write_xrdml(folder / "powder.xrdml", angle, counts.astype(float), counting_time=world.counting_time),
        write_sample_card(folder / "sample.yaml", card),
    ]


def truth(**parameters: object) -> dict[str, float]:
    """What `record_powder` plants: weight fractions of the crystals and of the amorphous part, and moles."""
    world = PowderWorld(**parameters)  # type: ignore[arg-type]
    weights = world.weights
    moles = {name: weight / own_crystal(name).molar_mass for name, weight in weights.items()}
    volumes = {name: weight / own_crystal(name).density for name, weight in weights.items()}
    answers = {f"weight_fraction_{name}": weight for name, weight in weights.items()}
    answers |= {f"volume_fraction_{name}": v / sum(volumes.values()) for name, v in volumes.items()}
    return answers | {
        "molar_ratio": moles["MgO"] / moles["MgB2"],
        "texture_coefficient": world.texture if world.world == "textured" else 1.0,
        "crystalline_share": sum(world.crystalline),
    }


def scan_angles(world: PowderWorld) -> Array:
    """2θ of each step, degrees, shape (n,)."""
    return np.asarray(
        world.start + world.step * np.arange(round((world.stop - world.start) / world.step) + 1), float
    )


def expected_counts(world: PowderWorld) -> Array:
    """The mean count at each step: phases by weight, an amorphous hump, air scatter and fluorescence."""
    angle = scan_angles(world)
    phases = {name: own_crystal(name) for name in PHASES}
    parts = [_phase_counts(world, name, crystal, angle) for name, crystal in phases.items()]
    weighted = [weight * part for weight, part in zip(world.crystalline, parts, strict=True)]
    scale = world.peak / float(np.max(weighted[0]))
    return np.asarray(scale * sum(weighted) + _background(world, angle))


def _phase_counts(world: PowderWorld, name: str, crystal: Crystal, angle: Array) -> Array:
    """Of unit mass of one phase: S = w/(Z M V)."""
    instrument = Instrument(
        caglioti=INSTRUMENT.caglioti, mixing=INSTRUMENT.mixing, displacement=world.displacement
    )
    strain = dict(zip(PHASES, world.strain, strict=False)).get(name, 0.0)
    flat = world.world == "textured" and name == "MgB2"
    state = PhaseState(strain, world.size if name == "MgB2" else 0.0, 0.0, world.texture if flat else 1.0)
    lines = powder_lines(crystal, 0.9e-10, axis=PLATE_AXIS if flat else None)
    return phase_pattern(angle, lines, instrument, state) / (scattering_mass(crystal) * (1 + strain) ** 3)


def _background(world: PowderWorld, angle: Array) -> Array:
    middle = float(np.mean(angle))
    air = 0.25 * lorentz_polarisation(angle) / lorentz_polarisation(middle)
    hump = 0.15 * np.exp(-(((angle - 28) / 9) ** 2))
    if world.world == "amorphous":
        hump = hump + 0.8 * world.amorphous_share * np.exp(-(((angle - 35) / 8) ** 2))
    return np.asarray(world.background * (0.75 + 0.25 * air + hump))


def write_xrdml(path: str | Path, two_theta: Array, counts: Array, *, counting_time: float) -> Path:
    """Write a θ–2θ scan as PANalytical's .xrdml 1.5, with a comment that it is synthetic; angles in degrees."""
    first, second = (1e10 * wavelength for wavelength in INSTRUMENT.wavelengths)
    text = XRDML.format(
        synthetic=SYNTHETIC,
        first=first,
        second=second,
        ratio=INSTRUMENT.ratio,
        start=two_theta[0],
        stop=two_theta[-1],
        half_start=two_theta[0] / 2,
        half_stop=two_theta[-1] / 2,
        seconds=counting_time,
        counts=" ".join(map(str, counts)),
    )
    return write_whole(Path(path), text)


XRDML = """<?xml version="1.0" encoding="UTF-8"?>
<xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/1.5" status="Completed">
	<comment>
		<entry>{synthetic}</entry>
	</comment>
	<sample type="To be analyzed">
		<id>twin</id>
		<name>MgO-MgB2 powder</name>
	</sample>
	<xrdMeasurement measurementType="Scan" status="Completed" sampleMode="Reflection">
		<usedWavelength intended="K-Alpha">
			<kAlpha1 unit="Angstrom">{first:.7f}</kAlpha1>
			<kAlpha2 unit="Angstrom">{second:.7f}</kAlpha2>
			<ratioKAlpha2KAlpha1>{ratio:.4f}</ratioKAlpha2KAlpha1>
		</usedWavelength>
		<scan appendNumber="0" mode="Continuous" scanAxis="Gonio" status="Completed">
			<dataPoints>
				<positions axis="2Theta" unit="deg">
					<startPosition>{start:.8f}</startPosition>
					<endPosition>{stop:.8f}</endPosition>
				</positions>
				<positions axis="Omega" unit="deg">
					<startPosition>{half_start:.8f}</startPosition>
					<endPosition>{half_stop:.8f}</endPosition>
				</positions>
				<commonCountingTime unit="seconds">{seconds:.3f}</commonCountingTime>
				<intensities unit="counts">{counts}</intensities>
			</dataPoints>
		</scan>
	</xrdMeasurement>
</xrdMeasurements>
"""
