"""Transactions as CSV: exactly what was asked for, as RFC 4180 writes it, and nothing that a spreadsheet calculates."""

import csv
import io
from typing import Any

import pytest

from api.billing import sheets, statements
from tests.billing.scenes import OTHER, VIEWER, Scene, played
from tests.conftest import PlatformMaker


async def whole(scene: Scene, query: str = "", user: int = VIEWER) -> Any:
    path = f"/api/billing/transactions?format=csv{query}"
    return await scene.p.call("GET", "billing", path, token=scene.p.user(user))


async def rows(scene: Scene, query: str = "", user: int = VIEWER) -> list[dict[str, str]]:
    answered = await whole(scene, query, user)
    assert answered.status_code == 200, answered.text
    return list(csv.DictReader(io.StringIO(answered.text, newline="")))


async def history(platform: PlatformMaker) -> Scene:
    scene = Scene(await platform("billing"))
    await scene.deposit(amount=500)
    await scene.finished("a", 20_000)
    await scene.money("adjustments", {"user_id": VIEWER, "amount": 5, "reason": '=1+1, "so"'}, user=99, role="operator")
    return scene


async def test_the_table_holds_what_the_list_holds(platform: PlatformMaker) -> None:
    scene = await history(platform)
    listed = (await scene.told("transactions"))["items"]
    table = await rows(scene)
    assert [int(row["id"]) for row in table] == [item["id"] for item in listed]
    assert [int(row["amount_micros"]) for row in table] == [50_000, -20_000, 5_000_000]
    assert [row["transaction_type"] for row in table] == ["adjustment", "charge", "deposit"]
    assert [row["created_at"] for row in table] == [item["created_at"] for item in listed]
    assert {row["currency"] for row in table} == {"USD"}
    assert (table[1]["session_id"], table[1]["video_id"], table[2]["session_id"]) == ("a", "5", "")


async def test_it_is_a_file_in_the_form_of_rfc_4180(platform: PlatformMaker) -> None:
    answered = await whole(await history(platform))
    assert answered.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answered.headers["content-disposition"] == 'attachment; filename="transactions.csv"'
    assert answered.headers["cache-control"] == "no-store"
    assert answered.text.endswith("\r\n")
    assert answered.text.count("\n") == answered.text.count("\r\n") == 4
    assert ',"\'=1+1, ""so""",' in answered.text


async def test_filters_choose_the_same_rows_as_in_the_list(platform: PlatformMaker) -> None:
    scene = await history(platform)
    assert [row["transaction_type"] for row in await rows(scene, "&type=charge")] == ["charge"]
    begun = (await scene.told("transactions"))["items"][1]["created_at"].replace("+", "%2B")
    assert [row["transaction_type"] for row in await rows(scene, f"&from={begun}")] == ["adjustment", "charge"]
    assert [row["transaction_type"] for row in await rows(scene, f"&to={begun}")] == ["deposit"]
    assert await rows(scene, "&from=2000-01-01&to=2000-01-02") == []
    newest = (await rows(scene))[0]["id"]
    assert len(await rows(scene, f"&cursor={newest}")) == 2
    assert len(await rows(scene, "&limit=1")) == 1


async def test_a_history_longer_than_one_piece_is_whole(
    platform: PlatformMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "ROWS_AT_ONCE", 2)
    scene = Scene(await platform("billing"))
    for _ in range(4):
        await scene.deposit(amount=100)
    assert [row["balance_after"] for row in await rows(scene)] == ["400", "300", "200", "100"]
    assert [row["balance_after"] for row in await rows(scene, "&limit=3")] == ["400", "300", "200"]
    await scene.start("a")
    await scene.log(*played("a", 0, 20_000))
    assert len(await rows(scene)) == 5


async def test_nobody_gets_the_table_of_another(platform: PlatformMaker) -> None:
    scene = await history(platform)
    assert await rows(scene, user=OTHER) == []
    nobody = await scene.p.call("GET", "billing", "/api/billing/transactions?format=csv")
    assert (nobody.status_code, nobody.json()["code"]) == (401, "unauthenticated")
    wrong = await scene.p.call("GET", "billing", "/api/billing/transactions?format=xml", token=scene.p.user(VIEWER))
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "format")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "|calc", "%0a"])
def test_text_that_begins_like_a_formula_is_text(text: str) -> None:
    [[cell]] = list(csv.reader(io.StringIO(sheets.line([text]), newline="")))
    assert cell == f"'{text}"


@pytest.mark.parametrize("text", ["a,b", 'a"b', "a\r\nb", " a ", "plain", "a=1", "naïve ✓", ""])
def test_other_text_comes_back_as_it_was(text: str) -> None:
    [[cell, _]] = list(csv.reader(io.StringIO(sheets.line([text, None]), newline="")))
    assert cell == text


def test_numbers_below_zero_stay_numbers() -> None:
    assert sheets.line([-5, 0, None]) == "-5,0,\r\n"
