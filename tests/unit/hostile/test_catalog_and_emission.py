"""Builder cases 46 to 55: hostile catalogs, and what no site may hold; docs/hostile-inputs.md names the others."""

import json
import os
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from pydantic import JsonValue

from command_line import run_command, run_inside
from entries import make_entry_data
from tiny_models import make_colour_network
from webipred.catalog.loading import load_catalog
from webipred.catalog.yaml_tree import MAX_BYTES, parse_yaml
from webipred.errors import FindingsError

CANARY = "canary-4d6f7273-of-the-environment-of-the-builder"


def write_catalog(folder: Path, *entries: dict[str, JsonValue]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "colour.onnx").write_bytes(make_colour_network())
    catalog = {
        "catalog_version": 1,
        "site": {"title": "Test", "operator": "Tests", "languages": ["en"]},
        "policy": {"licenses": {"allow": ["CC0-1.0"]}},
        "models": list(entries),
    }
    path = folder / "model_catalog.yaml"
    path.write_text(yaml.safe_dump(catalog, sort_keys=False), encoding="utf-8")
    return path


def read_refusal(path: Path) -> list[str]:
    with pytest.raises(FindingsError) as caught:
        load_catalog(path)
    return [str(finding) for finding in caught.value.findings]


YAML = [
    ("46-anchor", b"a: 1\nb: &x 1", "2", "E-YAML-ANCHOR"),
    ("46-alias", b"a: 1\nb: *x", "2", "E-YAML-ALIAS"),
    ("46-object", b"a: 1\nb: !!python/object/apply:os.system ['true']", "2", "E-YAML-TAG"),
    ("46-duplicate", b"a: 1\na: 2", "2", "E-YAML-DUPLICATE"),
    ("46-tab", b"a:\n\t- 1", "2", "E-YAML-TAB"),
    ("46-five-megabytes", b"# " + b"x" * 5 * MAX_BYTES, "", "E-YAML-SIZE"),
]


@pytest.mark.parametrize(("data", "line", "code"), [row[1:] for row in YAML], ids=[row[0] for row in YAML])
def test_case_yaml(data: bytes, line: str, code: str) -> None:
    with pytest.raises(FindingsError) as caught:
        parse_yaml(data, "catalog.yaml")
    finding = caught.value.findings[0]
    assert (f"catalog.yaml:{line}".rstrip(":"), code) == (finding.where, finding.code)


@pytest.mark.parametrize("name", ["../x", "CON", "con", "nul", "com1", "A", "a/b", "a.", "-a", "x" * 80, "é", ""])
def test_case_47_a_bad_id_is_refused(name: str, tmp_path: Path) -> None:
    refusals = read_refusal(write_catalog(tmp_path, make_entry_data(tmp_path, id=name)))
    assert any(".id" in refusal or "models[0]" in refusal for refusal in refusals)


def test_case_47_two_entries_of_one_id_are_refused(tmp_path: Path) -> None:
    path = write_catalog(tmp_path, make_entry_data(tmp_path), make_entry_data(tmp_path))
    assert "[E-CATALOG-RULE]" in read_refusal(path)[0]


HOSTILE_TEXTS = [
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](&#x6a;avascript:alert(1))",
    "<svg/onload=alert(1)>",
    "</script><script>alert(1)</script>",
    "[x](data:text/html,<script>alert(1)</script>)",
]


class Elements(HTMLParser):
    """Counts images, scripts, handlers and addresses that are not https, relative or a fragment."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            scheme = (value or "").strip().lower().partition(":")[0]
            if name.startswith("on") or (name in ("href", "src") and scheme in ("javascript", "vbscript")):
                self.bad.append(f"{tag} {name}={value}")
        if tag in ("svg", "iframe", "object") or (tag == "img" and dict(attrs).get("src") == "x"):
            self.bad.append(tag)


def test_case_48_hostile_texts_are_shown_as_text(tmp_path: Path) -> None:
    text = " ".join(HOSTILE_TEXTS)
    classes: JsonValue = [{"id": "red", "label": text}, {"id": "blue"}]
    entry = make_entry_data(tmp_path, name=HOSTILE_TEXTS[0], summary=text, limitations=[text], classes=classes)
    catalog = write_catalog(tmp_path, entry)
    result = run_inside("build", "--catalog", catalog, "--cache-dir", tmp_path / "cache", "--out", tmp_path / "dist")
    assert 0 == result.exit_code, result.output
    elements = Elements()
    for page in (tmp_path / "dist").rglob("*.html"):
        elements.feed(page.read_text(encoding="utf-8"))
    assert [] == elements.bad


def test_case_48_a_turned_direction_of_writing_is_refused(tmp_path: Path) -> None:
    path = write_catalog(tmp_path, make_entry_data(tmp_path, summary="x\u202ey"))
    assert "[E-YAML-CHARACTER]" in read_refusal(path)[0]


@pytest.mark.parametrize("licence", ["CC-BY-NC-4.0", "unknown"])
def test_case_50_a_licence_outside_the_policy_is_recorded_and_refused(licence: str, tmp_path: Path) -> None:
    bad = make_entry_data(tmp_path, id="bad", license={"weights": licence, "data": "CC0-1.0"})
    catalog = write_catalog(tmp_path, bad, make_entry_data(tmp_path))
    report = tmp_path / "report.json"
    places = ("--catalog", catalog, "--cache-dir", tmp_path / "cache", "--out", tmp_path / "dist")
    run_inside("build", *places, "--report", report)
    entries = {entry["id"]: entry for entry in json.loads(report.read_text(encoding="utf-8"))["entries"]}
    assert "E-LICENSE-POLICY" in [finding["code"] for finding in entries["bad"]["findings"]]
    assert "published" == entries["red-or-blue"]["status"]


@pytest.fixture(scope="module")
def two_builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same catalog built in two folders, with other clocks, languages, seeds, rights and homes."""
    folders = []
    worlds = [
        {"TZ": "UTC", "LANG": "C.UTF-8", "PYTHONHASHSEED": "1", "WEBIPRED_JOBS": "1"},
        {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "2", "WEBIPRED_JOBS": "3", "COLUMNS": "40"},
    ]
    for number, world in enumerate(worlds):
        folder = tmp_path_factory.mktemp(f"world-{CANARY}-{number}")
        home = folder / "home"
        home.mkdir()
        (home / ".netrc").write_text(f"machine zenodo.org login me password {CANARY}", encoding="utf-8")
        catalog = folder / "catalog"
        catalog.mkdir()
        write_catalog(catalog, make_entry_data(catalog))
        secrets = {"HOME": str(home), "ZENODO_TOKEN": CANARY, "USER": CANARY, "LOGNAME": CANARY, "HOSTNAME": CANARY}
        mask = os.umask(0o077 if number else 0o022)
        try:
            places = ("--cache-dir", "../cache", "--out", "../dist")
            result = run_command("build", *places, cwd=catalog, environment=world | secrets)
        finally:
            os.umask(mask)
        assert 0 == result.returncode, result.stderr
        folders.append(folder / "dist")
    return folders[0], folders[1]


def test_case_51_two_builds_are_equal_to_the_byte(two_builds: tuple[Path, Path]) -> None:
    first, second = ({p.relative_to(d): p.read_bytes() for p in d.rglob("*") if p.is_file()} for d in two_builds)
    assert sorted(first) == sorted(second)
    assert [] == [str(path) for path in first if first[path] != second[path]]


def test_case_55_no_page_names_a_place_at_the_root(two_builds: tuple[Path, Path]) -> None:
    class Addresses(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(value for name, value in attrs if name in ("href", "src") and (value or "").startswith("/"))

    found: list[str | None] = []
    for page in two_builds[0].rglob("*.html"):
        Addresses().feed(page.read_text(encoding="utf-8"))
    assert [] == found


@pytest.mark.parametrize(
    ("field", "value"),
    [("file", "../../main/model.onnx"), ("file", "/etc/passwd"), ("file", "a/../../b"), ("repository", "../b"),
     ("repository", "a/.."), ("commit", "main")],
)  # fmt: skip
def test_an_address_that_leaves_the_commit_is_refused(field: str, value: str, tmp_path: Path) -> None:
    source: dict[str, JsonValue] = {
        "type": "huggingface",
        "repository": "a/b",
        "commit": "0" * 40,
        "file": "model.onnx",
    }
    load_catalog(write_catalog(tmp_path / "good", make_entry_data(tmp_path, source=dict(source))))
    assert read_refusal(write_catalog(tmp_path / "bad", make_entry_data(tmp_path, source={**source, field: value})))
