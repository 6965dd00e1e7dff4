"""Whoever has a copy of the repository or the image signs and logs in as the service."""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.settings_set_aside import is_in_tests_settings
from stopper.core.fact import TextFile
from stopper.core.facts import source_of
from stopper.core.keys.key_files import is_of_tests
from stopper.core.keys.key_shapes import FAKE, holds_private_key, key_in
from stopper.core.place import Span
from stopper.core.rule import Certainty, Hit, Rule
from stopper.core.values import Constant, Mapping, text_of, walk

_TO_READ: Final = re.compile(r"(?i)(?:^|/)(?:examples?|docs?|samples?)(?:/|$)|(?:^|[/_.-])example[/_.-]")
"""Where keys lie that are shown; some of them are taken over as they are."""
_COPIED: Final = re.compile(
    r"^\s*(?:COPY|ADD)\s[^#]*(?:\bid_(?:rsa|ecdsa|ed25519|dsa)\b(?!\.pub)|(?<!\S)(?!\S*pub)\S+[._-]?key\.pem|\S*private\S*\.(?:pem|key)(?!\.pub)|\.aws/|service[-_]account\S*\.json|\S+\.(?:p12|pfx|jks))"
)
_OF_PAGES: Final = "a key of Google API"
"""It counts calls, and stands in pages; ``credential-in-source`` tells of it."""
_CLOUDS: Final = ("AWS", "Google", "Azure", "Alibaba", "Tencent", "Yandex", "DigitalOcean", "Cloudflare")
_JWK: Final = re.compile(r"""["']kty["']\s*:\s*["'](?:EC|RSA|OKP)["']""")
_JWK_LINES: Final = 12
_PRIVATE_HALF: Final = re.compile(r"""["']d["']\s*:\s*["'][A-Za-z0-9_-]{40,}["']""")
_HALF: Final = re.compile(r"[A-Za-z0-9_-]{40,}={0,2}")
_PACKED: Final = "LS0tLS1CRUdJTi"
"""``-----BEGIN `` in base64."""
_PACKED_PEM: Final = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{80,}")
_LONGEST: Final = 4096
_BEGIN: Final = "PRIVATE KEY"
_LOCKED: Final = "BEGIN ENCRYPTED PRIVATE KEY"
_MESSAGE: Final = "a private key lies beside the code"


_MANY: Final = 3
"""Key files of one folder above which they are one finding: they were made together, and go together."""
_OF_TESTS: Final = re.compile(r"(?i)(?:^|_)(?:tests?|testing|dummy|sample|example)(?:_|$)")
"""Names of keys that open nothing but a test's own tokens."""


def detect(app: App) -> Iterator[Hit]:
    """PEM texts in the source, key files, keys in settings and deployment files, and key files that go into an image."""
    facts = source_of(app)
    of_tests = [one.span for one in facts.assignments() if _OF_TESTS.search(one.attribute)]
    for text in facts.texts():
        if any(span.holds(text.span) for span in of_tests):
            continue
        if (
            (_BEGIN in text.value or _PACKED in text.value)
            and holds_private_key(_unpacked(text.value))
            and not is_of_tests(text.span.path)
            and not _OF_TESTS.search(text.name)
            and not is_in_tests_settings(facts, text.span)
        ):
            yield Hit(_MESSAGE, text.span, certainty=_sure(text.span.path))
        elif _is_cloud_key(text.value) and not is_of_tests(text.span.path) and not _OF_TESTS.search(text.name):
            yield Hit("a key of a cloud lies in the source", text.span, certainty=_sure(text.span.path))
    written_out = facts.says("kty")
    for one in facts.assignments():
        held = one.value.value if isinstance(one.value, Constant) else None
        if isinstance(held, bytes):
            is_key = b"PRIVATE KEY" in held and holds_private_key(held.decode("latin-1"))
        else:
            is_key = written_out and isinstance(one.value, Mapping) and _holds_private_half(one.value)
        if (
            is_key
            and not is_of_tests(one.span.path)
            and not _OF_TESTS.search(one.attribute)
            and not is_in_tests_settings(facts, one.span)
        ):
            yield Hit(_MESSAGE, one.span, certainty=_sure(one.span.path))
    by_folder: dict[str, list[Hit]] = {}
    for file in facts.text_files:
        if file.kind not in ("template", "script") and not is_of_tests(file.path):
            by_folder.setdefault(file.path.rpartition("/")[0] if file.kind == "key" else file.path, []).extend(
                _in_file(file)
            )
    for hits in by_folder.values():
        many = len(hits) > _MANY and len({hit.message for hit in hits}) == 1
        first = replace(hits[0], message=f"{hits[0].message}, as {len(hits) - 1} more in this folder") if many else None
        yield from hits if first is None else (first,)


def _unpacked(text: str) -> str:
    """The text, with a PEM that it holds in base64 written out."""
    found = _PACKED_PEM.search(text) if _PACKED in text else None
    if found is None:
        return text
    return base64.b64decode(found[0] + "=" * (-len(found[0]) % 4)).decode("latin-1")


def _holds_private_half(value: Mapping) -> bool:
    """``{"kty": "EC", …, "d": "…"}``, a key of RFC 7517 with its private half, also as one of several."""
    for one in walk(value, 4):
        if isinstance(one, Mapping) and text_of(one.get("kty")) in ("EC", "RSA", "OKP"):
            half = text_of(one.get("d")) or ""
            if _HALF.fullmatch(half) and not FAKE.search(half):
                return True
    return False


def _is_cloud_key(text: str) -> bool:
    found = key_in(text) if 16 <= len(text) <= _LONGEST else None
    return found is not None and found.kind != _OF_PAGES and any(cloud in found.kind for cloud in _CLOUDS)


def _in_file(file: TextFile) -> Iterator[Hit]:
    sure = _sure(file.path)
    for number, line in enumerate(file.lines, 1):
        if _BEGIN in line and "-----BEGIN" in line:
            after = file.lines[number : number + 12]
            if _TO_READ.search(file.path) and (_LOCKED in line or any("4,ENCRYPTED" in one for one in after[:2])):
                continue  # it is shown how a key looks, and nobody has the word that opens it
            if holds_private_key("\n".join((_begin(line), *after))):
                yield Hit(_MESSAGE, _span(file, number, line), certainty=sure)
        elif _PACKED in line and holds_private_key(_unpacked(line)):
            yield Hit(_MESSAGE, _span(file, number, line), certainty=sure)
        elif file.kind == "dockerfile" and _COPIED.search(line):
            yield Hit("a private key is copied into the image", _span(file, number, line), certainty="likely")
        elif file.kind in ("config", "env", "compose", "workflow", "dockerfile", "deployment") and len(line) >= 20:
            found = key_in(line)
            if found is not None and any(cloud in found.kind for cloud in _CLOUDS):
                yield Hit(f"{found.kind} lies beside the code", _span(file, number, line), certainty=sure)
            elif file.kind != "workflow" and _JWK.search(line) and _is_private_jwk(file, number):
                yield Hit(_MESSAGE, _span(file, number, line), certainty=sure)


def _is_private_jwk(file: TextFile, number: int) -> bool:
    """That a key in JSON (RFC 7517) stands around this line with its private half, ``d``."""
    around = "\n".join(file.lines[max(0, number - _JWK_LINES) : number + _JWK_LINES])
    return _PRIVATE_HALF.search(around) is not None and not re.search(r'"d"\s*:\s*"(?:\*|<|\$)', around)


def _sure(path: str) -> Certainty:
    return "possible" if _TO_READ.search(path) else "certain"


def _span(file: TextFile, number: int, line: str) -> Span:
    return Span(file.path, number, number, 1, len(line) + 1)


def _begin(line: str) -> str:
    """The line without a comment behind the opening of the key."""
    head, mark, rest = line.partition("PRIVATE KEY-----")
    return head + mark + ("" if rest.lstrip().startswith("#") else rest)


RULE = Rule(
    slug="private-key-in-repository",
    family="crypto",
    title="Private key in the repository",
    harm="Whoever has a copy of the repository or the image signs and logs in as the service.",
    severity="critical",
    check="data-exposure",
    cwe=(321,),
    owasp="API8:2023",
    asvs=("V13.3.1",),
    surfaces=("source",),
    ends="`STOPPER_SECRETS` of Stopper names where keys lie, so none lies beside the code.",
    detect=detect,
)
