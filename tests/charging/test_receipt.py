"""The driver's receipt."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from zerocity.charging.billing import SellingTariff, bill
from zerocity.charging.meter import Reading, account
from zerocity.charging.receipt import check_up_line, receipt

T0 = datetime(2026, 5, 1, 1, tzinfo=UTC)


def _record() -> dict[str, object]:
    meter = account(Reading(T0, 0.0), [], Reading(T0 + timedelta(hours=2), 20_000.0), 60.0)
    made = bill(meter, SellingTariff.gansu())
    lines = [*made.lines, {"kind": "note", "text": "a clock was wrong"},
             check_up_line("Battery check-up: 60 kWh.", "fair")]  # fmt: skip
    return {"session": "s1", "energy_kwh": made.energy_kwh, "cost_cny": made.cost_cny,
            "lines": lines}  # fmt: skip


def test_a_receipt_says_what_cost_what_and_how_the_battery_is() -> None:
    about = {"station": "A", "started_at": T0, "ended_at": T0 + timedelta(hours=2)}
    made = receipt(_record(), about)
    assert made.energy_kwh == 20.0
    assert round(sum(line["cost_cny"] for line in made.lines), 2) == made.cost
    assert made.notes[-1] == "a clock was wrong"
    assert (made.check_up, made.sure) == ("Battery check-up: 60 kWh.", "fair")
    text = made.text(8.0)
    assert "2026-05-01 09:00 to 2026-05-01 11:00" in text
    assert "energy valley" in text
    assert f"{made.cost:.2f} CNY" in text
    assert text.endswith("Battery check-up: 60 kWh.\n")
    data = made.data()
    assert json.loads(json.dumps(data)) == data
    assert data["started_at"] == "2026-05-01T01:00:00+00:00"


def test_what_nobody_knows_is_left_open() -> None:
    made = receipt({"session": "s", "energy_kwh": None, "cost_cny": None, "lines": None})
    assert (made.energy_kwh, made.cost, made.lines, made.check_up) == (0.0, 0.0, (), "")
    assert "? to ?" in made.text()
    assert made.data()["ended_at"] is None
