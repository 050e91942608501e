"""Calls into the Linux kernel that Python has no name for."""

import ctypes
import functools
import os
import platform
import sys
from collections.abc import Mapping
from typing import Final

from webipred.convert.jail.numbers import AARCH64, X86_64

PR_SET_NO_NEW_PRIVS: Final = 38
CAPABILITY_VERSION_3: Final = 0x20080522
TABLES: Final[Mapping[str, Mapping[str, int]]] = {"x86_64": X86_64, "aarch64": AARCH64}


class LayerError(Exception):
    """A layer that this machine does not offer, with the reason in a few words."""


def find_numbers() -> Mapping[str, int]:
    """Return the numbers of system calls on this machine. Raises LayerError where none are known."""
    machine = platform.machine()
    if sys.platform != "linux":
        raise LayerError(f"{sys.platform} has no such layer")
    if machine not in TABLES or sys.maxsize < 1 << 32:
        raise LayerError(f"no table of system calls for {machine}")
    return TABLES[machine]


def call(name: str, *arguments: "int | bytes | ctypes.c_void_p | None") -> int:
    """Call the kernel and return what it answers. Raises LayerError with the kernel's own word for a refusal."""
    answer = int(_load_library().syscall(ctypes.c_long(find_numbers()[name]), *(_widen(item) for item in arguments)))
    if answer < 0:
        raise LayerError(f"{name}: {os.strerror(ctypes.get_errno())}")
    return answer


def forbid_new_privileges() -> None:
    """Give up for good what a set-user-ID program could grant, and every capability that this process holds.

    Raises LayerError where the kernel refuses.
    """
    if _load_library().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise LayerError(f"no_new_privs: {os.strerror(ctypes.get_errno())}")
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    call("capset", bytes(header), bytes(nothing))


def _widen(item: "int | bytes | ctypes.c_void_p | None") -> object:
    return ctypes.c_long(item) if isinstance(item, int) else item


@functools.cache
def _load_library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
