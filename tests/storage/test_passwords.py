"""Secrets are kept as what they can be checked against."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.storage import passwords
from zerocity.storage.passwords import draw_secret, hash_drawn, hash_password, is_old, matches

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@settings(max_examples=5)
@given(WORDS, WORDS)
def test_only_the_password_itself_matches(password: str, other: str) -> None:
    kept = hash_password(password)
    assert matches(password, kept)
    assert matches(other, kept) == (password == other)


@given(WORDS, WORDS)
def test_only_the_drawn_secret_itself_matches(secret: str, other: str) -> None:
    kept = hash_drawn(secret)
    assert matches(secret, kept)
    assert matches(other, kept) == (secret == other)


def test_the_same_password_is_kept_differently_each_time() -> None:
    assert hash_password("correct horse") != hash_password("correct horse")
    assert hash_drawn("correct horse") != hash_drawn("correct horse")


def test_neither_form_holds_the_secret() -> None:
    assert "correct horse" not in hash_password("correct horse") + hash_drawn("correct horse")


@pytest.mark.parametrize(
    "kept",
    [None, "", "plain", "scrypt$1$2$3$x$y", "scrypt$0$8$1$AAAA$AAAA", "sha256$!$!", "md5$a$b",
     "scrypt$16384$8", "sha256$AAAA"],
)  # fmt: skip
def test_what_is_not_understood_matches_nothing(kept: str | None) -> None:
    assert not matches("", kept)
    assert not matches("plain", kept)


def test_an_endless_password_is_not_stretched() -> None:
    assert not matches("x" * 257, hash_drawn("x" * 257))


def test_the_parameters_of_old_passwords_are_kept_with_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = hash_password("correct horse")
    monkeypatch.setattr(passwords, "SCRYPT_N", 1 << 15)
    assert matches("correct horse", old)
    assert is_old(old)
    assert not is_old(hash_password("correct horse"))
    assert not is_old(hash_drawn("x"))


def test_drawn_secrets_differ_and_have_the_length_asked_for() -> None:
    drawn = {draw_secret() for _ in range(100)}
    assert len(drawn) == 100
    assert {len(secret) for secret in drawn} == {32}
    assert len(draw_secret(43)) == 43
