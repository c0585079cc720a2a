"""SageMaker in memory, as the state machines call it: jobs that make files, endpoints that take their time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from retide.domain import layout
from retide.domain.rollout import is_resource_of
from retide.ports import EndpointState, Kind, Package
from tests.fakes import FakeObjects
from tests.unit.proofs.asl import Json, TaskError
from tests.unit.steps.world import GOLDEN, artefact, artefact_digest, evaluation

POLLS: Final = 2  # times that an endpoint is looked at before it has changed
TAKEN: Final = "SageMaker.ResourceInUseException"
REFUSED: Final = "SageMaker.AmazonSageMakerException"
ABSENT: Final = "SageMaker.SageMakerException"


@dataclass
class Endpoint:
    """`config` serves, `coming` is what the update in flight will bring, `polls` are left until it does."""

    config: str = ""
    coming: str = ""
    polls: int = 0
    failed: bool = False

    @property
    def status(self) -> str:
        if self.coming:
            return "Updating" if self.config else "Creating"
        return "Failed" if self.failed else "InService"


@dataclass
class SimSageMaker:
    """`sick` are configs whose container never gets healthy, `wrong` ones whose answers are wrong.

    `turned` are those whose answers are wrong only where they serve, and not on trial. `doom` is which of them the
    next config will be, or that the next artefact is damaged as soon as it is approved.
    """

    objects: FakeObjects
    jobs: dict[str, Json] = field(default_factory=dict)
    evaluations: dict[str, Json] = field(default_factory=dict)
    tunings: dict[str, Json] = field(default_factory=dict)
    boosts: dict[str, Json] = field(default_factory=dict)
    models: dict[str, Json] = field(default_factory=dict)
    configs: dict[str, Json] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    sick: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)
    turned: set[str] = field(default_factory=set)
    doom: str = ""
    judge: Callable[[Json], None] = lambda _given: None
    told: list[tuple[str, float, str]] = field(default_factory=list)
    served: list[tuple[str, str]] = field(default_factory=list)

    def call(self, operation: str, parameters: Json) -> Any:
        known: dict[str, Callable[[Json], Any]] = {
            "createTrainingJob.sync": self._train,
            "createProcessingJob.sync": self._process,
            "createHyperParameterTuningJob.sync": self._tune,
            "describeHyperParameterTuningJob": lambda given: self._find(
                self.tunings, given["HyperParameterTuningJobName"]
            ),
            "createModel": lambda given: self._create(self.models, given["ModelName"], given),
            "createEndpointConfig": self._create_config,
            "createEndpoint": self._create_endpoint,
            "updateEndpoint": self._update_endpoint,
            "deleteEndpoint": self._delete_endpoint,
            "describeModel": lambda given: self._find(self.models, given["ModelName"]),
            "describeEndpointConfig": lambda given: self._find(self.configs, given["EndpointConfigName"]),
            "describeEndpoint": self._describe_endpoint,
            "describeTrainingJob": lambda given: self._find(self.jobs | self.boosts, given["TrainingJobName"]),
            "describeProcessingJob": lambda given: self._find(self.evaluations, given["ProcessingJobName"]),
        }
        return known[operation](parameters)

    # The ports of the steps that read SageMaker.

    def training_status(self, name: str) -> str | None:
        return "Completed" if name in self.jobs | self.boosts else None

    def tuning_status(self, name: str) -> str | None:
        return "Completed" if name in self.tunings else None

    def describe(self, name: str) -> EndpointState | None:
        found = self.endpoints.get(name)
        return None if found is None else EndpointState(found.status, found.config)

    def instance_type(self, config: str) -> str:
        made: Json = self.configs[config]["ProductionVariants"][0]
        return str(made.get("InstanceType", ""))

    def retype(self) -> None:
        """What serves has other instances than the contract asks for now."""
        for made in self.configs.values():
            made["ProductionVariants"] = [one | {"InstanceType": "ml.c5.large"} for one in made["ProductionVariants"]]

    def invoke(self, name: str, body: bytes, variant: str | None = None) -> bytes:
        """Variants are known by their models, which are as good as the configs that they are called like."""
        config = self.endpoints[name].config
        variants = {one["VariantName"]: one["ModelName"] for one in self.configs[config]["ProductionVariants"]}
        version = variants[variant] if variant else config
        bad = version in self.wrong or (version in self.turned and name != version)
        answers = {json.dumps(item["record"]): item["prediction"] for item in GOLDEN}
        right = [answers[json.dumps(record)] for record in json.loads(body)["records"]]
        return json.dumps({"predictions": ["wrong"] * len(right) if bad else right}).encode()

    def lines(self, prefix: str, since: datetime) -> Iterator[bytes]:
        """Sixty answers of each version that serves or comes, as DataCapture leaves them."""
        _, _, endpoint, _, _ = prefix.split("/")
        found = self.endpoints[endpoint]
        for config in filter(None, (found.config, found.coming)):
            answer = {"version": config.rpartition("-v")[2].partition("-")[0], "predictions": [{"value": 0.5}] * 60}
            yield json.dumps({"captureData": {"endpointOutput": {"data": json.dumps(answer)}}}).encode()

    def tell(self, name: str, value: float, about: Mapping[str, str]) -> None:
        self.told.append((name, value, about["EndpointName"]))

    def names(self, kind: Kind, endpoint: str) -> tuple[str, ...]:
        return tuple(name for name in self._of_kind(kind) if is_resource_of(endpoint, name))

    def models_of(self, config: str) -> tuple[str, ...]:
        made = self.configs[config]
        variants = (*made["ProductionVariants"], *made.get("ShadowProductionVariants", ()))
        return tuple(variant["ModelName"] for variant in variants)

    def delete(self, kind: Kind, name: str) -> bool:
        if kind is Kind.ENDPOINT and name in self.endpoints and self.endpoints[name].coming:
            return False
        return self._of_kind(kind).pop(name, None) is not None

    def _of_kind(self, kind: Kind) -> dict[str, Any]:
        kinds: dict[Kind, dict[str, Any]] = {
            Kind.ENDPOINT: self.endpoints,
            Kind.CONFIG: self.configs,
            Kind.MODEL: self.models,
        }
        return kinds[kind]

    def damage(self, package: Package) -> None:
        """What somebody does who can write the bucket and waits for the approval."""
        if self.doom == "damaged":
            self.doom, key = "", package.model_data_url.partition("bucket/")[2]
            self.objects.put(key, artefact({"model/model.onnx": b"other bytes"}))

    # What the machines ask for.

    def _train(self, given: Json) -> Json:
        if given["AlgorithmSpecification"]["ContainerArguments"] == ["boost"]:
            return self._boost(given)
        for channel in (one for one in given["InputDataConfig"] if one["ChannelName"] == "booster"):
            self.objects.get(f"{_key(channel)}model.tar.gz")
        name, model = given["TrainingJobName"], given["HyperParameters"]["model"]
        self._create(self.jobs, name, given)
        self.objects.put(layout.artefact(model, name), artefact({"model/model.onnx": name.encode()}))
        times = {"TrainingStartTime": 1, "TrainingEndTime": 2}
        self.jobs[name] |= {**times, "TrainingJobStatus": "Completed"}
        return times

    def _boost(self, given: Json) -> Json:
        """Its instances need what was laid out for them."""
        name = given["TrainingJobName"]
        told = {channel["ChannelName"]: _key(channel) for channel in given["InputDataConfig"]}
        self.objects.get(f"{told['brief']}boosting.json")
        self._create(self.boosts, name, given)
        output = given["OutputDataConfig"]["S3OutputPath"].removeprefix("s3://${DataBucket}/")
        self.objects.put(f"{output}/{name}/output/model.tar.gz", b"booster")
        self.boosts[name] |= {"TrainingJobStatus": "Completed"}
        return {}

    def _shard(self, given: Json) -> None:
        outputs = {one["OutputName"]: one["S3Output"]["S3Uri"] for one in given["ProcessingOutputConfig"]["Outputs"]}
        self.objects.put(f"{outputs['brief'].removeprefix('s3://${DataBucket}/')}/boosting.json", b"{}")

    def _tune(self, given: Json) -> Json:
        """Each training job of it leaves nothing but a score."""
        best = {"TunedHyperParameters": {"params.C": "0.5"}}
        name = given["HyperParameterTuningJobName"]
        self._create(self.tunings, name, given)
        self.tunings[name] |= {"HyperParameterTuningJobStatus": "Completed", "BestTrainingJob": best}
        return self.tunings[name]

    def _process(self, given: Json) -> Json:
        self._create(self.evaluations, given["ProcessingJobName"], given)
        jobs = {"evaluate": self._evaluate, "validate": self.judge, "shard": self._shard}
        (name,) = given["AppSpecification"]["ContainerArguments"]
        jobs[name](given)
        self.evaluations[given["ProcessingJobName"]] |= {"ProcessingJobStatus": "Completed"}
        return {}

    def _evaluate(self, given: Json) -> None:
        told = given["Environment"]
        job, dataset, model = told["RETIDE_CHALLENGER"], told["RETIDE_DATASET"], told["RETIDE_MODEL"]
        run = given["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"].split("/")[-2]
        champion = 0.8 if told["RETIDE_CHAMPION"] else None
        found = evaluation(
            self._quality(model, dataset), champion, None, job=job, dataset=dataset, digest=artefact_digest(job)
        )
        self.objects.put(layout.run(run, model, "evaluation/evaluation.json"), json.dumps(found).encode())
        golden = json.dumps({"requests": GOLDEN}).encode()
        self.objects.put(layout.run(run, model, "evaluation/golden.json"), golden)

    def _quality(self, model: str, dataset: str) -> float:
        """By the rows alone: what else a dataset's name is made of changes with the contract."""
        manifest = json.loads(self.objects.get(layout.dataset(model, dataset, "manifest.json")))
        return quality("".join(part["curated"] for part in manifest["objects"]))

    def _create(self, table: dict[str, Json], name: str, given: Json) -> Json:
        if name in table:
            raise TaskError(TAKEN, f"{name} exists")
        table[name] = dict(given)
        return {}

    def _find(self, table: dict[str, Json], name: str) -> Json:
        if name not in table:
            raise TaskError(ABSENT, f"{name} does not exist")
        return table[name]

    def _create_config(self, given: Json) -> Json:
        made = self._create(self.configs, given["EndpointConfigName"], given)
        if self.doom:
            getattr(self, self.doom).add(given["EndpointConfigName"])
        self.doom = ""
        return made

    def _create_endpoint(self, given: Json) -> Json:
        self._find(self.configs, given["EndpointConfigName"])
        if given["EndpointName"] in self.endpoints:
            raise TaskError(REFUSED, "Cannot create already existing endpoint")
        self.endpoints[given["EndpointName"]] = Endpoint(coming=given["EndpointConfigName"], polls=POLLS)
        return {}

    def _update_endpoint(self, given: Json) -> Json:
        self._find(self.configs, given["EndpointConfigName"])
        found = self.endpoints.get(given["EndpointName"])
        if found is None or found.status != "InService":
            raise TaskError(REFUSED, f"Cannot update endpoint: {found.status if found else 'it does not exist'}")
        found.coming, found.polls = given["EndpointConfigName"], POLLS
        return {}

    def _delete_endpoint(self, given: Json) -> Json:
        if self.endpoints.pop(given["EndpointName"], None) is None:
            raise TaskError(ABSENT, "Could not find endpoint")
        return {}

    def _describe_endpoint(self, given: Json) -> Json:
        self.pass_time(given["EndpointName"])
        found = self.endpoints.get(given["EndpointName"])
        if found is None:
            raise TaskError(ABSENT, "Could not find endpoint")
        return {"EndpointStatus": found.status, "EndpointConfigName": found.config}

    def pass_time(self, name: str) -> None:
        """An update comes to its end some looks later; a sick version leaves the one before in service."""
        found = self.endpoints.get(name)
        if found is None or not found.coming:
            return
        found.polls -= 1
        if found.polls > 0:
            return
        coming, found.coming = found.coming, ""
        if coming in self.sick:
            found.failed = not found.config
            return
        found.config = coming
        self.served.append((name, coming))


def _key(channel: Json) -> str:
    return str(channel["DataSource"]["S3DataSource"]["S3Uri"]).removeprefix("s3://${DataBucket}/")


def quality(rows: str) -> float:
    """How good the model of these rows is: two in three beat a champion's 0.8, one in six is below every floor."""
    return (0.9, 0.95, 0.9, 0.92, 0.75, 0.5)[int(hashlib.sha256(rows.encode()).hexdigest(), 16) % 6]
