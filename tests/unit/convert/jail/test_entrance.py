"""What an attacker inside the jail cannot do, layer by layer; an attack whose layer is absent here is skipped."""

import hashlib
import os
import resource
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from jails import LINUX, attack, read_code, read_record, read_words, try_deeds
from webipred.convert.jail.record import ISOLATION, JailRecord, parse_record
from webipred.convert.limits import ConversionLimits

pytestmark = pytest.mark.skipif(not LINUX, reason="the jail needs a Linux kernel")
CANARY = "canary-of-the-builder-7f3a9c"
Need = Callable[..., None]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> JailRecord:
    return read_record(tmp_path_factory.mktemp("jail"))


@pytest.fixture
def need(record: JailRecord) -> Need:
    """Skip a test whose layer this kernel does not offer."""

    def check(*layers: str) -> None:
        for layer, reason in zip(record.missing, record.reasons, strict=True):
            if layer in layers:
                pytest.skip(f"{layer} is missing here: {reason}")

    return check


def hash_tree(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(f"{path.relative_to(folder)} {path.lstat().st_mode}".encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def test_every_layer_is_either_held_or_missing_with_a_reason(record: JailRecord) -> None:
    assert {*ISOLATION, "rlimits"} == {*record.held, *record.missing}
    assert len(record.missing) == len([reason for reason in record.reasons if reason])


def test_work_in_the_own_folder_goes_on(tmp_path: Path) -> None:
    code = """
        import threading
        thread = threading.Thread(target=lambda: open("out", "w").write("done"))
        thread.start(); thread.join()
        print(open("out").read(), flush=True)
    """
    ending = attack(tmp_path, code)
    assert ("", "done\n") == (read_code(ending), read_words(ending))


FAMILIES = ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_UNIX", "AF_ALG")


def test_no_socket_can_be_made(tmp_path: Path, need: Need) -> None:
    need("seccomp")
    kinds = ("SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW")
    deeds = [f"socket.socket(socket.{family}, socket.{kind})" for family in FAMILIES for kind in kinds]
    assert dict.fromkeys(deeds, "PermissionError") == try_deeds(tmp_path, deeds, start="import socket")


@pytest.mark.parametrize("family", ["AF_INET", "AF_VSOCK"])
def test_a_socket_is_reported(tmp_path: Path, need: Need, family: str) -> None:
    need("seccomp")
    assert "E-JAIL-VIOLATION" == read_code(attack(tmp_path, f"import socket\nsocket.socket(socket.{family})"))


def test_a_name_is_not_resolved(tmp_path: Path, need: Need) -> None:
    need("seccomp")
    assert "E-JAIL-VIOLATION" == read_code(attack(tmp_path, "import socket; socket.getaddrinfo('example.org', 443)"))


def test_the_network_is_empty_even_for_a_process_without_the_filter(tmp_path: Path, need: Need) -> None:
    need("namespaces")
    code = "print(len(open('/proc/self/net/dev').read().splitlines()) - 3, os.path.exists('/proc/self/ns/net'))"
    assert "0 " in read_words(attack(tmp_path, f"import os\n{code}"))


def test_a_server_on_the_loopback_hears_nothing(tmp_path: Path, need: Need) -> None:
    need("seccomp")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        attack(tmp_path, f"import socket\ntry: socket.create_connection(('127.0.0.1', {port}))\nexcept OSError: pass")
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_file_outside_is_reported(tmp_path: Path, need: Need) -> None:
    need("landlock")
    assert "E-JAIL-VIOLATION" == read_code(attack(tmp_path, "open('/etc/passwd')"))


def test_no_file_outside_can_be_read(tmp_path: Path, need: Need) -> None:
    need("landlock")
    canary = tmp_path / "home" / "secret"
    canary.parent.mkdir()
    canary.write_text(CANARY, encoding="utf-8")
    files = ["/etc/passwd", "/etc/hosts", "/proc/1/environ", f"/proc/{os.getpid()}/environ", str(canary), "link"]
    folders = ["/", "/home", "/root", "/tmp", ".."]  # noqa: S108  what must not be listed
    deeds = [*(f"open({file!r}).read()" for file in files), *(f"os.listdir({folder!r})" for folder in folders)]
    start = f"import os\nos.symlink({str(canary)!r}, 'link')"
    assert dict.fromkeys(deeds, "PermissionError") == try_deeds(tmp_path, deeds, start=start, sealed=True)


def test_nothing_outside_can_be_changed(tmp_path: Path, need: Need) -> None:
    need("landlock")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept", encoding="utf-8")
    before = hash_tree(outside)
    deeds = [
        *("open('../outside/new', 'w')", "open('../outside/kept', 'a')", "os.remove('../outside/kept')"),
        *("os.rename('../outside/kept', 'taken')", "os.rename('out', '../outside/out')", "os.mkdir('../outside/made')"),
        *(
            "os.truncate('../outside/kept', 0)",
            "os.symlink('x', '../outside/link')",
            "os.link('../outside/kept', 'in')",
        ),
        *("os.mkfifo('../outside/pipe')", "os.mknod('../outside/node')"),
    ]
    met = try_deeds(tmp_path, deeds, start="import os\nopen('out', 'w')", sealed=True)
    assert before == hash_tree(outside)
    # to link or move across the border is refused as if the places were on two disks
    assert {"PermissionError", "OSError"} >= set(met.values())


def test_python_itself_cannot_be_changed(tmp_path: Path, need: Need) -> None:
    need("landlock")
    assert "E-JAIL-VIOLATION" == read_code(attack(tmp_path, "import os; open(os.__file__, 'r+b')"))


def test_no_program_or_process_can_be_started(tmp_path: Path, need: Need) -> None:
    need("seccomp")
    deeds = [
        *("os.fork()", "subprocess.run(['/bin/sh', '-c', 'true'])", "os.execv('/bin/true', ['true'])", "os.forkpty()"),
        *("multiprocessing.Process(target=print).start()", "os.posix_spawn('/bin/true', ['x'], {})"),
    ]
    met = try_deeds(tmp_path, deeds, start="import os, subprocess, multiprocessing")
    assert dict.fromkeys(deeds, "PermissionError") == met


@pytest.mark.parametrize("deed", ["os.execv('/bin/true', ['true'])", "subprocess.run(['/bin/true'])"])
def test_a_program_is_reported(tmp_path: Path, need: Need, deed: str) -> None:
    need("seccomp")
    assert "E-JAIL-VIOLATION" == read_code(attack(tmp_path, f"import os, subprocess\n{deed}"))


def test_a_fork_bomb_does_not_multiply(tmp_path: Path, need: Need) -> None:
    need("seccomp")
    code = (
        "import os\nopen(f'born-{os.getpid()}', 'w')\nwhile True:\n    os.fork()\n    open(f'born-{os.getpid()}', 'w')"
    )
    assert "E-JAIL-VIOLATION" == read_code(attack(tmp_path, code))
    assert 1 == len(list((tmp_path / "work").glob("born-*")))


def test_a_thread_bomb_ends(tmp_path: Path, need: Need) -> None:
    need("rlimits")
    limits = ConversionLimits(wall_s=60, memory_bytes=300 << 20)
    code = """
        import threading
        stop = threading.Event()
        while True:
            threading.Thread(target=stop.wait, daemon=True).start()
    """
    assert read_code(attack(tmp_path, code, limits), limits) in ("E-CONVERT-CRASH", "E-CONVERT-MEMORY")


CALLS = """
import ctypes, os, resource
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
"""


def test_other_processes_and_the_machine_are_out_of_reach(tmp_path: Path, need: Need) -> None:
    need("seccomp")
    limit = resource.getrlimit(resource.RLIMIT_CPU)
    deeds = [
        *("os.kill(os.getppid(), 9)", "os.kill(-1, 9)", "os.kill(1, 0)", "os.pidfd_open(os.getppid())"),
        *("call('ptrace', 16, os.getppid(), 0, 0)", "call('process_vm_readv', os.getppid(), 0, 0, 0, 0, 0)"),
        "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
        *("call('mount', b'none', b'/proc', b'proc', 0, 0)", "call('unshare', 0x10000000)", "os.chroot('.')"),
        *("call('setpriority', 0, os.getppid(), 19)", "os.memfd_create('x')", "call('shmget', 0, 1 << 30, 0o1600)"),
    ]
    assert dict.fromkeys(deeds, "PermissionError") == try_deeds(tmp_path, deeds, start=CALLS)
    assert limit == resource.getrlimit(resource.RLIMIT_CPU)


@pytest.mark.parametrize("deed", ["os.kill(os.getppid(), 9)", "call('ptrace', 16, os.getppid(), 0, 0)"])
def test_an_attack_on_the_builder_is_reported(tmp_path: Path, need: Need, deed: str) -> None:
    need("seccomp")
    assert "E-JAIL-VIOLATION" == read_code(attack(tmp_path, f"{CALLS}\n{deed}"))


@pytest.mark.parametrize(
    "deed",
    ["x = bytearray(1 << 33)", "import mmap; mmap.mmap(-1, 1 << 33)", "x = [bytes(1 << 20) for _ in range(4000)]"],
)  # fmt: skip
def test_a_memory_bomb_is_stopped(tmp_path: Path, need: Need, deed: str) -> None:
    need("rlimits", "seccomp")
    limits = ConversionLimits(wall_s=60, memory_bytes=400 << 20)
    assert "E-CONVERT-MEMORY" == read_code(attack(tmp_path, deed, limits), limits)


def test_a_hundred_gigabytes_in_one_file_are_stopped(tmp_path: Path) -> None:
    limits = ConversionLimits(wall_s=60, output_bytes=8 << 20)
    code = "with open('big', 'wb') as stream:\n    for _ in range(100_000): stream.write(bytes(1 << 20))"
    assert "E-CONVERT-SIZE" == read_code(attack(tmp_path, code, limits), limits)
    assert (tmp_path / "work/big").stat().st_size <= 8 << 20


@pytest.mark.parametrize("size", [1 << 18, 0])
def test_a_hundred_gigabytes_in_many_files_are_stopped(tmp_path: Path, size: int) -> None:
    limits = ConversionLimits(wall_s=60, folder_bytes=2 << 20)
    code = f"for number in range(10**9):\n    with open(f'f{{number}}', 'wb') as stream: stream.write(bytes({size}))"
    assert "E-CONVERT-SIZE" == read_code(attack(tmp_path, code, limits), limits)


def test_a_gigabyte_of_words_is_stopped(tmp_path: Path) -> None:
    code = "import os\nfor _ in range(1024): os.write(1, bytes(1 << 20))"
    assert "E-CONVERT-PRINTED" == read_code(attack(tmp_path, code))


@pytest.mark.parametrize(("code", "limits"), [
    ("while True: pass", ConversionLimits(wall_s=60, cpu_s=1)),
    ("import time; time.sleep(600)", ConversionLimits(wall_s=1)),
    ("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass", ConversionLimits(wall_s=1)),
])  # fmt: skip
def test_an_endless_loop_is_stopped(tmp_path: Path, code: str, limits: ConversionLimits) -> None:
    assert "E-CONVERT-TIMEOUT" == read_code(attack(tmp_path, code, limits), limits)


def test_a_crash_is_told(tmp_path: Path) -> None:
    ending = attack(tmp_path, "import ctypes; ctypes.string_at(0)")
    assert ("E-CONVERT-CRASH", -11) == (read_code(ending), ending.status)


def test_an_attacker_cannot_change_what_was_recorded(tmp_path: Path, record: JailRecord) -> None:
    ending = attack(tmp_path, 'print(\'webipred-jail {"held": ["everything"]}\', flush=True)')
    assert record == parse_record(ending.printed)[0]


def test_limits_cannot_be_raised_again(tmp_path: Path, need: Need) -> None:
    need("rlimits")
    deeds = [f"resource.setrlimit(resource.RLIMIT_{name}, (1 << 41, 1 << 41))" for name in ("DATA", "FSIZE", "CPU")]
    assert dict.fromkeys(deeds, "ValueError") == try_deeds(tmp_path, deeds, start="import resource")


def test_root_is_no_root_inside(tmp_path: Path, need: Need) -> None:
    need("seccomp")
    code = "print([line for line in open('/proc/self/status') if line.startswith('CapEff')])"
    assert "0000000000000000" in read_words(attack(tmp_path, code))


def test_without_a_jail_only_the_limits_hold(tmp_path: Path) -> None:
    ending = attack(tmp_path, "import socket; socket.socket().close(); print(open('/etc/hosts').name)", jailed=False)
    assert ("", "/etc/hosts\n") == (read_code(ending), read_words(ending))
