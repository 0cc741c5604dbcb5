"""Slider → new pixels in a real JupyterLab: ours, ours with auto-refit, and ipympl in the same run."""

import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from browser.conftest import browser, lab, watched  # noqa: F401  the fixtures of the browser tests
from peers import python_beside_ours

STEPS = 40
DATA = """import lmfit, numpy as np
x = np.linspace(0, 10, 500)
y = 3 * np.exp(-(x - 4) ** 2 / 1.28) + 0.5 + 0.05 * np.random.default_rng(0).normal(size=500)
model = lmfit.models.GaussianModel(prefix="g_") + lmfit.models.ConstantModel()
"""
OURS = (
    DATA
    + """from nbtools.fitting.widget import FitWidget
widget = FitWidget(model, x, y, sigma=0.05).change(auto_refit={refit})
widget"""
)
PEER = (
    "%matplotlib widget\n"
    + DATA
    + """import matplotlib.pyplot as plt, ipywidgets
figure, axes = plt.subplots(figsize=(7, 4))
axes.plot(x, y, ".")
params = model.make_params(g_amplitude=6, g_center=4, g_sigma=0.8, c=0.5)
line, = axes.plot(x, model.eval(params, x=x))
def move(center):
    params["g_center"].value = center
    line.set_ydata(model.eval(params, x=x))
    figure.canvas.draw_idle()
ipywidgets.interact(move, center=ipywidgets.FloatSlider(min=0, max=8, step=0.008, value=4))"""
)
# What is drawn, as text: the model's path, or a small copy of the canvas. Looked at once per frame.
DRAWN = {
    "bqplot": "[...document.querySelectorAll('.bqplot.figure path.line')].map(p => p.getAttribute('d')).join()",
    "canvas": """(() => { const from = [...document.querySelectorAll('.jupyter-matplotlib canvas')][0];
        const to = new OffscreenCanvas(from.width / 4, from.height / 4), pen = to.getContext('2d');
        pen.drawImage(from, 0, 0, to.width, to.height);
        return pen.getImageData(0, 0, to.width, to.height).data.join(); })()""",
}
STEP = """async (drawn) => {
    const handle = [...document.querySelectorAll('.noUi-handle')][%d];
    const before = eval(drawn), start = performance.now();
    handle.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', keyCode: 39, bubbles: true}));
    while (performance.now() - start < 3000) {
        await new Promise(requestAnimationFrame);
        if (eval(drawn) !== before) return performance.now() - start;
    }
    return 3000;
}"""


@pytest.fixture(scope="module")
def lab_with_peers(request: pytest.FixtureRequest) -> Iterator[object]:
    """JupyterLab from an environment that has all of ours and ipympl besides."""
    python = python_beside_ours("ipympl", "ipympl", "jupyterlab")
    folder = python.parent.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", f"{folder / 'share/jupyter'}:{Path(sys.prefix) / 'share/jupyter'}")
        patch.setattr(sys, "executable", str(python))
        yield request.getfixturevalue("lab")


def latencies(lab, watched, cell: str, name: str, *, slider: int, drawn: str) -> list[float]:  # noqa: F811
    """Milliseconds of each step of the slider, from the key to the frame in which the curve is another."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)], metadata=kernel)
    nbformat.write(notebook, lab.folder / name)
    page = watched.page
    page.set_default_timeout(60_000)
    page.goto(lab.url(name))
    page.wait_for_function("window.jupyterapp && jupyterapp.shell.currentWidget?.sessionContext")
    page.evaluate(
        "async () => { await jupyterapp.restored; const p = jupyterapp.shell.currentWidget;"
        " await p.context.ready; await p.sessionContext.ready; }"
    )
    page.evaluate("async () => await jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_selector(".noUi-handle")
    page.wait_for_timeout(3000)
    found = []
    for _ in range(STEPS + 5):
        found.append(page.evaluate(STEP % slider, DRAWN[drawn]))
        page.wait_for_timeout(120)
    return found[5:]


def said(name: str, found: list[float]) -> tuple[float, float]:
    median, ninety_five = statistics.median(found), statistics.quantiles(found, n=20)[-1]
    print(f"{name}: median {median:.0f} ms, 95 % {ninety_five:.0f} ms of {len(found)} steps")
    return median, ninety_five


def test_slider_to_pixels(lab_with_peers, watched) -> None:  # noqa: F811
    """Median ≤ 100 ms, 95 % ≤ 180 ms; with auto-refit ≤ 200 ms; at least twice as quick as ipympl."""
    measure = latencies
    ours, tail = said(
        "ours",
        measure(lab_with_peers, watched, OURS.format(refit=False), "a.ipynb", slider=1, drawn="bqplot"),
    )
    refit, _ = said(
        "refit",
        measure(lab_with_peers, watched, OURS.format(refit=True), "b.ipynb", slider=1, drawn="bqplot"),
    )
    peer, _ = said("ipympl", measure(lab_with_peers, watched, PEER, "c.ipynb", slider=0, drawn="canvas"))
    assert ours <= 100
    assert tail <= 180
    assert refit <= 200
    assert peer >= 2 * ours
