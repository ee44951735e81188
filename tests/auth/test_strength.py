"""Which passwords are refused, as a table of cases."""

import pytest

from api.auth.strength import common_passwords, weakness

EMAIL = "johnsmith@example.org"


@pytest.mark.parametrize(
    "password",
    ["quiet harbour", "x7#kQ2pLm9", "пароль-и-ещё", "tr0ub4dor&3xyz", "é" * 5 + "abcdef", "johnsmith sails far away"],
)
def test_a_varied_password_is_accepted(password: str) -> None:
    assert weakness(password, EMAIL) is None


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "at least 10"),
        ("x7#kQ2pLm", "at least 10"),
        ("x7#kQ2pLm" + "z9" * 508, "at most 1024 bytes"),
        ("é" * 513 + "abcd", "at most 1024 bytes"),
        ("aaaaaaaaaaaa", "repeats"),
        ("121212121212", "repeats"),
        ("Harbour7Harbour7", "repeats"),
        ("abcdefghijkl", "guessed"),
        ("9876543210", "guessed"),
        ("qwertyuiop", "guessed"),
        ("Password123", "guessed"),
        ("PASSWORD123!!", "guessed"),
        ("1q2w3e4r5t6y", "guessed"),
        ("johnsmith@example.org", "email"),
        ("JohnSmith1990", "email"),
    ],
)
def test_a_guessable_password_is_refused_with_the_reason(password: str, reason: str) -> None:
    assert reason in (weakness(password, EMAIL) or "accepted")


def test_every_listed_password_is_needed_and_refused() -> None:
    listed = common_passwords()
    assert len(listed) > 300
    assert all(word == word.lower().rstrip("!?.") and len(word) >= 10 for word in listed)
    assert [word for word in listed if "guessed" not in (weakness(word, EMAIL) or "")] == []
