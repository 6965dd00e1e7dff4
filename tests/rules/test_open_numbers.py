"""Pages that anybody opens by a number: private things of one person after the other, and what is for everybody."""

import pytest
from flask import Flask, abort, redirect, request
from tests.rules.from_outside import verdict

PEOPLE = {1: ("ada", "ada@acme-mail.org", 1204), 2: ("bo", "bo@acme-mail.org", 88)}


@pytest.mark.parametrize(
    ("link", "text", "told"),
    [
        ("/account?user_id=1", "Account of {name}: balance={sum}", True),
        ("/profile?id=1", "<h1>{name}</h1><p>{mail}</p>", True),
        ("/users/1", "<h1>{name}</h1><p>{mail}</p>", True),
        ("/statement?id=1", "<p>Salary of {name}: {sum}</p>", True),
        ("/users/1", "<h1>{name}</h1><p>joined in spring</p>", False),
        ("/product?id=1", "<h1>{name}</h1><p>costs $ {sum}</p>", False),
        ("/tickets?id=1", "<h1>{name}</h1><p>$ {sum}</p>", False),
        ("/account?user_id=1", "", False),
    ],
)
def test_what_stands_under_each_number(link: str, text: str, told: bool) -> None:
    """An empty text stands for a page that sends everybody to the log-in."""
    app = Flask("numbers")

    def shown(number: int = 0) -> object:
        wanted = number or int(next(iter(request.args.values()), 0))
        if not text:
            return redirect("/login")
        name, mail, whole = PEOPLE.get(wanted) or abort(404)
        return text.format(name=name, mail=mail, sum=whole)

    path = link.partition("?")[0]
    app.add_url_rule("/", "start", lambda: f'<a href="{link}">Mine</a>')
    app.add_url_rule("/login", "login", lambda: "<p>Log in</p>")
    app.add_url_rule(path.replace("/1", "/<int:number>"), "shown", shown)
    found = verdict("route-without-authentication", app)
    assert (found.outcome == "fail") is told, found.message
