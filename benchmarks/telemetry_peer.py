"""GB/T 32960 frames in rtm_con (GPL): run by its own interpreter, not by hand.

    python telemetry_peer.py frames.hex

Prints, as JSON, the CPU time of a frame with the check verified, and per frame the vehicle's
voltage and the first pack's current, for comparison.
"""

import json
import sys
import time
from pathlib import Path

from rtm_con import msg_checked


def main():
    """Parse every frame once before the clock runs, then again."""
    frames = [bytes.fromhex(line) for line in Path(sys.argv[1]).read_text().split()]
    parsed = [msg_checked.parse(frame) for frame in frames]
    start = time.process_time()
    for frame in frames:
        msg_checked.parse(frame)
    spent = time.process_time() - start
    found = []
    for message in parsed:
        blocks = {str(item.data_type): item.data_content for item in message.payload.data_list}
        volts = blocks["whole_vehicle"].voltage_total.value
        found.append([volts, blocks["cell_volts"][0].curr.value])
    print(json.dumps({"seconds": spent / len(frames), "found": found}))


if __name__ == "__main__":
    main()
