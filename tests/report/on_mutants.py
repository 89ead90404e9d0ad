"""A pytest plugin for runs on mutants: each test as if it were the first, the quick ones first.

mutmut forks every run from one process that has run all tests before. What that process has
remembered of the source would hide what a mutant does, so it is forgotten before each test.
"""

import json
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from autograd_core.compiler.gradient import rule_of

# The first failure will do: no smaller example is looked for, and the examples are always the same.
FAIL_FAST = [Phase.explicit, Phase.generate]
settings.register_profile(
    "mutants", phases=FAIL_FAST, max_examples=20, derandomize=True, database=None
)

# Left out, for they are half of all the time: graphs as large as a mutant makes no other.
LARGEST = (
    "a_million_nodes_deep",
    "micrograds_demo",
    "a_convolution_is_one_product",
    "a_long_",
    "any_operands_in_any_order",
)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    rule_of.cache_clear()


def pytest_collection_modifyitems(items):
    """Put the quickest tests first, as measured by mutmut, and leave out the largest graphs."""
    items[:] = [item for item in items if not any(size in item.name for size in LARGEST)]
    measured = Path("mutmut-stats.json")
    if measured.exists():
        seconds = json.loads(measured.read_text(encoding="utf-8"))["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))
