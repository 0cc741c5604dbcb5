"""Oxygen vacancies in MgO as a network of hops: when do vacancies at random span the crystal?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtri

from nbtools.cache import cached
from nbtools.physics.domain import require_positive
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
LATTICE_CONSTANT = 0.4212e-9  # m, MgO at room temperature
# At the threshold of any large periodic cube this share of samples wraps around along a given axis
# (Wang, Zhou, Zhang, Garoni and Deng, Phys. Rev. E 87, 052107, 2013).
WRAPPING_PROBABILITY = 0.2578
MEAN_NEIGHBOUR = math.gamma(4 / 3) * (4 * math.pi / 3) ** (-1 / 3)  # of n^(−1/3), Hertz: 0.55396


def oxygen_site_density(lattice_constant: float = LATTICE_CONSTANT) -> float:
    """Oxygen sites per m³: four in a cell of rock salt."""
    require_positive(lattice_constant=lattice_constant)
    return 4 / lattice_constant**3


def oxygen_shells(hop: float, lattice_constant: float = LATTICE_CONSTANT) -> tuple[Array, NDArray[np.intp]]:
    """Distances (m) of the oxygen shells within a hop, and the sites in each."""
    offsets = _offsets(hop, lattice_constant)
    squared, counts = np.unique((offsets**2).sum(1), return_counts=True)
    return lattice_constant / 2 * np.sqrt(squared), counts


def _offsets(hop: float, lattice_constant: float) -> NDArray[np.intp]:
    """Oxygen neighbours within a hop, in half lattice constants: the sum of the three is even."""
    require_positive(hop=hop, lattice_constant=lattice_constant)
    reach = math.ceil(2 * hop / lattice_constant)
    axis = np.arange(-reach, reach + 1)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    squared = (grid**2).sum(1)
    within = (squared > 0) & (squared <= (2 * hop / lattice_constant) ** 2 * (1 + 1e-9))
    return grid[within & (grid.sum(1) % 2 == 0)]


@dataclass(frozen=True)
class Threshold:
    """Share of oxygen sites that must be vacant for a network to span, its σ, and the spread of samples of one size."""

    share: float
    uncertainty: float
    spread: float
    samples: int

    def density(self, lattice_constant: float = LATTICE_CONSTANT) -> float:
        """Vacancies per m³."""
        return self.share * oxygen_site_density(lattice_constant)

    def __str__(self) -> str:
        return f"{Quantity(self.share, self.uncertainty).to('%')} of the oxygen sites"


def percolation_threshold(
    hop: float,
    *,
    cells: int = 12,
    samples: int = 20,
    rim: float | None = None,
    rng: Generator,
    lattice_constant: float = LATTICE_CONSTANT,
) -> Threshold:
    """Share of vacant oxygen sites at which hops of up to `hop` first wrap around a periodic crystal.

    Sites are emptied in random order; each sample's threshold is found exactly, by bisection. A cluster wraps
    if a site is connected to its image one period on, in a crystal of twice the length (its double cover);
    wrapping has much smaller finite-size corrections than spanning from face to face. The threshold is where
    the share of samples that wrap is the universal one; in a rim, the mean over samples.

    Parameters
    ----------
    hop : m; cells : lattice constants of the period; samples : at least 2
    rim : thickness (m) of a layer in which all vacancies lie, as along an interface; None: everywhere. The
        share is then of the layer's sites.

    Source: Gawron and Cieplak, Acta Phys. Pol. A 80, 461 (1991), p_c 0.199, 0.136, 0.061, 0.050 up to shells 1–4 of
    fcc; wrapping after Newman and Ziff, Phys. Rev. E 64, 016706 (2001).

    Raises
    ------
    ValueError
        A hop of more than a quarter of the period.
    """
    if hop > cells * lattice_constant / 4:
        longest = 1e9 * cells * lattice_constant / 4
        raise ValueError(
            f"a hop of {1e9 * hop:.3g} nm came; a crystal of {cells} cells allows up to {longest:.3g} nm"
        )
    layers = 2 * cells if rim is None else max(1, round(2 * rim / lattice_constant))
    found = [
        _sample_threshold(_offsets(hop, lattice_constant), 2 * cells, layers, rim is None, rng)
        for _ in range(samples)
    ]
    spread = float(np.std(found, ddof=1))
    below = 0.0 if rim is not None else float(ndtri(WRAPPING_PROBABILITY))
    sigma = spread * math.sqrt((1 + below**2 / 2) / samples)
    return Threshold(float(np.mean(found)) + below * spread, sigma, spread, samples)


def _sample_threshold(
    offsets: NDArray[np.intp], period: int, layers: int, periodic: bool, rng: Generator
) -> float:
    """One sample: period × period × layers half cells, periodic in the first two (and in the third if so)."""
    size = (period, period, layers)
    sites = np.stack(np.unravel_index(np.arange(math.prod(size)), size), -1)
    sites = sites[sites.sum(1) % 2 == 0]
    rank = np.full(math.prod(size), -1)
    order = rng.permutation(len(sites))
    rank[np.ravel_multi_index(sites[order].T, size)] = np.arange(len(sites))
    sites = sites[order]
    low, high = 0, len(sites)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _wraps(sites[:middle], rank, offsets, size, periodic) else (middle, high)
    return high / len(sites)


def _wraps(
    sites: NDArray[np.intp],
    rank: NDArray[np.intp],
    offsets: NDArray[np.intp],
    size: tuple[int, int, int],
    periodic: bool,
) -> bool:
    """Whether some vacancy reaches its own image one period along the first axis."""
    count = len(sites)
    half = offsets[len(offsets) // 2 :]  # they are sorted; the others lead the same ways back
    starts, ends, crossed = [], [], []
    for offset in half:
        to = sites + offset
        inside = np.ones(count, bool) if periodic else (to[:, 2] >= 0) & (to[:, 2] < size[2])
        target = rank[np.ravel_multi_index((to % size).T, size)]
        good = np.flatnonzero(inside & (target >= 0) & (target < count))
        starts.append(good)
        ends.append(target[good])
        crossed.append(to[good, 0] // size[0] != 0)
    a, b, over = (np.concatenate(part) for part in (starts, ends, crossed))
    # Two sheets: a bond that crosses the seam leads from one to the other.
    rows = np.concatenate([a, a + count])
    columns = np.concatenate([np.where(over, b + count, b), np.where(over, b, b + count)])
    graph = coo_matrix((np.ones(rows.size, bool), (rows, columns)), shape=(2 * count, 2 * count))
    labels = connected_components(graph, directed=False)[1]
    return bool(np.any(labels[:count] == labels[count:]))


def density_of_mean_distance(distance: ArrayLike) -> Array:
    """The density (m⁻³) of points at random whose nearest neighbours are so far (m) apart on average."""
    require_positive(distance=distance)
    return np.asarray((MEAN_NEIGHBOUR / np.asarray(distance, float)) ** 3)


@dataclass(frozen=True, repr=False)
class VacancyNetwork(StudyResult):
    """What a network of hops between oxygen vacancies needs; of the model, no data enter.

    Attributes
    ----------
    hop : m
    bulk : threshold of vacancies everywhere
    rims : thresholds of vacancies that lie in a layer of so many m
    """

    hop: float
    bulk: Threshold
    rims: dict[float, Threshold]

    def rows(self) -> list[Row]:
        def percent(found: Threshold) -> Quantity:
            return Quantity(found.share, found.uncertainty)

        how = f"hops of up to {1e9 * self.hop:g} nm wrap around, {self.bulk.samples} samples"
        density = Quantity(self.bulk.density(), self.bulk.uncertainty * oxygen_site_density(), "m^-3")
        rows = [
            Row("vacant oxygen sites, everywhere", percent(self.bulk), how, "", "%"),
            Row("that is", density, "", "", "cm^-3"),
        ]
        rows += [
            Row(f"in a rim of {1e9 * rim:g} nm", percent(found), "", "", "%")
            for rim, found in self.rims.items()
        ]
        return rows

    def notes(self) -> list[str]:
        distances, sites = oxygen_shells(self.hop)
        shells = ", ".join(f"{1e9 * d:.3f} nm ({n})" for d, n in zip(distances, sites, strict=True))
        mean = 1e-6 * float(density_of_mean_distance(self.hop))
        return [
            f"shells of oxygen neighbours: {shells}",
            f"a mean distance of {1e9 * self.hop:g} nm to the nearest vacancy is {mean:.2g} per cm³",
            "these numbers are the model's; no data enter",
        ]


def vacancy_network(hop: float, *, rims: Sequence[float] = (), seed: int = 6) -> VacancyNetwork:
    """From how many vacancies on hops of some length span MgO, everywhere and in rims along a boundary.

    Parameters
    ----------
    hop : longest, m
    rims : thicknesses of layers in which all vacancies lie, m
    seed : of the samples
    """
    bulk = threshold_of(hop, cells=14, samples=24, seed=seed)
    found = {rim: threshold_of(hop, cells=14, samples=12, rim=rim, seed=seed) for rim in rims}
    return VacancyNetwork(hop, bulk, found)


@cached
def threshold_of(
    hop: float, *, cells: int = 14, samples: int = 24, rim: float | None = None, seed: int = 6
) -> Threshold:
    """`percolation_threshold` by a seed, kept on disk."""
    rng = np.random.default_rng(seed)
    return percolation_threshold(hop, cells=cells, samples=samples, rim=rim, rng=rng)
