"""Compute once, on disk (joblib), keyed by the arguments and by the code that ran."""

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import inspect
import io
import pickle
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path, PurePath
from typing import Any, ParamSpec, TypeVar

import joblib
import numpy as np
from joblib.func_inspect import get_func_code
from joblib.memory import FileSystemStoreBackend

from nbtools import paths
from nbtools.units import Quantity

P = ParamSpec("P")
T = TypeVar("T")

ROOT = paths.PACKAGE.parent


def cached(function: Callable[P, T]) -> Callable[P, T]:
    """Keep what `function` returns on disk; the same arguments and the same code give it back.

    For module-level functions of a package that take longer than half a second. The key holds the
    arguments by content, the source of the function's module and of every nbtools module that it
    imports, however indirectly, and the versions of numpy and scipy. Arguments may be numpy arrays,
    numbers, strings, bytes, None, a `Quantity`, frozen dataclasses or frozen pydantic models, and
    tuples, lists and dicts of these.

    A damaged entry is computed again; where the folder cannot be written, or a source file was
    edited after its import, the function simply runs.

    Raises
    ------
    ValueError
        When decorating: a nested function, or one without a module file.
        When calling: an argument whose hash would not see its content (Zarr, Dask, path, open file, callable).
    """
    if function.__closure__ or "<locals>" in function.__qualname__:
        raise ValueError(
            f"{function.__qualname__} is a nested function, whose captured values the cache does not see; "
            "move it to the top of a module and pass them as arguments"
        )
    signature = inspect.signature(function)
    imported = code_hash(function.__module__)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        content = [(n, _content(v, f"{function.__name__}({n})")) for n, v in bound.arguments.items()]
        location = folder()
        if location is None or code_hash(function.__module__) != imported:
            return function(*args, **kwargs)
        key = joblib.hash((function.__module__, function.__qualname__, imported, _versions(), content))
        return _memory(location)(key, functools.partial(function, *args, **kwargs))

    return call


def folder() -> Path | None:
    """Where entries lie: ``NBTOOLS_CACHE``, or ``build/cache`` of the project; None where it says ``off``."""
    return paths.cache_folder()


def size() -> tuple[int, int]:
    """Number of entries, and bytes on disk."""
    location = folder()
    files = [file for file in (location / "joblib").rglob("*") if file.is_file()] if location else []
    return sum(file.name == _Store.FILE for file in files), sum(file.stat().st_size for file in files)


def clear() -> None:
    """Remove every entry, and nothing else that the folder may hold."""
    location = folder()
    if location is not None:
        shutil.rmtree(location / "joblib", ignore_errors=True)


def code_hash(module: str) -> str:
    """One hash over the source of `module` and of all it imports from its own package and from nbtools.

    Imports are read from the syntax tree, so that those inside functions count; a module that imports
    by computed name (`importlib`) or with a star counts as importing its whole package, and so does one that imports
    a package with a lazy face (`lazy_loader`), or a name of it: estimators import from the files.

    Raises
    ------
    ValueError
        A module that has no file: a notebook cell, an interpreter session.
    """
    digest = hashlib.sha256()
    for name, source in sorted(_code_of(module).items()):
        digest.update(f"{name} {len(source)}\n".encode() + source)
    return digest.hexdigest()


def code_modules(module: str) -> list[str]:
    """The modules whose source `code_hash` reads, by name."""
    return sorted(_code_of(module))


def _code_of(module: str) -> dict[str, bytes]:
    file = getattr(sys.modules.get(module), "__file__", None)
    if module == "__main__" or file is None:
        raise ValueError(
            f"the cache cannot see the source of {module}; put the function or class into a module of a package"
        )
    above = module.count(".") + (Path(file).name == "__init__.py")
    return _sources(module, {"nbtools": ROOT, module.partition(".")[0]: Path(file).absolute().parents[above]})


def _sources(module: str, roots: dict[str, Path]) -> dict[str, bytes]:
    """Name → source of `module` and everything of the packages in `roots` that it reaches."""
    found: dict[str, bytes] = {}
    seen: set[tuple[str, bool]] = set()
    waiting = [(module, False)]
    while waiting:
        name, is_above = waiting.pop()
        package = name.partition(".")[0]
        if (name, is_above) in seen or package not in roots:
            continue
        seen.add((name, is_above))
        above = name.rpartition(".")[0]
        if name.endswith("*"):
            waiting.extend((below, False) for below in _modules_below(name, roots[package]))
        elif file := _module_file(name, roots[package]):
            found[name] = file.read_bytes()
            waiting.extend((one, False) for one in _imports(found[name], name, file.name == "__init__.py"))
            if not is_above and file.with_suffix(".pyi").is_file():
                waiting.append((f"{name}.*", False))
        elif (face := _module_file(above, roots[package])) and face.with_suffix(".pyi").is_file():
            waiting.append((f"{above}.*", False))
        # Importing a.b.c runs a and a.b first.
        waiting.append((above, True))
    return found


def _module_file(name: str, root: Path) -> Path | None:
    stem = root.joinpath(*name.split("."))
    return next((f for f in (stem / "__init__.py", stem.with_name(f"{stem.name}.py")) if f.is_file()), None)


def _modules_below(pattern: str, root: Path) -> list[str]:
    package = root.joinpath(*pattern.split(".")[:-1])
    return [".".join(file.relative_to(root).with_suffix("").parts) for file in package.rglob("*.py")]


@functools.lru_cache(maxsize=1024)
def _imports(source: bytes, module: str, is_package: bool) -> frozenset[str]:
    """Every name that this source may import, be it a module or something in one."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # a file caught while it is being edited; its content is hashed anyway
        return frozenset()
    package = module if is_package else module.rpartition(".")[0]
    names: set[str] = set()
    for node in _run_time_nodes(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            names.update(f"{base}.{alias.name}" for alias in node.names)
        elif {getattr(node, "id", ""), getattr(node, "attr", "")} & {"import_module", "__import__"}:
            names.add(f"{module.partition('.')[0]}.*")
    return frozenset(names)


def _run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only the type checker reads."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for node in child.orelse:
                yield from _run_time_nodes(node)
        else:
            yield from _run_time_nodes(child)


def _content(value: Any, where: str) -> Any:
    """`value` as nested tuples, in which joblib's hash sees all that the function could see."""
    kind = type(value)
    label = f"{kind.__module__}.{kind.__qualname__}"
    if value is None or kind in (bool, int, float, complex, str, bytes):
        return label, value
    if kind is Quantity:
        return label, value.value, value.uncertainty, value.unit
    if (kind in (np.ndarray, np.memmap) or isinstance(value, np.generic)) and not value.dtype.hasobject:
        return label, np.asarray(value)
    if isinstance(value, str) and hasattr(value, "__dict__"):
        return label, str(value), _content(vars(value), where)
    if kind in (tuple, list) or (isinstance(value, tuple) and hasattr(kind, "_fields")):
        return label, *[_content(item, where) for item in value]
    if kind is dict:
        return label, *[(_content(k, where), _content(v, where)) for k, v in value.items()]
    if (content := _frozen_fields(value)) is not None:
        inside = [(name, _content(item, f"{where}.{name}")) for name, item in content.items()]
        return label, code_hash(kind.__module__), *inside
    what, instead = _refusal(value)
    raise ValueError(f"{where} is {what}: the cache would not see its content change; pass {instead}")


def _frozen_fields(value: Any) -> dict[str, Any] | None:
    """The fields of a frozen dataclass or pydantic model, None for anything else."""
    kind = type(value)
    if is_dataclass(kind) and kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if getattr(kind, "model_config", {}).get("frozen"):
        return {name: getattr(value, name) for name in kind.model_fields} | (value.model_extra or {})
    return None


def _refusal(value: Any) -> tuple[str, str]:
    """What an argument is that cannot be part of a key, and what to pass instead."""
    package = type(value).__module__.partition(".")[0]
    if package in ("zarr", "dask"):
        return f"a {package.capitalize()} object", "the numpy array read from it"
    if isinstance(value, PurePath):
        return "a path", "what was read from the file"
    if isinstance(value, io.IOBase) or hasattr(value, "read"):
        return "an open file", "what was read from it"
    if callable(value):
        return "a callable", "the parameters that choose it"
    if isinstance(value, (np.ndarray, np.generic)):
        return f"an array of Python objects or a {type(value).__name__}", "plain numpy arrays of numbers"
    if is_dataclass(value) or hasattr(type(value), "model_fields"):
        return f"a {type(value).__name__} that can change", "one declared frozen"
    return f"of type {type(value).__name__}", "numpy arrays, numbers, strings or frozen dataclasses"


@functools.cache
def _versions() -> tuple[str, ...]:
    return tuple(importlib.metadata.version(package) for package in ("numpy", "scipy"))


def _entry(key: str, compute: Callable[[], Any]) -> Any:
    """What joblib stores under `key`; the one function that it knows."""
    return compute()


@functools.lru_cache(maxsize=8)
def _memory(location: Path) -> Callable[..., Any]:
    joblib.register_store_backend("nbtools", _Store)
    return joblib.Memory(str(location), backend="nbtools", verbose=0).cache(_entry, ignore=["compute"])


class _Store(FileSystemStoreBackend):
    """Joblib's folders, with a seal on each entry: what does not match its seal is not there."""

    FILE = "output.pkl"

    def configure(self, location: str, verbose: int = 0, backend_options: dict | None = None) -> None:
        self.location, self.verbose, self.compress, self.mmap_mode = location, 0, False, None

    def contains_item(self, call_id: tuple[str, ...]) -> bool:
        return self._read(call_id) is not None

    def load_item(self, call_id: tuple[str, ...], **_: Any) -> Any:
        payload = self._read(call_id)
        if payload is None:
            raise KeyError(f"{call_id} went away between looking and reading")
        return pickle.loads(payload)

    def dump_item(self, call_id: tuple[str, ...], item: Any, verbose: int = 0) -> None:
        payload = pickle.dumps(item, protocol=5)
        target = Path(self.location, *call_id, self.FILE)
        part = target.with_name(f"{uuid.uuid4().hex}.part")
        with suppress(OSError):  # read-only or full: the value is there, only not kept
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                part.write_bytes(self._seal(call_id, payload) + payload)
                part.replace(target)
            finally:  # ours if it failed, and what a killed process left
                for left_behind in target.parent.glob("*.part"):
                    left_behind.unlink(missing_ok=True)

    def _read(self, call_id: tuple[str, ...]) -> bytes | None:
        path = Path(self.location, *call_id, self.FILE)
        try:
            inside = path.resolve().is_relative_to(Path(self.location).resolve())
            sealed = path.read_bytes() if inside else b""
        except (OSError, RuntimeError):
            return None
        seal, payload = sealed[:32], sealed[32:]
        return payload if seal == self._seal(call_id, payload) else None

    @staticmethod
    def _seal(call_id: tuple[str, ...], payload: bytes) -> bytes:
        """Over the key too: an entry in another's place is not taken for it."""
        return hashlib.sha256("/".join(call_id).encode() + payload).digest()

    # Our key holds the code: joblib's own check of it must find nothing to do, for it would clear
    # the entries of other versions that are still right. Nor do we keep its notes on each call.
    def get_cached_func_code(self, call_id: list[str]) -> str:
        return get_func_code(_entry)[0]

    def store_cached_func_code(self, call_id: list[str], func_code: str | None = None) -> None:
        pass

    def store_metadata(self, call_id: tuple[str, ...], metadata: dict) -> None:
        pass
