"""What a user does on the page of the playground, and what is to be seen there."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

from nn.playground.session import Session
from nn.playground.state import State
from tests.browser.alone import Alone
from tests.browser.lab import browser, missing

APP = "document.querySelector('.pg').playground"
# Two questions more are answered, of which one may have been asked before.
ANSWERED = f"""() => new Promise((done) => {{
    const {{ connection }} = {APP}, {{ model }} = connection;
    let left = 2;
    const hear = (message) => {{
        if (message.kind !== "pong" || --left) return;
        model.off("msg:custom", hear);
        done();
    }};
    model.on("msg:custom", hear);
    for (let i = 0; i < 2; i += 1) connection.send({{ do: "ping" }});
}})"""


class Driver:
    """A page and the desk behind it."""

    def __init__(self, page, alone):
        self.page, self.alone = page, alone

    def begin(self, settings, size=(1280, 720)):
        """A fresh run, seen whole."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.wait(f"{APP}?.frame")
        self.page.evaluate(
            f"""() => {{ const app = {APP}; app.halt(); app.cancel(); app.connection.isLost = false;
            for (const dialog of document.querySelectorAll('dialog')) dialog.close();
            app.$('rail').querySelector('details').open = false;
            Object.assign(app, {{ face: 'forward', scope: 'point', tool: 'move', zoom: 0,
            lit: false,
            checking: false, answer: null, speed: 3 }}); }}"""
        )
        self.ask(lambda desk: restart(desk, settings))
        self.wait(f"{APP}.frame.undo === 0 && {APP}.frame.steps === 0")
        self.page.evaluate(f"() => {{ {APP}.keepInside(); {APP}.look(); }}")
        self.settle()

    def ask(self, f):
        return self.alone.ask(f)

    def numbers(self):
        return self.ask(lambda desk: [p.data for p in desk.session.parameters])

    def get(self, what):
        """A number or a list of the page."""
        return self.page.evaluate(
            f"() => {{ const app = {APP}, {{ run, frame }} = app; return {what}; }}"
        )

    def wait(self, condition):
        self.page.wait_for_function(condition, timeout=15_000)

    def wait_for(self, condition):
        """Until something of app, run and frame is so."""
        self.wait(f"(() => {{ const app = {APP}, {{ run, frame }} = app; return {condition}; }})()")

    def settle(self):
        """Until what was asked for is answered and painted."""
        self.page.evaluate(ANSWERED)
        self.wait_for(
            "!app.busy && !app.waiting.size && !app.pending && !app.zoomAt"
            " && app.seen[0] === run && app.seen[1] === frame"
        )

    def text(self, name):
        return self.page.locator(f".pg-{name}").first.text_content()

    def click(self, name):
        self.page.locator(f".pg-{name}").first.click()

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def option(self, group, value):
        self.page.locator(f".pg-{group} [data-v='{value}']").click()
        self.settle()

    def at(self, canvas, inside):
        """Where something within a canvas is on the page."""
        return self.get(
            f"(() => {{ const box = app.{canvas}.getBoundingClientRect(), [x, y] = {inside};"
            " return [box.left + x, box.top + y]; })()"
        )

    def neuron(self, layer, i):
        return self.at("netCanvas", f"[app.geometry.X[{layer}], app.geometry.Y[{layer}][{i}]]")

    def link(self, q, share=0.88):
        """A place on a link, near its end: links cross in the middle."""
        place = f"""(() => {{
            const [l, i, j] = run.where[{q}], g = app.geometry, t = {share}, u = 1 - t;
            const x0 = g.X[l] + g.tile / 2 + 1, x1 = g.X[l + 1] - g.tile / 2 - 1;
            const y0 = g.Y[l][j], y1 = g.Y[l + 1][i], m = 0.42 * (x1 - x0);
            const curve = (a, b, c, d) => u*u*u*a + 3*u*u*t*b + 3*u*t*t*c + t*t*t*d;
            return [curve(x0, x0 + m, x1 - m, x1), curve(y0, y0, y1, y1)];
        }})()"""
        return self.at("netCanvas", place)

    def grip(self):
        return self.at(
            "netCanvas", "[app.grip[0] + app.grip[2] / 2, app.grip[1] + app.grip[3] / 2]"
        )

    def point(self, x1, x2):
        return self.at("planeCanvas", f"[app.planeBox.px({x1}), app.planeBox.py({x2})]")

    def drag(self, start, *stops):
        self.page.mouse.move(*start)
        self.page.mouse.down()
        for stop in stops:
            self.page.mouse.move(*stop, steps=4)
        self.page.mouse.up()
        self.settle()

    def pixels(self, canvas):
        """A canvas as text, to see whether it changed."""
        return self.get(f"app.{canvas}.toDataURL()")


def restart(desk, settings):
    """Another run without a past."""
    desk.player.stop()
    desk.take(Session(State.of(settings)), None)
    desk.past.before, desk.past.after, desk.frames.share = [], [], None
    desk.notice, desk.frames.look = (
        desk.notice | {"text": "", "advice": "", "tone": "", "units": []},
        type(desk.frames.look)(),
    )
    desk.player.painted = desk.player.sent
    desk.due.add("run")


@contextmanager
def driving(settings):
    """The driver of a fresh run on a page alone, for a command; it ends where no browser is."""
    if reason := missing():
        raise SystemExit(reason)
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with folder as name, Alone(settings).running() as alone, browser(Path(name)) as context:
        driver = Driver(context.pages[0], alone)
        driver.page.goto(alone.address)
        driver.begin(settings)
        yield driver
