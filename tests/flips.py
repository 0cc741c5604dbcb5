"""What the statements' tests of all rooms share: printed numbers changed, and what the verdicts then say."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from nbval_tolerance import text_differences

from nbtools.paper import Verdict, read_ledgers, read_paper, recompute
from nbtools.paper.statements import _judge_changed

Changes = Mapping[str, Sequence[float]]
# A change that flips the verdict, the word it then has, and a change that does not flip it.
Flip = tuple[Changes, str, Changes]


@cache
def printed() -> dict[str, Verdict]:
    """Every verdict that rests on the printed numbers, computed once."""
    return recompute()


@cache
def stored() -> dict[str, Mapping[str, Any]]:
    """Every verdict as the notebooks keep it."""
    return {id: entry for ledger in read_ledgers().values() for id, entry in ledger.verdicts.items()}


def check_stored(verdict: Verdict) -> None:
    """Its word, its numbers and what it rests on are those that the notebook shows, within what its tests allow."""
    kept = stored()[verdict.id]
    assert verdict.word == kept["verdict"]
    for key in ("ours", "basis"):
        assert not text_differences(kept[key], getattr(verdict, key)), verdict.id


def changed(name: str, changes: Changes) -> Verdict:
    """One of them with some printed numbers changed, as `recompute` gives it; the others are not computed."""
    return _judge_changed(name, paper=read_paper().changed(changes))


def check_flip(name: str, flip: Flip) -> None:
    """The word changes with the printed numbers, and not with every one of them; the basis with both."""
    flipping, word, harmless = flip
    before, flipped, kept = printed()[name], changed(name, flipping), changed(name, harmless)
    assert (flipped.word, kept.word) == (word, before.word)
    assert before.word != word
    assert flipped.basis != before.basis != kept.basis


def without_a_flip(ours: Collection[str], flips: Collection[str]) -> dict[str, str]:
    """The words of those verdicts on printed numbers that have no flip."""
    return {name: verdict.word for name, verdict in printed().items() if name in ours and name not in flips}


def check_agreements(ours: Collection[str], flips: Mapping[str, Flip]) -> None:
    """What agrees or follows is made inconsistent by the change of the table."""
    borne_out = {name for name, verdict in printed().items() if verdict.word in ("agrees", "follows")}
    assert {flips[name][1] for name in borne_out & set(ours)} == {"inconsistent"}


def flip_differences(name: str, flip: Flip) -> list[str]:
    """What a verdict says of the flipping change, otherwise than `flipped_verdicts.yaml` has it."""
    verdict = changed(name, flip[0])
    return text_differences(_flipped()[name], f"{verdict.word} · {verdict.ours} · {verdict.basis}")


@cache
def _flipped() -> dict[str, str]:
    return yaml.safe_load((Path(__file__).parent / "flipped_verdicts.yaml").read_text(encoding="utf-8"))
