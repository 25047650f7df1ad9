"""A live journal asked in words: its day once more, and every word that cannot be understood."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from journals_made import START_S, made_journal

from zerocity.app.what_if import Compared, Wanted, what_if
from zerocity.control.replay import PlanNote
from zerocity.errors import InputError
from zerocity.storage.live_journal import LiveJournalWriter

NAMES = ("North depot", "Harbour", "South")


def written(folder: Path, names: tuple[str, ...] = NAMES, steps: int = 90) -> Path:
    """A made day as `serve` writes it, in a city of UTC+8; the file."""
    writer = LiveJournalWriter(folder, lambda: "2026-05-04", names, 8.0)
    for note in made_journal(4, steps=steps):
        if isinstance(note, PlanNote):
            writer.plan(note.days, note.plans)
        else:
            writer.step(note.column, note.seen, note.row, note.commands)
    writer.close()
    return folder / "2026-05-04.zcj"


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("journal"))


def costs(found: Compared) -> dict[str, float]:
    return {line.name: line.cny for line in found.other.lines}


def test_as_it_was_said_the_day_is_the_meters_own(journal: Path) -> None:
    found = what_if(journal, Wanted())
    assert found.faithful
    assert found.names == NAMES
    assert found.said.cost_cny == found.other.cost_cny
    assert found.day.from_s == START_S


def test_a_cap_binds_its_site_in_local_time_only(journal: Path) -> None:
    """The made day begins at 08:00 of UTC+8."""
    found = what_if(journal, Wanted("none", ("Harbour=20@08:00-09:30",), store=False))
    free = what_if(journal, Wanted("none", store=False)).other
    change = found.other.site_kwh - free.site_kwh
    assert change[1] < -1.0
    np.testing.assert_allclose(change[[0, 2]], 0.0, atol=1e-9)
    with pytest.raises(InputError, match="outside of the journal"):
        what_if(journal, Wanted(caps=("Harbour=20@00:00-01:30",)))


def test_all_names_every_site_and_a_cap_without_times_the_whole_day(journal: Path) -> None:
    one = what_if(journal, Wanted(caps=("all=30",)))
    each = what_if(journal, Wanted(caps=tuple(f"{n}=30@00:00-24:00" for n in NAMES)))
    assert one.other.vehicles_kwh == each.other.vehicles_kwh


def test_a_journal_without_names_counts_its_sites(tmp_path: Path) -> None:
    found = what_if(written(tmp_path, ()), Wanted(caps=("2=10",)))
    assert found.names == ("0", "1", "2")


def test_prices_come_as_one_or_from_a_file_by_local_time(journal: Path, tmp_path: Path) -> None:
    flat = what_if(journal, Wanted(price="0.5"))
    assert costs(flat)["energy bought"] == pytest.approx(0.5 * flat.other.bought_kwh)
    file = tmp_path / "prices.csv"
    # The made day is from 08:00 to 09:30.
    file.write_text("from,buy_cny_per_kwh,sell_cny_per_kwh\n00:00,9,8\n08:00,0.5,0.2\n09:30,9,8\n")
    read = what_if(journal, Wanted(price=str(file)))
    assert costs(read)["energy bought"] == pytest.approx(0.5 * read.other.bought_kwh)
    assert costs(read)["energy sold"] == pytest.approx(-0.2 * read.other.sold_kwh)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted("maybe"), "said or none or again or hindsight"),
        (Wanted(caps=("Harbor=20",)), "a site of the journal, such as North depot"),
        (Wanted(caps=("Harbour",)), "SITE=KW"),
        (Wanted(caps=("Harbour=much",)), "a power of 0 kW or more"),
        (Wanted(caps=("Harbour=nan",)), "a power of 0 kW or more"),
        (Wanted(caps=("Harbour=-3",)), "a power of 0 kW or more"),
        (Wanted(caps=("Harbour=20@09:00-08:30",)), "a start before its end"),
        (Wanted(caps=("Harbour=20@08:00-25:00",)), "a local time from 00:00 to 24:00"),
        (Wanted(caps=("Harbour=20@now-then",)), "a local time from 00:00 to 24:00"),
        (Wanted(price="nan"), "a finite price"),
        (Wanted(price="-inf"), "a finite price"),
        (Wanted(price="no-such.csv"), "a CSV file of prices"),
        (Wanted(every_min=0.0), "from 60 s to a day"),
        (Wanted(every_min=float("nan")), "from 60 s to a day"),
    ],
)
def test_words_that_make_no_sense_are_refused(journal: Path, wanted: Wanted, words: str) -> None:
    with pytest.raises(InputError, match=words):
        what_if(journal, wanted)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no rows"),
        ("time,price\n00:00,1\n", "columns from and buy_cny_per_kwh"),
        ("from,buy_cny_per_kwh\n00:00,nan\n", "line 2"),
        ("from,buy_cny_per_kwh\n00:00\n", "line 2"),
        ("from,buy_cny_per_kwh\n06:00,1\n", "prices from 00:00 on"),
        ("from,buy_cny_per_kwh\n00:00,1\n00:00,2\n", "line 3"),
        ("from,buy_cny_per_kwh\n00:00,1\n00:20,2\n", "full quarters"),
        ("from,buy_cny_per_kwh\n00:00,1\n24:00,2\n", "full quarters"),
    ],
)
def test_a_bad_file_of_prices_is_refused(
    journal: Path, tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=words):
        what_if(journal, Wanted(price=str(file)))


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "day.zcj"
    other.write_bytes(b"something else")
    for path, words in ((other, "another kind of file"), (tmp_path / "none.zcj", "no such file")):
        with pytest.raises(InputError, match=words):
            what_if(path, Wanted())


def test_a_torn_journal_tells_what_is_whole_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, steps=30)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    assert what_if(path, Wanted()).day.looks == 29
    path.write_bytes(whole[: len(whole) // 2] + b"?" + whole[len(whole) // 2 + 1 :])
    with pytest.raises(InputError, match="damaged record"):
        what_if(path, Wanted())
