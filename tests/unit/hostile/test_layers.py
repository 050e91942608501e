"""Mutation check of the jail: each layer, left out alone, lets through the attack that it is there for."""

import json
import sys
from pathlib import Path

import pytest

from jails import LINUX, read_record
from webipred.convert.jail.command import FLAGS, build_command
from webipred.convert.jail.record import JailRecord, parse_record
from webipred.convert.limits import ConversionLimits
from webipred.convert.process import run_process

pytestmark = pytest.mark.skipif(not LINUX, reason="the jail needs a Linux kernel")
LIMITS = ConversionLimits(wall_s=60, memory_bytes=400 << 20)
MODULE = """
import os
from pathlib import Path

def main(seal):
    done = {}
    for name, deed in DEEDS.items():
        try:
            exec(deed, {"os": os, "Path": Path})
            done[name] = True
        except (OSError, MemoryError, AssertionError):
            done[name] = False
    import json
    print(json.dumps(done))
    return 0

DEEDS = {
    "read": "open('/etc/hosts').read()",
    "write": "Path('../written').write_text('x')",
    "fork": "pid = os.fork()\\nif pid == 0: os._exit(0)\\nos.waitpid(pid, 0)",
    "socket": "import socket; socket.socket().close()",
    "memfd": "os.close(os.memfd_create('x'))",
    "network": "assert os.stat('/proc/self/ns/net').st_ino == PARENT",
    "memory": "bytearray(1 << 29)",
}
"""
START = """
import sys; sys.path.extend(sys.argv[2:])
from webipred.convert.jail import entrance
skip = lambda *_, **__: ()
for name in {skipped!r}: setattr(entrance, name, skip)
raise SystemExit(entrance.enter(sys.argv[1]))
"""
LEFT_OUT = {
    "landlock": (("confine_files", "check_confined"), {"read", "write"}),
    "seccomp": (("load_filter", "check_filtered"), {"fork", "socket", "memfd"}),
    "namespaces": (("leave_namespaces",), {"network"}),
    "rlimits": (("limit_process",), {"memory"}),
}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> JailRecord:
    return read_record(tmp_path_factory.mktemp("layers"))


def list_done(folder: Path, skipped: tuple[str, ...]) -> set[str]:
    """Return the deeds that succeed in a jail without those steps."""
    modules, work = folder / "modules", folder / "work"
    modules.mkdir()
    work.mkdir()
    text = MODULE.replace("PARENT", str(Path("/proc/self/ns/net").stat().st_ino))
    (modules / "deeds.py").write_text(text, encoding="utf-8")
    command = build_command("deeds", LIMITS, jailed=True, paths=[str(modules)])
    arguments = command[command.index("-c") + 2 :]
    ending = run_process([sys.executable, *FLAGS, "-c", START.format(skipped=skipped), *arguments], work, LIMITS)
    done = json.loads(parse_record(ending.printed)[1])
    return {name for name, succeeded in done.items() if succeeded}


def test_with_all_layers_no_deed_succeeds(tmp_path: Path, record: JailRecord) -> None:
    if not record.complete:
        pytest.skip(f"this machine lacks {', '.join(record.missing)}")
    assert set() == list_done(tmp_path, ())


@pytest.mark.parametrize("layer", LEFT_OUT)
def test_a_layer_that_is_left_out_is_noticed(layer: str, tmp_path: Path, record: JailRecord) -> None:
    if not record.complete:
        pytest.skip(f"this machine lacks {', '.join(record.missing)}")
    skipped, deeds = LEFT_OUT[layer]
    assert deeds == list_done(tmp_path, skipped)
