"""People and programs that use the platform: what each may do, and how each proves who it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from zerocity.errors import InputError
from zerocity.storage.live_tables import api_keys, users
from zerocity.storage.passwords import (
    LEAST_PASSWORD_SIGNS,
    SCRYPT_N,
    SCRYPT_P,
    SCRYPT_R,
    draw_secret,
    hash_password,
    is_old,
    matches,
)
from zerocity.storage.recorder import Row

# What may be asked for. `see_personal`: full vehicle numbers and positions.
_SEE = frozenset({"see"})
_OPERATE = frozenset(
    [
        "start_charging",
        "stop_charging",
        "reserve",
        "unlock",
        "swap",
        "set_limit",
        "edit_tokens",
        "edit_tariffs",
    ]
)
_MAINTAIN = frozenset(
    [
        "reset",
        "set_variables",
        "update_firmware",
        "fetch_logs",
        "trigger",
        "change_availability",
        "edit_work_orders",
        "edit_ledger",
        "der_control",
    ]
)
_ADMINISTER = frozenset(
    ["see_personal", "see_audit", "edit_users", "edit_stations", "edit_certificates", "back_up"]
)
ROLES: dict[str, frozenset[str]] = {
    "viewer": _SEE,
    "operator": _SEE | _OPERATE | {"trigger", "change_availability"},
    "technician": _SEE | _MAINTAIN | {"unlock", "start_charging", "stop_charging"},
    "admin": _SEE | _OPERATE | _MAINTAIN | _ADMINISTER,
    # Another platform that passes on what vehicles report; it may do nothing else here.
    "platform": frozenset({"report"}),
}
ACTIONS = frozenset[str]().union(*ROLES.values())
# GB/T 32960.3, platform login: what fits into the fields of user and password [bytes].
PLATFORM_NAME_SIGNS, PLATFORM_PASSWORD_SIGNS = 12, 20
_KEY_SIGNS = 43  # 32 random bytes in base64
# Checked where there is no such user, so that the answer takes as long as for a wrong password.
_NOBODY = f"scrypt${SCRYPT_N}${SCRYPT_R}${SCRYPT_P}${'A' * 22}==${'A' * 43}="


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    name: str
    role: str

    def may(self, action: str) -> bool:
        """True when the role permits the action; ValueError for an action that does not exist."""
        return may(self.role, action)


def may(role: str, action: str) -> bool:
    """True when a role permits an action; an unknown role permits nothing."""
    if action not in ACTIONS:
        raise ValueError(f"there is no action {action}")
    return action in ROLES.get(role, frozenset())


def new_user(name: str, password: str, role: str, at: datetime) -> Row:
    """Return the row of a new user, or of a changed one. InputError for what cannot be used."""
    if not name or len(name) > 64 or not name.isprintable() or name != name.strip():
        raise InputError("user name", repr(name), "1 to 64 printable signs")
    if role not in ROLES:
        raise InputError("role", role, f"one of {', '.join(ROLES)}")
    if len(password) < LEAST_PASSWORD_SIGNS:
        wanted = f"at least {LEAST_PASSWORD_SIGNS} signs"
        raise InputError("password", f"{len(password)} signs", wanted)
    if role == "platform":
        _refuse_long(name, password)
    values = {"role": role, "created_at": at, "disabled": False}
    return Row("users", {"name": name, "password_hash": hash_password(password), **values})


def _refuse_long(name: str, password: str) -> None:
    for where, text, most in (
        ("name of a platform", name, PLATFORM_NAME_SIGNS),
        ("password of a platform", password, PLATFORM_PASSWORD_SIGNS),
    ):
        if len(text) > most or not text.isascii():
            raise InputError(where, f"{len(text)} signs", f"at most {most} of ASCII")


def without(name: str, connection: sa.Connection, at: datetime) -> list[Row]:
    """Return the rows that shut a user out, API keys included; the name stays in the histories."""
    found = connection.scalars(sa.select(api_keys.c.hash).where(api_keys.c.user == name))
    rows = [Row("users", {"name": name, "disabled": True, "password_hash": None})]
    return rows + [Row("api_keys", {"hash": key, "expires_at": at}) for key in found]


def new_api_key(user: str, at: datetime, valid: timedelta) -> tuple[str, Row]:
    """Return a new key, to be shown once, and the row that knows it by its SHA-256."""
    key = f"zc_{draw_secret(_KEY_SIGNS)}"
    values = {"hash": key_hash(key), "user": user, "created_at": at, "expires_at": at + valid}
    return key, Row("api_keys", values)


def key_hash(key: str) -> str:
    """Return what is kept of an API key: SHA-256, 64 hexadecimal digits."""
    return hashlib.sha256(key.encode()).hexdigest()


def by_key(connection: sa.Connection, key: str, at: datetime) -> User | None:
    """Return whose API key it is; None for an unknown or expired one, or a user shut out."""
    asked = (
        sa.select(users.c.name, users.c.role, api_keys.c.expires_at)
        .join(api_keys, api_keys.c.user == users.c.name)
        .where(api_keys.c.hash == key_hash(key), users.c.disabled.is_(False))
    )
    row = connection.execute(asked).first()
    if row is None or (row.expires_at is not None and row.expires_at <= at):
        return None
    return User(row.name, row.role)


def by_password(
    connection: sa.Connection, name: str, password: str
) -> tuple[User | None, Sequence[Row]]:
    """Return who signs in, or None; with rows to store where the password must be hashed anew.

    Takes some 50 ms: call it outside an event loop.
    """
    asked = sa.select(users.c.role, users.c.password_hash).where(
        users.c.name == name, users.c.disabled.is_(False)
    )
    row = connection.execute(asked).first()
    kept = row.password_hash if row is not None and row.password_hash else _NOBODY
    right = matches(password, kept)
    if row is None or not right or kept is _NOBODY:
        return None, []
    fresh = {"name": name, "password_hash": hash_password(password)} if is_old(kept) else None
    return User(name, row.role), [Row("users", fresh)] if fresh else []
