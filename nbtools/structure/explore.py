"""Structure under the hand: threshold, filter and range of boxes against fraction, dimension and verdict; volumes."""

from typing import Any, Literal

import numpy as np

from nbtools.display.widget import widget
from nbtools.explore.plots import Plot
from nbtools.explore.sliders import Explorer
from nbtools.structure.box_counting import box_counts, occupied_boxes
from nbtools.structure.fractal import box_slope, judge_sections
from nbtools.structure.isotropy import phase_share
from nbtools.structure.percolation import spanning_cluster
from nbtools.structure.phases import PhasesStudy
from nbtools.structure.segmentation import denoise
from nbtools.units import Quantity
from nbtools.volume.explorer import VolumeExplorer
from nbtools.volume.view import Backend, VolumeView, draw_volume

Array = np.ndarray[Any, np.dtype[np.float32]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

QUICK_NULLS = 5  # while a slider moves; the notebook's verdict has more
LARGEST = 192  # pixels a side that are judged while a slider moves
COVER = 16  # voxels


def structure_at(
    image: Array,
    pixel_size: float,
    levels: tuple[float, float],
    *,
    threshold: float = 0.5,
    smoothing: float = 1.2,
    smallest: int = 2,
    largest: int = 48,
    method: Literal["gaussian", "median"] = "gaussian",
) -> dict[str, Any]:
    """What a threshold, a filter and a range of boxes make of a section: fraction, D, and what follows.

    Parameters
    ----------
    image : (y, x), stripes taken out
    pixel_size : m
    levels : grey of the dark and of the bright phase
    threshold : place between the two levels, 0 (dark) to 1 (bright)
    smoothing : pixels
    smallest, largest : boxes of the slope, pixels
    method : of the filter
    """
    dark, bright = levels
    phase = denoise(image, method=method, size=smoothing) < dark + threshold * (bright - dark)
    height, width = (side * pixel_size for side in image.shape)
    seen = Plot(
        image=np.where(phase, 0.0, image),
        extent=(0.0, width, 0.0, height),
        colours="gray",
        x_label="x",
        y_label="y",
        x_unit="m",
        y_unit="m",
    )
    shown: dict[str, Any] = {"section": seen}
    if not 0.005 < phase.mean() < 0.995:
        nothing = Quantity(np.nan)
        share = Quantity(float(phase.mean()))
        return shown | {"fraction": share, "D": nothing, "excess": nothing, "scale-free": nothing}
    sizes = [size for size in 2 ** np.arange(8) if smallest <= size <= largest]
    judged = judge_sections([phase[None]], np.random.default_rng(0), nulls=QUICK_NULLS)
    boxes = judged.sections
    local: dict[str, Any] = {"this pattern": (boxes.sizes * pixel_size, boxes.local_dimensions, "o")}
    if judged.nulls:
        mean = np.mean([null.local_dimensions for null in judged.nulls], axis=0)
        local["one length"] = (boxes.sizes * pixel_size, mean)
    word = {"scale-free": 1.0, "not scale-free": 0.0}.get(judged.verdict, np.nan)
    numbers = {
        "fraction": phase_share(phase),
        "D": box_slope(phase, [int(size) for size in sizes]),
        "excess": Quantity(judged.excess, judged.scatter),
        "scale-free": Quantity(word),
    }
    return shown | local | numbers


@widget
def section(study: PhasesStudy) -> Explorer:
    """Threshold, denoising and box range against fraction, D and verdict, on a part of a section.

    Parameters
    ----------
    study : from `study_section`
    """
    return Explorer(
        structure_at,
        fixed={
            "image": study.flat[_typical(study.phase)],
            "pixel_size": study.voxel_size,
            "levels": (study.found.levels[1], study.found.levels[0]),
        },
        ranges={
            "threshold": (0.2, 0.8),
            "smoothing": (0.3, 3.0),
            "smallest": (1.0, 8.0),
            "largest": (16.0, 64.0),
        },
        values={"threshold": 0.5, "smoothing": 1.2, "smallest": 2.0, "largest": 48.0},
        labels={
            "threshold": "threshold (dark 0 … bright 1)",
            "smoothing": "smoothing (px)",
            "smallest": "smallest box (px)",
            "largest": "largest box (px)",
        },
        x_label="box size",
        x_unit="m",
        y_label="local dimension",
    )


def _typical(phase: Mask) -> tuple[slice, slice]:
    """The part of a section, so large as a slider can judge, that holds the phase as the whole does."""
    sides = [min(side, LARGEST) for side in phase.shape]
    starts = [
        np.unique(np.linspace(0, n - side, 5).astype(int)) for n, side in zip(phase.shape, sides, strict=True)
    ]
    parts = [
        (slice(y, y + sides[0]), slice(x, x + sides[1]))
        for y in map(int, starts[0])
        for x in map(int, starts[1])
    ]
    return min(parts, key=lambda part: round(abs(float(phase[part].mean() - phase.mean())), 9))


@widget
def scene(study: PhasesStudy, *, backend: Backend = "auto") -> VolumeView:
    """The volume with its dark phase, the part of it that reaches through, and the boxes that cover that.

    Parameters
    ----------
    study : from `study_volume`
    backend : as `draw_volume` has them: "auto", "napari", "k3d", "napari picture" or "picture"
    """
    through = spanning_cluster(study.phase)
    labels = {"dark phase": study.phase, "reaches through": through}
    if backend != "napari picture" and through.any():
        labels[f"boxes of {COVER}"] = occupied_boxes(through, COVER)
    return draw_volume(study.grey, labels=labels, voxel_size=study.voxel_size, backend=backend)


def volume_at(mask: Mask, *, smallest: int = 2, largest: int = 32) -> dict[str, Any]:
    """Fraction and D of a phase, with σ, and the local slopes.

    Parameters
    ----------
    mask : (z, y, x)
    smallest, largest : boxes of the slope, voxels
    """
    sizes = [int(size) for size in 2 ** np.arange(12) if smallest <= size <= largest]
    found = {
        "fraction": phase_share(mask) if mask.any() else Quantity(0.0, 0.0),
        "D": box_slope(mask, sizes),
    }
    counts = box_counts(mask, sizes).counts
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = -np.diff(np.log(counts)) / np.diff(np.log(sizes))
    local = Plot(
        {"−d ln N/d ln ε": (np.log2(sizes)[:-1] + 0.5, np.where(np.isfinite(slopes), slopes, np.nan), "o")},
        x_label="log₂ of the box (voxels)",
        y_label="local slope",
    )
    return {"local slopes": local, **found}


@widget
def volume(study: PhasesStudy) -> VolumeExplorer:
    """Threshold, denoising and box range against fraction and D of a volume, linked to napari by a button.

    Parameters
    ----------
    study : from `study_volume`
    """
    longest = int(np.log2(min(study.flat.shape)))
    sizes = [2**power for power in range(max(3, longest))]
    half = len(sizes) // 2  # every smallest box is smaller than every largest one
    return VolumeExplorer(
        study.flat,
        voxel_size=study.voxel_size,
        threshold=study.found.thresholds[0],
        smoothing=1.0,
        numbers=volume_at,
        choices={"smallest": sizes[:half][::-1], "largest": sizes[half:][::-1]},
        labels={"smallest": "smallest box (voxels)", "largest": "largest box (voxels)"},
    )
