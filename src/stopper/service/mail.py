"""What is told by mail only. Until a sender is configured, mail goes to a log (mode dev)."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_log: Final = logging.getLogger("stopper.mail")


@dataclass(frozen=True, slots=True)
class Mail:
    """One message. ``body`` holds no password, token or code."""

    to: str
    subject: str
    body: str


SendMail = Callable[[Mail], None]


def log_mail(mail: Mail) -> None:
    """Write the message to the log ``stopper.mail``."""
    _log.info("mail to=%s subject=%r body=%r", mail.to, mail.subject, mail.body)


def welcome(to: str, issuer: str) -> Mail:
    """For a new account."""
    return Mail(
        to, "Your account is ready", f"An account for {to} was made at {issuer}. You can log in with your password now."
    )


def already_known(to: str, issuer: str) -> Mail:
    """For somebody who registers again, or whose address a stranger typed."""
    return Mail(
        to,
        "You already have an account",
        f"Somebody tried to register {to} at {issuer}, where it has an account already. If it was you, log in instead."
        " If not, there is nothing to do: nobody was told that the account exists.",
    )


def password_changed(to: str, issuer: str) -> Mail:
    """After a change of password."""
    return Mail(
        to, "Your password was changed", f"The password of {to} at {issuer} was changed and every other session ended."
    )
