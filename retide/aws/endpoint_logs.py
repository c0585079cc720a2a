"""The logs of endpoints in CloudWatch: there before the first word, and listened to where something is kept."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from retide.domain.log_captures import GROUPS, PATTERN

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

FILTER: Final = "retide-captures"


class CloudWatchEndpointLogs:
    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client

    def keep(self, endpoint: str, days: int, keeper: str) -> None:
        """Each call may be repeated. SageMaker writes to a group that it finds, and makes one without an end else."""
        client, group = self._client, f"{GROUPS}{endpoint}"
        with suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_group(logGroupName=group)
        client.put_retention_policy(logGroupName=group, retentionInDays=days)
        if keeper:
            client.put_subscription_filter(
                logGroupName=group, filterName=FILTER, filterPattern=PATTERN, destinationArn=keeper
            )
            return
        with suppress(client.exceptions.ResourceNotFoundException):
            client.delete_subscription_filter(logGroupName=group, filterName=FILTER)
