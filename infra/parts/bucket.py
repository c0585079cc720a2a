"""The data bucket: versioned, private, encrypted, TLS only, and every new object becomes an event."""

from __future__ import annotations

from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.settings import Settings


class DataBucket(Construct):
    """`bucket` is the one place for data; `removal` is what happens to it with its stack."""

    def __init__(self, scope: Construct, id_: str, settings: Settings) -> None:
        super().__init__(scope, id_)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            removal_policy=settings.removal,
            lifecycle_rules=[_housekeeping(settings), *_passing(settings)],
        )
        # The L2 switch would add a function that writes this very property.
        events = s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        resource = cast(s3.CfnBucket, self.bucket.node.default_child)
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=events
        )


def _housekeeping(settings: Settings) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        abort_incomplete_multipart_upload_after=Duration.days(7),
        noncurrent_version_expiration=Duration.days(settings.noncurrent_days),
        expired_object_delete_marker=True,
    )


def _passing(settings: Settings) -> tuple[s3.LifecycleRule, ...]:
    """Files that were predicted, and what came of them: the command has copied that to where it is wanted.

    And what was laid out for instances that learn together: the model is made of it, and it can be made again.
    """
    age = Duration.days(settings.batch_days)
    return tuple(s3.LifecycleRule(prefix=prefix, expiration=age) for prefix in ("batches/", "boosting/"))
