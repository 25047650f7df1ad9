"""Every published schema has a name here, and every name has its schema."""

from __future__ import annotations

from importlib import import_module, resources

import pytest

from zerocity.protocols.ocpp.actions import (
    CALLED_BY,
    SENT_BY,
    actions,
    message_names,
    schema_name,
)
from zerocity.protocols.ocpp.schemas import schema
from zerocity.protocols.ocpp.versions import Role, Version

FOLDERS = {Version.V16: "v16", Version.V201: "v201", Version.V21: "v21"}


@pytest.mark.parametrize(
    ("version", "names", "messages"),
    [(Version.V16, 39, 78), (Version.V201, 64, 128), (Version.V21, 91, 181)],
)
def test_names_and_published_files_are_the_same(
    version: Version, names: int, messages: int
) -> None:
    folder = resources.files("ocpp") / FOLDERS[version] / "schemas"
    published = {entry.name.removesuffix(".json") for entry in folder.iterdir()}
    ours = {schema_name(version, *entry) for entry in message_names(version).values()}
    assert ours == published
    assert len(actions(version)) == names
    assert len(message_names(version)) == messages


@pytest.mark.parametrize("version", list(Version))
def test_what_a_schema_calls_itself_is_its_name_here(version: Version) -> None:
    for name, (action, kind) in message_names(version).items():
        root = schema(version, schema_name(version, action, kind))
        itself = root.get("$id") or root.get("title")
        if itself is None:  # the files of 2.0.1 do not name themselves
            continue
        own_name = itself.split(":")[-1]
        for ending, written_out in ((".req", "Request"), (".conf", "Response")):
            own_name = own_name.replace(ending, written_out)
        assert own_name == name


@pytest.mark.parametrize("version", list(Version))
def test_the_peer_library_names_the_same_actions(version: Version) -> None:
    theirs = {str(one) for one in import_module(f"ocpp.{FOLDERS[version]}.enums").Action}
    sent = SENT_BY[version, Role.STATION]
    assert actions(version) == theirs | sent


def test_every_action_is_started_by_someone_and_only_data_transfer_by_both() -> None:
    for version in Version:
        station, csms = CALLED_BY[version, Role.STATION], CALLED_BY[version, Role.CSMS]
        assert station & csms == {"DataTransfer"}
        assert station | csms | SENT_BY[version, Role.STATION] == actions(version)


def test_only_the_stream_of_2_1_is_sent_without_an_answer() -> None:
    sending = {key: names for key, names in SENT_BY.items() if names}
    assert sending == {(Version.V21, Role.STATION): {"NotifyPeriodicEventStream"}}


def test_the_sides_are_each_other() -> None:
    assert Role.CSMS.other is Role.STATION
    assert Role.STATION.other is Role.CSMS
