"""Writes spectra, maps and images as HyperSpy's .hspy files, which LumiSpy reads; each says that it is synthetic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.whole_file import replace_whole

FORMAT = "3.3"


@dataclass(frozen=True)
class Axis:
    """One dimension: `places` at even steps, in `unit` as a file writes it."""

    name: str
    places: NDArray[np.float64]
    unit: str
    is_signal: bool


@dataclass(frozen=True)
class Signal:
    """One experiment of a file."""

    title: str
    data: NDArray[Any]
    axes: Sequence[Axis]
    signal_type: str = ""
    quantity: str = ""
    instrument: Mapping[str, float] = field(default_factory=dict)


def write_hspy(path: str | Path, signals: Sequence[Signal]) -> Path:
    """All signals in one file, whole or not at all; same content, same bytes with the same HDF5 library."""
    import h5py

    def fill(temporary: Path) -> None:
        with h5py.File(temporary, "w", track_order=True) as file:
            file.attrs["file_format"], file.attrs["file_format_version"] = "HyperSpy", FORMAT
            file.attrs["note"] = SYNTHETIC
            experiments = file.create_group("Experiments")
            for signal in signals:
                _write(experiments.create_group(signal.title), signal)

    return replace_whole(path, fill)


def _write(group: Any, signal: Signal) -> None:
    for number, axis in enumerate(signal.axes):
        entry = group.create_group(f"axis-{number}")
        step = float(axis.places[1] - axis.places[0]) if axis.places.size > 1 else 1.0
        entry.attrs.update(
            {
                "_type": "UniformDataAxis",
                "name": axis.name,
                "units": axis.unit,
                "offset": float(axis.places[0]),
                "scale": step,
                "size": axis.places.size,
                "navigate": not axis.is_signal,
                "is_binned": False,
            }
        )
    group.create_dataset("data", data=signal.data, compression="gzip", shuffle=True, track_times=False)
    group.create_group("attributes").attrs.update({"_lazy": False, "ragged": False})
    group.create_group("learning_results")
    group.create_group("original_metadata")
    metadata = group.create_group("metadata")
    metadata.create_group("General").attrs.update({"title": signal.title, "notes": SYNTHETIC})
    metadata.create_group("Signal").attrs.update(
        {"signal_type": signal.signal_type, "quantity": signal.quantity}
    )
    if signal.instrument:
        metadata.create_group("Acquisition_instrument").create_group("SEM").attrs.update(signal.instrument)
