"""The notebook as a file: its title, headings and parameters, and what of its outputs is kept."""

import ast
import base64
import io
import re
import struct
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbtools.paths import of_user

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
LARGE_PICTURE = 120_000  # bytes
# What says when and by which release a picture was drawn; the pixels are in the other chunks.
PNG_REMARKS = (b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf")
# A data file or a sample card: a word that ends like this and names no file is a slip of the pen.
FILE_NAME = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
WORDS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None, "": None}
HEADING = re.compile(r"^#+ +(.*?)\s*$", flags=re.MULTILINE)


def code_cells(notebook: Any) -> list[Any]:
    """The cells that run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def headings(notebook: Any, until: int | None = None) -> list[str]:
    """All headings, or those down to and with cell `until`; the first one is the title."""
    texts = [cell.source for cell in notebook.cells[:until] if cell.cell_type == "markdown"]
    return HEADING.findall("\n".join(texts))


def heading_above(notebook: Any, index: int) -> str:
    """The nearest heading at or above a cell."""
    return (headings(notebook, index + 1) or [""])[-1]


def parameter_names(notebook: Any) -> list[str]:
    """The names that the cell tagged ``parameters`` sets."""
    cells = [cell for cell in code_cells(notebook) if "parameters" in cell.metadata.get("tags", [])]
    lines = [line for cell in cells for line in ast.parse(cell.source).body]
    targets = [target for line in lines if isinstance(line, ast.Assign) for target in line.targets]
    targets += [line.target for line in lines if isinstance(line, ast.AnnAssign)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def with_parameters(notebook: Any, parameters: Mapping[str, Any]) -> Any:
    """The notebook with a cell of the user's values below its own.

    Raises
    ------
    ValueError
        A parameter that the notebook does not have.
    """
    from papermill.parameterize import parameterize_notebook

    known = parameter_names(notebook)
    strange = [name for name in parameters if name not in known]
    if strange:
        raise ValueError(
            f"no parameter {', '.join(strange)}: the notebook has {', '.join(known) or 'no parameters'}"
        )
    notebook.metadata.setdefault("papermill", {})
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
    return parameterize_notebook(notebook, dict(parameters), kernel_name="python3", language="python")


def read_parameters(pairs: Iterable[str], folder: Path) -> dict[str, Any]:
    """``["DATA=mine.dat", "FIELDS=[0, 1e-3]"]`` as values; the name of a file in `folder` becomes its full path.

    Raises
    ------
    ValueError
        No ``=``, or the name of a file that is not there.
    """
    parameters = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (equals and name.isidentifier()):
            raise ValueError(f"-p {pair} is not NAME=VALUE, as in -p DATA=mine.dat")
        parameters[name] = _value(text, folder)
    return parameters


# The first line of a cell that speaks of the paper, or of other people's files, and not of a user's own data.
NOT_ON_OWN_DATA = ("# paper", "# measured")
LEFT_OUT_LINE = "print('left out on your data')\n"


def technique_only(notebook: Any) -> None:
    """Take out, in place, the cells tagged ``paper`` or ``measured``: on a user's data only the technique speaks.

    A notebook without a ``paper`` cell has not been divided into technique and paper; it stays as it is.
    """
    tags = [set(cell.metadata.get("tags", [])) for cell in notebook.cells]
    if any("paper" in of_cell for of_cell in tags):
        notebook.cells = [
            cell
            for cell, of_cell in zip(notebook.cells, tags, strict=True)
            if not {"paper", "measured"} & of_cell
        ]


def leave_out_paper_cells(left_out: bool) -> None:
    """In a running kernel: let cells that begin with ``# paper`` or ``# measured`` print one line, or run again."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return
    transforms = shell.input_transformers_cleanup
    transforms[:] = [entry for entry in transforms if getattr(entry, "__name__", "") != "_leave_out"]
    if left_out:
        transforms.append(_leave_out)


def _leave_out(lines: list[str]) -> list[str]:
    return [LEFT_OUT_LINE] if lines and lines[0].startswith(NOT_ON_OWN_DATA) else lines


def clean(notebook: Any) -> None:
    """Strip, in place, what another run of the same code would write differently, and dead widget views."""
    node = type(notebook)
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata = node(kernelspec=node(kernel), language_info=node(name="python"))
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in ("tags", "jupyter") if cell.metadata.get(key)}
        cell.metadata = node(kept)
    for cell in code_cells(notebook):
        for output in cell.outputs:
            output.get("data", {}).pop(WIDGET_VIEW, None)
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = bare_png(in_few_colours(output.data["image/png"]))
        cell.outputs = [output for output in cell.outputs if output.get("data") != {}]


def in_few_colours(encoded: str) -> str:
    """A large base64 PNG (noise, a volume) in 256 colours, a third of the bytes; a small one as it is."""
    picture = base64.b64decode(encoded)
    if len(picture) < LARGE_PICTURE:
        return encoded
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as drawn:
        if drawn.mode == "P":
            return encoded
        few = drawn.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    target = io.BytesIO()
    few.save(target, format="png", optimize=True)
    return base64.b64encode(target.getvalue()).decode()


def bare_png(encoded: str) -> str:
    """A base64 PNG without its remarks, so that an unchanged picture keeps its bytes."""
    picture = base64.b64decode(encoded)
    kept, start = [picture[:8]], 8
    while start < len(picture):
        length, kind = struct.unpack(">I4s", picture[start : start + 8])
        end = start + 12 + length
        if kind not in PNG_REMARKS:
            kept.append(picture[start:end])
        start = end
    return base64.b64encode(b"".join(kept)).decode()


def _value(text: str, folder: Path) -> Any:
    """A file, a number, a list, a word: as a person means it on the command line."""
    import yaml

    try:
        # Words only: YAML's own reading makes False of "no" and a word of "1e-3".
        return _meant(yaml.load(text, yaml.BaseLoader), folder)
    except yaml.YAMLError:
        return _meant(text, folder)


def _meant(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_meant(item, folder) for item in value]
    if isinstance(value, dict):
        return {key: _meant(item, folder) for key, item in value.items()}
    if value in WORDS:
        return WORDS[value]
    file = folder / of_user(value)
    # A folder needs its slash: "SI" is a word, even beside a folder of that name.
    if file.is_file() or ("/" in value and file.is_dir()):
        return str(file.resolve())
    for number in (int, float):
        with suppress(ValueError):
            return number(value)
    if FILE_NAME.search(value):
        raise ValueError(f"there is no file {value} in {folder}")
    return value
