import pytest

import bundles
from webipred.findings import Finding
from webipred.site.outcomes import OutcomeStatus, Unpublished, describe_bundle, describe_unpublished

LOCK = Finding(code="W-LOCK-MISSING", where="retina", what="is not in the lock.", fix="Run `webipred-build lock`.")


def test_a_bundle_is_published_and_needs_no_reason() -> None:
    outcome = describe_bundle(bundles.make_bundles(bundles.make_catalog())[1])
    assert ("published", "", 3) == (outcome.status, outcome.reason, outcome.passed_checks)


def test_a_draft_gives_the_reason_of_the_catalog() -> None:
    outcome = describe_unpublished(bundles.make_unpublished(bundles.make_catalog())[0])
    assert ("draft", "The class order contradicts the publication.") == (outcome.status, outcome.reason)


@pytest.mark.parametrize(("findings", "status"), [((LOCK,), "skipped"), ((LOCK, bundles.FAILURE), "failed")])
def test_only_an_error_makes_an_entry_fail(findings: tuple[Finding, ...], status: OutcomeStatus) -> None:
    entry = bundles.make_catalog().models[3]
    assert status == describe_unpublished(Unpublished(entry=entry, findings=findings, report=None)).status


def test_the_reason_is_the_gravest_finding() -> None:
    entry = bundles.make_catalog().models[3]
    outcome = describe_unpublished(Unpublished(entry=entry, findings=(LOCK, bundles.FAILURE), report=None))
    assert outcome.reason.startswith("<b>2 of 2</b> samples")
