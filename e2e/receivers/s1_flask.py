"""The Python receiver of the document on webhooks (S1-31): the header is bare hex; the answer is an empty 200."""

import hashlib
import hmac
import os

from flask import Flask, abort, request

from serve import listen

app = Flask(__name__)
WEBHOOK_SECRET = os.environ["STAIROIDS_WEBHOOK_SECRET"]


@app.route("/webhooks/stairoids", methods=["POST"])
def handle_webhook():
    raw_body = request.get_data()
    signature = request.headers.get("X-Stairoids-Signature", "")
    expected_signature = hmac.new(WEBHOOK_SECRET.encode("utf-8"), raw_body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, expected_signature):
        abort(401)
    event = request.get_json()
    assert isinstance(event, dict)
    return "", 200


listen(app)
