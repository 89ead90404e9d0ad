"""A real JupyterLab and a real Chromium, for the tests and the benchmark of the playground."""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from queue import Empty

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-default-browser-check",
]
OWN_HOST = re.compile(r"((http|ws)://127\.0\.0\.1[:/]|data:|blob:|about:)")
QUIET = re.compile(r"favicon|ResizeObserver loop")  # JupyterLab's own


def missing():
    """What is not there to run a browser with, in one sentence; empty if all is."""
    for module in ("playwright", "jupyterlab", "anywidget"):
        if find_spec(module) is None:
            return f"the browser tests need the package {module}"
    if chromium() is None:
        return "the browser tests need chromium: apt-get install chromium"
    return ""


def chromium():
    """The path of the browser."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def is_up(url):
    try:
        urllib.request.urlopen(url, timeout=20).read(1)  # noqa: S310
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


class Lab:
    """A running JupyterLab: `folder` holds its notebooks, `url(name)` opens one."""

    def __init__(self, folder):
        self.folder, self.port, self.token = folder, free_port(), secrets.token_hex(8)
        self.runtime = folder / "runtime"

    def url(self, name):
        return f"http://127.0.0.1:{self.port}/lab/tree/{name}?reset&token={self.token}"

    def write(self, name, *cells):
        """A notebook of code cells."""
        made = {"execution_count": None, "outputs": [], "metadata": {}, "cell_type": "code"}
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        content = {
            "cells": [{**made, "id": f"c{i}", "source": cell} for i, cell in enumerate(cells)],
            "metadata": {"kernelspec": kernel},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (self.folder / "notebooks" / name).write_text(json.dumps(content))

    def set(self, what, content):
        """Settings of JupyterLab, before it starts."""
        path = self.folder / "config/lab/user-settings/@jupyterlab/apputils-extension"
        path.mkdir(parents=True, exist_ok=True)
        (path / f"{what}.jupyterlab-settings").write_text(json.dumps(content))

    def command(self):
        return [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self.port}"),
            f"--ServerApp.root_dir={self.folder / 'notebooks'}",
            f"--IdentityProvider.token={self.token}",
            "--LabApp.news_url=",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.extension_manager=readonly",
        ]

    @contextmanager
    def running(self, theme="Light"):
        (self.folder / "notebooks").mkdir()
        self.set("notification", {"fetchNews": "false"})
        self.set("themes", {"theme": f"JupyterLab {theme}"})
        private = {
            "JUPYTER_CONFIG_DIR": self.folder / "config",
            "JUPYTER_DATA_DIR": self.folder / "data",
            "JUPYTER_RUNTIME_DIR": self.runtime,
            "IPYTHONDIR": self.folder / "ipython",
        }
        with (self.folder / "lab.log").open("w") as log:
            process = subprocess.Popen(
                self.command(),
                env={**os.environ, **{name: str(path) for name, path in private.items()}},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + 90
            while not is_up(f"http://127.0.0.1:{self.port}/api"):
                assert process.poll() is None, (self.folder / "lab.log").read_text()[-2000:]
                assert time.monotonic() < deadline, "JupyterLab did not start in 90 s"
                time.sleep(0.1)
            yield self
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


class Kernel:
    """A second client of the notebook's kernel: what a cell of the user would do."""

    def __init__(self, connection_file):
        from jupyter_client import BlockingKernelClient

        self.client = BlockingKernelClient(connection_file=str(connection_file))
        self.client.load_connection_file()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=30)

    def run(self, code):
        """What the code prints."""
        printed = []
        with suppress(Empty):  # frames that nobody here has read would fill the queue
            while True:
                self.client.get_iopub_msg(timeout=0)

        def hook(message):
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = self.client.execute_interactive(code, output_hook=hook, timeout=30)
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(printed).strip()

    def get(self, expression):
        """The number, text, list or dict that an expression of the kernel is."""
        return json.loads(self.run(f"import json; print(json.dumps({expression}))"))

    def close(self):
        self.client.stop_channels()


class Watch:
    """What went wrong on a page: console errors, and requests to other hosts."""

    def __init__(self, page):
        self.foreign, self.errors = [], []
        page.on("request", self.request)
        page.on("websocket", lambda ws: self.request(ws))
        page.on("console", self.console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def request(self, request):
        if not OWN_HOST.match(request.url):
            self.foreign.append(request.url)

    def console(self, message):
        if message.type == "error" and not QUIET.search(f"{message.text} {message.location}"):
            self.errors.append(f"{message.text} {message.location}")


@contextmanager
def browser(folder, **options):
    """A Chromium with an empty profile."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(folder),
            executable_path=chromium(),
            headless=True,
            args=FLAGS,
            viewport={"width": 1280, "height": 720},
            **options,
        )
        try:
            yield context
        finally:
            context.close()


def open_notebook(page, lab, name, cells=1):
    """Open a notebook, hide the side bar, run its first cells, and find its kernel."""
    before = set(lab.runtime.glob("kernel-*.json"))
    page.goto(lab.url(name), timeout=90_000)
    first = page.locator(".jp-Notebook .jp-Cell .cm-content").first
    first.wait_for(timeout=90_000)
    page.wait_for_selector("text=/ipykernel\\) \\| Idle/", timeout=90_000)
    page.keyboard.press("Control+b")  # the side bar
    first.click()
    page.wait_for_selector(
        ".jp-Notebook-ExecutionIndicator[data-status=idle]", state="attached", timeout=90_000
    )
    for _ in range(cells):
        page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".pg .pg-rail label", timeout=60_000)
    (found,) = set(lab.runtime.glob("kernel-*.json")) - before
    return Kernel(found)
