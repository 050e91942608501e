"""Landlock: the process reads what it needs to run, writes one folder, executes nothing, connects nowhere."""

import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from webipred.convert.jail.kernel import LayerError, call, forbid_new_privileges

WRITE_FILE: Final = 1 << 1
READ_FILE: Final = 1 << 2
READ_FOLDER: Final = 1 << 3
FIRST_RIGHTS: Final = (1 << 13) - 1
REFER: Final = 1 << 13  # ABI 2: link or rename across folders
TRUNCATE: Final = 1 << 14  # ABI 3
DEVICE_CONTROL: Final = 1 << 15  # ABI 5
EXECUTE: Final = 1 << 0
BOTH_TCP: Final = 3  # ABI 4: bind and connect
BOTH_SCOPES: Final = 3  # ABI 6: abstract sockets of, and signals to, processes outside
PATH_BENEATH: Final = 1
VERSION_FLAG: Final = 1


def confine_files(readable: Iterable[Path], writable: Iterable[Path]) -> int:
    """Restrict this thread, and all it starts, to these files and folders; return the kernel's ABI number.

    Paths that do not exist are left out. Raises LayerError where the kernel has no Landlock or refuses a rule.
    """
    abi = call("landlock_create_ruleset", None, 0, VERSION_FLAG)
    handled = FIRST_RIGHTS | (REFER if abi >= 2 else 0) | (TRUNCATE if abi >= 3 else 0)
    handled |= DEVICE_CONTROL if abi >= 5 else 0
    fields = struct.pack("QQQ", handled, BOTH_TCP if abi >= 4 else 0, BOTH_SCOPES if abi >= 6 else 0)
    attributes = fields[: 8 if abi < 4 else 16 if abi < 6 else 24]
    ruleset = call("landlock_create_ruleset", attributes, len(attributes), 0)
    try:
        for path in readable:
            _allow(ruleset, path, READ_FILE | READ_FOLDER)
        for path in writable:
            _allow(ruleset, path, handled & ~EXECUTE & ~DEVICE_CONTROL)
        forbid_new_privileges()
        call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)
    return abi


def check_confined() -> None:
    """Raise LayerError if a file outside can be listed after all."""
    try:
        os.scandir("/").close()
    except PermissionError:
        return
    raise LayerError("the root folder can still be listed")


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not path.is_dir():  # rights about the entries of a folder are refused for a file
            rights &= READ_FILE | WRITE_FILE | TRUNCATE
        call("landlock_add_rule", ruleset, PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)
