#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs a workflow of GitHub Actions here: run_workflow.py WORKFLOW.yml REPOSITORY WORK

Of the language only what traces/ci/github-actions.yml uses is known, all else is an error: jobs with `needs`,
`if: always()` and a matrix; steps with `run`, and the actions checkout, upload-artifact and download-artifact. Each
job has a workspace of its own, WORK/JOB or WORK/JOB-N; artifacts go through WORK/artifacts. A line for each job is
printed; exit status 1 where one failed, as the workflow would.
"""
import fnmatch
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys

import yaml


def known(what, mapping, keys):
    unknown = set(mapping) - set(keys.split())
    if unknown:
        sys.exit(f"{what}: unknown {', '.join(sorted(map(str, unknown)))}")


def expand(text, values):
    def value(match):
        if match[1] not in values:
            sys.exit(f"unknown expression {match[0]}")
        return str(values[match[1]])

    return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", value, str(text))


def upload(options, workspace, artifacts):
    target = artifacts / options["name"]
    if target.exists():
        sys.exit(f"two artifacts {options['name']}")
    paths = [workspace / line.strip() for line in options["path"].splitlines()]
    target.mkdir(parents=True)
    for path in paths:
        if path.is_dir() and len(paths) == 1:
            shutil.copytree(path, target, dirs_exist_ok=True)
        elif path.exists():
            shutil.copy(path, target)
        else:
            print(f"  no files at {path.name}")


def download(options, workspace, artifacts):
    for artifact in sorted(artifacts.iterdir()):
        if fnmatch.fnmatchcase(artifact.name, options["pattern"]):
            shutil.copytree(artifact, workspace / options["path"] / artifact.name)


def run(script, workspace, environment):
    environment = {**os.environ, **environment, "CI": "true", "GITHUB_STEP_SUMMARY": str(workspace) + ".summary"}
    return subprocess.run(["bash", "-e", "-c", script], cwd=workspace, env=environment).returncode == 0


def run_job(job, values, workspace, repository, artifacts, environment):
    good = True
    for step in job["steps"]:
        known("step", step, "name uses run with if")
        if step.get("if", "always()") != "always()":
            sys.exit(f"unknown condition {step['if']}")
        if not good and "if" not in step:
            continue
        options = {key: expand(text, values) for key, text in step.get("with", {}).items()}
        action = step.get("uses", "run")
        if action == "run":
            good = run(expand(step["run"], values), workspace, environment) and good
        elif action == "actions/checkout@v4":
            shutil.copytree(repository, workspace, dirs_exist_ok=True)
        elif action == "actions/upload-artifact@v4":
            known(action, options, "name path")
            upload(options, workspace, artifacts)
        elif action == "actions/download-artifact@v4":
            known(action, options, "pattern path")
            download(options, workspace, artifacts)
        else:
            sys.exit(f"unknown action {action}")
    return good


def main():
    workflow_path, repository, work = (pathlib.Path(path).resolve() for path in sys.argv[1:])
    workflow = yaml.safe_load(workflow_path.read_text())
    workflow.pop(True)  # `on`, which YAML 1.1 takes for true
    known("workflow", workflow, "name env jobs")
    environment = {name: str(value) for name, value in workflow.get("env", {}).items()}
    artifacts = work / "artifacts"
    artifacts.mkdir(parents=True)
    done = {}
    for name, job in workflow["jobs"].items():
        known(f"job {name}", job, "runs-on container strategy needs if steps")
        if job.get("needs") and not done[job["needs"]] and job.get("if") != "always()":
            print(f"{name}: skipped")
            done[name] = False
            continue
        matrix = job.get("strategy", {}).get("matrix", {})
        cells = [dict(zip(matrix, cell)) for cell in itertools.product(*matrix.values())]
        done[name] = True
        for number, cell in enumerate(cells, 1):
            values = {f"matrix.{key}": value for key, value in cell.items()}
            values["strategy.job-total"] = len(cells)
            workspace = work / (f"{name}-{number}" if matrix else name)
            workspace.mkdir()
            good = run_job(job, values, workspace, repository, artifacts, environment)
            print(f"{workspace.name}: {'passed' if good else 'failed'}", flush=True)
            done[name] = done[name] and good
    return 0 if all(done.values()) else 1


sys.exit(main())
