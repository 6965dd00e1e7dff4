"""A token of Vault, kept alive: given, or got with an AppRole or a Kubernetes service account."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from stopper.auth.clock import Clock
from stopper.core.secret import Secret
from stopper.secrets.backends import VaultAccess
from stopper.secrets.errors import Cause, FetchError
from stopper.secrets.http import Answer

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
_RENEW_AT: Final = 2 / 3
Ask = Callable[[str, str, Mapping[str, object] | None, Secret | None], Answer]
"""``ask(method, path, body, token)``"""


class Login:
    """Gives a token that is valid now. Renews it after two thirds of its life, logs in anew where that fails."""

    def __init__(self, access: VaultAccess, ask: Ask, clock: Clock, service_account: Path = SERVICE_ACCOUNT) -> None:
        self._access = access
        self._ask = ask
        self._clock = clock
        self._service_account = service_account
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._renewable = False
        self._due = 0.0
        self._ends = 0.0

    def token(self) -> Secret:
        """A token. Raises FetchError."""
        with self._lock:
            now = self._clock()
            if self._token is not None and now < self._due:
                return self._token
            if self._token is not None and self._renewable and now < self._ends and self._renew(self._token, now):
                return self._token
            return self._log_in(now)

    def held(self) -> Secret | None:
        """The token that is there, without asking for one."""
        return self._token

    def forget(self, token: Secret) -> None:
        """*token* was refused: the next call logs in anew."""
        with self._lock:
            if self._token == token:
                self._token = None

    def renew_lock(self) -> None:
        """In a forked child."""
        self._lock = threading.Lock()

    def end(self) -> None:
        """Revoke the token, and with it everything that it lent, if this process logged in for it."""
        with self._lock:
            token, self._token = self._token, None
        if token is not None and self._access.auth != "token":
            self._ask("PUT", "/v1/auth/token/revoke-self", {}, token)

    def _log_in(self, now: float) -> Secret:
        if self._access.auth == "token":
            return self._given(now)
        method = self._access.auth
        mount = self._access.mount.strip("/") or method
        answer = self._ask("POST", f"/v1/auth/{mount}/login", self._proof(), None)
        if answer.status != 200:
            raise FetchError(_cause(answer), f"Vault refuses the log-in by {method}{_said(answer)}; look at its role")
        token = _token(answer)
        if token is None:
            raise FetchError("malformed", f"Vault answers the log-in by {method} without a token")
        return self._keep(token, answer.at("auth", "lease_duration"), answer.at("auth", "renewable"), now)

    def _given(self, now: float) -> Secret:
        token = self._access.token()
        if not token:
            raise FetchError(
                "missing", "Vault asks for a token; set STOPPER_VAULT_TOKEN, or STOPPER_VAULT_AUTH=approle"
            )
        answer = self._ask("GET", "/v1/auth/token/lookup-self", None, token)
        if answer.status != 200:
            raise FetchError(
                _cause(answer), f"Vault refuses the token{_said(answer)}; set STOPPER_VAULT_TOKEN to a new one"
            )
        return self._keep(token, answer.at("data", "ttl"), answer.at("data", "renewable"), now)

    def _proof(self) -> Mapping[str, object]:
        if self._access.auth == "kubernetes":
            return {"role": self._access.role, "jwt": self._account()}
        secret_id = self._access.secret_id()
        return {"role_id": self._access.role_id, **({"secret_id": secret_id} if secret_id else {})}

    def _account(self) -> Secret:
        try:
            return Secret(self._service_account.read_bytes().strip())
        except OSError:
            raise FetchError(
                "missing", f"there is no service account token at {self._service_account}; does this run in Kubernetes?"
            ) from None

    def _renew(self, token: Secret, now: float) -> bool:
        answer = self._ask("PUT", "/v1/auth/token/renew-self", {}, token)
        if answer.status >= 500 or answer.status == 429:
            raise FetchError("unreachable", f"Vault cannot renew its token now{_said(answer)}")
        lasts = answer.at("auth", "lease_duration")
        if answer.status != 200 or not isinstance(lasts, int) or now + lasts <= self._due + 1:
            return False  # its longest time is reached: log in anew while it still lives
        self._keep(token, lasts, answer.at("auth", "renewable"), now)
        return True

    def _keep(self, token: Secret, lasts: object, renewable: object, now: float) -> Secret:
        seconds = float(lasts) if isinstance(lasts, int) and lasts > 0 else float("inf")  # 0: a token without an end
        self._token, self._renewable = token, renewable is True
        self._due, self._ends = now + seconds * _RENEW_AT, now + seconds
        return token


def _token(answer: Answer) -> Secret | None:
    found = answer.at("auth", "client_token")
    return Secret(found) if isinstance(found, str) and found else None


def _cause(answer: Answer) -> Cause:
    return "unreachable" if answer.status >= 500 or answer.status in (412, 429, 472, 473) else "denied"


def _said(answer: Answer) -> str:
    return f" (status {answer.status})"
