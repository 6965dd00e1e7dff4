"""The GitHub Action's steps, run as its `action.yml` says, against a GitHub of our own on loopback."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from stopper.cli.action_text import MARKER, summary
from stopper.cli.group import COMMANDS

LEAKY = """from flask import Flask

app = Flask(__name__)
app.config["SECRET_KEY"] = "canary-5e1d-of-the-session"
if __name__ == "__main__":
    app.run(debug=True)
"""


@pytest.fixture
def action(repository: Path) -> dict[str, Any]:
    return yaml.safe_load((repository / "action.yml").read_text("utf-8"))


class Step:
    """The action's last step in a project of its own."""

    def __init__(self, action: dict[str, Any], project: Path) -> None:
        self.action, self.project = action, project
        self.summary, self.outputs, self.event = project / "summary.md", project / "outputs", project / "event.json"
        self.event.write_text('{"pull_request": {"number": 7}}')
        self.more: dict[str, str] = {}

    def run(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run the step as a runner would: inputs become environment, the script goes to bash."""
        said = {name: str(one["default"]) for name, one in self.action["inputs"].items()}
        said |= {name.replace("_", "-"): value for name, value in inputs.items()} | {"python": sys.executable}
        step = self.action["runs"]["steps"][-1]
        environ = {
            name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: said[found[1]], value)
            for name, value in step["env"].items()
        }
        github = {
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.outputs),
            "GITHUB_EVENT_PATH": str(self.event),
        }
        return subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=self.project, env={**os.environ, **environ, **github, **self.more},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def output(self) -> dict[str, str]:
        """The step's outputs."""
        return dict(line.split("=", 1) for line in self.outputs.read_text().splitlines())


@pytest.fixture
def step(action: dict[str, Any], tmp_path: Path) -> Step:
    (tmp_path / "shop.py").write_text(LEAKY, "utf-8")
    return Step(action, tmp_path)


def test_every_input_reaches_the_program_as_environment_and_no_script_holds_one(action: dict[str, Any]) -> None:
    scripts = " ".join(one["run"] for one in action["runs"]["steps"])
    given = " ".join(value for one in action["runs"]["steps"] for value in one["env"].values())
    assert "${{" not in scripts
    assert set(re.findall(r"inputs\.([a-z-]+)", given)) == set(action["inputs"])


def test_every_variable_of_the_step_is_read(action: dict[str, Any], repository: Path) -> None:
    code = (repository / "src/stopper/cli/action.py").read_text("utf-8")
    unread = [name for name in action["runs"]["steps"][-1]["env"] if name != "ACTION_PYTHON" and name not in code]
    assert unread == []


@pytest.mark.feature("F33")
def test_findings_fail_the_step_with_annotations_summary_sarif_and_outputs(step: Step) -> None:
    done = step.run(target=".")
    assert done.returncode == 1, done.stderr
    assert re.search(r"^::error file=shop\.py,line=6", done.stdout, re.MULTILINE)
    assert "debug-enabled" in step.summary.read_text()
    assert json.loads((step.project / "stopper.sarif").read_text())["version"] == "2.1.0"
    assert step.output()["findings"] == "2"
    told = done.stdout + done.stderr + step.summary.read_text() + (step.project / "stopper.sarif").read_text()
    assert "canary-5e1d" not in told


def test_a_project_without_findings_passes(step: Step) -> None:
    (step.project / "shop.py").write_text(
        LEAKY.replace("app.run(debug=True)", "app.run()").replace('app.config["SECRET_KEY"]', "_unused")
    )
    assert step.run(target=".").returncode == 0
    assert step.output()["findings"] == "0"


def test_a_score_below_the_threshold_fails(step: Step) -> None:
    (step.project / "shop.py").write_text("def (:\n", "utf-8")
    assert step.run(target=".", threshold="50", fail_on="critical").returncode != 0


def test_only_new_findings_fail(step: Step) -> None:
    before = step.project / "before.json"
    subprocess.run(
        [sys.executable, "-m", "stopper.cli", "check", "--format", "json", "--output", str(before), "shop.py"],
        cwd=step.project, check=False, timeout=60,
    )  # fmt: skip
    assert step.run(target="shop.py", only_new="true", before=str(before)).returncode == 0
    assert step.output()["new"] == "0"
    (step.project / "shop.py").write_text(LEAKY + "\n\ndef start():\n    app.run(debug=True)\n", "utf-8")
    step.outputs.unlink()
    assert step.run(target="shop.py", only_new="true", before=str(before)).returncode == 1
    assert step.output()["new"] == "1"


def test_an_input_that_looks_like_a_command_is_a_path(step: Step) -> None:
    done = step.run(target='"; touch owned; echo "$(touch owned)`touch owned`')
    assert done.returncode == 2
    assert not (step.project / "owned").exists()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"command": "serve"}, "command must be one of"),
        ({"fail_on": "grave"}, "fail-on must be one of"),
        ({"only_new": "true"}, "only-new needs before"),
        ({"only_new": "perhaps"}, "only-new must be true or false"),
        ({"before": "absent.json"}, "no JSON report"),
    ],
)
def test_a_wrong_input_is_one_annotation(step: Step, inputs: dict[str, str], said: str) -> None:
    done = step.run(**inputs)
    assert done.returncode == 2
    assert done.stdout.startswith("::error::")
    assert said in done.stdout
    assert "Traceback" not in done.stderr


class GitHub:
    """The two comment endpoints of GitHub's REST API, with a memory."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = [{"id": 1, "body": "nice work"}]
        self.tokens: list[str | None] = []
        self.status = 0
        github = self

        class Api(BaseHTTPRequestHandler):
            def _reply(self, status: int, found: object) -> None:
                github.tokens.append(self.headers["Authorization"])
                self.send_response(github.status or status)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def _body(self) -> str:
                return str(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"])

            def do_GET(self) -> None:
                self._reply(200, github.comments if "/issues/7/comments" in self.path else [])

            def do_POST(self) -> None:
                github.comments.append({"id": 100 + len(github.comments), "body": self._body()})
                self._reply(201, {})

            def do_PATCH(self) -> None:
                body = self._body()
                for one in github.comments:
                    if self.path.endswith(f"/{one['id']}"):
                        one["body"] = body
                self._reply(200, {})

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Api)


@pytest.fixture
def github() -> Iterator[GitHub]:
    one = GitHub()
    thread = threading.Thread(target=one.server.serve_forever)
    thread.start()
    yield one
    one.server.shutdown()
    thread.join()
    one.server.server_close()


def test_one_comment_is_kept_up_to_date(step: Step, github: GitHub) -> None:
    step.more = {"GITHUB_API_URL": f"http://127.0.0.1:{github.server.server_port}", "GITHUB_REPOSITORY": "us/shop"}
    step.run(comment="true", token="canary-token-91")
    step.run(comment="true", token="canary-token-91")
    mine = [one for one in github.comments if MARKER in one["body"]]
    assert len(mine) == 1
    assert "debug-enabled" in mine[0]["body"]
    assert github.comments[0]["body"] == "nice work"
    assert set(github.tokens) == {"Bearer canary-token-91"}


def test_a_comment_that_cannot_be_written_warns_and_changes_no_gate(step: Step, github: GitHub) -> None:
    github.status = 403
    step.more = {"GITHUB_API_URL": f"http://127.0.0.1:{github.server.server_port}", "GITHUB_REPOSITORY": "us/shop"}
    done = step.run(comment="true", token="canary-token-91")
    assert done.returncode == 1
    assert "::warning::the comment was not written (HTTP 403)" in done.stdout
    assert "canary-token-91" not in done.stdout + done.stderr


def test_no_text_of_a_target_becomes_markdown() -> None:
    finding = {
        "severity": "high", "rule": "x", "confidence": "proven", "path": "a`|b.py", "line": 1, "method": None, "route": None,
    }  # fmt: skip
    report = {
        "grade": "B", "score": 80, "target": "x`<b>`", "coverage": {"percent": 100.0, "total": 1}, "findings": [finding],
        "errors": [{"path": "`", "message": "[me](http://evil) <img> @all"}],
    }  # fmt: skip
    text = summary(report, None)
    assert "`a'\\|b.py:1`" in text
    assert "\\[me\\](http://evil) \\<img\\> \\@all" in text


def test_the_hooks_call_commands_that_exist(repository: Path) -> None:
    hooks = yaml.safe_load((repository / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert {hook["entry"].split()[0] for hook in hooks} == {"stopper"}
    assert {hook["entry"].split()[1] for hook in hooks} <= set(COMMANDS)
