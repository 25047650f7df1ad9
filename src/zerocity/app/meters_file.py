"""The CSV file that says where the meters and inverters of a city's sites are."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path
from typing import Any

from zerocity.errors import InputError
from zerocity.protocols.sunspec.site import SiteAddress

COLUMNS = ("site", "host", "port")
UNITS = ("grid", "feeder", "sun", "store")
MORE = (*UNITS, "export_positive")
NONE = "-"
_YES_NO = {"yes": True, "no": False}


def read_addresses(path: Path, names: Collection[str]) -> list[SiteAddress]:
    """Read the addresses of sites, one a line.

    Columns: ``site`` (one of ``names``), ``host``, ``port``; if wanted ``grid``, ``feeder``,
    ``sun`` and ``store`` (Modbus unit, 1 to 247, ``-`` for none; empty: the usual one) and
    ``export_positive`` (yes or no: the grid meter counts what the site gives as positive).

    Raises InputError with file, line and column.
    """
    wanted = f"a CSV file with {', '.join(COLUMNS)}"
    try:
        lines = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), strict=True)
        rows = list(lines)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), str(error), wanted) from error
    columns = list(lines.fieldnames or ())
    for name in COLUMNS:
        if name not in columns:
            raise InputError(str(path), f"no column {name}", wanted)
    for name in columns:
        if name not in (*COLUMNS, *MORE):
            known = ", ".join((*COLUMNS, *MORE))
            raise InputError(f"{path}, line 1", repr(name), f"columns among {known}")
    found: dict[str, SiteAddress] = {}
    for number, row in enumerate(rows, start=2):
        where = f"{path}, line {number}"
        if None in row:
            raise InputError(where, "more fields than columns", f"{len(columns)} fields")
        one = _address({k: (v or "").strip() for k, v in row.items()}, where, names)
        if one.site in found:
            raise InputError(f"{where}, site", repr(one.site), "each site once")
        found[one.site] = one
    return list(found.values())


def _address(row: dict[str, str], where: str, names: Collection[str]) -> SiteAddress:
    site, host, port = (row[name] for name in COLUMNS)
    if site not in names:
        raise InputError(f"{where}, site", repr(site), "the name of a site of the city")
    if not host:
        raise InputError(f"{where}, host", "nothing", "a host name or address")
    more: dict[str, Any] = {}
    for name in UNITS:
        text = row.get(name, "")
        if text == NONE and name != "grid":
            more[name] = None
        elif text:
            more[name] = _number(text, 247, f"{where}, {name}")
    if text := row.get("export_positive", ""):
        if text not in _YES_NO:
            raise InputError(f"{where}, export_positive", repr(text), "yes or no")
        more["export_positive"] = _YES_NO[text]
    return SiteAddress(site, host, _number(port, 65_535, f"{where}, port"), **more)


def _number(text: str, most: int, where: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise InputError(where, repr(text), f"a number from 1 to {most}")
    return int(text)
