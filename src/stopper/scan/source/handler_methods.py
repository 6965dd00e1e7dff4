"""Methods that a library calls for errors: an application or API object of the project that overrides them handles them there."""

from collections.abc import Iterator
from typing import Final

from stopper.core.fact import ErrorHandler, Function
from stopper.scan.source.project import Project

_OF_APPS: Final = {
    "handle_exception": "Exception",
    "handle_user_exception": "Exception",
    "handle_http_exception": "werkzeug.exceptions.HTTPException",
}
_OF_APIS: Final = {"handle_error": "Exception"}


def handler_methods(project: Project, tests: frozenset[str]) -> Iterator[ErrorHandler]:
    """``class MyApi(Api): def handle_error(self, e)``, ``class MyApp(Flask): def handle_exception(self, e)``."""
    for state in project.classes.values():
        if not state.bases or state.span.path in tests:
            continue
        methods = _OF_APPS if project.is_app(state.name) else _OF_APIS if project.api_of(state.name) is not None else {}
        for method, what in methods.items():
            function = project.functions.get(f"{state.name}.{method}")
            if function is not None and not _hands_on(function, method):
                yield ErrorHandler(what, function.name, "", function.span)


def _hands_on(function: Function, method: str) -> bool:
    """That all it answers is what the library's own method made of the error: it only adds something to that."""
    return len(function.returns) == 1 and any(callee.rpartition(".")[2] == method for callee in function.calls)
