"""Powder patterns with known answers, made without our model: gemmi's structure factors, profiles of their own."""

from functools import cache

import gemmi
import numpy as np

from nbtools.files.crystal import OWN, own_crystal
from nbtools.structure.powder_refinement import fit_phase_fractions

PLANTED = {"MgO": 0.792, "MgB2": 0.206, "Mg": 0.002}
PHASES = {name: own_crystal(name) for name in PLANTED}
ANGLES = np.arange(20, 110.001, 0.02)
SHORT = np.arange(28, 80.001, 0.05)  # for many seeds
K_ALPHA = ((1.540593, 1.0), (1.544427, 0.5))


# Crystals that are in no MgO/MgB2 composite: space group, cell (Å, degrees), sites.
FOREIGN = {
    "Si": ("F d -3 m:2", (5.4310,) * 3 + (90, 90, 90), {"Si": (1 / 8, 1 / 8, 1 / 8)}),
    "Al2O3": (
        "R -3 c:H",
        (4.7589, 4.7589, 12.991, 90, 90, 120),
        {"Al": (0, 0, 0.3522), "O": (0.3062, 0, 0.25)},
    ),
    "NaCl": ("F m -3 m", (5.6402,) * 3 + (90, 90, 90), {"Na": (0, 0, 0), "Cl": (0.5, 0.5, 0.5)}),
    "Cu": ("F m -3 m", (3.6149,) * 3 + (90, 90, 90), {"Cu": (0, 0, 0)}),
    "Fe": ("I m -3 m", (2.8665,) * 3 + (90, 90, 90), {"Fe": (0, 0, 0)}),
    "NiO": ("F m -3 m", (4.1771,) * 3 + (90, 90, 90), {"Ni": (0, 0, 0), "O": (0.5, 0.5, 0.5)}),
    "TiN": ("F m -3 m", (4.2417,) * 3 + (90, 90, 90), {"Ti": (0, 0, 0), "N": (0.5, 0.5, 0.5)}),
    "ZnO": (
        "P 63 m c",
        (3.2498, 3.2498, 5.2066, 90, 90, 120),
        {"Zn": (1 / 3, 2 / 3, 0), "O": (1 / 3, 2 / 3, 0.382)},
    ),
    "TiO2": ("P 42/m n m", (4.5941, 4.5941, 2.9589, 90, 90, 90), {"Ti": (0, 0, 0), "O": (0.3053, 0.3053, 0)}),
    "SiO2": (
        "P 32 2 1",
        (4.9134, 4.9134, 5.4052, 90, 90, 120),
        {"Si": (0.4697, 0, 0), "O": (0.4135, 0.2669, 0.1191)},
    ),
    "CeO2": ("F m -3 m", (5.4113,) * 3 + (90, 90, 90), {"Ce": (0, 0, 0), "O": (0.25, 0.25, 0.25)}),
    "CaCO3": (
        "R -3 c:H",
        (4.9896, 4.9896, 17.061, 90, 90, 120),
        {"Ca": (0, 0, 0), "C": (0, 0, 0.25), "O": (0.2567, 0, 0.25)},
    ),
}


GROUPS = {
    "F m -3 m": "cubic",
    "P m -3 m": "cubic",
    "I m -3 m": "cubic",
    "F d -3 m:2": "cubic",
    "P 63/m m c": "hexagonal",
    "P 6/m m m": "hexagonal",
    "R -3 m:H": "hexagonal",
    "P 4/m m m": "tetragonal",
    "I 4/m m m": "tetragonal",
    "P n m a": "orthorhombic",
    "C m c m": "orthorhombic",
}


def random_crystal(seed):
    """A crystal that nobody chose: group, cell of 3 to 8 Å and one to three kinds of atoms; its name in `FOREIGN`."""
    rng = np.random.default_rng([seed, 77])
    group = list(GROUPS)[rng.integers(len(GROUPS))]
    a, b, c = rng.uniform(3, 8, 3).round(4).tolist()
    cells = {
        "cubic": (a, a, a, 90, 90, 90),
        "hexagonal": (a, a, c, 90, 90, 120),
        "tetragonal": (a, a, c, 90, 90, 90),
        "orthorhombic": (a, b, c, 90, 90, 90),
    }
    places = [
        (0, 0, 0),
        (0.5, 0.5, 0.5),
        (1 / 3, 2 / 3, 0.25),
        tuple(rng.uniform(0, 0.5, 3).round(3).tolist()),
    ]
    elements = ["Li", "B", "C", "O", "Na", "Al", "Si", "Ca", "Ti", "Fe", "Cu", "Zn", "Zr"]
    chosen = rng.choice(elements, rng.integers(1, 4), replace=False).tolist()
    name = f"random {seed}"
    FOREIGN[name] = (
        group,
        cells[GROUPS[group]],
        dict(zip(chosen, rng.permutation(places).tolist(), strict=False)),
    )
    return name


def cif(name):
    """One of `FOREIGN` as the text of a CIF."""
    group, cell, sites = FOREIGN[name]
    words = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    head = "\n".join(f"_cell_{word} {value}" for word, value in zip(words, cell, strict=True))
    loop = "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
    rows = "\n".join(f"{element} {x} {y} {z}" for element, (x, y, z) in sites.items())
    return f"data_{name.replace(' ', '_')}\n_symmetry_space_group_name_H-M '{group}'\n{head}\n{loop}{rows}\n"


@cache
def sticks(name, wavelength, strain=0.0):
    """2θ (deg), Σ m|F|² LP over V² and cell mass of each reflection family, by gemmi alone."""
    if name in FOREIGN:
        small = gemmi.make_small_structure_from_block(gemmi.cif.read_string(cif(name)).sole_block())
        for site in small.sites:
            site.u_iso = 0.0063  # Å²
    else:
        small = gemmi.read_small_structure(str(OWN / f"{name}.cif"))
    mass = sum(site.element.weight * site.occ for site in small.get_all_unit_cell_sites())
    small.change_occupancies_to_crystallographic()  # the sum runs over all operations
    calculator = gemmi.StructureFactorCalculatorX(small.cell)
    cell = gemmi.UnitCell(*[x * (1 + strain) for x in small.cell.parameters[:3]], *small.cell.parameters[3:])
    operations = small.spacegroup.operations()
    found = []
    for hkl in gemmi.make_miller_array(small.cell, small.spacegroup, 0.85).tolist():
        if operations.is_systematically_absent(hkl):
            continue
        sine = wavelength / 2 / cell.calculate_d(hkl)
        if sine >= 0.999:
            continue
        # Miller indices of a Laue family: both Friedel mates count.
        family = {
            tuple(s * x for x in operations.sym_ops[k].apply_to_hkl(hkl))
            for k in range(len(operations.sym_ops))
            for s in (1, -1)
        }
        f2 = abs(calculator.calculate_sf_from_small_structure(small, hkl)) ** 2
        if f2 < 1e-9:  # atoms on special positions cancel
            continue
        theta = np.arcsin(sine)
        lp = (1 + np.cos(2 * theta) ** 2) / (np.sin(theta) ** 2 * np.cos(theta))
        found.append((2 * np.degrees(theta), len(family) * f2 * lp))
    places, areas = np.array(sorted(found)).T
    return places, areas / cell.volume / mass  # per mass of powder: S = w / (ZMV)


def gauss(x, width):
    return np.exp(-4 * np.log(2) * (x / width) ** 2) / width * 2 * np.sqrt(np.log(2) / np.pi)


def lorentz(x, width):
    return 2 / np.pi / width / (1 + 4 * (x / width) ** 2)


def clean_pattern(
    fractions,
    *,
    angles=ANGLES,
    peak=20_000.0,
    background=300.0,
    width=0.12,
    lorentzian=0.5,
    lines=K_ALPHA,
    strains=None,
    zero=0.0,
    growing=0.0,
    broader=None,
):
    """Counts without noise: `peak` at the strongest line, a background that falls and has a broad hump."""
    total = np.zeros(angles.size)
    for name, weight in fractions.items():
        for wavelength, share in lines:
            places, areas = sticks(name, wavelength, (strains or {}).get(name, 0.0))
            for place, area in zip(places, areas, strict=True):
                w = (width + growing * np.tan(np.radians(place / 2))) * (broader or {}).get(name, 1.0)
                x = angles - place - zero
                total += weight * share * area * (lorentzian * lorentz(x, w) + (1 - lorentzian) * gauss(x, w))
    hump = 0.3 * np.exp(-(((angles - 30) / 15) ** 2))
    return peak * total / total.max() + background * (1.2 - 0.006 * angles + hump)


def refined(seed, fractions=PLANTED, angles=ANGLES, **options):
    """A noisy pattern of these fractions, refined."""
    clean = clean_pattern(fractions, angles=angles, **options)
    counts = np.random.default_rng([seed, 41]).poisson(clean)
    return fit_phase_fractions(angles, counts, PHASES)
