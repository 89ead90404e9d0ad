"""The quick layer draws fewer examples than the long one; no test fills the user's cache."""

import gc
import os

import pytest
from hypothesis import settings

os.environ.setdefault("AUTOGRAD_CORE_CACHE", "")


def pytest_configure(config):
    chosen = config.getoption("--hypothesis-profile")
    if config.option.markexpr == "not slow" and not chosen:
        settings.register_profile("quick", parent=settings.default, max_examples=15)
        settings.load_profile("quick")


def pytest_collection_finish():
    """What was imported and collected stays: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def own_settings(tmp_path, monkeypatch):
    """Whatever is set up for Jupyter on this machine stays out of it."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
