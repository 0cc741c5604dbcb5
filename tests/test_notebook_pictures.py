"""Pictures as a stored notebook keeps them."""

import base64
import io

import numpy as np
from PIL import Image

from nbtools.notebook.document import bare_png, in_few_colours


def encoded(pixels):
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, format="png")
    return base64.b64encode(target.getvalue()).decode()


def test_a_large_picture_is_kept_in_few_colours() -> None:
    """Noise shrinks by half or more, once, and no grey moves by more than a few levels."""
    grey = np.random.default_rng(0).integers(0, 256, (400, 400), dtype=np.uint8)
    large = encoded(np.dstack([grey, grey, grey, np.full_like(grey, 255)]))
    kept = in_few_colours(large)
    assert len(kept) < 0.7 * len(large)
    assert in_few_colours(kept) == kept == bare_png(kept)
    with Image.open(io.BytesIO(base64.b64decode(kept))) as drawn:
        seen = np.asarray(drawn.convert("L")).astype(int)
    assert np.abs(seen - grey).max() <= 4


def test_a_small_picture_stays_as_it_is() -> None:
    """Byte for byte."""
    small = encoded(np.zeros((20, 20, 3), np.uint8))
    assert in_few_colours(small) == small
