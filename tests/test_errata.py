"""Every erratum of the course's documents is decided by numbers: the engine's, right, printed."""

import numpy as np

from nn.course import errata
from tests.rows import over

ROWS = [(group.__name__, row) for group in errata.GROUPS for row in group()]


@over(("group", "row"), ROWS)
def test_the_engine_agrees_with_what_must_be_and_not_with_what_is_printed(group, row):
    assert row.is_decided, (row.by_engine, row.by_right, row.by_printed)


def test_a_row_is_undecided_where_both_agree_or_neither():
    for by_right, by_printed in ((1.0, 1.0), (2.0, 3.0), ("2 × 2", 1.0)):
        assert not errata.Erratum("", "", "", 1.0, by_right, by_printed).is_decided


def test_the_table_shows_all_three_numbers_of_each_row():
    table = errata.Errata([errata.Erratum("p", "a", "$b$", 0.25, np.array([1.0, np.inf]), "2 × 3")])
    assert table._repr_markdown_().endswith("| p | a | ${b}$ | 0.2500 | (1, ∞) | 2 × 3 |")
