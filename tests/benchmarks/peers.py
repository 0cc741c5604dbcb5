"""Other people's programs, each in an environment of its own under build/peers, made once."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PACKAGES = Path(__file__).parent / "peer_packages"


def python_of_peer(name: str) -> Path:
    """The interpreter of an environment that has what ``peer_packages/<name>.txt`` lists, and nothing of ours."""
    python, ready = _environment(name)
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", ready.parent], check=True)
        _install(python, "-r", PACKAGES / f"{name}.txt")
        ready.touch()
    return python


def python_beside_ours(name: str, *packages: str) -> Path:
    """The interpreter of an environment that has all of ours, and these packages besides."""
    python, ready = _environment(name)
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", ready.parent], check=True)
        own = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
        site = ready.parent / "lib" / own.parent.name / "site-packages"
        (site / "ours.pth").write_text(f"{own}\n{ROOT}\n")
        _install(python, "--no-deps", *packages)
        ready.touch()
    return python


def _environment(name: str) -> tuple[Path, Path]:
    folder = ROOT / "build" / "peers" / name
    # Not the interpreter: it is there before the packages are.
    return folder / "bin" / "python", folder / ".ready"


def _install(python: Path, *what: str | Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    pip = [uv, "pip", "install", "--python", python] if uv.exists() else [python, "-m", "pip", "install"]
    subprocess.run([*pip, "--quiet", *what], check=True)
