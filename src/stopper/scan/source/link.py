"""Ties together what single files said: config classes, routes with their access, who reaches whom."""

import re
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Final, TypeVar

from stopper.core.app import App
from stopper.core.fact import ConfigWrite, SourceRoute, TextFile
from stopper.core.facts import SourceFacts
from stopper.core.facts_memory import HasSpan
from stopper.core.flow.module_values import PROPERTIES
from stopper.core.flow.path_calls import file_named, texts_of
from stopper.core.place import RouteRef, Span
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Name,
    Parameter,
    Value,
    literals,
    options,
    walk,
)  # fmt: skip
from stopper.scan.report import ReadError
from stopper.scan.source.answers import answers, streamed
from stopper.scan.source.field_methods import name_field_methods
from stopper.scan.source.files import SourceFile
from stopper.scan.source.forwarding import leave_to_callers
from stopper.scan.source.given_config import GivenConfig
from stopper.scan.source.guards import Guards
from stopper.scan.source.handed_statements import run_handed_statements
from stopper.scan.source.held_objects import name_held_methods
from stopper.scan.source.implementations import name_implementations
from stopper.scan.source.log_hooks import log_hooks
from stopper.scan.source.project import ClassState, Module, Project
from stopper.scan.source.registered_handlers import call_registered_handlers
from stopper.scan.source.routes import Routes
from stopper.scan.source.run_elsewhere import run_elsewhere
from stopper.scan.source.sole_callers import follow_sole_callers
from stopper.scan.source.sole_methods import name_sole_methods
from stopper.scan.source.tried_names import name_what_is_tried

Placed = TypeVar("Placed", bound=HasSpan)


def lost_beside(project: Project, beside: list[ReadError]) -> tuple[ReadError, ...]:
    """What of the files beside the code could not be read; a document that Connexion serves by is coverage."""
    if not beside or not any(name.partition(".")[0] == "connexion" for name in project.imported):
        return (*project.unread_documents, *beside)
    from stopper.scan.source.connexion_routes import lost_documents

    return (*project.unread_documents, *lost_documents(project, beside))


def link(
    project: Project, modules: tuple[Module, ...], sources: tuple[SourceFile, ...], texts: tuple[TextFile, ...],
    tests: frozenset[str],
) -> App:  # fmt: skip
    """The App that all files together describe."""
    leave_to_callers(project)
    name_field_methods(project, tests)
    name_held_methods(project, tests)
    name_implementations(project, tests)
    name_sole_methods(project, tests)
    call_registered_handlers(project, tests)
    name_what_is_tried(project)
    libraries = {name.partition(".")[0] for name in project.imported}
    if "connexion" in libraries:
        from stopper.scan.source.connexion_routes import connexion_routes

        project.registrations.extend(connexion_routes(project, texts))
    if libraries & {"flask_classful", "flask_classy", "flask_appbuilder"}:
        from stopper.scan.source.exposed_methods import exposed_methods

        project.registrations.extend(exposed_methods(project))
    follow_sole_callers(project, tests)
    run_handed_statements(project)
    by_name = {module.name: module for module in modules}
    routes = Routes(project, by_name, tests)
    found = routes.found()
    handed = GivenConfig(project, tests)
    config = [*map(handed.settled, (*project.config, *handed.mappings())), *_class_config(project, by_name)]
    facts = SourceFacts(
        files=tuple(source.shown for source in sources),
        tests=tests,
        modules={source.module: source.shown for source in sources},
        imported=frozenset(project.imported),
        all_calls=_sorted(project.calls),
        all_functions=_sorted(project.functions.values()),
        all_classes=_sorted(project.class_fact(state) for state in project.classes.values()),
        all_config=_sorted(config),
        all_assignments=_sorted(project.assignments),
        all_comparisons=_sorted(project.comparisons),
        all_conditions=_sorted(project.conditions),
        all_returns=_sorted(project.returns),
        all_raises=_sorted(project.raises),
        all_handlers=_sorted(project.handlers),
        all_error_handlers=_sorted(routes.error_handlers),
        all_texts=_sorted(project.texts),
        all_readings=_sorted(project.readings),
        routes=tuple(route for route, _ in found),
        suppressions=_sorted(project.suppressions),
        text_files=texts,
        words=frozenset(project.words),
        all_lookups=tuple(project.lookups),
        asides=frozenset(project.asides),
        sole=project.sole,
    )
    flows = [*project.flows, *answers(project, facts), *log_hooks(facts)]
    facts = facts.grown(all_flows=_sorted([*flows, *streamed(project, flows)]))
    guards = Guards(project, facts, routes)
    served = tuple(guards.route(route, origin) for route, origin in found)
    facts = facts.grown(reach=_reach(project, facts, guards))
    return App(routes=served, source=facts, readers=frozenset({"source"}))


def _sorted(found: "Iterable[Placed]") -> "tuple[Placed, ...]":
    every = tuple(found)
    try:
        return tuple(sorted(every, key=_PLACE))
    except AttributeError:  # one of them has no place
        return tuple(sorted(every, key=_place))


_PLACE: Final = attrgetter("span.path", "span.line", "span.column")


def _place(found: HasSpan) -> tuple[str, int, int]:
    span = found.span
    return (span.path, span.line, span.column) if span is not None else ("", 0, 0)


def _class_config(project: Project, modules: dict[str, Module]) -> Iterator[ConfigWrite]:
    """Settings that stand in config classes and settings modules, and whether ``from_object`` loads them."""
    loaded, unknown = _loaded(project, modules)
    places = {one.target: one.span for one in project.assignments if not one.function and one.attribute.isupper()}
    children: dict[str, list[ClassState]] = {}
    for state in project.classes.values():
        for base in state.bases:
            children.setdefault(base, []).append(state)
    for state in project.classes.values():
        is_loaded = _is_loaded(state, loaded, children)
        if not is_loaded and not _looks_like_config(state, project):
            continue
        how = True if is_loaded else None if unknown or not loaded else False
        for key, value in state.attributes.items():
            if key.isupper() and not isinstance(value, Name):
                place = places.get(f"{state.name}.{key}", state.span)
                span = value.span if value.span is not None and place.holds(value.span) else place
                holds = not is_loaded or unknown or _is_loaded(state, loaded, children, key)
                yield ConfigWrite(key, value, span, "class", "", state.name, how if holds else False)
        for name in filter(str.isupper, state.methods):
            made = project.functions.get(f"{state.name}.{name}")
            if made is not None and len(made.returns) == 1 and any(one.name in PROPERTIES for one in made.decorators):
                yield ConfigWrite(name, made.returns[0], made.span, "class", "", state.name, how)
    homes = loaded & modules.keys()
    for assignment in project.assignments if homes else ():
        home, _, _ = assignment.target.rpartition(".")
        if home in homes and not assignment.function and assignment.attribute.isupper():
            yield ConfigWrite(assignment.attribute, assignment.value, assignment.span, "class", "", home, True)


def _looks_like_config(state: ClassState, project: Project) -> bool:
    word = state.name.rpartition(".")[2].lower()
    if "config" in word or "settings" in word:
        return True
    return any(
        "config" in base.lower() or "settings" in base.lower() for base in state.bases if base in project.classes
    )


def _is_loaded(
    state: ClassState, loaded: set[str], children: dict[str, list[ClassState]], key: str = "", depth: int = 6
) -> bool:
    """That the class is loaded, or one that is derived from it; with a *key*, one in which no class between says it anew."""
    if state.name in loaded:
        return True
    below = [one for one in children.get(state.name, ()) if one is not state and key not in one.attributes]
    return depth > 0 and any(_is_loaded(child, loaded, children, key, depth - 1) for child in below)


_SETS_VARIABLES: Final = re.compile(r"(?i)\.env[^/]*$|(?:docker|container)file[^/]*$|\.ya?ml$")
"""Files that set variables of the environment; of YAML those are read as modules alone that do, or that a call names."""


def _loaded(project: Project, modules: dict[str, Module]) -> tuple[set[str], bool]:
    loaded: set[str] = set()
    unknown = False
    for call in project.calls:
        if call.callee.startswith("dynaconf."):
            from stopper.scan.source.settings_files import DYNACONF, names_of

            files = tuple(f"/{name}" for name in names_of(call)) if call.callee in DYNACONF else ()
            loaded.update(name for name, module in modules.items() if files and f"/{module.path}".endswith(files))
            unknown = True
        if call.method == "from_prefixed_env":
            loaded.update(name for name, module in modules.items() if _SETS_VARIABLES.search(module.path))
        if not call.callee.endswith(("from_object", "from_pyfile", "from_file", "from_json")) or not call.args:
            continue
        for option in _objects(project, call.args[0]):
            if isinstance(option, Name) and option.dotted == "__name__" and call.span is not None:
                loaded.update(name for name, module in modules.items() if module.path == call.span.path)
            elif isinstance(option, Name):
                loaded.add(option.dotted)
            elif (named := file_named(option)) is not option:  # a folder, and the file in it
                loaded.update(name for text in literals(named) for name in _named(str(text.value), project, modules))
            elif isinstance(option, Call):
                loaded.add(option.callee)
            elif isinstance(option, Constant) and isinstance(option.value, str):
                loaded.update(_nearest(list(_named(option.value, project, modules)), call.span, project, modules))
            elif isinstance(option, (EnvironmentValue, ConfigValue)):
                # The environment may name another class, but this is what it is without it.
                texts = list(literals(option))
                if isinstance(option.default, Parameter):
                    texts += [one for one in _given(project, option.default) if isinstance(one, Constant)]
                loaded.update(name for text in texts for name in _named(str(text.value), project, modules))
                unknown = True
            elif isinstance(option, Format):
                loaded.update(_below(option, project, modules))
                loaded.update(name for text in texts_of(option) for name in _named(text, project, modules))
                unknown = True
            else:
                unknown = True
    return loaded, unknown


def _objects(project: Project, value: Value, depth: int = 3) -> Iterator[Value]:
    for option in options(value):
        if isinstance(option, Parameter):
            yield from _given(project, option)
            continue
        if isinstance(option, Call) and option.callee == "?" and isinstance(option.receiver, Item):
            yield from _objects(project, option.receiver, depth - 1)  # ``from_object(CONFIGS[name]())``
            continue
        function = project.functions.get(option.callee) if isinstance(option, Call) and depth else None
        if function is not None and function.returns:  # ``from_object(get_config())``
            for returned in function.returns:
                yield from _objects(project, returned, depth - 1)
            continue
        inner = [part for part in walk(option, 3) if isinstance(part, Mapping)]
        if inner and not isinstance(option, Call):
            for mapping in inner:
                for _, held in mapping.items:
                    yield from options(held)
        else:
            yield option


def _given(project: Project, value: Parameter) -> Iterator[Value]:
    """What a parameter is by its default and by what callers pass, and the parameter itself, since others may call too."""
    yield value
    calls = (call for call in project.calls if call.callee == value.function)
    for given in (value.default, *(call.argument(value.index, value.parameter) for call in calls)):
        for option in options(given):
            if not isinstance(option, Parameter) and not (isinstance(option, Constant) and option.value is None):
                yield option


def _below(text: Format, project: Project, modules: dict[str, Module]) -> Iterator[str]:
    """The classes that ``f"settings.{name}"`` may mean: every one of that module."""
    first = text.parts[0] if text.parts else None
    if isinstance(first, Constant) and isinstance(first.value, str) and first.value.endswith((".", ":")):
        homes = set(_named(first.value[:-1], project, modules))
        yield from (name for name in project.classes if name.rpartition(".")[0] in homes)


def _named(text: str, project: Project, modules: dict[str, Module]) -> Iterator[str]:
    """The class or module that a text for ``from_object`` or ``from_pyfile`` means."""
    dotted = text.removesuffix(".py").replace("/", ".").replace(":", ".").lstrip(".")
    for name in (*project.classes, *modules):
        if name == dotted or name.endswith("." + dotted):
            yield name
    # A folder without __init__.py is a package for whoever imports, and none in the module's name.
    for name, module in modules.items():
        placed = "." + module.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for head in (dotted, dotted.rpartition(".")[0]):
            found = name + dotted[len(head) :]
            if "." in head and placed.endswith("." + head) and (found in project.classes or found in modules):
                yield found


def _nearest(names: list[str], loader: Span | None, project: Project, modules: dict[str, Module]) -> list[str]:
    """Those of several of one name that lie beside whoever loads them, or above: each sample of a folder has its own ``config.py``."""
    homes = {
        name: (modules[name].path if name in modules else project.classes[name].span.path).rpartition("/")[0] + "/"
        for name in names
    }
    around = [
        home
        for home in homes.values()
        if loader is not None and f"/{loader.path}".startswith(f"/{home}".replace("//", "/"))
    ]
    nearest = max(around, key=len, default=None)
    return [name for name, home in homes.items() if nearest is None or home == nearest]


def _reach(project: Project, facts: SourceFacts, guards: Guards) -> dict[str, tuple[RouteRef, ...]]:
    """Function → the routes that run it, by following calls from views, guards and hooks."""
    every = _refs(facts)
    rank = {ref: number for number, ref in enumerate(every)}
    found: dict[str, set[int]] = {}
    later = run_elsewhere(project, facts)
    for route in facts.routes:
        refs = [ref for ref in _refs_of(route) if ref.method not in ("HEAD", "OPTIONS")]
        around = [one.name for one in route.decorators]
        around += [
            own for name in around if (own := f"{name}.__call__") in project.functions
        ]  # a class that wraps the view
        for name in _run_by([route.view, *route.hooks, *around], project, guards, later):
            found.setdefault(name, set()).update(rank[ref] for ref in refs)
        for ref in refs:  # a method of a view class answers its own method alone
            method = project.functions.get(f"{route.view}.{ref.method.lower()}")
            waiting = [method.name, *(one.name for one in method.decorators)] if method is not None else []
            for name in _run_by(waiting, project, guards, later):
                found.setdefault(name, set()).add(rank[ref])
    for handler in facts.all_error_handlers:
        served = (route for route in facts.routes if not handler.blueprint or route.blueprint == handler.blueprint)
        found.setdefault(handler.function, set()).update(rank[ref] for route in served for ref in _refs_of(route))
    return {name: tuple(every[number] for number in sorted(numbers)) for name, numbers in found.items()}


def _refs(facts: SourceFacts) -> list[RouteRef]:
    """Every method of every route, sorted once: sorting numbers is far cheaper than sorting these for every function."""
    found = {ref for route in facts.routes for ref in _refs_of(route)}
    return sorted(found, key=lambda ref: (ref.method, ref.path))


def _refs_of(route: SourceRoute) -> list[RouteRef]:
    return [RouteRef(method, route.path) for method in route.methods]


def _run_by(waiting: list[str], project: Project, guards: Guards, later: dict[str, list[str]]) -> Iterator[str]:
    """The functions of the project that these run, themselves among them."""
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        function = project.functions.get(name)
        if function is not None:
            yield name
            waiting.extend(function.calls)
            waiting.extend(later.get(name, ()))
        waiting.extend(guards.judges.nested.get(name, ()))
