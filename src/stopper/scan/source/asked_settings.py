"""``settings.get("server.secret_key")``: what a service of the project gives out of the files of settings beside the code, by a path of keys."""

import re
from pathlib import PurePosixPath
from typing import Final

from stopper.core.naming import VARIABLE, sensitive
from stopper.core.values import Call, EnvironmentValue, Mapping, Value, text_of
from stopper.scan.source.project import Project
from stopper.scan.source.reader import named

_PATH: Final = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)+")
_HOMES: Final = re.compile(r"(?i)config|settings?\b|settings?service")
_NAMES_VARIABLES: Final = re.compile(r"(?i)environment|env[-_]?(?:vars?|variables)")
"""Files that say which variable of the environment stands for a setting."""
_FOR_DESK: Final = re.compile(
    r"(?i)(?:^|[-_.])(?:dev\w*|local\w*|test\w*|examples?|samples?|stag\w*|preview|qa|ci)(?:$|[-_.])"
)
_SERVED: Final = re.compile(r"(?i)^prod")
"""What these say goes before what the others say."""


def setting_asked(project: Project, call: Call) -> Value | None:
    """The value that stands under the one path of keys which the call says; None where no file of the project's settings has it."""
    if not project.settings_texts or _HOMES.search(call.callee) is None:
        return None
    given = (*call.args, *(value for _, value in call.keywords))
    paths = [text for value in given if (text := text_of(value)) is not None and _PATH.fullmatch(text)]
    return _under(project, tuple(paths[0].split("."))) if len(paths) == 1 else None


def _under(project: Project, path: tuple[str, ...]) -> Value | None:
    """What the files of one folder say; None where those of several say something, since it is not known whose the service gives."""
    folders: dict[str, list[str]] = {}
    for name in sorted(project.settings_texts):
        folders.setdefault(name.rpartition("/")[0], []).append(name)
    said = [one for files in folders.values() if (one := _of_folder(project, files, path)) is not None]
    return said[0] if len(said) == 1 else None


def _of_folder(project: Project, files: list[str], path: tuple[str, ...]) -> Value | None:
    from stopper.scan.source.parsed_files import values_of  # which reads files of settings with this reader

    found: Value | None = None
    variable = ""
    for name in sorted(files, key=lambda one: _SERVED.search(PurePosixPath(one).stem) is not None):
        stem = PurePosixPath(name).stem
        held = _at(values_of(project, project.settings_texts[name]), path)
        if held is not None and _NAMES_VARIABLES.search(stem):
            variable = text_of(held) or ""
        elif held is not None and not _FOR_DESK.search(stem):
            found = held
    if VARIABLE.fullmatch(variable):
        return EnvironmentValue(variable, found)
    return named(found, path[-1]) if found is not None and sensitive(path[-1]) else found


def _at(value: Value | None, path: tuple[str, ...]) -> Value | None:
    for word in path:
        value = value.get(word) if isinstance(value, Mapping) else None
    return value
