"""Maps of B_z of one sample: from camera frames or from a scanning microscope, and what is read off them directly."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from nbtools.magneto_optics.calibration import CalibratedField, in_plane_field
from nbtools.magneto_optics.critical_current import (
    CriticalCurrent,
    estimate_critical_current,
    plate_states,
)
from nbtools.magneto_optics.inversion import CurrentMap, invert_current
from nbtools.magneto_optics.profiles import Profile, find_ridge, line_profile
from nbtools.physics.current_sheet import share_of_sense
from nbtools.results import NotPossible
from nbtools.statistics.choice import largest_first
from nbtools.units import Quantity

Array = NDArray[np.floating[Any]]
SCANNED = "scanned"
# µ0 H over the largest of a ramp, under which a frame after the turn is a remanent one.
REMANENT = 0.05
# J_c must change by more than this per tesla to count as changing with field (8 % over 400 G): twice what the fit
# makes of a constant J_c that creeps.
LEAST_SLOPE = 2.0
SIGMAS = 3.0


@dataclass(frozen=True)
class FluxMaps:
    """Maps of one history at one temperature.

    Attributes
    ----------
    field : shape (n, y, x), T, the applied field in it; doubtful pixels filled, the film's in-plane field allowed for
    applied : shape (n,), T
    temperature : K; NaN where nobody says
    history : "zero-field cooled", "cooled in … T", or "scanned"
    pixel_size, height : m
    thickness : m; 0 where it is not known or the sample is a film, whose current is then in A/m
    outline : shape (y, x), True on the sample; None where it is not known
    calibration : what `calibrate` said of these frames; None of a scanned map
    unit : "T", or that of a map which is none of field
    anisotropy_field : T, of the film; NaN where it is not known
    name : of the file
    """

    field: Array
    applied: Array
    temperature: float
    history: str
    pixel_size: float
    height: float
    thickness: float
    outline: NDArray[np.bool_] | None
    calibration: CalibratedField | None = None
    unit: str = "T"
    anisotropy_field: float = float("nan")
    name: str = ""

    @property
    def top(self) -> int:
        """Index of the largest applied field, where the ramp turns."""
        return int(np.argmax(np.abs(self.applied)))

    @property
    def remanent(self) -> int | None:
        """Index of the last frame, where it is in (nearly) no field after a larger one; else None."""
        last, largest = self.applied.size - 1, abs(float(self.applied[self.top]))
        after = self.top < last and abs(float(self.applied[last])) <= REMANENT * largest
        return last if after else None

    @property
    def is_ramp(self) -> bool:
        """Whether it was cooled without field."""
        return self.history.startswith("zero")

    @property
    def is_cooled(self) -> bool:
        """Whether it was cooled in a field."""
        return not self.is_ramp and self.history != SCANNED

    @property
    def label(self) -> str:
        """``35 K``, ``5 K, cooled in 0.02 T``, or the name of a scanned map."""
        if self.history == SCANNED:
            return self.name
        return f"{self.temperature:g} K" + ("" if self.is_ramp else f", {self.history}")

    def state(self, index: int) -> str:
        """``400 G`` or ``remanent``."""
        if self.history == SCANNED:
            return ""
        at = float(self.applied[index])
        return "remanent" if index == self.remanent or (self.is_cooled and at == 0) else f"{1e4 * at:.0f} G"

    @property
    def shown(self) -> list[int]:
        """The frames worth a map: at the largest field and, if there is one, the remanent one."""
        rest = self.remanent
        return [self.top] if rest is None else [self.top, rest]

    def sample(self) -> NDArray[np.bool_]:
        """The outline.

        Raises
        ------
        NotPossible
            It is not known.
        """
        if self.outline is None:
            raise NotPossible(
                "the outline of the sample is not known; give `dimensions` and `field_axis` on the card, or OUTLINE"
            )
        return self.outline

    def own_field(self, index: int) -> Array:
        """B_z of the currents alone (T)."""
        return np.asarray(self.field[index], float) - self.applied[index]

    def currents(self, index: int, **options: Any) -> CurrentMap:
        """The current map of one frame; options as `invert_current` has them."""
        at = {"pixel_size": self.pixel_size, "height": self.height, "thickness": self.thickness}
        return invert_current(self.own_field(index), **{**at, **options})

    def across(self, values: Array, *, width: float = 0.0) -> Profile:
        """Along x through the middle of the sample (or of the map), with distances from that middle."""
        rows, columns = np.nonzero(np.ones(values.shape, bool) if self.outline is None else self.outline)
        y, x = rows.mean() * self.pixel_size, columns.mean() * self.pixel_size
        end = (values.shape[1] - 1) * self.pixel_size
        found = line_profile(values, (0.0, y), (end, y), pixel_size=self.pixel_size, width=width)
        return Profile(found.distance - x, found.field, found.uncertainty)

    @property
    def half_width(self) -> float:
        """Of the sample along x (m); NaN where its outline is not known."""
        if self.outline is None:
            return float("nan")
        return float(np.ptp(np.nonzero(self.outline)[1]) + 1) * self.pixel_size / 2

    def critical_current(self, indices: Sequence[int] | None = None) -> CriticalCurrent:
        """J_c of the frames of the ramp up (or `indices`)."""
        chosen = list(range(self.top + 1)) if indices is None else list(indices)
        return self.fit(self.field[chosen], self.applied[chosen])

    def reversed_current(self) -> CriticalCurrent:
        """J_c of the ramp down: what has turned round since the largest field, frame by frame.

        In Bean's model the field has changed by twice that of a virgin plate at half the way back, so half of the
        change is fitted as a ramp up. `field_slope` is over the field that was applied.

        Raises
        ------
        NotPossible
            No frame after the largest field.
        """
        top, after = self.top, np.arange(self.top + 1, self.applied.size)
        if not after.size:
            raise NotPossible(f"{self.label}: no frame was taken while the field fell")
        found = self.fit(
            (self.field[top] - self.field[after]) / 2, (self.applied[top] - self.applied[after]) / 2
        )
        return replace(
            found, applied=np.asarray(self.applied[after], float), field_slope=found.field_slope / -2
        )

    def fit(self, field: Array, applied: Array) -> CriticalCurrent:
        """`estimate_critical_current` of these maps in the outline of this sample."""
        return estimate_critical_current(
            field,
            applied,
            pixel_size=self.pixel_size,
            outline=self.sample(),
            thickness=self.thickness,
            height=self.height,
        )

    def ridge(self, *, width: float = 0.4e-3) -> Quantity:
        """Where the current of the remanent frame turns round, from the middle along x (m)."""
        if self.remanent is None:
            raise NotPossible(
                f"{self.label}: there is no remanent frame, in which alone a rooftop has a ridge"
            )
        self.sample()
        found = self.currents(self.remanent)
        profile = self.across(found.jy, width=width)
        edges = (-self.half_width, self.half_width)
        return find_ridge(profile.distance, profile.field, edges=edges, resolution=found.resolution)

    def clockwise_share(self, index: int) -> Quantity:
        """Share of the current around the sample that runs clockwise, where it stands clear of its noise (three σ)."""
        found, sample = self.currents(index), self.sample()
        clear = found.magnitude > SIGMAS * found.uncertainty
        if not (clear & sample).any():
            raise NotPossible(f"{self.label}: no current stands clear of the noise")
        share = share_of_sense(found.jx * clear, found.jy * clear, sample)
        # One resolved width of a sign's border may belong to either.
        spots = float((clear & sample).sum()) * (self.pixel_size / found.resolution) ** 2
        loose = 2 * self.half_width / found.resolution
        return Quantity(share, float(min(0.5, loose / max(spots, 1.0))))

    def trapped(self, index: int = -1) -> Quantity:
        """Mean and scatter of B_z over the inner half of the sample (T)."""
        sample = self.sample()
        rows, columns = (np.ptp(one) / 4 for one in np.nonzero(sample))
        y, x = (one.mean() for one in np.nonzero(sample))
        grid_y, grid_x = np.indices(sample.shape)
        inner = self.field[index][(np.abs(grid_y - y) < rows) & (np.abs(grid_x - x) < columns)].astype(float)
        return Quantity(float(inner.mean()), float(inner.std()), "T")


def constant_current_range(found: dict[float, CriticalCurrent]) -> tuple[Quantity, Quantity]:
    """The highest temperature whose J_c does not hang on the field, and the lowest whose J_c falls with it (K).

    J_c falls where d ln J_c/dB lies `SIGMAS` of its σ below zero, and below −`LEAST_SLOPE`. The change may lie anywhere
    between the two temperatures, which is a standard deviation of their distance over √12.
    """
    slopes = {t: one.field_slope for t, one in found.items() if np.isfinite(one.field_slope)}
    falls = {t: s < -max(SIGMAS * s.uncertainty, LEAST_SLOPE) for t, s in slopes.items()}
    broken = sorted(t for t, yes in falls.items() if yes)
    kept = sorted(t for t, yes in falls.items() if not yes and (not broken or t < broken[0]))
    gap = (broken[0] - kept[-1]) / np.sqrt(12) if broken and kept else np.nan
    first, last = kept[-1] if kept else np.nan, broken[0] if broken else np.nan
    return Quantity(first, gap, "K"), Quantity(last, gap, "K")


def current_budget(
    maps: FluxMaps, *, gap: float = 5e-6, thickness: float = 0.01e-3, film: float = 0.1
) -> dict[str, float]:
    """Relative change of J_c when one input moves: gap, thickness (m), anisotropy field (share), outline, noise.

    The frame is that of the largest field; the outline moves by half a pixel on every side.

    Raises
    ------
    NotPossible
        No outline; no flux in the plate.
    """
    top = maps.top
    fitted = maps.critical_current([top])
    best = float(fitted.critical_current)
    if not np.isfinite(best):
        raise NotPossible(
            f"{maps.label}: no flux has entered, so there is no J_c whose errors could be weighed"
        )
    moved = {"gap of the indicator": replace(maps, height=maps.height + gap)}
    if maps.thickness and thickness:
        moved["thickness of the plate"] = replace(maps, thickness=maps.thickness + thickness)
    if np.isfinite(maps.anisotropy_field):
        own = maps.own_field(top)
        held = maps.field[top] * (1 + film * in_plane_field(own) / maps.anisotropy_field)
        moved["film's anisotropy field"] = replace(
            maps, field=np.asarray(held)[None], applied=maps.applied[[top]]
        )
    moved["outline"] = replace(maps, outline=binary_dilation(maps.sample()))
    budget = {}
    for name, one in moved.items():
        index = min(top, one.applied.size - 1)
        change = abs(float(one.critical_current([index]).critical_current) / best - 1)
        budget[name] = change / 2 if name == "outline" else change
    budget["camera noise and misfit"] = float(fitted.each_uncertainty[0]) / best
    return largest_first(budget)


def shared_error(maps: FluxMaps, *, thickness: float) -> float:
    """Relative σ that J_c of all frames has in common, from half a pixel of the outline and from the thickness.

    A full plate tells where its edges lie, so there the outline adds next to nothing.

    Parameters
    ----------
    maps : the largest field of which is fitted
    thickness : σ, m; 0 where it is exact or does not count
    """
    budget = current_budget(maps, thickness=thickness)
    # Anywhere within half a pixel: σ is its root of a third.
    return float(np.hypot(budget["outline"] / np.sqrt(3), budget.get("thickness of the plate", 0.0)))


def profile_states(maps: FluxMaps, *, width: float) -> dict[str, Array]:
    """What `plate_profile` needs of this plate: `grid`, `reduced`, `states` and `filled` across its middle.

    Parameters
    ----------
    maps : with an outline
    width : m, over which profiles are averaged
    """
    reduced, states, filled, side = plate_states(
        maps.sample(), pixel_size=maps.pixel_size, thickness=maps.thickness, height=maps.height
    )
    coarse = replace(maps, pixel_size=side, outline=None)
    across = [coarse.across(one, width=width) for one in (*states, filled)]
    return {
        "grid": across[0].distance,
        "reduced": reduced,
        "states": np.array([one.field for one in across[:-1]]),
        "filled": across[-1].field,
    }
