"""Made-up messages of GB/T 32960 for tests: strategies over all that each edition can say."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Any

from hypothesis import strategies as st

from zerocity.protocols.gbt32960 import blocks as b
from zerocity.protocols.gbt32960 import fields as f
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.fields import Edition, Gap
from zerocity.protocols.gbt32960.frames import Command, Encryption
from zerocity.protocols.gbt32960.message_writer import write

VIN = "LZYTAGBW2E1000001"
TEXT = st.text("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", max_size=17)
BYTES = st.binary(max_size=40)
CLOCKS = st.builds(
    m.Clock,
    st.integers(0, 99),
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
)
ANY_CLOCKS = st.builds(m.Clock, *[st.integers(0, 255)] * 6)
GAPS = st.sampled_from(Gap)


def values(field: f.Field) -> st.SearchStrategy[Any]:
    """Any reading that a field can hold, its codes and its ends among them."""
    return st.one_of(
        st.integers(0, field.top), st.sampled_from([0, field.top, field.top - 1, field.top - 2])
    ).map(field.value)


def row(kind: type, layout: f.Layout, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A dataclass whose fields a layout names."""
    return st.builds(kind, **{field.name: values(field) for field in layout.fields}, **more)


def some(strategy: st.SearchStrategy[Any], most: int = 4) -> st.SearchStrategy[Any]:
    """A few of something, as a tuple."""
    return st.lists(strategy, max_size=most).map(tuple)


PROBES = GAPS | some(values(f.PROBE), 12)
CODES = GAPS | some(st.integers(0, 2**32 - 1), 3)
PRIVATE = st.builds(b.Private, st.integers(0x80, 0xFE), BYTES)


@st.composite
def positions(draw: st.DrawFn, edition: Edition) -> b.Position:
    flags = draw(st.integers(0, 255))
    longitude, latitude = (f.POSITION_2016.field(n) for n in ("longitude_deg", "latitude_deg"))
    east, north = draw(values(longitude)), draw(values(latitude))
    system = None if edition is Edition.Y2016 else draw(st.integers(0, 255))
    return b.Position(flags, -east if flags & 4 else east, -north if flags & 2 else north, system)


@st.composite
def packs_2025(draw: st.DrawFn) -> b.PackCells:
    head = {field.name: draw(values(field)) for field in f.PACK_2025.fields}
    if draw(st.booleans()):
        return b.PackCells(**head, cells_total=draw(GAPS), first_cell=1, cells_v=())
    cells = draw(some(values(f.CELL), 20))
    return b.PackCells(**head, cells_total=len(cells), first_cell=1, cells_v=cells)


def alarms(edition: Edition) -> st.SearchStrategy[b.Alarm]:
    lists = dict.fromkeys(("battery", "motor", "engine", "other"), CODES)
    if edition is Edition.Y2025:
        byte = st.integers(0, 255)
        lists["levels"] = GAPS | some(st.tuples(byte, byte))
    return row(b.Alarm, f.ALARM, **lists)


MOTORS_2016 = row(b.Motor, f.MOTOR_2016)
FUEL_CELL = st.builds(
    b.FuelCell,
    **{x.name: values(x) for x in (*f.FUEL_CELL_2016.fields, *f.HYDROGEN_2016.fields)},
    probes_c=PROBES,
)
BLOCKS: dict[Edition, st.SearchStrategy[Any]] = {
    Edition.Y2016: st.one_of(
        row(b.Vehicle, f.VEHICLE_2016),
        st.builds(b.Motors, some(MOTORS_2016)),
        FUEL_CELL,
        row(b.Engine, f.ENGINE_2016),
        positions(Edition.Y2016),
        row(b.Extremes, f.EXTREMES_2016),
        alarms(Edition.Y2016),
        st.builds(
            b.CellVoltages,
            GAPS | some(row(b.PackCells, f.PACK_2016, cells_v=some(values(f.CELL), 20)), 3),
        ),
        st.builds(
            b.Temperatures, GAPS | some(row(b.PackProbes, f.PACK_NUMBER, probes_c=PROBES), 3)
        ),
        PRIVATE,
    ),
    Edition.Y2025: st.one_of(
        row(b.Vehicle, f.VEHICLE_2025),
        st.builds(b.Motors, GAPS | some(row(b.Motor, f.MOTOR_2025))),
        row(b.Hydrogen, f.HYDROGEN_2025),
        row(b.Engine, f.ENGINE_2025),
        positions(Edition.Y2025),
        alarms(Edition.Y2025),
        st.builds(b.CellVoltages, GAPS | some(packs_2025(), 3)),
        st.builds(
            b.Temperatures, GAPS | some(row(b.PackProbes, f.PACK_NUMBER, probes_c=PROBES), 3)
        ),
        st.builds(b.Stacks, GAPS | some(row(b.Stack, f.STACK_2025, probes_c=PROBES), 3)),
        row(b.Capacitor, f.CAPACITOR_2025, cells_v=GAPS | some(values(f.CELL)), probes_c=PROBES),
        row(b.Extremes, f.CAPACITOR_EXTREMES_2025),
        PRIVATE,
    ),
}
SIGNATURES = st.builds(m.Signature, st.integers(0, 255), BYTES, BYTES)


@st.composite
def reports(draw: st.DrawFn, edition: Edition) -> m.Report:
    """A report as the reader gives it; ``signed_size`` is left to the reader."""
    signature = None
    if edition is Edition.Y2025:
        signature = draw(st.none() | SIGNATURES)
    return m.Report(draw(CLOCKS | ANY_CLOCKS), draw(some(BLOCKS[edition], 6)), signature)


@st.composite
def logins(draw: st.DrawFn, edition: Edition) -> m.Login:
    clock, serial, iccid = draw(CLOCKS), draw(st.integers(0, 65_535)), draw(TEXT)
    if edition is Edition.Y2025:
        each = draw(some(st.integers(0, 3)))
        codes = draw(st.lists(TEXT, min_size=sum(each), max_size=sum(each)))
        return m.Login(clock, serial, iccid, tuple(codes), len(each), 24, each)
    count, length = draw(st.integers(0, 5)), draw(st.sampled_from([0, 17, 24, 50]))
    codes = draw(st.lists(TEXT, min_size=count, max_size=count)) if length else []
    return m.Login(clock, serial, iccid, tuple(codes), count, length)


def damaged(frame: bytes, at: int, to: int) -> bytes:
    """One byte changed, and the check made right again."""
    body = frame[:at] + bytes((to,)) + frame[at + 1 : -1]
    return body + bytes((reduce(xor, body[2:]),))


@st.composite
def any_frames(draw: st.DrawFn) -> bytes:
    """A frame of any kind, often damaged behind a check that is right, sometimes cut."""
    edition = draw(st.sampled_from(Edition))
    if draw(st.integers(0, 4)) == 0:
        frame = write(VIN, Command.LOGIN, draw(logins(edition)), edition)
    else:
        command = draw(st.sampled_from([Command.REALTIME, Command.RESEND]))
        encryption = draw(st.sampled_from([1, 1, 1, int(Encryption.AES)]))
        frame = write(VIN, command, draw(reports(edition)), edition, encryption=encryption)
    for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
        frame = damaged(frame, draw(st.integers(2, len(frame) - 2)), draw(st.integers(0, 255)))
    if draw(st.integers(0, 9)) == 0:
        frame = frame[: draw(st.integers(0, len(frame)))]
    return frame
