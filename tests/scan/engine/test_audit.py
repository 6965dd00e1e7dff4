"""Audits of real applications in a real child process."""

import os
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.scan.engine.leak_rules import CHANGED, PEOPLE, SIGNATURE
from tests.scan.engine.sample_app import BAD, GOOD

from stopper.core.errors import IncompleteError, UsageError
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.audit.parent import run_audit
from stopper.scan.options import ProbeOptions
from stopper.scan.report import Report

RULES = (CHANGED, SIGNATURE)


def options(root: Path, **given: object) -> ProbeOptions:
    return replace(ProbeOptions(rules=RULES, mode="active", root=root), **given)  # type: ignore[arg-type]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with the leaky shop and a database that holds somebody's data."""
    (tmp_path / "shop.py").write_text(BAD, encoding="utf-8")
    with sqlite3.connect(tmp_path / "shop.db") as base:
        base.execute("create table users (email text, password text)")
        base.execute("create table notes (id integer primary key, owner text, text text)")
        base.execute("insert into users values ('carol@example.com', 'carols-own-password')")
        base.execute("insert into notes (owner, text) values ('carol@example.com', 'mine')")
    base.close()
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_wire_and_the_line_become_one_confirmed_finding(shop: Path) -> None:
    report = run_audit("shop:app", options(shop))
    (found,) = report.findings
    assert (found.rule, found.confidence) == (SIGNATURE, "confirmed")
    span = found.places[0].span
    assert span is not None
    assert "verify_signature" in (shop / span.path).read_text().splitlines()[span.line - 1]
    assert sum(one.exchange is not None for one in found.evidence) == 2
    assert report.errors == ()
    assert {one.slug: one.outcome for one in report.outcomes} == {
        "changed-token-accepted": "fail",
        "signature-unread": "fail",
    }


def test_the_sound_shop_has_no_finding(shop: Path) -> None:
    (shop / "shop.py").write_text(GOOD, encoding="utf-8")
    report = run_audit("shop:app", options(shop))
    assert report.findings == ()
    assert {one.outcome for one in report.outcomes} == {"pass"}


@pytest.mark.parametrize("mode", ["passive", "default", "active"])
def test_no_mode_changes_a_byte_of_the_targets_folder(shop: Path, mode: str) -> None:
    before = contents(shop)
    report = run_audit("shop:app", options(shop, mode=mode))
    assert contents(shop) == before
    assert report.requests > 0


def test_an_active_audit_covers_all_but_what_is_hazardous(shop: Path) -> None:
    report = run_audit("shop:app", options(shop))
    assert (report.coverage.tested, report.coverage.total) == (7, 8)
    assert [one.what for one in report.skipped] == ["POST /admin/shutdown"]


def test_a_default_audit_logs_in_with_a_given_account(shop: Path) -> None:
    carol = Identity("carol", (), subject="carol@example.com", password=Secret("carols-own-password"))
    report = run_audit("shop:app", options(shop, mode="default", identities=(carol,), rules=(PEOPLE, *RULES)))
    people = next(one.message for one in report.outcomes if one.slug == "people-seen")
    assert people.startswith("people carol")
    assert next(one.outcome for one in report.outcomes if one.slug == "changed-token-accepted") == "fail"


def test_with_the_key_at_hand_people_are_minted(shop: Path) -> None:
    (shop / "shop.py").write_text(GOOD, encoding="utf-8")
    report = run_audit("shop:app", options(shop, mode="passive", rules=(PEOPLE, *RULES)))
    assert next(one.message for one in report.outcomes if one.slug == "people-seen").startswith(
        "people alice*,bob*,admin*"
    )
    assert next(one.outcome for one in report.outcomes if one.slug == "changed-token-accepted") == "pass"


def test_no_token_comes_out_of_the_child(shop: Path) -> None:
    """The probe writes a live token into its message and evidence; the report must not carry it."""
    report = run_audit("shop:app", options(shop, rules=(PEOPLE, CHANGED)))
    assert len(report.findings) == 2
    assert "eyJ" not in repr(report)
    assert "Aa9!" not in repr(report)


def test_a_factory_is_called_with_and_without_brackets(shop: Path) -> None:
    (shop / "made.py").write_text("def create_app():\n    from shop import app\n    return app\n", encoding="utf-8")
    for target in ("made:create_app()", "made:create_app"):
        assert len(run_audit(target, options(shop)).findings) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise RuntimeError('no\\nluck')", "dies on import at broken.py:1: RuntimeError: no luck"),
        ("import nothing_like_it", "where the application's packages are"),
        ("import sys; sys.exit(4)", "ends the process on import (exit 4) at broken.py:1"),
        ("import os; os._exit(5)", "ended the process"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended the process"),
        ("def f(:", "dies on import"),
        ("x = [bytearray(1024**3) for _ in range(9)]", "memory"),
        ("raise KeyboardInterrupt", "dies on import at broken.py:1: KeyboardInterrupt"),
    ],
)
def test_an_app_that_dies_on_import_is_incomplete_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "broken.py").write_text(text + "\n", encoding="utf-8")
    with pytest.raises(IncompleteError) as wrong:
        run_audit("broken:app", options(tmp_path))
    assert words in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_an_app_that_hangs_on_import_is_ended_with_all_it_started(tmp_path: Path) -> None:
    (tmp_path / "hung.py").write_text(
        "import subprocess, sys, time, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        "pathlib.Path(__file__).with_name('pid').write_text(str(child.pid))\n"
        "time.sleep(300)\n",
        encoding="utf-8",
    )
    for seconds in (2, 10, 60):  # a busy machine may need more to come as far as the application
        with pytest.raises(IncompleteError, match="hangs on import"):
            run_audit("hung:app", options(tmp_path), import_seconds=seconds)
        if (tmp_path / "pid").exists():
            break
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not _alive(pid):
            return
        time.sleep(0.05)
    pytest.fail("what the application started is still running")


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return not Path("/proc").is_dir()


def test_an_app_whose_code_is_elsewhere_is_told_to_be_unread(
    shop: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = options(tmp_path_factory.mktemp("elsewhere"))
    target = f"{shop / 'shop.py'}:app"
    assert (
        "in the folder of its code"
        in {skip.what: skip.reason for skip in run_audit(target, elsewhere).skipped}["source"]
    )
    assert "source" not in {skip.what for skip in run_audit("shop:app", options(shop)).skipped}


def test_a_secret_that_the_app_prints_before_it_dies_is_masked(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "import os\nprint('password=hunter2hunter2', flush=True)\nos._exit(1)\n", encoding="utf-8"
    )
    with pytest.raises(IncompleteError) as wrong:
        run_audit("broken:app", options(tmp_path))
    assert "hunter2" not in str(wrong.value)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nowhere:app", "there is no module 'nowhere'"), ("shop:ap", "shop has no 'ap'; it has app"), ("shop:KEY", "is of the type str, not a Flask application"),
        ("shops.py", "shops.py is not there"), ("", "is not MODULE:APP"), ("shop:app:x", "is not MODULE:APP"), ("a b:app", "is not MODULE:APP"),
        ("shop:create()", "shop has no 'create'"), ("shop:close", "cannot be called without arguments"), ("shop:close()", "cannot be called without arguments"), ("../shop:app", "../shop is not there"), ("shop.inner:app", "there is no module 'shop.inner'"),
    ],
)  # fmt: skip
def test_a_wrong_target_is_a_usage_error_in_one_line(shop: Path, target: str, words: str) -> None:
    with pytest.raises(UsageError) as wrong:
        run_audit(target, options(shop))
    assert words in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_the_env_file_is_loaded_before_the_import(shop: Path) -> None:
    (shop / "app.env").write_text("# keys\nexport SHOP_FLAG='on'\n", encoding="utf-8")
    (shop / "flagged.py").write_text(
        "import os\nassert os.environ['SHOP_FLAG'] == 'on'\nfrom shop import app\n", encoding="utf-8"
    )
    assert run_audit("flagged:app", options(shop, env_file=shop / "app.env")).requests > 0
    with pytest.raises(UsageError, match="is not a file"):
        run_audit("flagged:app", options(shop, env_file=shop / "none.env"))
    (shop / "bad.env").write_text("just words\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"bad\.env:1 is not NAME=value"):
        run_audit("flagged:app", options(shop, env_file=shop / "bad.env"))


def test_an_app_that_calls_out_gets_no_further_than_this_machine(shop: Path) -> None:
    (shop / "caller.py").write_text(
        "import urllib.request\nfrom shop import app\n\n\n@app.get('/quote')\ndef quote():\n"
        "    try:\n        urllib.request.urlopen('http://192.0.2.7/', timeout=2)\n    except OSError as wrong:\n        return str(wrong)\n    return 'reached'\n",
        encoding="utf-8",
    )
    report = run_audit("caller:app", options(shop))
    assert "outbound 192.0.2.7" in [one.what for one in report.skipped]


def test_an_app_that_starts_its_server_at_import_does_not_hang(shop: Path) -> None:
    (shop / "started.py").write_text("from shop import app\napp.run(port=0)\n", encoding="utf-8")
    assert len(run_audit("started:app", options(shop), import_seconds=30).findings) == 1


def test_writing_is_off_where_the_data_is_not_a_file(shop: Path) -> None:
    (shop / "served.py").write_text(
        "from shop import app\napp.config['SQLALCHEMY_DATABASE_URI'] = 'postgresql+psycopg://me:pw@127.0.0.1:1/shop'\n",
        encoding="utf-8",
    )
    report = run_audit("served:app", options(shop))
    why = {one.what: one.reason for one in report.skipped}
    assert "--disposable-database" in why["writing"]
    assert "POST /notes" in why
    named = run_audit("served:app", options(shop, disposable_database="postgresql://me:other@127.0.0.1:1/shop"))
    assert "writing" not in [one.what for one in named.skipped]


def test_writing_is_off_where_a_client_of_a_server_is_in_the_application(shop: Path) -> None:
    (shop / "cached.py").write_text(
        "import redis\nfrom shop import app\ncache = redis.Redis(port=1)\n", encoding="utf-8"
    )
    report = run_audit("cached:app", options(shop))
    assert "talks to redis" in {one.what: one.reason for one in report.skipped}["writing"]


def test_an_audit_that_takes_too_long_is_ended(shop: Path) -> None:
    (shop / "slow.py").write_text(
        "import time\nfrom shop import app\n\n\n@app.before_request\ndef slow():\n    time.sleep(0.5)\n",
        encoding="utf-8",
    )
    with pytest.raises(IncompleteError, match="was not done within 3 s"):
        run_audit("slow:app", options(shop), wall_seconds=3)


def test_an_app_without_routes_is_an_incomplete_run(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text(
        "from flask import Flask\napp = Flask(__name__, static_folder=None)\n", encoding="utf-8"
    )
    report: Report = run_audit("empty:app", options(tmp_path))
    assert [one.fatal for one in report.errors] == [True]


def test_a_file_that_does_not_parse_does_not_hide_the_rest(shop: Path) -> None:
    (shop / "spare.py").write_text("import flask\ndef f(:\n", encoding="utf-8")
    assert len(run_audit("shop:app", options(shop)).findings) == 1


def test_a_database_behind_sqlalchemy_is_copied_too(tmp_path: Path) -> None:
    (tmp_path / "orm.py").write_text(
        "import os\nfrom flask import Flask, jsonify\nfrom sqlalchemy import create_engine, text\n\n"
        "app = Flask(__name__)\nengine = create_engine('sqlite:///' + os.path.join(os.path.dirname(__file__), 'orm.db'))\n\n\n"
        "@app.post('/things')\ndef make():\n    with engine.begin() as link:\n        link.execute(text('insert into things values (1)'))\n"
        "        count = link.execute(text('select count(*) from things')).scalar()\n    return jsonify(id=count), 201\n\n\n"
        "@app.get('/things')\ndef read():\n    return jsonify([])\n",
        encoding="utf-8",
    )
    base = sqlite3.connect(tmp_path / "orm.db")
    base.execute("create table things (n integer)")
    base.commit()
    base.close()
    before = contents(tmp_path)
    report = run_audit("orm:app", options(tmp_path))
    assert (report.coverage.tested, report.skipped[0].what) == (2, "identities")
    assert contents(tmp_path) == before


def test_an_application_in_a_packages_folder_is_read_when_that_is_the_root(shop: Path, tmp_path: Path) -> None:
    home = tmp_path / "lib" / "site-packages" / "demo"
    home.mkdir(parents=True)
    (shop / "shop.py").rename(home / "shop.py")
    assert [one.confidence for one in run_audit("shop:app", options(home)).findings] == ["confirmed"]
