"""Somebody with one token and a word list finds the secret at home, and then makes tokens for everybody."""

import time
from collections.abc import Iterator, Mapping

from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.baseline import Baseline, controls, judge, shown
from stopper.core.probing.secret import HASHES, guessed_secret
from stopper.core.probing.signature import handed_out, no_baseline, token_baseline
from stopper.core.probing.token_doors import elsewhere, token_doors
from stopper.core.rule import Rule
from stopper.core.secret import Secret


def probe(target: Target) -> Steps[Verdict]:
    """Guesses offline from one token, then shows a token of its own making. The secret is never written anywhere."""
    verdict = yield from _at_the_first(target)
    if verdict.outcome == "fail":
        return verdict
    known = dict[str, Secret]()
    for token in dict.fromkeys(door.token for door in (yield from token_doors(target))):
        if target.forge.header(token).get("alg") in HASHES:
            secret = yield from guessed_secret(target, token)
            known |= {token: secret} if secret is not None else {}

    def by_guess(token: str, rights: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        if token in known:
            yield "that was signed with a common word", target.forge.signed(token, known[token], **rights)

    return (yield from elsewhere(target, verdict, by_guess)) if known else verdict


def _at_the_first(target: Target) -> Steps[Verdict]:
    baseline = yield from token_baseline(target)
    if baseline is None or baseline.identity.token is None:
        return (yield from _at_home(target)) or no_baseline(target)
    token = baseline.identity.token.reveal()
    if target.forge.header(token).get("alg") not in HASHES:
        return not_applicable("the tokens are not signed by HMAC, so there is no secret to guess")
    secret = yield from guessed_secret(target, token)
    if secret is None:
        return passed("no word of the list is the signing secret")
    return (yield from _proven(target, baseline, token, secret))


def _at_home(target: Target) -> Steps[Verdict | None]:
    """Where no route is known that the token opens: that the guess makes its signature says who can make tokens."""
    given = yield from handed_out(target)
    if given is None or (yield from guessed_secret(target, given.token)) is None:
        return None
    evidence = [
        Evidence("exchange", "a log-in hands out the token", given.exchange),
        Evidence("effect", "the server's own token has the signature that the guessed secret makes"),
    ]
    return failed(f"the secret that signs the token of {given.ref} is a common word", (given.ref,), evidence)


def _proven(target: Target, baseline: Baseline, token: str, secret: Secret) -> Steps[Verdict]:
    """A new token under the guess is accepted. Its twin under a stranger's key shows what the secret is worth here."""
    later = int(time.time()) + 3600
    stranger = yield from send(shown(baseline, target.forge.foreign(token, exp=later)))
    forged = yield from send(shown(baseline, target.forge.signed(token, secret, exp=later)))
    evidence = [*controls(baseline)]
    if judge(baseline, forged.response) != "let-in":
        if not target.forge.signs(token, secret):
            return unsure(f"a secret was guessed, and {baseline.ref} did not accept a token that was signed with it")
        # Some keep the tokens that they gave: another service may still trust the signature.
        evidence.append(Evidence("effect", "the server's own token has the signature that the guessed secret makes"))
        said = f"the secret that signs the token which {baseline.ref} takes is a common word; a token that was made with it was not taken"
        return failed(said, (baseline.ref,), evidence, "high")
    if judge(baseline, stranger.response) == "kept-out":
        evidence.append(Evidence("exchange", "control: a new token under a stranger's key is refused", stranger))
    evidence.append(Evidence("effect", "the server's own token has the signature that the guessed secret makes"))
    evidence.append(Evidence("exchange", "a new token under the guessed secret is accepted", forged))
    message = f"the signing secret is a common word: {baseline.ref} accepts a token that the scan made with it"
    return failed(message, (baseline.ref,), evidence)


RULE = Rule(
    slug="jwt-secret-guessable",
    family="jwt",
    title="The HMAC secret can be guessed by running a word list offline against a token",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(1391,),
    owasp="API2:2023",
    asvs=("V11.2.3",),
    surfaces=("wsgi", "http"),
    ends="Stopper's service signs with a random key pair, so there is no secret to guess.",
    probe=probe,
    effect_of=("jwt-secret-hardcoded", "jwt-secret-literal-fallback", "jwt-secret-too-short"),
)
