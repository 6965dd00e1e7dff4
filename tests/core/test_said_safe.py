"""Of which names the signs come into a page as they are, by what a template says."""

import pytest

from stopper.core.answers.said_safe import said_safe


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ text | safe }}", {"text"}),
        ("{{ result.query[0] | safe }}", {"result"}),
        ("{{ text | markdown | safe }}", {"text"}),
        ('{{ ("<b>" ~ text ~ "</b>") | safe }}', {"text"}),
        ('{{ "<b>%s</b>" | format(text) | safe }}', {"text"}),
        ('{{ "<b>{}</b>".format(text) | safe }}', {"text"}),
        ('{% set line = "<b>" + text %}{{ line | safe }}', {"line", "text"}),
        ("{{ text | safe if shown else other }}", {"text"}),
        ("{{ (one if asked else two) | safe }}", {"one", "two"}),
        ("{{ text | safe | e }}", {"text"}),
        ('{{ {"a": text}["a"] | safe }}', {"text"}),
        ('{{ [text, "b"] | join | safe }}', {"text"}),
    ],
)
def test_names_behind_safe_are_told(text: str, names: set[str]) -> None:
    """However the text gets under the filter: alone, joined, filled in or by a name of the template."""
    assert said_safe(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "{{ text | e | safe }}",
        "{{ data | tojson | safe }}",
        '{{ text | e | replace("\\n", "<br>") | safe }}',
        '{{ "<b>" | safe ~ text ~ "</b>" | safe }}',
        '{{ "<b>%s</b>" | safe | format(text) }}',
        '{{ "<b>" ~ (text | e) ~ "</b>" | safe }}',
        '{{ {"a": "<b>", "b": "<i>"}[text] | safe }}',
        '{{ ("<b>", "<i>")[text] | safe }}',
        '{{ lines | map("e") | join("<br>") | safe }}',
        "{{ text }} is safe",
        "{% import 'languages/' + lang + '.html' as lang %}{{ lang.words | safe }}",
        "{% from 'parts.html' import line, row as cell with context %}{{ line | safe }}{{ cell | safe }}",
        "{{ | safe }}",
        "{{ ( | safe }}",
    ],
)
def test_what_is_escaped_is_not(text: str) -> None:
    """Neither what is escaped before, nor what is put in after the markup was said to be safe; half an expression says nothing."""
    assert said_safe(text) == frozenset()
