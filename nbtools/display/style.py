"""House style: journal widths, one set of colours, and on every figure where its data come from."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtools.results import ORIGIN_LABELS, Origin
from nbtools.whole_file import replace_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

# Widths of one and two columns of a journal page.
COLUMN_MM = {1: 86.0, 2: 178.0}
# Okabe and Ito's colours: told apart by colour-blind readers, and in grey.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
    "#222222",
)
ELEMENT_COLOURS = {"Mg": ORANGE, "B": GREEN, "O": SKY, "Mg+O": YELLOW, "B+Mg": RED}
ORIGIN_COLOURS = {"twin": RED, "measured": GREEN, "digitised": BLUE, "paper": BLACK}
STYLE: "dict[RcKeyType, Any]" = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.1,
    "lines.markersize": 3,
    "pdf.fonttype": 42,
    "svg.hashsalt": "nbtools",
    "figure.dpi": 150,
    "savefig.dpi": 150,
    "mathtext.fontset": "dejavusans",
}


def new_figure(panels: int = 1, *, columns: int = 1, height: float | None = None) -> "tuple[Figure, Any]":
    """A figure of journal width with `panels` side by side; returns it and its axes (one, or an array).

    Parameters
    ----------
    columns : 1 (86 mm) or 2 (178 mm)
    height : mm; by default three quarters of a panel's width
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if columns not in COLUMN_MM:
        raise ValueError(f"columns is {columns!r}; a figure is 1 (86 mm) or 2 (178 mm) columns wide")
    width = COLUMN_MM[columns]
    size = (width / 25.4, (height or 0.75 * width / panels) / 25.4)
    with rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(1, panels)
    for number, axis in enumerate(figure.axes if panels > 1 else []):
        axis.set_title(f"({chr(ord('a') + number)})", loc="left", fontsize=8)
    return figure, axes


def tag_origin(axes: "Axes", origin: Origin, source: str = "") -> "Axes":
    """Write above the axes whether the data are measured, digitised or synthetic, and which they are."""
    text = ORIGIN_LABELS[origin] + (f" · {source}" if source else "")
    axes.set_title(text, loc="right", fontsize=6, color=ORIGIN_COLOURS[origin])
    return axes


def add_legend(axes: "Axes", **options: Any) -> "Axes":
    """A small legend without a frame that lets the curves through."""
    settings = {"fontsize": 6, "frameon": True, "framealpha": 0.8, "edgecolor": "none", "handlelength": 1.6}
    axes.legend(**(settings | options))
    return axes


def add_legend_beside(axes: "Axes", **options: Any) -> "Axes":
    """A small legend to the right of the panel, where many curves leave no room for it."""
    return add_legend(axes, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0, **options)


def temperature_colours(temperatures: Iterable[float]) -> list[Any]:
    """One colour a temperature, cold dark to warm light, even to the eye."""
    from matplotlib import colormaps

    values = list(temperatures)
    low, high = min(values), max(values)
    return [colormaps["viridis"](0.9 * (t - low) / ((high - low) or 1.0)) for t in values]


def picture(figure: "Figure") -> bytes:
    """The figure as PNG in the house style; its layout stays as it is now, which is the same in every format."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        return encode(figure, dpi=STYLE["savefig.dpi"])


def encode(figure: "Figure", *, dpi: float) -> bytes:
    """The figure as PNG, the same bytes for the same drawing."""
    from io import BytesIO

    if layout := figure.get_layout_engine():
        # `savefig` would draw all of it once for the layout alone.
        figure.set_dpi(dpi)
        layout.execute(figure)
        if _lift_tags(figure):
            layout.execute(figure)
        figure.set_layout_engine(None)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def _lift_tags(figure: "Figure") -> bool:
    """Over panels too narrow for letter and tag, put the tag higher and in two lines; whether there were any."""
    from matplotlib.text import Text

    lifted = False
    for axes in figure.axes:
        letter, tag = axes.get_title("left"), axes.get_title("right")
        if letter and tag:
            axes.apply_aspect()  # a map is narrower than its place
            texts = {text.get_text(): text for text in axes.findobj(Text) if isinstance(text, Text)}
            left, right = (texts[text].get_window_extent() for text in (letter, tag))
            if left.x1 > right.x0:
                texts[tag].set_text(tag.replace(" · ", "\n") + "\n")
                lifted = True
    return lifted


def export(
    figure: "Figure",
    name: str,
    folder: str | Path,
    kind: str = "pdf",
    *,
    about: Mapping[str, str] | None = None,
) -> Path:
    """Write the figure at its journal width; returns the path.

    Parameters
    ----------
    figure : to write
    name : of the file, without ending
    folder : for it
    kind : "pdf" or "svg" (vectors), or "png"
    about : "Creator" and "Subject" for the file's metadata

    Raises
    ------
    ValueError
        Another kind.
    """
    from matplotlib import rc_context

    said = dict(about or {})
    metadata: dict[str, Any] = {
        "pdf": {"CreationDate": None, "ModDate": None, **said},
        "svg": {"Date": None, "Creator": said.get("Creator"), "Description": said.get("Subject")},
        "png": {"Software": said.get("Creator"), "Description": said.get("Subject", "")},
    }
    if kind not in metadata:
        raise ValueError(f"a figure is exported as {', '.join(metadata)}; {kind!r} came")

    def save(temporary: Path) -> None:
        with rc_context(STYLE):
            figure.savefig(temporary, metadata=metadata[kind], dpi=300 if kind == "png" else None)

    return replace_whole(Path(folder) / f"{name}.{kind}", save)
