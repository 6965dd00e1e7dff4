"""Files that are read by other ways than ``open``: objects of pathlib, codecs, a folder that is named beside the file."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.values import Call, Member, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_PATHS: Final = frozenset({"pathlib.Path", "pathlib.PosixPath", "anyio.Path", "aiofiles.open"})


def read_by_path(facts: "SourceFacts") -> Iterator[tuple[Call, Value]]:
    """Each such call with the path that it reads from."""
    for call in facts.calls("*.read_text", "*.read_bytes", "*.open") if facts.imports("pathlib", "anyio") else ():
        path = call.receiver
        if (
            path is not None
            and _is_path(path)
            and not _is_last_part(path)
            and (text_of(call.argument(0, "mode")) or "r")[:1] not in "wax"
        ):
            yield call, path
    for call in facts.calls(
        "codecs.open", "io.open", "aiofiles.open", "gzip.open", "tarfile.open", "linecache.getlines"
    ):
        path = call.argument(0, "filename", "file", "name")
        if path is not None and (text_of(call.argument(1, "mode")) or "r")[:1] not in "wax":
            yield call, path
    for call in facts.calls("flask.send_from_directory", "werkzeug.utils.send_from_directory"):
        folder = call.argument(0, "directory")
        if folder is not None:
            yield call, folder


def _is_last_part(value: Value) -> bool:
    """``folder / Path(name).name``: no folder is left in it."""
    return any(isinstance(part, Member) and part.attribute in ("name", "stem") for part in walk(value, 6))


def _is_path(value: Value) -> bool:
    return any(isinstance(part, Call) and part.callee in _PATHS for part in walk(value, 6))
