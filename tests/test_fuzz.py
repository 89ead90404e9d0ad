"""Random programs, compiled against eager; `python -m tests.report fuzz` tries 20,000."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import Outcome, RandomProgram, check, seeded
from tests.report import fuzz


@settings(max_examples=24)
@given(st.randoms(use_true_random=False))
def test_a_random_program_has_the_numbers_of_eager(source):
    program = RandomProgram(source)
    assert check(program).agrees, program


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(400))
def test_the_program_of_a_seed_has_the_numbers_of_eager(seed):
    program = seeded(seed)
    assert check(program).agrees, program


def test_a_seed_is_always_the_same_program():
    program, again = seeded(3), seeded(3)
    check(program)
    check(again)
    assert program.choices.drawn == again.choices.drawn
    assert repr(program) == repr(again)


def test_the_report_counts_programs_and_names_those_that_differ():
    answers = [(3, check(seeded(3))), (4, "TypeError: no"), (5, Outcome(worst=1e-3))]
    whole, wrong = fuzz.summed(answers)
    assert wrong == ["seed 4: TypeError: no", "seed 5: apart by 1.0e-03"]
    assert whole.compared == answers[0][1].compared
    assert whole.worst == 1e-3
