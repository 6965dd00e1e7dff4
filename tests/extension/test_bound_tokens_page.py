"""The examples and tables of docs/bound-tokens.md hold."""

import re
import time
from pathlib import Path
from typing import Any

from tests.auth.dpop_smith import Once
from tests.auth.token_smith import claims, hs256
from tests.extension.made import Made

from stopper import bearer
from stopper.auth.dpop import AHEAD, LIFE
from stopper.auth.dpop_nonce import LIFE as NONCE_LIFE
from stopper.auth.dpop_proof import read_proof
from stopper.extension import binding, client_certificate

PAGE = (Path(__file__).parents[2] / "docs" / "bound-tokens.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"<!-- example: ([a-z ]+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))


def test_the_client_of_the_page_is_taken() -> None:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(EXAMPLES["client"], "docs/bound-tokens.md: client", "exec"), names)
    app = Made(single_use=Once())
    app.route("/notes", bearer, "notes")
    app.clock.now = time.time()
    key = read_proof(names["proof"]("GET", "http://localhost/notes"), ["EdDSA"]).key
    now = int(app.clock.now)
    token = hs256(payload=claims(cnf={"jkt": key}, iat=now, exp=now + 60))
    shown = names["proof"]("GET", "http://localhost/notes", token)
    answer = app.get("/notes", ("Authorization", f"DPoP {token}"), ("DPoP", shown))
    assert answer.status_code == 200


def test_the_page_says_the_times_of_the_code() -> None:
    assert f"less than {LIFE:.0f} seconds ago, and at most {AHEAD:.0f} seconds ahead" in PAGE
    assert NONCE_LIFE == 300
    assert "good for five minutes" in PAGE


def test_the_page_names_every_setting() -> None:
    found = [*vars(binding).values(), *vars(client_certificate).values()]
    ours = {value.key for value in found if type(value).__name__ == "Setting"}
    assert len(ours) == 7
    assert ours <= set(re.findall(r"`(STOPPER_[A-Z_]+)` \|", PAGE))
