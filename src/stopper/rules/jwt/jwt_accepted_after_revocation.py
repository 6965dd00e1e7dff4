"""Somebody logs out because the token got into wrong hands, and the wrong hands go on using it."""

from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.keys.random_words import token_hex
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.accounts.login import log_in, logout_requests, token_in
from stopper.core.probing.baseline import Baseline, controls, judge, shown, with_token
from stopper.core.probing.secret import signs
from stopper.core.probing.signature import no_baseline, token_baseline
from stopper.core.rule import Rule


def probe(target: Target) -> Steps[Verdict]:
    """Gets a token of its own, logs out with it, and shows it again. Nobody else's token is ended."""
    doors = list(logout_requests(target))
    if not doors:
        return not_applicable("no route logs out")
    baseline = yield from token_baseline(target)
    if baseline is None:
        return no_baseline(target)
    token = yield from _spare_token(target, baseline)
    if token is None:
        return unsure("there is no account to log in with, and logging out would end the only token of this scan")
    before = yield from send(shown(baseline, token))
    if judge(baseline, before.response) != "let-in":
        return unsure(f"{baseline.ref} does not accept a token that was just issued")
    out = yield from _logged_out(target, baseline, token)
    if out is None:
        return unsure("no logout route took the token")
    after = yield from send(shown(baseline, token))
    return _verdict(baseline, before, out, after)


def _spare_token(target: Target, baseline: Baseline) -> Steps[str | None]:
    """A token that nothing else in the scan uses: from a log-in, or minted beside one that the scan minted."""
    own = baseline.identity
    people = [own, *(one for one in target.identities if one.name == own.name)]
    for person in people:
        entered = yield from log_in(target, person)
        token = token_in(entered[1].response) if entered is not None else None
        if token is not None:
            return token
    if not own.minted or own.token is None:
        return None
    known = own.token.reveal()
    algorithm = str(target.forge.header(known).get("alg", ""))
    secret = next((key for key in target.app.keys.values() if signs(known, algorithm, key)), None)
    return target.forge.signed(known, secret, jti=token_hex(16)) if secret is not None else None


def _logged_out(target: Target, baseline: Baseline, token: str) -> Steps[tuple[RouteRef, Exchange] | None]:
    """The last logout that said it was done; each logout route is asked once."""
    done = None
    for route, request in list(logout_requests(target))[:4]:
        exchange = yield from send(with_token(baseline.identity, token).on(request))
        said = exchange.response.json()
        wrong = isinstance(said, dict) and bool({"error", "errors"} & said.keys())
        if (exchange.response.succeeded or exchange.response.status in (302, 303)) and not wrong:
            done = RouteRef(request.method, route.path), exchange
    return done


def _verdict(baseline: Baseline, before: Exchange, out: tuple[RouteRef, Exchange], after: Exchange) -> Verdict:
    match judge(baseline, after.response):
        case "let-in":
            evidence = (
                *controls(baseline),
                Evidence("exchange", "control: a fresh token is accepted", before),
                Evidence("exchange", "its owner logs out with it", out[1]),
                Evidence("exchange", "the same token is still accepted", after),
            )
            message = f"{baseline.ref} still accepts a token after its owner has logged out by {out[0]}"
            return failed(message, (out[0], baseline.ref), evidence)
        case "kept-out":
            return passed(f"{baseline.ref} refuses a token after its owner has logged out")
        case _:
            return unsure(f"the answer of {baseline.ref} after logging out is neither a refusal nor the honest answer")


RULE = Rule(
    slug="jwt-accepted-after-revocation",
    family="jwt",
    title="A token still works after logout, lock, deletion of the user or a password change",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V7.4.2",),
    surfaces=("wsgi", "http"),
    ends="Stopper's `POST /auth/logout` revokes the token, and `@bearer` refuses it from then on.",
    probe=probe,
    disturbs=True,
    effect_of=("jwt-not-revocable", "jwt-blocklist-loader-missing"),
)
