"""A sample card as a person would write it, in the order given."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from nbtools.whole_file import write_whole


def write_sample_card(path: Path, card: Mapping[str, Any]) -> Path:
    """Write the entries of a card as YAML; gives the path."""
    return write_whole(path, yaml.safe_dump(dict(card), sort_keys=False, allow_unicode=True, width=110))
