"""Templates that Flask does not escape, by the end of their name: `page.html.j2`, `page.jinja`."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.answers.plain_templates import makes_no_page
from stopper.core.values import Call, Mapping, Value, is_constant, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_NOT_ESCAPED: Final = re.compile(r"(?i)\.(?:j2|jinja2?|tpl|tmpl|template)$")
"""Flask escapes ``.html``, ``.htm``, ``.xml``, ``.xhtml`` and ``.svg`` alone (`select_jinja_autoescape`)."""
_PAGE: Final = re.compile(r"(?i)<(?:html|body|head|div|p|h[1-6]|span|ul|li|a|table|form|b|i|br|main|section)\b")
_ESCAPES: Final = re.compile(r"\{%-?\s*(?:autoescape\s+(?:true|True)|filter\s+(?:e|escape|forceescape)\b)")


def filled_unescaped(facts: "SourceFacts") -> Iterator[tuple[Call, str, Value]]:
    """Each name that such a page is filled under and that it shows as it is, with what is given for it."""
    if _is_escaped_otherwise(facts):
        return
    texts = {file.path: "\n".join(file.lines) for file in facts.files_of("template") if _NOT_ESCAPED.search(file.path)}
    for call in facts.calls("flask.render_template", "flask.stream_template"):
        template = call.argument(0, "template_name_or_list")
        name = text_of(template)
        if name is None or not _NOT_ESCAPED.search(name) or makes_no_page(template):
            continue
        text = next((said for path, said in texts.items() if path == name or path.endswith("/" + name)), None)
        if (text is None and ".htm" not in name) or (text is not None and not _PAGE.search(text)):
            continue
        for word, value in call.keywords:
            if text is None or _shows(text, word):
                yield call, word, value


def _shows(text: str, word: str) -> bool:
    shown = re.compile(
        r"\{\{-?\s*"
        + re.escape(word)
        + r"\b(?![^}]*\|\s*(?:e|escape|forceescape|tojson|urlencode|int|length)\b)[^}]*\}\}"
    )
    return _ESCAPES.search(text) is None and shown.search(text) is not None


def _is_escaped_otherwise(facts: "SourceFacts") -> bool:
    """``app.jinja_env.autoescape = True``, ``app.select_jinja_autoescape = lambda name: True``, a method of that name, options of the engine."""
    options = [made.value for made in facts.assignments() if made.attribute == "jinja_options"]
    options += [one.attributes["jinja_options"] for one in facts.classes() if "jinja_options" in one.attributes]
    said = (part.get("autoescape") for one in options for part in walk(one, 4) if isinstance(part, Mapping))
    if any(one is not None and not is_constant(one, False) for one in said):
        return True
    return any(
        made.attribute == "select_jinja_autoescape"
        or (made.attribute == "autoescape" and not is_constant(made.value, False))
        for made in facts.assignments()
    ) or any(one.name.endswith(".select_jinja_autoescape") for one in facts.functions())
