"""Other sites put the page into a frame and let people click in it, and injected scripts run freely."""

from stopper.core.exchange import Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.answers import honest_answers
from stopper.core.rule import Rule


def probe(target: Target) -> Steps[Verdict]:
    """Look at each route that answers with a page."""
    pages, places, evidence = 0, list[RouteRef](), list[Evidence]()
    for ref, exchange in (yield from honest_answers(target)):
        if (
            exchange.response.content_type not in ("text/html", "application/xhtml+xml")
            or not exchange.response.body
            or exchange.response.sends_on
            or exchange.response.status >= 500
        ):
            continue
        pages += 1
        lacking = lacking_policy(exchange.response)
        if lacking:
            places.append(ref)
            evidence.append(Evidence("exchange", f"the page {ref.path} has no {lacking}", exchange))
    if not pages:
        return not_applicable("no route answers with a page")
    if places:
        return failed(
            f"{len(places)} of {pages} pages have no Content-Security-Policy that keeps frames out",
            places,
            evidence[:3],
        )
    return passed(f"{pages} pages have a Content-Security-Policy")


def lacking_policy(response: Response) -> str:
    """What the page lacks; empty where it lacks nothing. A policy that only reports protects nobody."""
    policy = "; ".join(response.all_headers("Content-Security-Policy")).lower()
    if not policy.strip():
        return "Content-Security-Policy"
    framed = (response.header("X-Frame-Options") or "").strip().lower() not in ("deny", "sameorigin")
    return "frame-ancestors" if "frame-ancestors" not in policy and framed else ""


RULE = Rule(
    slug="content-security-policy-missing",
    family="headers",
    title="A page has no Content-Security-Policy, or lets itself be framed",
    harm=__doc__ or "",
    severity="low",
    check="transport",
    cwe=(1021,),
    owasp="API8:2023",
    asvs=("V3.4.6",),
    surfaces=(
        "wsgi",
        "http",
    ),
    ends="`Stopper(app)` sets `STOPPER_CONTENT_SECURITY_POLICY` on every answer.",
    probe=probe,
)
