"""Views that are wrapped after they were registered: ``app.view_functions[name] = login_required(view)``."""

import pytest

GUARD = """
from functools import wraps
from flask import Flask, abort, session

app = Flask(__name__)
OPEN = {"static", "health"}


def login_required(view):
    @wraps(view)
    def inner(*args, **kwargs):
        if session.get("user") is None:
            abort(401)
        return view(*args, **kwargs)
    return inner


@app.get("/health")
def health():
    return "ok"


@app.get("/notes")
def notes():
    return "notes"

"""
WAYS = {
    "in a loop": (
        "for name, view in list(app.view_functions.items()):\n    if name not in OPEN:\n"
        "        app.view_functions[name] = login_required(view)\n",
        ("open", "guarded"),
    ),
    "past the public ones": (
        "for name, view in list(app.view_functions.items()):\n    if name in OPEN:\n        continue\n"
        "    app.view_functions[name] = login_required(view)\n",
        ("open", "guarded"),
    ),
    "one by one": ('app.view_functions["notes"] = login_required(app.view_functions["notes"])\n', ("open", "guarded")),
    "under a test that nobody can tell": (
        "for name, view in list(app.view_functions.items()):\n    if getattr(view, 'private', False):\n"
        "        app.view_functions[name] = login_required(view)\n",
        ("unknown", "unknown"),
    ),
    "all": (
        "for name in app.view_functions:\n    app.view_functions[name] = login_required(app.view_functions[name])\n",
        ("guarded", "guarded"),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_view_that_is_wrapped_later_is_guarded(read, way):
    code, wanted = WAYS[way]
    routes = {route.path: route.access["GET"].state for route in read(GUARD + code).app.routes}
    assert (routes["/health"], routes["/notes"]) == wanted
