"""`up --demo`: two accounts with random passwords, funds, and a generated film that is worth looking at."""

import asyncio
import secrets
import subprocess
import uuid
from pathlib import Path
from typing import Any

import httpx2

from api import binaries
from api.clients import Clients
from api.settings import Settings

DEPOSIT = 2000
PRICE_PER_MINUTE = 5
TITLE = "Edges of the set"
LENGTH_S = 64

# Three scenes that dissolve into each other: a dive into the Mandelbrot set, drifting colours, cells that live and die.
_COLOURS = ("0x0B132B", "0x1C6E8C", "0x5BC0BE", "0xFFD166", "0xEF476F", "0x26547C")
_SCENES = (
    "mandelbrot=s=640x360:r=25:start_scale=2.6:end_scale=0.002:end_pts=640:maxiter=300:inner=black,hue=h=205:s=0.75",
    "gradients=s=640x360:r=25:n=6:speed=0.012:seed=11:type=spiral:"
    + ":".join(f"c{i}={colour}" for i, colour in enumerate(_COLOURS)),
    "life=s=320x180:r=25:mold=25:ratio=0.12:seed=4:death_color=0x1B3A6B:life_color=0xFFD166:mold_color=0x06121F",
)
_CHORDS = "0.16*(sin(2*PI*{a}*t)+0.7*sin(2*PI*{b}*t)+0.5*sin(2*PI*{c}*t))*(0.65+0.35*sin(2*PI*t/8))"


def film_command(ffmpeg: str, out: Path) -> list[str]:
    """The argument list that paints and sings the demo film: 64 s, 720p, H.264 and AAC."""
    inputs = [part for scene in _SCENES for part in ("-f", "lavfi", "-t", "24", "-i", scene)]
    chords = [_CHORDS.format(a=220, b=277.18, c=329.63), _CHORDS.format(a=174.61, b=220, c=261.63)]
    sound = f"aevalsrc='if(lt(mod(t,16),8),{chords[0]},{chords[1]})':s=48000:d={LENGTH_S}"
    fades = f"fade=in:st=0:d=1,fade=out:st={LENGTH_S - 2}:d=2[v]"
    graph = (
        "[0]scale=1280:720:flags=lanczos,setsar=1,format=yuv420p[a];"
        "[1]scale=1280:720:flags=bicubic,setsar=1,format=yuv420p[b];"
        "[2]scale=1280:720:flags=neighbor,setsar=1,format=yuv420p[c];"
        "[a][b]xfade=transition=radial:duration=4:offset=20[ab];[ab][c]xfade=transition=circleopen:duration=4:offset=40,"
        f"{fades};[3]aecho=0.8:0.7:350:0.3,afade=out:st={LENGTH_S - 3}:d=3[s]"
    )
    encode = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-c:a", "aac", "-b:a", "160k", "-ac", "2"]
    sound_input = ["-f", "lavfi", "-i", sound, "-filter_complex", graph, "-map", "[v]", "-map", "[s]"]
    end = ["-t", str(LENGTH_S), "-movflags", "+faststart", str(out)]
    return [ffmpeg, "-v", "error", "-y", "-nostdin", *inputs, *sound_input, *encode, *end]


async def fill(settings: Settings) -> None:
    """Make what a newcomer wants to see; a second call only signs in anew where the film is already there."""
    from api.analytics import demo as numbers  # noqa: PLC0415 - a service, which plumbing knows only here

    base = f"http://127.0.0.1:{settings.text('GATEWAY_PORT')}"
    async with httpx2.AsyncClient(base_url=base, timeout=120) as http, Clients(settings, "command") as clients:
        listed = (await http.get("/api/videos", params={"query": TITLE})).json()
        if listed["total"]:
            print("The demo film is already there.", flush=True)
            return
        print("Painting a demo film; that takes about a minute …", flush=True)
        path = settings.home / "control/demo.mp4"  # not where a link could wait for what root writes
        command = film_command(binaries.ffmpeg(), path)
        await asyncio.to_thread(subprocess.run, command, check=True)
        creator, creator_password = await _account(http, "creator", "Ada", "Maker")
        viewer, viewer_password = await _account(http, "viewer", "Vera", "Watcher")
        made = await clients.auth_make_operator(creator["user"]["email"])
        await _deposit(http, viewer["access_token"])
        video = await _upload(http, creator["access_token"], path)
        path.unlink()
    playbacks = await numbers.fill(settings, video["id"], video["uploaded_by"], LENGTH_S * 1000, PRICE_PER_MINUTE)
    print(f"  film      {base}/watch?v={video['id']}")
    print(f"  viewer    {viewer['user']['email']}  password {viewer_password}")
    print(f"  operator  {made.email}  password {creator_password}", flush=True)
    if playbacks:
        print(f"  numbers   {playbacks} playbacks of sample traffic, in {base}/studio and {base}/analytics", flush=True)


async def _account(http: httpx2.AsyncClient, role: str, first: str, last: str) -> tuple[dict[str, Any], str]:
    password = secrets.token_urlsafe(12)
    email = f"{role}-{secrets.token_hex(2)}@demo.example"
    body = {"email": email, "password": password, "first_name": first, "last_name": last}
    answer = await http.post("/api/auth/register", json=body)
    answer.raise_for_status()
    return answer.json(), password


async def _deposit(http: httpx2.AsyncClient, token: str) -> None:
    headers = {"authorization": f"Bearer {token}", "idempotency-key": str(uuid.uuid4())}
    (await http.post("/api/billing/deposit", json={"amount": DEPOSIT}, headers=headers)).raise_for_status()


async def _upload(http: httpx2.AsyncClient, token: str, path: Path) -> dict[str, Any]:
    fields = {
        "title": TITLE,
        "description": "A dive, a drift and a colony: painted by FFmpeg when this platform first started.",
        "category": "Demo",
        "price_per_minute": str(PRICE_PER_MINUTE),
    }
    with path.open("rb") as file:
        upload = {"file": ("edges-of-the-set.mp4", file, "video/mp4")}
        headers = {"authorization": f"Bearer {token}"}
        answer = await http.post("/api/videos", data=fields, files=upload, headers=headers)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
