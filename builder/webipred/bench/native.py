"""Native onnxruntime as contestant: a process of its own, so that neither side inherits the other's threads or heap."""

import json
import subprocess
import sys
from pathlib import Path

from webipred.bench.contestants import NATIVE, Opening, read_opening, read_times
from webipred.errors import refuse


class NativeContestant:
    """onnxruntime of this Python."""

    name = NATIVE

    def __init__(self, *, model: Path, image: Path, shape: tuple[int, ...], threads: int) -> None:
        self.threads = threads
        self._request = {"model": str(model), "input": str(image), "shape": list(shape), "threads": threads}
        self._process: subprocess.Popen[str] | None = None

    def open(self) -> Opening:
        """Start a process and create a session in it."""
        self.close()
        command = [sys.executable, "-P", "-m", "webipred.bench.native_process"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return read_opening(self._ask({"type": "open", **self._request}), self.name)

    def run(self, count: int) -> list[float]:
        """Run the image `count` times."""
        return read_times(self._ask({"type": "run", "count": count}), self.name)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()  # the end of its input ends it
            self._process = None

    def _ask(self, request: dict[str, object]) -> dict[str, object]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("nothing is open")
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            what = "the process of onnxruntime ended; its own words stand above."
            raise refuse("E-BENCH-RUN", self.name, what, "Free memory, or leave out this model.")
        reply: dict[str, object] = json.loads(line)
        return reply
