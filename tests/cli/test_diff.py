"""`stopper diff`: a gate on what is new, which is not fooled by lines that moved or by a run that saw less."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stopper.cli.group import run
from stopper.scan.compare import NoReportError, read

KEY = "canary-7f3a-key-of-the-diff"


def finding(
    rule: str, severity: str = "high", confidence: str = "indicated", line: int = 1, **more: Any
) -> dict[str, Any]:
    places = [{"path": "app.py", "line": line, "end_line": line, "route": None, "method": None}]
    return {
        "rule": rule,
        "severity": severity,
        "confidence": confidence,
        "message": f"{rule} is here",
        "places": places,
        "fingerprint": rule,
        **more,
    }


def report(*findings: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "version": "1", "target": "app.py", "mode": "source", "score": 90, "grade": "A", "coverage": {"percent": 100.0}, "findings": list(findings),
        "skipped": [], "errors": [], **more,
    }  # fmt: skip


@pytest.fixture
def diff(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def asked(old: Any, new: Any, *options: str) -> tuple[int, str, str]:
        for name, said in (("old.json", old), ("new.json", new)):
            (tmp_path / name).write_bytes(said if isinstance(said, bytes) else json.dumps(said).encode())
        code = run(["diff", str(tmp_path / "old.json"), str(tmp_path / "new.json"), *options])
        told = capsys.readouterr()
        return code, told.out, told.err

    return asked


@pytest.mark.feature("F60")
def test_new_gone_changed_and_same_are_told_apart(diff) -> None:
    old = report(finding("stays"), finding("goes"), finding("rises", "low"))
    new = report(finding("stays", line=90), finding("comes"), finding("rises", "high", "proven"))
    code, out, _ = diff(old, new)
    assert code == 1
    rows = [line.split()[:3] for line in out.splitlines() if line.startswith(("NEW", "GONE", "CHANGED"))]
    assert rows == [["NEW", "high", "comes"], ["CHANGED", "high", "rises"], ["GONE", "high", "goes"]]
    assert "severity low → high" in out
    assert "confidence indicated → proven" in out
    assert out.rstrip().endswith("1 new, 1 gone, 1 changed, 0 not tested, 1 the same.")


def test_lines_that_moved_are_no_change(diff) -> None:
    code, out, _ = diff(report(finding("a", line=1)), report(finding("a", line=200)))
    assert (code, "1 the same" in out, "CHANGED" in out) == (0, True, False)


@pytest.mark.parametrize(
    ("old", "new", "options", "code"),
    [
        (report(), report(finding("a", "low")), (), 0),
        (report(), report(finding("a", "low")), ("--fail-on", "low"), 1),
        (report(finding("a")), report(), (), 0),
        (report(finding("a", "low")), report(finding("a", "medium")), (), 1),
        (report(finding("a", "critical")), report(finding("a", "medium")), (), 0),
        (report(finding("a")), report(finding("a", confidence="confirmed")), (), 0),
        (report(finding("a")), report(errors=[{"path": "b.py", "line": 1, "message": "x", "fatal": True}]), (), 3),
        (report(finding("a")), report(errors=[{"path": "b.py", "line": 1, "message": "x", "fatal": False}]), (), 0),
    ],
)  # fmt: skip
def test_the_exit_code_is_about_what_is_new(diff, old: Any, new: Any, options: tuple[str, ...], code: int) -> None:
    assert diff(old, new, *options)[0] == code


def test_what_was_not_tested_this_time_is_not_gone(diff) -> None:
    new = report(skipped=[{"what": "a", "reason": "not chosen"}])
    _, out, _ = diff(report(finding("a")), new)
    assert "NOT TESTED" in out
    assert "GONE" not in out


def test_json_says_the_same_and_other_targets_are_told(diff) -> None:
    old, new = report(finding("goes")), report(finding("comes"), target="other.py", mode="active")
    code, out, _ = diff(old, new, "--format", "json")
    told = json.loads(out)
    assert (code, [one["rule"] for one in told["appeared"]], [one["rule"] for one in told["gone"]]) == (
        1,
        ["comes"],
        ["goes"],
    )
    _, out, _ = diff(old, new)
    assert "the targets differ" in out
    assert "the modes differ" in out


@pytest.mark.parametrize(
    "bad",
    [
        b"", b"\xff\xfe", b"[]", b"5", b"{}", b"[" * 100_000, json.dumps(report(version="9")).encode(), json.dumps(report(findings=5)).encode(),
        json.dumps(report(finding("a", "worst"))).encode(), json.dumps(report({"rule": 5})).encode(), b'{"version":"1","target":"x","findings":[[]]}',
    ],
)  # fmt: skip
def test_what_is_no_report_is_one_line(diff, bad: bytes) -> None:
    for pair in ((bad, report()), (report(), bad)):
        code, out, err = diff(*pair)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "--format json" in err


def test_a_missing_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", str(tmp_path / "a.json"), str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_report_that_somebody_wrote_by_hand_shows_no_secret(diff) -> None:
    new = report(finding("a", message=f"api_key={KEY}"))
    for options in ((), ("--format", "json")):
        _, out, err = diff(report(), new, *options)
        assert KEY not in out + err


@settings(max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["version", "target", "mode", "findings", "errors", "skipped", "coverage", "rule", "places"]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_a_report_or_refused(said: Any) -> None:
    for shape in (
        said,
        {**report(), "findings": said},
        {**report(), "errors": said},
        report({**finding("a"), "places": said}),
    ):
        with contextlib.suppress(NoReportError):
            read(json.dumps(shape).encode())
