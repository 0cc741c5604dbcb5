"""The identity of data: sha256 of what a file says, not of how its container says it."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from nbtools.io.images import read_image, read_stack
from nbtools.io.quantum_design import read_dat


def content_hash(paths: Iterable[str | Path]) -> str:
    """One sha256 over the decoded content of files, which may come in any order, under their names.

    Arrays count as float64, bit for bit, with the metadata that describes them; the time of writing,
    line ends and column order do not count. A suffix that is not in `DECODERS` counts byte for byte.
    """
    digest = hashlib.sha256()
    for path in sorted(map(Path, paths), key=lambda path: path.name):
        decode = DECODERS.get(path.suffix.lower(), _bytes)
        for piece in (path.name.encode(), *decode(path)):
            digest.update(f"{len(piece)}:".encode() + piece)
    return digest.hexdigest()


def file_hash(path: str | Path) -> str:
    """The sha256 of the bytes, as `sha256sum` prints it."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _quantum_design(path: Path) -> Iterator[bytes]:
    dataset = read_dat(path)
    header = {key: value for key, value in dataset.attrs["header"].items() if "TIME" not in key.upper()}
    yield _json([dataset.attrs["instrument"], header])
    for name in sorted(map(str, dataset.variables)):
        values = dataset[name].values
        yield f"{name} {values.shape} {dataset[name].attrs.get('units', '')}".encode()
        yield values.astype("<f8").tobytes() if values.dtype.kind in "fiub" else _json(values.tolist())


def _tiff(path: Path) -> Iterator[bytes]:
    image = read_stack(path) if path.stem.endswith("_stack") else read_image(path)
    steps = {str(name): float(np.diff(image.coords[name].values[:2])[0]) for name in image.coords}
    yield _json([image.shape, str(image.dtype), {name: f"{step:.6g}" for name, step in steps.items()}])
    yield np.ascontiguousarray(image.values).tobytes()


def _yaml(path: Path) -> Iterator[bytes]:
    yield _json(yaml.safe_load(path.read_text(encoding="utf-8")))


def _hspy(path: Path) -> Iterator[bytes]:
    """Every array and attribute by its place in the file; how HDF5 packs them does not count."""
    import h5py

    with h5py.File(path, "r") as file:
        found = {"/": file}
        file.visititems(lambda name, item: found.__setitem__(name, item))
        for name in sorted(found):
            yield name.encode()
            yield _json({key: _plain(value) for key, value in found[name].attrs.items()})
            if isinstance(found[name], h5py.Dataset):
                values = found[name][()]
                yield str(values.shape).encode()
                yield (
                    values.astype("<f8").tobytes() if values.dtype.kind in "fiub" else _json(values.tolist())
                )


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value


def _bytes(path: Path) -> Iterator[bytes]:
    yield path.read_bytes()


def _json(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, default=str).encode()


DECODERS: dict[str, Callable[[Path], Iterator[bytes]]] = {
    ".dat": _quantum_design,
    ".hspy": _hspy,
    ".tif": _tiff,
    ".yaml": _yaml,
    ".yml": _yaml,
}
