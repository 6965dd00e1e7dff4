"""Whatever the files hold, reading neither crashes nor hides the rest."""

import gc
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stopper.core.facts import source_of
from stopper.scan.source.files import decode
from stopper.scan.source.project import Project
from stopper.scan.source.read import read_source

GOOD = "from flask import Flask\napp = Flask('x')\n@app.get('/x')\ndef x():\n    return ''\n"


@pytest.mark.parametrize(
    ("data", "line", "said"),
    [
        (b"import flask\n\ndef (:\n", 3, "not valid Python"),
        (b"x = 1\ndef (:\n", 2, "not valid Python"),
        (b"import flask\nx = '\xff'\n", 2, "not utf-8"),
        (b"import flask\n\nx = '\x00'\n", 3, "NUL byte"),
        (b"# coding: klingon\nimport flask\n", 1, "encoding"),
        (b"# coding: hex\nimport flask\n", 1, "encoding"),
        (b"import flask\n  x = 1\n", 2, "not valid Python"),
        (b"import flask\nx = '" + b"a" * 1_000_000 + b"\n", 2, "not valid Python"),
    ],
)
def test_a_file_that_is_no_python_is_one_error(read, data, line, said):
    reading = read({"bad.py": data, "app.py": GOOD})
    (error,) = reading.errors
    assert (error.path, error.line, error.fatal) == ("bad.py", line, True)
    assert said in error.message
    assert [route.path for route in reading.app.routes] == ["/x"]
    assert (reading.files_read, reading.files_total) == (1, 2)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        b"# coding: latin-1\nn = '\xe9'\n" + GOOD.encode(),
        b"# -*- coding: future_fstrings -*-\nn = '\xc3\xa9'\n" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        b"\x0c\n" + GOOD.encode(),
        GOOD.encode() + b"\nasync = False\ndef run(words, async=True):\n    return start(words, async=async)\n",
        GOOD.encode() + b"\nasync def wait(task):\n    return await task\n",
    ],
)
def test_python_in_other_dress_is_read(read, data):
    reading = read({"app.py": data})
    assert (reading.errors, len(reading.app.routes)) == ((), 1)


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 5000 + ")" * 5000,
        "x = " + "-" * 20000 + "1",
        "x = " + "a." * 20000 + "b",
        "x = " + "+".join(["a"] * 20000),
        "x = " + "f(" * 90 + ")" * 90,
        "x = " + "[" * 90 + "]" * 90,
        "x = a" + "[0]" * 3000,
        "x = a" + ".b()" * 3000,
        "if 1:\n pass\n" + "".join(f"elif x == {n}:\n pass\n" for n in range(3000)),
        "\n".join(" " * n + "if x:" for n in range(95)) + "\n" + " " * 95 + "pass",
        "s = 'a'\n" + "s = s + s\n" * 200,
        "s = 1\n" + "s = s * s\n" * 60,
        "d = {}\n" + "d = {**d, **d}\n" * 60,
        "s = x\n" + "s = (s, s)\nprint(s)\n" * 60,
        "s = x\n" + "s = f'{s}{s}'\nprint(s)\n" * 60,
        "s = x\n" + "s = s.a or s.b\nprint(s)\n" * 60,
        "l = [1]\n" + "l = l + l\n" * 60,
        "l = [1]\n" + "l += l\n" * 60,
        "l = [1]\n" + "l = [*l, *l]\n" * 60,
        "s = 'ab'\n" + "s = s.replace\n" * 100,
        "x = '" + "a" * 1_000_000 + "'",
        "x = 9 ** 9 ** 9\ny = 'a' * 10 ** 12\nz = 10 ** 400 * 1.0\nw = 1 / 0",
        "class A(A): pass\nclass B(C): pass\nclass C(B):\n  x = 1\nB().x\nC.y",
        "def f(): return g()\ndef g(): return f()\nf().run()\nx = f()\nx.y.z()",
        "import app\nfrom app import x\nfrom . import y\nfrom .... import z\nfrom app import *",
        "x = x\ny = lambda: y\nglobal z\ndel x\n(a, *b), c = d\nfor [e, f] in g: pass",
        "match x:\n case {'a': [y, *z], **rest} if y: pass\n case A(b=c) | D(): pass\n case _: pass",
        "async def f():\n async with a as (b, c):\n  async for d in e: yield await d\n return [x async for x in y]",
        "try:\n pass\nexcept* (A, B) as e:\n print(e)\n",
        "type = 1\nprint(f'{x!r:>{w}} {y=}')\nx[1:2, ::3] = y\nx[...] = 1\n",
        "class N:\n def a(self, l, r):\n  self.c = [l, r]\n def m(self, p, i):\n  r = p.c.pop(i)\n  self.c.extend(r.c)\n def b(self, p, i):\n  self.m(p, i)\n def d(self, k):\n  x = self.k(k)\n  x.b(self, k)",
    ],
    ids=range(31),
)
def test_strange_source_never_crashes_the_reader(read, text):
    reading = read({"strange.py": "from flask import *\nimport jwt\n" + text + "\n", "app.py": GOOD})
    assert [route.path for route in reading.app.routes] == ["/x"]
    assert all(error.path == "strange.py" for error in reading.errors)
    facts = source_of(reading.app)
    for flow in facts.flows():
        assert flow.span.path in facts.files


def test_links_that_go_round_are_walked_once(read, tmp_path: Path):
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.py").symlink_to(tmp_path / "self.py")
    reading = read(GOOD)
    assert ([error.path for error in reading.errors], len(reading.app.routes)) == (["self.py"], 1)


def test_a_named_pipe_is_not_waited_for(read, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.py")
    assert [error.path for error in read(GOOD).errors] == ["pipe.py"]


def test_a_file_that_may_not_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "shut.py").write_text(GOOD)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    (error,) = read_source((tmp_path,), tmp_path).errors
    assert (error.path, "permission denied" in error.message) == ("shut.py", True)


def test_a_file_beside_the_code_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "app.py").write_text(GOOD)
    (tmp_path / ".env").write_text("SECRET_KEY=dev\n")
    (tmp_path / "gone.html").symlink_to("nowhere.html")

    def refused(path: Path) -> bytes:
        if path.name == ".env":
            raise PermissionError(13, "Permission denied")
        with path.open("rb") as file:
            return file.read()

    monkeypatch.setattr(Path, "read_bytes", refused)
    reading = read_source((tmp_path,), tmp_path)
    (error,) = reading.errors
    assert (error.path, error.fatal) == (".env", False)
    assert "give read permission" in error.message
    assert (reading.files_read, reading.files_total) == (1, 1)


def test_a_large_file_beside_the_code_is_read_and_one_without_bound_is_told(tmp_path: Path):
    (tmp_path / "app.py").write_text(GOOD)
    (tmp_path / "bundle.js").write_text("a();" * 250_000)
    (tmp_path / "vendor.js").write_text("a();" * 1_100_000)
    reading = read_source((tmp_path,), tmp_path)
    assert [one.path for one in source_of(reading.app).text_files] == ["bundle.js"]
    (error,) = reading.errors
    assert (error.path, error.fatal) == ("vendor.js", False)
    assert "larger than 4 MiB" in error.message


def test_folders_that_hold_the_code_of_others_are_left_out(read):
    reading = read(
        {"app.py": GOOD, "venv/lib/a.py": "def (", "node_modules/b.py": "def (", "x/__pycache__/c.py": "def ("}
    )
    assert (reading.errors, reading.files_total) == ((), 1)


def test_what_is_excluded_is_not_read(tmp_path: Path):
    for name in ("a.py", "gen/b.py", "c_pb2.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(GOOD)
    reading = read_source((tmp_path,), tmp_path, exclude=("gen", "*_pb2.py"))
    assert source_of(reading.app).files == ("a.py",)


def test_a_single_file_can_be_read(tmp_path: Path):
    (tmp_path / "a.py").write_text(GOOD)
    (tmp_path / "b.py").write_text("def (")
    reading = read_source((tmp_path / "a.py",), tmp_path)
    assert (len(reading.app.routes), reading.errors) == (1, ())


def test_a_file_that_is_not_python_is_no_error(read):
    reading = read({"data.bin": b"\x00\xff", "readme.md": "def (", "app.py": GOOD})
    assert (reading.errors, reading.files_total) == ((), 1)


def test_two_files_of_one_name_are_two_modules(read):
    reading = read({"one/app.py": GOOD, "two/app.py": GOOD.replace("/x", "/y")})
    assert {(route.path, route.view) for route in reading.app.routes} == {("/x", "one.app.x"), ("/y", "two.app.x")}


WHOLE = """
import os, jwt, logging
from functools import wraps
from flask import Flask, Blueprint, request, jsonify, abort, session
app = Flask(__name__)
app.config.update(SECRET_KEY=os.environ.get("K", "dev"), DEBUG=True)
bp = Blueprint("b", __name__, url_prefix="/b")
class Notes:
    keys = {"a": "b"}
    def find(self, key): return self.keys.get(key)
def need(f):
    @wraps(f)
    def inner(*a, **k):
        token = request.headers.get("Authorization", "").split(" ")[1]
        try:
            payload = jwt.decode(token, app.config["SECRET_KEY"], algorithms=["HS256"])
        except jwt.PyJWTError as e:
            return jsonify(error=str(e)), 401
        return f(*a, **k)
    return inner
@bp.route("/<int:n>", methods=["GET", "POST"])
@need
def note(n):
    if n == 1 or not request.args.get("q"): abort(404)
    for x in [y for y in range(n)]: session["x"] = f"{x}{n}"
    return {"n": Notes().find(n)}
app.register_blueprint(bp)
"""


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_source_never_crashes_the_reader(tmp_path: Path, data: st.DataObject):
    lines = WHOLE.split("\n")
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(lines) - 1))
        kind = data.draw(st.sampled_from(["drop", "copy", "swap", "cut", "insert", "indent"]))
        if kind == "drop":
            lines[at : at + 1] = []
            lines = lines or [""]
        elif kind == "copy":
            lines.insert(at, lines[data.draw(st.integers(0, len(lines) - 1))])
        elif kind == "swap":
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == "cut":
            lines[at] = lines[at][: data.draw(st.integers(0, 60))]
        elif kind == "indent":
            lines[at] = "    " + lines[at]
        else:
            lines[at] += data.draw(
                st.sampled_from(
                    [" = app", ".x()", " + token", "[0]", "(*a, **b)", " if x else y", ": pass", "\x00", "é"]
                )
            )
    (tmp_path / "app.py").write_bytes("\n".join(lines).encode())
    reading = read_source((tmp_path,), tmp_path)
    assert len(reading.errors) <= 1
    facts = source_of(reading.app)
    assert all(flow.span.path == "app.py" for flow in facts.flows())


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_bytes_are_text_or_one_line_that_says_why_not(data: bytes):
    found = decode(data, "a.py")
    if not isinstance(found, str):
        assert "\n" not in found.message


def test_what_one_project_was_read_into_is_freed_before_the_next_without_a_search_for_circles(read):
    nested = "def guard(level):\n    def inner(view):\n        return view if level else None\n    return inner\n"
    before = {id(one) for one in gc.get_objects() if type(one) is Project}
    gc.disable()
    try:
        reading = read({"app.py": GOOD + nested + "app.get('/y')(guard(2)(x))\n"})
        left = [one for one in gc.get_objects() if type(one) is Project and id(one) not in before]
    finally:
        gc.enable()
    assert reading.app.routes
    assert not left


def test_async_as_a_name_is_read_where_it_stands(read):
    """Python 3.7 made it a keyword; what stands beside it keeps its line and column, and what is wrong for another reason stays wrong."""
    text = (
        GOOD
        + "\nimport pickle\nfrom flask import request\ndef load(async=False):\n    return pickle.load(request.files['f'])\n"
    )
    reading = read({"app.py": text, "bad.py": "start(async=True)\nx = = 1\n"})
    assert [(error.path, error.line) for error in reading.errors] == [("bad.py", 1)]
    (call,) = source_of(reading.app).calls("pickle.load")
    assert call.span is not None
    assert (call.span.line, call.span.column) == (len(GOOD.splitlines()) + 5, 12)
