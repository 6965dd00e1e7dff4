"""Digests that others can work out too: all that goes into them is known of a person or a client."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.account_names import said_name
from stopper.core.values import Call, Constant, Format, Member, Unknown, Value, parts

_DIGEST: Final = re.compile(r"hashlib\.(?:md5|sha\d+|sha3_\d+|blake2[bs])|base64\.\w+encode")
_OF_SOMEBODY: Final = re.compile(r"(?i)(?:^|_)(?:id|uid|user|email|e_?mail|user_?name|name|slug|number)$")
"""What a person or a client is known by."""
_JOINS: Final = frozenset({"encode", "str", "lower", "upper", "strip", "format", "join", "bytes"})
_SECRET: Final = re.compile(r"(?i)key|secret|token|salt|pepper|nonce|random|seed|pass|hash|config|environ")


def digest_of_known_things(calls: list[Call]) -> Call | None:
    """The digest that a key is, where all that goes into it are columns and texts: ``md5(f"{client.name}{client.id}")``."""
    digest = next((one for one in calls if _DIGEST.fullmatch(one.callee) and one.args), None)
    if digest is None:
        return None
    leaves = list(_leaves(digest.args[0]))
    said = [one.attribute for one in leaves if isinstance(one, Member)]
    said += [name for one in leaves if not isinstance(one, Member) and _OF_SOMEBODY.search(name := said_name(one))]
    return digest if said and len(said) == len(leaves) and not any(map(_SECRET.search, said)) else None


def _leaves(value: Value, depth: int = 6) -> Iterator[Value]:
    """What a text is put together of, without the literals."""
    if isinstance(value, Constant) or value == Unknown():
        return
    if depth and (isinstance(value, Format) or (isinstance(value, Call) and value.method in _JOINS)):
        for part in parts(value):
            yield from _leaves(part, depth - 1)
    else:
        yield value
