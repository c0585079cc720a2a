"""The git host: repositories, what a push says to the person who pushes, and what the cloud hears of it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from retide.local.clock import Clock
from retide.local.cloud import LocalCloud
from retide.local.git import GitHost
from retide.local.git.pushes import Push, RefKind
from retide.local.git.repositories import NOTHING, Repositories
from retide.local.interfaces import Json, Settings
from tests.contract.local_codepipeline.bench import Checkout

NAME = "team/model"


class Host:
    """The git host without a cloud around it; keeps the pushes that it tells of."""

    def __init__(self, home: Path) -> None:
        clock = Clock(0)
        self.git = GitHost(Settings(home, "http://127.0.0.1:1", {}, clock))
        self.heard: list[Push] = []
        self.git.listen(self._hear)
        self.repository = self.git.repositories.create(NAME)
        self.checkout = Checkout(home / "checkout", self.repository.path)

    def _hear(self, push: Push) -> str:
        self.heard.append(push)
        return "heard"

    def tell(self, ref: str, before: str, after: str) -> str:
        body = {"repository": NAME, "ref": ref, "before": before, "after": after}
        return str(self.post("/_retide/pushes", body)["message"])

    def post(self, path: str, body: object) -> Json:
        status, answer = self.git.routes[path]("POST", "", json.dumps(body).encode())
        assert status == 200
        return answer


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "home")


def test_a_repository_is_made_once_and_kept(host: Host) -> None:
    commit = host.checkout.commit("a")
    host.checkout.push()

    again = host.post("/_retide/repositories", {"repository": NAME})

    assert again == {"repository": NAME, "path": str(host.repository.path)}
    assert host.repository.head("main") == commit
    status, listed = host.git.routes["/_retide/repositories"]("GET", "", b"")
    assert (status, listed) == (200, {"repositories": [again]})


@pytest.mark.parametrize("name", ["model", "team/", "../x", "team/../x", "team/a b", "-x/y", "team/x.git", ".a/b", ""])
def test_a_name_that_is_no_repository_is_refused(host: Host, name: str) -> None:
    with pytest.raises(ValueError, match="it must look like owner/name"):
        host.post("/_retide/repositories", {"repository": name})


@pytest.mark.parametrize("body", [{}, {"repository": 1}, {"repository": NAME, "more": "x"}, [], "x"])
def test_a_request_of_another_form_is_refused(host: Host, body: object) -> None:
    with pytest.raises(ValueError, match="POST a JSON object with the texts repository"):
        host.post("/_retide/repositories", body)


def test_a_push_to_no_repository_is_refused(host: Host) -> None:
    body = {"repository": "team/other", "ref": "refs/heads/main", "before": NOTHING, "after": NOTHING}
    with pytest.raises(ValueError, match="there is no repository 'team/other'"):
        host.post("/_retide/pushes", body)


def test_a_first_push_changes_all_files(host: Host) -> None:
    commit = host.checkout.commit("a", "folder/ä b.txt")
    host.checkout.push()

    assert host.tell("refs/heads/main", NOTHING, commit) == "heard"
    assert host.heard == [Push(NAME, RefKind.BRANCH, "main", commit, ("a", "folder/ä b.txt"))]


def test_a_push_of_fifty_commits_is_one_push_of_all_that_differs(host: Host) -> None:
    before = host.checkout.commit("a")
    for number in range(50):
        after = host.checkout.commit(f"file{number:02}")
    host.checkout.push()
    host.tell("refs/heads/main", before, after)

    (push,) = host.heard
    assert push.commit == after
    assert push.files == tuple(f"file{number:02}" for number in range(50))


def test_a_file_that_moved_counts_at_both_places(host: Host) -> None:
    before = host.checkout.commit("src/a")
    host.checkout.git("mv", "src/a", "docs.md")
    after = host.checkout.commit()
    host.checkout.push()
    host.tell("refs/heads/main", before, after)

    assert host.heard[0].files == ("docs.md", "src/a")


def test_a_forced_push_is_held_against_what_was_there(host: Host) -> None:
    host.checkout.commit("a")
    before = host.checkout.commit("b")
    host.checkout.push()
    host.checkout.git("reset", "--quiet", "--hard", "HEAD~1")
    after = host.checkout.commit("c")
    host.checkout.push("main", "--force")
    host.tell("refs/heads/main", before, after)

    assert host.heard[0].files == ("b", "c")
    assert host.repository.commit(before) is not None


def test_a_deleted_branch_and_a_foreign_ref_start_nothing(host: Host) -> None:
    commit = host.checkout.commit("a")
    host.checkout.push()

    assert host.tell("refs/heads/old", commit, NOTHING) == "nothing starts: refs/heads/old was deleted"
    assert "neither a branch nor a tag" in host.tell("refs/notes/commits", NOTHING, commit)
    assert host.heard == []


def test_a_tag_tells_of_the_commit_that_it_marks(host: Host) -> None:
    commit = host.checkout.commit("a")
    host.checkout.git("tag", "-a", "v1", "-m", "one")
    host.checkout.git("push", "--quiet", "origin", "v1")
    host.tell("refs/tags/v1", NOTHING, host.checkout.git("rev-parse", "v1"))

    assert (host.heard[0].kind, host.heard[0].name, host.heard[0].commit) == (RefKind.TAG, "v1", commit)


def test_a_tag_of_no_commit_starts_nothing(host: Host) -> None:
    host.checkout.commit("a")
    blob = host.checkout.git("rev-parse", "HEAD:a")
    host.checkout.git("tag", "thing", blob)
    host.checkout.git("push", "--quiet", "origin", "thing")

    assert host.tell("refs/tags/thing", NOTHING, blob) == "nothing starts: refs/tags/thing points to no commit"


def test_a_commit_is_told_with_its_author_and_message(host: Host) -> None:
    host.checkout.commit("a", message="First line\n\nSecond «paragraph»")
    host.checkout.push()

    commit = host.repository.commit("refs/heads/main")
    assert commit is not None
    assert commit.message == "First line\n\nSecond «paragraph»"
    assert "T" in commit.author_date
    assert host.repository.commit("f" * 40) is None
    assert host.repository.commit("--help") is None


def pushed(checkout: Checkout, *words: str) -> tuple[int, str]:
    """Git push with nothing of this project's environment: its end, and what the hook said."""
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(checkout.folder)}
    command = ["git", "push", *words]
    done = subprocess.run(command, cwd=checkout.folder, env=environment, capture_output=True, text=True, check=False)
    said = [line.removeprefix("remote: ").rstrip() for line in done.stderr.splitlines() if line.startswith("remote: ")]
    return done.returncode, "\n".join(said)


def test_a_push_while_no_cloud_runs_arrives_and_says_what_to_do(host: Host) -> None:
    commit = host.checkout.commit("a")

    assert pushed(host.checkout, "origin", "main") == (
        0,
        "nothing starts: no local cloud runs here. Start it, make its pipeline, and the newest commit is built",
    )
    assert host.repository.head("main") == commit


def test_a_note_of_a_cloud_that_is_gone_changes_nothing(host: Host, tmp_path: Path) -> None:
    (tmp_path / "home" / "cloud.json").write_text('{"port": 1, "pid": 1, "born": 0, "reaper": 1}')
    host.checkout.commit("a")

    code, said = pushed(host.checkout, "origin", "main")
    assert (code, said.partition(":")[0]) == (0, "nothing starts")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a running cloud."""
    home = tmp_path_factory.mktemp("git") / "a home"
    cloud = LocalCloud(home, {}, wait_scale=0.0, bound=True)
    cloud.start()
    yield home.resolve()
    cloud.stop()


def test_several_refs_in_one_push_are_told_one_by_one(cloud: Path, tmp_path: Path) -> None:
    repository = Repositories(cloud / "git").create("team/several")
    checkout = Checkout(tmp_path / "checkout", repository.path)
    checkout.commit("a")
    checkout.git("tag", "v1")
    checkout.git("branch", "other")

    assert pushed(checkout, "origin", "main", "other", "v1") == (
        0,
        "\n".join(["nothing starts: no pipeline has a source in team/several"] * 3),
    )
    assert pushed(checkout, "--delete", "origin", "other") == (0, "nothing starts: refs/heads/other was deleted")


def test_a_repository_that_the_cloud_does_not_know_answers_in_words(cloud: Path, tmp_path: Path) -> None:
    repository = Repositories(cloud / "git").create("team/moved")
    checkout = Checkout(tmp_path / "checkout", repository.path)
    checkout.commit("a")
    moved = repository.path.with_name("strange name.git")
    repository.path.rename(moved)

    code, said = pushed(checkout, str(moved), "main")
    assert (code, said) == (
        0,
        "/_retide/pushes: there is no repository 'team/strange name': make it with /_retide/repositories",
    )


def test_the_hook_needs_no_virtual_environment(host: Host) -> None:
    hook = (host.repository.path / "hooks" / "post-receive").read_text()

    assert ".venv" not in hook
    assert os.access(host.repository.path / "hooks" / "post-receive", os.X_OK)
