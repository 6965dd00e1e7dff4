"""Whoever can factor the key signs tokens for everybody; the smaller the key, the sooner that is."""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, cast

from stopper.core.app import App
from stopper.core.deployment.settings_set_aside import is_in_tests_settings
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.passing import given
from stopper.core.keys.key_files import is_of_tests
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.baseline import controls
from stopper.core.probing.public_keys import published
from stopper.core.probing.signature import token_baseline
from stopper.core.rule import Certainty, Edit, Hit, Rule, Severity
from stopper.core.tokens.jwt_keys import key_bytes, reached, rsa_bits
from stopper.core.values import Call, Constant, Mapping, Parameter, Value, literals, text_of, walk

SHORTEST: Final = 256
STILL_GOOD: Final = 2048
LEAST: Final = 3072
"""Bits. NIST SP 800-57 part 1, table 2: 128 bits of strength; 2048 bits have 112."""
_OF_SOMETHING_ELSE: Final = re.compile(
    r"(?i)dkim|ssh|(?:^|[/_.-])(?:tls|ssl|https?|ca|server|client|postgres\w*|smtp)(?:[/_.-]|$)"
)
"""Names of keys that sign mail or speak TLS: no token is signed by them."""
_OF_TOKENS: Final = re.compile(r"(?i)jwt|jwk|jws|token|sign|auth|idp|oidc|saml|sso")
LIBRARIES: Final = ("jwt", "jose", "joserfc", "authlib", "jwcrypto", "flask_jwt_extended")
_CALLED: Final = tuple(f"{name}." for name in LIBRARIES)


def detect(app: App) -> Iterator[Hit]:
    """Keys that are made too small, and keys in the code, beside it or in the settings that are."""
    facts = source_of(app)
    if not facts.imports(*LIBRARIES) and not app.config and not facts.says("genrsa", "openssl", "ssh-keygen"):
        return
    seen: set[Span | None] = set()
    for hit in (*_made(facts), *_written(facts), *_files(facts), *_commands(facts), *_beside(facts)):
        if hit.span not in seen:
            seen.add(hit.span)
            # 2048 bits are weaker than what is asked for today, and nobody breaks them.
            yield replace(hit, severity="low") if hit.certainty == "likely" else hit
    for fact in app.config.values():
        key = key_bytes(fact.value) if fact.reader == "running" else None
        size = rsa_bits(key.decode("utf-8", "replace")) if key and b"-----BEGIN" in key else None
        if size is not None and size < LEAST:
            yield Hit(
                f"{fact.key} of the running application is {_said(size)}", certainty=_certainty(size), reader="running"
            )


def _made(facts: SourceFacts) -> Iterator[Hit]:
    if not facts.imports(*LIBRARIES):
        return
    for word in ("generate_private_key", "generate", "generate_key"):
        for call in facts.calls(f"*.{word}"):
            size = _size(facts, call)
            if size is not None and size < LEAST and not _is_of_certificate(facts, call):
                yield Hit(f"the key that signs tokens is {_said(size)}", call.span, certainty=_certainty(size))


def _is_of_certificate(facts: SourceFacts, call: Call) -> bool:
    """That the file makes a certificate, or is named by what speaks TLS or SSH: no token is signed by that key."""
    path = call.span.path if call.span is not None else ""
    if _OF_TOKENS.search(path) is not None:
        return False
    return _OF_SOMETHING_ELSE.search(path) is not None or any(
        made.span is not None and made.span.path == path
        for made in facts.calls("*.CertificateBuilder", "*.CertificateSigningRequestBuilder")
    )


def _size(facts: SourceFacts, call: Call) -> int | None:
    owner = call.callee.rpartition(".")[0].rpartition(".")[2]
    if call.method == "generate_private_key":
        if owner not in ("rsa", "jwt") and "rsa" not in call.callee:
            return None
        said = call.argument(1, "key_size")
    elif owner in ("RSA", "RSAKey"):
        said = call.argument(0, "bits", "key_size", "size", "crv_or_size")
        if said is None and owner == "RSAKey":
            return 2048
    elif owner in ("JsonWebKey", "JWKRegistry", "jwk", "JWK"):
        kind = text_of(call.argument(0, "kty", "key_type"))
        if kind != "RSA":
            return None
        said = call.argument(1, "crv_or_size", "size")
        if said is None:
            return 2048
    else:
        return None
    known = given(facts, said) if isinstance(said, Parameter) else reached(facts, said)
    found = [number for value in known for number in _numbers(value)]
    return min(found) if found else None


def _numbers(value: Value) -> Iterator[int]:
    """The sizes that a value may be: numbers, and ``int("1024")`` of a variable's fallback."""
    inner = value.args[0] if isinstance(value, Call) and value.callee == "int" and value.args else value
    for one in literals(inner):
        number = one.value if isinstance(one.value, int) else int(text) if (text := text_of(one) or "").isdigit() else 0
        if number >= SHORTEST:  # what falls back to nothing (``False`` is a number too) is no size
            yield number


def _commands(facts: SourceFacts) -> Iterator[Hit]:
    """``openssl genrsa -out jwt.pem 1024``, ``ssh-keygen -t rsa -b 1024 -f jwt.key``, run from Python or by a script beside it."""
    for flow in facts.flows("subprocess"):
        words = [text_of(part) or str(getattr(part, "value", "")) for part in walk(flow.value, 6)]
        words += [str(number) for part in walk(flow.value, 6) if isinstance(part, Call)
                  for one in part.args for known in _given(facts, one) for number in _numbers(known)]  # fmt: skip
        yield from _of_command(facts, " ".join(words), flow.span)
    for file in facts.files_of("shell", "build", "dockerfile", "workflow"):
        for number, line in file.lines_with("openssl", "ssh-keygen"):
            yield from _of_command(facts, line, Span(file.path, number, number))


def _given(facts: SourceFacts, value: Value) -> tuple[Value, ...]:
    return given(facts, value) if isinstance(value, Parameter) else tuple(reached(facts, value))


def _of_command(facts: SourceFacts, line: str, place: Span) -> Iterator[Hit]:
    words = line.replace("ssh-keygen", "").split()
    if not _GENERATES.search(line) or any(_OF_SOMETHING_ELSE.search(word) for word in words):
        return
    if not _OF_TOKENS.search(line) and (not facts.imports(*LIBRARIES) or "-x509" in line):
        return
    sizes = [int(found) for found in re.findall(r"(?<![\w.-])(?:rsa:)?(\d{3,5})(?![\w.])", line)]
    small = [size for size in sizes if 512 <= size < LEAST]
    if small:
        yield Hit(f"the key that signs tokens is {_said(min(small))}", place, certainty=_certainty(min(small)))


_GENERATES: Final = re.compile(
    r"openssl\b.*\b(?:genrsa|newkey\s+rsa:\d|genpkey\b.*rsa)|\bssh-keygen\b.*-t\s*rsa", re.IGNORECASE
)


def _written(facts: SourceFacts) -> Iterator[Hit]:
    """PEM texts under a name, and JWKs with their modulus."""
    for assignment in facts.assignments():
        value = assignment.value
        if isinstance(value, Constant) and isinstance(value.value, (str, bytes)) and len(value.value) > 100:
            text = value.value if isinstance(value.value, str) else value.value.decode("latin-1")
            size = rsa_bits(text) if "-----BEGIN" in text else None
        elif isinstance(value, Mapping) and text_of(value.get("kty")) == "RSA":
            size = _modulus(text_of(value.get("n")))
        else:
            continue
        if size is None or size >= LEAST or is_in_tests_settings(facts, assignment.span):
            continue
        if size < STILL_GOOD or _OF_TOKENS.search(assignment.target) or _is_for_tokens(facts, value):
            yield Hit(f"the key is {_said(size)}", assignment.span, certainty=_certainty(size))
    for part in _handed_texts(facts):
        size = rsa_bits(str(part.value))
        if part.span is not None and size is not None and size < LEAST:
            yield Hit(f"the key is {_said(size)}", part.span, certainty=_certainty(size))
    for write in facts.config_writes("JWT_PRIVATE_KEY", "JWT_PUBLIC_KEY"):
        key = key_bytes(write.value)
        size = rsa_bits(key.decode("utf-8", "replace")) if key else None
        if size is not None and size < LEAST:
            yield Hit(f"the key is {_said(size)}", write.span, certainty=_certainty(size))


def _handed_texts(facts: SourceFacts) -> Iterator[Constant]:
    """PEM texts that a library of tokens is handed and that stand under no name: ``Settings(public_key="-----BEGIN …")``."""
    named = [one.span for one in facts.assignments() if isinstance(one.value, Constant)]
    for call in (call for name in facts.callees() if name.startswith(_CALLED) for call in facts.calls(name)):
        for part in (*call.args, *(value for _, value in call.keywords)):
            text = text_of(part) or ""
            span = part.span if isinstance(part, Constant) and "-----BEGIN" in text else None
            if isinstance(part, Constant) and span is not None and not any(one.holds(span) for one in named):
                yield part


def _is_for_tokens(facts: SourceFacts, key: Value) -> bool:
    """That a library of tokens is handed this key: others verify licences, mail or releases."""
    handed = facts.once("spans handed to libraries of tokens", lambda: _handed(facts))
    return key.span in handed


def _handed(facts: SourceFacts) -> frozenset[Span | None]:
    calls = (call for name in facts.callees() if name.startswith(_CALLED) for call in facts.calls(name))
    return frozenset(
        part.span
        for call in calls
        for passed in (*call.args, *(value for _, value in call.keywords))
        for said in (given(facts, passed) if isinstance(passed, Parameter) else (passed,))
        for part in walk(said, 5)
        if isinstance(part, (Constant, Mapping))
    )


def _files(facts: SourceFacts) -> Iterator[Hit]:
    for file in facts.files_of("key") if facts.imports(*LIBRARIES) else ():
        if _OF_SOMETHING_ELSE.search(file.path) or is_of_tests(file.path):
            continue
        text = "\n".join(file.lines)
        if "PRIVATE KEY" not in text and "CERTIFICATE-----" in text and not _OF_TOKENS.search(file.path):
            continue  # other people's certificates
        size = (
            rsa_bits(text) if text.count("-----BEGIN CERTIFICATE-----") < 2 else None
        )  # a bundle of other people's roots
        if size is not None and size < LEAST:
            yield Hit(
                f"the key in this file is {_said(size)}",
                Span(file.path, 1, max(1, len(file.lines))),
                certainty=_certainty(size),
            )


def _beside(facts: SourceFacts) -> Iterator[Hit]:
    """A PEM in one line of a file of the environment, and ``rsa_bits`` of a key for tokens in Terraform."""
    if not facts.imports(*LIBRARIES):
        return
    for file in facts.files_of("env"):
        for number, line in file.lines_with("-----begin"):
            size = rsa_bits(line)
            if size is not None and size < LEAST and not _OF_SOMETHING_ELSE.search(line.partition("=")[0]):
                yield Hit(f"the key is {_said(size)}", Span(file.path, number, number), certainty=_certainty(size))
    for file in facts.files_of("deployment"):
        for number, line in file.lines_with("rsa_bits"):
            found, above = _BITS.search(line), " ".join(file.lines[max(0, number - 5) : number])
            size = int(found[1]) if found is not None and _OF_TOKENS.search(above) else LEAST
            if SHORTEST <= size < LEAST:
                yield Hit(
                    f"the key that signs tokens is {_said(size)}",
                    Span(file.path, number, number),
                    certainty=_certainty(size),
                )


_BITS: Final = re.compile(r"\brsa_bits\s*=\s*(\d+)")


def _modulus(text: str | None) -> int | None:
    if not text or not re.fullmatch(r"[A-Za-z0-9_=-]{40,}", text):
        return None
    number = int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
    return (number.bit_length() + 7) // 8 * 8


def _said(size: int) -> str:
    if size >= 2048:
        return f"an RSA key of {size} bits, which is low: {LEAST} is the least for new keys"
    return f"an RSA key of {size} bits, which can be broken: {LEAST} is the least"


def _certainty(size: int) -> Certainty:
    return "likely" if size >= 2048 else "certain"


def fix(app: App, hit: Hit) -> Edit | None:
    """3072 bits, where the size of a key that is made is a literal of the call."""
    for call in source_of(app).calls("*.generate_private_key", "*.generate", "*.generate_key"):
        if call.span is None or call.span != hit.span:
            continue
        for value in (*call.args, *(value for _, value in call.keywords)):
            small = isinstance(value, Constant) and isinstance(value.value, int) and 512 <= value.value < LEAST
            if small and isinstance(value, Constant) and value.span is not None and call.span.holds(value.span):
                return Edit(value.span, str(LEAST), safe=False)
    return None


def probe(target: Target) -> Steps[Verdict]:
    """Measures the published keys, and the signature of a token, which is as long as its key. Nothing is forged."""
    found = yield from published(target)
    for ref, exchange in found:
        sizes = [size for size in _published_sizes(exchange.response.json(), exchange.response.text) if size < LEAST]
        if sizes:
            seen = [
                Evidence("exchange", "the published keys", exchange),
                Evidence("effect", f"one has a modulus of {min(sizes)} bits"),
            ]
            return failed(f"{ref} publishes {_said(min(sizes))}", (ref,), seen, _weight(min(sizes)))
    baseline = yield from token_baseline(target)
    if baseline is None or baseline.identity.token is None:
        return passed("the published keys are long enough") if found else not_applicable("no RSA key is in reach")
    token = baseline.identity.token.reveal()
    if str(target.forge.header(token).get("alg", ""))[:2] not in ("RS", "PS"):
        return not_applicable("the tokens are not signed by RSA")
    size = _modulus_of_signature(token.rpartition(".")[2])
    if size >= LEAST:
        return passed(f"the key that signs tokens has {size} bits")
    measured = Evidence("effect", f"the token's signature has {size} bits, as long as the key that made it")
    return failed(
        f"tokens are signed by {_said(size)}", (baseline.ref,), (*controls(baseline), measured), _weight(size)
    )


def _weight(size: int) -> Severity | None:
    """A key that was good until now and will do for some years is no hurry (NIST SP 800-57 part 1 table 4: 112 bits to the end of 2030)."""
    return "low" if size >= STILL_GOOD else None


def _modulus_of_signature(part: str) -> int:
    return len(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) * 8


def _published_sizes(said: object, text: str, depth: int = 4) -> Iterator[int]:
    if depth == 4 and "-----BEGIN" in text and (size := rsa_bits(text)) is not None:
        yield size
    if isinstance(said, dict) and depth > 0:
        members = cast("dict[str, object]", said)
        if members.get("kty") == "RSA" and (size := _modulus(str(members.get("n", "")))) is not None:
            yield size
        for value in members.values():
            yield from _published_sizes(value, "", depth - 1)
    elif isinstance(said, list) and depth > 0:
        for value in cast("list[object]", said)[:20]:
            yield from _published_sizes(value, "", depth - 1)


RULE = Rule(
    slug="rsa-key-too-small",
    family="jwt",
    title="Tokens are signed or verified with an RSA key under 3072 bits",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(326,),
    owasp="API2:2023",
    asvs=("V11.2.3",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` refuses RSA keys under 3072 bits, and signs with Ed25519 by default.",
    detect=detect,
    fix=fix,
    probe=probe,
)
