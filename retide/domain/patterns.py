"""Regular expressions as RE2 reads them, which every row can be held to in linear time: what is outside is refused."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 500  # characters
LARGEST: Final = 1_000  # single steps, when everything that is repeated is written out: RE2's own bound on counts
DEEPEST: Final = 20
MEMBER: Final = r"\\[dDwWsStnrfv]|\\[!-/:-@\[-`{-~]|[^\\\[\]]"
ESCAPE: Final = re.compile(r"\\(?:[dDwWsSbBAztnrfv]|([pP])[LNPSZMC]|[!-/:-@\[-`{-~])")
CLASS: Final = re.compile(rf"\[\^?(?:{MEMBER})+\]")
RANGE: Final = re.compile(rf"({MEMBER})(?:-({MEMBER}))?")
GROUP: Final = re.compile(r"\((?:\?:|\?i:|\?P<[A-Za-z]\w*>|(?!\?))")
REPEAT: Final = re.compile(r"(?:[*+?]|\{(\d{1,4})(,(\d{1,4})?)?\})\??")
SPECIAL: Final = frozenset("*+?{}[]()|\\")
UNICODE_CLASS: Final = 10  # steps: it is spelt out in bytes
ADVICE: Final = {
    "\\": "RE2 does not know this escape, nor back-references; it knows \\d \\w \\s \\b \\pL, and signs",
    "[": "this class cannot be read: it needs an end, and [ \\ ] within it a backslash before them",
    "(": "RE2 knows groups as (…), (?:…), (?i:…) and (?P<name>…), and no look-around",
    ")": "this bracket closes nothing; write \\) for the sign itself",
    "{": "a repetition looks like {2}, {2,} or {2,5}; write \\{ for the sign itself",
}


class PatternError(ValueError):
    """A pattern that cannot be used; `position` is the character, from 0, where it goes wrong."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def check_pattern(pattern: str) -> None:
    """Raises PatternError with the place of what RE2 cannot do, or not in bounded memory."""
    if len(pattern) > LONGEST:
        raise PatternError(f"has {len(pattern):,} characters, more than {LONGEST}", LONGEST)
    if not pattern.isprintable():
        place = next(place for place, sign in enumerate(pattern) if not sign.isprintable())
        raise PatternError("holds a character that cannot be seen; write it as an escape such as \\t", place)
    reader = _Reader(pattern)
    reader.alternatives(0)
    if reader.place < len(pattern):
        raise PatternError(ADVICE[")"], reader.place)


class _Reader:
    """Recursive descent; each level answers how many steps it takes when its repetitions are written out."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.place = 0

    def alternatives(self, depth: int) -> int:
        if depth > DEEPEST:
            raise PatternError(f"is nested more than {DEEPEST} deep", self.place)
        steps = self._sequence(depth)
        while self._pattern.startswith("|", self.place):
            self.place += 1
            steps += self._sequence(depth)
        return steps

    def _sequence(self, depth: int) -> int:
        steps = 0
        while self.place < len(self._pattern) and self._pattern[self.place] not in "|)":
            start = self.place
            steps += self._atom(depth) * self._times()
            if steps > LARGEST:
                raise PatternError(f"takes more than {LARGEST:,} steps with its repetitions written out", start)
        return steps

    def _atom(self, depth: int) -> int:
        sign = self._pattern[self.place]
        if sign == "(":
            return self._group(depth)
        if sign == "[":
            return self._class()
        if sign == "\\":
            return UNICODE_CLASS if self._match(ESCAPE)[1] else 1
        if sign in SPECIAL:
            raise PatternError(ADVICE.get(sign, f"{sign} has nothing before it to repeat; write \\{sign}"), self.place)
        self.place += 1
        return 1

    def _group(self, depth: int) -> int:
        start = self.place
        self._match(GROUP)
        steps = self.alternatives(depth + 1)
        if not self._pattern.startswith(")", self.place):
            raise PatternError("this bracket has no end; write \\( for the sign itself", start)
        self.place += 1
        return max(steps, 1)

    def _class(self) -> int:
        start = self.place
        found = self._match(CLASS)[0]
        for members in RANGE.finditer(found[1:-1].removeprefix("^")):
            low, high = members[1], members[2]
            if high is not None and not 0 <= _code(low) <= _code(high):
                raise PatternError(f"{low}-{high} is no range of characters; write \\- for the sign itself", start)
        return 1

    def _times(self) -> int:
        """How often what stands before is repeated, at most; once where nothing bounds it."""
        start, found = self.place, REPEAT.match(self._pattern, self.place)
        if found is None:
            return 1
        self.place = found.end()
        if REPEAT.match(self._pattern, self.place):
            raise PatternError("this repetition repeats a repetition; put brackets around the first", self.place)
        least = int(found[1] or 1)
        most = int(found[3]) if found[3] else least
        if most < least:
            raise PatternError(f"{found[0]} ends below where it begins", start)
        return max(least, most, 1)

    def _match(self, wanted: re.Pattern[str]) -> re.Match[str]:
        found = wanted.match(self._pattern, self.place)
        if found is None:
            raise PatternError(ADVICE[self._pattern[self.place]], self.place)
        self.place = found.end()
        return found


def _code(member: str) -> int:
    """The place of a character in Unicode; -1 for a class of them."""
    if len(member) == 1:
        return ord(member)
    named = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
    return -1 if member[1] in "dDwWsS" else named.get(member[1], ord(member[1]))
