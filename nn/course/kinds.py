"""Kinds of questions: each knows how to judge an answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, Protocol, TypeAlias

from nn.course.reply import Reply, not_yet
from nn.course.safely import Empty, Mishap

Test: TypeAlias = Callable[[Any], "str | Reply | None"]  # what is said of an answer that fails
Law: TypeAlias = tuple[str, Test]


class Question(Protocol):
    """What `check` needs of a question."""

    @property
    def why(self) -> str:
        """What is said of the right answer."""

    @property
    def hints(self) -> Sequence[str]:
        """What helps, one after the other, without an answer."""

    def judge(self, answer: Any) -> Reply | None:
        """A reply that fits this very answer; None where only a general hint is left."""

    def solution(self) -> str:
        """The answer and why."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """The answer is a number; `wrong` lists numbers that one arrives at by a known slip."""

    right: float
    wrong: Sequence[tuple[float, str]]
    hints: Sequence[str]
    why: str
    tolerance: float = 1e-3

    def judge(self, answer: Any) -> Reply | None:
        """Right, a known slip, the other sign, or None."""
        answer = number_in(answer)
        if not isinstance(answer, (Real, Decimal)) or isinstance(answer, bool):
            return not_yet(f"A number is wanted here, not `{answer!r}`.")
        if near(answer, self.right, self.tolerance):
            return Reply("right", self.why)
        close = min(self.tolerance, 0.01)  # where a guess will do, a slip is still told apart
        for slip, idea in self.wrong:
            if near(answer, slip, close):
                return not_yet(idea)
        if near(answer, -self.right, close):
            return not_yet("The size is right, the sign is not.")
        return None

    def solution(self) -> str:
        """The number and why."""
        return f"{self.right:.6g}. {self.why}"


def number_in(x: Any) -> Any:
    """The number that a Value holds, a student's own or ours, or an array of one; else x."""
    if hasattr(x, "item"):
        return x.item() if x.size == 1 else x
    return getattr(x, "data", x)


def near(answer: Any, number: float, tolerance: float) -> bool:
    """Whether an answer is this number, up to a share of it."""
    try:
        return math.isclose(answer, number, rel_tol=tolerance, abs_tol=0.0 if number else 1e-9)
    except OverflowError:
        return False


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The answer is one of a few words; `wrong` says of each other word what it misses."""

    right: str
    wrong: Sequence[tuple[str, str]]
    hints: Sequence[str]
    why: str

    def judge(self, answer: Any) -> Reply:
        """Right, what the word misses, or which words there are."""
        ideas = {bare(word): not_yet(idea) for word, idea in self.wrong}
        replies = {bare(self.right): Reply("right", self.why), **ideas}
        if isinstance(answer, str) and bare(answer) in replies:
            return replies[bare(answer)]
        words = sorted([self.right, *[word for word, _ in self.wrong]])
        listed = ", ".join([f'"{word}"' for word in words])
        return not_yet(f"One of these is wanted here: {listed}.")

    def solution(self) -> str:
        """The word and why."""
        return f'"{self.right}". {self.why}'


def bare(text: str) -> str:
    """Words however they are joined and ended: "leaky_relu" and "Leaky ReLU." are one answer."""
    return " ".join(text.lower().replace("_", " ").replace("-", " ").strip(" .").split())


@dataclass(frozen=True, kw_only=True)
class Word:
    """The answer is text, judged by a property: `fault` says what is wrong with it, or None."""

    fault: Callable[[str], str | None]
    example: str
    hints: Sequence[str]
    why: str

    def judge(self, answer: Any) -> Reply:
        """Right, or the fault; a list of Values or names is as good as a text."""
        if isinstance(answer, (list, tuple)):
            answer = " ".join([getattr(part, "label", str(part)) for part in answer])
        if not isinstance(answer, str):
            return not_yet(f"Text is wanted here, in quotes, or a list, and not `{answer!r}`.")
        fault = self.fault(answer)
        return not_yet(fault) if fault else Reply("right", self.why)

    def solution(self) -> str:
        """An answer and why."""
        return f"For example `{self.example}`. {self.why}"


@dataclass(frozen=True, kw_only=True)
class Code:
    """The answer is a function, class or model; the first law that it breaks is explained."""

    laws: Sequence[Law]
    source: str
    hints: Sequence[str]
    why: str
    wanted: str = "A function"
    errors: Sequence[tuple[str, str]] = ()  # a part of what Python may say, the idea that it misses

    def judge(self, answer: Any) -> Reply:
        """Right with all laws, or the first that breaks, and what is said of it."""
        if not callable(answer):
            return not_yet(f"{self.wanted} is wanted here, not `{answer!r}`.")
        for i, (law, test) in enumerate(self.laws):
            try:
                fault = test(answer)
            except Empty as empty:
                return Reply("waiting", str(empty))
            except Mishap as mishap:
                fault = self.with_idea(str(mishap))
            except Exception as error:  # noqa: BLE001  # whatever the law could not do with it
                said = f"`{type(error).__name__}: {error}`"
                fault = f"What it gives back is of another kind than is wanted here: {said}."
            if fault:
                rows = (*[(True, held) for held, _ in self.laws[:i]], (False, law))
                reply = fault if isinstance(fault, Reply) else not_yet(fault)
                return Reply(reply.mood, reply.text, rows, reply.picture)
        return Reply("right", self.why, tuple([(True, law) for law, _ in self.laws]))

    def with_idea(self, text: str) -> str:
        """An error in words, with the idea behind it where that is known."""
        ideas = [idea for part, idea in self.errors if part in text]
        return " ".join([text, *ideas[:1]])

    def solution(self) -> str:
        """The lines that were to be written and why."""
        return f"`{self.source}`\n{self.why}"
