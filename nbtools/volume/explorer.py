"""A volume under the hand: threshold, section and denoising against any numbers of the phase, linked to napari."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.explore.plots import Plot
from nbtools.explore.sliders import Explorer
from nbtools.fitting.state import StateError
from nbtools.volume.scene import Scene, read_scene
from nbtools.volume.screens import why_no_napari

Mask = NDArray[np.bool_]
Numbers = Callable[..., Mapping[str, Any]]
LIVE = 128**3  # voxels that follow a slider at once
SMOOTHING = (0.0, 0.5, 1.0, 2.0)


class VolumeExplorer(Explorer):
    """How the numbers of a dark phase hang on its threshold, section and denoising; `open_napari` links a window.

    Parameters
    ----------
    volume : (z, y, x) grey values; NumPy, Zarr, Dask or xarray; averaged down to 128³ voxels
    voxel_size : edge of a voxel, m; one number or (z, y, x)
    numbers : ``numbers(mask, **choices)`` gives numbers, curves and plots by name, as a function for `Explorer` does
    threshold : where it starts, a grey value; by default the middle of the grey values
    smoothing : where it starts, voxels: 0, 0.5, 1 or 2
    choices : menus for further arguments of `numbers`; the first entry of each is where it starts
    labels : of the choices, on screen
    """

    def __init__(
        self,
        volume: Any,
        *,
        voxel_size: Any,
        numbers: Numbers,
        threshold: float | None = None,
        smoothing: float = 0.0,
        choices: Mapping[str, Sequence[Any]] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.scene: Scene = read_scene(volume, None, voxel_size, most=LIVE)
        self.viewer: Any = None
        self._numbers = numbers
        self._smoothed = lru_cache(2)(self._smooth)
        self._found = lru_cache(512)(self._find)
        low, high = self.scene.range
        start = (low + high) / 2 if threshold is None else min(max(threshold, low), high)
        menus: dict[str, Any] = {"smoothing": list(SMOOTHING)}
        menus |= {name: list(entries) for name, entries in (choices or {}).items()}
        super().__init__(
            self._function(list(choices or {})),
            against="threshold",
            sweep_points=15,
            ranges={"threshold": (low, high), "plane": (0, self.scene.raw.shape[0] - 1), **menus},
            values={
                "threshold": start,
                "smoothing": smoothing,
                "plane": self.scene.raw.shape[0] // 2,
                **{name: entries[0] for name, entries in (choices or {}).items()},
            },
            labels={"plane": "section along z", "smoothing": "smoothing (voxels)", **(labels or {})},
        )

    @property
    def mask(self) -> Mask:
        """The phase at this threshold, (z, y, x)."""
        return self._mask(self.arguments["threshold"], self.arguments["smoothing"])

    def open_napari(self) -> Any:
        """A napari window whose dock moves the same threshold and whose section is the same; returns its viewer.

        Raises
        ------
        StateError
            Why there can be no window here.
        """
        from nbtools.volume.dock import open_linked

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
        from nbtools.volume.dock import make_face

        return make_face(self)

    def _function(self, names: Sequence[str]) -> Callable[..., dict[str, Any]]:
        """The function of the sliders, whose signature names the menus that `numbers` takes."""
        import inspect

        def outcome(threshold: float, plane: int, smoothing: float = 0.0, **more: Any) -> dict[str, Any]:
            found = self._found(threshold, smoothing, tuple(more.items()))
            return {"section": self._section(threshold, plane, smoothing), **found}

        kinds = inspect.Parameter
        given = [
            *list(inspect.signature(outcome).parameters.values())[:3],
            *(kinds(name, kinds.KEYWORD_ONLY) for name in names),
        ]
        outcome.__signature__ = inspect.Signature(given)  # type: ignore[attr-defined]
        return outcome

    def _smooth(self, smoothing: float) -> NDArray[np.float32]:
        return ndimage.gaussian_filter(self.scene.raw, smoothing) if smoothing else self.scene.raw

    def _mask(self, threshold: float, smoothing: float) -> Mask:
        return self._smoothed(smoothing) < threshold

    def _find(self, threshold: float, smoothing: float, more: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
        return dict(self._numbers(self._mask(threshold, smoothing), **dict(more)))

    def _section(self, threshold: float, plane: int, smoothing: float) -> Plot:
        """Grey values with the phase's edge left blank."""
        section = self._smoothed(smoothing)[plane].copy()
        phase = self._mask(threshold, smoothing)[plane]
        section[phase & ~ndimage.binary_erosion(phase, border_value=1)] = np.nan
        rows, columns = (n * edge for n, edge in zip(section.shape, self.scene.edges[1:], strict=True))
        return Plot(
            image=section,
            extent=(0.0, columns, 0.0, rows),
            colours="gray",
            limits=self.scene.range,
            x_label="x (µm)",
            y_label="y (µm)",
        )
