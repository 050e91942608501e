"""What the build of the scripts says is inside them, against the scripts and the notices."""

import json
from pathlib import Path

from webipred.assets import read_asset

ROOT = Path(__file__).parents[3]


def read_components() -> dict[str, list[dict[str, str]]]:
    components: dict[str, list[dict[str, str]]] = json.loads(read_asset("components.json"))
    return components


def test_the_vault_holds_preact_and_the_fallback_onnxruntime() -> None:
    names = {script: [package["name"] for package in packages] for script, packages in read_components().items()}
    assert "preact" in names["vault.js"]
    assert {"onnxruntime-web", "onnxruntime-common"} <= set(names["engine-ort.js"])
    assert "onnxruntime-web" not in names["engine.js"]


def test_every_package_stands_with_its_version_in_the_third_party_notices() -> None:
    notices = (ROOT / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8").lower()
    titles = {"@noble/hashes": "noble-hashes", "onnxruntime-web": "onnx runtime web"}
    missing = {
        package["name"]
        for packages in read_components().values()
        for package in packages
        if titles.get(package["name"], package["name"]) not in notices or package["version"] not in notices
    }
    assert set() == missing
