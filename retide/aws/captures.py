"""What endpoints on instances were asked and answered, as SageMaker's DataCapture leaves it in the data bucket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

MOST_FILES: Final = 200  # that one look reads, the newest of all: so that it takes seconds, whatever the traffic


class S3Captures:
    """With `most` None, a look reads all that there is, however long that takes."""

    def __init__(self, client: S3Client, bucket: str, most: int | None = MOST_FILES) -> None:
        self._client = client
        self._bucket = bucket
        self._most = most

    def lines(self, prefix: str, since: datetime) -> Iterator[bytes]:
        found = sorted(self._files(prefix, since), reverse=True)[: self._most]
        for _, key in found:
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            yield from filter(None, body.split(b"\n"))

    def _files(self, prefix: str, since: datetime) -> Iterator[tuple[datetime, str]]:
        """SageMaker's folders are hours in UTC."""
        hour, now = since.replace(minute=0, second=0, microsecond=0), datetime.now(since.tzinfo)
        while hour <= now:
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{prefix}{hour:%Y/%m/%d/%H}/"
            )
            for page in pages:
                yield from ((item["LastModified"], item["Key"]) for item in page.get("Contents", ()))
            hour += timedelta(hours=1)
