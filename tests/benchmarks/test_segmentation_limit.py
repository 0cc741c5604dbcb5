"""What blur and noise allow: the best label of the fractal twin with its world known, and how near ours comes.

The limit knows what no user does: the spectrum of the planted phase, blur and noise (so Wiener's filter, the best
linear one), where the pores are, and the threshold that fits the truth best.
"""

import numpy as np
import pytest

from nbtools import manifest
from nbtools.files.images import read_image, read_stack
from nbtools.structure import twin_fib_sem as twin
from nbtools.structure.segmentation import (
    align_slices,
    denoise,
    overlap,
    remove_stripes,
    segment,
    shifted_back,
)

NEAR = 0.02  # of the limit


@pytest.fixture(scope="module")
def world():
    return twin.FibSemWorld(**manifest.find("fib-sem-twin").parameters)


@pytest.fixture(scope="module")
def files():
    source = manifest.open_data("fib-sem-twin", None, technique="structure")
    return {file.stem: file for file in source.files}


def limit(grey, labels, world):
    """The best Dice over all thresholds of Wiener's filter with the world known."""
    phase = labels == twin.DIBORIDE
    waves = [2 * np.pi * np.fft.fftfreq(side) for side in grey.shape]
    squares = np.ix_(*[wave**2 for wave in waves])
    blur = np.exp(-(squares[-1] + squares[-2]) * world.point_spread**2 / 2)
    power = np.abs(np.fft.fftn(phase - phase.mean())) ** 2 / phase.size
    shells = np.round(30 * np.sqrt(sum(squares))).astype(int)
    spectrum = (np.bincount(shells.ravel(), power.ravel()) / np.bincount(shells.ravel()))[shells]
    step = world.oxide_grey - world.diboride_grey
    signal, noise = spectrum * step**2, (step / world.contrast_to_noise) ** 2
    wiener = blur * signal / (blur**2 * signal + noise)
    restored = np.fft.ifftn(np.fft.fftn(grey - grey.mean()) * wiener).real
    solid = labels != twin.PORE
    return max(overlap((restored < t) & solid, phase)["dice"] for t in np.linspace(-40, 30, 71))


def test_the_section_comes_near_what_its_blur_and_noise_allow(world, files, capsys):
    """By the notebook's settings."""
    labels = world.medium((world.image_side,) * 2, stream=1)
    flat = remove_stripes(read_image(files["sem_image"]))
    found = segment(denoise(flat, size=1.2)).phase
    ours, best = overlap(found, labels == twin.DIBORIDE)["dice"], limit(flat, labels, world)
    with capsys.disabled():
        print(f"\nsection: Dice {ours:.3f}, limit {best:.3f}")
    assert ours > best - NEAR


def test_the_volume_comes_near_what_its_blur_and_noise_allow(world, files, capsys):
    """The slices laid on each other as the notebook does; the truth is moved the same way."""
    aligned = align_slices(read_stack(files["fib_sem_stack"]))
    rng = np.random.default_rng(manifest.find("fib-sem-twin").seed).spawn(3)[0]
    places, offsets = twin.slice_positions(world, rng)
    inner = twin.planted_labels(world)[np.round(places).astype(int)]
    margin, side = twin.MARGIN, world.side
    seen = np.stack(
        [
            np.roll(face, np.round(offset).astype(int), (0, 1))[
                margin : margin + side, margin : margin + side
            ]
            for face, offset in zip(inner, offsets, strict=True)
        ]
    )
    shares = [shifted_back((seen == n).astype(np.float32), aligned.offsets) for n in range(seen.max() + 1)]
    labels = np.argmax(shares, axis=0)  # each voxel is of the phase that fills most of it
    flat = remove_stripes(aligned.stack)
    found = segment(denoise(flat, size=0.8)).phase
    ours, best = overlap(found, labels == twin.DIBORIDE)["dice"], limit(flat, labels, world)
    with capsys.disabled():
        print(f"\nvolume: Dice {ours:.3f}, limit {best:.3f}")
    assert ours > best - NEAR
