"""The identity of data: sha256 of what a file says, not of how its container says it."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from nbtools.files.quantum_design import read_dat
from nbtools.files.tiff_scale import tiff_scale


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
    """Pixels, their size, and what each page says of itself; how the pages are packed does not count."""
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        steps, _ = tiff_scale(tiff, path)
        for page in tiff.pages:
            pixels = page.asarray()
            yield _json([pixels.shape, str(pixels.dtype), "" if tiff.is_imagej else page.description])
            yield np.ascontiguousarray(pixels).tobytes()
    yield _json({name: f"{step:.6g}" for name, step in sorted(steps.items())})


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
