"""The playground in a real JupyterLab: cells, keys, themes, and a kernel that is restarted."""

import json

import pytest

from tests.browser.driver import APP
from tests.browser.lab import open_notebook

pytestmark = pytest.mark.slow


@pytest.fixture
def page(notebook):
    """The page; nothing may go wrong on it."""
    page, watch, _ = notebook
    page.bring_to_front()
    page.wait_for_function(f"{APP}?.frame", timeout=30_000)
    yield page
    assert watch.errors == []
    assert watch.foreign == []


@pytest.fixture
def kernel(notebook):
    """What a cell of the user would see and do; the run begins anew."""
    kernel = notebook[2]
    kernel.run("p.reset()")
    return kernel


def wait(page, condition):
    page.wait_for_function(
        f"(() => {{ const {{ run, frame }} = {APP}; return {condition}; }})()", timeout=20_000
    )


def test_the_cells_have_the_present_numbers_while_it_plays(page, kernel):
    page.locator(".pg-play").first.click()
    wait(page, "frame.steps > 5")
    playing, said, again = kernel.get(
        "[p.desk.player.playing, p.model([0.5, 0.5]).data,"
        " p.session.readout.outputs([[0.5, 0.5]]).item()]"
    )
    assert playing is True
    assert said == pytest.approx(again, abs=1e-12)
    page.locator(".pg-play").first.click()
    wait(page, "!frame.playing")
    assert page.evaluate(f"[...{APP}.frame.theta]") == kernel.get(
        "[q.data for q in p.model.parameters()]"
    )


def test_a_saved_notebook_has_a_picture_of_the_last_moment(page, kernel, lab):
    picture = page.locator(".jp-OutputArea-child:has(.jp-RenderedSVG)")
    assert picture.count() == 1
    assert not picture.is_visible()  # beside the page that is live
    kernel.run("p.step()")
    wait(page, "frame.steps === 1")
    page.wait_for_function(
        "document.querySelector('.jp-RenderedSVG').innerHTML.includes('step%201')"
    )
    page.locator(".pg-net").first.focus()
    page.keyboard.press("Control+s")
    path = lab.folder / "notebooks" / "tests.ipynb"
    for _ in range(100):
        outputs = json.loads(path.read_text())["cells"][0]["outputs"]
        told = ["".join(output["data"]["text/plain"]) for output in outputs]
        if told[1:] == ["Playground at step 1"]:
            break
        page.wait_for_timeout(100)
    assert told[0].startswith("Playground(state=")
    assert told[1:] == ["Playground at step 1"]
    assert "<svg" in "".join(outputs[1]["data"]["image/svg+xml"])


def test_keys_stay_in_the_widget_and_saving_is_jupyterlab_s(page, kernel, lab):
    page.locator(".pg-net").first.focus()
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    for key in ("b", "a", "x", "d", "d", "m", "z"):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.classList.contains('pg-net')"), key
        assert page.locator(".jp-Notebook .jp-Cell").count() == cells, key
    path = lab.folder / "notebooks" / "tests.ipynb"
    before = path.stat().st_mtime_ns
    page.keyboard.press("Control+s")
    for _ in range(50):
        page.wait_for_timeout(100)
        if path.stat().st_mtime_ns != before:
            break
    assert path.stat().st_mtime_ns != before
    page.locator(".pg-net").first.focus()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.classList.contains('pg-net')")


def test_the_theme_is_jupyterlab_s(page, kernel):
    wait(page, "frame")
    for dark in (True, False):
        page.evaluate(
            "(light) => { document.body.dataset.jpThemeLight = String(light); }", not dark
        )
        page.wait_for_function(f"{APP}.root.classList.contains('pg-dark') === {str(dark).lower()}")


def test_it_fits_the_window_of_the_notebook(page, kernel):
    page.locator(".pg").first.scroll_into_view_if_needed()
    height = page.evaluate(f"{APP}.root.getBoundingClientRect().height")
    assert height <= 720


def test_another_tab_in_front_lets_it_rest(page, kernel):
    page.locator(".pg-play").first.click()
    wait(page, "frame.steps > 3")
    page.locator(".lm-DockPanel-tabBar .lm-TabBar-addButton").first.click()
    page.wait_for_selector(".jp-Launcher")
    page.wait_for_timeout(500)
    steps = kernel.get("p.session.steps")
    page.wait_for_timeout(400)
    assert kernel.get("p.session.steps") == steps
    page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab").first.click()
    wait(page, f"frame.steps > {steps}")
    page.locator(".pg-play").first.click()
    wait(page, "!frame.playing")


def test_two_playgrounds_a_closed_view_and_a_restarted_kernel(lab, context):
    page = context.new_page()
    lab.write(
        "two.ipynb",
        "from nn.playground import Playground\nSMALL = {'hidden': [3], 'n': 20}\n"
        "p = Playground(state=SMALL); p",
        "q = Playground(state=SMALL); q",
        "",
    )
    kernel = open_notebook(page, lab, "two.ipynb", cells=2)
    page.wait_for_function(
        "[...document.querySelectorAll('.pg')].filter((e) => e.playground.frame).length === 2"
    )
    for i in (0, 1):
        page.locator(".pg-play").nth(i).click()
    page.wait_for_function(
        "[...document.querySelectorAll('.pg')].every((e) => e.playground.frame.steps > 5)"
    )
    page.locator(".pg-play").nth(1).click()
    page.wait_for_function("!document.querySelectorAll('.pg')[1].playground.frame.playing")
    playing = kernel.get("[p.desk.player.playing, q.desk.player.playing]")
    assert playing == [True, False]
    page.evaluate(
        "document.querySelector('.pg').closest('.jp-Cell').querySelector('.cm-content').focus()"
    )
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.keyboard.press("d")  # the cell is deleted, its view is closed
    page.wait_for_function("document.querySelectorAll('.pg').length === 1")
    page.wait_for_timeout(300)
    assert kernel.get("p.desk.player.playing") is False
    kernel.client.shutdown(restart=True)
    page.wait_for_function("!document.querySelector('.pg-lost').hidden", timeout=30_000)
    assert page.locator(".pg-play b").text_content() == "Train"
    kernel.close()
    page.close()
