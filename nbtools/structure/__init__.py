"""Structure: phases, fractal verdict, isotropy, percolation of sections and volumes; powder patterns (notebook 01)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
