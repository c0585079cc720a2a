"""The roles that SageMaker runs jobs and endpoints with: exact prefixes, this account only."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.names import Names, arn
from infra.parts.images import ImageRegistry

TRAINING_LOGS = "/aws/sagemaker/TrainingJobs"
JOB_LOGS = (TRAINING_LOGS, "/aws/sagemaker/ProcessingJobs")
TRANSFORM_LOGS = "/aws/sagemaker/TransformJobs"
READ = ("datasets/*", "curated/*", "keys/*", "runs/*", "models/*", "experiments/*", "boosting/*")
# Of a run only what its jobs are for: plan, decision and certificate are the functions' own, and bind what is served.
LAID_OUT = ("boosting/*/shards/*", "boosting/*/brief/*")
WRITTEN = ("runs/*/evaluation/*", "runs/*/judging/*", "models/*", "experiments/*", *LAID_OUT)


def job_role(
    scope: Construct, id_: str, *, bucket: s3.IBucket, image: ImageRegistry, assets: s3.IBucket, names: Names
) -> iam.Role:
    """Reads datasets, candidates, objects to judge and its code; writes models, evaluations and verdicts.

    Of the stage's assets it may read all: a run that a deployment overtakes ends with the code that it began with.
    """
    role = _sagemaker_role(scope, id_)
    _allow(role, ("s3:GetObject",), *(bucket.arn_for_objects(prefix) for prefix in READ))
    _allow(role, ("s3:PutObject", "s3:AbortMultipartUpload"), *(bucket.arn_for_objects(prefix) for prefix in WRITTEN))
    _allow_list(role, bucket, READ)
    _allow(role, ("s3:GetObject",), assets.arn_for_objects(f"{names.assets}*.zip"))
    _allow_list(role, assets, (f"{names.assets}*",))
    _allow_image(role, image.repository_arn)
    _allow_logs(role, *JOB_LOGS)
    _allow_metrics(role, *JOB_LOGS)
    return role


def boosting_role(
    scope: Construct, id_: str, *, bucket: s3.IBucket, image: ImageRegistry, assets: s3.IBucket, names: Names
) -> iam.Role:
    """Reads the shards and its code, writes the booster: what holds the holdout, no dataset and no file, is closed."""
    role = _sagemaker_role(scope, id_)
    _allow(role, ("s3:GetObject",), *(bucket.arn_for_objects(prefix) for prefix in LAID_OUT))
    _allow(role, ("s3:PutObject", "s3:AbortMultipartUpload"), bucket.arn_for_objects("boosting/*/output/*"))
    _allow_list(role, bucket, ("boosting/*",))
    _allow(role, ("s3:GetObject",), assets.arn_for_objects(f"{names.assets}*.zip"))
    _allow_list(role, assets, (f"{names.assets}*",))
    _allow_image(role, image.boosting_repository_arn)
    _allow_logs(role, TRAINING_LOGS)
    _allow_metrics(role, TRAINING_LOGS)
    return role


def serving_role(scope: Construct, id_: str, *, bucket: s3.IBucket, image: ImageRegistry, names: Names) -> iam.Role:
    """Reads model artefacts and the rows that are to be predicted, and nothing of the data that it was trained on.

    A transform job works with the role of its model: it reads a batch's rows and writes the answers.
    """
    role = _sagemaker_role(scope, id_)
    _allow(role, ("s3:GetObject",), *(bucket.arn_for_objects(place) for place in ("models/*", "batches/*/records/*")))
    _allow(role, ("s3:PutObject", "s3:AbortMultipartUpload"), bucket.arn_for_objects("batches/*/answers/*"))
    _allow(role, ("s3:PutObject",), bucket.arn_for_objects("captures/*"))
    _allow_list(role, bucket, ("models/*", "batches/*"))
    _allow_image(role, image.repository_arn)
    _allow_logs(role, f"/aws/sagemaker/Endpoints/retide-{names.stage}-*", TRANSFORM_LOGS)
    _allow_metrics(role, "/aws/sagemaker/Endpoints", TRANSFORM_LOGS)
    return role


def _sagemaker_role(scope: Construct, id_: str) -> iam.Role:
    """Assumed by SageMaker on behalf of this account only (the confused deputy)."""
    here = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
    return iam.Role(scope, id_, assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com", conditions=here))


def _allow(role: iam.Role, actions: tuple[str, ...], *resources: str) -> None:
    role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources)))


def _allow_list(role: iam.Role, bucket: s3.IBucket, prefixes: tuple[str, ...]) -> None:
    """SageMaker lists a channel's prefix before it downloads."""
    only = {"StringLike": {"s3:prefix": list(prefixes)}}
    role.add_to_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket.bucket_arn], conditions=only))


def _allow_image(role: iam.Role, repository_arn: str) -> None:
    pull = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    _allow(role, pull, repository_arn)
    _allow(role, ("ecr:GetAuthorizationToken",), "*")  # AWS knows no narrower resource for it


def _allow_logs(role: iam.Role, *groups: str) -> None:
    actions = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
    places = [arn("logs", f"log-group:{group}{end}") for group in groups for end in ("", ":*")]
    _allow(role, actions, *places)


def _allow_metrics(role: iam.Role, *namespaces: str) -> None:
    only = {"StringEquals": {"cloudwatch:namespace": list(namespaces)}}
    role.add_to_policy(iam.PolicyStatement(actions=["cloudwatch:PutMetricData"], resources=["*"], conditions=only))
