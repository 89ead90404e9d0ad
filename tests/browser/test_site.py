"""The documentation as a site, in a real browser, at the widths of a desk and of a phone."""

import re
import subprocess
import sys
from importlib import import_module

import pytest

from tests.browser.lab import Watch
from tests.browser.served import served

pytest.importorskip("sphinx", reason="the site needs Sphinx: pip install '.[docs]'")
pytest.importorskip("playwright", reason="Playwright, which drives the browser, is not installed")

from tools.site.places import ROOT
from tools.site.public import entries

pytestmark = pytest.mark.slow
WIDTHS = {"desk": 1280, "phone": 390}
PAGES = [  # one of each kind
    "index.html",
    "tour.html",
    "course/index.html",
    "course/02_the_chain_rule.html",
    "course/notation.html",
    "guide/training.html",
    "api/nn.html",
    "source/nn.html",
    "source/autograd_core/engine.py.html",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder, built by the command, which ends well if no word of warning was said."""
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "tools.site", site]
    said = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr
    return site


@pytest.fixture(scope="module")
def address(site):
    with served(site) as server:
        yield server.address


@pytest.fixture(params=WIDTHS)
def visit(request, context, address):
    """Opens a page, on which nothing may go wrong nor come from elsewhere."""
    page = context.new_page()
    watch = Watch(page)
    page.set_viewport_size({"width": WIDTHS[request.param], "height": 800})

    def opened(path):
        page.goto(f"{address}{path}")
        return page

    yield opened
    page.close()
    assert (watch.errors, watch.foreign) == ([], [])


def test_every_public_name_has_an_entry(site):
    for page in (ROOT / "docs" / "api").glob("*.rst"):
        (name,) = re.findall(r"public:: (\S+)", page.read_text("utf-8"))
        text = (site / "api" / f"{page.stem}.html").read_text("utf-8")
        for entry in entries(import_module(name)):
            assert f'id="{name}.{entry}"' in text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_its_width(visit, path):
    page = visit(path)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_graphs_are_as_large_on_a_phone_as_on_a_desk(visit):
    graphs = visit("course/02_the_chain_rule.html").locator(".cell_output img[src$='.svg']")
    graphs.first.wait_for()
    sizes = graphs.evaluate_all("(all) => all.map((e) => [e.clientWidth, e.naturalWidth])")
    assert len(sizes) == 3
    assert [shown for shown, drawn in sizes if shown < min(drawn, 700)] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_picture_of_the_playground_is_of_the_theme(visit, scheme):
    page = visit("index.html")
    page.emulate_media(color_scheme=scheme)
    shown = page.locator("img[src*='playground']:visible")
    assert [name.endswith("dark.png") for name in sources(shown)] == [scheme == "dark"]


def sources(pictures):
    return [picture.get_attribute("src") for picture in pictures.all()]


def test_the_table_of_primitives_is_seen_whole_on_a_desk(visit):
    page = visit("guide/primitives.html")
    page.set_viewport_size({"width": WIDTHS["desk"], "height": 800})
    hidden = "(all) => all.map((e) => e.scrollWidth - e.clientWidth)"
    assert page.locator(".table-wrapper").evaluate_all(hidden) == [0]


def test_formulas_are_drawn(visit):
    page = visit("course/02_the_chain_rule.html")
    written = page.locator(".math").count()
    assert written > 50
    page.wait_for_function(
        "n => document.querySelectorAll('mjx-container svg').length >= n", arg=written
    )
    assert page.locator("[data-mjx-error]").count() == 0


def test_tables_that_cells_show_are_tables(visit):
    page = visit("course/10_questions_notation_errata.html")
    assert page.locator(".cell_output table").count() == 8
    assert "${" not in page.locator("article").inner_text()


def test_the_search_finds_backward(visit):
    page = visit("search.html?q=backward")
    found = page.locator("#search-results li a")
    found.first.wait_for()
    assert any("autograd_core.Value.backward" in link for link in hrefs(found))


def hrefs(links):
    return [link.get_attribute("href") for link in links.all()]
