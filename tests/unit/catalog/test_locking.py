"""The lock file: one form, strictly read, written whole or not at all."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webipred.catalog.lock import Lock, LockedFile
from webipred.catalog.locking import parse_lock, read_lock, render_lock, write_lock
from webipred.errors import FindingsError

PINNED = LockedFile(
    source={"type": "zenodo", "record": 7785993, "file": "*_model_converted.zip"},
    url="https://zenodo.org/api/records/7785993/files/257299_model_converted.zip/content",
    record=7785993,
    file="257299_model_converted.zip",
    size_bytes=30000000,
    md5="0" * 32,
    sha256="1" * 64,
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs"]), min_size=1, max_size=30)


def test_the_file_has_one_line_per_fact(tmp_path: Path) -> None:
    expected = (
        "# Written by `webipred-build lock`: which bytes each remote source stood for. Do not edit it.\n"
        "lock_version: 1\n"
        "models:\n"
        '  "pneumonia-cxr":\n'
        '    source: {"file": "*_model_converted.zip", "record": 7785993, "type": "zenodo"}\n'
        '    url: "https://zenodo.org/api/records/7785993/files/257299_model_converted.zip/content"\n'
        "    record: 7785993\n"
        '    file: "257299_model_converted.zip"\n'
        "    size_bytes: 30000000\n"
        f'    md5: "{"0" * 32}"\n'
        f'    sha256: "{"1" * 64}"\n'
    )
    assert expected == render_lock(Lock(models={"pneumonia-cxr": PINNED}))


def test_entries_stand_in_the_order_of_their_ids() -> None:
    one, other = Lock(models={"b": PINNED, "a": PINNED}), Lock(models={"a": PINNED, "b": PINNED})
    assert render_lock(one) == render_lock(other)


@settings(deadline=None, max_examples=60)  # no deadline: the machine may be busy
@given(TEXTS, TEXTS, st.integers(1, 10**15))
def test_any_name_comes_back_as_it_was(file: str, url: str, size_bytes: int) -> None:
    source: dict[str, str | int] = {"type": "url", "url": url}
    lock = Lock(models={"a": LockedFile(source=source, url=url, file=file, size_bytes=size_bytes, sha256="1" * 64)})
    assert lock == parse_lock(render_lock(lock).encode(), "model_catalog.lock")


def test_writing_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "model_catalog.lock"
    write_lock(path, Lock())
    write_lock(path, Lock(models={"a": PINNED}))
    assert (["model_catalog.lock"], Lock(models={"a": PINNED})) == (
        [item.name for item in tmp_path.iterdir()],
        read_lock(path),
    )


def test_a_name_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "model_catalog.lock"
    write_lock(path, Lock())
    before = path.read_bytes()
    with pytest.raises(FindingsError, match="invisible character"):
        write_lock(path, Lock(models={"a": PINNED.model_copy(update={"file": "a\u202eb"})}))
    assert before == path.read_bytes()


def test_a_missing_lock_is_an_empty_one(tmp_path: Path) -> None:
    assert Lock() == read_lock(tmp_path / "model_catalog.lock")


def test_a_damaged_lock_is_refused_with_line_and_field(tmp_path: Path) -> None:
    path = tmp_path / "model_catalog.lock"
    path.write_text(render_lock(Lock(models={"a": PINNED})).replace("1" * 64, "1" * 63))
    with pytest.raises(FindingsError) as caught:
        read_lock(path)
    assert str(caught.value).startswith(f"model_catalog.lock:11 models.a.sha256: '{'1' * 63}' does not fit the pattern")


def test_conflict_marks_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model_catalog.lock"
    path.write_text("lock_version: 1\n<<<<<<< HEAD\nmodels: {}\n=======\nmodels: {}\n>>>>>>> other\n")
    with pytest.raises(FindingsError, match=r"model_catalog\.lock:\d"):
        read_lock(path)


def test_half_a_surrogate_pair_is_not_written(tmp_path: Path) -> None:
    pin = PINNED.model_copy(update={"file": "\ud800.onnx"})
    with pytest.raises(FindingsError, match="does not survive writing and reading"):
        write_lock(tmp_path / "model_catalog.lock", Lock(models={"a": pin}))


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "model_catalog.lock"
    with pytest.raises(FindingsError) as caught:
        write_lock(path, Lock())
    assert str(caught.value).startswith(f"{path}: the lock cannot be written (No such file or directory);")
    assert "E-LOCK-WRITE" == caught.value.findings[0].code
