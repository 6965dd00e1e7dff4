"""Members of a body that a document calls read-only: the server says what they are, and no caller."""

import re
from collections.abc import Mapping
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.naming import as_parameter

_OF_ITSELF: Final = re.compile(
    r"(^|_)(id|uuid|pk|no|number|version|rev|revision|count|size|length|etag)$|(^|_)(at|on|date|time|timestamp)$|created|updated|modified"
)
"""What no value of a caller's would be looked for in."""


def read_only(route: Route, shown: Mapping[str, object]) -> dict[str, object]:
    """Another value for each number and each yes or no that the document calls read-only, where a thing is *shown* to have it."""
    schema = route.request_schema.get("properties") if route.request_schema else None
    members = cast("Mapping[str, object]", schema) if isinstance(schema, Mapping) else dict[str, object]()
    names = [
        name
        for name, said in members.items()
        if isinstance(said, Mapping) and cast("Mapping[str, object]", said).get("readOnly") is True
    ]
    known = {
        name: shown[name]
        for name in names
        if isinstance(shown.get(name), (bool, int, float)) and not _OF_ITSELF.search(as_parameter(name))
    }
    return {name: not value if isinstance(value, bool) else cast("float", value) + 1 for name, value in known.items()}
