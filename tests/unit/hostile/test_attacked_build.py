"""Builder cases 42 to 44: the converter itself turns hostile while a catalog is built; and a machine without a jail."""

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
import yaml

from entries import make_entry_data
from jails import LINUX, read_record
from tiny_models import make_colour_network
from webipred.catalog.loading import load_catalog
from webipred.catalog.lock import Lock
from webipred.convert import conversion
from webipred.convert.jail import entrance
from webipred.convert.jail.command import build_command, find_package_folders
from webipred.convert.jail.kernel import LayerError
from webipred.convert.jail.record import JailRecord
from webipred.convert.limits import ConversionLimits
from webipred.convert.process import Ending
from webipred.findings import Finding
from webipred.pipeline import BuildOptions, build_site
from webipred.progress import SilentProgress
from webipred.site.assembly import Site
from webipred.site.sbom import SBOM_PATH
from webipred.sources.fetch import FetchOptions

LIMITS = ConversionLimits(wall_s=20, cpu_s=18, memory_bytes=1 << 30, output_bytes=8 << 20, folder_bytes=16 << 20)
ATTACKS: Mapping[str, tuple[str, str]] = {
    "segfault": ("import ctypes; ctypes.string_at(0)", "E-CONVERT-CRASH"),
    "memory": ("x = bytearray(1 << 33)", "E-CONVERT-MEMORY"),
    "hang": ("import time; time.sleep(600)", "E-CONVERT-TIMEOUT"),
    "fork": ("import os\nwhile True: os.fork()", "E-JAIL-VIOLATION"),
    "file": ("f = open('big', 'wb')\nfor _ in range(10**5): f.write(bytes(1 << 20))", "E-CONVERT-SIZE"),
    "print": ("import os\nfor _ in range(1024): os.write(1, bytes(1 << 20))", "E-CONVERT-PRINTED"),
    "socket": ("import socket; socket.create_connection(('192.0.2.1', 443))", "E-JAIL-VIOLATION"),
    "name": ("import socket; socket.getaddrinfo('example.org', 443)", "E-JAIL-VIOLATION"),
    "read": ("open('/etc/passwd').read()", "E-JAIL-VIOLATION"),
    "write": ("open('/tmp/PWNED', 'w')", "E-JAIL-VIOLATION"),
    "kill": ("import os; os.kill(os.getppid(), 9)", "E-JAIL-VIOLATION"),
    "silent": ("pass", "E-CONVERT-CRASH"),
}
MODULE = """
import json
from pathlib import Path
from webipred.convert import worker

ATTACKS = %r

def main(seal):
    name = json.loads(Path("request.json").read_text())["entry_id"].removeprefix("case-42-")
    if name not in ATTACKS:
        return worker.main(seal)
    seal()
    exec(ATTACKS[name], {})
    return 0
"""


def write_catalog(folder: Path, names: list[str]) -> Path:
    folder.mkdir()
    (folder / "colour.onnx").write_bytes(make_colour_network())
    entries = [make_entry_data(folder, id=f"case-42-{name}") for name in names]
    catalog = {
        "catalog_version": 1,
        "site": {"title": "Test", "operator": "Tests", "languages": ["en"]},
        "policy": {"licenses": {"allow": ["CC0-1.0"]}},
        "models": [*entries, make_entry_data(folder)],
    }
    path = folder / "model_catalog.yaml"
    path.write_text(yaml.safe_dump(catalog, sort_keys=False), encoding="utf-8")
    return path


def build(catalog: Path, *, jailed: bool = True, jobs: int = 4) -> Site:
    fetch = FetchOptions(cache_dir=catalog.parent.parent / "cache", offline=True)
    options = BuildOptions(only=(), jobs=jobs, fetch=fetch, limits=LIMITS, jailed=jailed)
    return build_site(load_catalog(catalog), Lock(models={}), options, SilentProgress())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attacked")


@pytest.fixture(scope="module")
def site(world: Path) -> Site:
    """A build in which every converter but one does what its entry is called after."""
    missing = read_record(world).missing if LINUX else ("seccomp",)
    if missing:
        pytest.skip(f"this machine lacks {', '.join(missing)}")
    modules, temporary = world / "modules", world / "temporary"
    temporary.mkdir()
    (modules / "turncoat.py").write_text(MODULE % {name: code for name, (code, _) in ATTACKS.items()}, encoding="utf-8")
    catalog = write_catalog(world / "catalog", list(ATTACKS))
    paths = [str(modules), *find_package_folders()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        patch.setattr(conversion, "WORKER", "turncoat")
        patch.setattr(conversion, "build_command", partial(build_command, paths=paths))
        return build(catalog)


@pytest.mark.parametrize("name", ATTACKS)
def test_case_42_and_43_the_attack_is_named(name: str, site: Site) -> None:
    outcome = next(outcome for outcome in site.outcomes if outcome.entry.id == f"case-42-{name}")
    assert ("failed", [ATTACKS[name][1]]) == (outcome.status, [finding.code for finding in outcome.findings])


def test_case_42_the_rest_is_built_and_nothing_is_left(site: Site, world: Path) -> None:
    assert ["red-or-blue"] == [model.id for model in site.manifest.models]
    assert [] == list((world / "temporary").iterdir())


def test_the_report_of_a_model_names_the_layers_that_held(site: Site) -> None:
    outcome = next(outcome for outcome in site.outcomes if outcome.status == "published")
    check = next(check for check in outcome.checks if check.name == "jail")
    assert ("passed", "landlock, namespaces, rlimits, seccomp") == (check.outcome, check.detail)


def test_case_44_without_any_layer_the_process_ends_before_its_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def lack(*_: object, **__: object) -> None:
        raise LayerError("not here")

    for name in ("leave_namespaces", "confine_files", "load_filter"):
        monkeypatch.setattr(entrance, name, lack)
    monkeypatch.setattr(entrance, "limit_process", lambda _: ("CPU",))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(os, "umask", lambda _: 0)
    monkeypatch.chdir(tmp_path)
    command = build_command("no_such_module", ConversionLimits(), jailed=True)
    assert entrance.UNAVAILABLE_STATUS == entrance.enter(command[command.index("-c") + 2])


def refuse_with(record: JailRecord, monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[Finding, ...]:
    ending = Ending(status=78, printed=record.to_line(), timed_out=False, flooded=False)
    monkeypatch.setattr(conversion, "run_process", lambda *_: ending)
    site = build(write_catalog(folder / "catalog", []))
    return site.outcomes[0].findings


def test_case_44_without_a_jail_the_build_asks_for_the_flag(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    record = JailRecord(held=("rlimits",), missing=("landlock", "seccomp", "namespaces"), reasons=("darwin",) * 3)
    finding = refuse_with(record, monkeypatch, tmp_path)[0]
    assert ("E-JAIL-UNAVAILABLE", True) == (finding.code, "--no-jail" in finding.fix)


def test_case_44_the_flag_is_recorded_in_the_report_and_in_the_bill_of_materials(tmp_path: Path) -> None:
    site = build(write_catalog(tmp_path / "catalog", []), jailed=False, jobs=1)
    check = next(check for check in site.outcomes[0].checks if check.name == "jail")
    assert ("skipped", True, ["W-JAIL-WAIVED"]) == (
        check.outcome,
        check.detail.startswith("--no-jail"),
        [finding.code for finding in check.findings],
    )
    written = json.loads(site.table.read("models/red-or-blue/report.json"))
    assert "W-JAIL-WAIVED" in [finding["code"] for finding in written["findings"]]
    assert '"value": "--no-jail, rlimits"' in site.table.read(SBOM_PATH).decode()


def test_a_process_that_says_nothing_of_its_jail_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ending = Ending(status=0, printed=b"fine\n", timed_out=False, flooded=False)
    monkeypatch.setattr(conversion, "run_process", lambda *_: ending)
    site = build(write_catalog(tmp_path / "catalog", []))
    assert ["E-CONVERT-CRASH"] == [finding.code for finding in site.outcomes[0].findings]
