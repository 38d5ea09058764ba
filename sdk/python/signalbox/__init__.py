"""Sends signals to a Signalbox server and verifies the webhooks that it sends. It needs Python 3.9 or newer and nothing else."""

from ._errors import ApiError, NoAnswerError, SignalboxError, VerificationError
from ._send import Account, BatchResult, Contact, Receipt, Signal, send
from ._verify import SCHEMES, verify

__all__ = [
    "SCHEMES",
    "Account",
    "ApiError",
    "BatchResult",
    "Contact",
    "NoAnswerError",
    "Receipt",
    "Signal",
    "SignalboxError",
    "VerificationError",
    "send",
    "verify",
]
