"""What a page and a session say to each other: a message in, messages out.

A message is a dict that JSON can write; those to the page may bring arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from nn.doctor import diagnose
from nn.losses import LOSSES
from nn.playground.controls import described, named
from nn.playground.frames import Frames, packed
from nn.playground.lessons import Lesson, lesson_of
from nn.playground.past import Past
from nn.playground.player import SPEEDS, Player
from nn.playground.readout import Look
from nn.playground.session import Session
from nn.playground.state import LIVE, State, point
from nn.train.history import History

MOST_EXAMINED = 300  # examples that the doctor looks at
ENTERED = 50  # points of the curve of the loss, of many steps at once
WIDEST = 1e7  # where the curve of a weight may reach


class Send(Protocol):
    """Takes a message, and arrays as bytes, to the pages."""

    def __call__(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Send it."""


class Desk:
    """A session with its past, what its pages look at, and what is said to them."""

    def __init__(self, session: Session, send: Send) -> None:
        self.session, self.send = session, send
        self.past, self.frames = Past(session), Frames(session)
        self.player = Player(self.step_once, self.show, self.ended)
        self.pages: dict[str, bool] = {}  # whether each is seen
        self.due: set[str] = set()
        self.notice = notice("")

    # --- What can be done, from Python too ---

    def play(self, speed: int | None = None) -> None:
        """Train until paused."""
        if speed is not None:
            self.player.speed = SPEEDS[min(max(0, int(speed)), len(SPEEDS) - 1)]
        if self.player.playing:
            return
        if self.session.examples is None:
            raise ValueError("there are no points to train on: paint some into the plane")
        self.act(self.player.play)

    def pause(self) -> None:
        """Stop training, and let the doctor look."""
        if self.player.playing:
            self.player.stop()
            self.due.add("frame")
            self.examine()

    def step(self, n: int = 1) -> None:
        """Make n steps of training."""
        self.act(lambda: self.steps(n))

    def steps(self, n: int) -> None:
        """Steps, one by one."""
        every = max(1, n // ENTERED)
        for k in range(1, n + 1):
            self.step_once()
            if k < n and k % every == 0:
                self.frames.enter()

    def step_once(self) -> None:
        """One step, beside a ghost's."""
        self.session.step()
        if self.frames.ghost is not None:
            try:
                self.frames.ghost.step()
            except ArithmeticError:
                self.frames.ghost = None

    def reset(self) -> None:
        """Start over with the settings and points as they are."""
        self.act(self.start_over, due="run")

    def start_over(self) -> None:
        """Session and ghost at their start."""
        self.session.reset()
        if self.frames.ghost is not None:
            self.frames.ghost.reset()

    def set(self, gesture: Any = None, **settings: Any) -> None:
        """Change settings, by the names in a state."""
        due = "settings" if set(settings) <= set(LIVE) else "run"
        self.act(lambda: self.session.set(**settings), gesture=gesture, due=due)

    def change(self, what: str, *values: Any, gesture: Any = None) -> None:
        """Change a weight or points; with a gesture, as its next part."""
        again = gesture is not None and gesture == self.past.gesture and what != "add"

        def change_all() -> None:
            for value in values:
                self.session.change(what, value, again=again)

        now = self.session.now
        if what == "add" and now.of_numbers:
            values = tuple(map(with_number, values))
        added = [point(value) for value in values] if what == "add" else []
        if not now.of_numbers and max([y for *_, y in added], default=0) >= now.classes:
            return self.act(lambda: self.session.widen(added), gesture=gesture, due="run")
        return self.act(change_all, gesture=gesture, due="frame" if what == "weight" else "points")

    def undo(self) -> bool:
        """Be as before the last act."""
        return self.travel(self.past.undo)

    def redo(self) -> bool:
        """Be as before the last undo."""
        return self.travel(self.past.redo)

    def load(self, state: State, lesson: Lesson | None = None) -> None:
        """Another run."""
        fresh = Session(state)
        self.act(lambda: self.take(fresh, lesson), due="run")

    def take(self, fresh: Session, lesson: Lesson | None) -> None:
        """Become another session."""
        vars(self.session).update(vars(fresh))
        self.session.lesson = lesson.name if lesson else ""
        self.frames.ghost = None
        self.frames.look = replace(Look(), backward=bool(lesson and lesson.backward))

    def act(self, what: Callable[[], Any], *, gesture: Any = None, due: str = "frame") -> None:
        """Do something that can be undone; what could not be done leaves all as it was."""
        if due == "run":
            self.player.stop()
        self.frames.share = None
        is_new = self.past.mark(gesture)
        try:
            what()
        except (ValueError, ArithmeticError, RuntimeError):
            if is_new:
                self.past.forget()
            raise
        self.notice = notice("")
        self.due.add(due)

    def travel(self, there: Callable[[], bool]) -> bool:
        """Go into the past, or back."""
        self.player.stop()
        self.frames.share = None
        moved = there()
        if moved:
            self.notice = notice("")
            self.due.add("run")
        return moved

    def haunt(self) -> None:
        """Let a ghost run beside, with the settings of now, from the start; or end it."""
        if self.frames.ghost is not None:
            self.frames.ghost = None
        else:
            self.frames.ghost = Session(
                replace(self.session.now, changes=self.session.changed_points())
            )
            self.reset()
        self.due.add("frame")

    # --- What is said ---

    def examine(self) -> None:
        """What the doctor says about the model and the training set."""
        session = self.session
        if session.examples is None:
            return
        X, y = session.examples.X[:MOST_EXAMINED], session.y[:MOST_EXAMINED]
        history = History(loss=[loss for loss in session.losses if loss < float("inf")])
        found = diagnose(session.model, X, y, session.loss, history=history)
        self.due.add("frame")
        if not found.findings:
            self.notice = notice(sentence(found.summary), tone="good")
            return
        first = found.findings[0]
        dead = [
            [finding.where.layer, neuron]
            for finding in found.findings
            if finding.where and finding.kind.startswith("dead")
            for neuron in finding.where.neurons
        ]
        tone = "" if found.ok else "bad"
        self.notice = notice(
            sentence(first.message), f"Try {first.suggestion}.", units=dead, tone=tone
        )

    def refuse(self, error: Exception) -> None:
        """Say what could not be done, until something else is."""
        advice = "A smaller learning rate may help; undo goes back."
        is_number = isinstance(error, ArithmeticError)
        text = f"Stopped: {error}" if is_number else named(str(error))
        self.notice = notice(text, advice if is_number else "", tone="bad")
        self.due |= {"settings", "frame"}

    def ended(self, error: Exception | None) -> None:
        """Training has ended by itself."""
        if error is None:
            self.notice = notice("Paused: nobody was watching.")
        else:
            self.refuse(error)
        self.due.add("frame")
        self.flush()

    # --- To the page ---

    def show(self) -> None:
        """Training goes on: send a picture of now."""
        self.notice = notice("")
        self.due.add("frame")
        self.flush()

    def flush(self) -> None:
        """Send what is due, if the pages have room for it; a frame is of now, whenever it goes."""
        if not self.pages or not self.due or not self.player.has_room:
            return
        due, self.due = self.due, set()
        if "run" in due:
            self.send({"kind": "run", **self.frames.run()})
        elif "points" in due:
            self.send({"kind": "points", **self.frames.points()})
        if "settings" in due:
            self.send({"kind": "settings", **described(self.session)})
        self.player.sent += 1
        frame, buffers = packed(*self.frames.frame())
        frame |= {"number": self.player.sent, "playing": self.player.playing}
        frame |= {"undo": len(self.past.before), "redo": len(self.past.after)}
        self.send({**frame, "notice": self.notice}, buffers)

    # --- From the page ---

    def receive(self, content: Any) -> None:
        """Do what a message asks for; what cannot be done is said on the page."""
        try:
            self.answer(content)
        except (ValueError, ArithmeticError, RuntimeError) as error:
            self.refuse(error)
        except (KeyError, TypeError, AttributeError) as error:
            self.refuse(ValueError(f"a message that was not understood: {error!r}"))
        self.flush()

    def answer(self, m: dict[str, Any]) -> None:
        """Do what a message asks for."""
        actions: dict[str, Callable[[], Any]] = {
            "hello": lambda: self.meet(str(m["page"])),
            "bye": lambda: self.part(str(m["page"])),
            "seen": lambda: self.wake(str(m["page"]), seen=bool(m["seen"])),
            "painted": lambda: self.player.acknowledge(int(m["number"])),
            "ping": lambda: self.send({"kind": "pong"}),
            "play": lambda: self.play(m.get("speed")),
            "pause": self.pause,
            "step": lambda: self.step(min(int(m.get("n", 1)), 1000)),
            "reset": self.reset,
            "undo": self.undo,
            "redo": self.redo,
            "set": lambda: self.set(m.get("gesture"), **m["settings"]),
            "change": lambda: self.change(m["what"], *m["values"], gesture=m.get("gesture")),
            "look": lambda: self.look_at(m),
            "preview": lambda: self.preview(m["share"]),
            "examine": self.examine,
            "ghost": self.haunt,
            "code": lambda: self.send({"kind": "code", **code_of(self.session.state)}),
            "load": lambda: self.load(State.of(m["text"])),
            "lesson": lambda: self.teach(m["name"]),
            "guess": lambda: self.judge(int(m["choice"])),
        }
        actions[m["do"]]()

    def meet(self, page: str) -> None:
        """A page was opened: it is told everything."""
        self.pages[page] = True
        self.player.painted = self.player.sent
        self.due |= {"run"}
        self.wake(page, seen=True)

    def part(self, page: str) -> None:
        """A page was closed; the last one ends the training."""
        self.pages.pop(page, None)
        if not self.pages:
            self.player.stop()

    def wake(self, page: str, *, seen: bool) -> None:
        """A page has come into sight, or out of it; training rests while none is seen."""
        if page in self.pages:
            self.pages[page] = seen
        self.player.awake = any(self.pages.values())
        self.player.hear()

    def look_at(self, m: dict[str, Any]) -> None:
        """Look at another weight, point, neuron, or at slopes."""
        numbers: dict[str, Any] = {n: int(m[n]) for n in ("weight", "point") if n in m}
        ends: dict[str, Any] = {name: float(m[name]) for name in ("low", "high") if name in m}
        if "neuron" in m:
            numbers["neuron"] = None if m["neuron"] is None else int(m["neuron"])
        lowest = min([x for x in numbers.values() if x is not None], default=0)
        if lowest < 0 or not all(abs(x) < WIDEST for x in ends.values()):
            raise ValueError(f"there is nothing to look at: {m}")
        backward = bool(m.get("backward", self.frames.look.backward))
        self.frames.look = replace(self.frames.look, **numbers, **ends, backward=backward)
        self.due.add("frame")

    def preview(self, share: Any) -> None:
        """Show the next step as if a share of it were made; None goes back."""
        self.frames.share = None if share is None else min(1.0, max(0.0, float(share)))
        self.due.add("frame")

    def teach(self, name: str | None) -> None:
        """Begin a lesson; None ends it."""
        lesson = lesson_of(name) if name else None
        self.load(State.of(lesson.state) if lesson else State(), lesson)

    def judge(self, choice: int) -> None:
        """Tell whether a prediction was right."""
        lesson = lesson_of(self.session.lesson)
        right, why = lesson.answer(self.session)
        self.send({"kind": "answer", "right": right, "chosen": choice, "why": why})


def notice(
    text: str, advice: str = "", *, units: Sequence[Any] = (), tone: str = ""
) -> dict[str, Any]:
    """What stands below the picture: what is so, what to try, the neurons it is about."""
    return {"text": text, "advice": advice, "units": list(units), "tone": tone}


def sentence(words: str) -> str:
    """Words as a sentence; the name of a loss stays as it is.

    >>> sentence("training does not rest yet")
    'Training does not rest yet.'
    """
    named = words.split(" ", maxsplit=1)[0] in LOSSES
    return f"{words if named else words[:1].upper() + words[1:]}."


def with_number(value: Any) -> Any:
    """A point whose target is a number: a page writes whole numbers as whole."""
    *place, target = value
    return (*place, float(target)) if isinstance(target, int) else value


def code_of(state: State) -> dict[str, str]:
    """A state as the line of Python that repeats its run, and as JSON: what differs alone."""
    usual = State().to_dict()
    given = {k: v for k, v in state.to_dict().items() if k not in usual or v != usual[k]}
    return {"code": f"Playground(state={given!r})", "json": state.to_json()}
