"""Every folder and every environment variable of the package, in one place.

In a checkout all that is made lies in ``build/`` beside the package. Installed from a wheel, the manifest and the
notebooks are inside the package, what can be made again goes to the user's cache folder, and a student's
answers go to the user's data folder (the places that the operating system has for them).
"""

import os
from pathlib import Path

PACKAGE = Path(__file__).absolute().parent
_BESIDE = PACKAGE.parent
CHECKOUT = _BESIDE if all((_BESIDE / name).exists() for name in ("data_manifest.yaml", "notebooks")) else None
# What a wheel carries besides the modules; `pyproject.toml` puts it there.
SHIPPED = CHECKOUT or PACKAGE / "shipped"
MANIFEST = SHIPPED / "data_manifest.yaml"
NOTEBOOKS = SHIPPED / "notebooks"
STORED_RESULTS = NOTEBOOKS / "results"

VARIABLES = {
    "NBTOOLS_DATA": "recorded twins and fetched files",
    "NBTOOLS_MIRROR": "a folder of measured files, taken before any download",
    "NBTOOLS_CACHE": "numbers computed once; `off` switches it off",
    "NBTOOLS_RESULTS": "what a run found, as JSON",
    "NBTOOLS_EXPORTS": "figures and tables; by default beside the results",
    "NBTOOLS_LESSONS": "a student's answers",
}
# Set by the headless run for its notebooks: which run this is, and whether it is one on somebody's own data.
RUN = "NBTOOLS_RUN"
OWN_RUN = "NBTOOLS_OWN_RUN"


def build_folder() -> Path:
    """Where everything goes that can be made again: ``build/`` of the checkout, else the user's cache folder."""
    if CHECKOUT:
        return CHECKOUT / "build"
    import platformdirs

    return platformdirs.user_cache_path("nbtools", appauthor=False)


def data_folder() -> Path:
    """Where data sets are kept: ``NBTOOLS_DATA``, else ``data`` in `build_folder`."""
    return _named("NBTOOLS_DATA") or build_folder() / "data"


def mirror_folder() -> Path | None:
    """A folder of measured files that need no download: ``NBTOOLS_MIRROR``, if it is set."""
    return _named("NBTOOLS_MIRROR")


def cache_folder() -> Path | None:
    """Where computed numbers are kept: ``NBTOOLS_CACHE``, else ``cache`` in `build_folder`; None for ``off``."""
    if os.environ.get("NBTOOLS_CACHE", "").lower() == "off":
        return None
    return _named("NBTOOLS_CACHE") or build_folder() / "cache"


def results_folder() -> Path:
    """Where ledgers are written: ``NBTOOLS_RESULTS``, else ``results`` in `build_folder`."""
    return _named("NBTOOLS_RESULTS") or build_folder() / "results"


def own_results_folder(label: str) -> Path:
    """Where the results of data go that are neither a twin nor the paper's sample: beside `results_folder`."""
    return results_folder().parent / "own" / label


def exports_folder() -> Path | None:
    """Where figures and tables go: ``NBTOOLS_EXPORTS``, if it is set."""
    return _named("NBTOOLS_EXPORTS")


def lessons_folder() -> Path:
    """Where a student's answers are kept: ``NBTOOLS_LESSONS``, else ``lessons`` in ``build/`` or the user's data."""
    if named := _named("NBTOOLS_LESSONS"):
        return named
    if CHECKOUT:
        return build_folder() / "lessons"
    import platformdirs

    return platformdirs.user_data_path("nbtools", appauthor=False) / "lessons"


def this_run() -> str:
    """The name of the headless run that this process belongs to; empty in JupyterLab and in a script."""
    return os.environ.get(RUN, "")


def is_own_run() -> bool:
    """Whether this headless run writes to a folder of the user's own (``-p`` or ``-o``)."""
    return bool(os.environ.get(OWN_RUN))


def _named(variable: str) -> Path | None:
    setting = os.environ.get(variable, "")
    return of_user(setting).absolute() if setting else None


def of_user(path: str | Path) -> Path:
    """A path with ``~`` as the user's home; as it stands where there is no such user.

    Parameters
    ----------
    path : as typed
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)
