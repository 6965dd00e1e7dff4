"""Filters of LDAP and expressions of XPath that are put together: a caller's text in them asks another question."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Unknown,
    Value,
    literals,
    options,
    text_of,
    walk,
)

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_DIRECTORIES: Final = ("ldap", "ldap3", "flask_ldap3_login", "flask_simpleldap", "bonsai")
_SEARCHES: Final = ("search", "paged_search", "search_s", "search_st", "search_ext", "search_ext_s")
"""Methods of ldap3, which take the filter second, and of python-ldap, which takes it third."""
_FILTER: Final = re.compile(r"(?:\([&|!(]*|^)\s*(?:[\w.;-]+|\{\w*\}|%s|\s)\s*[~<>]?=")
"""A term of a filter, as in ``(uid=`` (RFC 4515); libraries take one without its brackets, and a setting may say what is looked for."""

_DOCUMENTS: Final = ("lxml", "xml.etree", "defusedxml", "parsel", "libxml2", "elementpath")
_EXPRESSIONS: Final = r"lxml\.etree\.(?:XPath|ETXPath)|elementpath\.select|(?:.*\.)?(?:xpath|xpathEval|xpath_eval)"
_PATHS: Final = r"(?:.*\.)?(?:find|findall|findtext|iterfind)"
"""Methods of ElementTree that take a path; texts, lists and stores have some of the same name."""
_CONDITION: Final = re.compile(r"\[\s*@?[\w.:*-]+\s*=")
_QUOTES: Final = frozenset({"'", '"'})


def asked_of_directories(facts: "SourceFacts") -> Iterator[tuple[Call, list[Value], str]]:
    """Each call whose filter or expression is put together, what is put into the fixed text, and what it is."""
    if facts.imports(*_DIRECTORIES):
        for call in facts.calls(*(f"*.{word}" for word in _SEARCHES), *(f"?.{word}" for word in _SEARCHES)):
            given = (call.argument(place, "search_filter", "filterstr", "filter_exp") for place in (1, 2))
            text = next((one for one in given if one is not None and _is_put_together(one, _FILTER)), None)
            known = call.callee.startswith("re.") or facts.function(call.callee) is not None
            if text is not None and not known:
                yield call, [text], "an LDAP filter"
    if facts.imports(*_DOCUMENTS):
        for call in facts.calls_matching(_EXPRESSIONS):
            text = call.argument(1 if call.callee == "elementpath.select" else 0, "path", "_path", "query")
            if text is not None and not _refuses_quotes(facts, call.function):
                yield call, _quoted_by_nobody(text), "an XPath expression"
        for call in facts.calls_matching(_PATHS):
            text = call.argument(0, "path", "match") if not isinstance(call.receiver, (Constant, Format)) else None
            if text is not None and _is_put_together(text, _CONDITION) and not _refuses_quotes(facts, call.function):
                yield call, _quoted_by_nobody(text), "an XPath expression"


def _refuses_quotes(facts: "SourceFacts", function: str) -> bool:
    """``if "'" in number: return``: what is left cannot end the text that it stands in."""
    return any(
        one.stops and not one.negated and any(text_of(part) in _QUOTES for part in walk(one.value, 2))
        for one in facts.conditions_in(function)
    )


def _quoted_by_nobody(value: Value) -> list[Value]:
    """What stands in the text as it came: ``number.replace("'", "&apos;")`` cannot end it."""
    if isinstance(value, (Format, Unknown)):
        return [inner for part in value.parts for inner in _quoted_by_nobody(part)]
    if isinstance(value, Call) and value.method == "replace" and value.args and text_of(value.args[0]) in _QUOTES:
        return []
    return [value]


def _is_put_together(value: Value, sign: re.Pattern[str]) -> bool:
    """That fixed text with such a sign in it stands around something else."""
    for one in options(value):
        for part in walk(one, 6):
            if isinstance(part, (Format, Unknown)) and sign.search("".join(_texts(part))):
                return True
    return False


def _texts(value: Format | Unknown) -> Iterator[str]:
    for part in value.parts:
        if isinstance(part, (Constant, EnvironmentValue, ConfigValue)):
            yield next((str(one.value) for one in literals(part)), " ")
        elif isinstance(part, (Format, Unknown)):
            yield from _texts(part)
        else:
            yield " "
