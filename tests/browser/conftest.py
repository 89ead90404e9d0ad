"""One JupyterLab, one Chromium and one notebook for all browser tests.

They end with this package: meanwhile, Playwright keeps an event loop running in this thread.
"""

import os

import pytest

from tests.browser.lab import Lab, Watch, browser, missing, open_notebook

SETTINGS = {"hidden": [4, 3], "n": 40, "batch": 32, "seed": 1}
CELL = f"from nn.playground import Playground\np = Playground(state={SETTINGS})\np"


@pytest.fixture(scope="package")
def lab(tmp_path_factory):
    if reason := missing():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    lab = Lab(tmp_path_factory.mktemp("lab"))
    with lab.running():
        yield lab


@pytest.fixture(scope="package")
def context(lab):
    with browser(lab.folder / "profile") as context:
        yield context


@pytest.fixture(scope="package")
def notebook(lab, context):
    """The page, its watch, and its kernel, in which `p` is the playground on screen."""
    page = context.new_page()
    watch = Watch(page)
    lab.write("tests.ipynb", CELL, "q = Playground(state={'hidden': [3], 'n': 10}); q")
    kernel = open_notebook(page, lab, "tests.ipynb")
    yield page, watch, kernel
    kernel.close()


@pytest.fixture
def page(notebook):
    """The page with a run that has just begun; nothing may go wrong on it."""
    page, watch, kernel = notebook
    kernel.run(
        f"p.receive(p, {{'do': 'load', 'text': p.session.now.of({SETTINGS}).to_json()}}, [])"
    )
    page.wait_for_function("document.querySelector('.pg-message').textContent.includes('Loaded')")
    page.locator(".pg-bar").first.scroll_into_view_if_needed()
    yield page
    assert watch.errors == []
    assert watch.foreign == []


@pytest.fixture
def kernel(notebook):
    """What a cell of the user would see and do."""
    return notebook[2]
