"""The volume in the browser, drawn there by K3D: grey values as a cloud, masks as surfaces, at most 8 MB sent."""

import zlib
from importlib.util import find_spec
from typing import Any

import numpy as np

from nbtools.viewers.volume_layers import MASK_COLOURS, Layers

MOST_BYTES = 8_000_000
GREYS = 64  # levels that a cloud shows: more of them would be noise, sent at full length
LEVEL = 1  # of zlib: the others take longer and gain little


def why_no_k3d() -> str:
    """The sentence for a missing package; nothing where it is there."""
    if find_spec("k3d") is None or find_spec("ipywidgets") is None:
        return "K3D is not installed: pip install 'mgb2-notebooks[notebook,volume]'."
    return ""


def fitting(layers: Layers, most_bytes: int = MOST_BYTES) -> tuple[Layers, int]:
    """The layers, made coarser until what is sent has at most `most_bytes`; and how many bytes that is."""
    drawn = layers
    for factor in range(1, max(layers.raw.shape) + 1):
        drawn = layers.coarser(factor)
        sent = sum(_sent(field) for field in _fields(drawn))
        if sent <= most_bytes:
            break
    return drawn, sent


def make_plot(layers: Layers, *, title: str = "") -> Any:
    """A K3D plot with its axes in micrometres; the arrays go as compressed float16."""
    import k3d

    cloud, *surfaces = _fields(layers)
    bounds = _bounds(layers)
    plot = k3d.plot(
        height=480,
        background_color=0xFFFFFF,
        axes=[rf"{name}\,(\mu m)" for name in "xyz"],
        camera_auto_fit=True,
        grid_visible=True,
        menu_visibility=True,
        name=title or "volume",
    )
    ramp = np.array([0.0, 0.02, 0.02, 0.04, 1.0, 0.04 if surfaces else 0.4], np.float32)
    plot += k3d.volume(
        cloud,
        color_map=k3d.matplotlib_color_maps.Greys_r,
        color_range=[0.0, 1.0],
        opacity_function=ramp.reshape(-1, 2).ravel().tolist(),
        bounds=bounds,
        compression_level=LEVEL,
        name="raw",
    )
    for (name, _), field, colour in zip(layers.masks.items(), surfaces, MASK_COLOURS, strict=False):
        plot += k3d.marching_cubes(
            field,
            level=0.5,
            color=int(colour[1:], 16),
            bounds=bounds,
            flat_shading=False,
            compression_level=LEVEL,
            name=name,
        )
    return plot


def _fields(layers: Layers) -> list[np.ndarray]:
    """What is sent: grey values 0 … 1 in few levels, and the masks."""
    low, high = layers.range
    grey = np.clip((layers.raw - low) / (high - low), 0, 1)
    levels = np.round(grey * (GREYS - 1)) / (GREYS - 1)
    return [field.astype(np.float16) for field in (levels, *layers.masks.values())]


def _sent(field: np.ndarray) -> int:
    return len(zlib.compress(field.tobytes(), LEVEL))


def _bounds(layers: Layers) -> list[float]:
    """x, y and z from 0 to the volume's edge, micrometres."""
    sides = [n * side for n, side in zip(layers.raw.shape, layers.micrometres, strict=True)]
    return [edge for side in reversed(sides) for edge in (0.0, side)]
