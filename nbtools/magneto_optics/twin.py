"""The magneto-optics twin: 16-bit TIFF series of a plate under an indicator film, with calibration frames at 60 K."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tifffile
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.constants import mu_0
from scipy.ndimage import gaussian_filter

from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.magneto_optics.twin_world import MagnetoOpticsWorld
from nbtools.units import convert

__all__ = ["MagnetoOpticsWorld", "record_magneto_optics", "truth"]

Array = NDArray[np.float64]
CARD = """\
name: "MgO-MgB2 plate, {synthetic}"
is_paper_sample: {paper}
shape: prism
dimensions: ["{x:.3f} ± 0.01 mm", "{y:.3f} ± 0.01 mm", "{z:.3f} ± 0.01 mm"]
field_axis: 3
thermometer_offset: "0.0 ± 0.5 K"
"""


def record_magneto_optics(folder: str | Path, *, seed: int, **parameters: object) -> list[Path]:
    """Record the images of one synthetic plate.

    ``calibration_60K.tif`` (uniform fields), ``zfc_<T>K.tif`` (cooled without field; ramp up and down) for each
    temperature, ``fc_<T>K.tif`` (cooled in field, field taken away) and ``sample.yaml``. Row 0 is the top of the image,
    as a camera has it. Same seed and parameters, same bytes; no clock is read. `truth` gives what was planted.

    Parameters
    ----------
    folder : made if missing; nothing is written outside
    seed : of light, noise and domain walls
    parameters : of `MagnetoOpticsWorld`, SI

    Raises
    ------
    ValueError, TypeError
        An unknown world, an unknown parameter.
    """
    world = MagnetoOpticsWorld(**parameters)  # type: ignore[arg-type]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lamp, noise = np.random.default_rng(seed).spawn(2)
    camera = _Camera(world, lamp, noise)
    fields = convert(np.array(world.calibration_fields), "Oe", "A/m")
    nothing = [np.zeros(world.outline.shape)] * len(fields)
    written = [camera.write(folder / "calibration_60K.tif", nothing, fields, 60.0, "calibration", lamp)]
    for temperature in world.temperatures:
        fields = convert(np.array(world.ramp), "Oe", "A/m")
        states = world.ramp_states(temperature)
        path = folder / f"zfc_{temperature:g}K.tif"
        written.append(camera.write(path, states, fields, temperature, "zero-field cooled", lamp))
    cooled = world.cooling_field
    # The frozen flux is uniform in the plate; the currents are those of a step of −H.
    remanent = [world.cooled_state()]
    path = folder / f"fc_{world.cooled_at:g}K.tif"
    written.append(
        camera.write(path, remanent, np.zeros(1), world.cooled_at, f"cooled in {mu_0 * cooled:.4g} T", lamp)
    )
    return [*written, _write_card(folder / "sample.yaml", world)]


class _Camera:
    """Light, film and sensor, the same for every frame but for noise and walls."""

    def __init__(self, world: MagnetoOpticsWorld, lamp: Generator, noise: Generator) -> None:
        self.world, self.noise = world, noise
        rows, columns = world.window
        y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
        blotches = gaussian_filter(lamp.normal(size=world.window), 12)
        self.light = 1 - 0.18 * (x - 0.2) ** 2 - 0.12 * y**2 + 0.03 * blotches / np.std(blotches)

    def write(
        self,
        path: Path,
        streams: Sequence[Array],
        fields: Array,
        temperature: float,
        history: str,
        walls: Generator,
    ) -> Path:
        """One series, its metadata as JSON in the first page's description."""
        counts = [self._expose(one, float(h), walls) for one, h in zip(streams, fields, strict=True)]
        about = {
            "sample": f"MgO-MgB2 plate, {SYNTHETIC}",
            "temperature_K": temperature,
            "history": history,
            "applied_field_T": [round(float(mu_0 * h), 9) for h in fields],
            "pixel_size_m": self.world.pixel_size,
            "indicator_height_m": self.world.gap,
            "anisotropy_field_T": self.world.anisotropy_field,
        }
        # A camera's first row is the top of the picture; y of the maps grows upward.
        stack = np.array(counts, np.uint16)[:, ::-1]
        options = {"photometric": "minisblack", "metadata": None, "software": "nbtools"}
        tifffile.imwrite(path, stack, description=json.dumps(about, sort_keys=True), **options)
        return path

    def _expose(self, stream: Array, applied: float, walls: Generator) -> Array:
        world = self.world
        share = world.transmission(stream, applied)
        share = np.where(_zigzag(world.window, walls), 0.6 * share + 0.004, share)
        ideal = world.dark + world.light * self.light * share
        noise = np.sqrt((np.maximum(ideal, 0) + world.read_noise**2) / world.averaged)
        return np.clip(np.rint(ideal + noise * self.noise.normal(size=ideal.shape)), 0, 65535)


def _zigzag(shape: tuple[int, int], rng: Generator) -> NDArray[np.bool_]:
    """One zigzag wall across a corner of the film, one pixel wide, a little elsewhere in every frame."""
    rows, columns = shape
    length = int(0.28 * columns)
    along = np.arange(length)
    across = int(rng.integers(4, 10)) + np.abs((along + int(rng.integers(0, 12))) % 12 - 6)
    wall = np.zeros(shape, bool)
    wall[np.clip(rows - 1 - across, 0, rows - 1), along] = True
    return wall


def _write_card(path: Path, world: MagnetoOpticsWorld) -> Path:
    x, y, z = (1e3 * edge for edge in (*world.sides, world.thickness))
    paper = str(world.world == "paper").lower()
    path.write_text(CARD.format(synthetic=SYNTHETIC, paper=paper, x=x, y=y, z=z), encoding="utf-8")
    return path


def truth(**parameters: object) -> dict[str, float]:
    """What `record_magneto_optics` plants with the same parameters, in SI.

    J_c of each temperature (in the middle of the plate, in no field), its relative slope with µ0 H at full
    penetration, the place of the remanent ridge along x at the highest temperature, the trapped field above the middle
    after field cooling, the temperatures up to and from which J_c is constant and falls, the clockwise share of the
    remanent current at each temperature, and where J_c is the same all over the plate (1) or not (0).
    """
    world = MagnetoOpticsWorld(**parameters)  # type: ignore[arg-type]
    pairs = zip(world.temperatures, world.critical_currents, strict=True)
    known = {f"critical_current_{t:g}K": current for t, current in pairs}
    paper = world.world == "paper"
    middle = tuple(n // 2 for n in world.window)
    ordered = sorted(world.temperatures)
    for kelvin in world.temperatures:
        known[f"clockwise_{kelvin:g}K"] = world.clockwise_share(world.ramp_states(kelvin)[-1])
        graded = paper and kelvin == ordered[-1] and world.gradient != 0
        known[f"even_at_{kelvin:g}K"] = float(paper and not graded)
    return known | {
        "ridge_offset": _ridge(world.gradient, world.sides[0] / 2) if paper else 0.0,
        "trapped_field": float(world.field(world.cooled_state(), 0.0)[middle]),
        "constant_up_to": ordered[-2] if paper and len(ordered) > 1 else ordered[-1],
        "falls_from": ordered[-1] if paper else np.nan,
    }


def _ridge(gradient: float, half_width: float) -> float:
    """Where ∫J_c from one edge equals that from the other, for J_c = J₀ (1 + ε x/a): a root of ε x²/a + 2x = ε a."""
    if not gradient:
        return 0.0
    return float(half_width * (np.sqrt(1 + gradient**2) - 1) / gradient)
