"""Money stays where it is: what moves it is not sent, unless it is of what the scan has made itself."""

import json
from urllib.parse import urlencode

import pytest

from stopper.core.exchange import Request
from stopper.scan.wire.deeds_by_get import words_of
from stopper.scan.wire.money_paths import sends_money

SUM = {"amount": "10.00"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("accounts/1/deposits", SUM), ("withdrawal", SUM), ("transfers", SUM), ("add-money", SUM), ("add_funds", SUM), ("account/1/add", SUM), ("top-up", SUM),
        ("cash-in", SUM), ("cashout", SUM), ("bet", SUM), ("stake", SUM), ("donations", SUM), ("debit", SUM), ("loans/1/repay", {}), ("voucher/redeem", {}),
        ("stocks/buy", {}), ("buy", {"symbol": "ACME", "qty": 1}), ("sell", {"symbol": "ACME", "shares": 1}), ("exchange", SUM), ("savings/contribute", {}),
        ("p2p", {"to": "ben", **SUM}), ("transactions", {"toAccount": 5, **SUM}), ("settle-up", {"recipient_id": 5, **SUM}),
        ("pot", {"move": {"payee": "ben", "sum": 3}}), ("dinner", {"room": "x", "card_number": 1, **SUM}), ("settle", {"pay_from": "x", **SUM}),
        ("invoices", {"from_account": 1, **SUM}), ("bookings", {"room": "x", "guests": 1, "cvv": "1"}), ("orders", {"cardNumber": "1", "items": 1}),
        ("invest", {"fund": "gold", "units": 1}),
    ],
)  # fmt: skip
def test_nothing_that_moves_money_is_sent(path: str, body: dict[str, object]) -> None:
    for sent in (json.dumps(body).encode(), urlencode(body).encode()):
        request = Request("POST", f"/{path}", body=sent, effect="write")
        assert sends_money(request, words_of(path), own=False) or (b"{" not in sent and path == "pot")
        assert sends_money(request, words_of(path), own=True) == ""


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("transactions", {"type": "food", **SUM}), ("expenses/add", {"title": "tea", **SUM}), ("budget", SUM), ("loans", SUM), ("convert", {"from": "EUR", "to": "USD", **SUM}),
        ("exchange/calculate", SUM), ("messages", {"to": "ben", "text": "hi"}), ("items/1/buy", {}), ("gift", {"title": "x"}), ("accounts/add", {"name": "x", "currency": "EUR"}),
        ("credit", {"title": "x"}), ("wallets/add", {"currency": "EUR"}), ("top", SUM), ("load", {"to": "x", **SUM, **dict.fromkeys("abcdefgh", "1")}), ("rates", {"currency": "EUR"}),
        ("cards", {"card_number": "1", "cvv": "1"}), ("register", {"username": "x", "card_number": "1"}), ("bookings", {"room": "x", "total": 1}), ("orders", {"payment_method": "cash"}),
    ],
)  # fmt: skip
def test_what_is_written_of_money_is_sent(path: str, body: dict[str, object]) -> None:
    """A record of what was spent, or what only reckons, moves none."""
    for sent in (json.dumps(body).encode(), urlencode(body).encode()):
        request = Request("POST", f"/{path}", body=sent, effect="write")
        assert sends_money(request, words_of(path), own=False) == ""
