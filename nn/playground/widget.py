"""The playground as a widget: messages from the page, and a loop that trains and sends frames.

The page acknowledges every frame that it has painted; at most `WINDOW` are on their way, so that
a slow page slows the training down instead of drowning in messages.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import anywidget

from nn.doctor import diagnose
from nn.given import plain
from nn.losses import LOSSES
from nn.model.mlp import MLP
from nn.playground.controls import controls
from nn.playground.session import Session
from nn.playground.state import MOST_CLASSES, MOST_POINTS, State
from nn.train.history import History
from nn.train.settings import RecipeError

STATIC = Path(__file__).parent / "static"
WINDOW = 2  # frames sent and not yet painted
PATIENCE = 5.0  # seconds without a painted frame after which training pauses: nobody watches
BUDGET = {"step": 0.0, "epoch": 0.015, "fast": 0.02}  # seconds of training in a frame
CHECKUP = 3.0  # seconds between two looks of the doctor while training
MOST_EXAMINED = 300  # examples that the doctor looks at


class Playground(anywidget.AnyWidget):
    """A tiny MLP to train, watch and steer in a notebook.

    `Playground()` starts with a model of its own, `Playground(state=...)` with the run that a
    state describes (a dict or JSON, as `playground.state` gives it), `Playground(model, X, y)`
    with one's own: an MLP of 2 inputs, points and labels. `model` is the model on screen, with
    its present numbers whenever a cell runs. Raises ValueError for what cannot be shown.
    """

    _esm = STATIC / "widget.js"
    _css = STATIC / "widget.css"

    def __init__(
        self,
        model: MLP | None = None,
        X: Iterable[Sequence[float]] | None = None,
        y: Iterable[int] | None = None,
        *,
        state: State | dict[str, Any] | str | None = None,
    ) -> None:
        if (model is None) != (X is None) or (X is None) != (y is None):
            raise ValueError("a playground of one's own needs all three: Playground(model, X, y)")
        wanted = State.of({} if state is None else state)
        if model is not None and X is not None and y is not None:
            wanted = own(wanted, model, X, y)
        self.session = Session(wanted, model)
        super().__init__()
        self.playing, self.speed, self.backward = False, "epoch", False
        self.views: set[str] = set()
        self.sent = self.painted = self.told = 0
        self.acknowledged: asyncio.Event | None = None
        self.task: asyncio.Task[None] | None = None
        self.loop = running_loop()
        self.message: dict[str, Any] = {}
        self.say("Press play.")
        self.on_msg(self.receive)

    @property
    def model(self) -> MLP:
        """The model on screen."""
        return self.session.model

    @property
    def state(self) -> dict[str, Any]:
        """What `Playground(state=...)` takes, to give this run again."""
        return self.session.state.to_dict()

    # --- What the buttons do, from Python too ---

    def play(self) -> None:
        """Train until paused; the cells below run meanwhile."""
        if self.playing:
            return
        if self.session.examples is None:
            raise ValueError("there are no points to train on: click into the plane to add some")
        loop = running_loop()
        if loop is None:
            raise RuntimeError("a playground plays in a notebook; elsewhere call step()")
        self.playing, self.painted = True, self.sent
        self.acknowledged = asyncio.Event()
        self.say("Training ...")
        if self.task is None or self.task.done():
            self.task = loop.create_task(self.run())

    def pause(self) -> None:
        """Stop training after the step that is being made."""
        if self.playing:
            self.stop()
            self.examine()
            self.send_frame()

    def stop(self) -> None:
        """End the loop, which may be waiting for the page."""
        self.playing = False
        if self.acknowledged:
            self.acknowledged.set()

    def step(self, n: int = 1) -> None:
        """Make n steps of training."""
        self.stop()
        try:
            for _ in range(n):
                self.session.step()
        except ArithmeticError as error:
            self.report(error)
        else:
            self.examine()
        self.send_frame()

    def reset(self) -> None:
        """Start over with the settings and points as they are."""
        self.stop()
        self.session.reset()
        self.say("Press play.")
        self.send_all()

    def set(self, **settings: Any) -> None:
        """Change settings, by the names in `state`."""
        if self.session.set(**settings):
            self.say("Built anew. Press play." if not self.playing else "Built anew.")
        else:
            self.say(", ".join([f"{name} is {value} now" for name, value in settings.items()]))
        self.send_all()

    # --- The loop ---

    async def run(self) -> None:
        """Train and send frames until paused, a number is not finite, or nobody watches."""
        looked = time.monotonic()
        try:
            while self.playing:
                self.advance()
                if time.monotonic() - looked > CHECKUP:
                    self.examine()
                    looked = time.monotonic()
                self.send_frame()
                await asyncio.sleep(0.001)  # other messages have their turn, Pause among them
                await self.room()
        except TimeoutError:
            self.say("Paused: nobody was watching.")
        except (ArithmeticError, ValueError) as error:
            self.report(error)
        finally:
            if self.playing:
                self.playing = False
                self.send_frame()

    def advance(self) -> None:
        """One step; then more, to the end of the epoch or of the time for a frame."""
        epoch, end = self.session.epoch, time.perf_counter() + BUDGET[self.speed]
        self.session.step()
        while time.perf_counter() < end:
            if self.speed == "epoch" and self.session.epoch > epoch:
                return
            self.session.step()

    async def room(self) -> None:
        """Wait until the page has painted enough for another frame to be sent."""
        assert self.acknowledged is not None
        while self.playing and self.sent - self.painted >= WINDOW:
            self.acknowledged.clear()
            await asyncio.wait_for(self.acknowledged.wait(), PATIENCE)

    # --- To the page ---

    def send_all(self) -> None:
        """Everything that a page needs to show the run from here on."""
        session = self.session
        self.told = 0
        self.send(
            {
                "kind": "all",
                "controls": controls(session.now),
                "sizes": [2, *session.model.sizes],
                "points": session.points(),
                "bounds": session.bounds,
                "classes": session.now.classes,
                "threshold": session.loss.threshold,
            }
        )
        self.send_frame()

    def send_frame(self) -> None:
        """The picture of this moment, and the part of the curves that is new."""
        session, told = self.session, self.told
        frame = session.frame(backward=self.backward)
        self.told = len(session.losses)
        self.sent += 1
        header = {
            "kind": "frame",
            "number": self.sent,
            "from": told,
            "train": [loss if abs(loss) < 1e300 else None for loss in session.losses[told:]],
            "test": session.test_losses[told:],
            "playing": self.playing,
            "backward": self.backward,
            "message": self.message,
            **session.summary(),
        }
        self.send(header, buffers=frame.buffers())

    def say(
        self, text: str, advice: str = "", *, units: Sequence[Any] = (), tone: str = ""
    ) -> None:
        """What stands in the margin from the next frame on."""
        self.message = {"text": text, "advice": advice, "units": list(units), "tone": tone}

    def report(self, error: Exception) -> None:
        """An error, in the margin."""
        advice = "a smaller learning rate may help; reset starts over."
        is_number = isinstance(error, ArithmeticError)
        self.say(f"Stopped: {error}", advice if is_number else "", tone="bad")

    def examine(self) -> None:
        """What the doctor says about the model and the training set."""
        session = self.session
        X, y = session.X[:MOST_EXAMINED], session.y[:MOST_EXAMINED]
        history = History(loss=[loss for loss in session.losses if loss < float("inf")])
        try:
            found = diagnose(session.model, X, y, session.loss, history=history)
        except (ArithmeticError, ValueError) as error:
            self.report(error)
            return
        if not found.findings:
            self.say(f"{found.summary[:1].upper()}{found.summary[1:]}.", tone="good")
            return
        first = found.findings[0]
        units = [
            [finding.where.layer, neuron]
            for finding in found.findings
            if finding.where and finding.kind.startswith("dead")
            for neuron in finding.where.neurons
        ]
        self.say(first.message, first.suggestion, units=units, tone="" if found.ok else "bad")

    # --- From the page ---

    def receive(self, _: Any, content: Any, buffers: Any) -> None:
        """Take a message to the thread in which cells run: JupyterLab brings it in another one."""
        if self.loop is None or self.loop is running_loop() or not self.loop.is_running():
            self.answer(content)
        else:
            self.loop.call_soon_threadsafe(self.answer, content)

    def answer(self, content: Any) -> None:
        """Do what a message asks for; what cannot be done is said on the page."""
        try:
            self.act(content)
        except (ValueError, ArithmeticError, RuntimeError) as error:
            self.say(str(error), tone="bad")
            self.send_all()
        except (KeyError, TypeError) as error:
            self.say(f"a message that was not understood: {error!r}", tone="bad")
            self.send_all()

    def act(self, content: dict[str, Any]) -> None:
        """Do what a message asks for."""
        actions: dict[str, Callable[[dict[str, Any]], Any]] = {
            "hello": self.on_hello,
            "bye": self.on_bye,
            "painted": self.on_painted,
            "play": lambda m: self.play(),
            "pause": lambda m: self.pause(),
            "step": lambda m: self.step(),
            "reset": lambda m: self.reset(),
            "set": lambda m: self.set(**m["settings"]),
            "change": self.on_change,
            "view": self.on_view,
            "graph": self.on_graph,
            "paths": self.on_paths,
            "state": lambda m: self.send({"kind": "state", "text": self.session.state.to_json()}),
            "load": self.on_load,
            "viz": lambda m: self.send({"kind": "viz"}, [(STATIC / "viz.js").read_bytes()]),
        }
        actions[content["do"]](content)

    def on_hello(self, content: dict[str, Any]) -> None:
        """A view was opened."""
        self.views.add(str(content["view"]))
        self.send_all()

    def on_bye(self, content: dict[str, Any]) -> None:
        """A view was closed; the last one ends the training."""
        self.views.discard(str(content["view"]))
        if not self.views:
            self.stop()

    def on_painted(self, content: dict[str, Any]) -> None:
        """A frame has been painted."""
        self.painted = max(self.painted, min(int(content["number"]), self.sent))
        if self.acknowledged:
            self.acknowledged.set()

    def on_change(self, content: dict[str, Any]) -> None:
        """A weight was edited, or a point was added or removed."""
        self.session.change(content["what"], content["value"])
        self.send_all()

    def on_view(self, content: dict[str, Any]) -> None:
        """Forward or backward, slow or fast."""
        if content.get("speed") in BUDGET:
            self.speed = content["speed"]
        self.backward = bool(content.get("backward", self.backward))
        self.send_frame()

    def on_graph(self, content: dict[str, Any]) -> None:
        """The graph of a neuron for a point."""
        point, layer, neuron = content["point"], content["layer"], content["neuron"]
        dot = self.session.graph(point, layer, neuron)
        self.send({"kind": "graph", "dot": dot, "point": point, "layer": layer, "neuron": neuron})

    def on_paths(self, content: dict[str, Any]) -> None:
        """The paths from a parameter to the loss of a point."""
        text = self.session.paths(content["point"], content["parameter"])
        self.send({"kind": "paths", "text": text})

    def on_load(self, content: dict[str, Any]) -> None:
        """Another run, from its state."""
        session = Session(State.of(content["text"]))
        self.stop()
        self.session = session
        self.say("Loaded. Press play.")
        self.send_all()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that this thread is in, if any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def own(state: State, model: MLP, X: Iterable[Sequence[float]], y: Iterable[int]) -> State:
    """The state of a run with a model, points and labels of one's own."""
    if not isinstance(model, MLP):
        raise TypeError(f"expected an MLP, got {type(model).__name__}")
    if model.n_in != 2:
        raise ValueError(f"the plane has 2 inputs, and the model has {model.n_in}")
    if not (isinstance(model.activation, str) and isinstance(model.output, str)):
        raise ValueError(
            "the playground knows activations by their names, one for all hidden layers, and not "
            f"{model.activation!r} with the output {model.output!r}"
        )
    rows, labels = list(plain("X", X)), list(plain("y", y))
    if len(rows) != len(labels):
        raise ValueError(f"there are {len(rows)} points and {len(labels)} labels")
    if len(rows) > MOST_POINTS:
        raise RecipeError(f"at most {MOST_POINTS:,} points, got {len(rows):,}")
    if any(len(row) != 2 for row in rows):
        raise ValueError("every point has 2 coordinates")
    if any(label not in range(-1, MOST_CLASSES) for label in labels):
        raise ValueError(f"labels are whole numbers from 0 (or -1) to {MOST_CLASSES - 1}")
    loss, output = losses_for(state, model)
    return state.replace(
        data="own",
        points=[(float(a), float(b), max(0, int(label))) for (a, b), label in zip(rows, labels)],
        hidden=list(model.sizes[:-1]),
        activation=model.activation,
        output=output,
        loss=loss,
        weights=[p.data for p in model.parameters()],
    )


def losses_for(state: State, model: MLP) -> tuple[str, str]:
    """The loss of the state where it suits the model's output, else the first that does."""
    output = str(model.output)
    many = model.sizes[-1] > 1
    suiting = [
        loss for loss, row in LOSSES.items() if output in row.outputs and many == row.of_classes
    ]
    if not suiting:
        raise ValueError(f"no loss here suits the output {output!r} of {model.sizes[-1]} neurons")
    return (state.loss if state.loss in suiting else suiting[0]), output
