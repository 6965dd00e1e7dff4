"""GETs that do something: what their address says is a deed, so a scan that only reads does not ask there."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, unquote

from stopper.core.account_names import REGISTERS
from stopper.core.login_names import PASSWORD, SUBJECT
from stopper.core.naming import as_parameter
from stopper.core.probing.participles import with_deeds

ALWAYS: Final = frozenset({
    "delete", "remove", "destroy", "clear", "purge", "wipe", "erase", "truncate", "drop", "cancel", "revoke", "toggle", "unlike", "upvote", "downvote",
    "unvote", "unfollow", "activate", "deactivate", "enable", "disable", "approve", "reject", "ban", "unban", "unblock", "publish", "unpublish", "promote",
    "demote", "increment", "decrement", "unsubscribe", "regenerate", "rotate", "trigger", "shutdown", "reboot", "restart", "reindex", "resend", "del",
    "trash", "undelete", "unfavorite", "unfavourite", "suspend", "unsuspend", "kill", "flush", "cleanup", "expunge", "unregister", "deregister", "anonymize",
    "anonymise", "quit", "halt", "terminate", "deletion",
    "freeze", "unfreeze", "advance", "shred", "prune", "void", "adminify", "elevate", "escalate", "expel", "evict", "expire", "invalidate", "discard", "dismiss",
})  # fmt: skip
"""Words of a path that are a deed wherever they stand."""
_JOINED: Final = re.compile(
    r"(delete|remove|destroy|erase|purge|wipe|trash|unregister|deactivate|terminate)(?!(?:d|s|r|rs|al|als|able|ment)$)[a-z]{2,}"
    r"|(clear|cancel|close|disable|suspend|ban|reset|drop|empty)(?:all|my|me|user|account|profile|session|cart|basket|order|data|db|database|table)[a-z]*"
)
"""Two words written as one in small letters: ``deleteuser``, ``closeaccount``."""
_OF_ONESELF: Final = frozenset({"account", "accounts", "me", "self", "profile", "user", "membership", "settings"})
_LEAVES: Final = frozenset({"close", "leave", "stop", "empty", "reset", "delete"})
"""Words that are a deed behind whoever asks: ``/account/close``."""
_TO_ONE: Final = frozenset({
    "like", "vote", "follow", "unstar", "complete", "finish", "accept", "decline", "unarchive", "restore", "join", "subscribe", "pause", "resume", "execute",
    "send", "pay", "buy", "purchase", "withdraw", "borrow", "redeem", "assign", "unassign", "confirm", "verify", "unlock", "hide", "unhide", "unpin", "mute",
    "unmute", "kick",
})  # fmt: skip
"""Words that are a deed where the address says to what it is done, and else the name of a page."""
_BEHIND: Final = frozenset({
    "star", "bookmark", "mark", "done", "archive", "block", "leave", "start", "stop", "run", "transfer", "deposit", "refund", "charge", "rent", "claim",
    "move", "read", "seen", "resolve", "reopen", "reset", "refresh", "checkout", "book", "apply", "award", "close", "open", "lock", "flag", "pin", "favorite", "favourite",
})  # fmt: skip
"""The same where they end the path; elsewhere they name a kind of things (``/book/3``)."""
_CLOSED: Final = frozenset({"close", "archive", "lock", "resolve", "reopen", "pin"})
"""Beside those that are a deed anywhere, what a path may say as done to the thing before it: ``/tickets/5/closed``."""
_BEFORE: Final = frozenset(
    {"close", "reopen", "resolve", "done", "leave", "start", "stop", "lock", "reset", "move", "pin", "unarchive"}
)
"""Words that are a deed before the id that ends the path (``/close/5``), and name no kind of things."""
_WRITES: Final = frozenset({
    "update", "edit", "set", "save", "add", "create", "insert", "new", "change", "modify", "rename", "register", "import",
})  # fmt: skip
"""Words that write where the address brings along what is to be written, and else show a form."""
_MAKES_SOMEBODY: Final = frozenset({"make", "become", "grant", "give"})
"""Words that are a deed beside an administrator: ``/make_me_admin``."""
ENTITLES: Final = _MAKES_SOMEBODY | {"adminify", "elevate", "escalate"}
"""Deeds that give whoever asks another role."""
_ID: Final = re.compile(r"(?i)\d+|[0-9a-f]{24}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_WHICH: Final = re.compile(r"(.*_)?(id|ids|uuid|pk|key|slug|no|number|name|user|username|item|token|code)")
"""Names of a query that say which thing is meant."""
_HOW: Final = re.compile(
    r"page|next|lang|locale|tab|sort|order|format|limit|offset|per_page|size|q|search|filter|redirect|return_to|mode|view"
)
"""Names of a query that say how it is shown."""


_WHAT: Final = re.compile(r"(?i)action|do|op|operation|cmd|command|task|method|_method")
"""Names of a query that say what is to be done."""
_TURNS: Final = re.compile(r"on|off|enable|disable|turn|switch|maintenance|lockdown|read_?only")
"""Names of a query that turn something on or off."""
_ASKED: Final = re.compile(r"(?i)(?!true$|false$|yes$|no$|on$|off$|[01]$|.*stp[0-9a-f]{8})[\w.:+-]+")
"""What one of them asks for, as a day or a place (``on=2026-01-01``); any other text, as of a probe, is taken for a yes."""
_GIVES: Final = frozenset({"add", "update", "insert", "save"})
"""Names of a query that bring along what is written."""
_DONE: Final = _TO_ONE | _BEHIND | _WRITES
KEPT: Final = 1024
"""Texts whose words are kept: each request of a scan is judged several times over."""


def words_of(text: str) -> set[str]:
    """The words of a part of a path in small letters: ``deleteNote`` and ``delete-note`` are two."""
    return set(_words(text))


@lru_cache(maxsize=KEPT)
def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in re.split(r"[^a-z]+", as_parameter(text)) if word)


def joined_deed(word: str) -> str:
    """The deed that a word begins with which is two: ``delete`` of ``deleteuser``; an empty text for any other."""
    found = _JOINED.fullmatch(word)
    return (found.group(1) or found.group(2)) if found is not None else ""


@lru_cache(maxsize=KEPT)
def deed_in(target: str) -> str:
    """The word by which the address of a GET says that it changes something, or an empty text."""
    path, _, query = target.partition("?")
    segments = [one for one in unquote(path).split("/") if one]
    said = [words_of(one) for one in segments]
    every = set[str]().union(*said)
    if always := ALWAYS & every or {joined.group() for word in every if (joined := _JOINED.fullmatch(word))}:
        return min(always)
    if "admin" in every and (made := every & _MAKES_SOMEBODY):
        return min(made)
    if len(said) > 1 and (left := with_deeds(said[-1]) & _LEAVES) and said[-2] & _OF_ONESELF:
        return min(left)
    pairs = parse_qsl(query, keep_blank_values=True)
    for name, value in pairs:
        told = words_of(value) & (ALWAYS | _DONE) if _WHAT.fullmatch(name) else {as_parameter(name)} & (ALWAYS | _GIVES)
        if told:
            return min(told)
        if _TURNS.fullmatch(as_parameter(name)) and not _ASKED.fullmatch(value):
            return as_parameter(name)
    named = [as_parameter(name) for name, _ in pairs]
    if (registers := REGISTERS.search(path)) and any(PASSWORD.search(one) or SUBJECT.search(one) for one in named):
        return registers.group(2).lower()
    last = said[-1] if said else set[str]()
    if any(_ID.fullmatch(one) for one in segments) or any(_WHICH.fullmatch(name) for name in named):
        above, ends = (said[-2] if len(said) > 1 else set[str]()), segments and _ID.fullmatch(segments[-1])
        near = last | above
        behind = len(said) > 1 and _ID.fullmatch(segments[-2])
        done = with_deeds(last) & (ALWAYS | _CLOSED) if behind else set[str]()
        if found := (near & _TO_ONE) | (last & _BEHIND) | (above & _BEFORE if ends else set[str]()) | done:
            return min(found)
    brings = any(not _WHICH.fullmatch(name) and not _HOW.fullmatch(name) for name in named)
    return min(last & _WRITES, default="") if brings else ""


def says_a_deed(path: str) -> bool:
    """Whether a path ends with what is done to the thing before, be it said as done: ``PUT /orders/{id}/cancelled``."""
    before, _, last = path.rstrip("/").rpartition("/")
    return before.endswith("}") and any(deed_in(f"/1/{word}") for word in with_deeds(words_of(last)))
