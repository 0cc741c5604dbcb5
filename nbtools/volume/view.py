"""A volume on the best screen there is: napari's window, K3D in the browser, or else a picture."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self

from nbtools.display.gui import button
from nbtools.display.style import ORIGIN_COLOURS, picture
from nbtools.results import ORIGIN_LABELS, Origin
from nbtools.volume.browser import fitting, make_plot, why_no_k3d
from nbtools.volume.napari import NoScreen, compose, napari_pictures, napari_version, open_window
from nbtools.volume.picture import draw_sections
from nbtools.volume.scene import Scene, read_scene
from nbtools.volume.screens import front_end_running, why_no_napari

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Backend = Literal["auto", "napari", "k3d", "napari picture", "picture"]
LADDER = ("napari", "k3d", "picture")
# Voxels that each screen is given at most; a browser is also held to its bytes.
MOST = {"napari": 320**3, "k3d": 256**3, "napari picture": 256**3, "picture": 256**3}
# A browser's first picture: surfaces of 128³ voxels take K3D three times the work of everything else together.
FIRST = 64**3


class VolumeView:
    """A volume being shown: live where there is a screen, and for everyone else its picture.

    Attributes
    ----------
    backend : ``"napari"``, ``"k3d"`` or ``"picture"``: where it is shown
    scene : what is drawn there
    sentences : what of the wish could not be had and why
    handle : napari's viewer or K3D's plot; None for a picture
    sent : bytes for the browser, else 0
    """

    def __init__(self, backend: str, scene: Scene, *, sentences: list[str], handle: Any = None) -> None:
        self.backend, self.scene, self.sentences = backend, scene, sentences
        self.handle, self.sent = handle, 0
        self._finer: Callable[[], Scene] | None = None
        self._box: Any = None
        self.draw: Callable[[Scene], Figure] = draw_sections
        self._origin = ("", "#777777")

    def of(self, origin: Origin, source: str = "") -> Self:
        """Say on the view and its picture whether the data are measured, digitised or synthetic."""
        label = ORIGIN_LABELS[origin] + (f" · {source}" if source else "")
        self._origin = (label, ORIGIN_COLOURS[origin])
        return self

    def figure(self) -> "Figure":
        """The picture: sections with scale bars, where the data come from, and why it is no more than a picture."""
        figure = self.draw(self.scene)
        label, colour = self._origin
        figure.suptitle(
            " ".join([self.scene.resolution + ".", *self.sentences, self._cost]),
            fontsize=6,
            x=0.01,
            ha="left",
        )
        figure.text(0.995, 0.005, label, ha="right", va="bottom", fontsize=6, color=colour)
        return figure

    def sharpen(self) -> None:
        """Draw as many voxels as the browser takes, in the place of a quick first picture; else nothing happens."""
        if self._finer is not None:
            self.scene, self._finer = self._finer(), None
            self._draw_in_browser()

    def _draw_in_browser(self) -> None:
        before = self.handle
        self.scene, self.sent = fitting(self.scene)
        self.handle = make_plot(self.scene, quick=self._finer is not None)
        if self._box is not None:
            self._box.children = self._shown_parts()
        if before is not None:
            before.close()

    def close(self) -> None:
        """Close the window or the live view; the picture stays."""
        if self.handle is not None:
            self.handle.close()
            self.handle = None

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {}
        if self.backend == "k3d" and self.handle is not None:
            bundle.update(self._live()._repr_mimebundle_())
        return {**bundle, "image/png": picture(self.figure()), "text/plain": repr(self)}

    def _live(self) -> Any:
        import ipywidgets

        self._box = ipywidgets.VBox(self._shown_parts())
        return self._box

    def _shown_parts(self) -> list[Any]:
        """K3D's plot, what is said under it, and a button while there is more to be seen."""
        import html

        import ipywidgets

        label, colour = self._origin
        words = html.escape(" ".join([self.scene.resolution + ".", *self.sentences, self._cost]))
        origin = f'<span style="color:{colour}">{html.escape(label)}</span>'
        line = f'<div style="font-size:11px;line-height:15px">{words} {origin}</div>'
        parts = [self.handle, ipywidgets.HTML(line)]
        if self._finer is not None:
            tip = "all voxels that the browser takes; without a graphics card this takes some ten seconds"
            parts.append(button("Sharpen", self.sharpen, tip=tip))
        return parts

    @property
    def _cost(self) -> str:
        return f"K3D, {self.sent / 1e6:.2g} MB sent." if self.sent else ""

    def __repr__(self) -> str:
        return "<VolumeView>"


def draw_volume(
    volume: Any, *, labels: Mapping[str, Any] | None = None, voxel_size: Any, backend: Backend = "auto"
) -> VolumeView:
    """Show a volume with its masks, to scale, where it can be seen best; returns at once.

    Parameters
    ----------
    volume : (z, y, x) grey values; NumPy, Zarr, Dask or xarray; averaged down to what the screen takes
    labels : masks by name, as in
        ``{"segmentation": mask, "percolating cluster": cluster, "boxes of 16": cover}``
    voxel_size : edge of a voxel, m; one number or (z, y, x). It is never guessed.
    backend : ``"auto"`` takes napari where a front end and a display are there, K3D where only a front end
        is, else a picture. ``"napari picture"`` lets napari draw in a process of its own, from one fixed side, so
        that its view stands in a document. Where a wish cannot be had the next one is taken and says so

    Raises
    ------
    ValueError
        No volume, masks of another shape, a missing voxel size, an unknown backend.
    """
    known = ("auto", *LADDER, "napari picture")
    if backend not in known:
        raise ValueError(f"backend is {backend!r}; one of {str(known)[1:-1]} is expected")
    if backend == "napari picture":
        return _drawn_by_napari(read_scene(volume, labels, voxel_size, most=MOST[backend]))
    first = LADDER.index(backend) if backend != "auto" else 0
    sentences: list[str] = []
    for name in LADDER[first:]:
        reason = _why_not(name, asked=backend == name)
        if not reason:
            return _shown(name, partial(read_scene, volume, labels, voxel_size), sentences)
        if reason not in sentences:
            sentences.append(reason)
    raise AssertionError("a picture can always be drawn")


def _drawn_by_napari(scene: Scene) -> VolumeView:
    """napari's own view as a picture; sections where that is not possible."""
    try:
        taken = napari_pictures(scene)
    except NoScreen as reason:
        return VolumeView("picture", scene, sentences=[str(reason)])
    view = VolumeView("picture", scene, sentences=[f"Drawn by napari {napari_version()}."])
    view.draw = lambda drawn: compose(taken, drawn)
    return view


def _why_not(backend: str, *, asked: bool) -> str:
    """Why a screen cannot be had, as a sentence; nothing where it can."""
    if backend == "picture":
        return ""
    # Who asks for one by name gets it without a front end as well: a script that goes on with napari.run().
    if not asked and not front_end_running():
        return "Nobody watches this run: in JupyterLab the volume is shown live."
    return why_no_napari() if backend == "napari" else why_no_k3d()


def _shown(backend: str, read: Callable[..., Scene], sentences: list[str]) -> VolumeView:
    """`read` gives the scene with at most so many voxels."""
    if backend != "k3d":
        scene = read(most=MOST[backend])
        handle = open_window(scene) if backend == "napari" else None
        return VolumeView(backend, scene, sentences=sentences, handle=handle)
    view = VolumeView(backend, read(most=FIRST), sentences=sentences)
    if view.scene.factor > 1:
        view._finer = partial(read, most=MOST[backend])
    view._draw_in_browser()
    return view
