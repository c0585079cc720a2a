"""Who may import whom, and what must be importable where nothing but boto3 is installed."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import ROOT, module_name, modules, parsed, shown

OURS: Final = frozenset({"retide", "functions", "infra", "training"})
BOTO3: Final = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
READERS: Final = ("duckdb", "_duckdb", "backports")
# Where type checkers find the types of the standard library itself; it does not exist at run time.
TYPES_ONLY: Final = {"_typeshed"}
LEAN: Final = ("retide/domain", "retide/ledger", "retide/steps", "retide/aws", "functions")
JOB_ENVIRONMENT: Final = ROOT / ".venv-jobs/bin/python"

# Runs in a process of its own: third-party packages other than the named ones are as if they were not installed.
IMPORT_EACH: Final = """
import importlib, json, sys

names, allowed = json.load(sys.stdin)

class NotThere:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in allowed or top in sys.stdlib_module_names:
            return None
        raise ModuleNotFoundError(f"{name} is not there", name=name)

sys.meta_path.insert(0, NotThere())
failures = {}
for name in names:
    try:
        importlib.import_module(name)
    except Exception as error:
        failures[name] = f"{type(error).__name__}: {error}"
print(json.dumps(failures))
"""


def import_each(names: Sequence[str], allowed: Sequence[str], python: Path | None = None) -> dict[str, str]:
    """Import the modules in a bare process, without any setting in its environment: what failed, and why."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [str(python or sys.executable), "-W", "ignore", "-c", IMPORT_EACH]
    answer = subprocess.run(
        command,
        input=json.dumps([names, [*allowed, *OURS]]),
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    failures: dict[str, str] = json.loads(answer.stdout)
    return failures


def imported(path: Path) -> Iterator[str]:
    """The names of all modules that a file imports, late imports included."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reads_data(path: Path) -> bool:
    return any(name.startswith("retide.data") for name in imported(path))


def lean_modules() -> list[Path]:
    return [path for path in modules("retide/ports", *LEAN) if not reads_data(path)]


def test_the_direction_of_imports_is_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    verdict = subprocess.run([linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


@pytest.mark.parametrize("path", modules("retide/domain"), ids=shown)
def test_the_domain_names_the_standard_library_and_itself_only(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imported(path) if not f"{name}.".startswith("retide.domain.")}
    foreign = tops - sys.stdlib_module_names - TYPES_ONLY
    assert not foreign, f"{shown(path)} imports {sorted(foreign)}"


def test_what_runs_in_a_lambda_imports_with_boto3_and_the_standard_library_only() -> None:
    assert import_each([module_name(path) for path in lean_modules()], BOTO3) == {}


def test_what_reads_data_imports_with_boto3_duckdb_and_zstandard_only() -> None:
    readers = [*modules("retide/data"), *filter(reads_data, modules("functions"))]
    assert import_each([module_name(path) for path in readers], (*BOTO3, *READERS)) == {}


def test_only_the_functions_that_read_data_carry_duckdb() -> None:
    readers = {path.parent.name for path in modules("functions") if reads_data(path)}
    assert readers == {"validate", "prepare_judging", "freeze"}


def test_the_domain_imports_in_the_environment_of_the_image() -> None:
    names = [module_name(path) for path in modules("retide/domain")]
    assert names
    assert import_each(names, (), JOB_ENVIRONMENT) == {}


def test_a_module_that_needs_more_than_it_may_is_found_out() -> None:
    assert import_each(["yaml", "json"], BOTO3) == {"yaml": "ModuleNotFoundError: yaml is not there"}


RACED: Final = ROOT / "benchmarks/serving_peers"


def asked_for() -> set[str]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements/development.in").read_text().splitlines())
    return {canonicalize_name(Requirement(line).name) for line in lines if line}


def test_what_is_imported_was_asked_for_and_did_not_come_along_by_chance() -> None:
    come_from = packages_distributions()
    by_chance = {
        top: come_from[top]
        for path in modules("retide", "functions", "infra", "scripts", "benchmarks", "tests")
        if RACED not in path.parents  # what is raced runs in environments of its own
        for top in {name.partition(".")[0] for name in imported(path)} & come_from.keys()
        if not top.startswith("mypy_boto3_")  # they are the extras of boto3-stubs
        and not {canonicalize_name(distribution) for distribution in come_from[top]} & {*asked_for(), "retide"}
    }
    assert by_chance == {}


def test_what_runs_in_xgboosts_image_needs_nothing_that_the_image_lacks() -> None:
    """Its Python is 3.10, and the code channel brings it no library."""
    script = ROOT / "training/boost.py"
    ast.parse(script.read_text(encoding="utf-8"), feature_version=(3, 10))
    tops = {name.partition(".")[0] for name in imported(script)}
    assert tops - {*sys.stdlib_module_names} == {"numpy", "xgboost"}
    beside = ROOT / "training/__init__.py"
    assert list(imported(beside)) == []
