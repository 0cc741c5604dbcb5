"""Fit a model to curves by hand and by lmfit; save, read and replay what was done."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbtools.fitting.state import FitError, StateError
    from nbtools.fitting.widget import FitWidget

__all__ = ["FitError", "FitWidget", "StateError"]
_HOME = {"FitWidget": "widget", "FitError": "state", "StateError": "state"}


def __getattr__(name: str) -> Any:
    """Loaded when first asked for, so that the state of a fit brings in no minimiser."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
