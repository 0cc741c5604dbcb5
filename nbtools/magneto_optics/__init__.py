"""Magneto-optics: from camera frames to B_z, to the current, to J_c of a plate (notebook 04)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
