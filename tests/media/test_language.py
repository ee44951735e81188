"""Languages as playlists want them."""

import pytest

from media.language import language_name, language_tag


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        ("eng", "en"),
        ("ger", "de"),
        ("deu", "de"),
        ("DE_at", "de-at"),
        ("pt-BR", "pt-br"),
        ("gsw", "gsw"),
        ("", "und"),
        ("und", "und"),
        ("english", "und"),
        ('e"', "und"),
        ("en\n", "en"),
        ("a-b", "und"),
    ],
)
def test_words_of_containers_become_tags(word: str, tag: str) -> None:
    assert language_tag(word) == tag


def test_names_are_those_of_the_speakers() -> None:
    assert [language_name(tag) for tag in ("fr", "pt-br", "vi", "und")] == ["Français", "Português", "Tiếng Việt", ""]
