"""The quick layer draws fewer examples than the long one."""

from hypothesis import settings


def pytest_configure(config):
    chosen = config.getoption("--hypothesis-profile")
    if config.option.markexpr == "not slow" and not chosen:
        settings.register_profile("quick", parent=settings.default, max_examples=25)
        settings.load_profile("quick")
