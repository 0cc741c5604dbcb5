"""Whatever a microscope wrote becomes one order of axes, or a sentence why not."""

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from nbtools.files.spectral_maps import SpectralMapError, as_spectra, read_recording, sort_signals

NM = np.linspace(300e-9, 900e-9, 40)


def signal(dims=("y", "x", "wavelength"), sizes=None, wavelength=NM, unit="m", **attrs):
    sizes = {"y": 3, "x": 4, "wavelength": 40, "energy": 40} | (sizes or {})
    shape = [sizes[dim] for dim in dims]
    coords = {dim: (dim, 1e-7 * np.arange(sizes[dim]), {"units": "m"}) for dim in dims if dim in ("x", "y")}
    if wavelength is not None and "wavelength" in dims:
        coords["wavelength"] = ("wavelength", wavelength, {"units": unit})
    data = np.arange(np.prod(shape), dtype=float).reshape(shape)
    return xr.DataArray(data, dims=dims, coords=coords, attrs={"title": "a map", **attrs})


def test_axes_first_or_last_descending_or_not():
    """The same counts at the same wavelength, however the file orders them."""
    plain = signal()
    first = plain.transpose("wavelength", "x", "y")
    down = plain.isel(wavelength=slice(None, None, -1))
    for other in (first, down):
        found = as_spectra(other)
        assert_allclose(found.counts, plain.values)
        assert_allclose(found.wavelength_nm, 1e9 * NM)
    assert found.pixel == pytest.approx(1e-7)


@pytest.mark.parametrize(("unit", "scale"), [("nm", 1e9), ("mm", 1e3), ("um", 1e6), ("m", 1.0)])
def test_any_unit_of_length(unit, scale):
    """nm, mm, µm and m are the same wavelengths."""
    assert_allclose(as_spectra(signal(wavelength=NM * scale, unit=unit)).wavelength_nm, 1e9 * NM)


def test_an_energy_axis_is_kept_as_such():
    """Ascending in wavelength, and known to be a density over energy."""
    energy = xr.DataArray(
        np.arange(40.0),
        dims="energy",
        coords={"energy": ("energy", np.linspace(1.5, 4, 40), {"units": "eV"})},
    )
    found = as_spectra(energy)
    assert found.over == "energy"
    assert np.all(np.diff(found.wavelength_nm) > 0)
    assert found.counts[0] == 39


def test_a_line_is_a_map_of_one_row():
    """And says so."""
    found = as_spectra(signal(dims=("x", "wavelength")))
    assert found.counts.shape == (1, 4, 40)
    assert "map of one row" in str(found)


def test_a_line_along_an_angle_is_no_map():
    """Spectra against a tilt have no places, however many rows they would fill."""
    tilted = signal(dims=("x", "wavelength")).rename(x="tilt")
    tilted.coords["tilt"].attrs["units"] = "rad"
    with pytest.raises(SpectralMapError, match="along tilt in rad"):
        as_spectra(tilted)


@pytest.mark.parametrize(
    ("name", "unit"), [("temperature", ""), ("power", ""), ("excitation", "W"), ("x", "K"), ("angle", "deg")]
)
def test_a_series_is_no_map(name, unit):
    """Neither by its name nor by its unit is a temperature, a power or an angle a place."""
    series = signal(dims=("x", "wavelength")).drop_vars("x").rename(x=name)
    series.attrs["stated_units"] = {name: unit}
    with pytest.raises(SpectralMapError, match=f"along {name}.*no place"):
        as_spectra(series)


@pytest.mark.parametrize(
    ("attrs", "kind"),
    [
        ({"signal_type": "CL_SEM"}, "CL"),
        ({"signal_type": "PL"}, "PL"),
        ({"metadata": {"Acquisition_instrument": {"Laser": {}}}}, "PL"),
        ({"metadata": {"Acquisition_instrument": {"SEM": {}, "Laser": {}}}}, "CL"),
        ({}, ""),
    ],
)
def test_what_excites_the_light_is_known(attrs, kind):
    """A beam or a laser, as the file says it, or nothing."""
    assert as_spectra(signal(**attrs)).kind == kind


def test_counts_stay_as_the_file_has_them():
    """Whole counts of two bytes are not made four times as large."""
    assert as_spectra(signal().astype(np.uint16)).counts.dtype == np.uint16


TIME = signal(dims=("y", "x", "wavelength")).expand_dims(time=5)


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (TIME, "time-resolved map"),
        (xr.DataArray(np.ones((5, 40)), dims=("time", "wavelength")), "time-resolved"),
        (signal(wavelength=None), "no unit"),
        (signal(signal_type="EELS"), "no luminescence"),
        (signal(unit="s"), "time-resolved"),
        (signal(unit="T"), "nm or eV was expected"),
        (signal(wavelength=NM * 1e9), "is the unit 'm' right"),
        (signal(wavelength=np.r_[NM[:20], NM[:20]]), "not monotonic"),
        (signal(sizes={"wavelength": 4}, wavelength=NM[:4]), "4 channels"),
        (xr.DataArray(np.ones((3, 4, 5)), dims=("y", "x", "axis_2")), "is missing"),
        (signal().expand_dims(z=2), "a map has y, x and wavelength"),
    ],
)
def test_what_is_no_luminescence_map_is_refused(bad, text):
    """Each with its reason."""
    with pytest.raises(SpectralMapError, match=text):
        as_spectra(bad)


def test_a_file_of_many_parts_is_sorted():
    """Maps, images and spectra apart; what is refused is named with its reason."""
    image = xr.DataArray(np.ones((3, 4)), dims=("y", "x"), attrs={"title": "SEM image"})
    point = signal(dims=("wavelength",), title="spectrum B")
    timed = TIME.assign_attrs(title="streak")
    found = sort_signals([signal(), image, point, timed], "mine.hspy")
    assert set(found.images) == {"SEM image"}
    assert found.maps[0].counts.shape == (3, 4, 40)
    assert "time-resolved" in found.refused["streak"]
    assert found.spectrum("spectrum", "B").counts.shape == (40,)
    assert found.image_of(found.maps[0]).shape == (3, 4) and not found.beside(found.maps[0])
    with pytest.raises(SpectralMapError, match="only images"):
        sort_signals([image], "picture.hspy")
    assert len(sort_signals([signal(), signal()], "two.hspy").maps) == 2


REAL = {
    "lumispy/nanoparticles.hspy": ((15, 20, 507), 229.4, 769.0),
    "lumispy/asymmetric_peak_map.hspy": ((16, 30, 334), 530.8, 803.5),
    "lumispy-demos/quantum-emitters_map.dm4": ((16, 16, 1336), 470.5, 745.0),
    "lumispy-demos/Test-linescan_InGaAs-NWs.dm4": ((1, 98, 1336), 853.0, 976.7),
    "rosettasciio/test-MonarcCL_spectrum-SI.dm4": ((3, 3, 670), 315.9, 414.0),
    "rosettasciio/test_hyperspectral.h5": ((4, 4, 512), 376.3, 820.9),
    "rosettasciio/test_spectral_map.sur": ((12, 10, 310), 333.3, 668.2),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_of_four_makers(name, realdata):
    """Shape and wavelengths of Attolight's, Gatan's, Delmic's and DigitalSurf's files."""
    shape, low, high = REAL[name]
    [found] = read_recording(realdata / "cl" / name).maps
    assert found.counts.shape == shape
    assert_allclose(found.wavelength_nm[[0, -1]], [low, high], atol=0.1)
    assert np.isfinite(found.pixel)


def test_another_spectroscopy_is_refused(realdata):
    """An electron energy loss spectrum is no luminescence."""
    with pytest.raises(SpectralMapError, match="EELS"):
        read_recording(realdata / "cl/DPG2026-Tutorial/hBN_coreloss.hspy")


def over(axis, places, unit, **attrs):
    return xr.DataArray(
        np.arange(40.0),
        dims=axis,
        coords={axis: (axis, places, {"units": unit})},
        attrs={"title": "s", **attrs},
    )


def test_wavenumbers_are_densities_over_energy():
    """1/λ of 20,000 and 25,000 per cm are 500 and 400 nm; no Jacobian is due to what is even in energy."""
    found = as_spectra(over("wavenumber", np.linspace(20_000, 25_000, 40), "1/cm"))
    assert (found.wavelength_nm[0], found.wavelength_nm[-1]) == pytest.approx((400, 500))
    assert found.over == "energy" and found.counts[0] == 39
    with pytest.raises(SpectralMapError, match="positive"):
        as_spectra(over("wavenumber", np.linspace(-10, 25_000, 40), "1/cm"))


def test_a_raman_shift_needs_its_laser():
    """1/λ = 1/λ₀ − shift: with 500 nm, 4,000 per cm lie at 625 nm; without a laser no channel has a wavelength."""
    shift = np.linspace(0, 4000, 40)
    laser = {"Acquisition_instrument": {"Laser": {"wavelength": 500.0}}}
    found = as_spectra(over("raman_shift", shift, "1/cm", metadata=laser))
    assert (found.wavelength_nm[0], found.wavelength_nm[-1]) == pytest.approx((500, 625))
    assert found.kind == "PL" and "the laser's 500 nm" in str(found)
    with pytest.raises(SpectralMapError, match="does not say the laser"):
        as_spectra(over("raman_shift", shift, "1/cm"))


@pytest.mark.parametrize("quantity", ["Intensity (Counts/s)", "Intensity (Counts/sec)", "cps"])
def test_a_rate_is_no_count(quantity):
    """Its numbers may be whole: the noise is then still read from the spectrum."""
    rate, counts = (as_spectra(over("wavelength", NM, "m", quantity=q)) for q in (quantity, "Counts"))
    record = sort_signals([over("wavelength", NM, "m", quantity=quantity)], "file")
    assert record.beside(rate) == {"counted": False} and record.beside(counts) == {}
