"""The filter as instructions: what it answers for every call, on both processors, by an interpreter of its own."""

import errno
import os
import platform
import struct
import sys

import pytest

from webipred.convert.jail.numbers import AARCH64, X86_64
from webipred.convert.jail.seccomp import (
    ALLOW,
    ARCHITECTURES,
    ERROR,
    KILL_PROCESS,
    UNAVAILABLE,
    VIOLATIONS,
    build_filter,
)

MACHINES = {"x86_64": X86_64, "aarch64": AARCH64}
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the filter is made for Linux")


def run_filter(program: list[bytes], machine: str, number: int, *arguments: int) -> int:
    """Return what the kernel would do."""
    values = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, ARCHITECTURES[machine], 0, *(value % (1 << 64) for value in values))
    accumulator = position = 0
    while True:
        code, if_true, if_false, value = struct.unpack("<HBBI", program[position])
        position += 1
        if code == 0x06:
            return int(value)
        if code == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif code == 0x54:
            accumulator &= value
        else:
            truth = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[code]
            position += if_true if truth else if_false


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    monkeypatch.setattr(platform, "machine", lambda: name)
    return name


@pytest.mark.parametrize(("deadly", "answer"), [(True, KILL_PROCESS), (False, ERROR | errno.EPERM)])
def test_every_violation_is_answered(machine: str, deadly: bool, answer: int) -> None:
    program = build_filter(deadly=deadly)
    numbers = MACHINES[machine]
    found = {name: run_filter(program, machine, numbers[name]) for name in VIOLATIONS if name in numbers}
    assert dict.fromkeys(found, answer) == found


def test_what_libraries_try_is_an_error_even_when_sealed(machine: str) -> None:
    program, numbers = build_filter(deadly=True), MACHINES[machine]
    found = {name: run_filter(program, machine, numbers[name]) for name in UNAVAILABLE}
    assert dict.fromkeys(found, ERROR | errno.EPERM) == found


@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("clone", (0x10000 | 0x100,), ALLOW),
        ("clone", (17,), KILL_PROCESS),
        ("clone3", (), ERROR | errno.ENOSYS),
        ("socket", (1,), ERROR | errno.EACCES),
        ("socket", (2,), KILL_PROCESS),
        ("socket", (16,), KILL_PROCESS),
        ("kill", (os.getpid(), 9), ALLOW),
        ("kill", (1, 9), KILL_PROCESS),
        ("kill", (-1, 9), KILL_PROCESS),
        ("tgkill", (os.getpid(), 5, 6), ALLOW),
        ("tgkill", (os.getpid() + 1, 5, 6), KILL_PROCESS),
        ("prlimit64", (0,), ALLOW),
        ("prlimit64", (os.getpid(),), ALLOW),
        ("prlimit64", (1,), KILL_PROCESS),
        ("mmap", (0, 4096, 3, 0x22), ALLOW),
        ("mmap", (0, 4096, 3, 0x21), ERROR | errno.ENOMEM),
        ("mmap", (0, 4096, 3, 0x01), ALLOW),
        ("ioctl", (0, 0x5412), ERROR | errno.EPERM),
        ("ioctl", (0, 0x5401), ALLOW),
    ],
)
def test_arguments_decide(machine: str, name: str, arguments: tuple[int, ...], answer: int) -> None:
    assert answer == run_filter(build_filter(deadly=True), machine, MACHINES[machine][name], *arguments)


def test_ordinary_calls_pass(machine: str) -> None:
    listed = set(MACHINES[machine].values())
    others = [number for number in range(460) if number not in listed]
    program = build_filter(deadly=True)
    assert {ALLOW} == {run_filter(program, machine, number) for number in others}


def test_another_architecture_and_its_numbers_end_the_process(machine: str) -> None:
    program = build_filter(deadly=False)
    other = next(name for name in MACHINES if name != machine)
    assert KILL_PROCESS == run_filter(program, other, 0)
    if machine == "x86_64":
        assert KILL_PROCESS == run_filter(program, machine, 0x40000000 + 41)
