"""Every script of the page, and everybody who looks at its source, has the credential."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.exchange import Exchange, Request
from stopper.core.fact import Flow, TextFile
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.keys.api_key_names import is_key_name, is_of_browsers
from stopper.core.keys.keys_by_use import is_key_by_use, sent_as_keys
from stopper.core.naming import sensitive
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import attempt, candidates
from stopper.core.redaction.providers import first_format
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Unknown,
    Value,
    parts,
    text_of,
    walk,
)

RENDERED: Final = "a credential is rendered into a page"
_WHOSE: Final = "look whose it is, and whether it is one"
STORED: Final = "a token is kept where every script of the page can read it"
WRITTEN: Final = "a key is written in a script that everybody can read"
_STORES: Final = re.compile(
    r"(?i)(?:local|session)Storage\s*(?:\.setItem\(\s*[\"'`]([\w.:-]+)[\"'`]|\.([A-Za-z_]\w*)\s*=(?!=)|\[\s*[\"'`]([\w.:-]+)[\"'`]\s*\]\s*=(?!=))"
)
_COOKIE: Final = re.compile(r"(?i)document\.cookie\s*=\s*[\"'`](\w*(?:token|jwt|api_?key)\w*)=")
_SHOWS: Final = re.compile(
    r"(?<!\{\{ [\"'])\{\{-?\s*(?:config(?:\.(\w+)|\[\s*[\"'](\w+)[\"']\s*\])|[\w.]*?(?:\.|\b)(\w+))\s*(?:\|\s*\w+(?:\([^)]*\))?\s*)*-?\}\}"
)
_OF_SESSION: Final = re.compile(
    r"\{\{-?\s*session(?:\.get\(\s*[\"'](\w+)[\"']|\[\s*[\"'](\w+)[\"']\s*\]|\.(\w+))[^{}]*-?\}\}"
)
"""A token that the session keeps is a live one."""
_LITERAL: Final = re.compile(
    r"(?i)(?:const|let|var)?\s*[\"']?([\w-]*(?:api[_-]?key|access[_-]?key|secret|auth[_-]?token)\w*)[\"']?\s*[:=]\s*[\"'`]([\w./+=-]{16,})[\"'`]"
)
_NAMED: Final = re.compile(r"(?:api[_-]?key|access[_-]?key|secret|auth[_-]?token)\w*[\"']?\s*[:=]")
"""What every literal of interest has, without a look at the letters before it."""
_OF_TESTS: Final = re.compile(r"(?i)(?:^|/)(?:cypress|e2e|playwright|(?:[a-z0-9]\w*[_-])?tests?)/")
_NO_PAGE: Final = re.compile(r"(?i)\.(?:sql|txt|conf|cfg|ini|env|ya?ml|toml|sh|py|service)(?:\.j(?:inja)?2?)?$")
_OF_THE_BROWSER: Final = re.compile(r"(?i)(?:^|/)static/")
"""Where files lie that the server gives out as they are: double braces in them are filled in the browser."""
_BY_HAND: Final = re.compile(
    r"(?i)<(?:script|div|meta|input|html|body|span|p)\b|\bwindow\.\w+\s*=|(?:local|session)Storage\b"
)
_WORDS: Final = re.compile(r"(?i)token|jwt|api[_-]?key|access[_-]?key|secret|auth")
_ASKED: Final = (
    "token", "jwt", "secret", "auth", "storage", "api_key", "api-key", "apikey", "access_key", "access-key", "accesskey",
)  # fmt: skip
"""What a line has that is asked about for its words. That it has ``key`` tells nothing: every script is full of it."""
_NO_SECRET: Final = re.compile(
    r"(?i)csrf|xsrf|public|publishable|site_?key|type|expir|recaptcha|^pk_|anon|otp|mfa|vapid|theme|segment|analytics|mixpanel|amplitude|posthog|id$"
)
_PUBLIC: Final = re.compile(r"^(?:pk_live_|pk_test_|AIza)")
_SENDS: Final = re.compile(
    r"(?i)(?:^|[._])send_?\w*(?:mail|message)|(?:^|[._])e?mail\w*\.(?:send|delay)|\.apply_async$"
)
_TOKENS: Final = frozenset({"access_token", "refresh_token", "jwt", "jwt_token", "bearer_token"})
_MINTS: Final = frozenset(
    {"flask_jwt_extended.create_access_token", "flask_jwt_extended.create_refresh_token", "jwt.encode"}
)
_GLOBALS: Final = frozenset({"template_global", "app_template_global"})
_SHOWN_KINDS: Final = ("api-key", "config-secret")
_KINDS: Final = ("api-key", "config-secret", "token", "password")


def detect(app: App) -> Iterator[Hit]:
    """Secrets among a template's values, in a page's source, and tokens in the browser's storage."""
    facts = source_of(app)
    told: set[str] = set()
    storing = [file.path for file in facts.files_of("template") if _stores_what_is_rendered(file)]
    for flow in facts.flows("template"):
        secret = any(_is_held(facts, one) for one in _shown(flow.value)) and not _is_masked(flow.value)
        if secret and _is_page_made(facts, flow):
            name = _template_of(facts, flow)
            told.add(name)
            if not name or not any(path == name or path.endswith(f"/{name}") for path in storing):
                yield _rendered(facts, flow.value, flow.span)  # else it is told where the page stores it
    yield from _injected(facts)
    for flow in facts.flows("response"):
        if _is_markup(facts, flow) and any(map(_is_secret, walk(flow.value, 6))) and not _is_masked(flow.value):
            yield _rendered(facts, flow.value, flow.span)
    for call in facts.calls(
        "flask.render_template_string", "flask.stream_template_string", "jinja2.Template", "*.from_string"
    ):
        yield from _in_text(facts, call.argument(0, "source"))
    for file in facts.files_of("template", "script"):
        if not _NO_PAGE.search(file.path) and not re.search(
            r"(?i)\.min\.js$|(?:^|/)(?:node_modules|vendor|dist|lib)/|jquery|bootstrap", file.path
        ):
            known = any(name and (file.path == name or file.path.endswith(f"/{name}")) for name in told)
            yield from _in_file(file, known, sent_as_keys(facts))


_WORKS_WITH_KEYS: Final = re.compile(
    r"(?:itsdangerous|hmac|hashlib|cryptography|nacl)\.|(?:jwt|jose\.jwt|authlib\.jose\.\w+)\.decode$"
)
"""What takes a key and gives back something else: what a signed text said, a signature, a digest."""


def _shown(value: Value, depth: int = 5) -> Iterator[Value]:
    """The value and its parts, but for the keys that a library worked with to make it."""
    yield value
    if depth == 0 or (isinstance(value, Call) and _WORKS_WITH_KEYS.match(value.callee) is not None):
        return
    for part in parts(value):
        yield from _shown(part, depth - 1)


def _stores_what_is_rendered(file: TextFile) -> bool:
    """``localStorage.setItem("token", "{{ token }}")``"""
    return any(
        "{{" in line and _of_line(line, False, False, frozenset()) == (STORED, True)
        for _, line in file.lines_with("storage")
        if len(line) < 2000
    )


def _rendered(facts: SourceFacts, value: Value, span: Span) -> Hit:
    """A setting of the application is nobody's who reads the page. What a row or an answer holds is often shown to whom it belongs."""
    held = list(_shown(value))
    if any(isinstance(one, (ConfigValue, EnvironmentValue, Constant)) and _is_held(facts, one) for one in held):
        return Hit(RENDERED, span)
    if any(isinstance(one, Call) and one.callee in _MINTS for one in held):
        return Hit(f"{RENDERED}: a token that was just made for who is looking at it", span)
    return Hit(f"{RENDERED}: {_WHOSE}", span, certainty="possible", severity="low")


def _is_markup(facts: SourceFacts, flow: Flow) -> bool:
    """That the answer is a page or a script which the view puts together by hand."""
    if not isinstance(flow.value, (Format, Call, Unknown)):
        return False
    texts = (text_of(part) or "" for part in walk(flow.value, 4))
    if any(_BY_HAND.search(text) for text in texts):
        return True
    made = (call for call in facts.calls_in(flow.function) if call.span == flow.span)
    return any("javascript" in (text_of(call.keyword("mimetype", "content_type")) or "") for call in made)


def _template_of(facts: SourceFacts, flow: Flow) -> str:
    """The file that shows what is passed here: its line is the other end of the same finding."""
    call = next((one for one in facts.calls_in(flow.function) if one.span == flow.span and one.args), None)
    return (text_of(call.args[0]) or "") if call is not None else ""


def _injected(facts: SourceFacts) -> Iterator[Hit]:
    """``@app.context_processor`` that gives a secret to every template, and ``@app.template_global`` that one of them calls."""
    for function in facts.functions():
        words = {one.name.rpartition(".")[2] for one in function.decorators}
        called = not words.isdisjoint(_GLOBALS) and _is_called(facts, function.name.rpartition(".")[2])
        if called or any(word.endswith("context_processor") for word in words):
            for value in function.returns:
                if any(_is_secret(one) for one in walk(value, 5)):
                    yield _rendered(facts, value, function.span)
                    break


def _is_called(facts: SourceFacts, name: str) -> bool:
    """``{{ api_key() }}``"""
    shows = re.compile(rf"\{{\{{-?\s*{re.escape(name)}\(")
    return any(shows.search(line) for file in facts.files_of("template") for _, line in file.lines_with(name.lower()))


def _is_page_made(facts: SourceFacts, flow: Flow) -> bool:
    """That what is rendered may be shown by a browser: not a statement, a file of settings or the text of a mail."""
    call = next((one for one in facts.calls_in(flow.function) if one.span == flow.span and one.args), None)
    said = call.args[0] if call is not None else None
    if any(_NO_PAGE.search(text_of(part) or "") for part in (said, *(parts(said) if said else ()))):
        return False
    return call is None or not _is_mailed(facts, call)


def _is_mailed(facts: SourceFacts, rendered: Call) -> bool:
    """What is rendered becomes the body of a message, and is answered to nobody: ``message.html = render_template(…)``."""
    holds = [
        one for one in facts.assignments_in(rendered.function) if any(part == rendered for part in walk(one.value, 3))
    ]
    body = any(one.attribute in ("html", "body") and "." in one.target for one in holds) or any(
        word in ("html", "body", "html_body", "text_body", "message")
        and any(part == rendered for part in walk(value, 3))
        for call in facts.calls_in(rendered.function)
        for word, value in call.keywords
    )
    handed = any(
        _SENDS.search(call.callee) is not None and any(part == rendered for part in call.args)
        for call in facts.calls_in(rendered.function)
    )
    return (body or handed) and not any(
        _is_answered(one.value, rendered) for one in facts.returns_of(rendered.function)
    )


def _is_answered(value: Value, rendered: Call, depth: int = 4) -> bool:
    """That it stands in what is returned, and not in what a function is told that sends it: ``return send_email(html_body=…)``."""
    if value == rendered:
        return True
    if depth == 0 or (isinstance(value, Call) and _SENDS.search(value.callee) is not None):
        return False
    return any(_is_answered(part, rendered, depth - 1) for part in parts(value))


def _is_held(facts: SourceFacts, value: Value) -> bool:
    """A secret by its name, or a setting that the application sends elsewhere as its key."""
    if _is_secret(value):
        return True
    name = getattr(value, "key", "") if isinstance(value, ConfigValue) else getattr(value, "variable", "")
    return is_key_by_use(facts, value) and not _NO_SECRET.search(name) and not is_of_browsers(name)


def _is_secret(value: Value) -> bool:
    match value:
        case ConfigValue(key=name) | EnvironmentValue(variable=name) | Member(attribute=name):
            pass
        case Item(key=Constant(value=str(name)), owner=owner) if not (
            isinstance(owner, Name) and owner.dotted.startswith("flask.request")
        ):
            pass
        case Constant(value=str(text)) if len(text) >= 12:
            name = value.name
        case Call(
            callee="jwt.encode" | "flask_jwt_extended.create_access_token" | "flask_jwt_extended.create_refresh_token"
        ):
            return True
        case _:
            return False
    return (sensitive(name) in _KINDS or is_key_name(name)) and not _NO_SECRET.search(name) and not is_of_browsers(name)


def _is_masked(value: Value) -> bool:
    return any(
        isinstance(one, Call) and re.search(r"(?i)mask|redact|bool|len$", one.callee) for one in walk(value, 5)
    ) or (isinstance(value, Mapping) and not value.items)


def _in_text(facts: SourceFacts, page: Value | None) -> Iterator[Hit]:
    """A page that is written in the code: ``render_template_string("<b>{{ config.API_KEY }}</b>")``."""
    for part in walk(page, 2):
        text, place = text_of(part), part.span
        for number, line in enumerate(text.splitlines() if text and place and _BY_HAND.search(text) else ()):
            found = (
                _of_line(line, True, False, sent_as_keys(facts)) if _WORDS.search(line) and len(line) < 2000 else None
            )
            if found is not None and found[1] and place is not None:
                at = min(place.line + number, place.end_line)
                yield Hit(found[0], Span(place.path, at, at, 1, len(line) + 1))


def _in_file(file: TextFile, handed: bool, sent: frozenset[str]) -> Iterator[Hit]:
    """``handed``: where a view hands a secret to this template, that is told there; settings are in every template without it. ``sent``:
    settings that are keys by what is done with them."""
    rendered = not _OF_THE_BROWSER.search(file.path)
    for number, line in file.lines_with(*_ASKED, *(("key",) if sent else ())):
        found = _of_line(line, rendered, handed, sent) if len(line) < 2000 and _may(line, sent) else None
        if found is not None:
            span = Span(file.path, number, number, 1, len(line) + 1)
            if found[1] and not (found[0] == STORED and _OF_TESTS.search(file.path)):
                yield Hit(found[0], span)
            else:
                yield Hit(f"{found[0]}: {_WHOSE}", span, certainty="possible", severity="low")


def _may(line: str, sent: frozenset[str]) -> bool:
    return _WORDS.search(line) is not None or "storage" in line.lower() or any(name in line for name in sent)


def _of_line(line: str, rendered: bool, handed: bool, sent: frozenset[str]) -> tuple[str, bool] | None:
    """What is wrong with the line, and whether that is more than a name."""
    lowered = line.lower()
    for match in _STORES.finditer(line) if "storage" in lowered else ():
        name = match[1] or match[2] or match[3] or ""
        said = _WORDS.search(name) or name in ("access", "refresh")  # a pair of tokens
        if said and not _NO_SECRET.search(name) and name not in ("setItem", "getItem", "removeItem"):
            return STORED, True
    if "document.cookie" in lowered and _COOKIE.search(line):
        return STORED, True
    for match in _SHOWS.finditer(line) if rendered and "{{" in line else ():
        name = match[1] or match[2] or ("" if handed else match[3])
        if (
            (name in sent or sensitive(name) in _SHOWN_KINDS or is_key_name(name) or name.lower() in _TOKENS)
            and not _NO_SECRET.search(name)
            and not is_of_browsers(name)
            and not re.search(r"type=[\"']hidden[\"'].*(?:csrf|reset)|name=[\"']token", line)
        ):
            return RENDERED, bool(match[1] or match[2] or name in sent)
    for match in _OF_SESSION.finditer(line) if rendered and "session" in line else ():
        name = match[1] or match[2] or match[3]
        if (sensitive(name) in _KINDS or is_key_name(name)) and not _NO_SECRET.search(name):
            return RENDERED, True
    for match in _LITERAL.finditer(line) if _NAMED.search(lowered) else ():
        if not _NO_SECRET.search(match[1]) and not _PUBLIC.match(match[2]) and any(char.isdigit() for char in match[2]):
            return WRITTEN, first_format(line) is not None
    found = first_format(line)
    return (WRITTEN, True) if found is not None and not _PUBLIC.match(found[0]) else None


# -- on the wire -----------------------------------------------------------------------------------------------------------------

ROUTES: Final = {"quick": 8, "standard": 20, "deep": 60}
SCRIPTS: Final = 6
"""How many scripts of the pages are read."""
_SHOWN: Final = ("text/html", "application/xhtml+xml", "text/javascript", "application/javascript")
_NAMES: Final = re.compile(r"^\s*(?:Bearer\s+|Basic\s+|Token\s+|[\w.-]+=(?=.))")
_SOURCES: Final = re.compile(r"(?i)<script\b[^>]*\bsrc\s*=\s*[\"']?(/(?!/)[^\s\"'>]+)")


def probe(target: Target) -> Steps[Verdict]:
    """Read the pages as somebody, and look for that person's own credential and for keys of providers in them."""
    who = target.identities[0] if target.identities else None
    own = _credentials(who) if who is not None else ()
    read, scripts = 0, dict[str, RouteRef]()
    for route, method in list(candidates(target))[: ROUTES[target.depth]]:
        request = target.request_for(route, method)
        page = yield from attempt(send(who.on(request) if who else request))
        if page is None or not _is_page(page):
            continue
        read += 1
        ref = RouteRef(method, route.path)
        if what := _shown_in(page.response.text, own):
            return failed(
                f"{ref} has {what} in its source", [ref], [Evidence("exchange", f"the page has {what}", page)]
            )
        for address in _SOURCES.findall(page.response.text):
            scripts.setdefault(str(address), ref)
    for address, ref in list(scripts.items())[:SCRIPTS]:
        script = yield from attempt(send(Request("GET", address)))
        if script is not None and _is_page(script) and (what := _shown_in(script.response.text, own)):
            evidence = [Evidence("exchange", f"the script has {what}", script)]
            return failed(f"a script of {ref} has {what} in its source", [ref], evidence)
    if not read:
        return not_applicable("no route gives out a page")
    return passed(f"{read} pages and {len(scripts)} scripts hold no credential")


def _is_page(exchange: Exchange) -> bool:
    return exchange.response.succeeded and exchange.response.content_type in _SHOWN


def _credentials(who: Identity) -> tuple[str, ...]:
    """The texts that let somebody in: the token, and what the headers hold without the scheme's and the cookies' names."""
    texts = [who.token.reveal()] if who.token is not None else []
    for _, secret in who.headers:
        texts += [_NAMES.sub("", part).strip() for part in secret.reveal().split(";")]
    called = {
        said.lower() for said in (who.subject, who.name) if said
    }  # a cookie that says what somebody is called lets nobody in by that
    return tuple(one for one in dict.fromkeys(texts) if len(one) >= 12 and one.strip('"').lower() not in called)


def _shown_in(text: str, own: tuple[str, ...]) -> str | None:
    """What kind of credential stands in the text; never the credential."""
    if any(one in text for one in own):
        return "the reader's own credential"
    for line in text.splitlines():
        if len(line) < 2000:
            found = first_format(line)
            if found is not None and not _PUBLIC.match(found[0]):
                return "a provider's key"
    return None


RULE = Rule(
    slug="credential-exposed-in-browser",
    family="api-key",
    title="API key or token handed to the browser",
    harm=__doc__ or "",
    severity="high",
    check="data-exposure",
    cwe=(922,),
    owasp="API8:2023",
    asvs=("V14.3.3",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@api_key` keeps only the hash of a key, so no page can show one.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
