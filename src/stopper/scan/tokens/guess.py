"""Tries many secrets on one token, in several processes where there are many."""

import base64
import hashlib
import hmac
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import chain, islice
from multiprocessing import get_context
from typing import Final

from stopper.core.tokens.flask_cookie import signing_word
from stopper.scan.tokens.forge import guesses, read_part

CHUNK: Final = 200_000
"""Secrets that one process tries at a time; with fewer than that in all, another process costs more than it saves."""


def guess(token: str, more: Sequence[str] = (), *, cookie: bool = False, jobs: int = 0) -> bool:
    """Whether one of the usual secrets, or one of *more*, signed *token* (*cookie*: a Flask session). Which one is not told.

    *jobs* 0: one process a core.
    """
    every = chain(guesses(), more)
    if len(more) < CHUNK or jobs == 1:
        return _tries(token, list(every), cookie)
    with ProcessPoolExecutor(jobs or os.cpu_count() or 1, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_tries, token, chunk, cookie) for chunk in _chunks(every)]
        found = any(one.result() for one in as_completed(waiting))
        pool.shutdown(cancel_futures=True)
    return found


def count(more: Sequence[str] = ()) -> int:
    """How many secrets :func:`guess` tries."""
    return sum(1 for _ in guesses()) + len(more)


def _chunks(every: Iterator[str]) -> Iterator[list[str]]:
    while chunk := list(islice(every, CHUNK)):
        yield chunk


def _tries(token: str, secrets: Sequence[str], cookie: bool) -> bool:
    if cookie:
        return signing_word(secrets, token) is not None
    text, _, shown = token.rpartition(".")
    name = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}.get(str(read_part(token.split(".")[0]).get("alg")))
    if name is None:
        return False
    signed, digest = text.encode("utf-8", "replace"), getattr(hashlib, name)
    try:
        signature = base64.urlsafe_b64decode(shown + "=" * (-len(shown) % 4))
    except ValueError:
        return False
    return any(hmac.new(word.encode("utf-8", "replace"), signed, digest).digest() == signature for word in secrets)
