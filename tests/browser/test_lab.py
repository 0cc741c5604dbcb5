"""The notebooks in JupyterLab in a real browser, from top to bottom: two in `make test`, the rest in `make nightly`."""

from pathlib import Path

import pytest

from nbtools.runner import find_notebooks

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

READY = "window.jupyterapp && jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel"
RUN = """() => { window.ran = null; jupyterapp.restored
    .then(() => jupyterapp.shell.currentWidget.context.ready)
    .then(() => jupyterapp.shell.currentWidget.sessionContext.ready)
    .then(() => jupyterapp.commands.execute('notebook:run-all-cells'))
    .then(all => { window.ran = all ? 'all' : 'not all' }) }"""
CELLS = "() => jupyterapp.shell.currentWidget.context.model.toJSON().cells"
SEEN = "document.querySelector('.jp-NotebookPanel').innerText"
PLACE = "handle => handle.parentElement.style.transform"  # its value is rounded to one decimal
IDLE = "jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
SLIDERS = ".jp-OutputArea-output .noUi-target:not([disabled]) .noUi-handle:visible"
COMPLAINTS = """async () => {
    const code = `import gc
from nbtools.fitting.showing import Showing
print(*(error for one in gc.get_objects() if isinstance(one, Showing) for error in one.errors))`
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel
    const asked = kernel.requestExecute({ code }); let said = ''
    asked.onIOPub = message => { said += message.content.text ?? message.content.evalue ?? '' }
    await asked.done
    return said.trim() }"""


# What a newcomer opens, and the one with the most sliders: their widgets are made of the same parts as all others.
ALWAYS = ("00_start_here.ipynb", "03_transport.ipynb")
NOTEBOOKS = [
    pytest.param(path.name, marks=[] if path.name in ALWAYS else pytest.mark.nightly)
    for path in find_notebooks()
]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_in_jupyterlab(name: str, lab, watched, screenshots: Path) -> None:
    """Every cell runs without error, no widget is missing its model, and each slider can be moved."""
    page = watched.page
    page.set_default_timeout(60_000)
    page.goto(lab.url(name))
    page.wait_for_function(READY)
    page.evaluate(RUN)
    page.wait_for_function("window.ran", timeout=300_000)
    assert page.evaluate("window.ran") == "all"
    cells = [cell for cell in page.evaluate(CELLS) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not [o for cell in cells for o in cell["outputs"] if o["output_type"] == "error"]
    page.screenshot(path=screenshots / f"lab-{Path(name).stem}.png")
    assert "Error displaying widget" not in page.evaluate(SEEN)
    sliders = page.locator(SLIDERS).all()
    assert not [number for number, slider in enumerate(sliders) if not moves(slider)]
    page.wait_for_function(IDLE)
    assert page.evaluate(COMPLAINTS) == ""
    for slider in sliders[:1]:
        slider.evaluate("handle => handle.scrollIntoView({block: 'center'})")
        page.screenshot(path=screenshots / f"lab-{Path(name).stem}-widget.png")
    outside = [url for url in watched.requests if not url.startswith((lab.address, "data:", "blob:", "ws:"))]
    assert outside == []


def moves(slider) -> bool:
    """One step to the right from the keyboard, or to the left where it is at its end."""
    before = slider.evaluate(PLACE)
    for key in ("ArrowRight", "ArrowLeft"):
        slider.press(key)
        if slider.evaluate(PLACE) != before:
            return True
    return False
