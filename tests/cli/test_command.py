"""The real command: exit codes, and one line with the mend for everything that can be wrong."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def one_line(done: "subprocess.CompletedProcess[str]", code: int, *words: str) -> None:
    """It ended with *code*, wrote nothing to stdout and exactly one line to stderr, which has the *words* and no traceback."""
    assert done.returncode == code, done.stderr + done.stdout
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("stopper: ")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in lines[0], lines[0]


# --- usage: 2 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["checks"], ["no command 'checks'", "did you mean check?"]),
        (["check", "--fxi"], ["no option --fxi", "did you mean --fix?"]),
        (["check", "--wholly-unknown"], ["--wholly-unknown", "stopper check -h"]),
        (["check", "nothere.py"], ["no file or folder nothere.py"]),
        (["check", ""], ["a path is empty"]),
        (["check", "ap.py"], ["did you mean app.py?"]),
        (["check", "--select", "hgih"], ["'hgih'", "did you mean high?"]),
        (["check", "--ignore", "debug-enable"], ["did you mean debug-enabled?"]),
        (["check", "--select", "debug-enabled", "--ignore", "critical"], ["leave no rule"]),
        (["check", "--format", "yaml"], ["'yaml'"]),
        (["check", "--format", "text", "--format", "json"], ["--output"]),
        (["check", "--format", "json", "--format", "json"], ["twice"]),
        (["check", "--output", "no/such/folder/x.json"], ["no/such/folder", "mkdir -p"]),
        (["check", "--output", "report"], ["has no --format"]),
        (["check", "--output", "."], ["is a folder"]),
        (["check", "--threshold", "101"], ["101"]),
        (["check", "--fail-on", "severe"], ["'severe'"]),
        (["check", "--config", "missing.toml"], ["missing.toml is not a file"]),
        (["check", "--accepted", "missing.json"], ["missing.json cannot be read", "name a JSON or TOML file"]),
        (["check", "--fix", "--diff"], ["give one of them"]),
        (["check", "--unsafe-fixes"], ["goes with --fix"]),
        (["check", "--changed-since", "-x"], ["a revision of git"]),
        (["check", "--changed-since", "HEAD"], ["--changed-since"]),
        (["scan"], ["Missing argument 'URL'"]),
        (["scan", "localhost:5000"], ["http://"]),
        (["scan", "ftp://127.0.0.1"], ["http://"]),
        (["scan", "http://[::1"], ["http://"]),
        (["scan", "http://me:hunter22@127.0.0.1"], ["--identity"]),
        (["scan", "http://127.0.0.1:9", "--passive", "--active"], ["give one of them"]),
        (["scan", "http://127.0.0.1:9", "--identity", "alice"], ["NAME=CREDENTIAL"]),
        (["scan", "http://127.0.0.1:9", "--identity", "alice=something odd"], ["unclear", "Bearer TOKEN"]),
        (["scan", "http://127.0.0.1:9", "--identity", "alice=something odd"], ["ApiKey:<header>:<key>"]),
        (["scan", "http://127.0.0.1:9", "--identity", "a=ApiKey:oddly"], ["a='ApiKey:<header>:<key>'", "X-API-Key"]),
        (["scan", "http://127.0.0.1:9", "--identity", "a=env:NOT_SET_HERE"], ["NOT_SET_HERE is not set"]),
        (["scan", "http://127.0.0.1:9", "--identity", "a=@nofile"], ["nofile cannot be read"]),
        (["scan", "http://127.0.0.1:9", "--identity", "a=Bearer x.y.z", "--identity", "a=Bearer u"], ["given twice"]),
        (["audit", "none.py"], ["none.py is not there"]),
        (["audit", "src/shop/app.py:api"], ["src/shop/app.py is not there"]),
        (["audit", "no app"], ["is not MODULE:APP"]),
        (["lock", "no app"], ["is not MODULE:APP"]),
        (["lock", "nomodule:app"], ["nomodule"]),
        (["lock", "app:app", "--check", "--file", "b.lock"], ["stopper lock app:app --file b.lock"]),
        (["lock", "app:app", "--disposable-database", "copy.db"], ["--disposable-database", "sqlite:////"]),
        (["audit", "app:app", "--disposable-database", "copy.db"], ["--disposable-database", "sqlite:////"]),
        (["scan", "http://127.0.0.1:9", "--rate", "fast"], ["'fast' is not a number"]),
        (["scan", "http://127.0.0.1:9", "--max-requests", "1.5"], ["'1.5' is not a whole number"]),
        (["lock", "app:app", "--check"], ["stopper.lock is not there", "stopper lock app:app"]),
        (["lock", "app:app", "--env-file", "none.env"], ["none.env is not a file"]),
        (["audit", "nomodule:app"], ["nomodule"]),
        (["audit", "app:nothing"], ["nothing"]),
        (["audit", "app:app", "--env-file", "none.env"], ["none.env is not a file"]),
        (["rules", "debug-enable"], ["did you mean debug-enabled?"]),
        (["serve", "--port", "99999"], ["99999"]),
        (["demo", "--port", "0"], ["--port"]),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_with_the_mend(
    stopper_here: Run, arguments: list[str], words: list[str]
) -> None:
    one_line(stopper_here(*arguments), 2, *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "nothere.py"], "no file"),
        (["scan", "ftp://127.0.0.1"], "http://"),
        (["audit", "none.py"], "not there"),
    ],
)
def test_a_process_of_its_own_refuses_so_too(stopper: Run, arguments: list[str], words: str) -> None:
    one_line(stopper(*arguments), 2, words)


def test_a_password_in_an_address_is_not_repeated(stopper: Run) -> None:
    done = stopper("scan", "http://me:hunter22canary@127.0.0.1:1")
    assert "hunter22canary" not in done.stderr + done.stdout


def test_an_unclear_identity_is_not_repeated(stopper_here: Run) -> None:
    for text in ("alice=Bearerish s3cretcanary", "s3cretcanary", "alice=ApiKey:s3cretcanary"):
        done = stopper_here("scan", "http://127.0.0.1:1", "--identity", text)
        assert done.returncode == 2
        assert "s3cretcanary" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("[tool.stopper]\nselects = ['jwt']\n", ["no key selects", "did you mean select?"]),
        ("[tool.stopper]\nthreshold = 'high'\n", ["threshold", "from 0 to 100"]),
        ("[tool.stopper]\nfail-on = 'severe'\n", ["fail-on", "low, medium, high, critical"]),
        ("[tool.stopper]\nformat = ['yaml']\n", ["format"]),
        ("[tool]\nstopper = 3\n", ["[tool.stopper]"]),
        ("[tool.stopper\n", ["is not TOML"]),
        ("[tool.stopper]\nselect = ['no-such-rule-at-all']\n", ["no-such-rule-at-all"]),
        ("[tool.stopper]\naccepted = 'gone.json'\n", ["gone.json"]),
        ("[tool.stopper]\nper-path-ignore = ['scripts']\n", ["per-path-ignore", "a table of paths"]),
        ("[tool.stopper]\nper-path-ignore = {scripts = ['debug-enable']}\n", ["did you mean debug-enabled?"]),
    ],
)
def test_a_wrong_config_is_refused_in_one_line(stopper_here: Run, folder: Path, written: str, words: list[str]) -> None:
    (folder / "pyproject.toml").write_text(written)
    one_line(stopper_here("check"), 2, *words)


def test_no_command_shows_the_help_and_is_usage(stopper: Run) -> None:
    done = stopper()
    assert done.returncode == 2
    assert "check" in done.stderr
    assert stopper("-h").returncode == 0
    assert re.fullmatch(r"stopper \d+\.\d+\S*\n", stopper("--version").stdout)


# --- check: 0, 1, 3 --------------------------------------------------------------------------------------------------


@pytest.mark.feature("F33")
def test_findings_at_the_gate_are_1_and_below_it_0(stopper: Run) -> None:
    assert stopper("check", "--select", "debug-enabled").returncode == 1
    assert stopper("check", "--select", "debug-enabled", "--ignore", "jwt").returncode == 1
    clean = stopper("check", "--ignore", "debug-enabled")
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert clean.stderr == ""


@pytest.mark.feature("F33")
def test_a_score_below_the_threshold_is_1(stopper: Run) -> None:
    assert stopper("check", "--ignore", "debug-enabled", "--threshold", "100").returncode == 0
    done = stopper("check", "--select", "debug-enabled", "--fail-on", "critical", "--threshold", "100")
    assert done.returncode == 1


def test_a_file_that_does_not_parse_is_3_and_hides_nothing(stopper: Run, folder: Path) -> None:
    (folder / "broken.py").write_text("from flask import Flask\ndef f(:\n")
    done = stopper("check", "--ignore", "debug-enabled")
    assert done.returncode == 3
    assert "broken.py:2" in done.stdout
    both = stopper("check")
    assert both.returncode == 1
    assert "broken.py:2" in both.stdout
    assert "debug-enabled" in both.stdout


def test_a_binary_file_with_a_python_name_is_3_and_hides_nothing(stopper: Run, folder: Path) -> None:
    (folder / "blob.py").write_bytes(b"import flask\n\x00\xff\xfe\x00")
    done = stopper("check")
    assert done.returncode == 1
    assert "blob.py" in done.stdout
    assert "debug-enabled" in done.stdout
    assert stopper("check", "blob.py").returncode == 3


def test_files_that_are_not_python_are_simply_not_python(stopper: Run, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "data.bin").write_bytes(bytes(range(256)))
    done = stopper("check", cwd=other)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing was tested." in done.stdout


def test_everything_on_stdout_is_the_report(stopper: Run) -> None:
    done = stopper("check", "--format", "json")
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert report["findings"][0]["rule"] == "debug-enabled"
    assert report["findings"][0]["path"] == "app.py"
    assert report["target"] == "."


def test_formats_pair_with_files_and_the_rest_goes_to_stdout(stopper: Run, folder: Path) -> None:
    done = stopper(
        "check",
        "--format",
        "text",
        "--format",
        "html",
        "--output",
        "r.html",
        "--format",
        "sarif",
        "--output",
        "r.sarif",
    )
    assert done.stdout.startswith("stopper check")
    assert (folder / "r.html").read_text().startswith("<!doctype html>")
    assert json.loads((folder / "r.sarif").read_text())["version"] == "2.1.0"
    assert [one.name for one in folder.iterdir() if one.name.startswith(".r.")] == []


def test_a_file_ending_says_its_format(stopper: Run, folder: Path) -> None:
    stopper("check", "--output", "r.json")
    assert json.loads((folder / "r.json").read_text())["version"] == "1"


def test_a_run_that_only_writes_files_says_so_beside_them(stopper: Run, folder: Path) -> None:
    done = stopper("check", "--output", "r.json", "--output", "r.sarif")
    first = json.loads((folder / "r.json").read_text())["findings"][0]
    assert done.stdout == ""
    assert (
        f"Start with {first['rule']} at {first['path']}:{first['line']}. Written to r.json and r.sarif." in done.stderr
    )
    assert stopper("check", "--output", "r.json", "--output", "-").stderr == ""


def test_config_counts_and_the_command_line_wins(stopper: Run, folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.stopper]\nignore = ['debug-enabled']\nformat = 'json'\n")
    done = stopper("check")
    assert done.returncode == 0
    assert json.loads(done.stdout)["findings"] == []
    assert stopper("check", "--ignore", "jwt", "--format", "text").stdout.startswith("stopper check")


def test_exclude_leaves_files_out(stopper: Run, folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.stopper]\nexclude = ['app.py']\n")
    assert stopper("check").returncode == 0


def test_rules_are_left_out_under_the_paths_that_the_config_names(stopper: Run, folder: Path) -> None:
    (folder / "scripts").mkdir()
    (folder / "scripts" / "run.py").write_text((folder / "app.py").read_text())
    (folder / "pyproject.toml").write_text("[tool.stopper]\nper-path-ignore = {scripts = ['debug-enabled']}\n")
    said = json.loads(stopper("check", "--select", "debug-enabled", "--format", "json").stdout)
    assert [one["path"] for one in said["findings"]] == ["app.py"]
    assert any("debug-enabled at scripts/run.py" in one["what"] for one in said["skipped"])


def test_a_comment_in_a_notebook_suppresses_what_stands_beside_it(stopper: Run, folder: Path) -> None:
    source = [
        "from flask import Flask\n",
        "app = Flask(__name__)\n",
        "app.run(debug=True)  # stopper: ignore[debug-enabled] a lesson\n",
    ]
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": source}
    (folder / "app.py").unlink()
    (folder / "try.ipynb").write_text(json.dumps({"cells": [cell], "metadata": {}}, indent=1))
    said = json.loads(stopper("check", "--select", "debug-enabled", "--format", "json").stdout)
    assert said["findings"] == []
    assert any("suppressed in the source: a lesson" in one["reason"] for one in said["skipped"])


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes")
def test_a_file_whose_name_is_no_text_is_told_in_every_format(stopper: Run, folder: Path) -> None:
    (folder / "app.py").rename(os.path.join(os.fsencode(folder), b"b\xffd.py").decode("utf-8", "surrogateescape"))
    for name in ("text", "json", "sarif", "html", "junit", "github"):
        done = stopper("check", "--format", name)
        assert done.returncode == 1, done.stderr
        assert "debug-enabled" in done.stdout


def test_a_terminal_without_utf_8_gets_plainer_signs(stopper: Run) -> None:
    done = stopper("check", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert "####" in done.stdout
    assert "?" not in done.stdout


# --- suppressions, accepted findings ---------------------------------------------------------------------------------


def _debug_line(folder: Path, comment: str) -> None:
    text = (folder / "app.py").read_text()
    (folder / "app.py").write_text(text.replace("app.run(debug=True)", f"app.run(debug=True)  {comment}"))


@pytest.mark.feature("F58")
def test_an_ignore_with_slug_and_reason_suppresses_and_is_told(stopper: Run, folder: Path) -> None:
    _debug_line(folder, "# stopper: ignore[debug-enabled] only ever started by hand")
    done = stopper("check")
    assert done.returncode == 0, done.stdout
    assert "suppressed in the source: only ever started by hand" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("comment", "words"),
    [
        ("# stopper: ignore[debug-enable] by hand", "did you mean debug-enabled?"),
        ("# stopper: ignore[debug-enabled] by hand until=2020-01-31", "ended on 2020-01-31"),
        ("# stopper: ignore[debug-enabled] by hand until=soon", "no day"),
    ],
)
def test_an_ignore_that_does_not_hold_is_told_and_has_no_effect(
    stopper: Run, folder: Path, comment: str, words: str
) -> None:
    _debug_line(folder, comment)
    done = stopper("check", "--format", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert words in report["errors"][0]["message"]
    assert (report["errors"][0]["path"], report["errors"][0]["line"]) == ("app.py", 18)
    assert [one["rule"] for one in report["findings"]] == ["debug-enabled"]


@pytest.mark.parametrize("comment", ["# stopper: ignore", "# stopper: ignore[debug-enabled]"])
def test_an_ignore_without_rule_or_reason_is_a_finding_itself(stopper: Run, folder: Path, comment: str) -> None:
    _debug_line(folder, comment)
    report = json.loads(stopper("check", "--format", "json").stdout)
    assert report["errors"] == []
    assert [one["rule"] for one in report["findings"]] == ["debug-enabled", "suppression-without-reason"]


@pytest.mark.feature("F58")
def test_accepted_findings_leave_the_gate_until_they_expire(stopper: Run, folder: Path) -> None:
    finding = json.loads(stopper("check", "--format", "json").stdout)["findings"][0]
    entry = {
        "fingerprint": finding["fingerprint"],
        "rule": "debug-enabled",
        "owner": "ann",
        "expires": "2999-01-01",
        "reason": "dev only",
    }
    accepted = folder / "accepted.json"
    accepted.write_text(json.dumps({"accepted": [entry]}))
    (folder / "app.py").write_text("# one line more\n" + (folder / "app.py").read_text())
    done = stopper("check", "--accepted", "accepted.json")
    assert done.returncode == 0, done.stdout
    assert "accepted by ann until 2999-01-01: dev only" in " ".join(done.stdout.split())
    accepted.write_text(json.dumps({"accepted": [{**entry, "expires": "2020-01-01"}]}))
    expired = stopper("check", "--accepted", "accepted.json")
    assert expired.returncode == 1
    assert "ended on 2020-01-01" in expired.stdout
    accepted.write_text(json.dumps({"accepted": [{**entry, "owner": ""}]}))
    one_line(stopper("check", "--accepted", "accepted.json"), 2, "entry 1 has no owner")


# --- fixes -----------------------------------------------------------------------------------------------------------


def test_diff_shows_and_writes_nothing_and_fix_writes(stopper: Run, folder: Path) -> None:
    before = (folder / "app.py").read_text()
    shown = stopper("check", "--diff")
    assert shown.returncode == 1
    assert "-    app.run(debug=True)\n+    app.run(debug=False)\n" in shown.stdout
    assert (folder / "app.py").read_text() == before
    subprocess.run(
        ["patch", "-p1", "--dry-run"], input=shown.stdout, text=True, cwd=folder, check=True, capture_output=True
    )
    fixed = stopper("check", "--fix")
    assert fixed.returncode == 0, fixed.stdout + fixed.stderr
    assert fixed.stderr == "stopper: fixed app.py\n"
    assert (folder / "app.py").read_text() == before.replace("debug=True", "debug=False")


MANY_EDITS = """import os

import requests
from flask import Flask

app = Flask(__name__)
app.config["PARTNER"] = os.environ["PARTNER_KEY"]


@app.get("/x")
def x():
    key = {"X-API-Key": app.config["PARTNER"]}
    return requests.get("https://a.example/v1", headers=key, verify=False).text


if __name__ == "__main__":
    app.run(debug=True)
"""


def test_the_edits_of_one_file_are_one_diff_that_git_applies(stopper: Run, folder: Path) -> None:
    (folder / "app.py").write_text(MANY_EDITS)
    shown = stopper("check", "--diff").stdout
    assert shown.count("--- a/app.py") == 1
    assert 'key = {"X-API-Key": app.config["PARTNER"]}' in shown, "an expression is no secret"
    subprocess.run(["git", "apply", "-"], input=shown, text=True, cwd=folder, check=True, capture_output=True)
    made = (folder / "app.py").read_text()
    assert "verify=True, allow_redirects=False, timeout=10" in made
    assert "debug=False" in made
    assert stopper("check", "--diff").stdout == ""
    assert "# masked" not in shown


def test_a_diff_with_masked_lines_says_so(stopper: Run, folder: Path) -> None:
    (folder / "app.py").write_text(MANY_EDITS.replace("if __name__", 'PASSWORD = "hunter2"\nif __name__'))
    shown = stopper("check", "--diff").stdout
    assert "# masked: 1 line shows *** for what may be a secret, so that git apply" in shown
    assert "hunter2" not in shown


def test_fix_writes_what_needs_review_only_when_asked(stopper: Run, folder: Path) -> None:
    (folder / "app.py").write_text(MANY_EDITS)
    assert stopper("check", "--fix").stderr == "stopper: fixed app.py\n"
    made = (folder / "app.py").read_text()
    assert "verify=False" in made
    assert "debug=False" in made
    done = stopper("check", "--fix", "--unsafe-fixes")
    assert done.stderr == "stopper: fixed app.py (to review)\n"
    made = (folder / "app.py").read_text()
    assert "verify=True, allow_redirects=False, timeout=10" in made
    again = stopper("check", "--fix", "--unsafe-fixes")
    assert again.stderr == ""
    assert (folder / "app.py").read_text() == made


def test_a_diff_shows_no_literal_that_is_given_to_a_secret_setting(stopper: Run, folder: Path) -> None:
    (folder / "app.py").write_text(
        MANY_EDITS.replace(
            'app.config["PARTNER"] = os.environ["PARTNER_KEY"]', 'app.config["SECRET_KEY"] = "my-precious-secret-key"'
        )
    )
    assert "my-precious" not in stopper("check", "--diff").stdout


# --- git -------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("F58")
def test_changed_since_tells_only_findings_in_changed_files(stopper: Run, folder: Path) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    (folder / "new one.py").write_text((folder / "app.py").read_text())
    done = stopper("check", "--changed-since", "HEAD", "--format", "json")
    assert {one["path"] for one in json.loads(done.stdout)["findings"]} == {"new one.py"}
    assert done.returncode == 1
    (folder / "new one.py").unlink()
    assert stopper("check", "--changed-since", "HEAD").returncode == 0
    one_line(stopper("check", "--changed-since", "no-such-branch"), 2, "no revision 'no-such-branch'")
    assert stopper("check", "--changed-since", "HEAD; touch pwned").returncode == 2
    assert not (folder / "pwned").exists()


# --- scan and audit --------------------------------------------------------------------------------------------------


def test_a_dead_host_is_3(stopper: Run) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    one_line(stopper("scan", f"http://127.0.0.1:{port}"), 3, "does not answer", "is it running?")


class _Empty(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def empty_api() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Empty)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_scan_that_tested_nothing_is_3_and_never_clean(stopper: Run, empty_api: str) -> None:
    done = stopper("scan", empty_api, "--depth", "quick")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "No grade" in done.stdout
    assert "--spec" in done.stdout


@pytest.mark.parametrize("written", ["{not json or yaml: [", '{"hello": "world"}', ""])
def test_an_invalid_spec_is_2(stopper: Run, folder: Path, empty_api: str, written: str) -> None:
    (folder / "openapi.json").write_text(written)
    one_line(stopper("scan", empty_api, "--spec", "openapi.json"), 2, "openapi.json")


def test_a_missing_spec_is_2(stopper: Run, empty_api: str) -> None:
    one_line(stopper("scan", empty_api, "--spec", "gone.json"), 2, "gone.json")


def test_an_app_that_dies_on_import_is_3_without_a_traceback(stopper: Run, folder: Path) -> None:
    (folder / "dying.py").write_text("raise RuntimeError('no database, password=importcanary123')\n")
    done = stopper("audit", "dying:app")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "dying" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    assert "importcanary123" not in done.stderr + done.stdout


def test_audit_joins_and_tells_places_relative_to_the_folder(stopper: Run) -> None:
    done = stopper("audit", "app:app", "--format", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 1, done.stderr
    assert report["target"] == "app:app"
    assert {one["path"] for one in report["findings"]} <= {"app.py", None}
    assert "debug-enabled" in [one["rule"] for one in report["findings"]]


# --- rules -----------------------------------------------------------------------------------------------------------


def test_rules_lists_explains_and_gives_json(stopper: Run) -> None:
    listed = stopper("rules")
    assert listed.returncode == 0
    assert re.search(r"^debug-enabled +critical +data-exposure +\S", listed.stdout, re.MULTILINE)
    page = stopper("rules", "debug-enabled").stdout
    assert "## Bad" in page
    assert "## Fix" in page
    rows = json.loads(stopper("rules", "--format", "json").stdout)
    assert "debug-enabled" in [row["slug"] for row in rows]
    assert "## Bad" in json.loads(stopper("rules", "debug-enabled", "--format", "json").stdout)["page"]
    family = json.loads(stopper("rules", "cors", "--format", "json").stdout)
    assert len(family) > 2
    assert {row["family"] for row in family} == {"cors"}
    assert json.loads(stopper("rules", "--json-schema").stdout)["title"] == "Stopper report"


# --- the rim ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_is_130_and_one_line(folder: Path) -> None:
    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.set()
            ended.wait(60)

    asked, ended = threading.Event(), threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        child = subprocess.Popen(
            [sys.executable, "-m", "stopper.cli", "scan", f"http://127.0.0.1:{server.server_port}"],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert asked.wait(60)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
    assert child.returncode == 130, err
    assert out == ""
    assert err == "stopper: interrupted; no report was written\n"


def test_a_reader_that_goes_away_ends_it_quietly(folder: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "stopper.cli", "rules", "--json-schema"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout
    assert child.stderr
    child.stdout.close()
    err = child.stderr.read()
    child.stderr.close()
    child.wait(60)
    assert b"Traceback" not in err


def test_starting_imports_nothing_heavy() -> None:
    """`stopper --version` must not wait for Flask, SQLAlchemy, rich or the catalogue."""
    code = "import sys; from stopper.cli.group import run; run(['--version']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in (
        "flask",
        "sqlalchemy",
        "rich",
        "cryptography",
        "jsonschema",
        "stopper.scan",
        "stopper.rules",
        "asyncio",
    ):
        assert f"'{heavy}'" not in done.stdout


# --- serve -----------------------------------------------------------------------------------------------------------


def test_serve_check_says_whether_it_could_start(stopper: Run, folder: Path) -> None:
    done = stopper("serve", "--check", "--port", "0", "--data", "data")
    assert done.returncode == 0, done.stderr
    refused = stopper("serve", "--check", "--port", "0", "--data", "data", "--mode", "prod")
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert "--issuer" in refused.stderr
