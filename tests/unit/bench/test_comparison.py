"""Which builds are compared, and what a run refuses."""

import shutil
from pathlib import Path

import pytest

from tiny_models import make_colour_network
from unit.bench.results import make_subject
from webipred.bench import web
from webipred.bench.native import NativeContestant
from webipred.bench.variants import VARIANTS, Variant, select_variants
from webipred.errors import FindingsError, UsageError

SINGLE = Variant(name="plain", asset="net.wasm", max_threads=1)
SEVERAL = Variant(name="plain", asset="net-threads.wasm", max_threads=64)
RELAXED = Variant(name="relaxed", asset="net-relaxed.wasm", max_threads=1)


def test_one_thread_takes_the_build_without_threads() -> None:
    assert [SINGLE, RELAXED] == select_variants([SEVERAL, SINGLE, RELAXED], 1)


def test_two_threads_take_the_builds_that_have_them() -> None:
    assert [SEVERAL] == select_variants([SINGLE, SEVERAL, RELAXED], 2)


def test_the_plain_build_without_threads_is_always_compared() -> None:
    assert "net.wasm" in {variant.asset for variant in select_variants(VARIANTS, 1)}


def test_without_a_browser_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UsageError, match=r'no Chromium or Chrome was found\. .*pip install "webipred\[bench\]"'):
        web._find_browser(Path("nowhere"))


def test_native_onnxruntime_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    subject = make_subject()
    (tmp_path / "model.onnx").write_bytes(make_colour_network())
    (tmp_path / "image.f32").write_bytes(subject.make_image().tobytes())
    native = NativeContestant(
        model=tmp_path / "model.onnx", image=tmp_path / "image.f32", shape=subject.shape, threads=2
    )
    opening = native.open()
    assert 3 == len(native.run(3))
    native.close()
    assert (2, 2) == (opening.threads, len(opening.values))
    assert opening.ready_ms > 0


def test_a_native_process_that_ends_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    (tmp_path / "image.f32").write_bytes(bytes(8 * 8 * 3 * 4))
    native = NativeContestant(
        model=tmp_path / "model.onnx", image=tmp_path / "image.f32", shape=(1, 8, 8, 3), threads=1
    )
    with pytest.raises(FindingsError, match="the process of onnxruntime ended"):
        native.open()
    native.close()
