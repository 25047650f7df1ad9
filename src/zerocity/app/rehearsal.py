"""A decision made unheard before anybody is let in.

Kernels are compiled at their first use, which takes seconds in a new installation; nobody must wait
for that who is connected already.
"""

from __future__ import annotations

import numpy as np

from zerocity.charging.envelope import add_session
from zerocity.control.loop import plan_row
from zerocity.control.sighting import say
from zerocity.live.world import LiveCity

STEPS = 96


def rehearse(world: LiveCity) -> None:
    """Decide on what is seen now, and reckon with one session; nothing comes of either."""
    plan = world.plan()
    step = int(world.clock.utc().timestamp() // world.rhythm.step_s)
    say(world.observe(step), plan_row(plan.days.pv_kw, plan.plans, plan.column(step)))
    early, late = np.zeros((2, 1, STEPS))
    add_session(early[0], late[0], 0, STEPS, 1.0, 1.0)
