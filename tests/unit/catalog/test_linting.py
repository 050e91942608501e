"""What `check` says about a catalog without a network."""

from pathlib import Path

from catalog_cases import CATALOG, changed, load_text
from webipred.catalog.linting import lint_catalog
from webipred.catalog.loading import LoadedCatalog
from webipred.catalog.lock import Lock, LockedFile
from webipred.catalog.locking import describe_source
from webipred.digests import hash_bytes


def lock_of(loaded: LoadedCatalog) -> Lock:
    entry = loaded.catalog.models[0]
    locked = LockedFile(
        source=describe_source(entry.source), url="https://x", file="m.zip", size_bytes=1, sha256="0" * 64
    )
    return Lock(models={entry.id: locked})


def lint(loaded: LoadedCatalog, lock: Lock | None = None) -> list[str]:
    return [str(finding) for finding in lint_catalog(loaded, lock or lock_of(loaded))]


def codes(loaded: LoadedCatalog, lock: Lock | None = None) -> set[str]:
    return {finding.code for finding in lint_catalog(loaded, lock or lock_of(loaded))}


def with_samples(folder: Path, *files: tuple[str, str]) -> str:
    """The catalog with sample images that exist in `folder`."""
    for file, _ in files:
        (folder / file).write_bytes(file.encode())
    items = [
        f"{{file: {file}, class: {class_id}, license: CC0-1.0, sha256: {hash_bytes(file.encode())}}}"
        for file, class_id in files
    ]
    return changed("    classes:\n", f"    samples: [{', '.join(items)}]\n    classes:\n")


def complete(folder: Path) -> str:
    text = with_samples(folder, ("a.png", "NORMAL"), ("b.png", "PNEUMONIA"))
    evaluation = "    evaluation: [{dataset: A, role: test, n: 9, metrics: {auc: 0.9}, source: B}]\n"
    return text.replace("    cite:", evaluation + "    cite:")


def test_a_complete_entry_needs_no_remark(tmp_path: Path) -> None:
    assert [] == lint(load_text(tmp_path, complete(tmp_path)))


def test_an_entry_that_is_not_locked_names_the_command(tmp_path: Path) -> None:
    assert [
        (
            "model_catalog.yaml:18 pneumonia-cxr.source: the source is not locked; the entry is skipped when building. "
            "Run `webipred-build lock --only pneumonia-cxr` on a machine with internet access. [W-LOCK-MISSING]"
        )
    ] == lint(load_text(tmp_path, complete(tmp_path)), Lock(models={}))


def test_a_stale_lock_is_a_warning(tmp_path: Path) -> None:
    lock = lock_of(load_text(tmp_path, complete(tmp_path)))
    moved = load_text(tmp_path, complete(tmp_path).replace("record: 7785993", "record: 7785994"))
    assert {"W-LOCK-STALE"} == codes(moved, lock)


def test_a_lock_without_entry_is_a_warning(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, complete(tmp_path))
    lock = Lock(models={**lock_of(loaded).models, "gone": lock_of(loaded).models["pneumonia-cxr"]})
    assert [
        (
            "model_catalog.lock gone: the lock holds an entry that the catalog does not. "
            "Run `webipred-build lock` to remove it. [W-LOCK-ORPHAN]"
        )
    ] == lint(loaded, lock)


def test_a_class_without_sample_is_an_error_when_the_entry_could_be_built(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, with_samples(tmp_path, ("a.png", "NORMAL")))
    assert (
        "model_catalog.yaml:24 pneumonia-cxr.samples: no labelled sample shows the class PNEUMONIA, so the order of "
        "the classes is unproven. Add an image of each under samples, with its class, licence and sha256. "
        "[E-SAMPLE-CLASS]"
    ) in lint(loaded)


def test_what_cannot_be_built_yet_is_only_warned_about(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, changed("{weights: CC-BY-4.0}", "{weights: unknown}"))
    expected = {"W-LOCK-MISSING", "W-LICENSE-POLICY", "W-SAMPLE-CLASS", "N-EVALUATION-ROLE"}
    assert expected == codes(loaded, Lock(models={}))


def test_an_unknown_licence_tells_where_to_read_it(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, complete(tmp_path).replace("{weights: CC-BY-4.0}", "{weights: unknown}"))
    assert [
        (
            "model_catalog.yaml:31 pneumonia-cxr.license.weights: the licence of the weights is unknown. "
            "Read what their publisher states (for Zenodo: the record) and write it into license.weights. "
            "[E-LICENSE-POLICY]"
        )
    ] == lint(loaded)


def test_a_licence_outside_the_policy_is_an_error(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, complete(tmp_path).replace("{weights: CC-BY-4.0}", "{weights: CC-BY-NC-4.0}"))
    assert "the licence 'CC-BY-NC-4.0' is not one of CC-BY-4.0." in lint(loaded)[0]


def test_a_sample_that_changed_is_an_error(tmp_path: Path) -> None:
    text = complete(tmp_path)
    (tmp_path / "a.png").write_bytes(b"other")
    (tmp_path / "b.png").unlink()
    assert {"E-SAMPLE-SHA256", "E-SAMPLE-FILE"} == codes(load_text(tmp_path, text))


def test_a_sample_that_is_a_link_to_elsewhere_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    folder.mkdir()
    text = complete(folder)
    (tmp_path / "outside.png").write_bytes(b"a.png")
    (folder / "a.png").unlink()
    (folder / "a.png").symlink_to(tmp_path / "outside.png")
    assert "'a.png' is a link that leaves the catalog's folder." in lint(load_text(folder, text))[0]


def test_a_missing_notice_and_folder_are_errors(tmp_path: Path) -> None:
    text = complete(tmp_path).replace("{weights: CC-BY-4.0}", "{weights: CC-BY-4.0, notice: LICENSE}")
    text = text.replace('{type: zenodo, record: 7785993, file: "*.zip"}', "{type: folder, path: model}")
    assert {"E-LICENSE-NOTICE", "E-FOLDER-MISSING"} == codes(load_text(tmp_path, text), Lock(models={}))


def test_texts_are_looked_at(tmp_path: Path) -> None:
    text = complete(tmp_path).replace("Normal or pneumonia.", "<b>See</b> http://example.org")
    text = text.replace("{en: Pneumonia, de: Pneumonie}", "{en: Pneumonia}").replace("[{text: Somebody 2018}]", "[]")
    loaded = load_text(tmp_path, text)
    assert {"W-TEXT-HTTP", "W-TEXT-HTML", "N-TEXT-LANGUAGE", "W-CITE-MISSING"} == codes(loaded)


def test_a_draft_is_only_noted(tmp_path: Path) -> None:
    text = CATALOG.replace("status: published", "status: draft\n    status_reason: The order is unproven.")
    assert [
        (
            "model_catalog.yaml:11 pneumonia-cxr.status: the entry is draft and is not built: The order is unproven. "
            "[N-ENTRY-STATUS]"
        )
    ] == lint(load_text(tmp_path, text), Lock(models={}))


def test_only_leaves_out_the_other_entries(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, CATALOG + CATALOG.split("models:\n")[1].replace("id: pneumonia-cxr", "id: other"))
    found = lint_catalog(loaded, Lock(models={}), ["other"])
    assert found
    assert [] == [str(finding) for finding in found if "other" not in finding.where]
