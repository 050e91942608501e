"""The workflow for GitHub Pages: sound YAML, known commands, few rights, and steps that work when they are run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from entries import make_entry_data
from unit.cli.test_build import write_catalog
from webipred.cli import cli

WORKFLOW = Path(__file__).parents[2] / "docs/how-to/pages.yml"


@pytest.fixture(scope="module")
def workflow() -> dict[str, object]:
    content: dict[str, object] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    return content


def list_steps(workflow: dict[str, object]) -> list[dict[str, object]]:
    jobs = workflow["jobs"]
    assert isinstance(jobs, dict)
    return [step for job in jobs.values() for step in job["steps"]]


def find_script(workflow: dict[str, object], name: str) -> str:
    return str(next(step["run"] for step in list_steps(workflow) if step.get("name") == name))


def test_it_builds_then_publishes_then_verifies_what_is_published(workflow: dict[str, object]) -> None:
    jobs = workflow["jobs"]
    assert isinstance(jobs, dict)
    assert {"build": None, "publish": "build", "verify": ["build", "publish"]} == {
        name: job.get("needs") for name, job in jobs.items()
    }


def test_only_the_job_that_publishes_may_write(workflow: dict[str, object]) -> None:
    jobs = workflow["jobs"]
    assert isinstance(jobs, dict)
    assert {"contents": "read"} == workflow["permissions"]
    assert {"publish": {"pages": "write", "id-token": "write"}} == {
        name: job["permissions"] for name, job in jobs.items() if "permissions" in job
    }


def test_every_action_is_github_s_own_and_has_a_version(workflow: dict[str, object]) -> None:
    used = [str(step["uses"]) for step in list_steps(workflow) if "uses" in step]
    assert [] == [action for action in used if not re.fullmatch(r"actions/[a-z-]+@(v\d+|[0-9a-f]{40})", action)]


def test_no_expression_is_pasted_into_a_script(workflow: dict[str, object]) -> None:
    assert [] == [step["run"] for step in list_steps(workflow) if "${{" in str(step.get("run", ""))]


def test_every_command_and_option_exists(workflow: dict[str, object]) -> None:
    scripts = "\n".join(str(step.get("run", "")) for step in list_steps(workflow))
    calls = re.findall(r"webipred-build (\w+)(.*)", scripts)
    assert {"check", "build", "verify", "bundle"} == {name for name, _ in calls}
    for name, rest in calls:
        known = {option for parameter in cli.commands[name].params for option in parameter.opts}
        assert set(re.findall(r"(?<= )--[a-z-]+", rest)) <= known


@pytest.mark.skipif(not all(map(shutil.which, ("bash", "sha256sum"))), reason="needs bash and sha256sum")
def test_the_steps_of_the_build_job_work(workflow: dict[str, object], tmp_path: Path) -> None:
    tool = tmp_path / "bin/webipred-build"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c 'from webipred.cli import main; main()' \"$@\"\n")
    tool.chmod(0o755)
    (tmp_path / "catalog").mkdir()
    write_catalog(tmp_path / "catalog", make_entry_data(tmp_path / "catalog"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WEBIPRED_")} | {
        "PATH": f"{tool.parent}:{os.environ['PATH']}",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    for name in ("Build", "Verify"):
        script = find_script(workflow, name)
        command = ["bash", "-eo", "pipefail", "-c", script]
        done = subprocess.run(
            command, cwd=tmp_path / "catalog", env=environment, capture_output=True, text=True, check=False
        )
        assert 0 == done.returncode, done.stderr
    assert re.fullmatch(r"digest=[0-9a-f]{64}\n", (tmp_path / "output").read_text(encoding="utf-8"))
    assert (tmp_path / "catalog/webipred-site.zip").is_file()
