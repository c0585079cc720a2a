"""Pages of names, as CodeBuild's List operations give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from retide.local.codebuild.errors import invalid_input
from retide.local.interfaces import Json

PAGE: Final = 100


def page(member: str, names: Sequence[str], request: Json) -> Json:
    """The page after the one whose last name is the request's nextToken."""
    start = 0
    if token := request.get("nextToken"):
        if token not in names:
            raise invalid_input("nextToken is not one that this list has given")
        start = names.index(token) + 1
    answer: Json = {member: list(names[start : start + PAGE])}
    if len(names) > start + PAGE:
        answer["nextToken"] = names[start + PAGE - 1]
    return answer
