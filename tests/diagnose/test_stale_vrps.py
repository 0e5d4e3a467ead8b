"""VRPs that are older than they may be still judge a route, and every sentence that rests on them says so."""

from __future__ import annotations

import json

import pytest
from story import BEGIN, COVER, PEERS, PREFIX, Story
from world import announcement

HIJACKER = 64666


def _sentences(made_at: float | None) -> list[str]:
    """What is said of RPKI when a more specific route appears that a ROA forbids."""
    metadata = {} if made_at is None else {"generated": int(made_at)}
    roas = [{"prefix": COVER, "maxLength": int(COVER.partition("/")[2]), "asn": 64500}]
    routes = [announcement(BEGIN - 20, peer, (peer[1], 64701, HIJACKER), PREFIX) for peer in PEERS]
    vrps = json.dumps({"metadata": metadata, "roas": roas}).encode()
    (incident,) = Story(routes=routes, usual_prefix=COVER, vrps=vrps).incidents()
    return [one.text for one in incident.evidence if "RPKI" in one.text]


@pytest.mark.parametrize(
    ("age_s", "said"),
    [(6.1 * 3600.0, "RPKI invalid (VRPs 6 h old)"), (80 * 3600.0, "RPKI invalid (VRPs 80 h old)")],
)
def test_evidence_says_how_old_stale_vrps_are(age_s: float, said: str) -> None:
    """The route is invalid by them all the same: the last known ROAs are better than none."""
    sentences = _sentences(BEGIN - 20 - age_s)

    assert len(sentences) == 2
    assert all(said in sentence for sentence in sentences)


@pytest.mark.parametrize("age_s", [None, 0.0, 5.9 * 3600.0])
def test_fresh_vrps_and_those_of_unknown_age_need_no_word(age_s: float | None) -> None:
    """Up to the limit, and where the validator did not say when it wrote them."""
    sentences = _sentences(None if age_s is None else BEGIN - 20 - age_s)

    assert len(sentences) == 2
    assert all("RPKI invalid" in sentence and "old" not in sentence for sentence in sentences)
