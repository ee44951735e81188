"""Languages of tracks: the words containers use -> the tags playlists want (RFC 5646), and names people know."""

import re

UNKNOWN = "und"
TAG = re.compile(r"([a-z]{2,3})((?:-[a-z0-9]{2,8}){0,3})")

# Tag, name in the language itself, three-letter codes of ISO 639-2 (both forms where there are two).
_ROWS = """
ar العربية ara | bg Български bul | bn বাংলা ben | ca Català cat | cs Čeština cze ces | da Dansk dan
de Deutsch ger deu | el Ελληνικά gre ell | en English eng | es Español spa | et Eesti est | fa فارسی per fas
fi Suomi fin | fr Français fre fra | he עברית heb | hi हिन्दी hin | hr Hrvatski hrv | hu Magyar hun
id Indonesia ind | it Italiano ita | ja 日本語 jpn | ko 한국어 kor | lt Lietuvių lit | lv Latviešu lav
ms Melayu may msa | nl Nederlands dut nld | no Norsk nor | pl Polski pol | pt Português por | ro Română rum ron
ru Русский rus | sk Slovenčina slo slk | sl Slovenščina slv | sr Српски srp | sv Svenska swe | ta தமிழ் tam
te తెలుగు tel | th ไทย tha | tr Türkçe tur | uk Українська ukr | ur اردو urd | vi Tiếng_Việt vie | zh 中文 chi zho
"""
_LANGUAGES = [row.split() for row in _ROWS.replace("\n", "|").split("|") if row.strip()]
_SHORT = {code: tag for tag, _, *codes in _LANGUAGES for code in codes}
_NAMES = {tag: name.replace("_", " ") for tag, name, *_ in _LANGUAGES}


def language_tag(word: str) -> str:
    """`ger` and `de-AT` -> `de` and `de-at`; `und` for what makes no sense."""
    found = TAG.fullmatch(word.strip().lower().replace("_", "-"))
    if found is None:
        return UNKNOWN
    return _SHORT.get(found[1], found[1]) + found[2]


def language_name(tag: str) -> str:
    """What speakers call it; empty when we do not know."""
    return _NAMES.get(tag.partition("-")[0], "")
