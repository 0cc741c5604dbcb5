"""Python imports this before anything else where this folder is on its path: dust, where a seed asks for it."""

import importlib.util
import os
from pathlib import Path

seed = int(os.environ.get("NBTOOLS_DUST") or 0)
if seed:
    spec = importlib.util.spec_from_file_location("dust", Path(__file__).parent.parent / "dust.py")
    dust = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(dust)
    dust.install(seed)
