"""Where settings come from, and what is said when one makes no sense."""

from pathlib import Path

import pytest

from api.settings import SERVICES, SettingsError, load

SECRET = "x" * 40


def test_the_environment_is_stronger_than_the_home_and_the_home_than_the_default(tmp_path: Path) -> None:
    (tmp_path / "secrets.env").write_text(f"JWT_SECRET={SECRET}\nCURRENCY=EUR\n")
    settings = load({"STREAMIFY_HOME": str(tmp_path), "CURRENCY": "NOK"})
    assert (settings.text("CURRENCY"), settings.secret("JWT_SECRET")) == ("NOK", SECRET)
    assert settings.text("MAX_SESSIONS") == "3"


def test_ports_follow_from_the_base(tmp_path: Path) -> None:
    settings = load({"STREAMIFY_HOME": str(tmp_path), "PORT_BASE": "4001", "POSTGRES_PASSWORD": SECRET})
    assert [settings.port(name) for name in SERVICES] == [4001, 4002, 4003, 4004, 4005]
    assert settings.service_url("videos") == "http://127.0.0.1:4002"
    assert "@127.0.0.1:4006/streamify_video" in settings.database_url("videos")


@pytest.mark.parametrize("weak", ["", "short", f"{SECRET},short"])
def test_a_weak_secret_is_refused(tmp_path: Path, weak: str) -> None:
    settings = load({"STREAMIFY_HOME": str(tmp_path), "TOKEN_SECRET": weak})
    with pytest.raises(SettingsError, match="TOKEN_SECRET must be set to at least 32"):
        settings.secret("TOKEN_SECRET")


def test_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="MAX_SESSIONS must be a whole number, not 'many'"):
        load({"STREAMIFY_HOME": str(tmp_path), "MAX_SESSIONS": "many"}).number("MAX_SESSIONS")


def test_a_port_that_is_no_number_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="PORT_BASE must be a whole number"):
        load({"STREAMIFY_HOME": str(tmp_path), "PORT_BASE": "http"})


def test_a_name_outside_the_table_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not in the settings table"):
        load({"STREAMIFY_HOME": str(tmp_path)}).text("FAVOURITE_COLOUR")
