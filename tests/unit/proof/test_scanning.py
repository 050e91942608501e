"""The scanner finds what is there, in every container that it claims to read, and nothing else."""

import gzip
from pathlib import Path

import pytest

from proof.canaries import make_canary
from proof.codecs_of_browsers import MOZLZ4, DamagedError, unpack, unpack_lz4_block, unpack_snappy
from proof.residue import make_table, prove_scanner
from proof.scanning import scan_bytes, scan_folders


def test_the_scanner_finds_every_planted_form(tmp_path: Path) -> None:
    assert "passed" == prove_scanner(tmp_path).state


def test_a_folder_without_the_canary_has_no_hit(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(gzip.compress(b"something else") + b"\0" * 100)
    scan = scan_folders([tmp_path], make_canary(1).words)
    assert ((), 1) == (scan.hits, scan.files)


@pytest.mark.parametrize(
    ("data", "how"),
    [(b"..NEEDLE..", "plain"), ("NEEDLE".encode("utf-16-le"), "utf-16"), (make_table(b"a NEEDLE"), "plain")],
)
def test_a_hit_says_how_it_was_found(data: bytes, how: str) -> None:
    assert how in [hit.how for hit in scan_bytes(Path("f"), data, [b"NEEDLE"])]


def test_an_lz4_block_repeats_what_it_points_back_to() -> None:
    # literals "abcd", then a copy of 8 bytes from 4 back, then the literal "e"
    assert b"abcdabcdabcde" == unpack_lz4_block(bytes([0x44]) + b"abcd" + b"\4\0" + bytes([0x10]) + b"e")


def test_a_snappy_block_repeats_what_it_points_back_to() -> None:
    # 10 bytes: the literal "ab", then a copy of 8 bytes from 2 back
    assert b"ababababab" == unpack_snappy(bytes([10, (2 - 1) << 2]) + b"ab" + bytes([(8 - 4) << 2 | 1, 2]))


@pytest.mark.parametrize("block", [b"\x04\1\0", b"\xff"])
def test_a_damaged_lz4_block_is_refused(block: bytes) -> None:
    with pytest.raises(DamagedError, match=r"block|copy"):
        unpack_lz4_block(block)


def test_a_snappy_block_of_another_size_is_refused() -> None:
    with pytest.raises(DamagedError, match="another size"):
        unpack_snappy(b"\x09\x04ab")


def test_damaged_containers_are_no_error() -> None:
    assert [] == list(unpack(MOZLZ4 + b"\0\0\0\0\x04\xff\xff"))


def test_canaries_are_images_of_their_own() -> None:
    first, second = make_canary(1), make_canary(2)
    assert first.data != second.data
    assert first.text in first.data
    assert all(word in first.file_name.encode() for word in first.words)
    assert first.text not in first.file_name.encode()
