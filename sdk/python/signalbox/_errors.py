from __future__ import annotations

from typing import Optional


class SignalboxError(Exception):
    """Every error of this package that is not a mistake in the call itself (those are TypeErrors and ValueErrors)."""


class ApiError(SignalboxError):
    """What the server, or something before it, answered instead of taking the signals."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        idempotency_key: str,
        param: Optional[str] = None,
        request_id: Optional[str] = None,
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        #: The HTTP status.
        self.status = status
        #: One of the codes of docs/errors.md; programs decide by it. "" when something else than Signalbox answered.
        self.code = code
        #: The field that it is about, dotted.
        self.param = param
        #: Names the request in the server's log.
        self.request_id = request_id
        #: How many seconds the server asked to wait.
        self.retry_after = retry_after
        #: The key that was sent: send the same signals with it again, and they are stored once.
        self.idempotency_key = idempotency_key

    def __str__(self) -> str:
        return f"{self.message} (status {self.status}, code {self.code or 'none'}, request {self.request_id or 'unknown'})"


class NoAnswerError(SignalboxError):
    """No whole answer came: the signals may have been stored or not. ``__cause__`` says why."""

    def __init__(self, message: str, *, idempotency_key: str) -> None:
        super().__init__(message)
        #: The key that was sent: send the same signals with it again, and they are stored once.
        self.idempotency_key = idempotency_key


class VerificationError(SignalboxError):
    """The request is not believed. The message never says what the right signature would be."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        #: missing, malformed, too_old, too_new, mismatch or no_secret.
        self.reason = reason
