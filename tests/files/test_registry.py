"""The registry: which reader is asked, in which order, and how a reader from outside is added."""

import numpy as np
import pytest
import tifffile
from dat_files import vsm, write

from nbtools.files import registry
from nbtools.files.registry import (
    Contents,
    NotReadable,
    Range,
    Reader,
    Signal,
    candidates,
    files_for,
    open_file,
)


def read_log(path):
    """A reader somebody else wrote: temperatures, one a line, after a first line `#thermo`."""
    values = np.loadtxt(path, skiprows=1)
    if values.size == 0:
        raise ValueError(f"{path.name} holds no temperatures; expected one a line")
    curve = Signal("T(t)", "temperature", (Range.of("temperature", values, "K"),), values.size, "transport")
    return Contents(f"thermometer log, {values.size} points", (curve,))


@pytest.fixture
def thermo():
    """The reader, added for one test."""
    reader = Reader(
        "a thermometer log",
        read_log,
        (".thermo",),
        lambda head: True if head.startswith(b"#thermo") else None,
        ("transport",),
    )
    yield registry.register(reader)
    registry.unregister(reader.name)


def test_a_reader_from_outside_by_content(thermo, tmp_path):
    """It is asked first, whatever the ending; `inspect` shows what it found and where it goes."""
    from nbtools.inspection import inspect_path

    path = write(tmp_path, "#thermo\n4.2\n77\n", "log.dat")
    assert [signal.points for signal in open_file(path).of("transport")] == [2]
    text, usable = inspect_path(path)
    assert usable and text.startswith("log.dat: thermometer log, 2 points")
    assert f"run 03 -p DATA={path}" in text


def test_a_reader_from_outside_by_ending(thermo, tmp_path):
    """Where the content says nothing the ending decides; its refusal is a sentence."""
    path = write(tmp_path, "4.2\n77\n", "log.thermo")
    assert open_file(path).what == "thermometer log, 1 points"
    with pytest.raises(NotReadable, match="No reader knows"):
        open_file(write(tmp_path, "4.2\n", "log.unknown"))


def test_one_name_is_one_reader(thermo):
    """Registering again replaces; a technique that there is not is refused with those that there are."""
    registry.register(Reader(thermo.name, read_log, (".other",)))
    assert [reader.endings for reader in registry.readers() if reader.name == thermo.name] == [(".other",)]
    with pytest.raises(ValueError, match=r"found the technique alchemy; expected some of structure, stem"):
        registry.register(Reader("lead", read_log, techniques=("alchemy",)))


@pytest.mark.parametrize("name", ["run.dat", "run.txt", "run.csv", "run"])
def test_content_comes_before_the_ending(tmp_path, name):
    """A MultiVu file under any name is read as one, and only its own reader is asked."""
    path = write(tmp_path, vsm(), name)
    assert [reader.name for reader in candidates(path)] == ["a Quantum Design file"]
    assert open_file(path).of("transport")[0].quantity == "moment"


def test_refusals_are_typed(tmp_path):
    """Which readers were asked and why each refused, for a program; one sentence each, for a person."""
    with pytest.raises(NotReadable) as error:
        open_file(write(tmp_path, vsm([",0,-5,100,1e-3,1e-5"]), "cold.dat"))
    ((reader, why),) = error.value.refusals
    assert reader == "a Quantum Design file" and why.startswith("cold.dat: found no row with a temperature")
    assert str(error.value).startswith("cold.dat cannot be used.\n  cold.dat: found no row")


def test_words_are_not_a_table(tmp_path):
    """A note beside the data is no pattern and no map."""
    assert candidates(write(tmp_path, "Measured by 2 people in 2020.\nSee page 7.\n", "note.txt")) == ()


def test_files_of_a_technique(tmp_path):
    """A folder as a person keeps it: only what a reader of the technique may take, without reading it."""
    tifffile.imwrite(tmp_path / "slice.tif", np.zeros((4, 4), np.uint8))
    files = [
        write(tmp_path, vsm(), "a.dat"),
        write(tmp_path, "see the lab book\n", "README.txt"),
        write(tmp_path, "name: mine\n", "card.yaml"),
        tmp_path / "slice.tif",
    ]
    assert [path.name for path in files_for("transport", files)] == ["a.dat"]
    assert [path.name for path in files_for("structure", files)] == ["slice.tif"]


def test_a_folder_as_data(tmp_path):
    """`DATA=folder` opens what `inspect folder` can use for that technique."""
    from nbtools.manifest import open_data

    for name, text in (("a.dat", vsm()), ("README.md", "words"), ("plan.pdf", "%PDF"), ("note.txt", "words")):
        write(tmp_path, text, name)
    assert [path.name for path in open_data(tmp_path, technique="transport").files] == ["a.dat"]
    with pytest.raises(ValueError, match="holds no data file of magneto optics"):
        open_data(tmp_path, technique="magneto_optics")


@pytest.mark.parametrize(
    ("quantity", "values", "unit", "text"),
    [
        ("resistance", [0.0105, 0.012], "ohm", "10.5 to 12 mΩ"),
        ("resistance", [1e-102, 0.012], "ohm", "0 to 12 mΩ"),
        ("resistance", [2e6, 3.5e6], "ohm", "2 to 3.5 MΩ"),
        ("temperature", [4.2, 4.2], "K", "4.2 K"),
        ("field", [-7e4 * 79.57747154594767, np.nan, 0], "A/m", "-70000 to 0 Oe"),
        ("moment", [-1e-6, 2e-6], "A m^2", "-0.001 to 0.002 emu"),
        ("resistivity", [1e-8, 2e-8], "ohm m", "1 to 2 µΩ cm"),
    ],
)
def test_ranges_in_the_units_of_the_community(quantity, values, unit, text):
    """With the prefix that suits the number; what is nothing beside the largest is 0."""
    assert str(Range.of(quantity, values, unit)) == text
