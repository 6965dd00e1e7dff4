"""The address of a request that is only put together: ``requests.Request("GET", url, params=query).prepare().url``."""

from typing import Final

from stopper.core.values import Call, Value
from stopper.scan.source.drafts import new_constant, new_format

_REQUESTS: Final = frozenset({"requests.Request", "requests.models.Request", "httpx.Request"})


def prepared_address(owner: Value) -> Value | None:
    """What ``.url`` of such a request gives: the address with its query behind it; None of anything else."""
    made = owner.receiver if type(owner) is Call and owner.method == "prepare" else owner
    if type(made) is not Call or made.callee not in _REQUESTS or (url := made.argument(1, "url")) is None:
        return None
    query = made.keyword("params")
    return url if query is None else new_format((url, new_constant("?"), query), made.span)
