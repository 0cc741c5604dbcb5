"""What the stored notebooks print: the agreed words and numbers of each study and statement on its twin."""

import json
from functools import cache
from pathlib import Path

from nbval_tolerance import text_differences

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


@cache
def _cells(notebook: str) -> list[tuple[str, str]]:
    """Source and printed text of each code cell."""
    cells = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    return [
        (
            "".join(cell["source"]),
            "".join("".join(output.get("data", {}).get("text/plain", "")) for output in cell["outputs"]),
        )
        for cell in cells
        if cell["cell_type"] == "code"
    ]


def differences(notebook: str, call: str, shown: object) -> list[str]:
    """What a result says otherwise than the first cell with this call, beyond 0.1 σ or a last place."""
    stored = next(text for source, text in _cells(notebook) if call in source)
    return text_differences(stored, repr(shown))
