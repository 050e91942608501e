"""Safe reading of zip archives: every member in memory, nothing written, nothing trusted.

Python's zipfile sanitises `../x` and turns a symbolic link into a file, which hides an attack instead of refusing it;
therefore names and types are judged here, on the names as they stand in the archive.
"""

import io
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from webipred.digests import hash_bytes
from webipred.errors import FindingsError, refuse
from webipred.findings import Finding

PIECE_BYTES: Final = 1 << 16
ENCRYPTION_FLAGS: Final = 0x1 | 0x40 | 0x2000
REPARSE_POINT: Final = 0x400
READABLE_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
RESERVED_NAMES: Final = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$", *(f"{device}{n}" for device in ("com", "lpt") for n in range(10))]
)
FOREIGN_ZIP: Final = "Get the archive again from its origin, or ask its publisher for a clean one."


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackLimits:
    """Budgets of one archive: members, bytes of all members together, expansion, and depth of folders.

    `max_ratio` is unpacked bytes over packed bytes; the first `ratio_floor_bytes` of a member are exempt,
    because a small file of zeros is no attack. Deflate itself cannot exceed 1032.
    """

    max_members: int = 10_000
    max_total_bytes: int = 1_000_000_000
    max_ratio: int = 200
    ratio_floor_bytes: int = 1 << 20
    max_depth: int = 32


DEFAULT_LIMITS: Final = UnpackLimits()


def read_members(
    path: Path, limits: UnpackLimits = DEFAULT_LIMITS, *, sha256: str | None = None, label: str | None = None
) -> dict[str, bytes]:
    """Return the files of a zip archive, name (with `/`, NFC) → bytes, in the archive's order; folders are left out.

    `sha256`: when given, the archive is read into memory once, its digest compared, and those same bytes parsed.
    `label` names the archive in findings instead of the name of `path`.
    Raises FindingsError: E-ZIP-TRAVERSAL, -LINK, -DUPLICATE, -MEMBERS, -SIZE, -RATIO, -ENCRYPTED, -METHOD, -BROKEN.
    """
    where = label or path.name
    with _open_archive(path, sha256, where) as stream, _report_broken(where), zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        _check_members(members, limits, where)
        packed_bytes = stream.seek(0, io.SEEK_END)
        contents: dict[str, bytes] = {}
        total = 0
        for member in members:
            if not _is_folder(member):
                content = _read_member(archive, member, limits, total, packed_bytes, where)
                total += len(content)
                contents[unicodedata.normalize("NFC", member.orig_filename)] = content
        if not contents:
            raise refuse("E-ZIP-BROKEN", where, "the archive holds no file.", FOREIGN_ZIP)
        return contents


@contextmanager
def _open_archive(path: Path, sha256: str | None, where: str) -> Iterator[BinaryIO]:
    if sha256 is None:
        with path.open("rb") as stream:
            yield stream
        return
    data = path.read_bytes()
    found = hash_bytes(data)
    if found != sha256:
        raise refuse(
            "E-SOURCE-SHA256",
            where,
            f"the file changed on disk: sha256 {found}, verified before as {sha256}.",
            "Run the command again; clear the cache if it repeats.",
        )
    yield io.BytesIO(data)


@contextmanager
def _report_broken(where: str) -> Iterator[None]:
    try:
        yield
    except FindingsError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        struct.error,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as error:
        what = f"the zip archive cannot be read ({str(error) or type(error).__name__})."
        raise refuse("E-ZIP-BROKEN", where, what, FOREIGN_ZIP) from error


def _check_members(members: list[zipfile.ZipInfo], limits: UnpackLimits, where: str) -> None:
    if len(members) > limits.max_members:
        raise refuse(
            "E-ZIP-MEMBERS",
            where,
            f"the archive holds {len(members)} members, the limit is {limits.max_members}.",
            "Pack only the files of the model.",
        )
    findings: list[Finding] = []
    for member in members:
        findings += _judge_member(member, limits, where)
    findings += _find_duplicates(members, where)
    if findings:
        raise FindingsError(findings)


def _judge_member(member: zipfile.ZipInfo, limits: UnpackLimits, where: str) -> Iterator[Finding]:
    name = member.orig_filename
    place = f"{where} member {_quote(name)}"
    fault = describe_unsafe_name(name, limits.max_depth)
    if fault:
        yield Finding(code="E-ZIP-TRAVERSAL", where=place, what=f"the name is unsafe: {fault}.", fix=FOREIGN_ZIP)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or member.external_attr & REPARSE_POINT:
        what = f"a {_LINK_WORDS.get(kind, 'link or device')} is not a file."
        yield Finding(code="E-ZIP-LINK", where=place, what=what, fix="Pack the file itself instead.")
    if member.flag_bits & ENCRYPTION_FLAGS:
        what = "the member is encrypted."
        yield Finding(code="E-ZIP-ENCRYPTED", where=place, what=what, fix="Pack the archive without a password.")
    elif member.compress_type not in READABLE_METHODS:
        what = f"compression method {member.compress_type} is not read here, only stored and deflate."
        yield Finding(code="E-ZIP-METHOD", where=place, what=what, fix="Pack the archive with deflate.")
    if _is_folder(member) and member.file_size:
        yield Finding(code="E-ZIP-BROKEN", where=place, what="a folder cannot have content.", fix=FOREIGN_ZIP)


def _is_folder(member: zipfile.ZipInfo) -> bool:
    return member.orig_filename.endswith("/")


_LINK_WORDS: Final = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
}


def describe_unsafe_name(name: str, max_depth: int = DEFAULT_LIMITS.max_depth) -> str | None:
    """Return why a member name must not be used as a relative path on any system, or None if it is safe."""
    if not name or len(name) > 1024:
        return "it is empty or longer than 1024 characters"
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in name):
        return "it holds a control, invisible or invalid character"
    if "\\" in name:
        return "it holds a backslash"
    if name.startswith("/"):
        return "it is an absolute path"
    if ":" in name:
        return "it holds a colon (drive letter or stream)"
    parts = name.removesuffix("/").split("/")
    if len(parts) > max_depth:
        return f"it is nested deeper than {max_depth} folders"
    for part in parts:
        if part in ("", ".", ".."):
            return f"it holds the part {part!r}, which leaves or repeats its folder"
        if part != part.rstrip(". ") or part != part.lstrip(" "):
            return f"the part {part!r} starts or ends with a space, or ends with a dot"
        if part.split(".")[0].rstrip(" ").casefold() in RESERVED_NAMES:
            return f"the part {part!r} is a device name on Windows"
    return None


def _find_duplicates(members: list[zipfile.ZipInfo], where: str) -> Iterator[Finding]:
    files: dict[str, str] = {}
    folders: set[str] = set()
    for member in members:
        name = member.orig_filename
        key = fold_name(name.removesuffix("/"))
        parents = key.split("/")
        folders.update("/".join(parents[:depth]) for depth in range(1, len(parents)))
        if _is_folder(member):
            folders.add(key)
        elif key in files:
            what = f"the member stands twice, also as {_quote(files[key])}; upper and lower case count as the same."
            yield Finding(code="E-ZIP-DUPLICATE", where=f"{where} member {_quote(name)}", what=what, fix=FOREIGN_ZIP)
        else:
            files[key] = name
    for key in sorted(files.keys() & folders):
        what = "a file and a folder have the same name."
        place = f"{where} member {_quote(files[key])}"
        yield Finding(code="E-ZIP-DUPLICATE", where=place, what=what, fix=FOREIGN_ZIP)


def fold_name(name: str) -> str:
    """Return the form in which two names are compared: NFC, then without case, then NFC again."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _read_member(
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    limits: UnpackLimits,
    total_before: int,
    packed_bytes: int,
    where: str,
) -> bytes:
    place = f"{where} member {_quote(member.orig_filename)}"
    content = bytearray()
    packed_member = min(member.compress_size, packed_bytes)
    with archive.open(member) as stream:
        while piece := stream.read(PIECE_BYTES):
            content += piece
            total = total_before + len(content)
            if total > limits.max_total_bytes:
                what = f"the archive unpacks to more than {limits.max_total_bytes} bytes."
                raise refuse("E-ZIP-SIZE", place, what, "Publish a smaller model, or raise the limit.")
            member_budget = packed_member * limits.max_ratio + limits.ratio_floor_bytes
            total_budget = packed_bytes * limits.max_ratio + limits.ratio_floor_bytes
            if len(content) > member_budget or total > total_budget:
                what = f"the member unpacks to more than {limits.max_ratio} times its size, like a zip bomb."
                raise refuse("E-ZIP-RATIO", place, what, FOREIGN_ZIP)
    if len(content) != member.file_size:
        what = f"the member has {len(content)} bytes, the archive's directory says {member.file_size}."
        raise refuse("E-ZIP-BROKEN", place, what, FOREIGN_ZIP)
    return bytes(content)


def _quote(name: str) -> str:
    return ascii(name if len(name) <= 200 else name[:200] + "…")
