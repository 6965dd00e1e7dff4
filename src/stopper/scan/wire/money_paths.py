"""Where money goes from one to another: by the path, or by a sum that the body names."""

import re
from collections.abc import Collection
from typing import Final

from stopper.core.exchange import Request
from stopper.core.naming import as_parameter
from stopper.scan.wire.body_members import members_in

_MONEY: Final = frozenset({
    "account", "accounts", "wallet", "wallets", "card", "cards", "balance", "balances", "fund", "funds", "money", "bank", "payment", "payments", "invoice",
    "invoices", "loan", "loans", "domain", "domains", "coin", "coins", "giftcard", "giftcards", "voucher", "vouchers", "credit", "credits", "saving", "savings",
    "deposit", "deposits", "vault", "vaults", "pocket", "pockets", "portfolio", "portfolios", "share", "shares", "stock", "stocks", "token", "tokens", "nft",
    "nfts", "crypto", "points", "miles", "escrow", "ledger", "cash", "transaction", "transactions", "holding", "holdings", "asset", "assets",
})  # fmt: skip
"""Words of a path in which what is handed over is worth money."""
_PURSES: Final = frozenset({
    "wallet", "wallets", "balance", "balances", "fund", "funds", "money", "bank", "coin", "coins", "giftcard", "giftcards", "saving", "savings", "vault",
    "vaults", "pocket", "pockets", "crypto", "cash", "escrow",
})  # fmt: skip
_SENDS: Final = frozenset({"send", "move", "remit", "sweep", "fund", "topup"})
"""Deeds that are done to much else too."""
_PAYS_IN: Final = frozenset({"deposit", "invest"})
"""Deeds by which the money of an account, or what is told of it, is no longer what it was."""
_MOVES: Final = frozenset({
    "deposits", "investment", "investments", "withdrawal", "withdrawals", "withdraws", "transfers", "remittance", "remittances", "donate", "donation", "donations",
    "bet", "bets", "wager", "wagers", "stake", "credit", "debit", "repay", "repayment", "repayments", "contribute", "contribution", "contributions", "spend", "tip",
    "tips", "gift", "cashin", "cashout", "redeem", "mint", "buy", "sell", "exchange",
})  # fmt: skip
"""The same in other words, which are done to what the scan has made itself."""
_PAIRS: Final = (frozenset({"top", "up"}), frozenset({"cash", "in"}), frozenset({"cash", "out"}))
_ADDS: Final = frozenset({"add", "load", "increase", "decrease", "deduct"})
"""Deeds that are done to money where a sum is said beside it."""
_COUNTS: Final = frozenset(
    {"convert", "calculate", "estimate", "quote", "preview", "validate", "check", "search", "simulate"}
)
"""Words of a path behind which a sum is only reckoned with."""
_SUM: Final = re.compile(r"(.+_)?(amount|sum|cents|currency|iban)")
"""Members that say how much money, as members are spelled."""
_HOW_MUCH: Final = re.compile(r"(.+_)?(amount|sum|cents)")
"""Those of them that are a sum: an account has a currency from the beginning."""
_SECURITY: Final = re.compile(r"symbol|ticker|shares|stock_?(id|symbol)?|coin_?(id)?")
"""Members that say what is bought, where that is worth money."""
_PARTS: Final = re.compile(r"(.+_)?(units?|shares?|quantity|qty|lots?|number)")
"""Members that say how much of a fund or a plan."""
_TO: Final = re.compile(
    r"(to|recipient|receiver|payee|beneficiary|destination|target)(_?(account|user|username|wallet|card|iban|email))?(_?(id|number|no|name))?"
)
"""Members that say to whom money goes."""
_FROM: Final = re.compile(
    r"((credit|debit|bank|payment)_?)?card_?(number|num|no)|cvv2?|cvc2?|(pay|paid)_?(from|with|by)(_?\w+)?|"
    r"(from|source|debit|charge)_?(account|wallet|card|iban)(_?(id|number|no))?"
)
"""Members that say what is paid with."""
_BOUGHT: Final = frozenset({
    "order", "orders", "booking", "bookings", "book", "reservation", "reservations", "reserve", "ticket", "tickets", "subscription", "subscriptions", "subscribe",
    "purchase", "purchases", "checkout", "rental", "rentals", "trip", "trips", "ride", "rides", "appointment", "appointments",
})  # fmt: skip
"""Words of a path of what is paid as it is made, where a body says with what."""
SAID_MOST: Final = 8
"""Members of a body that says so; one of more is a guess at what a route may read."""


def is_about_money(request: Request, words: Collection[str]) -> bool:
    """Whether the *words* of its path or the members of its body say that it is about money."""
    return not _MONEY.isdisjoint(words) or _names(request, _SUM)


def sends_money(request: Request, words: Collection[str], own: bool) -> str:
    """The word by which its path says that money is sent, or paid in or out, or the name of whom its body sends a sum to; an empty text where
    none does. *own* is what the scan has made itself."""
    for deeds, worth in ((_SENDS, _PURSES), (_PAYS_IN, _MONEY)):
        said = deeds.intersection(words)
        if said and (not worth.isdisjoint(set(words) - said) or _names(request, _SUM)):
            return min(said)
    return "" if own or not _COUNTS.isdisjoint(words) else _moves_money(request, set(words))


def _moves_money(request: Request, words: set[str]) -> str:
    said, sum_named = _MOVES & words, _names(request, _HOW_MUCH)
    if sum_named or words & _BOUGHT:
        means = next((name for name, _ in members_in(request, 2) if _FROM.fullmatch(as_parameter(name))), "")
        if means:
            return means
    if said and (sum_named or _MONEY & (words - said) or _names(request, _SECURITY)):
        return min(said)
    if "invest" in words and _names(request, _PARTS):
        return "invest"
    if not sum_named:
        return ""
    pair = next((pair for pair in _PAIRS if pair <= words), None)
    if pair is not None:
        return max(pair)
    if (adds := _ADDS & words) and words & (_PURSES | {"account", "accounts"}):
        return min(adds)
    names = [name for name, _ in members_in(request, 2)]
    return next((name for name in names if len(names) <= SAID_MOST and _TO.fullmatch(as_parameter(name))), "")


def _names(request: Request, members: re.Pattern[str]) -> bool:
    return any(members.fullmatch(as_parameter(name)) for name, _ in members_in(request, 2))
