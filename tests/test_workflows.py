"""What the hosted workflows may do, and with whose code."""

import re
from pathlib import Path

import pytest
import yaml

import launch

HOSTED = Path(__file__).parents[1] / ".github"
WORKFLOWS = sorted((HOSTED / "workflows").glob("*.yml"))
WRITING = {
    "notebooks": {"contents": "write"},
    "publish": {"pages": "write", "id-token": "write"},
    "release": {"contents": "write"},
    "report": {"issues": "write"},
}
"""The jobs that may write, each alone with what it needs."""


def read(path: Path) -> dict:
    """A workflow; YAML takes its key `on` for a truth value."""
    return yaml.safe_load(path.read_text("utf-8"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> dict:
    return read(request.param)


def test_every_action_is_pinned_by_commit(workflow: dict):
    used = [
        step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step
    ]
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action


def test_a_job_may_read_and_only_those_that_must_may_write(workflow: dict):
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job.get("permissions") == WRITING.get(name), name


def test_no_job_keeps_the_token_in_the_checkout_or_runs_without_end(workflow: dict):
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 360, name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


def test_nothing_is_deployed_without_an_address_or_before_all_checks():
    jobs = read(HOSTED / "workflows/ci.yml")["jobs"]
    deploying = [
        (name, job)
        for name, job in jobs.items()
        if any("deploy-pages" in step.get("uses", "") for step in job["steps"])
    ]
    ((name, job),) = deploying
    assert "vars.SITE_URL != ''" in job["if"], name
    assert "refs/heads/main" in job["if"], name
    assert set(job["needs"]) == {"tests", "book", "notebooks"}, name


def test_the_notebooks_are_on_the_branch_of_the_buttons_before_the_site_has_them():
    jobs = read(HOSTED / "workflows/ci.yml")["jobs"]
    job, (fetched, pushed) = jobs["notebooks"], jobs["notebooks"]["steps"]
    assert job["if"] == jobs["publish"]["if"]
    assert set(job["needs"]) == {"tests", "book"}
    assert f"--initial-branch={launch.BRANCH}" in pushed["run"]
    assert (
        pushed["run"].rstrip().endswith(f'git push --quiet --force "$REPOSITORY" {launch.BRANCH}')
    )
    assert pushed["working-directory"] == fetched["with"]["path"]
    (uploaded,) = (
        step["with"]["path"]
        for step in jobs["book"]["steps"]
        if step.get("with", {}).get("name") == fetched["with"]["name"]
    )
    assert uploaded == f"_build/{launch.GATHERED}"


def test_no_text_of_others_is_put_into_a_script(workflow: dict):
    for name, job in workflow["jobs"].items():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), name


def test_updates_stay_with_jupyter_book_1():
    updates = read(HOSTED / "dependabot.yml")["updates"]
    (packages,) = (one for one in updates if one["package-ecosystem"] == "pip")
    assert {"dependency-name": "jupyter-book", "versions": [">=2"]} in packages["ignore"]
