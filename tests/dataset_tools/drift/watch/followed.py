"""Watches in processes of their own, each a fork of this one, which has imported what they need.

It reads a line of JSON for each: profile, stream, state, output, whether to end with the stream; and writes the number
of the process, and `ended` once it has ended.
"""

import json
import os
import sys
from pathlib import Path

from dataset_tools.drift.watch import watch
from dataset_tools.drift.watch.options import WatchOptions
from tests.dataset_tools.drift.made_log import DAY
from tests.dataset_tools.drift.watch.conftest import END


def follow(profile: str, stream: str, state: str, output: str, once: bool) -> None:
    """A watch that saves its state at nearly every line; its clock is ahead of the made rows."""
    watch._SAVE_SECONDS, watch._CLOCK_ROWS = -1.0, 7
    paths = (Path(state), Path(output))
    options = WatchOptions(Path(profile), Path(stream), "20d", *paths, once=once, close_last=once, poll_seconds=0.002)
    watch.Watch(options, clock=lambda: float(END + 1000 * DAY)).run()


if __name__ == "__main__":
    os.fsync = lambda descriptor: None  # a kill loses nothing that was written
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            try:
                follow(*json.loads(line))
            finally:
                os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("ended", flush=True)
