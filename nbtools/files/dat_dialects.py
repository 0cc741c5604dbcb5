"""The column names of Quantum Design's instruments, and which of our variables each one is."""

import re

UNIT_SPELLINGS = {
    "sec": "s",
    "seconds": "s",
    "k": "K",
    "kelvin": "K",
    "oe": "Oe",
    "oersted": "Oe",
    "tesla": "T",
    "gauss": "G",
    "hz": "Hz",
    "ohm": "ohm",
    "ohms": "ohm",
    "ohm-m": "ohm m",
    "ohm-cm": "ohm cm",
    "uohm-cm": "uohm cm",
    "mohm-cm": "mohm cm",
    "amps": "A",
    "ua": "uA",
    "ma": "mA",
    "deg": "degree",
    "degrees": "degree",
    "am2": "A m^2",
    "am²": "A m^2",
    "a-m^2": "A m^2",
    "a·m²": "A m^2",
}
RESISTANCE = r"res(?:istance|istivity)?"
DEVIATION = rf"(?:{RESISTANCE} )?std ?(?:dev|err)"


def _bridge(what: str) -> str:
    """`bridge 1 resistance`, `resistance ch1`, `res ch1`, `res ch1 std dev`."""
    return (
        rf"(?:(?:bridge|channel|ch) ?(?P<before>[1-4]) {what}|{what} (?:bridge|channel|ch) ?(?P<after>[1-4]))"
    )


# Name as normalised by `plain_name` → variable, SI unit, unit of a column that states none. For each variable
# the first rule wins whose column holds numbers in such a unit; the other columns keep their own names.
RULES = (
    (r"time stamp|time|timestamp", "time", "s", "s"),
    (r"(sample )?temp(erature)?", "temperature", "K", "K"),
    (r"(ppms|system|average) temp(erature)?", "temperature", "K", "K"),
    (r"(magnetic |mag |applied |sample )?field", "field", "A/m", "Oe"),
    (r"(ppms|system) (magnetic )?field", "field", "A/m", "Oe"),
    (r"(ac )?m'", "ac_in_phase", "A m^2", "emu"),
    (r"(ac )?m''", "ac_out_of_phase", "A m^2", "emu"),
    (r"(ac )?x'", "ac_in_phase", "m^3", ""),
    (r"(ac )?x''", "ac_out_of_phase", "m^3", ""),
    (r"m' scan std dev", "ac_in_phase_uncertainty", "A m^2", "emu"),
    (r"m'' scan std dev", "ac_out_of_phase_uncertainty", "A m^2", "emu"),
    (r"ac x' std err", "ac_in_phase_uncertainty", "m^3", ""),
    (r"ac x'' std err", "ac_out_of_phase_uncertainty", "m^3", ""),
    (r"((ac )?drive|drive amplitude|(ac )?amplitude)", "ac_amplitude", "A/m", "Oe"),
    (r"wave frequency|ac frequency|frequency", "frequency", "Hz", "Hz"),
    (r"ac phase|phase( angle)?", "phase", "rad", "degree"),
    (_bridge(RESISTANCE), "resistance_{}", "ohm", ""),
    (_bridge(RESISTANCE), "resistivity_{}", "ohm m", ""),
    (_bridge(DEVIATION), "resistance_uncertainty_{}", "ohm", ""),
    (_bridge(DEVIATION), "resistivity_uncertainty_{}", "ohm m", ""),
    (rf"{RESISTANCE} ch ?(?P<before>[1-4]) std ?dev", "resistivity_uncertainty_{}", "ohm m", ""),
    (_bridge("(?:excitation|ac current)"), "excitation_{}", "A", "uA"),
    (_bridge("phase(?: angle)?"), "phase_{}", "rad", "degree"),
    (_bridge("frequency"), "frequency_{}", "Hz", "Hz"),
    (RESISTANCE, "resistance_1", "ohm", ""),
    (RESISTANCE, "resistivity_1", "ohm m", ""),
    (r"excitation|current", "excitation_1", "A", ""),
    (r"(dc )?scan length", "scan_length", "m", ""),
    (r"dc calculated center|sample center|long offset", "sample_center", "m", ""),
    (r"(ppms |squid |vsm )?status|error", "status", "", ""),
)
# Moment, its uncertainty, its fit quality belong together; in this order of preference, row by row.
MOMENTS = (
    ("long moment", "long scan std dev", "long reg fit"),
    ("moment", "m std err|moment std err", ""),
    ("m-dc|dc moment", "m-std dev|dc std (err|dev)|dc moment (std )?err", ""),
    ("dc moment free ctr", "dc moment err free ctr", "dc free fit"),
    ("dc moment fixed ctr", "dc moment err fixed ctr", "dc fixed fit"),
)
MOMENT_RULES = {
    "free": "free-centre fit, because a sample moves with the thermal length of its rod; the fixed-centre fit "
    "is kept beside it",
    "fixed": "fixed-centre fit, because the file holds no free-centre fit",
    "long": "longitudinal SQUID fit",
    "m-dc": "dc extraction",
    "moment": "the instrument's own moment",
}
VARIABLES = {rule[1].format(n) for rule in RULES for n in "1234"} | {
    "moment",
    "moment_uncertainty",
    "fit_quality",
}


def plain_name(label: str) -> tuple[str, str]:
    """`"AC X” (emu/Oe)"` → `("ac x''", "emu/Oe")`: lower case, single blanks, no dots, primes as apostrophes."""
    match = re.fullmatch(r"(.*?)\s*\(([^()]*)\)", label.strip())
    name, unit = (match[1], match[2].strip()) if match else (label, "")
    name = re.sub(r"[\"”“″]", "''", re.sub(r"[’‘′`´]", "'", name)).lower()
    return re.sub(r"[.\s_]+", " ", name).strip(), unit


def own_name(label: str) -> str:
    """The snake_case name of a column that is none of `VARIABLES`: its name and unit as written."""
    text = re.sub(r"''|[\"”“″]", " double prime ", label)
    text = re.sub(r"['’‘′`´]", " prime ", text).replace("µ", "u").replace("μ", "u").replace("%", "percent")
    name = re.sub(r"\W+", "_", text.replace("/", " per ").lower()).strip("_")
    return f"column_{name}" if not name or name in VARIABLES else name


def is_number_column(name: str) -> bool:
    """Whether a column of this plain name must hold numbers, so that text in it is an error."""
    patterns = [moment for moment, _, _ in MOMENTS] + [rule[0] for rule in RULES if rule[1] != "status"]
    return any(re.fullmatch(pattern, name) for pattern in patterns)
