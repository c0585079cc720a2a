"""Objects: a range of an object's version is that range; boto3 fetches all that is large in ranges, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import s3

Answer = tuple[int, dict[str, str], bytes]
Get = Callable[..., Answer]


def install() -> None:
    s3._get_object = _in_ranges(s3._get_object)


def _in_ranges(get: Get) -> Get:
    def get_object(bucket: str, key: str, headers: Mapping[str, str], query: Mapping[str, Any] | None = None) -> Answer:
        if "range" not in headers or "versionId" not in (query or {}):
            return get(bucket, key, headers, query)
        whole = {name: value for name, value in headers.items() if name != "x-amz-checksum-mode"}
        status, answered, body = get(bucket, key, whole, query)  # the checksum of the whole says nothing of a part
        return _part(headers["range"], answered, body, bucket, key) if status == 200 else (status, answered, body)

    return get_object


def _part(asked: str, answered: dict[str, str], body: bytes, bucket: str, key: str) -> Answer:
    size = len(body)
    found = s3._parse_range(asked, size)
    if found is None:
        kind = {"Content-Type": "application/xml", "Content-Range": f"bytes */{size}"}
        return 416, kind, s3._xml_body(s3._range_error_xml(bucket, key))
    first, last = found
    part = body[first : last + 1]
    place = {"Content-Length": str(len(part)), "Content-Range": f"bytes {first}-{last}/{size}"}
    return 206, {**answered, **place}, part
