"""Training that goes on by itself, picture by picture, as fast as they are painted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

WINDOW = 2  # frames sent and not yet painted: a slow page slows the training down
PATIENCE = 5.0  # seconds without a painted frame after which training pauses: nobody watches


@dataclass(frozen=True, slots=True)
class Speed:
    """How much is trained between two pictures: steps at most, seconds at most, then a rest."""

    text: str
    steps: float = 1
    seconds: float = 1.0
    rest: float = 0.0


SPEEDS = (
    Speed("5 steps a second", rest=0.19),
    Speed("1 step a picture"),
    Speed("10 steps a picture", 10, 0.017),
    Speed("as many as there is time for", float("inf"), 0.017),
)


class Player:
    """Trains a session in the background until stopped; `show` is called after some steps.

    `ended` is called with what ended it: an error, or None where nobody watches.
    """

    def __init__(
        self,
        step: Callable[[], None],
        show: Callable[[], None],
        ended: Callable[[Exception | None], None],
    ) -> None:
        self.step, self.show, self.ended = step, show, ended
        self.speed, self.playing, self.awake = SPEEDS[1], False, True
        self.sent = self.painted = 0
        self.heard: asyncio.Event | None = None
        self.task: asyncio.Task[None] | None = None

    @property
    def has_room(self) -> bool:
        """Whether another frame may be sent."""
        return self.sent - self.painted < WINDOW

    def play(self) -> None:
        """Begin; RuntimeError where there is no loop to play in."""
        loop = running_loop()
        if loop is None:
            raise RuntimeError("a playground plays in a notebook; elsewhere call step()")
        self.playing, self.heard = True, asyncio.Event()
        if self.task is None or self.task.done():
            self.task = loop.create_task(self.run())

    def stop(self) -> None:
        """End after the step that is being made."""
        self.playing = False
        self.hear()

    def acknowledge(self, number: int) -> None:
        """A frame was painted."""
        self.painted = max(self.painted, min(number, self.sent))
        self.hear()

    def hear(self) -> None:
        """Wake the loop, which may be waiting for the page."""
        if self.heard:
            self.heard.set()

    async def run(self) -> None:
        """Train and show until stopped, a number is not finite, or nobody watches."""
        try:
            while self.playing:
                self.advance()
                self.show()
                await asyncio.sleep(max(0.001, self.speed.rest))  # others have their turn
                await self.room()
        except TimeoutError:
            self.end(None)
        except (ArithmeticError, ValueError) as error:
            self.end(error)

    def end(self, error: Exception | None) -> None:
        """Stop by itself."""
        self.playing = False
        self.ended(error)

    def advance(self) -> None:
        """The steps of one picture, one at least."""
        end, made = time.perf_counter() + self.speed.seconds, 0
        while made < self.speed.steps and (not made or time.perf_counter() < end):
            self.step()
            made += 1

    async def room(self) -> None:
        """Wait until the page has painted enough, and is seen."""
        assert self.heard is not None
        while self.playing and not (self.has_room and self.awake):
            self.heard.clear()
            await asyncio.wait_for(self.heard.wait(), PATIENCE if self.awake else None)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that this thread is in, if any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
