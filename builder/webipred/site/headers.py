"""ServingPolicy: what a server sends with each file, as one model.

From it come the server configurations (servers.py), the headers of `serve`, those that the service worker adds on
hosts that send none, and what `verify` expects. The header values are those measured in docs/how-to/host-the-site.md.
"""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from webipred.site.policy import NONE, Policy, parse_policy, unite_policies

FileClass = Literal["page", "workspace", "worker", "data"]

WORKSPACE_PATH: Final = "predict/index.html"
WORKER_PATH: Final = "sw.js"
ASSETS_FOLDER: Final = "assets/"

CLOSED_FEATURES: Final = (
    "camera", "microphone", "geolocation", "payment", "usb", "serial", "hid", "midi", "display-capture",
    "screen-wake-lock", "identity-credentials-get", "publickey-credentials-get", "publickey-credentials-create",
    "clipboard-read", "browsing-topics", "idle-detection", "local-network-access",
)  # fmt: skip
"""Interfaces of the browser that no page of a site uses."""

COMMON_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Resource-Policy": "same-origin",
        # =(self) would take the isolation, and with it the threads, from the vault, whose origin is opaque
        "Permissions-Policy": ", ".join((*(f"{name}=()" for name in CLOSED_FEATURES), "cross-origin-isolated=*")),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-DNS-Prefetch-Control": "off",
        # without includeSubDomains: a site below a path does not own the names below its host
        "Strict-Transport-Security": "max-age=63072000",
    }
)
"""Sent with every file and every error."""

CACHE_FOREVER: Final = "public, max-age=31536000, immutable"
CACHE_NEVER_BLINDLY: Final = "no-cache"

MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "html": "text/html; charset=utf-8",
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "json": "application/json",
        "txt": "text/plain; charset=utf-8",
        "svg": "image/svg+xml",
        "png": "image/png",
        "jpg": "image/jpeg",
        "webp": "image/webp",
        "gif": "image/gif",
        "bmp": "image/bmp",
        "wasm": "application/wasm",
    }
)
"""By ending; the rest, weights above all, is OTHER_TYPE. Not taken from the system, which differs."""

OTHER_TYPE: Final = "application/octet-stream"

_FRAMING: Final = ("frame-ancestors", (NONE,))
_DATA_POLICY: Final = Policy((("default-src", (NONE,)), _FRAMING, ("sandbox", ())))
"""For what is fetched and never shown: a script that is ever started as a network worker reaches nothing."""
_WORKER_POLICY: Final = Policy((("default-src", (NONE,)), ("connect-src", ("'self'",))))
"""The service worker must fetch; with the policy of data every later load would be blank (measured)."""
_META_POLICY: Final = re.compile(rb'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingPolicy:
    """The content security policies of a site's pages; everything else that is sent follows from the path."""

    pages: Policy
    """Sent with the static pages: everything that any of them needs. Each page's own meta policy is exact."""
    workspace: Policy
    """Sent with predict/index.html: the same as its own meta policy."""

    def list_headers(self, path: str) -> dict[str, str]:
        """Return name → value of every header of the file at `path`, Content-Type and Cache-Control among them."""
        return {
            "Content-Type": find_media_type(path),
            "Cache-Control": CACHE_FOREVER if path.startswith(ASSETS_FOLDER) else CACHE_NEVER_BLINDLY,
            **self.list_class_headers(classify(path)),
        }

    def list_class_headers(self, file_class: FileClass) -> dict[str, str]:
        """Return the headers that all files of a class share."""
        return {
            **COMMON_HEADERS,
            "Content-Security-Policy": str(self.find_policy(file_class)),
            "Connection-Allowlist": "()" if file_class == "data" else "(response-origin)",
        }

    def find_policy(self, file_class: FileClass) -> Policy:
        """Return the content security policy of a class as a header, which also forbids framing."""
        match file_class:
            case "page":
                return self.pages.extend(_FRAMING)
            case "workspace":
                return self.workspace.extend(_FRAMING)
            case "worker":
                return _WORKER_POLICY
            case "data":
                return _DATA_POLICY

    @property
    def any_page(self) -> Policy:
        """One policy that serves every page, for hosts that know no rules by file."""
        return unite_policies([self.pages, self.workspace]).extend(_FRAMING)


def classify(path: str) -> FileClass:
    """Return what the file at `path` is to a server."""
    if path == WORKSPACE_PATH:
        return "workspace"
    if path == WORKER_PATH:
        return "worker"
    return "page" if path.endswith(".html") else "data"


def find_media_type(path: str) -> str:
    """Return the Content-Type of the file at `path`."""
    name = path.rpartition("/")[2]
    return MEDIA_TYPES.get(name.rpartition(".")[2], OTHER_TYPE) if "." in name else OTHER_TYPE


def read_serving_policy(files: Iterable[tuple[str, bytes]]) -> ServingPolicy:
    """Return the policy of a site from the meta policies of its pages, given (path, bytes) of its files."""
    found = {path: _read_policy(data) for path, data in files if path.endswith(".html")}
    workspace = found.pop(WORKSPACE_PATH, Policy.closed())
    return ServingPolicy(pages=unite_policies(found.values()), workspace=workspace)


def _read_policy(page: bytes) -> Policy:
    match = _META_POLICY.search(page)
    return parse_policy(html.unescape(match[1].decode())) if match else Policy.closed()
