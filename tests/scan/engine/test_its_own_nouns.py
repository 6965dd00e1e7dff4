"""What an application keeps is asked for by its own nouns: one, many, and what is done with it as it joins its words."""

import pytest
from flask import Flask

from stopper.scan.surface.crawl import crawled
from stopper.scan.surface.its_own_nouns import of_its_own_nouns
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


@pytest.mark.parametrize(
    ("found", "asked"),
    [
        (("/", "/add_to_basket/{id}"), ("/basket/1", "/baskets", "/get_basket/1", "/edit/basket/1")),
        (("/get-companies",), ("/company/1", "/companies", "/get-company/1", "/list-companies")),
        (("/v2/boxes/{id}",), ("/v2/box/1", "/v2/box")),
        (("/status", "/parcel/{id}"), ("/parcels", "/view/parcel/1")),
    ],
)
def test_the_one_and_the_many_of_a_noun(found: tuple[str, ...], asked: tuple[str, ...]) -> None:
    made = of_its_own_nouns(found)
    assert set(asked) <= set(made)
    assert not set(found) & set(made)


@pytest.mark.parametrize("found", [("/login", "/logout", "/health"), ("/api/users", "/register"), ("/{id}",), ()])
def test_where_no_noun_is_said_nothing_is_made(found: tuple[str, ...]) -> None:
    assert of_its_own_nouns(found) == ()


def test_a_basket_is_found_by_what_is_put_into_it() -> None:
    app = Flask("shop")
    app.add_url_rule("/", "start", lambda: '<a href="/add_to_basket/3">Add</a>')
    app.add_url_rule("/add_to_basket/<int:number>", "add", lambda number: "added")
    app.add_url_rule("/basket/<int:number>", "basket", lambda number: f"basket {number}")
    courier = Courier(WsgiTransport(app), mode="active", max_requests=900)
    assert "/basket/{id}" in {route.path for route in crawled(courier, "", "canary").routes}
