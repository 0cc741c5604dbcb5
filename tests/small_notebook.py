"""A notebook of a few lines, for the tests of what runs and shows notebooks."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nbtools.notebook.document import clean

PARAMETERS = "DATA = 'twin'\nCOUNT: int = 3"
DRAW = "import matplotlib.pyplot as plt\nfig, axes = plt.subplots(figsize=(2, 1))\naxes.plot([1, COUNT]);"
ENTER = (
    "from nbtools.results import Ledger\n"
    "ledger = Ledger('03_small')\n"
    "ledger.add('count', COUNT, method='typed', origin='twin');"
)


def write_notebook(path: Path, *sources: str) -> Path:
    """Text that begins with ``#`` and a blank is a heading's cell; the first code cell holds the parameters."""
    cells = [
        (new_markdown_cell if source.startswith("# ") or source.startswith("## ") else new_code_cell)(source)
        for source in sources
    ]
    first = next((cell for cell in cells if cell.cell_type == "code"), None)
    if first is not None:
        first.metadata["tags"] = ["parameters"]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = new_notebook(cells=cells)
    clean(notebook)
    nbformat.write(notebook, path)
    return path


def outputs(path: Path) -> str:
    """All that an executed notebook printed."""
    cells = nbformat.read(path, as_version=4).cells
    return "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))
