"""The quick layer draws fewer examples than the long one."""

from hypothesis import settings


def pytest_configure(config):
    if config.option.markexpr == "not slow":
        settings.register_profile("quick", parent=settings.default, max_examples=25)
        settings.load_profile("quick")
