"""Floors 1-7 are pure, functions and files stay small; each rule also fails on code that breaks it.

Pure: no disk, no socket, no database, no waiting, no clock, no randomness but from a given seed.
Everywhere: no imports inside functions (but in cli commands), none of the package's own face.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "zerocity"

ABOVE_FLOOR_7 = {
    "twin", "live", "storage", "runners",
    "planning", "academy", "reports", "web", "protocols",
    "app", "cli", "__main__.py",
}  # fmt: skip
MAY_WAIT = {"control/loop.py"}
MAY_READ = {"city/folder.py"}

FORBIDDEN_MODULES = {"asyncio", "socket", "sqlite3", "random", "secrets"}
FORBIDDEN_CALLS = {
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today",
    "datetime.date.today", "os.urandom", "uuid.uuid1", "uuid.uuid4",
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.sleep",
    "time.perf_counter", "time.perf_counter_ns", "time.localtime", "time.gmtime",
}  # fmt: skip
DISK_METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "unlink", "touch"}
# Of numpy.random these make a generator from what they are given; every other name draws from, or
# seeds, one that the whole process shares.
SEEDED = {"Generator", "SeedSequence", "BitGenerator", "PCG64", "PCG64DXSM", "Philox", "SFC64"}
NEED_A_SEED = {"default_rng", *SEEDED} - {"Generator", "BitGenerator"}

MOST_LINES_OF_A_FUNCTION = 60
USUAL_LINES_OF_A_FUNCTION = 40
MOST_LINES_OF_A_FILE = 400

Function = ast.FunctionDef | ast.AsyncFunctionDef


def imported_names(tree: ast.AST) -> dict[str, str]:
    """What each name in a module stands for: `np` -> `numpy`, `now` -> `time.time`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """The full name that an expression such as `np.random.default_rng` stands for, or ''."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value, names)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def imported_modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def forbidden_imports(tree: ast.AST, *, may_wait: bool) -> Iterator[str]:
    allowed = {"asyncio"} if may_wait else set()
    for node in ast.walk(tree):
        for module in imported_modules(node):
            if module.split(".")[0] in FORBIDDEN_MODULES - allowed:
                yield f"line {node.lineno}: imports {module}"  # type: ignore[attr-defined]


def lacks_a_seed(call: ast.Call) -> bool:
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return not values or any(isinstance(v, ast.Constant) and v.value is None for v in values)


def forbidden_uses(tree: ast.AST) -> Iterator[str]:
    """Clocks and unseeded randomness. A bare name counts too: `clock = time.time` hides a call."""
    names = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func, names)
            if name.removeprefix("numpy.random.") in NEED_A_SEED and lacks_a_seed(node):
                yield f"line {node.lineno}: {name} without a seed"
        if isinstance(node, ast.Attribute | ast.Name):
            name = dotted(node, names)
            if name in FORBIDDEN_CALLS:
                yield f"line {node.lineno}: {name}"
            drawn = re.fullmatch(r"numpy\.random\.(\w+)", name)
            if drawn and drawn[1] not in NEED_A_SEED | SEEDED:
                yield f"line {node.lineno}: {name} uses the process's own generator"


def disk_uses(tree: ast.AST) -> Iterator[str]:
    names = imported_names(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "open" and "open" not in names:
            yield f"line {node.lineno}: open"
        if isinstance(node.func, ast.Attribute) and node.func.attr in DISK_METHODS:
            yield f"line {node.lineno}: {node.func.attr}"


def hidden_imports(tree: ast.AST) -> Iterator[str]:
    for function in ast.walk(tree):
        if isinstance(function, Function):
            for node in ast.walk(function):
                for module in imported_modules(node):
                    yield f"line {node.lineno}: {function.name} imports {module}"  # type: ignore[attr-defined]


def face_imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield f"line {node.lineno}: a relative import"
        elif "zerocity" in imported_modules(node):
            yield f"line {node.lineno}: imports the package's own face"  # type: ignore[attr-defined]


def length_without_docstring(function: Function) -> int:
    """Lines from `def` to the end, without docstring; decorators do not count."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def function_lengths(tree: ast.AST) -> dict[str, int]:
    return {
        f"{node.name} (line {node.lineno})": length_without_docstring(node)
        for node in ast.walk(tree)
        if isinstance(node, Function)
    }


def sources() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if "cities" not in path.parts)


def inside(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0]


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def test_floors_1_to_7_are_pure() -> None:
    found = [
        f"{inside(path)} {mistake}"
        for path in sources()
        if room(path) not in ABOVE_FLOOR_7
        for mistake in [
            *forbidden_imports(parse(path), may_wait=inside(path) in MAY_WAIT),
            *forbidden_uses(parse(path)),
            *([] if inside(path) in MAY_READ else disk_uses(parse(path))),
        ]
    ]
    assert not found, "\n".join(found)


def test_no_imports_inside_functions_but_in_the_cli() -> None:
    found = [
        f"{inside(path)} {mistake}"
        for path in sources()
        if room(path) != "cli"
        for mistake in hidden_imports(parse(path))
    ]
    assert not found, "\n".join(found)


def test_nobody_imports_the_packages_own_face() -> None:
    found = [
        f"{inside(path)} {mistake}"
        for path in sources()
        if room(path) not in {"cli", "__main__.py"}
        for mistake in face_imports(parse(path))
    ]
    assert not found, "\n".join(found)


def test_files_stay_small() -> None:
    lengths = {inside(path): len(path.read_text("utf-8").splitlines()) for path in sources()}
    long = {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE}
    assert not long, f"files over {MOST_LINES_OF_A_FILE} lines: {long}"


def test_functions_stay_small() -> None:
    lengths = {
        f"{inside(path)}: {name}": lines
        for path in sources()
        for name, lines in function_lengths(parse(path)).items()
    }
    too_long = {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION}
    assert not too_long, f"functions over {MOST_LINES_OF_A_FUNCTION} lines: {too_long}"
    long = {name: lines for name, lines in lengths.items() if lines > USUAL_LINES_OF_A_FUNCTION}
    assert len(long) <= 0.05 * len(lengths), (
        f"{len(long)} of {len(lengths)} functions over {USUAL_LINES_OF_A_FUNCTION} lines: {long}"
    )


@pytest.mark.parametrize(
    "line",
    [
        "import asyncio",
        "import socket as s",
        "from sqlite3 import connect",
        "import random",
        "from asyncio.queues import Queue",
    ],
)
def test_a_forbidden_import_is_found(line: str) -> None:
    assert list(forbidden_imports(ast.parse(line), may_wait=False))


def test_only_waiting_is_allowed_to_those_who_may_wait() -> None:
    assert not list(forbidden_imports(ast.parse("import asyncio"), may_wait=True))
    assert list(forbidden_imports(ast.parse("import socket"), may_wait=True))


@pytest.mark.parametrize(
    "code",
    [
        "from datetime import datetime\nx = datetime.now()",
        "import datetime\nx = datetime.datetime.now(datetime.UTC)",
        "import datetime as dt\nx = dt.date.today()",
        "import time\nx = time.time()",
        "import time\nclock = time.time",
        "from time import monotonic as clock\nx = clock()",
        "import numpy as np\nx = np.random.default_rng()",
        "import numpy as np\nx = np.random.default_rng(None)",
        "from numpy.random import default_rng\nx = default_rng(seed=None)",
        "import numpy as np\nx = np.random.rand(3)",
        "import numpy as np\nnp.random.seed(1)",
        "import numpy\nx = numpy.random.PCG64()",
    ],
)
def test_a_clock_or_unseeded_randomness_is_found(code: str) -> None:
    assert list(forbidden_uses(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np\ndef f(rng: np.random.Generator) -> float: return rng.random()",
        "import numpy as np\nx = np.random.default_rng(np.random.SeedSequence(3))",
        "import numpy as np\nx = np.random.Generator(np.random.Philox(7))",
        "from datetime import datetime\ndef f(now: datetime) -> datetime: return now",
    ],
)
def test_given_time_and_seeded_randomness_pass(code: str) -> None:
    assert not list(forbidden_uses(ast.parse(code)))


@pytest.mark.parametrize("code", ["open('x')", "Path('x').read_text()", "path.write_bytes(b'')"])
def test_a_use_of_the_disk_is_found(code: str) -> None:
    assert list(disk_uses(ast.parse(code)))


def test_an_import_inside_a_function_is_found() -> None:
    assert list(hidden_imports(ast.parse("def f():\n    if 1:\n        from math import pi")))
    assert not list(hidden_imports(ast.parse("import math\ndef f(): return math.pi")))


def test_an_import_of_the_face_is_found() -> None:
    assert list(face_imports(ast.parse("from zerocity import __version__")))
    assert list(face_imports(ast.parse("from . import pack")))
    assert not list(face_imports(ast.parse("from zerocity.batteries.pack import Product")))


def test_the_length_of_a_function_leaves_out_its_docstring() -> None:
    code = 'def f():\n    """One\n    two.\n    """\n    a = 1\n    return a\n'
    assert function_lengths(ast.parse(code)) == {"f (line 1)": 3}
    long = "def g():\n" + "    x = 1\n" * MOST_LINES_OF_A_FUNCTION
    assert function_lengths(ast.parse(long))["g (line 1)"] > MOST_LINES_OF_A_FUNCTION
