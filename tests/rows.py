"""Tests of a millisecond a row: to start each and to tell of it costs more than what it does."""

import inspect
from collections.abc import Mapping
from functools import wraps

import pytest


def over(names, rows):
    """As `pytest.mark.parametrize`, but one test goes over all rows.

    Those that fail are raised together, and each says which row it is of; in a dict, by its key.
    """
    rows = list(rows.items() if isinstance(rows, Mapping) else [(row, row) for row in rows])
    assert rows

    def over_rows(test):
        @wraps(test)
        def on_all(**fixtures):
            failed = []
            for name, row in rows:
                try:
                    test(**fixtures, **cells(names, row))
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 (it is raised)
                    error.add_note(f"where {names} is {name!r:.300}")
                    failed.append(error)
            if failed:
                raise BaseExceptionGroup(f"{len(failed)} of {len(rows)} rows", failed)

        asked = inspect.signature(test).parameters.values()
        own = cells(names, rows[0][1])
        on_all.__signature__ = inspect.Signature([p for p in asked if p.name not in own])
        return on_all

    return over_rows


def cells(names, row):
    """A row by the names of its columns, or of its one."""
    return {names: row} if isinstance(names, str) else dict(zip(names, row, strict=True))
