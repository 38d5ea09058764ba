"""Drives the Python SDK: a command in JSON on each line of standard input, its answer on standard output."""

import base64
import json
import sys

import signalbox
from signalbox import _ed25519, _send


def verify(headers, body, secrets, scheme, now):
    try:
        signalbox.verify(headers, base64.b64decode(body), secrets, scheme=scheme, now=now)
        return {"reason": ""}
    except signalbox.VerificationError as error:
        return {"reason": error.reason}
    except Exception as error:
        return {"reason": repr(error)}


def send(signals, options):
    try:
        return {"result": signalbox.send(signals, **options)}
    except signalbox.ApiError as error:
        about = {name: getattr(error, name) for name in ("message", "status", "code", "param", "request_id", "retry_after", "idempotency_key")}
        return {"error": {"kind": "ApiError", **about}}
    except signalbox.NoAnswerError as error:
        return {"error": {"kind": "NoAnswerError", "message": str(error), "idempotency_key": error.idempotency_key}}
    except (TypeError, ValueError) as error:
        return {"error": {"kind": type(error).__name__, "message": str(error)}}


def wait(tried, chance, retry_after=None):
    return {"seconds": _send._backoff(tried, retry_after, chance)}


def ed25519(key, message, signature):
    return {"valid": _ed25519.verify(bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature))}


operations = {"verify": verify, "send": send, "wait": wait, "ed25519": ed25519}

for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(operations[command.pop("op")](**command)), flush=True)
