"""Users sign in by password or API key, and may do what their role permits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from zerocity.errors import InputError
from zerocity.storage import passwords, users
from zerocity.storage.live_tables import api_keys
from zerocity.storage.recorder import write_now
from zerocity.storage.users import ACTIONS, ROLES, User, by_key, by_password, may, new_api_key
from zerocity.storage.users import new_user as made_user

AT = datetime(2026, 5, 1, tzinfo=UTC)
PASSWORD = "correct horse battery"


@pytest.fixture
def engine(engine: sa.Engine) -> sa.Engine:
    write_now(engine, [made_user("li", PASSWORD, "operator", AT)])
    return engine


def test_a_password_signs_in(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert by_password(connection, "li", PASSWORD) == (User("li", "operator"), [])
        for name, password in (("li", "wrong"), ("wang", PASSWORD), ("", ""), ("li", "")):
            assert by_password(connection, name, password) == (None, [])


def test_a_password_stretched_less_is_hashed_anew(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "SCRYPT_N", 1 << 15)
    with engine.connect() as connection:
        user, rows = by_password(connection, "li", PASSWORD)
    assert user is not None
    write_now(engine, rows)
    with engine.connect() as connection:
        assert by_password(connection, "li", PASSWORD) == (user, [])


def test_a_key_signs_in_until_it_expires(engine: sa.Engine) -> None:
    key, row = new_api_key("li", AT, timedelta(days=1))
    write_now(engine, [row])
    with engine.connect() as connection:
        assert by_key(connection, key, AT) == User("li", "operator")
        assert by_key(connection, key, AT + timedelta(days=1)) is None
        assert by_key(connection, key[:-1], AT) is None
        assert key not in str(connection.execute(sa.select(api_keys)).all())


@pytest.mark.parametrize(
    ("name", "password"), [("n" * 13, "p" * 20), ("n", "p" * 21), ("城", "p" * 20)]
)
def test_a_platform_has_a_name_and_password_that_its_login_can_hold(
    name: str, password: str
) -> None:
    with pytest.raises(InputError, match="platform"):
        made_user(name, password, "platform", AT)
    assert made_user("n" * 12, "p" * 20, "platform", AT).values["role"] == "platform"


def test_a_user_shut_out_has_neither_password_nor_key(engine: sa.Engine) -> None:
    key, row = new_api_key("li", AT, timedelta(days=1))
    write_now(engine, [row])
    with engine.connect() as connection:
        rows = users.without("li", connection, AT)
    write_now(engine, rows)
    with engine.connect() as connection:
        assert by_password(connection, "li", PASSWORD)[0] is None
        assert by_key(connection, key, AT - timedelta(hours=1)) is None


def test_roles_are_a_table_of_actions() -> None:
    assert list(ROLES) == ["viewer", "operator", "technician", "admin", "platform"]
    assert [action for action in ACTIONS if not may("admin", action)] == ["report"]
    assert [a for a in sorted(ACTIONS) if may("platform", a)] == ["report"]
    assert [a for a in sorted(ACTIONS) if may("viewer", a)] == ["see"]
    assert may("operator", "start_charging")
    assert not may("operator", "update_firmware")
    assert not may("technician", "edit_users")
    assert not may("stranger", "see")
    assert User("li", "technician").may("update_firmware")
    with pytest.raises(ValueError, match="no action fly"):
        may("admin", "fly")


@pytest.mark.parametrize(
    ("name", "password", "role", "where"),
    [
        ("", PASSWORD, "viewer", "user name"), (" a", PASSWORD, "viewer", "user name"),
        ("a\n", PASSWORD, "viewer", "user name"), ("a" * 65, PASSWORD, "viewer", "user name"),
        ("a", "short", "viewer", "password"), ("a", PASSWORD, "king", "role"),
    ],
)  # fmt: skip
def test_a_user_that_cannot_be_made(name: str, password: str, role: str, where: str) -> None:
    with pytest.raises(InputError, match=where) as caught:
        made_user(name, password, role, AT)
    assert password not in str(caught.value)
