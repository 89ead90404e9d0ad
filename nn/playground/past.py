"""Undo and redo, for everything that is done to a session."""

from __future__ import annotations

from typing import Any

from nn.playground.session import Session

MOST_UNDONE = 100


class Past:
    """What a session was before each act, and, after an undo, what it was undone from.

    >>> from nn.playground.state import State
    >>> session = Session(State.of({"n": 20}))
    >>> past = Past(session)
    >>> past.mark()
    True
    >>> session.step()
    >>> past.undo(), session.steps, past.redo(), session.steps
    (True, 0, True, 1)
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.before: list[dict[str, Any]] = []
        self.after: list[dict[str, Any]] = []
        self.gesture: Any = None

    def mark(self, gesture: Any = None) -> bool:
        """Keep what is now, before an act; acts of one gesture are one. Whether it is a new one."""
        if gesture is not None and gesture == self.gesture:
            return False
        self.gesture, self.after = gesture, []
        self.before = [*self.before[1 - MOST_UNDONE :], self.session.save()]
        return True

    def forget(self) -> None:
        """Drop what was kept last: the act was none."""
        self.gesture = None
        self.before.pop()

    def undo(self) -> bool:
        """Be as before the last act; False if there was none."""
        return self.move(self.before, self.after)

    def redo(self) -> bool:
        """Be as before the last undo; False if there was none, or something was done since."""
        return self.move(self.after, self.before)

    def move(self, source: list[dict[str, Any]], target: list[dict[str, Any]]) -> bool:
        """Go back to what was kept last in one list, and keep what is now in the other."""
        self.gesture = None
        if not source:
            return False
        target.append(self.session.save())
        self.session.restore(source.pop())
        return True
