"""Files that are never half-written: a temporary name first, then renamed."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_whole(path: str | Path, text: str, *, newline: str | None = None) -> Path:
    """Write text; a reader sees the old file or the new one, never a part. Missing folders are made."""

    def fill(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline=newline) as file:
            file.write(text)

    return replace_whole(path, fill)


def replace_whole(path: str | Path, fill: Callable[[Path], None]) -> Path:
    """Let `fill` write to a temporary path beside `path`, then put it in its place."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        fill(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path
