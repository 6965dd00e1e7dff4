"""Follows ``$ref`` inside one document. Nothing is fetched: a reference to another file or host stays unresolved."""

from collections.abc import Mapping
from typing import Final, cast
from urllib.parse import unquote

HOPS: Final = 32
"""References that are followed one after another before a chain counts as a circle."""
DEPTH: Final = 12
"""Levels of a schema that are written out; what lies deeper is an open schema."""
NODES: Final = 5000
"""Parts of one schema that are written out in all."""


class Document:
    """One parsed OpenAPI document."""

    def __init__(self, root: Mapping[str, object]) -> None:
        self.root = root

    def follow(self, node: object) -> object:
        """*node*, or what its reference leads to; an empty dict for a circle or a reference that leads nowhere."""
        for _ in range(HOPS):
            if not isinstance(node, Mapping):
                return node
            reference = cast("Mapping[str, object]", node).get("$ref")
            if not isinstance(reference, str):
                return cast("Mapping[str, object]", node)
            node = self._at(reference)
        return {}

    def mapping(self, node: object) -> Mapping[str, object]:
        """*node* followed, as a mapping with text keys; empty when it is none."""
        found = self.follow(node)
        if not isinstance(found, Mapping):
            return {}
        return {key: value for key, value in cast("Mapping[object, object]", found).items() if isinstance(key, str)}

    def expanded(self, node: object) -> Mapping[str, object]:
        """A schema with its references written out, to a bounded depth and size."""
        found = self._expand(node, DEPTH, [NODES])
        return cast("Mapping[str, object]", found) if isinstance(found, dict) else {}

    def written_out(self) -> Mapping[str, object]:
        """The whole document with the references of each path written out, to a bounded depth and size a path."""
        paths = self.mapping(self.root.get("paths"))
        whole: dict[str, object] = dict(self.root)
        whole["paths"] = {path: self._expand(item, DEPTH + 4, [NODES]) for path, item in paths.items()}
        return whole

    def _expand(self, node: object, depth: int, left: list[int]) -> object:
        left[0] -= 1
        if depth <= 0 or left[0] <= 0:
            return {}
        node = self.follow(node)
        if isinstance(node, Mapping):
            pairs = cast("Mapping[object, object]", node).items()
            return {str(key): self._expand(value, depth - 1, left) for key, value in pairs}
        if isinstance(node, list):
            return [self._expand(item, depth, left) for item in cast("list[object]", node)[:200]]
        return node

    def _at(self, reference: str) -> object:
        if not reference.startswith("#/"):
            return {}
        node: object = cast("object", self.root)
        for part in reference[2:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(node, Mapping):
                node = cast("Mapping[str, object]", node).get(name)
            elif (
                isinstance(node, list)
                and name.isascii()
                and name.isdigit()
                and int(name) < len(cast("list[object]", node))
            ):
                node = cast("list[object]", node)[int(name)]
            else:
                return {}
        return node
