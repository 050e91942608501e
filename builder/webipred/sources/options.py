"""What a caller decides about fetching: places, limits, patience, and the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from webipred import __version__
from webipred.findings import Finding

USER_AGENT = f"webipred/{__version__} (webipred-build)"


def ignore_finding(finding: Finding) -> None:
    """Drop a remark about a source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOptions:
    """How sources are reached.

    `offline`: no socket is opened, whatever happens. `max_bytes` caps a file whose size nobody states.
    `timeout_s` ends a silent connection, `deadline_s` a slow one. `redirect_hosts` are the foreign hosts that a
    redirect may lead to, a leading dot meaning every subdomain; `private_hosts` are names or addresses of an own
    network that may be used although they are not public. `notice` receives remarks that do not stop the work.
    With a `proxy`, names are resolved by the proxy, and whether their addresses are public is its business.
    """

    cache_dir: Path
    offline: bool = False
    zenodo_base: str = "https://zenodo.org"
    huggingface_base: str = "https://huggingface.co"
    user_agent: str = USER_AGENT
    max_bytes: int = 2_000_000_000
    timeout_s: float = 45.0
    deadline_s: float = 3600.0
    max_attempts: int = 5
    longest_wait_s: float = 120.0
    redirect_hosts: tuple[str, ...] = (".huggingface.co", ".hf.co", ".githubusercontent.com")
    private_hosts: tuple[str, ...] = ()
    proxy: str | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    notice: Callable[[Finding], None] = ignore_finding
