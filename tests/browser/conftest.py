"""One JupyterLab, one Chromium, one notebook and one page alone for all browser tests.

They end with this package: meanwhile, Playwright keeps an event loop running in this thread.
"""

import os

import pytest

from tests.browser.alone import Alone
from tests.browser.driver import Driver
from tests.browser.lab import Lab, Watch, browser, missing, open_notebook

SETTINGS = {"hidden": [4, 3], "n": 40, "batch": 32, "seed": 1}
CELL = f"from nn.playground import Playground\np = Playground(state={SETTINGS})\np"


@pytest.fixture(scope="package")
def lab(tmp_path_factory):
    stop_without_browser()
    lab = Lab(tmp_path_factory.mktemp("lab"))
    with lab.running():
        yield lab


@pytest.fixture(scope="package")
def context(tmp_path_factory):
    stop_without_browser()
    with browser(tmp_path_factory.mktemp("profile")) as context:
        yield context


def stop_without_browser():
    if reason := missing():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="package")
def alone():
    with Alone(SETTINGS).running() as alone:
        yield alone


@pytest.fixture(scope="package")
def opened(alone, context):
    page = context.new_page()
    watch = Watch(page)
    page.goto(alone.address)
    yield Driver(page, alone), watch
    page.close()


@pytest.fixture
def play(opened, alone):
    """The page with a run that has just begun; nothing may go wrong on it."""
    driver, watch = opened
    driver.begin(SETTINGS)
    yield driver
    assert watch.errors == []
    assert watch.foreign == []


@pytest.fixture(scope="package")
def notebook(lab, context):
    """The page of a notebook, its watch, and its kernel, in which `p` is the playground."""
    page = context.new_page()
    watch = Watch(page)
    lab.write("tests.ipynb", CELL, "q = Playground(state={'hidden': [3], 'n': 10}); q")
    kernel = open_notebook(page, lab, "tests.ipynb")
    yield page, watch, kernel
    kernel.close()
