"""Where money goes from one to another: by the path, or by a sum that the body names."""

import json
import re
from collections.abc import Collection
from typing import Final, cast

from stopper.core.exchange import Request
from stopper.core.naming import as_parameter

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
_SUM: Final = re.compile(r"(.+_)?(amount|sum|cents|currency|iban)")
"""Members that say how much money, as members are spelled."""


def is_about_money(request: Request, words: Collection[str]) -> bool:
    """Whether the *words* of its path or the members of its body say that it is about money."""
    return not _MONEY.isdisjoint(words) or _names_a_sum(request)


def sends_money(request: Request, words: Collection[str]) -> str:
    """The word by which its path says that money is sent, or paid in, or an empty text."""
    for deeds, worth in ((_SENDS, _PURSES), (_PAYS_IN, _MONEY)):
        said = deeds.intersection(words)
        if said and (not worth.isdisjoint(set(words) - said) or _names_a_sum(request)):
            return min(said)
    return ""


def _names_a_sum(request: Request) -> bool:
    try:
        body: object = json.loads(request.body)
    except (ValueError, RecursionError):
        return False
    names = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    return any(_SUM.fullmatch(as_parameter(name)) for name in names)
