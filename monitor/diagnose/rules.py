"""The rules: what each finding is worth for each cause. Data, so that a person can recompute a verdict.

A likelihood is a natural log-likelihood ratio: +1 makes a cause e times as likely against one that the rule
says nothing of (0). Their sizes are judgement from published incidents, not yet a fit: about 1 for a hint,
3 for strong evidence, 6 for what hardly happens otherwise.

Rules of one group look at the same thing, so they are discounted: the strongest counts in full, the next
by half, the next by a quarter, and so on (`MIXTURE` groups divide one strength among their rules instead).
A rule whose meaning changes gets a new id; a change of any number gets a new `RULES_VERSION`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor.model.verdict import Cause

RULES_VERSION = "16"

OVERLOAD = Cause.SERVER_OVERLOAD
DOWN = Cause.SERVER_DOWN
LINK = Cause.SERVER_LINK
UP_OVERLOAD = Cause.UPSTREAM_OVERLOAD
UP_DOWN = Cause.UPSTREAM_DOWN
HIJACK = Cause.ROUTE_HIJACK
LEAK = Cause.ROUTE_LEAK
CHANGE = Cause.ROUTE_CHANGE
MOVED = Cause.ROUTE_MOVED
WITHDRAWN = Cause.ROUTE_WITHDRAWN
CONGESTION = Cause.PATH_CONGESTION
NAMES = Cause.DNS_FAILED
TAMPERED = Cause.DNS_TAMPERED
TLS = Cause.TLS_INVALID


PRIOR: dict[Cause, float] = {
    OVERLOAD: 0.0,
    DOWN: 0.0,
    LINK: -2.0,
    UP_OVERLOAD: -0.5,
    UP_DOWN: -0.5,
    HIJACK: -4.0,
    LEAK: -3.0,
    CHANGE: -0.5,
    MOVED: -3.0,
    WITHDRAWN: -2.0,
    CONGESTION: -0.5,
    NAMES: -1.0,
    TAMPERED: -4.0,
    TLS: -1.0,
}
"""Log prior of each cause before any evidence: trouble is a server's far more often than a hijacker's."""

MIXTURE = frozenset({"symptom"})
"""Groups whose rules share one strength between them, by the share of vantages that each explains."""

GROUP_DISCOUNT = 0.5
"""What each further rule of a group counts beside the one before it, strongest first: all of them together never
count as much as twice the strongest, and fifty odd ways of a flapping prefix no more than a few."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its stable id, its group, what it is worth per cause, and how it reads.

    `text` is filled with the finding's values, `seen` and `of`. `plane`: control for what BGP says, data
    for what packets and answers show; a hijack needs both.
    """

    id: str
    group: str
    plane: str
    likelihoods: dict[Cause, float]
    text: str


def _all(causes: tuple[Cause, ...], value: float) -> dict[Cause, float]:
    return dict.fromkeys(causes, value)


_RULES = (
    # What the affected vantages see. Each row explains an exchange; together they are one strength.
    Rule(
        "http.think_time", "symptom", "data",
        {OVERLOAD: 3, UP_OVERLOAD: 3, DOWN: -1, UP_DOWN: -1, HIJACK: -1.5, CHANGE: -2, WITHDRAWN: -4,
         CONGESTION: -2, NAMES: -4, TLS: -4, LINK: -1},
        "the server thinks for {think} (usually {usual_think}) while the round trip is {rtt}",
    ),
    Rule(
        "http.shedding", "symptom", "data",
        {OVERLOAD: 2.5, UP_OVERLOAD: 2, DOWN: 0.5, UP_DOWN: 0.5, CHANGE: -3, WITHDRAWN: -4, CONGESTION: -3,
         NAMES: -4, TLS: -4, LINK: -2},
        "the server sheds load (status {status})",
    ),
    Rule(
        "http.turned_away", "symptom", "data",
        {DOWN: 3, UP_DOWN: 1.5, OVERLOAD: -0.5, UP_OVERLOAD: -0.5, CHANGE: -3, WITHDRAWN: -4, CONGESTION: -3,
         NAMES: -4, TLS: -4, LINK: -2},
        "the server turns everybody away at once (status {status}): nobody is served, late or in part",
    ),
    Rule(
        "http.gateway", "symptom", "data",
        {UP_OVERLOAD: 2, UP_DOWN: 2.5, OVERLOAD: 1, DOWN: 2, CHANGE: -3, WITHDRAWN: -4, CONGESTION: -3,
         NAMES: -4, TLS: -4, LINK: -2},
        "a gateway answers for a backend that does not (status {status})",
    ),
    Rule(
        "http.wrong_answer", "symptom", "data",
        {DOWN: 2.5, UP_DOWN: 1.5, OVERLOAD: 0.5, UP_OVERLOAD: 0.5, CHANGE: -2.5, WITHDRAWN: -4, CONGESTION: -3,
         NAMES: -3, TLS: -3, LINK: -2},
        "a wrong answer comes at once ({failure}, status {status})",
    ),
    Rule(
        "http.read_timeout", "symptom", "data",
        {OVERLOAD: 2.5, UP_OVERLOAD: 2.5, DOWN: 1, UP_DOWN: 1, HIJACK: -0.5, CHANGE: -1, WITHDRAWN: -3,
         NAMES: -4, TLS: -3},
        "the connection opens in {connect}, then no answer comes in time",
    ),
    Rule(
        "http.reset", "symptom", "data",
        {DOWN: 2, OVERLOAD: 1, UP_DOWN: 0.5, UP_OVERLOAD: 0.5, CHANGE: -1, WITHDRAWN: -3, NAMES: -4, TLS: -1},
        "the connection is cut ({failure})",
    ),
    Rule(
        "http.refused", "symptom", "data",
        {DOWN: 3, OVERLOAD: -0.5, UP_OVERLOAD: -2, UP_DOWN: -1, CHANGE: -3, WITHDRAWN: -3, CONGESTION: -4,
         NAMES: -4, TLS: -4, LINK: -3},
        "the host is there and refuses connections to the port",
    ),
    Rule(
        "http.connect_timeout", "symptom", "data",
        {DOWN: 2, OVERLOAD: -0.3, UP_OVERLOAD: -2, UP_DOWN: -1.5, HIJACK: 1, WITHDRAWN: 1.5, CHANGE: 0.5,
         NAMES: -4, TLS: -4},
        "no SYN-ACK comes",
    ),
    Rule(
        "http.unreachable", "symptom", "data",
        {WITHDRAWN: 3, DOWN: 1, HIJACK: 0.5, OVERLOAD: -3, UP_OVERLOAD: -3, UP_DOWN: -3, NAMES: -4, TLS: -4,
         CONGESTION: -1},
        "a router says that there is no way ({failure})",
    ),
    Rule(
        "http.lost_syn", "symptom", "data",
        {OVERLOAD: 1.5, LINK: 1.5, CONGESTION: 1.5, CHANGE: 0.5, UP_OVERLOAD: -1, UP_DOWN: -2, DOWN: -1,
         WITHDRAWN: -2, NAMES: -4, TLS: -4},
        "connecting takes {connect}: SYNs are lost and sent again",
    ),
    Rule(
        "http.resent", "symptom", "data",
        {CONGESTION: 3, LINK: 2.5, CHANGE: 1, OVERLOAD: -2, UP_OVERLOAD: -2, UP_DOWN: -2, DOWN: -2, WITHDRAWN: -2,
         NAMES: -4, TLS: -4},
        "the answer takes {think} because packets are lost and sent again ({resent} of them)",
    ),
    Rule(
        "http.network_slow", "symptom", "data",
        {CHANGE: 2, CONGESTION: 2, LINK: 1.5, HIJACK: 1, OVERLOAD: -3, DOWN: -3, UP_OVERLOAD: -3, UP_DOWN: -3,
         WITHDRAWN: -2, NAMES: -4, TLS: -4},
        "every round trip is longer: {rtt}, usually {usual_rtt}",
    ),
    Rule(
        "http.tls_invalid", "symptom", "data",
        {TLS: 4, HIJACK: 1, OVERLOAD: -4, UP_OVERLOAD: -4, UP_DOWN: -4, DOWN: -2, CHANGE: -3, WITHDRAWN: -4,
         CONGESTION: -4, NAMES: -4, LINK: -4},
        "the certificate does not verify ({failure})",
    ),
    Rule(
        "http.tls_stalled", "symptom", "data",
        {OVERLOAD: 1.5, DOWN: 1, CHANGE: 0.3, CONGESTION: 0.5, UP_OVERLOAD: -1, UP_DOWN: -1.5, WITHDRAWN: -2,
         NAMES: -4},
        "the TLS handshake does not finish ({failure})",
    ),
    Rule(
        "http.name_failed", "symptom", "data",
        {NAMES: 5, TAMPERED: 0.5, WITHDRAWN: 0.5, OVERLOAD: -4, DOWN: -3, UP_OVERLOAD: -4, UP_DOWN: -4,
         HIJACK: -0.5, CHANGE: -3, CONGESTION: -3, TLS: -4, LINK: -3},
        "the name does not resolve ({failure})",
    ),
    Rule("http.unclear", "symptom", "data", {}, "it failed in a way we have no word for ({failure})"),
    # The round trip as referee.
    Rule(
        "network.rtt_flat", "network", "data",
        {OVERLOAD: 1, UP_OVERLOAD: 1, UP_DOWN: 1, DOWN: 1, TLS: 0.5, CHANGE: -2, CONGESTION: -2.5,
         LINK: -2.5, HIJACK: -0.7, MOVED: -0.5},
        "the round trip is unchanged at {rtt} for {seen} of {of}",
    ),
    Rule(
        "network.rtt_shifted", "network", "data",
        {HIJACK: 1.2, CHANGE: 1.2, CONGESTION: 0.7, LINK: 0.5, MOVED: 0.5, OVERLOAD: -1.5, UP_OVERLOAD: -1.5,
         DOWN: -1, UP_DOWN: -1},
        "the round trip moved to {rtt} from {usual_rtt} ({vantage})",
    ),
    Rule(
        "network.all_raised", "network", "data",
        {LINK: 4, CONGESTION: -1, CHANGE: -0.5, OVERLOAD: -2, UP_OVERLOAD: -2, DOWN: -2, UP_DOWN: -2},
        "packets of all {of} vantages are late or lost, so the fault is what they share: the target's own line "
        "({vantage}: {rtt}, usually {usual_rtt})",
    ),
    Rule(
        "network.entrance_impaired", "network", "data",
        {LINK: 6.5, CONGESTION: -1.5, CHANGE: -0.5, OVERLOAD: -2, UP_OVERLOAD: -2, DOWN: -2, UP_DOWN: -2},
        "packets of all {of} vantages that enter {far} from {near} are late or lost, by whatever way they come, "
        "and of nobody else: it is that line",
    ),
    Rule(
        "network.others_nearer", "distances", "data",
        {CHANGE: 1.5, HIJACK: 1.5, MOVED: 1.5, CONGESTION: -2.5, LINK: -2.5},
        "as the round trips of {seen} of {of} got longer, {nearer} came nearer than ever: ways have changed, for "
        "no full line makes any shorter",
    ),
    Rule(
        "network.rises_apart", "distances", "data",
        {CHANGE: 1.5, HIJACK: 1.5, MOVED: 1.5, CONGESTION: -1.5, LINK: -1.5},
        "the round trips of {seen} of {of} are longer by {least} to {most}: one queue delays all who cross it by "
        "the same",
    ),
    Rule(
        "network.rises_alike", "distances", "data",
        {CONGESTION: 1, LINK: 1, CHANGE: -0.5},
        "the round trips of {seen} of {of} are longer by about the same, {least} to {most}, as one queue would "
        "delay them",
    ),
    Rule(
        "network.packets_lost", "loss", "data",
        {CONGESTION: 2.5, LINK: 2.5, CHANGE: 0.7, HIJACK: 0.3, OVERLOAD: -2.5, UP_OVERLOAD: -2.5, DOWN: -2,
         UP_DOWN: -2, WITHDRAWN: -1, NAMES: -1, TLS: -1},
        "packets of open connections are lost and sent again at {seen} of {of}, which no busy server does",
    ),
    Rule(
        "network.only_connecting_fails", "loss", "data",
        {OVERLOAD: 1.5, CONGESTION: -1.5, LINK: -1.5, CHANGE: -1},
        "connections are slow to open at {seen} of {of}, and once open lose nothing: a full listen queue",
    ),
    Rule(
        "network.opens_now_and_then", "loss", "data",
        {OVERLOAD: 3, DOWN: -1.5, WITHDRAWN: -3, HIJACK: -1.5},
        "connections open after lost SYNs at {seen} of {of}, and at others not at all: a full listen queue",
    ),
    Rule(
        "network.nothing_gets_through", "loss", "data",
        {CONGESTION: -1.5, LINK: -1.5},
        "not one packet gets through from {seen} of {of}, exchange after exchange, while others are served: a "
        "full line lets some through",
    ),
    Rule(
        "network.waits_beyond_trips", "wait", "data",
        {OVERLOAD: 1.5, UP_OVERLOAD: 1.5, CHANGE: -3, CONGESTION: -3, LINK: -2, WITHDRAWN: -2},
        "answers come {waits} later than usual at {seen} of {of}, though nothing is lost and a round trip at "
        "most {trips} longer: no way does that",
    ),
    # Who answers.
    Rule(
        "identity.key_known", "identity", "data",
        {OVERLOAD: 1.5, UP_OVERLOAD: 1.5, UP_DOWN: 1.5, DOWN: 1.5, CHANGE: 0.5, CONGESTION: 0.5, LINK: 1.5,
         HIJACK: -2.5, TAMPERED: -3},
        "the genuine key still answers {seen} of {of} affected vantages",
    ),
    Rule(
        "identity.new_key", "identity", "data",
        {HIJACK: 3, TAMPERED: 2, TLS: 1, MOVED: 0.5, DOWN: -0.5, UP_DOWN: -2, OVERLOAD: -2.5, UP_OVERLOAD: -2.5,
         CHANGE: -2, CONGESTION: -3, LINK: -3},
        "a key never seen before answers {seen} of {of} (issuer {issuer})",
    ),
    Rule(
        "identity.new_issuer", "identity", "data",
        {HIJACK: 2, TAMPERED: 2, TLS: 0.5, OVERLOAD: -1, UP_OVERLOAD: -1, DOWN: -0.5, UP_DOWN: -1},
        "its certificate comes from an issuer this name never used: {issuer}",
    ),
    Rule(
        "identity.new_key_from_elsewhere", "joined", "data",
        {HIJACK: 4, MOVED: 2, TLS: -2, DOWN: -2, UP_DOWN: -2, OVERLOAD: -2, UP_OVERLOAD: -2, CHANGE: -1},
        "who answers {seen} of {of} with the new key is at another distance than the server ever was",
    ),
    Rule(
        "identity.new_key_from_nearer", "joined", "data",
        {HIJACK: 5, MOVED: 2, TLS: -3, DOWN: -2, UP_DOWN: -2, OVERLOAD: -2, UP_OVERLOAD: -2, CHANGE: -1},
        "who answers {seen} of {of} with the new key is nearer than the server ever was, over an unchanged way",
    ),
    Rule(
        "identity.two_keys_at_once", "identity", "data",
        {HIJACK: 2, TAMPERED: 2, OVERLOAD: -1, UP_OVERLOAD: -1, DOWN: -1, UP_DOWN: -1},
        "at the same time other vantages get the known key",
    ),
    Rule(
        "identity.keys_part_by_distance", "joined", "data",
        {HIJACK: 5, MOVED: 1, TLS: -3, DOWN: -2.5, UP_DOWN: -2.5, OVERLOAD: -2.5, UP_OVERLOAD: -2.5, CHANGE: -2,
         CONGESTION: -2},
        "who answers {seen} of {of} with the new key, and with no other, is at another distance, while {well} get "
        "the known one from the same address as ever: no server knows who asks",
    ),
    # Where packets go.
    Rule(
        "path.unchanged", "path", "data",
        {OVERLOAD: 1.5, UP_OVERLOAD: 1.5, UP_DOWN: 1.5, DOWN: 1.5, TLS: 0.7, CONGESTION: 0.5, LINK: 1.5,
         HIJACK: -2.5, CHANGE: -3, WITHDRAWN: -3.5, MOVED: -3},
        "traceroute follows the usual networks for {seen} of {of}: {path}",
    ),
    Rule(
        "path.rerouted", "path", "data",
        {LINK: -2.5, CHANGE: 3, HIJACK: 0.7, MOVED: 0.5, OVERLOAD: -1, UP_OVERLOAD: -1, DOWN: -1, UP_DOWN: -1,
         CONGESTION: -1.5, WITHDRAWN: -1},
        "traceroute takes another way to the same network for {seen} of {of}: {path}, usually {usual}",
    ),
    Rule(
        "path.ends_elsewhere", "path", "data",
        {HIJACK: 3, MOVED: 2, CHANGE: 0.5, OVERLOAD: -2.5, UP_OVERLOAD: -2.5, DOWN: -2, UP_DOWN: -2.5,
         CONGESTION: -2.5, TLS: -2, NAMES: -2, LINK: -3, WITHDRAWN: -1},
        "traceroute ends in another network for {seen} of {of}: {path}, usually {usual} (new: {new})",
    ),
    Rule(
        "path.through_new_origin", "joined", "data",
        {HIJACK: 4, CHANGE: -2, CONGESTION: -2, OVERLOAD: -1.5, UP_OVERLOAD: -1.5, DOWN: -1.5, UP_DOWN: -1.5,
         WITHDRAWN: -2, LINK: -2},
        "traceroute of {seen} of {of} now goes through {origin}, the very network that BGP says took {prefix}",
    ),
    Rule(
        "path.stops_short", "path", "data",
        {WITHDRAWN: 1.5, HIJACK: 0.7, DOWN: 0.3, CHANGE: 0.3, OVERLOAD: -2, UP_OVERLOAD: -2, UP_DOWN: -2},
        "traceroute stops before the usual last network for {seen} of {of}: {path}, usually {usual}",
    ),
    Rule(
        "path.new_neighbour_is_real", "joined", "data",
        {HIJACK: -4, CHANGE: 1},
        "traceroute of {seen} of {of} goes from {near} straight into {far}: who forges a path has no such link",
    ),
    Rule(
        "path.through_allowed_network", "joined", "data",
        {MOVED: 4, CHANGE: -2, HIJACK: -2, CONGESTION: -1},
        "traceroute of {seen} of {of} now goes through {origin}, which is allowed to announce {prefix}",
    ),
    Rule(
        "identity.new_key_on_new_way", "joined", "data",
        {HIJACK: 4, CHANGE: -2, TLS: -2, DOWN: -2, UP_DOWN: -2, OVERLOAD: -2, UP_OVERLOAD: -2, CONGESTION: -2},
        "a new key answers {seen} of {of} since {prefix} is reached through {near}: no new provider changes keys",
    ),
    Rule(
        "identity.new_key_on_strange_way", "joined", "data",
        {HIJACK: 4.5, MOVED: 1, TLS: -3, CHANGE: -2, DOWN: -2.5, UP_DOWN: -2.5, OVERLOAD: -2.5, UP_OVERLOAD: -2.5,
         CONGESTION: -2.5, LINK: -2.5},
        "{seen} of {of} who get a new key are those whose packets end in another network, {near}: no deploy knows "
        "who took another way",
    ),
    Rule(
        "http.stranger_on_strange_way", "joined", "data",
        {HIJACK: 3.5, MOVED: 1, CHANGE: -2.5, DOWN: -2, UP_DOWN: -2, OVERLOAD: -2, UP_OVERLOAD: -2, CONGESTION: -2,
         LINK: -2},
        "{seen} of {of} who are answered wrongly are those whose packets end in another network, {near}, to which "
        "nothing says that the server has moved",
    ),
    Rule(
        "path.out_of_its_own_network", "joined", "data",
        {HIJACK: 4, MOVED: 0.5, WITHDRAWN: -1.5, CHANGE: -2, DOWN: -3, UP_DOWN: -3, OVERLOAD: -3, UP_OVERLOAD: -3,
         CONGESTION: -3, LINK: -3, TLS: -2},
        "packets of {seen} of {of} reach the target's own network and are handed on to {near}, which does not "
        "hand them back: it has another way for them",
    ),
    Rule(
        "path.drawn_in_and_dead", "joined", "data",
        {HIJACK: 4.5, CHANGE: -1.5, WITHDRAWN: -2.5, DOWN: -3, UP_DOWN: -3, OVERLOAD: -3, UP_OVERLOAD: -3,
         CONGESTION: -3, LINK: -3},
        "packets of {seen} vantages in several networks die in {near}, which drew some of them in, while others "
        "are served: routes move to what works, not to what is broken",
    ),
    Rule(
        "path.left_what_works", "joined", "data",
        {HIJACK: 5, CHANGE: -2, WITHDRAWN: -2.5, DOWN: -3, UP_DOWN: -3, OVERLOAD: -3, UP_OVERLOAD: -3,
         CONGESTION: -3, LINK: -3},
        "packets of {seen} of {of} die in {near} for minutes, though {usual}, by which they went before, works: "
        "the ways to {well} other endpoints are as ever, and nobody else's way moved",
    ),
    # What BGP says.
    Rule(
        "routing.new_more_specific", "routing", "control",
        {HIJACK: 6, MOVED: 1, OVERLOAD: -1, UP_OVERLOAD: -1, DOWN: -1, UP_DOWN: -1, CHANGE: -3,
         CONGESTION: -2, LINK: -2},
        "{prefix} is announced by {origin} (expected {expected}), path {path}, {seen} of {of} peers, RPKI {rpki}",
    ),
    Rule(
        "routing.new_origin", "routing", "control",
        {HIJACK: 5.5, MOVED: 1.5, OVERLOAD: -1, UP_OVERLOAD: -1, DOWN: -1, UP_DOWN: -1, CHANGE: -3,
         CONGESTION: -2, LINK: -2},
        "{prefix} is also originated by {origin} (expected {expected}), path {path}, {seen} of {of} peers, "
        "RPKI {rpki}",
    ),
    Rule(
        "routing.forged_more_specific", "routing", "control",
        {HIJACK: 5, MOVED: 1, OVERLOAD: -1, UP_OVERLOAD: -1, DOWN: -1, UP_DOWN: -1, CHANGE: -1,
         CONGESTION: -2, LINK: -2},
        "{prefix} is announced with the usual origin {far} behind {near}, never seen next to it, path {path}, "
        "{seen} of {of} peers, RPKI {rpki}",
    ),
    Rule(
        "routing.made_up_more_specific", "routing", "control",
        {HIJACK: 5.5, MOVED: 0.5, OVERLOAD: -1, UP_OVERLOAD: -1, DOWN: -1, UP_DOWN: -1, CHANGE: -3,
         CONGESTION: -2, LINK: -2},
        "{offender} announces {prefix} as if it came from {disowner}, which does not have it: path {path}, "
        "{seen} of {of} peers, RPKI {rpki}",
    ),
    Rule(
        "routing.new_neighbour", "routing", "control",
        {HIJACK: 1.5, CHANGE: 2, MOVED: 0.5, OVERLOAD: -0.3, UP_OVERLOAD: -0.3},
        "{far} is reached through {near}, never seen next to it, by {seen} of {of} peers, path {path}",
    ),
    Rule(
        "routing.new_link", "routing", "control",
        {HIJACK: 1, CHANGE: 1.5, OVERLOAD: -0.3, UP_OVERLOAD: -0.3},
        "{near} and {far}, never seen side by side, are on the way of {seen} of {of} peers, path {path}",
    ),
    Rule(
        "routing.part_behind_new_link", "routing", "control",
        {HIJACK: 3, MOVED: 0.5, LEAK: 0.5, OVERLOAD: -0.5, UP_OVERLOAD: -0.5, DOWN: -0.5, UP_DOWN: -0.5},
        "{prefix} is announced with the usual origin over {near} and {far}, never seen side by side, to {seen} of "
        "{of} peers, path {path}, RPKI {rpki}",
    ),
    Rule(
        "routing.part_round_about", "routing", "control",
        {HIJACK: 3, MOVED: 0.5, CHANGE: 0.5, OVERLOAD: -0.5, UP_OVERLOAD: -0.5, DOWN: -0.5, UP_DOWN: -0.5},
        "{prefix} is announced with the usual origin and reached through {offender} alone by {seen} of {of} "
        "peers, of which some reach {disowner} by a shorter way, path {path}, RPKI {rpki}",
    ),
    Rule(
        "routing.leak", "routing", "control",
        {LEAK: 6, HIJACK: 0.5, CHANGE: 1, OVERLOAD: -0.5, UP_OVERLOAD: -0.5, DOWN: -0.5, UP_DOWN: -0.5},
        "{offender} passes {prefix} on to {near}, which neither pays it nor is paid for it: path {path}, "
        "{seen} of {of} peers",
    ),
    Rule(
        "routing.name_server_space_taken", "routing", "control",
        {HIJACK: 5.5, TAMPERED: 4, NAMES: 1.5, MOVED: 1, OVERLOAD: -0.5, UP_OVERLOAD: -0.5, CHANGE: -3,
         CONGESTION: -1, LINK: -1},
        "{prefix}, where a name server is, is announced by {origin} (expected {expected}), path {path}, "
        "{seen} of {of} peers, RPKI {rpki}",
    ),
    Rule(
        "routing.mail_space_taken", "routing", "control",
        {HIJACK: 5.5, MOVED: 1, CHANGE: -3},
        "{prefix}, where its mail goes (the target itself is somewhere else), is announced by {origin} (expected "
        "{expected}), path {path}, {seen} of {of} peers, RPKI {rpki}",
    ),
    Rule(
        "routing.router_space_taken", "routing", "control",
        {HIJACK: 1, CHANGE: 0.5},
        "{prefix}, where a router of the usual way is, is announced by {origin} (expected {expected}), "
        "{seen} of {of} peers",
    ),
    Rule(
        "routing.rpki_invalid", "routing", "control",
        {HIJACK: 2, MOVED: -2},
        "the route {prefix} by {origin} is RPKI {rpki}",
    ),
    Rule(
        "routing.authorised_origin", "routing", "control",
        {MOVED: 6, HIJACK: -3, CHANGE: -3, CONGESTION: -2},
        "{prefix} is announced by {origin}, which is allowed to (RPKI {rpki}), {seen} of {of} peers",
    ),
    Rule(
        "identity.new_key_before_announced_origin", "joined", "control",
        {HIJACK: 7, MOVED: -4, CHANGE: -2, TLS: -2, DOWN: -2, UP_DOWN: -2, OVERLOAD: -2, UP_OVERLOAD: -2,
         CONGESTION: -2},
        "a new key answers {seen} of {of} where traceroute ends in {near}: {prefix} is announced by {origin}, "
        "which is allowed to, but packets never get behind {near}, so the origin was put there",
    ),
    Rule(
        "routing.taken_as_all_fell_silent", "joined", "control",
        {HIJACK: 3, DOWN: -1.5, UP_DOWN: -1.5, OVERLOAD: -1.5, UP_OVERLOAD: -1.5, LINK: -1.5, CHANGE: -1.5,
         CONGESTION: -1.5, WITHDRAWN: -1.5},
        "all {of} vantages hear nothing since about the moment at which {origin} took {prefix}",
    ),
    Rule(
        "routing.taken_as_they_fell_silent", "joined", "control",
        {HIJACK: 2.5, DOWN: -1.5, UP_DOWN: -1.5, OVERLOAD: -1, UP_OVERLOAD: -1, LINK: -1, WITHDRAWN: -1},
        "all {of} vantages hear nothing since about the moment at which {origin} took {prefix} at some peers",
    ),
    Rule(
        "routing.taken_as_they_failed", "joined", "control",
        {HIJACK: 2.5, DOWN: -1.5, UP_DOWN: -1.5, OVERLOAD: -1.5, UP_OVERLOAD: -1.5, LINK: -1, CHANGE: -1,
         CONGESTION: -1, WITHDRAWN: -1},
        "{seen} of {of} fail since about the moment at which {origin} took {prefix}, and nothing genuine answers "
        "them any more",
    ),
    Rule(
        "routing.failed_since_round_about", "joined", "control",
        {HIJACK: 4.5, DOWN: -2, UP_DOWN: -2, OVERLOAD: -1.5, UP_OVERLOAD: -1.5, LINK: -1.5, CHANGE: -1,
         CONGESTION: -1.5, WITHDRAWN: -1.5, LEAK: -1.5},
        "{seen} of {of} fail since about the moment at which all ways to {prefix} led round through {origin} to "
        "{disowner}, and nothing genuine answers them any more",
    ),
    Rule(
        "path.dead_behind_new_neighbour", "joined", "control",
        {HIJACK: 6, CHANGE: -3.5, WITHDRAWN: -3, DOWN: -2, UP_DOWN: -2, CONGESTION: -2, LINK: -2},
        "packets of {seen} of {of} end elsewhere and nothing answers, since BGP shows {near} before {far}, where "
        "it never was: whoever attracts packets and lets them die is no provider",
    ),
    Rule(
        "routing.dead_behind_new_neighbour", "joined", "control",
        {HIJACK: 6, CHANGE: -3.5, WITHDRAWN: -3, DOWN: -2, UP_DOWN: -2, CONGESTION: -2, LINK: -2},
        "{seen} of {of} hear nothing from an address that answers others, since BGP shows {near} before {far}, "
        "where it never was: whoever attracts packets and lets them die is no provider",
    ),
    Rule(
        "http.stranger_behind_new_neighbour", "joined", "control",
        {HIJACK: 4, CHANGE: -3, DOWN: -2, UP_DOWN: -2, OVERLOAD: -2, UP_OVERLOAD: -2},
        "{seen} of {of} are answered wrongly from another distance, and others as ever, since BGP shows {near} "
        "before {far}, where it never was: no provider answers for the server",
    ),
    Rule(
        "routing.only_taken_part_fails", "joined", "control",
        {HIJACK: 4, DOWN: -2, UP_DOWN: -2, OVERLOAD: -2, UP_OVERLOAD: -2, LINK: -2, CHANGE: -1.5, CONGESTION: -2,
         TLS: -2},
        "{seen} of {of} exchanges with addresses in {prefix} fail since {origin} took it, and {well} of {outside} "
        "with the other addresses go well",
    ),
    Rule(
        "routing.stray_origin", "routing", "control",
        {WITHDRAWN: 1, HIJACK: 0.5},
        "{prefix} by {origin} shows only after the genuine route had gone",
    ),
    Rule(
        "routing.withdrawn", "routing", "control",
        {WITHDRAWN: 6, DOWN: -1, OVERLOAD: -2, UP_OVERLOAD: -2, UP_DOWN: -2, CONGESTION: -2, HIJACK: -1},
        "{prefix} is withdrawn by {seen} of {of} peers",
    ),
    Rule(
        "routing.path_changed", "routing", "control",
        {LINK: -2, CHANGE: 2.5, HIJACK: 0.3, OVERLOAD: -0.3, UP_OVERLOAD: -0.3},
        "the path to the usual prefix changed for {seen} of {of} peers: {new}, before {old}",
    ),
    Rule(
        "routing.quiet", "routing", "control",
        {CONGESTION: 0.7, LINK: 0.5, OVERLOAD: 1, UP_OVERLOAD: 1, UP_DOWN: 1, DOWN: 1, TLS: 0.5, HIJACK: -2.5,
         CHANGE: -1, WITHDRAWN: -4, MOVED: -4},
        "BGP is quiet: {seen} peers carry the usual route from the usual origin",
    ),
    # Who is affected.
    Rule(
        "scope.all", "scope", "data",
        {OVERLOAD: 1, UP_OVERLOAD: 1, DOWN: 1, UP_DOWN: 1, TLS: 0.7, NAMES: 0.5, LINK: 1, CHANGE: -1.5,
         CONGESTION: -2},
        "all {of} vantages are affected",
    ),
    Rule(
        "scope.some", "scope", "data",
        {CHANGE: 1, CONGESTION: 1.5, HIJACK: 0.7, TAMPERED: 0.7, OVERLOAD: -2, UP_OVERLOAD: -2, DOWN: -2,
         UP_DOWN: -2, TLS: -1.5, LINK: -3, WITHDRAWN: -0.5},
        "{seen} of {of} vantages are affected; nothing is wrong from {clean}",
    ),
    Rule(
        "scope.same_server_fine", "scope", "data",
        {OVERLOAD: -3, UP_OVERLOAD: -3, DOWN: -3, UP_DOWN: -3, TLS: -2, LINK: -3, CONGESTION: 1, CHANGE: 1},
        "{address} itself answers {seen} other vantages well at the same time",
    ),
    Rule(
        "scope.lone_while_server_fine", "scope", "data",
        {OVERLOAD: -5, UP_OVERLOAD: -5, DOWN: -5, UP_DOWN: -5, TLS: -3, LINK: -5, CONGESTION: 1, CHANGE: 1},
        "only one network has it: {address} itself answers {seen} other vantages well at the same time",
    ),
    Rule(
        "scope.polluted_are_affected", "scope", "data",
        {HIJACK: 1.5, CHANGE: 1.5, OVERLOAD: -1.5, UP_OVERLOAD: -1.5, DOWN: -1.5, UP_DOWN: -1.5, CONGESTION: -1},
        "exactly those whose path or key changed are affected (phi {phi})",
    ),
    Rule(
        "vantage.controls_fine", "vantage", "data",
        {DOWN: 0.7, OVERLOAD: 0.6, UP_OVERLOAD: 0.6, UP_DOWN: 0.6, TLS: 0.5, NAMES: 0.3, CONGESTION: -0.3},
        "the controls of {seen} of {of} affected vantages answer",
    ),
    # Whom the target depends on.
    Rule(
        "dependency.overloaded", "dependency", "data",
        {UP_OVERLOAD: 4, UP_DOWN: 1, OVERLOAD: -1.5, DOWN: -1.5, HIJACK: -1},
        "{name}, which it depends on, has trouble of its own: {cause}",
    ),
    Rule(
        "dependency.down", "dependency", "data",
        {UP_DOWN: 4, OVERLOAD: -1.5, DOWN: -1.5, HIJACK: -1},
        "{name}, which it depends on, has trouble of its own: {cause}",
    ),
    Rule(
        "dependency.suspect", "dependency", "data",
        {UP_OVERLOAD: 2, UP_DOWN: 2},
        "{name}, which it depends on, shows the first signs of trouble",
    ),
    Rule(
        "dependency.fine", "dependency", "data",
        {UP_OVERLOAD: -4, UP_DOWN: -4},
        "{name}, which it depends on, is fine",
    ),
    # What the name servers say.
    Rule(
        "names.failing", "names", "data",
        {NAMES: 3, WITHDRAWN: 0.5},
        "name servers fail for {seen} of {of} vantages ({failure}, {server})",
    ),
    Rule(
        "names.servers_withdrawn", "joined", "control",
        {WITHDRAWN: 5, NAMES: -2, TAMPERED: -2},
        "names fail since {prefix}, where a name server is, is withdrawn by {seen} of {of} peers",
    ),
    Rule(
        "names.misled_by_taken_servers", "joined", "data",
        {HIJACK: 6, TAMPERED: 2, TLS: -2, DOWN: -2, UP_DOWN: -2, OVERLOAD: -2, UP_OVERLOAD: -2, CONGESTION: -2},
        "{seen} of {of} affected vantages were sent to {address}, never seen before, since {origin} has {prefix}, "
        "where a name server is",
    ),
    Rule(
        "names.silent_in_taken_space", "joined", "data",
        {HIJACK: 6, NAMES: -2, TAMPERED: -2},
        "names fail at {seen} of {of} vantages where they fail since {origin} has {prefix} and a name server",
    ),
    Rule(
        "names.usual_address", "names", "data",
        {TAMPERED: -4, NAMES: -2},
        "{seen} of {of} affected vantages went to an address that the target is known by",
    ),
    Rule(
        "names.new_address", "names", "data",
        {TAMPERED: 3, MOVED: 0.5, HIJACK: -2},
        "{seen} of {of} affected vantages were sent to an address never seen before, {address}",
    ),
    Rule(
        "names.stranger_at_new_address", "joined", "data",
        {TAMPERED: 4, HIJACK: -2, TLS: -1, DOWN: -1, UP_DOWN: -1, OVERLOAD: -1, UP_OVERLOAD: -1},
        "and at the new address {address} somebody with another key answers {seen} of {of}",
    ),
    Rule(
        "names.tampered", "names", "data",
        {TAMPERED: 7, HIJACK: -1},
        "{server} answers {answers}, not what the zone's own servers say: {reason}",
    ),
)  # fmt: skip


def _with_leak(rule: Rule) -> Rule:
    """A leak looks like any other re-route in every measurement; only the valley in its path tells them apart."""
    if LEAK in rule.likelihoods or CHANGE not in rule.likelihoods:
        return rule
    return replace(rule, likelihoods={**rule.likelihoods, LEAK: rule.likelihoods[CHANGE]})


RULES: dict[str, Rule] = {rule.id: _with_leak(rule) for rule in _RULES}
"""All rules by id."""
