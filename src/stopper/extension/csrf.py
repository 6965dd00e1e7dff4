"""Whether a request that a browser signed in by itself, by its cookies, comes from a page that may act for the person."""

from collections.abc import Mapping
from typing import Final, Literal

from flask import Request

from stopper.auth.session import LiveSession
from stopper.auth.session_csrf import CsrfTokens
from stopper.core.errors import CsrfError
from stopper.extension import session_cookie
from stopper.extension.session_cookie import Cookies

HEADER: Final = "X-CSRF-Token"
FIELD: Final = "csrf_token"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_FORMS: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_OWN: Final = frozenset({"same-origin", "none"})
Source = Literal["own", "foreign", "unknown"]


class Origins:
    """Whose pages may act: those of this application, and of the origins that may call it with cookies (CORS)."""

    def __init__(self, *, own: frozenset[str], allowed: frozenset[str], secure: bool) -> None:
        """*own*: this application's own origins; without any, what the request's Host says. *secure*: only https is ours."""
        self._own = own
        self._allowed = allowed
        self._secure = secure

    def source(self, environ: Mapping[str, object]) -> Source:
        """What the browser says of the page that sent the request; scripts cannot set these headers. ``unknown``: it says nothing."""
        site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
        if isinstance(origin, str) and origin in self._allowed:
            return "own"
        if site is not None and site not in _OWN:
            return "foreign"
        # Pages with Referrer-Policy no-referrer, which the guard's answers are, send their forms with Origin: null.
        named = isinstance(origin, str) and origin != "null"
        if named and (self._own or site is None):
            return "own" if self._is_own(str(origin), environ) else "foreign"
        return "unknown" if site is None else "own"

    def may_read(self, environ: Mapping[str, object]) -> bool:
        """Whether an answer to a request that changes nothing may go where this one came from.

        From elsewhere a browser may be sent here as a whole (a link), and nothing else: not as an image, script, frame or WebSocket.
        """
        if environ.get("HTTP_ORIGIN") == "null" and "HTTP_SEC_FETCH_SITE" not in environ:
            return False  # a page without an origin of its own, such as a sandboxed frame
        if self.source(environ) != "foreign":
            return True
        followed = environ.get("HTTP_SEC_FETCH_MODE") == "navigate" and environ.get("HTTP_SEC_FETCH_DEST") == "document"
        return followed and "HTTP_UPGRADE" not in environ

    def _is_own(self, origin: str, environ: Mapping[str, object]) -> bool:
        if self._own:
            return origin in self._own
        scheme, _, host = origin.partition("://")
        if scheme not in (("https",) if self._secure else ("https", "http")):
            return False
        usual = ":443" if scheme == "https" else ":80"
        said = environ.get("HTTP_HOST")
        return isinstance(said, str) and host.removesuffix(usual) == said.lower().removesuffix(usual) != ""


class Csrf:
    """Judges requests and makes tokens, for one application."""

    def __init__(self, tokens: CsrfTokens, origins: Origins, cookies: Cookies) -> None:
        self._tokens = tokens
        self._origins = origins
        self._cookies = cookies

    def judge(self, asked: Request, live: LiveSession) -> None:
        """Raises CsrfError unless *asked* may act in the session *live*."""
        environ = asked.environ
        if asked.method in _SAFE:
            if not self._origins.may_read(environ):
                raise CsrfError("csrf-origin")
            return
        if self._origins.source(environ) == "foreign":
            raise CsrfError("csrf-origin")
        token = _shown_token(asked)
        if token is None:
            raise CsrfError("csrf-token-missing")
        if not self._tokens.holds(live.digest, token):
            raise CsrfError("csrf-token-wrong")

    def judge_login(self, asked: Request, live: LiveSession | None) -> None:
        """Raises CsrfError where another site may have sent *asked*, to log its victim in as somebody else.

        The browser's own word is enough; without it a token must come along: the session's, or before the first one the same as in
        the cookie.
        """
        source = self._origins.source(asked.environ)
        if source == "own":
            return
        if source == "foreign":
            raise CsrfError("csrf-login-origin")
        token = _shown_token(asked)
        if token is None:
            raise CsrfError("csrf-login-token-missing")
        cookie = self._cookie(asked)
        if live is not None and self._tokens.holds(live.digest, token):
            return
        if cookie is None or not self._tokens.holds_before_login(cookie, token):
            raise CsrfError("csrf-login-token-wrong")

    def token(self, asked: Request, live: LiveSession | None) -> str:
        """A token for a form in the answer to *asked*; before log-in it is that of the cookie, which is set where it is missing."""
        if live is not None:
            return self._tokens.issue(live.digest)
        kept = self._cookie(asked)
        if kept is None or not self._tokens.holds_before_login(kept, kept):
            kept = self._tokens.issue_before_login()
            session_cookie.set_csrf(asked, self._cookies, kept)
            asked.__dict__[_MADE] = kept
        return kept

    def offer(self, asked: Request, live: LiveSession) -> None:
        """Give the pages' scripts a token by cookie, where they have none that holds."""
        kept = self._cookie(asked)
        if kept is None or not self._tokens.holds(live.digest, kept):
            session_cookie.set_csrf(asked, self._cookies, self._tokens.issue(live.digest))

    def _cookie(self, asked: Request) -> str | None:
        made: str | None = asked.__dict__.get(_MADE)
        return made or session_cookie.only(asked.environ, self._cookies.csrf)


_MADE: Final = "_stopper_csrf_made"
"""In the request: the token before log-in that its answer sets, so that two forms of one page bear the same."""


def _shown_token(asked: Request) -> str | None:
    header = asked.headers.get(HEADER)
    if header is not None:
        return header
    if asked.mimetype not in _FORMS:
        return None
    fields = asked.form.getlist(FIELD)
    return fields[0] if len(fields) == 1 else None
