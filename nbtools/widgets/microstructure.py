"""Structure under the hand: threshold, denoising and box range against fraction, dimension and verdict, live."""

from typing import Any, Literal

import numpy as np

from nbtools.analysis.gliding_boxes import gliding_boxes
from nbtools.analysis.section_judgement import EXCESS, judge_sections
from nbtools.analysis.segmentation import checked_grey, denoise, segment
from nbtools.explore.plots import Plot
from nbtools.explore.sliders import Explorer
from nbtools.units import Quantity

Array = np.ndarray[Any, np.dtype[np.float32]]

QUICK_NULLS = 5  # while a slider moves; the notebook's verdict has more
LARGEST = 192  # pixels a side that are judged while a slider moves


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
    """What a threshold, a filter and a range of boxes make of a section: fraction, slope, and what follows.

    Parameters
    ----------
    image : (y, x), stripes taken out
    pixel_size : m
    levels : grey of the dark and of the bright phase
    threshold : place between the two levels, 0 (dark) to 1 (bright)
    smoothing : pixels
    smallest, largest : boxes of the slope, pixels
    """
    dark, bright = levels
    grey = denoise(image, method=method, size=smoothing)
    phase = grey < dark + threshold * (bright - dark)
    share = float(phase.mean())
    metres = {"x_label": "x", "y_label": "y", "x_unit": "m", "y_unit": "m"}
    extent = (0.0, image.shape[1] * pixel_size, 0.0, image.shape[0] * pixel_size)
    seen = Plot(image=np.where(phase, 0.0, image), extent=extent, colours="gray", **metres)
    shown: dict[str, Any] = {"section": seen}
    if not 0.005 < share < 0.995:
        nothing = Quantity(np.nan)
        return shown | {"fraction": Quantity(share), "D": nothing, "excess": nothing, "scale-free": nothing}
    boxes = gliding_boxes([phase[None]])
    inside = (boxes.sizes >= smallest) & (boxes.sizes <= largest)
    slope = np.nan
    if inside.sum() >= 3:
        slope = 2 - np.polyfit(np.log(boxes.sizes[inside]), np.log(boxes.hit[inside]), 1)[0]
    judged = judge_sections([phase[None]], np.random.default_rng(0), nulls=QUICK_NULLS)
    local = {"this pattern": (boxes.sizes * pixel_size, boxes.local_dimensions, "o")}
    if judged.nulls:
        mean = np.mean([null.local_dimensions for null in judged.nulls], axis=0)
        local["one length"] = (boxes.sizes * pixel_size, mean)
    return (
        shown
        | local
        | {
            "fraction": Quantity(share),
            "D": Quantity(float(slope)),
            "excess": Quantity(judged.excess, EXCESS / 3),
            "scale-free": Quantity({"scale-free": 1.0, "not scale-free": 0.0}.get(judged.word, np.nan)),
        }
    )


def explore_structure(image: Any, *, pixel_size: float) -> Explorer:
    """Threshold, denoising and box range against fraction, D and verdict, on the middle of a section.

    Parameters
    ----------
    image : (y, x) grey, stripes taken out
    pixel_size : m
    """
    grey = checked_grey(image, dimensions=2)
    found = segment(denoise(grey, size=1.2))
    cuts = tuple(
        slice((side - min(side, LARGEST)) // 2, (side + min(side, LARGEST)) // 2) for side in grey.shape
    )
    return Explorer(
        structure_at,
        fixed={
            "image": grey[cuts],
            "pixel_size": pixel_size,
            "levels": (found.levels[1], found.levels[0]),
        },
        ranges={
            "threshold": (0.2, 0.8),
            "smoothing": (0.3, 3.0),
            "smallest": (2.0, 16.0),
            "largest": (16.0, 48.0),
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
