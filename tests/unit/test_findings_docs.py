"""Every finding code in the source is documented, and every documented code exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"""["'`]([EWN]-[A-Z0-9]+(?:-[A-Z0-9]+)+)["'`]""")


def list_codes(folder: Path, pattern: str) -> set[str]:
    return {
        code
        for path in folder.rglob(pattern)
        if "node_modules" not in path.parts
        for code in CODE.findall(path.read_text(encoding="utf-8"))
    }


def test_codes_of_the_builder_are_documented_and_no_others() -> None:
    documented = set(re.findall(r"^\| `([EWN]-[A-Z0-9-]+)` ", (ROOT / "docs/findings.md").read_text(), re.MULTILINE))
    used = list_codes(ROOT / "builder/webipred", "*.py") | list_codes(ROOT / "site_templates/app", "*.ts*")
    assert sorted(used) == sorted(documented)
