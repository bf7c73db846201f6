"""python -m app.transcripts.processors NAME: another package's processor, in a process that can be ended.

It is asked over its standard input and answers on what was its standard output; what the package prints goes to stderr.
"""

import ctypes
import os
import pickle
import signal
import sys
from io import FileIO
from typing import Any

from app.facts.workspaces import labeller
from app.transcripts.processors.contract import Context, Processor
from app.transcripts.processors.installed import processors
from app.transcripts.reading.frames import Frame, read, send

PR_SET_PDEATHSIG = 1


def outcome(processor: Processor, asked: bytes) -> Frame:
    """What it returned, or the kind of what it raised: its words may quote the log, its kind does not."""
    lines, known = pickle.loads(asked)  # noqa: S301 - from who started us
    known["label"] = labeller(*known["label"])
    try:
        return Frame({"raised": None}, pickle.dumps(processor.process(lines, Context(**known))))
    except BaseException as error:  # noqa: BLE001 - whatever it raises, it raises in here
        return Frame({"raised": type(error).__name__})


def main(name: str, asked: FileIO, answers: FileIO) -> None:
    processor: Any = processors().get(name)
    send(answers, Frame({"ready": processor is not None}))
    while processor is not None and (frame := read(asked)) is not None:
        send(answers, outcome(processor, frame.body))


if __name__ == "__main__":
    if sys.platform == "linux":  # elsewhere it goes once it is done with what it is at
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL.value)
    ours = FileIO(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        main(sys.argv[1], FileIO(os.dup(0)), ours)
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(1)
