"""One notebook at work: its data and sample card, what it keeps, what it skips, and the verdicts it may give."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nbtools import claims, manifest, paths
from nbtools.data_files import twin_module
from nbtools.display import style
from nbtools.files.quantum_design import Sweep, find_sweeps
from nbtools.files.registry import technique_of
from nbtools.files.sample_card import SampleCard, read_sample_card
from nbtools.results import Ledger, NotPossible, Origin, results_folder
from nbtools.whole_file import write_whole

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

T = TypeVar("T")


@dataclass(frozen=True)
class Workbench:
    """What `open_workbench` lays out; every number kept here carries its method, data and origin."""

    source: manifest.DataSource
    card: SampleCard
    ledger: Ledger
    planted: Mapping[str, float] = field(default_factory=dict)

    def keep(self, method: str, result: Any = None, *names: str, prefix: str = "", **more: float) -> None:
        """Enter numbers found by `method` on this data into the ledger.

        `names` are attributes of `result`, entered as `prefix` + name; `more` are numbers by their own name.
        """
        numbers = {prefix + name: getattr(result, name) for name in names} | more
        for name, quantity in numbers.items():
            self.ledger.add(name, quantity, method=method, origin=self.source.origin, data=self.source.short)

    def find(self, section: str, files: "Sequence[xr.Dataset]", **wanted: Any) -> list[Sweep]:
        """`find_sweeps`, and where there is none the sentence why `section` is skipped."""
        try:
            return find_sweeps(files, **wanted)
        except NotPossible as reason:
            self._skip(section, str(reason))
            return []

    def has(self, section: str, *fields: str) -> bool:
        """Whether the sample card gives all of `fields`; if not, the sentence why `section` is skipped."""
        missing = self.card.require(*fields)
        if missing:
            self._skip(section, missing)
        return not missing

    def sigma(self, field: str) -> float:
        """The uncertainty of a measure on the sample card; 0, and an entry under skipped, where it is not given."""
        section = f"the error of the {field.replace('_', ' ')}"
        if not self.has(section, field):
            return 0.0
        known = getattr(self.card, field)
        if known.uncertainty >= 0:
            return float(known.uncertainty)
        self._skip(section, f"The sample card gives {field} = {known} without its ±.")
        return 0.0

    @property
    def is_papers(self) -> bool:
        """As `DataSource.is_papers` says of this card."""
        return self.source.is_papers(self.card)

    @property
    def calibration(self) -> dict[str, float]:
        """What the card says of the magnet's and the thermometer's calibration, A/m and K."""
        return {
            "field_uncertainty": self.sigma("remanence"),
            "temperature_uncertainty": self.sigma("thermometer_offset"),
        }

    def attempt(self, section: str, estimate: Callable[..., T], *data: Any, **options: Any) -> T | None:
        """The estimate, or None and its own sentence where the data or a missing package do not allow it."""
        try:
            return estimate(*data, **options)
        except (ValueError, ImportError) as reason:
            self._skip(section, str(reason))
            return None

    def _skip(self, section: str, reason: str) -> None:
        if section not in self.ledger.skipped:
            self.ledger.skip(section, reason)
            print(f"{section} is skipped. {reason}")

    def settle(
        self,
        statement: str,
        estimate: Any,
        *,
        basis: str,
        planted: Any,
        rivals: Mapping[str, bool | float] | None = None,
    ) -> None:
        """The verdict of an estimate from this data: of a twin against what was planted, else by whose data it is.

        `planted` is the truth, or the name under which the twin's recorder states it; or several of these.
        A copy of a twin, whose truth nobody states here, leaves the statement open.
        """
        evidence: Any = None
        if self.source.origin == "twin" and self.planted:
            several = planted if isinstance(planted, tuple) else (planted,)
            truth = tuple(self.planted.get(one, one) for one in several)
            evidence = claims.from_twin(estimate, truth, basis=basis, rivals=rivals)
        elif self.source.origin != "twin":
            evidence = claims.from_measurement(
                estimate, basis, origin=self.source.origin, same_sample=self.card.is_paper_sample
            )
        claims.settle(self.ledger, statement, evidence, other_data=not self.is_papers)

    def decide(
        self,
        statement: str,
        world: str,
        *,
        planted: str,
        rivals: Mapping[str, bool | float],
        basis: str,
    ) -> None:
        """The verdict of an estimator that names a world; data whose truth nobody states here leave it open."""
        evidence = claims.from_twin(world, planted, rivals=rivals, basis=basis) if self.planted else None
        claims.settle(self.ledger, statement, evidence, other_data=not self.is_papers)

    def compute(self, statement: str, value: Any, basis: str) -> None:
        """The verdict of arithmetic on the paper's own numbers."""
        claims.settle(self.ledger, statement, claims.from_arithmetic(value, basis))

    def compare(self, statement: str, supports: bool | None, basis: str, **shown: Any) -> None:
        """The verdict of a comparison on the paper's own numbers or text (None: it cannot decide)."""
        claims.settle(self.ledger, statement, claims.from_comparison(supports, basis, **shown))

    def finish(
        self, figure: "Figure", name: str, *, sources: Sequence[str] = (), origin: Origin | None = None
    ) -> None:
        """Tag each panel with where its data come from, show it, export it as PDF.

        `sources`, and `origin`, where they are not those of the data at hand.
        """
        origin = origin or self.source.origin
        for number, axes in enumerate(figure.axes):
            source = sources[number] if number < len(sources) else self.source.name
            style.tag_origin(axes, origin, source)
        picture = style.picture(figure)
        style.export(figure, name, self.exports)
        _show({"image/png": picture, "text/plain": f"{name} ({origin})"})

    def show(self, widget: Any) -> None:
        """A widget, tagged with where its data come from."""
        from IPython.display import display

        display(widget.of(self.source.origin, self.source.name))

    @property
    def exports(self) -> Path:
        """Where figures and tables go: beside the results of the run, but never among the stored ones."""
        folder = self.ledger.folder or results_folder()
        stored = folder.resolve() == paths.STORED_RESULTS.resolve()
        return paths.exports_folder() or (paths.build_folder() if stored else folder)

    @property
    def build(self) -> Path:
        """Where what sums up a whole run goes: above the figures of its notebooks, beside the report."""
        return self.exports.parent if self.exports.name == "results" else self.exports

    def close(self) -> Path:
        """Write the results as CSV with units; returns its path."""
        import pandas as pd

        path = self.exports / f"{self.ledger.notebook}.csv"
        write_whole(path, pd.DataFrame(self.ledger.as_dict()["results"]).to_csv(index=False))
        return path

    def __str__(self) -> str:
        given, missing = self.card.used_and_defaulted()
        lines = [str(self.source), "sample card gives:", *(f"  {line}" for line in given)]
        lines += ["not given:", *(f"  {line}" for line in missing)]
        if not self.is_papers and self.ledger.folder:
            lines.append(f"neither a twin nor the paper's sample: results go to {self.ledger.folder}")
        return "\n".join(lines)


def open_workbench(notebook: str | Ledger, data: Any, card: str | Path | None = None) -> Workbench:
    """Verified data, its sample card and a ledger.

    Parameters
    ----------
    notebook : its name, for an empty ledger; or a ledger to go on with
    data : a name of data_manifest.yaml, a file, a folder, or a list of these
    card : a sample card; by default the one that comes with the data, else one that gives nothing

    The ledger of a notebook takes twins and the paper's own sample only. Other data, in JupyterLab as in a run of all
    notebooks, have a folder of their own under ``build/own``, for results, figures and tables.
    """
    name = notebook if isinstance(notebook, str) else notebook.notebook
    source = manifest.open_data(data, card, technique=technique_of(name))
    sample = read_sample_card(source.card) if source.card else SampleCard(name=source.name)
    ledger = notebook if isinstance(notebook, Ledger) else Ledger(notebook)
    bench = Workbench(source, sample, ledger, _planted(source))
    if not bench.is_papers:
        _keep_apart(ledger, source)
    return bench


def _keep_apart(ledger: Ledger, source: manifest.DataSource) -> None:
    """Where a notebook's own ledger meets other data it leaves the paper's folder, unless the run is the user's own."""
    is_papers = any(path.stem == ledger.notebook for path in paths.NOTEBOOKS.glob("*.ipynb"))
    if is_papers and ledger.folder is None and not paths.is_own_run():
        name = re.sub(r"[^\w.-]+", "-", source.name)
        ledger.move_to(paths.own_results_folder(f"{name[:60]}-{source.short[:6]}"))


def _show(bundle: dict[str, Any]) -> None:
    """Into the notebook's output, where there is one."""
    import sys

    if "IPython" in sys.modules:
        from IPython.display import display

        display(bundle, raw=True)


def _planted(source: manifest.DataSource) -> Mapping[str, float]:
    """What the twin's recorder says that it planted; nothing for measured data."""
    if source.origin != "twin" or source.entry is None:
        return {}
    recorder = twin_module(source.entry)
    return recorder.truth(**source.entry.parameters)
