"""What an uploader says of a video, from a form, tus metadata or JSON: checked here, whatever way it came."""

import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

MAX_TITLE = 255
MAX_PRICE = 100_000
MAX_PREVIEW_MS = 3_600_000
_LINE_BREAKS = "\n\r\t"

Visibility = Literal["public", "unlisted", "private"]


def _printable(text: str) -> str:
    if any(unicodedata.category(c) == "Cc" and c not in _LINE_BREAKS for c in text):
        raise ValueError("must not contain control characters")
    return text


def _one_line(text: str) -> str:
    if any(c in _LINE_BREAKS for c in text):
        raise ValueError("must be one line")
    return _printable(text)


Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TITLE), AfterValidator(_one_line)
]
Category = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), AfterValidator(_one_line)]
Description = Annotated[str, StringConstraints(max_length=5000), AfterValidator(_printable)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40), AfterValidator(_one_line)]
Filename = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1024), AfterValidator(_one_line)]


class VideoFields(BaseModel):
    """A new video. Numbers may be text, as forms send them. `level_sound`: bring it to the common loudness.

    The film's first `preview_ms` are free to watch.
    """

    model_config = ConfigDict(extra="forbid")

    title: Title
    filename: Filename = ""
    description: Description = ""
    category: Category = ""
    price_per_minute: int = Field(default=0, ge=0, le=MAX_PRICE)
    preview_ms: int = Field(default=0, ge=0, le=MAX_PREVIEW_MS)
    visibility: Visibility = "public"
    level_sound: bool = True


class VideoChange(BaseModel):
    """What is absent stays as it is; `level_sound` bears on what is encoded from then on, prices on who comes then."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: Title | None = None
    description: Description | None = None
    category: Category | None = None
    price_per_minute: int | None = Field(default=None, ge=0, le=MAX_PRICE)
    preview_ms: int | None = Field(default=None, ge=0, le=MAX_PREVIEW_MS)
    visibility: Visibility | None = None
    level_sound: bool | None = None


def from_metadata(metadata: dict[str, str]) -> dict[str, str]:
    """Fields among tus metadata; keys that clients add for themselves are passed over. The file may lend its name."""
    given = {name: metadata[name] for name in VideoFields.model_fields if name in metadata}
    if not given.get("title", "").strip() and (name := base_name(given.get("filename", ""))):
        given["title"] = (name.rpartition(".")[0] or name)[:MAX_TITLE]
    return given


def base_name(filename: str) -> str:
    """The last part of a path of any system, as long as its column is; only ever a label."""
    return filename.replace("\\", "/").rpartition("/")[2].strip()[-255:]


def folded(text: str) -> str:
    """Text as it is compared in searches: compatible forms, without case, on any server locale."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def search_text(title: str, description: str, category: str) -> str:
    return folded(f"{title}\n{category}\n{description}")


def search_patterns(query: str) -> list[str]:
    """A LIKE pattern for each word; all of them must match."""
    return ["%" + _escaped(word) + "%" for word in folded(query).split()]


def _escaped(word: str) -> str:
    return word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
