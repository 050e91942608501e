"""What `check` and `build` know before anything is fetched."""

from pathlib import Path

import pytest

from catalog_cases import CATALOG, changed, load_text
from webipred.catalog.loading import load_catalog
from webipred.catalog.lock import Lock
from webipred.catalog.locking import read_lock
from webipred.checking import check_catalog
from webipred.findings import has_errors

STEP = "      - {op: standardize"
GRAY_STEP = f"      - {{op: to_channels, channels: gray}}\n{STEP}"


def find_errors(folder: Path, text: str, *only: str) -> list[str]:
    findings = check_catalog(load_text(folder, text), Lock(), only)
    return [str(finding) for finding in findings if finding.severity == "error"]


def test_a_sound_catalog_has_no_errors(tmp_path: Path) -> None:
    assert [] == find_errors(tmp_path, CATALOG)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            STEP,
            GRAY_STEP,
            (
                "model_catalog.yaml:24 pneumonia-cxr.preprocessing[2]: mode torch needs three channels, but the "
                "image has one here. Add to_channels: rgb before it. [E-PREPROCESS-CHANNELS]"
            ),
        ),
        (
            "  operator: A clinic\n",
            "  operator: A clinic\n  languages: [en, fr]\n",
            (
                "model_catalog.yaml:5 site.languages: the pages are not translated into 'fr'. Use de or en. "
                "[E-SITE-LANGUAGE]"
            ),
        ),
    ],
)
def test_what_build_would_refuse_is_told_with_its_place(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert [sentence] == find_errors(tmp_path, changed(old, new))


def test_a_draft_may_be_unbuildable(tmp_path: Path) -> None:
    draft = changed(STEP, GRAY_STEP).replace("status: published", "status: draft\n    status_reason: Not sound.")
    assert [] == find_errors(tmp_path, draft)


def test_only_leaves_out_the_other_entries(tmp_path: Path) -> None:
    other = CATALOG.split("models:\n")[1].replace("id: pneumonia-cxr", "id: other")
    text = changed(STEP, GRAY_STEP) + other
    assert [0, 1] == [len(find_errors(tmp_path, text, name)) for name in ("other", "pneumonia-cxr")]


def test_the_default_catalog_has_no_errors(repository: Path) -> None:
    loaded = load_catalog(repository / "model_catalog.yaml")
    assert not has_errors(check_catalog(loaded, read_lock(repository / "model_catalog.lock")))
