"""Routes of Connexion: ``add_api("openapi.yaml")`` serves what a document beside the code says, by the functions that it names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from stopper.core.app import Spec
from stopper.core.errors import UsageError
from stopper.core.fact import TextFile
from stopper.core.place import Span
from stopper.core.spec_document import CONNEXION, CONNEXION_ADMINS, METHODS, Operation, mapping, operations
from stopper.core.values import Call, Name, Value, text_of, walk
from stopper.scan.report import ReadError
from stopper.scan.source.documents import is_too_large
from stopper.scan.source.files import is_test
from stopper.scan.source.own_routes import url_rule
from stopper.scan.source.project import Project, Registration

_ADDS: Final = re.compile(r"connexion(?:\.\w+)*\.(?:App|FlaskApp|FlaskApi|AsyncApp)\.add_api")
_RESTY: Final = re.compile(r"connexion(?:\.\w+)*\.(?:RestyResolver|MethodViewResolver|MethodResolver)")
_RELATIVE: Final = re.compile(r"connexion(?:\.\w+)*\.RelativeResolver")
_VARIABLE: Final = re.compile(r"\{([^{}/]+)\}")
_CONVERTERS: Final = {"integer": "int", "number": "float"}
_FAR: Final = re.compile(r"[$]ref[\"']?\s*:\s*[\"']?[^#\"'\s]")
_FILLED_IN: Final = re.compile(r"\{\{[^{}]*\}\}")
_ADMINS: Final = re.compile(r"(?i)(?<![a-z])(?:super|sys)?_?(?:admin(?:istrator)?s?|superusers?)(?![a-z])")
"""A scheme for administrators, by its own name or by that of the function which looks at the credential."""
_ASKS: Final = re.compile(r"x-(?:bearer|basic|apikey|token)info(?:func|url)$|x-scopevalidatefunc$")


@dataclass(frozen=True, slots=True)
class _Served:
    """One document as one call of ``add_api`` serves it."""

    spec: Spec
    prefix: str
    relative: str
    resty: str
    span: Span


def connexion_routes(project: Project, texts: Sequence[TextFile]) -> tuple[Registration, ...]:
    """A registration for each operation of the documents that the project serves."""
    documents = [text for text in texts if text.kind == "openapi"]
    if not documents:
        return ()
    known = _Views(project)
    calls = [call for call in project.calls if _ADDS.fullmatch(call.callee)]
    lost: dict[str, str] = {}
    found = [made for call in calls for served in _served(call, documents, lost) for made in _registered(served, known)]
    project.unread_documents.extend(ReadError(path, said) for path, said in lost.items())
    return tuple(found)


def lost_documents(project: Project, beside: Sequence[ReadError]) -> tuple[ReadError, ...]:
    """*beside*, with those that cost coverage marked: a document that could not be read, and which an application serves."""
    ends = tuple(
        end
        for call in project.calls
        if _ADDS.fullmatch(call.callee) and not (call.span is not None and is_test(call.span.path))
        for end in _ends(call)
    )
    return tuple(replace(one, fatal=True) if f"/{one.path}".endswith(ends) else one for one in beside)


def _ends(call: Call) -> tuple[str, ...]:
    """How the paths of the documents end whose names the call says."""
    given = call.argument(0, "specification")
    said = [word for part in walk(given, 4) if (word := text_of(part)) is not None] if given is not None else []
    return tuple(f"/{word.strip('./')}" for word in said if word.endswith((".yaml", ".yml", ".json")))


def _read(text: TextFile) -> tuple[Spec, str]:
    """What the document says, and why that is not all; UsageError where it cannot be read."""
    from stopper.scan.spec.read import read_spec

    if is_too_large(text):
        raise UsageError(f"{text.path} is too large to be read as YAML; serve it as JSON, or in parts")
    whole = "\n".join(text.lines)
    try:
        spec, _ = read_spec(whole, text.path)
    except UsageError:
        if "{{" not in whole:
            raise
        spec, _ = read_spec(_FILLED_IN.sub("given", whole), text.path)  # ``add_api(…, arguments={"title": …})``
    far = _FAR.search(whole) is not None and _lacks_operations(mapping(spec.document.get("paths")))
    return spec, "says paths in another file ($ref), which is not followed; bundle them into one" if far else ""


def _lacks_operations(paths: Mapping[str, object]) -> bool:
    """That nothing is said where a path or one of its operations should be: the reference leads out of the document."""
    every = [mapping(item) for item in paths.values()]
    return not all(every) or not every or any(not item[name] for item in every for name in METHODS if name in item)


def _served(call: Call, documents: Sequence[TextFile], lost: dict[str, str]) -> Iterator[_Served]:
    """The documents whose name the call says; the only one where it says none that can be read. Those that cannot be read are *lost*, each
    with the reason: what they serve is not seen."""
    ends = _ends(call)
    several = [one for one in documents if f"/{one.path}".endswith(ends)] if ends else list(documents[:1])
    resolver = call.keyword("resolver")
    name = resolver.callee if isinstance(resolver, Call) else ""
    home = (
        (text_of(resolver.argument(0, "default_module_name", "root_path")) or "") if isinstance(resolver, Call) else ""
    )
    for text in several:
        matters = not is_test(text.path) and not (call.span is not None and is_test(call.span.path))
        try:
            spec, wrong = _read(text)
        except UsageError as error:
            if matters:
                lost[text.path] = str(error).removeprefix(text.path).strip()
            continue
        if wrong and matters:
            lost[text.path] = wrong
        prefix = text_of(call.keyword("base_path"))
        yield _Served(
            spec,
            prefix if prefix is not None else spec.prefix,
            home if _RELATIVE.fullmatch(name) else "",
            home if _RESTY.fullmatch(name) else "",
            call.span or Span(text.path, 1, 1, 1, 1),
        )


class _Views:
    """The functions of the project by what a document may call them: by their module, or by where their file lies."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._ends: dict[str, str] = {}
        for name, function in project.functions.items():
            lies = function.span.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            for said in (name, f"{lies}.{name.rpartition('.')[2]}"):
                words = said.split(".")
                for start in range(len(words) - 1):
                    self._ends.setdefault(".".join(words[start:]), name)

    def named(self, said: str) -> str:
        """The qualified name; as it is said where the project has no such function."""
        return said if said in self.project.functions else self._ends.get(said, said)


def _registered(served: _Served, known: _Views) -> Iterator[Registration]:
    schemes = _asking(served.spec)
    for operation in operations(served.spec):
        view = _view(served, operation)
        if not view:
            continue
        value: Value = Name(known.named(view))
        if not operation.open_to_all and all(scheme in schemes for scheme in operation.schemes):
            for_admins = bool(operation.schemes) and all(_ADMINS.search(schemes[one]) for one in operation.schemes)
            value = Call(CONNEXION_ADMINS if for_admins else CONNEXION, (value,), span=served.span)
        rule = served.prefix.rstrip("/") + _rule(operation)
        yield url_rule(rule, value, (operation.method,), served.span)


def _asking(spec: Spec) -> dict[str, str]:
    """The schemes for which a function is named that looks at the credential, each with what it and the function are called: without one
    Connexion lets everybody pass."""
    said = mapping(mapping(spec.document.get("components")).get("securitySchemes")) or mapping(
        spec.document.get("securityDefinitions")
    )
    found: dict[str, str] = {}
    for name, scheme in said.items():
        asks = [str(value) for key, value in mapping(scheme).items() if _ASKS.match(key.lower())]
        if asks:
            found[name] = " ".join((name, *(one.rpartition(".")[2] for one in asks)))
    return found


def _view(served: _Served, operation: Operation) -> str:
    """The function that answers: what the operation names, below the controller that it or its path names, else what the resolver makes."""
    path = mapping(mapping(served.spec.document.get("paths")).get(operation.written))
    home = _text(operation.node, "x-openapi-router-controller", "x-swagger-router-controller")
    home = home or _text(path, "x-openapi-router-controller", "x-swagger-router-controller")
    said = _text(operation.node, "operationId")
    if said:
        return f"{home}.{said}" if home else f"{served.relative}.{said}" if served.relative else said
    word = next((part for part in operation.written.split("/") if part and "{" not in part), "")
    if not served.resty or not word:
        return ""
    alone = operation.written.rstrip("/").endswith("}")
    method = "search" if operation.method == "GET" and not alone else operation.method.lower()
    return f"{home or served.resty + '.' + word.replace('-', '_')}.{method}"


def _text(node: Mapping[str, object], *keys: str) -> str:
    return next((said for key in keys if isinstance(said := node.get(key), str)), "")


def _rule(operation: Operation) -> str:
    """The path as Werkzeug writes it, with the types that the document gives its parameters."""
    kinds: dict[str, str] = {}
    for one in operation.parameters:
        kind = mapping(one.get("schema")).get("type", one.get("type"))
        kinds[str(one.get("name"))] = _CONVERTERS.get(str(kind), "")

    def written(found: re.Match[str]) -> str:
        kind, name = kinds.get(found[1], ""), re.sub(r"\W", "_", found[1])
        return f"<{kind}:{name}>" if kind else f"<{name}>"

    return _VARIABLE.sub(written, operation.written)
