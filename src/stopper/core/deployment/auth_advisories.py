"""Known holes of the libraries that Flask APIs log people in with, and libraries that nobody looks after: facts, as data.

How it was read, in November 2026: each row was held against a text that names the CVE and the first version without the hole. For holes up
to October 2024 that was the Python Packaging Advisory Database, for later ones the CVE record, the OSV entry, the advisory as dependency bots
quote it, or the project's own changelog or issue. A row for which no such text was found is not here, so a hole may be missing: the newest of
Authlib, jwcrypto and Flask-Security are. Left out on purpose: what only stops or fills a file server on Windows (``safe_join`` of Werkzeug).
No advisory was found for Flask-JWT-Extended and ItsDangerous.

How it is renewed: at each release, read the advisories of every name below and add one line for what is new: the CVE, the first version that
has the hole (``""`` for all before), the first that does not (``""`` for none yet; then ``last`` is the last one that was seen to have it).
It does not replace a dependency scanner: it knows these libraries only.
"""

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from stopper.core.app import App

READ: Final = "2026-11"
"""When the table was last read."""


class Advisory(NamedTuple):
    """One hole. ``since`` is the first bad version, ``mended`` the first good one, ``last`` the last that is known to be bad."""

    cve: str
    since: str
    mended: str
    what: str
    last: str = ""


ADVISORIES: Final[dict[str, tuple[Advisory, ...]]] = {
    "pyjwt": (
        Advisory("CVE-2017-11424", "", "1.5.1", "a public key in another PEM form is taken as an HMAC secret"),
        Advisory("CVE-2022-29217", "1.5.0", "2.4.0", "a public key in SSH form is taken as an HMAC secret"),
        Advisory("CVE-2024-53861", "2.10.0", "2.10.1", "a part of the issuer is taken for the whole"),
        Advisory("CVE-2026-32597", "", "2.12.0", "critical headers that are not understood are passed over"),
        Advisory("CVE-2026-48522", "", "2.13.0", "the key set is read from files and any scheme"),
        Advisory("CVE-2026-48526", "", "2.13.0", "a public key in JWK form is taken as an HMAC secret"),
        Advisory("CVE-2026-102265", "2.13.0", "2.14.0", "a nested header stops the request"),
        Advisory("CVE-2026-102273", "2.13.0", "2.14.0", "a nested public key is taken as an HMAC secret"),
        Advisory("CVE-2026-102274", "2.9.0", "2.14.0", "one bad key makes a whole key set unreadable"),
        Advisory("CVE-2026-102267", "", "2.14.0", "the key set is read from wherever a redirect leads"),
        Advisory("CVE-2026-102269", "", "2.14.0", "a revoked token that is spelled otherwise is taken"),
        Advisory("CVE-2026-101918", "2.0.0", "2.15.0", "a nested token stops the request"),
        Advisory("CVE-2026-102275", "2.1.0", "2.15.0", "the two halves of a private key are not held against each other"),
    ),
    "python-jose": (
        Advisory("CVE-2016-7036", "", "1.3.2", "signatures are compared in a time that tells about them"),
        Advisory("CVE-2024-33663", "", "3.4.0", "a public key in another form is taken as an HMAC secret"),
        Advisory("CVE-2024-33664", "", "3.4.0", "a small encrypted token fills the memory"),
        Advisory("CVE-2026-85394", "", "", "a public key in DER form is taken as an HMAC secret", "3.5.0"),
        Advisory("CVE-2026-120459", "", "", "an empty HMAC secret is taken", "3.5.0"),
    ),
    "joserfc": (
        Advisory("CVE-2026-48990", "1.3.4", "1.6.7", "an unencoded payload passes the limit of size"),
        Advisory("CVE-2026-49852", "", "1.6.8", "an empty HMAC secret is taken"),
        Advisory("CVE-2026-75509", "", "1.7.3", "a list of issuers that holds the right one is taken"),
        Advisory("CVE-2026-102946", "", "1.7.4", "a JSON token without any signature counts as signed"),
        Advisory("CVE-2026-119284", "", "1.7.6", "a huge token is copied before it is refused"),
    ),
    "python-jwt": (Advisory("CVE-2022-39227", "3.0.0", "3.3.4", "a token with other claims keeps its signature"),),
    "jwcrypto": (
        Advisory("CVE-2016-6298", "", "0.4.0", "decryption with RSA tells about the text"),
        Advisory("CVE-2023-6681", "", "1.5.1", "a token may ask for any amount of work"),
    ),
    "authlib": (
        Advisory("CVE-2024-37568", "", "1.3.1", "a public key is taken as an HMAC secret"),
        Advisory("CVE-2025-59420", "", "1.6.4", "critical headers that are not understood are passed over"),
        Advisory("CVE-2025-61920", "", "1.6.5", "a huge token stops the service"),
        Advisory("CVE-2025-62706", "", "1.6.5", "a small encrypted token fills the memory"),
        Advisory("CVE-2026-28802", "1.6.5", "1.6.7", "an unsigned token is taken"),
        Advisory("CVE-2026-27962", "", "1.6.9", "the key in a token's own header is trusted"),
        Advisory("CVE-2026-28498", "", "1.6.9", "an ID token with an unknown algorithm passes the check of its hashes"),
        Advisory("CVE-2026-41425", "", "1.6.11", "the cache of the OAuth client has no protection against forged requests"),
        Advisory("CVE-2026-44681", "", "1.6.12", "a crafted request leads people to another site"),
        Advisory("CVE-2026-114617", "", "1.9.0", "an ID token turns the check of its own nonce off"),
        Advisory("CVE-2026-114618", "", "1.9.0", "an assertion for another service is taken"),
        Advisory("CVE-2026-114619", "", "1.9.0", "a client gets ID tokens that it may not have"),
    ),
    "oauthlib": (Advisory("CVE-2022-36087", "3.1.1", "3.2.1", "a crafted redirect address stops the service"),),
    "flask-cors": (
        Advisory("CVE-2020-25032", "", "3.0.9", "a path with dots takes the rules of another path"),
        Advisory("CVE-2024-1681", "", "4.0.1", "a path writes lines into the log"),
        Advisory("CVE-2024-6221", "", "4.0.2", "private networks are opened by default"),
        Advisory("CVE-2024-6839", "", "6.0.0", "the wrong one of two path rules is used"),
        Advisory("CVE-2024-6844", "", "6.0.0", "a path with a plus takes the rules of another path"),
        Advisory("CVE-2024-6866", "", "6.0.0", "a path in other letter case takes the rules of another path"),
    ),
    "flask": (
        Advisory("CVE-2018-1000656", "", "0.12.3", "JSON in a crafted encoding fills the memory"),
        Advisory("CVE-2019-1010083", "", "1.0", "JSON in a crafted encoding fills the memory"),
        Advisory("CVE-2023-30861", "", "2.2.5", "a cache may give one person's session cookie to another"),
        Advisory("CVE-2023-30861", "2.3.0", "2.3.2", "a cache may give one person's session cookie to another"),
        Advisory("CVE-2025-47278", "3.1.0", "3.1.1", "sessions are signed with the wrong one of the fallback keys"),
        Advisory("CVE-2026-27205", "", "3.1.3", "a cache may give one person's page to another"),
    ),
    "werkzeug": (
        Advisory("CVE-2016-10516", "", "0.11.11", "the debugger's page runs what a request brings"),
        Advisory("CVE-2020-28724", "", "0.11.6", "an address with two slashes leads people to another site"),
        Advisory("CVE-2019-14806", "", "0.15.3", "the debugger's PIN is the same in every container"),
        Advisory("CVE-2023-23934", "", "2.2.3", "a nameless cookie sets another one"),
        Advisory("CVE-2023-25577", "", "2.2.3", "an upload of many parts stops the service"),
        Advisory("CVE-2023-46136", "", "2.3.8", "a crafted upload stops the service"),
        Advisory("CVE-2023-46136", "3.0.0", "3.0.1", "a crafted upload stops the service"),
        Advisory("CVE-2024-34069", "", "3.0.3", "the debugger can be reached from another site"),
        Advisory("CVE-2024-49767", "", "3.0.6", "a crafted upload fills the memory"),
    ),
    "flask-security-too": (
        Advisory("CVE-2021-21241", "3.3.0", "3.4.5", "another site reads the token of a person who is logged in"),
        Advisory("CVE-2021-32618", "", "4.1.0", "a crafted address leads people to another site after log-in"),
        Advisory("CVE-2023-49438", "", "5.3.3", "a crafted address leads people to another site after log-in"),
    ),
    "flask-user": (
        Advisory("CVE-2021-23401", "", "", "a crafted address leads people to another site after log-in", "1.0.2.2"),
    ),
    "flask-oidc": (Advisory("CVE-2016-1000001", "", "1.0.0", "a crafted address leads people to another site"),),
    "flask-restx": (Advisory("CVE-2021-32838", "", "0.5.1", "a crafted e-mail address stops the service"),),
    "flask-appbuilder": (
        Advisory("CVE-2021-29621", "", "3.3.0", "the time of a log-in tells who has an account"),
        Advisory("CVE-2021-32805", "", "3.3.2", "a crafted address leads people to another site after log-in"),
        Advisory("CVE-2021-41265", "", "3.3.4", "log-in over the API can be passed by"),
        Advisory("CVE-2022-21659", "", "3.4.2", "the time of a log-in tells who has an account"),
        Advisory("CVE-2022-31177", "", "4.1.3", "a filter tells password hashes letter by letter"),
        Advisory("CVE-2023-34110", "", "4.3.2", "an error shows what is in the database"),
        Advisory("CVE-2024-25128", "", "4.3.11", "a forged OpenID server lets anybody in"),
        Advisory("CVE-2025-24023", "", "4.5.3", "the time of a log-in tells who has an account"),
        Advisory("CVE-2025-32962", "", "4.6.2", "a Host header leads people to another site"),
    ),
    "cryptography": (
        Advisory("CVE-2016-9243", "", "1.5.3", "a short derived key is empty"),
        Advisory("CVE-2018-10903", "1.9", "2.3", "a shortened tag passes"),
        Advisory("CVE-2020-25659", "", "3.2.1", "decryption with RSA tells about the text by its time"),
        Advisory("CVE-2020-36242", "3.1", "3.3.2", "encrypting very much data overflows"),
        Advisory("CVE-2023-23931", "1.8", "39.0.1", "a cipher writes into what must not change"),
        Advisory("CVE-2023-49083", "3.1", "41.0.6", "a crafted certificate file stops the service"),
        Advisory("CVE-2023-50782", "", "42.0.0", "decryption with RSA tells about the text by its time"),
        Advisory("CVE-2024-26130", "38.0.0", "42.0.4", "a key that does not fit its certificate stops the service"),
        Advisory("CVE-2026-26007", "", "46.0.5", "points of a curve are not checked, and a private key shows"),
        Advisory("CVE-2026-69247", "", "50.0.0", "decryption tells about the text by its errors and its time"),
    ),
}  # fmt: skip
"""By distribution name in lower case with ``-``."""

LINES_LEFT: Final[dict[str, str]] = {"flask-security": "5"}
"""Distributions whose older versions were left behind: Flask-Security went on under another name from 2019 on, and came back five years later."""
ABANDONED: Final[dict[str, str]] = {
    "flask-jwt": "Flask-JWT-Extended or PyJWT",
    "flask-jwt-simple": "Flask-JWT-Extended",
    "flask-oauthlib": "Authlib",
    "flask-oauth": "Authlib",
    "flask-user": "Flask-Security",
    "flask-restplus": "Flask-RESTX",
    "flask-basicauth": "Flask-HTTPAuth",
    "oauth2client": "google-auth",
    "pycrypto": "cryptography or pycryptodome",
    "python-jwt": "PyJWT or joserfc",
    "pyjwkest": "joserfc",
}
"""Distributions that get no releases any more → what took their place."""

GONE: Final[dict[str, str]] = {
    "flask_jwt_extended.jwt_optional": "Flask-JWT-Extended 4 has jwt_required(optional=True)",
    "flask_jwt_extended.fresh_jwt_required": "Flask-JWT-Extended 4 has jwt_required(fresh=True)",
    "flask_jwt_extended.jwt_refresh_token_required": "Flask-JWT-Extended 4 has jwt_required(refresh=True)",
    "flask_jwt_extended.get_raw_jwt": "Flask-JWT-Extended 4 has get_jwt()",
    "flask_jwt_extended.get_jwt_claims": "Flask-JWT-Extended 4 has get_jwt()",
    "flask_jwt_extended.verify_jwt_in_request_optional": "Flask-JWT-Extended 4 has verify_jwt_in_request(optional=True)",
    "flask_jwt_extended.verify_fresh_jwt_in_request": "Flask-JWT-Extended 4 has verify_jwt_in_request(fresh=True)",
    "flask_jwt_extended.verify_jwt_refresh_token_in_request": "Flask-JWT-Extended 4 has verify_jwt_in_request(refresh=True)",
    "flask_jwt_extended.JWTManager.token_in_blacklist_loader": "Flask-JWT-Extended 4 has token_in_blocklist_loader",
    "flask_jwt_extended.JWTManager.user_claims_loader": "Flask-JWT-Extended 4 has additional_claims_loader",
    "flask_jwt_extended.JWTManager.user_loader_callback_loader": "Flask-JWT-Extended 4 has user_lookup_loader",
    "flask_jwt_extended.JWTManager.user_loader_error_loader": "Flask-JWT-Extended 4 has user_lookup_error_loader",
    "flask_jwt_extended.JWTManager.claims_verification_loader": "Flask-JWT-Extended 4 has token_verification_loader",
    "itsdangerous.TimedJSONWebSignatureSerializer": "ItsDangerous 2.1 has it no more; use a JWT library",
    "itsdangerous.JSONWebSignatureSerializer": "ItsDangerous 2.1 has it no more; use a JWT library",
    "werkzeug.security.safe_str_cmp": "Werkzeug 2.1 has it no more; use hmac.compare_digest",
    "werkzeug.security.pbkdf2_hex": "Werkzeug 2.1 has it no more; use hashlib.pbkdf2_hmac",
}
"""Names that the present major version of a library has no more → what is there instead."""

GONE_SETTINGS: Final[dict[str, str]] = {
    "JWT_BLACKLIST_ENABLED": "in Flask-JWT-Extended 4 the loader alone says that there is a list",
    "JWT_BLACKLIST_TOKEN_CHECKS": "in Flask-JWT-Extended 4 the loader is asked for every token",
    "JWT_CLAIMS_IN_REFRESH_TOKEN": "Flask-JWT-Extended 4 has them in every token",
    "JWT_USER_CLAIMS": "Flask-JWT-Extended 4 keeps additional claims beside the others",
}
"""Settings that Flask-JWT-Extended 4 does not read any more → what it does instead."""


_MODULES: Final = {
    "pyjwt": "jwt", "python-jose": "jose", "flask-security-too": "flask_security", "pycrypto": "Crypto", "pyjwkest": "jwkest", "flask-oauth": "flask_oauth",
}  # fmt: skip
"""What a distribution is imported as, where that is another name."""


def module_of(distribution: str) -> str:
    """The top-level module of a distribution in the tables above."""
    return _MODULES.get(distribution, distribution.replace("-", "_"))


def is_in_use(app: "App", distribution: str) -> bool:
    """That the running application has loaded it or its source names it; true where neither was looked at."""
    if app.wiring is None:
        return True
    module = module_of(distribution)
    return module in app.wiring.loaded or (app.source is not None and app.source.imports(module))


def holes(distribution: str, version: str) -> tuple[Advisory, ...]:
    """The holes that this version has. A version that is no version has none that is known."""
    numbers = order(version)
    if not numbers:
        return ()
    return tuple(
        one
        for one in ADVISORIES.get(distribution, ())
        if (not one.since or numbers >= order(one.since))
        and (not one.mended or numbers < order(one.mended))
        and (not one.last or numbers <= order(one.last))
    )


def holes_below(distribution: str, least: str, below: str) -> tuple[Advisory, ...]:
    """The holes that every version from *least* on has of those before *below*."""
    if not order(below):
        return ()
    return tuple(
        one
        for one in ADVISORIES.get(distribution, ())
        if one.mended and order(below) <= order(one.mended) and (not one.since or order(least) >= order(one.since))
    )


def mended_in(distribution: str, version: str) -> str:
    """The first later version without a hole that is known; an empty text where there is none."""
    found = holes(distribution, version)
    while found:
        if not all(one.mended for one in found):
            return ""
        version = max((one.mended for one in found), key=order)
        found = holes(distribution, version)
    return version


_RELEASE: Final = re.compile(r"v?(\d+(?:\.\d+)*)")


def order(version: str) -> tuple[int, ...]:
    """The release numbers of a version, so that they compare: ``2.10.1rc1`` is ``(2, 10, 1)``, ``3.0`` is ``(3,)``."""
    match = _RELEASE.match(version.strip())
    numbers = [int(part) for part in match[1].split(".")] if match else []
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
