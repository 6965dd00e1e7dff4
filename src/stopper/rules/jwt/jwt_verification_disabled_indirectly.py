"""A constant, a setting or one variable of the environment decides that everybody may write tokens."""

from collections.abc import Iterator

from stopper.core.app import App
from stopper.core.edits.call_edits import passing
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Verdict
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, not_applicable
from stopper.core.probing.signature import broken_signature
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.tokens.jwt_keys import reached
from stopper.core.tokens.jwt_names import (
    Decoding,
    decodings,
    is_off,
    is_pyjwt,
    library_said,
    library_version,
    said_options,
    shape_of,
    switched_off_elsewhere,
)
from stopper.core.tokens.jwt_peek import is_asked_elsewhere, is_only_a_first_look, is_our_own
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Name,
    Parameter,
    Truth,
    Value,
    is_constant,
    literals,
    walk,
)

OPTION = "verify_signature"


def detect(app: App) -> Iterator[Hit]:
    """Decodes whose check something out of sight turns off, judged by what the library's version makes of it."""
    facts = source_of(app)
    for call, usual in decodings(facts):
        shape = shape_of(app, call, usual)
        hit = _by_options(app, facts, call, shape) or _by_parts(facts, call) or _legacy(app, facts, call, shape)
        if hit is None or is_our_own(facts, call):
            continue
        if not is_only_a_first_look(facts, call) and not is_asked_elsewhere(facts, call):
            yield hit


def _by_options(app: App, facts: SourceFacts, call: Call, shape: Decoding) -> Hit | None:
    for option in said_options(facts, call, shape):
        if not isinstance(option, Mapping) or (said := option.get(OPTION)) is None:
            continue
        if isinstance(said, Constant):
            if is_off(said) and switched_off_elsewhere(
                facts, call, option, said, call.argument(shape.options, "options")
            ):
                return Hit(
                    f"the signature check of {library_said(app, call.callee)} is off: {OPTION} is false where the options are made",
                    call.span,
                )
            continue
        certainty = _flag(app, facts, said)
        if certainty is not None:
            return Hit(
                f"a flag decides whether {library_said(app, call.callee)} checks the signature",
                call.span,
                certainty=certainty,
            )
    return None


def _flag(app: App, facts: SourceFacts, said: Value) -> Certainty | None:
    """How sure it is that a flag is off: off as it is set or by default is certain, one that may be turned off is likely."""
    found: Certainty | None = None
    if isinstance(said, Truth) and any(_names_a_mode(part) for part in walk(said, 4)):
        found = "likely"
    if isinstance(said, Truth) and any(
        isinstance(part, Name) and part.dotted.startswith("flask.request.") for part in walk(said, 6)
    ):
        found = "likely"  # what a request says decides
    for value in (*_within(facts, said), *reached(facts, said)):
        if isinstance(value, ConfigValue) and (fact := app.config.get(value.key)) is not None and fact.value is False:
            return "certain"
        if is_off(value) or (isinstance(value, (EnvironmentValue, ConfigValue)) and any(map(is_off, literals(value)))):
            return "certain"
        for part in walk(value, 6):
            if (
                isinstance(part, EnvironmentValue)
                or _asks_environment(part)
                or (isinstance(part, Item) and part.default is not None)
            ):
                found = "likely"
            if isinstance(part, ConfigValue) and part is not said and not facts.config_values(part.key):
                found = "likely"
    return found


def _asks_environment(part: Value) -> bool:
    """``os.getenv(name)`` in a helper that is told the name."""
    return isinstance(part, Call) and part.callee in ("os.getenv", "os.environ.get")


def _within(facts: SourceFacts, said: Value, depth: int = 3) -> Iterator[Value]:
    """The value and what it comes from: the setting or the helper that a ``not`` or a comparison asks."""
    yield said
    for part in walk(said, 6) if depth > 0 else ():
        for one in reached(facts, part) if isinstance(part, (Call, ConfigValue, Parameter)) else ():
            if one is not part and not isinstance(one, Constant):
                yield from _within(facts, one, depth - 1)


def _names_a_mode(part: Value) -> bool:
    """``app.debug``, ``app.testing``: whether a check is made must not hang on them."""
    name = part.dotted if isinstance(part, Name) else getattr(part, "attribute", "")
    return str(name).rpartition(".")[2] in ("debug", "testing", "DEBUG", "TESTING")


def _by_parts(facts: SourceFacts, call: Call) -> Hit | None:
    """``options["verify_signature"] = False`` in the function that decodes, or once for the library."""
    for assignment in facts.assignments():
        if assignment.attribute != OPTION or not is_off(assignment.value) or "[" not in assignment.target:
            continue
        if assignment.function in (call.function, ""):
            return Hit("the signature check is switched off by a later change of the options", call.span)
    return None


def _legacy(app: App, facts: SourceFacts, call: Call, shape: Decoding) -> Hit | None:
    """``verify=False``: PyJWT 1 obeys, PyJWT 2 warns and goes on checking."""
    if not is_pyjwt(call.callee):
        return None
    said = call.keyword("verify") or (call.argument(2) if shape.options == 4 else None)
    version = library_version(app, call.callee)
    if said is None or (version and version >= (2,)):
        return None
    if not any(is_off(value) for value in (said, *reached(facts, said))):
        doubt = _flag(app, facts, said) if version else None
        message = f"a flag decides whether {library_said(app, call.callee)} checks the signature"
        return Hit(message, call.span, certainty=doubt) if doubt is not None else None
    message = f"verify=False switches the signature check off in {library_said(app, call.callee)}"
    if version:
        return Hit(message, call.span)
    without = call.argument(shape.algorithms, "algorithms") is None
    return Hit(
        f"{message} before 2.0; the version is not known", call.span, certainty="likely" if without else "possible"
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """``True`` for the literal in options that this call alone reads, where it names a key and its algorithms. A flag, a constant that others
    may read as well, and options that several share are left to a person."""
    facts = source_of(app)
    for call, usual in decodings(facts):
        if call.span is None or call.span != hit.span:
            continue
        shape = shape_of(app, call, usual)
        key = call.argument(shape.key, "key")
        if call.argument(shape.algorithms, "algorithms") is None or key is None or is_constant(key, None, ""):
            return None
        made = [one for one in said_options(facts, call, shape) if isinstance(one, Mapping)]
        if any(one.span is None or _readers(app, facts, one.span) != 1 for one in made):
            return None
        told = [(one.get(OPTION), one.span) for one in made]
        told += [
            (one.value, one.span)
            for one in facts.assignments_in(call.function)
            if one.attribute == OPTION and "[" in one.target
        ]
        for said, around in told:
            if isinstance(said, Constant) and said.value is False and said.span is not None:
                return Edit(said.span, "True", safe=False) if around is not None and around.holds(said.span) else None
        return passing(call, ("verify", "True"), safe=False) if is_constant(call.keyword("verify"), False) else None
    return None


def _readers(app: App, facts: SourceFacts, span: Span) -> int:
    """How many calls decode with the options that are written there."""
    return sum(
        any(
            isinstance(one, Mapping) and one.span == span
            for one in said_options(facts, call, shape_of(app, call, usual))
        )
        for call, usual in decodings(facts)
    )


def probe(target: Target) -> Steps[Verdict]:
    """Proves it on the running application; where the source shows nothing, jwt-broken-signature-accepted asks the wire."""
    if not any(True for _ in detect(target.app)):
        return not_applicable("the source shows no check that is switched off out of sight")
    return (yield from broken_signature(target))


RULE = Rule(
    slug="jwt-verification-disabled-indirectly",
    family="jwt",
    title="The signature check is switched off indirectly, by a constant, a setting, a flag or `verify=False`",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(347,),
    owasp="API2:2023",
    asvs=("V9.1.1",),
    surfaces=("source", "wsgi"),
    ends="Stopper's `@bearer` verifies the signature of every token, and no setting turns that off.",
    detect=detect,
    fix=fix,
    probe=probe,
)
