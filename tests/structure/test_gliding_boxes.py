"""Gliding boxes, their lengths and verdicts, box sizes and errors of a slope: counted one by one, or in closed form."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from test_structure_draw import boxes, verdict

from nbtools.results import NotPossible
from nbtools.structure import fractal
from nbtools.structure.fractal import (
    GlidingBoxes,
    Judgement,
    VerdictPower,
    box_slope,
    cubic_voxel,
    estimate_box_dimension,
    gliding_boxes,
    judge_sections,
    section_sizes,
    sections_of,
)
from nbtools.units import Quantity


def random_phase(shape, share=0.3, seed=0):
    return np.random.default_rng(seed).random(shape) < share


def curves(sizes=(2, 4, 8), fraction=0.25, hit=(0.5, 0.5, 0.5), full=(0, 0, 0), lacunarity=(2, 2, 2)):
    return GlidingBoxes(
        np.array(sizes), fraction, *(np.array(curve, float) for curve in (hit, full, lacunarity))
    )


def test_boxes_at_every_place_counted_one_by_one():
    """Two stacks of different sides: any of the phase, nine tenths of it, and the moments of its mass."""
    stacks = [random_phase((2, 40, 36), 0.8), random_phase((1, 33, 50), 0.85, 1)]
    found = gliding_boxes(stacks)
    assert found.sizes.tolist() == [2, 3, 4, 6, 8]
    for number, size in enumerate(found.sizes.tolist()):
        step = 2 if size == 8 else 1
        masses = np.array(
            [
                plane[y : y + size, x : x + size].sum()
                for stack in stacks
                for plane in stack
                for y in range(0, stack.shape[1] - size + 1, step)
                for x in range(0, stack.shape[2] - size + 1, step)
            ],
            float,
        )
        assert found.hit[number] == pytest.approx(np.mean(masses > 0))
        assert found.full[number] == pytest.approx(np.mean(masses >= 0.9 * size**2))
        assert found.lacunarity[number] == pytest.approx(np.mean(masses**2) / np.mean(masses) ** 2)
    pixels = np.concatenate([stack.ravel() for stack in stacks])
    assert found.fraction == pixels.mean()


def test_sizes_in_half_octaves_and_places_of_large_ones():
    """From two pixels to a quarter of the side; boxes begin every quarter of a box, at most 512 a side."""
    assert section_sizes(256).tolist() == [2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64]
    assert section_sizes(9).tolist() == [2, 3, 4] and section_sizes(46).tolist() == [2, 3, 4, 6, 8, 11]
    assert fractal._starts(40, 16).tolist() == list(range(0, 25, 4))
    assert fractal._starts(2048, 4)[:3].tolist() == [0, 4, 8]


def test_dimensions_of_a_power_law():
    """Hit ∝ ε^(2 − D): D everywhere, and as the usual slope."""
    sizes = np.array([2, 3, 4, 6, 8])
    found = curves(sizes, hit=0.1 * sizes**0.4, full=0 * sizes, lacunarity=sizes)
    assert found.local_dimensions == pytest.approx([1.6] * 5) and found.slope_dimension == pytest.approx(1.6)


@pytest.mark.parametrize(
    ("full", "solid"),
    [
        ((0.2, 0.05, 0.0125), 4 * math.sqrt(2)),  # shares 0.8, 0.2, 0.05: a tenth half-way in both logarithms
        ((0.0025, 0, 0), math.sqrt(2)),  # thinner than two pixels: from 1 at one pixel to 0.01 at two
        ((0.25, 0.25, 0.0), 4 * 2 ** (1 / 9)),  # none left counts as 10⁻⁹
        ((0.25, 0.2, 0.05), math.inf),
    ],
)
def test_where_solid_boxes_end(full, solid):
    """A tenth of the phase is left in them; nothing ends a field that is full."""
    assert curves(full=full).solid == pytest.approx(solid)
    assert curves(fraction=1.0, full=full).solid == math.inf


@pytest.mark.parametrize(
    ("fraction", "lacunarity", "reach"),
    [
        (0.25, (1 + 0.56, 1 + 0.14, 1), 2 * math.sqrt(2)),  # 0.28, though a tenth of 1/f − 1 is 0.3
        (0.5, (1.4, 1.2, 1.05), 4 * math.sqrt(2)),  # a tenth of 1/f − 1
        (0.5, (1.05, 1.0, 1.0), 2.0),
        (1.0, (1, 1, 1), 2.0),
        (0.25, (2, 2, 2), math.inf),
    ],
)
def test_where_unevenness_ends(fraction, lacunarity, reach):
    """A tenth of what it is in single pixels, but even enough at 0.28."""
    assert curves(fraction=fraction, lacunarity=lacunarity).reach == pytest.approx(reach)


def test_breadth_and_dip_by_hand():
    """Decades from the one length to the other; how far a slope falls between two that are steeper, over the mean."""
    found = curves(full=(0.2, 0.05, 0.0125), lacunarity=(3, 2, 1.5))
    assert found.breadth == pytest.approx(math.log10(8 / (4 * math.sqrt(2))))  # the largest box bounds it
    assert curves(full=(0.25, 0.2, 0.05)).breadth == 0.0
    sizes = 2.0 ** np.arange(1, 8)
    slopes = np.array([0.5, 0.5, 0.2, 0.1, 0.3, 0.6, 0.6])
    hit = np.exp(np.append(0, np.cumsum(slopes[:-1])) * math.log(2)) * 0.01
    one = curves(sizes.astype(int), hit=hit, full=0 * sizes, lacunarity=0 * sizes + 2)
    local = np.gradient(np.log(hit), np.log(sizes))
    deepest = max(min(local[: i + 1].max(), local[i:].max()) - local[i] for i in range(7))
    assert deepest > 0.2 and one.dip == pytest.approx(deepest / local.mean())
    uneven = np.array([2, 2, 2, 1.2, 1, 1, 1.0])
    short = curves(sizes.astype(int), hit=hit, full=0 * sizes, lacunarity=uneven)  # even beyond 16 pixels
    inside = local[:3]
    assert short.dip == pytest.approx(
        max(min(inside[: i + 1].max(), inside[i:].max()) - inside[i] for i in range(3)) / inside.mean(),
        abs=1e-12,
    )


def judged(breadth=0.5, nulls=(0.3,) * 39, **more):
    known = {"solid": 4.0, "reach": 30.0, "sizes": np.array([2, 64]), "dip": 0.0} | more
    pattern = SimpleNamespace(breadth=breadth, **known)
    return fractal._decide(pattern, [SimpleNamespace(breadth=null) for null in nulls])


@pytest.mark.parametrize(
    ("changes", "word", "reason"),
    [
        ({}, "scale-free", "broader than patterns of one length by 0.20 decades"),
        ({"breadth": 0.425}, "scale-free", "by 0.12 decades"),
        (
            {"breadth": 0.415},
            "not scale-free",
            "no broader than patterns of one length (+0.11 of 0.12 decades)",
        ),
        ({"dip": 0.225}, "cannot tell", "the local slope dips by 22%"),
        ({"dip": 0.215}, "scale-free", "broader"),
        ({"nulls": (0.3,) * 38 + (0.5,)}, "scale-free", "broader"),
        ({"nulls": (0.3,) * 37 + (0.5,) * 2}, "not scale-free", "no broader"),
        ({"solid": math.inf}, "not scale-free", "the phase is solid in boxes up to a quarter of the field"),
        ({"nulls": ()}, "cannot tell", "no pattern of one length could be matched to it"),
        (
            {"breadth": 0.3, "reach": math.inf, "solid": 25.0},
            "cannot tell",
            "the field is too small: 0.41 decades lie above the solid length",
        ),
        ({"breadth": 0.3, "reach": math.inf, "solid": 24.0}, "not scale-free", "no broader"),
        ({"breadth": 0.3, "solid": 25.0}, "not scale-free", "no broader"),
    ],
)
def test_the_verdict_by_its_rules(changes, word, reason):
    """Broader by 0.12 decades than the median of the nulls and than 95 % of them, without a gap in the slope."""
    assert judged(**changes)[0] == word and reason in judged(**changes)[1]


def test_a_rank_among_the_nulls():
    """The pattern is counted in; excess over the median, scatter as a standard deviation."""
    found = verdict([boxes(), boxes(full=(0.2, 0.2, 0.2)), boxes(full=(0.2, 0.05, 0.01))])
    breadths = [null.breadth for null in found.nulls]
    assert found.p_value == (1 + sum(b >= found.decades for b in breadths)) / 4
    assert (found.excess, found.scatter) == pytest.approx(
        (found.decades - np.median(breadths), np.std(breadths))
    )
    alone = Judgement(boxes(), (), "cannot tell", "")
    assert math.isnan(alone.excess) and math.isnan(alone.scatter) and alone.p_value == 1.0


def test_nulls_are_matched_in_their_solid_length(monkeypatch):
    """A third of it to begin with, then twice in proportion, between 0.4 pixels and half the largest box."""
    asked = []

    def made(solid_of):
        def one(fraction, stacks, length, rng):
            asked.append(round(length, 9))
            return SimpleNamespace(solid=solid_of(length))

        return one

    def lengths(solid, solid_of, fraction=0.25):
        asked.clear()
        monkeypatch.setattr(fractal, "_one_length", made(solid_of))
        pattern = SimpleNamespace(solid=solid, fraction=fraction, sizes=np.array([2, 64]))
        nulls = fractal._matched_nulls(pattern, [], 2, None)
        return [*asked], len(nulls)

    assert lengths(9.0, lambda s: 2 * s) == ([3.0, 4.5, 4.5, 4.5], 2)
    assert lengths(0.3, lambda s: 3 * s) == ([0.4] * 4, 2)
    assert lengths(60.0, lambda s: s) == ([20.0, 32.0, 32.0, 32.0], 2)
    assert lengths(9.0, lambda s: math.inf)[0] == [3.0] * 4
    assert lengths(math.inf, lambda s: s) == ([], 0) and lengths(9.0, lambda s: s, fraction=1.0) == ([], 0)


def test_a_null_has_the_filling_and_the_length_that_were_asked():
    """Of each stack as many sections of its size; a length of four pixels is solid over twice as far as one of two."""
    phase = random_phase((3, 64, 80))
    made = [fractal._one_length(0.25, [phase], s, np.random.default_rng(0)) for s in (2.0, 4.0)]
    assert made[0].fraction == 0.25 and made[1].solid > 1.5 * made[0].solid
    judged = judge_sections([phase], np.random.default_rng(0), nulls=3)
    assert len(judged.nulls) == 3 and judged.sections.fraction == phase.mean()


@pytest.mark.parametrize(
    ("shape", "filled", "kept", "sizes"),
    [
        ((243, 243), None, (243, 243), [1, 3, 9, 27, 81]),
        ((100, 100), None, (100, 100), [1, 2, 4, 10, 20]),
        (
            (24, 200),
            None,
            (24, 200),
            [1, 2, 4, 8, 20, 40],
        ),  # a side under an eighth of the longest has no say
        ((26, 200), None, (24, 200), [1, 2, 4]),
        ((257, 300), None, (256, 256), [1, 2, 4, 8, 16, 32, 64]),
        ((19, 19), None, (16, 16), [1, 2, 4]),
        ((79, 79), None, (64, 64), [1, 2, 4, 8, 16]),
        ((128, 128), (95, 128), (95, 128), [1, 2, 4, 8, 16]),
        ((128, 128), (96, 128), (128, 128), [1, 2, 4, 8, 16, 32]),
        ((64, 64, 64), (32, 64, 64), (32, 64, 64), [1, 2, 4, 8, 16]),
    ],
)
def test_box_sizes_tile_the_object(shape, filled, kept, sizes):
    """Divisors where there are three, 1.5 apart; else powers of two up to a quarter, at most a fifth cut away."""
    planted = filled or shape
    phase = np.zeros(shape, bool)
    phase[
        tuple(slice(3, 3 + n) if n < side else slice(None) for n, side in zip(planted, shape, strict=True))
    ] = True
    cropped, found = fractal._fitted(phase)
    assert found.tolist() == sizes
    assert cropped.shape == tuple(n // found[-1] * found[-1] if filled == (95, 128) else n for n in kept)
    if filled:
        assert cropped.all() == (cropped.shape != shape)


def test_sections_of_a_volume_go_through_the_phase():
    """Eight across each axis, evenly through what is filled; at most 1,024 pixels, from the middle."""
    volume = np.zeros((40, 20, 30), bool)
    volume[8:24] = np.arange(16)[:, None, None] >= 0
    volume[8:24, :, :2] = False
    z, y, x = sections_of(volume)
    assert z.shape == (8, 20, 30) and y.shape == (8, 40, 30) and x.shape == (8, 40, 20)
    marked = np.broadcast_to(np.arange(16)[:, None, None] % 2 == 1, (16, 16, 16)) | (np.arange(16) == 3)
    assert np.array_equal(sections_of(marked)[0], marked[1::2])
    wide = np.zeros((20, 1029), bool)
    wide[:, [2, 1025]] = wide[:, 1026:] = True
    [[middle]] = sections_of(wide)
    assert middle.shape == (20, 1024) and middle[0].nonzero()[0].tolist() == [0, 1023]


def slope(sizes, counts):
    return -np.polyfit(np.log(sizes), np.log(counts), 1)[0]


def held(phase, size):
    """Boxes of one size with any of the phase, by hand."""
    return np.array(
        [
            [phase[y : y + size, x : x + size].any() for x in range(0, phase.shape[1], size)]
            for y in range(0, phase.shape[0], size)
        ]
    )


def test_errors_of_a_slope_by_their_parts():
    """Grids that are rolled, blocks drawn anew, sizes left out: each as its definition has it."""
    phase, sizes = random_phase((32, 32), 0.02, 3), np.array([1, 2, 4, 8])
    counts = np.array([held(phase, int(size)).sum() for size in sizes])
    rng = np.random.default_rng(7)
    rolled = [np.roll(phase, rng.integers(0, 8, 2), (0, 1)) for _ in range(8)]
    slopes = [slope(sizes, [held(one, int(size)).sum() for size in sizes]) for one in rolled]
    assert fractal._origin_spread(phase, sizes, "mass", np.random.default_rng(7)) == pytest.approx(
        np.std(slopes)
    )

    blocks = [(y, x) for y in range(4) for x in range(4)]
    tallies = np.array(
        [
            [held(phase[8 * y : 8 * y + 8, 8 * x : 8 * x + 8], int(size)).sum() for y, x in blocks]
            for size in sizes
        ]
    )
    drawn = np.random.default_rng(0).multinomial(16, np.full(16, 1 / 16), 200)
    spread = np.std([slope(sizes, tallies @ weights) for weights in drawn])
    assert fractal._block_spread(phase, sizes, "mass", np.random.default_rng(0)) == pytest.approx(spread)

    by_range = abs(slope(sizes[1:], counts[1:]) - slope(sizes[:-1], counts[:-1])) / 2
    assert fractal._range_spread(sizes, counts) == pytest.approx(by_range)
    assert fractal._range_spread(sizes[:3], counts[:3]) == 0.0
    quick = box_slope(phase, sizes.tolist())
    assert (quick, quick.uncertainty) == pytest.approx((slope(sizes, counts), math.hypot(spread, by_range)))
    assert math.isnan(box_slope(phase, [4])) and math.isnan(box_slope(phase & False, [1, 2, 4]))
    assert math.isnan(fractal._slope(sizes, [3, 2, 1, 0]))
    uneven = fractal._by_block(np.ones((5, 9), bool), [4, 4]).reshape(4, 4)
    assert uneven[:, 0].tolist() == [2, 2, 2, 4] and uneven.sum() == 45


def test_a_dimension_and_its_sigma():
    """The smallest cover with all three parts of σ; the interface's without the range, which moves it."""
    phase = random_phase((64, 64), 0.2, 2)
    found = estimate_box_dimension(phase, voxel_size=2e-9, nulls=1)
    assert found.sizes.tolist() == [1, 2, 4, 8, 16] and found.voxel_size == 2e-9 and found.space == 2
    assert found.dimension == pytest.approx(slope(found.sizes, found.counts))
    assert found.dimension.uncertainty == pytest.approx(math.sqrt(sum(s**2 for s in found.spreads.values())))
    border = [(held(phase, int(n)) & held(~phase, int(n))).sum() for n in found.sizes[1:]]
    assert found.interface_dimension == pytest.approx(slope(found.sizes[1:], border))
    assert found.interface_moves == pytest.approx(fractal._range_spread(found.sizes[1:], np.array(border)))
    assert found.counts[0] == phase.sum() and found.counts[-1] <= held(phase, 16).sum()


def test_exact_numbers_and_numbers_that_are_none():
    """σ of rounding is none; a slope that is infinite has none."""
    assert fractal._exact_if_exact(1.5, 5e-10) == 1.5 and fractal._exact_if_exact(1.5, 5e-10).uncertainty == 0
    assert fractal._exact_if_exact(1.5, 3e-9).uncertainty == 3e-9
    assert math.isnan(fractal._exact_if_exact(1.5, math.nan).uncertainty)
    assert fractal._why_no_interface(Quantity(math.nan, 0.1), 2) == "no box holds both phases"
    assert "ε^−0.79, more slowly than a smooth one's (ε^−1)" in fractal._why_no_interface(
        Quantity(0.79, 0.1), 2
    )
    assert not fractal._why_no_interface(Quantity(0.81, 0.1), 2)
    assert fractal._why_no_interface(Quantity(1.79, 0.1), 3) and not fractal._why_no_interface(
        Quantity(1.81, 0.1), 3
    )


def test_cubes_within_a_percent():
    """Edges that differ by less are one; another number is none."""
    assert cubic_voxel((1e-9, 1.009e-9, 1e-9)) == 1e-9
    for edge, text in (
        ((1e-9, 1.011e-9), "are not cubes"),
        (-1e-9, "in m is expected"),
        (0.0, "in m is expected"),
    ):
        with pytest.raises(NotPossible, match=text):
            cubic_voxel(edge)


def test_what_is_said_of_a_dimension():
    """Rows with the nulls and without them; from where to where it is correlated, in nanometres."""
    found = verdict()
    assert [(row.label, row.name) for row in found.rows()] == [
        ("box dimension D", "section_dimension"),
        ("D of the interface", "section_interface_dimension"),
        ("usual slope on sections", ""),
        ("usual slope of patterns of one length", ""),
        ("full of holes, yet correlated", "section_decades"),
        ("broader than one length", ""),
        ("p of one length", "section_p_value"),
    ]
    sizes = np.log([2, 4, 8])
    assert float(found.rows()[2].quantity) == round(2 - np.polyfit(sizes, np.log([0.5, 0.7, 0.9]), 1)[0], 3)
    usual = 2 - np.polyfit(sizes, np.log([0.4, 0.6, 0.8]), 1)[0]
    assert (found.null_dimension, found.null_dimension.uncertainty) == pytest.approx((usual, 0))
    assert found.rows()[0].how == "boxes of 1 to 16 voxels, smallest cover"
    low, high = (50 * end for end in (found.sections.solid, found.sections.reach))
    assert found.interval == pytest.approx((1e-9 * low, 1e-9 * high))
    assert found.notes() == [
        "scale-free: made by hand",
        f"full of holes and yet correlated from {low:.3g} to {high:.3g} nm",
        "D of the interface moves by 0.20 with the range of boxes",
        "σ of D from blocks 0.030, grid origins 0.060",
    ]
    assert repr(found) == str(found)  # a notebook shows its table
    bare = verdict(())
    assert len(bare.rows()) == 3 and len(bare.notes()) == 3 and math.isnan(bare.null_dimension)
    wide = curves(full=(0.2, 0.05, 0.01), lacunarity=(3, 3, 3))
    assert fractal.FractalVerdict(**{**vars(found), "sections": wide, "stamp": None}).interval[
        1
    ] == pytest.approx(4e-7)


def test_what_is_said_of_the_power():
    """Mean and scatter of the excess, the share of each word, seeds and pixels."""
    words = {"cascade": ("scale-free", "scale-free", "cannot tell", "not scale-free")}
    power = VerdictPower(256, {"cascade": np.array([0.1, 0.3, np.nan, 0.2])}, words)
    [row] = power.rows()
    assert (row.quantity, row.quantity.uncertainty) == pytest.approx((0.2, np.std([0.1, 0.3, 0.2])))
    assert row.how == "decades; scale-free 50 %, not scale-free 25 %, cannot tell 25 %"
    assert power.notes() == ["4 seeds a world, 256² pixels; from 0.12 decades on it is scale-free"]


def test_an_instrument_keeps_the_share():
    """Blurred and noisy, cut where as much is left; at a strong contrast the pattern itself, but for its edge."""
    phase = np.hypot(*(np.indices((64, 64)) - 32)) < 20
    seen = fractal._look_at(phase, np.random.default_rng(0), 50.0)
    assert seen.sum() == phase.sum() and np.mean(seen != phase) < 0.01
    assert np.mean(fractal._look_at(phase, np.random.default_rng(0), 0.5) != phase) > 0.1
