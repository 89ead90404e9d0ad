"""A folder of files, served as any server would."""

import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Quiet(SimpleHTTPRequestHandler):
    """Files; addresses that contain a text of `broken` are not found."""

    def do_GET(self):
        if any(part in self.path for part in self.server.broken):
            self.send_error(404)
        else:
            super().do_GET()

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        self.send_header("Access-Control-Allow-Origin", "*")  # as Pyodide's network says
        super().end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def served(folder):
    """The server: `address` is where it is, `broken` what it pretends not to have."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    server.folder, server.broken = folder, set()
    server.address = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
