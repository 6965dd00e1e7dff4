"""A browser takes data for a page and runs what a user wrote into it."""

import json
import re
from typing import Final

from stopper.core.exchange import Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.answers import honest_answers
from stopper.core.rule import Rule

_PAGE: Final = re.compile(r"(?is)^\s*(<!doctype html|<html[\s>])")


def probe(target: Target) -> Steps[Verdict]:
    """Hold the content type of one answer of each route against its body."""
    judged, places, evidence = 0, list[RouteRef](), list[Evidence]()
    for ref, exchange in (yield from honest_answers(target)):
        if not exchange.response.body or not exchange.response.succeeded:
            continue
        judged += 1
        if wrong := wrong_type(exchange.response):
            places.append(ref)
            evidence.append(Evidence("exchange", f"{ref.path}: {wrong}", exchange))
    if not judged:
        return not_applicable("no route that can be read answers with a body")
    if places:
        return failed(
            f"{len(places)} of {judged} answers have a content type that does not fit: {evidence[0].text}",
            places,
            evidence[:3],
        )
    return passed(f"{judged} answers say what they are")


def wrong_type(response: Response) -> str:
    """What is wrong with the content type; empty where nothing is."""
    said = response.content_type
    if not said:
        return "no content type"
    if said == "text/html" and _is_data(response):
        return "JSON that is called a page"
    if said.endswith("json") and _PAGE.match(response.text):
        return "a page that is called JSON"
    if (
        said in ("text/html", "text/xml", "application/xhtml+xml")
        and "charset" not in (response.header("Content-Type") or "").lower()
    ):
        return "a page without a charset" if b"<meta charset" not in response.body.lower() else ""
    return ""


def _is_data(response: Response) -> bool:
    """An object or a list that is more than an accident of a text."""
    try:
        found = json.loads(response.body)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, (dict, list))


RULE = Rule(
    slug="content-type-wrong",
    family="headers",
    title="The content type does not say what the answer is",
    harm=__doc__ or "",
    severity="low",
    check="input-validation",
    cwe=(436,),
    owasp="API8:2023",
    asvs=("V4.1.1",),
    surfaces=(
        "wsgi",
        "http",
    ),
    ends="`Stopper(app)` sends `X-Content-Type-Options: nosniff`, and its own answers are typed.",
    probe=probe,
)
