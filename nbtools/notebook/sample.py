"""One sample: its files, its card, where its data come from, and the ledger that keeps what is found."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtools import __version__, manifest, paths
from nbtools.files.quantum_design import (
    QuantumDesignError,
    Sweep,
    find_sweeps,
    keep_good_points,
    missing_sentence,
    read_dat,
)
from nbtools.files.registry import technique_of
from nbtools.files.sample_card import SampleCard, read_sample_card
from nbtools.results import ORIGIN_LABELS, Ledger, NotPossible, Origin
from nbtools.study import html_table, text_table
from nbtools.units import Quantity

if TYPE_CHECKING:
    import xarray as xr


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
    """

    source: manifest.DataSource
    card: SampleCard
    ledger: Ledger
    planted: Mapping[str, float] = field(default_factory=dict)
    prefix: str = ""

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
        """Whether the paper's ledger takes its numbers: a twin of the manifest, or the paper's own sample."""
        twin = self.origin == "twin" and self.source.entry is not None
        return twin or (self.origin != "twin" and self.card.is_paper_sample)

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
        """Quantum Design records without their poor points, and a sentence on each file."""
        records, said = [], []
        for file in self.files:
            try:
                kept, sentence = keep_good_points(read_dat(file))
            except QuantumDesignError as problem:
                said.append(f"{file.name} is not read: {problem}")
                continue
            records.append(kept)
            said.append(f"{file.name} ({kept.attrs['instrument']}): {sentence}")
        return records, said

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
        wanted: dict[str, Any] = {"axis": axis, "needs": needs, "label": label, "held": held}
        found = find_sweeps(self.records, **wanted)
        if not found:
            raise NotPossible(missing_sentence(self.records, **wanted))
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
        """What every export carries: version, files with sha256, the card, and what was left out."""
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
            "left out": dict(self.ledger.skipped),
        }

    def _lines(self) -> Sequence[tuple[str, str]]:
        given, missing = self.card.used_and_defaulted()
        names = ", ".join(entry.partition(":")[0] for entry in missing)
        lines = [("data", f"{self.name}, {ORIGIN_LABELS[self.origin]}")]
        lines += [("file", sentence) for sentence in self._read[1]]
        lines += [("sample card gives", entry) for entry in given]
        return [*lines, *([("not given", names)] if names else [])]

    def __repr__(self) -> str:
        return text_table(self._lines())

    def _repr_html_(self) -> str:
        return html_table([("sample", self.card.name), *self._lines()])


def open_sample(
    data: Any,
    card: str | Path | None = None,
    *,
    notebook: str = "",
    ledger: Ledger | None = None,
    prefix: str = "",
) -> Sample:
    """A sample's verified files, its card and a ledger.

    Parameters
    ----------
    data : a name of the manifest, a file, a folder, or a list of these
    card : a sample card; by default the one that comes with the data, else one that gives nothing
    notebook : the name under which the ledger is kept; without it nothing is written
    ledger : a ledger to go on with, in place of one of this notebook's
    prefix : put before the names under which the ledger keeps this sample's numbers

    Raises
    ------
    ValueError
        Neither a data set nor a file; a card that cannot be read.
    """
    source = manifest.open_data(data, card, technique=technique_of(notebook))
    known = read_sample_card(source.card) if source.card else SampleCard(name=source.name)
    sample = Sample(source, known, ledger or Ledger(notebook), _planted(source), prefix)
    if notebook and not sample.is_papers and not paths.is_own_run():
        # The paper's ledger takes twins and the paper's own sample only.
        folder = paths.results_folder() / "own" / re.sub(r"[^\w.-]+", "_", known.name)
        sample = Sample(source, known, Ledger(notebook, folder), sample.planted, prefix)
    return sample


def _planted(source: manifest.DataSource) -> Mapping[str, float]:
    """What the twin's recorder says that it planted; nothing for measured data."""
    if source.origin != "twin" or source.entry is None:
        return {}
    recorder = import_module(f"nbtools.twin.{source.entry.recorder}")
    return dict(recorder.truth(**source.entry.parameters))
