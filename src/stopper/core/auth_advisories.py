"""Known holes of the libraries that Flask APIs log people in with, and libraries that nobody looks after: facts, as data.

How it is renewed: at each release, read the advisories of the Python Packaging Advisory Database for every name below and add what is new:
one line, with the CVE, the first version that has the hole (``""`` for all before) and the first that does not (``""`` for none yet). Leave out
what cannot be found there. :data:`READ` says when that was last done. It does not replace a dependency scanner: it knows these libraries only.
"""

import re
from typing import Final, NamedTuple

READ: Final = "2026-11"


class Advisory(NamedTuple):
    """One hole. ``since`` is the first bad version, ``mended`` the first good one."""

    cve: str
    since: str
    mended: str
    what: str


ADVISORIES: Final[dict[str, tuple[Advisory, ...]]] = {
    "pyjwt": (
        Advisory("CVE-2017-11424", "", "1.5.1", "a public key in another PEM form is taken as an HMAC secret"),
        Advisory("CVE-2022-29217", "1.5.0", "2.4.0", "a public key in SSH form is taken as an HMAC secret"),
        Advisory("CVE-2024-53861", "2.10.0", "2.10.1", "a part of the issuer is taken for the whole"),
    ),
    "python-jose": (
        Advisory("CVE-2016-7036", "", "1.3.2", "signatures are compared in a time that tells about them"),
        Advisory("CVE-2024-33663", "", "3.4.0", "a public key in another form is taken as an HMAC secret"),
        Advisory("CVE-2024-33664", "", "3.4.0", "a small encrypted token fills the memory"),
    ),
    "python-jwt": (Advisory("CVE-2022-39227", "", "3.3.4", "a token with other claims keeps its signature"),),
    "jwcrypto": (
        Advisory("CVE-2022-3102", "", "1.4", "a signed token is taken for an encrypted one"),
        Advisory("CVE-2024-28102", "", "1.5.6", "a small encrypted token fills the memory"),
    ),
    "authlib": (
        Advisory("CVE-2022-39174", "", "1.1.0", "a hole that release 1.1.0 mends"),
        Advisory("CVE-2024-37568", "", "1.3.1", "a public key is taken as an HMAC secret"),
        Advisory("CVE-2025-59420", "", "1.6.4", "critical headers that are not understood are passed over"),
        Advisory("CVE-2025-61920", "", "1.6.5", "a huge token stops the service"),
        Advisory("CVE-2026-41425", "", "1.6.11", "the cache of the OAuth client has no protection against forged requests"),
    ),
    "oauthlib": (Advisory("CVE-2022-36087", "3.1.1", "3.2.1", "a crafted redirect address stops the service"),),
    "flask-cors": (
        Advisory("CVE-2020-25032", "", "3.0.9", "a path with dots takes the rules of another path"),
        Advisory("CVE-2024-1681", "", "4.0.1", "a path writes lines into the log"),
        Advisory("CVE-2024-6221", "", "4.0.2", "private networks are opened by default"),
        Advisory("CVE-2024-6839", "", "6.0.0", "the wrong one of two path rules is used"),
    ),
    "flask": (
        Advisory("CVE-2018-1000656", "", "0.12.3", "JSON in a crafted encoding fills the memory"),
        Advisory("CVE-2019-1010083", "", "1.0", "JSON in a crafted encoding fills the memory"),
        Advisory("CVE-2023-30861", "", "2.2.5", "a cache may give one person's session cookie to another"),
        Advisory("CVE-2023-30861", "2.3.0", "2.3.2", "a cache may give one person's session cookie to another"),
        Advisory("CVE-2025-47278", "3.1.0", "3.1.1", "sessions are signed with the wrong one of the fallback keys"),
    ),
    "werkzeug": (
        Advisory("CVE-2019-14806", "", "0.15.3", "the debugger's PIN is the same in every container"),
        Advisory("CVE-2023-23934", "", "2.2.3", "a nameless cookie sets another one"),
        Advisory("CVE-2023-46136", "", "2.3.8", "a crafted upload stops the service"),
        Advisory("CVE-2024-34069", "", "3.0.3", "the debugger can be reached from another site"),
        Advisory("CVE-2024-49767", "", "3.0.6", "a crafted upload fills the memory"),
    ),
    "flask-security": (Advisory("CVE-2021-23385", "", "5.4", "a crafted address leads people to another site after log-in"),),
    "flask-security-too": (
        Advisory("CVE-2021-21241", "3.3.0", "3.4.5", "another site reads the token of a person who is logged in"),
        Advisory("CVE-2021-32618", "", "4.1.0", "a crafted address leads people to another site after log-in"),
        Advisory("CVE-2023-49438", "", "5.3.3", "a crafted address leads people to another site after log-in"),
    ),
    "flask-user": (Advisory("CVE-2021-23401", "", "", "a crafted address leads people to another site after log-in"),),
    "flask-appbuilder": (
        Advisory("CVE-2021-41265", "", "3.3.4", "log-in over the API can be passed by"),
        Advisory("CVE-2024-25128", "", "4.3.11", "a forged OpenID server lets anybody in"),
    ),
    "cryptography": (
        Advisory("CVE-2020-25659", "", "3.2", "decryption with RSA tells about the text by its time"),
        Advisory("CVE-2020-36242", "", "3.3.2", "encrypting very much data overflows"),
        Advisory("CVE-2023-50782", "", "42.0.0", "decryption with RSA tells about the text by its time"),
    ),
}  # fmt: skip
"""By distribution name in lower case with ``-``. Flask-Security got its old name back with 5.4; what lay between is Flask-Security-Too."""

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
    "itsdangerous.TimedJSONWebSignatureSerializer": "ItsDangerous 2.1 has it no more; use a JWT library",
    "itsdangerous.JSONWebSignatureSerializer": "ItsDangerous 2.1 has it no more; use a JWT library",
    "werkzeug.security.safe_str_cmp": "Werkzeug 2.1 has it no more; use hmac.compare_digest",
    "werkzeug.security.pbkdf2_hex": "Werkzeug 2.1 has it no more; use hashlib.pbkdf2_hmac",
}
"""Names that the present major version of a library has no more → what is there instead."""


def holes(distribution: str, version: str) -> tuple[Advisory, ...]:
    """The holes that this version has. A version that is no version has none that is known."""
    numbers = order(version)
    if not numbers:
        return ()
    return tuple(
        one
        for one in ADVISORIES.get(distribution, ())
        if (not one.since or numbers >= order(one.since)) and (not one.mended or numbers < order(one.mended))
    )


def order(version: str) -> tuple[int, ...]:
    """The release numbers of a version, so that they compare: ``2.10.1rc1`` is ``(2, 10, 1)``, ``3.0`` is ``(3,)``."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", version.strip())
    numbers = [int(part) for part in match[1].split(".")] if match else []
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
