"""City folders on disk: find them, read their bytes, make a new one.

The one file of this room that touches the disk; everything else takes bytes and returns values.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from zerocity.city.assemble import read_city
from zerocity.city.documents import LARGEST_BYTES
from zerocity.city.problems import Problem, did_you_mean, listing, quote
from zerocity.city.scenario import City
from zerocity.city.tables import FILES
from zerocity.errors import InputError, InputErrors

SHIPPED = Path(__file__).resolve().parents[1] / "cities"
STARTER = "starter"
PORTABLE_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def shipped_cities() -> tuple[str, ...]:
    """Names of the reference cities that come with the package."""
    return tuple(
        sorted(
            folder.name
            for folder in SHIPPED.iterdir()
            if folder.is_dir() and not folder.name.startswith(("_", "."))
        )
    )


def find_city(path_or_name: str | Path) -> Path:
    """Return the folder of a shipped city, or the folder at a path.

    A folder in the working directory wins over a shipped city of the same name. Raises InputError
    when there is neither.
    """
    given, name = Path(path_or_name), str(path_or_name)
    if _is_folder(given):
        return given
    shipped = SHIPPED / ("_starter" if name == STARTER else name)
    if name in (*shipped_cities(), STARTER) and shipped.is_dir():
        return shipped
    known = (*shipped_cities(), STARTER)
    way_out = did_you_mean(name, known, "Make one with: zerocity init NAME")
    raise InputError("city", quote(name), f"a folder, or one of {listing(known)}", way_out)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long, or a parent that may not be read
        return False


def read_files(folder: Path) -> dict[str, bytes]:
    """Read the files of a city folder as bytes, by name; what is missing or odd is left out.

    Of a file above the size limit only one byte more than the limit is read, so that the check
    can refuse it without filling the memory.
    """
    files: dict[str, bytes] = {}
    try:
        for path in folder.iterdir():
            if path.name in FILES and path.is_file():
                with path.open("rb") as stream:
                    files[path.name] = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        came = error.strerror or type(error).__name__
        where = str(error.filename or folder)
        raise InputError(where, came, "a readable file", "Check its permissions.") from None
    return files


def load_city(path_or_name: str | Path, overrides: Mapping[str, str] | None = None) -> City:
    """Read a city folder and apply ``overrides``, {"fleets.truck_swap.vehicles": "1200"}.

    An override changes one figure and marks it as set by the user; "sites.<kind>.<field>" changes
    every site of a kind. Raises InputErrors with every mistake found.
    """
    folder = find_city(path_or_name)
    city, problems = read_city(_name(folder), read_files(folder), overrides)
    if city is None:
        raise InputErrors([problem.error() for problem in problems])
    return city


def check_folder(path_or_name: str | Path) -> tuple[City | None, tuple[Problem, ...]]:
    """Read a city folder; return the city, or None with every problem of it."""
    folder = find_city(path_or_name)
    return read_city(_name(folder), read_files(folder))


def input_hashes(folder: str | Path) -> dict[str, str]:
    """SHA-256 of each file of a city folder, by file name: what a run's manifest records."""
    files = read_files(Path(folder))
    return {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}


def _name(folder: Path) -> str:
    name = folder.resolve().name
    return STARTER if name == "_starter" else name


def init_city(target: Path, source: str = STARTER) -> tuple[str, ...]:
    """Copy a city folder to ``target``, all of it or nothing; return the files written.

    ``target`` must not exist. The copy is made beside it and renamed at the end, so an
    interrupted call leaves no half folder.
    """
    _check_target(target)
    origin = find_city(source)
    names = sorted(path.name for path in origin.iterdir() if path.is_file())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".zerocity-") as made:
            copy = Path(made) / target.name
            copy.mkdir()
            for name in names:
                shutil.copyfile(origin / name, copy / name)
            copy.rename(target)
    except OSError as error:
        came = error.strerror or type(error).__name__
        way_out = "Choose another place."
        raise InputError(str(target), came, "a folder that can be written", way_out) from None
    return tuple(names)


def _check_target(target: Path) -> None:
    if not target.name or not set(target.name) <= PORTABLE_NAME:
        wanted = "letters, digits, - and _"
        raise InputError("name", quote(target.name), wanted, "Choose a plain folder name.")
    if os.path.lexists(target):
        way_out = "Choose another name, or remove the folder yourself."
        raise InputError(str(target), "a folder that exists", "a new name", way_out)
