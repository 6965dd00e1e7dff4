"""Whoever sits between reads the keys that are sent and answers in the other's name."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Final, TypeAlias

from stopper.core.app import App
from stopper.core.deployment.setting_facts import YES, is_read_as, plain
from stopper.core.deployment.stages_of_settings import is_for_tests
from stopper.core.deployment.switched_on import asked_for
from stopper.core.fact import Assignment
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.passed_keywords import passed_as
from stopper.core.flow.passing import given
from stopper.core.flow.unpacked_calls import unpacked
from stopper.core.outgoing.tls_contexts import CONTEXTS, asks_nothing
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Truth,
    Value,
    is_constant,
    text_of,
    walk,
)

CLIENTS: Final = (
    r"(?:requests|httpx|aiohttp|urllib3|boto3|botocore|hvac|elasticsearch|opensearchpy|pymongo|redis|ldap3|grequests|requests_oauthlib|oauthlib"
    r"|authlib|consul|kubernetes|jira|pysolr|influxdb|influxdb_client|tornado|treq|niquests|curl_cffi|proxmoxer|pyVim|suds|zeep|urllib|http"
    r"|openai|anthropic|minio|paramiko|smtplib|imaplib|ftplib|websocket|websockets|ssl|jwt)(?:\..*)?"
)
_CLIENT: Final = re.compile(CLIENTS)
_OFF: Final[dict[str, tuple[object, ...]]] = {
    "verify": (False, 0),
    "verify_ssl": (False,),
    "ssl_verify": (False,),
    "verify_certs": (False,),
    "ssl": (False,),
    "check_hostname": (False,),
    "validate_certs": (False,),
    "disable_ssl_certificate_validation": (True,),
    "tlsAllowInvalidCertificates": (True,),
    "tlsInsecure": (True,),
    "cert_reqs": ("CERT_NONE", "NONE"),
    "ssl_cert_reqs": ("none", "CERT_NONE", None),
}
"""Arguments that turn the check off, with the values that do."""
_OF_CERTIFICATES: Final = frozenset(_OFF) - {"verify", "ssl", "check_hostname"}
"""Those that say themselves what they are about, whatever client takes them."""
_ANY_RECEIVER: Final = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "options", "request", "send", "stream"}
)
_NEVER: Final = frozenset({"ldap.OPT_X_TLS_NEVER", "ldap.OPT_X_TLS_ALLOW"})
_UNVERIFIED: Final = ("ssl._create_unverified_context", "ssl._create_stdlib_context")
_ATTRIBUTES: Final = frozenset(
    {
        "verify",
        "check_hostname",
        "verify_mode",
        "_create_default_https_context",
        "PYTHONHTTPSVERIFY",
        "CURL_CA_BUNDLE",
        "REQUESTS_CA_BUNDLE",
    }
)
_SENDS: Final = r"(?:requests|httpx|aiohttp)(?:\.\w*(?:Session|Client|AsyncClient))?\.(?:get|post|put|patch|delete|head|options|request)"
_CREDENTIAL: Final = re.compile(r"(?i)authorization|x-api-key|api[-_]?key|x-auth-token|x-access-token")
_PLAIN: Final = re.compile(r"http://([^/:@\s]+)")
_LOCAL: Final = re.compile(
    r"^(?:localhost|127\.|0\.0\.0\.0|\[|10\.|192\.168\.|[\w-]+$)|\.(?:local|internal|test|localhost|svc)$"
)
_OPTION: Final = re.compile(r"(?i)verif|insecure|ssl|tls|cert|check|trust|self_?signed")
_ENCRYPTS: Final = re.compile(
    r"(?i)\w*(?:use|with|start|enable|has|is)_?(?:tls|ssl|https)(?:_?enabled)?|\w*(?:tls|ssl|https)_?(?:enabled|on|active)"
)
"""An option that says whether the line is encrypted at all, and nothing of certificates."""
_SAYS_NO: Final = frozenset({"exists", "isfile", "is_file"})
"""Questions to the file system, whose no is ``False`` itself."""
_SPEAKS: Final = frozenset({"send", "sendall", "write", "request", "recv", "read", "urlopen", "login"})
_SESSIONS: Final = (
    "requests.Session",
    "requests.sessions.Session",
    "httpx.Client",
    "httpx.AsyncClient",
    "requests_oauthlib.OAuth2Session",
    "niquests.Session",
)
_Seen: TypeAlias = tuple[Span, str, object]
_MESSAGE: Final = "the certificate of the other side is not checked"


def detect(app: App) -> Iterator[Hit]:
    """Arguments, attributes and contexts that turn the check off, and credentials that go to an address of plain http. What one setting does at
    each call that reads it is told once."""
    facts = source_of(app)
    seen: set[tuple[str, int]] = set()
    told: dict[object, list[Hit]] = {}
    for span, message, cause in (*_calls(facts), *_assigned(facts), *_plain(facts), *_by_urllib(facts)):
        if (span.path, span.line) not in seen and not asked_for(facts, span) and not _is_option(facts, span):
            seen.add((span.path, span.line))
            told.setdefault((message, cause or span), []).append(Hit(message, span))
    for hits in told.values():
        first, *more = sorted(hits, key=lambda one: (one.span.path, one.span.line) if one.span is not None else ("", 0))
        said = f"{first.message}, here and in {len(more)} more place{'s'[: len(more) - 1]}"
        yield replace(first, message=said) if more else first


def _set_elsewhere(value: Value | None, span: Span) -> object:
    """The place of a literal that stands outside of the call, as a setting does; None where it is written there."""
    written = value.default if isinstance(value, EnvironmentValue) else value
    where = written.span if isinstance(written, Constant) else None
    return None if where is None or span.holds(where) else where


def _is_option(facts: SourceFacts, span: Span) -> bool:
    """That it stands behind an option which a person gives: ``if insecure:``, ``if not verify:``."""
    return any(
        _OPTION.search(word) and (condition.negated or not _ENCRYPTS.fullmatch(word))
        for condition in facts.conditions_around(span)
        for value in walk(condition.value, 3)
        for word in _called(value)
    ) or any(_is_asked_of_environment(condition.value) for condition in facts.conditions_around(span))


def _is_asked_of_environment(asked: Value) -> bool:
    """``elif verify in ("false", "0")`` with ``verify = environ.get("MB_VERIFY", "true").lower()``: it holds only where somebody says so."""
    inside = list(walk(asked, 5))
    return any(
        isinstance(one, EnvironmentValue)
        and _OPTION.search(one.variable)
        and isinstance(one.default, Constant)
        and str(one.default.value).lower() in YES
        and str(one.default.value).lower() not in _said_beside(inside, one)
        for one in inside
    )


def _said_beside(inside: list[Value], asked: EnvironmentValue) -> set[str]:
    """The words that the variable is compared with, its own fallback aside."""
    return {str(one.value).lower() for one in inside if isinstance(one, Constant) and one is not asked.default}


def _called(value: Value) -> Iterator[str]:
    """What a value is called where it is asked: a parameter, an attribute, a setting, a member, or the function that reads it."""
    match value:
        case Parameter(parameter=word) | Member(attribute=word) | ConfigValue(key=word):
            yield word
        case Name(dotted=dotted) if not _CLIENT.fullmatch(dotted):
            yield dotted.rpartition(".")[2]
        case Item(key=Constant(value=str(word))):
            yield word
        case Call(callee=callee) if not _CLIENT.fullmatch(callee):
            yield callee.rpartition(".")[2]
        case _:
            return
    yield value.name


def _calls(facts: SourceFacts) -> Iterator[_Seen]:
    for call in facts.calls("ssl._create_unverified_context"):
        if call.span is not None:
            yield call.span, _MESSAGE, None
    for call in facts.calls("*.set_option"):  # of python-ldap, for the process or one connection
        chosen = call.argument(1)
        if call.span is not None and isinstance(chosen, Name) and chosen.dotted in _NEVER:
            yield call.span, _MESSAGE, None
    for call, _, value in passed_as(facts, CONTEXTS.__contains__):
        if call.span is not None and _is_client(facts, call) and asks_nothing(facts, value):
            yield call.span, _MESSAGE, None
    told: Call | None = None
    for call, name, value in chain(passed_as(facts, _OFF.__contains__), _poured(facts)):
        if call.span is None or call is told or call.callee in _UNVERIFIED:
            continue
        if _is_off(facts, name, value) and (_is_client(facts, call) or _is_of_certificates(facts, call, name)):
            told = call
            plain = any(text.startswith("http://") for one in call.args[:2] for text in _openings(facts, one))
            if plain and call.method != "ProxyManager":
                continue  # there is no certificate on this way
            yield call.span, _MESSAGE, _set_elsewhere(value, call.span)


def _poured(facts: SourceFacts) -> Iterator[tuple[Call, str, Value]]:
    """``requests.get(url, **self.options)`` of an object that was made with ``verify=False``."""
    for call, _, _ in passed_as(facts, "**".__eq__):
        for way in unpacked(facts, call) if _is_client(facts, call) else ():
            yield from ((call, name, value) for name, value in way.keywords if name in _OFF and not call.keyword(name))


def _is_off(facts: SourceFacts, name: str, value: Value) -> bool:
    wanted = _OFF.get(name)
    if wanted is None:
        return False
    if isinstance(value, Name):
        return value.dotted == "ssl.CERT_NONE"
    if isinstance(value, ConfigValue):
        written = facts.config_values(value.key) or [one for one in (value.default,) if one is not None]
        return bool(written) and all(_is_off(facts, name, one) for one in written)
    if isinstance(value, Choice) and value.every:  # ``exists(bundle) and bundle`` is False where there is none
        return False in wanted and isinstance(value.options[0], Call) and value.options[0].method in _SAYS_NO
    if isinstance(value, Choice):  # ``bundle if isfile(bundle) else False``
        held = [one.value for one in value.options if isinstance(one, Constant)]
        bundles = [one for one in held if isinstance(one, str)]
        return len(bundles) == len(value.options) - 1 and False in held and bool(bundles) and False in wanted
    if isinstance(value, Parameter):  # ``def client(verify=False)``, whatever its callers say
        return all(not isinstance(one, Parameter) and _is_off(facts, name, one) for one in given(facts, value))
    if isinstance(value, Call) and False in wanted:  # ``as_bool(os.environ.get("VERIFY", "no"))``
        return is_read_as(facts, value, False)
    if isinstance(value, EnvironmentValue):  # what holds where the environment says nothing
        return value.default is not None and _is_off(facts, name, value.default)
    match value:
        case Truth(parts=(Parameter() as told,)):  # ``verify=not insecure`` with ``insecure=True``
            said = list(given(facts, told))
            return False in wanted and bool(said) and all(is_constant(one, True) for one in said)
        case Truth(parts=(EnvironmentValue(default=Constant(value=default)),)):  # ``not settings.SANDBOX``
            return False in wanted and bool(default)
        case Truth(parts=(ConfigValue(key=key, default=Constant(value=default)),)) if not facts.config_values(key):
            return False in wanted and bool(default)
        case Truth(parts=(EnvironmentValue(default=Constant(value=str())), Constant())):
            return any(one is False for one in plain(facts, value)) and False in wanted
        case _:
            pass
    return isinstance(value, Constant) and any(type(value.value) is type(one) and value.value == one for one in wanted)


def _is_of_certificates(facts: SourceFacts, call: Call, name: str) -> bool:
    """``nextcloud_client.Client(host, verify_certs=False)`` of a library that is not known here."""
    own = facts.function(call.callee) is not None or call.callee in classes_by_name(facts)
    return name in _OF_CERTIFICATES and not own and not call.callee.startswith("jwt.")


def _is_client(facts: SourceFacts, call: Call) -> bool:
    if call.callee.startswith(("jwt.decode", "jwt.PyJWT", "authlib.jose", "jwt.encode")):
        return False
    if _CLIENT.fullmatch(call.callee):
        return True
    return (
        call.callee.startswith("?.")
        and call.method in _ANY_RECEIVER
        and facts.imports("requests", "httpx", "aiohttp", "urllib3")
    )


def _assigned(facts: SourceFacts) -> Iterator[_Seen]:
    if not facts.imports("ssl", "requests", "httpx", "os", "urllib3", "requests_oauthlib"):
        return
    for one in facts.assignments():
        if one.attribute not in _ATTRIBUTES or not ("." in one.target or "[" in one.target):
            continue
        if _is_for_a_look(facts, one):
            continue
        value = one.value
        if (
            (one.attribute == "check_hostname" and is_constant(value, False))
            or (one.attribute == "verify_mode" and isinstance(value, (Name, Constant)) and _is_none(value))
            or (
                one.attribute == "_create_default_https_context"
                and isinstance(value, Name)
                and value.dotted in _UNVERIFIED
            )
            or (one.attribute == "verify" and _is_off(facts, "verify", value) and _is_session(facts, one))
            or (one.target == "[PYTHONHTTPSVERIFY]" and is_constant(value, "0"))
            or (one.target in ("[CURL_CA_BUNDLE]", "[REQUESTS_CA_BUNDLE]") and is_constant(value, ""))
        ):
            yield one.span, _MESSAGE, _set_elsewhere(value, one.span)


def _is_for_a_look(facts: SourceFacts, one: Assignment) -> bool:
    """That the function reads the other side's certificate, whatever it is, and sends nothing."""
    if one.attribute not in ("check_hostname", "verify_mode") or not one.function:
        return False
    called = {call.method for call in facts.calls_in(one.function)}
    return "getpeercert" in called and not called & _SPEAKS


def _is_none(value: Name | Constant) -> bool:
    return value.dotted == "ssl.CERT_NONE" if isinstance(value, Name) else value.value == 0


def _is_session(facts: SourceFacts, one: Assignment) -> bool:
    """That ``x.verify`` is of an object and not the attribute of a class of the project that is no session itself."""
    owner = one.target.rpartition(".")[0]
    if not facts.imports("requests", "httpx", "requests_oauthlib", "niquests"):
        return False
    made = one.function.rpartition(".")[0] if owner == "self" else owner
    sessions = {found.name for found in facts.classes(*_SESSIONS)}
    return made in sessions or not any(found.name == made for found in facts.classes())


def _plain(facts: SourceFacts) -> Iterator[_Seen]:
    for call in facts.calls_matching(_SENDS):
        url = call.argument(1 if call.method == "request" else 0, "url")
        made = call.receiver if isinstance(call.receiver, Call) else None
        openings = [*_openings(facts, url), *_openings(facts, made.keyword("base_url") if made else None)]
        hosts = [host.group(1) for text in openings if (host := _PLAIN.match(text)) is not None]
        if call.span is None or not any(not _LOCAL.search(host) for host in hosts):
            continue
        if any(
            one.keyword("auth") is not None or _sends_credential(one.keyword("headers"))
            for one in (call, made)
            if one is not None
        ):
            yield (
                call.span,
                "a credential is sent over plain http",
                None if _opening_stands_there(url, call) else openings[0],
            )


def _by_urllib(facts: SourceFacts) -> Iterator[_Seen]:
    """``Request("http://…", headers={"Authorization": …})``, and ``add_header`` on one that was made so."""
    made = list(facts.calls("urllib.request.Request"))
    given = {
        call.receiver.span
        for call in facts.calls("*.add_header", "*.add_unredirected_header")
        if isinstance(call.receiver, Call) and _CREDENTIAL.search(text_of(call.argument(0)) or "")
    }
    for call in made:
        found = next(map(_PLAIN.match, _openings(facts, call.argument(0, "url"))), None)
        if call.span is None or found is None or _LOCAL.search(found[1]):
            continue
        if call.span in given or _sends_credential(call.argument(2, "headers")):
            yield call.span, "a credential is sent over plain http", None


def _opening_stands_there(url: Value | None, call: Call) -> bool:
    """That the address begins with a literal of the call itself, and not with a setting."""
    first = url.parts[0] if isinstance(url, Format) and url.parts else url
    return isinstance(first, Constant) and (first.span is None or call.span is None or call.span.holds(first.span))


def _openings(facts: SourceFacts, url: Value | None) -> Iterator[str]:
    """What the URL begins with, as far as it is literal, also by way of a setting or its fallback."""
    first = url.parts[0] if isinstance(url, Format) and url.parts else url
    said = list(facts.config_writes(first.key)) if isinstance(first, ConfigValue) else []
    of_tests = {text_of(one.value) for one in said if is_for_tests(one)}
    of_tests -= {text_of(one.value) for one in said if not is_for_tests(one)}
    yield from (text for text in plain(facts, first) if isinstance(text, str) and text not in of_tests)


def _sends_credential(headers: Value | None) -> bool:
    return any(
        _CREDENTIAL.search(key) for value in walk(headers, 3) if isinstance(value, Mapping) for key in (*value.keys(),)
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """``True``, where ``verify=False`` stands in the call itself; what has no good certificate fails then."""
    for call in source_of(app).calls():
        value = call.keyword("verify") if call.span == hit.span else None
        if (
            is_constant(value, False)
            and isinstance(value, Constant)
            and value.span is not None
            and hit.span is not None
        ):
            return Edit(value.span, "True", safe=False) if hit.span.holds(value.span) else None
    return None


RULE = Rule(
    slug="tls-verification-disabled",
    family="crypto",
    title="Certificate check is off",
    harm="Whoever sits between reads the keys that are sent and answers in the other's name.",
    severity="high",
    check="transport",
    cwe=(295,),
    owasp="API8:2023",
    asvs=("V12.3.2",),
    surfaces=("source",),
    ends="`stopper.outbound.Client` always checks certificates and sends credentials over https only.",
    detect=detect,
    fix=fix,
)
