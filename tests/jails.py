"""Attacks from inside the jail: code that runs where the converter runs, with everything a converter has."""

import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from webipred.convert.jail.command import build_command
from webipred.convert.jail.record import JailRecord, parse_record
from webipred.convert.limits import ConversionLimits
from webipred.convert.process import Ending, refuse_ending, run_process

ROOMY = ConversionLimits(wall_s=60)
MODULE = """
import os

def main(seal):
    if os.path.exists("sealed"):
        seal()
    exec(compile(open("attack.py").read(), "attack", "exec"), {})
    return 0
"""


def attack(
    folder: Path, code: str, limits: ConversionLimits = ROOMY, *, jailed: bool = True, sealed: bool = True
) -> Ending:
    """Run `code` in a jail whose work folder is `folder`/work; unsealed, forbidden calls give errors."""
    modules, work = folder / "modules", folder / "work"
    for place in (modules, work):
        place.mkdir(exist_ok=True)
    (modules / "attacker.py").write_text(MODULE, encoding="utf-8")
    if sealed:
        (work / "sealed").touch()
    (work / "attack.py").write_text(textwrap.dedent(code), encoding="utf-8")
    return run_process(build_command("attacker", limits, jailed=jailed, paths=[str(modules)]), work, limits)


def read_record(folder: Path) -> JailRecord:
    """Return which layers this machine offers."""
    record, _ = parse_record(attack(folder, "pass").printed)
    assert record is not None
    return record


def read_words(ending: Ending) -> str:
    """Return what the attack itself printed."""
    return parse_record(ending.printed)[1].decode()


def try_deeds(folder: Path, deeds: Sequence[str], *, start: str = "", sealed: bool = False) -> dict[str, str]:
    """Return for each deed the name of the exception that it met inside the jail, or `done`."""
    code = f"{start}\nimport json\nmet = {{}}\nfor deed in {list(deeds)!r}:\n"
    code += "    try:\n        exec(deed)\n        met[deed] = 'done'\n"
    code += "    except Exception as error:\n        met[deed] = type(error).__name__\n"
    ending = attack(folder, f"{code}print(json.dumps(met))", sealed=sealed)
    met: dict[str, str] = json.loads(read_words(ending))
    return met


def read_code(ending: Ending, limits: ConversionLimits = ROOMY) -> str:
    """Return the code of the finding about an ending, empty for none."""
    refusal = refuse_ending(ending, "model file.zip", limits)
    return refusal.findings[0].code if refusal else ""


LINUX = sys.platform == "linux"
