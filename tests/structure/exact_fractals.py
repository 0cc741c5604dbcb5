"""Sets whose dimension is known exactly, drawn to the voxel."""

from math import log

import numpy as np


def repeated(pattern, levels):
    """The pattern put into each of its own filled cells, `levels` times."""
    pattern = np.asarray(pattern, bool)
    made = np.ones((1,) * pattern.ndim, bool)
    for _ in range(levels):
        made = np.kron(made, pattern).astype(bool)
    return made


def grid(space):
    """How many of the coordinates of each cell of 3^d are in the middle."""
    return sum(axis == 1 for axis in np.indices((3,) * space))


def line(side, space):
    made = np.zeros((side,) * space, bool)
    made[(side // 3,) * (space - 1)] = True
    return made


def square(side, edge):
    made = np.zeros((side, side), bool)
    made[40 : 40 + edge, 60 : 60 + edge] = True
    return made


TETRAHEDRON = np.zeros((2, 2, 2), bool)
TETRAHEDRON[[0, 1, 0, 1], [0, 1, 1, 0], [0, 0, 1, 1]] = True

SETS = {
    "carpet 3^5": (repeated(grid(2) < 2, 5), log(8) / log(3)),
    "carpet 3^6": (repeated(grid(2) < 2, 6), log(8) / log(3)),
    "Vicsek": (repeated(grid(2) > 0, 5), log(5) / log(3)),
    "triangle": (repeated([[1, 0], [1, 1]], 9), log(3) / log(2)),
    "dust": (repeated(grid(2) == 0, 5), log(4) / log(3)),
    "Menger 3^4": (repeated(grid(3) < 2, 4), log(20) / log(3)),
    "Vicsek 3-D": (repeated(grid(3) > 1, 4), log(7) / log(3)),
    "dust 3-D": (repeated(grid(3) == 0, 4), log(8) / log(3)),
    "tetrahedron": (repeated(TETRAHEDRON, 6), 2.0),
    "solid square": (np.ones((200, 200), bool), 2.0),
    "square in a field": (square(256, 100), 2.0),
    "solid cube": (np.ones((64, 64, 64), bool), 3.0),
    "line": (line(256, 2), 1.0),
    "diagonal": (np.eye(256, dtype=bool), 1.0),
    "line in a cube": (line(64, 3), 1.0),
}
