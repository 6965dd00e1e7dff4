"""What a ``try`` runs has the names that its calls were given once all files were read: ``service().read(raw)`` is the method of a class."""

from dataclasses import replace

from stopper.core.values import Call
from stopper.scan.source.project import Project

_UNKNOWN = ("?.", "flask.current_app.", "flask.Flask.", "flask.g.")


def name_what_is_tried(project: Project) -> None:
    """Handlers say of methods of unknown objects, ``?.read``, and of those that an application keeps, ``current_app.tokens.read``, which function
    of the project it is, where their calls know by now."""
    unknown = {one.function for one in project.handlers if any(name.startswith(_UNKNOWN) for name in one.tried)}
    known: dict[str, list[Call]] = {}
    for call in project.calls:
        if call.function in unknown and project.has_function(call.callee):
            known.setdefault(call.function, []).append(call)
    for number, handler in enumerate(project.handlers if known else ()):
        words = {name.rpartition(".")[2] for name in handler.tried if name.startswith(_UNKNOWN)}
        named = [
            call.callee
            for call in known.get(handler.function, ())
            if call.method in words
            and call.span is not None
            and call.span.path == handler.span.path
            and call.span.line < handler.span.line
        ]
        if named:
            project.handlers[number] = replace(handler, tried=tuple(dict.fromkeys((*handler.tried, *named))))
