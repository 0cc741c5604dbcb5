"""A folder of instrument files of one sample → one page: each number with its file, figures, what was left out, why."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import nbformat
import yaml

from nbtools import __version__, ac_susceptibility, joint, paths, transport
from nbtools.display import style
from nbtools.files.registry import NOTEBOOKS, Route
from nbtools.files.sample_card import EXAMPLES, SampleCard, read_sample_card
from nbtools.inspection import Inspection, inspect_files, way_of
from nbtools.manifest import SAMPLE_CARD, file_hash
from nbtools.notebook.document import WIDGET_VIEW, heading_above, parameter_names, read_parameters
from nbtools.notebook.sample import ResultsTable, open_sample, printed
from nbtools.paper.ledgers import read_results
from nbtools.report import image_html, notebook_html, page_html
from nbtools.results import Ledger, Result, dumps
from nbtools.runner import OnCell, Run, find_notebooks, run_notebook
from nbtools.study import Missing, StudyResult, html_table
from nbtools.whole_file import write_whole

DONE = "done.json"
TITLES = {"stem": "Electron microscopy", "magneto_optics": "Magneto-optics"}
# A section's place among the paper's figures says nothing of somebody else's sample.
FIGURE = re.compile(r"^(\d+_)?(Figs?\.? [^·]*· )?")
SYNTHETIC = "This folder holds synthetic files. What is found in them says nothing about a sample."


@dataclass(frozen=True)
class Job:
    """One technique's notebook on the files of the sample that it takes.

    Parameters
    ----------
    technique : whose notebook runs
    parameters : of the notebook, by name
    files : that these parameters name
    """

    technique: str
    parameters: dict[str, Any]
    files: tuple[Path, ...]

    @property
    def notebook(self) -> Path:
        return find_notebooks([NOTEBOOKS[self.technique]])[0]

    @property
    def title(self) -> str:
        """``Transport``."""
        return TITLES.get(self.technique, self.technique.replace("_", " ").capitalize())

    @property
    def names(self) -> str:
        """Its files, for a reader."""
        return ", ".join(path.name for path in self.files)

    def parts(self) -> "Iterator[Job]":
        """Each of its files alone, with all crystals; nothing where it has one only."""
        crystals = tuple(map(Path, self.parameters.get("CIFS", ())))
        others = [path for path in self.files if path not in crystals]
        for path in others if len(others) > 1 else []:
            parameters = dict(self.parameters)
            for name in ("DATA", "POWDER"):
                given = parameters.pop(name, [])
                if str(path) in (given if isinstance(given, list) else [given]):
                    parameters[name] = str(path)
            yield Job(self.technique, parameters, (path, *crystals))

    def key(self, card: Path) -> str:
        """Of all that the run depends on: version, notebook, parameters, the content of files and card."""
        hashes = [file_hash(file) if file.is_file() else str(file) for file in (*self.files, card)]
        source = [cell.source for cell in nbformat.read(self.notebook, as_version=4).cells]
        known_by = [
            __version__,
            source,
            {name: str(value) for name, value in self.parameters.items()},
            hashes,
        ]
        return hashlib.sha256(json.dumps(known_by, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Parameters
    ----------
    job : that ran, or had run before
    folder : of its ledger, figures and executed notebook
    error : what stopped it, empty if nothing did
    """

    job: Job
    folder: Path
    error: str = ""

    @property
    def executed(self) -> Path:
        return self.folder / self.job.notebook.name

    @property
    def ledger(self) -> Ledger | None:
        return read_results(self.job.notebook.stem, self.folder)

    @property
    def results(self) -> tuple[Result, ...]:
        return tuple(self.ledger.results.values()) if self.ledger else ()


@dataclass
class Plan:
    """Which files go to which technique.

    Parameters
    ----------
    jobs : in the order of the notebooks
    left_out : for a file that goes to none, why
    found : what every file is
    """

    jobs: list[Job] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    found: list[Inspection] = field(default_factory=list)


def write_sample_report(
    folder: str | Path,
    into: str | Path,
    *,
    card: Path | None = None,
    on_job: Callable[[Job, str], None],
    on_cell: OnCell | None = None,
) -> Path:
    """Read all files of a sample, run each technique on its own, and write one page, a CSV and a JSON.

    A job whose files, card, notebook and version are those of an earlier report in `into` is not run again.
    A technique that stops is tried on each of its files alone, and the file that stops it is named.

    Parameters
    ----------
    folder : with the files of one sample, and ``sample.yaml`` if there is one; or one file
    into : the folder of the report; made if missing
    card : the sample card; by default the one beside the files, or a new one
    on_job : called with each job and ``"runs"``, ``"as before"``, ``"done"`` or what stopped it
    on_cell : called before each code cell, as `run_notebook` has it

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ValueError
        Nothing is there, or a sample card that cannot be read.
    """
    folder, into = Path(folder).resolve(), Path(into).resolve()
    if into == folder:
        raise ValueError(f"the report would lie among the data in {folder}; name another folder with -o")
    found = inspect_files(folder)
    # A notebook runs in its own folder: the card needs its whole path.
    card = (card or card_of(folder if folder.is_dir() else folder.parent, into, found)).resolve()
    sample = read_sample_card(card)
    plan = plan_jobs(found)
    outcomes = [
        outcome for job in plan.jobs for outcome in _run(job, card, into, on_job=on_job, on_cell=on_cell)
    ]
    return _write(sample, card, plan, outcomes, into)


def card_of(folder: Path, into: Path, found: Iterable[Inspection]) -> Path:
    """The sample card beside the data, or a new one in `into`: what the files state, and lines to fill in.

    One that was written by an earlier report and filled in since is kept.
    """
    for place in (folder, into):
        if (place / SAMPLE_CARD).is_file():
            return place / SAMPLE_CARD
    stated: dict[str, str] = {}
    asked: dict[str, None] = {}
    for one in found:
        if one.contents:
            stated = dict(one.contents.stated) | stated
            asked |= dict.fromkeys(one.contents.asked)
    lines = [
        "# What only you know about this sample. Take the # from a line, write your value with its ±,",
        "# and run the report again: only what this changes is computed anew.",
        yaml.safe_dump({"name": folder.name}, allow_unicode=True).strip(),
        *(f"{name}: {text}  # as the file states it; add its ±" for name, text in stated.items()),
        *(f"# {name}: {EXAMPLES[name]}" for name in asked if name in EXAMPLES and name not in stated),
    ]
    return write_whole(into / SAMPLE_CARD, "\n".join(lines) + "\n")


def plan_jobs(found: list[Inspection]) -> Plan:
    """Group the files by technique; a file may go to several.

    Parameters
    ----------
    found : what each file is

    Returns
    -------
    Plan
        Files of one technique run together, unless a second one wants a parameter that holds one file only.
    """
    plan = Plan(found=found)
    routed: dict[str, list[tuple[Route, Path]]] = {}
    for one in found:
        name = one.path.name
        if one.contents is None:
            plan.left_out[name] = " ".join(str(one.problem).split()) if one.problem else "no reader takes it"
            continue
        ways = [way for way in one.contents.ways if way.is_complete]
        if not ways:
            said = [way_of(way, one.path) for way in one.contents.ways]
            said = (
                [*one.contents.lacks, *said] if said else [s.remark for s in one.contents.signals if s.remark]
            )
            plan.left_out[name] = "; ".join(dict.fromkeys(said)) or "no notebook takes this"
        for way in ways:
            routed.setdefault(way.technique, []).append((way, one.path))
    for technique in sorted(routed, key=lambda one: NOTEBOOKS[one]):
        plan.jobs += _jobs_of(technique, routed[technique])
    return plan


def _jobs_of(technique: str, routed: list[tuple[Route, Path]]) -> list[Job]:
    """Files in DATA with the same options run together, and with them all crystals and the first of another parameter;
    each further one of it has a run of its own."""
    together: dict[tuple[str, ...], list[Path]] = {}
    single: list[tuple[Route, Path]] = []
    crystals: list[Path] = []
    for way, path in routed:
        if way.parameter == "DATA":
            together.setdefault(way.options, []).append(path)
        elif way.parameter == "CIFS":
            crystals.append(path)
        else:
            single.append((way, path))
    shared: dict[str, Any] = {"CIFS": [str(path) for path in crystals]} if crystals else {}
    jobs = [
        Job(technique, {way.parameter: str(path), **shared, **_options(way.options)}, (path, *crystals))
        for way, path in single
    ]
    for options, files in together.items():
        data = {"DATA": str(files[0]) if len(files) == 1 else [str(path) for path in files]}
        if not options and jobs:
            with_it = jobs.pop(0)
            jobs.insert(0, Job(technique, data | with_it.parameters, (*files, *with_it.files)))
        else:
            jobs.append(Job(technique, data | _options(options), tuple(files)))
    return jobs


def _options(options: Iterable[str]) -> dict[str, Any]:
    return read_parameters(options, Path.cwd())


def _run(
    job: Job, card: Path, into: Path, *, on_job: Callable[[Job, str], None], on_cell: OnCell | None
) -> Iterator[Outcome]:
    outcome = _run_once(job, card, into, on_job, on_cell)
    parts = list(job.parts()) if outcome.error else []
    if not parts:
        yield outcome
    for alone in parts:
        yield _run_once(alone, card, into, on_job, on_cell)


def _run_once(
    job: Job, card: Path, into: Path, on_job: Callable[[Job, str], None], on_cell: OnCell | None
) -> Outcome:
    key = job.key(card)
    folder = into / "runs" / f"{job.notebook.stem}-{key[:8]}"
    with_card = "SAMPLE" in parameter_names(nbformat.read(job.notebook, as_version=4))
    parameters = job.parameters | ({"SAMPLE": str(card)} if with_card else {})
    try:
        note = json.loads((folder / DONE).read_text(encoding="utf-8"))
        before = Outcome(job, folder, note["error"])
        if note["key"] == key and before.executed.is_file() and not before.error:
            on_job(job, "as before")
            return before
    except (OSError, ValueError, KeyError, TypeError):
        pass
    on_job(job, "runs")
    done: Run = run_notebook(
        job.notebook, output=folder, parameters=parameters, on_cell=on_cell, run=key[:12], own=True
    )
    write_whole(folder / DONE, dumps({"key": key, "error": done.error}))
    on_job(job, done.error or "done")
    return Outcome(job, folder, done.error)


def together(
    card: Path, outcomes: Sequence[Outcome], ledger: Ledger
) -> list[tuple[StudyResult | Missing, Callable[..., Any]]]:
    """What the techniques say together: one J_c(T), λ by its routes, resistivity against screening.

    Parameters
    ----------
    card : of the sample
    outcomes : of the techniques that were run
    ledger : keeps what is found

    Returns
    -------
    list of (StudyResult or Missing, drawing)
        Nothing where fewer than two techniques found a number.
    """
    runs = {
        technique: [one for one in outcomes if one.job.technique == technique and one.results]
        for technique in NOTEBOOKS
    }
    if sum(map(bool, runs.values())) < 2:
        return []

    def of(technique: str) -> list[Ledger]:
        return [one.ledger for one in runs[technique] if one.ledger]

    def meeting(of_runs: Iterable[Outcome], prefix: str = "") -> Any:
        files = [str(path) for one in of_runs for path in one.job.files]
        return open_sample(list(dict.fromkeys(files)), card, ledger=ledger, prefix=prefix)

    pairs: list[tuple[StudyResult | Missing, Callable[..., Any]]] = []
    if currents := runs["magneto_optics"] + runs["ac_susceptibility"]:
        ledgers = {f"{NOTEBOOKS[name]}_{name}": of(name) for name in ("magneto_optics", "ac_susceptibility")}
        pairs.append((joint.study_critical_current(meeting(currents), ledgers), joint.draw.critical_current))
    # λ wants a resistivity and critical fields, which runs on different files may have found.
    for found in _complete(of("transport")):
        depths = joint.study_sample_depths(meeting(runs["transport"]), found)
        pairs.append((depths, joint.draw.penetration_depths))
    resistances = [
        (one, transport.study_resistance(_again(one, card), record=False)) for one in runs["transport"]
    ]
    curves = [
        (one, ac_susceptibility.study_curves(_again(one, card), record=False))
        for one in runs["ac_susceptibility"]
    ]
    # Of those that are missing one pair at most, for its reason.
    both = [
        (r, c)
        for r in resistances
        for c in curves
        if not isinstance(r[1], Missing) and not isinstance(c[1], Missing)
    ]
    both = both or list(zip(resistances[:1], curves[:1], strict=False))
    for number, ((one, resistance), (other, curve)) in enumerate(both, 1):
        sample = meeting((one, other), f"{number}_" if len(both) > 1 else "")
        bound = joint.study_resistivity_bound(sample, resistance, curve)
        pairs.append((bound, joint.draw.resistivity_bound))
    return pairs


def _again(outcome: Outcome, card: Path) -> Any:
    """The sample of a run, with the options with which its notebook ran, such as the columns of a table."""
    parameters = outcome.job.parameters
    return open_sample(parameters["DATA"], card, columns=parameters.get("COLUMNS"))


def _complete(ledgers: list[Ledger]) -> list[Ledger]:
    """Each run, with what it lacks from the others."""
    joined: list[Ledger] = []
    for own in ledgers:
        whole = Ledger("")
        for one in (own, *ledgers):
            whole.results = one.results | whole.results
        if whole.results not in [other.results for other in joined]:
            joined.append(whole)
    return joined


def _write(sample: SampleCard, card: Path, plan: Plan, outcomes: list[Outcome], into: Path) -> Path:
    """The page of the sample, a page for each run, the numbers as CSV and JSON."""
    for outcome in outcomes:
        page = '<nav><a href="index.html">← the sample</a></nav>'
        page += notebook_html(nbformat.read(outcome.executed, as_version=4), paths.NOTEBOOKS)
        write_whole(into / _page_name(outcome), page_html(f"{sample.name}: {outcome.job.title}", page))
    ledger = Ledger("")
    pairs = together(card, outcomes, ledger)
    gaps = _gaps(plan, outcomes, ledger)
    left_out = {f"{what}: {part}" if part else what: why for what, part, why in gaps}
    results = tuple(result for outcome in outcomes for result in outcome.results)
    results += tuple(ledger.results.values())
    table = ResultsTable(results, left_out)
    used = {path.name for outcome in outcomes for path in outcome.job.files}
    files = {
        one.path.name: {
            "sha256": file_hash(one.path) if one.path.is_file() else "",
            "is": one.contents.what if one.contents else "not read",
            "used": one.path.name in used,
        }
        for one in plan.found
    }
    given, _ = sample.used_and_defaulted()
    provenance = {"nbtools": __version__, "sample": sample.name, "card": given, "files": files}
    table.write(into / "results.csv", provenance | {"left out": left_out})
    write_whole(
        into / "results.json",
        dumps(provenance | {"results": [vars(result) for result in results], "left out": left_out}),
    )
    body = _page(sample, card, plan, outcomes, pairs, gaps, files, into)
    return write_whole(into / "index.html", page_html(sample.name, body))


def _gaps(plan: Plan, outcomes: list[Outcome], joined: Ledger) -> list[tuple[str, str, str]]:
    """What has no number: the file or the technique with its files, the section, and why."""
    gaps = [(name, "", why) for name, why in plan.left_out.items()]
    for outcome in outcomes:
        what = f"{outcome.job.title}, {outcome.job.names}"
        if outcome.error:
            gaps.append((what, "", f"stopped in {outcome.error}"))
        skipped = outcome.ledger.skipped if outcome.ledger else {}
        gaps += [(what, FIGURE.sub("", section), why) for section, why in skipped.items()]
    return [
        *gaps,
        *(
            ("Several techniques together", FIGURE.sub("", section), why)
            for section, why in joined.skipped.items()
        ),
    ]


def _page(
    sample: SampleCard,
    card: Path,
    plan: Plan,
    outcomes: list[Outcome],
    pairs: list[tuple[StudyResult | Missing, Callable[..., Any]]],
    gaps: list[tuple[str, str, str]],
    files: dict[str, dict[str, Any]],
    into: Path,
) -> str:
    """The table first, then what was left out, the files, and the figures of each technique."""
    pieces = [f"<h1>{escape(sample.name)}</h1>"]
    if any(one.synthetic for one in plan.found):
        pieces.append(f'<p class="failed">{SYNTHETIC}</p>')
    found = [outcome for outcome in outcomes if outcome.results]
    for title in dict.fromkeys(outcome.job.title for outcome in found):
        pieces.append(_numbers(title, [one for one in found if one.job.title == title]))
    if shown := [pair for pair in pairs if not isinstance(pair[0], Missing)]:
        pieces.append("<h2>Several techniques together</h2>")
        pieces += [_together_html(result, draw) for result, draw in shown]
    if not found:
        pieces.append("<p>No number was found.</p>")
    asked = dict.fromkeys(entry for one in plan.found if one.contents for entry in one.contents.asked)
    if lacking := sample.require(*asked):
        place = f"{card.name} beside this page" if card.parent == into else str(card)
        again = f"Write it into {place} and make the report again: only what it changes is computed anew."
        pieces.append(
            f"<h2>What the sample card still needs</h2><p>{escape(lacking)}</p><p>{escape(again)}</p>"
        )
    if gaps:
        rows = [("of", "left out", "why"), *_by_reason(gaps)]
        pieces.append(f"<h2>Left out</h2>{_wrapped(rows)}")
    given, missing = sample.used_and_defaulted()
    unknown = ", ".join(entry.partition(":")[0] for entry in missing if "not given" in entry)
    entries = [entry.split(" = ", 1) for entry in given]
    shown_card = html_table([("sample card", card.name), *entries, ("not given", unknown)])
    pieces.append(f"<h2>The sample card</h2>{shown_card}")
    hashes = [(name, one["is"], one["sha256"][:12]) for name, one in files.items()]
    pieces.append(f"<h2>Files</h2>{html_table([('file', 'is', 'sha256'), *hashes])}")
    for outcome in outcomes:
        job = outcome.job
        pieces.append(f'<h2>{escape(job.title)}: figures</h2><p class="meta">{escape(job.names)}</p>')
        pieces += [f"<h3>{escape(heading)}</h3>{image}" for heading, image in _figures(outcome.executed)]
        pieces.append(f'<p><a href="{_page_name(outcome)}">all of it, step by step</a></p>')
    return "\n".join(pieces)


def _by_reason(gaps: list[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    """One line for all that is left out for one reason, whose sentence may name the file."""
    alike: dict[tuple[bool, str], list[tuple[str, str, str]]] = {}
    for what, part, why in gaps:
        named = rf"(?<!\w){re.escape(Path(what).stem)}(?!\w)"
        bare = re.sub(named, "", why) if not part else f"{what} {why}"
        alike.setdefault((bool(part), bare), []).append((what, part, why))
    for same in alike.values():
        whats, parts = (dict.fromkeys(column) for column in list(zip(*same, strict=True))[:2])
        yield ", ".join(whats), "; ".join(filter(None, parts)), same[0][2]


def _numbers(title: str, outcomes: list[Outcome]) -> str:
    """What one technique found: quantity, value ± σ, criterion and file."""
    found = [result for outcome in outcomes for result in outcome.results]
    labels = [result.note or result.name.replace("_", " ") for result in found]
    rows = [
        (
            label if labels.count(label) == 1 else f"{label} ({FIGURE.sub('', result.section)})",
            printed(result),
            result.method,
            result.file or result.data,
        )
        for label, result in zip(labels, found, strict=True)
    ]
    table = _wrapped([("quantity", "value", "criterion", "file"), *rows])
    return f'<h2>{escape(title)}</h2><div class="numbers">{table}</div>'


def _wrapped(rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column may break its lines too."""
    return html_table(rows).replace(";white-space:nowrap", "")


def _together_html(result: Any, draw: Callable[..., Any]) -> str:
    """One joint result: its table, its notes and its figure."""
    panels = 2 if draw is joint.draw.critical_current else 1
    figure, axes = style.new_figure(panels, columns=panels)
    draw(result, axes=axes)
    picture = base64.b64encode(style.encode(figure, dpi=110)).decode()
    section = result.stamp.section
    files = f'<p class="meta">{escape(result.stamp.source.replace(" + ", ", "))}</p>'
    return (
        f"<h3>{escape(section)}</h3>{files}{result._repr_html_()}{image_html('image/png', picture, section)}"
    )


def _figures(executed: Path) -> Iterator[tuple[str, str]]:
    """Each figure of an executed notebook under its heading."""
    notebook = nbformat.read(executed, as_version=4)
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            encoded = data.get("image/png")
            # A figure that could not be had is named among what is left out; a widget is for the notebook.
            if (
                encoded
                and WIDGET_VIEW not in data
                and not data.get("text/plain", "").endswith("not possible")
            ):
                heading = FIGURE.sub("", heading_above(notebook, index))
                yield heading, image_html("image/png", encoded, heading)


def _page_name(outcome: Outcome) -> str:
    return f"{outcome.folder.name}.html"
