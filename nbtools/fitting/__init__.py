"""Fit a model to curves by hand and by lmfit; save, read and replay what was done."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
