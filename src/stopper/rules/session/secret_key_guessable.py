"""Somebody with one cookie and a word list finds the key at home, and then makes sessions for everybody."""

from stopper.core.answers.cookie_flags import set_cookies
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, compute, failed, not_applicable, passed
from stopper.core.probing.cookies import answers_with_cookies
from stopper.core.rule import Rule
from stopper.core.tokens.flask_cookie import is_signed, session_cookie_name, signed_sample


def probe(target: Target) -> Steps[Verdict]:
    """Take a session cookie that the application gave and guess its key offline; in process, ask about the key in force too."""
    found = yield from _session(target)
    if found is not None:
        ref, exchange, cookie = found
        key = yield from compute(lambda: target.forge.guess_cookie(cookie))
        if key is None:
            return passed("no word of the list signs the session cookie")
        seen = Evidence("exchange", "the signature of this session cookie was made with a word of the list", exchange)
        return failed(f"the key of the session cookie that {ref} gives is a common word", (ref,), (seen,))
    held = target.app.keys.get("config:SECRET_KEY")
    if held is None:
        return not_applicable("no answer gave a signed session cookie")
    guessed = yield from compute(lambda: target.forge.guess_cookie(signed_sample(held)))
    if guessed is None:
        return passed("the key in force is no word of the list")
    refs = [ref for route in target.app.routes for ref in route.refs()]
    return failed(
        "SECRET_KEY in force is a common word", refs[:1], (Evidence("running", "the key in force is in the word list"),)
    )


def _session(target: Target) -> Steps[tuple[RouteRef, Exchange, str] | None]:
    name = session_cookie_name(target.app)
    answers = yield from answers_with_cookies(target)
    for ref, exchange in answers:
        for cookie in set_cookies(exchange.response):
            if cookie.name == name and is_signed(cookie.value):
                return ref, exchange, cookie.value
    return None


RULE = Rule(
    slug="secret-key-guessable",
    family="session",
    title="`SECRET_KEY` is in a public word list",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(1391,),
    owasp="API8:2023",
    asvs=("V13.2.3",),
    surfaces=(
        "wsgi",
        "http",
    ),
    ends="`Stopper(app)` signs nothing with `SECRET_KEY`, so whoever guesses it passes no policy.",
    probe=probe,
    effect_of=("secret-key-hardcoded", "secret-key-unsafe-default"),
)
