"""Which operations and members the local SageMaker carries out; all others are refused by their name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from retide.local.interfaces import Json
from retide.local.sagemaker.errors import not_supported

# Members whose effect a process on this machine cannot have, and which AWS would carry out: a dotted path,
# "[]" for each member of a list. `path=value` refuses that value only.
REFUSED: Final[dict[str, tuple[str, ...]]] = {
    "CreateTrainingJob": (
        "AlgorithmSpecification.AlgorithmName",
        "AlgorithmSpecification.TrainingImageConfig",
        "AlgorithmSpecification.TrainingInputMode=Pipe",
        "AlgorithmSpecification.TrainingInputMode=FastFile",
        "InputDataConfig[].DataSource.FileSystemDataSource",
        "InputDataConfig[].DataSource.DatasetSource",
        "InputDataConfig[].DataSource.S3DataSource.S3DataType=AugmentedManifestFile",
        "InputDataConfig[].DataSource.S3DataSource.S3DataType=Converse",
        "InputDataConfig[].DataSource.S3DataSource.AttributeNames",
        "InputDataConfig[].DataSource.S3DataSource.InstanceGroupNames",
        "InputDataConfig[].DataSource.S3DataSource.ModelAccessConfig",
        "InputDataConfig[].DataSource.S3DataSource.HubAccessConfig",
        "InputDataConfig[].CompressionType=Gzip",
        "InputDataConfig[].RecordWrapperType=RecordIO",
        "InputDataConfig[].InputMode=Pipe",
        "InputDataConfig[].InputMode=FastFile",
        "InputDataConfig[].ShuffleConfig",
        "OutputDataConfig.CompressionType=NONE",
        "ResourceConfig.InstanceGroups",
        "ResourceConfig.TrainingPlanArn",
        "ResourceConfig.InstancePlacementConfig",
        "ResourceConfig.InstancePreferences",
        "DebugRuleConfigurations",
        "ProfilerRuleConfigurations",
        "TensorBoardOutputConfig",
        "ExperimentConfig",
        "RetryStrategy",
        "RemoteDebugConfig",
        "SessionChainingConfig",
        "ServerlessJobConfig",
        "MlflowConfig",
        "ModelPackageConfig",
    ),
    "CreateProcessingJob": (
        "ProcessingInputs[].DatasetDefinition",
        "ProcessingInputs[].AppManaged=True",
        "ProcessingInputs[].S3Input.S3InputMode=Pipe",
        "ProcessingInputs[].S3Input.S3CompressionType=Gzip",
        "ProcessingOutputConfig.Outputs[].FeatureStoreOutput",
        "ProcessingOutputConfig.Outputs[].AppManaged=True",
        "ProcessingOutputConfig.Outputs[].S3Output.S3UploadMode=Continuous",
        "ExperimentConfig",
    ),
    "CreateModel": (
        "Containers",
        "InferenceExecutionConfig",
        "PrimaryContainer.ImageConfig",
        "PrimaryContainer.Mode=MultiModel",
        "PrimaryContainer.ModelDataSource",
        "PrimaryContainer.AdditionalModelDataSources",
        "PrimaryContainer.InferenceSpecificationName",
        "PrimaryContainer.MultiModelConfig",
        "PrimaryContainer.ContainerMetricsConfig",
    ),
    "CreateEndpointConfig": (
        "DataCaptureConfig",
        "AsyncInferenceConfig",
        "ExplainerConfig",
        "ShadowProductionVariants",
        "MetricsConfig",
        "ProductionVariants[].InstancePools",
        "ProductionVariants[].CoreDumpConfig",
        "ProductionVariants[].ManagedInstanceScaling",
        "ProductionVariants[].CapacityReservationConfig",
    ),
    "CreateEndpoint": ("DeploymentConfig",),
    "UpdateEndpoint": (
        "DeploymentConfig",
        "RetainDeploymentConfig=True",
        "RetainAllVariantProperties=True",
        "ExcludeRetainedVariantProperties",
    ),
    "CreateModelPackage": (
        "ModelPackageName",
        "ValidationSpecification",
        "SourceAlgorithmSpecification",
        "CertifyForMarketplace=True",
        "SecurityConfig",
        "ManagedStorageType",
    ),
    "UpdateModelPackage": ("ModelPackageRegistrationType",),
    "ListTrainingJobs": ("WarmPoolStatusEquals", "TrainingPlanArnEquals"),
    "ListModelPackageGroups": ("CrossAccountFilterOption=CrossAccount",),
}


def refuse_unsupported(operation: str, request: Json) -> None:
    """Raise NotSupportedByLocalCloud for the first member that the local SageMaker would have to ignore."""
    for rule in REFUSED.get(operation, ()):
        path, _, refused = rule.partition("=")
        for value in _at(request, path.split(".")):
            if not refused or str(value) == refused:
                raise not_supported(f"{operation} with {path}{f' = {refused}' if refused else ''}")


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield value
        return
    name, is_list = path[0].removesuffix("[]"), path[0].endswith("[]")
    found = value.get(name)
    for item in found or () if is_list else (found,):
        if item is not None:
            yield from _at(item, path[1:])
