"""The animation in a real browser: no errors, and what the keys and buttons show."""

import shutil

import pytest

from autograd_core import Value, animate

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

if not CHROMIUM:
    pytest.skip("there is no Chromium to open the page in", allow_module_level=True)
playwright = pytest.importorskip(
    "playwright.sync_api", reason="Playwright, which drives the browser, is not installed"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=CHROMIUM, headless=True, args=FLAGS
        )
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Opens HTML in a page, which must stay free of errors."""
    page, errors = browser.new_page(), []
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))

    def open_html(html):
        (tmp_path / "page.html").write_text(html, "utf-8")
        page.goto((tmp_path / "page.html").as_uri())
        return page

    yield open_html
    page.close()
    assert errors == []


def doubled_twice():
    a = Value(1.0, "a <b>")
    b = a + a
    b.label = "b"
    c = b + b
    c.label = "c"
    return c


def grads(page):
    return page.locator(".grad").all_text_contents()


def test_keys_go_through_the_steps_both_ways(opened):
    page = opened(animate(doubled_twice()).html)
    assert sorted(grads(page)) == ["grad 1", "grad –", "grad –"]
    seen = [page.locator("#said").inner_text()]
    for _ in range(5):
        page.keyboard.press("ArrowRight")
        seen.append(page.locator("#said").inner_text())
    assert seen[4] == "b passes 2 · 1 = 2 to a <b>: grad of a <b> 2 + 2 = 4"
    assert seen[5] == "Done: every gradient is right."
    for said in reversed(seen[:-1]):
        page.keyboard.press("ArrowLeft")
        assert page.locator("#said").inner_text() == said
    page.keyboard.press("End")
    assert sorted(grads(page)) == ["grad 1", "grad 2", "grad 4"]
    page.keyboard.press("Home")
    assert page.locator("#count").inner_text() == "start"


def test_the_edge_and_its_values_are_marked(opened):
    page = opened(animate(doubled_twice()).html)
    page.locator("#next").click()
    for part in ("#v2.from", "#v1.to", "#op2.now", "#e2_0.now"):
        assert page.locator(part).count() == 1
    assert page.locator(".node.ready").count() == 0
    page.locator("#next").click()
    assert page.locator("#v1.to.ready").count() == 1


def test_what_is_passed_on_points_back(opened):
    page = opened(animate(doubled_twice()).html)
    page.locator("#next").click()
    tips = page.evaluate(
        "[...document.querySelectorAll('.blame')].map(h => h.points[0].x < h.points[1].x)"
    )
    assert tips == [True, True]  # the tip is on the left, where the operands are
    page.locator("#last").click()
    assert page.locator(".blame").count() == 0


def test_a_wrong_order_shows_what_the_number_should_be(opened):
    page = opened(animate(doubled_twice(), order="depth-first").html)
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert page.locator("#v0.wrong .grad").text_content() == "grad 6, not 4"
    assert page.locator("#fault").inner_text() == "Counted twice: b has passed it on before."
    page.keyboard.press("ArrowLeft")
    assert page.locator(".node.wrong").count() == 0


def test_gradients_fit_into_their_boxes(opened):
    page = opened(animate(doubled_twice(), order="depth-first").html)
    page.keyboard.press("End")
    for i in range(3):
        box = page.locator(f"#v{i} .frame").bounding_box()
        text = page.locator(f"#v{i} .grad").bounding_box()
        assert box["x"] <= text["x"]
        assert text["x"] + text["width"] <= box["x"] + box["width"]


def test_play_runs_to_the_end_and_space_pauses(opened):
    page = opened(animate(doubled_twice()).html)
    page.keyboard.press(" ")
    assert page.locator("#play").inner_text() == "Pause"
    page.keyboard.press(" ")
    assert page.locator("#play").inner_text() == "Play"
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.locator("#play").click()
    page.wait_for_function("document.getElementById('count').textContent === 'end'")
    assert page.locator("#play").inner_text() == "Play"


def test_the_frame_of_a_notebook_runs(opened):
    page = opened(f"<!DOCTYPE html>{animate(doubled_twice())._repr_html_()}")
    frame = page.frame_locator("iframe")
    frame.locator("#next").click()
    page.keyboard.press("ArrowRight")
    assert frame.locator("#count").inner_text() == "step 2 of 4"


@pytest.mark.parametrize("order", ["topological", "depth-first"])
def test_the_frame_of_a_notebook_is_as_high_as_its_content(opened, order):
    page = opened(f"<!DOCTYPE html>{animate(doubled_twice(), order=order)._repr_html_()}")
    page.frame_locator("iframe").locator("#last").click()
    for width in (390, 700, 1000):
        page.set_viewport_size({"width": width, "height": 800})
        free = page.frames[1].evaluate(
            "innerHeight - document.getElementById('legend').getBoundingClientRect().bottom"
        )
        picture = page.frame_locator("iframe").locator("#picture").bounding_box()["height"]
        assert picture >= page.frame_locator("iframe").locator("svg").bounding_box()["height"]
        assert 0 <= free <= 100
