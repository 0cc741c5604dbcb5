"""Ac susceptibility and loops: the critical state tested, its current density and the law of that (notebook 05)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
