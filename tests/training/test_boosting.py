"""A model that several instances train together: none of them sees the holdout, all of them read categories alike."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost

from infra.bundles import training_files
from retide.cli.clusters import Cluster
from retide.cli.failures import CliError
from retide.contracts import catalogue
from retide.domain.contract import Contract
from retide.domain.contract_distributed import PARAMS, Limits
from scripts.jobs import ROOT, code_archive
from tests.training import generate
from tests.training.container import DATASET, write_dataset
from training import boost, boosting, data, features, metrics, sampling, shard, train
from training.errors import JobError
from training.holdout import Holdout
from training.server.artefact import open_session, run
from training.settings import Settings
from training.workspace import Workspace

INSTANCES: Final = 2
TOLD: Final = {"max_depth": 3, "eta": 0.3}
TASKS: Final[dict[str, tuple[dict[str, Any], str, str]]] = {
    "two classes": ({"type": "category", "values": ["no", "yes"]}, "classification", "roc_auc"),
    "three classes": ({"type": "integer"}, "classification", "log_loss"),
    "a number": ({"type": "float", "min": 1000, "max": 90_000}, "regression", "r2"),
}


def contract(task: str = "two classes", **more: Any) -> Contract:
    target, kind, metric = TASKS[task]
    training = {"distributed": {"instances": INSTANCES, "rounds": 20}}
    return generate.contract(target, kind, metric, training=training, params=TOLD, **more)


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip that every host runs, as it is deployed."""
    folder = tmp_path_factory.mktemp("code")
    return code_archive(folder / "code.zip", training_files(ROOT, catalogue(ROOT)))


@dataclass(frozen=True, slots=True)
class Chain:
    """The three jobs of one model, one after the other, in one folder."""

    base: Path
    code: Path
    contract: Contract

    def receive(self, tables: Mapping[str, pa.Table]) -> data.Selection:
        for channels in ("processing/input", "input/data"):
            write_dataset(self.base / channels, tables)
        return data.select(self.base / "input/data/data", self.base / "input/data/dataset", self.contract)

    def shard(self, job: str = "job-boost") -> Path:
        models = self.base / "code/models/example"
        models.mkdir(parents=True, exist_ok=True)
        (models / "contract.json").write_text(json.dumps(self.contract.to_dict()))
        (models / "code_digest.txt").write_text("c")
        told = {"MODEL": "example", "DATASET": DATASET, "CODE_DIGEST": "c", "BOOSTING": job}
        variables = {f"RETIDE_{name}": value for name, value in told.items()}
        shard.run(Workspace(self.base, self.base / "code", self.base, variables))
        return self.base / "processing/output"

    def boost(self, sharded: Path, instances: int = 1, name: str = "hosts") -> Path:
        """The channel `booster`, with what SageMaker packs; one instance is this process, several are others."""
        folder = self.base / name
        if instances == 1:
            boost.learn(host(sharded, folder))
        else:
            cluster = Cluster(Path(sys.executable), self.code, {"PATH": os.environ["PATH"]})
            folder = cluster.train(sharded, instances, folder).parent
        channel = self.base / f"{name}-booster"
        channel.mkdir()
        with tarfile.open(channel / "model.tar.gz", "w:gz") as archive:
            archive.add(folder / "model", ".")
        return channel

    def assemble(self, selection: data.Selection, booster: Path, **told: Any) -> train.Trained:
        settings = replace(Settings("example", DATASET, "c", 0, TOLD, boosting="job-boost"), **told)
        shutil.copytree(booster, self.base / "input/data/booster", dirs_exist_ok=True)
        return train.learned(selection, settings, self.base, self.base / "input/data")


def tables(wanted: Contract, files: int = 3) -> dict[str, pa.Table]:
    return {f"f{seed}": generate.table(wanted, rows=300, seed=seed) for seed in range(files)}


def host(sharded: Path, base: Path) -> Path:
    """The only instance of a job, which was given all shards."""
    for name in ("shards", "brief"):
        shutil.copytree(sharded / name, base / "input/data" / name)
    (base / "input/config").mkdir()
    cluster = {"current_host": "127.0.0.1", "hosts": ["127.0.0.1"]}
    (base / "input/config/resourceconfig.json").write_text(json.dumps(cluster))
    with socket.create_server(("127.0.0.1", 0)) as server:
        rewrite(base, port=server.getsockname()[1])
    return base


def rewrite(base: Path, **changed: Any) -> None:
    """Of the brief that a host was given."""
    file = base / "input/data/brief/boosting.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))


def booster(channel: Path) -> bytes:
    with tarfile.open(channel / "model.tar.gz") as packed:
        found = packed.extractfile("./booster.ubj")
        assert found is not None
        return found.read()


def score(made: train.Trained, held: Holdout, wanted: Contract) -> float:
    return metrics.score(wanted.metric.name, held.truth, run(open_session(made.onnx), held.columns))


@pytest.mark.parametrize(("task", "instances"), [("two classes", 2), ("three classes", 1), ("a number", 1)])
def test_what_instances_learned_together_is_as_good_as_what_one_machine_learns(
    task: str, instances: int, tmp_path: Path, code: Path
) -> None:
    wanted = contract(task)
    chain = Chain(tmp_path, code, wanted)
    chosen = chain.receive(tables(wanted))

    made = chain.assemble(chosen, chain.boost(chain.shard(), instances))

    held = Holdout.of(chosen.split().holdout, wanted, made.classes)
    alone = train.learn(chosen, Settings("example", DATASET, "c", 0, TOLD), tmp_path)
    assert score(made, held, wanted) == pytest.approx(score(alone, held, wanted), abs=0.02)
    assert (made.name, made.params) == ("xgboost", TOLD)
    assert made.boosting is not None
    assert (made.boosting["instances"], made.boosting["rounds"]) == (INSTANCES, 20)
    assert alone.boosting is None


@pytest.mark.nightly
@pytest.mark.parametrize("task", TASKS)
def test_instances_make_the_same_bytes_again(task: str, tmp_path: Path, code: Path) -> None:
    chain = Chain(tmp_path, code, contract(task))
    chain.receive(tables(chain.contract))
    sharded = chain.shard()

    made = [booster(chain.boost(sharded, INSTANCES, name)) for name in ("once", "again")]

    assert made[0] == made[1]


def test_no_row_of_the_holdout_is_in_any_shard_and_every_other_row_is_in_one(tmp_path: Path, code: Path) -> None:
    """Rows are told apart by an amount that no other row has; some ids come again with a correction."""
    wanted = contract("a number")
    first, second = (generate.table(wanted, rows=400, seed=seed) for seed in range(2))
    corrected = second.set_column(
        0, "id", pa.concat_arrays([first["id"].slice(0, 50).combine_chunks(), second["id"].slice(50).combine_chunks()])
    )
    sent = {
        name: table.set_column(2, "amount in €", pa.array(np.arange(400) * 0.01 - 5 + place * 0.005))
        for place, (name, table) in enumerate({"f0": first, "f1": corrected}.items())
    }
    chain = Chain(tmp_path, code, wanted)
    parts = chain.receive(sent).split()

    files = sorted((chain.shard() / "shards").iterdir())

    amounts = {np.float32(row[1]) for file in files for row in np.load(file)}
    learned, held = ({*part["amount in €"].cast(pa.float32()).to_numpy()} for part in (parts.training, parts.holdout))
    assert held
    assert amounts.isdisjoint(held)
    assert amounts == learned


@pytest.mark.parametrize(("instances", "most"), [(2, 1000), (2, 100), (3, 7), (8, 64)])
def test_every_instance_gets_as_many_shards_and_none_is_larger_than_fits(
    instances: int, most: int, tmp_path: Path, code: Path
) -> None:
    chosen = Chain(tmp_path, code, contract()).receive(tables(contract()))
    columns, classes = shard.agreed(chosen)

    made = [len(rows) for rows in shard.shards(chosen, columns, classes, instances, most)]

    assert sum(made) == chosen.size(sampling.TRAINING)
    assert len(made) % instances == 0
    assert 0 < max(made) <= most
    assert max(made) - min(made) <= 1


def test_a_category_that_training_never_saw_and_one_that_is_missing_are_answered(tmp_path: Path, code: Path) -> None:
    wanted = contract()
    chain = Chain(tmp_path, code, wanted)
    chosen = chain.receive(tables(wanted))
    made = chain.assemble(chosen, chain.boost(chain.shard()))
    rows = {name: values[:2].copy() for name, values in features.columns(chosen.split().holdout, wanted).items()}

    rows["region"][:] = ["elsewhere", features.MISSING]
    rows["amount in €"][:] = np.nan
    said = run(open_session(made.onnx), rows)

    assert np.isfinite(said).all()
    assert said.sum(axis=1) == pytest.approx([1, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("told", "differing"),
    [({"params": {"max_depth": 4}}, "params"), ({"seed": 3}, "params"), ({"code_digest": "d"}, "code_digest")],
)
def test_a_booster_of_another_model_is_refused(
    told: dict[str, Any], differing: str, tmp_path: Path, code: Path
) -> None:
    chain = Chain(tmp_path, code, contract())
    chosen = chain.receive(tables(chain.contract))
    with pytest.raises(JobError, match=f"job-boost was made of something else than this model is: {differing} differ"):
        chain.assemble(chosen, chain.boost(chain.shard()), **told)


def test_a_booster_of_other_rows_is_refused(tmp_path: Path, code: Path) -> None:
    chain = Chain(tmp_path, code, contract())
    chain.receive(tables(chain.contract))
    made = chain.boost(chain.shard())
    less = [f"f{seed}" for seed in range(2)]
    channels = tmp_path / "input/data"
    write_dataset(channels, {name: chosen_table(channels, name) for name in less})
    fewer = data.select(channels / "data", channels / "dataset", chain.contract)
    with pytest.raises(JobError, match="rows differ"):
        chain.assemble(fewer, made)


def chosen_table(channels: Path, name: str) -> pa.Table:
    return pq.read_table(channels / "data" / f"{name}.parquet")


def test_a_job_without_the_booster_that_it_was_told_of_says_what_to_do(tmp_path: Path, code: Path) -> None:
    chain = Chain(tmp_path, code, contract())
    chosen = chain.receive(tables(chain.contract))
    (tmp_path / "nothing").mkdir()
    with pytest.raises(JobError, match=r"channel `booster` cannot be read .*ask for a retrain"):
        chain.assemble(chosen, tmp_path / "nothing")


def test_fewer_rows_than_instances_are_refused(tmp_path: Path, code: Path) -> None:
    chosen = Chain(tmp_path, code, contract()).receive({"f0": generate.table(contract(), rows=4)})
    columns, classes = shard.agreed(chosen)
    with pytest.raises(JobError, match=r"\d rows for 8 instances; send more data"):
        next(shard.shards(chosen, columns, classes, 8))


def test_a_host_refuses_shards_that_are_not_what_was_written(tmp_path: Path, code: Path) -> None:
    chain = Chain(tmp_path, code, contract())
    chain.receive(tables(chain.contract))
    base = host(chain.shard(), tmp_path / "host")
    first, second = sorted((base / "input/data/shards").iterdir())

    whole = second.read_bytes()
    second.write_bytes(whole[:-4] + b"\0\0\0\1")
    with pytest.raises(boost.Refused, match=f"{second.name} on 127.0.0.1 is not as it was written"):
        boost.learn(base)
    second.unlink()
    with pytest.raises(boost.Refused, match="the 1 hosts hold 368 rows together, and the brief says 736"):
        boost.learn(base)
    first.rename(first.with_name("part-00007.npy"))
    with pytest.raises(boost.Refused, match=r"part-00007\.npy, of which the brief knows nothing"):
        boost.learn(base)
    first.with_name("part-00007.npy").unlink()
    with pytest.raises(boost.Refused, match="was given no shard"):
        boost.learn(base)


@pytest.mark.nightly
def test_an_instance_that_fails_ends_the_others_and_says_why(tmp_path: Path, code: Path) -> None:
    chain = Chain(tmp_path, code, contract())
    chain.receive(tables(chain.contract))
    sharded = chain.shard()
    (sharded / "shards/part-00001.npy").unlink()
    with pytest.raises(
        CliError, match=r"127.0.0.2, one of 2 that learn together, failed: 127.0.0.2 was given no shard"
    ):
        chain.boost(sharded, 2)


def test_parameters_that_xgboost_has_not_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"params.depth is no parameter .* it is called max_depth here"):
        boosting.pipeline(contract(), {"depth": 3})


def tried(limits: Limits) -> Iterator[float]:
    """Near either end, and what is usual in between."""
    near = 1 if limits.whole else 1e-3
    for value in (limits.least, limits.least + near, 3, limits.most):
        said = int(value) if limits.whole and value < np.inf else value
        if limits.take(said):
            yield said


@pytest.mark.parametrize("name", PARAMS)
def test_xgboost_takes_what_a_contract_may_say(name: str) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 3))
    data = xgboost.DMatrix(rows, rows[:, 0] > 0)
    for value in tried(PARAMS[name]):
        said = {name: value, "max_depth": 3, "tree_method": "hist", "objective": "binary:logistic", "nthread": 1}
        assert xgboost.train({**said, name: value}, data, 1).num_boosted_rounds() == 1
