"""One sample: its files, its card, where its data come from, and the ledger that keeps what is found."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtools import __version__, manifest, paths
from nbtools.files.quantum_design import (
    QuantumDesignError,
    Sweep,
    find_sweeps,
    is_dat,
    keep_good_points,
    read_dat,
)
from nbtools.files.registry import candidates, open_file, technique_of
from nbtools.files.sample_card import SampleCard, read_sample_card
from nbtools.files.text_table import TableError, read_columns, read_text_table
from nbtools.notebook.document import leave_out_paper_cells
from nbtools.results import ORIGIN_LABELS, Ledger, NotPossible, Origin, Result
from nbtools.study import Missing, StudyResult, html_table, text_table
from nbtools.units import PAPER_UNITS, Quantity
from nbtools.whole_file import write_whole

if TYPE_CHECKING:
    import xarray as xr

# Whose files hold records of a Quantum Design instrument.
MAGNETOMETRY = {"transport", "ac_susceptibility"}


@dataclass(frozen=True, repr=False)
class Sample:
    """What `open_sample` gives; it shows itself as a table.

    Parameters
    ----------
    source : the files, verified where the manifest knows them, and their origin
    card : what is known of the sample and the set-up
    ledger : keeps every number that a study finds
    planted : what a twin's recorder says that it planted; empty for measured data
    prefix : put before the names under which the ledger keeps this sample's numbers
    columns : of files that are tables of numbers, what each column is
    used : names of the files that the study which runs now has read
    """

    source: manifest.DataSource
    card: SampleCard
    ledger: Ledger
    planted: Mapping[str, float] = field(default_factory=dict)
    prefix: str = ""
    columns: str = ""
    used: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def origin(self) -> Origin:
        return self.source.origin

    @property
    def files(self) -> tuple[Path, ...]:
        return self.source.files

    @property
    def is_papers(self) -> bool:
        """Whether the data may speak on the paper: a twin as it was recorded, or the paper's own sample."""
        return self.source.is_papers(self.card)

    @property
    def exports(self) -> Path | None:
        """The folder for figures and tables; None where nothing is kept."""
        if not self.ledger.notebook:
            return None
        folder = self.ledger.path.parent
        stored = folder.resolve() == paths.STORED_RESULTS.resolve()
        return paths.exports_folder() or (paths.build_folder() if stored else folder)

    @cached_property
    def _read(self) -> "tuple[list[xr.Dataset], list[str]]":
        """Records without their poor points, and a sentence on each file."""
        records, said, others = [], [], []
        for file in self.files:
            if not self.columns and not any(
                MAGNETOMETRY & set(reader.techniques) for reader in candidates(file)
            ):
                others.append(file.name)
                continue
            try:
                kept, sentence = keep_good_points(self._record(file))
            except (QuantumDesignError, TableError) as problem:
                found = self._of_other_readers(file)
                records += found
                said += [f"{file.name} ({one.attrs.get('instrument', '')}): read" for one in found]
                if not found:
                    said.append(f"{file.name} is not read: {problem}")
                continue
            records.append(kept)
            said.append(f"{file.name} ({kept.attrs['instrument']}): {sentence}")
        return records, [*said, *([", ".join(others)] if others else [])]

    def _record(self, file: Path) -> "xr.Dataset":
        if self.columns and not is_dat(file):
            return read_text_table(file, self.columns)
        return read_dat(file)

    @staticmethod
    def _of_other_readers(file: Path) -> "list[xr.Dataset]":
        """What a reader of the registry finds in a file, where it has the form that `read_dat` gives."""
        try:
            signals = open_file(file).signals
        except (ValueError, OSError, ImportError):
            return []
        whole = {id(signal.data): signal.data for signal in signals if signal.technique}
        return [
            data for data in whole.values() if {"temperature", "field"} <= set(getattr(data, "data_vars", ()))
        ]

    @property
    def records(self) -> "list[xr.Dataset]":
        """The files' records, less the points that were poorly measured.

        Raises
        ------
        NotPossible
            No file is one of a magnetometer or a transport option.
        """
        records, said = self._read
        if not records:
            raise NotPossible(f"No file of {self.name} is a Quantum Design record: {'; '.join(said)}")
        return records

    def sweeps(
        self, *, axis: str, needs: str, label: str | None = None, held: float | None = None
    ) -> list[Sweep]:
        """The sweeps of all files along one axis; parameters as `find_sweeps` has them.

        Raises
        ------
        NotPossible
            There is none; the sentence says what the files hold instead.
        """
        found = find_sweeps(self.records, axis=axis, needs=needs, label=label, held=held)
        self.used.extend(str(sweep.data.attrs.get("source", "")) for sweep in found)
        return found

    def given(self, *names: str) -> tuple[Any, ...]:
        """Entries of the sample card.

        Raises
        ------
        NotPossible
            The card does not give one of them; the sentence shows how to write it.
        """
        if sentence := self.card.require(*names):
            raise NotPossible(sentence)
        return tuple(getattr(self.card, name) for name in names)

    def sigma(self, name: str) -> float:
        """The uncertainty of an entry of the sample card; 0 where the card does not give it."""
        entry = getattr(self.card, name)
        known = isinstance(entry, Quantity) and entry.uncertainty >= 0
        return entry.uncertainty if known else 0.0

    def provenance(self) -> dict[str, Any]:
        """What every export carries: version, origin, files with sha256, and the card."""
        files = (
            {self.name: "recorded by its recipe"}
            if self.origin == "twin"
            else {file.name: manifest.file_hash(file) for file in self.files}
        )
        return {
            "nbtools": __version__,
            "origin": self.origin,
            "data": self.name,
            "files": files,
            "card": self.card.used_and_defaulted()[0],
        }

    def export(self) -> "ResultsTable":
        """Write all numbers of this notebook as CSV and give them as a table.

        Returns
        -------
        Quantity, value ± σ, unit, file and criterion of every number that was kept.
        """
        table = ResultsTable(tuple(self.ledger.results.values()), dict(self.ledger.skipped))
        if self.exports is not None:
            said = {"data sets": self.ledger.provenance, "left out": dict(self.ledger.skipped)}
            table.write(self.exports / f"{self.ledger.notebook}.csv", said)
        return table

    def recovered(self, result: StudyResult | Missing) -> "Comparison | Missing":
        """What a study found of a twin, beside what was planted in it.

        Parameters
        ----------
        result : of a study of this sample

        Returns
        -------
        A table; `Missing` where the data are no twin's, or nothing was found.
        """
        if isinstance(result, Missing):
            return result
        planted = []
        for row in result.rows():
            truth = self.planted.get(row.name, math.nan)
            if math.isfinite(truth):
                unit = row.quantity.unit
                planted.append((row.label, row.text, str(Quantity(truth, 0.0, unit).to(row.shown or unit))))
        if not planted:
            return Missing(
                Comparison, f"{self.name} is no twin, or states none of these: nobody knows the answer"
            )
        return Comparison(tuple(planted))

    def _lines(self) -> Sequence[tuple[str, str]]:
        given, missing = self.card.used_and_defaulted()
        names = ", ".join(entry.partition(":")[0] for entry in missing)
        if not self.files:
            return [("data", f"{self.name} given")]
        lines = [("data", f"{self.name}, {ORIGIN_LABELS[self.origin]}")]
        lines += [("file", sentence) for sentence in self._read[1]]
        lines += [("sample card gives", entry) for entry in given]
        return [*lines, *([("not given", names)] if names else [])]

    def __repr__(self) -> str:
        return text_table(self._lines())

    def _repr_html_(self) -> str:
        return html_table([("sample", self.card.name), *self._lines()])


@dataclass(frozen=True, repr=False)
class Comparison:
    """Found beside planted, as a table."""

    lines: tuple[tuple[str, str, str], ...]

    def __repr__(self) -> str:
        return text_table([("quantity", "found", "planted (synthetic)"), *self.lines])

    def _repr_html_(self) -> str:
        return html_table([("quantity", "found", "planted (synthetic)"), *self.lines])


@dataclass(frozen=True, repr=False)
class ResultsTable:
    """Every number of a notebook, and what could not be had; it shows itself as a table."""

    results: tuple[Result, ...]
    skipped: Mapping[str, str]

    def write(self, path: Path, provenance: Mapping[str, Any]) -> Path:
        """The numbers as CSV, in SI at full precision and beside it as printed; provenance in its first lines."""
        import csv
        import io

        text = io.StringIO()
        for line in json.dumps(provenance, ensure_ascii=False, indent=1, default=str).splitlines():
            text.write(f"# {line}\n")
        rows = [
            {
                "name": r.name,
                "value": r.value,
                "uncertainty": r.uncertainty,
                "unit": r.unit,
                "printed": printed(r),
                "criterion": r.method,
                "options": r.options,
                "section": r.section,
                "file": r.file,
                "data": r.data,
                "origin": r.origin,
            }
            for r in self.results
        ]
        writer = csv.DictWriter(text, list(rows[0]) if rows else ["name"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return write_whole(path, text.getvalue())

    def _lines(self) -> list[tuple[str, ...]]:
        return [
            ("quantity", "value", "file", "criterion"),
            *((r.name.replace("_", " "), printed(r), r.file or r.data, r.method) for r in self.results),
        ]

    def __repr__(self) -> str:
        left_out = [f"left out: {section}. {reason}" for section, reason in self.skipped.items()]
        return "\n".join([text_table(self._lines()), *left_out])

    def _repr_html_(self) -> str:
        left_out = "".join(f"<p>left out: {escape(f'{s}. {r}')}</p>" for s, r in self.skipped.items())
        return html_table(self._lines()) + left_out


def printed(result: Result) -> str:
    """``38.41 ± 0.02 K``, in the community's unit."""
    return str(result.quantity.to(PAPER_UNITS.get(result.unit, result.unit)))


def open_sample(
    data: Any,
    card: str | Path | None = None,
    *,
    notebook: str = "",
    ledger: Ledger | None = None,
    prefix: str = "",
    columns: str | None = None,
    optional: bool = False,
) -> Any:
    """A sample's verified files, its card and a ledger.

    Parameters
    ----------
    data : a name of the manifest, a file, a folder, or a list of these
    card : a sample card; by default the one that comes with the data, else one that gives nothing
    notebook : the name under which the ledger is kept; without it nothing is written
    ledger : a ledger to go on with, in place of one of this notebook's
    prefix : put before the names under which the ledger keeps this sample's numbers
    columns : of tables of numbers, what each column is: ``"temperature:0 K, resistance:1 ohm"``
    optional : whether a data set that cannot be had gives `Missing` in place of an error

    Returns
    -------
    A `Sample`.

    Raises
    ------
    ValueError
        Neither a data set nor a file; a card that cannot be read; columns that are no mapping.
    """
    try:
        source = manifest.open_data(data, card, technique=technique_of(notebook))
    except manifest.DataMissing as reason:
        if not optional:
            raise
        return Missing(Sample, str(reason))
    [sample], _ = _opened([source], notebook, ledger, prefix, columns)
    return sample


def open_samples(
    inputs: Mapping[str, Any],
    card: str | Path | None = None,
    *,
    notebook: str,
    own: Any = (),
    columns: str | None = None,
) -> tuple[Sample, ...]:
    """A sample for each input of a notebook that takes several, such as images and a powder pattern; one ledger.

    As soon as one input is somebody's own, those that are still twins are left out, so that no synthetic number
    stands beside an own one. An input that is left out, or None, is a sample without files, of which each study says
    so.

    Parameters
    ----------
    inputs : by what they are ("images", "powder pattern"), each as the `data` of `open_sample`, or None
    card : a sample card; by default the one that comes with the data
    notebook : the name under which the ledger is kept
    own : what else somebody gave of their own, such as crystals; anything there leaves the twins out
    columns : of tables of numbers, what each column is: ``"two_theta:0 degree, counts:1"``

    Returns
    -------
    A `Sample` for each, in their order.
    """
    given = {what: data for what, data in inputs.items() if data}
    if own or not all(map(manifest.is_twin, given.values())):
        given = {what: data for what, data in given.items() if not manifest.is_twin(data)}
    technique = technique_of(notebook)
    sources = {what: manifest.open_data(data, card, technique=technique) for what, data in given.items()}
    opened, ledger = _opened(list(sources.values()), notebook, columns=columns)
    samples = dict(zip(sources, opened, strict=True))
    nothing = {what: manifest.DataSource(f"no {what}", (), "measured", "") for what in inputs}
    return tuple(
        samples.get(what) or Sample(nothing[what], SampleCard(name=nothing[what].name), ledger)
        for what in inputs
    )


def _opened(
    sources: "list[manifest.DataSource]",
    notebook: str,
    ledger: Ledger | None = None,
    prefix: str = "",
    columns: str | None = None,
) -> tuple[list[Sample], Ledger]:
    """Samples and the ledger that they share: one of their own, unless all of them may speak on the paper."""
    if columns:
        read_columns(columns)
    kept = ledger or Ledger(notebook)
    samples = [Sample(one, _card(one), kept, _planted(one), prefix, columns or "") for one in sources]
    papers = bool(samples) and all(sample.is_papers for sample in samples)
    if notebook and not papers and not paths.is_own_run():
        kept = _own_ledger(notebook, sources)
        samples = [replace(sample, ledger=kept) for sample in samples]
    if notebook or ledger is not None:
        kept.provenance |= {sample.name: sample.provenance() for sample in samples}
    if notebook:
        leave_out_paper_cells(not papers)
    return samples, kept


def _card(source: manifest.DataSource) -> SampleCard:
    return read_sample_card(source.card) if source.card else SampleCard(name=source.name)


def _own_ledger(notebook: str, sources: "list[manifest.DataSource]") -> Ledger:
    """A ledger in a folder of the data's own: the paper's takes twins and the paper's own sample only."""
    name = re.sub(r"[^\w.-]+", "-", " ".join(source.name for source in sources) or "nothing")
    short = "-".join(source.short[:6] for source in sources)
    return Ledger(notebook, paths.own_results_folder(f"{name[:60]}-{short}"))


def open_paper(ledger: Ledger) -> Sample:
    """The paper itself as a sample without files: what is computed from its printed numbers alone.

    Parameters
    ----------
    ledger : of the notebook in which it is computed
    """
    source = manifest.DataSource("its printed numbers", (), "paper", "")  # type: ignore[arg-type]
    return Sample(source, SampleCard(name="the paper"), ledger)


def _planted(source: manifest.DataSource) -> Mapping[str, float]:
    """What the twin's recorder says that it planted; nothing for measured data."""
    if not isinstance(source.entry, manifest.Twin):
        return {}
    recorder = manifest.twin_module(source.entry)
    return dict(recorder.truth(**source.entry.parameters))
