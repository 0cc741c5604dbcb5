"""``python -m nbtools``: what there is, is it right, run it, and what has moved since."""

import argparse
import math
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nbtools import paths
from nbtools.results import LEFT_OUT, differences

if TYPE_CHECKING:
    from nbtools.runner import Run

BUILD = paths.build_folder()
NOTEBOOKS = paths.NOTEBOOKS
NOTABLE_SIGMAS = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 where all is well, 1 where something is wrong, 2 where the command was."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except ModuleNotFoundError as missing:
        print(
            f"this needs the package {missing.name}: pip install 'mgb2-notebooks[notebook]', or run `make run` once"
        )
    except ValueError as problem:
        print(problem)
    except KeyboardInterrupt:
        print("\nstopped")
        return 130
    return 2


def show_status(_: argparse.Namespace) -> int:
    """Figures → notebooks → data, and the state of each data set."""
    import nbformat

    from nbtools.manifest import status
    from nbtools.notebook.document import headings
    from nbtools.runner import find_notebooks

    for path in find_notebooks():
        title, *sections = headings(nbformat.read(path, as_version=4))
        print(f"{path.stem}\n    {title}")
        print("".join(f"    {section}\n" for section in sections if section.startswith("Fig. ")))
    heads = ("data", "origin", "technique", "state", "figures")
    rows = [(row.name, row.origin, row.technique, row.state, ", ".join(row.figures)) for row in status()]
    widths = [max(map(len, column)) + 2 for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        print("".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip())
    return 0


def verify(_: argparse.Namespace) -> int:
    """Record or fetch every data set, and say which is right."""
    from nbtools.manifest import fetch, status

    wrong = 0
    for row in status():
        try:
            fetch(row.name)
            print(f"right   {row.name}")
        except (ValueError, OSError) as problem:
            wrong += 1
            print(f"wrong   {row.name}: {problem}")
    return int(wrong > 0)


def twins(options: argparse.Namespace) -> int:
    """Record twins anew, and show what differs from their stored fingerprints; --store keeps the new ones."""
    from nbtools.manifest import check_twins

    moved = 0
    for name, lines in check_twins(options.name, store=options.store):
        moved += bool(lines)
        print(f"{name}: {'' if lines else 'as stored'}", *lines, sep="\n    ", flush=True)
    return int(moved > 0 and not options.store)


def inspect(options: argparse.Namespace) -> int:
    """What a file is (or each of a folder), which notebook takes it, what the sample card still needs."""
    from nbtools.inspection import inspect_path

    text, usable = inspect_path(options.path, options.sample)
    print(text)
    return int(not usable)


def run(options: argparse.Namespace) -> int:
    """Run notebooks headless; a user's run (-p or -o) keeps to its own folder."""
    from nbtools.notebook.document import read_parameters
    from nbtools.runner import find_notebooks, run_all, show_progress, store

    own = bool(options.parameter or options.output)
    if own and options.store:
        raise ValueError("--store keeps the outputs of a default run: it goes with neither -p nor -o")
    paths = find_notebooks(options.notebook)
    if options.parameter and len(paths) != 1:
        raise ValueError("-p sets the parameters of one notebook: say which, as in `run 03 -p DATA=mine.dat`")
    folder = Path(options.output or "out").resolve()
    if folder.is_relative_to(NOTEBOOKS):
        raise ValueError(f"-o {options.output} holds the stored outputs; name another folder")
    output, results = (folder, folder) if own else (BUILD / "notebooks", BUILD / "results")
    parameters = read_parameters(options.parameter, Path.cwd())
    if options.store:
        os.environ["NBTOOLS_LESSONS"] = str(BUILD / "no-lessons")  # no student's answers in stored outputs
    runs = []
    options_of_all = {"results": results, "parameters": parameters, "on_cell": show_progress}
    for done in run_all(paths, output=output, workers=min(2, os.cpu_count() or 1), **options_of_all):
        runs.append(done)
        _show_run(done)
    code = _conclude(runs, output, results, folder / "report" if own else BUILD / "report")
    for done in runs if options.store else []:
        if _may_be_stored(done, results):
            store(done, results=results)
        else:
            code = 1
    return code


def report(_: argparse.Namespace) -> int:
    """Write the report of the last runs again."""
    from nbtools.runner import find_notebooks, read_run

    runs = [read_run(path) for path in find_notebooks(folder=BUILD / "notebooks")]
    if not runs:
        raise ValueError("no notebook has been run yet: `make run` runs them all")
    return _conclude(runs, BUILD / "notebooks", BUILD / "results", BUILD / "report")


def cache(options: argparse.Namespace) -> int:
    """Show where the cache is and how large, or empty it."""
    from nbtools import cache

    if options.clear:
        cache.clear()
    entries, size = cache.size()
    print(f"{cache.folder() or 'switched off by NBTOOLS_CACHE'}: {entries} entries, {size / 1e6:.1f} MB")
    return 0


def diff(_: argparse.Namespace) -> int:
    """Which number of the last run moved from the stored one, by how many σ.

    1 where a number moved by more than half a σ (or has none), appeared or went, a verdict changed its
    word, or a notebook has not been run or not been stored. Measured data that are not here are no difference.
    """
    from nbtools.runner import find_notebooks, read_results

    notable = 0
    for name in [path.stem for path in find_notebooks()]:
        stored, ours = read_results(name, NOTEBOOKS / "results"), read_results(name, BUILD / "results")
        if ours is None or stored is None:
            notable += 1
            print(
                f"{name}: " + ("not run here yet" if ours is None else "not stored; `make notebooks` does it")
            )
            continue
        moves = differences(stored, ours)
        notable += sum(sigmas > NOTABLE_SIGMAS for sigmas, _ in moves)
        print(f"{name}: {'as stored' if not moves else ''}")
        print("".join(f"    {line}\n" for _, line in moves), end="")
    return int(notable > 0)


def _may_be_stored(run: "Run", results: Path) -> bool:
    """Say what would change; a failed run, or one without the measured data of the stored one, may not."""
    from nbtools.runner import read_results

    if not run.ok:
        print(f"{run.name}: not stored")
        return False
    stored, ours = (read_results(run.name, folder) for folder in (NOTEBOOKS / "results", results))
    moves = differences(stored, ours) if stored and ours else []
    print("".join(f"{line}\n" for _, line in moves), end="")
    if any(line.endswith(LEFT_OUT) for _, line in moves):
        print(
            f"{run.name}: not stored, for measured data are missing here; set NBTOOLS_MIRROR to their folder"
        )
        return False
    return True


def _conclude(runs: "list[Run]", output: Path, results: Path, into: Path) -> int:
    """The statements in the terminal, the report of all that lies in the folder, and the exit code."""
    from nbtools.claims import summary_text
    from nbtools.report import write_report
    from nbtools.runner import find_notebooks, read_results, read_run

    ledgers = [ledger for run in runs if (ledger := read_results(run.name, results))]
    print("\n" + summary_text(ledgers, width=min(shutil.get_terminal_size().columns, 110)))
    everything = [read_run(path) for path in find_notebooks(folder=output)]
    print(f"\nreport: {write_report(everything, results=results, into=into)}")
    failed = [run for run in runs if not run.ok]
    for run in failed:
        print(f"failed: {run.name}, {run.error}\n        as far as it came: {run.executed}")
    return int(bool(failed))


def _show_run(run: "Run") -> None:
    back = "\r\x1b[K" if sys.stdout.isatty() else ""
    memory = f", {run.peak_memory / 1e6:.0f} MB" if math.isfinite(run.peak_memory) else ""
    word = "ran" if run.ok else f"FAILED in {run.error};"
    print(f"{back}{run.name}  {word} after {run.seconds:.0f} s{memory}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m nbtools",
        description=__doc__,
        epilog=_places(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=show_status)
    commands = parser.add_subparsers(title="commands (none: figures, notebooks, data)", metavar="")
    running = _command(commands, "run", run)
    running.add_argument("notebook", nargs="*", metavar="NN", help="03 or 03_transport; all if none is named")
    running.add_argument("-p", dest="parameter", action="append", default=[], metavar="NAME=VALUE")
    running.add_argument(
        "-o", dest="output", metavar="DIR", help="where a run of your own goes (./out with -p)"
    )
    running.add_argument("--store", action="store_true", help="make outputs and results the stored ones")
    inspecting = _command(commands, "inspect", inspect)
    inspecting.add_argument("path", metavar="FILE", help="a data file, or a folder of them")
    inspecting.add_argument("-s", dest="sample", metavar="CARD", help="the sample card, if there is one")
    _command(commands, "report", report)
    _command(commands, "diff", diff)
    _command(commands, "verify", verify)
    recording = _command(commands, "twins", twins)
    recording.add_argument("name", nargs="*", metavar="NAME", help="of a twin; all if none is named")
    recording.add_argument("--store", action="store_true", help="keep the fingerprints of those that differ")
    emptying = _command(commands, "cache", cache)
    emptying.add_argument("clear", nargs="?", choices=["clear"], help="remove every entry")
    return parser


def _places() -> str:
    """Where what is made goes, and the variables that say otherwise."""
    variables = "".join(f"  {name:16} {what}\n" for name, what in paths.VARIABLES.items())
    return (
        f"what is made goes to {paths.build_folder()}\n(build/ of a checkout; without one, the user's cache folder, "
        f"and answers to questions go to {paths.lessons_folder()}).\nThese variables name other places:\n{variables}"
    )


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    function: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    about = (function.__doc__ or "").strip().partition("\n")[0]
    parser = commands.add_parser(name, help=about, description=function.__doc__)
    parser.set_defaults(command=function)
    return parser


if __name__ == "__main__":
    sys.exit(main())
