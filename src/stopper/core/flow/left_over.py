"""Code that nothing of the application runs, as far as can be seen: what tests alone call, and modules that nobody imports."""

import re
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.values import Call

_STARTED: Final = re.compile(
    r"(?i)(?:^|/)(?:__\w+__|\w*(?:main|app|server|wsgi|asgi|worker|tasks?|manage|cli|run|start|setup|conf(?:ig)?|settings?|commands?)\w*)\.py$"
    r"|(?:^|/)(?:\w*plugins?|scripts?|commands?|migrations?|versions|tools|bin|hooks?|jobs?|tasks?|workers?|lambdas?|functions?)/"
)
"""What is started by its name, or found in its folder."""


def is_left_over(facts: SourceFacts, call: Call) -> bool:
    """That the call stands in a function that nobody but a test calls, or in a module that no other one imports, in a package of which
    others are imported."""
    if call.span is None or not call.function or facts.routes_reaching(call.function):
        return False
    return _is_named_nowhere(facts, call.function) or call.span.path in facts.once(
        "modules that nobody imports", lambda: _unused(facts)
    )


def _is_named_nowhere(facts: SourceFacts, function: str) -> bool:
    """A method that nobody but a test calls, and whose name stands nowhere else, of a class that is used by its other methods."""
    known = facts.function(function)
    word = function.rpartition(".")[2]
    if known is None or known.decorators or not known.owner or word.startswith("__"):
        return False
    held = classes_by_name(facts).get(known.owner)
    if held is None or any(base not in ("object", *classes_by_name(facts)) for base in held.bases):
        return False  # who calls it may be the library of which it is an heir
    if next(facts.calls(f"*.{word}"), None) is not None or (
        facts.words and word in facts.words and not _in_tests(facts, word)
    ):
        return False
    return any(
        next(facts.calls(f"*.{name}"), None) is not None for name in held.methods if name != word and name[:2] != "__"
    )


def _in_tests(facts: SourceFacts, word: str) -> bool:
    return next(facts.calls(f"*.{word}", tests=True), None) is not None


def _unused(facts: SourceFacts) -> frozenset[str]:
    """Modules inside of packages, of which no name is imported and none is said in a text; not those that start or register something."""
    packages = {module for module, path in facts.modules.items() if path.endswith("/__init__.py")}
    alive = {function.span.path for function in facts.functions() if function.decorators}
    alive |= {
        call.span.path
        for call in facts.calls()
        if not call.function and call.span is not None and call.method != "getLogger"
    }
    alive |= {condition.span.path for condition in facts.conditions() if not condition.function}
    used = [path for module, path in facts.modules.items() if facts.imports(module)]
    homes = {path.rpartition("/")[0] for path in used if not path.endswith("/__init__.py")}
    dotted = "\n".join([word for word in facts.words if "." in word])
    return frozenset(
        path
        for module, path in facts.modules.items()
        if module.rpartition(".")[0] in packages
        and path.rpartition("/")[0] in homes
        and path not in alive
        and path not in facts.tests
        and _STARTED.search(path) is None
        and not facts.imports(module)
        and not _is_read_whole(facts, module)
        and module not in dotted
    )


def _is_read_whole(facts: SourceFacts, module: str) -> bool:
    """That its package is imported by a star or looked through, so that the module may be found there."""
    return facts.imports(f"{module.rpartition('.')[0]}.*") or facts.imports("pkgutil")
