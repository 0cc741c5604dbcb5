"""A library's reader in a process of its own: over a damaged file it may crash or never end, and a kernel with it."""

import subprocess
import sys
from pathlib import Path


def read_in_child(code: str, path: Path) -> bytes:
    """What Python's `code` writes to the standard output, with the file as ``sys.argv[1]``.

    Raises
    ------
    ValueError
        With the last line of what `code` complained of, or that its process died.
    """
    command = [sys.executable, "-W", "ignore", "-c", code, str(path.absolute())]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ValueError("the reader died over it" if done.returncode < 0 or not said else said[-1])
    return done.stdout
