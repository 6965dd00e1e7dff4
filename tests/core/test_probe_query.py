"""Varying a query changes one parameter and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from stopper.core.exchange import Request
from stopper.core.probing.query import query_names, with_query, without_query

ASKED = Request("GET", "/notes?page=2&tag=a%26b&page=3", (("Accept", "*/*"),), b"", "read", "alice")


def test_a_parameter_is_replaced_and_the_rest_stays() -> None:
    """All old values of the name go, the other names keep theirs, and the request stays the same otherwise."""
    varied = with_query(ASKED, "page", "x y")
    assert varied == Request("GET", "/notes?tag=a%26b&page=x+y", ASKED.headers, b"", "read", "alice")


def test_parameters_are_taken_out() -> None:
    """Without its last parameter a request has no question mark."""
    assert without_query(ASKED, "page", "tag").target == "/notes"
    assert without_query(ASKED, "tag").target == "/notes?page=2&page=3"


@given(st.text(min_size=1), st.text())
def test_what_was_set_can_be_read(name: str, value: str) -> None:
    """Any name and value survive the way into the query."""
    try:
        (name + value).encode()
    except UnicodeEncodeError:
        return
    assert query_names(with_query(Request("GET", "/a"), name, value)) == (name,)
