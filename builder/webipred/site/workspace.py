"""predict/index.html: shell and vault composed, every script and style pinned by the hash of its emitted bytes."""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from webipred.assets import read_asset
from webipred.site.emission import hash_source
from webipred.site.icon import ICON_SVG
from webipred.site.manifest import SiteManifest
from webipred.site.policy import Policy, shell_policy, vault_policy
from webipred.site.table import place_asset
from webipred.site.templates import read_page

_MANIFEST_NAME = "__WEBIPRED_SITE_MANIFEST__"
_VAULT_NAME = "__WEBIPRED_VAULT_HTML__"


def render_workspace(manifest: SiteManifest, assets: Callable[[str], bytes] = read_asset) -> bytes:
    """Return the page of the workspace, which stands one folder below the site's root.

    The manifest and the vault's HTML become part of the shell's script before that is hashed: the page's policy pins
    every byte that reaches the vault. Raises ValueError if a script lacks its place or would end its element.
    """
    vault_script, vault_style = assets("vault.js").decode(), assets("vault.css").decode()
    vault = _render(
        "vault.html.jinja",
        vault_policy(script=hash_source(vault_script), style=hash_source(vault_style)),
        script=vault_script,
        style=vault_style,
    )
    shell_style = assets("workspace.css").decode()
    shell_script = fill_names(
        "shell.js",
        assets("shell.js").decode(),
        {_MANIFEST_NAME: manifest.model_dump(mode="json"), _VAULT_NAME: vault},
    )
    policy = shell_policy(
        shell_script=hash_source(shell_script),
        vault_script=hash_source(vault_script),
        shell_style=hash_source(shell_style),
        vault_style=hash_source(vault_style),
    )
    page = _render(
        "predict.html.jinja",
        policy,
        script=shell_script,
        style=shell_style,
        title=manifest.title[manifest.languages[0]],
        language=manifest.languages[0],
        icon=f"../{place_asset(ICON_SVG, 'svg')[0]}",
        build_id=manifest.build_id,
    )
    return page.encode()


def fill_names(asset: str, script: str, values: Mapping[str, object]) -> str:
    """Replace each name, which must stand in `script` exactly once, by its value as a JavaScript literal.

    Raises ValueError, naming the `asset` that the script comes from, if one does not.
    """
    for name in values:
        if script.count(name) != 1:
            raise ValueError(f"{asset} names {name} {script.count(name)} times instead of once; rebuild the assets")
    # One pass: a value that happens to hold a name, in a model's summary say, is never looked at.
    return re.sub("|".join(values), lambda found: _write_literal(values[found[0]]), script)


def _write_literal(value: object) -> str:
    """Return JSON that is also JavaScript and cannot end a script element: ASCII, with every < escaped."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _render(name: str, policy: Policy, *, script: str, style: str, **values: str) -> str:
    return (
        _make_environment()
        .get_template(name)
        .render(
            policy=_trust(str(policy), '"'), script=_trust(script, "</script"), style=_trust(style, "</style"), **values
        )
    )


def _trust(text: str, forbidden: str) -> Markup:
    if forbidden in text.lower():
        raise ValueError(f"a part of the workspace holds {forbidden!r}, which would end it early")
    return Markup(text)  # noqa: S704  # built by us from site_templates/, and pinned by its hash


@cache
def _make_environment() -> Environment:
    return Environment(
        loader=FunctionLoader(read_page),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
