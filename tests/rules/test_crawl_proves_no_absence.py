"""What a crawl did not come by may be there all the same: rules that miss a route speak only where a document or the code lists them."""

import pytest

from stopper.core.app import App, Reader, Route
from stopper.scan.catalogue import find


@pytest.mark.parametrize(("reader", "told"), [("wire", 0), ("spec", 1)])
def test_a_way_out_is_missed_only_where_the_routes_are_listed(reader: Reader, told: int) -> None:
    rule = find("revocation-route-missing")
    assert rule is not None
    assert rule.detect is not None
    routes = (Route("/login", ("GET", "POST"), readers=frozenset({reader})), Route("/notes", ("GET",)))
    assert len(list(rule.detect(App(routes=routes, readers=frozenset({reader}))))) == told


@pytest.mark.parametrize(
    ("login", "out", "reader", "told"),
    [
        ("/api/v1/login", "/logout/", "wire", 1),  # a page's way out ends the session of pages
        ("/api/v1/login", "/api/v1/logout", "wire", 0),
        ("/api/v1/login", "/logout/", "spec", 0),
        ("/login", "/logout/", "wire", 0),
    ],
)
def test_a_page_that_logs_out_ends_no_tokens_of_an_api(login: str, out: str, reader: Reader, told: int) -> None:
    rule = find("revocation-route-missing")
    assert rule is not None
    assert rule.detect is not None
    routes = (
        Route(login, ("POST",), readers=frozenset[Reader]({"spec"})),
        Route(out, (), readers=frozenset({reader})),
    )
    assert len(list(rule.detect(App(routes=routes)))) == told
