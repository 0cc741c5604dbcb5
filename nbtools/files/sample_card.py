"""The sample card: what the user knows about the sample and the set-up, from a YAML file, with σ and in SI."""

import difflib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from nbtools.files.measures import read_measure
from nbtools.units import Quantity

LARGEST = 100_000  # bytes; a card is a page of text
BEYOND = 1e30  # in SI, of a value or its σ: no sample has it, and products of such numbers overflow
EXAMPLES = {
    "dimensions": '["1.00 ± 0.02 mm", "1.20 ± 0.02 mm", "5.0 ± 0.1 mm"]',
    "field_axis": "3",
    "mass": '"21.5 ± 0.1 mg"',
    "density": '"3.10 ± 0.05 g/cm^3"',
    "porosity": '"0.05 ± 0.02"',
    "tap_distance": '"2.0 ± 0.1 mm"',
    "cross_section": '"1.20 ± 0.05 mm^2"',
    "current": '"5 mA"',
    "remanence": '"0.0 ± 0.5 Oe"',
    "thermometer_offset": '"0.00 ± 0.05 K"',
    "scan_length": '"40 mm"',
    "instrument": "MPMS3 dc",
    "thickness": '"20 ± 2 nm"',
    "holder": "quartz rod",
    "background_file": "holder.dat",
    "beam_energy": '"5.0 ± 0.1 keV"',
    "beam_current": '"1.0 ± 0.1 nA"',
    "dwell": '"100 ms"',
    "frame": "1",
    "material": "MgO",
}

# Of a lamella and an electron beam, which other measurements lack: listed only where given.
MICROSCOPY = ("thickness", "beam_energy", "beam_current", "dwell", "frame", "material")


class SampleCardError(ValueError):
    """A card that cannot be read; says which field, what was found, what was expected."""


def _reader(
    unit: str, *, least: float = -math.inf, below: float = math.inf, zero: bool = True
) -> BeforeValidator:
    """Reads a measure in SI within its limits; nothing stays nothing."""

    def read(written: Any) -> Quantity | None:
        if written is None:
            return None
        quantity = read_measure(written, unit=unit)
        if not least <= quantity < below or (quantity == 0 and not zero):
            limits = "more than zero" if not zero else f"at least {least:g} and less than {below:g}"
            raise ValueError(f"found {quantity}; expected {limits}")
        if max(abs(float(quantity)), quantity.uncertainty) >= BEYOND:
            raise ValueError(
                f"found {written}; expected what a laboratory measures. A digit of the exponent?"
            )
        return quantity

    return BeforeValidator(read)


def _positive(unit: str) -> BeforeValidator:
    return _reader(unit, least=0.0, zero=False)


Length = Annotated[Quantity | None, _positive("m")]
Area = Annotated[Quantity | None, _positive("m^2")]
Mass = Annotated[Quantity | None, _positive("kg")]
Density = Annotated[Quantity | None, _positive("kg/m^3")]
Fraction = Annotated[Quantity | None, _reader("", least=0.0, below=1.0)]
Current = Annotated[Quantity | None, _positive("A")]
FieldOffset = Annotated[Quantity | None, _reader("A/m")]
TemperatureOffset = Annotated[Quantity | None, _reader("K")]
Edge = Annotated[Quantity, _positive("m")]
BeamEnergy = Annotated[Quantity | None, _positive("eV")]
Duration = Annotated[Quantity | None, _positive("s")]


class SampleCard(BaseModel):
    """A sample and its set-up. Only the name is needed; every measure is a `Quantity` in SI, None if not given.

    dimensions : the three edges (m); of a cylinder two diameters and its length, of a spheroid its three axes
    field_axis : which of the edges (1, 2, 3) lies along the field
    density : of the material without pores (kg/m³); porosity : volume of the pores over the outer volume
    tap_distance, cross_section : between and at the voltage contacts (m, m²); current : of the measurement (A)
    remanence : what the magnet adds to the field it states (A/m); thermometer_offset : true minus stated (K)
    thickness : of a lamella where the electron microscope looked (m)
    material : of the sample, in words: what is known of MgO alone is used where it names MgO
    background_file : the empty holder, measured alike, in the folder of the card
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str = Field(min_length=1)
    is_paper_sample: bool = False
    shape: Literal["prism", "cylinder", "spheroid"] = "prism"
    dimensions: tuple[Edge, Edge, Edge] | None = None
    field_axis: Literal[1, 2, 3] | None = None
    mass: Mass = None
    density: Density = None
    porosity: Fraction = None
    holder: str | None = None
    background_file: Path | None = None
    tap_distance: Length = None
    cross_section: Area = None
    current: Current = None
    remanence: FieldOffset = None
    instrument: Literal["MPMS", "MPMS3 dc", "MPMS3 vsm", "PPMS vsm"] | None = None
    scan_length: Length = None
    thermometer_offset: TemperatureOffset = None
    thickness: Length = None
    # Electron microscopy: of the beam (eV, A), time at a pixel (s), and which pass over the field it was.
    beam_energy: BeamEnergy = None
    beam_current: Current = None
    dwell: Duration = None
    frame: Annotated[int, Field(ge=1)] | None = None
    # What shines, or whatever else has to be known of the material.
    material: str | None = None

    @property
    def volume(self) -> Quantity | None:
        """Outer volume (m³) from the dimensions, or from mass, density and porosity."""
        if self.dimensions:
            a, b, c = self.dimensions
            filled = {"prism": 1.0, "cylinder": math.pi / 4, "spheroid": math.pi / 6}[self.shape]
            return _product("m^3", (a, 1), (b, 1), (c, 1), scale=filled)
        if self.mass is None or self.density is None or self.porosity is None:
            return None
        solid = Quantity(1 - self.porosity, self.porosity.uncertainty)
        return _product("m^3", (self.mass, 1), (self.density, -1), (solid, -1))

    @property
    def field_length(self) -> Quantity | None:
        """The edge along the field (m)."""
        return self.dimensions[self.field_axis - 1] if self.dimensions and self.field_axis else None

    @property
    def transverse_lengths(self) -> tuple[Quantity, Quantity] | None:
        """The two edges across the field (m), in the order of the card."""
        if not self.dimensions or not self.field_axis:
            return None
        one, two = (edge for i, edge in enumerate(self.dimensions, 1) if i != self.field_axis)
        return one, two

    @property
    def sides(self) -> tuple[float, float, float] | None:
        """The three edges (m), the one along the field last."""
        if self.transverse_lengths is None or self.field_length is None:
            return None
        return float(self.transverse_lengths[0]), float(self.transverse_lengths[1]), float(self.field_length)

    @property
    def screening_inputs(self) -> dict[str, Any]:
        """What `study_screening` needs to turn a moment into a susceptibility."""
        inputs = {
            name: getattr(self, name) for name in ("volume", "sides", "shape", "remanence", "instrument")
        }
        return inputs | ({"scan_length": float(self.scan_length)} if self.scan_length else {})

    @property
    def geometry_factor(self) -> Quantity | None:
        """Cross-section over tap distance (m): resistivity over resistance."""
        if self.cross_section is None or self.tap_distance is None:
            return None
        return _product("m", (self.cross_section, 1), (self.tap_distance, -1))

    @property
    def current_density(self) -> Quantity | None:
        """Current over cross-section (A/m²)."""
        if self.current is None or self.cross_section is None:
            return None
        return _product("A/m^2", (self.current, 1), (self.cross_section, -1))

    def used_and_defaulted(self) -> tuple[list[str], list[str]]:
        """What the card gives, as ``"mass = 2.15e-05 ± 1e-07 kg"``, and what it leaves open or to its default."""
        given, missing = [], []
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if name in self.model_fields_set and value is not None:
                given.append(f"{name} = {shown(value)}")
            elif name not in MICROSCOPY:
                missing.append(
                    f"{name}: not given" if value is None else f"{name} = {field.default} (default)"
                )
        return given, missing

    def require(self, *names: str, stated: Mapping[str, str] | None = None) -> str | None:
        """None if the card gives or implies all `names`; else one sentence on what is missing and how to give it.

        Parameters
        ----------
        names : of entries, or of what entries imply
        stated : entries that a data file states, as YAML; they are offered in place of an example
        """
        missing = [name for name in names if getattr(self, name) is None]
        if not missing:
            return None
        known = {name: text for name, text in (stated or {}).items() if getattr(self, name) is None}
        lines = [f"`{name}: {text}`" for name, text in known.items()]
        examples = [
            f"`{name}: {EXAMPLES[name]}`" for name in missing if name in EXAMPLES and name not in known
        ]
        said = f"; the file states {', '.join(lines)} (check it and add its ±)" if lines else ""
        if examples:
            said += f"; add {', '.join(examples)}"
        elif not lines:
            said = f"; {self._how_to_imply(missing)}"
        return f"The sample card of {self.name} does not give {', '.join(missing)}{said}."

    def _how_to_imply(self, missing: list[str]) -> str:
        ways = {
            "volume": "dimensions (or mass, density and porosity)",
            "field_length": "dimensions and field_axis",
            "sides": "dimensions and field_axis",
            "transverse_lengths": "dimensions and field_axis",
            "geometry_factor": "cross_section and tap_distance",
            "current_density": "current and cross_section",
        }
        return f"expected {' and '.join(dict.fromkeys(ways[name] for name in missing))}"


def read_sample_card(path: str | Path) -> SampleCard:
    """Read a YAML card; paths in it are relative to its folder and stay inside.

    Raises
    ------
    SampleCardError
        A card with an unknown field, a value that is no measure, or a path that leads elsewhere.
    """
    path = Path(path)
    entries = _entries(path)
    try:
        card = SampleCard.model_validate(entries)
    except ValidationError as problem:
        raise SampleCardError(
            f"{path.name}: {'; '.join(explain(error) for error in problem.errors())}"
        ) from None
    if card.background_file is None:
        return card
    return card.model_copy(update={"background_file": _inside(card.background_file, path)})


def _entries(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    if len(content) > LARGEST:
        raise SampleCardError(
            f"{path.name}: found {len(content)} bytes; expected a page of YAML. This is another file."
        )
    try:
        text = content.decode("utf-8-sig")
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.SafeLoader)):
            raise SampleCardError(f"{path.name}: found an alias (*); write the value out where it is needed.")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        entries = yaml.safe_load(text)
    except SampleCardError:
        raise
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as problem:
        where = " ".join(str(problem).split())[:200]
        raise SampleCardError(
            f"{path.name} is not YAML ({where}); expected lines such as `name: my sample`."
        ) from None
    if not isinstance(entries, dict) or not all(isinstance(key, str) for key in entries):
        raise SampleCardError(f"{path.name}: found no fields; expected lines such as `name: my sample`.")
    assert isinstance(root, yaml.MappingNode)
    names = [key.value for key, _ in root.value]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise SampleCardError(f"{path.name}: found {twice} twice; expected it once. Delete one of the lines.")
    return entries


def explain(error: Any) -> str:
    """One of pydantic's errors as a sentence."""
    name = ".".join(str(part) for part in error["loc"])
    field = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, SampleCard.model_fields, n=1, cutoff=0.6)
        known = (
            f"did you mean {near[0]}?" if near else f"expected one of {', '.join(SampleCard.model_fields)}."
        )
        return f"found the unknown field {name}; {known}"
    if error["type"] == "missing":
        return f"{name} is missing; expected `{field}: {EXAMPLES.get(field, 'my sample')}`"
    example = f" (for example `{field}: {EXAMPLES[field]}`)" if field in EXAMPLES else ""
    if error["type"] == "value_error":
        return f"{name}: {error['ctx']['error']}{example}"
    found = repr(error["input"])
    return f"{name}: found {found[:60]}; {error['msg'][:1].lower()}{error['msg'][1:]}{example}"


def _inside(written: Path, card: Path) -> Path:
    """The file beside the card; an absolute path, `..` or a link that leads elsewhere is refused."""
    folder = card.parent.resolve()
    try:
        target = (folder / written).resolve()
        inside, there = target.is_relative_to(folder), target.is_file()
    except (OSError, ValueError, RuntimeError):
        inside, there = True, False
    if written.is_absolute() or not inside:
        raise SampleCardError(
            f"{card.name}: background_file {str(written)!r} leads out of the folder of the card; put the file beside "
            "the card and give its name."
        )
    if not there:
        raise SampleCardError(
            f"{card.name}: background_file {str(written)[:80]!r} does not exist beside the card; put it there or "
            "delete the line."
        )
    return target


def _product(unit: str, *powers: tuple[Quantity, int], scale: float = 1.0) -> Quantity:
    """Product of powers, correlated with each of them; its σ is unknown if that of one of them is."""
    product = Quantity(scale, 0.0)
    for quantity, power in powers:
        product = product * quantity**power
    return product.to(unit)


SHOWN = {
    "m": "mm",
    "m^2": "mm^2",
    "m^3": "mm^3",
    "A/m": "Oe",
    "A": "mA",
    "kg": "mg",
    "kg/m^3": "g/cm^3",
    "eV": "keV",
}


def shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " × ".join(shown(edge) for edge in value)
    if isinstance(value, Quantity) and value.unit in SHOWN:
        return str(value.to(SHOWN[value.unit]))
    return value.name if isinstance(value, Path) else str(value)
