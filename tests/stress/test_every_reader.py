"""Every reader over 2,000 damaged copies of real files: a result or its own error, never another, never a hang."""

import faulthandler
import io
import os
import sys
import tempfile
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess

import h5py  # noqa: F401, what each forked reader would import otherwise
import pytest
import scipy.io  # noqa: F401

sys.path.insert(0, str(Path(__file__).parent.parent / "files"))
from damage import damaged
from test_reader_fuzz import CASES, SECONDS, time_limit

from nbtools.files import child
from nbtools.files.crystal import CrystalError, read_crystal
from nbtools.files.image_sets import read_image_set
from nbtools.files.images import ImageError
from nbtools.files.indicator_frames import FramesError, read_frames
from nbtools.files.local_susceptibility import LocalSusceptibilityError, read_local_susceptibility
from nbtools.files.microscopy import MicroscopyError, read_signals
from nbtools.files.scanning_maps import MapError, read_map
from nbtools.files.spectral_maps import read_recording
from nbtools.manifest import fetch

pytestmark = [pytest.mark.stress, pytest.mark.timeout(3600)]
LARGEST = 200_000  # bytes of a file that is damaged
READERS = {
    "maps": (read_map, (MapError,), "mo/current*/*.npz mo/Magneto-optics/*.mat mo/magnetization*/data*.txt"),
    "local": (read_local_susceptibility, (LocalSusceptibilityError,), "acsus_local/*/*.mat"),
    "images": (
        lambda p: read_image_set([p]),
        (ImageError, MicroscopyError),
        "em3d/*/*.bmp em3d/*/*.tif em3d/*/*.dm3",
    ),
    "signals": (
        read_signals,
        (MicroscopyError,),
        "stem/*/*.dm3 stem/*/*.hdf5 cl/*/*.sur cl/*/*.hspy em3d/*/*.bcf",
    ),
    "luminescence": (read_recording, (MicroscopyError,), "cl/*/*.hspy cl/*/*.sur cl/*/*Monarc*.dm4"),
    "crystals": (read_crystal, (CrystalError,), "xrd/*/*.cif"),
    "frames": (read_frames, (FramesError,), ""),
}


def run_forked(command: list[str], **_: object) -> CompletedProcess[bytes]:
    """What `subprocess.run` does with ``python -c code file``, by a fork: a second less for each file."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        process = os.fork()
        if not process:
            faulthandler.disable()
            os.dup2(said.fileno(), 1)
            os.dup2(complained.fileno(), 2)
            sys.argv = command[-2:]
            sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
            try:
                exec(command[-2], {})
                sys.stdout.flush()
                os._exit(0)
            except BaseException as problem:
                os.write(2, repr(problem).encode())
                os._exit(1)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        contents = [file.seek(0) or file.read() for file in (said, complained)]
    return CompletedProcess(command, code, *contents)


@pytest.mark.parametrize("kind", READERS)
def test_damaged_files(realdata, tmp_path, monkeypatch, kind):
    """Each real file in turn, each time damaged otherwise."""
    monkeypatch.setattr(child.subprocess, "run", run_forked)
    reader, errors, patterns = READERS[kind]
    files = [path for pattern in patterns.split() for path in sorted(realdata.glob(pattern))]
    files = files or sorted(fetch("magneto-optics-twin").glob("*.tif"))
    contents, read = [(path.suffix, path.read_bytes()[:LARGEST]) for path in files], 0
    for seed in range(CASES):
        ending, content = contents[seed % len(contents)]
        path = tmp_path / f"file{ending}"
        path.unlink(missing_ok=True)  # a new file: the last one may still be mapped into memory
        path.write_bytes(damaged(content, seed))
        with time_limit(SECONDS, f"case {seed}"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                    reader(path)
                read += 1
            except errors as error:
                assert len(str(error)) > 20, f"case {seed}"
            except Exception as error:
                raise AssertionError(f"case {seed} of {kind}: {error!r}") from error
    print(f"{kind}: {read} of {CASES} damaged files were read, the others refused")
