from __future__ import annotations

import base64
import hashlib
import hmac
import math
import re
import time
from typing import Any, Callable, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from . import _ed25519
from ._errors import VerificationError

_MAX_ITEMS = 32
_DIGEST_SIZE = 32
_SIGNATURE_SIZE = 64


class _Scheme(NamedTuple):
    """The header of a scheme, and how it writes a digest."""

    header: str
    encoding: str
    prefix: str


_SCHEMES = {
    "standard": _Scheme("Webhook-Signature", "base64", "v1,"),
    "standard-ed25519": _Scheme("Webhook-Signature", "base64", "v1a,"),
    "stairoids": _Scheme("X-Stairoids-Signature", "hex", ""),
    "stairoids-prefixed": _Scheme("X-Stairoids-Signature", "hex", "sha256="),
    "staircase": _Scheme("X-Staircase-Signature", "hex", ""),
    "staircase-secret-sha256": _Scheme("X-Staircase-Signature", "hex", ""),
    "stackone": _Scheme("X-Stackone-Signature", "base64url", ""),
    "github": _Scheme("X-Hub-Signature-256", "hex", "sha256="),
    "stripe": _Scheme("Stripe-Signature", "hex", ""),
}

#: How a request may be signed. The first two and stripe sign a timestamp, so that a replay is refused.
#: staircase-secret-sha256 is weak: whoever sees one request can forge the next.
SCHEMES = tuple(_SCHEMES)

Headers = Union[Mapping[str, Any], Iterable[Tuple[Any, Any]]]
Body = Union[bytes, bytearray, memoryview, str]


class _Window(NamedTuple):
    now: float
    tolerance: float


def verify(
    headers: Headers,
    raw_body: Body,
    secret: Union[str, Sequence[str]],
    *,
    scheme: str = "standard",
    tolerance: float = 300,
    now: Optional[float] = None,
) -> None:
    """Returns if the body was signed under the scheme with one of the secrets, and raises a VerificationError if not.

    Give it the raw bytes of the body, before any parsing; text stands for its UTF-8 bytes. headers is a mapping or a list of pairs. tolerance is how
    many seconds a signed timestamp may lie before or after now, in Unix seconds. It keeps no record of ids: refusing a repeated webhook-id is the
    receiver's work.
    """
    if scheme not in _SCHEMES:
        raise ValueError(f"unknown signature scheme {scheme!r}")
    if not (tolerance >= 0 and tolerance < math.inf):
        raise ValueError("tolerance is a number of seconds")
    if now is None:
        now = time.time()
    if not math.isfinite(now):
        raise ValueError("now is no time")
    body = _bytes_of(raw_body)
    secrets = _usable(secret)
    window = _Window(now, tolerance)
    if scheme in ("standard", "standard-ed25519"):
        _verify_standard(scheme, headers, body, secrets, window)
    elif scheme == "stripe":
        _verify_stripe(headers, body, secrets, window)
    else:
        _verify_vendor(scheme, headers, body, secrets)


def _verify_vendor(scheme: str, headers: Headers, body: bytes, secrets: Sequence[str]) -> None:
    header, encoding, prefix = _SCHEMES[scheme]
    value = _single(headers, header)
    digest = _decode(value[len(prefix) :], encoding, _DIGEST_SIZE) if value.startswith(prefix) else None
    if digest is None:
        raise VerificationError("malformed", f"{header} is not {prefix}{encoding} of {_DIGEST_SIZE} bytes")

    def made(secret: str) -> bytes:
        if scheme == "staircase-secret-sha256":
            return hashlib.sha256(secret.encode()).digest()
        return _hmac(secret.encode(), body)

    _match([digest], made, secrets, header)


def _verify_standard(scheme: str, headers: Headers, body: bytes, secrets: Sequence[str], window: _Window) -> None:
    header, encoding, prefix = _SCHEMES[scheme]
    identity = _single(headers, "Webhook-Id")
    stamp = _single(headers, "Webhook-Timestamp")
    value = _single(headers, header)
    _fresh(stamp, "Webhook-Timestamp", window)
    items = value.split(" ")
    if len(items) > _MAX_ITEMS:
        raise VerificationError("malformed", f"{header} lists more than {_MAX_ITEMS} signatures")
    size = _DIGEST_SIZE if scheme == "standard" else _SIGNATURE_SIZE
    # Other versions are not ours to judge.
    decoded = (_decode(item[len(prefix) :], encoding, size) for item in items if item.startswith(prefix))
    given = [digest for digest in decoded if digest is not None]
    content = f"{identity}.{stamp}.".encode("latin-1") + body
    if scheme == "standard":
        _match(given, lambda secret: _hmac(_standard_key(secret), content), secrets, header)
        return
    for secret in secrets:
        key = _public_key(secret)
        if any(_ed25519.verify(key, content, signature) for signature in given):
            return
    raise _mismatch(header)


def _verify_stripe(headers: Headers, body: bytes, secrets: Sequence[str], window: _Window) -> None:
    header, encoding, _ = _SCHEMES["stripe"]
    items = _single(headers, header).split(",")
    if len(items) > _MAX_ITEMS:
        raise VerificationError("malformed", f"{header} has more than {_MAX_ITEMS} items")
    stamp, given = "", []
    for item in items:
        name, _, text = item.partition("=")
        if name == "t":
            if stamp:
                raise VerificationError("malformed", f"{header} has two timestamps")
            stamp = text
        elif name == "v1":
            digest = _decode(text, encoding, _DIGEST_SIZE)
            if digest is not None:
                given.append(digest)
    if not stamp:
        raise VerificationError("malformed", f"{header} has no timestamp (t=…)")
    _fresh(stamp, header, window)
    content = f"{stamp}.".encode() + body
    _match(given, lambda secret: _hmac(secret.encode(), content), secrets, header)


def _match(given: Sequence[bytes], made: Callable[[str], bytes], secrets: Sequence[str], header: str) -> None:
    """Returns if any given digest is the one that any secret makes."""
    for secret in secrets:
        want = made(secret)
        for digest in given:
            if hmac.compare_digest(digest, want):
                return
    raise _mismatch(header)


def _mismatch(header: str) -> VerificationError:
    return VerificationError("mismatch", f"{header} holds no signature that was made with this secret for these exact bytes")


def _fresh(stamp: str, header: str, window: _Window) -> None:
    """Holds a timestamp in plain Unix seconds to the tolerance: the text that is signed has one meaning."""
    if not re.fullmatch("0|[1-9][0-9]{0,12}", stamp) or int(stamp) >= 2**40:
        raise VerificationError("malformed", f"the timestamp in {header} must be Unix seconds")
    age = window.now - int(stamp)
    if age > window.tolerance:
        raise VerificationError("too_old", f"{header} is {int(age)} s behind, at most {window.tolerance} are allowed")
    if age < -window.tolerance:
        raise VerificationError("too_new", f"{header} is {int(-age)} s ahead, at most {window.tolerance} are allowed")


def _single(headers: Headers, name: str) -> str:
    """Reads a header that must be there once, whatever the case of its name."""
    pairs = headers.items() if hasattr(headers, "items") else headers
    values: List[Any] = []
    for key, value in pairs:
        if _text(key).lower() == name.lower() and value is not None:
            values.extend(value if isinstance(value, (list, tuple)) else [value])
    if not values or (len(values) == 1 and not values[0]):
        raise VerificationError("missing", f"the header {name} is missing")
    if len(values) > 1:
        raise VerificationError("malformed", f"the header {name} is there {len(values)} times")
    value = _text(values[0])
    # Header text has a character for each byte.
    if any(ord(character) > 255 for character in value):
        raise VerificationError("malformed", f"the header {name} is no header's text")
    return value


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _decode(text: str, encoding: str, least: int, most: int = 0) -> Optional[bytes]:
    """Decodes the one spelling that bytes have: lower-case hex, or base64 with neither stray characters nor stray bits."""
    try:
        if encoding == "hex":
            raw = bytes.fromhex(text)
            again = raw.hex()
        elif encoding == "base64":
            raw = base64.b64decode(text)
            again = base64.b64encode(raw).decode()
        else:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            again = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    except ValueError:
        return None
    return raw if again == text and least <= len(raw) <= (most or least) else None


def _usable(secret: Union[str, Sequence[str]]) -> Sequence[str]:
    """Refuses secrets that would verify what anybody can make."""
    secrets = [secret] if isinstance(secret, str) or secret is None else list(secret)
    if not secrets:
        raise VerificationError("no_secret", "no secret is given")
    for each in secrets:
        if not isinstance(each, str) or each in ("", "whsec_"):
            raise VerificationError("no_secret", "a secret is empty")
    return secrets


def _standard_key(secret: str) -> bytes:
    """The key of Standard Webhooks: decoded if it is whsec_ and base64 of 24 to 64 bytes, else the secret's own bytes."""
    if secret.startswith("whsec_"):
        key = _decode(secret[6:], "base64", 24, 64)
        if key is not None:
            return key
    return secret.encode()


def _public_key(secret: str) -> bytes:
    """The public key in whpk_…, or the public half of whsk_…."""
    key = None
    if secret.startswith("whpk_"):
        key = _decode(secret[5:], "base64", 32)
    elif secret.startswith("whsk_"):
        key = _decode(secret[5:], "base64", 64)
    if key is None:
        raise VerificationError("no_secret", "standard-ed25519 needs a whpk_ key of 32 bytes or a whsk_ key of 64")
    return key[-32:]


def _hmac(key: bytes, content: bytes) -> bytes:
    return hmac.new(key, content, hashlib.sha256).digest()


def _bytes_of(body: Body) -> bytes:
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    raise TypeError("verify needs the raw bytes of the body, as they came: JSON that was parsed has lost them")
