from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pyarrow.parquet
import pytest
from captures_made import Part, ethernet, ipv4, pcap, tcp
from typer.testing import CliRunner

from zerocity.cli import telemetry_decode
from zerocity.cli.main import app
from zerocity.errors import InputError
from zerocity.protocols.gbt32960 import blocks as b
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.frames import Command
from zerocity.protocols.gbt32960.lake_schema import LAKE_SCHEMA
from zerocity.protocols.gbt32960.message_writer import write

VIN = "LZYTAGBW2E1000001"
CLOCK = m.Clock(25, 10, 27, 20, 2, 2)
VEHICLE = b.Vehicle(1, 3, 1, 45.5, 1234.5, 350.0, -12.5, 88, 1, 0x2E, 5000, 30, 0)
REPORT = write(VIN, Command.REALTIME, m.Report(CLOCK, (VEHICLE, b.Alarm(2, 0b10))))
LOGOUT = write(VIN, Command.LOGOUT, m.Logout(CLOCK, 5))
BAD = REPORT[:-1] + bytes((REPORT[-1] ^ 1,))


def run(*words: object, stdin: bytes | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["telemetry", "decode", *map(str, words)], input=stdin)
    if isinstance(result.exception, InputError):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture
def hex_file(tmp_path: Path) -> Path:
    path = tmp_path / "frames.txt"
    path.write_text("\n".join(frame.hex() for frame in (REPORT, LOGOUT, BAD)) + "\nnonsense\n")
    return path


def test_reports_and_refused_frames_are_listed(hex_file: Path) -> None:
    code, text = run(hex_file)
    assert code == 0
    assert "4 frames of 1 vehicles: 1 reports, 1 others, 2 refused" in text
    assert "2025-10-27 12:02:02" in text
    assert "battery_hot" in text
    assert "bcc" in text
    assert VIN not in text
    assert "0001" in text


def test_the_vin_is_shown_when_asked_for(hex_file: Path) -> None:
    assert VIN in run(hex_file, "--show-vin")[1]


def test_json_lines_tell_everything(hex_file: Path) -> None:
    code, text = run(hex_file, "--json")
    records = [json.loads(line) for line in text.splitlines()]
    assert code == 0
    assert [record.get("message") for record in records] == ["Report", "Logout", None, None]
    assert records[0]["blocks"][0]["current_a"] == -12.5
    assert records[0]["vin"].endswith("0001")
    assert (records[2]["rule"], records[2]["offset"]) == ("bcc", len(BAD) - 1)
    assert (records[3]["rule"], records[3]["where"]) == ("text", "line 4")


def test_json_lines_come_in_by_standard_input() -> None:
    lines = "\n".join(json.dumps({"hex": frame.hex()}) for frame in (REPORT, LOGOUT))
    code, text = run("-", "--json", stdin=lines.encode())
    assert code == 0
    assert [json.loads(line)["command"] for line in text.splitlines()] == ["realtime", "logout"]


def test_parquet_has_the_schema_of_the_lake(hex_file: Path, tmp_path: Path) -> None:
    out, errors = tmp_path / "new" / "day.parquet", tmp_path / "refused.csv"
    code, text = run(hex_file, "--out", out, "--errors", errors, "--show-vin")
    assert code == 0
    assert str(out) in text.replace("\n", "")
    table = pyarrow.parquet.read_table(out)
    assert table.schema.equals(LAKE_SCHEMA)
    assert table["vin"].to_pylist() == [VIN]
    with errors.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["frame"], row["rule"], row["where"]) for row in rows] == [
        ("3", "bcc", "line 3"),
        ("4", "text", "line 4"),
    ]
    assert not list(tmp_path.rglob("*.partial"))


def test_a_folder_gets_reports_and_refused_frames(hex_file: Path, tmp_path: Path) -> None:
    run(hex_file, "--out", tmp_path / "lake")
    table = pyarrow.parquet.read_table(tmp_path / "lake" / "telemetry.parquet")
    assert table["vin"].to_pylist() == ["*" * 13 + "0001"]
    assert len((tmp_path / "lake" / "refused.csv").read_text().splitlines()) == 3


def test_csv_has_the_columns_that_are_no_lists(hex_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "day.csv"
    run(hex_file, "--out", out)
    with out.open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["soc_percent"], row["current_a"], row["alarm_bits"]) == ("88", "-12.5", "2")
    assert "cell_mv" not in row


def test_a_capture_is_decoded_with_its_own_times(tmp_path: Path) -> None:
    stream = REPORT + LOGOUT
    parts = [Part(7, stream[:30]), Part(7 + 30, stream[30:])]
    path = tmp_path / "day.pcap"
    path.write_bytes(pcap([ethernet(ipv4(tcp(part))) for part in parts]))
    run(path, "--out", tmp_path / "day.parquet")
    (received,) = pyarrow.parquet.read_table(tmp_path / "day.parquet")["received_at"].to_pylist()
    assert received.isoformat() == "2023-11-14T22:13:21+00:00"


def test_raw_bytes_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "stream.bin"
    path.write_bytes(REPORT + b"noise" + LOGOUT)
    assert "3 frames of 1 vehicles: 1 reports, 1 others, 1 refused" in run(path)[1]


def test_bunches_join_to_one_result(
    hex_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hex_file.write_text("\n".join([REPORT.hex()] * 25 + [BAD.hex()] * 25))
    monkeypatch.setattr(telemetry_decode, "BUNCH", 7)
    code, text = run(hex_file, "--limit", 9, "--out", tmp_path / "o.parquet")
    assert code == 0
    assert "The first 9 reports" in text
    assert "50 frames of 1 vehicles: 25 reports, 0 others, 25 refused" in text
    assert pyarrow.parquet.read_metadata(tmp_path / "o.parquet").num_rows == 25


@pytest.mark.parametrize(
    ("words", "about"),
    [
        (["missing.bin"], "missing.bin"),
        (["."], "readable file"),
        (["empty"], "empty"),
        (["text"], "--from"),
        (["text", "--from", "csv"], "hex, json, pcap, raw"),
        (["text", "--from", "pcap"], "pcap"),
        (["frames", "--json", "--out", "x.csv"], "one of them"),
        (["frames", "--out", "text/x.parquet"], "text"),
    ],
)
def test_what_cannot_be_read_or_written_says_why(
    words: list[str], about: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").touch()
    Path("text").write_text("hello")
    Path("frames").write_bytes(REPORT)
    with pytest.raises(InputError, match=about) as caught:
        run(*words)
    assert caught.value.exit_code == 2


def test_a_pipe_is_read_as_it_comes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Slow(io.RawIOBase):
        def __init__(self) -> None:
            self.pieces = [REPORT[:40], REPORT[40:]]

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            piece = self.pieces.pop(0) if self.pieces else b""
            buffer[: len(piece)] = piece
            return len(piece)

    class Input:
        buffer = io.BufferedReader(Slow())

    monkeypatch.setattr(sys, "stdin", Input())
    wishes = telemetry_decode.Wishes("-", None, False, None, None, False, 0)
    telemetry_decode.decode_file(wishes)
    assert "1 frames of 1 vehicles: 1 reports" in capsys.readouterr().out
