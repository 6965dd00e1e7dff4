"""What ``yaml.safe_load(open("config.yml"))`` gives: the settings beside the code as the values that stand in them, each at its line."""

import configparser
import re
from collections.abc import Iterator
from typing import Final, cast

from stopper.core.fact import TextFile
from stopper.core.flow.path_calls import files_named
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Parameter, Value, text_of, walk
from stopper.scan.source.drafts import new_constant, new_mapping, new_sequence
from stopper.scan.source.project import Project
from stopper.scan.source.reader import Reader
from stopper.scan.source.settings_files import MOST_PARTS, PARSERS, meant, names_of

DEEPEST: Final = 8


def parsed(reader: Reader, parser: str, given: tuple[Value, ...]) -> Value | None:
    """The values of the file that is opened in what a parser is given; None where it is no file of settings beside the code."""
    inside = list(walk(given[0], 6)) if given else []
    opened = [part for part in inside if isinstance(part, Call) and part.method in _OPENING]
    for call in opened:
        for name in (*names_of(call), *_said_before(call)):
            text = meant(name, reader.path, reader.project.settings_texts)
            if text is not None:
                return values_of(reader.project, text)
    if any(isinstance(part, Parameter) for call in opened for part in walk(call, 4)):
        return _only_one(reader, _ENDINGS.get(parser.partition(".")[0], ()))
    return None


_OPENING: Final = frozenset({"open", "Path", "read_text", "read_bytes"})
_ENDINGS: Final = {
    "toml": (".toml",),
    "tomllib": (".toml",),
    "yaml": (".yaml", ".yml"),
    "configparser": (".ini", ".cfg"),
    "json": (".json",),
}


def _said_before(call: Call) -> Iterator[str]:
    """The file in ``(HERE / "settings.yaml").open()``, and one that a parameter is where nobody says another."""
    if call.receiver is not None and call.method != "Path":
        yield from files_named(call.receiver)
        yield from (text for one in walk(call.receiver, 4) if (text := text_of(one)) is not None and "." in text)
    for part in walk(call, 3):
        if isinstance(part, Parameter) and (text := text_of(part.default)) is not None:
            yield text


def _only_one(reader: Reader, endings: tuple[str, ...]) -> Value | None:
    """The one file of settings of that kind beside the code, where the code is handed its name: that it names, else that there is."""
    project = reader.project
    said = {word for word in project.words if word.endswith(endings)} if endings else set[str]()
    named = {text.path: text for word in said if (text := meant(word, reader.path, project.settings_texts)) is not None}
    if not named and endings != (".json",):
        named = {path: text for path, text in project.settings_texts.items() if path.endswith(endings)}
    return values_of(project, next(iter(named.values()))) if len(named) == 1 else None


def read_into(reader: Reader, parser: Call) -> Value | None:
    """The sections of the INI file that a ``ConfigParser()`` reads, made before *reader* came here; None where none is seen."""
    for call in reader.project.calls:
        if call.receiver is parser and call.method in ("read", "read_file"):
            inside = [call, *(part for part in walk(call.args[0], 2) if isinstance(part, Call))] if call.args else []
            for name in (name for one in inside for name in (*names_of(one), *_said_before(one))):
                text = meant(name, reader.path, reader.project.settings_texts)
                if text is not None:
                    return values_of(reader.project, text)
    return None


def _of_ini(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string(text)
    found: dict[str, dict[str, str]] = {}
    left = MOST_PARTS
    for section in parser.sections():  # each has all the defaults
        if left <= 0:
            break
        found[section] = dict(parser[section])
        left -= len(found[section]) + 1
    return found


def values_of(project: Project, text: TextFile) -> Value | None:
    """What stands in a file of settings, parsed once; None where it cannot be parsed, or holds no mapping."""
    if text.path not in project.parsed:
        ending = text.path.rpartition(".")[2]
        parse = _of_ini if ending in ("ini", "cfg") else PARSERS.get(ending)
        try:
            said = parse("\n".join(text.lines).removeprefix("\ufeff")) if parse is not None else None
        except Exception:  # noqa: BLE001 - parsers raise whatever they stumble over in foreign text
            said = None
        mapping = cast("dict[object, object]", said) if isinstance(said, dict) else None
        project.parsed[text.path] = None if mapping is None else _value(text, mapping, 0, [MOST_PARTS], DEEPEST)
    return project.parsed[text.path]


def _value(text: TextFile, said: object, begin: int, left: list[int], depth: int) -> Value | None:
    """The value; None for a date and what else has no literal, and for more parts than are *left*: an alias of YAML may stand for a whole
    tree, many times over. *begin* is the number of the line, from 0, below which it stands."""
    left[0] -= 1
    if left[0] < 0 or depth == 0:
        return None
    place = Span(text.path, begin + 1, begin + 1, 1, len(text.lines[begin]) + 1 if begin < len(text.lines) else 1)
    if isinstance(said, (str, int, float, bool)) or said is None:
        return new_constant(said, place)
    if isinstance(said, list):
        items = [_value(text, one, begin, left, depth - 1) for one in cast("list[object]", said)]
        return new_sequence(tuple(one for one in items if one is not None), "list", False, place)
    if not isinstance(said, dict):
        return None
    pairs: list[tuple[Value, Value]] = []
    for key, one in cast("dict[object, object]", said).items():
        if left[0] <= 0:
            break
        line = _line(text, key, begin) if isinstance(key, str) else begin
        held = _value(text, one, line, left, depth - 1)
        if isinstance(key, str) and held is not None:
            pairs.append((Constant(key, held.span), held))
    return new_mapping(tuple(pairs), False, place)


def _line(text: TextFile, key: str, begin: int) -> int:
    """The number, from 0, of the first line at or after *begin* that names the key."""
    for flags in (0, re.IGNORECASE):  # names in an INI file are given in small letters
        named = re.compile(rf"""(?:^|[\s{{,\[."'-]){re.escape(key)}["']?\s*[:=\]]""", flags)
        for number in range(begin, len(text.lines)):
            if text.lines[number].lstrip()[:1] != "#" and named.search(text.lines[number]):
                return number
    return begin
