"""Which members of its requests the local CodeBuild does not carry out: they are refused by their name."""

from __future__ import annotations

from typing import Final

from retide.local.members import Refused

SOURCES: Final = ("CODECOMMIT", "GITHUB", "GITLAB", "GITLAB_SELF_MANAGED", "BITBUCKET", "GITHUB_ENTERPRISE")
ENVIRONMENTS: Final = (
    "WINDOWS_CONTAINER",
    "LINUX_GPU_CONTAINER",
    "WINDOWS_SERVER_2019_CONTAINER",
    "WINDOWS_SERVER_2022_CONTAINER",
    "LINUX_LAMBDA_CONTAINER",
    "ARM_LAMBDA_CONTAINER",
    "LINUX_EC2",
    "ARM_EC2",
    "WINDOWS_EC2",
    "MAC_ARM",
)
SOURCE_MEMBERS: Final = (
    "gitCloneDepth",
    "gitSubmodulesConfig",
    "auth",
    "reportBuildStatus=True",
    "buildStatusConfig",
    "insecureSsl=True",
    *(f"type={kind}" for kind in SOURCES),
)
PROJECT: Final = (
    *(f"{source}.{member}" for source in ("source", "secondarySources[]") for member in SOURCE_MEMBERS),
    *(f"environment.type={kind}" for kind in ENVIRONMENTS),
    "environment.computeConfiguration",
    "environment.fleet",
    "environment.privilegedMode=True",
    "environment.certificate",
    "environment.registryCredential",
    "environment.dockerServer",
    "environment.hostKernel",
    "artifacts.bucketOwnerAccess",
    "secondaryArtifacts[].bucketOwnerAccess",
    "cache.type=S3",
    "cache.cacheNamespace",
    "cache.modes[]=LOCAL_DOCKER_LAYER_CACHE",
    "vpcConfig",
    "badgeEnabled=True",
    "logsConfig.s3Logs.status=ENABLED",
    "fileSystemLocations",
    "buildBatchConfig",
    *(f"autoRetryLimit={count}" for count in range(1, 11)),
)
START: Final = (
    *(f"secondarySourcesOverride[].{member}" for member in SOURCE_MEMBERS),
    *(f"sourceTypeOverride={kind}" for kind in SOURCES),
    *(f"environmentTypeOverride={kind}" for kind in ENVIRONMENTS),
    "artifactsOverride.bucketOwnerAccess",
    "secondaryArtifactsOverride[].bucketOwnerAccess",
    "sourceAuthOverride",
    "gitCloneDepthOverride",
    "gitSubmodulesConfigOverride",
    "insecureSslOverride=True",
    "reportBuildStatusOverride=True",
    "buildStatusConfigOverride",
    "certificateOverride",
    "cacheOverride.type=S3",
    "cacheOverride.cacheNamespace",
    "cacheOverride.modes[]=LOCAL_DOCKER_LAYER_CACHE",
    "privilegedModeOverride=True",
    "logsConfigOverride.s3Logs.status=ENABLED",
    "registryCredentialOverride",
    "debugSessionEnabled=True",
    "fleetOverride",
    "hostKernelOverride",
    *(f"autoRetryLimitOverride={count}" for count in range(1, 11)),
)
REFUSED: Final[Refused] = {"CreateProject": PROJECT, "UpdateProject": PROJECT, "StartBuild": START}
