"""STEM images of interfaces: grains, zones, parallel planes, columns, boundary, terraces, elements (notebook 02)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
