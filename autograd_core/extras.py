"""Packages that need not be there: who needs one says so where it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

DISTRIBUTED_AS = {"sklearn": "scikit-learn"}  # packages that pip knows by another name


@contextmanager
def needing(package: str, who: str) -> Iterator[None]:
    """Meanwhile, as a context or a decorator: ImportError that says how to get a missing package.

    >>> with needing("antigravity3", "flying"):
    ...     import antigravity3
    Traceback (most recent call last):
    ImportError: flying needs the package antigravity3: pip install antigravity3
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        known = DISTRIBUTED_AS.get(package, package)
        said = f"{who} needs the package {known}: pip install {known}"
        raise ImportError(said, name=error.name) from None
