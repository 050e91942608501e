"""Content security policies of the pages: what each may run and reach, as data rendered to one line of text.

The directives of shell and vault are those measured in Chromium, Firefox and WebKit against the leak laboratory;
docs/privacy.md explains each. Every directive that is not named falls back to `default-src 'none'`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

NONE = "'none'"
_WASM = "'wasm-unsafe-eval'"
_CLOSED = {"object-src": (NONE,), "base-uri": (NONE,), "form-action": (NONE,)}


@dataclass(frozen=True, slots=True)
class Policy:
    """Directives in order: name → sources. Nothing may name a host, permit inline code or evaluate text."""

    directives: tuple[tuple[str, tuple[str, ...]], ...]

    def __post_init__(self) -> None:
        for name, sources in self.directives:
            for source in sources:
                if "://" in source or source in ("'unsafe-inline'", "'unsafe-eval'", "*", "data:", "https:"):
                    if (name, source) == ("img-src", "data:"):
                        continue
                    raise ValueError(f"{name} may not hold {source}: it would open the page")
        if self.directives[:1] != (("default-src", (NONE,)),):
            raise ValueError("a policy starts with default-src 'none'")

    def __str__(self) -> str:
        return "; ".join(" ".join((name, *sources)) for name, sources in self.directives)

    def extend(self, *directives: tuple[str, tuple[str, ...]]) -> "Policy":
        """Return the policy with further directives, such as those that only a header can carry."""
        return Policy((*self.directives, *directives))

    @classmethod
    def closed(cls) -> "Policy":
        """Return the policy that permits nothing."""
        return cls((("default-src", (NONE,)),))


def shell_policy(*, shell_script: str, vault_script: str, shell_style: str, vault_style: str) -> Policy:
    """Return the shell's policy, given source expressions 'sha256-…'.

    The vault inherits it beside its own, so it also permits what the vault needs. `frame-src 'none'` does not block
    the srcdoc frame, and keeps the vault from navigating itself out. `img-src 'self'` serves the icon only, and
    `worker-src 'self'` the service worker only: the policy `shell` of Trusted Types passes no other address.
    """
    return _make_policy(
        {
            "script-src": (shell_script, vault_script, _WASM),
            "worker-src": ("'self'", "blob:"),
            "img-src": ("'self'", "blob:"),
            "style-src": (shell_style, vault_style),
            "connect-src": ("'self'",),
            "frame-src": (NONE,),
            **_CLOSED,
            "webrtc": ("'block'",),
            "require-trusted-types-for": ("'script'",),
            "trusted-types": ("shell", "vault", "default"),
        }
    )


def vault_policy(*, script: str, style: str) -> Policy:
    """Return the vault's policy: no connection at all; its workers come from memory and inherit it."""
    return _make_policy(
        {
            "script-src": (script, _WASM),
            "worker-src": ("blob:",),
            "img-src": ("blob:",),
            "style-src": (style,),
            "connect-src": (NONE,),
            "frame-src": (NONE,),
            **_CLOSED,
            "webrtc": ("'block'",),
            "require-trusted-types-for": ("'script'",),
            "trusted-types": ("vault", "default"),
        }
    )


def static_page_policy(script_hashes: Iterable[str], style_hashes: Iterable[str]) -> str:
    """Return the policy of a page without patient data: its own pictures, its pinned script and style, no connection.

    `data:` pictures are for the icon of 404.html, which does not know where it stands.
    """
    return str(_make_page_policy(script_hashes, style_hashes, NONE))


def privacy_page_policy(script_hashes: Iterable[str], style_hashes: Iterable[str]) -> str:
    """Return the policy of the privacy page: a static one that may ask its own host how it delivers."""
    return str(_make_page_policy(script_hashes, style_hashes, "'self'"))


def _make_page_policy(script_hashes: Iterable[str], style_hashes: Iterable[str], connections: str) -> Policy:
    return _make_policy(
        {
            "script-src": tuple(script_hashes) or (NONE,),
            "style-src": tuple(style_hashes) or (NONE,),
            "img-src": ("'self'", "data:"),
            "connect-src": (connections,),
            "frame-src": (NONE,),
            **_CLOSED,
            "require-trusted-types-for": ("'script'",),
            "trusted-types": (NONE,),
        }
    )


def bench_page_policy(script_hashes: Iterable[str], style_hashes: Iterable[str]) -> str:
    """Return the policy of the page that measures: it fetches from its own site and starts the engine from memory.

    It never sees patient data; the worker inherits this policy.
    """
    policy = _make_policy(
        {
            "script-src": (*script_hashes, _WASM),
            "worker-src": ("blob:",),
            "style-src": tuple(style_hashes),
            "img-src": ("'self'",),
            "connect-src": ("'self'",),
            "frame-src": (NONE,),
            **_CLOSED,
            "require-trusted-types-for": ("'script'",),
            "trusted-types": ("bench", "default"),
        }
    )
    return str(policy)


def _make_policy(directives: dict[str, tuple[str, ...]]) -> Policy:
    return Policy((("default-src", (NONE,)), *directives.items()))


def parse_policy(text: str) -> Policy:
    """Return the policy that `text` writes; raises ValueError for one that would open the page."""
    words = [part.split() for part in text.split(";") if part.strip()]
    return Policy(tuple((name, tuple(sources)) for name, *sources in words))


def unite_policies(policies: Iterable[Policy]) -> Policy:
    """Return the policy that permits whatever any of `policies` permits; nothing if there are none."""
    united: dict[str, list[str]] = {"default-src": [NONE]}
    for policy in policies:
        for name, sources in policy.directives:
            known = united.setdefault(name, [])
            known.extend(source for source in sources if source not in known)
    return Policy(
        tuple(
            (name, tuple(source for source in sources if source != NONE) or (NONE,)) for name, sources in united.items()
        )
    )
