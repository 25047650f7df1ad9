"""Rows of the store: keys that repeat for repeats, and lie together for a session."""

from __future__ import annotations

from core_cases import AT, City, event, started

from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.rows import canonical, clean, digest, session_prefix


def test_same_content_has_the_same_key() -> None:
    assert canonical({"b": 1, "a": [2]}) == canonical({"a": [2], "b": 1})
    assert digest(b"a", b"b") != digest(b"ab")


def test_messages_of_a_session_share_the_head_of_their_key() -> None:
    city = City(Version.V201)
    city.hear("TransactionEvent", started())
    city.hear("TransactionEvent", event("Updated", 1, 1.0, 1.0))
    city.hear("TransactionEvent", started("other"))
    keys = [key for _, key in city.table("messages")]
    prefix = session_prefix("A~tx")
    assert [key.startswith(prefix) for key in keys] == [True, True, False]
    assert all(len(key) == 48 for key in keys)
    row = next(iter(city.table("messages").values()))
    assert (row["action"], row["received_at"]) == ("TransactionEvent", AT)


def test_text_that_a_database_cannot_keep() -> None:
    assert clean("a\x00b") == "a\ufffdb"
    assert clean(None) is None
