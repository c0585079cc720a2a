"""Chooses the files of an artefact as the buildspec says, packs them, and writes them to S3."""

from __future__ import annotations

import hashlib
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from retide.local.codebuild.build import Uploaded
from retide.local.codebuild.buildspec import ArtifactSpec
from retide.local.codebuild.errors import CLIENT_ERROR, PhaseFailed
from retide.local.codebuild.globs import files_below, is_matched, pattern
from retide.local.codebuild.plan import Target

EPOCH: Final = 1980  # the first year that a ZIP file knows
FIRST: Final = (EPOCH, 1, 1, 0, 0, 0)
META: Final = "codebuild-buildarn"
Files = Mapping[str, Path]
"""The files of an artefact by their paths in it."""


def choose(spec: ArtifactSpec, source: Path) -> Files:
    """Raises PhaseFailed when nothing matches, or when two files would become one."""
    chosen: dict[str, Path] = {}
    for base in _bases(spec, source):
        for path in files_below(base):
            if is_matched(path, spec.files) and not is_matched(path, spec.exclude_paths):
                name = path.name if spec.discard_paths else str(path)
                if name in chosen:
                    raise PhaseFailed(CLIENT_ERROR, f"two files would become {name}: {chosen[name]} and {base / path}")
                chosen[name] = base / path
    if not chosen:
        raise PhaseFailed(CLIENT_ERROR, f"no matching artifact paths found: {', '.join(spec.files)}")
    return chosen


def _bases(spec: ArtifactSpec, source: Path) -> list[Path]:
    wanted = spec.base_directory.removeprefix(str(source)).strip("/") or "."
    found = [source] if wanted == "." else list(_matching(source, wanted))
    if not found:
        raise PhaseFailed(CLIENT_ERROR, f"no matching base directory path found for {spec.base_directory}")
    return found


def _matching(source: Path, wanted: str) -> Iterator[Path]:
    """A path, or every top-level folder whose name the pattern matches."""
    if (source / wanted).is_dir():
        yield source / wanted
        return
    for folder in sorted(source.iterdir()):
        if folder.is_dir() and pattern(wanted).fullmatch(folder.name):
            yield folder


def pack(files: Files, archive: Path) -> None:
    """Write a ZIP file that keeps the permissions of its files, and when they were changed."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, file in sorted(files.items()):
            member = zipfile.ZipInfo(name, _changed(file))
            member.external_attr = (file.stat().st_mode & 0xFFFF) << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            with file.open("rb") as content, zipped.open(member, "w", force_zip64=True) as packed:
                while block := content.read(1 << 20):
                    packed.write(block)


def _changed(file: Path) -> tuple[int, int, int, int, int, int]:
    """In the machine's own time, as ZIP files have it."""
    moment = time.localtime(file.stat().st_mtime)
    return (moment[0], moment[1], moment[2], moment[3], moment[4], moment[5]) if moment[0] >= EPOCH else FIRST


class Uploader:
    """`client` is boto3's for S3; every object says which build has made it."""

    def __init__(self, client: Any, build_id: str, build_arn: str, folder: Path) -> None:
        self._client = client
        self._build_id = build_id
        self._extra = {"Metadata": {META: build_arn}}
        self._folder = folder

    def upload(self, target: Target, files: Files, name: str) -> Uploaded:
        """Raises PhaseFailed when S3 does not take it."""
        key = target.key(self._build_id, name)
        location = f"arn:aws:s3:::{target.bucket}/{key}"
        if not target.zipped:
            for path, file in files.items():
                self._put(file, target.bucket, f"{key}/{path}".lstrip("/"))
            return Uploaded(target.identifier, location)
        archive = self._folder / f"{target.identifier or 'artifact'}.zip"
        pack(files, archive)
        self._put(archive, target.bucket, key)
        return Uploaded(target.identifier, location, _digest(archive, "sha256"), _digest(archive, "md5"))

    def _put(self, file: Path, bucket: str, key: str) -> None:
        try:
            self._client.upload_file(str(file), bucket, key, ExtraArgs=self._extra)
        except (ClientError, BotoCoreError, OSError, RuntimeError) as problem:
            raise PhaseFailed(CLIENT_ERROR, f"Failed to upload to s3://{bucket}/{key}: {problem}") from problem
        except Exception as problem:  # s3transfer wraps what botocore raises in classes of its own
            raise PhaseFailed(CLIENT_ERROR, f"Failed to upload to s3://{bucket}/{key}: {problem}") from problem


def _digest(file: Path, algorithm: str) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, algorithm).hexdigest()
