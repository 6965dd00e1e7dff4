"""The example of docs/policies.md holds."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.auth.token_smith import NOW
from tests.extension.made import bearer_header, issuer

import stopper
from stopper import Stopper

PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text("utf-8")
EXAMPLE = re.findall(r"<!-- example: policies in depth -->\n```python\n(.*?)```", PAGE, re.DOTALL)[0]


def test_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopper, "Stopper", lambda app: Stopper(app, issuers=[issuer()], clock=lambda: NOW))
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(EXAMPLE, "docs/policies.md", "exec"), names)
    client = names["app"].test_client()

    def ask(path: str, method: str = "GET", **who: Any) -> int:
        return int(client.open(path, method=method, headers=[bearer_header(**who)]).status_code)

    assert ask("/notes/2", sub="root", roles=["admin"]) == 200
    assert ask("/notes/1", sub="alice", roles=["reader"]) == 200
    assert ask("/notes/2", sub="alice", roles=["reader"]) == ask("/notes/9", sub="alice", roles=["reader"]) == 403
    assert ask("/notes/1", sub="alice") == 403
    assert ask("/notes/1", "PUT", sub="alice") == 200
    assert ask("/notes/2", "PUT", sub="bob") == 403
    assert client.get("/feed").json == {"for": "everybody"}
    assert ask("/feed", exp=1, iat=0) == 401


def test_the_members_of_bodies() -> None:
    example = re.findall(r"<!-- example: fields -->\n```python\n(.*?)```", PAGE, re.DOTALL)[0]
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "docs/policies.md", "exec"), names)
    Stopper(names["app"], issuers=[issuer()], clock=lambda: NOW)
    client = names["app"].test_client()

    def ask(body: dict[str, Any], **who: Any) -> Any:
        return client.patch("/notes/1", json=body, headers=[bearer_header(scope="notes:write", **who)])

    assert ask({"title": "new"}).json == {"id": 1, "title": "new", "text": "", "owner": {"name": "ann"}}
    assert ask({"pinned": True}).json["errors"][0]["field"] == "pinned"
    assert ask({"pinned": True}, roles=["editor"]).json["owner"] == {"name": "ann", "email": "ann@example.com"}
