"""Who may import whom: the table of the layers, read from the imports as they stand."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from nbtools.files.registry import NOTEBOOKS

PACKAGE = Path(__file__).parent.parent / "nbtools"
SOURCES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
}

TREES = {module: ast.parse(source) for module, source in SOURCES.items()}

# One room a technique. The folder says what is measured, the file says what a line does.
ROOMS = tuple(NOTEBOOKS)
ROLES = ("model", "twin", "draw", "explore", "statements", "lesson", "study")
BASE = {"package", "units", "results", "study"}
ESTIMATING = {"model", "estimator", "physics", "statistics", "cache"}
MAY_IMPORT = {
    "package": set(),
    "units": set(),
    "cache": {"units"},
    "results": {"units"},
    "study": {"units", "results"},
    "display": {"units", "results", "study"},
    "notebook": {"units", "results", "study", "manifest", "files", "display"},
    "physics": {"units", "cache", "statistics"},
    "statistics": {"units", "results"},
    "files": {"units"},
    "fitting": {"units", "results", "display"},
    "explore": {"units", "results", "display", "fitting"},
    "volume": {"units", "cache", "results", "statistics", "files", "display", "fitting", "explore"},
    "lessons": {"units", "results", "physics", "display", "fitting", "explore"},
    "joint": {*ESTIMATING},
    "joint draw": {"display"},
    "claims": {"units", "results", "study"},
    "paper draw": {"display"},
    "paper explore": {"claims", "display", "fitting", "explore"},
    "manifest": {"units", "cache", "files"},
    # Inside a room.
    "model": {"physics", "cache"},
    "estimator": ESTIMATING,
    "room study": {*ESTIMATING, "files"},
    "room twin": {"model", "physics", "files"},
    "draw": {"model", "physics", "display"},
    "room explore": {*ESTIMATING, "room study", "draw", "display", "fitting", "explore", "volume"},
    "statements": {*ESTIMATING, "room study", "claims"},
    "lesson": {*ESTIMATING, "room twin", "draw", "display", "fitting", "explore", "lessons"},
}
# What runs notebooks may import everything.
SIBLINGS = {
    "__init__": "package",
    "__version__": "package",
    "whole_file": "units",
    "x_ray_lines": "units",
    "paths": "units",
    "paper": "claims",
    "manifest_entries": "manifest",
    "fingerprints": "manifest",
    "__main__": "top",
    "inspection": "top",
    "runner": "top",
    "report": "top",
    "error_bars": "top",
    "sample_report": "top",
    "own_sample": "top",
}
HEAVY = {
    "bqplot",
    "dask.distributed",
    "distributed",
    "IPython",
    "ipywidgets",
    "k3d",
    "matplotlib.pyplot",
    "napari",
    "PySide6",
    "qtpy",
}
CONVERTERS = {"pint"}


def layer(module: str) -> str:
    """``nbtools.files.images`` → ``files``; ``nbtools.transport.draw`` → ``draw``; a room itself is its ``face``."""
    name, file = [*module.split("."), "__init__", "__init__"][1:3]
    if (name, file) in (("paper", "draw"), ("paper", "explore"), ("joint", "draw")):
        return f"{name} {file}"
    if name == "joint" and file == "__init__":
        return "face"
    if name not in ROOMS:
        return SIBLINGS.get(name, name)
    if file == "__init__":
        return "face"
    role = next((role for role in ROLES if file == role or file.startswith(f"{role}_")), "estimator")
    return {"study": "room study", "twin": "room twin", "explore": "room explore"}.get(role, role)


def room(module: str) -> str:
    """The room that a module lies in; empty for what lies in none."""
    name = [*module.split("."), ""][1]
    return name if name in ROOMS else ""


def imports(nodes: list[ast.stmt] | ast.AST, module: str) -> set[str]:
    """Every module these lines import, and every name that might be one."""
    found: set[str] = set()
    for node in nodes if isinstance(nodes, list) else ast.walk(nodes):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def outside_functions(tree: ast.AST) -> list[ast.stmt]:
    """The statements that run on import: not those in functions, nor for the type checker only."""
    found = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or "TYPE_CHECKING" in ast.unparse(
            getattr(node, "test", ast.Constant(0))
        ):
            continue
        found += [node, *outside_functions(node)]
    return found


def at_run_time(node: ast.AST) -> list[ast.stmt]:
    """All statements, those inside others too, but for what only the type checker reads."""
    found = []
    for child in ast.iter_child_nodes(node):
        typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        found += [child, *(at_run_time(ast.Module(child.orelse, [])) if typing_only else at_run_time(child))]
    return found


def trespasses(tree: ast.Module, module: str) -> set[str]:
    """The imports of our own that the table does not allow this module."""
    ours = layer(module)
    if ours == "top":
        return set()
    if ours == "face":
        return {entry for entry in imports(at_run_time(tree), module) if entry.startswith("nbtools")}
    found = {entry for entry in imports(at_run_time(tree), module) if entry.startswith("nbtools.")}
    allowed = MAY_IMPORT[ours] | BASE | {ours}
    return {
        entry
        for entry in found
        if layer(entry) not in allowed or (room(module) and room(entry) not in ("", room(module)))
    }


def heavy(modules: set[str]) -> set[str]:
    return {entry for entry in modules if any(f"{entry}.".startswith(f"{package}.") for package in HEAVY)}


def loaded_after(*modules: str) -> set[str]:
    """What a fresh interpreter holds in memory after these imports, beyond what it started with."""
    lines = "\n".join(f"import {module}" for module in modules)
    script = f"import sys\nbefore = set(sys.modules)\n{lines}\nprint(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def offenders(found: dict[str, set[str]]) -> dict[str, set[str]]:
    return {module: entries for module, entries in found.items() if entries}


def test_every_module_belongs_to_a_layer() -> None:
    """A new file is put into the table, not beside it."""
    assert {layer(module) for module in SOURCES} <= {*MAY_IMPORT, "top", "face"}


def test_a_module_imports_only_what_its_layer_may() -> None:
    """The table of the architecture holds."""
    assert not offenders({module: trespasses(tree, module) for module, tree in TREES.items()})


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("nbtools.structure.percolation", "from nbtools.files import quantum_design"),
        ("nbtools.structure.percolation", "def late():\n    import nbtools.files.write_quantum_design"),
        ("nbtools.files.quantum_design", "from ..structure import percolation"),
        ("nbtools.structure.percolation", "from nbtools.paper import settle"),
        ("nbtools.transport.transition", "from nbtools.transport.draw import resistance"),
        ("nbtools.transport.transition", "from nbtools.transport import draw"),
        ("nbtools.transport.study", "from nbtools.stem.grains import find_grains"),
        ("nbtools.transport.draw", "from nbtools.transport.resistance import ResistanceStudy"),
        ("nbtools.transport.__init__", "from nbtools.transport.study import study_resistance"),
        ("nbtools.joint.critical_current", "from nbtools.ac_susceptibility.draw import loops"),
        ("nbtools.ac_susceptibility.current_law", "from nbtools.joint.critical_current import CurrentPoints"),
        ("nbtools.physics.superconductor", "from nbtools.paper import statement"),
        ("nbtools.transport.transition", "from nbtools.structure import percolation"),
        ("nbtools.statistics.crossing", "from nbtools.transport import transition"),
    ],
)
def test_a_forbidden_import_is_seen(module: str, line: str) -> None:
    """However it is written, in a function too."""
    assert trespasses(ast.parse(line), module)


def test_heavy_packages_are_imported_inside_functions() -> None:
    """No module pulls in a screen, a kernel or a cluster when it is imported."""
    found = {module: heavy(imports(outside_functions(tree), module)) for module, tree in TREES.items()}
    assert not offenders(found)


def test_only_units_asks_the_unit_library() -> None:
    """One module converts; no other imports pint."""
    found = {module: imports(tree, module) & {"pint"} for module, tree in TREES.items()}
    assert set(offenders(found)) == {"nbtools.units"}


def test_a_module_opens_with_a_sentence() -> None:
    """A docstring first."""
    assert not [module for module, tree in TREES.items() if not ast.get_docstring(tree)]


def test_importing_the_package_loads_nothing_of_others() -> None:
    """`import nbtools` is free."""
    packages = {module.split(".")[0] for module in loaded_after("nbtools")}
    assert packages <= {"nbtools"} | set(sys.stdlib_module_names)


SCIENCE = ("model", "physics", "statistics", "estimator", "room study", "joint", "files")


def test_the_science_loads_no_screen() -> None:
    """All of it, imported, brings in no GUI, kernel, plot window or cluster, and no drawing, widget, lesson, twin or
    statement of a room."""
    science = [module.removesuffix(".__init__") for module in SOURCES if layer(module) in SCIENCE]
    loaded = loaded_after(*science)
    assert not heavy(loaded)
    others = ("draw", "explore", "lesson", "room twin", "statements", "claims")
    assert not {entry for entry in loaded if entry.startswith("nbtools") and layer(entry) in others}


def test_opening_a_face_loads_no_file_of_its_room() -> None:
    """Its names are found when they are used."""
    faces = [f"nbtools.{name}" for name in ROOMS if f"nbtools.{name}.__init__" in SOURCES]
    assert not {entry for entry in loaded_after(*faces) if room(entry) and entry not in faces}


def test_a_drawing_changes_no_code_hash_of_an_estimator() -> None:
    """What a cached number depends on is its estimator and its model, never a figure or a widget."""
    from nbtools.cache import code_modules

    for module in SOURCES:
        if layer(module) in ("model", "estimator", "room twin"):
            name = module.removesuffix(".__init__")
            importlib.import_module(name)
            followed = {layer(entry) for entry in code_modules(name)}
            assert not followed & {
                "draw",
                "explore",
                "lesson",
                "statements",
                "display",
            }, module
