"""seccomp: a filter of system calls, assembled here as BPF so that no library is needed.

Two strengths of one list: while trusted code is being imported a forbidden call gets an error; from the moment the
untrusted file is touched it ends the process, because no conversion has a reason to make it.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator
from typing import Final

from webipred.convert.jail.kernel import LayerError, call, find_numbers, forbid_new_privileges

ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT: Final = 0x40000000
LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
AND: Final = 0x54  # BPF_ALU | BPF_AND | BPF_K
RETURN: Final = 0x06
ALLOW: Final = 0x7FFF0000
KILL_PROCESS: Final = 0x80000000
ERROR: Final = 0x00050000
NUMBER_AT: Final = 0
ARCHITECTURE_AT: Final = 4
ARGUMENTS_AT: Final = 16  # eight bytes each; both processors are little endian
SET_FILTER: Final = 1
ALL_THREADS: Final = 1
NEW_THREAD: Final = 0x10000
LOCAL_SOCKET: Final = 1
SHARED_AND_ANONYMOUS: Final = 0x21
TERMINAL_INPUT: Final = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX type into the terminal of the builder

# Nobody who converts a network calls these: programs, other processes, the machine itself.
VIOLATIONS: Final = (
    *("execve", "execveat", "fork", "vfork"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease"),
    *("pidfd_open", "pidfd_getfd", "pidfd_send_signal", "kcmp", "rt_sigqueueinfo", "rt_tgsigqueueinfo"),
    *("bpf", "userfaultfd", "fanotify_init", "name_to_handle_at", "open_by_handle_at"),
    *("add_key", "request_key", "keyctl"),
    *("mount", "umount2", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"),
    *("chroot", "pivot_root", "unshare", "setns"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff"),
    *("iopl", "ioperm", "modify_ldt", "acct", "quotactl", "syslog", "sethostname", "setdomainname"),
    *("clock_settime", "clock_adjtime", "settimeofday", "adjtimex"),
)
# Libraries try these and have another way: memory and queues that no limit counts, and fast paths.
UNAVAILABLE: Final = (
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "perf_event_open", "personality"),
    *("memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mq_open"),
    *("setpriority", "ioprio_set", "migrate_pages", "move_pages"),
)

Program = list[bytes]


def load_filter(*, deadly: bool) -> None:
    """Filter the system calls of every thread from now on; `deadly` filters add to earlier ones.

    Raises LayerError where the kernel has no such filter or the processor is not known.
    """
    program = b"".join(build_filter(deadly=deadly))
    forbid_new_privileges()
    stored = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(stored))
    call("seccomp", SET_FILTER, ALL_THREADS, header)


def check_filtered() -> None:
    """Raise LayerError if an internet socket can be made after all."""
    try:
        os.close(call("socket", 2, 1, 0))
    except LayerError as error:
        if os.strerror(errno.EPERM) in str(error):
            return
        raise LayerError(f"a socket is refused by something else ({error})") from error
    raise LayerError("a socket can still be made")


def build_filter(*, deadly: bool) -> Program:
    """Return the filter as BPF instructions of eight bytes."""
    violation = KILL_PROCESS if deadly else ERROR | errno.EPERM
    machine = platform.machine()
    numbers = find_numbers()
    program = [
        _step(LOAD, ARCHITECTURE_AT),
        _step(EQUAL, ARCHITECTURES[machine], 1, 0),
        _step(RETURN, KILL_PROCESS),
        _step(LOAD, NUMBER_AT),
    ]
    if machine == "x86_64":  # the x32 numbers would go round every rule below
        program += [_step(AT_LEAST, X32_BIT, 0, 1), _step(RETURN, KILL_PROCESS)]
    for rule in _list_rules(violation):
        name, answer = rule
        if name in numbers:
            program += [_step(EQUAL, numbers[name], 0, len(answer)), *answer]
    return [*program, _step(RETURN, ALLOW)]


def _list_rules(violation: int) -> Iterator[tuple[str, Program]]:
    yield from ((name, [_step(RETURN, violation)]) for name in VIOLATIONS)
    yield from ((name, [_step(RETURN, ERROR | errno.EPERM)]) for name in UNAVAILABLE)
    yield "clone3", [_step(RETURN, ERROR | errno.ENOSYS)]  # its flags lie in memory; the C library falls back to clone
    yield "clone", [_argument(0), _step(ANY_BIT, NEW_THREAD, 0, 1), _step(RETURN, ALLOW), _step(RETURN, violation)]
    local = _step(RETURN, ERROR | errno.EACCES)  # the C library asks a name service; it does without
    yield "socket", [_argument(0), _step(EQUAL, LOCAL_SOCKET, 0, 1), local, _step(RETURN, violation)]
    own = os.getpid()
    for name in ("kill", "tkill", "tgkill"):
        yield name, [_argument(0), _step(EQUAL, own, 0, 1), _step(RETURN, ALLOW), _step(RETURN, violation)]
    mine = [_step(EQUAL, 0, 1, 0), _step(EQUAL, own, 0, 1)]
    yield "prlimit64", [_argument(0), *mine, _step(RETURN, ALLOW), _step(RETURN, violation)]
    refused = [_step(RETURN, ERROR | errno.ENOMEM), _step(RETURN, ALLOW)]  # DATA counts private memory only
    bits = [_argument(3), _step(AND, SHARED_AND_ANONYMOUS), _step(EQUAL, SHARED_AND_ANONYMOUS, 0, 1)]
    yield "mmap", [*bits, *refused]
    typed = [_step(EQUAL, TERMINAL_INPUT[0], 1, 0), _step(EQUAL, TERMINAL_INPUT[1], 0, 1)]
    yield "ioctl", [_argument(1), *typed, _step(RETURN, ERROR | errno.EPERM), _step(RETURN, ALLOW)]


def _argument(position: int) -> bytes:
    return _step(LOAD, ARGUMENTS_AT + 8 * position)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
