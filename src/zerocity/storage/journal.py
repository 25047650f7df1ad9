"""The journal of a day: what was seen and what was said, so that it can be decided again."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from zerocity.control.snapshot import Commands, PlanRow, Snapshot
from zerocity.energy.dispatch import SiteDays, SitePlans
from zerocity.errors import InputError, RunStateError

FORMAT = 1
# What reading a damaged file may raise, by where the damage sits.
_DAMAGE = (
    ValueError, KeyError, IndexError, OSError, EOFError, NotImplementedError, SyntaxError,
    TypeError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip
_STEP_PARTS = (("snapshot", Snapshot), ("row", PlanRow), ("commands", Commands))


class DayJournal:
    """Keeps one day in memory and writes it as one ``.npz`` file."""

    def __init__(self) -> None:
        self._arrays: dict[str, Any] = {"format": np.array(FORMAT)}
        self.steps = 0

    def plan(self, days: SiteDays, plans: SitePlans) -> None:
        """Note the day plan and what it was made from."""
        for name, part in (("days", days), ("plans", plans)):
            self._note(name, part)

    def step(self, snapshot: Snapshot, row: PlanRow, commands: Commands) -> None:
        """Note one step."""
        for (name, _), part in zip(_STEP_PARTS, (snapshot, row, commands), strict=True):
            self._note(f"{self.steps:04d}/{name}", part)
        self.steps += 1

    def _note(self, prefix: str, part: Any) -> None:
        for one in fields(part):
            self._arrays[f"{prefix}/{one.name}"] = np.array(getattr(part, one.name))

    def save(self, path: Path) -> None:
        """Write the file whole or not at all."""
        part = path.with_suffix(".part")
        # Packed in memory, because Ctrl-C inside an open archive would come out as another error.
        packed = io.BytesIO()
        arrays = {**self._arrays, "steps": np.array(self.steps)}
        # Packed a third larger than at the usual level, in a fifth of the time.
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, values in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, values, allow_pickle=False)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(packed.getbuffer())
            part.replace(path)
        except OSError as error:
            raise RunStateError(
                f"cannot write {path}: {error.strerror}. "
                "Free some space or name another folder with --out, then run again"
            ) from error


class JournalFile:
    """A written journal, read step by step."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(
                str(path), "no such file", "a journal, e.g. RUN/journal/2026-01-01.npz"
            )
        try:
            self._data = np.load(path, allow_pickle=False)
            made_by = int(self._data["format"])
            self.steps = int(self._data["steps"])
        except _DAMAGE as error:
            raise InputError(
                str(path), f"not a journal ({error})", "a .npz file of a run"
            ) from error
        if made_by != FORMAT:
            raise InputError(f"{path}: format", str(made_by), f"format {FORMAT}")
        self._path = path

    def plan(self) -> tuple[SiteDays, SitePlans]:
        """Return the day's planning input and the plans that were made."""
        return self._read("days", SiteDays), self._read("plans", SitePlans)

    def step(self, step: int) -> tuple[Snapshot, PlanRow, Commands]:
        """Return what was seen, planned and said at ``step``."""
        snapshot, row, commands = (self._read(f"{step:04d}/{n}", kind) for n, kind in _STEP_PARTS)
        return snapshot, row, commands

    def _read(self, prefix: str, kind: Any) -> Any:
        try:
            values = {one.name: self._data[f"{prefix}/{one.name}"] for one in fields(kind)}
        except _DAMAGE as error:
            raise InputError(
                str(self._path), f"damaged at {prefix} ({error})", "a whole journal"
            ) from error
        return kind(**{k: v.item() if v.ndim == 0 else v for k, v in values.items()})
