"""Reports of the proof: read strictly where the page shows them, and no part of the build id."""

import json
from pathlib import Path

import pytest

import bundles
from webipred.errors import FindingsError
from webipred.site.assembly import assemble_site
from webipred.site.proof import PROOF_PATH, ProofReport, read_proof

REPORT: dict[str, object] = {
    "format_version": 1, "outcome": "passed", "scope": "full", "build_id": "a" * 16, "manifest_sha256": "0" * 64,
    "created": "2026-01-02T03:04:05Z", "system": {}, "tiers": [],
}  # fmt: skip


def test_a_report_is_read_and_carried_whole(tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    path.write_text(json.dumps({**REPORT, "new_field": [1]}), encoding="utf-8")
    assert {**REPORT, "new_field": [1]} == json.loads(read_proof(path).render())


@pytest.mark.parametrize(
    "text", ["", "[]", json.dumps({**REPORT, "outcome": "fine"}), json.dumps({**REPORT, "format_version": 2})]
)
def test_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "proof.json").write_text(text, encoding="utf-8")
    with pytest.raises(FindingsError, match=r"proof\.json: is no proof report: .*E-PROOF-READ"):
        read_proof(tmp_path / "proof.json")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match="E-PROOF-READ"):
        read_proof(tmp_path / "proof.json")


def test_a_report_about_a_build_can_be_put_into_the_same_build() -> None:
    catalog, assets = bundles.make_catalog(), bundles.make_assets()
    plain = assemble_site(catalog, bundles.make_bundles(catalog), [], assets.__getitem__, ())
    proof = ProofReport.model_validate({**REPORT, "build_id": plain.build_id})
    proven = assemble_site(catalog, bundles.make_bundles(catalog), [], assets.__getitem__, (), proof)
    assert (plain.build_id, False, True) == (
        proven.build_id,
        PROOF_PATH in plain.table.paths,
        PROOF_PATH in proven.table.paths,
    )
    assert b"It is about this build." in proven.table.read("privacy/index.html")
