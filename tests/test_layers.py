"""Who may import whom: the table of the layers, read from the imports as they stand."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "nbtools"
SOURCES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
}

MAY_IMPORT = {
    "package": set(),
    "units": set(),
    "cache": {"units"},
    "results": {"units"},
    # What a study is; a sample is known to it for the type checker only.
    "study": {"units", "results", "notebook"},
    # House style and drawings; a result's stamp says where a figure's data come from.
    "display": {"units", "results", "study"},
    "notebook": {"units", "results", "study", "manifest", "files", "display"},
    "claims": {"units", "results"},
    "manifest": {"units", "cache", "files", "twin"},
    "models": {"units", "cache"},
    "files": {"units"},
    "twin": {"units", "models", "files"},
    "statistics": {"units"},
    # A room: estimators, arrays in and one frozen result out.
    "transport": {"units", "models", "cache", "results", "statistics"},
    "analysis": {"units", "models", "cache", "results", "statistics", "transport"},
    "viewers": {"units", "results", "display"},
    "widgets": {"units", "models", "statistics", "transport", "analysis", "viewers", "display", "results"},
}
# A file past 300 lines has siblings; they are of its layer. What runs notebooks may import everything.
SIBLINGS = {
    "__init__": "package",
    "whole_file": "units",
    "paths": "units",
    "paper": "claims",
    "manifest_entries": "manifest",
    "data_files": "manifest",
    "fingerprints": "manifest",
    "__main__": "top",
    "inspection": "top",
    "runner": "top",
    "report": "top",
    "scorecard": "top",
    "workbench": "top",
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
    """``nbtools.files.quantum_design`` → ``files``; ``nbtools.paper`` → ``claims``."""
    name = [*module.split("."), "__init__"][1]
    return SIBLINGS.get(name, name)


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


def trespasses(source: str, module: str) -> set[str]:
    """The imports of our own that the table does not allow this module."""
    ours = layer(module)
    if ours == "top":
        return set()
    found = {entry for entry in imports(ast.parse(source), module) if entry.startswith("nbtools.")}
    return {entry for entry in found if layer(entry) not in MAY_IMPORT[ours] | {ours, "package"}}


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
    assert {layer(module) for module in SOURCES} <= {*MAY_IMPORT, "top"}


def test_a_module_imports_only_what_its_layer_may() -> None:
    """The table of the architecture holds."""
    assert not offenders({module: trespasses(source, module) for module, source in SOURCES.items()})


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("nbtools.analysis.transport", "from nbtools.files import quantum_design"),
        ("nbtools.analysis.transport", "def late():\n    import nbtools.twin.quantum_design"),
        ("nbtools.files.quantum_design", "from ..analysis import transport"),
        ("nbtools.analysis.transport", "from nbtools import claims"),
        ("nbtools.models.superconductor", "from nbtools.paper import statement"),
        ("nbtools.transport.transition", "from nbtools.analysis import percolation"),
        ("nbtools.statistics.crossing", "from nbtools.transport import transition"),
    ],
)
def test_a_forbidden_import_is_seen(module: str, line: str) -> None:
    """However it is written, in a function too."""
    assert trespasses(line, module)


def test_heavy_packages_are_imported_inside_functions() -> None:
    """No module pulls in a screen, a kernel or a cluster when it is imported."""
    found = {
        module: heavy(imports(outside_functions(ast.parse(source)), module))
        for module, source in SOURCES.items()
    }
    assert not offenders(found)


def test_only_units_asks_the_unit_library() -> None:
    """One module converts; no other imports pint."""
    found = {module: imports(ast.parse(source), module) & {"pint"} for module, source in SOURCES.items()}
    assert set(offenders(found)) == {"nbtools.units"}


def test_a_module_opens_with_a_sentence() -> None:
    """A docstring first."""
    assert not [module for module, source in SOURCES.items() if not ast.get_docstring(ast.parse(source))]


def test_importing_the_package_loads_nothing_of_others() -> None:
    """`import nbtools` is free."""
    packages = {module.split(".")[0] for module in loaded_after("nbtools")}
    assert packages <= {"nbtools"} | set(sys.stdlib_module_names)


def test_models_analysis_and_files_load_no_screen() -> None:
    """All of the science, imported, brings in no GUI, kernel, plot window or cluster."""
    science = [
        module
        for module in SOURCES
        if layer(module) in ("models", "statistics", "transport", "analysis", "io")
    ]
    assert not heavy(loaded_after(*(module.removesuffix(".__init__") for module in science)))
