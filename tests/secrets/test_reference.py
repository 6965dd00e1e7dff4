"""A reference says where a secret lies and is none itself; whatever is not one is refused without being shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopper.core.errors import SettingError
from stopper.secrets import NotAReferenceError, Secrets, parse
from stopper.secrets.declaration import declared_secrets
from stopper.secrets.reference import SCHEMES

WORD = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=12)
KEY = st.one_of(st.just(""), WORD)
PATHS = {
    "env": st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True),
    "file": st.lists(WORD, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts)),
    "vault": st.lists(WORD, min_size=2, max_size=4).map("/".join),
    "aws": st.from_regex(r"[A-Za-z0-9/_+=.@-]{1,40}", fullmatch=True),
    "azure": st.from_regex(r"[a-z][a-z0-9-]{2,20}/[A-Za-z0-9-]{1,30}(/[0-9a-f]{32})?", fullmatch=True),
    "gcp": st.from_regex(r"[a-z][a-z0-9-]{4,20}/[A-Za-z0-9_-]{1,30}(/versions/[0-9]{1,5})?", fullmatch=True),
}


@st.composite
def references(draw: st.DrawFn) -> str:
    scheme = draw(st.sampled_from(SCHEMES))
    key = draw(KEY)
    return f"{scheme}:{draw(PATHS[scheme])}" + (f"#{key}" if key else "")


@given(references())
def test_a_reference_gives_its_own_text_back(text: str) -> None:
    assert str(parse(text)) == text


@given(st.one_of(st.text(max_size=60), st.from_regex(r"(env|file|vault|aws|azure|gcp|x):.{0,40}", fullmatch=True)))
def test_any_text_is_a_reference_that_gives_itself_back_or_a_refusal(text: str) -> None:
    try:
        found = parse(text)
    except NotAReferenceError as wrong:
        refusal = str(wrong)
    else:
        assert str(found) == text
        assert found.scheme in SCHEMES
        return
    assert len(text) < 8 or text not in refusal


@given(st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), references()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["payments", "current", "previous", "previous_until", "a b", ""]), inner, max_size=4)),
    max_leaves=8,
))  # fmt: skip
def test_any_declaration_is_read_or_refused_alike_from_config_and_from_json(said: object) -> None:
    outcomes = []
    for shown in (said, json.dumps(said)):
        try:
            outcomes.append(declared_secrets(shown))
        except ValueError as refusal:
            outcomes.append(str(refusal))
    if not isinstance(said, str):
        assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "text",
    [
        "vault:kv", "vault:/kv/x", "vault:kv//x", "vault:kv/../sys/raw", "vault:kv/x?version=1", "vault:kv/%2e%2e/x", "vault:kv\\x/y",
        "env:", "env:A B", "env:A-B", "file:run/secrets/x", "file:", "azure:payments", "gcp:payments", "aws:", "s3:bucket/x",
        " env:A", "env:A ", "env:A\n", "env:A#", "env:A#b#c", "vault:kv/x\x00", "env:" + "A" * 2000, "",
    ],
)  # fmt: skip
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(NotAReferenceError):
        parse(text)


def test_a_secret_written_where_its_reference_belongs_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingError) as refused:
        Secrets({"payments": "sk_live_canary_0123456789"})
    assert "what stands for payments is not a reference such as env:" in str(refused.value)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["env:A"], "a mapping of names"),
        ("not json", "a mapping of names"),
        ({"two words": "env:A"}, "names are words"),
        ({"a": {"previous": "env:A"}}, '"previous_until"'),
        ({"a": {"current": "env:A", "previous": "env:B"}}, '"previous_until"'),
        ({"a": {"current": "env:A", "previous": "env:B", "previous_until": "soon"}}, "previous_until of a is a date"),
        ({"a": {"current": "env:A", "extra": 1}}, '"previous_until"'),
        ({"a": 5}, '"current"'),
    ],
)
def test_a_wrong_declaration_says_what_to_write(said: object, told: str) -> None:
    with pytest.raises(SettingError, match="the secrets of this service must be") as refused:
        Secrets(said)
    assert told in str(refused.value)
