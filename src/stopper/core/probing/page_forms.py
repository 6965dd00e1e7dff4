"""The forms of a page: where each goes, and what its fields hold; and the addresses of its links."""

import re
from dataclasses import dataclass
from typing import Final

TOKEN: Final = re.compile(r"(?i)csrf|xsrf|^_?nonce$")
"""Fields against forged requests: they are left to who sends the form."""
TYPED: Final = {
    "date": "1990-01-01", "datetime-local": "2030-01-01T10:00", "month": "2030-01", "time": "10:00", "number": "30", "tel": "+15550001000", "color": "#336699",
}  # fmt: skip
"""What is typed into fields that take no free text."""
_HREF: Final = re.compile(r"""(?i)\bhref\s*=\s*["']([^"'#<>\s]{1,300})["']""")


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a page: where it goes, its fields as (name, type, value), and the names of the files that it sends."""

    action: str
    fields: tuple[tuple[str, str, str], ...]
    files: tuple[str, ...] = ()

    @property
    def asks_password(self) -> bool:
        """Whether somebody has to type a password."""
        return any(kind == "password" for _, kind, _ in self.fields)


WHAT: Final = re.compile(
    r"(?i)_?(action|do|op|operation|cmd|command|task|func(tion)?|act|step|tab|section|tool|mode|which|form(_?(name|id|type|action))?|(search|query|form|request|action)_?type|type|submit(ted)?|go)"
)
"""Fields that say which of the forms of a page is sent, or what is to be done."""
_SAID: Final = re.compile(
    r"(?i)(?!\w*(?:delete|remove|destroy|cancel|clear|disable|deactivate|revoke|unsubscribe|log-?out|sign-?out|ban(?!ner|k)|block|approve|reject|reset|close|leave|quit|suspend|terminate|"
    r"wipe|purge|drop|trash|erase|empty|archive|lock|freeze|kick|expel|fire|promote|demote|grant|upgrade|downgrade|expire|void|stop|shut-?down|reboot|restart|publish|"
    r"pay(?!load)|transfer|send|deposit|withdraw|invest|buy|sell|purchase|checkout|charge|refund|donate|redeem|subscribe|cash|bet\b|top-?up|give|rotate|regenerate|password)"
    r"|(?:put|patch|on|off|yes|no|true|false)$)[a-z][\w-]{0,39}"
)
"""What such a hidden field says (``action=search``), as a word; what takes something away, ends it or costs something is not said."""


def chosen(form: Form) -> dict[str, str]:
    """What somebody who fills *form* in picks, by the names of the fields that take no free text: a choice, a day, a number."""
    found: dict[str, str] = {}
    for name, kind, value in form.fields:
        if kind in ("select", "radio", "checkbox"):
            found.setdefault(name, value or ("on" if kind == "checkbox" else ""))
        elif kind == "hidden" and WHAT.fullmatch(name) and _SAID.fullmatch(value):
            found.setdefault(name, value)
        elif kind in TYPED:
            found[name] = value or TYPED[kind]
    return {name: value for name, value in found.items() if value}


def forms_of(text: str, method: str = "post") -> tuple[Form, ...]:
    """The forms of a page that are sent by this method."""
    from stopper.core.probing.form_reader import (
        FormReader,
    )  # it brings the parser of HTML along, and a check of the source never comes here

    reader = FormReader(method)
    reader.feed(text[:500_000])
    return tuple(
        Form(action, tuple(fields), tuple(files))
        for (action, fields), files in zip(reader.found, reader.files, strict=True)
    )


def hrefs(text: str) -> list[str]:
    """The addresses of a page's links, as they stand."""
    from html import unescape

    return [unescape(found) for found in _HREF.findall(text[:300_000])]
