"""What a container of Dependency Injector hands out: ``verifier = providers.Singleton(KeyVerifier, settings=settings)``, and elsewhere
``container.verifier()``."""

from typing import Final

from stopper.core.values import Call, Name, Value
from stopper.scan.source.drafts import new_call
from stopper.scan.source.lookups import attribute
from stopper.scan.source.reader import Reader

PROVIDERS: Final = frozenset(
    f"dependency_injector.providers.{kind}"
    for kind in (
        "Singleton", "ThreadSafeSingleton", "ThreadLocalSingleton", "ContextLocalSingleton", "Factory", "Resource", "Callable",
    )
)  # fmt: skip


def provider(reader: Reader, call: Call) -> Call:
    """The provider with what it makes as its one argument, which is a fact of its own: it is made so, whoever asks for it."""
    first = call.args[0] if call.args else None
    if type(first) is not Name or not (
        first.dotted in reader.project.classes or reader.project.has_function(first.dotted)
    ):
        return call
    args = tuple([_made(one) for one in call.args[1:]])
    keywords = tuple([(name, _made(one)) for name, one in call.keywords])
    made = new_call(first.dotted, args, keywords, call.open, None, call.function, call.span)
    reader.project.calls.append(made)
    return new_call(call.callee, (made,), (), False, None, call.function, call.span)


def provided(reader: Reader, owner: Value, name: str) -> Value | None:
    """What ``container.name()`` gives, where a provider stands there."""
    if "dependency_injector.providers" not in reader.project.imported:
        return None
    home = owner.dotted if type(owner) is Name else reader.dotted(owner)
    held = reader.project.attribute(home, name) if home in reader.project.classes else None
    if held is None and type(owner) is Name:
        held = attribute(reader, owner, name)
    return _made(held) if type(held) is Call and held.callee in PROVIDERS else None


def _made(value: Value) -> Value:
    is_one = type(value) is Call and value.callee in PROVIDERS and type(value.args[0] if value.args else None) is Call
    return value.args[0] if is_one and type(value) is Call else value
