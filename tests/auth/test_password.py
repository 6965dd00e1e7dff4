"""What a password may be, that every attempt costs one hash, and that a crowd of them cannot stop the process."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from hypothesis import given
from hypothesis import strategies as st

from stopper.auth import password as passwords
from stopper.auth.common_password import is_common, listed
from stopper.auth.password import Passwords, argon2id, context_words, refusal, unusable
from stopper.core.errors import StoreUnavailableError

GOOD = "violet harbour teapot crane"


class Counting:
    """Counts what is really computed."""

    def __init__(self, inner: PasswordHasher | None = None) -> None:
        self._inner = inner or PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self.computed = 0
        self.at_once = 0
        self.most_at_once = 0
        self.wait: threading.Event | None = None
        self._lock = threading.Lock()

    def _run(self, work):
        with self._lock:
            self.computed += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.wait is not None:
                self.wait.wait(20)
            return work()
        finally:
            with self._lock:
                self.at_once -= 1

    def hash(self, password):
        return self._run(lambda: self._inner.hash(password))

    def verify(self, hash, password):
        if not hash.startswith("$argon2"):
            return self._inner.verify(hash, password)  # refused without computing anything
        return self._run(lambda: self._inner.verify(hash, password))

    def check_needs_rehash(self, hash):
        return self._inner.check_needs_rehash(hash)


def test_the_parameters_are_owasps_and_written_down() -> None:
    made = extract_parameters(Passwords().hash(GOOD))
    assert (made.type, made.memory_cost, made.time_cost, made.parallelism) == (Type.ID, 19_456, 2, 1)
    assert (made.hash_len, made.salt_len) == (32, 16)


def test_right_and_wrong() -> None:
    kept = Passwords(hasher=Counting())
    stored = kept.hash(GOOD)
    assert kept.compare(GOOD, stored).right
    assert not kept.compare(GOOD + "!", stored).right
    assert not kept.compare(GOOD, None).right


@pytest.mark.parametrize("stored", ["right", "wrong", None, "not-a-hash", "$argon2id$broken", ""])
def test_every_attempt_computes_exactly_one_hash(stored: str | None) -> None:
    """Enumeration by time: found, missing, wrong, damaged all cost the same (Django #20760, CVE-2025-13473)."""
    counting = Counting()
    kept = Passwords(hasher=counting)
    known = {"right": kept.hash(GOOD), "wrong": kept.hash("another password here")}
    counting.computed = 0
    kept.compare(GOOD, known.get(stored or "", stored))
    assert counting.computed == 1


def test_nobody_has_the_dummy_password() -> None:
    kept = Passwords(hasher=Counting())
    assert not kept.compare("", None).right
    assert not kept.compare(GOOD, None).right


def test_grown_parameters_give_a_new_hash_for_a_right_password_only() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    kept = Passwords(hasher=PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    stored = weak.hash(passwords.encoded(GOOD))
    assert kept.compare("wrong password, sadly", stored).new_hash is None
    renewed = kept.compare(GOOD, stored).new_hash
    assert renewed is not None
    assert kept.compare(GOOD, renewed) == passwords.Attempt(True, None)


def test_composed_and_decomposed_letters_are_one_password() -> None:
    kept = Passwords(hasher=Counting())
    assert kept.compare("café am tor zwölf", kept.hash("cafe\u0301 am tor zwo\u0308lf")).right


def test_never_more_hashes_at_once_than_places() -> None:
    counting = Counting()
    kept = Passwords(places=2, patience=20, hasher=counting)
    stored = kept.hash(GOOD)
    counting.most_at_once = 0
    with ThreadPoolExecutor(16) as pool:
        assert all(attempt.right for attempt in pool.map(lambda _: kept.compare(GOOD, stored), range(32)))
    assert counting.most_at_once <= 2


def test_a_crowd_gets_503_before_any_hash() -> None:
    counting = Counting()
    kept = Passwords(places=1, patience=0.05, hasher=counting)
    stored = kept.hash(GOOD)
    counting.wait = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(kept.compare, GOOD, stored)
        while not counting.at_once:
            time.sleep(0.001)
        before = counting.computed
        with pytest.raises(StoreUnavailableError) as raised:
            kept.compare(GOOD, stored)
        assert counting.computed == before
        assert raised.value.retry_after > 0
        counting.wait.set()
        assert first.result().right
    assert kept.compare(GOOD, stored).right


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("", "empty"),
        ("x" * 1025, "1024"),
        ("é" * 600, "1024"),
        ("long enough \x00 password", "NUL"),
        ("long enough \ud800 password", "half"),
        ("short", "15"),
        ("x" * 14, "15"),
        ("passwordpassword", "guess"),
        ("P4ssw0rd!P4ssw0rd!", "guess"),
        ("Summer2026Summer!!", "guess"),
        ("qwertyuiopasdfghj", "guess"),
        ("123456789012345678", "guess"),
        ("abababababababababab", "guess"),
        ("iloveyouforever1", "guess"),
        ("annbeispiel-stopper", "guess"),
        ("Ann.Beispiel.2026!", "guess"),
    ],
)
def test_what_is_refused_says_why(password: str, word: str) -> None:
    said = refusal(password, context=context_words("ann.beispiel@example.com", "https://auth.example.com"))
    assert said is not None
    assert word in said


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "Zx9!kq_72mLpW-e4",
        "lampe fluss wolke turm",
        "ein ganz langer Satz mit Punkt.",
        "🍋" * 4 + " lemon grove path",
    ],
)
def test_what_is_taken(password: str) -> None:
    assert refusal(password, context=context_words("ann@example.com", "https://auth.example.com")) is None


def test_with_a_second_factor_eight_characters_do() -> None:
    assert refusal("kx8wq2mz", least=8) is None


def test_the_list_has_a_thousand_entries_without_doubles() -> None:
    assert len(listed()) >= 1000


@given(st.text(max_size=2000))
def test_any_text_is_judged(text: str) -> None:
    assert unusable(text) is None or refusal(text) is not None
    is_common(text, ("example",))


@given(st.sampled_from(sorted(listed())), st.sampled_from(["", "!", "1", "2026", "123", "!!"]))
def test_listed_words_stay_common_with_a_tail_or_twice(word: str, tail: str) -> None:
    assert is_common(word)
    assert is_common((word + tail).upper())


def test_the_hash_in_force_is_argon2id() -> None:
    assert argon2id().type is Type.ID
