"""What a block of code reaches for beyond reading: programs, pickles, other hosts, text run as code, files written."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REACHES = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "pickle.find_class")
REACHES += ("socket.connect", "socket.getaddrinfo", "os.remove", "os.rename", "os.symlink", "shutil.rmtree")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_watches: list[list[str]] = []  # a hook stays for the life of the process: it writes where somebody looks


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if not _watches:
        return
    seen = event in REACHES
    if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        seen = isinstance(arguments[2], int) and bool(arguments[2] & WRITES)
    elif event == "exec":  # an import runs a file's code; a text that is run has no file
        seen = not Path(getattr(arguments[0], "co_filename", "")).is_file()
    if seen:
        _watches[-1].append(f"{event} {arguments[0]!r}"[:200])


sys.addaudithook(_hook)


@contextmanager
def watched() -> Iterator[list[str]]:
    """The list fills with what is reached for until the block ends."""
    reached: list[str] = []
    _watches.append(reached)
    try:
        yield reached
    finally:
        _watches.remove(reached)
