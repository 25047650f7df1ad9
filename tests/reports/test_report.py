"""The page stands alone, tells everything, and cannot be made to run a city's text."""

from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from zerocity.reports.page import CSP
from zerocity.reports.run import SECTIONS, write_report

ANCHORS = [
    "key-figures", "energy-hours", "energy-months", "cost", "carbon", "station-week", "foresight",
    "map", "fleets", "health", "flows", "vpp", "parks", "grid", "audit", "assumptions",
    "confidence",
]  # fmt: skip
LOADERS = {"src", "srcset", "action", "data", "poster", "formaction", "background"}
ALLOWED = {
    "html", "head", "meta", "link", "title", "style", "body", "header", "h1", "h2", "h3", "p",
    "div", "nav", "ol", "li", "a", "main", "noscript", "section", "dl", "dt", "dd", "span",
    "figure", "figcaption", "script", "table", "thead", "tbody", "tr", "th", "td", "details",
    "summary",
}  # fmt: skip


class Reader(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.code: list[tuple[str, str]] = []
        self.text: list[str] = []
        self._inside = ""
        self._kind = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag in ("script", "style"):
            self._inside, self._kind = tag, dict(attrs).get("type") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.code.append((self._kind or self._inside, data))
        else:
            self.text.append(data)


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


@pytest.fixture(scope="module")
def page(made_run: Path) -> Path:
    return write_report(made_run)


def test_every_section_is_there_and_linked(page: Path) -> None:
    found = read(page)
    ids = [v for tag, name, v in found.attributes if tag == "section" and name == "id"]
    links = {v for tag, name, v in found.attributes if tag == "a" and name == "href"}
    assert ids == ANCHORS
    assert len(ids) == len(SECTIONS)
    assert links == {f"#{anchor}" for anchor in ANCHORS}


def test_nothing_is_loaded_from_anywhere(page: Path) -> None:
    found = read(page)
    assert not [a for a in found.attributes if a[1] in LOADERS]
    hrefs = {v for _, name, v in found.attributes if name == "href"}
    assert all(v.startswith("#") or v == "data:," for v in hrefs)
    for kind, code in found.code:
        if kind == "style":
            assert "url(" not in code
            assert "@import" not in code
    assert ("meta", "content", CSP) in found.attributes
    assert "default-src 'none'" in CSP
    assert found.tags.count("iframe") + found.tags.count("img") == 0


def test_a_citys_text_stays_text(page: Path) -> None:
    found = read(page)
    assert set(found.tags) <= ALLOWED
    assert not [a for a in found.attributes if a[1].startswith("on")]
    assert "alert(1)" in "".join(found.text)
    scripts = [code for kind, code in found.code if kind == "script"]
    assert not any("alert(1)" in code for code in scripts)
    figures = [code for kind, code in found.code if kind == "application/json"]
    assert figures
    for code in figures:
        assert "<" not in code
        assert "\u2028" not in code
        assert "<script" not in json.dumps(json.loads(code))  # plotly sees it escaped too


def test_figures_reach_the_tables(page: Path) -> None:
    text = " ".join(read(page).text)
    for wanted in (
        "2.00",
        "1.10",
        "recovered / (recovered + lost) [%]",
        "The 20 most used connections",
        "2025-01-16",
    ):
        assert wanted in text
    assert text.index("heavy") < text.index("light ")


def test_the_same_run_gives_the_same_bytes(made_run: Path, page: Path) -> None:
    first = page.read_bytes()
    assert write_report(made_run).read_bytes() == first


def test_without_tables_each_section_says_why(made_run: Path, tmp_path: Path) -> None:
    shutil.copy(made_run / "summary.json", tmp_path)
    found = read(write_report(tmp_path))
    ids = [v for tag, name, v in found.attributes if tag == "section" and name == "id"]
    assert ids == ANCHORS
    text = " ".join(found.text)
    assert "site_steps is absent or empty" in text
    assert "none was called in this run" in text


def test_a_bare_summary_of_one_day_is_enough(tmp_path: Path) -> None:
    bare = {"city": "Bare", "start": "2025-01-01", "days": 1}
    (tmp_path / "summary.json").write_text(json.dumps(bare))
    text = " ".join(read(write_report(tmp_path)).text)
    assert "1 day" in text
    assert "the summary lists no assumption" in text


@pytest.mark.parametrize(
    "table", ["sites", "site_steps", "sessions", "batteries", "battery_days", "fleet_days",
              "ledger", "stocks", "vpp_events", "city_steps"]
)  # fmt: skip
def test_any_table_may_be_missing(made_run: Path, tmp_path: Path, table: str) -> None:
    shutil.copytree(made_run, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "series" / table)
    found = read(write_report(tmp_path / "run"))
    assert found.tags.count("section") == len(ANCHORS)
