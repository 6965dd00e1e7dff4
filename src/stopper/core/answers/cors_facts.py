"""What the source says to Flask-CORS: one saying for each call and path, with the settings behind it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from stopper.core.deployment.switched_on import asked_for
from stopper.core.deployment.variables_in_files import set_in_files
from stopper.core.facts import SourceFacts
from stopper.core.flow.passing import given as passed_for
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Name,
    Parameter,
    Sequence,
    Value,
    literals,
    options,
    text_of,
)

CORS: Final = ("flask_cors.CORS", "flask_cors.extension.CORS")
ATTACH: Final = tuple(f"{name}.init_app" for name in CORS)
DECORATE: Final = ("flask_cors.cross_origin", "flask_cors.decorator.cross_origin")
_STARLETTE: Final = ("allow_origins", "allow_credentials", "allow_headers", "expose_headers")
_ANYTHING: Final = re.compile(r"\^?(?:\*|\.[*+]|\(\.[*+]\)|https?\??://\.[*+]|https?\??:\\?/\\?/\.[*+])\$?")
_PATTERN_MARKS: Final = frozenset("*\\]?$^[()")
"""A text with one of these is a pattern to Flask-CORS, and is matched from the beginning without an end."""


@dataclass(frozen=True, slots=True)
class Saying:
    """What holds for one path of one call. None where nothing is said and the library's default holds."""

    call: Call
    span: Span | None
    origins: Value | None
    credentials: Value | None
    allow_headers: Value | None
    expose_headers: Value | None
    hidden: bool
    """Options are passed that cannot be seen."""
    pattern: str = ""
    """For which paths it holds, where it says so."""

    @property
    def any_origin(self) -> bool:
        """That no origin is named, or that what is named fits every one."""
        return self.origins is None or any(_fits_all(option) for option in options(self.origins))

    @property
    def with_credentials(self) -> bool:
        """Flask-CORS takes anything that is true, also the text ``"false"``."""
        said = self.credentials.default if isinstance(self.credentials, EnvironmentValue) else self.credentials
        return isinstance(said, Constant) and bool(said.value)


def sayings(facts: SourceFacts) -> Iterator[Saying]:
    """Every use of Flask-CORS; an object that is attached later is judged where it is attached. And Starlette's, which Connexion 3 is given."""
    yield from _of_starlette(facts)
    if not facts.imports("flask_cors"):
        return
    attached = list(_attached(facts))
    elsewhere = attached or not any(call.callee[:2] == "?." for call in facts.calls("*.init_app"))
    for call in (*facts.calls(*CORS, *DECORATE), *attached):
        if not (call.callee in CORS and call.lacks(0, "app") and elsewhere):
            yield from _said(facts, call)


def _of_starlette(facts: SourceFacts) -> Iterator[Saying]:
    """``add_middleware(CORSMiddleware, allow_origins=["*"])``: without origins it allows none, and its patterns have to fit the whole."""
    for call in facts.calls("*.add_middleware") if facts.imports("connexion") else ():
        made = call.args[0] if call.args else None
        if isinstance(made, Name) and made.dotted.endswith(".CORSMiddleware"):
            given = {name: _followed(facts, call.keyword(name)) for name in _STARLETTE}
            origins = given["allow_origins"] or Sequence(())
            yield Saying(
                call,
                call.span,
                origins,
                given["allow_credentials"],
                given["allow_headers"],
                given["expose_headers"],
                call.open,
            )


def _attached(facts: SourceFacts) -> Iterator[Call]:
    for call in facts.calls("*.init_app"):
        made = call.receiver if isinstance(call.receiver, Call) and call.receiver.callee in CORS else None
        if made is not None and not made.lacks(0, "app"):
            continue  # it is attached already, and was judged where it was made
        if call.callee in ATTACH or made is not None:
            yield call


def _said(facts: SourceFacts, call: Call) -> Iterator[Saying]:
    calls = (call, call.receiver) if isinstance(call.receiver, Call) else (call,)
    names = ("origins", "supports_credentials", "allow_headers", "expose_headers")
    whole = {name: _option(facts, calls, name) for name in names}
    hidden = any(one.open for one in calls)
    resources = _option(facts, calls, "resources")
    entries: list[tuple[str, dict[str, Value | None]]] = [("", {})]
    if isinstance(resources, Mapping):
        entries = [
            (_path_pattern(text_of(key) or ""), {name: one.get(name) for name in names})
            for key, one in resources.items
            if isinstance(one, Mapping)
        ]
    for pattern, entry in entries or [("", {})]:
        given = {name: _followed(facts, entry.get(name) or whole[name]) for name in names}
        yield Saying(
            call,
            call.span,
            given["origins"],
            given["supports_credentials"],
            given["allow_headers"],
            given["expose_headers"],
            hidden,
            pattern,
        )


def _path_pattern(said: str) -> str:
    """Flask-CORS takes a lone star, which is no pattern, for every path."""
    return "/.*" if said == "*" else said


def _option(facts: SourceFacts, calls: tuple[Call, ...], name: str) -> Value | None:
    for call in calls:
        if (passed := call.keyword(name)) is not None:
            return passed
    written = facts.config_values(f"CORS_{name.upper()}")
    return written[-1] if written else None


def _followed(facts: SourceFacts, value: Value | None, depth: int = 4) -> Value | None:
    """An option where it is written: behind a setting, a ``split``, and as what holds where a variable is unset."""
    match value:
        case ConfigValue() if depth:
            found = [_followed(facts, one, depth - 1) for one in facts.followed(value) if one is not value]
            known = tuple(one for one in found if one is not None)
            return known[0] if len(known) == 1 else Choice(known) if known else value
        case Call(method="split" | "strip" | "lower", receiver=inner) if inner is not None and depth:
            said = _followed(facts, inner, depth - 1)
            return said if isinstance(said, Constant) else value
        case EnvironmentValue(default=Constant(value=str()) | Sequence() as said):
            return said
        case Parameter() if depth and len(handed := passed_for(facts, value)) == 1 and handed[0] is not value:
            return _followed(facts, handed[0], depth - 1)
        case EnvironmentValue(variable=variable):
            return next((Constant(said) for _, said, _ in set_in_files(facts, (variable,))), value)
        case Sequence(items=items) if depth:  # of a text that was split, each is a part
            each = tuple(_followed(facts, one, depth - 1) or one for one in items)
            return replace(value, items=each) if each != items else value
        case Item(owner=Call(method="split") as whole) if depth:
            said = _followed(facts, whole, depth - 1)
            return said if isinstance(said, Constant) else value
        case Call(callee="list" | "tuple" | "set" | "sorted", args=(inner,)) if depth:
            return _followed(facts, inner, depth - 1)
        case Call(callee=called) | Name(dotted=called) if depth and (made := facts.function(called)) is not None:
            if any(isinstance(one, Choice) or asked_for(facts, one.span) for one in made.returns):
                return value  # for which side it is, nobody sees
            given = tuple(_followed(facts, one, depth - 1) or one for one in made.returns)
            return Choice(given, value.span) if given else value
        case Choice(options=choices) if depth:
            choices = tuple(one for one in choices if not _is_for_a_desk(facts, one)) or choices
            return Choice(tuple(_followed(facts, one, depth - 1) or one for one in choices), value.span)
        case _:
            return value


_DESK: Final = re.compile(r"(?i)dev(?:elop(?:ment)?)?|local(?:host)?|debug|test(?:ing)?")
_LIVE: Final = re.compile(r"(?i)prod(?:uction)?|live")


def _is_for_a_desk(facts: SourceFacts, said: Value) -> bool:
    """``"*" if os.environ.get("ENV") == "development" else OURS``, or on the other side of ``== "production"``."""
    span = said.span
    if span is None or not _fits_all(said):
        return False
    if asked_for(facts, span):
        return True
    for one in facts.comparisons("==", "!="):
        text = text_of(one.right) or text_of(one.left) or ""
        if (
            one.span.path == span.path
            and one.span.line == span.line
            and (_DESK.fullmatch(text) or _LIVE.fullmatch(text))
        ):
            holds = (span.line, span.column) < (
                one.span.line,
                one.span.column,
            )  # what stands before the test is where it holds
            return holds is ((one.operator == "==") is (_DESK.fullmatch(text) is not None))
    return False


def _fits_all(origin: Value) -> bool:
    match origin:
        case Constant(value=str(text)):
            return _ANYTHING.fullmatch(text) is not None
        case Sequence(items=items):
            return any(_fits_all(item) for item in items)
        case Call(callee="re.compile", args=(Constant(value=str(text)), *_)):
            return _ANYTHING.fullmatch(text) is not None
        case _:
            return False


def words(value: Value | None) -> Iterator[str]:
    """The literal texts of an option: one text with commas, or a list of them."""
    for option in options(value):
        match option:
            case Constant(value=str(text)):
                yield from (word.strip() for word in text.split(","))
            case Sequence(items=items):
                yield from (said for item in items if (said := text_of(item)) is not None)
            case _:
                pass


def _put_together(written: Value) -> str | None:
    """The text of a pattern; what it takes out of the settings stands for some domain."""
    if (text := text_of(written)) is not None:
        return text
    if not isinstance(written, Format):
        return None
    texts: list[str] = []
    for part in written.parts:
        if isinstance(part, Call) and part.callee == "re.escape" and part.args:
            known = (one.value for one in literals(part.args[0]) if isinstance(one.value, str))
            texts.append(re.escape(next(known, "site.example")))
        elif (text := text_of(part)) is not None:
            texts.append(text)
        else:
            return None
    return "".join(texts)


def patterns(value: Value | None) -> Iterator[str]:
    """The literal patterns among the origins, as Flask-CORS tells them from plain origins."""
    for option in options(value):
        for one in option.items if isinstance(option, Sequence) else (option,):
            match one:
                case Call(callee="re.compile", args=(written, *_)):
                    yield from (text for each in options(written) if (text := _put_together(each)) is not None)
                case Constant(value=str(text)) if _PATTERN_MARKS & set(text):
                    yield text
                case _:
                    pass
