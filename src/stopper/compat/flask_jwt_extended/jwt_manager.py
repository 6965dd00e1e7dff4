"""``JWTManager``: the loaders of one or more applications, and what they mean for making and verifying tokens."""

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar, cast

from flask import Flask, current_app
from flask.typing import ResponseReturnValue

from stopper.auth.verification_key import VerificationKey
from stopper.compat.flask_jwt_extended import answers, doors, keys, remembered, tokens
from stopper.compat.flask_jwt_extended import exceptions as wrong
from stopper.compat.flask_jwt_extended.config import config
from stopper.compat.flask_jwt_extended.defaults import DEFAULTS
from stopper.compat.flask_jwt_extended.exceptions import JWTSettingError, Members
from stopper.core.secret import Secret

NAME: Final = "flask-jwt-extended"
"""Under this name the manager stands in ``app.extensions``, as with the original."""
Loader = TypeVar("Loader", bound=Callable[..., Any])
_log: Final = logging.getLogger("stopper")


class JWTManager:
    """Holds the loaders. One manager may serve many applications; settings are read from the one that answers.

    Raises JWTSettingError for what the settings already show to be unsafe.
    """

    def __init__(self, app: Flask | None = None, add_context_processor: bool = False) -> None:
        self._additional_claims: Callable[[Any], Any] = lambda identity: {}
        self._additional_headers: Callable[[Any], Any] = lambda identity: {}
        self._decode_key_callback: Callable[[Members, Members], Any] = lambda header, claims: _own_key("decode")
        self._encode_key_callback: Callable[[Any], Any] = lambda identity: _own_key("encode")
        self._identity: Callable[[Any], Any] = lambda identity: identity
        self._in_blocklist: Callable[[Members, Members], Any] = lambda header, claims: False
        self._verify: Callable[[Members, Members], Any] = lambda header, claims: True
        self._lookup: Callable[[Members, Members], Any] | None = None
        self._answers: dict[str, Callable[..., ResponseReturnValue]] = {}
        if app is not None:
            self.init_app(app, add_context_processor)

    def init_app(self, app: Flask, add_context_processor: bool = False) -> None:
        """Serve *app*. *add_context_processor*: whether templates get ``current_user``."""
        app.extensions[NAME] = self
        settings = cast("dict[str, Any]", app.config)
        for key, value in DEFAULTS.items():
            settings.setdefault(key, value)
        if add_context_processor:
            from stopper.compat.flask_jwt_extended.current import current_user_context_processor

            app.context_processor(current_user_context_processor)
        self._install_answers(app)
        doors.install(app)
        with app.app_context():
            _judge_settings()

    def _install_answers(self, app: Flask) -> None:
        for kind in answers.KINDS:
            app.register_error_handler(kind, self._answer)

    def _answer(self, error: Exception) -> ResponseReturnValue:
        answers.note(error)
        custom = self._answers.get(answers.kind_of(error).loader)
        if custom is None:
            return answers.plain(error)
        if isinstance(error, (wrong.TokenRefusedError, wrong.ExpiredSignatureError)):
            return custom(error.jwt_header, error.jwt_data)
        return custom(answers.words(error))

    def _answers_with(self, name: str, loader: Loader) -> Loader:
        self._answers[name] = loader
        return loader

    def additional_claims_loader(self, callback: Loader) -> Loader:
        """*callback* (identity) gives more claims for a new token."""
        self._additional_claims = callback
        return callback

    def additional_headers_loader(self, callback: Loader) -> Loader:
        """*callback* (identity) gives more header members for a new token."""
        self._additional_headers = callback
        return callback

    def decode_key_loader(self, callback: Loader) -> Loader:
        """*callback* (header, claims: both not verified) gives the key that verifies the token."""
        self._decode_key_callback = callback
        return callback

    def encode_key_loader(self, callback: Loader) -> Loader:
        """*callback* (identity) gives the key that signs a new token."""
        self._encode_key_callback = callback
        return callback

    def user_identity_loader(self, callback: Loader) -> Loader:
        """*callback* (what was given as identity) gives the text that names it in a token."""
        self._identity = callback
        return callback

    def user_lookup_loader(self, callback: Loader) -> Loader:
        """*callback* (header, claims) gives the user of a verified token; None refuses it."""
        self._lookup = callback
        return callback

    def token_in_blocklist_loader(self, callback: Loader) -> Loader:
        """*callback* (header, claims) says whether a verified token was taken back."""
        self._in_blocklist = callback
        return callback

    def token_verification_loader(self, callback: Loader) -> Loader:
        """*callback* (header, claims) says whether the claims of a verified token are good."""
        self._verify = callback
        return callback

    def expired_token_loader(self, callback: Loader) -> Loader:
        """*callback* (header, claims) answers a token whose time is over."""
        return self._answers_with("expired", callback)

    def invalid_token_loader(self, callback: Loader) -> Loader:
        """*callback* (words) answers a token that does not hold."""
        return self._answers_with("invalid", callback)

    def needs_fresh_token_loader(self, callback: Loader) -> Loader:
        """*callback* (header, claims) answers a token that is not fresh where one must be."""
        return self._answers_with("needs_fresh", callback)

    def revoked_token_loader(self, callback: Loader) -> Loader:
        """*callback* (header, claims) answers a token that was taken back."""
        return self._answers_with("revoked", callback)

    def token_verification_failed_loader(self, callback: Loader) -> Loader:
        """*callback* (header, claims) answers a token whose claims ``token_verification_loader`` refused."""
        return self._answers_with("verification_failed", callback)

    def unauthorized_loader(self, callback: Loader) -> Loader:
        """*callback* (words) answers a request without a token, or without its CSRF token."""
        return self._answers_with("unauthorized", callback)

    def user_lookup_error_loader(self, callback: Loader) -> Loader:
        """*callback* (header, claims) answers a token whose user is not there."""
        return self._answers_with("user_lookup_error", callback)

    def issue(self, identity: Any, kind: str, *, fresh: Any, lifetime: Any, claims: Any, headers: Any) -> str:
        """A new token of *kind* (``access`` or ``refresh``)."""
        if lifetime is None:
            lifetime = config.access_expires if kind == "access" else config.refresh_expires
        making = tokens.Making(
            identity=self._identity(identity),
            identity_claim=config.identity_claim_key,
            kind=kind,
            fresh=fresh,
            lifetime=lifetime,
            issuer=_filled_in(config.encode_issuer, config.decode_issuer, "STOPPER_ISSUER")[0],
            audience=_audience(),
            csrf=config.cookie_csrf_protect,
            nbf=config.encode_nbf,
            claims={**self._additional_claims(identity), **(claims or {})},
            headers={**self._additional_headers(identity), **(headers or {})},
        )
        remembered.note_made()
        sign = keys.signer(config.algorithm, self._encode_key_callback(identity), allow_rsa_2048=config.allow_rsa_2048)
        return tokens.encode(
            making, config.algorithm, sign, config.json_encoder, may_last=config.allow_tokens_without_expiry
        )

    def read(self, token: str, *, allow_expired: bool = False) -> tuple[Members, Members]:
        """Header and claims of *token*, verified. Raises InvalidTokenError and JWTDecodeError."""
        algorithms = config.decode_algorithms
        keys.judge_algorithms(algorithms)
        expected = tokens.Expected(
            issuers=_filled_in(config.decode_issuer, config.encode_issuer, "STOPPER_ISSUER"),
            audiences=_filled_in(config.decode_audience, config.encode_audience, "STOPPER_AUDIENCE"),
            required_issuer=bool(config.decode_issuer),
            required_audience=bool(config.decode_audience),
            identity_claim=config.identity_claim_key,
            verify_sub=config.verify_sub,
            leeway=config.leeway,
        )
        return tokens.decode(token, algorithms, self._key_for, expected, allow_expired=allow_expired)

    def _key_for(self, algorithm: str, header: Members, claims: Members) -> VerificationKey:
        found = self._decode_key_callback(header, claims)
        if found is None:
            raise wrong.raised_as(wrong.InvalidTokenError)("There is no key for this token")
        try:
            return keys.verification_key(algorithm, found, allow_rsa_2048=config.allow_rsa_2048)
        except JWTSettingError:
            if algorithm == config.algorithm:
                raise
        # A sound key that is for another algorithm: the token is at fault, not the setting.
        keys.verification_key(config.algorithm, found, allow_rsa_2048=config.allow_rsa_2048)
        raise wrong.raised_as(wrong.InvalidAlgorithmError)("The specified alg value is not allowed")


def manager_of(app: Flask) -> JWTManager:
    """The manager of *app*. Raises RuntimeError where there is none."""
    found = app.extensions.get(NAME)
    if not isinstance(found, JWTManager):
        raise RuntimeError(f"{app.name} has no JWTManager; make one with JWTManager(app)")
    return found


def get_jwt_manager() -> JWTManager:
    """The manager of the current application."""
    return manager_of(current_app)


def _own_key(use: str) -> Any:
    found = config.encode_key if use == "encode" else config.decode_key
    settings = cast("dict[str, Any]", current_app.config)
    session_secret = settings.get("SECRET_KEY")
    if not config.is_asymmetric and session_secret and _same(found, session_secret):
        raise JWTSettingError(
            "tokens would be signed with SECRET_KEY, which also signs the session: set JWT_SECRET_KEY to a secret of its own."
            " To keep tokens that are out there, move the value to JWT_SECRET_KEY and make a new SECRET_KEY",
            rule="jwt-secret-reused",
        )
    return found


def _same(one: Any, other: Any) -> bool:
    texts = isinstance(one, (str, bytes, Secret)) and isinstance(other, (str, bytes, Secret))
    return texts and Secret(one) == Secret(other)


def _filled_in(said: Any, otherwise: Any, setting: str) -> tuple[str, ...]:
    """The names that *said* gives, else *otherwise*, else Stopper's own setting, else the application's name."""
    settings = cast("dict[str, Any]", current_app.config)
    for value in (said, otherwise, settings.get(setting)):
        if isinstance(value, str) and value:
            return (value,)
        names = tuple(cast("Iterable[object]", value)) if isinstance(value, Iterable) else ()
        if names and all(isinstance(name, str) and name for name in names):
            return cast("tuple[str, ...]", names)
    return (current_app.name,)


def _audience() -> Any:
    said = config.encode_audience
    if said and not isinstance(said, str):
        return list(said)
    return _filled_in(said, config.decode_audience, "STOPPER_AUDIENCE")[0]


def _judge_settings() -> None:
    """Refuse at the start what is there and unsafe; what is set later is judged when it is used."""
    settings = cast("dict[str, Any]", current_app.config)
    keys.judge_algorithms(config.decode_algorithms)
    for key, use in (("JWT_PRIVATE_KEY", "encode"), ("JWT_PUBLIC_KEY", "decode"), ("JWT_SECRET_KEY", "decode")):
        if settings[key] and (key != "JWT_SECRET_KEY") is config.is_asymmetric:
            make = keys.signer if use == "encode" else keys.verification_key
            make(config.algorithm, _own_key(use), allow_rsa_2048=config.allow_rsa_2048)
    if config.jwt_in_query_string and not config.allow_query_string:
        _log.warning(
            "%s: JWT_TOKEN_LOCATION names query_string, which is not read: URLs end in logs, histories and Referer headers;"
            " send the token in a header, or set JWT_ALLOW_QUERY_STRING while clients move",
            current_app.name,
        )
