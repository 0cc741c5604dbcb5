"""Microscopes' own files: names, units and order of the axes as other people's instruments wrote them."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from damage import damaged

from nbtools.files.microscopy import MicroscopyError, read_signals
from nbtools.files.write_hspy import Axis, Signal, write_hspy


@pytest.mark.parametrize(
    ("path", "dims", "shape"),
    [
        ("em3d/etspy/HAADF.dm3", ("tilt", "y", "x"), (91, 64, 64)),
        ("stem/openNCEM/16_STOimage_1.ser", ("y", "x"), (1024, 1024)),
        ("stem/pyTEMlib/EELS_STO.dm3", ("energy",), (2048,)),
        ("stem/atomap/test_ADF_cropped.hdf5", ("y", "x"), (400, 380)),
        ("cl/lumispy/nanoparticles.hspy", ("y", "x", "wavelength"), (15, 20, 507)),
        ("cl/lumispy-demos/quantum-emitters_map.dm4", ("wavelength", "y", "x"), (1336, 16, 16)),
        ("cl/rosettasciio/test_spectral_map.sur", ("y", "x", "wavelength"), (12, 10, 310)),
        ("cl/DPG2026-Tutorial/hBN_coreloss.hspy", ("energy",), (1024,)),
    ],
)
def test_axes_are_named(realdata: Path, path: str, dims: tuple[str, ...], shape: tuple[int, ...]) -> None:
    """In our words, in the file's order."""
    (signal,) = read_signals(realdata / path)
    assert (signal.dims, signal.shape) == (dims, shape)


@pytest.mark.parametrize(
    ("path", "axis", "step", "unit"),
    [
        ("cl/lumispy/nanoparticles.hspy", "wavelength", 1.06640625e-9, "m"),
        ("cl/rosettasciio/test_spectral_map.sur", "wavelength", 1.084e-9, "m"),
        ("cl/lumispy/asymmetric_peak_map.hspy", "x", 40.0135e-9, "m"),
        ("stem/openNCEM/16_STOimage_1.ser", "x", 10.0127e-12, "m"),
        ("em3d/etspy/HAADF.dm3", "tilt", np.radians(2.0), "rad"),
        ("stem/pyTEMlib/EELS_STO.dm3", "energy", 0.25, "eV"),
    ],
)
def test_steps_are_in_si(realdata: Path, path: str, axis: str, step: float, unit: str) -> None:
    """Whatever the file's unit: $nm$, mm, µm, degrees."""
    coordinate = read_signals(realdata / path)[0].coords[axis]
    assert coordinate.attrs["units"] == unit
    assert float(coordinate[1] - coordinate[0]) == pytest.approx(step, rel=1e-4)


def test_a_step_without_unit_is_no_coordinate(realdata: Path) -> None:
    """It is kept, so that a person may say what it means."""
    (signal,) = read_signals(realdata / "stem/atomap/test_ADF_cropped.hdf5")
    assert not signal.coords
    assert signal.attrs["unitless_steps"]["x"] == pytest.approx(0.009326, rel=1e-3)


def test_an_uneven_axis_is_taken_as_it_is(realdata: Path) -> None:
    """A spectrometer's own wavelengths; a stage that runs downwards."""
    (signal,) = read_signals(realdata / "cl/rosettasciio/test_hyperspectral.h5")
    steps = np.diff(signal.coords["wavelength"])
    assert np.ptp(steps) > 1e-3 * np.mean(steps)
    assert float(signal.coords["y"][1] - signal.coords["y"][0]) < 0


def test_all_signals_of_a_file_are_given(realdata: Path) -> None:
    """Two images and the map of spectra of Bruker's file; of another's, a map of spectra with its axes."""
    path = realdata / "em3d/rosettasciio/P45_the_default_job.bcf"
    *images, spectra = read_signals(path)
    assert [signal.attrs["title"] for signal in images] == ["BSE", "SE"]
    assert spectra.dims == ("y", "x", "energy") and spectra.shape == (75, 100, 2048)
    assert spectra.coords["energy"].attrs["units"] == "eV"
    # The strongest line above the noise peak is silicon's K-alpha at 1.740 keV.
    counts = spectra.sum(("y", "x")).sel(energy=slice(200.0, None))
    assert float(counts.energy[int(counts.values.argmax())]) == pytest.approx(1740.0, abs=15.0)
    assert not any(signal.attrs["remark"] for signal in (*images, spectra))
    spectra = read_signals(realdata / "cl/rosettasciio/test-MonarcCL_spectrum-SI.dm4")
    (shape,) = {one.size for one in spectra if set(one.dims) == {"wavelength", "y", "x"}}
    assert shape == 670 * 3 * 3


def test_a_damaged_map_of_spectra_is_named_and_the_images_are_read(realdata: Path, tmp_path: Path) -> None:
    """Bruker's compiled reader may end the process over it: it is tried in another one."""
    content = bytearray((realdata / "em3d/rosettasciio/P45_the_default_job.bcf").read_bytes())
    content[400_000:420_000] = b"\xff" * 20_000
    (tmp_path / "hurt.bcf").write_bytes(content)
    images = read_signals(tmp_path / "hurt.bcf")
    assert [one.attrs["title"] for one in images] == ["BSE", "SE"]
    assert all("map of spectra in the same file is not read" in one.attrs["remark"] for one in images)


def test_a_damaged_file_is_named(realdata: Path, tmp_path: Path) -> None:
    """Half a file, an unknown ending, none at all."""
    half = tmp_path / "half.dm3"
    half.write_bytes((realdata / "stem/rosettasciio/test_STEM_image.dm3").read_bytes()[:3000])
    with pytest.raises(MicroscopyError, match=r"half\.dm3 cannot be read"):
        read_signals(half)
    shutil.copy(half, tmp_path / "a.npy")
    with pytest.raises(MicroscopyError, match=r"no microscope's format ends in \.npy"):
        read_signals(tmp_path / "a.npy")
    with pytest.raises(MicroscopyError, match="is not there"):
        read_signals(tmp_path / "none.dm3")


def test_a_file_over_which_hdf5_never_ends_is_refused(realdata: Path, tmp_path: Path) -> None:
    """Attributes that lead the library in a circle, which nothing in the same process could interrupt."""
    content = (realdata / "cl/DPG2026-Tutorial/hBN_coreloss.hspy").read_bytes()[:200_000]
    (tmp_path / "circle.hspy").write_bytes(damaged(content, 1245))
    with pytest.raises(MicroscopyError, match=r"circle\.hspy is damaged: the HDF5 library dies"):
        read_signals(tmp_path / "circle.hspy")


def test_a_giant_is_refused_before_it_is_loaded(realdata: Path, tmp_path: Path) -> None:
    """A file may claim terabytes in a few kilobytes."""
    path = tmp_path / "giant.hspy"
    shutil.copy(realdata / "cl/lumispy/nanoparticles.hspy", path)
    with h5py.File(path, "r+") as file:
        (name,) = file["Experiments"]
        group = file[f"Experiments/{name}"]
        del group["data"]
        group.create_dataset("data", shape=(1_000_000, 20, 50_700), dtype="f2", chunks=(1, 20, 507))
    with pytest.raises(MicroscopyError, match=r"claims an array of shape .*crop it"):
        read_signals(path)


def test_a_large_array_is_left_on_disk(tmp_path, monkeypatch):
    """Its slices are read when they are asked for, and are those of the file."""
    import dask.array
    from rsciio.emd import file_writer

    from nbtools.files import microscopy
    from nbtools.files.registry import open_file

    grey = np.random.default_rng(0).integers(0, 250, (4, 30, 40), dtype="u1")
    axes = [
        {
            "name": n,
            "size": s,
            "scale": 20,
            "offset": 0,
            "units": "nm",
            "navigate": n == "z",
            "index_in_array": i,
        }
        for i, (n, s) in enumerate(zip("zyx", grey.shape, strict=True))
    ]
    about = {
        "metadata": {"General": {"title": "stack"}, "Signal": {"signal_type": ""}},
        "original_metadata": {},
    }
    file_writer(
        str(tmp_path / "stack.emd"), {"data": grey, "axes": axes, "models": [], "attributes": {}, **about}
    )
    monkeypatch.setattr(microscopy, "LAZY", 100)
    (signal,) = read_signals(tmp_path / "stack.emd")
    assert isinstance(signal.data, dask.array.Array)
    assert np.array_equal(signal.transpose("z", "y", "x").values, grey)
    assert [s.technique for s in open_file(tmp_path / "stack.emd").signals] == ["structure"]


def test_the_one_signal_axis_in_nm_is_a_wavelength(tmp_path):
    """Where a file names no axis; the axes of places keep theirs."""
    pytest.importorskip("rsciio")
    places, nm = np.arange(4.0), np.linspace(400, 800, 20)
    axes = [Axis("", places, "nm", False), Axis("", places, "nm", False), Axis("", nm, "nm", True)]
    (found,) = read_signals(write_hspy(tmp_path / "a.hspy", [Signal("map", np.zeros((4, 4, 20)), axes)]))
    assert found.dims == ("y", "x", "wavelength")


@pytest.mark.parametrize("unit", ["cm^-1", "cm$^{-1}$", "$cm^{-1}$", "cm-1", "1/cm"])
def test_any_way_to_write_a_wavenumber(unit, tmp_path):
    """In 1/m."""
    pytest.importorskip("rsciio")
    axes = [Axis("Wavenumber", np.linspace(1e4, 2e4, 20), unit, True)]
    (found,) = read_signals(write_hspy(tmp_path / "a.hspy", [Signal("s", np.zeros(20), axes)]))
    assert float(found.wavenumber[0]) == pytest.approx(1e6)
