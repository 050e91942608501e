"""The bundled scripts: classic, without evaluation, without addresses; their sources keep the realms' rules."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from webipred.assets import read_asset
from webipred.errors import FindingsError
from webipred.findings import Finding

SCRIPTS = ("shell.js", "vault.js", "engine.js", "engine-ort.js", "catalog.js", "privacy.js")
STYLES = ("site.css", "workspace.css", "vault.css")
FORBIDDEN = (
    r"import\.meta",
    r"\bimport\s*\(",
    r"\bexport\s*[{*]",
    r"\bnew Function\b",
    r"\beval\(",
    r"\bimportScripts\(",
    r'type:\s*"module"',
    r"sourceMappingURL",
)
HTML_SINKS = r"innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|\bon[a-z]+=\""
NAMESPACES = r"http://www\.w3\.org/[\w/.]*"


def load_hook(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", repository / "builder/hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_a_bundle_is_a_classic_script_without_evaluation(name: str, pattern: str) -> None:
    assert re.search(pattern, read_asset(name).decode()) is None


@pytest.mark.parametrize("name", SCRIPTS + STYLES)
def test_a_bundle_names_no_address(name: str) -> None:
    text = re.sub(NAMESPACES, "", read_asset(name).decode())
    assert [] == re.findall(r"(?:https?|wss?):\\?/\\?/[^\s\"'`]*", text)


@pytest.mark.parametrize("name", SCRIPTS + STYLES)
def test_a_bundle_is_ascii(name: str) -> None:
    read_asset(name).decode("ascii")


def test_the_shell_listens_to_no_message() -> None:
    text = read_asset("shell.js").decode()
    assert re.search(r"[\"'`](message|messageerror)[\"'`]|onmessage", text) is None


def test_onnxruntime_starts_its_threads_as_classic_workers() -> None:
    assert 2 == read_asset("engine-ort.js").decode().count('type:"classic"')


def test_the_script_of_the_compiled_engine_holds_nothing_of_onnxruntime() -> None:
    text = read_asset("engine.js").decode().lower()
    assert [] == re.findall(r"onnx|ort-wasm|em-pthread", text)


def test_no_source_writes_html_strings(repository: Path) -> None:
    sources = (repository / "site_templates/app").rglob("*.ts*")
    found = [f"{path.name}: {hit}" for path in sources for hit in re.findall(HTML_SINKS, path.read_text("utf-8"))]
    assert [] == found


def test_only_these_modules_fetch_and_none_of_vault_or_engine(repository: Path) -> None:
    sources = (repository / "site_templates/app").rglob("*.ts*")
    pattern = r"\bfetch\(|XMLHttpRequest\(|WebSocket\(|sendBeacon\(|EventSource\("
    fetching = {
        path.relative_to(repository).as_posix() for path in sources if re.search(pattern, path.read_text("utf-8"))
    }
    modules = ("shell/fetching.ts", "shell/companion.ts", "privacy/reading.ts", "sw/storage.ts")
    assert {f"site_templates/app/{module}" for module in modules} == fetching


def test_only_these_modules_store_and_none_of_vault_or_engine(repository: Path) -> None:
    """The worker's caches hold published files; the shell's session names the model to load again after a reload."""
    sources = (repository / "site_templates/app").rglob("*.ts*")
    pattern = r"localStorage\b(?!\")|sessionStorage\b(?!\")|indexedDB\b(?!\")|document\.cookie|caches\.|window\.name"
    storing = {
        path.relative_to(repository).as_posix() for path in sources if re.search(pattern, path.read_text("utf-8"))
    }
    modules = (
        "shared/model-cache.ts",
        "shell/companion.ts",
        "shell/reloading.ts",
        "sw/counters.ts",
        "sw/locking.ts",
        "sw/storage.ts",
    )
    assert {f"site_templates/app/{module}" for module in modules} == storing


def test_modules_stay_short(repository: Path) -> None:
    sources = (repository / "site_templates/app").rglob("*.ts*")
    assert [] == [path.name for path in sources if len(path.read_text("utf-8").splitlines()) > 250]


def test_the_package_lock_names_no_registry(repository: Path) -> None:
    lock = (repository / "site_templates/package-lock.json").read_text("utf-8")
    assert "http" not in lock
    assert lock.count('"integrity"') > 20


def test_dependencies_have_exact_versions(repository: Path) -> None:
    package = json.loads((repository / "site_templates/package.json").read_text("utf-8"))
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert {} == {name: version for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)}


def test_both_languages_have_the_same_texts_with_the_same_holes(repository: Path) -> None:
    english, german = (
        json.loads((repository / f"site_templates/locales/{language}.json").read_text("utf-8"))
        for language in ("en", "de")
    )
    holes = {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in english.items()}
    assert holes == {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in german.items()}


def test_every_error_code_has_a_sentence(repository: Path) -> None:
    source = (repository / "site_templates/app/shared/errors.ts").read_text("utf-8")
    codes = re.findall(r'^  "(E-[A-Z-]+)",$', source, re.MULTILINE)
    texts = json.loads((repository / "site_templates/locales/en.json").read_text("utf-8"))
    assert len(codes) > 10
    assert [] == [code for code in codes if f"app.error.{code}" not in texts]


def test_a_missing_asset_is_refused_with_the_command_that_builds_it() -> None:
    with pytest.raises(FindingsError) as refusal:
        read_asset("nothing.js")
    finding: Finding = refusal.value.findings[0]
    assert "E-ASSET-MISSING" == finding.code
    assert "python builder/hatch_build.py" in finding.fix


def test_the_assets_are_those_of_the_sources(repository: Path) -> None:
    hook = load_hook(repository)
    assert hook.is_current(hook.digest_sources()), "run `python builder/hatch_build.py`"


@pytest.mark.node
@pytest.mark.parametrize("realm", ["shell", "vault", "engine", "catalog", "privacy", "sw"])
def test_typescript_accepts_a_realm_with_the_library_it_has(repository: Path, realm: str) -> None:
    hook = load_hook(repository)
    try:
        hook.prepare_node_modules()
    except hook.AssetError as error:
        pytest.skip(f"the npm packages cannot be had here: {error}")
    hook.run_node(["node_modules/typescript/bin/tsc", "--noEmit", "-p", f"app/{realm}"])
