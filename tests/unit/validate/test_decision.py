"""The decision rule; tests/browser checks that the page's twin gives the same answers for CASES."""

import pytest

from decision_cases import CASES, DecisionCase
from webipred.catalog.entry import ModelClass
from webipred.validate.decision import decide


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_decision_is_the_expected_one(case: DecisionCase) -> None:
    classes = [
        ModelClass(id=class_id, threshold=threshold, threshold_source="test" if threshold else None)
        for class_id, threshold in case.classes
    ]
    assert case.expected == decide(case.probabilities, classes, multi_label=case.multi_label)
