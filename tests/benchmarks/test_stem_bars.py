"""The bars of the STEM estimators over 200 seeds, printed; how quick the column fit is."""

import contextlib
import json
import subprocess
import time

import numpy as np
import pytest
import stem_worlds as worlds
from peers import python_of_peer
from test_atom_columns import columns
from test_stem_boundary import SPACING, layer
from test_stem_indexing import aligned, one_case

from nbtools import stem
from nbtools.files.images import read_image
from nbtools.physics.crystal_lattice import plane_spacing
from nbtools.stem.twin import record_stem


def test_indexing_of_200_random_pairs():
    """Right zones of both grains; how many were called determined, and right among those."""
    cases = [one_case(seed) for seed in range(200)]
    right = sum(case[0] for case in cases)
    sure = [case[0] for case in cases if case[1]]
    print(f"\nindexing: {right} of 200 right; determined {len(sure)}, of these right {sum(sure)}")
    assert sum(sure) >= 0.95 * len(sure)


def test_intervals_of_200_pairs():
    """How often the planted angle and the planes' own spacings lie within 1 and 2 σ: 68 and 95 % if σ is right."""
    angles: list[float] = []
    spacings: list[float] = []
    for seed in range(200):
        rng = np.random.default_rng([seed, 13])
        apart = float(rng.uniform(-1.5, 1.5))
        found = stem.index_interface(aligned(rng, apart=apart), worlds.PIXEL, worlds.CRYSTALS)
        angles += [(a - apart) / a.uncertainty for a in found.angles[:1]]
        for solution in found.solutions:
            for spot in solution.spots:
                planes = float(plane_spacing(solution.crystal.structure, spot.hkl))
                spacings.append((spot.spacing - planes) / spot.spacing.uncertainty)
    for name, pulls in {"angle": angles, "spacing": spacings}.items():
        sizes = np.abs(pulls)
        shares = ", ".join(f"{np.mean(sizes < n):.1%} within {n} σ" for n in (1, 2))
        print(f"\n{name}: {len(pulls)} values, {shares}, r.m.s. pull {np.sqrt(np.mean(sizes**2)):.2f}")
        assert np.mean(sizes < 1) >= 0.6


def test_steps_of_200_boundaries():
    """Count, heights within a tenth of a plane, and straight lines left straight."""
    for noise in (0.02e-9, 0.05e-9):
        right = straight = 0
        errors: list[float] = []
        for seed in range(200):
            rng = np.random.default_rng([seed, 5])
            count = int(rng.integers(1, 5))
            line, planes = worlds.stairs(rng, count=count, noise=noise)
            found = stem.find_steps(line, spacing=SPACING)
            right += found.count == count
            errors += list(np.abs(np.array(found.in_spacings) - planes)) if found.count == count else []
            straight += stem.find_steps(worlds.stairs(rng, count=0, noise=noise)[0]).count == 0
        near = np.mean(np.array(errors) < 0.1)
        print(
            f"\nsteps, noise {noise * 1e9:g} nm: {right} of 200 counts, {near:.0%} of heights within 0.1 plane"
        )
        print(f"straight: {straight} of 200")
        assert right >= 180
        assert straight >= 190


@pytest.mark.timeout(7200)
def test_steps_of_200_images():
    """The same from images, by the last planes: named by the user, and found; straight ones along and across planes."""
    named = [0, 0]
    found = [0, 0]
    straight = indexed = level_indexed = 0
    for seed in range(200):
        rng = np.random.default_rng([seed, 9])
        image, planes, spacing = worlds.stepped_phases(rng, count=1 + seed % 3)
        level, *_ = worlds.stepped_phases(rng, count=0, inclined=(seed % 2) * rng.uniform(-0.3, 0.3))
        interface = stem.index_interface(level, worlds.PIXEL, worlds.CRYSTALS)
        if interface:
            level_indexed += 1
            straight += stem.find_steps(_line(level, interface)).count == 0
        interface = stem.index_interface(image, worlds.PIXEL, worlds.CRYSTALS)
        if not interface:
            continue
        indexed += 1
        for tally, options in ((found, {}), (named, {"spacing": spacing})):
            error = worlds.as_planted(stem.find_steps(_line(image, interface, **options)), planes, spacing)
            tally[0] += error is not None
            tally[1] += error is not None and error < 0.1
    for name, (count, near) in {"planes found": found, "planes named": named}.items():
        print(f"\nimages, {name}: {count} of {indexed} counts, {near} with every height within 0.1 plane")
    print(f"straight: {straight} of {level_indexed}; the rest of 200 could not be indexed")
    assert min(named) >= 0.9 * indexed
    assert straight >= 0.95 * level_indexed


def _line(image, interface, spacing=None):
    """The last planes; of those as far apart as the planted ones where a spacing is given."""
    if spacing is None:
        return stem.follow_planes(image, interface, worlds.PIXEL)
    boride = next(s for s in interface.solutions if s.crystal == "MgB2")
    known = boride.match.zone.hkl[boride.match.chosen[boride.match.chosen >= 0]]
    apart = plane_spacing(boride.crystal.structure, known)
    for hkl in known[np.abs(apart / spacing - 1) < 1e-6]:
        with contextlib.suppress(ValueError):
            return stem.follow_planes(image, interface, worlds.PIXEL, planes=hkl)
    return stem.follow_planes(image, interface, worlds.PIXEL)


@pytest.mark.timeout(3600)
def test_layers_of_200_boundaries():
    """Films of 1 nm found, clean boundaries bounded below 0.4 nm, with 0, 0.5 and 1 nm of overlap; refusals apart."""
    tally = {"1 nm film": [0, 0], "clean": [0, 0]}
    for seed in range(200):
        overlap = (0.0, 0.5e-9, 1e-9)[seed % 3]
        for name, gap in {"1 nm film": 1e-9, "clean": 0.0}.items():
            with contextlib.suppress(
                ValueError
            ):  # a grain without a lattice in the picture: said, not bounded
                found = layer(seed, gap=gap, overlap=overlap)
                tally[name][0] += found.disordered if gap else found.upper_limit_95 < 0.4e-9
                tally[name][1] += 1
    for name, (right, judged) in tally.items():
        print(f"\n{name}: {right} of {judged} right; {200 - judged} of 200 images show no two lattices")
    for right, judged in tally.values():
        assert right >= 0.95 * judged
        assert judged >= 190


ATOMAP = """
import json, sys, time
import numpy as np, atomap.api as am
kept = np.load(sys.argv[1])
sublattice = am.Sublattice(kept["starts"][:, ::-1], image=kept["image"], pixel_size=1.0)
sublattice.find_nearest_neighbors()
start = time.process_time()
sublattice.refine_atom_positions_using_2d_gaussian(show_progressbar=False)
seconds = time.process_time() - start
print(json.dumps([seconds, sublattice.atom_positions[:, ::-1].tolist()]))
"""


@pytest.mark.timeout(1800)
def test_columns_against_atomap(tmp_path):
    """Columns a second of processor time and errors against planted places, of ours and of Atomap's, on one image."""
    rng = np.random.default_rng(0)
    image, places = columns(rng, size=400)
    starts = places + rng.uniform(-1, 1, places.shape)
    np.savez(tmp_path / "image.npz", image=image, starts=starts)
    command = [python_of_peer("atomap"), "-c", ATOMAP, tmp_path / "image.npz"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    seconds, theirs = json.loads(said)
    stem.refine_columns(image, starts)
    start = time.process_time()
    found = stem.refine_columns(image, starts)
    ours = time.process_time() - start
    errors = [float(np.sqrt(np.mean((p - places) ** 2))) for p in (found.positions, np.array(theirs))]
    print(f"\n{len(places)} columns: ours {len(places) / ours:.0f} a second, error {errors[0]:.4f} pixels")
    print(
        f"Atomap {len(places) / seconds:.0f} a second, error {errors[1]:.4f} pixels; {seconds / ours:.0f} ×"
    )
    assert errors[0] <= 1.05 * errors[1]


def test_columns_a_second():
    """Thousands of columns in one batch; the error beside the planted places."""
    rng = np.random.default_rng(0)
    image, places = columns(rng, size=1000)
    starts = places + rng.uniform(-1, 1, places.shape)
    start = time.process_time()
    found = stem.refine_columns(image, starts)
    rate = len(places) / (time.process_time() - start)
    error = np.sqrt(np.mean((found.positions - places)[found.converged] ** 2))
    print(f"\ncolumns: {rate:.0f} a second of processor time, error {error:.4f} pixels of {len(places)}")
    assert found.converged.mean() > 0.99


def test_fading_of_24_edge_on_boundaries(tmp_path):
    """What overlap the first flat interface of the twin shows, which has none."""
    overlaps = []
    for seed in range(1, 25):
        record_stem(tmp_path / str(seed), seed=seed)
        found = stem.bound_disordered_width(read_image(tmp_path / str(seed) / "planar1_haadf.tif"))
        overlaps.append(float(found.overlap))
    fading = np.sqrt(np.mean(np.square(overlaps)))
    print(f"\nedge-on: r.m.s. {1e9 * fading:.2f} nm, up to {1e9 * max(overlaps):.2f} nm")
    assert fading < 1.1 * stem.EDGE_ON_FADING
