"""What every Flask receiver needs around its route: a free port of loopback, counts for whoever asks, and an end."""

import logging
import os
import sys
import threading

from flask import jsonify, request
from werkzeug.serving import make_server


def count(app):
    """Counts the 200s and 401s of the app's webhook route and shows them at /counts."""
    counts = {"verified": 0, "refused": 0}
    lock = threading.Lock()

    @app.after_request
    def note(response):
        with lock:
            if request.path != "/counts" and response.status_code in (200, 401):
                counts["verified" if response.status_code == 200 else "refused"] += 1
        return response

    @app.route("/counts")
    def show():
        return jsonify(counts)


def end_with_stdin():
    sys.stdin.read()
    os._exit(0)


def listen(app):
    """Serves the app until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    count(app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=end_with_stdin, daemon=True).start()
    print(f"listening {server.server_port}", flush=True)
    server.serve_forever()
