"""An issuer's keys by URL: fetched rarely, kept while they are good, never fetched because a stranger invented a kid."""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from stopper.auth.event import Event, EventSink, log_event
from stopper.auth.forking import in_each_child
from stopper.auth.issuer import Issuer
from stopper.auth.key_set import MAX_JWKS_BYTES, KeySet
from stopper.auth.published_keys import PublishedKeys
from stopper.auth.verification_key import VerificationKey
from stopper.core.errors import KeyringError, SettingError, StoreUnavailableError
from stopper.core.settings import Settings, number, switch
from stopper.outbound.client import Client
from stopper.outbound.errors import CallRefusedError, OutboundError
from stopper.outbound.jwks_document import public_members, public_part, read_document
from stopper.outbound.limits import Limits
from stopper.outbound.target import read_url

JWKS_LIFETIME: Final = number(
    "JWKS_LIFETIME",
    600,
    "Seconds after which an issuer's published keys are asked for again; less if the issuer says so.",
    least=10,
)
JWKS_STALE_LIMIT: Final = number(
    "JWKS_STALE_LIMIT",
    86_400,
    "Seconds that an issuer's keys serve while it cannot be reached; then tokens get 503.",
    least=10,
)
JWKS_COOLDOWN: Final = number(
    "JWKS_COOLDOWN", 10, "Seconds between two fetches of an issuer's keys, whatever ids tokens show.", least=1, most=300
)
ALLOW_PRIVATE_JWKS: Final = switch(
    "ALLOW_PRIVATE_JWKS", False, "Whether an issuer's keys may be fetched over https from a private address."
)
ALLOW_LOOPBACK_JWKS: Final = switch(
    "ALLOW_LOOPBACK_JWKS",
    False,
    "Whether an issuer's keys may be fetched from this machine itself, also over plain http.",
)

SECONDS: Final = 5.0
_TYPES: Final = ("application/json", "application/jwk-set+json")
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})", re.IGNORECASE)

Spawn = Callable[[Callable[[], None]], None]
Monotonic = Callable[[], float]


def on_a_thread(work: Callable[[], None]) -> None:
    """Do *work* beside the request that found the keys old."""
    threading.Thread(target=work, name="stopper-jwks", daemon=True).start()


@dataclass(frozen=True, slots=True)
class Freshness:
    """Seconds: ``lifetime`` until keys are asked for again, ``stale_limit`` until they no longer serve, ``cooldown`` between fetches."""

    lifetime: float = 600.0
    stale_limit: float = 86_400.0
    cooldown: float = 10.0


@dataclass(frozen=True, slots=True)
class _Fetched:
    keys: KeySet
    members: Mapping[str | None, str]
    """What each key was made from, by its kid: a key that did not change stays the same object."""
    at: float
    fresh_until: float


def jwks_client(
    url: str, *, allow_private: bool = False, allow_loopback: bool = False, ca_file: str | None = None
) -> Client:
    """The client for one key set: its host alone, at public addresses, no redirect, no retry, 256 KiB, five seconds.

    Raises SettingError for a URL that is not https.
    """
    limits = Limits(connect=SECONDS, read=SECONDS, total=SECONDS, max_bytes=MAX_JWKS_BYTES, redirects=0, retries=0)
    wrong = ""
    try:
        target = read_url(url)
        if target.scheme == "http" and not allow_loopback:
            wrong = "an issuer's keys are fetched over https (STOPPER_ALLOW_LOOPBACK_JWKS allows http to this machine)"
        host = target.origin
    except CallRefusedError as refusal:
        wrong, host = f"the URL of an issuer's keys cannot be used: {refusal.message}", ""
    if wrong:
        raise SettingError(wrong, rule="jwks-handling-insecure")
    if allow_private:
        return Client(hosts=(host,), limits=limits, ca_file=ca_file, allow_loopback_http=allow_loopback)
    return Client.for_public_host(host, limits=limits, ca_file=ca_file, allow_loopback=allow_loopback)


def open_keys(issuer: Issuer, settings: Settings) -> Issuer:
    """*issuer* with its published keys fetched from their URL; any other issuer as it is. Raises SettingError."""
    published = issuer.keys
    if not isinstance(published, PublishedKeys):
        return issuer
    client = jwks_client(
        published.url,
        allow_private=settings.get(ALLOW_PRIVATE_JWKS),
        allow_loopback=settings.get(ALLOW_LOOPBACK_JWKS),
    )
    freshness = Freshness(
        float(settings.get(JWKS_LIFETIME)), float(settings.get(JWKS_STALE_LIMIT)), float(settings.get(JWKS_COOLDOWN))
    )
    keys = RemoteKeys(
        published.url,
        client,
        algorithms=published.algorithms,
        allow_rsa_2048=published.allow_rsa_2048,
        freshness=freshness,
    )
    return issuer.with_keys(keys)


class RemoteKeys:
    """A :class:`stopper.auth.key_set.KeySource` over the JWKS at *url*.

    It answers from memory. Keys past their lifetime are fetched anew beside the request. A kid that is not known leads to a fetch, once in
    a cooldown for all of them. While the issuer cannot be reached the last good keys serve until the stale limit; then, and
    for a kid that nobody can judge, it raises StoreUnavailableError (503), never a refusal.

    Members that cannot serve are left out with an event; so is one that holds private parameters, since everybody has that key now.
    """

    def __init__(
        self,
        url: str,
        client: Client,
        *,
        algorithms: Sequence[str] = (),
        allow_rsa_2048: bool = False,
        freshness: Freshness | None = None,
        sink: EventSink = log_event,
        monotonic: Monotonic = time.monotonic,
        spawn: Spawn = on_a_thread,
    ) -> None:
        self._url = url
        self._host = read_url(url).shown_host
        self._client = client
        self._algorithms = tuple(algorithms)
        self._allow_rsa_2048 = allow_rsa_2048
        self._times = freshness or Freshness()
        self._sink = sink
        self._monotonic = monotonic
        self._spawn = spawn
        self._fetched: _Fetched | None = None
        self._tried_at = float("-inf")
        self._failed = False
        self._renew()
        in_each_child(self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._renewing = False

    @property
    def skipped(self) -> tuple[str, ...]:
        """Why members of the set in force were left out, one line each."""
        return () if self._fetched is None else self._fetched.keys.skipped

    def find(self, kid: str | None) -> VerificationKey | None:
        """The key of that id. Raises StoreUnavailableError when the issuer must be asked and does not answer."""
        fetched, now = self._fetched, self._monotonic()
        if fetched is not None and now < fetched.at + self._times.stale_limit:
            found = fetched.keys.find(kid)
            if found is not None:
                if now >= fetched.fresh_until and now >= self._tried_at + self._times.cooldown:
                    self._renew_beside()
                return found
        return self._find_anew(kid)

    def _find_anew(self, kid: str | None) -> VerificationKey | None:
        with self._lock:  # who waits here gets what the one before fetched
            if self._monotonic() >= self._tried_at + self._times.cooldown:
                self._fetch()
            fetched, failed = self._fetched, self._failed
        if fetched is None or self._monotonic() >= fetched.at + self._times.stale_limit:
            raise StoreUnavailableError("jwks", retry_after=self._pause())
        found = fetched.keys.find(kid)
        if found is None and failed:
            raise StoreUnavailableError("jwks", retry_after=self._pause())
        return found

    def _pause(self) -> int:
        return max(1, round(self._tried_at + self._times.cooldown - self._monotonic()))

    def _renew_beside(self) -> None:
        if self._renewing:
            return
        self._renewing = True
        try:
            self._spawn(self._renewed)
        except RuntimeError:  # no thread to be had; the next request tries again
            self._renewing = False

    def _renewed(self) -> None:
        try:
            with self._lock:
                if self._monotonic() >= self._tried_at + self._times.cooldown:
                    self._fetch()
        finally:
            self._renewing = False

    def _fetch(self) -> None:
        """Ask the issuer once; what it does not answer well leaves the keys as they are. Called under the lock."""
        self._tried_at = self._monotonic()
        try:
            reply = self._client.get(self._url, accept=_TYPES).checked()
            fetched = self._read(reply.body, reply.headers.get("cache-control", ""))
        except (OutboundError, KeyringError) as wrong:
            self._failed = True
            self._tell("jwks-unavailable", wrong.reason if isinstance(wrong, OutboundError) else str(wrong))
            return
        finally:
            self._client.close()  # the next fetch is minutes away
        self._failed = False
        before, self._fetched = self._fetched, fetched
        if before is None or before.members != fetched.members:
            for why in fetched.keys.skipped:
                self._tell("jwks-key-skipped", why)

    def _read(self, body: bytes, cache_control: str) -> _Fetched:
        document = read_document(body)
        members, skipped, burnt = public_members(document)
        self._forget(burnt)
        found = KeySet.from_jwks({"keys": members}, algorithms=self._algorithms, allow_rsa_2048=self._allow_rsa_2048)
        texts = {cast("str | None", member.get("kid")): json.dumps(member, sort_keys=True) for member in members}
        now = self._monotonic()
        return _Fetched(
            KeySet((self._same(key, texts) for key in found.keys), skipped=(*skipped, *found.skipped)),
            texts,
            now,
            now + self._lifetime(cache_control),
        )

    def _forget(self, burnt: Sequence[Mapping[str, object]]) -> None:
        """Take keys whose private half was published out of what serves, also when nothing good comes in their place."""
        before = self._fetched
        if before is None or not burnt:
            return
        known = {public_part(member) for member in burnt}
        gone = {kid for kid, text in before.members.items() if public_part(json.loads(text)) in known}
        left = [key for key in before.keys.keys if key.kid not in gone]
        if len(left) != len(before.keys.keys):
            self._fetched = replace(before, keys=KeySet(left, skipped=before.keys.skipped)) if left else None

    def _same(self, key: VerificationKey, texts: Mapping[str | None, str]) -> VerificationKey:
        before = self._fetched
        if before is None or before.members.get(key.kid) != texts.get(key.kid):
            return key
        kept = before.keys.find(key.kid)
        return kept if kept is not None and kept.kid == key.kid else key

    def _lifetime(self, cache_control: str) -> float:
        said = _MAX_AGE.search(cache_control)
        asked = float(said[1]) if said else self._times.lifetime
        return min(self._times.lifetime, max(self._times.cooldown, asked))

    def _tell(self, name: str, why: str) -> None:
        self._sink(Event(name, time.time(), details={"host": self._host, "why": why[:200]}))
