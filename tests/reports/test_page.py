"""Numbers, escapes and tables."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.reports.page import Note, Picture, Section, Table, json_for_html, number, page, row


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (float("nan"), "–"), (0.0, "0"), (12, "12"), (12345, "12,345"), (1.234, "1.23"),
     (12.34, "12.3"), (123.4, "123"), (123456.0, "123,456"), (0.1234, "0.123"), (3e-13, "3.0e-13"),
     (-5.0, "-5.00")],
)  # fmt: skip
def test_numbers_for_people(value: float | None, text: str) -> None:
    assert number(value) == text


@given(st.text())
def test_no_text_can_leave_its_script(text: str) -> None:
    code = json_for_html({"a": text})
    assert "<" not in code
    assert json.loads(code) == {"a": text}


def test_arrays_and_missing_numbers_become_plain() -> None:
    code = json_for_html({"a": np.array([1.0, np.nan]), "b": (np.float64(2.0),)})
    assert json.loads(code) == {"a": [1.0, None], "b": [2.0]}


def test_tables_align_fold_and_escape() -> None:
    long = Table("<i>", ("name", "kW"), tuple(row(f"<{i}>", float(i)) for i in range(20)))
    short = Table("short", ("name", "ok"), (row("x", True), row(None, False)))
    made = page("t&t", "s", [Section("a", "A", (long, short, Note("<u>")))], "")
    assert "<details><summary>&lt;i&gt;</summary>" in made
    assert '<td class="n">19.0</td>' in made
    assert "<td>yes</td>" in made
    assert "<td>–</td>" in made
    assert "&lt;u&gt;" in made
    assert "<i>" not in made


def test_a_picture_keeps_its_data_beside_it() -> None:
    made = page("t", "s", [Section("a", "A", (Picture({"data": []}, "c"),))], "")
    assert 'data-for="plot-a-0">{"data":[]}<' in made


def test_anchors_must_differ() -> None:
    with pytest.raises(ValueError, match="anchors"):
        page("t", "s", [Section("a", "A"), Section("a", "B")], "")
