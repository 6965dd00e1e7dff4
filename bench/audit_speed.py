"""How long `stopper audit` takes for an application of 300 routes, and until it knows its first finding."""

import sys
import tempfile
import time
from pathlib import Path

from stopper.scan import catalogue
from stopper.scan.audit.parent import read_access, run_audit
from stopper.scan.options import ProbeOptions

ROUTES = 300
WHOLE, FIRST = 10.0, 2.0
"""Seconds that may be taken on the machine of the bench: for all, and until probing has begun with what the source shows known."""

HEAD = """\
from functools import wraps

import jwt
from flask import Blueprint, Flask, abort, jsonify, request

app = Flask(__name__)
app.config["SECRET_KEY"] = "change-me-change-me-change-me-change-me"
ITEMS = {str(number): {"id": number, "name": f"item {number}"} for number in range(20)}


def login_required(view):
    @wraps(view)
    def inner(*args, **kwargs):
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            jwt.decode(shown, app.config["SECRET_KEY"], algorithms=["HS256"])
        except jwt.PyJWTError:
            abort(401)
        return view(*args, **kwargs)
    return inner

"""

BLUEPRINT = """
part{n} = Blueprint("part{n}", __name__, url_prefix="/part{n}")


@part{n}.get("/items")
@login_required
def items():
    return jsonify(list(ITEMS.values()))


@part{n}.get("/items/<item_id>")
{guard}def item(item_id):
    return jsonify(ITEMS.get(item_id) or abort(404))


@part{n}.post("/items")
@login_required
def add():
    return jsonify(request.get_json()), 201


app.register_blueprint(part{n})
"""


def source(routes: int) -> str:
    """An application with so many routes, a third of them without a guard."""
    parts = [BLUEPRINT.format(n=n, guard="" if n % 3 else "@login_required\n") for n in range(routes // 3)]
    return HEAD + "".join(parts)


def main() -> int:
    """Print the figures; 1 when one is over its bound."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "shop.py").write_text(source(ROUTES), encoding="utf-8")
        began, first = time.perf_counter(), 0.0

        def progress(what: str, done: int, total: int) -> None:
            nonlocal first
            if what != "reading" and not first:  # the first word after that is of a finding
                first = time.perf_counter() - began

        options = ProbeOptions(rules=catalogue.load(), root=Path(folder), progress=progress, max_requests=3000)
        report = run_audit("shop:app", options)
        whole = time.perf_counter() - began
        began = time.perf_counter()
        rows = read_access("shop:app", options)
        locked = time.perf_counter() - began
    sys.stdout.write(f"audit of {ROUTES} routes: {whole:.1f} s, first finding after {first:.1f} s, {report.requests} requests, "
          f"{len(report.findings)} findings\n")  # fmt: skip
    sys.stdout.write(f"lock of {len(rows)} doors: {locked:.1f} s\n")
    return int(whole > WHOLE or not 0 < first <= FIRST)


if __name__ == "__main__":
    sys.exit(main())
