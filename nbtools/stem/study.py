"""Where a sample's images meet the estimators of interfaces."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from nbtools.files.crystal import own_crystal, read_crystal
from nbtools.files.images import LATTICE, read_images
from nbtools.results import NotPossible
from nbtools.stem.boundary import LayerStudy, estimate_layers
from nbtools.stem.columns import ColumnsStudy, estimate_columns
from nbtools.stem.elements import IslandsStudy, estimate_islands
from nbtools.stem.image import ImageError, ImagesStudy, check_lattice_image, check_plane
from nbtools.stem.interface import GrainsStudy, PlanesStudy, estimate_grains, estimate_parallel_planes
from nbtools.stem.terraces import PENALTY, TerracesStudy, estimate_terraces
from nbtools.study import Missing, study

if TYPE_CHECKING:
    from nbtools.notebook.sample import Sample
    from nbtools.physics.crystal_lattice import Structure

ELEMENT = re.compile(r"(?i:edx|eds|map|eels)[_ -]?([A-Z][a-z]?)$|^([A-Z][a-z]?)(?: [KLM][a-z]?)?$")


@study("The images")
def study_images(
    sample: "Sample",
    *,
    pixel_size: Annotated[float, Field(gt=0)] | None = None,
    signal: str | None = None,
) -> ImagesStudy | Missing:
    """Every image in the files: those that may show a lattice, maps of elements, and overviews.

    Parameters
    ----------
    sample : from `open_sample`
    pixel_size : m, for images that state none
    signal : of files that hold several images, the title of the one that counts; by default all

    Returns
    -------
    The images, or `Missing` where the files hold none.
    """
    images, maps, overviews, left_out, beside = {}, {}, {}, {}, {}
    for path in sample.files:
        try:
            found = read_images(path)
        except (ValueError, OSError) as problem:
            left_out[path.name] = " ".join(str(problem).split()).removeprefix(f"{path.name} ")
            continue
        several = len(found) > 1
        if signal is not None and several:
            titles = [str(one.attrs["title"]) for one in found]
            found = [one for one in found if one.attrs["title"] == signal]
            if not found:
                left_out[path.name] = f"it holds no signal {signal!r}, but {', '.join(titles)}"
        for one in found:
            name = path.stem if not several else f"{path.stem} {one.attrs['title']}"
            given = pixel_size if pixel_size is not None and "x" not in one.coords else None
            element = ELEMENT.search(path.stem if not several else str(one.attrs["title"]))
            step = _step(one, given)
            try:
                if element:
                    kind = element.group(1) or element.group(2)
                    maps[kind] = (check_plane(one), step)
                elif step > LATTICE:
                    overviews[name] = (check_plane(one), step)
                else:
                    remark = str(one.attrs.get("remark", ""))
                    images[name] = check_lattice_image(one, given, name=name, remark=remark)
            except ImageError as problem:
                left_out[name] = str(problem)
        beside[path.name] = found[0].attrs["beside"] if found else []
        sample.used.append(path.name)
    if not images and not maps and not overviews:
        raise NotPossible(
            "; ".join(f"{name}: {reason}" for name, reason in left_out.items()) or "no image came"
        )
    return ImagesStudy(images, maps, overviews, left_out, beside)


def _step(image: Any, given: float | None) -> float:
    """Edge of a pixel, m; NaN where nothing says it."""
    if given is not None:
        return given
    if "x" not in image.coords or image.sizes["x"] < 2:
        return float("nan")
    return abs(float(image.coords["x"][1] - image.coords["x"][0]))


def crystals_named(names: tuple[str, ...]) -> "dict[str, Structure]":
    """The package's own crystals by name, others from a CIF."""
    if not names:
        raise ValueError("no crystal came; at least one is needed to index a pattern")
    known: dict[str, Any] = {}
    for name in names:
        crystal = read_crystal(name) if Path(name).suffix.lower() == ".cif" else own_crystal(name)
        known[Path(name).stem if name.lower().endswith(".cif") else name] = crystal
    return known


@study("Grains and zones")
def study_grains(
    sample: "Sample",
    images: ImagesStudy,
    *,
    image: str | None = None,
    crystals: tuple[str, ...] = ("MgO", "MgB2"),
    standard: str | None = None,
    largest_index: Annotated[int, Field(ge=1, le=5)] = 3,
) -> GrainsStudy | Missing:
    """The grains of one image, and which crystal each is, along which zone.

    Parameters
    ----------
    sample : from `open_sample`
    images : from `study_images`
    image : its name; by default the first that may show a lattice
    crystals : that a grain may be: names of the package's own, or CIF files
    standard : the crystal whose lattice corrects the scan; by default MgO where a grain is that, "" for none
    largest_index : of the zones tried

    Returns
    -------
    The result, or `Missing` where there is no such image, or no lattice in it.
    """
    known = crystals_named(crystals)
    if standard and standard not in known:
        raise ValueError(
            f"standard is {standard!r}; expected one of the crystals, {', '.join(known)}, or none"
        )
    chosen = images.choose(image)
    return estimate_grains(chosen, known, standard=standard, largest_index=largest_index)


@study("Planes that run along each other")
def study_parallel_planes(sample: "Sample", grains: GrainsStudy) -> PlanesStudy | Missing:
    """Planes of two grains within 2°, their misfit, and how often chance shows such a pair.

    Parameters
    ----------
    sample : from `open_sample`
    grains : from `study_grains`

    Returns
    -------
    The result, or `Missing` where the image shows one grain, or grains that are not indexed.
    """
    return estimate_parallel_planes(grains)


@study("Columns")
def study_columns(sample: "Sample", grains: GrainsStudy) -> ColumnsStudy | Missing:
    """The columns of every indexed grain, placed by its waves and fitted one by one.

    Parameters
    ----------
    sample : from `open_sample`
    grains : from `study_grains`

    Returns
    -------
    The result, or `Missing` where no grain is indexed.
    """
    return estimate_columns(grains)


@study("Is anything between the grains?")
def study_layer(sample: "Sample", grains: GrainsStudy) -> LayerStudy | Missing:
    """The width of a layer without a lattice, as an upper limit, and the overlap of the grains in projection.

    Parameters
    ----------
    sample : from `open_sample`
    grains : from `study_grains`; they need not be indexed

    Returns
    -------
    The result, or `Missing` where the image shows one grain.
    """
    return estimate_layers(grains)


@study("Terraces and steps")
def study_terraces(
    sample: "Sample",
    grains: GrainsStudy,
    *,
    planes: tuple[int, int, int] | None = None,
    price: Annotated[float, Field(gt=0)] = PENALTY,
) -> TerracesStudy | Missing:
    """Steps of the boundary between two indexed grains, from which columns of either are there.

    Parameters
    ----------
    sample : from `open_sample`
    grains : from `study_grains`
    planes : hkl that the terraces follow; by default those that explain the columns best
    price : of a step, in logarithms of the places

    Returns
    -------
    The result, or `Missing` where the image shows one grain, or no planes run along the boundary.
    """
    return estimate_terraces(grains, planes, penalty=price)


@study("Fig. 4 · Islands from afar")
def study_islands(sample: "Sample", images: ImagesStudy) -> IslandsStudy | Missing:
    """Islands of boride in maps of boron and oxygen.

    Parameters
    ----------
    sample : from `open_sample`
    images : from `study_images`

    Returns
    -------
    The result, or `Missing` where there are no such maps.
    """
    sizes = {element: size for element, (_, size) in images.maps.items()}
    maps = {element: plane for element, (plane, _) in images.maps.items()}
    return estimate_islands(maps, sizes.get("B", float("nan")), images.overviews)


# The images of the paper's figures, as the twin names them.
FIGURES = {"5": "planar1_haadf", "6": "planar2_haadf", "7": "terraced_haadf", "8": "junction_haadf"}
STUDIES: dict[str, Any] = {
    "planes": study_parallel_planes,
    "columns": study_columns,
    "layer": study_layer,
    "terraces": study_terraces,
}
KINDS = {
    ImagesStudy: "images",
    IslandsStudy: "islands",
    GrainsStudy: "grains",
    PlanesStudy: "planes",
    ColumnsStudy: "columns",
    LayerStudy: "layer",
    TerracesStudy: "terraces",
}


class FigureStudies(Mapping[str, Any]):
    """Studies by what they are and the paper's figure, each done when it is asked for: ``planes_5``, ``islands`` …"""

    names = ("images", "islands", *(f"{what}_{n}" for n in FIGURES for what in ("grains", *STUDIES)))

    def __init__(self, sample: "Sample", *results: Any) -> None:
        self._sample = sample
        self._done: dict[str, Any] = {}
        figures = {image: figure for figure, image in FIGURES.items()}
        for result in filter(None, results):
            figure = figures.get(result.image.name) if hasattr(result, "image") else None
            kind = KINDS[type(result)]
            self._done[f"{kind}_{figure}" if figure else kind] = result

    def __getitem__(self, name: str) -> Any:
        what, _, figure = name.partition("_")
        if name not in self.names:
            raise KeyError(f"there is no study {name!r}; there are {', '.join(self.names)}")
        if name not in self._done:
            if name == "images":
                found = study_images(self._sample, record=False)
            elif name == "islands":
                found = study_islands(self._sample, self["images"], record=False)
            elif what == "grains":
                found = study_grains(self._sample, self["images"], image=FIGURES[figure], record=False)
            else:
                found = STUDIES[what](self._sample, self[f"grains_{figure}"], record=False)
            self._done[name] = found
        return self._done[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def study_figures(sample: "Sample", *results: Any) -> FigureStudies:
    """The studies of the paper's Figs 4 to 8, each done when it is asked for; the ledger keeps none of them.

    Parameters
    ----------
    sample : from `open_sample`
    results : studies of its images that were done already, which are taken as they are; one that is `Missing` is not
    """
    return FigureStudies(sample, *results)
