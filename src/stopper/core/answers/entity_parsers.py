"""Parsers of XML that open whatever file or address an entity of the document names, and are handed a document that a caller sent."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.labels import UNTRUSTED_TEXT
from stopper.core.values import Call, Name, Value, is_constant, options

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_PARSER: Final = ("lxml.etree.XMLParser", "lxml.etree.ETCompatXMLParser")
_PARSES: Final = (
    "lxml.etree.fromstring", "lxml.etree.XML", "lxml.etree.parse", "lxml.etree.iterparse", "lxml.etree.fromstringlist", "lxml.objectify.fromstring",
    "lxml.objectify.parse",
)  # fmt: skip
_OPENS: Final = ("resolve_entities", "load_dtd", "dtd_validation")
"""What makes lxml open what a document names; since lxml 5 it does so only where it is told."""
_WITH_PARSER: Final = (
    "xml.dom.minidom.parseString", "xml.dom.minidom.parse", "xml.dom.pulldom.parseString", "xml.dom.pulldom.parse",
)  # fmt: skip
_EXTERNAL: Final = ("xml.sax.handler.feature_external_ges", "xml.sax.handler.feature_external_pes")


def opened_entities(facts: "SourceFacts") -> "Iterator[Call]":
    """The calls that parse such a document."""
    if not facts.imports("lxml", "xml.sax"):
        return
    for call in facts.calls(*_PARSES):
        several = options(call.argument(1, "parser"))
        made = (one for one in (call, *several) if isinstance(one, Call))
        opens = any(_opens(one) for one in made if one is call or one.callee in _PARSER)
        if opens and _is_sent(facts, call.argument(0, "text", "source")):
            yield call
    told = [call for call in facts.calls("*.setFeature") if _is_external(call)]
    for call in facts.calls("*.parse") if told else ():
        if any(call.receiver == one.receiver for one in told) and _is_sent(facts, call.argument(0)):
            yield call
    for call in facts.calls(*_WITH_PARSER) if told else ():
        parser = call.argument(1, "parser")
        if any(parser == one.receiver for one in told) and _is_sent(facts, call.argument(0, "string", "file")):
            yield call


def _opens(call: Call) -> bool:
    return any(is_constant(call.keyword(word), True, 1) for word in _OPENS) or is_constant(
        call.keyword("no_network"), False, 0
    )


def _is_external(call: Call) -> bool:
    name = call.argument(0, "name")
    return isinstance(name, Name) and name.dotted in _EXTERNAL and is_constant(call.argument(1, "state"), True, 1)


def _is_sent(facts: "SourceFacts", value: Value | None) -> bool:
    return value is not None and facts.derives(value, *UNTRUSTED_TEXT)
