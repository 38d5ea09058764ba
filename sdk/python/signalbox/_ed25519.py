"""Verification of Ed25519 signatures (RFC 8032, section 5.1.7), which the standard library does not have.

It handles nothing secret, so it need not take the same time for all inputs. One signature takes a few milliseconds.
"""

from __future__ import annotations

import hashlib
from typing import Optional, Tuple

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)  # of -1

# A point (x, y) as (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.
_Point = Tuple[int, int, int, int]
_ZERO: _Point = (0, 1, 1, 0)


def _add(p: _Point, q: _Point) -> _Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c = 2 * p[3] * q[3] * _D % _P
    d = 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _read(text: bytes) -> Optional[_Point]:
    """Decodes a point; None for bytes that are none, or not its one encoding."""
    y = int.from_bytes(text, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= _P:
        return None
    xx = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(xx, (_P + 3) // 8, _P)
    if x * x % _P != xx:
        x = x * _ROOT % _P
    if x * x % _P != xx or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _write(p: _Point) -> bytes:
    z = pow(p[2], -1, _P)
    x, y = p[0] * z % _P, p[1] * z % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE = _read((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Says whether the signature of 64 bytes is the message's under the public key of 32 bytes."""
    if len(public) != 32 or len(signature) != 64 or _BASE is None:
        return False
    key = _read(public)
    s = int.from_bytes(signature[32:], "little")
    if key is None or s >= _ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    h = int.from_bytes(digest, "little") % _ORDER
    minus = (-key[0] % _P, key[1], key[2], -key[3] % _P)
    # s times the base and h times minus the key, in one pass: their sum is the point that the signature begins with.
    terms = (_ZERO, _BASE, minus, _add(_BASE, minus))
    point = _ZERO
    for bit in range(252, -1, -1):
        point = _add(point, point)
        term = (s >> bit & 1) | (h >> bit & 1) << 1
        if term:
            point = _add(point, terms[term])
    return _write(point) == signature[:32]
