"""Cathodoluminescence: bands in energy, maps of them, and whether their places say more than chance (notebook 06)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
