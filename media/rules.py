"""The register of conformance rules: every rule is a function of a film that yields one sentence per violation.

Ids: APL- are Apple's HLS authoring rules by number, RFC- those of RFC 8216 and its second edition, PLAN- our own
promises: what was published early came true, and files are what the plan says.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from media.film import Film

MOST_FINDINGS = 50  # of one rule: the first ones tell what is wrong
MOST_CHARACTERS = 300

Findings = Iterator[str]
Rule = Callable[[Film], Findings]
RULES: dict[str, Rule] = {}  # must: a film that breaks one is not published
NOTES: dict[str, Rule] = {}  # should: said in the report


def rule(number: str) -> Callable[[Rule], Rule]:
    """A rule that must hold."""
    return _into(RULES, number)


def note(number: str) -> Callable[[Rule], Rule]:
    """A rule that should hold."""
    return _into(NOTES, number)


def _into(register: dict[str, Rule], number: str) -> Callable[[Rule], Rule]:
    def add(function: Rule) -> Rule:
        if number in register:
            raise ValueError(f"two rules {number}")
        register[number] = function
        return function

    return add


def judge(register: dict[str, Rule], film: Film) -> list[dict[str, str]]:
    """Every violation of every rule, as many as help."""
    return [{"rule": number, "finding": sentence} for number in register for sentence in _of(register[number], film)]


def _of(find: Rule, film: Film) -> list[str]:
    found: list[str] = []
    try:
        for sentence in islice(find(film), MOST_FINDINGS):
            found.append(_readable(sentence))
    except (ValueError, LookupError, ArithmeticError) as error:
        found.append(_readable(f"this cannot be judged: {error!r}"))
    return found


def _readable(sentence: str) -> str:
    """Short, and without half characters that no JSON holds."""
    return sentence[:MOST_CHARACTERS].encode(errors="replace").decode()
