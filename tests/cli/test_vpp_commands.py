"""The commands of the virtual power plant, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zerocity.cli import main
from zerocity.errors import ZerocityError


class Answer:
    """Exit code and what was said; errors of ours are handled as `main.run` does."""

    def __init__(self, *arguments: str, group: str = "vpp") -> None:
        result = CliRunner().invoke(main.app, [group, *arguments])
        self.stdout, self.code, self.error = result.stdout, result.exit_code, result.stderr
        if isinstance(result.exception, ZerocityError):
            self.error += str(result.exception)
            self.code = result.exception.exit_code
        elif result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of ten days with an event."""
    folder = tmp_path_factory.mktemp("vpp") / "run"
    changes = [f"--set=vpp.{c}" for c in ("admission_kw=10", "trigger_share=1.0")]
    answer = Answer(
        "starter", "--days", "10", "--out", str(folder), "--processes", "1", *changes, group="run"
    )
    assert answer.code == 0, answer.error
    return folder


def test_bids_of_energy() -> None:
    answer = Answer("bid", "starter")
    assert answer.code == 0
    for text in ("energy bids", "00:00", "Positive buys, negative sells", "Admitted", "assumed"):
        assert text in answer.stdout
    found = json.loads(Answer("bid", "starter", "--json").stdout)
    assert len(found["periods"]) == 96
    for period in found["periods"]:
        levels = [segment["net_kw"] for segment in period["segments"]]
        assert 3 <= len(levels) <= 10
        assert levels == sorted(levels, reverse=True)


@pytest.mark.parametrize(
    ("product", "texts", "key"),
    [
        ("peak_shaving", ("relief 19:00-21:00", "can be held for 2 h"), "segments"),
        ("frequency_reserve", ("both ways kW", "Not admitted: "), "both_kw"),
    ],
)
def test_bids_of_the_other_products(product: str, texts: tuple[str, ...], key: str) -> None:
    answer = Answer("bid", "starter", "--product", product)
    assert answer.code == 0
    for text in texts:
        assert text in answer.stdout
    found = json.loads(Answer("bid", "starter", "--product", product, "--json").stdout)
    assert found["product"] == product
    assert found[key]


def test_bands_with_their_cost() -> None:
    words = ("bid", "starter", "--product", "peak_shaving", "--bands")
    assert "held throughout" in Answer(*words).stdout
    found = json.loads(Answer(*words, "--json").stdout)["bands"]
    assert [band["duration_h"] for band in found[:5]] == [0.25, 0.5, 1.0, 2.0, 4.0]
    assert {band["direction"] for band in found} == {"down", "up"}


def test_energy_is_awarded_and_carried_out() -> None:
    answer = Answer("dispatch", "starter", "--fail", "Town battery centre")
    assert answer.code == 0
    assert "after the sites left shared it again" in answer.stdout
    found = json.loads(Answer("dispatch", "starter", "--json").stdout)
    assert found["deviation_kwh"] < 1.0
    total = [sum(kw) for kw in zip(*(s["net_kw"] for s in found["schedule"]), strict=True)]
    assert total == pytest.approx(found["award"]["awarded_kw"], abs=1.0)


def test_a_call_is_shared_out(done: Path) -> None:
    words = ("--product", "peak_shaving", "--request", "100", "--fail", "Town bus depot")
    answer = Answer("dispatch", str(done), *words)
    assert answer.code == 0
    assert "first kW" in answer.stdout
    found = json.loads(Answer("dispatch", str(done), *words, "--json").stdout)
    assert sum(s["relief_kw"] for s in found["schedule"]) == pytest.approx(100.0)


def test_reserve_is_shared_out() -> None:
    words = ("--product", "frequency_reserve", "--request", "10")
    answer = Answer("dispatch", "starter", *words)
    assert "Held both ways at every step: 10 of 10 kW" in answer.stdout
    found = json.loads(Answer("dispatch", "starter", *words, "--json").stdout)
    assert found["held_kw"] == pytest.approx(10.0)


def test_events_are_settled(done: Path) -> None:
    answer = Answer("settle", str(done))
    assert answer.code == 0
    for text in ("Events: relief by each baseline", "gets wrong", "every site was called",
                 "Payout by 10 of 10"):  # fmt: skip
        assert text in answer.stdout
    found = json.loads(Answer("settle", str(done), "--json").stdout)
    assert sum(p["paid_cny"] for p in found["payout"]) == pytest.approx(found["paid_cny"])
    assert found["events"][0]["written_cny"] == pytest.approx(found["paid_cny"])


def test_a_day_of_energy_is_settled(done: Path) -> None:
    words = ("settle", str(done), "--product", "energy", "--day", "2026-01-03")
    assert "planned, day-ahead" in Answer(*words).stdout
    found = json.loads(Answer(*words, "--json").stdout)
    parts = found["award_cny"] + found["deviation_cny"] + found["penalty_cny"]
    assert found["total_cny"] == pytest.approx(parts)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("bid", "starter", "--product", "energie"), '"energie"'),
        (("bid", "atlantis"), "atlantis"),
        (("bid", "starter", "--day", "tomorrow"), "--day"),
        (("bid", "starter", "--prices", "none.csv"), "none.csv"),
        (("dispatch", "starter", "--request", "5"), "--request"),
        (("dispatch", "starter", "--fail", "Nobody"), "--fail"),
        (("settle", "nowhere"), "no such run folder"),
        (("settle", "nowhere", "--product", "frequency_reserve"), "peak_shaving or energy"),
        (("settle", "nowhere", "--floor", "-1"), "--floor"),
    ],
)
def test_mistakes_are_one_message_and_exit_code_2(words: tuple[str, ...], message: str) -> None:
    answer = Answer(*words)
    assert answer.code == 2
    assert message in answer.error
