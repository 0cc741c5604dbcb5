"""Powder files of five makers and bad ones: angles, counts, variance, wavelengths, and a sentence for the rest."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from damage import damaged

from nbtools.files.powder_diffraction import PowderDiffractionError, read_pattern, scan_options
from nbtools.files.powder_headers import read_facts
from nbtools.files.registry import open_file
from nbtools.structure.twin_powder import record_powder

REAL = {
    "nomad-measurements/XRD-918-16_10.xrdml": ("XRDML", 5027, 4.00656514, 69.99936587, 1305, 1.540598, True),
    "nomad-measurements/TwoTheta_scan_powder.rasx": ("RASX", 2726, 10.0, 119.0, 170.5535, 1.540593, False),
    "project_chameleon/brukerraw_test.RAW": ("Bruker RAW1.01", 3501, 5.0, 60.0046, 24353, 1.5406, True),
    "project_chameleon/bruker_output.txt": ("columns", 3501, 5.0, 60.0046, 24353, 1.5406, True),
    "xylib/BT86_.UXD": ("UXD", 2374, 3.0, 40.0, 187, 1.5406, True),
    "xylib/PSI_DMC.dat": ("PSI", 3200, 2.948, 162.898, 7444, 1.494, False),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files(realdata, name):
    """Kind, size, ends, first count, wavelength, and whether they are plain counts, as the file says by eye."""
    kind, size, start, stop, first, wavelength, plain = REAL[name]
    scan = read_pattern(realdata / "xrd" / name)
    assert (scan.attrs["format"], scan.sizes["two_theta"], scan.attrs["plain_counts"]) == (kind, size, plain)
    assert scan.two_theta.values[[0, -1]] == pytest.approx([start, stop], abs=1e-4)
    assert scan.counts.values[0] == pytest.approx(first, abs=1e-4)
    assert 1e10 * scan.attrs["wavelength"] == pytest.approx(wavelength)


def test_one_scan_in_two_formats_is_one_scan(realdata):
    """Bruker's binary and the text exported from it."""
    raw = read_pattern(realdata / "xrd/project_chameleon/brukerraw_test.RAW")
    text = read_pattern(realdata / "xrd/project_chameleon/bruker_output.txt")
    assert np.array_equal(raw.counts, text.counts)
    assert raw.attrs["counting_time"] == pytest.approx(text.attrs["counting_time"], rel=1e-6)
    assert raw.attrs["ratio"] == 0.5


def test_neutrons_are_read_but_not_refined(realdata):
    """PSI's own errors are the variance; a refinement with X-ray structure factors is refused."""
    scan = read_pattern(realdata / "xrd/xylib/PSI_DMC.dat")
    assert np.sqrt(scan.variance.values[:2]) == pytest.approx([81.5, 82.5], abs=0.1)
    with pytest.raises(PowderDiffractionError, match="neutrons"):
        scan_options(scan)
    with pytest.raises(PowderDiffractionError, match="neutrons"):
        scan_options(read_pattern(realdata / "xrd/xylib/1517474.cif"))


def test_the_twin_is_read_as_it_was_written(tmp_path):
    """Every count and the ends of the scan; wavelengths and ratio for the refinement."""
    path, card = record_powder(tmp_path, seed=1)
    scan = read_pattern(path)
    assert card.name == "sample.yaml" and scan.attrs["plain_counts"]
    assert scan.two_theta.values[[0, -1]] == pytest.approx([20, 110])
    assert scan_options(scan) == {"wavelengths": pytest.approx((1.540593e-10, 1.544427e-10)), "ratio": 0.5}
    assert np.array_equal(scan.variance, np.maximum(scan.counts, 1))


XRDML = """<?xml version="1.0"?><xrdMeasurements><xrdMeasurement><scan><dataPoints>
<positions axis="2Theta" unit="deg"><startPosition>20</startPosition><endPosition>24</endPosition></positions>
{more}<{tag} unit="{unit}">{values}</{tag}></dataPoints></scan></xrdMeasurement></xrdMeasurements>"""
TIME = '<commonCountingTime unit="seconds">4</commonCountingTime>'


def written(folder, content, name="scan.xrdml"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_rates_become_counts(tmp_path):
    """Counts per second times the counting time; without one the variance stays unknown, and a note says so."""
    values = {"tag": "intensities", "unit": "cps", "values": "2.5 3 4 5 6"}
    scan = read_pattern(written(tmp_path, XRDML.format(more=TIME, **values)))
    assert scan.counts.values.tolist() == [10, 12, 16, 20, 24] and scan.attrs["plain_counts"]
    scan = read_pattern(written(tmp_path, XRDML.format(more="", **values)))
    assert np.isnan(scan.variance).all() and "no counting time" in scan.attrs["notes"][0]


def test_an_attenuator_widens_the_variance(tmp_path):
    """100 counts through an attenuator of 10: 1000 ± 100, not ± 32."""
    more = TIME + "<beamAttenuationFactors>1 1 10 1 1</beamAttenuationFactors>"
    text = XRDML.format(more=more, tag="counts", unit="counts", values="10 12 100 20 24")
    scan = read_pattern(written(tmp_path, text))
    assert scan.counts.values.tolist() == [10, 12, 1000, 20, 24]
    assert scan.variance.values.tolist() == [10, 12, 10_000, 20, 24]
    assert not scan.attrs["plain_counts"] and "variance" in scan_options(scan)


def rasx(profile, unit="counts"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("root.xml", "<RASFiles/>")
        archive.writestr("Data0/Profile0.txt", profile)
        archive.writestr("Data0/MesurementConditions0.xml", f"<a><IntensityUnit>{unit}</IntensityUnit></a>")
    return buffer.getvalue()


def test_rigakus_attenuator(tmp_path, realdata):
    """The third column multiplies what stands in the second."""
    source = realdata / "xrd/nomad-measurements/TwoTheta_scan_powder.rasx"
    buffer = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.namelist():
            text = old.read(entry)
            if entry.endswith("Profile0.txt"):
                rows = [f"{10 + 0.04 * i:.4f}\t{100 + i}\t{10 if i == 3 else 1}" for i in range(60)]
                text = "\r\n".join(rows).encode("utf-8-sig")
            new.writestr(entry, text)
    scan = read_pattern(written(tmp_path, buffer.getvalue(), "scan.rasx"))
    assert scan.counts.values[2:5].tolist() == [102, 1030, 104]
    assert scan.variance.values[3] == 10_300


def test_columns_under_any_name(tmp_path):
    """Text columns with a comment and an unknown suffix; σ from the third column of .xye only."""
    rows = "# somebody's scan\n" + "\n".join(f"{20 + 0.1 * i:.2f} {100 + i} {7.0}" for i in range(60))
    scan = read_pattern(written(tmp_path, rows, "scan.asc"))
    assert scan.sizes["two_theta"] == 60 and scan.attrs["plain_counts"]
    assert scan.attrs["notes"] == ("the file gives no wavelength",) and scan_options(scan) == {}
    scan = read_pattern(written(tmp_path, rows, "scan.xye"))
    assert scan_options(scan)["variance"] == pytest.approx(49.0)


BAD = {
    "empty.xy": (b"", "has 0 bytes"),
    "letters.xy": (b"these are no numbers\nat all\n", "is no powder pattern that can be read"),
    "binary.raw": (bytes(range(256)) * 40, "is no powder pattern that can be read"),
    "old.raw": (b"RAW2" + bytes(2000), "is no powder pattern that can be read"),
    "cut.raw": (b"RAW1.01" + bytes(300), "is no powder pattern that can be read"),
    "cut.rasx": (rasx("10 1 1\n10.1 2 1\n")[:200], "is a damaged zip"),
    "backwards.xy": (b"20 1\n21 1\n20.5 1\n22 1\n", "is no powder pattern that can be read"),
    "wide.xy": (b"20 1\n50 1\n80 1\n100 1\n190 1\n", "rising degrees between 0 and 180"),
    "negative.xy": (b"-1 1\n0 1\n1 1\n2 1\n3 1\n", "rising degrees between 0 and 180"),
    "neutron.dat": (b"x\nlambda= 1.5\n 3.0 0.05 162.9 1000., sample=a\n 1. 2. 3.\n", "is the file cut short"),
    "step.dat": (b"x\nlambda= 1.5\n 3.0 0.0 162.9 1000., sample=a\n 1. 2. 3.\n", "is the file cut short"),
    "huge.dat": (
        b"x\nlambda= 1.5\n 3.0 1e-12 162.9 1000., s\n 1. 2. 3.\n",
        "is no powder pattern|are no powder",
    ),
    "structure.cif": (b"data_a\n_cell_length_a 3\n", "is no powder pattern that can be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(tmp_path, name):
    """Our own error, with the file's name and what is wrong."""
    content, text = BAD[name]
    with pytest.raises(PowderDiffractionError, match=text) as caught:
        read_pattern(written(tmp_path, content, name))
    assert name in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    """And a folder is no file either."""
    for path in (tmp_path / "none.xrdml", tmp_path):
        with pytest.raises(PowderDiffractionError, match="is not there"):
            read_pattern(path)


def test_a_zip_that_would_fill_the_memory(tmp_path):
    """A megabyte that unpacks to half a gigabyte is refused before it is unpacked."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("Data0/Profile0.txt", "w") as entry,
    ):
        for _ in range(450):
            entry.write(b"10.0 1.0 1\n" * 100_000)
    with pytest.raises(PowderDiffractionError, match="would unpack to 495,000,000 bytes"):
        read_pattern(written(tmp_path, buffer.getvalue(), "bomb.rasx"))


def test_another_scan_of_the_file(realdata):
    """A scan that is not there is a sentence."""
    with pytest.raises(PowderDiffractionError, match="scan"):
        read_pattern(realdata / "xrd/nomad-measurements/XRD-918-16_10.xrdml", scan=3)


@pytest.mark.parametrize("seed", range(30))
def test_damaged_files(realdata, tmp_path, seed):
    """Real files, damaged: a pattern with rising angles, or our own error."""
    paths = sorted(path for name in REAL for path in [realdata / "xrd" / name])
    path = written(
        tmp_path, damaged(paths[seed % len(paths)].read_bytes(), seed), paths[seed % len(paths)].name
    )
    try:
        scan = read_pattern(path)
    except PowderDiffractionError as error:
        assert path.name in str(error)
        return
    assert np.all(np.diff(scan.two_theta) > 0) and np.isfinite(scan.counts).all()
    assert not np.any(scan.variance <= 0)


COUNTS = 50 + np.arange(61) % 7
ANGLE = np.linspace(20, 80, 61)


def columns(folder, header, first=ANGLE, name="scan.xy", row="{:.6f} {:d}"):
    """A text file of two columns under these comment lines."""
    rows = "\n".join(row.format(x, n) for x, n in zip(first, COUNTS.tolist(), strict=True))
    return written(folder, f"{header}{rows}\n", name)


@pytest.mark.parametrize(
    ("header", "lengths"),
    [
        ("# Wavelength= 4.132800e-11m\n# 2th_deg I\n", [0.41328]),
        ("# Wavelength: 7.0848e-11 m\n# --> 2th_deg   I\n", [0.70848]),
        ("# Wavelength: 1,54060\n", [1.5406]),
        ("#lambda1: 1.540598\n#lambda2: 1.544426\n", [1.540598, 1.544426]),
        ("# LAMBDA 1.5406\n", [1.5406]),
        ("# wavelength (nm): 0.15406\n", [1.5406]),
        ("# Wavelength [Å] = 1.5406\n", [1.5406]),
        ("# λ(Kα1) = 1.540598 Å, λ(Kα2) = 1.544426 Å\n", [1.540598, 1.544426]),
        ("# K-Alpha1 wavelength,1.540598\n# K-Beta wavelength,1.39225\n", [1.540598]),
        ("# K-Beta wavelength: 1.39225 A\n", [1.39225]),
        ("# X-ray wavelength CuKa 1.5418\n", [1.5418]),
        ("# WL1 = 1.540598\n# WL2 = 1.544426\n", [1.540598, 1.544426]),
        ("# wavelength: 1.5406 x 10^-10 m\n", [1.5406]),
        ("# wavelength: 0.154060D+01\n", [1.5406]),
        ("! LAMBDA 2.0785 Ang.\n", [2.0785]),
        ("# wavelength: 1.5406e-4 µm\n", [1.5406]),
        ("# wavelength 154.06 pm\n", [1.5406]),
        ('"Wavelength (Å)";"1,5406"\n', [1.5406]),
        ("# Energy: 17.0 keV\n", [12.39841984 / 17]),
        ("# beam energy (eV): 17000\n", [12.39841984 / 17]),
        ("# Anode: Co\n", [1.788996, 1.792835]),
        ("# sample: Lambda 3.5 phase, 2theta counts\n", []),
        ("# sample lambda 2.3 batch; MgB2\n", []),
    ],
)
def test_a_wavelength_in_a_comment(tmp_path, header, lengths):
    """In whatever unit, with a decimal comma, one or two; a sample's name is none."""
    about = read_pattern(columns(tmp_path, header)).attrs
    found = [1e10 * about[name] for name in ("wavelength", "wavelength_2") if np.isfinite(about[name])]
    assert found == pytest.approx(lengths, rel=1e-9)


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("q_nm^-1   I", lambda s: 4 * np.pi * s / 0.15406),
        ("q_A^-1 I", lambda s: 4 * np.pi * s / 1.5406),
        ("d (A)  I", lambda s: 1.5406 / (2 * s)),
        ("d_nm I", lambda s: 0.15406 / (2 * s)),
        ("Q (Å⁻¹)  Intensity", lambda s: 4 * np.pi * s / 1.5406),
        ("scattering vector q / nm-1   I", lambda s: 4 * np.pi * s / 0.15406),
        ("q [1/nm] I", lambda s: 4 * np.pi * s / 0.15406),
        ("Momentum transfer (1/A) I", lambda s: 4 * np.pi * s / 1.5406),
        ("d-spacing (Å)  counts", lambda s: 1.5406 / (2 * s)),
    ],
)
def test_a_first_column_that_is_no_angle(tmp_path, words, first):
    """q and d become 2θ by the stated wavelength; without one the header's word is the reason of the refusal."""
    along = first(np.sin(np.radians(ANGLE / 2)))
    scan = read_pattern(columns(tmp_path, f"# Wavelength: 1.5406e-10 m\n# {words}\n", along))
    assert scan.two_theta.values == pytest.approx(ANGLE, abs=1e-3)
    assert scan.counts.values.tolist() == COUNTS.tolist()
    with pytest.raises(
        PowderDiffractionError,
        match=f"calls the first column {'d' if words[0] == 'd' else 'q'}, and states no wavelength",
    ):
        read_pattern(columns(tmp_path, f"# {words}\n", along))


@pytest.mark.parametrize("between", [";", "\t"])
def test_decimal_commas(tmp_path, between):
    """``20,0000;53`` under German words in Latin-1, as a spreadsheet exports it."""
    rows = "\n".join(f"{x:.4f}{between}{n}".replace(".", ",") for x, n in zip(ANGLE, COUNTS, strict=True))
    text = f"Winkel{between}Intensität\n{rows}\n"
    scan = read_pattern(written(tmp_path, text.encode("latin-1"), "scan.csv"))
    assert scan.two_theta.values == pytest.approx(ANGLE) and scan.counts.values.tolist() == COUNTS.tolist()


def scans_of(parts, used=""):
    """An XRDML of several scans, each of its own words."""
    body = "".join(
        '<scan><dataPoints><positions axis="2Theta" unit="deg"><startPosition>20</startPosition>'
        f"<endPosition>24</endPosition></positions>{part}</dataPoints></scan>"
        for part in parts
    )
    return f'<?xml version="1.0"?><xrdMeasurements><xrdMeasurement>{used}{body}</xrdMeasurement></xrdMeasurements>'


def test_each_scan_has_its_own_counting_time(tmp_path):
    """Rates of 1 s and of 4 s: the same counts; the file says that there are two."""
    parts = [
        f'<commonCountingTime unit="seconds">{s}</commonCountingTime><intensities unit="cps">{v}</intensities>'
        for s, v in (("1.0", "10 12 16 20 24"), ("4.0", "2.5 3 4 5 6"))
    ]
    path = written(tmp_path, scans_of(parts))
    first, second = read_pattern(path), read_pattern(path, scan=1)
    assert first.counts.values.tolist() == second.counts.values.tolist() == [10, 12, 16, 20, 24]
    assert [one.attrs["counting_time"] for one in (first, second)] == [1.0, 4.0]
    assert first.attrs["scans"] == 2
    contents = open_file(path)
    assert [signal.name for signal in contents.signals] == ["scan 0, 1 s a point", "scan 1, 4 s a point"]
    assert "2 scans" in contents.what


def test_each_scan_has_its_own_attenuator(tmp_path):
    """Only the scan that was measured through it has the wider variance."""
    parts = [
        f"<beamAttenuationFactors>{f}</beamAttenuationFactors><counts>10 12 100 20 24</counts>"
        for f in ("1 1 10 1 1", "1 1 1 1 1")
    ]
    path = written(tmp_path, scans_of(parts))
    assert read_pattern(path).variance.values[2] == 10_000
    second = read_pattern(path, scan=1)
    assert second.variance.values[2] == 100 and second.attrs["plain_counts"]


@pytest.mark.parametrize(
    ("intended", "lengths"),
    [
        ("K-Alpha", [1.540598, 1.544426]),
        ("K-Alpha 1", [1.540598]),
        ("K-Beta", [1.39225]),
    ],
)
def test_the_line_that_was_used(tmp_path, intended, lengths):
    """Of the three lines of the tube that the file lists; a single one is refined without a second."""
    used = (
        f'<usedWavelength intended="{intended}"><kAlpha1>1.540598</kAlpha1><kAlpha2>1.544426</kAlpha2>'
        "<kBeta>1.39225</kBeta><ratioKAlpha2KAlpha1>0.5</ratioKAlpha2KAlpha1></usedWavelength>"
    )
    options = scan_options(
        read_pattern(written(tmp_path, scans_of(["<counts>10 12 16 20 24</counts>"], used)))
    )
    assert [1e10 * length for length in dict.fromkeys(options["wavelengths"])] == pytest.approx(lengths)
    assert options["ratio"] == (0.5 if len(lengths) == 2 else 0.0)


def test_two_scans_of_rigaku(tmp_path):
    """A .ras of two: each with its own attenuator."""

    def part(factor):
        head = '*RAS_HEADER_START\n*HW_XG_WAVE_LENGTH_ALPHA1 "1.540593"\n*RAS_HEADER_END\n*RAS_INT_START\n'
        rows = [
            f"{x:.4f} {n} {factor if i == 3 else 1}"
            for i, (x, n) in enumerate(zip(ANGLE, COUNTS, strict=True))
        ]
        return head + "\n".join(rows) + "\n*RAS_INT_END\n"

    path = written(tmp_path, f"*RAS_DATA_START\n{part(1)}{part(10)}*RAS_DATA_END\n", "two.ras")
    first, second = read_pattern(path), read_pattern(path, scan=1)
    assert first.attrs["scans"] == 2 and first.counts.values.tolist() == COUNTS.tolist()
    assert second.counts.values[3] == 10 * COUNTS[3] and second.variance.values[3] == 100 * COUNTS[3]


@pytest.mark.parametrize(
    ("header", "wavelengths", "ratio"),
    [
        ("# Wavelength: 1.5406\n", [1.540593, 1.544427], 0.5),
        ("# Wavelength: 1.5418\n", [1.540593, 1.544427], 0.5),
        ("# Wavelength: 0.4133\n", [0.4133, 0.4133], 0.0),
        ("#lambda1: 1.540598\n#lambda2: 1.544426\n", [1.540598, 1.544426], 0.5),
    ],
)
def test_a_tube_whose_file_states_one_wavelength(tmp_path, header, wavelengths, ratio):
    """Its doublet is refined, whose second line may come out at zero; a synchrotron's wavelength stays alone."""
    options = scan_options(read_pattern(columns(tmp_path, header)))
    assert [1e10 * length for length in options["wavelengths"]] == pytest.approx(wavelengths, rel=1e-7)
    assert options["ratio"] == ratio


def raw4(tube):
    """Bruker's RAW4.00, as its records are described in public: the tube, a word, and one range of counts."""

    def record(kind, content):
        return struct.pack("<II", kind, 8 + len(content)) + content

    head = b"RAW4.00".ljust(61, b"\0")
    head += record(10, b"\0" * 4 + b"SAMPLEID".ljust(24, b"\0") + b"composite\0")
    head += record(30, b"\0" * 64 + struct.pack("<5d", *tube) + b"\0" * 8)
    span = bytearray(160)
    span[32:46] = b"Locked Coupled"
    struct.pack_into("<ddI", span, 72, 20.0, 1.0, len(COUNTS))
    struct.pack_into("<II", span, 136, 4, 64)
    axis = bytearray(64)
    struct.pack_into("<II", axis, 0, 50, 64)
    axis[12:18] = b"2Theta"
    struct.pack_into("<d", axis, 56, 20.0)
    return head + bytes(span) + bytes(axis) + COUNTS.astype("<f4").tobytes()


def test_the_wavelengths_of_raw4(tmp_path):
    """They stand in the record of the tube, and the sample's name in one of words."""
    content = raw4((1.54184, 1.5406, 1.54439, 1.39222, 0.5))
    scan = read_pattern(written(tmp_path, content, "scan.raw"))
    assert 1e10 * scan.attrs["wavelength"] == pytest.approx(1.5406)
    assert 1e10 * scan.attrs["wavelength_2"] == pytest.approx(1.54439)
    assert (scan.attrs["ratio"], scan.attrs["sample"]) == (0.5, "composite")
    assert scan.counts.values.tolist() == COUNTS.tolist() and "no wavelength" not in str(scan.attrs["notes"])


def test_the_wavelengths_of_brml():
    """They stand in the XML of each scan."""
    tube = '<WaveLengthAlpha1 Value="1.788996" /><WaveLengthAlpha2 Value="1.792835" /><WaveLengthRatio Value="0.5" />'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Experiment0/RawData0.xml", f"<RawData>{tube}</RawData>")
    facts = read_facts(Path("scan.brml"), buffer.getvalue())
    assert (facts.format, facts.wavelengths, facts.ratio) == ("BRML", (1.788996, 1.792835), 0.5)


@pytest.mark.parametrize(
    ("words", "first"), [("theta (deg) counts", ANGLE / 2), ("2theta (rad) counts", np.radians(ANGLE))]
)
def test_half_angles_and_radians(tmp_path, words, first):
    """Made 2θ in degrees, and said; a title such as Theta-2Theta is none."""
    scan = read_pattern(columns(tmp_path, f"# {words}\n", first))
    assert scan.two_theta.values == pytest.approx(ANGLE, abs=1e-4)
    assert "times the first column" in scan.attrs["notes"][0]
    plain = read_pattern(columns(tmp_path, "# Theta-2Theta scan\n"))
    assert plain.two_theta.values == pytest.approx(ANGLE)


@pytest.mark.parametrize("words", ["TOF(us) I", "energy(keV) counts"])
def test_a_first_column_that_cannot_be_an_angle(tmp_path, words):
    """A time of flight, an energy: refused by the header's own word."""
    with pytest.raises(PowderDiffractionError, match="a time of flight or an energy"):
        read_pattern(columns(tmp_path, f"# {words}\n"))


def test_neutrons_named_in_a_comment(tmp_path):
    """Read, and not refined with X-ray structure factors."""
    with pytest.raises(PowderDiffractionError, match="neutrons"):
        scan_options(read_pattern(columns(tmp_path, "# neutron powder pattern\n# wavelength 1.5406\n")))


def test_rates_in_columns(tmp_path):
    """Counts per second become counts by the stated time; without one there is no variance, and a note says so."""
    rate, row = COUNTS / 4, "{:.3f} {:.4f}"
    rows = "\n".join(row.format(x, n) for x, n in zip(ANGLE, rate, strict=True))
    timed = read_pattern(written(tmp_path, f"# step time: 4 s\n# 2theta intensity (cps)\n{rows}\n", "a.xy"))
    assert timed.counts.values.tolist() == COUNTS.tolist() and timed.attrs["plain_counts"]
    bare = read_pattern(written(tmp_path, f"# 2theta cps\n{rows}\n", "b.xy"))
    assert (
        np.isnan(bare.variance).all()
        and "rates and the file gives no counting time" in bare.attrs["notes"][0]
    )


def test_counts_below_zero(tmp_path):
    """A background was subtracted: their variance is not known, and is not taken for that of counts."""
    rows = "\n".join(f"{x:.3f} {n - 53}" for x, n in zip(ANGLE, COUNTS, strict=True))
    scan = read_pattern(written(tmp_path, rows, "net.xy"))
    assert np.isnan(scan.variance).all() and "variance" not in scan_options(scan)
    assert "something has been subtracted" in scan.attrs["notes"][0]


ESD = np.sqrt(COUNTS + 4.0)
TRIPLES = "\n".join(f"{x:.3f} {n} {e:.4f}" for x, n, e in zip(ANGLE, COUNTS, ESD, strict=True))
BANK = f"{'title':<80}\nBANK 1 {ANGLE.size} {{}} CONST 2000.0 100.0 0 0 {{}}\n{{}}\n"
PAIRS = [f"{n:8.1f}{e:8.3f}" for n, e in zip(COUNTS, ESD, strict=True)]
WITH_ERRORS = {
    "named.csv": "2theta,intensity,error\n" + TRIPLES.replace(" ", ","),
    "named.xy": "# 2theta I esd\n" + TRIPLES,
    "comma.xye": TRIPLES.replace(".", ","),
    "fullprof.dat": f"XYDATA\nINTER 1.0 1.0 2\nTEMP 295\nfile\n! a\n! b\n{TRIPLES}",
    "bank.fxye": BANK.format(
        ANGLE.size,
        "FXYE",
        "\n".join(f"{100 * x:.2f} {n} {e:.4f}" for x, n, e in zip(ANGLE, COUNTS, ESD, strict=True)),
    ),
    "bank.gsa": BANK.format(
        -(-ANGLE.size // 5), "ESD", "\n".join("".join(PAIRS[i : i + 5]) for i in range(0, ANGLE.size, 5))
    ),
}


@pytest.mark.parametrize("name", WITH_ERRORS)
def test_errors_beside_the_intensities(tmp_path, name):
    """The variance is theirs: of columns that say so, of .xye, FullProf's XYDATA and GSAS banks."""
    scan = read_pattern(written(tmp_path, WITH_ERRORS[name], name))
    assert scan.two_theta.values == pytest.approx(ANGLE) and scan.counts.values == pytest.approx(COUNTS)
    assert scan_options(scan)["variance"] == pytest.approx(ESD**2, rel=1e-3)


def test_an_error_of_zero(tmp_path):
    """√0 of a point without a count: the least of the others, not a weight without end."""
    rows = "\n".join(f"{20 + i} {n} {n**0.5:.4f}" for i, n in enumerate([4, 0, 9, 16, 4, 25, 9, 9]))
    scan = read_pattern(written(tmp_path, rows, "zeros.xye"))
    assert scan.variance.values.tolist() == pytest.approx([4, 4, 9, 16, 4, 25, 9, 9])


@pytest.mark.parametrize("head", ["", "  10.0 0.1"])
def test_start_step_and_end_that_are_not_there(realdata, tmp_path, head):
    """A line that was damaged is named, with what stands in it."""
    lines = (realdata / "xrd" / "xylib/PSI_DMC.dat").read_text().split("\n")
    with pytest.raises(PowderDiffractionError, match="start, step and end of 2θ were expected"):
        read_pattern(written(tmp_path, "\n".join([*lines[:2], head, *lines[3:]]), "psi.dat"))


def test_start_step_and_end(tmp_path):
    """FullProf's free format: no angle stands beside the counts; cut short it is refused."""
    rows = "\n".join(" ".join(f"{n:7d}" for n in COUNTS[i : i + 10]) for i in range(0, COUNTS.size, 10))
    scan = read_pattern(written(tmp_path, f"  20.0 1.0 80.0 my sample\n{rows}\n", "free.dat"))
    assert scan.two_theta.values == pytest.approx(ANGLE) and scan.counts.values.tolist() == COUNTS.tolist()
    assert scan.attrs["sample"] == "my sample"


def ranges_of(key):
    parts = [
        f"_DRIVE='COUPLED'\n_STEPTIME={s}\n_STEPSIZE=1\n_START=20\n_2THETA=20\n_2THETA{key}\n"
        + "\n".join(
            f"{x:.3f} {n * (s if key == 'COUNTS' else 1):.3f}" for x, n in zip(ANGLE, COUNTS, strict=True)
        )
        for s in (1, 4)
    ]
    return "_FILEVERSION=2\n_WL1=1.5406\n" + "\n".join(parts) + "\n"


@pytest.mark.parametrize(("key", "times"), [("COUNTS", 4), ("CPS", 4)])
def test_each_range_of_a_uxd_has_its_own_time(tmp_path, key, times):
    """Two ranges of 1 s and 4 s, as counts and as rates; both are announced."""
    path = written(tmp_path, ranges_of(key), "two.uxd")
    first, second = read_pattern(path), read_pattern(path, scan=1)
    assert [one.attrs["counting_time"] for one in (first, second)] == [1.0, 4.0]
    assert first.attrs["scans"] == 2 and second.counts.values == pytest.approx(times * COUNTS)


def test_rigakus_rates(tmp_path):
    """Step over speed is the counting time: 0.5° at 7.5°/min are 4 s."""
    rows = "\n".join(f"{x:.3f} {n / 4:.4f} 1.0" for x, n in zip(ANGLE, COUNTS, strict=True))
    head = '*RAS_DATA_START\n*RAS_HEADER_START\n*MEAS_SCAN_UNIT_Y "cps"\n*MEAS_SCAN_SPEED "7.5"\n'
    head += '*MEAS_SCAN_STEP "0.5"\n*MEAS_SCAN_SPEED_UNIT "deg/min"\n*RAS_HEADER_END\n*RAS_INT_START\n'
    scan = read_pattern(written(tmp_path, f"{head}{rows}\n*RAS_INT_END\n*RAS_DATA_END\n", "rates.ras"))
    assert scan.attrs["counting_time"] == 4 and scan.counts.values.tolist() == COUNTS.tolist()


def tube(intended, unit="Angstrom", scale=1.0, lines=(1.540598, 1.544426, 1.39225)):
    names = ("kAlpha1", "kAlpha2", "kBeta")
    words = "".join(
        f'<{name} unit="{unit}">{scale * line:.7E}</{name}>' for name, line in zip(names, lines, strict=True)
    )
    return f'<usedWavelength intended="{intended}">{words}</usedWavelength>'


@pytest.mark.parametrize("intended", ["K-Beta", "KBeta", "K Beta", "K-beta"])
@pytest.mark.parametrize(("unit", "scale"), [("Angstrom", 1.0), ("nm", 0.1)])
def test_a_tube_in_any_spelling(tmp_path, intended, unit, scale):
    """Its β line, in ångström or nanometres, with an exponent."""
    path = written(
        tmp_path, scans_of(["<counts>10 12 100 20 24</counts>"], tube(intended, unit, scale)), "b.xrdml"
    )
    about = read_pattern(path).attrs
    assert 1e10 * about["wavelength"] == pytest.approx(1.39225) and np.isnan(about["wavelength_2"])


def test_each_measurement_has_its_own_tube(tmp_path):
    """Two measurements in one file, with copper and with cobalt."""
    first = scans_of(["<counts>10 12 100 20 24</counts>"], tube("K-Alpha"))
    second = scans_of(["<counts>10 12 100 20 24</counts>"], tube("K-Alpha", lines=(1.789, 1.7929, 1.6208)))
    both = first.replace("</xrdMeasurements>", "") + second.split("<xrdMeasurements>")[1]
    path = written(tmp_path, both, "two.xrdml")
    found = [1e10 * read_pattern(path, scan=n).attrs["wavelength"] for n in (0, 1)]
    assert found == pytest.approx([1.540598, 1.789])


def test_a_time_for_each_point(tmp_path):
    """Rates of a scan whose points were counted for 1 to 4 s."""
    part = "<countingTimes>1 2 4 4 1</countingTimes>"
    part += '<intensities unit="cps">10 6 25 5 24</intensities>'
    scan = read_pattern(written(tmp_path, scans_of([part]), "times.xrdml"))
    assert scan.counts.values.tolist() == [10, 12, 100, 20, 24] and scan.attrs["plain_counts"]


def test_a_falling_scan_takes_its_third_column_along(tmp_path):
    """Errors of .xye and the attenuator of RAS stay with their points; so do the factors of XRDML."""
    rows = [f"{x:.3f} {n} {0.1 * n:.3f}" for x, n in zip(ANGLE, COUNTS, strict=True)]
    scan = read_pattern(written(tmp_path, "\n".join(rows[::-1]), "falling.xye"))
    assert np.sqrt(scan.variance.values) == pytest.approx(0.1 * scan.counts.values)
    factors = [10 if n == 53 else 1 for n in COUNTS]
    rows = [f"{x:.3f} {n} {f}" for x, n, f in zip(ANGLE, COUNTS, factors, strict=True)]
    head = '*RAS_DATA_START\n*RAS_HEADER_START\n*MEAS_SCAN_UNIT_Y "counts"\n*RAS_HEADER_END\n*RAS_INT_START\n'
    text = head + "\n".join(rows[::-1]) + "\n*RAS_INT_END\n*RAS_DATA_END\n"
    assert read_pattern(written(tmp_path, text, "falling.ras")).counts.values == pytest.approx(
        COUNTS * factors
    )
    part = "<beamAttenuationFactors>1 1 1 10 1</beamAttenuationFactors><counts>24 20 16 100 10</counts>"
    falling = scans_of([part]).replace("n>20<", "n>x<").replace("n>24<", "n>20<").replace("n>x<", "n>24<")
    scan = read_pattern(written(tmp_path, falling, "falling.xrdml"))
    assert scan.counts.values.tolist() == [10, 1000, 16, 20, 24] and scan.variance.values[1] == 10_000


def test_rigakus_beta(tmp_path):
    """The header names the line that was used."""
    rows = "\n".join(f"{x:.3f} {n} 1.0" for x, n in zip(ANGLE, COUNTS, strict=True))
    head = '*RAS_DATA_START\n*RAS_HEADER_START\n*HW_XG_WAVE_LENGTH_ALPHA1 "1.540593"\n'
    head += (
        '*HW_XG_WAVE_LENGTH_BETA "1.392246"\n*MEAS_COND_XG_WAVE_TYPE "Kb"\n*RAS_HEADER_END\n*RAS_INT_START\n'
    )
    about = read_pattern(written(tmp_path, f"{head}{rows}\n*RAS_INT_END\n*RAS_DATA_END\n", "beta.ras")).attrs
    assert 1e10 * about["wavelength"] == pytest.approx(1.392246) and about["ratio"] == 0


def test_each_range_of_a_bruker_file_has_its_own_time(realdata, tmp_path):
    """The real range twice over, the second with another time; a file that ends before it says so."""
    content = (realdata / "xrd/project_chameleon/brukerraw_test.RAW").read_bytes()
    again = bytearray(content[712:])
    struct.pack_into("<f", again, 192, 7.5)
    both = bytearray(content + bytes(again))
    struct.pack_into("<I", both, 12, 2)
    path = tmp_path / "two.raw"
    path.write_bytes(both)
    first, second = (read_pattern(path, scan=n).attrs for n in (0, 1))
    assert first["scans"] == second["scans"] == 2
    assert second["counting_time"] == 7.5 != first["counting_time"]
    path.write_bytes(both[: len(content) + 100])
    with pytest.raises(PowderDiffractionError, match="speaks of 2 ranges and ends before range 1"):
        read_pattern(path, scan=1)


def test_scans_of_spec(tmp_path):
    """Those against 2θ, by number; the detector's column wherever it stands."""
    head = "#F x\n#E 1\n\n#S 1 ascan om 0 1 9 1\n#N 2\n#L Omega  Counts\n" + "0 1\n" * 9
    scans = [
        f"\n#S {n} ascan tth 20 40 99 1\n#N 3\n#L tth  Detector  Seconds\n"
        + "".join(f"{20 + 0.2 * i:.1f} {n * i} 2\n" for i in range(100))
        for n in (2, 3)
    ]
    path = tmp_path / "beamtime"
    path.write_text(head + "".join(scans))
    second = read_pattern(path, scan=1)
    assert second.attrs["scans"] == 2 and second.attrs["counting_time"] == 2
    assert second.two_theta.values == pytest.approx(20 + 0.2 * np.arange(100))
    assert second.counts.values == pytest.approx(3.0 * np.arange(100))
    with pytest.raises(PowderDiffractionError, match="holds 2 scans against 2θ, and scan 2"):
        read_pattern(path, scan=2)
