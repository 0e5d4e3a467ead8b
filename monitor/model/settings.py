"""The configuration as frozen values, already checked; `monitor.config` reads them from config.toml.

Durations are float seconds; paths are as the file gives them, resolved against the file's own folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from monitor.model.alert_policy import AlertPolicy
from monitor.model.history_place import HistoryPlace
from monitor.model.language import Language
from monitor.model.prefix import Prefix, parse_prefix
from monitor.model.target import Control, Target, Vantage


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySettings:
    """The store: where it is, and how many days facts, the roll-up of minutes and that of five minutes are kept.

    Incidents are kept as long as the longest of them.
    """

    place: HistoryPlace = Path("data/whydown.db")
    keep_days: int = 30
    keep_minutes_days: int = 90
    keep_five_minutes_days: int = 400

    @property
    def folder(self) -> Path:
        """Where the files are that go with it."""
        return self.place.parent if isinstance(self.place, Path) else Path("data")


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSettings:
    """Whom to ask. `resolvers`: "system", addresses (with optional port, `[2001:db8::1]:53`), or
    `tls://ADDRESS#NAME` and `https://ADDRESS/PATH#NAME`.

    `start`: where the search for a zone's own servers begins; empty: at the root's. `dnssec`: whether each
    answer's chain of trust is checked from the root's trust anchor.
    """

    resolvers: tuple[str, ...] = ("system",)
    authoritative: bool = True
    start: tuple[str, ...] = ()
    dnssec: bool = False
    interval_s: float = 60.0
    timeout_s: float = 5.0


class TraceMethod(StrEnum):
    """What a traceroute sends: TCP SYNs to the service port, ICMP echo requests, or UDP."""

    TCP = "tcp"
    ICMP = "icmp"
    UDP = "udp"


@dataclass(frozen=True, slots=True, kw_only=True)
class TracerouteSettings:
    """How often and how to trace. `enabled` False: never. `rate`: packets a second, all traces together.

    `flows`: the most traces that get to know the ways to one address; 1: one flow, for ever.
    """

    enabled: bool = True
    interval_s: float = 300.0
    method: TraceMethod = TraceMethod.TCP
    max_hops: int = 30
    timeout_s: float = 10.0
    flows: int = 16
    rate: int = 200


class BgpSourceKind(StrEnum):
    """Where route events come from."""

    RIS_LIVE = "ris-live"
    MRT = "mrt"
    BMP = "bmp"


class RisLiveTransport(StrEnum):
    """How RIS Live is reached: `auto` is the websocket, and the HTTP stream where that cannot be had."""

    AUTO = "auto"
    WEBSOCKET = "websocket"
    HTTP = "http"


@dataclass(frozen=True, slots=True, kw_only=True)
class BgpSource:
    """One feed. ris-live: `url` of the websocket, `host` one collector or None for all. mrt: `path` glob.

    The HTTP stream of a RIS Live is taken to be beside its websocket: `…/stream/` for `…/ws/`. bmp: `listen` is
    where routers connect to, `senders` are the networks that they may do so from.
    """

    kind: BgpSourceKind
    name: str
    url: str = "wss://ris-live.ripe.net/v1/ws/"
    host: str | None = None
    transport: RisLiveTransport = RisLiveTransport.AUTO
    path: str | None = None
    listen: str = "127.0.0.1:11019"
    senders: tuple[Prefix, ...] = (parse_prefix("127.0.0.0/8"), parse_prefix("::1/128"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RpkiSettings:
    """VRPs in rpki-client or Routinator JSON: a file or an http(s) URL; None: validity is unknown.

    Older than `max_age_s`, by the validator's own word, they stay in force and are said to be stale.
    """

    vrps: str | None = None
    refresh_s: float = 1800.0
    max_age_s: float = 21_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixToAsSettings:
    """Whose an address is. `path`: a table, or a pattern of dated ones; `exchanges`: exchange points' prefixes.

    `dns`: zone of a service that is asked about what no table maps, in the form of Team Cymru's; None: nobody.
    """

    path: Path | None = None
    exchanges: Path | None = None
    dns: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """Whom to tell by mail. `smtp`: `smtp://host:port`, `smtps://…`, or `smtp+starttls://user@host:port`.

    `password_file` holds the password of the user in `smtp`; secrets never stand in the file itself.
    """

    to: tuple[str, ...]
    smtp: str = "smtp://localhost:25"
    sender: str = "whydown@localhost"
    password_file: Path | None = None


class WebhookForm(StrEnum):
    """What is posted: our JSON, or what Slack, Mattermost and others show."""

    JSON = "json"
    SLACK = "slack"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """Where to post. `url_file` holds the URL where that is a secret; then `url` is empty."""

    name: str
    url: str = ""
    url_file: Path | None = None
    form: WebhookForm = WebhookForm.JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSettings:
    """What to run, without a shell, with the JSON on its standard input."""

    name: str
    run: tuple[str, ...]
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Who is told, and how. `timezone`: IANA name used in mails beside UTC.

    `rdap`: a server that is asked how the networks at fault are reached; None: nobody is.
    """

    mail: MailSettings | None = None
    webhooks: tuple[WebhookSettings, ...] = ()
    commands: tuple[CommandSettings, ...] = ()
    language: Language = Language.EN
    rdap: str | None = None
    policy: AlertPolicy = field(default_factory=AlertPolicy)
    timezone: str = "UTC"

    @property
    def hooks(self) -> tuple[str, ...]:
        """The names of webhooks and commands."""
        return tuple(hook.name for hook in self.webhooks) + tuple(hook.name for hook in self.commands)

    @property
    def tells_somebody(self) -> bool:
        """Whether there is anybody to tell."""
        return self.mail is not None or bool(self.webhooks or self.commands)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatSettings:
    """A URL elsewhere that is called by `method` every `interval_s` while an outage would be heard of."""

    url: str
    interval_s: float = 60.0
    method: str = "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostSettings:
    """Faster probing after a first anomaly or a route event: every `interval_s`, for `duration_s`."""

    interval_s: float = 5.0
    duration_s: float = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HubAccess:
    """An agent's hubs. `urls`: `https://HOST:PORT/`, a second one is the standby. `key_file`: the vantage's key.

    `ca_file`: authorities that vouch for the hubs, or the hub's own certificate; None: the system's. `allowed`:
    hosts that the hubs may have probed from here, as patterns of names (`*.example.com`) or prefixes; empty: all.
    `alone_after_s`: without a word of any hub for so long, an agent with mail settings alerts by itself.
    """

    urls: tuple[str, ...]
    key_file: Path
    ca_file: Path | None = None
    allowed: tuple[str, ...] = ()
    alone_after_s: float = 180.0  # longer than a hub's restart, and than a standby's takeover


@dataclass(frozen=True, slots=True, kw_only=True)
class HubIntake:
    """Where a hub takes facts from its agents: the address to listen on, its certificate and the key of that.

    `standby`: it alerts only while no agent hears its first hub.
    """

    listen: str
    certificate: Path
    certificate_key: Path
    standby: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BusSettings:
    """The brokers between the roles of a hub. `urls`: `nats://HOST:PORT` or `tls://…`, any of one cluster.

    `name`: what stream and subjects are called, so that two monitors can share a cluster. `user` with
    `password_file`: None, the brokers ask for nobody. `partitions`: into how many shares the targets are split;
    all roles must have the same. `replicas`: brokers that hold each fact. `keep_s`, `most_bytes`: how long and how
    much is held for a store that is away; beyond the bytes nothing more is taken in, and agents keep it.
    """

    urls: tuple[str, ...]
    name: str = "whydown"
    user: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    partitions: int = 16
    replicas: int = 3
    keep_s: float = 7 * 86400.0
    most_bytes: int = 4096 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """The dashboard: the address that it listens on, and how people reach it.

    `url`: what links begin with, `https://whydown.example.com`; its host may be asked for. `login_file`:
    lines `NAME:HASH` of those who may look; None: everybody who reaches it. `certificate` with `certificate_key`:
    it speaks TLS itself. `public`: that strangers may look was said in so many words.
    """

    listen: str
    url: str | None = None
    login_file: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None
    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolSettings:
    """What an agent keeps for its hubs: file, and its bounds, at which the oldest facts are thinned, then go.

    `keep_acknowledged_s`: what a hub has taken is kept for so long, in case that its brokers lose it again.
    """

    path: Path = Path("data/spool.db")
    most_bytes: int = 512 * 2**20
    most_age_s: float = 30 * 86400.0
    keep_acknowledged_s: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything the file says. `vantage` is this machine's name; `vantages` what is known of all of them."""

    vantage: str
    targets: tuple[Target, ...] = ()
    controls: tuple[Control, ...] = ()
    vantages: tuple[Vantage, ...] = ()
    history: HistorySettings = field(default_factory=HistorySettings)
    dns: DnsSettings = field(default_factory=DnsSettings)
    traceroute: TracerouteSettings = field(default_factory=TracerouteSettings)
    bgp: tuple[BgpSource, ...] = ()
    rpki: RpkiSettings = field(default_factory=RpkiSettings)
    prefix_to_as: PrefixToAsSettings = field(default_factory=PrefixToAsSettings)
    as_relationships: Path | None = None
    alert: AlertSettings = field(default_factory=AlertSettings)
    boost: BoostSettings = field(default_factory=BoostSettings)
    heartbeat: HeartbeatSettings | None = None
    """None: nobody waits for signs of life."""
    hub: HubAccess | None = None
    """Set at an agent: whom it sends to. Then the hub says what is probed."""
    intake: HubIntake | None = None
    """Set at a hub: how agents reach it."""
    bus: BusSettings | None = None
    """None: all roles of a hub are in one process."""
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    web: WebSettings | None = None
    """None: nobody is shown anything."""
    measures: str = "{}"
    """What the file says of targets, controls and how to probe, as JSON: what a hub hands to its agents."""
    source: Path | None = None
    """The file this came from; None when made by hand."""

    def target(self, name: str) -> Target | None:
        """The target of that name."""
        return next((target for target in self.targets if target.name == name), None)
