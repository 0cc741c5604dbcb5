"""A volume under the hand: threshold, denoising and box sizes against fraction and D, linked to napari's window."""

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from scipy import ndimage

from nbtools.analysis.box_counting import box_counts
from nbtools.analysis.large_volumes import phase_fraction
from nbtools.explore.plots import Plot
from nbtools.explore.sliders import Explorer
from nbtools.fitting.state import StateError
from nbtools.viewers.screens import why_no_napari
from nbtools.viewers.volume_layers import Layers, read_layers

Phase = Literal["dark", "bright"]
LIVE = 128**3  # voxels that follow a slider at once
SMOOTHING = (0.0, 0.5, 1.0, 2.0)


def explore_volume(volume: Any, *, voxel_size: Any, phase: Phase = "dark") -> "VolumeExplorer":
    """How the fraction and D of a volume hang on its threshold, with one button for napari.

    Parameters
    ----------
    volume : (z, y, x) grey values; NumPy, Zarr, Dask or xarray; averaged down to 128³ voxels
    voxel_size : edge of a voxel, m; one number or (z, y, x)
    phase : which side of the one threshold it is; black pores are on the dark side, too
    """
    return VolumeExplorer(volume, voxel_size=voxel_size, phase=phase)


class VolumeExplorer(Explorer):
    """Threshold, section, denoising and range of boxes; `open_napari` links a window to them."""

    def __init__(self, volume: Any, *, voxel_size: Any, phase: Phase = "dark") -> None:
        if phase not in ("dark", "bright"):
            raise ValueError(
                f"phase is {phase!r}; 'dark' or 'bright', its side of the threshold, is expected"
            )
        self.layers: Layers = read_layers(volume, None, voxel_size, most=LIVE)
        self.study = ThresholdStudy(self.layers, phase)
        self.viewer: Any = None
        half = len(self.study.sizes) // 2  # every smallest box is smaller than every largest one
        super().__init__(
            self.study.outcome,
            against="threshold",
            sweep_points=15,
            ranges={
                "threshold": self.layers.range,
                "plane": (0, self.layers.raw.shape[0] - 1),
                "smoothing": list(SMOOTHING),
                "smallest": self.study.sizes[:half],
                "largest": self.study.sizes[half:],
            },
            values={
                "threshold": self.study.start,
                "plane": self.layers.raw.shape[0] // 2,
                "smallest": self.study.sizes[min(1, half - 1)],
                "largest": self.study.sizes[-1],
            },
            labels={
                "plane": "section along z",
                "smoothing": "smoothing (voxels)",
                "smallest": "smallest box (voxels)",
                "largest": "largest box (voxels)",
            },
        )

    @property
    def mask(self) -> np.ndarray:
        """The phase at this threshold, (z, y, x)."""
        return self.study.mask(self.arguments["threshold"], self.arguments["smoothing"])

    def open_napari(self) -> Any:
        """A napari window whose dock moves the same threshold and whose section is the same; returns its viewer.

        Raises
        ------
        StateError
            Why there can be no window here.
        """
        from nbtools.widgets.volume_dock import open_linked

        if self.viewer is None:
            reason = why_no_napari()
            if reason:
                raise StateError(f"{reason} The sections here stay live")
            self.viewer = open_linked(self)
        return self.viewer

    def close(self) -> None:
        """Close the face, and napari's window."""
        viewer, self.viewer = self.viewer, None
        if viewer is not None:
            viewer.close()
        super().close()

    def _make_face(self) -> Any:
        from nbtools.widgets.volume_dock import make_face

        return make_face(self)


class ThresholdStudy:
    """Fraction and box counts of a volume at any threshold; what was counted once is kept."""

    def __init__(self, layers: Layers, phase: Phase) -> None:
        self.layers, self.phase, self.sign = layers, phase, "<" if phase == "dark" else ">"
        longest = int(np.log2(min(layers.raw.shape)))
        self.sizes = [2**power for power in range(max(3, longest))]
        self.start = float(np.mean(layers.range))
        self.smoothed = lru_cache(2)(self._smoothed)
        self.numbers = lru_cache(512)(self._numbers)

    def outcome(
        self, threshold: float, plane: int, smoothing: float = 0.0, smallest: int = 2, largest: int = 32
    ) -> dict[str, Any]:
        """The section with the phase's edge left blank, local slopes, fraction and D."""
        fraction, slopes, dimension = self.numbers(threshold, smoothing, smallest, largest)
        number = plane
        section = self.smoothed(smoothing)[number].copy()
        phase = self.mask(threshold, smoothing)[number]
        section[phase & ~ndimage.binary_erosion(phase, border_value=1)] = np.nan
        return {
            "section": self._section_plot(section),
            "local slopes": self._slope_plot(slopes, smallest, largest),
            "fraction": fraction,
            "D": dimension,
        }

    def mask(self, threshold: float, smoothing: float) -> np.ndarray:
        """The phase."""
        grey = self.smoothed(smoothing)
        return grey < threshold if self.phase == "dark" else grey > threshold

    def chosen(self, smallest: int, largest: int) -> list[int]:
        """The sizes from one to the other."""
        return [size for size in self.sizes if smallest <= size <= largest]

    def _smoothed(self, smoothing: float) -> np.ndarray:
        return ndimage.gaussian_filter(self.layers.raw, smoothing) if smoothing else self.layers.raw

    def _numbers(
        self, threshold: float, smoothing: float, smallest: int, largest: int
    ) -> tuple[float, np.ndarray, float]:
        """Fraction, local slopes between neighbouring sizes, and the slope over all of them (NaN: no boxes)."""
        sizes = self.chosen(smallest, largest)
        mask = self.mask(threshold, smoothing)
        counts = box_counts(mask, sizes).counts
        if not counts.all():
            return 0.0, np.full(len(sizes) - 1, np.nan), float("nan")
        slopes = -np.diff(np.log(counts)) / np.diff(np.log(sizes))
        return phase_fraction(mask), slopes, float(-np.polyfit(np.log(sizes), np.log(counts), 1)[0])

    def _section_plot(self, section: np.ndarray) -> Plot:
        rows, columns = (n * edge for n, edge in zip(section.shape, self.layers.micrometres[1:], strict=True))
        return Plot(
            image=section,
            extent=(0.0, columns, 0.0, rows),
            colours="gray",
            limits=self.layers.range,
            x_label="x (µm)",
            y_label="y (µm)",
        )

    def _slope_plot(self, slopes: np.ndarray, smallest: int, largest: int) -> Plot:
        middles = np.log2(self.chosen(smallest, largest))[:-1] + 0.5
        return Plot(
            {"−d ln N/d ln ε": (middles, slopes, "o")},
            x_label="log₂ of the box (voxels)",
            y_label="local slope",
        )
