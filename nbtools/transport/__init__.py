"""Transport and dc magnetisation: transition, normal state, critical fields, Ginzburg–Landau lengths (notebook 03)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
