"""The quick layer draws fewer examples than the long one; no test fills the user's cache."""

import gc
import os
import sys
from importlib.util import find_spec

import pytest
from hypothesis import settings

os.environ.setdefault("AUTOGRAD_CORE_CACHE", "")


def pytest_configure(config):
    if not config.getoption("--hypothesis-profile"):
        few = {"max_examples": 10} if config.option.markexpr == "not slow" else {}
        settings.register_profile("ours", deadline=None, **few)  # machines are busy at times
        settings.load_profile("ours")


def pytest_collection_modifyitems(items):
    """What needs packages of an extra is left out without them; `pytest -m needs` is all of it."""
    for item in items:
        wanted = [package for mark in item.iter_markers("needs") for package in mark.args]
        if absent := [package for package in wanted if find_spec(package) is None]:
            item.add_marker(pytest.mark.skip(reason=f"not installed: {', '.join(absent)}"))


def pytest_collection_finish():
    """What was imported and collected stays: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def settled():
    """So does what other files have imported and made."""
    gc.freeze()


UNCLOSED = []  # what each process says of garbage that should have been closed


def pytest_sessionfinish(session):
    """Garbage of all tests is looked at once: what was never closed is said, and fails the run."""
    before, sys.unraisablehook = sys.unraisablehook, lambda x: UNCLOSED.append(str(x.exc_value))
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    sys.unraisablehook = before
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["unclosed"] = UNCLOSED
    elif UNCLOSED:
        print("", *UNCLOSED, sep="\n", file=sys.stderr)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """A process that ran tests beside others hands on what it has to say."""
    UNCLOSED.extend(getattr(node, "workeroutput", {}).get("unclosed", []))


@pytest.fixture
def own_settings(tmp_path, monkeypatch):
    """Whatever is set up for Jupyter on this machine stays out of it."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
