"""Puts the manifest and the notebooks with their stored results into the wheel (a build hook of hatchling).

In a checkout they lie where people look for them, and an editable install finds them there; `nbtools/paths.py`
knows both places.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CARRIED = ("data_manifest.yaml", "data_fingerprints.json", "notebooks/*.ipynb", "notebooks/results/*.json")


class WheelContents(BuildHookInterface):
    """Files of the checkout under ``nbtools/shipped``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects the files; `version` is "editable" or "standard"."""
        if version == "editable":
            return
        root = Path(self.root)
        for file in (file for pattern in CARRIED for file in sorted(root.glob(pattern))):
            build_data["force_include"][str(file)] = f"nbtools/shipped/{file.relative_to(root).as_posix()}"
