from __future__ import annotations

import calendar
import datetime
import email.utils
import functools
import http.client
import json
import os
import random
import re
import socket
import threading
import time
import urllib.parse
import urllib.request
import uuid
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, TypedDict, Union, cast, overload

from ._errors import ApiError, NoAnswerError, SignalboxError

_AGENT = "signalbox-python/0.1.0"
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 10.0


class Account(TypedDict, total=False):
    """The company that a signal is about."""

    domain: Optional[str]
    name: Optional[str]
    attributes: Dict[str, Any]


class Contact(TypedDict, total=False):
    """The person that a signal is about."""

    email: Optional[str]
    first_name: Optional[str]
    last_name: Optional[str]
    title: Optional[str]
    linkedin_url: Optional[str]
    attributes: Dict[str, Any]


class _Named(TypedDict):
    type: str
    source: str


class Signal(_Named, total=False):
    """One thing that happened. type is in your words, source says who tells."""

    account: Optional[Account]
    contact: Optional[Contact]
    properties: Dict[str, Any]  # anything else
    occurred_at: Union[str, datetime.datetime, None]  # now unless given
    backfill: Optional[bool]  # True for history: it counts for scores and never triggers anything
    idempotency_key: Optional[str]  # sent twice in seven days the signal is stored once


class Receipt(TypedDict):
    """The answer to a signal: it is on stable storage, with all that it causes."""

    id: str
    type: str
    source: str
    status: str
    account_id: Optional[str]
    contact_id: Optional[str]
    created_at: str
    replayed: bool  # an earlier request with the same key stored it
    ignored: List[str]  # fields of the signal that the server does not know


class BatchError(TypedDict, total=False):
    """Why a signal of a list was not stored."""

    code: str
    message: str
    param: str


class BatchResult(TypedDict, total=False):
    """What became of one signal of a list.

    status is created, duplicate (it was stored before, under the same key), rejected (it cannot be taken as it is) or failed (send it again).
    """

    index: int
    status: str
    id: str
    account_id: str
    contact_id: str
    error: BatchError


class _Call(NamedTuple):
    """One call: the same bytes under the same key at every try."""

    url: str
    headers: Dict[str, str]
    body: bytes
    key: str


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: Any


@overload
def send(
    signals: Union[Signal, Mapping[str, Any]],
    *,
    url: Optional[str] = None,
    api_key: Optional[str] = None,
    idempotency_key: Optional[str] = None,
    deadline: float = 60,
    timeout: float = 30,
    retries: int = 5,
) -> Receipt: ...


@overload
def send(
    signals: Sequence[Union[Signal, Mapping[str, Any]]],
    *,
    url: Optional[str] = None,
    api_key: Optional[str] = None,
    idempotency_key: Optional[str] = None,
    deadline: float = 60,
    timeout: float = 30,
    retries: int = 5,
) -> List[BatchResult]: ...


def send(
    signals: Any,
    *,
    url: Optional[str] = None,
    api_key: Optional[str] = None,
    idempotency_key: Optional[str] = None,
    deadline: float = 60,
    timeout: float = 30,
    retries: int = 5,
) -> Any:
    """Sends a signal, or up to 2,500 as a list, and returns when they are on stable storage.

    A broken connection, a 429 and a 5xx are tried again, which is safe: every try carries the same idempotency key. It raises an ApiError or a
    NoAnswerError. A list returns a result for each signal, also when some are rejected.

    url and api_key are those of the environment, SIGNALBOX_URL and SIGNALBOX_API_KEY, unless given. idempotency_key names this call and is made up
    unless given; signal i of a list has the key <key>/i unless it has its own. deadline is how many seconds all tries together may take, timeout how
    many one try may take, retries how often to try again.
    """
    many = not isinstance(signals, Mapping)
    call = _prepare(signals, url, api_key, idempotency_key)
    _positive("timeout", timeout)
    ends = time.monotonic() + _positive("deadline", deadline)
    results: Optional[List[BatchResult]] = None
    tried = 0
    while True:
        failure: Union[ApiError, NoAnswerError, None] = None
        try:
            answer = _once(call, min(timeout, ends - time.monotonic()))
            if not many:
                return _receipt(answer, call)
            results = _merge(results, _verdicts(answer, len(signals), call))
            if all(result["status"] != "failed" for result in results):
                return results
        except (ApiError, NoAnswerError) as error:
            failure = error
        wait = _backoff(tried, failure.retry_after if isinstance(failure, ApiError) else None)
        if tried >= retries or (failure and not _passes(failure)) or time.monotonic() + wait >= ends:
            if results is not None:
                return results
            raise cast(SignalboxError, failure)
        time.sleep(wait)
        tried += 1


def _backoff(tried: int, retry_after: Optional[float] = None, chance: Optional[float] = None) -> float:
    """How many seconds to wait after a try: what the server asked for, and by chance up to 0.2 s, doubled at each try, 10 s at most."""
    chance = random.random() if chance is None else chance
    return (retry_after or 0) + chance * min(_LONGEST_WAIT, _FIRST_WAIT * 2**tried)


def _passes(failure: Union[ApiError, NoAnswerError]) -> bool:
    """Whether a failure may pass by itself. A 409 idempotency_in_progress is our own earlier try, which the server still works on."""
    if isinstance(failure, NoAnswerError):
        return True
    return failure.status == 429 or failure.status >= 500 or failure.code == "idempotency_in_progress"


def _prepare(signals: Any, url: Optional[str], api_key: Optional[str], idempotency_key: Optional[str]) -> _Call:
    base = url or os.environ.get("SIGNALBOX_URL") or "http://127.0.0.1:8080"
    parts = urllib.parse.urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{base} is not the URL of a server, such as http://127.0.0.1:8080")
    api_key = api_key or os.environ.get("SIGNALBOX_API_KEY") or ""
    if not re.fullmatch("[!-~]+", api_key):
        raise ValueError("send needs an API key: the argument api_key, or SIGNALBOX_API_KEY")
    if isinstance(signals, Mapping):
        path, body = "/v1/signals", {name: value for name, value in signals.items() if name != "idempotency_key"}
        own = signals.get("idempotency_key")
    elif isinstance(signals, (list, tuple)):
        path, body, own = "/v1/signals/batch", {"signals": signals}, None
    else:
        raise TypeError("send takes a signal or a list of signals")
    key = idempotency_key or own or str(uuid.uuid4())
    if re.search("[\x00-\x1f\x7f]", key) or len(key.encode()) > 255:
        raise ValueError("an idempotency key is at most 255 bytes, none of them a control character")
    headers = {
        "Authorization": "Bearer " + api_key,
        "Content-Type": "application/json",
        "Idempotency-Key": key.encode().decode("latin-1"),  # header text has a character for each byte
        "User-Agent": _AGENT,
    }
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_time)
    return _Call(base.rstrip("/") + path, headers, text.encode(), key)


def _time(value: Any) -> str:
    """Writes times, which JSON does not have."""
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON; a datetime needs a time zone")


class _Alarm:
    """Ends a try when its time is over, wherever it is: the timeout of a socket is for one read, not for all of them."""

    def __init__(self, seconds: float) -> None:
        self._sockets: List[socket.socket] = []
        self._rung = threading.Event()
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, opened: socket.socket) -> None:
        self._sockets.append(opened)
        if self._rung.is_set():
            raise socket.timeout("timed out")

    def rung(self) -> bool:
        return self._rung.is_set()

    def cancel(self) -> None:
        self._timer.cancel()

    def _ring(self) -> None:
        self._rung.set()
        for opened in self._sockets:
            try:
                opened.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended by itself


class _Http(http.client.HTTPConnection):
    def __init__(self, alarm: _Alarm, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._alarm = alarm

    def connect(self) -> None:
        super().connect()
        self._alarm.watch(self.sock)


class _Https(http.client.HTTPSConnection):
    def __init__(self, alarm: _Alarm, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._alarm = alarm

    def connect(self) -> None:
        super().connect()
        self._alarm.watch(self.sock)


class _Door(urllib.request.AbstractHTTPHandler):
    """Opens connections under an alarm."""

    def __init__(self, alarm: _Alarm) -> None:
        super().__init__()
        self._alarm = alarm

    def http_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(cast(Any, functools.partial(_Http, self._alarm)), request)

    def https_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(cast(Any, functools.partial(_Https, self._alarm)), request)

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_


def _once(call: _Call, seconds: float) -> _Answer:
    """One try. It returns the answer of a 2xx and raises everything else."""
    seconds = max(seconds, 0.001)
    alarm = _Alarm(seconds)
    # No handler follows redirects, which the API never makes: a key goes to no other place.
    opener = urllib.request.OpenerDirector()
    opener.add_handler(urllib.request.ProxyHandler())
    opener.add_handler(_Door(alarm))
    request = urllib.request.Request(call.url, data=call.body, headers=call.headers, method="POST")
    try:
        with opener.open(request, timeout=seconds) as response:
            status, headers, text = response.status, response.headers, response.read()
    except (OSError, http.client.HTTPException) as error:
        cause = "timed out" if alarm.rung() else str(getattr(error, "reason", "") or error or type(error).__name__)
        raise NoAnswerError(f"no whole answer came from {call.url}: {cause}", idempotency_key=call.key) from error
    finally:
        alarm.cancel()
    if alarm.rung():  # what was read may have been cut
        raise NoAnswerError(f"no whole answer came from {call.url}: timed out", idempotency_key=call.key)
    if not 200 <= status <= 299:
        raise _refusal(status, headers, text, call)
    return _Answer(status, headers, _parse(text))


def _refusal(status: int, headers: Mapping[str, str], text: bytes, call: _Call) -> ApiError:
    body = _parse(text)
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not error.get("code"):
        lines = text[:200].decode(errors="ignore").strip().splitlines()
        error = {"message": lines[0] if lines else http.client.responses.get(status, "refused"), "code": ""}
    return ApiError(
        str(error.get("message")),
        status=status,
        code=str(error["code"]),
        param=error.get("param"),
        request_id=error.get("request_id") or headers.get("X-Request-Id"),
        retry_after=_retry_after(headers.get("Retry-After")),
        idempotency_key=call.key,
    )


def _retry_after(value: Optional[str]) -> Optional[float]:
    """Reads Retry-After: seconds, or an HTTP date."""
    if value is None:
        return None
    if re.fullmatch("[0-9]{1,10}", value):
        return float(value)
    date = email.utils.parsedate(value) if re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", value) else None
    return max(0.0, calendar.timegm(date) - time.time()) if date else None


def _receipt(answer: _Answer, call: _Call) -> Receipt:
    if not isinstance(answer.body, dict) or not isinstance(answer.body.get("id"), str):
        raise _strange(answer, call)
    ignored = answer.headers.get("X-Signalbox-Ignored")
    receipt = {**answer.body, "replayed": answer.headers.get("Idempotent-Replayed") == "true", "ignored": re.split(r",\s*", ignored) if ignored else []}
    return cast(Receipt, receipt)


def _verdicts(answer: _Answer, count: int, call: _Call) -> List[BatchResult]:
    data = answer.body.get("data") if isinstance(answer.body, dict) else None
    results = data.get("results") if isinstance(data, dict) else None
    if not isinstance(results, list) or len(results) != count:
        raise _strange(answer, call)
    return results


def _merge(before: Optional[List[BatchResult]], now: List[BatchResult]) -> List[BatchResult]:
    """The list is sent whole again when some of it failed: what was stored before is a duplicate then, and keeps its first result."""
    if before is None:
        return now
    return [new if old["status"] == "failed" else old for old, new in zip(before, now)]


def _strange(answer: _Answer, call: _Call) -> ApiError:
    return ApiError(f"the answer of {call.url} is not Signalbox's", status=answer.status, code="", idempotency_key=call.key)


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _positive(name: str, seconds: float) -> float:
    if not 0 < seconds <= 86_400:
        raise ValueError(f"{name} is a number of seconds, more than 0 and at most a day")
    return seconds
