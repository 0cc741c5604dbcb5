"""Volumes and images on the best screen there is: napari's window, K3D in the browser, or a picture."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
