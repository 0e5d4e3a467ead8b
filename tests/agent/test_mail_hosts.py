"""Where a domain's mail goes is asked of a real name server, NSD, by the client that probes use."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.agent.mail_hosts import MOST_HOSTS, MOST_SERVERS, MailHosts, mail_hosts
from monitor.agent.permit import permitted
from monitor.agent.timetable import Probe, jobs_of
from monitor.config import parse_config
from monitor.config.measures import with_measures
from monitor.model.target import mail_target
from probes import DnsObservation
from probes.dns import DnsQuestion, ask

MAIL = mail_target("shop")
ZONE = """$ORIGIN example.test.
@ 60 IN SOA ns. hostmaster. 1 3600 600 86400 60
@ 60 IN NS ns.
two 60 IN MX 20 Backup.example.test.
two 60 IN MX 10 mx.example.test.
null 60 IN MX 0 .
plain 60 IN A 192.0.2.80
mx 60 IN A 192.0.2.25
mx 60 IN AAAA 2001:db8::25
backup 60 IN A 192.0.2.26
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """NSD with the zone, as `DnsQuestion.server` takes it."""
    program = shutil.which("nsd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        pytest.skip("not installed: nsd")
    folder = tmp_path_factory.mktemp("nsd")
    (folder / "zone").write_text(ZONE, encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    lines = [
        "server:", f"  ip-address: 127.0.0.1@{port}", '  username: ""', '  chroot: ""', "  server-count: 1",
        f'  zonesdir: "{folder}"', f'  xfrdir: "{folder}"', '  database: ""', "  rrl-ratelimit: 0",
        *(f'  {key}: "{folder}/{key}"' for key in ("pidfile", "xfrdfile", "zonelistfile")),
        "remote-control:", "  control-enable: no", "zone:", '  name: "example.test"', '  zonefile: "zone"',
    ]  # fmt: skip
    config = folder / "nsd.conf"
    config.write_text("\n".join(lines) + "\n", encoding="ascii")
    with subprocess.Popen([program, "-d", "-V", "2", "-c", config], stderr=subprocess.PIPE, text=True) as nsd:
        try:
            assert nsd.stderr is not None
            assert any("nsd started" in line for line in nsd.stderr)
            yield f"127.0.0.1:{port}"
        finally:
            nsd.terminate()


def looked_up(domain: str, *servers: str) -> list[DnsObservation]:
    """What is seen of a domain whose zones all have these servers."""

    async def servers_of(name: str) -> Sequence[str]:
        return servers

    async def put(target: str, question: DnsQuestion) -> DnsObservation:
        return await ask(question, vantage="v", target=target)

    return asyncio.run(MailHosts(servers_of, put).look(MAIL, domain, 2.0))


def addresses(seen: Sequence[DnsObservation]) -> list[str]:
    """All that answers for addresses name."""
    return [answer for one in seen if one.rrtype != "MX" for answer in one.answers]


def test_all_hosts_of_a_domain_are_found_with_their_addresses(server: str) -> None:
    """Of both families, under the mail's own name, and none of it asked of a resolver."""
    seen = looked_up("two.example.test", server)

    assert addresses(seen) == ["192.0.2.25", "2001:db8::25", "192.0.2.26"]
    assert {(one.target, one.role) for one in seen} == {(MAIL, "authoritative")}
    assert seen[0].answers == ("10 mx.example.test.", "20 backup.example.test.")


def test_a_domain_without_mx_takes_its_mail_itself(server: str) -> None:
    """RFC 5321 section 5.1: the implicit MX."""
    assert addresses(looked_up("plain.example.test", server)) == ["192.0.2.80"]


@pytest.mark.parametrize("domain", ["null.example.test", "nothing.example.test"])
def test_nothing_is_asked_about_a_domain_without_mail(server: str, domain: str) -> None:
    """It says so itself (RFC 7505), or there is no such domain."""
    assert [one.rrtype for one in looked_up(domain, server)] == ["MX"]


def test_few_servers_are_asked_and_one_that_answers_is_enough(server: str) -> None:
    """The first is silent; the third is not asked."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        mute = f"127.0.0.1:{silent.getsockname()[1]}"

        async def servers_of(name: str) -> Sequence[str]:
            return mute, server, "127.0.0.1:1"

        async def put(target: str, question: DnsQuestion) -> DnsObservation:
            return await ask(question, vantage="v", target=target)

        seen = asyncio.run(MailHosts(servers_of, put).look(MAIL, "plain.example.test", 0.2))

    assert addresses(seen) == ["192.0.2.80"]
    assert {one.server for one in seen} == {mute, server}
    assert MOST_SERVERS == 2


def answer(*records: str) -> DnsObservation:
    """An answer with these records."""
    return DnsObservation(
        at=1.0, vantage="v", target=MAIL, server="192.0.2.53", name="a.test", rrtype="MX", rcode="NOERROR",
        answers=records,
    )  # fmt: skip


def test_hosts_beyond_the_first_are_left_out() -> None:
    """Those that are tried first stay."""
    found = mail_hosts("a.test", [answer(*(f"{n} mx{n}.test." for n in range(100)))])

    assert found == tuple(f"mx{n}.test" for n in range(MOST_HOSTS))


@settings(derandomize=True, max_examples=100)
@given(st.lists(st.text(max_size=20) | st.from_regex(r"\A[0-9]{1,5} [a-z.]{0,12}\Z"), max_size=30))
def test_any_records_name_hosts_or_none(records: list[str]) -> None:
    """What a stranger's zone says is bounded, and never empty text to ask for."""
    found = mail_hosts("a.test", [answer(*records)])

    assert len(found) <= MOST_HOSTS
    assert all(found)
    assert len(set(found)) == len(found)


ORDERED = '[[target]]\nname = "shop"\nurl = "https://shop.example/"\nmail = "example.org"\n'


def test_mail_is_a_job_of_its_own_at_the_pace_of_names() -> None:
    """Under its own name, never boosted."""
    config = parse_config(ORDERED)
    (job,) = [job for job in jobs_of(config) if job.target == MAIL]

    assert (job.probe, job.interval_s, job.boosted_s) == (Probe.DNS, config.dns.interval_s, config.dns.interval_s)
    assert not [job for job in jobs_of(parse_config(ORDERED.replace("mail", "# mail"))) if job.target == MAIL]


def test_a_domain_that_an_agents_list_does_not_permit_is_not_looked_up() -> None:
    """The target itself is probed, and the hub hears what is not."""
    own = parse_config('[hub]\nurl = "https://hub.example/"\nallow = ["*.example"]\n')
    config, refused = permitted(with_measures(own, parse_config(ORDERED).measures))

    assert [(target.name, target.mail) for target in config.targets] == [("shop", None)]
    assert refused == (MAIL,)
