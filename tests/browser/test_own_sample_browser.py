"""From an empty form to a notebook on one's own files, in a real JupyterLab, without typing a line of YAML."""

import shutil
from pathlib import Path

import pytest
from test_lab import READY, RUN

from nbtools.files.sample_card import read_sample_card
from nbtools.manifest import fetch

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

FILES = ("resistivity.dat", "zfc_fc.dat")
SOURCES = (
    "() => jupyterapp.shell.currentWidget.context.model.toJSON().cells.map(cell => cell.source).join('\\n')"
)


def test_the_front_door(lab, watched, screenshots: Path, tmp_path: Path) -> None:
    """Choose a folder, fill in the card, open the notebook, make the report; a slip is said beside its entry."""
    folder = tmp_path / "bar 7"
    folder.mkdir()
    for name in FILES:
        shutil.copy(fetch("transport-twin") / name, folder)
    page = watched.page
    page.set_default_timeout(60_000)
    page.goto(lab.url("00_start_here.ipynb"))
    page.wait_for_function(READY)
    page.evaluate(RUN)
    page.wait_for_function("window.ran", timeout=300_000)
    place = page.get_by_label("folder", exact=True)
    place.scroll_into_view_if_needed()
    place.fill(str(tmp_path))
    place.press("Enter")
    page.locator("select option", has_text="bar 7/").wait_for(state="attached")
    page.locator("select[multiple], select[size]").first.select_option("bar 7/")
    page.get_by_role("button", name="Take all files of this folder").click()
    page.get_by_text("resistivity.dat").first.wait_for()
    mass = page.get_by_label("tap distance", exact=True)
    mass.fill("2.0")
    page.get_by_text("no unit is stated").wait_for()
    mass.fill("2.0 ± 0.1 mm")
    page.get_by_text("2.00 ± 0.10 mm").first.wait_for()
    page.get_by_label("cross section", exact=True).fill("1,20 ± 0,05 mm^2")
    page.screenshot(path=screenshots / "own-sample.png")
    page.get_by_role("button", name="Open 03 transport").click()
    link = page.get_by_role("link", name="notebook 03 on these files")
    link.wait_for()
    card = read_sample_card(lab.folder / "own" / "bar-7" / "sample.yaml")
    assert card.tap_distance == pytest.approx(2e-3) and card.cross_section == pytest.approx(1.2e-6)
    page.get_by_role("button", name="Make the report").click()
    page.get_by_role("link", name="report", exact=True).wait_for(timeout=200_000)
    made = (lab.folder / "own" / "bar-7" / "report" / "index.html").read_text()
    assert "T_c 50 %" in made
    page.screenshot(path=screenshots / "own-sample-report.png")
    with page.context.expect_page() as opened:
        link.click()
    page = opened.value
    page.set_default_timeout(60_000)
    page.wait_for_function(READY)
    # The report has run these cells on these files.
    assert f"DATA = {[str(folder / name) for name in FILES]}".replace("'", '"') in page.evaluate(SOURCES)
    page.screenshot(path=screenshots / "own-sample-notebook.png")
