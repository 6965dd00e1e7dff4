"""What an id is an id of, by the words that stand beside it: in a path, in the name of a parameter or a member, around a list."""

import re
from typing import Final

from stopper.core.naming import as_parameter
from stopper.core.probing.things.id_elsewhere import DEEDS, forms_of_a_noun

_LISTS: Final = frozenset({
    "api", "list", "all", "mine", "my", "me", "own", "index", "recent", "latest", "newest", "feed", "timeline", "public", "search", "export", "download",
    "find", "history", "new", "add", "create", "by", "for", "of", "user", "self", "current", "details", "detail", "info", "lookup", "query", "filter", "single", "one", "specific",
})  # fmt: skip
"""Words of a path that say how things are shown, and not which."""
_WRAPS: Final = frozenset({
    "data", "result", "results", "items", "item", "list", "rows", "records", "content", "payload", "response", "objects", "entries", "page", "body", "value",
    "values", "ok", "success",
})  # fmt: skip
"""Names under which anything may stand."""
IDS: Final = (
    "id",
    "uuid",
    "_id",
    "slug",
    "key",
    "number",
    "uid",
    "serial",
    "code",
    "reference",
    "ref",
    "sku",
    "no",
    "guid",
    "pk",
)
"""What the id of a thing is called in the thing itself."""
_TAIL: Final = re.compile(r"_?(id|ids|uuid|uuids|guid|number|num|no|key|code|ref|reference|slug|serial|pk|uid)$")
_VERSION: Final = re.compile(r"v\d+(\.\d+)?")
LEAST: Final = 3
"""Letters from which on the beginning of a noun stands for it: ``acc`` of an account."""


def nouns_before(path: str, parameter: str) -> frozenset[str]:
    """The nouns of which ``{parameter}`` of a path is an id: those of the part before it, and of its own name."""
    before = path.partition("{" + parameter + "}")[0]
    return noun_of(before) | nouns_of_name(parameter)


def noun_of(path: str) -> frozenset[str]:
    """The noun of the last part of a path that says which things are there: ``order`` of ``/orders/mine`` and of ``/listAllOrders``."""
    for part in reversed([one for one in path.partition("?")[0].split("/") if one and "{" not in one]):
        if _VERSION.fullmatch(part):
            break
        words = [word for word in re.split(r"[_.]+", as_parameter(part)) if word not in DEEDS and word not in _LISTS]
        if words and not part.isdigit():
            return frozenset(forms_of_a_noun("_".join(words)))
    return frozenset()


def nouns_of_name(name: str) -> frozenset[str]:
    """The noun that the name of an id tells: ``order`` of ``orderId`` and ``order_no``; none of ``id`` and of what is too short to tell."""
    said = _TAIL.sub("", as_parameter(name)).strip("_")
    said = said.removeprefix("new_").removeprefix("from_").removeprefix("to_").removeprefix("source_")
    return frozenset(forms_of_a_noun(said)) if len(said) >= LEAST else frozenset()


def nouns_around(name: str) -> frozenset[str]:
    """The noun of what stands under a member of that name; none where anything may."""
    said = as_parameter(name)
    return frozenset(forms_of_a_noun(said)) if said not in _WRAPS else frozenset()


def names_an_id(name: str) -> bool:
    """Whether a member by its name is an id of something."""
    said = as_parameter(name)
    return said in IDS or _TAIL.search(said) is not None


def alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether both tell the same kind of things: by the same noun, its end (``result`` of ``lab_result``) or its beginning (``acc``)."""
    if one & other:
        return True
    return any(
        left.endswith(f"_{right}") or right.endswith(f"_{left}") or (_begins(left, right) or _begins(right, left))
        for left in one
        for right in other
    )


def _begins(short: str, whole: str) -> bool:
    return LEAST <= len(short) <= len(whole) - LEAST and whole.startswith(short) and "_" not in whole
