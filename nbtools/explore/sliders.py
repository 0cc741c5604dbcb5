"""Sliders over the arguments of any function, with linked plots: how the answer hangs on a choice."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from nbtools.explore.plots import PanelImage, Plot, panel_image
from nbtools.explore.state import (
    ExploreState,
    Outcome,
    Range,
    integer_arguments,
    read_arguments,
    read_outcome,
)
from nbtools.fitting.document import Code, array_text, function_text, literal
from nbtools.fitting.report import shown_unit, titled
from nbtools.fitting.showing import Showing
from nbtools.fitting.state import StateError, value_at
from nbtools.units import Quantity, format_value


@dataclass(frozen=True)
class Panel:
    """One plot: lines and dots by label over an image, if there is one, in the units shown."""

    x_title: str
    y_title: str
    lines: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    dots: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    image: PanelImage | None = None
    title: str = ""


class Explorer(Showing[ExploreState]):
    """The arguments of a function under the hand, what it gives beside them.

    Parameters
    ----------
    function : gives a number (a `Quantity` brings unit and σ), an array over `x`, a pair of arrays (x, y),
        (x, y, "o") for dots, a 2-D array for an image, a `Plot` with axes of its own, or a dict of these
    x : the function's first argument, where it is an array that is not moved
    against : the argument over which every number is also swept and drawn
    ranges : ``{argument: (low, high)}`` for a slider, a list for a menu; one whose ends are equal, as the rows of
        a line, has nothing to move and is passed on
    values, units, labels : where each argument starts; its unit; its name on screen
    fixed : arguments that are passed on and not moved
    x_label, y_label, x_unit, y_unit : the axes of the curves
    system : ``"paper"`` or ``"SI"``: the units shown
    sweep_points : how many calls a sweep over `against` takes
    use : of the arguments; does what the button *Use this value* is for, and gives a sentence on it
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        x: Any = None,
        against: str | None = None,
        ranges: Mapping[str, Range] | None = None,
        values: Mapping[str, Any] | None = None,
        units: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        fixed: Mapping[str, Any] | None = None,
        x_label: str = "",
        y_label: str = "",
        x_unit: str = "",
        y_unit: str = "",
        system: str = "paper",
        sweep_points: int = 41,
        use: Callable[[Mapping[str, Any]], str] | None = None,
    ) -> None:
        super().__init__()
        self.sweep_points, self.use = sweep_points, use
        self.function, self.fixed = function, dict(fixed or {})
        self.x = None if x is None else np.asarray(x, float)
        self.system, self.labels = system, dict(labels or {})
        still = {name: given[0] for name, given in (ranges or {}).items() if _is_one_number(given)}
        self.fixed |= still
        ranges, values = (
            {name: given for name, given in (known or {}).items() if name not in still}
            for known in (ranges, values)
        )
        first = next(iter(inspect.signature(function).parameters), "")
        self._first = first if x is not None else ""
        self.axes = ((x_label or self._first.replace("_", " "), x_unit), (y_label, y_unit))
        start, self.options = read_arguments(
            function,
            ranges=ranges,
            values=values,
            units=units or {},
            left_out=[*self.fixed, self._first],
        )
        self.integers = integer_arguments(function)
        self._begin(start)
        if against is not None and against not in self._start.parameters:
            raise ValueError(f"against is {against!r}; the sliders are {sorted(self._start.parameters)}")
        self.against = against
        self._sweep: tuple[Any, list[Outcome | None]] | None = None
        self._last: tuple[dict[str, Any], Outcome] | None = None

    # ---- the state

    def _refuse_foreign(self, state: ExploreState) -> None:
        if set(state.parameters) != set(self._start.parameters) or set(state.choices) != set(
            self._start.choices
        ):
            raise StateError(f"the state is of another function; this one has {sorted(self.arguments)}")

    @property
    def arguments(self) -> dict[str, Any]:
        """What the function is called with, as it stands."""
        numbers = {
            name: round(known.value) if name in self.integers else known.value
            for name, known in self.current.parameters.items()
        }
        return {**numbers, **self.current.choices}

    def set(self, name: str, **changes: Any) -> Self:
        """Move an argument: ``set("criterion", value=0.1)``; a menu takes ``value=`` too."""
        if name in self.options:
            if changes.get("value") not in self.options[name]:
                raise StateError(f"{name}: {changes.get('value')!r} is none of {list(self.options[name])}")
            choices = {**self.current.choices, name: changes["value"]}
            self._move(self.current.changed(choices=choices))
        else:
            if name in self.integers and "value" in changes:
                changes["value"] = round(changes["value"])
            self._move(self.current.with_parameter(name, **changes), name)
        return self

    def use_value(self) -> Self:
        """Keep what stands now, as the explorer's `use` does; what was kept is said in the widget.

        Raises
        ------
        StateError
            An explorer of something that nothing keeps.
        """
        if self.use is None:
            raise StateError("nothing here is kept: the explorer is of no study that keeps its numbers")
        self.say(self.use(self.arguments))
        return self

    # ---- what the function gives

    @property
    def outcome(self) -> Outcome:
        """What the function gives at these arguments, kept until one moves; what it raises is passed on."""
        if self._last is None or self._last[0] != self.arguments:
            self._last = (self.arguments, self._call(self.arguments))
        return self._last[1]

    def _call(self, arguments: Mapping[str, Any]) -> Outcome:
        positional = [] if self.x is None else [self.x]
        given = self.function(*positional, **{**self.fixed, **arguments})
        return read_outcome(given, self.x)

    def sweep(self) -> list[tuple[float, Outcome | None]]:
        """The function over the whole range of `against`, None where it gives nothing; kept until another moves."""
        if self.against is None:
            return []
        others = {name: value for name, value in self.arguments.items() if name != self.against}
        ends = self.current.parameters[self.against].ends
        key = (others, ends)
        places = [value_at(float(f), *ends) for f in np.linspace(0, 1, self.sweep_points)]
        if self.against in self.integers:
            places = sorted({round(place) for place in places})
        if self._sweep is None or self._sweep[0] != key:
            self._sweep = (key, [self._try({**others, self.against: place}) for place in places])
        return list(zip(places, self._sweep[1], strict=True))

    def _try(self, arguments: Mapping[str, Any]) -> Outcome | None:
        try:
            return self._call(arguments)
        except (ValueError, ArithmeticError):  # outside what the function takes: a gap in the line
            return None

    def summary(self) -> str:
        """Every number the function gives, one a line, with σ and unit."""
        return "\n".join(f"{name} = {self._text(number)}" for name, number in self.outcome.numbers.items())

    def _text(self, number: Quantity) -> str:
        scale, unit = shown_unit(number.unit, self.system)
        return f"{format_value(float(number) * scale, number.uncertainty * scale)} {unit}".strip()

    def to_code(self) -> Code:
        """A script of the call, which runs in an empty kernel.

        Raises
        ------
        StateError
            A function or a fixed argument that cannot be written down.
        """
        if why := self.why_no_code:
            raise StateError(f"this call cannot be written as a script: {why}")
        passed = [array_text(self.x)] if self.x is not None else []
        passed += [f"{name}={literal(value)}" for name, value in {**self.fixed, **self.arguments}.items()]
        lines = [
            "import numpy as np",
            function_text(self.function),
            f"result = {self.function.__name__}({', '.join(passed)})",
            "print(result)",
        ]
        return Code("\n".join(lines) + "\n")

    @property
    def why_no_code(self) -> str:
        """Why there is no script of this call; empty where there is one."""
        if not function_text(self.function):
            return f"{getattr(self.function, '__name__', 'the function')} is not importable and does not stand alone"
        given = {**self.fixed, **self.arguments} | ({} if self.x is None else {self._first: self.x})
        unwritten = [name for name, value in given.items() if literal(value) is None]
        return f"{', '.join(unwritten)} cannot be written as text" if unwritten else ""

    # ---- what is drawn

    def panels(self) -> list[Panel]:
        """The function's own plots, its curves, and every number against the swept argument, grouped by unit."""
        outcome = self.outcome
        found = [self._plot_panel(name, plot) for name, plot in outcome.plots.items()]
        found += [self._curve_panel(outcome)] if outcome.curves else []
        return found + [self._sweep_panel(unit, outcome) for unit in self._units(outcome)]

    def _units(self, outcome: Outcome) -> list[str]:
        if self.against is None:
            return []
        return list(dict.fromkeys(number.unit for number in outcome.numbers.values()))

    def _curve_panel(self, outcome: Outcome) -> Panel:
        (x_scale, x_title), (y_scale, y_title) = (_axis(*axis, self.system) for axis in self.axes)
        lines: dict[str, Any] = {}
        dots: dict[str, Any] = {}
        for name, (x, y) in outcome.curves.items():
            target = dots if name in outcome.dots or len(x) == 1 else lines
            target["" if name == "value" else name] = (x * x_scale, y * y_scale)
        return Panel(x_title, y_title, lines, dots)

    def _plot_panel(self, name: str, plot: Plot) -> Panel:
        x_scale, x_title = _axis(plot.x_label, plot.x_unit, self.system)
        y_scale, y_title = _axis(plot.y_label, plot.y_unit, self.system)
        lines: dict[str, Any] = {}
        dots: dict[str, Any] = {}
        for label, curve in plot.curves.items():
            x, y = (np.asarray(array, float) for array in curve[:2])
            target = dots if curve[2:] == ("o",) or len(x) == 1 else lines
            target[label] = (x * x_scale, y * y_scale)
        return Panel(x_title, y_title, lines, dots, panel_image(plot, self.system), name.replace("_", " "))

    def _sweep_panel(self, unit: str, outcome: Outcome) -> Panel:
        assert self.against is not None
        known = self.current.parameters[self.against]
        x_scale, x_title = _axis(
            self.labels.get(self.against, self.against.replace("_", " ")), known.unit, self.system
        )
        names = [name for name, number in outcome.numbers.items() if number.unit == unit]
        y_scale, y_title = _axis(names[0].replace("_", " ") if len(names) == 1 else "", unit, self.system)
        swept = self.sweep()
        places = np.array([place for place, _ in swept]) * x_scale
        lines, dots = {}, {}
        for name in names:
            at = [np.nan if o is None or name not in o.numbers else float(o.numbers[name]) for _, o in swept]
            lines[name] = (places, np.array(at) * y_scale)
            here = (known.value * x_scale, float(outcome.numbers[name]) * y_scale)
            dots[f"{name} here"] = (np.array([here[0]]), np.array([here[1]]))
        return Panel(x_title, y_title, lines, dots)

    def figure(self) -> Any:
        """All panels side by side, as a matplotlib Figure."""
        from nbtools.explore.plots import draw_panels

        return self._tagged(draw_panels(self.panels(), title=self.summary()))

    def _make_face(self) -> Any:
        from nbtools.explore.face import ExploreFace

        return ExploreFace(self)


def _axis(label: str, unit: str, system: str) -> tuple[float, str]:
    scale, shown = shown_unit(unit, system)
    return scale, titled(label, shown).strip()


def _is_one_number(given: Any) -> bool:
    """A range from a number to itself."""
    return isinstance(given, tuple) and len(given) == 2 and given[0] == given[1]
