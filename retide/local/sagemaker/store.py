"""What SageMaker remembers: named things in the order of their creation, and the tags on their ARNs."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Final

from retide.local.errors import ApiError, invalid
from retide.local.interfaces import Json, Settings

MAX_TAGS: Final = 50


class Arns:
    """Builds the ARNs of one account and region."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = f"arn:aws:sagemaker:{settings.region}:{settings.account}:"

    def of(self, kind: str, name: str) -> str:
        return f"{self._prefix}{kind}/{name}"


class Table[T]:
    """Thread-safe; a name is taken until it is removed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, T] = {}

    def add(self, name: str, item: T, taken: ApiError) -> None:
        """Raises `taken` when the name is in use."""
        with self._lock:
            if name in self._items:
                raise taken
            self._items[name] = item

    def get(self, name: str) -> T | None:
        with self._lock:
            return self._items.get(name)

    def find(self, name: str, missing: ApiError) -> T:
        """Raises `missing` when there is none of that name."""
        item = self.get(name)
        if item is None:
            raise missing
        return item

    def remove(self, name: str) -> None:
        with self._lock:
            self._items.pop(name, None)

    def all(self) -> list[T]:
        with self._lock:
            return list(self._items.values())


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
