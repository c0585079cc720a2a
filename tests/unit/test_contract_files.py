"""Contracts on disk: YAML's own traps, the line of every problem, and what a code digest covers."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def bombs() -> str:
    """Each line is ten times the line before it."""
    lines = ["params:\n  a: &a0 [" + "x, " * 9 + "x]\n"]
    lines += [f"  a{i}: &a{i} [" + f"*a{i - 1}, " * 9 + f"*a{i - 1}]\n" for i in range(1, 9)]
    return "".join(lines)


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
            "contract.yaml:2:1: is not YAML that can be used: 'task' is given twice, first in line 1",
        ),
        (GOOD + "  size: {type: integer}\n", "contract.yaml:9:3: is not YAML that can be used: 'size' is given twice"),
        ("task: a\0", "contract.yaml:1:8: is not YAML that can be used: the character '\\x00' cannot stand in YAML"),
        ("task: !!python/object/apply:os.system [ls]", "contract.yaml:1:7: is not YAML that can be used"),
        (
            "columns: &columns\n  price: *columns\n",
            "contract.yaml:2:10: is not YAML that can be used: *columns stands for",
        ),
        (
            GOOD + "training: {instance_type: big}\n",
            "contract.yaml:9:12: training.instance_type: 'big' is no type of instance; one looks like ml.m5.large",
        ),
        ("", "must be a mapping of names to values, not nothing"),
        ("- a\n", "not a list"),
        (b"task: caf\xe9", "not UTF-8 text (byte 9)"),
        ("task: regression\n---\ntask: other", "contract.yaml:3:1: is not YAML that can be used: a second document"),
        ("[" * 1_000_000, "contract.yaml:1:32: is not YAML that can be used: is nested more than 30 deep"),
        ("- " * 1_000_000, "contract.yaml:1:63: is not YAML that can be used: is nested more than 30 deep"),
        ("a:\n\tb: 1", "contract.yaml:2:1: is not YAML that can be used: indent with blanks, not with a tab"),
        (
            GOOD + "  big:\n    <<: {type: float}",
            "contract.yaml:10:5: is not YAML that can be used: keys cannot be merged",
        ),
        (GOOD + "  ? [a]\n  : {}\n", "contract.yaml:9:5: is not YAML that can be used: a name is one text"),
        (bombs(), "contract.yaml:7:22: is not YAML that can be used: holds more than 500,000 values"),
        ("# " + "x" * 4_000_000, "contract.yaml: has more than 4,000,000 bytes"),
        (GOOD.replace("min: 0", "mni: 0"), "contract.yaml:8:5: columns.size.mni: is unknown here; did you mean min?"),
        (GOOD.replace("rmse", "rsme"), "contract.yaml:3:10: metric.name: 'rsme' is not one of"),
        (
            GOOD + "  kind: {type: category, values: [new, 1.0]}\n",
            "contract.yaml:9:40: columns.kind.values.1: is 1.0, which YAML does not read as text; put it in quotes: '1",
        ),
        (GOOD.replace("min: 0", "min: 010"), "contract.yaml:8:5: columns.size.min: must be a number, not '010'"),
        (GOOD + "  2026: {type: float}\n", "contract.yaml:9:3: columns.2026: is named 2026, which YAML does not read"),
        (
            GOOD + "checks:\n  - name: sane\n    rule: price > sise\n",
            "contract.yaml:11:19: checks.0.rule: at character 9: 'sise' is not one of the columns; did you mean 'size",
        ),
        (
            GOOD + "checks:\n  - {name: sane, rule: \"price > 'a'\"}\n",
            "contract.yaml:10:31: checks.0.rule: at character 7: `>` cannot compare a number with text",
        ),
        (
            GOOD + "  code: {type: string, pattern: '[A-Z]+(?=x)'}\n",
            "contract.yaml:9:40: columns.code.pattern: at character 7: RE2 knows groups as",
        ),
    ],
)
def test_broken_yaml_is_named_with_its_place(tmp_path: Path, text: str | bytes, words: str) -> None:
    assert words in problem(folder(tmp_path, text))


def test_a_rule_that_is_broken_is_named_with_the_line_of_its_path(tmp_path: Path) -> None:
    said = problem(folder(tmp_path, GOOD.replace("min: 0", "min: low")))
    assert f"{tmp_path}/flats/contract.yaml:8:5: columns.size.min: must be a number, not 'low'" in said


def test_a_model_of_several_instances_has_no_estimator_of_its_own(tmp_path: Path) -> None:
    place = folder(tmp_path, GOOD + "training:\n  distributed: {instances: 2}\n")
    assert load(place).training.distributed is not None
    (place / "model.py").touch()
    line = len((place / "contract.yaml").read_text().splitlines())
    assert f"contract.yaml:{line}:3: training.distributed: trains XGBoost, and model.py beside" in problem(place)


def test_what_is_missing_is_shown_at_the_closest_line_above(tmp_path: Path) -> None:
    assert "contract.yaml:6:3: columns.size.type: is missing" in problem(
        folder(tmp_path, GOOD.replace("    type: float\n", ""))
    )


def test_words_and_dates_of_older_yaml_are_the_texts_that_they_look_like(tmp_path: Path) -> None:
    kind = "  land: {type: category, values: [no, SE, 2026-01-31, 1:30, off]}\n"
    contract = load(folder(tmp_path, GOOD + kind))
    assert contract.column("land").values == ("no", "SE", "2026-01-31", "1:30", "off")


def test_problems_come_in_the_order_of_the_file_and_each_once(tmp_path: Path) -> None:
    broken = GOOD.replace("rmse", "rsme").replace("price: {type: float}", "price: {type: flaot}") + "colour: red\n"
    lines = [line.split(":")[1] for line in problem(folder(tmp_path, broken)).split("; /")]
    assert lines == ["3", "5", "9"]


def test_settings_may_be_shared_by_an_alias(tmp_path: Path) -> None:
    shared = GOOD.replace("price: {", "price: &number {") + "  rent: *number\n"
    assert load(folder(tmp_path, shared)).column("rent").type == "float"


def test_a_problem_of_what_is_shared_is_told_where_it_is_used(tmp_path: Path) -> None:
    shared = GOOD + "  plan: &plan {type: category, min: 1}\n  fare: *plan\n"
    assert "contract.yaml:10:3: columns.fare.min: a range needs type" in problem(folder(tmp_path, shared))


def test_a_contract_of_thousands_of_columns_is_read_in_one_pass(tmp_path: Path) -> None:
    many = "".join(f"  column_{i}: {{type: float, nullable: true, min: 0, max: {i}}}\n" for i in range(3000))
    contract = load(folder(tmp_path, GOOD + many))
    assert len(contract.columns) == 3002
    assert parse(contract.to_dict(), "flats") == contract


@given(st.binary(max_size=60) | st.text("abc:- &*[]{}\n\t'\"#|>!<?%@~,0.", max_size=60).map(str.encode))
def test_any_bytes_end_in_a_contract_or_in_problems_with_their_place(given_bytes: bytes) -> None:
    with TemporaryDirectory() as place:
        (Path(place) / "contract.yaml").write_bytes(given_bytes)
        with pytest.raises(ContractError) as caught:
            load(Path(place))
        assert all(problem.where.startswith(f"{place}/contract.yaml") for problem in caught.value.problems)


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
    for lock in ("jobs", "job-boosting", "job-convert", "job-runtime"):
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
        ("requirements/job-boosting.txt", True),
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
