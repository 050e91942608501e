"""What a converter process may do wrong, done for real: hang, flood, crash, grow, write, leave children."""

import fcntl
import os
import sys
import textwrap
from pathlib import Path

import pytest

from webipred.convert.limits import ConversionLimits
from webipred.convert.process import Ending, refuse_ending, run_process

ROOMY = ConversionLimits(wall_s=60)
ROOT = str(Path(__file__).parents[3] / "builder")


def run_code(code: str, folder: Path, limits: ConversionLimits = ROOMY, *, limit_itself: bool = False) -> Ending:
    """Run Python code as a converter process, where asked after it took the limits upon itself."""
    start = "import sys, os\n"
    if limit_itself:
        start += f"sys.path.insert(0, {ROOT!r})\nfrom webipred.convert.limits import ConversionLimits, limit_process\n"
        start += f"limit_process({limits!r})\n"
    return run_process([sys.executable, "-I", "-S", "-c", start + textwrap.dedent(code)], folder, limits)


def sentence(ending: Ending, limits: ConversionLimits) -> str:
    refusal = refuse_ending(ending, "model file.zip", limits)
    return str(refusal) if refusal else ""


def test_a_process_that_ends_by_itself_is_no_problem(tmp_path: Path) -> None:
    assert sentence(run_code("print('done')", tmp_path), ROOMY) == ""


def test_a_hanging_process_is_stopped(tmp_path: Path) -> None:
    limits = ConversionLimits(wall_s=0.5)
    expected = (
        "model file.zip: the conversion took more than 0.5 s and was stopped. "
        "Nothing of it was kept; if you trust the model, raise the limit. [E-CONVERT-TIMEOUT]"
    )
    assert expected == sentence(run_code("import signal\nwhile True: signal.pause()", tmp_path, limits), limits)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX limits")
def test_a_busy_process_is_stopped(tmp_path: Path) -> None:
    limits = ConversionLimits(wall_s=60, cpu_s=1)
    ending = run_code("while True: pass", tmp_path, limits, limit_itself=True)
    assert "took more than 1 s of processor time" in sentence(ending, limits) or ending.status == -9


def test_a_talking_process_is_stopped(tmp_path: Path) -> None:
    expected = (
        "model file.zip: the converter printed more than 65536 bytes and was stopped. "
        "Nothing of it was kept. Please report this file; the converter should have said why. [E-CONVERT-PRINTED]"
    )
    assert expected == sentence(run_code("while True: print('x' * 1000)", tmp_path), ROOMY)


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts memory on Linux only")
def test_a_growing_process_is_stopped(tmp_path: Path) -> None:
    limits = ConversionLimits(wall_s=60, memory_bytes=200 << 20)
    expected = "model file.zip: the conversion needs more than 209715200 bytes of memory."
    assert sentence(run_code("x = bytearray(1 << 30)", tmp_path, limits, limit_itself=True), limits).startswith(
        expected
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX limits")
def test_a_writing_process_is_stopped(tmp_path: Path) -> None:
    limits = ConversionLimits(wall_s=60, output_bytes=1 << 20)
    code = "stream = open('big', 'wb')\nfor _ in range(64): stream.write(bytes(1 << 20)); stream.flush()"
    expected = "model file.zip: the conversion wrote more than 1048576 bytes and was stopped."
    assert sentence(run_code(code, tmp_path, limits, limit_itself=True), limits).startswith(expected)
    assert (tmp_path / "big").stat().st_size <= 1 << 20


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals of this kind")
def test_a_crash_names_the_signal_and_the_last_words(tmp_path: Path) -> None:
    ending = run_code("print('almost there', flush=True); os.kill(os.getpid(), 11)", tmp_path)
    expected = "model file.zip: the converter ended with signal SIGSEGV: almost there."
    assert sentence(ending, ROOMY).startswith(expected)


def test_an_exception_is_a_crash_with_its_last_line(tmp_path: Path) -> None:
    expected = "model file.zip: the converter ended with status 1: KeyError: 'kernel'."
    assert sentence(run_code("{}['kernel']", tmp_path), ROOMY).startswith(expected)


def test_last_words_are_plain_characters(tmp_path: Path) -> None:
    ending = run_code(r"print('\x1b[31m\u202ered'); sys.exit(3)", tmp_path)
    assert r"ended with status 3: \x1b[31m\u202ered." in sentence(ending, ROOMY)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups of this kind")
def test_children_end_with_their_process(tmp_path: Path) -> None:
    code = """
        import fcntl, signal
        reading, writing = os.pipe()
        if os.fork() == 0:
            lock = open('lock', 'w')
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.write(writing, b'locked')
            while True: signal.pause()
        os.read(reading, 6)
    """
    assert 0 == run_code(code, tmp_path).status
    with (tmp_path / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # would wait for ever if the child still held it


def test_the_environment_holds_nothing_of_the_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_CANARY", "sixteen-byte-canary")
    run_code("open('env', 'w').write(repr(sorted(os.environ)))", tmp_path)
    assert "SECRET_CANARY" in os.environ
    names = set(eval((tmp_path / "env").read_text()))  # noqa: S307 - a list of names that the line above wrote
    assert names <= {"LANG", "LC_CTYPE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TZ", "SYSTEMROOT"}
