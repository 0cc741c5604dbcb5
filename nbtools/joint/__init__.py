"""What several techniques say together of one sample (notebook 07, and the report on a folder)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
