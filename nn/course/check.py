"""`check("01.3", answer)`: right, or a sentence that names the missing idea.

A question is a function in a module `nn.course.questions.n01`, called when it is asked: so the
engine computes the right answer, and no notebook holds it.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from nn.course.kinds import Question
from nn.course.reply import Reply, not_yet

EMPTY = "Put your answer in place of the three dots and run this cell again."
GIVEN: Counter[str] = Counter()  # how many hints each question has given
TRIED: set[str] = set()


def find(key: str) -> Question:
    """The question of a number: "01.3" is made by n01.questions["01.3"]."""
    number = str(key).partition(".")[0].zfill(2)
    notebook = f"nn.course.questions.n{number}"
    try:
        questions = importlib.import_module(notebook).questions
    except ModuleNotFoundError as error:
        if error.name != notebook:  # something else is missing, such as NumPy
            raise
        raise LookupError(f"There is no notebook {number!r} with questions.") from None
    if key not in questions:
        raise LookupError(f"There is no question {key}: there are {', '.join(questions)}.")
    question: Question = questions[key]()
    return question


def check(question: str, answer: Any = ...) -> Reply:
    """Judge an answer; a wrong one gets the idea that it misses, or else the next hint.

    >>> check("01.3", 3)
    Not yet. You followed the path through c only; a reaches d directly, too.
    """
    asked = find(question)
    if answer is ...:
        return Reply("waiting", EMPTY)
    TRIED.add(question)
    return asked.judge(answer) or not_yet(next_hint(question, asked.hints))


def hint(question: str) -> Reply:
    """The next hint, without an answer; after the last one, the last again."""
    return Reply("waiting", next_hint(question, find(question).hints))


def next_hint(question: str, hints: Sequence[str]) -> str:
    """One hint more than the last time."""
    n = min(GIVEN[question], len(hints) - 1)
    GIVEN[question] += 1
    more = "" if n + 1 < len(hints) else f' (That was the last hint; `reveal("{question}")` tells.)'
    return f"Hint {n + 1} of {len(hints)}: {hints[n]}{more}"


def reveal(question: str) -> Reply:
    """The answer and why, for those who have tried."""
    asked = find(question)
    if question not in TRIED:
        try_it = f'`check("{question}", ...)` with anything you believe'
        return Reply("waiting", f"Try once first: {try_it}.")
    return Reply("right", asked.solution())
