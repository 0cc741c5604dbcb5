"""A folder of instrument files of one sample → one page: each number with its file, figures, what was left out, why."""

import base64
import hashlib
import json
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
from nbtools.notebook.document import heading_above, parameter_names, read_parameters
from nbtools.notebook.sample import ResultsTable, open_sample, printed
from nbtools.paper.ledgers import read_results
from nbtools.report import image_html, notebook_html, page_html
from nbtools.results import Ledger, Result, dumps
from nbtools.runner import OnCell, Run, find_notebooks, run_notebook
from nbtools.study import Missing, StudyResult, html_table
from nbtools.whole_file import write_whole

DONE = "done.json"
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
    again : whether it was taken from an earlier report
    """

    job: Job
    folder: Path
    error: str = ""
    again: bool = False

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
    """Several files in DATA and CIFS run together; of any other parameter, and of other options, each has a run."""
    together: dict[tuple[str, ...], dict[str, list[Path]]] = {}
    single: list[tuple[Route, Path]] = []
    for way, path in routed:
        if way.parameter in ("DATA", "CIFS"):
            together.setdefault(way.options, {}).setdefault(way.parameter, []).append(path)
        else:
            single.append((way, path))
    jobs = []
    crystals = together.get((), {}).pop("CIFS", [])
    shared: dict[str, Any] = {"CIFS": [str(path) for path in crystals]} if crystals else {}
    for way, path in single:
        parameters = {way.parameter: str(path), **shared, **_options(way.options)}
        jobs.append(Job(technique, parameters, (path, *crystals)))
    for options, by_parameter in together.items():
        if files := by_parameter.get("DATA"):
            data = str(files[0]) if len(files) == 1 else [str(path) for path in files]
            jobs.append(Job(technique, {"DATA": data, **_options(options)}, tuple(files)))
    return jobs


def _options(options: Iterable[str]) -> dict[str, Any]:
    return read_parameters(options, Path.cwd())


def _run(
    job: Job, card: Path, into: Path, *, on_job: Callable[[Job, str], None], on_cell: OnCell | None
) -> Iterator[Outcome]:
    outcome = _run_once(job, card, into, on_job, on_cell)
    data = job.parameters.get("DATA")
    if not outcome.error or not isinstance(data, list):
        yield outcome
        return
    for path in job.files:
        alone = Job(job.technique, job.parameters | {"DATA": str(path)}, (path,))
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
        before = Outcome(job, folder, note["error"], again=True)
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
        write_whole(into / _page_name(outcome), page_html(f"{sample.name}: {outcome.job.technique}", page))
    left_out = dict(plan.left_out)
    for outcome in outcomes:
        names = ", ".join(path.name for path in outcome.job.files)
        title = f"{outcome.job.technique.replace('_', ' ')}, {names}"
        if outcome.error:
            left_out[title] = f"stopped in {outcome.error}"
        for section, reason in (outcome.ledger.skipped if outcome.ledger else {}).items():
            left_out.setdefault(f"{title}: {section}", reason)
    ledger = Ledger("")
    pairs = together(card, outcomes, ledger)
    left_out |= {f"together: {section}": reason for section, reason in ledger.skipped.items()}
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
    body = _page(sample, card, plan, outcomes, pairs, table, files)
    return write_whole(into / "index.html", page_html(sample.name, body))


def _page(
    sample: SampleCard,
    card: Path,
    plan: Plan,
    outcomes: list[Outcome],
    pairs: list[tuple[StudyResult | Missing, Callable[..., Any]]],
    table: ResultsTable,
    files: dict[str, dict[str, Any]],
) -> str:
    """The table first, then what was left out, the files, and the figures of each technique."""
    pieces = [f"<h1>{escape(sample.name)}</h1>"]
    if any(one.synthetic for one in plan.found):
        pieces.append(f'<p class="failed">{SYNTHETIC}</p>')
    pieces += [_numbers(outcome) for outcome in outcomes if outcome.results]
    if shown := [pair for pair in pairs if not isinstance(pair[0], Missing)]:
        pieces.append("<h2>Several techniques together</h2>")
        pieces += [_together_html(result, draw) for result, draw in shown]
    if not table.results:
        pieces.append("<p>No number was found.</p>")
    if table.skipped:
        rows = [("left out", "why"), *table.skipped.items()]
        pieces.append(f"<h2>Left out</h2>{html_table(rows)}")
    given, missing = sample.used_and_defaulted()
    unknown = ", ".join(entry.partition(":")[0] for entry in missing if "not given" in entry)
    entries = [entry.split(" = ", 1) for entry in given]
    shown_card = html_table([("sample card", card.name), *entries, ("not given", unknown)])
    pieces.append(f"<h2>The sample card</h2>{shown_card}")
    hashes = [(name, one["is"], one["sha256"][:12]) for name, one in files.items()]
    pieces.append(f"<h2>Files</h2>{html_table([('file', 'is', 'sha256'), *hashes])}")
    for outcome in outcomes:
        names = ", ".join(path.name for path in outcome.job.files)
        pieces.append(f'<h2>{_title(outcome.job)}: figures</h2><p class="meta">{escape(names)}</p>')
        pieces += [f"<h3>{escape(heading)}</h3>{image}" for heading, image in _figures(outcome.executed)]
        pieces.append(f'<p><a href="{_page_name(outcome)}">all of it, step by step</a></p>')
    return "\n".join(pieces)


def _numbers(outcome: Outcome) -> str:
    """What one technique found: quantity, value ± σ, criterion and file."""
    rows = [
        (result.name.replace("_", " "), printed(result), result.method, result.file or result.data)
        for result in outcome.results
    ]
    table = html_table([("quantity", "value", "criterion", "file"), *rows])
    return f'<h2>{_title(outcome.job)}</h2><div class="numbers">{table}</div>'


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


def _title(job: Job) -> str:
    return job.technique.replace("_", " ").capitalize()


def _figures(executed: Path) -> Iterator[tuple[str, str]]:
    """Each figure of an executed notebook under its heading."""
    notebook = nbformat.read(executed, as_version=4)
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if encoded := output.get("data", {}).get("image/png"):
                heading = heading_above(notebook, index)
                yield heading, image_html("image/png", encoded, heading)


def _page_name(outcome: Outcome) -> str:
    return f"{outcome.folder.name}.html"
