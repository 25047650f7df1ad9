"""The log of a served city: JSON lines without secrets, and of a vehicle's number the last four."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO, cast

import structlog

from zerocity.errors import InputError
from zerocity.storage.audit_log import HIDDEN, cleaned, without_vins

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
# What libraries put into a message of their own: addresses with a password, and headers.
_ADDRESS = re.compile(r"(\w+://[^\s/:@]*):[^\s/@]+@")
_HEADER = re.compile(r"\b(Basic|Bearer)\s+[A-Za-z0-9+/=_.~-]{6,}")
_PASSWORD = re.compile(r"(passw\w*|secret|api_?key)(['\"]?\s*[:=]\s*['\"]?)[^\s'\",}]+", re.I)


def log_to(level: str, file: Path | None) -> TextIO:
    """Send every log of this process, of libraries too, to ``file`` or stderr; what was opened.

    ``level``: the least that is written, one of `LEVELS`. InputError for a file that cannot be
    written.
    """
    if level not in LEVELS:
        raise InputError("--log-level", level, f"one of {', '.join(LEVELS)}")
    stream = sys.stderr if file is None else _opened(file)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            without_secrets,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Patient(stream))),
    )
    root = logging.getLogger()
    root.handlers = [_Passed()]
    # Libraries tell of every packet below this.
    root.setLevel(max(LEVELS[level], logging.WARNING))
    return stream


def without_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Hide what must not be in a log, whoever wrote it."""
    return {name: _scrubbed(value) for name, value in cleaned(event).items()}


def _scrubbed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = _ADDRESS.sub(rf"\1:{HIDDEN}@", value)
    text = _PASSWORD.sub(rf"\1\2{HIDDEN}", text)
    return without_vins(_HEADER.sub(rf"\1 {HIDDEN}", text))


class _Patient:
    """A stream that may be full or gone: who has something to say must not fail for that."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write, or lose the line."""
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        """Flush, or lose the line."""
        with suppress(OSError, ValueError):
            self._stream.flush()


class _Passed(logging.Handler):
    """Hands what libraries log to ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record of the standard library's logging."""
        level = "error" if record.levelno >= logging.ERROR else "warning"
        about = {"logger": record.name, "text": record.getMessage()}
        if record.exc_info:
            about["exception"] = structlog.processors.ExceptionRenderer()(
                None, "", {"exc_info": record.exc_info}
            ).get("exception", "")
        getattr(structlog.get_logger(), level)("library", **about)


def _opened(file: Path) -> TextIO:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Line by line, so that a kill loses nothing that was written.
        return file.open("a", buffering=1, encoding="utf-8")
    except OSError as error:
        raise InputError("--log-file", str(file), "a file that can be written",
                         f"The system says: {error.strerror}") from error  # fmt: skip
