"""Brings a build's inputs into its folder: a clone at one commit, or an unpacked ZIP file."""

from __future__ import annotations

import os
import shutil
import stat
import time
import zipfile
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from retide.local.codebuild.buildlog import BuildLog
from retide.local.codebuild.commands import Commands
from retide.local.codebuild.errors import CLIENT_ERROR, PhaseFailed
from retide.local.codebuild.seam import Clone, Input, Zip

LINK: Final = 0o120000
KIND: Final = 0o170000


class Sources:
    """`client` is boto3's for S3; git runs as a process of the build."""

    def __init__(self, client: Any, commands: Commands, log: BuildLog, scratch: Path) -> None:
        self._client = client
        self._commands = commands
        self._log = log
        self._scratch = scratch

    def bring(self, given: Input, folder: Path) -> None:
        """Fill the folder. Raises PhaseFailed."""
        if isinstance(given, Clone):
            self._clone(given, folder)
        else:
            self._unzip(given, folder)

    def _clone(self, given: Clone, folder: Path) -> None:
        if not given.repository.is_dir():
            raise PhaseFailed(CLIENT_ERROR, f"git clone failed: there is no repository at {given.repository}")
        self._git(folder.parent, "clone", "--quiet", "--no-checkout", str(given.repository), str(folder))
        self._git(folder, "checkout", "--quiet", "--detach", given.commit)

    def _git(self, folder: Path, *words: str) -> None:
        git = shutil.which("git")
        if git is None:
            raise PhaseFailed(CLIENT_ERROR, "git is not installed on this machine: install it")
        status = self._commands.run([git, *words], folder)
        if status:
            raise PhaseFailed(CLIENT_ERROR, f"git {' '.join(words)} failed with exit status {status}")

    def _unzip(self, given: Zip, folder: Path) -> None:
        archive = self._scratch / "source.zip"
        self._fetch(given, archive)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            unzip(archive, folder)
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as problem:
            raise PhaseFailed(
                CLIENT_ERROR, f"s3://{given.bucket}/{given.key} cannot be unpacked: {problem}"
            ) from problem
        archive.unlink()

    def _fetch(self, given: Zip, target: Path) -> None:
        version = {"VersionId": given.version} if given.version else {}
        try:
            answer = self._client.get_object(Bucket=given.bucket, Key=given.key, **version)
            with target.open("wb") as file:
                shutil.copyfileobj(answer["Body"], file, 1 << 20)
        except (ClientError, BotoCoreError) as problem:
            what = f"s3://{given.bucket}/{given.key}"
            raise PhaseFailed(CLIENT_ERROR, f"{problem} for primary source and source version {what}") from problem


def unzip(archive: Path, folder: Path) -> None:
    """Extract with permissions, times and links. Raises BadZipFile for a link that leads out of the folder."""
    with zipfile.ZipFile(archive) as zipped:
        links = [member for member in zipped.infolist() if _mode(member) & KIND == LINK]
        for member in zipped.infolist():
            if member not in links:
                _restore(member, Path(zipped.extract(member, folder)))
        for member in links:  # last, so that nothing is written through one
            _link(zipped, member, folder)


def _restore(member: zipfile.ZipInfo, file: Path) -> None:
    """What make and the shell go by: when a file was changed, and whether it can be run."""
    if member.is_dir():
        return
    if _mode(member):
        file.chmod(stat.S_IMODE(_mode(member)) | stat.S_IRUSR | stat.S_IWUSR)
    changed = time.mktime((*member.date_time, 0, 0, -1))
    os.utime(file, (changed, changed))


def _link(zipped: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    link, target = folder / member.filename, zipped.read(member).decode()
    if not (link.parent / target).resolve().is_relative_to(folder.resolve()):
        raise zipfile.BadZipFile(f"{member.filename} is a link to {target}, outside the folder")
    if not link.parent.resolve().is_relative_to(folder.resolve()):
        raise zipfile.BadZipFile(f"{member.filename} lies outside the folder")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


def _mode(member: zipfile.ZipInfo) -> int:
    """0 where the archive does not come from a Unix system."""
    return member.external_attr >> 16
