"""The next hole in it is never mended, or the code calls what is not there any more."""

from collections.abc import Iterator

from stopper.core.app import App
from stopper.core.deployment.auth_advisories import ABANDONED, GONE, GONE_SETTINGS, LINES_LEFT, is_in_use, order
from stopper.core.deployment.requirement_lines import pins_of, running_files
from stopper.core.facts import SourceFacts, source_of
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Name, is_constant, walk

_FROM: dict[str, tuple[str, str]] = {
    "flask_jwt_extended": ("flask-jwt-extended", "4"),
    "itsdangerous": ("itsdangerous", "2.1"),
    "werkzeug": ("werkzeug", "2.1"),
    "jwt": ("pyjwt", "2"),
    "flask": ("flask", "1"),
}
"""Module → distribution, and the major version that took the old names away."""
_MODULES = {"flask_jwt": "flask-jwt", "flask_jwt_simple": "flask-jwt-simple", "flask_oauthlib": "flask-oauthlib", "flask_restplus": "flask-restplus",
            "flask_user": "flask-user", "flask_basicauth": "flask-basicauth", "oauth2client": "oauth2client", "python_jwt": "python-jwt"}  # fmt: skip


_EXTENSIONS = (
    r"flask_(?:login|jwt\w*|httpauth|security|principal|oauth\w*|openid|user|wtf|bcrypt|cors|seasurf)(?:\.\w+)+"
)


def detect(app: App) -> Iterator[Hit]:
    """Requirements of libraries without releases, their use in the code, and names, arguments and settings that a later version took away."""
    facts = source_of(app)
    told: set[str] = set()
    for file in running_files(facts):
        for pin in pins_of(file):
            if pin.name in ABANDONED and pin.name not in told:
                told.add(pin.name)
                yield Hit(_said(pin.name), pin.span)
            elif pin.name in LINES_LEFT and pin.exact and order(pin.version) < order(LINES_LEFT[pin.name]):
                yield Hit(f"{pin.name} before {LINES_LEFT[pin.name]} gets no releases any more", pin.span)
    yield from _used(facts, told)
    names: set[str] = set()
    for name, span in _gone(app, facts):
        if name in names:
            continue  # one version is for all of its uses
        names.add(name)
        yield Hit(f"{name.rpartition('.')[2]} is of another major version: {GONE[name]}", span, certainty="likely")
    for what, instead, span in _spoken(app, facts):
        if what not in names:
            names.add(what)
            yield Hit(f"{what} is of another major version: {instead}", span, certainty="likely")
    if "running" in app.readers:
        for name in app.dependencies:
            if name in ABANDONED and name not in told and is_in_use(app, name):
                yield Hit(_said(name), reader="running")


def _said(name: str) -> str:
    return f"{name} gets no releases any more; {ABANDONED[name]} took its place"


def _used(facts: SourceFacts, told: set[str]) -> Iterator[Hit]:
    """The first call into such a library, where no requirement says that it is there."""
    for module, name in _MODULES.items():
        if name in told or not facts.imports(module) or module in facts.modules:
            continue  # or this is that very library
        call = next((one for one in facts.calls_matching(rf"{module}(?:\.\w+)+") if one.span is not None), None)
        if call is not None:
            told.add(name)
            yield Hit(_said(name), call.span)


def _gone(app: App, facts: SourceFacts) -> Iterator[tuple[str, Span]]:
    wanted = {name for name in GONE if facts.imports(name.partition(".")[0]) and not _is_old(app, name)}
    if not wanted:
        return
    for call in facts.calls(*sorted(wanted)):
        if call.span is not None:
            yield call.callee, call.span
    for function in facts.functions():
        for one in function.decorators:
            if one.name in wanted and one.call is None:
                yield one.name, one.span
    for made in facts.classes():  # ``method_decorators = [fresh_jwt_required]``
        for word in ("decorators", "method_decorators"):
            for part in walk(made.attributes.get(word), 3):
                if isinstance(part, Name) and part.dotted in wanted:
                    yield part.dotted, part.span or made.span


def _spoken(app: App, facts: SourceFacts) -> Iterator[tuple[str, str, Span]]:
    """Calls and settings that say the same names in the way of an older version."""
    if facts.imports("flask.ext") and not _is_old(app, "flask"):
        for call in list(facts.calls_matching(_EXTENSIONS))[:1]:
            if call.span is not None:
                yield (
                    "flask.ext",
                    "Flask 1 has it no more; flask_login and the others have names of their own",
                    call.span,
                )
    if facts.imports("jwt") and not _is_old(app, "jwt"):
        for call in facts.calls("*.decode"):
            signed = call.receiver
            if not isinstance(signed, Call) or call.span is None or _is_asked(facts, call.span):
                continue
            if facts.imports("six") and facts.says("PY2"):
                continue  # written for both, by what runs it
            if signed.callee in ("jwt.encode", "jwt.PyJWT.encode"):
                yield "jwt.encode(…).decode()", "PyJWT 2 gives a text, which has no decode", call.span
        for call in facts.calls("jwt.decode", "jwt.PyJWT.decode"):
            if is_constant(call.keyword("verify"), True) and call.span:
                yield "jwt.decode(verify=…)", "PyJWT 2 takes options and does not read verify", call.span
    if facts.imports("flask_jwt_extended") and not _is_old(app, "flask_jwt_extended"):
        gone = [key for key in GONE_SETTINGS if not ("_BLACKLIST_" in key and _has_list(facts))]
        for write in list(facts.config_writes(*gone))[:1]:  # one version is for all of them
            yield write.key, GONE_SETTINGS[write.key], write.span
        for call in facts.calls("*.create_access_token", "*.create_refresh_token"):
            if call.callee.startswith("flask_jwt_extended") and call.keyword("user_claims") is not None and call.span:
                yield "user_claims", "Flask-JWT-Extended 4 has additional_claims", call.span


def _has_list(facts: SourceFacts) -> bool:
    """That the loader of version 4 is there, which does what the settings of version 3 turned on: they are left over."""
    wanted = "token_in_blocklist_loader"
    return any(True for _ in facts.calls(f"*.{wanted}")) or any(
        one.name.endswith(f".{wanted}") for function in facts.functions() for one in function.decorators
    )


def _is_asked(facts: SourceFacts, place: Span) -> bool:
    """``token.decode() if isinstance(token, bytes) else token`` is for both versions; so is what catches an ``AttributeError``."""
    around = facts.handlers_in(facts.function_around(place))
    if any("AttributeError" in one.catches and any(name.endswith(".decode") for name in one.tried) for one in around):
        return True
    return any(
        isinstance(part, Call) and part.callee in ("isinstance", "hasattr")
        for condition in facts.conditions_around(place)
        for part in walk(condition.value, 3)
    )


def _is_old(app: App, name: str) -> bool:
    """That the version in use still has the name."""
    distribution, gone = _FROM[name.partition(".")[0]]
    version = order(app.dependencies.get(distribution, ""))
    pinned = [
        order(pin.version)
        for file in running_files(source_of(app))
        for pin in pins_of(file)
        if pin.exact and pin.name.lower() == distribution
    ]
    known = [one for one in (version, *pinned) if one]
    return bool(known) and all(one < order(gone) for one in known)


RULE = Rule(
    slug="abandoned-auth-library",
    family="dependency",
    title="Abandoned authentication library, or code for another major version of it",
    harm=__doc__ or "",
    severity="medium",
    check="inventory",
    cwe=(1104,),
    owasp="API8:2023",
    asvs=("V15.2.1",),
    surfaces=("source", "running"),
    ends="`Stopper(app)` and `@bearer` take the place of libraries that nobody looks after.",
    certainty="certain",
    detect=detect,
)
