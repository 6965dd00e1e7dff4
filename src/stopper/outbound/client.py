"""A client that can call what it was made for and nothing else."""

import ssl
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol, TypedDict, Unpack
from urllib.parse import urljoin

from stopper.core.errors import SettingError, StopperError
from stopper.core.secret import Secret
from stopper.outbound import retry
from stopper.outbound.address import AddressRule, is_public, is_public_or_loopback
from stopper.outbound.body import checked_accept, encoded, is_accepted
from stopper.outbound.credential import Credential, origins
from stopper.outbound.errors import (
    CallRefusedError,
    OutboundError,
    RedirectRefusedError,
    ReplyRefusedError,
    UpstreamTimeoutError,
)
from stopper.outbound.headers import SENT, checked_headers, checked_names
from stopper.outbound.limits import Limits
from stopper.outbound.network import Network, tls_context
from stopper.outbound.reply import Reply, shown_headers
from stopper.outbound.scope import Scope
from stopper.outbound.target import Target, read_url
from stopper.outbound.wire import Call, Raw, Wire

USER_AGENT: Final = "stopper-outbound"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class OnBehalf(Protocol):
    """How a user's authority may be passed on."""

    @property
    def origins(self) -> Collection[str]:
        """The hosts with their ports that it may go to."""
        ...

    def credential_for(self, token: Secret) -> Credential:
        """What stands for the user of *token* there. Raises OutboundError."""
        ...


class CallOptions(TypedDict, total=False):
    """What a call may say besides its method and URL.

    ``headers``: each header by its name. ``json``, ``form``, ``data``: the body, one of them. ``accept``: the media types
    of a good reply (``application/json``). ``on_behalf_of``: the access token of the user for whom the call is made.
    ``anonymous``: send no credential to a host that has one.
    """

    headers: Mapping[str, str] | None
    json: object
    form: Mapping[str, str] | None
    data: bytes | None
    accept: str | Sequence[str]
    on_behalf_of: Secret | None
    anonymous: bool


class Client:
    """Calls the hosts it is bound to, over https, in bounded time, with the credential that is bound to host, path and method.

    *credentials*: what it carries. *hosts*: further hosts that it may call without one. *send_headers*: names of headers
    that a call may carry besides the harmless ones. *on_behalf*: how a user's authority is passed on; without it never.
    *ca_file*: certificate authorities instead of the system's. *allow_loopback_http*: plain http to this machine itself.
    Proxies of the environment are not used: who resolves the name must be who judges the address.

    One client serves all threads. Raises SettingError for a set-up that binds nothing.
    """

    def __init__(
        self,
        *credentials: Credential,
        hosts: Sequence[str] = (),
        send_headers: Collection[str] = (),
        limits: Limits | None = None,
        on_behalf: OnBehalf | None = None,
        ca_file: Path | str | None = None,
        allow_loopback_http: bool = False,
        network: Network | None = None,
    ) -> None:
        self._credentials = credentials
        self._on_behalf = on_behalf
        bound = [origin for credential in credentials for origin in credential.origins]
        self._bound = frozenset((*bound, *(on_behalf.origins if on_behalf else ())))
        open_hosts = origins(hosts) if hosts or not self._bound else frozenset[str]()
        self._scope = Scope(self._bound | open_hosts, allow_loopback_http=allow_loopback_http)
        self._send = SENT | checked_names(send_headers)
        self.limits: Final = limits or Limits()
        self._wire = Wire(network or Network(), _tls(ca_file), self.limits)
        self._sleep: Callable[[float], None] = time.sleep

    @classmethod
    def for_user_urls(
        cls,
        *,
        ports: Collection[int] = (443,),
        send_headers: Collection[str] = (),
        limits: Limits | None = None,
        ca_file: Path | str | None = None,
        network: Network | None = None,
    ) -> "Client":
        """A client for URLs that somebody else chose: any public host over https at one of *ports*, never a credential."""
        if not ports:
            raise SettingError("ports is a list such as [443]")
        made = cls(hosts=("user.invalid",), send_headers=send_headers, limits=limits, ca_file=ca_file, network=network)
        made._scope = Scope(None, rule=is_public, ports=frozenset(ports))
        return made

    @classmethod
    def for_public_host(
        cls,
        host: str,
        *credentials: Credential,
        limits: Limits | None = None,
        ca_file: Path | str | None = None,
        allow_loopback: bool = False,
        network: Network | None = None,
    ) -> "Client":
        """A client for one host that must be at public addresses, with the *credentials* that are bound to it.

        *allow_loopback*: this machine itself will do as well, also over plain http.
        """
        made = cls(*credentials, hosts=(host,), limits=limits, ca_file=ca_file, network=network)
        rule = is_public_or_loopback if allow_loopback else is_public
        made._scope = Scope(origins((host,)), rule=rule, allow_loopback_http=allow_loopback)
        return made

    def close(self) -> None:
        """Close the connections that are kept for the next call."""
        self._wire.close()

    # A traceback that shows the variables of its frames finds neither URL nor body nor headers in these three.

    def get(self, url: str, **options: Unpack[CallOptions]) -> Reply:
        """:meth:`request` with GET."""
        outcome = self._outcome("GET", url, options)
        del url, options
        return _reply_or_raise(outcome)

    def post(self, url: str, **options: Unpack[CallOptions]) -> Reply:
        """:meth:`request` with POST."""
        outcome = self._outcome("POST", url, options)
        del url, options
        return _reply_or_raise(outcome)

    def request(self, method: str, url: str, **options: Unpack[CallOptions]) -> Reply:
        """The reply to one call, whatever its status.

        Raises an OutboundError; see :mod:`stopper.outbound.errors`.
        """
        outcome = self._outcome(method, url, options)
        del method, url, options
        return _reply_or_raise(outcome)

    def _outcome(self, method: str, url: str, options: CallOptions) -> Reply | StopperError:
        host = ""
        shown = method if method in _METHODS else "?"
        try:
            if shown == "?":
                raise CallRefusedError("method", f"the method must be one of {', '.join(sorted(_METHODS))}")
            target = read_url(url)
            host = target.shown_host
            return self._called(method, target, options)
        except OutboundError as wrong:
            return wrong.at(shown, host)
        except StopperError as wrong:  # of a credential's source; its frames are ours
            return wrong.with_traceback(None)
        except Exception as wrong:  # noqa: BLE001 - a mistake in a call or in here must not carry the call along either
            return CallRefusedError("mistake", f"the call could not be made ({type(wrong).__name__})").at(shown, host)

    def _called(self, method: str, target: Target, options: CallOptions) -> Reply:
        accept = checked_accept(options.get("accept", "application/json"))
        body, kind = encoded(options.get("json"), options.get("form"), options.get("data"))
        rule = self._scope.rule_for(target)
        headers = {
            "user-agent": USER_AGENT,
            "accept": ", ".join(accept),
            **({"content-type": kind} if kind else {}),
            **checked_headers(options.get("headers"), self._send),
            "accept-encoding": "gzip",
        }
        credential = self._credential(method, target, options)
        if credential is not None:
            headers[credential.header.lower()] = credential.value()
        ends = time.monotonic() + self.limits.total
        raw = self._tried(Call(method, target, headers, body), rule, ends)
        if credential is None:
            raw = self._followed(Call(method, target, headers, body), raw, rule, ends)
        elif raw.status in _REDIRECTS and "location" in raw.headers:
            raise RedirectRefusedError(
                "redirect", "it answered with a redirect, which is not followed with a credential"
            )
        return _reply(method, target, raw, accept)

    def _credential(self, method: str, target: Target, options: CallOptions) -> Credential | None:
        token, anonymous = options.get("on_behalf_of"), options.get("anonymous", False)
        if token is not None:
            return self._for_user(method, target, token, anonymous=anonymous)
        if anonymous:
            return None
        fitting = [one for one in self._credentials if one.fits(method, target)]
        if len(fitting) > 1:
            raise CallRefusedError(
                "credential", "two credentials of this client are bound to this call; bind them apart"
            )
        if not fitting and target.origin in self._bound:
            raise CallRefusedError(
                "credential",
                f"no credential is bound to {method} and this path; bind one, or call with anonymous=True",
            )
        return fitting[0] if fitting else None

    def _for_user(self, method: str, target: Target, token: Secret, *, anonymous: bool) -> Credential:
        if anonymous or self._on_behalf is None or not isinstance(token, Secret):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise CallRefusedError(
                "on-behalf",
                "a user's authority is passed on as a Secret, by a client with on_behalf=TokenExchange(…) or PassOn(…)",
            )
        if target.origin not in self._on_behalf.origins:
            raise CallRefusedError("on-behalf", "a user's authority is not passed on to that host")
        credential = self._on_behalf.credential_for(token)
        if not credential.fits(method, target):
            raise CallRefusedError("on-behalf", f"a user's authority is not passed on for {method} and this path")
        return credential

    def _tried(self, call: Call, rule: AddressRule, ends: float) -> Raw:
        """The reply to *call*, sent again where that is safe and may help."""
        repeatable = retry.may_repeat(call.method, call.headers)
        outcome = self._exchanged(call, rule, ends, reuse=repeatable)
        for tries in range(self.limits.retries if repeatable else 0):
            pause = self._pause(tries, outcome, ends)
            if pause is None:
                break
            self._sleep(pause)
            outcome = self._exchanged(call, rule, ends, reuse=repeatable)
        if isinstance(outcome, OutboundError):
            raise outcome
        return outcome

    def _exchanged(self, call: Call, rule: AddressRule, ends: float, *, reuse: bool) -> Raw | OutboundError:
        if time.monotonic() >= ends:
            return UpstreamTimeoutError("total", "no whole reply in time")
        try:
            return self._wire.exchange(call, rule, ends, reuse=reuse)
        except OutboundError as wrong:
            return wrong.at("", "")

    def _pause(self, tries: int, outcome: Raw | OutboundError, ends: float) -> float | None:
        """Seconds to wait before the next try; None when there should be none."""
        headers: Mapping[str, str] = {}
        if isinstance(outcome, Raw):
            headers, again = outcome.headers, retry.is_busy(outcome.status)
        else:
            again = retry.is_passing(outcome)
        pause = retry.wait(tries, headers, self.limits.longest_wait, datetime.now(UTC)) if again else None
        return pause if pause is not None and time.monotonic() + pause < ends else None

    def _followed(self, call: Call, raw: Raw, rule: AddressRule, ends: float) -> Raw:
        """The reply at the end of a few redirects within one host, for a call that reads and carries no credential."""
        for _ in range(self.limits.redirects + 1):
            location = raw.headers.get("location")
            if raw.status not in _REDIRECTS or location is None:
                return raw
            if call.method not in ("GET", "HEAD"):
                raise RedirectRefusedError(
                    "redirect", f"it answered {call.method} with a redirect, which is not followed"
                )
            target = _pointed(call.target, location)
            if (target.scheme, target.origin) != (call.target.scheme, call.target.origin):
                raise RedirectRefusedError("redirect", "it pointed to another host, which is not followed")
            call = replace(call, target=target)
            raw = self._tried(call, rule, ends)
        raise RedirectRefusedError("redirect", f"it pointed on more than {self.limits.redirects} times")


def _reply_or_raise(outcome: Reply | StopperError) -> Reply:
    if isinstance(outcome, StopperError):
        raise outcome
    return outcome


def _tls(ca_file: Path | str | None) -> ssl.SSLContext:
    try:
        return tls_context(None if ca_file is None else str(ca_file))
    except OSError as wrong:
        why = wrong.strerror or "holds no certificate"
    raise SettingError(f"ca_file {ca_file}: {why}; it must be a PEM file of certificate authorities")


def _pointed(target: Target, location: str) -> Target:
    whole = f"{target.scheme}://{target.origin}{target.path}{target.query}"
    try:
        there = urljoin(whole, location)
    except ValueError:
        there = ""
    return read_url(there)


def _reply(method: str, target: Target, raw: Raw, accept: Sequence[str]) -> Reply:
    body = raw.body
    if body and not is_accepted(raw.headers.get("content-type", ""), accept):
        if raw.status < 400:
            raise ReplyRefusedError("type", f"the reply is not of type {' or '.join(accept)}")
        body = b""  # an error page is as good as none
    return Reply(raw.status, shown_headers(raw.headers), body, method, target.shown_host)
