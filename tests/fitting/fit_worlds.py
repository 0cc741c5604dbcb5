"""Planted curves that the tests of the fitter share."""

from typing import Any

import lmfit
import numpy as np

from nbtools.fitting import FitWidget


def decay(t: Any, amplitude: float = 2.0, rate: float = 0.5, offset: float = 0.1) -> Any:
    """amplitude exp(−rate t) + offset."""
    return amplitude * np.exp(-rate * t) + offset


def peak_model() -> lmfit.Model:
    """A Gaussian on a constant: composite, with derived parameters."""
    return lmfit.models.GaussianModel(prefix="g_") + lmfit.models.ConstantModel()


def decay_data(seed: int = 0, *, points: int = 60, noise: float = 0.02) -> tuple[Any, Any]:
    """t and a noisy decay."""
    t = np.linspace(0, 8, points)
    return t, decay(t) + noise * np.random.default_rng(seed).normal(size=points)


def decay_widget(seed: int = 0, **options: Any) -> FitWidget:
    """A decay with known σ, started off its answer."""
    t, y = decay_data(seed)
    start = {"amplitude": 1.5, "rate": 0.8, "offset": 0.0}
    return FitWidget(lmfit.Model(decay), t, y, **({"sigma": 0.02, "params": start} | options))


def peak_widget(seed: int = 0, **options: Any) -> FitWidget:
    """A peak on a background, 500 points, started by the guess."""
    x = np.linspace(0, 10, 500)
    y = 3 * np.exp(-((x - 4) ** 2) / (2 * 0.8**2)) + 0.5
    y = y + 0.05 * np.random.default_rng(seed).normal(size=x.size)
    return FitWidget(peak_model(), x, y, **({"sigma": 0.05} | options))


def numbers(widget: FitWidget) -> dict[str, float]:
    """The fitted values by name."""
    return {name: float(p.value) for name, p in widget.result.params.items()}
