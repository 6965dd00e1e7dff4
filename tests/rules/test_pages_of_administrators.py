"""Pages below ``admin`` in an application that asks nobody who is calling."""

import pytest
from flask import Flask, jsonify

from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULES = {rule.slug: rule for rule in load()}
PEOPLE = [
    {"id": number, "username": name, "email": f"{name}@corp.test", "role": "user"}
    for number, name in enumerate(("ann", "bob", "eve"))
]
TABLE = "".join(f"<tr><td>{one['username']}</td><td>{one['email']}</td></tr>" for one in PEOPLE)


@pytest.mark.parametrize(
    ("path", "page", "told"),
    [
        ("/admin", f"<table>{TABLE}</table>", True),
        ("/admin", f'<table>{TABLE}</table><form method="post"><input type="password" name="password"></form>', False),
        ("/admin", "<p>Write to ann@corp.test</p>", False),
        ("/about", f"<table>{TABLE}</table>", False),
        ("/badminton", f"<table>{TABLE}</table>", False),
    ],
)
def test_a_list_of_people_for_administrators_that_anybody_is_shown(path: str, page: str, told: bool) -> None:
    app = Flask("corp")
    app.add_url_rule(path, "page", lambda: page)
    assert (try_rule(RULES["route-without-authentication"], app).outcome == "fail") is told


def test_the_same_as_json() -> None:
    app = Flask("corp")
    app.add_url_rule("/api/admin/users", "users", lambda: jsonify(PEOPLE))
    assert try_rule(RULES["route-without-authentication"], app).outcome == "fail"


def test_a_page_for_every_path_is_no_page_of_administrators() -> None:
    app = Flask("corp")
    app.add_url_rule("/admin", "page", lambda: f"<table>{TABLE}</table>")
    app.register_error_handler(404, lambda _: f"<table>{TABLE}</table>")
    assert try_rule(RULES["route-without-authentication"], app).outcome != "fail"
