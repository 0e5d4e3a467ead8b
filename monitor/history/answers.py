"""What the history answers: the values that its questions return, one JSON object each, tagged by `view`.

Times are Unix seconds UTC, durations seconds. A change that happens again and again (load balancing,
rotating answers) is one value with its `count`, not a flood.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from probes.observation import Failure, HttpObservation


class LatencyPoint(msgspec.Struct, frozen=True, gc=False):
    """The observations that were complete in the bucket starting at `at`. Percentiles None: none was measured."""

    at: float
    count: int
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None


class Latency(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="latency"):
    """One phase of the HTTP requests of one series over the window, and over time.

    `target` and `vantage` are None where the question put them together, `phase` is `total` where it did that.
    Percentiles are nearest-rank over every single measurement of the window, failed requests included as
    far as they got; a bucket's are over the bucket's. Buckets of whole minutes that begin at whole minutes are
    answered from the roll-ups, to within 2 % (`latency_scale`); others exactly.
    """

    target: str | None
    vantage: str | None
    phase: str
    count: int
    p50_s: float
    p95_s: float
    p99_s: float
    min_s: float
    max_s: float
    bucket_s: float
    points: tuple[LatencyPoint, ...] = ()


class HourOfSeries(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The medians of the phases of a target's requests from one vantage in one hour; hours count since 1970."""

    vantage: str
    hour: int
    medians_s: dict[str, float]


class Failures(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="failures"):
    """How often one failure word was seen in one series, out of how many observations of that kind."""

    target: str
    vantage: str
    kind: str
    failure: Failure
    count: int
    of: int
    first_at: float
    last_at: float


class Gap(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="not_measured"):
    """Rounds of one probe that were due and did not take place, by reason."""

    target: str
    vantage: str
    probe: str
    reason: str
    count: int
    first_at: float
    last_at: float


class PathChange(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="path"):
    """Traceroutes went from one path of addresses to another; None is a hop that never answered.

    `count`: how often a flow was seen to do so.
    """

    target: str
    vantage: str
    address: str | None
    method: str
    old: tuple[str | None, ...]
    new: tuple[str | None, ...]
    first_at: float
    last_at: float
    count: int = 1


class DnsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server said: return code, the answers sorted, the aliases in order."""

    rcode: str | None
    answers: tuple[str, ...]
    cnames: tuple[str, ...] = ()


class DnsChange(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="dns"):
    """A name server's answer to one question, asked from one vantage, went from one to another."""

    target: str
    vantage: str
    server: str
    role: str
    name: str
    rrtype: str
    old: DnsAnswer
    new: DnsAnswer
    first_at: float
    last_at: float
    count: int = 1


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who answered, by its certificate."""

    spki_sha256: str | None
    certificate_sha256: str | None
    issuer: str | None
    not_after: float | None


class CertificateChange(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="certificate"):
    """The certificate that a vantage was shown changed; `new_key`: its key did too, which renewals may avoid."""

    target: str
    vantage: str
    new_key: bool
    old: Identity
    new: Identity
    first_at: float
    last_at: float
    count: int = 1


class RouteSummary(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="routes"):
    """What was heard of one prefix with one origin. `origins` is empty for withdrawals, which name none."""

    prefix: str
    origins: tuple[int, ...]
    announcements: int
    withdrawals: int
    peers: int
    first_at: float
    last_at: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One phase of one series in one window, as `Latency` has it."""

    count: int
    p50_s: float
    p95_s: float
    p99_s: float


class LatencyCompared(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="latency_compared"):
    """One phase of one series in two windows; None: nothing was measured in that one."""

    target: str | None
    vantage: str | None
    phase: str
    then: Figures | None
    now: Figures | None


class FailuresCompared(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="failures_compared"):
    """One failure word of one series in two windows: how often, of how many observations (0: none failed so)."""

    target: str
    vantage: str
    kind: str
    failure: Failure
    then_count: int
    then_of: int
    now_count: int
    now_of: int


class Sight(StrEnum):
    """A kind of thing that can be new."""

    ADDRESS = "address"
    KEY = "key"
    PATH = "path"
    ORIGIN = "origin"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was seen in a window.

    `subject` is whose it is: of an answer the question, of a key the target, of a path vantage, method and
    destination, of an origin the prefix. `vantages`: who saw it; of an origin none, for peers did.
    """

    what: Sight
    target: str | None
    subject: str
    value: str
    vantages: tuple[str, ...]
    count: int
    first_at: float
    last_at: float


class SightCompared(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="sight_compared"):
    """What one of two windows saw and the other did not; `change` is `new` or `gone`."""

    change: str
    seen: Seen


class Newest(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="newest"):
    """The newest request of one target from one vantage; of `rounds` requests in the window `failed` failed."""

    observation: HttpObservation
    rounds: int
    failed: int


class VisibilityStep(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """From `at` on so many peers have the route, until the next step."""

    at: float
    peers: int


class Visibility(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="visibility"):
    """How many BGP peers had a prefix from these origins, over time; several origins: an AS_SET."""

    prefix: str
    origins: tuple[int, ...]
    steps: tuple[VisibilityStep, ...]


class Availability(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="availability"):
    """The requests that were complete in the bucket starting at `at`, and how many of them failed."""

    at: float
    requests: int
    failed: int
