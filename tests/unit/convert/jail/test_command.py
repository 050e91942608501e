"""What a jailed process is started with, and what of this installation it may read."""

import json
import sys
from pathlib import Path

import pytest

from webipred.convert.jail.command import build_command, find_package_folders, find_package_root
from webipred.convert.limits import ConversionLimits


def read_request(command: list[str]) -> dict[str, object]:
    request: dict[str, object] = json.loads(command[command.index("-c") + 2])
    return request


def test_the_request_names_module_limits_and_what_is_readable() -> None:
    request = read_request(build_command("m", ConversionLimits(cpu_s=7), jailed=True, paths=["/p"], readable=["/r"]))
    assert ("m", True, [find_package_root(), "/p", "/r"]) == (request["module"], request["jailed"], request["readable"])
    assert isinstance(request["limits"], dict)
    assert 7 == request["limits"]["cpu_s"]


def test_a_folder_on_the_path_that_holds_no_packages_stays_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    assert str(tmp_path) in sys.path
    assert str(tmp_path) not in find_package_folders()


def test_packages_of_the_user_are_found_wherever_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    assert str(folder) in find_package_folders()


def test_another_interpreter_may_be_named() -> None:
    assert "/env/bin/python" == build_command("m", ConversionLimits(), jailed=True, python="/env/bin/python")[0]
