"""Moves files between S3 and a container's folders, as SageMaker's own agents do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

PARALLEL: Final = 8


class TransferFailed(Exception):
    """Something could not be read from or written to S3; the message says which object and why."""


@dataclass(frozen=True, slots=True)
class Location:
    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> Location:
        """From s3://bucket/key. Raises TransferFailed for anything else."""
        if not uri.startswith("s3://"):
            raise TransferFailed(f"{uri} is not an S3 URI: it must look like s3://bucket/prefix")
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return cls(bucket, key)

    def __truediv__(self, name: str) -> Location:
        return Location(self.bucket, f"{self.key.rstrip('/')}/{name}".lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class Buckets:
    """S3 as the platform uses it; `client` is boto3's."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def exists(self, uri: str) -> bool:
        """Whether the object is there."""
        location = Location.parse(uri)
        try:
            self._client.head_object(Bucket=location.bucket, Key=location.key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise TransferFailed(f"{uri}: {error}") from error
        return True

    def download(self, uri: str, kind: str, folder: Path, *, share: tuple[int, int] = (0, 1)) -> None:
        """Fill the folder from an S3Prefix or a ManifestFile. Raises TransferFailed, also when nothing is there.

        `share` is which of how many equal parts of the objects is meant; a part may be empty.
        """
        folder.mkdir(parents=True, exist_ok=True)
        first, of = share
        self._fetch_all(self.listed(uri, kind)[first::of], folder)

    def listed(self, uri: str, kind: str) -> list[tuple[Location, str]]:
        """The objects of an S3Prefix or a ManifestFile, each with its path below it. Raises TransferFailed."""
        return self._in_manifest(uri) if kind == "ManifestFile" else self._below_prefix(uri)

    def fetch(self, location: Location, target: Path) -> None:
        """Write one object to a file."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            body = self._client.get_object(Bucket=location.bucket, Key=location.key)["Body"]
            with target.open("wb") as file:
                shutil.copyfileobj(body, file, 1 << 20)
        except (ClientError, BotoCoreError) as error:
            raise TransferFailed(f"{location}: {error}") from error

    def upload(self, file: Path, location: Location) -> None:
        try:
            self._client.upload_file(str(file), location.bucket, location.key)
        except Exception as error:  # s3transfer wraps what botocore raises in classes of its own
            raise TransferFailed(f"{location}: {error}") from error

    def put(self, location: Location, body: bytes) -> None:
        try:
            self._client.put_object(Bucket=location.bucket, Key=location.key, Body=body)
        except (ClientError, BotoCoreError) as error:
            raise TransferFailed(f"{location}: {error}") from error

    def upload_folder(self, folder: Path, uri: str) -> None:
        """Write every file below the folder under the prefix."""
        target = Location.parse(uri)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        _each((self.upload, path, target / path.relative_to(folder).as_posix()) for path in files)

    def _fetch_all(self, files: list[tuple[Location, str]], folder: Path) -> None:
        for location, name in files:
            if not (folder / name).resolve().is_relative_to(folder.resolve()):
                raise TransferFailed(f"{location} would be written outside its folder, as {name}")
        _each((self.fetch, location, folder / name) for location, name in files)

    def _below_prefix(self, uri: str) -> list[tuple[Location, str]]:
        location = Location.parse(uri)
        keys = [key for key in self._keys(location) if not key.endswith("/")]
        if not keys:
            raise TransferFailed(
                f'No S3 objects found under S3 URL "{uri}" given in input data source. '
                "Please ensure that the bucket exists and that objects exist under that S3 prefix"
            )
        return [(Location(location.bucket, key), _relative(key, location.key)) for key in keys]

    def _keys(self, location: Location) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=location.bucket, Prefix=location.key)
        try:
            for page in pages:
                yield from (entry["Key"] for entry in page.get("Contents", ()))
        except (ClientError, BotoCoreError) as error:
            raise TransferFailed(f"{location}: {error}") from error

    def _in_manifest(self, uri: str) -> list[tuple[Location, str]]:
        try:
            prefix, *names = json.loads(self.read(Location.parse(uri)))
            start = Location.parse(prefix["prefix"])
            return [(Location(start.bucket, start.key + name), name) for name in names]
        except (ValueError, TypeError, KeyError) as error:
            raise TransferFailed(f'{uri} is not a manifest: it must be [{{"prefix": "s3://…/"}}, "name", …]') from error

    def read(self, location: Location) -> bytes:
        """The whole object. Raises TransferFailed."""
        try:
            content: bytes = self._client.get_object(Bucket=location.bucket, Key=location.key)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise TransferFailed(f"{location}: {error}") from error
        return content


def _relative(key: str, prefix: str) -> str:
    """The path in the channel: below the prefix when that is a folder, else below the folder that it stands in."""
    folder = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    if key.startswith(folder):
        return key[len(folder) :]
    return key[prefix.rfind("/") + 1 :]


def _each(calls: Iterable[tuple[Any, ...]]) -> None:
    """Run them, several at a time when there are several; the first failure is raised."""
    todo = list(calls)
    if len(todo) == 1:
        function, *arguments = todo[0]
        function(*arguments)
        return
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        for future in [pool.submit(*call) for call in todo]:
            future.result()
