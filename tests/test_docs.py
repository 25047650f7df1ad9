"""The documents tell the truth: their commands exist, their examples run, the pages build.

A fenced `console` block shows commands on the lines that begin with `$ `; the command and each of
its options must exist. A fenced `python` block is run: as a doctest where it has `>>>`, else as a
script. The blocks of one page share their names, from top to bottom.
"""

from __future__ import annotations

import doctest
import importlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from typer.main import get_command

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if "_build" not in path.parts
)
FENCE = re.compile(
    r"^(?P<fence>```+)(?P<language>[\w-]*)[^\n]*\n(?P<body>.*?)^(?P=fence)`*$", re.M | re.S
)
SHELL_OPERATORS = {"|", "||", "&&", ";", "&", ">", ">>", "<"}


class Block(NamedTuple):
    """A fenced block of a page."""

    line: int  # of its first line of code, from 1
    language: str
    body: str


def blocks(text: str, language: str) -> list[Block]:
    return [
        Block(text.count("\n", 0, found.start("body")) + 1, language, found["body"])
        for found in FENCE.finditer(text)
        if found["language"] == language
    ]


def shown_commands(text: str) -> Iterator[tuple[int, list[str]]]:
    """Line and words of each `$ zerocity` or `$ ./city` command of a page, as `zerocity` words."""
    for block in blocks(text, "console"):
        joined = block.body.replace("\\\n", "")
        for line in joined.splitlines():
            if not line.startswith("$ "):
                continue
            words = shlex.split(line[2:], comments=True)
            cut = next((i for i, word in enumerate(words) if word in SHELL_OPERATORS), len(words))
            words = words[:cut]
            # `./city test` belongs to the script, and its options to pytest.
            if (
                words[:1] in (["zerocity"], ["./city"])
                and words != ["./city"]
                and words[1:2] != ["test"]
            ):
                yield block.line, words[1:]


def mistake(command: Any, words: list[str]) -> str | None:
    """What is wrong with the words after a command's name, or None."""
    options = {"--help", *(o for p in command.params for o in (*p.opts, *p.secondary_opts))}
    subcommands = getattr(command, "commands", {})
    for position, word in enumerate(words):
        if word == "--":
            return None
        if word.startswith("-"):
            if word.split("=")[0] not in options:
                return f"`{command.name}` has no option {word}"
        elif word in subcommands:
            return mistake(subcommands[word], words[position + 1 :])
        elif subcommands and not is_value(command, words[position - 1] if position else ""):
            return f"`{command.name}` has no command {word}"
    return None


def is_value(command: Any, before: str) -> bool:
    """Does the word `before` name an option that takes a value?"""
    return any(
        before in parameter.opts and not getattr(parameter, "is_flag", False)
        for parameter in command.params
    )


def all_commands(command: Any, name: str = "zerocity") -> Iterator[tuple[str, Any]]:
    """Each command that does something, with its full name."""
    subcommands = getattr(command, "commands", {})
    if not subcommands and not command.hidden:
        yield name, command
    for word, subcommand in subcommands.items():
        yield from all_commands(subcommand, f"{name} {word}")


def run_examples(page: str, text: str) -> None:
    """Run the python blocks of a page; a failing one raises."""
    names: dict[str, Any] = {"__name__": "example"}
    for block in blocks(text, "python"):
        place = f"{page}, line {block.line}"
        if ">>>" in block.body:
            test = doctest.DocTestParser().get_doctest(block.body, names, place, page, block.line)
            failures = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(
                test, clear_globs=False
            )
            assert failures.failed == 0, f"{place}: see the output above"
            names = test.globs
        else:
            exec(compile("\n" * (block.line - 1) + block.body, page, "exec"), names)


@pytest.fixture(scope="module")
def program() -> Any:
    """The whole command `zerocity` with its subcommands."""
    try:
        main = importlib.import_module("zerocity.cli.main")
    except ModuleNotFoundError as error:
        if error.name != "zerocity.cli.main":
            raise
        pytest.skip("the command is not built yet")
    return get_command(main.app)


def page_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_the_commands_on_a_page_exist(page: Path, program: Any) -> None:
    found = [
        f"{page_name(page)}, line {line}: {wrong}"
        for line, words in shown_commands(page.read_text(encoding="utf-8"))
        if (wrong := mistake(program, words))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_the_examples_on_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_examples(page_name(page), page.read_text(encoding="utf-8"))


def test_every_command_has_help_and_is_documented(program: Any) -> None:
    commands = dict(all_commands(program))
    assert [name for name, command in commands.items() if not command.help] == []
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    text = text.replace("./city ", "zerocity ")
    missing = [name for name in commands if not re.search(rf"\b{re.escape(name)}\b", text)]
    assert missing == [], f"no page shows {missing}"


def test_the_pages_build(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", str(ROOT / "docs"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def toy() -> Any:
    """A small program to try the checks on."""
    app = typer.Typer()

    @app.callback()
    def top(folder: str = typer.Option(".", "--folder")) -> None: ...

    @app.command()
    def fly(height: int = 1, fast: bool = False) -> None:
        """Take off."""

    @app.command()
    def land() -> None: ...

    return get_command(app)


@pytest.mark.parametrize(
    "line", ["zerocity swim", "zerocity fly --depth 3", "zerocity --depth 3 fly", "./city sink"]
)
def test_a_command_that_does_not_exist_is_found(toy: Any, line: str) -> None:
    [(_, words)] = shown_commands(f"Text\n\n```console\n$ {line}\noutput\n```\n")
    assert mistake(toy, words)


@pytest.mark.parametrize(
    "line",
    [
        "zerocity fly --height=3 --no-fast | head",
        "zerocity --folder here fly --help  # a remark",
        "./city land && true",
        "zerocity fly \\\n    --height 3",
    ],
)
def test_a_command_that_exists_passes(toy: Any, line: str) -> None:
    [(_, words)] = shown_commands(f"```console\n$ {line}\n```\n")
    assert mistake(toy, words) is None


def test_other_programs_and_the_test_command_are_left_alone() -> None:
    assert not list(shown_commands("```console\n$ ls --swim\n$ ./city test -k x\n```\n"))
    assert not list(shown_commands("```text\n$ zerocity swim\n```\n"))


@pytest.mark.parametrize("body", ["assert 1 == 2", ">>> 1 + 1\n3", "import zerocity.nowhere"])
def test_an_example_that_fails_is_found(body: str) -> None:
    with pytest.raises((AssertionError, ModuleNotFoundError)):
        run_examples("page", f"```python\n{body}\n```\n")


def test_examples_of_a_page_share_their_names() -> None:
    run_examples("page", "```python\nx = 2\n```\nand\n```python\n>>> x + 1\n3\n>>> y = x\n```\n"
                         "```python\nassert y == 2\n```\n")  # fmt: skip


def test_a_command_without_help_is_listed(toy: Any) -> None:
    assert [name for name, command in all_commands(toy) if not command.help] == ["zerocity land"]
