"""Copies of a site differ where they were told to, and pin what they ship."""

import base64
import hashlib
import re

import pytest

from browser.sites import make_bundle, make_site
from proof.channels import CHANNELS, VAULT_RESIDUAL
from proof.copies import Changes, SiteShapeError, make_copy, read_manifest, read_policies, read_vault
from proof.mutants import list_mutants, open_directive


@pytest.fixture(scope="module")
def site() -> dict[str, bytes]:
    return make_site([make_bundle()])


def hash_script(page: str) -> str:
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)[-1]
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def test_a_copy_without_changes_is_the_site(site: dict[str, bytes]) -> None:
    assert site == make_copy(site, Changes(worker=True))


def test_changed_scripts_are_pinned_in_both_policies(site: dict[str, bytes]) -> None:
    copy = make_copy(site, Changes(vault_code=lambda text: f"0;{text}", shell_code=lambda text: f"1;{text}"))
    shell_policy, vault_policy = read_policies(copy)
    page = copy["predict/index.html"].decode()
    assert hash_script(page) in shell_policy
    assert hash_script(read_vault(copy)) in shell_policy
    assert hash_script(read_vault(copy)) in vault_policy


def test_a_changed_engine_is_pinned_in_the_manifest(site: dict[str, bytes]) -> None:
    copy = make_copy(site, Changes(engine_code=lambda text: f"0;{text}"))
    engine = read_manifest(copy)["engine"]
    assert isinstance(engine, dict)
    script = engine["script"]
    assert script["sha256"] == hashlib.sha256(copy[script["path"]]).hexdigest()


def test_a_policy_that_becomes_empty_is_removed(site: dict[str, bytes]) -> None:
    copy = make_copy(site, Changes(shell_policy=lambda _: "", vault_policy=lambda _: ""))
    assert ("", "") == read_policies(copy)


def test_code_that_would_end_its_script_is_refused(site: dict[str, bytes]) -> None:
    with pytest.raises(SiteShapeError, match="end its script"):
        make_copy(site, Changes(shell_code=lambda text: f"{text}</script>"))


def test_another_kind_of_site_is_refused() -> None:
    with pytest.raises(SiteShapeError, match="no script with a vault"):
        make_copy({"predict/index.html": b"<script>1</script>"}, Changes())


def test_an_opened_directive_reaches_everyone_and_the_others_stay() -> None:
    policy = "default-src 'none'; connect-src 'none'; img-src 'self'; require-trusted-types-for 'script'"
    assert "default-src 'none'; img-src 'self'; connect-src * data: blob: *" == open_directive("connect-src")(policy)


def test_every_mutant_can_be_made_and_differs(site: dict[str, bytes]) -> None:
    changed = {
        mutant.name: make_copy(site, mutant.make("mq00zw", "mq00zw.leak.test", "mq00zw.site.test")) != site
        for mutant in list_mutants()
        if mutant.family != "service worker"  # the small site has none
    }
    assert [] == [name for name, differs in changed.items() if not differs]


def test_there_are_mutants_enough_and_no_two_alike() -> None:
    names = [(mutant.family, mutant.name) for mutant in list_mutants()]
    assert len(names) == len(set(names))
    assert len(names) >= 40


def test_the_residual_channels_are_channels() -> None:
    assert set(VAULT_RESIDUAL) <= {channel.name for channel in CHANNELS}
