"""A report is passed only if everything ran and held."""

import json

import pytest

from proof.html import render_html
from proof.report import Check, Report, State, Table, Tier, judge, skip


def make_report(*states: State, scope: str = "full") -> Report:
    checks = [Check(name=f"check {n}", state=state, detail="<b>1</b>") for n, state in enumerate(states)]
    table = Table(title="t", columns=("a",), rows=(("<script>",),))
    tiers = tuple(Tier(id="t", title="T", checks=(check,), seconds=1.0, tables=(table,)) for check in checks)
    return Report(
        build_id="b", manifest_sha256="0" * 64, created="2024-01-01T00:00:00Z", system=(("System", "x"),), scope=scope,
        tiers=tiers,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("states", "outcome"),
    [
        (("passed", "passed"), "passed"),
        (("passed", "not run"), "incomplete"),
        (("failed", "not run"), "failed"),
    ],
)
def test_the_outcome_is_that_of_the_worst_tier(states: tuple[State, ...], outcome: str) -> None:
    assert outcome == make_report(*states).outcome


def test_the_cheap_scope_never_passes() -> None:
    assert "incomplete" == make_report("passed", scope="cheap").outcome


def test_a_tier_with_a_check_that_could_not_run_has_not_passed() -> None:
    tier = Tier(id="t", title="T", checks=(judge("a", True, ""), skip("b", "no root")), seconds=0.0)
    assert "not run" == tier.state


def test_a_tier_without_checks_has_not_passed() -> None:
    assert "not run" == Tier(id="t", title="T", checks=(), seconds=0.0).state


def test_the_page_escapes_its_text_and_runs_no_script() -> None:
    page = render_html(make_report("failed"))
    assert "<script" not in page
    assert "&lt;b&gt;1&lt;/b&gt;" in page
    assert "default-src 'none'" in page


def test_the_model_is_plain_json() -> None:
    report = make_report("passed").to_json()
    assert ["t"] == [tier["id"] for tier in json.loads(json.dumps(report))["tiers"]]
