"""The conversation of GB/T 32960.3 as one table, the same for both editions and both roles.

Two rules hold for every row:

1. What is said first by an unknown caller is who it is; nothing else is believed before. (The life
   signs of the link, heartbeat and time request, may come at any time.)
2. A step that is not in the table changes nothing: the platform answers "error" (02), a terminal
   ignores it.

Source: GB/T 32960.3-2016 and -2025, clause 5 and annex B.1, B.2. No socket, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

from zerocity.protocols.gbt32960.fields import Edition
from zerocity.protocols.gbt32960.frames import (
    HEAD,
    STARTS,
    Command,
    Encryption,
    FrameFault,
    Response,
    check_byte,
)

BEIJING = timezone(timedelta(hours=8))
TIME_BYTES = 6
# The serial counts logins of a day from 1 (tables 6, 29).
LAST_SERIAL = 65_531
# Years count from 2000 to 2099 (table 5).
_LAST_YEAR = 99


class State(StrEnum):
    """Where a link is."""

    STRANGER = "stranger"  # connected; nobody has said who it is
    ASKING = "asking"  # a vehicle's login waits for its answer
    VEHICLE = "vehicle"  # one vehicle is logged in
    LEAVING = "leaving"  # its logout waits for the answer
    PLATFORM_ASKING = "platform asking"
    PLATFORM = "platform"  # a platform is logged in and speaks for its vehicles
    PLATFORM_LEAVING = "platform leaving"


class Said(StrEnum):
    """What one side says, as far as it moves the conversation."""

    LOGIN = "login"
    LOGIN_TAKEN = "login taken"
    LOGIN_REFUSED = "login refused"
    REPORT = "report"  # realtime or resent
    LOGOUT = "logout"
    LOGOUT_TAKEN = "logout taken"
    LOGOUT_REFUSED = "logout refused"
    PLATFORM_LOGIN = "platform login"
    PLATFORM_TAKEN = "platform taken"
    PLATFORM_REFUSED = "platform refused"
    PLATFORM_LOGOUT = "platform logout"
    PLATFORM_LEFT = "platform left"
    LIFE_SIGN = "life sign"  # heartbeat or time request
    ACTIVATION = "activation"
    KEY = "key"  # key exchange
    PRIVATE = "private"  # commands C0 to FE that two sides agree on


STEPS: dict[State, dict[Said, State]] = {
    State.STRANGER: {
        Said.LOGIN: State.ASKING,
        Said.PLATFORM_LOGIN: State.PLATFORM_ASKING,
        Said.LIFE_SIGN: State.STRANGER,
        Said.ACTIVATION: State.STRANGER,
    },
    State.ASKING: {
        Said.LOGIN_TAKEN: State.VEHICLE,
        Said.LOGIN_REFUSED: State.STRANGER,
        Said.LIFE_SIGN: State.ASKING,
    },
    State.VEHICLE: {
        Said.REPORT: State.VEHICLE,
        Said.LIFE_SIGN: State.VEHICLE,
        Said.KEY: State.VEHICLE,
        Said.PRIVATE: State.VEHICLE,
        # A vehicle whose pack was swapped logs in again (2025, B.1).
        Said.LOGIN: State.ASKING,
        Said.LOGOUT: State.LEAVING,
    },
    State.LEAVING: {
        Said.LOGOUT_TAKEN: State.STRANGER,
        Said.LOGOUT_REFUSED: State.VEHICLE,
        Said.LIFE_SIGN: State.LEAVING,
    },
    State.PLATFORM_ASKING: {
        Said.PLATFORM_TAKEN: State.PLATFORM,
        Said.PLATFORM_REFUSED: State.STRANGER,
        Said.LIFE_SIGN: State.PLATFORM_ASKING,
    },
    State.PLATFORM: {
        # What it passes on for its vehicles does not change where the link is.
        Said.LOGIN: State.PLATFORM,
        Said.LOGIN_TAKEN: State.PLATFORM,
        Said.LOGIN_REFUSED: State.PLATFORM,
        Said.REPORT: State.PLATFORM,
        Said.LOGOUT: State.PLATFORM,
        Said.LOGOUT_TAKEN: State.PLATFORM,
        Said.LOGOUT_REFUSED: State.PLATFORM,
        Said.ACTIVATION: State.PLATFORM,
        Said.LIFE_SIGN: State.PLATFORM,
        Said.KEY: State.PLATFORM,
        Said.PRIVATE: State.PLATFORM,
        Said.PLATFORM_LOGOUT: State.PLATFORM_LEAVING,
    },
    State.PLATFORM_LEAVING: {
        Said.PLATFORM_LEFT: State.STRANGER,
        Said.PLATFORM_REFUSED: State.PLATFORM,
        Said.LIFE_SIGN: State.PLATFORM_LEAVING,
    },
}

SAID_BY_COMMAND: dict[int, Said] = {
    Command.LOGIN: Said.LOGIN,
    Command.REALTIME: Said.REPORT,
    Command.RESEND: Said.REPORT,
    Command.LOGOUT: Said.LOGOUT,
    Command.PLATFORM_LOGIN: Said.PLATFORM_LOGIN,
    Command.PLATFORM_LOGOUT: Said.PLATFORM_LOGOUT,
    Command.HEARTBEAT: Said.LIFE_SIGN,
    Command.TIME_SYNC: Said.LIFE_SIGN,
    Command.ACTIVATION: Said.ACTIVATION,
    Command.KEY_EXCHANGE: Said.KEY,
    **dict.fromkeys(range(0xC0, 0xFF), Said.PRIVATE),
}
# The answers that move the conversation: if taken, if refused.
SAID_BY_ANSWER: dict[int, tuple[Said, Said]] = {
    Command.LOGIN: (Said.LOGIN_TAKEN, Said.LOGIN_REFUSED),
    Command.LOGOUT: (Said.LOGOUT_TAKEN, Said.LOGOUT_REFUSED),
    Command.PLATFORM_LOGIN: (Said.PLATFORM_TAKEN, Said.PLATFORM_REFUSED),
    Command.PLATFORM_LOGOUT: (Said.PLATFORM_LEFT, Said.PLATFORM_REFUSED),
}
_NEW_IN_2025 = frozenset({Command.ACTIVATION, Command.KEY_EXCHANGE})
# Answer codes that the 2016 edition does not know become its general "error".
_FIRST_OF_2025 = Response.VIN_UNKNOWN


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of one edition; all settable (annex B, table B.8 / B.12).

    report_s : longest time between two reports (B.2.1). alarm_s : the same around a grave alarm.
    around_s : how long before and after a grave alarm. until_cleared : report fast until the alarm
    ends, not only ``around_s`` long (2025). grave : from this alarm level on.
    resend_days : age up to which a terminal resends (B.2.8); a platform keeps 7 days (5.4).
    retry_s, tries, pause_s : a login without answer is repeated after ``retry_s``; after ``tries``
    of them ``pause_s`` long nothing (B.1). answer_s : an answer is overdue, an assumption within
    the 1 to 600 s of the parameter table. error_retry_s, error_tries : a report that was answered
    with an error is sent again (B.2.1). heartbeat_s : an assumption within its 1 to 240 s.
    """

    report_s: float = 30.0
    alarm_s: float = 1.0
    around_s: float = 30.0
    until_cleared: bool = False
    grave: int = 3
    resend_days: float = 3.0
    retry_s: float = 60.0
    tries: int = 3
    pause_s: float = 1800.0
    answer_s: float = 30.0
    error_retry_s: float = 60.0
    error_tries: int = 3
    heartbeat_s: float = 60.0


PLATFORM_RESEND_DAYS = 7.0
TIMINGS = {
    Edition.Y2016: Timing(),
    Edition.Y2025: Timing(until_cleared=True, resend_days=7.0, retry_s=180.0),
}


class Conversation:
    """One link's place in the table. Both roles tell it what was said, by whichever side."""

    __slots__ = ("edition", "serial", "state", "vin")

    def __init__(self) -> None:
        self.state = State.STRANGER
        self.edition: Edition | None = None
        self.vin = b""
        self.serial = 0

    def may(self, command: int) -> bool:
        """Whether a command is lawful now."""
        said = SAID_BY_COMMAND.get(command)
        return said is not None and said in STEPS[self.state]

    def say(self, said: Said) -> bool:
        """Take a step; False, and nothing changes, where the table has none."""
        following = STEPS[self.state].get(said)
        if following is None:
            return False
        self.state = following
        return True

    def ask(self, frame: bytes) -> FrameFault | None:
        """A command is said: step, or tell which rule it breaks.

        ``frame`` : a whole frame of a sound envelope, response flag FE.
        """
        command = frame[2]
        said = SAID_BY_COMMAND.get(command)
        if said is None:
            return FrameFault("command", 2, f"{command:02X}")
        if said not in STEPS[self.state]:
            return FrameFault("order", 2, f"{said} while {self.state}")
        edition = Edition.Y2016 if frame[0] == 0x23 else Edition.Y2025
        if edition is not self.edition:
            if self.edition is not None and said not in (Said.LOGIN, Said.PLATFORM_LOGIN):
                return FrameFault("edition", 0, f"{edition.value} after {self.edition.value}")
            if edition is Edition.Y2016 and command in _NEW_IN_2025:
                return FrameFault("command", 2, f"{command:02X} in the 2016 edition")
        if self.state is State.VEHICLE and said is not Said.LIFE_SIGN and frame[4:21] != self.vin:
            return FrameFault("vin", 4, "another vehicle than the one logged in")
        self.state = STEPS[self.state][said]
        if said is Said.LOGIN or said is Said.PLATFORM_LOGIN:
            self.edition = edition
            if self.state is State.ASKING:
                self.vin = frame[4:21]
        return None

    def answered(self, command: int, response: int) -> bool:
        """An answer is given: step. False where it answers nothing that was asked."""
        pair = SAID_BY_ANSWER.get(command)
        return True if pair is None else self.say(pair[response != Response.OK])


def answer_to(frame: bytes, response: int, *, time: bytes | None = None) -> bytes:
    """The answer to a command: its time stays, the rest of its data goes (6.3.2).

    ``time`` : six bytes to give instead (time request). An encrypted unit shows no time to keep
    once it is not understood, so its answer is empty unless ``time`` is given. Codes that came
    with 2025 become "error" in a frame of 2016.
    """
    if time is None:
        plain = frame[21] == Encryption.NONE and len(frame) > HEAD + TIME_BYTES
        time = frame[HEAD : HEAD + TIME_BYTES] if plain else b""
    if frame[0] == 0x23 and _FIRST_OF_2025 <= response < Response.COMMAND:
        response = Response.ERROR
    body = b"%c%c%b\x01\x00%c%b" % (frame[2], response, frame[4:21], len(time), time)
    return b"%b%b%c" % (frame[:2], body, check_byte(body))


def command_frame(
    edition: Edition, command: int, vin: bytes, data: bytes, encryption: int = Encryption.NONE
) -> bytes:
    """A command of ours; ``vin``: 17 bytes, ``data``: at most 65,531."""
    size = len(data).to_bytes(2, "big")
    body = b"%c\xfe%b%c%b%b" % (command, vin, encryption, size, data)
    return b"%b%b%c" % (STARTS[edition], body, check_byte(body))


def beijing_bytes(at: datetime) -> bytes:
    """Six bytes of Beijing time (table 5) of a moment in UTC; years 2000 to 2099."""
    local = at.astimezone(BEIJING)
    return bytes((local.year % 100, local.month, local.day, local.hour, local.minute, local.second))


def utc_of(data: bytes) -> datetime | None:
    """The moment in UTC of six bytes of Beijing time; None where they are no time."""
    try:
        year, month, day, hour, minute, second = data
        if year > _LAST_YEAR:
            return None
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=BEIJING).astimezone(
            UTC
        )
    except ValueError:
        return None


class Serials:
    """Login serials of one caller: from 1, one more each login, anew each Beijing day."""

    __slots__ = ("_day", "_last")

    def __init__(self) -> None:
        self._day, self._last = "", 0

    def following(self, at: datetime) -> int:
        """The serial of a login at ``at`` (UTC)."""
        day = at.astimezone(BEIJING).date().isoformat()
        if day != self._day:
            self._day, self._last = day, 0
        self._last = self._last % LAST_SERIAL + 1
        return self._last
