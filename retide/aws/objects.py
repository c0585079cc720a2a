"""The data bucket on S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from retide.aws.clients import CONNECTIONS, code
from retide.ports import ObjectGone, ObjectHead

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

ABSENT: Final = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound", "MethodNotAllowed", "405"})
UNVERSIONED: Final = "null"
MIB: Final = 2**20
# One call copies 5 GiB at most, and S3 copies parts side by side; copying tags would take a permission to read them.
IN_PARTS: Final = TransferConfig(multipart_threshold=256 * MIB, multipart_chunksize=256 * MIB, max_concurrency=32)
UNTAGGED: Final = {"TaggingDirective": "REPLACE"}


class S3Objects:
    """Objects; a version that is a delete marker counts as gone (S3 answers 405 for one)."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def head(self, key: str, version: str | None = None) -> ObjectHead | None:
        try:
            with _absent(self.uri(key), version):
                answer = self._client.head_object(**self._at(key, version))
        except ObjectGone:
            return None
        name = answer.get("VersionId", UNVERSIONED)
        return ObjectHead(name, answer["ETag"].strip('"'), answer["ContentLength"])

    def get(self, key: str, version: str | None = None) -> bytes:
        with _absent(self.uri(key), version):
            return self._client.get_object(**self._at(key, version))["Body"].read()

    def open(self, key: str) -> BinaryIO:
        with _absent(self.uri(key), None):
            return cast(BinaryIO, self._client.get_object(Bucket=self._bucket, Key=key)["Body"])

    def exists(self, key: str) -> bool:
        return self.head(key) is not None

    def put(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data)

    def download(self, key: str, version: str | None, path: Path) -> None:
        extra = {"VersionId": version} if version else {}
        with _absent(self.uri(key), version):
            self._client.download_file(self._bucket, key, str(path), ExtraArgs=extra)

    def get_many(self, keys: Sequence[str]) -> tuple[bytes | None, ...]:
        def found(key: str) -> bytes | None:
            try:
                return self.get(key)
            except ObjectGone:
                return None

        return self._at_once(found, keys)

    def download_many(self, wanted: Sequence[tuple[str, Path]]) -> frozenset[str]:
        def missing(one: tuple[str, Path]) -> str | None:
            try:
                self.download(one[0], None, one[1])
            except ObjectGone:
                return one[0]
            return None

        return frozenset(key for key in self._at_once(missing, wanted) if key is not None)

    def _at_once[T, R](self, read: Callable[[T], R], wanted: Sequence[T]) -> tuple[R, ...]:
        """Reading many small objects is waiting; no more of them at once than the client has connections."""
        if not wanted:
            return ()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return tuple(pool.map(read, wanted))

    def upload(self, path: Path, key: str) -> None:
        self._client.upload_file(str(path), self._bucket, key)

    def copy(self, key: str, version: str | None, to_key: str) -> None:
        with _absent(self.uri(key), version):
            self._client.copy(self._at(key, version), self._bucket, to_key, ExtraArgs=UNTAGGED, Config=IN_PARTS)

    def uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    def _at(self, key: str, version: str | None) -> Any:
        at = {"Bucket": self._bucket, "Key": key}
        return {**at, "VersionId": version} if version else at


@contextmanager
def _absent(uri: str, version: str | None) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if code(error) not in ABSENT:
            raise
        raise ObjectGone(f"{uri}{f' (version {version})' if version else ''} does not exist") from error
