"""The playground as a page of its own, its session in this process: numbers can be compared."""

import asyncio
import threading
from contextlib import contextmanager

from nn.playground.protocol import Desk
from nn.playground.session import Session
from nn.playground.state import State
from nn.playground.web import serve


class Alone:
    """A served playground: `desk` is asked in the thread in which it lives."""

    def __init__(self, state):
        self.state, self.ready = state, threading.Event()
        self.address = ""

    def run(self):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.task = self.loop.create_task(serve(self.desk_of, 0, browser=False, said=self.said))
        try:
            self.loop.run_until_complete(self.task)
        except asyncio.CancelledError:
            pass
        finally:
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

    def desk_of(self, send):
        self.desk = Desk(Session(State.of(self.state)), send)
        return self.desk

    def said(self, text, **_):
        self.address = text.split()[4]
        self.ready.set()

    def ask(self, f):
        """What a function of the desk says, in the desk's own thread."""
        asked = asyncio.run_coroutine_threadsafe(self.asked(f), self.loop)
        return asked.result(20)

    async def asked(self, f):
        result = f(self.desk)
        self.desk.flush()
        return result

    @contextmanager
    def running(self):
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        assert self.ready.wait(20)
        try:
            yield self
        finally:
            self.loop.call_soon_threadsafe(self.task.cancel)
            thread.join(20)
