"""Where a sample's images meet the estimators: a stack of slices, the image of a section, element maps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nbtools.files.image_sets import ImageSet, described, edge_of, read_image_set
from nbtools.files.images import read_image
from nbtools.physics.proximity import clean_normal_length, dirty_normal_length
from nbtools.results import NotPossible
from nbtools.structure.choices import ChoicesStudy, estimate_choices
from nbtools.structure.fractal import (
    FractalVerdict,
    VerdictPower,
    estimate_box_dimension,
    estimate_verdict_power,
)
from nbtools.structure.isotropy import IsotropyStudy, estimate_isotropy
from nbtools.structure.percolation import Percolation, estimate_percolation
from nbtools.structure.phases import PhasesStudy, estimate_phases
from nbtools.structure.registration import RegistrationStudy, estimate_registration
from nbtools.structure.sections import SectionsStudy, estimate_sections
from nbtools.structure.segmentation import (
    Classes,
    Method,
    align_slices,
    overlap,
)
from nbtools.study import Missing, Row, StudyResult, study
from nbtools.units import Quantity

if TYPE_CHECKING:
    from nbtools.notebook.sample import Sample

Grey = NDArray[np.float32]
Size = Annotated[float, Field(gt=0)]
Smoothing = Annotated[float, Field(ge=0, le=20)]


@dataclass(frozen=True, repr=False)
class ImagesStudy(StudyResult):
    """The images of a sample.

    Attributes
    ----------
    files : stack, image and element maps, as the reader gives them
    pixel, voxel : edge of a pixel of the section and of a voxel of the stack, m; NaN where the file does not say
    missing : what could not be had, a sentence each
    """

    files: ImageSet
    pixel: float
    voxel: float
    missing: dict[str, str]

    def rows(self) -> list[Row]:
        rows = []
        for name, image, edge in (
            ("stack", self.files.stack, self.voxel),
            ("section", self.files.section, self.pixel),
        ):
            if image is not None:
                how = f"{described(image)}; stated by: {image.attrs.get('scale', 'the file')}"
                rows.append(Row(f"edge of a voxel, {name}", Quantity(edge, 0.0, "m"), how, shown="nm"))
        for element, counts in self.files.maps.items():
            rows.append(
                Row(
                    f"{element} map",
                    Quantity(float(counts.mean()), unit=""),
                    f"{described(counts)}; mean counts",
                )
            )
        return [row for row in rows if np.isfinite(row.quantity)]


@study("The data and the sample")
def study_images(
    sample: "Sample", *, voxel_size: Size | Sequence[Size] | None = None
) -> ImagesStudy | Missing:
    """The sample's stack of slices, the image of a section and its element maps.

    Parameters
    ----------
    sample : from `open_sample`
    voxel_size : m, one number or (z, y, x), where the files do not say it or say it wrongly; it is never guessed

    Returns
    -------
    The images, or `Missing` where the files hold none, or two where one is expected.
    """
    found = _or_not_possible(read_image_set, sample.files, voxel_size=voxel_size)
    if found.stack is not None and "tilt" in found.stack.dims:
        raise NotPossible(
            f"{found.stack.attrs.get('source', sample.name)} is a tilt series of projections; slices of a volume were "
            "expected: reconstruct it first"
        )
    missing: dict[str, str] = {}
    edges = {}
    for name, image in (("section", found.section), ("stack", found.stack)):
        edges[name] = float("nan")
        if image is None:
            missing[name] = f"{sample.name} holds no {'stack of slices' if name == 'stack' else 'image'}"
            continue
        sample.used.append(str(image.attrs.get("source", "")))
        try:
            edges[name] = edge_of(image)
        except ValueError as reason:
            missing[f"lengths in the {name}"] = str(reason)
    return ImagesStudy(found, edges["section"], edges["stack"], missing)


def _or_not_possible(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What a reader refuses is a study that is not possible."""
    try:
        return function(*arguments, **options)
    except ValueError as reason:
        raise NotPossible(str(reason)) from None


@study("Fig. 2(a) · From grey to phases")
def study_section(
    sample: "Sample",
    images: ImagesStudy,
    *,
    smoothing: Smoothing = 1.2,
    threshold: Method = "midpoint",
    classes: Classes = "auto",
) -> PhasesStudy | Missing:
    """The phases of a section: stripes out, denoised, thresholded.

    Parameters
    ----------
    sample : from `open_sample`
    images : from `study_images`
    smoothing : pixels, of the Gaussian
    threshold : "midpoint", "otsu" or "two-threshold"
    classes : 2, 3 with pores, or "auto"

    Returns
    -------
    The result, or `Missing` where there is no image, or one without two phases that can be told apart.
    """
    if images.files.section is None:
        raise NotPossible(images.missing["section"])
    sample.used.append(str(images.files.section.attrs.get("source", "")))
    return estimate_phases(
        images.files.section.values,
        edge=images.pixel,
        no_edge=images.missing.get("lengths in the section", ""),
        smoothing=smoothing,
        method=threshold,
        classes=classes,
        source=str(images.files.section.attrs.get("source", "")),
    )


@study("Fig. 3 · The volume")
def study_volume(
    sample: "Sample",
    images: ImagesStudy,
    *,
    smoothing: Smoothing = 0.8,
    threshold: Method = "midpoint",
    classes: Classes = "auto",
) -> PhasesStudy | Missing:
    """The phases of a volume: slices laid on each other, stripes out, denoised, thresholded.

    Parameters
    ----------
    sample : from `open_sample`
    images : from `study_images`
    smoothing : voxels, of the Gaussian
    threshold : "midpoint", "otsu" or "two-threshold"
    classes : 2, 3 with pores, or "auto"

    Returns
    -------
    The result, or `Missing` where there is no stack, or one without two phases that can be told apart.
    """
    if images.files.stack is None:
        raise NotPossible(images.missing["stack"])
    sample.used.append(str(images.files.stack.attrs.get("source", "")))
    aligned = align_slices(np.asarray(images.files.stack.data))
    return estimate_phases(
        aligned.stack,
        edge=images.voxel,
        no_edge=images.missing.get("lengths in the stack", ""),
        smoothing=smoothing,
        method=threshold,
        classes=classes,
        alignment=aligned,
        source=str(images.files.stack.attrs.get("source", "")),
    )


@study("Fig. 2(b) · Element maps against the image")
def study_registration(
    sample: "Sample", section: PhasesStudy, images: ImagesStudy
) -> RegistrationStudy | Missing:
    """Each element map on the image of the section, against chance.

    Parameters
    ----------
    sample : from `open_sample`
    section : from `study_section`
    images : gives the maps

    Returns
    -------
    The result, or `Missing` where there is no map.
    """
    if images.files.image is None or not images.files.maps:
        raise NotPossible(
            f"{sample.name} holds no element map beside an image; files named edx_boron, edx_oxygen or "
            "edx_magnesium are maps"
        )
    found, missing = {}, {}
    sample.used.append(section.source)
    sample.used.extend(str(counts.attrs.get("source", "")) for counts in images.files.maps.values())
    for element, counts in images.files.maps.items():
        # The dark phase holds boron, and less of the other two than MgO.
        values = np.asarray(counts.values, float) * (1 if element == "boron" else -1)
        try:
            found[element] = estimate_registration(section.phase, values)
        except NotPossible as reason:
            missing[f"{element} map"] = str(reason)
    maps = {element: np.asarray(counts.values) for element, counts in images.files.maps.items()}
    pixel = section.edge * section.phase.shape[1] / next(iter(maps.values())).shape[1]
    return RegistrationStudy(found, missing, maps, pixel)


@study("Fig. 2(c) · Counting boxes")
def study_box_dimension(
    sample: "Sample", section: PhasesStudy, *, nulls: Annotated[int, Field(ge=1)] = 39
) -> FractalVerdict | Missing:
    """Box counts of the section, and whether it is scale-free.

    Parameters
    ----------
    sample : from `open_sample`
    section : from `study_section`
    nulls : patterns of one length that it is compared with

    Returns
    -------
    The result, or `Missing` where the size of a pixel is not known or the phase is nowhere.
    """
    sample.used.append(section.source)
    return estimate_box_dimension(section.phase, voxel_size=section.voxel_size, seed=1, nulls=nulls)


@study("Fig. 3 · Counting boxes in the volume")
def study_volume_dimension(
    sample: "Sample", volume: PhasesStudy, *, nulls: Annotated[int, Field(ge=1)] = 39
) -> FractalVerdict | Missing:
    """Box counts of the volume, and whether its sections are scale-free.

    Parameters
    ----------
    sample : from `open_sample`
    volume : from `study_volume`
    nulls : patterns of one length that it is compared with

    Returns
    -------
    The result, or `Missing` where the size of a voxel is not known or the phase is nowhere.
    """
    sample.used.append(volume.source)
    return estimate_box_dimension(volume.phase, voxel_size=volume.voxel_size, seed=1, nulls=nulls)


@study("Fig. 2(c) · How far the answer moves with a choice")
def study_choices(sample: "Sample", section: PhasesStudy) -> ChoicesStudy | Missing:
    """D and verdict by every threshold, by a median filter, and of the other phase.

    Parameters
    ----------
    sample : from `open_sample`
    section : from `study_section`

    Returns
    -------
    The result, or `Missing` where the size of a pixel is not known.
    """
    sample.used.append(section.source)
    return estimate_choices(section)


@study("Fig. 2(c) · How good is the verdict?")
def study_verdict_power(
    sample: "Sample",
    fractal: FractalVerdict,
    *,
    side: Annotated[int, Field(ge=64, le=1024)] = 256,
    seeds: Annotated[int, Field(ge=2)] = 6,
) -> VerdictPower | Missing:
    """How often worlds with known answers are judged right, beside the pattern at hand.

    Parameters
    ----------
    sample : from `open_sample`
    fractal : from `study_box_dimension`
    side : pixels of a section
    seeds : of each world

    Returns
    -------
    The result, or `Missing` where there is no pattern to set beside it.
    """
    return replace(estimate_verdict_power(side=side, seeds=seeds, nulls=9), here=fractal.excess)


@study("Fig. 3(b) · Sections in three directions")
def study_sections(sample: "Sample", volume: PhasesStudy) -> SectionsStudy | Missing:
    """The usual slope and the area fraction of sections across each axis.

    Parameters
    ----------
    sample : from `open_sample`
    volume : from `study_volume`
    """
    sample.used.append(volume.source)
    return estimate_sections(volume.phase)


@study("Isotropy")
def study_isotropy(sample: "Sample", volume: PhasesStudy) -> IsotropyStudy | Missing:
    """The ellipsoid of mean intercept lengths, and the two-point correlation along the axes.

    Parameters
    ----------
    sample : from `open_sample`
    volume : from `study_volume`

    Returns
    -------
    The result, or `Missing` where the size of a voxel is not known.
    """
    sample.used.append(volume.source)
    return estimate_isotropy(volume.phase, voxel_size=volume.voxel_size)


@study("Does MgB₂ connect by itself?")
def study_percolation(
    sample: "Sample",
    volume: PhasesStudy,
    *,
    temperature: Size = 37.0,
    velocity: Size = 5e5,
    diffusivity: Size = 1e-4,
) -> Percolation | Missing:
    """Whether the phase connects, and the gap to be bridged beside the reach of a normal metal.

    Parameters
    ----------
    sample : from `open_sample`
    volume : from `study_volume`
    temperature : K, at which pairs reach into a metal
    velocity : Fermi velocity of the clean metal, m/s
    diffusivity : of the dirty metal, m²/s

    Returns
    -------
    The result, or `Missing` where the size of a voxel is not known or the phase is nowhere.
    """
    sample.used.append(volume.source)
    reaches = {
        "clean": Quantity(float(clean_normal_length(temperature, velocity=velocity)), 0.0, "m"),
        "dirty": Quantity(float(dirty_normal_length(temperature, diffusivity=diffusivity)), 0.0, "m"),
    }
    return replace(estimate_percolation(volume.phase, voxel_size=volume.voxel_size), reaches=reaches)


@dataclass(frozen=True, repr=False)
class HandDrawnStudy(StudyResult):
    """A threshold on grey beside what a person drew.

    Attributes
    ----------
    scores : Dice and MCC of each tile, by its name
    shares : of the dark phase by the threshold and by hand
    """

    scores: dict[str, dict[str, float]]
    shares: dict[str, tuple[Quantity, float]]

    @property
    def dice(self) -> Quantity:
        """Mean over the tiles."""
        each = [score["dice"] for score in self.scores.values()]
        return Quantity(float(np.mean(each)), float(np.std(each)))

    def rows(self) -> list[Row]:
        rows = [
            Row(
                "Dice, mean over tiles",
                self.dice,
                "as a section, Otsu threshold",
                "dice_against_hand",
            )
        ]
        for name, (ours, drawn) in self.shares.items():
            how = f"by hand {100 * drawn:.1f} %; Dice {self.scores[name]['dice']:.2f}"
            rows.append(Row(f"dark phase, {name}", ours, how, shown="%"))
        return rows


@study("Tiles segmented by hand")
def study_hand_drawn(sample: "Sample") -> HandDrawnStudy | Missing:
    """Tiles in pairs of a grey image and what a person drew dark on it.

    Parameters
    ----------
    sample : from `open_sample`; its files come in pairs, grey before drawn
    """
    scores, shares = {}, {}
    for grey, drawn in zip(sample.files[::2], sample.files[1::2], strict=True):
        by_hand = _or_not_possible(read_image, drawn).values < 128
        found = estimate_phases(_or_not_possible(read_image, grey).values, method="otsu")
        scores[grey.stem] = overlap(found.phase, by_hand)
        shares[grey.stem] = (found.share, float(by_hand.mean()))
        sample.used.append(grey.name)
    return HandDrawnStudy(scores, shares)


def study_all(sample: "Sample", **options: Any) -> dict[str, Any]:
    """Every study of a sample's volume by its defaults, nothing kept: what a wrong world or another sample gives.

    Parameters
    ----------
    sample : from `open_sample`
    options : of `study_volume`

    Returns
    -------
    ``volume``, ``sections``, ``isotropy``, ``percolation`` and ``section``, each a result or `Missing`.
    """
    images = study_images(sample, record=False)
    volume = study_volume(sample, images, record=False, **options)
    return {
        "section": study_section(sample, images, record=False),
        "volume": volume,
        "sections": study_sections(sample, volume, record=False),
        "isotropy": study_isotropy(sample, volume, record=False),
        "percolation": study_percolation(sample, volume, record=False),
    }
