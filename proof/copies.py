"""Copies of a built site in which one part was changed and every hash pinned anew: a hostile dependency, shipped."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

WORKSPACE, WORKER = "predict/index.html", "sw.js"
_POLICY = re.compile(r'(<meta http-equiv="Content-Security-Policy" content=")([^"]*)(">)')
_HASH = re.compile(r"'sha256-[^']*'")
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_TABLE_START = '{"version":'
_VAULT_START, _MANIFEST_START = '"\\u003c!doctype html', '{"format_version":1'

Edit = Callable[[str], str]


def keep(text: str) -> str:
    """Change nothing."""
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a copy differs in: the scripts of the realms, the two policies, and the rest of the pages."""

    shell_code: Edit = keep
    vault_code: Edit = keep
    engine_code: Edit = keep
    shell_policy: Edit = keep
    vault_policy: Edit = keep
    shell_page: Edit = keep
    """The workspace's page around its script."""
    vault_page: Edit = keep
    light: bool = False
    """Whether the model's weights are left out: for code that never comes to predict."""
    worker: bool = False
    """Whether the service worker stays; without it the copy is a site where the browser or the host has none."""
    worker_code: Edit = keep
    added: Mapping[str, bytes] | None = None
    """Files that the site does not have."""


class SiteShapeError(Exception):
    """The site is not built as the proof knows it; nothing it planted would count."""


def read_folder(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Check that the workspace is where the proof plants, and return the files."""
    make_copy(files, Changes())
    return files


def make_copy(files: Mapping[str, bytes], changes: Changes) -> dict[str, bytes]:
    """Return `files` with the workspace changed and consistently pinned again.

    Without changes, and with the service worker where the site has one, the copy is byte-identical.
    """
    page = _decode(files, WORKSPACE)
    shell = _find_script(page)
    vault_page, vault_span = _find_literal(shell, _VAULT_START)
    manifest, manifest_span = _find_literal(shell, _MANIFEST_START)
    if not isinstance(vault_page, str) or not isinstance(manifest, dict):
        raise SiteShapeError("the shell's script holds no vault or no manifest")
    copied = dict(files)
    new_manifest = _change_engine(manifest, copied, changes.engine_code)
    if changes.light:
        new_manifest = _drop_weights(new_manifest, copied)
    if not changes.worker and WORKER in copied:
        new_manifest = {**new_manifest, "service_worker": None}
        del copied[WORKER]
    new_vault_page, vault_hashes = _change_vault(vault_page, changes)
    new_shell = _replace_spans(
        shell, {vault_span: _write_literal(new_vault_page), manifest_span: _write_literal(new_manifest)}
    )
    new_shell = changes.shell_code(new_shell)
    if "</script" in new_shell.lower():
        raise SiteShapeError("the planted code would end its script")
    hashes = {**vault_hashes, _hash(shell): _hash(new_shell)}
    page = page.replace(f"<script>{shell}</script>", f"<script>{new_shell}</script>")
    page = _change_policy(page, lambda policy: changes.shell_policy(_replace_all(policy, hashes)))
    copied[WORKSPACE] = changes.shell_page(page).encode()
    copied.update(changes.added or {})
    if WORKER in copied:
        worker = _change_worker(copied, files, lambda policy: changes.shell_policy(_replace_all(policy, hashes)))
        copied[WORKER] = changes.worker_code(worker).encode()
    return copied


def read_policies(files: Mapping[str, bytes]) -> tuple[str, str]:
    """Return the policies of shell and vault; "" for one that is missing."""
    page = _decode(files, WORKSPACE)
    vault, _ = _find_literal(_find_script(page), _VAULT_START)
    found = [_POLICY.search(text) for text in (page, str(vault))]
    shell_policy, vault_policy = (match[2] if match else "" for match in found)
    return shell_policy, vault_policy


def read_manifest(files: Mapping[str, bytes]) -> dict[str, object]:
    """Return the manifest that is pinned inside the shell's script."""
    manifest, _ = _find_literal(_find_script(_decode(files, WORKSPACE)), _MANIFEST_START)
    if not isinstance(manifest, dict):
        raise SiteShapeError("the shell's script holds no manifest")
    return manifest


def read_vault(files: Mapping[str, bytes]) -> str:
    """Return the vault's page."""
    vault, _ = _find_literal(_find_script(_decode(files, WORKSPACE)), _VAULT_START)
    return str(vault)


def _decode(files: Mapping[str, bytes], path: str) -> str:
    if path not in files:
        raise SiteShapeError(f"the site has no {path}")
    return files[path].decode()


def _find_script(page: str) -> str:
    found = [match[1] for match in _SCRIPT.finditer(page)]
    script = next((text for text in reversed(found) if _VAULT_START in text), None)
    if script is None:
        raise SiteShapeError(f"{WORKSPACE} holds no script with a vault")
    return script


def _find_literal(script: str, start: str) -> tuple[object, tuple[int, int]]:
    at = script.find(start)
    if at < 0:
        raise SiteShapeError(f"the shell's script holds no {start}")
    value, end = json.JSONDecoder().raw_decode(script, at)
    return value, (at, end)


def _write_literal(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")


def _replace_spans(text: str, values: Mapping[tuple[int, int], str]) -> str:
    for (start, end), value in sorted(values.items(), reverse=True):
        text = text[:start] + value + text[end:]
    return text


def _replace_all(text: str, values: Mapping[str, str]) -> str:
    for old, new in values.items():
        text = text.replace(old, new)
    return text


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _change_policy(page: str, edit: Edit) -> str:
    """Apply `edit` to the page's policy; an edit that returns "" removes the element."""

    def replace(found: re.Match[str]) -> str:
        policy = edit(found[2])
        return f"{found[1]}{policy}{found[3]}" if policy else "<!-- -->"

    return _POLICY.sub(replace, page, count=1)


def _change_vault(page: str, changes: Changes) -> tuple[str, dict[str, str]]:
    found = _SCRIPT.search(page)
    if found is None:
        raise SiteShapeError("the vault has no script")
    script = found[1]
    changed = changes.vault_code(script)
    hashes = {_hash(script): _hash(changed)}
    page = page[: found.start(1)] + changed + page[found.end(1) :]
    page = _change_policy(page, lambda policy: changes.vault_policy(_replace_all(policy, hashes)))
    return changes.vault_page(page), hashes


def _change_engine(manifest: dict[str, object], files: dict[str, bytes], edit: Edit) -> dict[str, object]:
    engine = manifest["engine"]
    if not isinstance(engine, dict):
        raise SiteShapeError("the manifest describes no engine")
    reference = engine["script"]
    old = files[reference["path"]].decode()
    new = edit(old)
    if new == old:
        return manifest
    data = new.encode()
    digest = hashlib.sha256(data).hexdigest()
    path = f"assets/{digest[:16]}.js"
    files[path] = data
    changed = {**reference, "path": path, "sha256": digest, "size_bytes": len(data)}
    return {**manifest, "engine": {**engine, "script": changed}}


def _drop_weights(manifest: dict[str, object], files: dict[str, bytes]) -> dict[str, object]:
    """Give every model one byte for weights and no golden images, so that a page is there in no time."""
    data = b"0"
    digest = hashlib.sha256(data).hexdigest()
    reference = {"path": f"assets/{digest[:16]}.plan", "sha256": digest, "size_bytes": len(data)}
    files[str(reference["path"])] = data
    models = manifest["models"]
    if not isinstance(models, list):
        raise SiteShapeError("the manifest lists no models")
    light = [{**model, "weights": reference, "weights_parts": [reference], "goldens": []} for model in models]
    return {**manifest, "models": light}


def _change_worker(copied: Mapping[str, bytes], original: Mapping[str, bytes], edit: Edit) -> str:
    """Pin the changed files in the service worker's table, and let it send the changed policy."""
    script = copied[WORKER].decode()
    table, span = _find_literal(script, _TABLE_START)
    if not isinstance(table, dict):
        raise SiteShapeError(f"{WORKER} holds no table")
    changed = {path: data for path, data in copied.items() if path != WORKER and original.get(path) != data}
    if not changed:
        return script
    files = {**table["files"]}
    for path, data in changed.items():
        entry = files.get(path, {"headers": "data", "type": "application/octet-stream", "keep": "use"})
        files[path] = {**entry, "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
    headers = {name: dict(values) for name, values in table["headers"].items()}
    workspace = headers["workspace"]
    policy = edit(workspace["Content-Security-Policy"])
    if policy != _replace_hashes(workspace["Content-Security-Policy"], policy):
        workspace.pop("Connection-Allowlist", None)  # a leak that needs an open policy needs this opened too
    workspace["Content-Security-Policy"] = policy or "frame-ancestors 'none'"
    version = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]
    new = {**table, "version": version, "headers": headers, "files": files}
    return _replace_spans(script, {span: json.dumps(new, ensure_ascii=True, separators=(",", ":"))})


def _replace_hashes(policy: str, like: str) -> str:
    """Return `policy` with the hashes of `like`, where both have as many: equal then but for them."""
    hashes = iter(_HASH.findall(like))
    return _HASH.sub(lambda found: next(hashes, found[0]), policy)
