"""A notebook run in this process on a twin that was planted off the paper, and what its verdicts may then say."""

from dataclasses import replace
from typing import Any

import pytest
from notebook_cells import NOTEBOOKS, run_cells, without_rendering

from nbtools import manifest
from nbtools.files.sample_card import read_sample_card
from nbtools.notebook import sample
from nbtools.paper import read_paper
from nbtools.results import Ledger, read_ledger

OPEN = {"recoverable", "not discriminating", "not testable without the raw data"}


def run_planted(notebook: str, twin: str, folder: Any, patch: pytest.MonkeyPatch, **planted: Any) -> Ledger:
    """All cells of `notebook` but those on measured files, its `twin` recorded with other parameters.

    Figures are drawn but not rendered, for no verdict depends on a picture.
    """
    entry = manifest.find(twin)
    module = manifest.twin_module(entry)
    files = manifest.recorder(entry)(folder, seed=7, **planted)
    card = folder / manifest.SAMPLE_CARD
    source = manifest.DataSource(twin, tuple(f for f in files if f != card), "twin", "0" * 64, card)
    ledger, open_sample, open_samples = Ledger(notebook), sample.open_sample, sample.open_samples

    def planted_sample(data: Any, card: Any = None, **options: Any) -> sample.Sample:
        if data != twin:
            return open_sample(data, card, **options)
        known = replace(source, entry=manifest.find(twin))
        return sample.Sample(known, read_sample_card(source.card), ledger, module.truth(**planted))

    def planted_samples(inputs: Any, *others: Any, **options: Any) -> tuple[sample.Sample, ...]:
        opened = open_samples(inputs, *others, **options)
        return tuple(
            planted_sample(data) if data == twin else replace(one, ledger=ledger)
            for data, one in zip(inputs.values(), opened, strict=True)
        )

    patch.setattr(sample, "open_sample", planted_sample)
    patch.setattr(sample, "open_samples", planted_samples)

    without_rendering(patch)
    run_cells(NOTEBOOKS / f"{notebook}.ipynb", patch)
    return ledger


def hold_verdicts(ledger: Ledger, *, at_least: int) -> None:
    """Verdicts about nature (so many at least) stay open; what the paper's own numbers decide is as stored."""
    needs_data = {key for key, value in read_paper().items() if value.kind == "needs-data"}
    settled = {key: verdict["verdict"] for key, verdict in ledger.verdicts.items()}
    about_nature = {key: word for key, word in settled.items() if key in needs_data}
    assert len(about_nature) >= at_least
    assert set(about_nature.values()) <= OPEN, about_nature
    stored = read_ledger(NOTEBOOKS / "results" / f"{ledger.notebook}.json").verdicts
    decided = {key: verdict["verdict"] for key, verdict in stored.items() if key not in needs_data}
    assert decided and {key: settled[key] for key in decided} == decided
