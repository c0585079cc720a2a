"""What SageMaker calls its things, and the tags that it keeps on them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Final

from retide.local.errors import invalid
from retide.local.interfaces import Json, Settings

MAX_TAGS: Final = 50


class Arns:
    """Builds the ARNs of one account and region."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = f"arn:aws:sagemaker:{settings.region}:{settings.account}:"

    def of(self, kind: str, name: str) -> str:
        return f"{self._prefix}{kind}/{name}"


class Tags:
    """The tags of every resource that exists."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tags: dict[str, dict[str, str]] = {}

    def start(self, arn: str, tags: Iterable[Mapping[str, str]]) -> None:
        """Begin to keep tags for a new resource."""
        with self._lock:
            self._tags[arn] = _as_map(tags)

    def of(self, arn: str) -> dict[str, str]:
        with self._lock:
            return dict(self._tags.get(arn, {}))

    def forget(self, arn: str) -> None:
        with self._lock:
            self._tags.pop(arn, None)

    def add(self, request: Json) -> Json:
        """AddTags."""
        with self._lock:
            tags = self._existing(request["ResourceArn"])
            merged = tags | _as_map(request["Tags"])
            if len(merged) > MAX_TAGS:
                raise invalid(f"{request['ResourceArn']} would have {len(merged)} tags: at most {MAX_TAGS} are allowed")
            tags.update(merged)
            return {"Tags": _as_list(tags)}

    def list(self, request: Json) -> Json:
        """ListTags; at most 50 tags exist, so one page holds them."""
        with self._lock:
            return {"Tags": _as_list(self._existing(request["ResourceArn"]))}

    def delete(self, request: Json) -> Json:
        """DeleteTags."""
        with self._lock:
            tags = self._existing(request["ResourceArn"])
            for key in request["TagKeys"]:
                tags.pop(key, None)
            return {}

    def _existing(self, arn: str) -> dict[str, str]:
        if arn not in self._tags:
            raise invalid(f"The resource {arn} does not exist")
        return self._tags[arn]


def _as_map(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
