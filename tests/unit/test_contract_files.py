"""Contracts on disk: YAML's own traps, the line of every problem, and what a code digest covers."""

from pathlib import Path

import pytest

from retide.contracts import catalogue, code_digest, libs_digest, load, load_all
from retide.domain.contract import parse
from retide.domain.reader import ContractError

ROOT = Path(__file__).parents[2]
GOOD = """\
task: regression
target: price
metric: {name: rmse, floor: 1e3}
columns:
  price: {type: float}
  size:
    type: float
    min: 0
"""


def folder(tmp_path: Path, text: str | bytes, name: str = "flats") -> Path:
    place = tmp_path / name
    place.mkdir(parents=True)
    (place / "contract.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return place


def problem(place: Path) -> str:
    with pytest.raises(ContractError) as caught:
        load(place)
    return str(caught.value)


def test_a_contract_is_read_with_the_name_of_its_folder(tmp_path: Path) -> None:
    contract = load(folder(tmp_path, GOOD))
    assert (contract.model, contract.metric.floor) == ("flats", 1000)


def test_the_models_that_come_with_retide_are_sound() -> None:
    models = load_all(ROOT / "training/models")
    assert {"tumour", "diabetes"} <= models.keys()
    assert len(models["tumour"].features) == 30


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("task: [a\nb: c", "contract.yaml:2:"),
        (
            "task: regression\ntask: classification",
            "contract.yaml:2:1: is not YAML that can be used: 'task' is given twice",
        ),
        (GOOD + "  size: {type: integer}\n", "contract.yaml:9:3: is not YAML that can be used: 'size' is given twice"),
        ("task: a\0", 'special characters are not allowed in "<unicode string>", position 7'),
        ("task: !!python/object/apply:os.system [ls]", "contract.yaml:1:7: is not YAML that can be used"),
        ("columns: &columns\n  price: *columns\n", "columns.price.type: is missing"),
        (
            GOOD + "training: {instance_type: big}\n",
            "contract.yaml:9: training.instance_type: 'big' is no type of instance; one looks like ml.m5.large",
        ),
        ("", "must be a mapping of names to values, not nothing"),
        ("- a\n", "not a list"),
        (b"task: caf\xe9", "not UTF-8 text (byte 9)"),
        ("task: regression\n---\ntask: other", "contract.yaml:2:1"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_broken_yaml_is_named_with_its_place(tmp_path: Path, text: str | bytes, words: str) -> None:
    assert words in problem(folder(tmp_path, text))


def test_a_rule_that_is_broken_is_named_with_the_line_of_its_path(tmp_path: Path) -> None:
    said = problem(folder(tmp_path, GOOD.replace("min: 0", "min: low")))
    assert f"{tmp_path}/flats/contract.yaml:8: columns.size.min: must be a number, not 'low'" in said


def test_what_is_missing_is_shown_at_the_closest_line_above(tmp_path: Path) -> None:
    assert "contract.yaml:6: columns.size.type: is missing" in problem(
        folder(tmp_path, GOOD.replace("    type: float\n", ""))
    )


def test_a_folder_without_a_contract_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "flats").mkdir()
    with pytest.raises(ContractError, match=r"contract\.yaml: cannot be read"):
        load_all(tmp_path)
    with pytest.raises(ContractError, match="is not a folder of models"):
        load_all(tmp_path / "nowhere")


def test_the_problems_of_all_models_are_told_at_once(tmp_path: Path) -> None:
    folder(tmp_path, "task: x", "one")
    folder(tmp_path, "task: y", "two")
    with pytest.raises(ContractError, match=r"one/contract\.yaml.*two/contract\.yaml"):
        load_all(tmp_path)


def checkout(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        folder(tmp_path / "training/models", GOOD, name)
    for file in (
        "training/train.py",
        "training/server/wsgi.py",
        "training/models/one/model.py",
        "retide/domain/gate.py",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("a = 1\n")
    (tmp_path / "requirements").mkdir()
    for lock in ("jobs", "job-convert", "job-runtime"):
        (tmp_path / f"requirements/{lock}.txt").write_text("numpy==2.5.1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "touched"),
    [
        ("training/train.py", {"one", "two"}),
        ("training/server/wsgi.py", {"one", "two"}),
        ("retide/domain/gate.py", {"one", "two"}),
        ("training/models/one/model.py", {"one"}),
        ("training/models/two/new.py", {"two"}),
        ("training/models/one/sample.csv", set()),
        ("training/models/one/__pycache__/model.cpython-312.pyc", set()),
        ("training/models/one/.model.py.swp", set()),
        ("retide/steps/gate.py", set()),
        ("README.md", set()),
    ],
)
def test_a_change_is_seen_by_the_models_that_it_concerns(tmp_path: Path, file: str, touched: set[str]) -> None:
    root = checkout(tmp_path)
    before = {model: code_digest(root, model) for model in ("one", "two")}
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text("a = 2\n")
    assert {model for model in before if code_digest(root, model) != before[model]} == touched


@pytest.mark.parametrize(
    ("file", "touched"),
    [
        ("requirements/jobs.txt", True),
        ("requirements/job-convert.txt", True),
        ("requirements/job-runtime.txt", True),
        ("requirements/development.txt", False),
        ("training/train.py", False),
    ],
)
def test_a_changed_lock_of_the_jobs_changes_the_digest_of_their_packages(
    tmp_path: Path, file: str, touched: bool
) -> None:
    root = checkout(tmp_path)
    before = libs_digest(root)
    (root / file).write_text("a = 2\n")
    assert (libs_digest(root) != before) is touched


def test_a_digest_without_its_locks_is_refused(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    (root / "requirements/jobs.txt").unlink()
    with pytest.raises(ContractError, match=r"jobs\.txt: is missing"):
        catalogue(root)


def test_the_catalogue_is_plain_and_holds_what_functions_parse(tmp_path: Path) -> None:
    found = catalogue(checkout(tmp_path))
    assert found.keys() == {"one", "two"}
    assert parse(found["one"]["contract"], "one").digest == found["one"]["contract_digest"]
    assert len(found["one"]["code_digest"]) == 64
