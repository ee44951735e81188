"""What callers may send: one model per request, with addresses and names brought into one form."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from api.identity import Role

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _plain(text: str) -> str:
    # PostgreSQL cannot store NUL, and no name holds the others.
    if _CONTROL.search(text):
        raise PydanticCustomError("control_character", "Control characters are not allowed.")
    return text


def _address(text: str) -> str:
    email = unicodedata.normalize("NFKC", text).strip().lower()
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise PydanticCustomError("email", "Enter an email address like name@example.org.")
    return email


Plain = Annotated[str, AfterValidator(_plain)]
Email = Annotated[Plain, AfterValidator(_address)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_plain)]
# Longer than any accepted password; the rule for new ones is in `strength`.
Password = Annotated[Plain, StringConstraints(max_length=4096)]
RefreshToken = Annotated[str, StringConstraints(max_length=256)]
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Registration(Form):
    email: Email
    password: Password
    first_name: Name
    last_name: Name


class Login(Form):
    email: Email
    password: Password


class Refresh(Form):
    """Pages send the cookie instead."""

    refresh_token: RefreshToken | None = None


class Verification(Form):
    token: Annotated[str, StringConstraints(max_length=8192)]


class ProfileChange(Form):
    """What is absent or null stays. A new `password` needs `current_password`."""

    first_name: Name | None = None
    last_name: Name | None = None
    email: Email | None = None
    password: Password | None = None
    current_password: Password | None = None


class StandingChange(Form):
    role: Role | None = None
    disabled: bool | None = None


class NewOperator(Form):
    email: Email


class Ids(BaseModel):
    """`?ids=1,2,3`"""

    model_config = ConfigDict(extra="forbid")
    ids: Annotated[list[Id], BeforeValidator(lambda text: text.split(",") if text else [])]


class UserSearch(BaseModel):
    model_config = ConfigDict(extra="forbid")
    query: Annotated[Plain, StringConstraints(max_length=254)] = ""
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, Field(ge=1, le=100)] = 50
