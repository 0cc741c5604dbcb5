"""What a magnetometer's pick-up coils make of a sample: the point dipole, and the factor for a longer one."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import mu_0
from scipy.special import roots_legendre

from nbtools.physics.domain import require_not_negative, require_one_of, require_positive

Array = NDArray[np.float64]
Mode = Literal["MPMS", "MPMS3 dc", "MPMS3 vsm", "PPMS vsm"]
# 32 points average the response over rods up to four coil radii long to 1e-9.
ROD_NODES, ROD_WEIGHTS = roots_legendre(32)


@dataclass(frozen=True)
class Coils:
    """Coaxial pick-up coils: radius and distance of neighbours in m, and the order of the gradiometer.

    First order: two coils wound against each other. Second: 1, −2, 1 turns, one baseline apart.
    """

    radius: float
    baseline: float
    order: Literal[1, 2] = 2

    def __post_init__(self) -> None:
        require_positive(radius=self.radius, baseline=self.baseline)
        if self.order not in (1, 2):
            raise ValueError(f"order is {self.order!r}; a gradiometer here is of order 1 or 2")

    @property
    def turns(self) -> tuple[tuple[float, float], ...]:
        """Position (m) and signed number of turns of each coil."""
        if self.order == 1:
            return ((-self.baseline / 2, -1.0), (self.baseline / 2, 1.0))
        return ((-self.baseline, -1.0), (0.0, 2.0), (self.baseline, -1.0))


# MPMS: Quantum Design application note 1014-213. MPMS3: the import settings of SquidLab (Coak et al.,
# Rev. Sci. Instrum. 91, 023901 (2020)). No published dimensions were found for the PPMS VSM.
COILS = {
    "MPMS": Coils(0.97e-2, 1.519e-2),
    "MPMS3 dc": Coils(0.85e-2, 0.8e-2),
    "MPMS3 vsm": Coils(0.85e-2, 0.8e-2),
}


def scan_voltage(position: ArrayLike, *, mode: Mode, coils: Coils | None = None) -> Array:
    """Flux through the pick-up coils per moment of a point dipole on their axis, along the axis.

    Φ/m = (µ0/2) Σ n_i R²/(R² + (z − z_i)²)^(3/2); the voltage of a SQUID is in proportion to it.

    Parameters
    ----------
    position : any shape, m from the middle of the coils
    mode : the instrument, which names the coils
    coils : their dimensions, where others than those of `COILS` are meant

    Returns
    -------
    Φ/m in Wb/(A m²), for one turn in each outer coil

    Raises
    ------
    ValueError
        An unknown mode, or one whose coils have no published dimensions and none are given.
    """
    chosen = _coils_of(mode, coils)
    z = np.asarray(position, float)
    radius = chosen.radius
    flux = sum(n * radius**2 / (radius**2 + (z - at) ** 2) ** 1.5 for at, n in chosen.turns)
    return np.asarray(mu_0 / 2 * flux)


def sample_length_factor(
    length: float,
    *,
    mode: Mode,
    scan_length: float = 0.04,
    amplitude: float = 2e-3,
    reference_length: float = 0.0,
    coils: Coils | None = None,
) -> float:
    """Moment that the instrument reads of a uniform rod along its axis, over the rod's own moment.

    A scan is fitted with a point dipole by least squares in amplitude, centre, offset and slope; since a
    centred rod is even, centre and slope stay zero and the fit is linear. A vibrating sample is read by
    lock-in, at the frequency of vibration with first-order coils and at twice that with second-order ones.
    The rod has no width.

    Parameters
    ----------
    length : m
    mode : "MPMS" and "MPMS3 dc" scan, "MPMS3 vsm" and "PPMS vsm" vibrate
    scan_length : m, whole range of the scan
    amplitude : m, peak amplitude of the vibration
    reference_length : m, of the standard with which the instrument was calibrated; 0 is a point dipole
    coils : their dimensions; "PPMS vsm" needs them

    Raises
    ------
    ValueError
        As `scan_voltage`; a negative length, or a scan or an amplitude that is not positive.
    """
    require_not_negative(length=length, reference_length=reference_length)
    require_positive(scan_length=scan_length, amplitude=amplitude)
    chosen = _coils_of(mode, coils)
    read = _read_by_lock_in if mode.endswith("vsm") else _read_by_fit
    reach = amplitude if mode.endswith("vsm") else scan_length / 2
    factor = read(length, reach, mode, chosen)
    return factor / read(reference_length, reach, mode, chosen) if reference_length else factor


def _read_by_fit(length: float, reach: float, mode: Mode, coils: Coils) -> float:
    """Least-squares amplitude of the point response, with a free offset."""
    z = np.linspace(-reach, reach, 401)
    point, rod = scan_voltage(z, mode=mode, coils=coils), _rod_voltage(z, length, mode, coils)
    deviation = point - np.mean(point)
    return float(np.sum(deviation * rod) / np.sum(deviation * point))


def _read_by_lock_in(length: float, reach: float, mode: Mode, coils: Coils) -> float:
    """Ratio of the Fourier components of rod and point at the gradiometer's harmonic of the vibration."""
    phase = (np.arange(64) + 0.5) * np.pi / 64
    reference, z = np.cos(coils.order * phase), reach * np.cos(phase)
    point, rod = scan_voltage(z, mode=mode, coils=coils), _rod_voltage(z, length, mode, coils)
    return float(np.sum(reference * rod) / np.sum(reference * point))


def _rod_voltage(position: Array, length: float, mode: Mode, coils: Coils) -> Array:
    """`scan_voltage` averaged over a rod centred at `position`."""
    along = position[:, None] + length / 2 * ROD_NODES
    return np.asarray(np.sum(scan_voltage(along, mode=mode, coils=coils) * ROD_WEIGHTS / 2, axis=-1))


def _coils_of(mode: Mode, coils: Coils | None) -> Coils:
    require_one_of(get_args(Mode), mode=mode)
    if coils is None and mode not in COILS:
        raise ValueError(
            f"the coils of mode {mode!r} have no published dimensions; give them as coils=Coils(radius, baseline, 1)"
        )
    return coils or COILS[mode]
