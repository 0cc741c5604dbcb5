"""A scale bar on an image."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def add_scale_bar(axes: "Axes", pixel_size: float) -> None:
    """A white bar of a round length, about a quarter of the width, with its length over it.

    Parameters
    ----------
    axes : that show the image
    pixel_size : m, of one unit of the horizontal axis: of a pixel where the image is drawn pixel for pixel, 1e-9 where
        it is drawn over nm

    Raises
    ------
    ValueError
        A size that is not positive.
    """
    from matplotlib_scalebar.scalebar import ScaleBar

    if not 0 < pixel_size < float("inf"):
        raise ValueError(f"pixel_size is {pixel_size}; metres a pixel, above 0, were expected")
    # On a dark ground of its own: images are white where it stands, too.
    bar = ScaleBar(
        pixel_size,
        "m",
        length_fraction=0.3,
        width_fraction=0.02,
        location="lower right",
        color="white",
        box_color="black",
        box_alpha=0.6,
        scale_loc="top",
        font_properties={"size": 6},
        pad=0.3,
        sep=2,
        rotation="horizontal-only",  # along x, also where a voxel is thicker than wide
        scale_formatter=lambda value, unit: f"{value:g} {'µm' if 'mu' in unit else unit}",
    )
    axes.add_artist(bar)
