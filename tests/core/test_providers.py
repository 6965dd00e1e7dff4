"""Every provider's key is masked wherever it stands, and what only looks a little like one is left alone."""

import random
import re
import string
import uuid

import pytest

from stopper.core.redaction.providers import FORMATS, PATTERNS, KeyFormat, first_format
from stopper.core.redactor import mask, tell_apart

_rng = random.Random(8)
_HEX = "0123456789abcdef"
_URL = string.ascii_letters + string.digits + "_-"


def made(chars: str, count: int) -> str:
    return "".join(_rng.choice(chars) for _ in range(count))


# Formats that are more than a mark and a run: one real shape each, the part that must go, and a twin that is no key.
SPECIAL: dict[str, tuple[str, str, str]] = {
    "OpenAI and those who write as it does": ("sk-" + (hidden := made(_URL[:62], 40) + "7"), hidden, "sk-learn"),
    "SendGrid": ("SG." + (hidden := made(_URL, 22) + "." + made(_URL, 43)), hidden, "SG.short.word"),
    "Terraform Cloud": ("abcd" + (hidden := made(_URL[:62], 10) + ".atlasv1." + made(_URL, 64)), hidden, "abcd.atlasv1.x"),
    "Airtable": ("patAbCd" + (hidden := made(_URL[:62], 10) + "." + made(_HEX, 64)), hidden, "pattern." + "a" * 20),
    "Plaid": ("access-production-" + (hidden := str(uuid.UUID(int=_rng.getrandbits(128)))), hidden, "access-production-today"),
    "Twilio API key": ("SK" + (hidden := made(_HEX, 32)), hidden, "SKIPPED"),
    "Mailchimp": ("beef" + (hidden := made(_HEX, 28) + "-us12"), hidden, made(_HEX, 32)),
    "Telegram bot": ("123456789:" + (hidden := "AA" + made(_URL, 33)), hidden, "12:AAA"),
    "Discord bot": ("MTAxN" + (hidden := made(_URL, 20) + "." + made(_URL, 6) + "." + made(_URL, 38)), hidden, "Main.method.run"),
    "HubSpot": ("pat-na1-" + (hidden := str(uuid.UUID(int=_rng.getrandbits(128)))), hidden, "pat-na1-x"),
    "LaunchDarkly": ("sdk-" + (hidden := str(uuid.UUID(int=_rng.getrandbits(128)))), hidden, "sdk-core-1.2.3"),
    "Azure AD client secret": ("abc8Q~" + (hidden := made(_URL, 34)), hidden, "abc8Q~x"),
    "Azure storage and service bus": ("AccountKey=" + (hidden := made(_URL[:62] + "+/", 86) + "=="), hidden, "AccountKey is missing"),
    "Azure shared access signature": ("https://x.blob.core.windows.net/a?sv=2&sig=" + (hidden := made(_URL[:62], 43) + "%3D"), hidden, "?sig=no"),
    "Microsoft Teams webhook": ("https://a.webhook.office.com/webhookb2/" + (hidden := f"{uuid.UUID(int=7)}@{uuid.UUID(int=8)}/IncomingWebhook/{made(_HEX, 32)}"), hidden, "https://a.webhook.office.com/help"),
    "Discord webhook": ("https://discord.com/api/webhooks/12345678901234567/" + (hidden := made(_URL, 68)), hidden, "https://discord.com/api/webhooks/"),
    "Slack webhook": ("https://hooks.slack.com/services/" + (hidden := "T0AB/B0CD/" + made(_URL[:62], 24)), hidden, "https://hooks.slack.com/services/"),
    "PayPal Braintree": ("access_token$production$" + (hidden := made(_HEX, 16) + "$" + made(_HEX, 32)), hidden, "access_token$sandbox$"),
    "Mapbox": ("sk." + (hidden := "eyJ" + made(_URL, 60) + "." + made(_URL, 22)), hidden, "sk.eyJ"),
    "OpenShift": ("sha256~" + (hidden := made(_URL, 43)), hidden, "sha256~"),
}  # fmt: skip


def samples(one: KeyFormat) -> tuple[tuple[str, str, str], ...]:
    if one.pattern:
        return (SPECIAL[one.provider],)
    chars = "".join(char for char in map(chr, range(33, 127)) if char != "=" and re.fullmatch(f"[{one.body}]", char))
    # The last character is no sign, so that the border behind it is seen.
    return tuple(
        (mark + (hidden := made(chars, one.least - 1) + chars[-5]), hidden, mark + chars[0] * 2) for mark in one.marks
    )


def test_there_are_sixty_and_more() -> None:
    assert len(FORMATS) >= 60
    assert len({one.provider for one in FORMATS}) == len(FORMATS)
    assert all(one.source for one in FORMATS)
    assert len(PATTERNS) == len(FORMATS)


@pytest.mark.feature("F17")
@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.provider)
def test_the_key_goes_and_its_mark_stays(one: KeyFormat) -> None:
    for key, hidden, _ in samples(one):
        for text in (
            key,
            f"call with {key} failed",
            f'{{"x": "{key}"}}',
            f"url/{key}?a=1",
            f"<{key}>",
            f"line\n{key}\n",
        ):
            shown = mask(text)
            assert hidden not in shown, (key, shown)
            assert "***" in shown
            assert mask(shown) == shown
        mark = next((mark for mark in one.marks if key.startswith(mark)), "")
        assert mask(key).startswith(mark)


@pytest.mark.feature("F17")
@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.provider)
def test_its_twin_is_left_alone(one: KeyFormat) -> None:
    for key, _, twin in samples(one):
        assert mask(f"see {twin} for more") == f"see {twin} for more"
        if one.marks and "." not in key:
            inside = f"x{key}"  # in the middle of a word a mark means nothing
            assert PATTERNS[FORMATS.index(one)].search(inside) is None


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.provider)
def test_the_quick_look_finds_what_all_patterns_find(one: KeyFormat) -> None:
    """A wrong hint would hide a format; the first in order wins, as without the quick look."""
    for key, _, twin in samples(one):
        for text in (f"call with {key} failed", f"see {twin} for more"):
            slow = next((found for pattern in PATTERNS if (found := pattern.search(text))), None)
            quick = first_format(text)
            assert (quick and quick.span()) == (slow and slow.span())
        assert first_format(f"call with {key} failed") is not None


def test_two_lines_about_one_key_can_be_told() -> None:
    first, second = "ghp_" + "a1" * 18, "ghp_" + "b2" * 18
    shown = [mask(f"used {key}", tell_apart) for key in (first, first, second)]
    assert shown[0] == shown[1] != shown[2]
    assert re.fullmatch(r"used ghp_\*\*\*sha256:[0-9a-f]{8}", shown[0])
    assert mask(shown[0], tell_apart) == shown[0]
    assert mask("password=hunter2", tell_apart) == "password=***"
