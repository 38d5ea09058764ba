"""A receiver in Python with Flask (pip install flask): it believes nothing before the signature is verified.

    STAIROIDS_WEBHOOK_SECRET=whsec_… python3 flask_app.py     # listens on port 3000; PORT changes that
    signalbox listen --forward-to http://localhost:3000/webhooks/stairoids
"""

import hashlib
import hmac
import json
import os

from flask import Flask, abort, request

SECRET = os.environ["STAIROIDS_WEBHOOK_SECRET"].encode()

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 2 * 1024 * 1024

# A delivery may come twice, with the same id. A real receiver keeps the ids where its work is kept.
seen = set()


def verified(raw_body: bytes, header: str) -> bool:
    """Says whether the signature is that of these very bytes.

    X-Stairoids-Signature is the hex HMAC-SHA256 of the raw body; a webhook with
    signature_format "prefixed" writes sha256= before it.
    """
    expected = hmac.new(SECRET, raw_body, hashlib.sha256).hexdigest()
    # Compared as bytes: compare_digest refuses text that is not ASCII.
    return hmac.compare_digest(expected.encode(), header.removeprefix("sha256=").encode())


@app.post("/webhooks/stairoids")
def receive():
    raw_body = request.get_data()  # the bytes as they came, before any parsing
    if not verified(raw_body, request.headers.get("X-Stairoids-Signature", "")):
        abort(401)
    event = json.loads(raw_body)
    if event["id"] not in seen:  # a real receiver only queues here: it has 10 seconds to answer
        seen.add(event["id"])
        line = f'{event["event"]} {event["id"]} {json.dumps(event["data"], ensure_ascii=False)}\n'
        print(line, end="", flush=True)  # in one piece: Flask answers in many threads
    return "OK", 200


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "3000")))
