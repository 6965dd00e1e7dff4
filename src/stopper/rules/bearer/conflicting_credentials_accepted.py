"""A proxy or a log looks at one credential, the application at the other, so the wrong person is let in or blamed."""

from typing import Final

from stopper.core.facts import source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Steps, Target, failed, passed, send, unsure
from stopper.core.probing.baseline import NONSENSE, Baseline, controls, judge, protected, shown
from stopper.core.rule import Rule

COOKIES: Final = ("access_token", "access_token_cookie", "token", "jwt", "auth_token")
MOST: Final = 8


def probe(target: Target) -> Steps[Verdict]:
    """Shows the good token beside nonsense: in two headers, and in a header and a cookie."""
    baseline = yield from protected(target)
    token = baseline.identity.token if baseline is not None else None
    if (
        baseline is None
        or token is None
        or not any(name.lower() == "authorization" for name, _ in baseline.identity.headers)
    ):
        return unsure("no route was found that a token in the Authorization header opens and nobody else passes")
    if judge(baseline, baseline.anonymous.response) != "kept-out":
        return unsure(f"the answer of {baseline.ref} to nobody is no refusal")
    good, bad = ("Authorization", f"Bearer {token.reveal()}"), ("Authorization", f"Bearer {NONSENSE}")
    for pairs in ((good, bad), (bad, good)):
        both = yield from send(baseline.request.with_headers(*pairs))
        if judge(baseline, both.response) == "let-in":
            seen = Evidence("exchange", "two Authorization headers, one of them nonsense, are let in", both)
            message = f"{baseline.ref} takes a request with two Authorization headers"
            return failed(message, (baseline.ref,), (*controls(baseline), seen))
    return (yield from _cookie_and_header(target, baseline, token.reveal()))


def _cookie_and_header(target: Target, baseline: Baseline, token: str) -> Steps[Verdict]:
    """Where a cookie is another place for the same token, the two are set against each other."""
    names = _cookies(target)
    alone = yield from send(baseline.request.with_headers(_jar(names, token)))
    if judge(baseline, alone.response) != "let-in":
        return passed(f"{baseline.ref} takes a token from one place and refuses two headers")
    pairs = (
        (
            "the good token in a cookie and nonsense in the header",
            shown(baseline, NONSENSE).with_headers(_jar(names, token)),
        ),
        (
            "nonsense in a cookie and the good token in the header",
            shown(baseline, token).with_headers(_jar(names, NONSENSE)),
        ),
    )
    for what, request in pairs:
        both = yield from send(request)
        if judge(baseline, both.response) == "let-in":
            other = Evidence("exchange", "control: a cookie alone is accepted too", alone)
            seen = Evidence("exchange", f"{what} are let in", both)
            message = f"{baseline.ref} takes {what}"
            return failed(message, (baseline.ref,), (*controls(baseline), other, seen))
    return passed(f"{baseline.ref} refuses a header and a cookie that contradict each other")


def _cookies(target: Target) -> tuple[str, ...]:
    read = (one.key for one in source_of(target.app).readings("flask.request.cookies"))
    return tuple(dict.fromkeys((*COOKIES, *read)))[:MOST]


def _jar(names: tuple[str, ...], value: str) -> tuple[str, str]:
    return "Cookie", "; ".join(f"{name}={value}" for name in names)


RULE = Rule(
    slug="conflicting-credentials-accepted",
    family="bearer",
    title="Conflicting credentials are accepted",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(444,),
    owasp="API2:2023",
    asvs=("V6.3.4",),
    surfaces=("wsgi", "http"),
    ends="Stopper's `@bearer` reads one `Authorization` header and nothing else.",
    probe=probe,
)
