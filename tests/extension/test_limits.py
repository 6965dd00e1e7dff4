"""Limits before routes: who is counted, what the answer says, and the ways around that are none."""

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView
from tests.extension.made import Made, bearer_header, forged

from stopper import PolicyError, Principal, SettingError, Stopper, api_key, bearer, limit, public, scope, tenant
from stopper.extension.limits_count import RequestLimits

REMOTE = {"REMOTE_ADDR": "203.0.113.7"}


def _route(made: Made, path: str, rule: Any, *limits: Any, name: str = "") -> None:
    def both(view: Any) -> Any:
        for one in limits:
            view = one(view)
        return rule(view)

    made.route(path, both, name)


def _codes(made: Made, path: str, *shown: tuple[str, str], times: int, **options: Any) -> list[int]:
    return [made.get(path, *shown, **options).status_code for _ in range(times)]


@pytest.fixture
def made() -> Made:
    return Made()


def _from(address: str, **other: str) -> dict[str, Any]:
    return {"environ_overrides": {"REMOTE_ADDR": address, **other}}


# -- what the answer says --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["3/hour", "3/hour sliding"])
def test_a_limit_lets_pass_and_then_refuses_with_what_is_left(made: Made, said: str) -> None:
    _route(made, "/notes", public, limit(said, by="address"))
    first, _, third, fourth = (made.get("/notes") for _ in range(4))
    assert [first.status_code, third.status_code, fourth.status_code] == [200, 200, 429]
    assert first.headers["RateLimit-Policy"] == '"address";q=3;w=3600'
    assert re.fullmatch(r'"address";r=2;t=\d+', first.headers["RateLimit"])
    assert re.fullmatch(r'"address";r=0;t=\d+', third.headers["RateLimit"])
    assert 0 < int(fourth.headers["Retry-After"]) <= 3900
    assert re.fullmatch(rf'"address";r=0;t={fourth.headers["Retry-After"]}', fourth.headers["RateLimit"])
    assert fourth.json == {
        "type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": "Too many requests; try again later.",
    }  # fmt: skip
    assert fourth.headers["Cache-Control"] == "no-store"
    assert "WWW-Authenticate" not in fourth.headers


def test_several_limits_are_all_told(made: Made) -> None:
    _route(
        made, "/notes", bearer, limit("10/second, 2/hour", by="principal"), limit("100/day", by="address"),
    )  # fmt: skip
    answer = made.get("/notes", bearer_header())
    assert answer.headers["RateLimit-Policy"] == (
        '"address";q=100;w=86400, "principal";q=10;w=1, "principal-2";q=2;w=3600'
    )
    assert re.findall(r'"([a-z0-9-]+)";r=(\d+)', answer.headers["RateLimit"]) == [
        ("address", "99"), ("principal", "9"), ("principal-2", "1"),
    ]  # fmt: skip
    assert _codes(made, "/notes", bearer_header(), times=2) == [200, 429]


def test_a_route_without_a_limit_says_nothing(made: Made) -> None:
    made.route("/notes", bearer)
    answer = made.get("/notes", bearer_header())
    assert not [name for name in answer.headers.keys() if name.lower().startswith("ratelimit")]  # noqa: SIM118 - pairs


# -- who is counted --------------------------------------------------------------------------------------------------------------


def test_the_setting_counts_one_client_over_all_routes() -> None:
    made = Made({"STOPPER_RATE_LIMIT": "3/hour"})
    _route(made, "/a", bearer)
    _route(made, "/b", public)
    _route(made, "/own", bearer, limit("1/hour"))
    alice, bob = bearer_header(sub="alice"), bearer_header(sub="bob")
    assert _codes(made, "/a", alice, times=4) == [200, 200, 200, 429]
    assert _codes(made, "/a", bob, times=1) == [200]
    assert _codes(made, "/b", times=4) == [200, 200, 200, 429], "who is not known, by the address"
    assert _codes(made, "/own", alice, times=2) == [200, 429], "a limit of its own stands in the place of the setting"


def test_a_new_token_of_the_same_person_is_the_same_client(made: Made) -> None:
    _route(made, "/a", bearer, limit("2/hour", by="principal"))
    assert [made.get("/a", bearer_header(jti=f"id-{number}")).status_code for number in range(3)] == [200, 200, 429]


def test_own_tokens_sessions_and_keys_of_one_person_count_together() -> None:
    """And the token of another issuer who has the same name does not."""
    limits = RequestLimits(None, own_issuers=frozenset({"https://own.example"}))
    shown = (
        Principal("alice", "bearer", claims={"iss": "https://own.example"}),
        Principal("alice", "browser_session"),
        Principal("alice", "api_key", credential_id="k"),
    )
    assert len({limits._of_principal("principal", one) for one in shown}) == 1
    foreign = Principal("alice", "bearer", claims={"iss": "https://other.example"})
    assert limits._of_principal("principal", foreign) != limits._of_principal("principal", shown[0])


def test_by_tenant(made: Made) -> None:
    _route(made, "/t/<tenant>", bearer & tenant(), limit("2/hour", by="tenant"))
    codes = [
        made.get(f"/t/{place}", bearer_header(sub=who, tenant=place)).status_code
        for who, place in (("a", "x"), ("b", "x"), ("c", "x"), ("d", "y"))
    ]
    assert codes == [200, 200, 429, 200]


def test_by_route_counts_everybody_but_no_refused_credential(made: Made) -> None:
    _route(made, "/a", bearer, limit("2/hour", by="route"))
    assert set(_codes(made, "/a", bearer_header(forged()), times=9, **_from("198.51.100.1"))) == {401, 429}
    codes = [made.get("/a", bearer_header(sub=who)).status_code for who in "abc"]
    assert codes == [200, 200, 429], "strangers use up nothing of it"


def test_by_key_and_the_keys_own_limit(made: Made) -> None:
    _route(made, "/a", api_key)
    _route(made, "/b", api_key, limit("1/hour", by="key"))
    key = made.keys.issue("alice", name="x", rate_limit="2/hour").key.reveal()
    other = made.keys.issue("alice", name="y").key.reveal()
    assert _codes(made, "/a", ("X-API-Key", key), times=3) == [200, 200, 429]
    assert _codes(made, "/a", ("X-API-Key", other), times=5) == [200] * 5
    answer = made.get("/a", ("X-API-Key", key))
    assert answer.headers["RateLimit-Policy"] == '"api-key";q=2;w=3600'
    assert _codes(made, "/b", ("X-API-Key", other), times=2) == [200, 429]
    third = made.keys.issue("alice", name="z").key.reveal()
    assert _codes(made, "/b", ("X-API-Key", third), times=1) == [200]


def test_a_keys_own_limit_counts_where_it_stands_beside_a_token(made: Made) -> None:
    _route(made, "/a", bearer & api_key)
    key = made.keys.issue("user-1", name="x", rate_limit="1/hour").key.reveal()
    assert _codes(made, "/a", bearer_header(), ("X-API-Key", key), times=2) == [200, 429]


def test_a_key_and_the_tokens_that_it_gave_out_have_one_limit(made: Made) -> None:
    """By an own issuer that the application hands over, as the service does, too."""
    limits = made.app.extensions["stopper"].limits
    limits._own_issuers = frozenset({"https://own.example"})
    _route(made, "/a", public)
    key = Principal("alice", "api_key", claims={"stopper_rate_limit": "3/hour"}, credential_id="k")
    token = Principal(
        "alice", "bearer", claims={"stopper_rate_limit": "3/hour", "sid": "key:k", "iss": "https://own.example"}
    )
    foreign = Principal("alice", "bearer", claims={**token.claims, "iss": "https://other.example"})
    with made.app.test_request_context("/a") as context:
        found = [limits.count((), context.request, one, known=True)[0] for one in (key, token, foreign, key, token)]
    assert [refusal is None for refusal in found] == [True, True, True, True, False]


def test_two_keys_side_by_side_are_both_counted(made: Made) -> None:
    """A token of a key with a wide limit, shown beside a key with a narrow one, does not step round the narrow one."""
    limits = made.app.extensions["stopper"].limits
    narrow = Principal("alice", "api_key", claims={"stopper_rate_limit": "1/hour"}, credential_id="b")
    wide = Principal("alice", "bearer", claims={"stopper_rate_limit": "9/hour, 99/day", "sid": "key:a"}, also=narrow)
    with made.app.test_request_context("/") as context:
        found = [limits.count((), context.request, wide, known=True)[0] for _ in range(2)]
        policies = dict(context.request.environ["stopper.limits"])["RateLimit-Policy"]
    assert [refusal and refusal.reason for refusal in found] == [None, "limit-api-key-3"]
    assert policies == '"api-key";q=9;w=3600, "api-key-2";q=99;w=86400, "api-key-3";q=1;w=3600'


def test_pages_of_allowed_origins_may_read_what_is_left() -> None:
    made = Made({"STOPPER_CORS_ORIGINS": "https://app.example.com"})
    _route(made, "/a", public, limit("1/hour"))
    for status in (200, 429):
        answer = made.get("/a", ("Origin", "https://app.example.com"))
        assert answer.status_code == status
        assert "RateLimit" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Expose-Headers" not in made.get("/a", ("Origin", "https://other.example")).headers


def test_a_limit_of_a_key_that_nobody_can_read_opens_nothing(made: Made) -> None:
    _route(made, "/a", bearer)
    assert _codes(made, "/a", bearer_header(stopper_rate_limit="lots"), times=1) == [401]
    assert _codes(made, "/a", bearer_header(stopper_rate_limit=[1]), times=1) == [401]


def test_refused_credentials_count_for_their_address(made: Made) -> None:
    """And not for the person whose token they pretend to be: nobody is locked out by a stranger."""
    _route(made, "/a", bearer, limit("2/hour"))
    assert _codes(made, "/a", bearer_header(forged()), times=4) == [401, 401, 429, 429]
    assert _codes(made, "/a", times=1) == [429], "the address has no more"
    assert _codes(made, "/a", bearer_header(), times=2) == [200, 200]


def test_an_address_over_its_limit_is_refused_before_anything_is_read(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    _route(made, "/a", bearer, limit("2/hour", by="address"))
    assert _codes(made, "/a", bearer_header(), times=3) == [200, 200, 429]
    monkeypatch.setattr("stopper.auth.verifier.Verifier.verify", None)
    assert _codes(made, "/a", bearer_header(forged()), times=3) == [429] * 3
    assert made.get("/a", bearer_header(forged())).headers["RateLimit"].startswith('"address";r=0;t=')


def test_head_counts_with_get(made: Made) -> None:
    _route(made, "/a", public, limit("2/hour"))
    codes = [made.get("/a", method=method).status_code for method in ("GET", "HEAD", "GET", "HEAD")]
    assert codes == [200, 200, 429, 429]


def test_many_urls_of_one_route_are_one_counter(made: Made) -> None:
    _route(made, "/a/<int:number>", public, limit("2/hour"))
    assert [made.get(f"/a/{number}").status_code for number in range(3)] == [200, 200, 429]


def test_a_class_its_handlers_and_what_decorates_it_all_count() -> None:
    made = Made()

    @public
    @limit("3/hour")
    class Notes(MethodView):
        decorators = [limit("100/day")]  # noqa: RUF012 - as Flask has it

        @limit("1/hour")
        def get(self) -> str:
            return "g"

        def post(self) -> str:
            return "p"

    made.app.add_url_rule("/n", view_func=Notes.as_view("notes"))
    codes = [made.get("/n", method=method).status_code for method in ("GET", "HEAD", "POST", "POST", "POST")]
    assert codes[:2] == [200, 429]
    assert codes[2:] == [200, 429, 429], (
        "the class counts all three hours' worth, refused ones that it had let through too"
    )
    assert (
        made.get("/n", method="POST").headers["RateLimit-Policy"]
        == '"principal";q=100;w=86400, "principal-2";q=3;w=3600'
    )


@pytest.mark.parametrize("order", [[limit("1/hour"), bearer], [bearer, limit("1/hour")]])
def test_the_order_of_decorators_changes_nothing(made: Made, order: list[Any]) -> None:
    def view() -> str:
        return "ok"

    for one in order:
        view = one(view)
    made.app.add_url_rule("/a", "a", view)
    assert _codes(made, "/a", bearer_header(), times=2) == [200, 429]


def test_a_blueprint_is_counted_together_and_own_limits_go_first(made: Made) -> None:
    blueprint = Blueprint("notes", __name__)
    for name in ("a", "b"):
        blueprint.add_url_rule(f"/{name}", name, public(lambda: "ok"))
    blueprint.add_url_rule("/own", "own", limit("1/hour")(public(lambda: "ok")))
    made.stopper.limit(blueprint, limit("2/hour", by="address"))
    made.app.register_blueprint(blueprint)
    made.route("/elsewhere", public)
    assert [made.get(path).status_code for path in ("/a", "/b", "/a", "/own", "/own", "/elsewhere")] == [
        200, 200, 429, 200, 429, 200,
    ]  # fmt: skip


def test_a_glob(made: Made) -> None:
    made.route("/a", public, "x.a")
    made.route("/b", public, "x.b")
    assert made.get("/a").status_code == 200
    made.stopper.limit("x.*", limit("1/hour"))
    assert [made.get(path).status_code for path in ("/a", "/b")] == [200, 429]


def test_files_are_counted_by_a_limit_of_their_own_alone(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("")
    made = Made({"STOPPER_RATE_LIMIT": "1/hour"})
    made.app.static_folder = str(tmp_path)
    made.stopper.cover("static", public)

    def status() -> int:
        with made.get("/static/a.css") as answer:
            return int(answer.status_code)

    assert [status() for _ in range(3)] == [200] * 3
    made.stopper.limit("static", limit("1/hour"))
    assert [status() for _ in range(2)] == [200, 429]


def test_automatic_options_costs_nothing(made: Made) -> None:
    _route(made, "/a", public, limit("1/hour"))
    assert [made.get("/a", method="OPTIONS").status_code for _ in range(3)] == [200] * 3
    assert made.get("/a").status_code == 200


def test_a_request_without_the_right_counts(made: Made) -> None:
    _route(made, "/a", bearer & scope("never"), limit("2/hour", by="principal"))
    assert _codes(made, "/a", bearer_header(), times=3) == [403, 403, 429]


# -- ways around -----------------------------------------------------------------------------------------------------------------


def test_forwarded_headers_of_strangers_give_no_new_address(made: Made) -> None:
    _route(made, "/a", public, limit("2/hour", by="address"))
    codes = [
        made.get("/a", ("X-Forwarded-For", f"192.0.2.{number}"), ("Forwarded", f"for=192.0.2.{number}"),
                 ("X-Real-IP", f"192.0.2.{number}"), ("CF-Connecting-IP", f"192.0.2.{number}")).status_code
        for number in range(4)
    ]  # fmt: skip
    assert codes == [200, 200, 429, 429]


def test_behind_a_trusted_proxy_the_client_is_counted_and_what_it_forwards_is_not() -> None:
    made = Made({"STOPPER_TRUSTED_PROXIES": "10.0.0.0/8"})
    _route(made, "/a", public, limit("1/hour", by="address"))
    codes = [
        made.get("/a", ("X-Forwarded-For", said), **_from("10.0.0.1")).status_code
        for said in ("203.0.113.1", "1.2.3.4, 203.0.113.1", "8.8.8.8,203.0.113.1", "203.0.113.2")
    ]
    assert codes == [200, 429, 429, 200]


def test_one_household_is_one_address(made: Made) -> None:
    _route(made, "/a", public, limit("2/hour", by="address"))
    codes = [
        made.get("/a", **_from(address)).status_code
        for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2:3::", "2001:db8:1:3::1")
    ]
    assert codes == [200, 200, 429, 200]
    mapped = [
        made.get("/a", **_from(address)).status_code for address in ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1")
    ]
    assert mapped == [200, 200, 429]


@pytest.mark.parametrize("address", ["", "unix:", "\x00", "x" * 100_000, "ü"])
def test_an_address_that_is_none_is_counted_all_the_same(made: Made, address: str) -> None:
    _route(made, "/a", public, limit("1/hour", by="address"))
    assert [made.get("/a", **_from(said)).status_code for said in (address, address, "")] == [200, 429, 429]


@pytest.mark.parametrize("subject", ["x" * 200, "ü\u202e", "a|b", "\U0001f6d1"])
def test_a_strange_subject_is_one_key_of_fixed_size(made: Made, subject: str) -> None:
    _route(made, "/a", bearer, limit("1/hour", by="principal"))
    assert _codes(made, "/a", bearer_header(sub=subject), times=2) == [200, 429]
    (meter,) = made.app.extensions["stopper"].limits._own._meters.values()
    assert [len(key) for key in meter._due] == [32]


def test_a_subject_named_like_an_address_takes_nothing_from_it(made: Made) -> None:
    _route(made, "/a", bearer, limit("1/hour"))
    assert _codes(made, "/a", bearer_header(sub="127.0.0.1"), times=2) == [200, 429]
    assert _codes(made, "/a", bearer_header(forged()), times=2) == [401, 429]


def test_held_addresses_are_bounded(made: Made) -> None:
    _route(made, "/a", public, limit("1/hour", by="address"))
    limits: RequestLimits = made.app.extensions["stopper"].limits
    limits._held = {("m", str(number)): 1e18 for number in range(10_000)}
    assert _codes(made, "/a", times=3) == [200, 429, 429]
    assert len(limits._held) == 10_000


# -- declared wrongly ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["", "100", "lots", None, 5, "0/minute"])
def test_a_limit_that_is_none_is_refused(said: Any) -> None:
    with pytest.raises(PolicyError, match="such as 100/minute"):
        limit(said)


def test_by_something_else_is_refused() -> None:
    with pytest.raises(PolicyError, match="not by 'ip'"):
        limit("1/minute", by="ip")  # type: ignore[arg-type]


def test_what_cannot_carry_a_limit_is_refused(made: Made) -> None:
    with pytest.raises(PolicyError, match=r"stopper\.limit\(blueprint"):
        limit("1/minute")(Blueprint("x", __name__))  # type: ignore[type-var]
    with pytest.raises(PolicyError, match="cannot carry"):
        limit("1/minute")("x".upper)
    with pytest.raises(PolicyError, match="glob or a blueprint"):
        made.stopper.limit(5, limit("1/minute"))  # type: ignore[arg-type]
    with pytest.raises(PolicyError, match="after the endpoints"):
        made.stopper.limit("x.*")
    with pytest.raises(PolicyError):
        _ = bearer & limit("1/minute")  # type: ignore[operator]


@pytest.mark.parametrize("said", ["lots", 5, "1/fortnight", ["1/minute", "x"]])
def test_a_setting_that_is_no_limit_is_refused(said: Any) -> None:
    with pytest.raises(SettingError, match="STOPPER_RATE_LIMIT"):
        Made({"STOPPER_RATE_LIMIT": said})


# -- several processes -----------------------------------------------------------------------------------------------------------


def _several(config: dict[str, Any], *limits: Any) -> tuple[int, Made]:
    made = Made(config)
    _route(made, "/a", public, *limits)
    return made.get("/a", environ_overrides={"wsgi.multiprocess": True}).status_code, made


def test_several_processes_that_count_apart_are_refused_in_prod(caplog: pytest.LogCaptureFixture) -> None:
    status, _ = _several({"STOPPER_MODE": "prod"}, limit("1/hour"))
    assert status == 503
    assert "STOPPER_REDIS_URL" in caplog.text


def test_they_are_told_in_dev_and_silent_where_meant(caplog: pytest.LogCaptureFixture) -> None:
    assert _several({"STOPPER_MODE": "dev"}, limit("1/hour"))[0] == 200
    assert "rate-limit-per-process" in caplog.text
    caplog.clear()
    assert _several({"STOPPER_ALLOW_LIMITS_PER_PROCESS": True}, limit("1/hour"))[0] == 200
    assert _several({})[0] == 200
    assert "rate-limit-per-process" not in caplog.text


def test_a_keys_limit_in_several_processes_is_told_once(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    _route(made, "/a", api_key)
    key = made.keys.issue("alice", name="x", rate_limit="9/hour").key.reveal()
    with caplog.at_level(logging.WARNING, "stopper"):
        for _ in range(3):
            made.get("/a", ("X-API-Key", key), environ_overrides={"wsgi.multiprocess": True})
    assert caplog.text.count("rate-limit-per-process") == 1


def test_two_applications_of_one_stopper_count_apart() -> None:
    stopper = Stopper()
    apps = [Flask("one"), Flask("two")]
    for app in apps:
        stopper.init_app(app)
        app.add_url_rule("/", "x", public(lambda: "ok"))
    stopper.limit("x", limit("1/hour"))
    assert [app.test_client().get("/").status_code for app in (*apps, *apps)] == [200, 200, 429, 429]
