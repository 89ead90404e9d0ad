"""What goes over all rows in one test misses none, and says which failed; so do all processes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rows import over


@pytest.fixture
def limit():
    return 3


@over("y", [1, 2])
@over("x", {"one": 1, "two": 2})
@pytest.mark.parametrize("factor", [1, 1.5])
def test_rows_are_multiplied_and_fixtures_are_given(x, y, factor, limit):
    assert 1 <= x * y * factor <= 2 * limit


def test_all_rows_that_fail_are_named_and_none_is_left_out():
    seen = []

    @over(("x", "y"), {"right": (1, 1), "wrong": (1, 2), "none": (0, 0)})
    def look(x, y):
        seen.append((x, y))
        if not x:
            pytest.fail("there is none")
        assert x == y

    with pytest.raises(BaseExceptionGroup, match="2 of 3 rows") as failed:
        look()
    assert seen == [(1, 1), (1, 2), (0, 0)]
    notes = [error.__notes__ for error in failed.value.exceptions]
    assert notes == [[f"where ('x', 'y') is '{name}'"] for name in ("wrong", "none")]


LEAKS = """
def test_leaks(tmp_path):
    ring = [open(tmp_path / "left", "w")]
    ring.append(ring)
"""


@pytest.mark.slow
@pytest.mark.parametrize("processes", [0, 2])
def test_what_was_never_closed_fails_the_run(processes, tmp_path):
    shutil.copy(Path(__file__).parent / "conftest.py", tmp_path)
    (tmp_path / "test_it.py").write_text(LEAKS)
    command = [sys.executable, "-m", "pytest", "-W", "error", "-n", str(processes), str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "1 passed" in run.stdout
    assert "unclosed file" in run.stderr
