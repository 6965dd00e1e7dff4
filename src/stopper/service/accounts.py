"""What the account endpoints do, without Flask: register, log in, refresh, log out, change the password."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from stopper.auth import password as passwords
from stopper.auth.access_token import AccessTokens
from stopper.auth.account import Account, canonical_email
from stopper.auth.api_key import ApiKeys
from stopper.auth.clock import Clock
from stopper.auth.confirmation import bound_to
from stopper.auth.event import Event, EventSink, log_event
from stopper.auth.issuer import Issuer
from stopper.auth.keyring import Keyring
from stopper.auth.password import Passwords
from stopper.auth.refresh_token import RefreshTokens
from stopper.auth.revocation import Revocations
from stopper.auth.verifier import Verifier
from stopper.core.errors import InvalidCredentialError, RefusalError, StoreUnavailableError
from stopper.core.principal import Principal
from stopper.core.secret import Secret
from stopper.service.body import BodyError
from stopper.service.endpoint import FIRST_PARTY
from stopper.service.mail import Mail, SendMail, already_known, log_mail, password_changed, welcome
from stopper.service.throttle import Throttle
from stopper.store import Store

Prove = Callable[[], str | None]
"""Gives the thumbprint of the DPoP key that the client has proven; None for one that shows no proof."""


def _unproven() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Accounts:
    """Everything that the account endpoints need, over one store. Made by :func:`stopper.service.parts.open_accounts`.

    ``verifier`` reads access tokens of this issuer for this audience. ``issuer`` goes to the guard (``Issuer`` with our keyring in it), ``revocations`` too.
    """

    store: Store
    clock: Clock
    issuer: Issuer
    keyring: Keyring
    access: AccessTokens
    refresh: RefreshTokens
    revocations: Revocations
    passwords: Passwords
    throttle: Throttle
    verifier: Verifier
    api_keys: ApiKeys
    new_scopes: tuple[str, ...] = ()
    new_roles: tuple[str, ...] = ()
    open_registration: bool = False
    send: SendMail = field(default=log_mail, repr=False)
    sink: EventSink = field(default=log_event, repr=False)

    def register(self, email: str, password: Secret, address: str | None) -> None:
        """Make an account, or tell its owner by mail that it exists. Both cost one hash and look the same from outside.

        Raises BodyError for an address or a password that nobody could have, ThrottledError.
        """
        self.throttle.registration(address)
        to = canonical_email(email)
        if to is None:
            raise BodyError("must be a mail address such as you@example.com", field="email")
        self._judge_new(password, to, "password")
        hashed = self.passwords.hash(password.reveal())
        now = self.clock()
        account = Account(secrets.token_urlsafe(16), to, hashed, now, self.new_roles, self.new_scopes)
        made = self.store.accounts.add(account)
        self.sink(Event("registered" if made else "registered-again", now, account.id if made else None))
        self._mail(welcome(to, self.issuer.url) if made else already_known(to, self.issuer.url))

    def login(
        self, email: str, password: Secret, device: str | None, address: str | None, prove: Prove = _unproven
    ) -> bytes:
        """The token answer, its tokens bound to the key that *prove* gives, asked once the throttle let pass. Raises InvalidCredentialError, the same for every reason, after exactly one hash."""
        _judge_shown(password, "password")
        typed = canonical_email(email) or email.lower()
        self.throttle.login(typed, address)
        key = prove()
        account = self.store.accounts.by_email(typed)
        attempt = self.passwords.compare(password.reveal(), account.password_hash if account else None)
        now = self.clock()
        if account is None or not attempt.right or not account.active:
            self.sink(Event("login-refused", now, account.id if account else None))
            raise InvalidCredentialError("login")
        if attempt.new_hash and self.store.accounts.rehash(account.id, account.password_hash, attempt.new_hash):
            account = self.store.accounts.by_id(account.id) or account
        answer = self.refresh.open(account, client_id=FIRST_PARTY, device=device, key=key)
        self.throttle.passed(typed, address)
        self.sink(Event("login", now, account.id))
        return answer

    def renew(self, token: Secret, device: str | None, address: str | None, prove: Prove = _unproven) -> bytes:
        """The next token answer, or the same one again. *prove* as at the log-in. Raises InvalidCredentialError."""
        self.throttle.address(address)
        return self.refresh.refresh(token.reveal(), client_id=FIRST_PARTY, device=device, key=prove())

    def logout(self, principal: Principal) -> None:
        """End the session that this access token belongs to, and the token. Returns after commit."""
        sid = principal.claims.get("sid")
        if isinstance(sid, str):
            self.refresh.end(sid)
            self.revocations.refresh()
        elif principal.credential_id:
            self.revocations.revoke_token(principal.credential_id)
        self.sink(Event("logout", self.clock(), principal.subject))

    def revoke(self, token: Secret, address: str | None) -> None:
        """End what *token* is: a refresh token's whole session, or one access token. Nothing happens for a token of nobody.

        Returns after commit. Raises ThrottledError and StoreUnavailableError (RFC 7009 §2.2.1: 503, never 200).
        """
        self.throttle.address(address)
        shown = token.reveal()
        now = self.clock()
        if self.refresh.end_by_token(shown, "revoked") is not None:
            self.revocations.refresh()
            self.sink(Event("revoked", now, details={"kind": "refresh"}))
            return
        try:
            principal = self.verifier.verify(shown)
        except StoreUnavailableError:
            raise
        except RefusalError:
            return
        if principal.credential_id:
            self.revocations.revoke_token(principal.credential_id)
            self.sink(Event("revoked", now, principal.subject, {"kind": "access"}))

    def sessions(self, principal: Principal) -> list[dict[str, object]]:
        """Where the person is logged in, oldest first."""
        current = principal.claims.get("sid")
        return [
            {
                "id": family.id,
                "device": family.device,
                "created_at": int(family.created_at),
                "last_used_at": None if family.last_used_at is None else int(family.last_used_at),
                "ends_at": int(family.ends_at),
                "current": family.id == current,
            }
            for family in self.refresh.families(self._account(principal).id)
        ]

    def end_session(self, principal: Principal, session: str) -> bool:
        """End one of the person's own sessions; False alike for one of somebody else and for none."""
        own = session in {family.id for family in self.refresh.families(principal.subject)}
        if own:
            self._end(principal, session)
        return own

    def end_other_sessions(self, principal: Principal) -> None:
        """End every session of the person but the one that asks."""
        current = principal.claims.get("sid")
        for family in self.refresh.families(principal.subject):
            if family.id != current:
                self._end(principal, family.id)

    def _end(self, principal: Principal, session: str) -> None:
        self.refresh.end(session, "ended-by-owner")
        self.revocations.refresh()
        self.sink(Event("session-ended", self.clock(), principal.subject, {"family": session}))

    def change_password(
        self, principal: Principal, current: Secret, new: Secret, address: str | None, device: str | None = None
    ) -> bytes:
        """Set another password: every session of the person ends, and this one goes on with the tokens in the answer."""
        _judge_shown(current, "current_password")
        account = self._account(principal)
        self.throttle.login(account.email, address)
        self._judge_new(new, account.email, "new_password")
        if not self.passwords.compare(current.reveal(), account.password_hash).right:
            raise BodyError("is not the password of this account", field="current_password")
        hashed = self.passwords.hash(new.reveal())
        if not self.store.accounts.change_password(account.id, account.password_hash, hashed, self.clock()):
            raise InvalidCredentialError("password-changed-meanwhile")
        self.revocations.refresh()
        self.throttle.passed(account.email, address)
        self.sink(Event("password-changed", self.clock(), account.id))
        self._mail(password_changed(account.email, self.issuer.url))
        key = bound_to(principal.claims).key
        return self.refresh.open(self._account(principal), client_id=FIRST_PARTY, device=device, key=key)

    def me(self, principal: Principal) -> dict[str, object]:
        """Who acts, as the tokens and the store say."""
        account = self._account(principal)
        return {
            "subject": account.id,
            "email": account.email,
            "kind": principal.kind,
            "scopes": sorted(principal.scopes),
            "roles": sorted(principal.roles),
            "auth_time": principal.auth_time,
            "amr": list(principal.amr),
        }

    def _account(self, principal: Principal) -> Account:
        account = self.store.accounts.by_id(principal.subject)
        if account is None or not account.active:
            raise InvalidCredentialError("account-gone")
        return account

    def _judge_new(self, password: Secret, email: str, name: str) -> None:
        wrong = passwords.refusal(password.reveal(), context=passwords.context_words(email, self.issuer.url))
        if wrong:
            raise BodyError(wrong, field=name)

    def _mail(self, mail: Mail) -> None:
        """A sender that fails changes no answer; it is an event."""
        try:
            self.send(mail)
        except OSError as wrong:
            self.sink(Event("mail-failed", self.clock(), details={"reason": type(wrong).__name__}))


def _judge_shown(password: Secret, name: str) -> None:
    wrong = passwords.unusable(password.reveal())
    if wrong:
        raise BodyError(wrong, field=name)
