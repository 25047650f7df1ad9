"""By when a pack that came back must be full again.

Packs leave in the order in which they become due. One that comes back stands last in line, so it
is due when the demand expected from now on has used up the others, less a reserve. That turns a
station's stock into sessions with deadlines, which the same planner can shift into cheap hours.
"""

from __future__ import annotations

from numba import njit

from zerocity.measures.arrays import F64

# Share of the stock that may be promised before a returned pack is due; the rest covers a rush.
PROMISED_SHARE = 0.6
# No pack waits longer than half a day (steps of a quarter hour).
LONGEST_STEPS = 48


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def due_in_steps(expected: F64, step: int, stock: int) -> int:
    """Steps from ``step`` until a pack returned now is needed.

    expected : swaps expected in each step of an ordinary day (steps,), read round the clock.
    stock : packs of the station. Returns 1 to `LONGEST_STEPS`.
    """
    promised = max(stock * PROMISED_SHARE - 1.0, 0.0)
    used = 0.0
    at = step
    for ahead in range(1, LONGEST_STEPS):
        at = at + 1 if at + 1 < expected.size else 0
        used += expected[at]
        if used >= promised:
            return ahead
    return LONGEST_STEPS
