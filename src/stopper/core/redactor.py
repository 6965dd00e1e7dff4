"""Takes secrets out of text: every live :class:`Secret` in its usual spellings, and what looks like a credential.

In this order: live secrets as they are, live secrets behind encodings, keys by their mark, what a sign in front gives away, values by
their name. ``docs/secrets-in-logs.md`` has the whole list.
"""

from collections.abc import Iterable, Mapping
from typing import cast

from stopper.core import registry
from stopper.core.digests import sha256
from stopper.core.redaction import names, shapes, wrapped
from stopper.core.redaction.names import SENSITIVE_NAMES as SENSITIVE_NAMES
from stopper.core.redaction.names import is_sensitive_name as is_sensitive_name
from stopper.core.redaction.ordinary import is_ordinary
from stopper.core.redaction.shapes import Stand
from stopper.core.secret import MASK, Secret


def hide(value: str) -> str:
    """What stands instead of a secret: ``***``, always."""
    return MASK


def tell_apart(value: str) -> str:
    """``***sha256:1a2b3c4d``: the same key gives the same sign, so that two lines can be seen to speak of one key.

    Only for keys and tokens that are made at random; of a password even a piece of a hash says too much.
    """
    return f"{MASK}sha256:{sha256(value.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}" if value else MASK


def mask(text: str, stand: Stand = hide) -> str:
    """*text* with every known secret and everything of a credential's shape as ``***``. Masking twice changes nothing.

    *stand* says what is put for a key or token; passwords and values by name are ``***`` whatever it says.
    """
    if is_ordinary(text):
        return text
    # Whatever is encoded or carries a mark stands in a long run; most texts have none, or only paths and ids.
    runs = registry.runs_of(text)
    if found := registry.found_in(text, runs):
        # First what words give away: somebody's password may be one of them (``password``), and would take it from the others.
        lowered = text.lower()
        text = names.mask_named(shapes.mask_signs(text, lowered, stand), lowered)
        for form in found:
            text = text.replace(form, MASK)
        runs = registry.runs_of(text)
    if registry.holds_any() and (wrapped.is_escaped(text) or (runs and wrapped.may_hold(runs))):
        text = _mask_wrapped(text)
    if runs and (words := shapes.words_of(runs)):
        text = shapes.mask_keys(text, words, stand)
    lowered = text.lower()
    text = shapes.mask_signs(text, lowered, stand)
    return names.mask_named(text, lowered)


def _mask_wrapped(text: str) -> str:
    parts: list[str] = []
    done = 0
    for start, end in sorted(wrapped.spans(text)):
        if end <= done:
            continue
        if start >= done:
            parts += (text[done:start], MASK)
        done = end
    return "".join((*parts, text[done:])) if parts else text


def mask_value(value: object, *, depth: int = 6) -> object:
    """A copy of *value* in which texts are masked and values under a sensitive name are ``***``.

    Other objects stay themselves while their ``repr`` shows no secret, and become the masked ``repr`` otherwise.
    """
    if isinstance(value, Secret):
        return MASK
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, (bytes, bytearray)):
        return mask(bytes(value).decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value)
        if depth == 0:
            return mask(repr(pairs))
        return {mask(str(key)): _mask_entry(str(key), item, depth) for key, item in pairs.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = list(cast("Iterable[object]", value))
        if depth == 0:
            return mask(repr(items))
        if len(items) == 2 and isinstance(items[0], str) and isinstance(items[1], str):
            return [mask(items[0]), _mask_entry(items[0], items[1], depth)]  # a header as a pair
        return [mask_value(item, depth=depth - 1) for item in items]
    return _mask_object(value)


def _mask_object(value: object) -> object:
    try:
        shown = f"{value!r} {value!s}"
    except Exception:  # noqa: BLE001 - whatever a stranger's __repr__ raises
        return f"<{type(value).__name__}>"
    return value if mask(shown) == shown else mask(repr(value))


def _mask_entry(name: str, value: object, depth: int) -> object:
    if is_sensitive_name(name) and not isinstance(value, (bool, type(None))):
        return MASK
    return mask_value(value, depth=depth - 1)
