"""The quick layer draws fewer examples than the long one; no test fills the user's cache."""

import os

from hypothesis import settings

os.environ.setdefault("AUTOGRAD_CORE_CACHE", "")


def pytest_configure(config):
    chosen = config.getoption("--hypothesis-profile")
    if config.option.markexpr == "not slow" and not chosen:
        settings.register_profile("quick", parent=settings.default, max_examples=25)
        settings.load_profile("quick")
