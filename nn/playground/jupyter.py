"""The playground in notebooks: a widget between the page and the session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any

import anywidget

from autograd_core.files import write_whole
from nn.model.mlp import MLP
from nn.playground import still
from nn.playground.lessons import lesson_of
from nn.playground.own import own
from nn.playground.page import module, style
from nn.playground.picture import svg
from nn.playground.player import running_loop
from nn.playground.protocol import Desk, code_of
from nn.playground.session import Session
from nn.playground.state import State

RESTED = 0.7  # seconds without a picture after which the one that a notebook keeps is made anew


class Playground(anywidget.AnyWidget):
    """A tiny MLP to train, watch and steer in a notebook.

    `Playground()` starts with a model of its own, `Playground(state=...)` with the run that a
    state describes (a dict or JSON, as `playground.state` gives it), `Playground(lesson=...)` with
    one of `nn.playground.lessons.LESSONS`, `Playground(model, X, y)` with one's own: an MLP of 2
    inputs, points and labels. `model` is the model on screen, with its present numbers whenever a
    cell runs. Raises ValueError for what cannot be shown.
    """

    _esm = module()
    _css = style()

    def __init__(
        self,
        model: MLP | None = None,
        X: Iterable[Sequence[float]] | None = None,
        y: Iterable[int] | None = None,
        *,
        state: State | dict[str, Any] | str | None = None,
        lesson: str | None = None,
    ) -> None:
        if (model is None) != (X is None) or (X is None) != (y is None):
            raise ValueError("a playground of one's own needs all three: Playground(model, X, y)")
        wanted = State.of({} if state is None else state)
        if model is not None and X is not None and y is not None:
            wanted = own(wanted, model, X, y)
        self.desk = Desk(Session(wanted, model), self.tell)
        if lesson is not None:
            chosen = lesson_of(lesson)
            self.desk.take(Session(State.of(chosen.state)), chosen)
        super().__init__()
        self.loop = running_loop()
        self.kept_picture: Any = None  # the display of the picture that a notebook keeps
        self.later: asyncio.TimerHandle | None = None
        self.on_msg(self.receive)

    @property
    def session(self) -> Session:
        """The run on screen."""
        return self.desk.session

    @property
    def model(self) -> MLP:
        """The model on screen."""
        return self.session.model

    @property
    def state(self) -> dict[str, Any]:
        """What `Playground(state=...)` takes, to give this run again."""
        return self.session.state.to_dict()

    @property
    def code(self) -> str:
        """The line of Python that gives this run again."""
        return code_of(self.session.state)["code"]

    def __repr__(self) -> str:
        return self.code

    # --- What the buttons do ---

    def play(self) -> None:
        """Train until paused; the cells below run meanwhile."""
        self.desk.play()
        self.desk.flush()

    def pause(self) -> None:
        """Stop training after the step that is being made."""
        self.desk.pause()
        self.desk.flush()

    def step(self, n: int = 1) -> None:
        """Make n steps of training."""
        self.desk.step(n)
        self.desk.flush()

    def reset(self) -> None:
        """Start over with the settings and points as they are."""
        self.desk.reset()
        self.desk.flush()

    def set(self, **settings: Any) -> None:
        """Change settings, by the names in `state`."""
        self.desk.set(**settings)
        self.desk.flush()

    def undo(self) -> bool:
        """Be as before the last act; False if there was none."""
        moved = self.desk.undo()
        self.desk.flush()
        return moved

    def redo(self) -> bool:
        """Be as before the last undo; False if there was none."""
        moved = self.desk.redo()
        self.desk.flush()
        return moved

    def save(self, path: str | PathLike[str]) -> None:
        """Write the page as it is now as one HTML file, which shows it without Python."""
        write_whole(path, still.page(self.desk).encode())

    # --- Where nothing runs ---

    def _ipython_display_(self, **_: Any) -> None:
        """The page, and below it a picture, seen only where the page cannot run."""
        from IPython.display import DisplayHandle

        bundle: Any = self._repr_mimebundle_()
        DisplayHandle().display(bundle[0], metadata=bundle[1], raw=True)
        self.kept_picture = self.kept_picture or DisplayHandle()  # one for every cell that shows it
        self.kept_picture.display(self.picture(), raw=True)

    def picture(self) -> dict[str, str]:
        """The present moment, for who reads a saved notebook."""
        told = f"Playground at step {self.session.steps:,}"
        return {"image/svg+xml": svg(self.desk.frames), "text/plain": told}

    def rest(self, content: dict[str, Any]) -> None:
        """Keep the picture of a moment that has lasted for a while."""
        if self.later is not None:
            self.later.cancel()
        if self.loop is not None and not content["playing"]:
            self.later = self.loop.call_later(RESTED, self.keep)

    def keep(self) -> None:
        """The picture in the notebook is of now."""
        self.kept_picture.update(self.picture(), raw=True)

    # --- Messages ---

    def tell(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """To the pages."""
        self.send(content, list(buffers))
        if content["kind"] == "frame" and self.kept_picture is not None:
            self.rest(content)

    def receive(self, _: Any, content: Any, buffers: Any) -> None:
        """Take a message to the thread in which cells run: JupyterLab brings it in another one."""
        if self.loop is None or self.loop is running_loop() or not self.loop.is_running():
            self.desk.receive(content)
        else:
            self.loop.call_soon_threadsafe(self.desk.receive, content)
