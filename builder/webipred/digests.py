"""SHA-256 of bytes, files and JSON values, always as 64 lowercase hexadecimal digits."""

import hashlib
import json
from pathlib import Path

CHUNK_BYTES = 1 << 20


def hash_bytes(data: bytes) -> str:
    """Return the SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def canonical_json(value: object) -> bytes:
    """Return the one JSON text of `value`: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def hash_json(value: object) -> str:
    """Return the SHA-256 of the canonical JSON of `value`."""
    return hash_bytes(canonical_json(value))
