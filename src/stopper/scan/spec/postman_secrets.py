"""The credentials that stand in a Postman collection, so that none of them is taken for an example where it stands once more."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from stopper.core.redactor import is_sensitive_name
from stopper.scan.spec.postman_variables import entries, list_of, mapping_of

SHORTEST: Final = 6
"""Characters of a credential that is looked for in other texts; a shorter one is a word of everyday."""
_IN_AUTH: Final = re.compile(r"(?i)token$|secret|passw|^value$|private_?key")
_HEADERS: Final = re.compile(r"(?i)auth|cookie|token|key|secret|session|signature|csrf")
_NODES_MOST: Final = 20_000


def secrets_of(inner: Mapping[str, object]) -> frozenset[str]:
    """Every value of an auth block, of a secret variable and of a header for credentials."""
    waiting, found = [inner], set[str]()
    for _ in range(_NODES_MOST):
        if not waiting:
            break
        node = waiting.pop()
        request = mapping_of(node.get("request"))
        found.update(_in_auth(node.get("auth")), _in_auth(request.get("auth")), _in_variables(node.get("variable")))
        for name, value in entries(request.get("header")):
            if _HEADERS.search(name):
                found.update(str(value).replace(";", " ").replace("=", " ").split())
        waiting.extend(mapping_of(one) for one in list_of(node.get("item")))
    return frozenset(one for one in found if len(one) >= SHORTEST and "{{" not in one)


def _in_auth(node: object) -> Iterator[str]:
    auth = mapping_of(node)
    for kind, block in auth.items():
        if kind != "type":
            yield from (str(value) for name, value in entries(block) if _IN_AUTH.search(name))


def _in_variables(node: object) -> Iterator[str]:
    for one in list_of(node):
        said = mapping_of(one)
        name = str(said.get("key") or said.get("id") or "")
        if said.get("type") == "secret" or is_sensitive_name(name):
            yield str(said.get("value") or "")
