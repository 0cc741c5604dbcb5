"""One penetration depth by three routes, from printed numbers: H_c1, the dirty limit, and MgB2 alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from nbtools.physics import superconductor, two_phase_medium
from nbtools.study import Row, StudyResult
from nbtools.transport.lengths import CORE_TERM_HU, estimate_ginzburg_landau
from nbtools.units import Quantity, propagate


@dataclass(frozen=True, repr=False)
class PenetrationDepths(StudyResult):
    """λ of the composite by each route, and of the MgB2 that would make it.

    Attributes
    ----------
    lengths : by route, m
    """

    lengths: Mapping[str, Quantity]

    def rows(self) -> list[Row]:
        return [Row(name, length, shown="nm") for name, length in self.lengths.items()]


def depths_of(depth: Quantity, resistivity: Quantity, critical_temperature: Quantity) -> PenetrationDepths:
    """λ of a sample by its critical fields and by the dirty limit of its resistivity.

    Parameters
    ----------
    depth : λ from both critical fields, m
    resistivity : in the normal state, Ω m
    critical_temperature : K, of the weak-coupling gap
    """
    dirty = propagate(
        lambda rho, end: float(
            superconductor.dirty_penetration_depth(rho, superconductor.weak_coupling_gap(end))
        ),
        resistivity,
        critical_temperature,
        unit="m",
    )
    return PenetrationDepths({"from H_c1 and H_c2": depth, "dirty limit, from ρ and T_c": dirty})


def estimate_penetration_depths(
    depth: Quantity,
    lower_field: Quantity,
    upper_field: Quantity,
    resistivity: Quantity,
    share: Quantity,
    *,
    critical_temperature: float,
) -> PenetrationDepths:
    """λ from H_c1 by ln κ and with the core, from the dirty limit, and of MgB2 alone.

    Diluted in an insulator, superfluid density and conductivity fall by the same factor, at best that of Hashin and
    Shtrikman, 2f/(3 − f). λ and ρ of MgB2 then follow from those of the composite together.

    Parameters
    ----------
    depth : λ as printed, from H_c1 by ln κ, m
    lower_field, upper_field : H_c1(0) and H_c2(0), A/m
    resistivity : of the composite in the normal state, Ω m
    share : volume fraction of MgB2
    critical_temperature : K, of the weak-coupling gap
    """
    gap = superconductor.weak_coupling_gap(critical_temperature)
    dirty = propagate(
        lambda rho: float(superconductor.dirty_penetration_depth(rho, gap)), resistivity, unit="m"
    )
    core = estimate_ginzburg_landau(lower_field, upper_field, core_term=CORE_TERM_HU)
    lengths = {
        "H_c1, ln κ (printed)": depth,
        "H_c1, with the core": core.penetration_depth,
        "dirty limit, ρ": dirty,
    }
    dilution = propagate(lambda f: float(two_phase_medium.hashin_shtrikman_bound(f)) ** 0.5, share)
    for route, length in (("H_c1", depth), ("dirty limit", dirty)):
        lengths[f"MgB₂ alone, from {route}"] = (dilution * length).to("m")
    return PenetrationDepths(lengths)
