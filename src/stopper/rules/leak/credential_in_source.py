"""Whoever may read the repository or its history can act as the owner of the credential."""

import base64
import re
import time
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.ci_steps import OF_A_PIPELINE
from stopper.core.deployment.desk_files import MADE_UP
from stopper.core.edits.environment_edits import named_from_environment
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.passed_keywords import passed_as
from stopper.core.keys.key_shapes import (
    FAKE,
    KeyShape,
    claims_of,
    is_app_password,
    is_drawn,
    is_placeholder,
    is_random,
    key_in,
    may_hold_key,
)
from stopper.core.naming import VARIABLE, is_key_name, may_be_secret, sensitive
from stopper.core.people.words_that_open import words_that_open
from stopper.core.place import Span
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.values import Call, Constant, Mapping, Sequence, Value, text_of, walk

SHORTEST: Final = 10
"""A literal under this length is as often a word as a password."""
_ELSEWHERE: Final = re.compile(r"(?i)secret_?key|jwt_secret")
"""Keys that sign, as API keys have: rules of their own speak of them."""
_SIGNS: Final = re.compile(r"(?i)secret|key")
_DIGESTS: Final = {43: "sha256", 64: "sha384", 86: "sha512"}
"""By the length of a signature: HS256, HS384 and HS512."""
_FOR_TRIALS: Final = re.compile(r"(?i)(?:\w*_)?(?:test(?:ing)?|dummy|fake|example|sample|mock)_")
"""Names of what fills a database for development; what has the shape of a key is told all the same."""
_NO_SECRET: Final = re.compile(
    r"(?i)^(?:https?:|urn:|[\w.-]*/|sha\d+-|pbkdf2:|scrypt:|argon2|\$2[aby]\$|[a-z]+(?:[ _.-][a-z]+)*\d{0,3}$)|\s|[{}%]"
)
_SETTINGS: Final = (".json", ".yml", ".yaml", ".toml", ".ini", ".cfg")
_TO_FILL_IN: Final = re.compile(r"(?i)(?:^|[._/-])(?:example|sample|template|dist)(?:[._-]|$)")
"""Settings that are copied under another name and filled in: ``config.example.json``."""
_SERVERS: Final = ("smtplib.", "ftplib.", "imaplib.", "poplib.")
_PAIR: Final = 2
_PLACES: Final = {
    r"(?:pymysql|MySQLdb)(?:\.connections)?\.(?:connect|Connection|Connect)": 2,
    r"(?:cx_Oracle|oracledb)\.connect": 1,
    r"ftplib\.FTP(?:_TLS)?": 2,
    r"ldap3\.Connection": 2,
    r"twilio\.rest\.Client": 1,
    r"tweepy\.(?:OAuthHandler|OAuth1UserHandler|AppAuthHandler)": 1,
    r"requests_oauthlib\.OAuth1(?:Session)?": 1,
}
"""Where libraries take a password or secret by its place."""
_CIPHERS: Final = (
    "cryptography.fernet.Fernet",
    "Crypto.Cipher.AES.new",
    "Cryptodome.Cipher.AES.new",
    "cryptography.hazmat.primitives.ciphers.algorithms.AES",
    "cryptography.hazmat.primitives.ciphers.aead.AESGCM",
)
_FERNET: Final = re.compile(r"[A-Za-z0-9_-]{43}=")
_AES: Final = (16, 24, 32)
"""Bytes of a key of AES (FIPS 197)."""
_BEARER: Final = re.compile(r"(?i)(?:bearer|token|basic)\s+(\S{16,})")


def detect(app: App) -> Iterator[Hit]:
    """Texts with the shape of a key or token anywhere, tests included; literals under the name of a password outside of tests."""
    facts = source_of(app)
    seen: set[tuple[str, int]] = set()
    told = (_by_text, _by_name, _in_tables, _in_docs, _in_ciphers, _compared)
    for span, message, certainty in (one for way in told for one in way(facts)):
        lines = {(span.path, line) for line in range(span.line, span.end_line + 1)}
        if not lines & seen:
            yield Hit(message, span, certainty=certainty)
        seen |= lines


def _by_text(facts: SourceFacts) -> Iterator[tuple[Span, str, Certainty]]:
    """One for each credential; one for all tokens of a test file, which were made together and are replaced together."""
    told: set[tuple[str, str]] = set()
    for span, message, certainty, text in (*_by_shape(facts), *_in_headers(facts)):
        if text.startswith("eyJ") and facts.is_test(span) and _is_signed_for_tests(facts, text):
            continue
        is_again = (span.path, text) in told or (facts.is_test(span) and (span.path, "a token") in told)
        told |= {(span.path, text), *([(span.path, "a token")] if text.startswith("eyJ") else ())}
        if not is_again:
            yield span, message, certainty


def _in_docs(facts: SourceFacts) -> Iterator[tuple[Span, str, Certainty]]:
    """A token or key that was pasted into a README or a page of the docs; the first of a file, for they are replaced together."""
    for file in facts.files_of("docs", "shell"):
        if file.kind == "shell" and (OF_A_PIPELINE.search(file.path) or MADE_UP.search(file.path)):
            continue
        where = "the docs" if file.kind == "docs" else "a script"
        for number, line in enumerate(file.lines, 1):
            found = (
                (key_in(line) if len(line) >= SHORTEST and may_hold_key(line) else None)
                or _live_key(line)
                or _shown_to(line)
            )
            if found is not None and not _has_ended(found.text) and not _is_everybodys(found.text):
                yield Span(file.path, number, number, 1, len(line) + 1), f"{found.kind} stands in {where}", "likely"
                break


_SHOWN_TO: Final = re.compile(
    r"\b(?:curl|wget|http)\b.*\s(?:-u|--user|-a|--auth|--password)[ =][\"']?(?:[\w.@-]+:)?(?=[^\s\"']*\d)([^\s\"':${}<>]{8,})"
)


def _shown_to(line: str) -> KeyShape | None:
    """``curl -u ann:f8Zk39…``: the password of an account, beside its name."""
    found = _SHOWN_TO.search(line)
    said = found[1] if found is not None else ""
    if not said or FAKE.search(said) or _NO_SECRET.search(said) or is_placeholder(said) or not is_random(said):
        return None
    return KeyShape("the password of an account", said)


def _live_key(text: str) -> KeyShape | None:
    """A key of whatever service, which says by its mark that it is no example: ``hbr_live_…``."""
    found = _LIVE.search(text) if "_live_" in text or "_prod_" in text else None
    if found is None or FAKE.search(found[0]) or not is_random(found[1]):
        return None
    return KeyShape("a key that is marked as live", found[0])


_LIVE: Final = re.compile(
    r"(?<![A-Za-z0-9_])(?!pk_)[a-z][a-z0-9]{1,15}_(?:live|prod)_([A-Za-z0-9]{20,})(?![A-Za-z0-9_])"
)


def _is_everybodys(text: str) -> bool:
    """The token by which every tutorial shows what one looks like."""
    claims = claims_of(text) if text.startswith("eyJ") else {}
    return claims.get("sub") == "1234567890" or str(claims.get("name", "")).startswith("John Doe")


def _by_shape(facts: SourceFacts) -> Iterator[tuple[Span, str, Certainty, str]]:
    for text in facts.texts(tests=True):
        found = key_in(text.value) or _live_key(text.value)
        if found is not None and not _is_shown_as_example(facts, text.span):
            in_test = facts.is_test(text.span) or MADE_UP.search(text.span.path) is not None
            if in_test and _has_ended(found.text):
                continue
            sure: Certainty = "likely" if in_test else "certain"
            yield text.span, f"{found.kind} stands in the source", sure, found.text


def _has_ended(text: str) -> bool:
    """That it is a token whose time is over: nobody takes it any more."""
    ends = claims_of(text).get("exp") if text.startswith("eyJ") else None
    return isinstance(ends, (int, float)) and ends < time.time()


def _is_signed_for_tests(facts: SourceFacts, text: str) -> bool:
    """That it is a token under a key which tests give, and nothing that is served: no application takes it."""
    signed, _, signature = text.rpartition(".") if text.startswith("eyJ") else ("", "", "")
    digest = _DIGESTS.get(len(signature))
    if digest is None:
        return False
    keys = facts.once("keys that tests alone give", lambda: _keys_of_tests(facts))
    from hmac import digest as under  # it brings up OpenSSL, and such tokens are rare

    made = (under(key.encode(), signed.encode(), digest) for key in keys)
    return any(base64.urlsafe_b64encode(one).rstrip(b"=").decode() == signature for one in made)


def _keys_of_tests(facts: SourceFacts) -> frozenset[str]:
    said = [(one.span, one.attribute, one.value) for one in facts.assignments(tests=True)]
    said += [(write.span, write.key, write.value) for write in facts.config_writes(tests=True)]
    keys: dict[bool, set[str]] = {True: set(), False: set()}
    for span, name, value in said:
        if _SIGNS.search(name) and (key := text_of(value)) is not None:
            keys[facts.is_test(span)].add(key)
    return frozenset(keys[True] - keys[False])


def _is_shown_as_example(facts: SourceFacts, span: Span) -> bool:
    """That the text is the ``example=`` of a documented field."""
    return any(value.span == span for _, _, value in passed_as(facts, ("example", "examples").__contains__))


def _in_headers(facts: SourceFacts) -> Iterator[tuple[Span, str, Certainty, str]]:
    """``"Authorization": "Bearer …"``: a text with a space in it, in the headers of a call or a dict of them."""
    for flow in facts.flows("outbound-headers", tests=True):
        yield from _bearers(flow.value)
    for one in facts.assignments(tests=True):
        if isinstance(one.value, Mapping):
            yield from _bearers(one.value)


def _bearers(value: Value) -> Iterator[tuple[Span, str, Certainty, str]]:
    for inner in walk(value, 4):
        text = text_of(inner)
        if text is None or not isinstance(inner, Constant) or inner.span is None or " " not in text:
            continue
        found = _BEARER.fullmatch(text)
        if found and not is_placeholder(found.group(1)) and is_random(found.group(1)):
            yield inner.span, "the credential of a header stands in the source", "likely", found.group(1)


def _by_name(facts: SourceFacts) -> Iterator[tuple[Span, str, Certainty]]:
    for one in facts.assignments():
        if _is_secret(one.attribute, one.value) and not MADE_UP.search(one.span.path):
            yield one.span, f"{one.attribute} is a literal", "likely"
    for write in facts.config_writes():
        if write.loaded is not False and _is_secret(write.key, write.value):
            yield write.span, f"{write.key} is a literal", "likely"
    for call, name, value in passed_as(facts, lambda name: sensitive(name) == "password"):
        if call.span is None or MADE_UP.search(call.span.path):
            continue
        if _stands_here(call, value) and _is_secret(name, value):
            yield call.span, f"{name} is a literal", "likely"
    for call in facts.calls("*.login", "*.HTTPBasicAuth", "*.BasicAuth", "*.HTTPDigestAuth"):
        logs_in = call.method != "login" or call.callee.startswith(_SERVERS)
        if logs_in and len(call.args) == _PAIR:
            yield from _password_given(call, call.args[1])
    for one in facts.assignments():  # ``session.auth = ("inn", "f8Zk39…")``
        if one.attribute != "auth" or not isinstance(one.value, Sequence) or len(one.value.items) != _PAIR:
            continue
        shown = one.value.items[1]
        here = shown.span is not None and one.span.holds(shown.span) and not MADE_UP.search(one.span.path)
        if here and _is_secret("password", shown):
            yield one.span, "the password of an account elsewhere is a literal", "likely"
    for pattern, place in _PLACES.items():
        for call in facts.calls_matching(pattern):
            yield from _password_given(call, call.argument(place)) if len(call.args) > place else ()
    for call in facts.calls("neo4j.GraphDatabase.driver", "neo4j.AsyncGraphDatabase.driver"):
        login = call.keyword("auth")
        yield from (
            _password_given(call, login.items[1]) if isinstance(login, Sequence) and len(login.items) == _PAIR else ()
        )
    for flow in facts.flows("outbound-headers"):
        pair = flow.value.items if isinstance(flow.value, Sequence) else ()
        if len(pair) != _PAIR:
            continue
        where = pair[-1].span
        if where is None or not _is_secret("password", pair[-1]) or is_key_name(text_of(pair[0]) or ""):
            continue
        if flow.span.holds(where) or sensitive(getattr(pair[-1], "name", "")) is None:
            yield (
                flow.span if flow.span.holds(where) else where,
                "the password of an account elsewhere is a literal",
                "likely",
            )


def _password_given(call: Call, value: Value | None) -> Iterator[tuple[Span, str, Certainty]]:
    """A literal that is written where a library takes the password of an account."""
    if call.span is None or value is None or MADE_UP.search(call.span.path):
        return
    if _stands_here(call, value) and _is_secret("password", value):
        yield call.span, "the password of an account elsewhere is a literal", "likely"


def _in_tables(facts: SourceFacts) -> Iterator[tuple[Span, str, Certainty]]:
    """``DATABASE = {"USER": "app", "PASSWORD": "…"}`` of a module or class, and tables in it."""
    for one in facts.assignments():
        inside = walk(one.value, 3) if not one.function and isinstance(one.value, Mapping) else ()
        for table in inside:
            for key, value in table.items if isinstance(table, Mapping) else ():
                name, place = text_of(key) or "", value.span
                told = place is not None and _is_secret(name, value)
                told = told and (
                    sensitive(name) == "password" or _is_of_settings(place) or is_drawn(text_of(value) or "")
                )
                if told and place is not None and not MADE_UP.search(place.path) and not _TO_FILL_IN.search(place.path):
                    yield place, f"{name} is a literal", "likely"


def _is_of_settings(place: Span | None) -> bool:
    """That it stands in a file of settings that the code reads."""
    return place is not None and place.path.endswith(_SETTINGS)


def _in_ciphers(facts: SourceFacts) -> Iterator[tuple[Span, str, Certainty]]:
    """``Fernet("…")``, ``AES.new(b"…")``: the key under which something is kept."""
    for call in facts.calls(*_CIPHERS):
        key = call.argument(0, "key")
        said = key.value if isinstance(key, Constant) else None
        text = said.decode("latin-1") if isinstance(said, bytes) else said
        place = key.span if key is not None and key.span is not None else call.span
        if not isinstance(text, str) or place is None or facts.is_test(place) or is_placeholder(text):
            continue  # ``<your-key-here>`` opens nothing
        if _FERNET.fullmatch(text) if call.method == "Fernet" else len(text) in _AES:
            yield place, "the key that something is encrypted with is a literal", "certain"


def _compared(facts: SourceFacts) -> Iterator[tuple[Span, str, Certainty]]:
    for span in words_that_open(facts):
        yield span, "the password that opens this is a literal", "likely"


def _stands_here(call: Call, value: Value) -> bool:
    """That the literal is written in the call; one that has a name is told where it stands."""
    return (
        isinstance(value, Constant) and value.span is not None and call.span is not None and call.span.holds(value.span)
    )


def _is_secret(name: str, value: Value) -> bool:
    text = text_of(value)
    if (
        text is None
        or not SHORTEST <= len(text) <= 200
        or not (sensitive(name) in ("token", "password", "config-secret") or (may_be_secret(name) and is_drawn(text)))
        or _ELSEWHERE.search(name)
    ):
        return False
    if _FOR_TRIALS.match(name) or _FOR_TRIALS.match(value.name) or VARIABLE.fullmatch(text):
        return False
    if name.strip("_").lower() in text.lower().replace("-", "_"):
        return False  # ``_ACCESS_TOKEN = "oauth1:access_token"`` names a kind of them
    if is_app_password(text):
        return True
    return not is_placeholder(text) and not _NO_SECRET.search(text) and is_random(text)


def fix(app: App, hit: Hit) -> Edit | None:
    """The environment's variable of the same name, for a setting or variable that is given one literal; what stands there now must be changed."""
    return named_from_environment(source_of(app), hit.span)


RULE = Rule(
    slug="credential-in-source",
    family="leak",
    title="Credential in the source",
    harm="Whoever may read the repository or its history can act as the owner of the credential.",
    severity="medium",
    check="data-exposure",
    cwe=(798,),
    owasp="API8:2023",
    asvs=("V13.3.1",),
    surfaces=("source",),
    ends="`STOPPER_SECRETS` of Stopper names where secrets lie, so none stands in the source.",
    certainty="likely",
    detect=detect,
    fix=fix,
    reads_tests=True,
)
