"""Roles that bring others, and permissions that come with roles: declared once, no circle, nothing by guess."""

from typing import Any

import pytest
from tests.auth.test_policy import NOW

from stopper.auth.requirement import Requirement, Situation, permission, role
from stopper.auth.role_table import NO_ROLES, RoleTable, table_of
from stopper.core.errors import SettingError
from stopper.core.principal import Principal, frozen
from stopper.core.settings import Settings

CONFIG: dict[str, Any] = {
    "STOPPER_ROLE_HIERARCHY": {"admin": ["editor", "auditor"], "editor": ["reader"]},
    "STOPPER_ROLE_PERMISSIONS": {"editor": ["notes:write"], "reader": ["notes:read"], "bot": ["hooks:send"]},
}


def passes(rule: Requirement, table: RoleTable, *roles: str, **claims: Any) -> bool:
    principal = Principal("alice", "bearer", roles=frozenset(roles), claims=frozen(claims))  # type: ignore[arg-type]
    return rule.judge(Situation(principal, NOW, roles=table)) is None


def test_a_role_brings_the_ones_below_and_never_one_above() -> None:
    table = table_of(Settings(CONFIG, {}))
    assert all(passes(role(name), table, "admin") for name in ("admin", "editor", "auditor", "reader"))
    assert passes(role("reader", "auditor"), table, "admin")
    assert not passes(role("admin"), table, "editor", "reader", "auditor")
    assert not passes(role("editor"), table, "Admin")
    assert not passes(role("reader"), NO_ROLES, "admin")


def test_permissions_come_with_roles_and_add_to_the_claim() -> None:
    table = table_of(Settings(CONFIG, {}))
    assert passes(permission("notes:write", "notes:read"), table, "admin")
    assert not passes(permission("notes:write"), table, "reader")
    assert passes(permission("hooks:send", "x"), table, "bot", permissions=["x"])
    assert not passes(permission("hooks:send"), table, permissions="hooks:send")
    assert not passes(permission("hooks:send"), NO_ROLES, "bot")


def test_it_may_stand_in_the_environment() -> None:
    table = table_of(Settings({}, {"STOPPER_ROLE_HIERARCHY": '{"admin": ["reader"]}'}))
    assert passes(role("reader"), table, "admin")


@pytest.mark.parametrize(
    "circle", [{"a": ["a"]}, {"a": ["b"], "b": ["a"]}, {"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}]
)
def test_a_circle_is_refused_with_a_name_in_it(circle: dict[str, list[str]]) -> None:
    with pytest.raises(SettingError, match=r"circle through '[abc]'"):
        table_of(Settings({"STOPPER_ROLE_HIERARCHY": circle}, {}))


@pytest.mark.parametrize(
    "wrong", [[], "{", "[]", {"a": "b"}, {"a": [1]}, {"a": [""]}, {"": ["a"]}, {" a": ["b"]}, '{"a": [], "a": ["b"]}']
)
def test_what_is_no_table_is_refused(wrong: object) -> None:
    with pytest.raises(SettingError, match=r"STOPPER_ROLE_HIERARCHY in app.config must be a mapping"):
        Settings({"STOPPER_ROLE_HIERARCHY": wrong}, {})
