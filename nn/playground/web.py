"""The playground as a page of its own: a server for this machine alone."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from nn.playground.page import document, text
from nn.playground.protocol import Desk


class Page(RequestHandler):
    """The page, for who knows the token."""

    def initialize(self, token: str) -> None:
        """Keep what a page must know."""
        self.token = token

    def get(self) -> None:
        """The page whole: it asks for nothing else but the socket."""
        if self.get_query_argument("token", "") != self.token:
            self.set_status(403)
            self.finish("This address needs the token that was printed with it.")
            return
        self.set_header("Cache-Control", "no-store")
        opened = f'open(document.getElementById("here"), "socket?token={self.token}");'
        self.finish(document(text("alone.js") + opened))


class Socket(WebSocketHandler):
    """A page's way to the desk and back."""

    def initialize(self, token: str, pages: set[Socket], desk: Desk) -> None:
        """Keep what all pages share."""
        self.token, self.pages, self.desk, self.page = token, pages, desk, ""

    def open(self, *args: str, **keywords: str) -> None:
        """Let in who knows the token; tornado lets in no page of another origin."""
        if self.get_query_argument("token", "") != self.token:
            self.close(1008, "the token is wrong")
            return
        self.pages.add(self)

    def on_message(self, message: str | bytes) -> None:
        """What the page says."""
        content = json.loads(message)
        if content.get("do") == "hello":
            self.page = str(content["page"])
        self.desk.receive(content)

    def on_close(self) -> None:
        """The page is gone, whatever it was able to say."""
        self.pages.discard(self)
        self.desk.receive({"do": "bye", "page": self.page})


async def serve(desk_of: Any, port: int, *, browser: bool, said: Any = print) -> None:
    """Serve one playground until interrupted."""
    pages: set[Socket] = set()

    def send(content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        packed = pack(content, buffers)
        for page in list(pages):
            with suppress(WebSocketClosedError):
                page.write_message(packed, binary=True)

    token = secrets.token_hex(16)
    shared = {"token": token, "pages": pages, "desk": desk_of(send)}
    application = Application([("/", Page, {"token": token}), ("/socket", Socket, shared)])
    server = HTTPServer(application)
    sockets = bind_sockets(free(port), "127.0.0.1")
    server.add_sockets(sockets)
    address = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/?token={token}"
    said(f"The playground is at {address}\nCtrl+C ends it.", flush=True)
    if browser:
        webbrowser.open(address)
    try:
        await asyncio.Event().wait()
    finally:
        server.stop()
        await server.close_all_connections()


def pack(content: dict[str, Any], buffers: Sequence[bytes]) -> bytes:
    """A message and its arrays as one: the length of the header, the header, the arrays."""
    header = json.dumps({"content": content, "sizes": [len(b) for b in buffers]}).encode()
    return b"".join([len(header).to_bytes(4, "little"), header, *buffers])


def free(port: int) -> int:
    """The port, or where it is taken any other."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port
