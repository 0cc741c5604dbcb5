"""``python -m nbtools``: what there is, is it right, run it, and what has moved since."""

import argparse
import math
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nbtools import paths
from nbtools.results import differences, left_out

if TYPE_CHECKING:
    from nbtools.runner import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 where all is well, 1 where something is wrong, 2 where the command was."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except ModuleNotFoundError as missing:
        print(
            f"this needs the package {missing.name}: pip install 'mgb2-notebooks[notebook]', or run `make run` once"
        )
    except (ValueError, OSError) as problem:
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
    from nbtools.study import text_table

    for path in find_notebooks():
        title, *sections = headings(nbformat.read(path, as_version=4))
        print(f"{path.stem}\n    {title}")
        print("".join(f"    {section}\n" for section in sections if section.startswith("Fig. ")))
    heads = ("data", "origin", "technique", "state", "figures")
    rows = [(row.name, row.origin, row.technique, row.state, ", ".join(row.figures)) for row in status()]
    print(text_table([heads, *rows]))
    return 0


def verify(_: argparse.Namespace) -> int:
    """Record or fetch every data set, and say which is right.

    0 where all are right, 1 where one is wrong or cannot be had.
    """
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
    """Record twins anew, and show what differs from their stored fingerprints; --store keeps the new ones.

    0 where all are as stored, or are stored now; 1 where one differs.
    """
    from nbtools.manifest import check_twins

    moved = 0
    for name, lines in check_twins(options.name, store=options.store):
        moved += bool(lines)
        print(f"{name}: {'' if lines else 'as stored'}", *lines, sep="\n    ", flush=True)
    return int(moved > 0 and not options.store)


def inspect(options: argparse.Namespace) -> int:
    """What a file is (or each of a folder), which notebook takes it, what the sample card still needs.

    0 where a reader takes the file, or at least one of the folder; 1 where none takes any; 2 where nothing is there.
    """
    from nbtools.inspection import as_json, inspect_files, inspect_path

    if options.json:
        found = inspect_files(options.path)
        print(as_json(found))
        return int(not any(one.usable for one in found))
    text, usable = inspect_path(options.path, options.sample)
    print(text)
    return int(not usable)


def run(options: argparse.Namespace) -> int:
    """Run notebooks headless; a user's run (-p or -o) keeps to its own folder.

    0 where each came to its end, though a section may be left out for want of data; 1 where one stopped, or where
    --store could not keep one; 2 where a notebook or a parameter is unknown: nothing has run then.
    """
    from nbtools.notebook.document import read_parameters
    from nbtools.runner import find_notebooks, run_all, show_progress, store

    own = bool(options.parameter or options.output)
    if own and options.store:
        raise ValueError("--store keeps the outputs of a default run: it goes with neither -p nor -o")
    notebooks = find_notebooks(options.notebook)
    if options.parameter and len(notebooks) != 1:
        raise ValueError("-p sets the parameters of one notebook: say which, as in `run 03 -p DATA=mine.dat`")
    folder = Path(options.output or "out").resolve()
    if folder.is_relative_to(paths.NOTEBOOKS):
        raise ValueError(f"-o {options.output} holds the stored outputs; name another folder")
    build = paths.build_folder()
    output, results = (folder, folder) if own else (build / "notebooks", build / "results")
    parameters = read_parameters(options.parameter, Path.cwd())
    if options.store:
        os.environ["NBTOOLS_LESSONS"] = str(build / "no-lessons")  # no student's answers in stored outputs
    runs = []
    done_in_turn = run_all(
        notebooks,
        output=output,
        results=results,
        workers=min(2, os.cpu_count() or 1),
        own=own,
        parameters=parameters,
        on_cell=show_progress,
    )
    for done in done_in_turn:
        runs.append(done)
        _show_run(done)
    code = _conclude(runs, output, results, folder / "report" if own else build / "report")
    for done in runs if options.store else []:
        if _may_be_stored(done, results):
            store(done, results=results)
        else:
            code = 1
    return code


def report(options: argparse.Namespace) -> int:
    """A page on one sample from the folder of its files; without a folder, the report of the last runs again.

    0 where the page holds numbers, and no technique stopped: files that no reader takes are named on it; 1 where
    there is no number, or a technique stopped on a file; 2 where nothing is there, or a card cannot be read.
    """
    import json

    from nbtools.runner import find_notebooks, read_run, show_progress

    if options.folder:
        from nbtools.sample_report import Job, write_sample_report

        def say(job: Job, what: str) -> None:
            files = ", ".join(path.name for path in job.files)
            back = "\r\x1b[K" if sys.stdout.isatty() else ""
            print(f"{back}{job.technique.replace('_', ' ')} ({files}): {what}", flush=True)

        page = write_sample_report(
            options.folder,
            options.output or "out",
            on_job=say,
            on_cell=show_progress if sys.stdout.isatty() else None,
        )
        written = json.loads((page.parent / "results.json").read_text(encoding="utf-8"))
        names = written["files"].keys()
        for name, why in written["left out"].items():
            if name in names or why.startswith("stopped in"):
                print(
                    f"left out: {name}: {textwrap.shorten(why, 160, placeholder=' … (the page has all of it)')}"
                )
        print(f"\n{len(written['results'])} numbers; report: {page}")
        stopped = any(why.startswith("stopped in") for why in written["left out"].values())
        return int(stopped or not written["results"])
    build = paths.build_folder()
    runs = [read_run(path) for path in find_notebooks(folder=build / "notebooks")]
    if not runs:
        raise ValueError("no notebook has been run yet: `python -m nbtools run` runs them all")
    return _conclude(runs, build / "notebooks", build / "results", build / "report")


def show_class(options: argparse.Namespace) -> int:
    """One page for the lecturer from the files that students handed in.

    0 where at least one student's file can be read, 1 where none can.
    """
    from nbtools.lessons.class_page import read_class
    from nbtools.report import page_html
    from nbtools.whole_file import write_whole

    found = read_class(options.folder)
    target = Path(options.output or "class.html")
    page = write_whole(target, page_html(f"The class: {len(found.students)} students", found.html()))
    for name, why in found.refused.items():
        print(f"left out: {name}: {why}")
    print(f"{len(found.students)} students, {len(found.questions)} questions: {page.resolve()}")
    return int(not found.students)


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

    1 where a number moved by more than another machine may move it (0.1 σ; 1e-5 without σ), appeared or went, a
    verdict changed its word, or a notebook has not been run or not been stored. Measured data that are not here
    are no difference.
    """
    from nbtools.runner import find_notebooks, read_results

    notable = 0
    for name in [path.stem for path in find_notebooks()]:
        stored, ours = (
            read_results(name, paths.STORED_RESULTS),
            read_results(name, paths.build_folder() / "results"),
        )
        if (
            ours is None
            and stored is None
            and (paths.build_folder() / "notebooks" / f"{name}.ipynb").exists()
        ):
            print(f"{name}: keeps no numbers")
            continue
        if ours is None or stored is None:
            notable += 1
            print(
                f"{name}: " + ("not run here yet" if ours is None else "not stored; `make notebooks` does it")
            )
            continue
        moves, absent = differences(stored, ours), left_out(stored, ours)
        notable += len(moves)
        print(f"{name}: {'' if moves or absent else 'as stored'}")
        print("".join(f"    {line}\n" for line in moves + absent), end="")
    return int(notable > 0)


def _may_be_stored(run: "Run", results: Path) -> bool:
    """Say what would change; a failed run, or one without the measured data of the stored one, may not."""
    from nbtools.runner import read_results

    if not run.ok:
        print(f"{run.name}: not stored")
        return False
    stored, ours = (read_results(run.name, folder) for folder in (paths.STORED_RESULTS, results))
    moves, absent = (of(stored, ours) if stored and ours else [] for of in (differences, left_out))
    print("".join(f"{line}\n" for line in moves + absent), end="")
    if absent:
        print(
            f"{run.name}: not stored, for measured data are missing here; set NBTOOLS_MIRROR to their folder"
        )
        return False
    return True


def _conclude(runs: "list[Run]", output: Path, results: Path, into: Path) -> int:
    """The statements, or the numbers of somebody's own run, in the terminal; the report; the exit code."""
    from nbtools.paper import RunRecord, paper_table
    from nbtools.paper.ledgers import ledgers_of
    from nbtools.report import write_report
    from nbtools.runner import find_notebooks, read_run

    record = RunRecord.read(results)
    own = record is not None and record.own
    table = paper_table(ledgers_of(record, results))
    width = min(shutil.get_terminal_size().columns, 110)
    if len(table.rows) or not own:
        print("\n" + table.text(width, notebooks=[run.name for run in runs]))
    everything = [read_run(path) for path in find_notebooks(folder=output)]
    print(f"\nreport: {write_report(everything, results=results, into=into)}")
    if own:
        _show_numbers(runs, results)
    failed = [run for run in runs if not run.ok]
    for run in failed:
        again = (
            "the command; what was found before the error is kept"
            if own
            else f"`python -m nbtools run`, or this notebook\n        alone with `python -m nbtools run {run.name}`; "
            "its statements do not count until then"
        )
        print(
            f"failed: {run.name}, {run.error}\n"
            f"        as far as it came: {run.executed}\n"
            f"        what to do: mend what the error names, then repeat {again}"
        )
    return int(bool(failed))


def _show_numbers(runs: "list[Run]", results: Path) -> None:
    """What somebody's own run found, a line a number, and what it left out and why."""
    from nbtools.notebook.sample import ResultsTable
    from nbtools.paper.ledgers import read_results

    for run in runs:
        if ledger := read_results(run.name, results):
            print(f"\n{run.name}\n{ResultsTable(tuple(ledger.results.values()), ledger.skipped)}")


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
    inspecting.add_argument("--json", action="store_true", help="the same for a program")
    reporting = _command(commands, "report", report)
    reporting.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="with the instrument files of one sample"
    )
    reporting.add_argument("-o", dest="output", metavar="DIR", help="where its report goes (./out)")
    teaching = _command(commands, "class", show_class)
    teaching.add_argument(
        "folder", metavar="FOLDER", help="with the files that the students downloaded in 08"
    )
    teaching.add_argument("-o", dest="output", metavar="FILE", help="the page (./class.html)")
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
        "exit codes: 0 all is well, 1 something is not (each command says what: `python -m nbtools run --help`),\n"
        "2 the command or what it names is wrong and nothing was done, 130 stopped by Ctrl-C.\n\n"
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
