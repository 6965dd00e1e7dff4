"""What an error tells the caller is left to whatever stands in front of the application."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.setting_facts import YES
from stopper.core.deployment.switched_on import switched_on
from stopper.core.facts import source_of
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Constant

_SET: Final = re.compile(
    r"""^[\s\-"']*(?:(?:ENV|export|web:)\s+)?(FLASK_)?(PROPAGATE_EXCEPTIONS|TRAP_HTTP_EXCEPTIONS|TRAP_BAD_REQUEST_ERRORS)"""
    r"""["']?\s*[=:\s]\s*["']?(\w+)"""
)
"""A line of a file beside the code that sets one: ``FLASK_…`` where the environment is loaded, the bare name in a file of settings."""
_FOR_DESK: Final = re.compile(r"(?i)dev|local|test|example|sample")
KEYS: Final = ("PROPAGATE_EXCEPTIONS", "TRAP_HTTP_EXCEPTIONS", "TRAP_BAD_REQUEST_ERRORS")
"""``PROPAGATE_EXCEPTIONS`` first, which a handler may make idle."""


def detect(app: App) -> Iterator[Hit]:
    """One of the three settings that is on, in the source or else in the running application."""
    seen: set[str] = set()
    caught = any(one.what in ("Exception", "BaseException") for one in source_of(app).error_handlers())
    beside = {file.path: file for file in source_of(app).files_of("dockerfile", "compose", "procfile", "env", "config")}
    # a handler of everything answers before Flask asks whether to propagate
    for found in switched_on(app, *(KEYS[1:] if caught else KEYS)):
        seen.add(found.key)
        if found.span.path not in beside:  # their lines are read below
            yield Hit(f"{found.key} gives exceptions to the server", found.span, certainty=found.certainty)
    for file in beside.values():
        for number, line in file.lines_with(*(key.lower() for key in KEYS)):
            said = _SET.match(line)
            loaded = said is not None and ((said[1] is None) == (file.kind == "config"))
            if said is not None and loaded and said[3].lower() in YES and not _FOR_DESK.search(file.path):
                seen.add(said[2])
                span = Span(file.path, number, number, 1, len(line) + 1)
                yield Hit(f"{said[2]} gives exceptions to the server", span, certainty="likely")
    for key in KEYS:
        running = app.config.get(key)
        if key not in seen and running is not None and running.reader == "running" and running.value is True:
            yield Hit(f"{key} is on in the running application", reader="running")


def fix(app: App, hit: Hit) -> Edit | None:
    """``False``, where the literal stands in the setting itself."""
    for write in source_of(app).config_writes(*KEYS):
        value = write.value
        if write.span == hit.span and isinstance(value, Constant) and value.value is True and value.span is not None:
            return Edit(value.span, "False", safe=True) if value.span.path == write.span.path else None
    return None


RULE = Rule(
    slug="exception-propagation-enabled",
    family="leak",
    title="Exceptions let through to the server",
    harm="What an error tells the caller is left to whatever stands in front of the application.",
    severity="medium",
    check="data-exposure",
    cwe=(209,),
    owasp="API8:2023",
    asvs=("V13.4.2",),
    surfaces=("source", "running"),
    ends="`Stopper(app)` refuses propagated exceptions as long as `STOPPER_MODE` is `prod`.",
    detect=detect,
    fix=fix,
)
