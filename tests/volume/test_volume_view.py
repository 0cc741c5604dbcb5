"""A volume with no screen: the picture, what it says, and what may not be guessed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib_scalebar.scalebar import ScaleBar

from nbtools.volume import napari as volume_napari
from nbtools.volume import screens
from nbtools.volume import view as volume
from nbtools.volume.browser import fitting
from nbtools.volume.picture import draw_sections
from nbtools.volume.scene import averaged, read_scene
from nbtools.volume.view import draw_volume

VOXEL = (4e-8, 1e-8, 1e-8)


def ball(planes: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """A dark ball in a bright cube, whose voxels are four times as thick as wide."""
    z, y, x = np.indices((planes, 4 * planes, 4 * planes))
    inside = (4 * z - 2 * planes) ** 2 + (y - 2 * planes) ** 2 + (x - 2 * planes) ** 2 < (1.5 * planes) ** 2
    return np.where(inside, 60.0, 180.0), inside


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a server."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


@pytest.mark.parametrize("backend", ["auto", "napari", "picture"])
def test_without_a_screen_there_is_a_picture(backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was asked for, with a constant name and no live view that a stored notebook would miss."""
    monkeypatch.setattr(volume, "why_no_k3d", lambda: "K3D is not installed.")
    grey, inside = ball()
    view = draw_volume(grey, labels={"segmentation": inside}, voxel_size=VOXEL, backend=backend).of(
        "twin", "a ball"
    )
    bundle = view._repr_mimebundle_()
    assert view.backend == "picture"
    assert set(bundle) == {"image/png", "text/plain"}
    assert bundle["text/plain"] == "<VolumeView>"
    assert bundle["image/png"].startswith(b"\x89PNG")
    said = " ".join(text.get_text() for text in view.figure().texts)
    assert ("display" in said) == (backend == "napari")
    assert "synthetic (twin) · a ball" in said
    assert "16 × 64 × 64 voxels of 40 × 10 nm" in view.scene.resolution


def test_the_same_picture_has_the_same_bytes() -> None:
    """An unchanged notebook keeps its outputs."""
    grey, inside = ball()
    one, two = (
        draw_volume(grey, labels={"segmentation": inside}, voxel_size=VOXEL)._repr_mimebundle_()
        for _ in range(2)
    )
    assert one == two


def test_sections_keep_the_shape_of_a_voxel() -> None:
    """A ball is round in every section, though it has a quarter of the voxels along z; bars are round numbers."""
    grey, inside = ball()
    figure = draw_sections(read_scene(grey, {"segmentation": inside}, VOXEL, most=64**3))
    assert [axes.get_aspect() for axes in figure.axes] == [1, 4, 4, 1]
    bars = [artist for axes in figure.axes for artist in axes.artists if isinstance(artist, ScaleBar)]
    assert [bar.dx for bar in bars] == pytest.approx([10e-9] * 4)


def test_a_large_volume_is_averaged_and_says_so() -> None:
    """Each drawn voxel is the mean of those merged, those at the edge too; Zarr and Dask alike."""
    array = np.random.default_rng(0).random((9, 10, 11))
    means = averaged(array, 2)
    assert means.shape == (5, 5, 6)
    assert means[1, 2, 3] == pytest.approx(array[2:4, 4:6, 6:8].mean())
    assert means[-1, -1, -1] == pytest.approx(array[8:, 8:, 10:].mean())
    scene = read_scene(array, None, 1e-8, most=200)
    assert scene.factor == 2
    assert scene.resolution == "5 × 5 × 6 voxels of 20 nm, averaged over 2³ of 9 × 10 × 11"
    lazy = pytest.importorskip("dask.array").from_array(array, chunks=4)
    assert np.array_equal(read_scene(lazy, {"above": lazy > 0.5}, 1e-8, most=200).raw, scene.raw)


def test_a_browser_gets_no_more_than_it_takes() -> None:
    """Noise, which does not pack, is made coarser until it fits."""
    noise = np.random.default_rng(0).random((64, 64, 64))
    full = read_scene(noise, {"above": noise > 0.5}, 1e-8, most=64**3)
    (whole, most), (drawn, sent) = fitting(full), fitting(full, 60_000)
    assert (whole.factor, drawn.factor) == (1, 2)
    assert most > 60_000 >= sent
    assert drawn.edges == pytest.approx((0.02, 0.02, 0.02))


def test_masks_by_name() -> None:
    """They keep their names and their order; more than there are colours are refused."""
    array = np.arange(27).reshape(3, 3, 3)
    assert list(read_scene(array, {"b": array > 3, "a": array > 9}, 1.0, most=27).masks) == ["b", "a"]
    with pytest.raises(ValueError, match="7 masks came; at most 6"):
        read_scene(array, dict.fromkeys("abcdefg", array > 3), 1.0, most=27)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"voxel_size": None}, "in metres is expected"),
        ({"voxel_size": np.nan}, "in metres is expected"),
        ({"voxel_size": (1e-8, 1e-8)}, "one number or"),
        ({"voxel_size": 0}, "in metres is expected"),
        ({"labels": {"a": np.ones((2, 2, 2), bool)}}, r"\(2, 2, 2\) and the volume \(16, 64, 64\)"),
        ({"volume": np.ones((4, 4))}, r"\(4, 4\).*\(z, y, x\)"),
        ({"volume": np.ones((4, 4, 4), complex)}, "complex128"),
        ({"backend": "vtk"}, "'napari', 'k3d', 'picture', 'napari picture'"),
    ],
)
def test_what_cannot_be_drawn_says_why(changes: dict[str, Any], words: str) -> None:
    """A voxel size is never guessed, a mask never stretched."""
    grey, _ = ball()
    wish = {"volume": grey, "voxel_size": VOXEL} | changes
    with pytest.raises(ValueError, match=words):
        draw_volume(**wish)


def test_a_dead_display_is_found_out_by_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Qt would end this process; it ends the child, and a sentence comes back; it is asked again the next time."""
    pytest.importorskip("napari")
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.setattr(screens, "_answered", set())
    if sys.platform == "linux":
        assert "cannot open display ':987'" in screens.why_no_napari()
    monkeypatch.setattr(screens, "_try", lambda _: "")
    assert screens.why_no_napari() == ""  # a display opened since is found


def test_without_napari_or_x_server_the_document_has_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says what is missing."""
    monkeypatch.setattr(volume_napari, "in_memory_display", lambda: None)
    grey, inside = ball()
    view = draw_volume(grey, labels={"segmentation": inside}, voxel_size=VOXEL, backend="napari picture")
    assert "apt install xvfb" in " ".join(view.sentences)
    assert len(view.figure().axes) == 4


def test_no_screen_is_imported_by_looking() -> None:
    """Only what is shown is loaded."""
    script = "import sys, nbtools.volume.view; print({'napari', 'k3d', 'qtpy', 'IPython'} & set(sys.modules))"
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.strip() == "set()"


def test_one_call_shows_the_same_in_napari_in_the_browser_and_on_paper(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Grey values, masks by name in their colours, and lengths: read back from what each screen holds."""
    components = pytest.importorskip("napari.components")
    pytest.importorskip("k3d")
    grey, inside = ball()
    rim = np.zeros_like(inside)
    rim[2:14, 20:44, 4:16] = True
    masks = {"ball": inside, "rim": rim}
    monkeypatch.setattr(volume, "why_no_napari", lambda: "")

    def window(scene: Any) -> Any:
        viewer = components.ViewerModel()  # a viewer without its window
        volume_napari.fill(viewer, scene)
        return viewer

    monkeypatch.setattr(volume, "open_window", window)
    names: tuple[Any, ...] = ("napari", "k3d", "picture")
    napari, k3d, picture = (draw_volume(grey, labels=masks, voxel_size=VOXEL, backend=n) for n in names)
    assert [view.backend for view in (napari, k3d, picture)] == list(names)
    layers = {layer.name: layer for layer in napari.handle.layers}
    objects = {thing.name: thing for thing in k3d.handle.objects}
    assert list(layers) == list(objects) == ["raw", "ball", "rim"]
    assert np.array_equal(layers["raw"].data, grey)
    low, high = napari.scene.range
    assert objects["raw"].volume * (high - low) + low == pytest.approx(grey, abs=(high - low) / 63)
    for name, mask in masks.items():
        assert np.array_equal(layers[name].data, mask)
        assert np.array_equal(objects[name].scalar_field, mask)
        assert tuple(layers[name].scale) == pytest.approx([1e6 * edge for edge in VOXEL])
    # Lengths: 16 planes of 40 nm, 64 rows and columns of 10 nm.
    assert k3d.handle.objects[0].model_matrix.diagonal()[:3] == pytest.approx([0.64, 0.64, 0.64])
    figure = picture.figure()
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert legend == set(masks)
    assert np.array_equal(figure.axes[0].images[0].get_array(), grey[8])
    assert len(figure.axes[0].collections) == 2
    k3d.close()


def test_a_browser_is_sharpened_by_a_button() -> None:
    """First 64³, so that something is seen at once; then all that it takes, in the same place."""
    pytest.importorskip("k3d")
    grey, inside = ball(planes=32)  # 32 × 128 × 128
    view = draw_volume(grey, labels={"segmentation": inside}, voxel_size=VOXEL, backend="k3d")
    first = view.handle
    assert view.scene.factor == 2
    assert first.objects[1].scalar_field.shape == (16, 64, 64)
    box = view._live()
    button = box.children[-1]
    button.click()
    assert view.handle is box.children[0] is not first
    assert view.handle.objects[1].scalar_field.shape == (32, 128, 128)
    assert "32 × 128 × 128 voxels of 40 × 10 nm" in box.children[1].value
    assert len(box.children) == 2  # nothing is left to sharpen
    view.close()


def test_masked_voxels_are_not_drawn_as_measured() -> None:
    """Neither of the volume nor of a mask."""
    grey, _ = ball()
    hidden = np.ma.masked_greater(grey, 100)
    for volume_, labels in ((hidden, None), (grey, {"ball": hidden < 100})):
        with pytest.raises(ValueError, match="are masked"):
            read_scene(volume_, labels, VOXEL, most=64**3)
