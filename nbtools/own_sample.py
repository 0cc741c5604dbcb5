"""The front door for own files: choose them, fill the sample card in a form, open a notebook, make a report."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import nbformat
import yaml
from pydantic import ValidationError

from nbtools.display.gui import FACE_STYLE, button, ipywidgets, sentences_html
from nbtools.files.registry import NOTEBOOKS
from nbtools.files.sample_card import EXAMPLES, SampleCard, explain, read_sample_card, shown
from nbtools.inspection import Inspection, inspect_files
from nbtools.manifest import SAMPLE_CARD
from nbtools.notebook.document import code_cells, parameter_names, technique_only, with_parameters
from nbtools.sample_report import Job, plan_jobs, write_sample_report
from nbtools.study import html_table, text_table
from nbtools.whole_file import write_whole

# What the form offers besides the name; the rest of a card is written by hand.
FIELDS = tuple(
    name for name in SampleCard.model_fields if name not in ("name", "is_paper_sample", "background_file")
)
UP = ".."
MOST_ENTRIES = 500


class OwnSample:
    """Somebody's own files, what `inspect` says of them, and the sample card as a form.

    It works without a screen: `look_in`, `choose`, `fill`, `save_card`, `open_notebook`, `make_report`. Shown in
    JupyterLab, it has a control for each.

    Parameters
    ----------
    start : the folder in which to look first
    into : the folder for cards, notebooks and reports of own samples; by default ``own`` in the current folder
    """

    def __init__(self, start: str | Path = ".", into: str | Path = "own") -> None:
        self.folder = Path(start).expanduser().resolve()
        self.into = Path(into)
        self.chosen: Path | None = None
        self.found: list[Inspection] = []
        self.entries: dict[str, str] = {}
        self.errors: dict[str, str] = {}
        self.readings: dict[str, str] = {}
        self.links: list[tuple[str, str]] = []
        self._face: OwnSampleFace | None = None

    # ---- files

    @property
    def listing(self) -> list[str]:
        """The folder above, the folders in this one (with a slash), its files."""
        there = sorted(
            (entry for entry in self.folder.iterdir() if not entry.name.startswith(".")),
            key=lambda entry: (not entry.is_dir(), entry.name.lower()),
        )
        return [UP, *(f"{entry.name}/" if entry.is_dir() else entry.name for entry in there[:MOST_ENTRIES])]

    def look_in(self, folder: str | Path) -> "OwnSample":
        """Go to a folder.

        Raises
        ------
        ValueError
            It is none.
        """
        place = (self.folder / Path(folder).expanduser()).resolve()
        if not place.is_dir():
            raise ValueError(f"{place} is no folder; choose one from the list or type its path")
        self.folder = place
        return self._changed()

    def choose(self, path: str | Path = ".") -> "OwnSample":
        """Take a file, or all files of a folder, and inspect them; a card beside them fills the form.

        Raises
        ------
        ValueError
            Nothing is there, or a card beside the files cannot be read.
        """
        place = (self.folder / Path(path).expanduser()).resolve()
        found = inspect_files(place)
        card = (place if place.is_dir() else place.parent) / SAMPLE_CARD
        entries = _entries_of(card) if card.is_file() else {}
        self.chosen, self.found, self.links = place, found, []
        stated = {
            name: _typed(yaml.safe_load(text))
            for one in found
            if one.contents
            for name, text in one.contents.stated.items()
        }
        self.entries = {"name": place.stem if place.is_file() else place.name} | stated | dict(entries)
        self.errors, self.readings = {}, {}
        for name, text in list(self.entries.items()):
            self._check(name, text)
        return self._changed()

    @property
    def asked(self) -> tuple[str, ...]:
        """The entries of the card that these files' techniques need."""
        every = (name for one in self.found if one.contents for name in one.contents.asked)
        return tuple(name for name in dict.fromkeys(every) if name in FIELDS)

    @property
    def jobs(self) -> list[Job]:
        """Which notebook takes which of the files."""
        return plan_jobs(self.found).jobs

    # ---- the card

    def fill(self, name: str, text: str) -> "OwnSample":
        """Write an entry of the card; how it is read stands in `readings`, what is wrong with it in `errors`.

        Parameters
        ----------
        name : of the entry
        text : a number with its ± and unit, as ``1.00 ± 0.02 mm``; edges with × between them; empty to leave it open

        Raises
        ------
        ValueError
            An entry that no card has.
        """
        if name not in ("name", *FIELDS):
            raise ValueError(f"a sample card has no {name}; it has {', '.join(FIELDS)}")
        self.entries[name] = text
        self._check(name, text)
        return self._changed()

    def _check(self, name: str, text: str) -> None:
        self.errors.pop(name, None)
        self.readings.pop(name, None)
        if name == "name":
            if not text.strip():
                self.errors[name] = "a sample needs a name"
        elif text.strip():
            try:
                card = SampleCard.model_validate({"name": "sample", name: _read(name, text)})
                self.readings[name] = shown(getattr(card, name))
            except ValidationError as problem:
                self.errors[name] = explain(problem.errors()[0]).removeprefix(f"{name}: ")

    @property
    def card_text(self) -> str:
        """The card as YAML: what is filled in and right."""
        lines = {
            name: _read(name, text)
            for name, text in self.entries.items()
            if text.strip() and name not in self.errors
        }
        return str(yaml.safe_dump(lines, allow_unicode=True, sort_keys=False))

    @property
    def place(self) -> Path:
        """The folder of this sample's card, notebooks and report."""
        name = re.sub(r"[^\w.-]+", "-", self.entries.get("name", "")).strip("-.") or "sample"
        return self.into / name

    def save_card(self) -> Path:
        """Write the card; the files of the sample stay as they are.

        Raises
        ------
        ValueError
            No files were chosen, or an entry is wrong.
        """
        if self.chosen is None:
            raise ValueError("choose a file or a folder first")
        if self.errors:
            raise ValueError("; ".join(f"{name}: {said}" for name, said in self.errors.items()))
        card = write_whole(self.place / SAMPLE_CARD, self.card_text)
        read_sample_card(card)
        self._link("sample card", card)
        return card

    # ---- what is done with them

    def open_notebook(self, technique: str) -> Path:
        """A copy of a technique's notebook with these files and this card as its parameters.

        Raises
        ------
        ValueError
            The technique takes none of the files, or the card is not right.
        """
        job = next((job for job in self.jobs if job.technique == technique), None)
        if job is None:
            there = ", ".join(dict.fromkeys(job.technique for job in self.jobs)) or "no technique"
            raise ValueError(f"{technique} takes none of these files; {there} does")
        card = self.save_card()
        notebook = nbformat.read(job.notebook, as_version=4)
        with_card = {"SAMPLE": str(card.resolve())} if "SAMPLE" in parameter_names(notebook) else {}
        notebook = with_parameters(notebook, job.parameters | with_card)
        technique_only(notebook)
        for cell in code_cells(notebook):
            cell.outputs, cell.execution_count = [], None
        path = write_whole(self.place / job.notebook.name, nbformat.writes(notebook))
        self._link(f"notebook {NOTEBOOKS[technique]} on these files", path)
        return path

    def make_report(self, on_job: Callable[[Job, str], None] = lambda job, what: None) -> Path:
        """Run every technique on the files that it takes, and write one page on the sample.

        Parameters
        ----------
        on_job : called with each job and what becomes of it

        Raises
        ------
        ValueError
            The card is not right.
        """
        card = self.save_card()
        assert self.chosen is not None
        page = write_sample_report(self.chosen, self.place / "report", card=card, on_job=on_job)
        self._link("report", page)
        return page

    def _link(self, label: str, path: Path) -> None:
        self.links = [link for link in self.links if link[0] != label] + [(label, path.as_posix())]
        self._changed()

    # ---- showing

    @property
    def table(self) -> list[tuple[str, str, str]]:
        """File, what it is, and where it goes."""
        lines = [("file", "what it is", "goes to")]
        for one in self.found:
            if one.contents is None:
                lines.append((one.path.name, " ".join(str(one.problem).split()), "nowhere"))
                continue
            ways = dict.fromkeys(way.technique for way in one.contents.ways if way.takes != "nothing")
            goes = ", ".join(f"{way.replace('_', ' ')} ({NOTEBOOKS[way]})" for way in ways)
            lines.append((one.path.name, one.contents.what, goes or "no notebook"))
        return lines

    def __repr__(self) -> str:
        if self.chosen is None:
            return "Nothing is chosen yet. In JupyterLab a list of files and a form for the sample card stand here."
        return text_table(self.table)

    @property
    def face(self) -> "OwnSampleFace":
        """The live controls; made when first asked for."""
        if self._face is None:
            self._face = OwnSampleFace(self)
        return self._face

    def _changed(self) -> "OwnSample":
        if self._face is not None:
            self._face.update()
        return self

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {**dict(self.face.box._repr_mimebundle_()), "text/plain": repr(self)}


class OwnSampleFace:
    """A list of files, what they are, the card as a form, and what can be done; `controls` has each by name."""

    def __init__(self, own: OwnSample) -> None:
        gui = ipywidgets()
        self.own, self.busy = own, False
        self.path = gui.Text(description="folder", layout={"width": "100%"}, continuous_update=False)
        self.list = gui.Select(rows=8, layout={"width": "100%"})
        self.all_files = button(
            "Take all files of this folder", lambda: self.do(own.choose), tip="inspect them"
        )
        self.found, self.said, self.links = gui.HTML(), gui.HTML(), gui.HTML()
        self.form = gui.VBox()
        self.actions = gui.HBox(layout={"flex_flow": "row wrap"})
        self.controls: dict[str, Any] = {"folder": self.path, "files": self.list, "all": self.all_files}
        self.path.observe(lambda change: self.ask(own.look_in, change["new"]), names="value")
        self.list.observe(lambda change: self.ask(self._pick, change["new"]), names="value")
        self.box = gui.VBox(
            [
                gui.HTML(FACE_STYLE, layout={"display": "none"}),
                self.path,
                self.list,
                self.all_files,
                self.found,
                self.form,
                self.actions,
                self.said,
                self.links,
            ],
            layout={"width": "100%", "max_width": "1000px"},
        )
        self._rows: dict[str, tuple[Any, Any]] = {}
        self._shown: tuple[Any, ...] = ()
        self.update()

    def ask(self, action: Callable[..., Any], *arguments: Any) -> None:
        """Do what a control asks, unless it only follows."""
        if not self.busy:
            self.do(action, *arguments)

    def do(self, action: Callable[..., Any], *arguments: Any) -> None:
        """Do it, and say in a sentence what went wrong."""
        self.said.value = ""
        try:
            action(*arguments)
        except (ValueError, OSError, ImportError) as problem:
            self.said.value = sentences_html([str(problem)])
        self.update()

    def _pick(self, entry: str | None) -> None:
        if entry == UP or (entry or "").endswith("/"):
            self.own.look_in(entry or UP)
        elif entry:
            self.own.choose(entry)

    def update(self) -> None:
        """Bring every control to the state."""
        before, self.busy = self.busy, True
        try:
            own = self.own
            self.path.value = str(own.folder)
            listing = own.listing
            if tuple(self.list.options) != tuple(listing):
                self.list.options = listing
            name = own.chosen.name if own.chosen else None
            self.list.value = name if name in listing and own.chosen == own.folder / str(name) else None
            self.found.value = html_table(own.table) if own.found else ""
            if self._shown != (own.chosen, own.asked):
                self._build_form()
            for field, (text, wrong) in self._rows.items():
                text.value = own.entries.get(field, "")
                wrong.value = (
                    f'<span style="color:#D55E00">{escape(own.errors.get(field, ""))}</span>'
                    + escape(own.readings.get(field, ""))
                )
            self.links.value = " · ".join(
                f'<a href="{escape(path)}" target="_blank" style="text-decoration:underline">{escape(label)}</a>'
                for label, path in own.links
            )
        finally:
            self.busy = before

    def _build_form(self) -> None:
        gui, own = ipywidgets(), self.own
        self._shown = (own.chosen, own.asked)
        self._rows = {}
        if own.chosen is None:
            return
        asked = [self._row(name) for name in ("name", *own.asked)]
        others = gui.Accordion([gui.VBox([self._row(name) for name in FIELDS if name not in own.asked])])
        others.titles = ("further entries of the card",)
        others.selected_index = None
        self.form.children = (gui.HTML("<b>The sample card</b>"), *asked, others)
        buttons = {"save": button("Save the card", lambda: self.do(own.save_card), tip="as YAML")}
        for technique in dict.fromkeys(job.technique for job in own.jobs):
            label = f"Open {NOTEBOOKS[technique]} {technique.replace('_', ' ')}"
            buttons[technique] = button(
                label,
                partial(self.do, own.open_notebook, technique),
                tip="a copy, with these files and this card",
            )
        buttons["report"] = button(
            "Make the report", lambda: self.do(self._report), tip="all techniques", strong=True
        )
        self.controls |= buttons
        self.actions.children = tuple(buttons.values())

    def _row(self, name: str) -> Any:
        gui = ipywidgets()
        example = EXAMPLES.get(name, "").strip("[]").replace('", "', " × ").replace('"', "")
        text = gui.Text(
            description=name.replace("_", " "),
            placeholder=example and f"for example {example}",
            style={"description_width": "11em"},
            layout={"width": "32em"},
        )
        wrong = gui.HTML()
        text.observe(lambda change: self.ask(self.own.fill, name, change["new"]), names="value")
        self._rows[name] = (text, wrong)
        self.controls[f"card {name}"] = text
        return gui.HBox([text, wrong])

    def _report(self) -> None:
        def say(job: Job, what: str) -> None:
            self.said.value = sentences_html([f"{job.technique.replace('_', ' ')}: {what}"])

        self.own.make_report(say)
        self.said.value = sentences_html(["the report is written"])


def _read(name: str, text: str) -> Any:
    """An entry as YAML would hold it: three edges as a list, whole numbers as numbers, a decimal comma as a point."""
    if name not in ("holder", "instrument", "shape"):
        text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    if name == "dimensions":
        return [edge.strip() for edge in re.split(r"\s*[×;]\s*|\s+x\s+", text.strip())]
    if name in ("field_axis", "frame") and text.strip().isdigit():
        return int(text)
    return text.strip()


def _typed(value: Any) -> str:
    """An entry of a card as a person would type it."""
    return " × ".join(map(str, value)) if isinstance(value, list) else str(value)


def _entries_of(card: Path) -> Mapping[str, str]:
    """The entries of a card that the form can show."""
    read_sample_card(card)
    written = yaml.safe_load(card.read_text(encoding="utf-8-sig"))
    return {
        name: _typed(value)
        for name, value in written.items()
        if name in ("name", *FIELDS) and not isinstance(value, dict)
    }
