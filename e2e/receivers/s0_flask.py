"""The Python receiver of the document on the custom API (S0-46, S0-47): the header is `sha256=` and hex."""

import hashlib
import hmac
import os

from flask import Flask, abort, request

from serve import listen

app = Flask(__name__)
WEBHOOK_SECRET = os.environ.get("STAIROIDS_WEBHOOK_SECRET")


def verify_signature(raw_body: bytes, received_signature: str) -> bool:
    expected = hmac.new(WEBHOOK_SECRET.encode("utf-8"), raw_body, hashlib.sha256).hexdigest()
    expected_header = f"sha256={expected}"
    return hmac.compare_digest(expected_header, received_signature)


@app.route("/webhook/stairoids", methods=["POST"])
def stairoids_webhook():
    signature = request.headers.get("X-Stairoids-Signature", "")
    raw_body = request.get_data()
    if not verify_signature(raw_body, signature):
        abort(401)
    payload = request.get_json(force=True)
    assert isinstance(payload, dict)
    return "OK", 200


listen(app)
