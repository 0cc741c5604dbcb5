"""What a magnetometer's pick-up coils make of a sample: the point dipole, and the factor for a longer one."""

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


# Radius and baseline (m) of coaxial pick-up coils that form a second-order gradiometer: −1, 2, −1 turns, a baseline
# apart. MPMS: Quantum Design application note 1014-213. MPMS3: the import settings of SquidLab (Coak et al.,
# Rev. Sci. Instrum. 91, 023901 (2020)). No published dimensions were found for the PPMS VSM.
COILS = {"MPMS": (0.97e-2, 1.519e-2), "MPMS3 dc": (0.85e-2, 0.8e-2), "MPMS3 vsm": (0.85e-2, 0.8e-2)}


def scan_voltage(position: ArrayLike, *, mode: Mode) -> Array:
    """Flux through the pick-up coils per moment of a point dipole on their axis, along the axis.

    Φ/m = (µ0/2) Σ n_i R²/(R² + (z − z_i)²)^(3/2); the voltage of a SQUID is in proportion to it.

    Parameters
    ----------
    position : any shape, m from the middle of the coils
    mode : the instrument, which names the coils

    Returns
    -------
    Φ/m in Wb/(A m²), for one turn in each outer coil

    Raises
    ------
    ValueError
        An unknown mode, or one whose coils have no published dimensions.
    """
    require_one_of(get_args(Mode), mode=mode)
    if mode not in COILS:
        raise ValueError(
            f"the coils of mode {mode!r} have no published dimensions; leave instrument off the card"
        )
    radius, baseline = COILS[mode]
    z = np.asarray(position, float)
    coils = ((-1, -baseline), (2, 0.0), (-1, baseline))
    flux = sum(n * radius**2 / (radius**2 + (z - at) ** 2) ** 1.5 for n, at in coils)
    return np.asarray(mu_0 / 2 * flux)


def sample_length_factor(
    length: float,
    *,
    mode: Mode,
    scan_length: float = 0.04,
    amplitude: float = 2e-3,
    reference_length: float = 0.0,
) -> float:
    """Moment that the instrument reads of a uniform rod along its axis, over the rod's own moment.

    A scan is fitted with a point dipole by least squares in amplitude, centre, offset and slope; since a
    centred rod is even, centre and slope stay zero and the fit is linear. A vibrating sample is read by
    lock-in, at twice the frequency of vibration. The rod has no width.

    Parameters
    ----------
    length : m
    mode : "MPMS" and "MPMS3 dc" scan, "MPMS3 vsm" vibrates
    scan_length : m, whole range of the scan
    amplitude : m, peak amplitude of the vibration
    reference_length : m, of the standard with which the instrument was calibrated; 0 is a point dipole

    Raises
    ------
    ValueError
        As `scan_voltage`; a negative length, or a scan or an amplitude that is not positive.
    """
    require_not_negative(length=length, reference_length=reference_length)
    require_positive(scan_length=scan_length, amplitude=amplitude)
    if mode.endswith("vsm"):
        phase = (np.arange(64) + 0.5) * np.pi / 64
        z, weight = amplitude * np.cos(phase), np.cos(2 * phase)
        point = scan_voltage(z, mode=mode)
    else:
        z = np.linspace(-scan_length / 2, scan_length / 2, 401)
        point = scan_voltage(z, mode=mode)
        weight = point - np.mean(point)

    def read(rod: float) -> float:
        along = z[:, None] + rod / 2 * ROD_NODES
        return float(weight @ (scan_voltage(along, mode=mode) @ ROD_WEIGHTS) / 2 / (weight @ point))

    return read(length) / read(reference_length)
