"""Lattices, creeping plates and cylinders with ends, on numbers worked out by hand and on both sides of a limit."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.constants import mu_0
from scipy.integrate import dblquad, quad

from nbtools.files.crystal import own_crystal
from nbtools.physics import critical_state as state
from nbtools.physics import crystal_lattice as lattice
from nbtools.physics import finite_cylinder as cylinder
from nbtools.physics.bean_state import bean_susceptibility, half_screening_field, virgin_curve
from nbtools.physics.creep import creep_susceptibility, solve_creep

# ---- lattices


def cell(lengths, degrees=(90, 90, 90), *, weights=(1.0,), positions=((0, 0, 0),)):
    """Atoms that scatter by their weights alone, whatever the angle."""
    return SimpleNamespace(
        name="by hand",
        lengths=np.array(lengths, float),
        angles=np.radians(degrees),
        positions=np.array(positions, float),
        occupancies=np.array(weights, float),
        displacements=np.zeros(len(weights)),
        scattering=np.array([[0.0] * 8 + [1.0]] * len(weights)),
    )


def test_vectors_of_a_cell_without_a_right_angle():
    """Lengths and products by the angles; a along x, b in the plane of x and y, c above it."""
    a, b, c = lattice.lattice_vectors(cell((3, 5, 7), (70, 80, 110)))
    assert [a @ a, b @ b, c @ c] == pytest.approx([9, 25, 49])
    assert b @ c == pytest.approx(35 * np.cos(np.radians(70)))
    assert a @ c == pytest.approx(21 * np.cos(np.radians(80)))
    assert a @ b == pytest.approx(15 * np.cos(np.radians(110)))
    assert a[1] == a[2] == b[2] == 0 and a[0] > 0 and b[1] > 0 and c[2] > 0


def test_planes_of_a_rectangular_cell():
    """1/d² = h²/a² + k²/b² + l²/c², and the angle between normals from their components."""
    box = cell((3, 5, 7))
    assert lattice.plane_spacing(box, (2, -1, 3)) == pytest.approx((4 / 9 + 1 / 25 + 9 / 49) ** -0.5)
    first, second = np.array([2 / 3, -1 / 5, 3 / 7]), np.array([1 / 3, 4 / 5, -1 / 7])
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert lattice.plane_angle(box, (2, -1, 3), (1, 4, -1)) == pytest.approx(np.arccos(cosine))
    assert lattice.plane_angle(box, (1, 2, 3), (-3, -6, -9)) == pytest.approx(np.pi)
    with pytest.raises(ValueError, match="is no plane"):
        lattice.plane_spacing(box, [(1, 0, 0), (0, 0, 0)])


def test_indices_of_planes_and_directions():
    """Three or four of them; the third of four fits to a billionth."""
    assert lattice.plane_indices((1, 2, -3 + 0.9e-9, 5)).tolist() == [1, 2, 5]
    with pytest.raises(ValueError, match="need i = −h−k"):
        lattice.plane_indices((1, 2, -3 + 1.5e-9, 5))
    with pytest.raises(ValueError, match=r"shape \(2,\) came"):
        lattice.plane_indices((1, 2))
    with pytest.raises(ValueError, match=r"need T = −U−V; \[1, 2, 3, 4\] came"):
        lattice.zone_indices((1, 2, 3, 4))
    assert lattice.without_common_factor([4, -6, 10]).tolist() == [2, -3, 5]
    assert lattice.without_common_factor([0, 0, 0]).tolist() == [0, 0, 0]
    assert lattice.zone_axis((0, 3, 0), (0, 0, -2)).tolist() == [1, 0, 0]
    assert lattice.zone_axis((4, 0, 0), (0, 0, 3)).tolist() == [0, 1, 0]
    assert lattice.zone_axis((1, 2, 3), (2, 4, 6)).tolist() == [0, 0, 0]
    grid = lattice.index_grid([1, 2, 0])
    assert len(grid) == 3 * 5 - 1 and np.abs(grid).max(axis=0).tolist() == [1, 2, 0]


@pytest.mark.parametrize("angle", [0.0, 0.3, 2.0])
def test_a_picture_along_c(angle):
    """a* of a cube lies to the right and turns counter-clockwise; of 120° cells it is 30° from a, halfway to b."""
    cosine, sine = np.cos(angle), np.sin(angle)
    found = lattice.viewing_axes(cell((4, 4, 4)), (0, 0, 1), angle)
    assert found == pytest.approx(np.array([[-sine, -cosine, 0], [cosine, -sine, 0]]), abs=1e-12)
    found = lattice.viewing_axes(cell((3, 3, 5), (90, 90, 120)), (0, 0, 1), angle)
    normal, up = np.array([3**0.5, 1, 0]) / 2, np.array([-1, 3**0.5, 0]) / 2
    assert found @ normal == pytest.approx([-sine, cosine]) and found @ up == pytest.approx([-cosine, -sine])


@pytest.mark.parametrize(
    ("zone", "spacings"),
    [
        ((0, 0, 1), (3, 4)),
        ((1, 0, 0), (4, 5)),
        ((0, 1, 1), (3, 20 / 41**0.5)),
        ((1, 0, -1), (15 / 34**0.5, 4)),
    ],
)
def test_the_net_of_a_picture(zone, spacings):
    """Of a box of 3, 4 and 5 the shortest two sides in projection; with the zone they span one cell."""
    box = cell((3, 4, 5))
    net = lattice.projected_net(box, zone)
    assert abs(np.linalg.det([*net, zone])) == pytest.approx(1.0)
    towards = np.array(zone) * [3, 4, 5] / np.linalg.norm(np.array(zone) * [3, 4, 5])
    lengths = [np.linalg.norm(v - (v @ towards) * towards) for v in net * [3, 4, 5]]
    assert lengths == pytest.approx(sorted(spacings))


@pytest.mark.parametrize(("share", "extinct"), [(0.9e-8, True), (1.5e-8, False)])
def test_what_is_called_extinct(share, extinct):
    """Two atoms half a cell apart that all but cancel: (1 − w)² of (1 + w)² is the share."""
    root = np.sqrt(share)
    pair = cell((3, 4, 5), weights=(1.0, (1 - root) / (1 + root)), positions=((0, 0, 0), (0.5, 0, 0)))
    assert lattice.is_extinct(pair, [(1, 0, 0), (2, 0, 0), (0, 1, 0)]).tolist() == [extinct, False, False]


@pytest.mark.parametrize(("minimum", "count"), [(0.5, 32), (0.501, 26), (0.577, 26), (0.578, 18), (1.001, 0)])
def test_reflections_of_a_cube(minimum, count):
    """6 have d = 1, 12 1/√2, 8 1/√3 and 6 one half."""
    found = lattice.reflections_within(cell((1, 1, 1)), minimum)
    assert len(found) == count


def test_reflections_of_a_box():
    """Each axis as far as its own length goes."""
    found = lattice.reflections_within(cell((1.2, 2.1, 3.3)), 1.05)
    expected = {
        (h, k, i)
        for h in range(-1, 2)
        for k in range(-2, 3)
        for i in range(-3, 4)
        if 0 < (h / 1.2) ** 2 + (k / 2.1) ** 2 + (i / 3.3) ** 2 <= 1.05**-2 * (1 + 1e-9)
    }
    assert set(map(tuple, found.tolist())) == expected and len(found) == len(expected)


@pytest.mark.parametrize(
    ("crystal", "order"),
    [
        (cell((3, 4, 5)), 8),
        (cell((3, 3, 5)), 16),
        (cell((4, 4, 4)), 48),
        (cell((3, 4, 5), (90, 105, 90)), 4),
        (cell((3, 4, 5), (85, 105, 98)), 2),
        (cell((3, 3, 5), (90, 90, 120)), 24),
        (cell((3, 3 * (1 + 0.4e-4), 5)), 16),  # squares that differ by 0.8e-4
        (cell((3, 3 * (1 + 0.75e-4), 5)), 8),  # by 1.5e-4
        (cell((3, 3, 3), weights=(1, 0.2e-6), positions=((0, 0, 0), (0.5, 0, 0))), 48),  # by 4 × 0.2e-6
        (cell((3, 3, 3), weights=(1, 0.375e-6), positions=((0, 0, 0), (0.5, 0, 0))), 16),
    ],
)
def test_how_many_turns_leave_a_cell(crystal, order):
    """The orders of the Laue groups; cells and intensities that are the same to a rounding count as the same."""
    assert len(lattice.symmetry_operations(crystal)) == order


@pytest.mark.parametrize(
    ("crystal", "plane", "name"),
    [
        (cell((4, 4, 4)), (-1, 0, 2), "{210}"),
        (cell((3, 4, 5)), (-1, 2, -3), "{123}"),
        (own_crystal("MgB2"), (0, 1, -1, 2), "{10-12}"),
        (own_crystal("MgB2"), (-1, -1, 2, 0), "{11-20}"),
        (cell((3, 3, 5), (90, 90, 120 + np.degrees(0.9e-3))), (0, 0, -2), "{0002}"),
        (cell((3, 3, 5), (90, 90, 120 + np.degrees(1.5e-3))), (0, 0, -2), "{002}"),
    ],
)
def test_names_of_families(crystal, plane, name):
    """Of the plane with the fewest minus signs, then the largest first index; four indices at 120°."""
    assert lattice.family_name(crystal, plane) == name


def test_directions_of_a_box_and_of_a_square_prism():
    """One of each family without minus signs, the shortest first, with the number of its members."""
    zones, counts = lattice.low_index_zones(cell((3, 4, 5.5)), 1)
    lengths = [(1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 1), (1, 1, 1)]
    assert list(map(tuple, zones.tolist())) == lengths and counts.tolist() == [2, 2, 4, 2, 4, 4, 8]
    zones, counts = lattice.low_index_zones(cell((3, 3, 3.2)), 1)
    assert zones.tolist() == [[1, 0, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [1, 1, 1]]
    assert counts.tolist() == [4, 2, 4, 8, 8]
    assert len(lattice.low_index_zones(cell((3, 3, 3.2)))[0]) == len(
        lattice.low_index_zones(cell((3, 3, 3.2)), 2)[0]
    )


# ---- a plate that creeps


def test_distances_to_the_edge_of_a_mask():
    """Half a pixel on both sides of an edge; a distance that is given is kept."""
    found = state.signed_distance([[False, False, True, True, True, False]])
    assert found[0].tolist() == [-1.5, -0.5, 0.5, 1.5, 0.5, -0.5]
    given = np.array([[0.3, -2.0]])
    assert state.signed_distance(given) is given


@pytest.mark.parametrize("axis", [0, 1])
def test_the_part_of_a_step_that_is_sample(axis):
    """Inside the whole; across the edge as the distances say, from a quarter to three halves."""
    line = np.array([-0.6, 0.4, 1.4, 0.3, -0.7, -1.04, 0.26, 0.7, 0.24, 1.2, 0.2])
    distance = np.stack([line, line], axis=1 - axis)
    found = state._parts(distance, distance > 0.25, axis)
    found = np.moveaxis(found, axis, 0)[:, 1]
    across = [0.4, 1, 1, 0.3, 1, 0.25, 1, 1.5, 1.2 / 0.96, 1.2]
    assert found == pytest.approx(across)


def test_steps_of_eight_to_the_octave():
    """The next shorter one, and none that is on it moved."""
    for step, shorter in ((3.4, 3), (-5.2, -6), (8.99, 8), (0.01, 0), (16.01, 16)):
        assert state._one_of_few(2 ** (step / 8)) == pytest.approx(2 ** (shorter / 8))
    assert state._corners(np.array([[1.0, 4.0, 9.0]]), 1).tolist() == [[2.5, 6.5]]
    assert state._corners(np.array([[1.0], [4.0], [9.0]]), 0).tolist() == [[2.5], [6.5]]


def test_what_is_read_off_states():
    """The moment is the volume under G; without currents B is the applied field, or another that is given."""
    stream = np.zeros((2, 5, 6))
    stream[1, 1:4, 2:4] = 3.0
    states = state.PlateStates(np.array([200.0, 500.0]), stream, stream[1] > 0, 0.0, 2e-3)
    assert states.moment == pytest.approx([0, 6 * 3.0 * 4e-6])
    assert states.field(0, height=1e-3) == pytest.approx(mu_0 * 200.0)
    assert states.field(0, height=1e-3, uniform=-30.0) == pytest.approx(mu_0 * -30.0)
    own = states.field(1, height=1e-3) - mu_0 * 500
    assert own == pytest.approx(states.field(1, height=1e-3, uniform=0.0)) and own[2, 2] > 0
    thick = state.PlateStates(states.applied, stream, states.outline, 0.5, 2e-3)
    assert thick.current(1)[0] == pytest.approx(2 * states.current(1)[0])


def plate(**change):
    mask = np.zeros((12, 17), bool)
    mask[2:10, 3:15] = True  # 8 high, 12 wide
    distance = state.signed_distance(mask)
    density = np.where(np.arange(17) < 9, 3.0, 5.0) * np.ones((12, 1))
    return state.CreepingPlate(distance, density, **({"pixel_size": 0.25, "thickness": 0.7} | change))


def test_the_scales_of_a_plate():
    """Half the shorter side, J_c d, µ0 a/6, and the mean of J_c d times a."""
    one = plate()
    assert one.half_width == pytest.approx(1.0) and one.sheet_current[0, 0] == pytest.approx(2.1)
    assert one.criterion == pytest.approx(mu_0 / 6) and one.scale == pytest.approx(0.7 * 4.0)
    assert plate(thickness=0.0).sheet_current[0, 16] == pytest.approx(5.0)


def test_the_flow_in_a_metal():
    """With n = 1 ρ is µ0 a/6 over J_c d, and ρ ∇² of 3x² + 5y² is 16 ρ."""
    one = plate(exponent=1.0)
    one.sheet_current = np.full((12, 17), 2.0)
    y, x = 0.25 * np.mgrid[:12, :17]
    flow = one._flow(3 * x**2 + 5 * y**2, 0.0)
    resistance = mu_0 / 6 / 2.0
    assert flow[4:8, 5:12] == pytest.approx(16 * resistance)
    assert one.stiffness == pytest.approx(8 * 1.0 * resistance / mu_0 / 0.25**2)
    ratio = plate(exponent=9.0)
    ratio.sheet_current = np.full((12, 17), 2.0)
    high = ratio._resistance(np.full((11, 16), 30.0), np.zeros((12, 17)), 0.0)
    assert high == pytest.approx(resistance * 2.0**4), "no more than twice the square of J_c"
    low = ratio._resistance(np.full((11, 16), 4.0 * 1.9), np.zeros((12, 17)), 0.0)
    assert low == pytest.approx(resistance * 1.9**4)


@pytest.mark.parametrize(("sweep", "stages"), [(1.0, 2), (-1.0, 3), (1.0, 5), (-1.0, 9)])
def test_a_step_of_the_clock_is_of_second_order(monkeypatch, sweep, stages):
    """Exact where the rate is a straight line in the field; of decay all but the third power of the step."""
    one = plate(thickness=0.0)
    step, now = 0.4, 2.0
    top = float(one._inverse.max())
    one.stiffness = ((stages - 0.5) ** 2 - 1) / 1.54 / step / top
    times = []

    def line(stream, applied, rate):
        assert rate == sweep
        times.append(applied)
        return np.full(stream.shape, 3.0 + 0.7 * applied)

    monkeypatch.setattr(one, "rate", line)
    found, error = one._chebyshev_step(np.full((12, 17), 5.0), now, sweep, step)
    middle = now + sweep * step / 2
    assert found == pytest.approx(5 + step * (3 + 0.7 * middle)) and error == pytest.approx(0, abs=1e-12)
    assert len(times) == stages + 1 and times[0] == now and times[-1] == pytest.approx(now + sweep * step)
    monkeypatch.setattr(one, "rate", lambda stream, *_: -0.5 * stream)
    found, error = one._chebyshev_step(np.full((12, 17), 5.0), now, sweep, step)
    z = -0.5 * step
    left = float(found[0, 0]) / 5 - (1 + z + z * z / 2)
    assert abs(left) <= abs(z) ** 3 / 6
    assert error == pytest.approx(abs(0.8 * (5 - found[0, 0]) + 0.4 * step * -0.5 * (5 + found[0, 0])))


# ---- creep


def test_shallow_flux_below_the_table():
    """Its depth goes as u^(n/(n+1)): at an eighth of the field a quarter of it for n = 2, 1/√8 for n = 1."""
    u = np.array([0.005, 0.005 / 8])
    for n, factor in ((2.0, 4.0), (1.0, 8**0.5), (np.inf, 8.0)):
        real, loss = creep_susceptibility(u, n, reduced_frequency=1 / u)
        assert (1 + real[0]) / (1 + real[1]) == pytest.approx(factor)
        assert loss[0] / loss[1] == pytest.approx(factor)


@pytest.mark.parametrize("exponent", [41, 21, 14, 10, 7, 5, 3.5, 2.5, 1 / 0.55, 1 / 0.75])
def test_the_columns_of_the_table(exponent):
    """Each belongs to its exponent: a coarse solution at u = 1 is within 4e-3."""
    found = creep_susceptibility(1.0, exponent)
    real, loss = solve_creep(1.0, exponent, cells=20, steps=96, cycles=1.5)
    assert found == pytest.approx((real[0], loss[0]), abs=4e-3)


# ---- cylinders with ends


@pytest.mark.parametrize(("r", "source", "height"), [(0.3, 0.8, 0.4), (0.9, 0.5, -0.2), (1.0, 1.0, 0.05)])
def test_the_potential_of_a_loop(r, source, height):
    """∫ s cos φ dφ over the distance, over the whole turn, and 1/4π."""

    def part(phi):
        return source * np.cos(phi) / np.sqrt(r * r + source**2 + height**2 - 2 * r * source * np.cos(phi))

    expected = quad(part, 0, np.pi, limit=200)[0] / (2 * np.pi)
    assert cylinder._loop_potential(np.array(r), np.array(source), np.array(height)) == pytest.approx(
        expected
    )


@pytest.mark.parametrize(("r", "dr", "dz"), [(0.5, 0.05, 0.03), (0.7, 0.02, 0.09), (0.4, 0.1, 0.02)])
def test_the_potential_of_a_cell_in_its_own_middle(r, dr, dz):
    """The loop's, averaged over the cell by quadrature round the singular point."""

    def loop(up, there):
        return float(cylinder._loop_potential(np.array(r), np.array(there), np.array(up)))

    halves = [dblquad(loop, a, b, 0, dz / 2, epsrel=1e-6)[0] for a, b in ((r - dr / 2, r), (r, r + dr / 2))]
    assert cylinder._own_potential(r, dr, dz) == pytest.approx(2 * sum(halves) / (dr * dz), rel=2e-3)


def test_the_mesh_of_half_a_cylinder():
    """Its area is half the length times the radius; the energy is the same both ways and never negative."""
    r, z, area, energy = cylinder._mesh_energy(1.7, 5, 6)
    assert area.sum() == pytest.approx(1.7) and r @ area == pytest.approx(1.7 / 2)
    assert z @ area == pytest.approx(1.7**2 / 2) and r.size == 30
    assert energy == pytest.approx(energy.T) and np.linalg.eigvalsh(energy).min() > 0
    # Far apart two cells act as loops, with the mirror image of the second.
    first, second = 26, 29
    pair = sum(cylinder._loop_potential(r[first], r[second], z[first] + sign * z[second]) for sign in (1, -1))
    assert energy[first, second] == pytest.approx(r[first] * area[first] * pair * area[second], rel=0.05)


@pytest.mark.parametrize("screening", [-1.0, -1.6])
def test_the_response_of_a_known_curve(monkeypatch, screening):
    """With Bean's curve of a long cylinder it is Bean's response, over its own full screening."""
    grid = np.linspace(0, 1.05, 400)
    known = cylinder.FiniteCylinder(5.0, screening, grid, virgin_curve(grid, "cylinder"))
    monkeypatch.setattr(cylinder, "finite_cylinder", lambda _: known)
    x = np.array([0.02, 0.3, 0.97, 1.04, 2.5, 30.0])
    expected = bean_susceptibility(x, "cylinder")[0] / -screening
    assert cylinder.finite_cylinder_susceptibility(x, 5.0) == pytest.approx(expected, abs=2e-5)
    if screening == -1.0:
        half = half_screening_field("cylinder")
        assert cylinder.finite_half_screening_field(5.0) == pytest.approx(half, rel=1e-4)
    assert known.virgin_curve([[0.5, 3.0]]) == pytest.approx(
        np.array([[-0.5 + 0.25 - 1 / 24, -1 / 3]]), abs=1e-6
    )


def test_the_currents_of_least_energy():
    """Without interaction each is −pull over its energy, and no less than −1, no more than 0."""
    energy, drive = np.diag([2.0, 4.0, 0.5]), np.array([1.0, -3.0, 0.9])
    assert cylinder._critical_state(energy, drive, np.zeros(3)) == pytest.approx([-0.5, 0.0, -1.0], abs=1e-6)
    energy[0, 1] = energy[1, 0] = -1.0
    found = cylinder._critical_state(energy, np.array([1.0, 1.0, 0.1]), np.zeros(3))
    assert found == pytest.approx([-5 / 7, -3 / 7, -0.2], abs=1e-6)
