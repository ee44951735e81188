"""The media token: what it carries, how it is read, and that nothing else is read."""

import string
from hashlib import sha256

import itsdangerous
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.streaming import token

OLD, NEW = "o" * 40, "n" * 40
SID = "0123456789abcdef" * 2
SIGNER = token.make_signer(NEW)


def written(video_id: int = 7, expires_s: int = 1_900_000_000) -> str:
    return token.write(SIGNER, token.Token(SID, video_id, expires_s))


def test_a_token_reads_back_as_it_was_written() -> None:
    assert token.parse(SIGNER, written()) == token.Token(SID, 7, 1_900_000_000)


def test_a_token_needs_no_escaping_in_a_path() -> None:
    assert set(written()) <= set(string.ascii_letters + string.digits + "._-")


@pytest.mark.parametrize(
    ("duration_ms", "life_s"),
    [(0, 900), (60_000, 1020), (7_200_000, 15_300), (48 * 3_600_000, 43_200)],
)
def test_a_token_lasts_twice_the_film_and_a_pause_but_half_a_day_at_most(duration_ms: int, life_s: int) -> None:
    assert token.issue(SID, 7, duration_ms, 1_000_000_000.9).expires_s == 1_000_000_000 + life_s


def test_tokens_of_an_older_secret_are_read_and_the_newest_secret_signs() -> None:
    rotated, old = token.make_signer(f"{NEW},{OLD}"), token.make_signer(OLD)
    given_before = token.write(old, token.Token(SID, 7, 1_900_000_000))
    assert token.parse(rotated, given_before).video_id == 7
    assert token.write(rotated, token.Token(SID, 7, 1_900_000_000)) == written()


def test_a_token_names_its_secret_and_an_unknown_name_is_a_forgery() -> None:
    kid = written().split(".")[3]
    assert kid == token.kid(NEW) != token.kid(OLD)
    rotated = token.make_signer(f"{NEW},{OLD}")
    for other in (token.kid(OLD), "0" * 8):
        with pytest.raises(token.Forged):
            token.parse(rotated, written().replace(kid, other))


def test_tokens_from_before_secrets_had_names_are_read_while_their_secret_is_listed() -> None:
    text = f"{SID}.7.1900000000"
    for secret in (NEW, OLD):
        unnamed = itsdangerous.Signer(secret, salt="streamify.media", digest_method=sha256).sign(text).decode()
        assert token.parse(token.make_signer(f"{NEW},{OLD}"), unnamed) == token.Token(SID, 7, 1_900_000_000)
        with pytest.raises(token.Forged):
            token.parse(token.make_signer("x" * 40), unnamed)


def test_a_retired_secret_is_read_no_more() -> None:
    with pytest.raises(token.Forged):
        token.parse(token.make_signer(OLD), written())


def test_one_changed_character_anywhere_is_a_forgery() -> None:
    text = written()
    for place in range(len(text)):
        for other in set("0aAfz9._-~/%\n") - {text[place]}:
            with pytest.raises(token.Forged):
                token.parse(SIGNER, text[:place] + other + text[place + 1 :])


def test_a_signature_has_one_spelling() -> None:
    text = written()
    for last in set(string.ascii_letters + string.digits + "-_") - {text[-1]}:
        with pytest.raises(token.Forged):
            token.parse(SIGNER, text[:-1] + last)


@pytest.mark.parametrize("change", ["{}=", "{}\n", " {}", "{}.", ".{}", "{}\x00", "{0}{0}", "x{}"])
def test_nothing_may_stand_around_a_token(change: str) -> None:
    with pytest.raises(token.Forged):
        token.parse(SIGNER, change.format(written()))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_other_text_is_a_forgery(text: str) -> None:
    with pytest.raises(token.Forged):
        token.parse(SIGNER, text)
