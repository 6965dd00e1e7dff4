"""``Stopper.sessions``: begin, renew, list and end the sessions of browsers from within views; and what the gate asks."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

from flask import Request, request
from werkzeug.local import LocalProxy

from stopper.auth.session import Change, LiveSession, NewSession, Session, Sessions
from stopper.core.errors import (
    AuthenticationRequiredError,
    CsrfError,
    InvalidRequestError,
    RefusalError,
    StoreUnavailableError,
)
from stopper.core.principal import Principal
from stopper.extension import current, session_cookie
from stopper.extension.csrf import Csrf
from stopper.extension.response_headers import GUARDED
from stopper.extension.session_cookie import Cookies

_LIVE: Final = "_stopper_session"
_HELD: Final = "_stopper_session_shown"

_request: Final = cast("LocalProxy[Request]", request)


class BrowserSessions:
    """The sessions of one application's browsers. Everything but :meth:`list` and the ends by name needs a request."""

    def __init__(self, sessions: Sessions, csrf: Csrf, cookies: Cookies) -> None:
        self._sessions = sessions
        self._csrf = csrf
        self._cookies = cookies

    def begin(
        self,
        subject: str,
        *,
        amr: Sequence[str] = ("pwd",),
        scopes: Sequence[str] = (),
        roles: Sequence[str] = (),
        auth_time: int | None = None,
        tenant: str | None = None,
        device: str | None = None,
        claims: Mapping[str, object] | None = None,
        since: int | None = None,
        allow_cross_site: bool = False,
    ) -> Principal:
        """Log *subject* in: a new session under a new id; one that this browser had ends. The answer sets the cookies.

        Call it when the person has proved who they are: *amr* says how (RFC 8176), *auth_time* when (now by default). *claims* are
        plain values for policies and views. *device*: a name for the list of sessions. *since*: what :meth:`moment` said before the password was
        looked at; a password that was changed meanwhile then logs nobody in. *allow_cross_site*: the view itself has made sure that this
        browser began this log-in, as by the ``state`` of OAuth.

        Raises CsrfError where another site may have sent the request, InvalidCredentialError where *subject* was revoked since,
        StoreUnavailableError, and ValueError for what no session can hold.
        """
        asked = _asked()
        before = self._before(asked)
        if not allow_cross_site:
            self._csrf.judge_login(asked, before)
        made = self._sessions.begin(
            subject, amr=amr, scopes=scopes, roles=roles, auth_time=auth_time, tenant=tenant, device=device, claims=claims, since=since,
            instead_of=before,
        )  # fmt: skip
        return self._take(asked, made)

    def renew(
        self,
        *,
        amr: Sequence[str] | None = None,
        scopes: Sequence[str] | None = None,
        roles: Sequence[str] | None = None,
        auth_time: int | None = None,
        claims: Mapping[str, object] | None = None,
    ) -> Principal:
        """Give this request's session a new id, and with it other rights: after a second factor, after a change of role.

        The old id is void at once. What is None stays. Raises AuthenticationRequiredError where the request has no session,
        InvalidCredentialError where another request renewed or ended it first.
        """
        asked = _asked()
        change = Change(
            amr=None if amr is None else tuple(amr),
            scopes=None if scopes is None else tuple(scopes),
            roles=None if roles is None else tuple(roles),
            auth_time=auth_time,
            claims=claims,
        )
        return self._take(asked, self._sessions.renew(self._own(asked), change))

    def end(self) -> None:
        """Log out: end this request's session, if it has one, and take its cookies away. Returns after commit.

        Where two cookies are shown, one of them was planted: each session that the request may act for ends. Raises CsrfError where the
        policy did not ask for the session and another site may have sent the request.
        """
        asked = _asked()
        refused: CsrfError | None = None
        ended = False
        for live in self._living(asked):
            try:
                if asked.__dict__.get(_LIVE) is not live:
                    self._csrf.judge(asked, live)
            except CsrfError as raised:
                refused = raised
                continue
            self._sessions.end(live.session.subject, live.session.id)
            ended = True
        if refused is not None and not ended:
            raise refused
        asked.__dict__.pop(_LIVE, None)
        asked.environ[GUARDED] = True
        session_cookie.clear(asked, self._cookies)

    def list(self, subject: str) -> list[Session]:
        """The living sessions of *subject*, the newest first; :attr:`Principal.credential_id` says which is this one."""
        return self._sessions.list(subject)

    def end_one(self, subject: str, session_id: str) -> bool:
        """End one session of *subject*; False alike for one of somebody else and for none."""
        return self._sessions.end(subject, session_id)

    def end_others(self) -> int:
        """End every session of this request's person but the one that asks; returns how many. After a change of password."""
        session = self._own(_asked()).session
        return self._sessions.end_all(session.subject, but=session.id)

    def end_all(self, subject: str) -> int:
        """End every session of *subject*; returns how many. Returns after commit."""
        return self._sessions.end_all(subject)

    def moment(self) -> int:
        """A mark to take before a password is looked at, for ``begin(since=…)``. One look-up."""
        return self._sessions.moment()

    def csrf_token(self) -> str:
        """The token for a form, for its field ``csrf_token``; templates have it as ``csrf_token()``."""
        asked = _asked()
        asked.environ[GUARDED] = True  # a page with a token is for one browser: no cache may keep it
        return self._csrf.token(asked, self._before(asked))

    def hold_back(self, asked: Request) -> None:
        """Have the redactor know, as long as *asked* lives, which session and token it shows, whatever the policy."""
        asked.__dict__[_HELD] = session_cookie.held_back(asked.environ, self._cookies)

    def shown(self, environ: Mapping[str, object]) -> bool:
        """Whether the request shows a session. Raises InvalidRequestError where it shows two."""
        return session_cookie.shown(environ, self._cookies.session) is not None

    def authenticate(self, asked: Request) -> Principal:
        """Who acts by the cookie that *asked* shows. Raises InvalidCredentialError, CsrfError and StoreUnavailableError."""
        live = self._sessions.find(session_cookie.shown(asked.environ, self._cookies.session) or "")
        self._csrf.judge(asked, live)
        asked.__dict__[_LIVE] = live
        self._csrf.offer(asked, live)
        return live.principal

    def _take(self, asked: Request, made: NewSession) -> Principal:
        asked.environ[GUARDED] = True
        asked.__dict__[_LIVE] = made.live
        session_cookie.set_session(asked, self._cookies, made.secret.reveal())
        self._csrf.offer(asked, made.live)
        principal = made.live.principal
        current.remember(asked, principal)
        return principal

    def _own(self, asked: Request) -> LiveSession:
        live = asked.__dict__.get(_LIVE)
        if not isinstance(live, LiveSession):
            raise AuthenticationRequiredError("no-session")
        return live

    def _living(self, asked: Request) -> Sequence[LiveSession]:
        """The living sessions that the request shows, also where it shows more than one."""
        live = asked.__dict__.get(_LIVE)
        if isinstance(live, LiveSession):
            return (live,)
        found: list[LiveSession] = []
        for value in session_cookie.every(asked.environ, self._cookies.session):
            try:
                found.append(self._sessions.find(value))
            except StoreUnavailableError:
                raise
            except RefusalError:
                continue
        return found

    def _before(self, asked: Request) -> LiveSession | None:
        """The session that this browser has, also where the policy did not ask for it."""
        live = asked.__dict__.get(_LIVE)
        if isinstance(live, LiveSession):
            return live
        try:
            value = session_cookie.shown(asked.environ, self._cookies.session)
            return None if value is None else self._sessions.find(value)
        except StoreUnavailableError:
            raise
        except (InvalidRequestError, RefusalError):
            return None


def _asked() -> Request:
    return _request._get_current_object()  # pyright: ignore[reportPrivateUsage]
