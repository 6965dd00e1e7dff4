"""``Stopper(app)``: every route of a Flask application is closed until it says who may pass."""

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

from flask import Blueprint, Flask, Request, Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.local import LocalProxy

from stopper.auth.api_key import ApiKeys
from stopper.auth.clock import Clock, system_clock
from stopper.auth.issuer import Issuer
from stopper.auth.key_set import KeySource
from stopper.auth.keyring import Keyring
from stopper.auth.policy import Credential, Policy
from stopper.auth.requirement import Redeem, Situation
from stopper.auth.role_table import table_of
from stopper.core import log_redaction
from stopper.core.errors import SettingError, StopperError, StoreUnavailableError, UndeclaredRouteError
from stopper.core.principal import Principal
from stopper.core.settings import PREFIX, Settings
from stopper.extension import error_pages, framework_errors, logs, proxies, start_checks, upstream_errors
from stopper.extension import settings as setting
from stopper.extension.answers import Answers
from stopper.extension.binding import open_binding
from stopper.extension.csrf import HEADER
from stopper.extension.door import Cover, Doors, cover_of, policies_of
from stopper.extension.fields import judge_filters
from stopper.extension.gate import DECIDED, Gate
from stopper.extension.limits import ALLOW_LIMITS_PER_PROCESS, RATE_LIMIT, Aim, LimitRules, RateLimit, aim_of
from stopper.extension.limits_count import RequestLimits
from stopper.extension.response_headers import ResponseHeaders, checked_origins, security_headers
from stopper.extension.session_wiring import open_sessions, use_in_templates
from stopper.extension.sessions import BrowserSessions
from stopper.extension.table import as_text, rows_of
from stopper.extension.wiring import Given, Parts, ReadsKeys, Revoked, assemble, remembers_proofs, shared_counters
from stopper.secrets import Secrets, load

if TYPE_CHECKING:
    from stopper.core.leak import Leak
    from stopper.core.leak_sensor import LeakSensor
    from stopper.store import Store

_NAME: Final = "stopper"
_request: Final = cast("LocalProxy[Request]", request)
_log: Final = logging.getLogger("stopper")
_NO_SESSIONS: Final = "browser sessions are kept in a database under a key: set STOPPER_DATABASE_URL, and STOPPER_SESSION_SECRET where no master.key lies beside it"

_NO_KEYS: Final = "API keys are kept in a database under a key: set STOPPER_DATABASE_URL, and STOPPER_API_KEY_PEPPER where no master.key lies beside it"


class Stopper:
    """The guard of one or more Flask applications.

    *app*: guarded at once; or call :meth:`init_app` later. *issuers*: whose tokens are taken, besides STOPPER_ISSUERS and this
    system's own (STOPPER_ISSUER). The other parts come from the settings unless they are handed over: *keyring* finds the own
    signing keys, *revocations* says which tokens are void, *api_keys* verifies API keys, *single_use* remembers what was
    used, *store* keeps all of these.

    Raises SettingError for a set-up that would look guarded and not be.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        issuers: Sequence[Issuer] = (),
        keyring: KeySource | None = None,
        revocations: Revoked | None = None,
        api_keys: ReadsKeys | None = None,
        single_use: Redeem | None = None,
        store: "Store | None" = None,
        clock: Clock = system_clock,
    ) -> None:
        self._given = Given(tuple(issuers), keyring, revocations, api_keys, single_use, store)
        self._clock = clock
        self._covers: list[Cover] = []
        self._aims: list[Aim] = []
        self._apps: list[Flask] = []
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Guard *app*. Call it once, after the configuration is loaded; routes may be added before or after."""
        if _NAME in app.extensions:
            raise SettingError(f"{app.name} is guarded already; call Stopper(app) once")
        app.extensions[_NAME] = Guard(app, self._given, self._clock, self._covers, self._aims)
        self._apps.append(app)

    def cover(self, target: str | Blueprint, rule: Policy | Credential) -> None:
        """Stand *rule* before endpoints that carry no policy: a glob on the endpoint's name (``"restx_doc.*"``) or a blueprint."""
        self._covers.append(cover_of(target, rule))
        for app in self._apps:
            guard_of(app).doors.forget()

    def limit(self, target: str | Blueprint, *limits: RateLimit) -> None:
        """Stand *limits* before endpoints that carry none of their own: a glob on the endpoint's name (``"notes.*"``) or a blueprint.

        All of these endpoints are counted together.
        """
        self._aims.append(aim_of(target, limits))
        for app in self._apps:
            guard_of(app).doors.forget()

    @property
    def secrets(self) -> Secrets:
        """What STOPPER_SECRETS declares, by name: ``stopper.secrets["payments"].reveal()``."""
        return guard_of(self._only_app()).secrets

    @property
    def sessions(self) -> BrowserSessions:
        """The sessions of browsers: begin one at log-in, renew, list and end them. Raises SettingError where nothing keeps them."""
        found = guard_of(self._only_app()).sessions
        if found is None:
            raise SettingError(_NO_SESSIONS)
        return found

    @property
    def api_keys(self) -> ApiKeys:
        """The API keys: issue, rotate, list and end them. Raises SettingError where nothing keeps them."""
        found = guard_of(self._only_app()).parts.api_keys
        if not isinstance(found, ApiKeys):
            raise SettingError(_NO_KEYS)
        return found

    def seal(self, app: Flask | None = None) -> None:
        """Judge everything now instead of at the first request.

        Call it at the end of the factory or in wsgi.py. Raises UndeclaredRouteError with the table of routes that nobody
        declared, and SettingError for what is missing or unsafe.
        """
        guard_of(app or self._only_app()).seal()

    @staticmethod
    def watch(app: Flask, report: Callable[["Leak"], None] | None = None) -> "LeakSensor":
        """Tell each secret of *app* that reaches a log, an answer, a cookie, a URL or another host, once (``docs/watch.md``).

        *app* need not be guarded. *report* gets each leak; without it the logger ``stopper.leaks`` warns. No answer changes;
        ``stop()`` on what is returned ends it.
        """
        from stopper.core.leak_sensor import log_leak, watch

        return watch(app, report or log_leak)

    def _only_app(self) -> Flask:
        if len(self._apps) == 1:
            return self._apps[0]
        if current_app:
            return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return]
        raise SettingError("seal() needs to know the application: call seal(app), or use it within an app context")


class Guard:
    """What ``app.extensions["stopper"]`` holds: the guard of one application."""

    def __init__(self, app: Flask, given: Given, clock: Clock, covers: list[Cover], aims: list[Aim]) -> None:
        self._app = app
        settings, secrets = load(app.config, os.environ, clock=clock)
        self.settings: Final[Settings] = settings
        self.secrets: Final[Secrets] = secrets
        self._said = _stopper_config(app)
        self.mode: Final = self.settings.get(setting.MODE)
        self.clock: Final = clock
        self.doors: Final = Doors(app, covers, LimitRules(app, aims, settings.get(RATE_LIMIT)))
        start_checks.judge_debug(app, self.mode)
        proxies.install(app, proxies.proxies_from(settings))
        self.parts: Parts
        self.issuers: tuple[Issuer, ...]
        # What the settings alone show is refused before a store is opened; the opened issuers are judged after.
        start_checks.judge_secrets(app, self.settings, given.issuers)
        self.parts, self.issuers = assemble(app, self.settings, given, clock, secrets)
        start_checks.judge_secrets(app, self.settings, self.issuers)
        self._answers = Answers(self.settings.get(setting.ENVELOPE))
        header = setting.checked_header_name(self.settings.get(setting.API_KEY_HEADER))
        self.binding: Final = open_binding(settings, remembers_proofs(self.parts, given, clock), clock)
        self.sessions: Final = open_sessions(settings, given, self.parts, clock, self.mode)
        counters, follow = shared_counters(self.parts, settings)
        own = {issuer.url for issuer in self.issuers if isinstance(issuer.keys, Keyring)}
        self.limits: Final = RequestLimits(counters, own_issuers=frozenset({*own, settings.get(setting.ISSUER)}))
        self._gate = Gate(
            self.doors, self.parts, self._answers, clock, header, self.binding, self.sessions, self.limits, follow,
            table_of(settings),
        )  # fmt: skip
        self._lock = threading.Lock()
        self._judged = False
        self._open = False
        self._told = False
        self._install(header)

    def _install(self, header: str) -> None:
        app, settings = self._app, self.settings
        credentials = settings.get(setting.CORS_CREDENTIALS)
        origins = checked_origins(settings.get(setting.CORS_ORIGINS), credentials=credentials)
        headers = security_headers(settings.get(setting.CONTENT_SECURITY_POLICY), hsts=self.mode == "prod")
        log_redaction.install()
        logs.install(app, settings)
        # A library that came before us is found now, one that comes later by seal().
        framework_errors.install(app, allow_details=settings.get(setting.ALLOW_ERROR_DETAILS))
        error_pages.install(app, self._answers, allow_details=settings.get(setting.ALLOW_ERROR_DETAILS))
        upstream_errors.install(app, self._answers)
        if self.mode == "prod":
            error_pages.refuse_debugger(app, self._answers)
        # First of all hooks: one that was registered earlier must not answer for a closed route.
        app.before_request_funcs.setdefault(None, []).insert(0, self._before_request)
        app.dispatch_request = self._dispatcher(app.dispatch_request)  # type: ignore[method-assign]
        wrapped = ResponseHeaders(
            app.wsgi_app, headers, origins=origins, credentials=credentials, api_key_header=header, csrf_header=HEADER,
            proofs=self.binding.proofs is not None, page_policy=setting.page_policy(settings),
        )  # fmt: skip
        app.wsgi_app = wrapped  # type: ignore[method-assign]

    def policy_for(self, endpoint: str, method: str) -> str | None:
        """The policy before *endpoint* and *method* as text; None where nobody declared one."""
        policy = self.doors.find(endpoint, method).policy
        return None if policy is None else policy.text

    @property
    def policies(self) -> Mapping[str, Mapping[str, str]]:
        """Every endpoint with its methods and their policy as text, ``closed`` where nobody may pass."""
        return policies_of(self.doors)

    def seal(self) -> None:
        """Raises UndeclaredRouteError or SettingError when this application must not serve."""
        app = self._app
        start_checks.judge_debug(app, self.mode)
        framework_errors.install(app, allow_details=self.settings.get(setting.ALLOW_ERROR_DETAILS))
        if _stopper_config(app) != self._said:
            raise SettingError("a STOPPER_… setting changed after Stopper(app); load the configuration first")
        if app.before_request_funcs.get(None, [])[:1] != [self._before_request]:
            raise SettingError(
                "a hook stands before Stopper's, or Stopper's is gone, so closed routes could answer; add hooks with"
                " app.before_request, never by changing app.before_request_funcs"
            )
        rows = rows_of(self.doors)
        undeclared = [row for row in rows if row.state == "undeclared"]
        if undeclared:
            table = as_text(undeclared)
            raise UndeclaredRouteError(
                f"{len(undeclared)} route(s) of {app.name} say not who may pass; decorate each view with a policy such as"
                f" @public or @bearer, or name its endpoint in stopper.cover():\n{table}",
                table,
            )
        judge_filters(app)
        self._judge_parts()
        if self.parts.prepare is not None:
            self.parts.prepare()

    def _judge_parts(self) -> None:
        needs = {kind: door for _, door in self.doors.every() if door.policy is not None for kind in door.policy.kinds}
        if "bearer" in needs and self.parts.verifier is None and self.parts.opaque is None:
            raise SettingError(
                f"the endpoint {needs['bearer'].endpoint} takes bearer tokens, but no issuer is declared; set STOPPER_ISSUER and"
                " STOPPER_AUDIENCE, or give Stopper(app, issuers=[Issuer(…)])",
                rule="jwt-audience-issuer-unchecked",
            )
        certificates = self.binding.certificates
        if "client_certificate" in needs and (certificates is None or not certificates.stands_alone):
            raise SettingError(
                f"the endpoint {needs['client_certificate'].endpoint} takes client certificates, but nobody says whose; set"
                " STOPPER_CLIENT_CERTIFICATE_HEADER and STOPPER_CLIENT_CERTIFICATE_AUTHORITIES"
            )
        if "api_key" in needs and self.parts.api_keys is None:
            raise SettingError(
                f"the endpoint {needs['api_key'].endpoint} takes API keys, but there is no store of them; set STOPPER_DATABASE_URL"
                " and STOPPER_API_KEY_PEPPER, or give Stopper(app, api_keys=ApiKeys(…))"
            )
        if "browser_session" in needs:
            if self.sessions is None:
                raise SettingError(
                    f"the endpoint {needs['browser_session'].endpoint} takes browser sessions; {_NO_SESSIONS}"
                )
            use_in_templates(self._app, self.sessions)
        policies = [door.policy for _, door in self.doors.every() if door.policy is not None]
        spends = any(part.spends for policy in policies for part in policy.requirements)
        if spends and self.parts.single_use is None:
            raise SettingError("a policy asks for once, but nothing remembers used tokens; set STOPPER_DATABASE_URL")

    def situation(self, principal: Principal, asked: Request) -> Situation:
        """What a requirement may look at in the request *asked*, which *principal* made."""
        return self._gate.situation(principal, asked)

    @property
    def answers(self) -> Answers:
        """Makes responses in the envelope of this application."""
        return self._answers

    def _before_request(self) -> Response | None:
        if self._open:
            return self._gate.decide()
        if not self._judged:
            try:
                self._judge()
            except StoreUnavailableError as refusal:
                return self._answers.refusal(refusal)
        return self._gate.decide() if self._open else self._answers.closed()

    def _dispatcher(self, dispatch: Callable[[], ResponseReturnValue]) -> Callable[[], ResponseReturnValue]:
        """*dispatch*, for nothing but the rule on which the gate has decided in this request."""

        def guarded() -> ResponseReturnValue:
            asked = _request._get_current_object()  # pyright: ignore[reportPrivateUsage]
            if asked.url_rule is None:
                # Flask's own 404, 405 or redirect: a class that answers what no rule matched has routes that nobody declared.
                return Flask.dispatch_request(self._app)
            if asked.environ.get(DECIDED) is asked.url_rule:
                return dispatch()
            if not self._told:  # once: whoever asks for it again must not fill the disk
                self._told = True
                _log.critical("%s: a view was about to run that nobody had judged; it did not", self._app.name)
            return self._answers.closed()

        return guarded

    def _judge_limits(self, *, several: bool) -> None:
        if several and any(door.limits for _, door in self.doors.every()):
            allowed = self.settings.get(ALLOW_LIMITS_PER_PROCESS)
            self.limits.judge_processes(allowed=allowed, strict=self.mode == "prod")

    def _judge(self) -> None:
        with self._lock:
            if self._judged:
                return
            try:
                self.seal()
                asked = _request._get_current_object()  # pyright: ignore[reportPrivateUsage]
                self._judge_limits(several=bool(asked.environ.get("wsgi.multiprocess")))
                self._open = True
            except StoreUnavailableError:
                raise  # it may answer the next request
            except StopperError as wrong:
                _log.critical("%s answers 503 to everything: %s", self._app.name, wrong)
            self._judged = True


def _stopper_config(app: Flask) -> dict[str, object]:
    config = cast("dict[str, object]", app.config)
    return {key: value for key, value in config.items() if key.startswith(PREFIX)}


def guard_of(app: Flask) -> Guard:
    """The guard of *app*. Raises SettingError when there is none."""
    found = app.extensions.get(_NAME)
    if not isinstance(found, Guard):
        raise SettingError(f"{app.name} is not guarded; add Stopper(app) where it is made")
    return found
