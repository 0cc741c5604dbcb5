"""Small data files in the dialects of the instruments, written for a test."""

from pathlib import Path

CLASSIC = (
    "[Header]\nTITLE,MPMS DC Measurement\nBYAPP,MPMS Measurement,2.1,Summary\nINFO, NAME, {name}\n[Data]\n"
)
MPMS3 = "[Header]\nBYAPP,MPMS3 w/ AC,1.0,1.1\nINFO,{name},SAMPLE_MATERIAL\nINFO,,SAMPLE_MASS\n[Data]\n"
VSM = "[Header]\n; VSM Data File\nBYAPP,VSM,2.0,3.0\nINFO,PPMS VSM Option Release 1.5.2 Build 1,APPNAME\n[Data]\n"
ETO = "[Header]\nTITLE,\nBYAPP, Electrical Transport Option, Release 1.2.0 Build 0\n[Data]\n"
RESISTIVITY = "[Header]\nBYAPP, Resistivity, 2.1, 1.0\n[Data]\n"
VSM_COLUMNS = "Comment,Time Stamp (sec),Temperature (K),Magnetic Field (Oe),Moment (emu),M. Std. Err. (emu)"
VSM_ROWS = [f",{i},{300 - i}.5,100.25,{i + 1}e-3,1e-5" for i in range(4)]


def write(folder: Path, text: str | bytes, name: str = "file.dat") -> Path:
    """The file, byte by byte."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def vsm(rows: list[str] | None = None, columns: str = VSM_COLUMNS) -> str:
    """A PPMS VSM file of four points at 100.25 Oe."""
    return VSM + columns + "\n" + "\n".join(VSM_ROWS if rows is None else rows) + "\n"


def magnetometer(points: list[tuple[float, float, float]]) -> str:
    """A classic MPMS file of (temperature K, field Oe, moment emu)."""
    columns = "Time,Comment,Field (Oe),Temperature (K),Long Moment (emu),Long Scan Std Dev,Long Reg Fit\n"
    rows = "\n".join(f"{60 * i},,{h:.6e},{t:.6e},{m:.6e},1e-7,9.9e-1" for i, (t, h, m) in enumerate(points))
    return CLASSIC.format(name="planted") + columns + rows + "\n"
