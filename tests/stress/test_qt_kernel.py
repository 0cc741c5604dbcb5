"""A kernel with napari's window goes on answering, however its cells fall between the window's events."""

import os

import numpy as np
import pytest
from volume.test_napari_volume import CELL, display  # noqa: F401  an X server of its own

pytestmark = [pytest.mark.stress, pytest.mark.timeout(900)]


def test_no_cell_is_missed(display: str) -> None:  # noqa: F811  the fixture
    """500 short cells at random moments: without a wake-up three or four of them never begin."""
    pytest.importorskip("napari")
    from jupyter_client.manager import start_new_kernel

    random = np.random.default_rng(4)
    manager, client = start_new_kernel(env=os.environ | {"DISPLAY": display})
    quiet = {"output_hook": lambda message: None}
    try:
        client.execute_interactive(CELL, allow_stdin=True, timeout=200, **quiet)
        for pause in random.choice([0, 1e-3, 1e-2, 5e-2], 500):
            client.execute_interactive(f"import time; time.sleep({pause})", timeout=10, **quiet)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
