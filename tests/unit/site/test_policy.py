"""Content security policies: closed by default, exact, and impossible to open by accident."""

import pytest

from webipred.site.policy import Policy, shell_policy, static_page_policy, vault_policy

HASHES = {
    "shell_script": "'sha256-S='",
    "vault_script": "'sha256-V='",
    "shell_style": "'sha256-SS='",
    "vault_style": "'sha256-VS='",
}


def test_the_vault_connects_to_nothing_and_runs_one_script() -> None:
    expected = (
        "default-src 'none'; script-src 'sha256-V=' 'wasm-unsafe-eval'; worker-src blob:; img-src blob:; "
        "style-src 'sha256-VS='; connect-src 'none'; frame-src 'none'; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; webrtc 'block'; require-trusted-types-for 'script'; trusted-types vault default"
    )
    assert expected == str(vault_policy(script="'sha256-V='", style="'sha256-VS='"))


def test_the_shell_connects_to_its_own_origin_and_permits_what_the_vault_inherits() -> None:
    expected = (
        "default-src 'none'; script-src 'sha256-S=' 'sha256-V=' 'wasm-unsafe-eval'; worker-src 'self' blob:; "
        "img-src 'self' blob:; style-src 'sha256-SS=' 'sha256-VS='; connect-src 'self'; frame-src 'none'; "
        "object-src 'none'; base-uri 'none'; form-action 'none'; webrtc 'block'; "
        "require-trusted-types-for 'script'; trusted-types shell vault default"
    )
    assert expected == str(shell_policy(**HASHES))


def test_a_static_page_without_script_runs_none() -> None:
    policy = static_page_policy(script_hashes=[], style_hashes=["'sha256-A='"])
    assert "script-src 'none'; style-src 'sha256-A='" in policy
    assert "connect-src 'none'" in policy


@pytest.mark.parametrize("source", ["'unsafe-inline'", "'unsafe-eval'", "*", "https://example.org", "data:"])
def test_a_policy_that_would_open_the_page_cannot_be_made(source: str) -> None:
    with pytest.raises(ValueError, match=r"script-src may not hold .*: it would open the page"):
        Policy((("default-src", ("'none'",)), ("script-src", (source,))))


def test_a_policy_without_a_closed_default_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="starts with default-src 'none'"):
        Policy((("script-src", ("'none'",)),))
