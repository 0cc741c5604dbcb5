"""A fit that is a document: the same object with a face under the hand, and with no screen at all."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import lmfit

from nbtools.fitting import document as fit_document
from nbtools.fitting import report as fit_report
from nbtools.fitting.document import Code, Document, write_code
from nbtools.fitting.engine import FitProblem, initial_state, read_curves, search, start_values
from nbtools.fitting.figure import Axes, CurveView, residual_title, view_of
from nbtools.fitting.showing import Showing
from nbtools.fitting.state import FitError, FitRecord, FitState, StateError

ASTRAY = "leastsq went astray from this start; least_squares, whose steps are bounded, did not and is the method now."


MOVING_POINTS = 2000
NO_FIT = "there is no fit yet: call .fit() first"
KEEP = "save it under another name or folder, or say that it be replaced"
NOT_APPLIED = (
    "Nothing of {} was applied. Load once more, or load(anyway=True), takes its parameters as a start."
)


def file_name(sample: str, name: str) -> str:
    """``<sample>.<name>.fit.json``, of letters that every file system takes."""
    parts = [re.sub(r"[^\w.+-]+", "-", part).strip("-.") for part in (sample, name)]
    return ".".join([*filter(None, parts), "fit", "json"])


def _named(sample: str) -> str:
    return f", sample {sample!r}" if sample else ""


class FitWidget(Showing[FitState]):
    """Fit a model to curves by hand and by lmfit; save, read and replay what was done.

    Parameters
    ----------
    model : an lmfit Model, composite and expression models included; or one for each curve
    x, y : 1-D arrays; or lists of them, for several curves
    sigma : one standard deviation of y (array, number, or list of arrays); None where it is not known
    params : starting parameters, an lmfit Parameters or a dict ``name: value``
    shared : names that all curves have in common; the other parameters get ``_1``, ``_2``, …
    constants : further keyword arguments of the model
    guess : ``guess(x, y)`` giving ``{name: value}``, where the model has no guess of its own
    units : ``{parameter: unit}``, as `nbtools.units` writes them
    x_label, y_label, x_unit, y_unit, log_x, log_y : the axes
    system : ``"paper"`` or ``"SI"``: the units shown; arrays and `values` stay as they were given
    name, sample : of the file that `save` writes, ``<sample>.<name>.fit.json``; without a sample, what `of` named
    notes : sentences that belong to every summary of this fit

    With no display: `fit`, `result`, `summary`, `state`, `save`, `load`, `replay`, `to_code`, `figure`.
    """

    def __init__(
        self,
        model: lmfit.Model | Sequence[lmfit.Model],
        x: Any,
        y: Any,
        *,
        sigma: Any = None,
        params: lmfit.Parameters | Mapping[str, float] | None = None,
        shared: Iterable[str] = (),
        constants: Mapping[str, Any] | None = None,
        guess: Callable[[Any, Any], Mapping[str, float]] | None = None,
        units: Mapping[str, str] | None = None,
        labels: Sequence[str] | None = None,
        x_label: str = "x",
        y_label: str = "y",
        x_unit: str = "",
        y_unit: str = "",
        log_x: bool = False,
        log_y: bool = False,
        system: str = "paper",
        name: str = "fit",
        sample: str = "",
        notes: Sequence[str] = (),
    ) -> None:
        super().__init__()
        curves = read_curves(x, y, sigma, labels)
        models = [model] * len(curves) if isinstance(model, lmfit.Model) else list(model)
        if len(models) != len(curves):
            raise ValueError(f"{len(models)} models came for {len(curves)} curves; give one, or one for each")
        self.problem = FitProblem(models, curves, shared=shared, constants=constants)
        self.axes = Axes(x_label, y_label, x_unit, y_unit, log_x, log_y, system)
        self.name, self.sample, self.notes = name, sample, tuple(notes)
        self.folder = Path()
        self._held = ""
        self._guess = guess
        self._begin(initial_state(self.problem, params, units or {}, guess))
        self._records: list[FitRecord] = []
        self._last: tuple[FitRecord, Any, FitState] | None = None
        for sentence in fit_report.left_out(self.problem):
            self.say(sentence)

    # ---- what it is

    def _refuse_foreign(self, state: FitState) -> None:
        if set(state.parameters) != set(self._start.parameters):
            raise StateError(
                f"the state has parameters {sorted(state.parameters)}, "
                f"the model {sorted(self._start.parameters)}: it belongs to another model"
            )

    @property
    def values(self) -> dict[str, float]:
        """All parameter values as they stand, expressions computed."""
        return self.problem.values(self.current)

    @property
    def result(self) -> Any:
        """lmfit's result of the last fit; None before the first."""
        return self._last[1] if self._last else None

    @property
    def last(self) -> FitRecord:
        """The last fit as the history records it, a part of the points only while a slider moves."""
        if self._last is None:
            raise FitError(NO_FIT)
        return self._last[0]

    @property
    def fresh(self) -> bool:
        """Whether nothing that decides the fit has been moved since the last one."""
        return self._last is not None and self._last[2].deciding == self.current.deciding

    # ---- what a hand can do

    def set(self, name: str, *, moving: bool = False, **changes: Any) -> Self:
        """Change a parameter: value, min, max, vary, expr, unit, low and high (ends of its slider).

        With `auto_refit` a moved value is held and all others follow; while it is `moving`, to a few thousand of the
        points where there are many more, until `settle`.
        """
        if "expr" in changes:
            changes["expr"] = changes["expr"] or None
        if {"min", "max"} & set(changes):
            changes = {"low": None, "high": None, **changes}
        if name in self.problem.integers and "value" in changes:
            changes["value"] = round(changes["value"])
        state = self.current.with_parameter(name, **changes)
        self.problem.parameters(state)
        control = f"{name} {sorted(changes)}"
        self._move(state, control=control)
        self._held = ""
        if "value" in changes and self.current.auto_refit and self._others_vary(name):
            few = moving and self.problem.count(state) > 2 * MOVING_POINTS
            result = self.problem.minimise(state, (name,), thin=MOVING_POINTS if few else None)
            self._held = name if few else ""
            self._adopt(state, result, (name,), control)
        return self

    @property
    def on_few(self) -> bool:
        """Whether the last refit took a part of the points only, because a slider was moving."""
        return bool(self._held)

    def settle(self) -> Self:
        """Refit all points, where a moving slider had left some out."""
        if self._held:
            name, self._held = self._held, ""
            start = self.current
            self._adopt(start, self.problem.minimise(start, (name,)), (name,), f"{name} ['value']")
        return self

    def change(self, **settings: Any) -> Self:
        """Change settings: fit_range, view_range, masked, weighting, loss, method, auto_refit."""
        self._move(self.current.changed(**settings), control=" ".join(settings))
        return self

    def mask(self, *indices: int, curve: int = 0) -> Self:
        """Leave these points out of the fit, or take them in again where they are out already."""
        size = self.problem.curves[curve].x.size
        if wrong := [i for i in indices if not 0 <= i < size]:
            raise StateError(f"point {wrong[0]} came; curve {curve} has points 0 … {size - 1}")
        return self.change(masked=tuple(set(self.current.masked) ^ {(curve, int(i)) for i in indices}))

    def guess(self) -> Self:
        """Start values from the model's own guess, else from a search between the ends of the sliders."""
        try:
            values = start_values(self.problem, self.current, self._guess)
        except NotImplementedError:
            values = search(self.problem, self.current)
            self.say("This model has no guess of its own: searched between the ends of the sliders.")
        self._move(self.current.with_values(values))
        return self

    def fit(self) -> Any:
        """Fit from where the parameters stand; lmfit's result, which also becomes `result`.

        Raises
        ------
        FitError
            A fit that cannot be made or did not come about; the sentence says why.
        """
        start, result = self.problem.solve(self.current)
        astray = [ASTRAY] if start.method != self.current.method else []
        record = self._adopt(start, result)
        self._records.append(record)
        self.say(*astray, *self.warnings)
        self.changed()
        return self.result

    def _adopt(
        self, start: FitState, result: Any, hold: tuple[str, ...] = (), control: str | None = None
    ) -> FitRecord:
        """Bring the parameters to what the fit from `start` found; its line of the history."""
        record = fit_report.record_of(len(self._records) + 1, start, result, hold)
        state = self.current.changed(method=start.method)
        for name, value in record.values.items():
            known = state.parameters[name]
            if known.expr is None and known.vary and name not in hold:
                state = state.with_parameter(name, value=value)
        self._last = (record, result, state)
        self._move(state, control)
        return record

    # ---- what it tells

    def summary(self) -> str:
        """Each parameter as value ± σ, χ²ᵣ, AICc, BIC and every warning, as text."""
        record, result = self._made()
        text = fit_report.summary_of(self.problem, record, result, system=self.axes.system)
        text = "\n".join([text, *(f"! {note}" for note in self.notes)])
        return text if self.fresh else f"{text}\n! Something was moved since this fit."

    @property
    def warnings(self) -> list[str]:
        """What a careful reader should know of the last fit, in sentences."""
        record, result = self._made()
        return [*fit_report.warnings_of(self.problem, record.start, result), *self.notes]

    @property
    def history(self) -> Any:
        """All fits made, as a DataFrame."""
        return fit_report.history_table(self._records)

    def intervals(self, *, sigma: float = 1.0, names: Sequence[str] | None = None) -> Any:
        """Profile-likelihood intervals as a DataFrame; see `fit_report.profile_intervals`."""
        record, result = self._made()
        return fit_report.profile_intervals(self.problem, record.start, result, names=names, sigma=sigma)

    def window(self, *, cuts: Sequence[float] = (0.05, 0.1, 0.2, 0.3)) -> Any:
        """How each answer moves with the fit range, as a DataFrame; see `fit_report.window_sensitivity`."""
        return fit_report.window_sensitivity(self.problem, self.current, cuts=cuts)

    def rivals(self, **models: lmfit.Model) -> Any:
        """This model and others, fitted to the same points, side by side as a DataFrame.

        A rival starts from its own parameter hints, its guess, or a search.
        """
        results = {"this model": self._made()[1]}
        for name, model in models.items():
            problem = FitProblem(
                [model] * len(self.problem.curves), self.problem.curves, shared=self.problem.shared
            )
            state = initial_state(problem, None, {}, None)
            kept = {
                field: getattr(self.current, field) for field in ("fit_range", "masked", "weighting", "loss")
            }
            results[name] = problem.minimise(state.changed(**kept, method=self.current.method))
        return fit_report.compare_rivals(results)

    def to_code(self, *, data: str = "auto") -> Code:
        """A short lmfit script: of the last fit, or, where something was moved since, of the next.

        `data`: ``"inline"`` writes the points into it, ``"names"`` expects ``x``, ``y``, ``sigma``;
        ``"auto"`` writes up to 1000 points.
        """
        if self.settle()._last and self.fresh:
            record, result = self._made()
            return write_code(self.problem, record.start, result, held=record.held, data=data)
        return write_code(self.problem, *self.problem.solve(self.current), data=data)

    def _made(self) -> tuple[FitRecord, Any]:
        """The last fit, of all points."""
        self.settle()
        if self._last is None:
            raise FitError(NO_FIT)
        return self._last[:2]

    # ---- the document

    @property
    def path(self) -> Path:
        """The file that `save` writes and `load` reads where none is named: one for each sample and fit."""
        return self.folder / file_name(self._of, self.name)

    @property
    def _of(self) -> str:
        return self.sample or self.source

    def save(self, path: str | Path | None = None, *, replace: bool = False) -> Path:
        """Write state and history as readable JSON.

        Parameters
        ----------
        path : by default ``<sample>.<name>.fit.json`` in the working folder
        replace : also over a fit of other data

        Raises
        ------
        StateError
            The file holds a fit of other data, or something that is no fit, and `replace` was not said.
        """
        target = Path(path or self.path)
        if target.exists() and not replace:
            self._refuse_another(target)
        fit_document.write_document(target, self.problem, self.current, self._records, sample=self._of)
        self.say(f"Saved to {target.name}.")
        return target

    def _refuse_another(self, target: Path) -> None:
        try:
            found = fit_document.read_document(target)
        except StateError:
            raise StateError(f"{target.name} is there and is no fit of these data: {KEEP}") from None
        if not found.is_of(self.problem):
            raise StateError(f"{target.name} holds a fit of other data{_named(found.sample)}: {KEEP}")

    def load(self, path: str | Path | None = None, *, anyway: bool = False) -> list[str]:
        """Read what `save` wrote and make its last fit again.

        Parameters
        ----------
        path : by default ``<sample>.<name>.fit.json`` in the working folder
        anyway : where the file is of other data, take its parameters and settings as a start here; its masks,
            ranges and fits belong to those data and are left

        Returns
        -------
        Sentences: where data or model have changed since, and which numbers moved; none where all is the same.
        Where the data are others, nothing is applied unless `anyway` is said.
        """
        source = Path(path or self.path)
        document = fit_document.read_document(source)
        said = fit_document.changes_since(document, self.problem)
        if not document.is_of(self.problem):
            said += self._start_from(document, source.name) if anyway else [NOT_APPLIED.format(source.name)]
        else:
            self.state = document.state.plain()
            self._records, self._last = list(document.history), None
            said += self._again(document.history[-1]) if document.history else []
        self.say(*(said or ["Loaded; the last fit gives the same numbers."]))
        return said

    def _start_from(self, document: Document, name: str) -> list[str]:
        theirs = document.state
        self.state = theirs.changed(masked=(), fit_range=None, view_range=None).plain()
        self._last = None
        return [f"Parameters and settings of {name} are a start here; its fits stay with their own data."]

    def _again(self, record: FitRecord) -> list[str]:
        """The last fit made again: its own numbers where they are the same, else only the new ones."""
        saved = self.current
        again, result, difference = fit_document.replay(self.problem, record)
        kept = again if difference else record
        free = {n: v for n, v in kept.values.items() if saved.parameters[n].expr is None}
        self._last = (kept, result, saved.with_values(free))
        return [difference] if difference else []

    def replay(self) -> list[str]:
        """Make every fit of the history again; a sentence for each whose numbers moved, none where all stand."""
        return [s for s in (fit_document.replay(self.problem, r)[2] for r in self._records) if s]

    # ---- the picture and the face

    def view(self) -> list[CurveView]:
        """What is drawn, as arrays."""
        return view_of(self.problem, self.current, self.axes, self.result if self.fresh else None)

    def figure(self) -> Any:
        """The fit as it stands, as a matplotlib Figure; ``.savefig("fit.pdf")`` gives vectors."""
        from nbtools.fitting.figure import draw_fit

        span, factor = self.current.fit_range, self.axes.factors[0]
        figure = draw_fit(
            self.view(),
            self.axes,
            residual_title=residual_title(self.current, self.problem.curves[0]),
            fit_range=None if span is None else (span[0] * factor, span[1] * factor),
            title=fit_report.quality(self._last[0]) if self._last and self.fresh else "",
        )
        return self._tagged(figure)

    def _make_face(self) -> Any:
        from nbtools.fitting.face import FitFace

        return FitFace(self)

    def _others_vary(self, name: str) -> bool:
        return any(p.vary and p.expr is None and n != name for n, p in self.current.parameters.items())
