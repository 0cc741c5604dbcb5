"""An interface in napari: what was found is in its layers, in nm, and is seen where it was put."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from nbtools.volume import interface
from nbtools.volume.interface import draw_interface, interface_layers
from nbtools.volume.napari import NoScreen, napari_version
from nbtools.volume.scene import Scene
from nbtools.volume.screens import in_memory_display

PIXEL = 0.02e-9
SIDE = 200  # pixels: 4 nm


def planted():
    """One crystal above, another below y = 2 nm; three columns, a step of 0.4 nm in the middle."""
    upper = np.indices((SIDE, SIDE))[0] < SIDE // 2
    grain = SimpleNamespace(elements=np.array(["Mg", "Mg", "O"]))
    grain.of = lambda element: np.array([[20.0, 30], [40, 50], [60, 70]])[grain.elements == element]
    along = np.linspace(0, 4e-9, 41)
    line = SimpleNamespace(along=along)
    line.places = lambda height=0.0: np.stack([2e-9 - np.broadcast_to(height, along.shape), along], axis=1)
    steps = SimpleNamespace(along=along, fitted=0.4e-9 * (along > 2e-9), positions=[2.05e-9])
    rough = np.random.default_rng(0).poisson(60, (SIDE, SIDE))
    options = {"columns": [grain], "boundary": line, "line": line, "steps": steps, "windows": [upper, ~upper]}
    return interface_layers(rough, PIXEL, amplitudes={"MgO": 1.0 * upper, "MgB2": 1.0 * ~upper}, **options)


def test_places_are_in_nm():
    """Columns, both terraces, the boundary, the outlines of both windows."""
    layers = planted()
    assert np.allclose(layers.points["column Mg"], [[0.4, 0.6], [0.8, 1.0]])
    assert layers.lines["boundary"][0][-1] == pytest.approx([2, 4])
    low, high = layers.lines["terraces"]
    assert np.allclose(low, [[2, 0], [2, 2]]) and np.allclose(high, [[1.6, 2.1], [1.6, 4]])
    assert [np.ptp(line[:, 0]) for line in layers.lines["windows"]] == pytest.approx([2, 2], abs=0.1)


def test_the_file_for_the_child_holds_everything(tmp_path):
    """As it was written, so it is read."""
    layers = planted()
    layers.save(tmp_path / "layers.npz")
    back = Scene.load(tmp_path / "layers.npz")
    assert (back.voxel, back.unit, back.views, back.colours) == (
        layers.voxel,
        layers.unit,
        layers.views,
        layers.colours,
    )
    for part in ("images", "points", "lines"):
        assert list(getattr(back, part)) == list(getattr(layers, part))
    assert all(
        np.array_equal(*pair) for pair in zip(back.lines["terraces"], layers.lines["terraces"], strict=True)
    )


def test_without_a_screen_the_image_and_the_reason(monkeypatch):
    """A figure all the same."""

    def none(*_):
        raise NoScreen("no napari here")

    monkeypatch.setattr(interface, "napari_pictures", none)
    figure = draw_interface(planted())
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["no napari here"]


CHILD = """
import json, sys
from pathlib import Path
import napari, numpy as np
from nbtools.volume.napari import fill
from nbtools.volume.render import render
from nbtools.volume.scene import Scene
layers = Scene.load(Path(sys.argv[1]))
np.savez(sys.argv[2], **render(layers))
viewer = napari.Viewer(show=False)
fill(viewer, layers)
spans = [np.ptp(line, axis=0).tolist() for line in viewer.layers["terraces"].data]
kinds = {layer.name: layer._type_string for layer in viewer.layers}
print(json.dumps([kinds, viewer.layers["column O"].data.tolist(), spans]))
viewer.close()
"""


@pytest.mark.timeout(300)
@pytest.mark.skipif(not napari_version(), reason="napari is not installed: the extra `volume`")
@pytest.mark.skipif(in_memory_display() is None, reason="no X server in memory: apt install xvfb xauth")
def test_the_layers_read_back_and_are_seen(tmp_path):
    """Points, shapes and images by name; in the picture the upper lattice is blue, the lower one orange."""
    planted().save(tmp_path / "layers.npz")
    files = [str(tmp_path / name) for name in ("layers.npz", "pictures.npz")]
    command = [*in_memory_display(), sys.executable, "-c", CHILD, *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    kinds, oxygen, terraces = json.loads(done.stdout.splitlines()[-1])
    assert kinds == {
        "image": "image", "lattice MgO": "image", "lattice MgB2": "image", "column Mg": "points",
        "column O": "points", "boundary": "shapes", "terraces": "shapes", "windows": "shapes",
    }  # fmt: skip
    assert np.allclose(oxygen, [[1.2, 1.4]])
    assert np.allclose(terraces, [[0, 2], [0, 1.9]])
    with np.load(files[1]) as taken:
        red, _, blue = np.moveaxis(taken["both lattices"].astype(float), -1, 0)
        columns = taken["columns, boundary, terraces"]
    assert (blue - red)[60:150, 60:360].mean() > 40 and (red - blue)[250:340, 60:300].mean() > 40
    # The second terrace is yellow, 0.4 nm above the middle, on the right; 0.72 of 4 nm are 420 pixels.
    yellow = (columns[..., 0] > 180) & (columns[..., 1] > 170) & (columns[..., 2] < 120)
    assert np.median(np.argwhere(yellow[:, 240:410])[:, 0]) == pytest.approx(210 - 0.4 * 420 / 2.88, abs=6)
