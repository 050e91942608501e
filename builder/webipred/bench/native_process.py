"""A process that holds one session of native onnxruntime and answers JSON lines; `webipred.bench.native` starts it.

Its protocol is that of site_templates/app/shared/bench-messages.ts, with paths in place of buffers.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from webipred.convert.model import INPUT_NAME

Reply = dict[str, object]


class Session:
    """One session and its image."""

    def __init__(self, model: bytes, image: NDArray[np.float32], threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._feed = {INPUT_NAME: image}

    def run(self) -> NDArray[np.float32]:
        values: NDArray[np.float32] = self._session.run(None, self._feed)[0]
        return values


def open_session(request: dict[str, object]) -> tuple[Session, Reply]:
    """Return a new session and what is told about its start."""
    threads, shape = request["threads"], request["shape"]
    assert isinstance(threads, int)  # noqa: S101  # the parent's own message
    assert isinstance(shape, list)  # noqa: S101
    model = Path(str(request["model"])).read_bytes()
    image = np.fromfile(str(request["input"]), "<f4").reshape(shape)
    started = time.perf_counter()
    session = Session(model, image, threads)
    ready = time.perf_counter()
    values = session.run()
    first = time.perf_counter() - ready
    times = {"ready_ms": (ready - started) * 1e3, "first_ms": first * 1e3}
    return session, {**times, "threads": threads, "values": values.reshape(-1).tolist()}


def time_runs(session: Session, count: int) -> Reply:
    """Run `count` times; returns one time each."""
    times = []
    for _ in range(count):
        started = time.perf_counter()
        session.run()
        times.append((time.perf_counter() - started) * 1e3)
    return {"times_ms": times}


def main() -> None:
    """Answer requests until the input ends."""
    session: Session | None = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["type"] == "open":
            session, reply = open_session(request)
        elif session is not None:
            reply = time_runs(session, request["count"])
        else:
            reply = {"code": "nothing is open"}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
