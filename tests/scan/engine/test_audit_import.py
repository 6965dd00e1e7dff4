"""Applications that misbehave while they load: one clear line, or an audit as if nothing had been."""

import socket
import time
from pathlib import Path

import pytest

from stopper.core.errors import IncompleteError, UsageError
from stopper.scan.audit.fence import servers_in
from stopper.scan.audit.parent import answers, read_access, run_audit
from stopper.scan.audit.target import named
from stopper.scan.options import ProbeOptions

APP = "from flask import Flask\napp = Flask('shop')\n\n\n@app.get('/')\ndef index():\n    return 'x'\n"


def doors(folder: Path, text: str, target: str = "shop:app", **given: object) -> list[str]:
    """The doors of an application that is written as *text*."""
    (folder / "shop.py").write_text(text, encoding="utf-8")
    options = ProbeOptions(rules=(), root=folder, **given)  # type: ignore[arg-type]
    return [f"{row.method} {row.path}" for row in read_access(target, options) if row.endpoint != "static"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import sys\nsys.exit('no')\n", "ends the process on import (exit no) at shop.py:2"),
        ("import os\nos._exit(0)\n", "ended the process while it was imported"),
        ("import os\nprint('the last word')\nos.abort()\n", "the last word"),
        ("import os\nos.environ['SHOP_KEY']\n", "needs the environment variable 'SHOP_KEY' at shop.py:2"),
        ("import os\nif os.fork() == 0:\n    pass\n" + APP, "forks on import"),
        ("import os, sys\nif os.fork():\n    os._exit(0)\nos.setsid()\n" + APP, "ended the process while it was imported"),
        ("input('Name: ')\n", "dies on import at shop.py:1: EOFError"),
        ("held = []\nwhile True:\n    held.append(bytearray(256 * 1024**2))\n", "needs more memory than an audit allows"),
        ("raise SystemExit\n", "ends the process on import (exit None)"),
        ("import os\nos.kill(0, 9)\n", "ended the process while it was imported"),
    ],
)  # fmt: skip
def test_it_is_told_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(IncompleteError) as wrong:
        doors(tmp_path, text)
    assert words in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_an_import_that_blocks_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("import threading\nthreading.Event().wait()\n", encoding="utf-8")
    with pytest.raises(IncompleteError, match="hangs on import"):
        read_access("shop:app", ProbeOptions(rules=(), root=tmp_path), import_seconds=1)


@pytest.mark.parametrize(
    "before",
    [
        "print('x' * 1_000_000)\n",
        "import sys\nsys.stdout.close()\nsys.stderr.close()\n",
        "import os\nos.close(1)\nos.close(2)\n",
        "import threading, time\nfor _ in range(5):\n    threading.Thread(target=time.sleep, args=(60,)).start()\n",
        "import os\nos.chdir('/')\n",
        "import os\nif os.fork() == 0:\n    os._exit(0)\n",
        "import logging\nlogging.disable()\nimport warnings\nwarnings.simplefilter('error')\n",
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n",
        "import atexit, time\natexit.register(time.sleep, 60)\n",
    ],
)
def test_what_does_no_harm_is_audited_all_the_same(tmp_path: Path, before: str) -> None:
    assert doors(tmp_path, before + APP) == ["GET /"]


def test_a_variable_comes_from_the_environment_file(tmp_path: Path) -> None:
    (tmp_path / "shop.env").write_text("SHOP_KEY=k\n", encoding="utf-8")
    text = "import os\nos.environ['SHOP_KEY']\n" + APP
    assert doors(tmp_path, text, env_file=tmp_path / "shop.env") == ["GET /"]


FACTORY = "from flask import Flask\n\n\ndef create_app(kind='none', path='/'):\n    app = Flask('shop')\n    app.add_url_rule(f'/{kind}', 'index', lambda: '')\n    return app\n"


@pytest.mark.parametrize(
    ("target", "door"),
    [
        ("shop", "GET /none"), ("shop:create_app", "GET /none"), ("shop:create_app()", "GET /none"),
        ("shop:create_app('test')", "GET /test"), ("shop:create_app(kind='key')", "GET /key"), ("shop.py", "GET /none"),
        ("./shop.py:create_app('file')", "GET /file"),
    ],
)  # fmt: skip
def test_every_form_of_flask_app_is_taken(tmp_path: Path, target: str, door: str) -> None:
    assert doors(tmp_path, FACTORY, target) == [door]


def test_a_file_in_a_package_is_imported_as_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "mall").mkdir()
    (tmp_path / "mall" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "mall" / "web.py").write_text("from . import __name__ as _\n" + APP, encoding="utf-8")
    parts = named("mall/web.py", tmp_path)
    assert (parts.module, parts.folder) == ("mall.web", tmp_path)
    assert "/" in [row.path for row in read_access("mall/web.py", ProbeOptions(rules=(), root=tmp_path))]


@pytest.mark.parametrize(
    "target", ["shop:create_app(open('x'))", "shop:a b", "shop:create_app(**{})", "shop:1", "a-b:app", ":app"]
)
def test_what_is_no_target_is_refused(target: str) -> None:
    with pytest.raises(UsageError) as wrong:
        named(target)
    assert "\n" not in str(wrong.value)


def test_other_hosts_are_out_of_reach_also_for_native_code(tmp_path: Path) -> None:
    """In a network of its own the application has no address and no way but the loopback, which works."""
    text = (
        "import socket\nserver = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname()).close()\n"
        "names = [name for _, name in socket.if_nameindex()]\n"
        "from flask import Flask\napp = Flask('shop')\napp.add_url_rule('/' + '-'.join(names), 'names', lambda: '')\n"
    )
    report = run_audit("shop:app", ProbeOptions(rules=(), root=_written(tmp_path, text)))
    if report.network == "hooks":
        pytest.skip("capability: this system gives no network namespaces")
    assert [row.path for row in report.access if row.endpoint == "names"] == ["/lo"]


def test_a_server_of_this_machine_is_reached_where_one_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = f"import socket\nsocket.create_connection(('127.0.0.1', {port})).close()\n" + APP
        report = run_audit("shop:app", ProbeOptions(rules=(), root=_written(tmp_path, text)))
        assert report.network == "hooks"
        assert answers(f"127.0.0.1:{port}")
    with pytest.raises(IncompleteError, match="ConnectionRefusedError"):
        read_access("shop:app", ProbeOptions(rules=(), root=tmp_path))


def test_an_outbound_call_is_refused_and_recorded(tmp_path: Path) -> None:
    text = APP + (
        "\n\n@app.get('/out')\ndef out():\n    import socket\n    socket.create_connection(('198.51.100.7', 80), 1)\n    return 'x'\n"
    )
    report = run_audit("shop:app", ProbeOptions(rules=(), root=_written(tmp_path, text)))
    assert "outbound 198.51.100.7" in [one.what for one in report.skipped]


def test_a_forked_process_does_not_outlive_the_audit(tmp_path: Path) -> None:
    text = (
        "import os, pathlib, time\npid = os.fork()\nif pid == 0:\n    os.setsid()\n    time.sleep(60)\n    os._exit(0)\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(pid))\n" + APP
    )
    assert doors(tmp_path, text) == ["GET /"]
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not _is_alive(pid):
            return
        time.sleep(0.05)
    pytest.fail("the forked process is still there")


def _is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_addresses_are_read_from_the_words_of_drivers() -> None:
    said = 'connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused'
    assert "127.0.0.1:5432" in servers_in(said)
    assert servers_in("Error 111 connecting to localhost:6379. Connection refused.") == {"localhost:6379"}
    assert servers_in("db.example.com:5432 refused") == set()


def _written(folder: Path, text: str) -> Path:
    (folder / "shop.py").write_text(text, encoding="utf-8")
    return folder


TABLES = """
import sqlite3
from flask import Flask

app = Flask("shop")


class Database:
    def create_all(self):
        with sqlite3.connect("shop.db") as base:
            base.execute("create table if not exists notes (text text)")


class State:
    db = Database()


app.extensions["sqlalchemy"] = State()
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///shop.db"


@app.get("/notes")
def notes():
    return {"notes": sqlite3.connect("shop.db").execute("select text from notes").fetchall()}
"""


def test_missing_tables_are_made_in_the_copy_alone(tmp_path: Path) -> None:
    """Flask-SQLAlchemy's own way, with a stand-in of its shape: a fresh checkout has no database yet."""
    report = run_audit("shop:app", ProbeOptions(rules=(), root=_written(tmp_path, TABLES)))
    (notes,) = [row for row in report.access if row.path == "/notes"]
    assert (notes.state, notes.basis) == ("open", "proven")
    assert not (tmp_path / "shop.db").exists()
