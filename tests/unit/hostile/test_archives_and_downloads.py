"""Builder cases 1 to 13, archives and downloads; docs/hostile-inputs.md names the tests that stand elsewhere."""

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from pydantic import JsonValue

from conversions import make_archive
from entries import make_entry, make_entry_data
from hostile_builds import GOOD, HostileBuild, HostileCase, build_hostile
from hostile_files import add, break_byte, encrypt, list_tfjs, make_special, make_tar, nest, pack, patch_sizes
from tiny_models import make_colour_network
from webipred.catalog.lock import Lock, LockedFile
from webipred.catalog.locking import describe_source, write_lock
from webipred.convert.conversion import convert_archive
from webipred.convert.limits import ConversionLimits
from webipred.errors import FindingsError

PLAIN = pack(list_tfjs())


def make_zeros() -> bytes:
    """Return 200 MB of zeros in 204 kB."""
    return pack([*list_tfjs(), ("zeros", bytes(200_000_000))], zipfile.ZIP_DEFLATED)


def make_cases() -> list[HostileCase]:
    tfjs = "tfjs-layers"
    lying = patch_sizes(pack([("model.json", bytes(1 << 16))], zipfile.ZIP_DEFLATED), 100)
    rows: list[tuple[str, Callable[[], bytes], str]] = [
        ("01-traversal", lambda: add(("../../x", b"x")), "E-ZIP-TRAVERSAL"),
        ("02-absolute", lambda: add(("/x", b"x")), "E-ZIP-TRAVERSAL"),
        ("02-drive", lambda: add(("C:\\x", b"x")), "E-ZIP-TRAVERSAL"),
        ("02-share", lambda: add(("\\\\srv\\x", b"x")), "E-ZIP-TRAVERSAL"),
        ("02-nul", lambda: add(("a\0b", b"x")), "E-ZIP-TRAVERSAL"),
        ("02-device-name", lambda: add(("con", b"x")), "E-ZIP-TRAVERSAL"),
        ("02-trailing-dot", lambda: add(("name.", b"x")), "E-ZIP-TRAVERSAL"),
        ("03-symlink", lambda: add((make_special("link", 0o120000), b"/etc/passwd")), "E-ZIP-LINK"),
        ("03-device", lambda: add((make_special("disk", 0o060000), b"")), "E-ZIP-LINK"),
        ("03-tar-symlink", lambda: make_tar(tarfile.SYMTYPE), "E-FORMAT-ARCHIVE"),
        ("03-tar-hard-link", lambda: make_tar(tarfile.LNKTYPE), "E-FORMAT-ARCHIVE"),
        ("04-twice", lambda: add(("model.json", b"{}")), "E-ZIP-DUPLICATE"),
        ("04-other-case", lambda: add(("Model.JSON", b"{}")), "E-ZIP-DUPLICATE"),
        ("05-zeros", make_zeros, "E-ZIP-RATIO"),
        ("05-nested", lambda: nest(3), "E-CONVERT-FORMAT"),
        ("06-lying-header", lambda: lying, "E-ZIP-BROKEN"),
        ("07-truncated", lambda: PLAIN[:-30], "E-ZIP-BROKEN"),
        ("07-bad-crc", lambda: break_byte(PLAIN, b"layers-model"), "E-ZIP-BROKEN"),
        ("07-encrypted", lambda: encrypt(PLAIN), "E-ZIP-ENCRYPTED"),
        ("07-zip64-lie", lambda: patch_sizes(PLAIN, 0xFFFFFFFF), "E-ZIP-BROKEN"),
    ]  # fmt: skip
    cases = [HostileCase(name=name, make=make, file_format=tfjs, code=code) for name, make, code in rows]
    source: JsonValue = {"type": "folder", "path": "case-08-wrong-digest", "sha256": "0" * 64}
    wrong = HostileCase(
        name="08-wrong-digest", make=lambda: PLAIN, file_format=tfjs, code="E-SOURCE-SHA256", changes={"source": source}
    )
    return [*cases, wrong]


CASES = make_cases()


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> HostileBuild:
    return build_hostile(tmp_path_factory.mktemp("archives"), CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: HostileCase, outcome: HostileBuild) -> None:
    assert case.code in outcome.codes[case.entry_id]


def test_the_rest_is_built_and_nothing_is_touched_or_left(outcome: HostileBuild) -> None:
    assert ((GOOD,), (), ()) == (outcome.published, outcome.touched, outcome.leftovers)


def test_case_05_a_bomb_is_stopped_within_300_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    path.write_bytes(make_zeros())
    with pytest.raises(FindingsError) as caught:
        convert_archive(
            make_archive(path), make_entry(tmp_path, format="tfjs-layers"), ConversionLimits(memory_bytes=300 << 20)
        )
    assert "E-ZIP-RATIO" == caught.value.findings[0].code


OFFLINE = """
import sys
from webipred.convert.jail.namespaces import leave_namespaces
leave_namespaces()
from webipred.cli import main
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a network namespace")
@pytest.mark.parametrize(("record", "code"), [(None, 0), (1, 3)])
def test_case_13_an_offline_build_needs_no_network_and_a_cold_cache_is_told(
    tmp_path: Path, record: int | None, code: int
) -> None:
    (tmp_path / "colour.onnx").write_bytes(make_colour_network())
    entry = make_entry_data(tmp_path)
    if record is not None:
        entry["source"] = {"type": "zenodo", "record": record, "file": "colour.onnx"}
    catalog = {
        "catalog_version": 1,
        "site": {"title": "Test", "operator": "Tests", "languages": ["en"]},
        "policy": {"licenses": {"allow": ["CC0-1.0"]}},
        "models": [entry],
    }
    (tmp_path / "model_catalog.yaml").write_text(yaml.safe_dump(catalog, sort_keys=False), encoding="utf-8")
    if record is not None:
        lock_without_network(tmp_path, record)
    command = [sys.executable, "-c", OFFLINE, "build", "--offline", "--cache-dir", "cache"]
    done = subprocess.run(command, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, check=False)
    if "LayerError" in done.stderr:
        pytest.skip("this kernel gives no network namespace")
    assert (code, code == 3) == (done.returncode, "E-OFFLINE-CACHE" in done.stderr)


def lock_without_network(folder: Path, record: int) -> None:
    source: JsonValue = {"type": "zenodo", "record": record, "file": "colour.onnx"}
    entry = make_entry(folder, source=source)
    pin = LockedFile(
        source=describe_source(entry.source), url="https://zenodo.org/a", file="a", size_bytes=1, sha256="0" * 64
    )
    write_lock(folder / "model_catalog.lock", Lock(models={entry.id: pin}))
