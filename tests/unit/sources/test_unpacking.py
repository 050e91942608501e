"""Zip archives: what is refused, with which code, and that honest archives come back byte for byte."""

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webipred.digests import hash_bytes
from webipred.errors import FindingsError
from webipred.sources.unpacking import UnpackLimits, describe_unsafe_name, read_members


def zip_bytes(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def refusal(tmp_path: Path, data: bytes, limits: UnpackLimits | None = None) -> FindingsError:
    path = tmp_path / "model.zip"
    path.write_bytes(data)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FindingsError) as caught:
        read_members(path, limits or UnpackLimits())
    assert before == sorted(tmp_path.rglob("*"))
    return caught.value


def codes(error: FindingsError) -> list[str]:
    return [finding.code for finding in error.findings]


def raw_member_name(data: bytes, placeholder: str, name: bytes) -> bytes:
    """Replace a name of equal length in both headers; zipfile itself will not write such names."""
    assert len(placeholder) == len(name)
    return data.replace(placeholder.encode(), name)


@settings(deadline=None, max_examples=40)  # no deadline: the machine may be busy
@given(
    st.dictionaries(
        st.from_regex(r"\A[a-z]{4,8}(/[a-z0-9]{5,8}){0,3}\.bin\Z"), st.binary(max_size=2000), min_size=1, max_size=6
    ),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_an_honest_archive_comes_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes], method: int
) -> None:
    path = tmp_path_factory.mktemp("zip") / "model.zip"
    path.write_bytes(zip_bytes(*contents.items(), method=method))
    assert contents == read_members(path)


@settings(deadline=None, max_examples=40)  # no deadline: the machine may be busy
@given(st.binary(max_size=400), st.integers(0, 399), st.integers(0, 255))
def test_a_damaged_archive_gives_findings_or_the_original_bytes(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, position: int, value: int
) -> None:
    data = bytearray(zip_bytes(("weights.bin", content)))
    data[position % len(data)] = value
    path = tmp_path_factory.mktemp("zip") / "model.zip"
    path.write_bytes(data)
    outcome: object
    try:
        outcome = list(read_members(path).values())
    except FindingsError as error:
        outcome = {code[:6] for code in codes(error)}
    assert outcome in ([content], {"E-ZIP-"})


def test_folders_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    path.write_bytes(zip_bytes(("top/", b""), ("top/model.json", b"{}")))
    assert {"top/model.json": b"{}"} == read_members(path)


@pytest.mark.parametrize(
    "name",
    [
        "../../x",
        "a/../../x",
        "/etc/passwd",
        "C:/x",
        "C:x",
        "a/./b",
        "a//b",
        "con",
        "a/NUL.txt",
        "Com1.bin",
        "name.",
        "name ",
        "a /b",
        " a",
        "a\u202eb",
        "a\nb",
        "/".join("a" * 40),
        "x" * 2000,
    ],
)
def test_an_unsafe_name_is_refused(tmp_path: Path, name: str) -> None:
    assert ["E-ZIP-TRAVERSAL"] == codes(refusal(tmp_path, zip_bytes((name, b"x"))))


@pytest.mark.parametrize("name", [b"\\\\srv\\x", b"..\\..\\xy", b"a\x00../../", b"c:\\temp\\"])
def test_a_name_that_zipfile_would_repair_is_refused(tmp_path: Path, name: bytes) -> None:
    placeholder = "q" * len(name)
    error = refusal(tmp_path, raw_member_name(zip_bytes((placeholder, b"x")), placeholder, name))
    assert "E-ZIP-TRAVERSAL" in codes(error)


def test_the_refusal_quotes_the_member_and_says_what_to_do(tmp_path: Path) -> None:
    assert (
        "model.zip member '../x': the name is unsafe: it holds the part '..', which leaves or repeats its folder. "
        "Get the archive again from its origin, or ask its publisher for a clean one. [E-ZIP-TRAVERSAL]"
    ) == str(refusal(tmp_path, zip_bytes(("../x", b"x"))))


@pytest.mark.parametrize("name", ["model.json", "top/group1-shard1of8.bin", "concert.bin", "a.b.c", "größe.bin"])
def test_ordinary_names_are_safe(name: str) -> None:
    assert describe_unsafe_name(name) is None


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    member = zipfile.ZipInfo("link")
    member.external_attr = (kind | 0o777) << 16
    assert ["E-ZIP-LINK"] == codes(refusal(tmp_path, zip_bytes((member, b"/etc/passwd"))))


@pytest.mark.parametrize(
    ("first", "second"),
    [("model.json", "model.json"), ("model.json", "Model.JSON"), ("caf\u00e9", "cafe\u0301"), ("a", "a/b")],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_are_equal_somewhere_are_refused(tmp_path: Path, first: str, second: str) -> None:
    assert ["E-ZIP-DUPLICATE"] == codes(refusal(tmp_path, zip_bytes((first, b"1"), (second, b"2"))))


def test_all_problems_of_the_directory_come_at_once(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    error = refusal(tmp_path, zip_bytes(("../x", b"x"), (link, b"x"), ("b", b""), ("B", b"")))
    assert ["E-ZIP-TRAVERSAL", "E-ZIP-LINK", "E-ZIP-DUPLICATE"] == codes(error)


def test_an_archive_without_files_is_refused(tmp_path: Path) -> None:
    assert "model.zip: the archive holds no file." in str(refusal(tmp_path, zip_bytes(("top/", b""))))


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    data = zip_bytes(*((f"{number}.bin", b"") for number in range(11)))
    assert ["E-ZIP-MEMBERS"] == codes(refusal(tmp_path, data, UnpackLimits(max_members=10)))


def test_the_size_of_all_members_together_is_limited(tmp_path: Path) -> None:
    data = zip_bytes(("a.bin", bytes(600)), ("b.bin", bytes(600)))
    error = refusal(tmp_path, data, UnpackLimits(max_total_bytes=1000))
    assert "model.zip member 'b.bin': the archive unpacks to more than 1000 bytes." in str(error)


def test_a_zip_bomb_stops_at_the_ratio(tmp_path: Path) -> None:
    error = refusal(tmp_path, zip_bytes(("zeros.bin", bytes(20_000_000))))
    assert ["E-ZIP-RATIO"] == codes(error)


def test_overlapping_members_cannot_multiply_the_archive(tmp_path: Path) -> None:
    data = zip_bytes(("a.bin", bytes(500_000)), ("b.bin", b"b"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        second = archive.infolist()[1].header_offset
    broken = data.replace(struct.pack("<L", second) + b"b.bin", struct.pack("<L", 0) + b"b.bin")
    assert broken != data
    assert ["E-ZIP-BROKEN"] == codes(refusal(tmp_path, broken))


def test_a_header_that_claims_less_than_the_stream_is_refused(tmp_path: Path) -> None:
    data = zip_bytes(("a.bin", bytes(100_000)))
    lying = data.replace(struct.pack("<L", 100_000), struct.pack("<L", 1000))
    assert ["E-ZIP-BROKEN"] == codes(refusal(tmp_path, lying))


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    data = bytearray(zip_bytes(("a.bin", b"secret")))
    central = data.rindex(b"PK\x01\x02")
    data[6] |= 1
    data[central + 8] |= 1
    assert ["E-ZIP-ENCRYPTED"] == codes(refusal(tmp_path, bytes(data)))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_a_bounded_reader_are_refused(tmp_path: Path, method: int) -> None:
    assert ["E-ZIP-METHOD"] == codes(refusal(tmp_path, zip_bytes(("a.bin", b"x" * 100), method=method)))


@pytest.mark.parametrize("data", [b"", b"<html>busy</html>", b"PK\x03\x04", b"PK\x05\x06" + bytes(10)])
def test_what_is_no_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    assert ["E-ZIP-BROKEN"] == codes(refusal(tmp_path, data))


@pytest.mark.parametrize("cut", [10, 100, 1000])
def test_a_truncated_zip_is_refused(tmp_path: Path, cut: int) -> None:
    data = zip_bytes(("a.bin", bytes(range(256)) * 20), method=zipfile.ZIP_STORED)
    assert ["E-ZIP-BROKEN"] == codes(refusal(tmp_path, data[:-cut]))


def test_a_wrong_crc_is_refused(tmp_path: Path) -> None:
    data = zip_bytes(("a.bin", b"some weights"), method=zipfile.ZIP_STORED).replace(b"some", b"same")
    assert "CRC" in str(refusal(tmp_path, data))


def test_the_bytes_that_were_verified_are_the_bytes_that_are_read(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    data = zip_bytes(("a.bin", b"one"))
    path.write_bytes(zip_bytes(("a.bin", b"two")))
    with pytest.raises(FindingsError, match="the file changed on disk"):
        read_members(path, sha256=hash_bytes(data))
    path.write_bytes(data)
    assert {"a.bin": b"one"} == read_members(path, sha256=hash_bytes(data))


def test_the_label_names_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "0123abcd"
    path.write_bytes(b"no zip")
    with pytest.raises(FindingsError, match=r"^pneumonia-cxr 257299_model_converted\.zip: "):
        read_members(path, label="pneumonia-cxr 257299_model_converted.zip")
