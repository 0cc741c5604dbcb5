"""Where a sample's files meet the estimators of magneto-optics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nbtools.files.images import read_image
from nbtools.files.indicator_frames import TIFF, read_all_frames
from nbtools.files.scanning_maps import MapError, pixel_of, read_map, read_outline, resample_square
from nbtools.magneto_optics.calibration import calibrate, correct_in_plane_field
from nbtools.magneto_optics.critical_current import CriticalCurrent
from nbtools.magneto_optics.flux import (
    LEAST_SLOPE,
    SCANNED,
    SIGMAS,
    FluxMaps,
    constant_current_range,
    current_budget,
    shared_error,
)
from nbtools.magneto_optics.homogeneity import Homogeneity, check_homogeneity
from nbtools.magneto_optics.inversion import CurrentMap, moment_of
from nbtools.magneto_optics.profiles import place_outline
from nbtools.physics.current_sheet import signal_depth
from nbtools.results import NotPossible
from nbtools.study import Missing, Row, StudyResult, study
from nbtools.units import Quantity

if TYPE_CHECKING:
    from nbtools.notebook.sample import Sample

Strength = Literal["auto", "gcv", "l-curve"] | Annotated[float, Field(ge=0)]
PATTERNS = (0.1e-3, 0.5e-3, 2e-3, 4e-3)  # m, wavelengths for which the depth of the signal is shown


def _rough(value: float, unit: str = "") -> Quantity:
    """A number without σ, to three digits."""
    return Quantity(float(f"{value:.3g}"), np.nan, unit)


# Flux ------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class FluxStudy(StudyResult):
    """Maps of B_z, of every history and temperature.

    Attributes
    ----------
    maps : ramps by temperature, then what was cooled in a field, then scanned maps
    missing : what could not be had, a sentence each
    """

    maps: tuple[FluxMaps, ...]
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def ramps(self) -> tuple[FluxMaps, ...]:
        """What was cooled without field, coldest first."""
        return tuple(sorted((one for one in self.maps if one.is_ramp), key=lambda one: one.temperature))

    @property
    def cooled(self) -> tuple[FluxMaps, ...]:
        """What was cooled in a field."""
        return tuple(one for one in self.maps if one.is_cooled)

    @property
    def warmest(self) -> FluxMaps:
        """The ramp at the highest temperature.

        Raises
        ------
        NotPossible
            No ramp.
        """
        if not self.ramps:
            raise NotPossible("there are no frames that were taken on a ramp after zero-field cooling")
        return self.ramps[-1]

    def rows(self) -> list[Row]:
        rows = []
        for one in self.maps:
            largest = float(np.abs(one.field[one.top]).max())
            if one.calibration is None:
                how = f"{one.field.shape[1]} × {one.field.shape[2]}, pixels of {1e6 * one.pixel_size:.3g} µm"
                unit = "G" if one.unit == "T" else ""
                rows.append(Row(f"largest |B_z|, {one.label}", _rough(largest, one.unit), how, "", unit))
                continue
            known = one.calibration
            fields = f"{one.applied.size} × {1e4 * one.applied.min():.0f} to {1e4 * one.applied.max():.0f} G"
            if one.applied.size == 1:
                fields = f"one frame in {1e4 * one.applied[0]:.0f} G"
            how = f"{fields}; {known.fit}; {100 * float(known.doubtful.mean()):.1f} % doubtful"
            sigma = _rough(float(np.median(known.uncertainty)), "T")
            rows.append(Row(f"σ of B_z, {one.label}", sigma, how, "", "G"))
        return rows

    def notes(self) -> list[str]:
        said = [f"{one.label}: one frame, so no ramp" for one in self.ramps if one.applied.size == 1]
        return [*said, *(f"{what}: {reason}" for what, reason in self.missing.items())]


@study("From counts to field")
def study_flux(
    sample: "Sample",
    *,
    frames: dict[str, dict[str, Any]] | None = None,
    outline: str | None = None,
    pixel_size: Annotated[float, Field(gt=0)] | None = None,
    height: Annotated[float, Field(ge=0)] | None = None,
    analyser: Annotated[float, Field(gt=-90, lt=90)] | None = None,
    smooth: Annotated[float, Field(ge=0)] = 0.0,
    map_name: str | None = None,
    map_unit: str | None = None,
) -> FluxStudy | Missing:
    """Maps of B_z: camera frames calibrated by frames above T_c, or the maps of a scanning microscope.

    Parameters
    ----------
    sample : from `open_sample`
    frames : by the name of a file, what it does not say itself: ``{"a.tif": {"applied_field_T": 0.02, …}}``
    outline : file of a mask of the sample (.mat, .npz, .tif); by default the card's rectangle in the middle
    pixel_size, height : m, where the files do not say; the height of indicator or probe above the sample
    analyser : degrees from crossed polarisers: then Malus' law is fitted and not a polynomial
    smooth : pixels, over which the calibration frames are smoothed
    map_name, map_unit : of a file that holds several maps, or does not say the unit of its map

    Returns
    -------
    The result, or `Missing` where the files hold neither frames with a calibration nor maps.
    """
    place = {"outline": outline, "pixel_size": pixel_size, "height": height}
    if any(path.suffix.lower() in TIFF for path in sample.files):
        polarisers: dict[str, Any] = {"smooth": smooth}
        if analyser is not None:
            polarisers |= {"response": "malus", "analyser": float(np.radians(analyser))}
        return _from_frames(sample, frames, polarisers, place)
    return _from_scans(sample, map_name, map_unit, place)


def _from_frames(
    sample: "Sample", frames: Mapping[str, Any] | None, polarisers: dict[str, Any], place: dict[str, Any]
) -> FluxStudy:
    known = read_all_frames(sample.files, about=frames)
    if not known.series:
        raise NotPossible("the files hold a calibration, but no frames of the sample")
    sample.used.extend(one.name for one in (known.calibration, *known.series))
    thickness, missing = _thickness(sample)
    missing |= known.left_out
    maps = []
    for series in known.series:
        side = place["pixel_size"] or series.pixel_size
        gap = series.height if place["height"] is None else place["height"]
        if not (side > 0 and gap >= 0):
            raise NotPossible(
                f"{series.name} states a pixel size of {side} m and an indicator height of {gap} m; give PIXEL_SIZE "
                "and HEIGHT, or write pixel_size_m and indicator_height_m beside the frames"
            )
        found = calibrate(series.counts, known.calibration.counts, known.calibration.applied, **polarisers)
        values = found.filled
        if np.isfinite(series.anisotropy_field):
            film = {"pixel_size": side, "anisotropy_field": series.anisotropy_field}
            values = correct_in_plane_field(values, series.applied, **film)
        else:
            missing["the film's in-plane field"] = (
                "its anisotropy_field_T is not stated, so the field that holds its moment down is not allowed for"
            )
        mask = _outline(sample, place["outline"], values.shape[1:], side)
        if mask is None:
            missing["the outline of the sample"] = (
                f"{sample.card.require('sides')} Without it there is no J_c of a plate"
            )
        maps.append(
            FluxMaps(
                field=values,
                applied=series.applied,
                temperature=series.temperature,
                history=series.history,
                pixel_size=side,
                height=gap,
                thickness=thickness,
                outline=mask,
                calibration=found,
                anisotropy_field=series.anisotropy_field,
                name=series.name,
            )
        )
    return FluxStudy(tuple(sorted(maps, key=lambda one: not one.is_ramp)), missing)


def _from_scans(sample: "Sample", name: str | None, unit: str | None, place: dict[str, Any]) -> FluxStudy:
    thickness, missing = _thickness(sample)
    maps, refused = [], {}
    for path in sample.files:
        try:
            found = read_map(path, name=name, unit=unit)
        except MapError as problem:
            refused[path.name] = str(problem)
            continue
        if place["pixel_size"] is None:
            found = resample_square(found) if "x" in found.coords else found
            side = pixel_of(found)
        else:
            side = place["pixel_size"]
        if place["height"] is None:
            raise NotPossible(
                f"{path.name} does not say how high the probe was above the sample; give HEIGHT (m)"
            )
        mask = _outline(sample, place["outline"], found.shape, side)
        title = path.name if name is None else f"{path.name} {name}"
        maps.append(
            FluxMaps(
                field=np.asarray(found.values, float)[None],
                applied=np.zeros(1),
                temperature=float("nan"),
                history=SCANNED,
                pixel_size=side,
                height=place["height"],
                thickness=thickness,
                outline=mask,
                unit=str(found.attrs["units"]),
                name=title,
            )
        )
        sample.used.append(path.name)
        if found.attrs["units"] != "T":
            missing[f"the field of {title}"] = (
                f"its values are in {found.attrs['units']}; give MAP_UNIT if they are a field. Its currents are in a "
                "unit of their own"
            )
    if not maps:
        raise NotPossible("; ".join(refused.values()) or "the files hold no map")
    return FluxStudy(tuple(maps), missing | refused)


def _thickness(sample: "Sample") -> tuple[float, dict[str, str]]:
    """Of the sample along the field; 0 where the card does not give it: the current is then a sheet's."""
    if sample.card.field_length is not None:
        return float(sample.card.field_length), {}
    said = f"{sample.card.require('field_length')} The current is given through the whole thickness, in A/m"
    return 0.0, {"the thickness": said}


def _outline(
    sample: "Sample", file: str | None, shape: tuple[int, ...], side: float
) -> NDArray[np.bool_] | None:
    if file is None:
        sides = sample.card.sides
        return None if sides is None else place_outline((shape[0], shape[1]), side, sides[:2])
    mask = read_outline(_beside(sample, file))[::-1]
    if mask.shape != shape:
        raise NotPossible(f"the outline {file} has the shape {mask.shape}, the frames {shape}; use one crop")
    return mask


def _beside(sample: "Sample", file: str) -> Path:
    """A file of the data set by its name, or any other by its path."""
    return next((path for path in sample.files if path.name == file), Path(file))


# Critical current ------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class CriticalCurrentStudy(StudyResult):
    """J_c of every ramp from the plate's geometry, and whether it hangs on the field.

    Attributes
    ----------
    found : by temperature (K)
    reversed : by temperature (K), of the ramp down
    steady, falling : the highest temperature whose J_c does not fall with field, and the lowest whose J_c does, K
    follows, departs : the same of the ramp down that follows Bean's model
    shared : by temperature (K), relative σ that all frames have in common, from outline and thickness on the card
    missing : what could not be had
    """

    found: dict[float, CriticalCurrent]
    reversed: dict[float, CriticalCurrent]
    steady: Quantity
    falling: Quantity
    follows: Quantity
    departs: Quantity
    shared: dict[float, float]
    missing: dict[str, str] = field(default_factory=dict)

    def current(self, kelvin: float) -> Quantity:
        """J_c at a temperature, with the error that all have in common."""
        found = self.found[kelvin].critical_current
        return found.widened(self.shared[kelvin] * float(found)) if np.isfinite(found) else found

    def rows(self) -> list[Row]:
        rows = []
        for kelvin, one in self.found.items():
            unit = "A/cm^2" if one.critical_current.unit == "A/m^2" else "A/m"
            how = "Bean currents of this outline"
            rows.append(
                Row(f"J_c, {kelvin:g} K", self.current(kelvin), how, f"critical_current_{kelvin:g}K", unit)
            )
            for at, value, sigma, state in zip(
                one.applied, one.each, one.each_uncertainty, one.state, strict=True
            ):
                each = Quantity(value, sigma, one.critical_current.unit)
                rows.append(Row(f"  in {1e4 * at:.0f} G", each, state, "", unit))
            rows.append(Row("  fills the plate", one.full_penetration, "middle of the mid-plane", "", "G"))
            rows.append(Row("  d ln J_c/dB", one.field_slope, "of the frames; 0 in Bean's model"))
            if kelvin in self.reversed:
                back = self.reversed[kelvin]
                rows.append(Row("  J_c, ramp down", back.critical_current, how, "", unit))
                rows.append(
                    Row("  d ln J_c/dB, ramp down", back.field_slope, "of the frames; 0 in Bean's model")
                )
        rows += [
            Row(
                "J_c constant in field up to", self.steady, f"slope under {SIGMAS:g} σ or {LEAST_SLOPE:g} T⁻¹"
            ),
            Row("J_c falls with field from", self.falling, "the next temperature tried"),
            Row(
                "ramp down as Bean's up to",
                self.follows,
                "by the same rule",
            ),
        ]
        return [row for row in rows if np.isfinite(row.quantity)]

    def notes(self) -> list[str]:
        said = []
        for kelvin, one in self.found.items():
            if not np.isfinite(one.critical_current):
                said.append(f"{kelvin:g} K: {one.state[-1]}")
        if any(self.shared.values()):
            shares = ", ".join(f"{100 * share:.2g} % at {t:g} K" for t, share in self.shared.items())
            said.append(
                f"all frames share an error from outline and thickness, which σ of single ones does not hold: {shares}"
            )
        return [*said, *(f"{what}: {reason}" for what, reason in self.missing.items())]


@study("Critical current")
def study_critical_current(sample: "Sample", flux: FluxStudy) -> CriticalCurrentStudy | Missing:
    """J_c at each temperature and field, from every pixel and the plate's geometry.

    Parameters
    ----------
    sample : from `open_sample`
    flux : from `study_flux`

    Returns
    -------
    The result, or `Missing` where there is no ramp, or no outline.
    """
    flux.warmest.sample()
    sample.used.extend(one.name for one in flux.ramps)
    found: dict[float, CriticalCurrent] = {}
    missing = {}
    back: dict[float, CriticalCurrent] = {}
    shared: dict[float, float] = {}
    edge = sample.card.field_length
    sigma = edge.uncertainty if edge is not None and edge.uncertainty > 0 else 0.0
    for one in flux.ramps:
        found[one.temperature] = one.critical_current()
        if not np.isfinite(found[one.temperature].critical_current):
            continue
        shared[one.temperature] = shared_error(one, thickness=sigma)
        try:
            back[one.temperature] = one.reversed_current()
        except NotPossible as reason:
            missing["ramp down"] = str(reason)
    thermometer = sample.sigma("thermometer_offset")
    steady, falling = (one.widened(thermometer) for one in constant_current_range(found))
    follows, departs = (one.widened(thermometer) for one in constant_current_range(back))
    return CriticalCurrentStudy(found, back, steady, falling, follows, departs, shared, missing)


# Currents --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StateOfCurrent:
    """The current of one frame.

    Attributes
    ----------
    maps : of which frames
    index : which of them
    currents : what runs
    """

    maps: FluxMaps
    index: int
    currents: CurrentMap

    @property
    def label(self) -> str:
        return ", ".join(filter(None, (self.maps.label, self.maps.state(self.index))))


@dataclass(frozen=True, repr=False)
class CurrentStudy(StudyResult):
    """Current maps at the largest field and in the remanent state.

    Attributes
    ----------
    states : the warmest ramp first
    """

    states: tuple[StateOfCurrent, ...]

    def rows(self) -> list[Row]:
        rows = []
        for one in self.states:
            found = one.currents
            named = one.maps.unit == "T"
            inside = found.magnitude if one.maps.outline is None else found.magnitude[one.maps.outline]
            largest = Quantity(
                float(np.percentile(inside, 99)), float(np.median(found.uncertainty)), found.unit
            )
            share = float(np.std(found.residual)) / found.noise if found.noise else np.nan
            how = f"λ by {found.choice}, residual {share:.2f} of the noise"
            if named:
                unit = "A/cm^2" if found.thickness else "A/m"
                symbol = "|J|" if found.thickness else "|K|"
                name = "largest_current" if one.maps.history == SCANNED else ""
                rows.append(Row(f"largest {symbol}, {one.label}", largest, how, name, unit))
            resolution = _rough(found.resolution, "m")
            rows.append(
                Row(
                    f"  resolved to, {one.label}" if not named else "  resolved to", resolution, how, "", "um"
                )
            )
            if named and one.maps.outline is not None:
                moment = _rough(moment_of(found, one.maps.outline), "A m^2")
                rows.append(Row("  magnetic moment", moment, "½ ∫ r × J", "", "emu"))
        return rows

    def notes(self) -> list[str]:
        said = [
            "σ is that of noise; what the filter takes from rims and d-lines stands beside it in the error maps"
        ]
        if any(not one.currents.thickness for one in self.states):
            said.append("a sheet: the current through the whole thickness, as if at the top face")
        return said


@study("Fig. 11 · The current")
def study_currents(
    sample: "Sample",
    flux: FluxStudy,
    *,
    strength: Strength = "auto",
    ramps: Annotated[int, Field(ge=0)] = 2,
    edges: Literal["closed", "mirror"] = "closed",
) -> CurrentStudy | Missing:
    """The current that makes each map.

    Parameters
    ----------
    sample : from `open_sample`
    flux : from `study_flux`
    strength : of the filter: "auto", "gcv", "l-curve", or λ itself
    ramps : of how many ramps, the warmest first; what was cooled in a field and scanned maps are taken besides
    edges : "closed" where the currents close inside the map, "mirror" where they run out of it

    Returns
    -------
    The result.
    """
    chosen = [*flux.ramps[::-1][:ramps], *(one for one in flux.maps if not one.is_ramp)]
    sample.used.extend(one.name for one in chosen)
    options = {"regularisation": strength, "edges": edges}
    states = [
        StateOfCurrent(one, index, one.currents(index, **options)) for one in chosen for index in one.shown
    ]
    return CurrentStudy(tuple(states))


@dataclass(frozen=True, repr=False)
class DepthStudy(StudyResult):
    """How deep the indicator sees.

    Attributes
    ----------
    depths : by the wavelength of a pattern (m), the depth (m) above which half the signal arises
    thickness : m, of the sample
    """

    depths: dict[float, float]
    thickness: float

    def rows(self) -> list[Row]:
        of = f"ln 2/k, cut off at {1e3 * self.thickness:.3g} mm"
        return [
            Row(f"patterns of {1e3 * length:.3g} mm", _rough(depth, "m"), of, "", "um")
            for length, depth in self.depths.items()
        ]


@study("How deep the indicator sees")
def study_depth(sample: "Sample", flux: FluxStudy) -> DepthStudy | Missing:
    """The depth above which half the signal arises, in a plate of the card's thickness.

    Parameters
    ----------
    sample : from `open_sample`
    flux : from `study_flux`

    Returns
    -------
    The result, or `Missing` where the thickness is not known.
    """
    thickness = next(iter(flux.maps)).thickness
    if not thickness:
        raise NotPossible(f"{sample.card.require('field_length') or 'the sample is a sheet'}")
    lengths = [*PATTERNS, *(sample.card.sides[:1] if sample.card.sides else ())]
    depths = {one: float(signal_depth(2 * np.pi / one, thickness=thickness)) for one in lengths}
    return DepthStudy(depths, thickness)


# Evenness, ridge, trapped flux -----------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class HomogeneityStudy(StudyResult):
    """Is each map that of one J_c?

    Attributes
    ----------
    found : by temperature (K), at the largest field
    missing : temperatures that cannot be asked, with the reason
    """

    found: dict[float, Homogeneity]
    missing: dict[str, str] = field(default_factory=dict)

    def rows(self) -> list[Row]:
        rows = []
        for kelvin, one in self.found.items():
            word = f"even within {100 * one.within:.0f} %" if one.uniform else "uneven"
            rows += [
                Row(f"scatter of |J|, {kelvin:g} K", one.scatter, f"{word}; p = {one.p_value:.2g}", "", "%"),
                Row("  right half over left", one.left_to_right, "mean |J| over that of one J_c"),
                Row(
                    "  finest pattern resolved",
                    _rough(one.length, "m"),
                    "half the filter's wavelength",
                    "",
                    "um",
                ),
            ]
        return rows

    def notes(self) -> list[str]:
        said = [
            f"{kelvin:g} K: grains under {1e6 * one.hidden:.0f} µm could vary by all of J_c unseen"
            for kelvin, one in self.found.items()
        ]
        return [*said, *(f"{what}: {reason}" for what, reason in self.missing.items())]


@study("One critical current?")
def study_homogeneity(
    sample: "Sample",
    flux: FluxStudy,
    *,
    within: Annotated[float, Field(gt=0, lt=1)] = 0.05,
    ramps: Annotated[int, Field(ge=1)] = 2,
) -> HomogeneityStudy | Missing:
    """|J| at the largest field against that of one J_c, seen through the same film, gap and noise.

    Parameters
    ----------
    sample : from `open_sample`
    flux : from `study_flux`
    within : scatter, and difference of the halves, up to which a map is called even
    ramps : how many, the warmest first

    Returns
    -------
    The result, or `Missing` where no map can be asked.
    """
    flux.warmest.sample()
    found, missing = {}, {}
    for one in flux.ramps[::-1][:ramps]:
        fitted = one.critical_current([one.top])
        try:
            found[one.temperature] = check_homogeneity(
                one.currents(one.top),
                _on_camera(fitted, one),
                one.sample(),
                critical_current=float(fitted.critical_current),
                applied=float(one.applied[one.top]),
                anisotropy_field=one.anisotropy_field,
                within=within,
            )
        except NotPossible as reason:
            missing[f"{one.temperature:g} K"] = str(reason)
    if not found:
        raise NotPossible("; ".join(f"{kelvin}: {reason}" for kelvin, reason in missing.items()))
    return HomogeneityStudy(found, missing)


def _on_camera(fitted: CriticalCurrent, maps: FluxMaps) -> NDArray[np.float64]:
    """The fitted field on the camera's pixels, where a large map was fitted on coarser ones."""
    own = fitted.own[0]
    if own.shape == maps.field.shape[1:]:
        return own
    from scipy.ndimage import zoom

    ratio = [n / m for n, m in zip(maps.field.shape[1:], own.shape, strict=True)]
    return np.asarray(zoom(own, ratio, order=1, mode="nearest", grid_mode=True))


@dataclass(frozen=True, repr=False)
class RemanentStudy(StudyResult):
    """What stays when the field is gone.

    Attributes
    ----------
    ridge : where the current of the warmest ramp turns round, from the middle along x, m
    clockwise : by temperature, share of the current that runs clockwise in the remanent state
    trapped : by the label of what was cooled in a field: mean and scatter of B_z over the inner half, T
    missing : what could not be had
    """

    ridge: Quantity
    clockwise: dict[float, Quantity]
    trapped: dict[str, Quantity]
    missing: dict[str, str] = field(default_factory=dict)

    def rows(self) -> list[Row]:
        trapped = [
            Row(
                f"trapped, {label}",
                value,
                "mean and scatter of the inner half",
                "trapped_field" if not number else f"trapped_field_{number + 1}",
                "G",
            )
            for number, (label, value) in enumerate(self.trapped.items())
        ]
        senses = [
            Row(
                f"clockwise share, {kelvin:g} K, remanent",
                share,
                "of the current around the sample",
                f"clockwise_{kelvin:g}K",
                "%",
            )
            for kelvin, share in self.clockwise.items()
        ]
        ridge = Row("ridge from the middle", self.ridge.to("mm"), "change of sign of J", "ridge")
        return [row for row in (ridge, *senses, *trapped) if np.isfinite(row.quantity)]


@study("Fig. 12 · The remanent state")
def study_remanent(sample: "Sample", flux: FluxStudy) -> RemanentStudy | Missing:
    """The ridge of the remanent rooftop, the senses of the current, and what is trapped after field cooling.

    Parameters
    ----------
    sample : from `open_sample`
    flux : from `study_flux`

    Returns
    -------
    The result, or `Missing` where the files hold no remanent state.
    """
    flux.maps[0].sample()
    sample.used.extend(one.name for one in flux.maps)
    missing: dict[str, str] = {}
    ridge, clockwise = Quantity(np.nan, np.nan, "m"), {}
    for one in flux.ramps[::-1]:
        if one.remanent is None:
            missing[one.label] = "no remanent frame"
            continue
        try:
            clockwise[one.temperature] = one.clockwise_share(one.remanent)
            if one is flux.warmest:
                ridge = one.ridge()
        except NotPossible as reason:
            missing[one.label] = str(reason)
    trapped = {one.label: one.trapped() for one in flux.cooled if not one.applied[-1]}
    if not clockwise and not trapped:
        raise NotPossible("the files hold no remanent state: no frame after the field was taken away")
    return RemanentStudy(ridge, clockwise, trapped, missing)


@dataclass(frozen=True, repr=False)
class BudgetStudy(StudyResult):
    """What moves J_c.

    Attributes
    ----------
    budget : relative change of J_c when an input moves by its σ, the largest first
    label : of the maps
    """

    budget: dict[str, float]
    label: str

    def rows(self) -> list[Row]:
        return [
            Row(name, _rough(share), f"of J_c, {self.label}", "", "%") for name, share in self.budget.items()
        ]


@study("What moves the answer")
def study_budget(sample: "Sample", flux: FluxStudy) -> BudgetStudy | Missing:
    """The change of J_c at the highest temperature when one input moves by its own σ.

    Parameters
    ----------
    sample : from `open_sample`; gives σ of the thickness
    flux : from `study_flux`

    Returns
    -------
    The result, or `Missing` where there is no ramp or no outline.
    """
    edge = sample.card.field_length
    sigma = edge.uncertainty if edge is not None and edge.uncertainty > 0 else 0.01e-3
    return BudgetStudy(current_budget(flux.warmest, thickness=sigma), flux.warmest.label)


# Against others --------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class ReferenceStudy(StudyResult):
    """Our B_z against somebody else's map of the same image.

    Attributes
    ----------
    difference : median and scatter of ours minus theirs, T
    ours, theirs : shape (n,), T, of the pixels compared
    """

    difference: Quantity
    ours: NDArray[Any]
    theirs: NDArray[Any]

    def rows(self) -> list[Row]:
        how = f"median and scatter of {self.ours.size} pixels"
        return [Row("ours − theirs", self.difference, how, "difference", "mT")]


@study("Against the authors' own map")
def study_reference(
    sample: "Sample",
    flux: FluxStudy,
    *,
    file: str,
    scale: Annotated[float, Field(gt=0)],
    between: tuple[float, float] = (0.0, np.inf),
) -> ReferenceStudy | Missing:
    """The first frame against another map of the same image, pixel by pixel.

    Parameters
    ----------
    sample : from `open_sample`
    flux : from `study_flux`
    file : of the other map, an image
    scale : T, of one of its counts
    between : T; where the other map is in this range, on the sample, and ours not doubtful

    Returns
    -------
    The result.
    """
    maps = flux.maps[0]
    theirs = read_image(_beside(sample, file)).values[::-1] * scale
    sample.used.extend([maps.name, file])
    if maps.calibration is None or theirs.shape != maps.field.shape[1:]:
        raise NotPossible(
            f"{file} has {theirs.shape} pixels, the frames {maps.field.shape[1:]}; they must be alike"
        )
    good = (theirs > between[0]) & (theirs < between[1]) & ~maps.calibration.doubtful[0] & maps.sample()
    ours, other = np.asarray(maps.calibration.field[0], float)[good], theirs[good]
    apart = ours - other
    return ReferenceStudy(Quantity(float(np.median(apart)), float(np.std(apart)), "T"), ours, other)


def study_all(sample: "Sample") -> dict[str, Any]:
    """Every study of a sample by its defaults, nothing kept: what a rival world or another sample gives.

    Parameters
    ----------
    sample : from `open_sample`

    Returns
    -------
    ``flux``, ``critical``, ``homogeneity`` and ``remanent``, each a result or `Missing`.
    """
    flux = study_flux(sample, record=False)
    return {
        "flux": flux,
        "critical": study_critical_current(sample, flux, record=False),
        "homogeneity": study_homogeneity(sample, flux, record=False),
        "remanent": study_remanent(sample, flux, record=False),
    }
