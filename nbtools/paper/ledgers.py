"""The results of all notebooks, which run each is from, and why some of them do not count."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import nbtools
from nbtools import paths
from nbtools.paper.printed import read_paper
from nbtools.results import Ledger, dumps, read_ledger
from nbtools.whole_file import write_whole

STORED = "stored"
RECORD = "run.json"
WAITING, RAN = "waiting", "ran"


@dataclass(frozen=True)
class RunRecord:
    """A headless run, as ``run.json`` beside its ledgers has it.

    Attributes
    ----------
    id : str
        Its name: when it began, and six digits of its own.
    notebooks : dict of str to str
        What became of each: "waiting", "ran", or why it failed.
    version, paper : str
        The package's version and the hash of ``paper.yaml``.
    own : bool
        Whether it was one on somebody's own data or in a folder of their own.
    """

    id: str
    notebooks: dict[str, str]
    version: str = nbtools.__version__
    paper: str = field(default_factory=lambda: read_paper().sha256)
    own: bool = False

    @classmethod
    def begin(cls, notebooks: Iterable[str], *, own: bool = False) -> "RunRecord":
        """A new run of these notebooks."""
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return cls(f"{now}-{uuid4().hex[:6]}", dict.fromkeys(notebooks, WAITING), own=own)

    def ended(self, notebook: str, error: str = "") -> "RunRecord":
        """The same run after a notebook has ended."""
        return replace(self, notebooks=self.notebooks | {notebook: error or RAN})

    def write(self, folder: Path) -> Path:
        return write_whole(folder / RECORD, dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> "RunRecord | None":
        """The last run whose ledgers lie in `folder`; None where there is no record that can be read."""
        try:
            return cls(**json.loads((folder / RECORD).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


class Ledgers(dict[str, Ledger]):
    """The results of each notebook, by its name, and whether they count.

    Attributes
    ----------
    run : str
        The run whose statements count: a headless run, or "stored".
    left_out : dict of str to str
        For each notebook whose statements do not count, why. Its ledger, if it has one here, is the stored one.
    own : bool
        Whether these are the results of somebody's own run, beside which no stored ones are shown.
    """

    def __init__(
        self,
        ledgers: Mapping[str, Ledger],
        run: str = STORED,
        left_out: Mapping[str, str] | None = None,
        *,
        own: bool = False,
    ) -> None:
        super().__init__(ledgers)
        self.run = run
        self.left_out = dict(left_out or {})
        self.own = own


def read_ledgers() -> Ledgers:
    """The results of every notebook: of the headless run that this cell is part of, else the stored ones.

    In a run, only what that run found counts: a notebook that failed or was not part of it is represented by its
    stored results, which are marked and not counted. In JupyterLab the stored results are taken, all of one run,
    whatever was tried out by hand. Nothing counts that was computed from another ``paper.yaml``.
    """
    record = RunRecord.read(paths.results_folder()) if paths.this_run() else None
    return ledgers_of(record if record and record.id == paths.this_run() else None, paths.results_folder())


def ledgers_of(record: RunRecord | None, results: Path) -> Ledgers:
    """The results of every notebook in view of a run, whose ledgers lie in `results`; None for the stored ones.

    A run of notebooks that settle no statements (07 alone) counts what is stored, too. Of somebody's own run only
    what it found is given.
    """
    stored = paths.STORED_RESULTS
    settling = {about.notebook for about in read_paper().values()}
    if record is None or not any(name.split("_")[0] in settling for name in record.notebooks):
        record = None
    names = [path.stem for path in sorted(paths.NOTEBOOKS.glob("[0-9]*.ipynb"))]
    found: dict[str, Ledger] = {}
    left_out: dict[str, str] = {}
    for name in names:
        fresh = read_results(name, results) if record else None
        reason = _not_of(record, name, fresh) if record else ""
        own = record is not None and record.own
        ledger = fresh if own or (record and not reason) else read_results(name, stored)
        if ledger is not None and ledger.verdicts and ledger.paper != read_paper().sha256:
            other = "another paper.yaml" if ledger.paper else "a paper.yaml that it does not name"
            reason = "; ".join(filter(None, [reason, f"computed from {other}"]))
        if ledger is not None and ledger.verdicts:
            found[name] = ledger
        if reason and name.split("_")[0] in settling:
            left_out[name] = reason
    if record is None:
        return Ledgers(found, STORED, left_out)
    return Ledgers(found, record.id, left_out, own=record.own)


def ledger_paths(name: str, results: Path) -> list[Path]:
    """The ledgers of a notebook: ``03_transport.json``, and beside it ``03_transport_measured.json``."""
    return [path for path in sorted(results.glob(f"{name}*.json")) if f"{path.stem}_".startswith(f"{name}_")]


def read_results(name: str, results: Path) -> Ledger | None:
    """All ledgers of a notebook in one; None if it wrote none. Its own verdicts stand before those beside it."""
    parts = {path: read_ledger(path) for path in ledger_paths(name, results)}
    if not parts:
        return None
    runs, papers = ({getattr(part, key) for part in parts.values()} - {""} for key in ("run", "paper"))
    whole = Ledger(name, results, run=", ".join(sorted(runs)), paper=", ".join(sorted(papers)))
    for path, part in parts.items():
        label = path.stem.removeprefix(name).lstrip("_")
        whole.results |= {f"{label} {key}".strip(): entry for key, entry in part.results.items()}
        whole.verdicts = part.verdicts | whole.verdicts
        whole.skipped |= part.skipped
    return whole


def _not_of(record: RunRecord, name: str, fresh: Ledger | None) -> str:
    """Why a notebook's statements are not those of a run; empty if they are."""
    state = record.notebooks.get(name)
    if state is None:
        return "not part of this run"
    if state == WAITING:
        return "not ended in this run"
    if state != RAN:
        return f"failed in this run: {state}"
    if fresh is None or fresh.run != record.id:
        return "left no results of this run here"
    return ""
