"""Two network namespaces joined by one wire: this process and the browser on one side, every server on the other.

Namespaces belong to threads. The main thread enters one for itself and for all that it starts; a helper thread enters
another, lays the wire and opens the servers' sockets, which stay there whoever uses them. Nothing outlives the process.
"""

import ctypes
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar, cast

SITE_ADDRESS, RESOLVER_ADDRESS, BROWSER_ADDRESS = "10.77.0.1", "10.77.0.53", "10.77.0.2"
SINK_ADDRESS = "203.0.113.66"
"""TEST-NET-3, routed nowhere: where every name of the attacker's zone leads."""
NEAR, FAR = "proof1", "proof0"
"""The two ends of the wire: the browser's and the servers'."""

_CLONE_NEWNS, _CLONE_NEWNET = 0x00020000, 0x40000000
_TOOLS = ("ip", "mount")

T = TypeVar("T")


class NoNamespaceError(Exception):
    """This machine or this user cannot make network namespaces; the message says what is missing."""


class Network:
    """The laid wire; make one a process, in its main thread, before any browser starts."""

    def __init__(self) -> None:
        """Raises NoNamespaceError where the wire cannot be laid."""
        check_possible()
        self._tasks: queue.Queue[tuple[Callable[[], object], Future[object]]] = queue.Queue()
        _unshare(_CLONE_NEWNET | _CLONE_NEWNS)
        _run("mount", "--make-rprivate", "/")
        _replace_resolver()
        _run("ip", "link", "set", "lo", "up")
        threading.Thread(target=self._live_on_far_side, daemon=True).start()
        near = str(threading.get_native_id())
        self.on_far_side(lambda: _lay_wire(near))
        _run("ip", "address", "add", f"{BROWSER_ADDRESS}/24", "dev", NEAR)
        self.plug()

    def on_far_side(self, task: Callable[[], T]) -> T:
        """Run `task` in the servers' namespace and return its result; sockets that it makes stay there."""
        future: Future[object] = Future()
        self._tasks.put((task, future))
        return cast("T", future.result())

    def plug(self) -> None:
        """Connect the wire; every address is beyond it."""
        _run("ip", "link", "set", NEAR, "up")
        _run("ip", "route", "replace", "default", "via", SITE_ADDRESS, "dev", NEAR)

    def unplug(self) -> None:
        """Pull the wire out of the browser's side."""
        _run("ip", "link", "set", NEAR, "down")

    def _live_on_far_side(self) -> None:
        while True:
            task, future = self._tasks.get()
            try:
                future.set_result(task())
            except BaseException as error:  # the caller's to handle, in its own thread
                future.set_exception(error)


def check_possible() -> None:
    """Raise NoNamespaceError with the reason where namespaces cannot be made."""
    if sys.platform != "linux":
        raise NoNamespaceError("network namespaces exist on Linux only")
    if os.geteuid() != 0:
        raise NoNamespaceError("network namespaces need root: run `sudo make prove`")
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        raise NoNamespaceError(f"the programs {', '.join(missing)} are missing (Debian: iproute2, mount)")


def _lay_wire(near_thread: str) -> None:
    _unshare(_CLONE_NEWNET)
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "add", FAR, "type", "veth", "peer", "name", NEAR, "netns", near_thread)
    for address in (f"{SITE_ADDRESS}/24", f"{RESOLVER_ADDRESS}/24", f"{SINK_ADDRESS}/32"):
        _run("ip", "address", "add", address, "dev", FAR)
    _run("ip", "link", "set", FAR, "up")


def _replace_resolver() -> None:
    """Let this namespace, and no one else on the machine, ask the far side's resolver."""
    folder = Path(tempfile.mkdtemp(prefix="webipred-resolver-"))
    files = {"resolv.conf": f"nameserver {RESOLVER_ADDRESS}\n", "hosts": "127.0.0.1 localhost\n"}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="ascii")
        _run("mount", "--bind", str(folder / name), f"/etc/{name}")
    shutil.rmtree(folder)  # the mounts keep the files


def _unshare(flags: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(flags) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise NoNamespaceError(f"the kernel refuses a network namespace ({reason}); a container needs CAP_SYS_ADMIN")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoNamespaceError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
