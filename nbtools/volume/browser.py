"""The volume in the browser, drawn there by K3D: sections or a cloud of grey values, masks as surfaces."""

import zlib
from importlib.util import find_spec
from typing import Any

import numpy as np

from nbtools.volume.scene import MASK_COLOURS, Scene

MOST_BYTES = 8_000_000
GREYS = 64  # levels that a cloud shows: more of them would be noise, sent at full length
LEVEL = 1  # of zlib: the others take longer and gain little


def why_no_k3d() -> str:
    """The sentence for a missing package; nothing where it is there."""
    if find_spec("k3d") is None or find_spec("ipywidgets") is None:
        return "K3D is not installed: pip install 'mgb2-notebooks[notebook,volume]'."
    return ""


def fitting(scene: Scene, most_bytes: int = MOST_BYTES) -> tuple[Scene, int]:
    """The scene, made coarser until what is sent has at most `most_bytes`; and how many bytes that is."""
    drawn = scene
    for factor in range(1, max(scene.raw.shape) + 1):
        drawn = scene.coarser(factor)
        sent = sum(_sent(field) for field in _fields(drawn))
        if sent <= most_bytes:
            break
    return drawn, sent


def make_plot(scene: Scene, *, quick: bool = False) -> Any:
    """A K3D plot with its axes in micrometres.

    Behind surfaces the grey values stand as three sections, at first the far walls, which K3D's panel moves:
    a cloud would hide the surfaces, and without a graphics card takes half a minute. A `quick` one has edges that are
    not smoothed, which there saves a second.
    """
    import k3d

    grey, *surfaces = _fields(scene)
    common: dict[str, Any] = {"bounds": _bounds(scene), "compression_level": LEVEL}
    # White stays the page's: the brightest voxel is a light grey.
    shades = {"color_map": k3d.matplotlib_color_maps.Greys_r, "color_range": [-0.1, 1.2], "name": "raw"}
    plot = k3d.plot(
        height=480,
        background_color=0xFFFFFF,
        axes=[rf"{name}\,(\mu m)" for name in "xyz"],
        camera_auto_fit=False,
        colorbar_object_id=0,
        antialias=0 if quick else 3,
        name="volume",
    )
    if surfaces:
        far = {"slice_z": 0, "slice_y": grey.shape[1] - 1, "slice_x": 0}
        plot += k3d.volume_slice(grey, **far, **shades, **common)
    else:
        plot += k3d.volume(grey, samples=max(grey.shape), **shades, **common)
    for name, field, colour in zip(scene.masks, surfaces, MASK_COLOURS, strict=False):
        opacity = scene.opacity(name)
        shown = {"color": int(colour[1:], 16), "opacity": opacity, "flat_shading": False, "name": name}
        plot += k3d.marching_cubes(field, level=0.5, **shown, **common)
    plot.camera = _camera(common["bounds"])
    return plot


def _fields(scene: Scene) -> list[np.ndarray]:
    """What is sent: grey values 0 … 1 in few levels as float16, and the masks."""
    low, high = scene.range
    grey = np.clip((scene.raw - low) / (high - low), 0, 1)
    levels = np.round(grey * (GREYS - 1)) / (GREYS - 1)
    # K3D takes surfaces as float32 only; a mask packs well at any width.
    return [levels.astype(np.float16), *(mask.astype(np.float32) for mask in scene.masks.values())]


def _sent(field: np.ndarray) -> int:
    return len(zlib.compress(field.tobytes(), LEVEL))


def _bounds(scene: Scene) -> list[float]:
    """x, y and z from 0 to the volume's edge, micrometres."""
    sides = [n * side for n, side in zip(scene.raw.shape, scene.edges, strict=True)]
    return [edge for side in reversed(sides) for edge in (0.0, side)]


def _camera(bounds: list[float]) -> list[float]:
    """Where the eye stands, what it looks at, and which way is up."""
    low, high = np.array(bounds[::2]), np.array(bounds[1::2])
    centre = (low + high) / 2
    eye = centre + 1.1 * np.linalg.norm(high - low) * np.array([0.55, -0.7, 0.45])
    return [*map(float, (*eye, *centre)), 0.0, 0.0, 1.0]
