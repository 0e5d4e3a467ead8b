"""`python -m probes http|dns|trace`: one measurement now, one observation a line as JSON on standard output.

Parses and calls. A caller that sets a function as the context's `obj` is handed the observations instead.

Exit status: 0 an observation was made (whether or not the service works), 2 bad usage, 3 this machine could not
measure (no permission, no socket); its observation is printed all the same.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from probes import clock
from probes.expectation import Expect
from probes.failure_word import Layer
from probes.observation import DnsObservation, HttpObservation, TraceObservation, encode

if TYPE_CHECKING:
    from dns.rdtypes.ANY.DS import DS

    from probes.dns import Delegations, DnsQuestion

Measured = HttpObservation | DnsObservation | TraceObservation
Command = TypeVar("Command", bound=Callable[..., Any])

COULD_NOT_MEASURE = 3


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def main() -> None:
    """Measure once and print what was seen: one JSON object a line, times in seconds.

    \b
    python -m probes http https://example.net/health --expect-body ok
    python -m probes dns example.net --type AAAA --server 9.9.9.9
    python -m probes dns example.net --from-root --dnssec
    python -m probes dns example.net --server 9.9.9.9 --transport tls --server-name dns.quad9.net
    python -m probes trace example.net --method tcp --port 443

    A failed service is a result: the observation's "failure" names the first layer that failed, and the
    exit status is 0. It is 2 for bad usage and 3 when this machine could not measure.
    """


def _named(command: Command) -> Command:
    """The two names that every observation carries."""
    command = click.option(
        "--vantage", default=socket.gethostname, show_default="host name", help="Name of this machine."
    )(command)
    return click.option("--target", default=None, help="Name of what is measured.  [default: as given]")(command)


@main.command()
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
@click.option("--method", default="GET", show_default=True, help="Request method.")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Request header; repeatable.")
@click.option("--body", default=None, help="Request body.")
@click.option("--timeout", default=10.0, show_default=True, help="Seconds for the whole exchange.")
@click.option("--address", default=None, help="Connect there instead of resolving the URL's host.")
@click.option("-4", "family", flag_value=4, type=int, help="IPv4 only.")
@click.option("-6", "family", flag_value=6, type=int, help="IPv6 only.")
@click.option("--http1", is_flag=True, help="Do not offer HTTP/2.")
@click.option("--follow-redirects", is_flag=True, help="Follow up to ten; phases are summed.")
@click.option("--insecure", is_flag=True, help="Accept any certificate; its key and issuer are still reported.")
@click.option("--ca-file", default=None, help="PEM file of the only authorities to trust.")
@click.option("--client-cert", default=None, help="PEM file with the certificate to show, and its key.")
@click.option("--client-key", default=None, help="PEM file with the key, when it is in a file of its own.")
@click.option("--expect-status", multiple=True, type=int, default=(200,), show_default=True, help="Repeatable.")
@click.option("--expect-body", default=None, help="Text that the body must contain.")
@click.option("--expect-regex", default=None, help="Regular expression (RE2) to find in the body.")
@click.option(
    "--expect-json", multiple=True, metavar="'PATH=VALUE'", help="JSON path that the body must have a value at."
)
@click.option("--expect-header", multiple=True, metavar="'NAME: TEXT'", help="Text that a header must contain.")
@click.option("--max-body", type=int, default=None, help="Bytes of the body.")
@click.option("--max-wait", type=float, default=None, help="Seconds from request sent to first byte.")
@click.option("--max-total", type=float, default=None, help="Seconds for the whole exchange.")
@_named
def http(urls: tuple[str, ...], vantage: str, target: str | None, **options: Any) -> None:
    """One HTTP request to one address of each URL, its phases and who answered.

    \b
    dns_s, connect_s, tls_s   name to address, TCP handshake, TLS handshake
    wait_s, receive_s         request sent to first byte, first to last byte
    kernel_rtt_s              the kernel's own round trip: the network without the server
    spki_sha256, issuer       the certificate's key and issuer, also when it is rejected
    """
    from probes.http import HttpProber, HttpRequest

    requests = [_checked(HttpRequest, url=url, **_http_fields(options)) for url in urls]

    async def measure() -> list[Measured]:
        prober = HttpProber()
        return [_printed(await prober.probe(r, vantage=vantage, target=target or r.url)) for r in requests]

    _run(measure())


@main.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--server",
    "servers",
    multiple=True,
    help="Address, v4:port or [v6]:port; repeatable.  [default: the system's]",
)
@click.option("--type", "rrtype", default="A", show_default=True, help="Record type.")
@click.option(
    "--transport",
    type=click.Choice(["udp", "tcp", "tls", "https"]),
    default="udp",
    show_default=True,
    help="udp asks again over tcp when the answer was cut short.",
)
@click.option("--server-name", default=None, help="Whom the certificate must be for.  [default: the address]")
@click.option("--ca-file", default=None, help="PEM file of the only authorities to trust.")
@click.option("--path", default="/dns-query", show_default=True, help="Resource asked over https.")
@click.option("--nsid", is_flag=True, help="Ask which instance answers (RFC 5001).")
@click.option("--subnet", default=None, metavar="PREFIX", help="Ask as a client there would (RFC 7871).")
@click.option("--dnssec", is_flag=True, help="Check the chain of trust here, from the root's trust anchor.")
@click.option(
    "--anchor", "anchors", multiple=True, metavar="'TAG ALG TYPE DIGEST'", help="Trust this instead; repeatable."
)
@click.option(
    "--from-root",
    "--authoritative",
    "from_root",
    is_flag=True,
    help="Ask the name's own zone, found from the root downwards.",
)
@click.option(
    "--start", multiple=True, metavar="SERVER", help="Begin that search here; repeatable.  [default: the root]"
)
@click.option("--timeout", default=5.0, show_default=True, help="Seconds for one question.")
@_named
def dns(
    names: tuple[str, ...], servers: tuple[str, ...], vantage: str, target: str | None, **options: Any
) -> None:
    """One question to each server: code, answers, lifetime, validation.

    \b
    answers, cnames           records of the type asked for, and the aliases on the way to them
    nsid, ecs, soa_serial     which instance answered, for which clients, from which version of the zone
    dnssec, dnssec_reason     what the server says of validation; with --dnssec our own verdict and its reason
    signatures_expire_at      the earliest end of a signature that the verdict rests on
    """
    from probes.dns import Delegations, Validator, ask

    if servers and options["from_root"]:
        raise click.UsageError("--server does not go with --from-root; --start says where the search begins")
    for name in names:
        for server in servers or ("127.0.0.1",):
            _dns_question(name, server, options)
    searching = (
        _checked(Delegations, *([options["start"]] if options["start"] else [])) if options["from_root"] else None
    )
    checking = Validator(searching, _anchors(options["anchors"])) if options["dnssec"] else None

    async def measure() -> list[Measured]:
        seen: list[Measured] = []
        for name in names:
            for server in await _name_servers(name, servers, searching, options["timeout"]):
                question = _dns_question(name, server, options)
                one = await ask(question, vantage=vantage, target=target or name, validator=checking)
                seen.append(_printed(one))
        return seen

    _run(measure())


@main.command()
@click.argument("hosts", metavar="HOST...", nargs=-1, required=True)
@click.option(
    "--method", type=click.Choice(["tcp", "icmp", "udp"]), default="tcp", show_default=True, help="What is sent."
)
@click.option("--port", type=int, default=None, help="Port of tcp or udp.  [default: tcp 443, udp 33434]")
@click.option("--max-hops", default=30, show_default=True, help="Largest TTL.")
@click.option("--timeout", default=10.0, show_default=True, help="Seconds for one whole trace.")
@click.option(
    "--count",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="Traces of each, one after the other.",
)
@click.option(
    "--flows",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Trace with one flow after another, until all ways of load balancers are known, at most so many.",
)
@click.option("-4", "family", flag_value=4, type=int, help="IPv4 only.")
@click.option("-6", "family", flag_value=6, type=int, help="IPv6 only.")
@_named
def trace(hosts: tuple[str, ...], vantage: str, target: str | None, family: int | None, **options: Any) -> None:
    """One traceroute to one address of each host, with a constant flow identifier; or one for each of its ways."""
    from probes.traceroute import Tracer, TraceRequest, explore, flows_towards

    fields = {"method": options["method"], "port": options["port"], "max_hops": options["max_hops"]}
    fields["timeout_s"] = options["timeout"]
    _checked(TraceRequest, address="127.0.0.1", **fields)

    async def measure() -> list[Measured]:
        """Trace to each host, one after the other."""
        seen: list[Measured] = []
        async with Tracer() as tracer:
            for host in hosts:
                found = await _address_of(host, family, options["timeout"], vantage, target or host)
                if isinstance(found, TraceObservation):
                    seen.append(_printed(found))
                    continue

                lengths: dict[int, int] = {}

                async def once(
                    flow: int, address: str = found, name: str = target or host, known: dict[int, int] = lengths
                ) -> TraceObservation:
                    request = TraceRequest(address=address, flow=flow, expected_hops=known.get(flow), **fields)
                    one = await tracer.trace(request, vantage=vantage, target=name)
                    if one.reached:
                        known[flow] = len(one.hops)
                    return one

                for _ in range(options["count"]):
                    seen += map(_printed, await explore(once, flows_towards(found), options["flows"]))
        return seen

    _run(measure())


def _dns_question(name: str, server: str, options: Mapping[str, Any]) -> DnsQuestion:
    from probes.dns import DnsQuestion

    question: DnsQuestion = _checked(
        DnsQuestion,
        server=server,
        name=name,
        rrtype=options["rrtype"],
        role="authoritative" if options["from_root"] else "recursive",
        transport=options["transport"],
        timeout_s=options["timeout"],
        nsid=options["nsid"],
        subnet=options["subnet"],
        server_name=options["server_name"],
        ca_file=options["ca_file"],
        path=options["path"],
    )
    return question


def _anchors(lines: tuple[str, ...]) -> tuple[DS, ...]:
    from probes.dnssec import ROOT_ANCHORS, read_anchors

    return tuple(_checked(read_anchors, lines)) if lines else ROOT_ANCHORS


async def _name_servers(
    name: str, servers: tuple[str, ...], searching: Delegations | None, timeout_s: float
) -> tuple[str, ...]:
    """Whom to ask for `name`: the zone's own servers where a search is wanted; none when it found none."""
    from probes.dns import system_resolvers
    from probes.failure import Failed

    if searching is None:
        return servers or system_resolvers()
    try:
        zone = await searching.zone_of(name, timeout_s)
    except Failed as failed:
        click.echo(f"{name}: no authoritative server found: {failed.text}", err=True)
        return ()
    return tuple(searching.written(address) for address in zone.addresses)


async def _address_of(
    host: str, family: int | None, timeout_s: float, vantage: str, target: str
) -> str | TraceObservation:
    """The address to trace, or the observation of a name that has none."""
    import ipaddress

    from probes.dns import StubResolver
    from probes.failure import Failed, failing

    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    at, start = clock.wall(), clock.monotonic()
    try:
        with failing(f"resolve {host}", Layer.DNS):
            async with asyncio.timeout(timeout_s):
                return await StubResolver()(host, family)
    except Failed as exc:
        return TraceObservation(
            at=at, vantage=vantage, target=target, failure=exc.word, error=exc.text, elapsed_s=clock.elapsed(start)
        )


def expectation(options: Mapping[str, Any]) -> Expect:
    """What the options of `http` expect.

    :raises click.UsageError: one of them is not written as it must be
    """
    expect: Expect = _checked(
        Expect,
        status=options["expect_status"],
        body_contains=options["expect_body"],
        body_regex=options["expect_regex"],
        body_json=tuple(_json_pair(text) for text in options["expect_json"]),
        headers=tuple(_header(text) for text in options["expect_header"]),
        max_body=options["max_body"],
        max_wait=options["max_wait"],
        max_total=options["max_total"],
    )
    return expect


def _http_fields(options: dict[str, Any]) -> dict[str, Any]:
    return {
        "method": options["method"],
        "headers": tuple(_header(text) for text in options["headers"]),
        "body": options["body"],
        "expect": expectation(options),
        "timeout_s": options["timeout"],
        "address": options["address"],
        "family": options["family"],
        "follow_redirects": options["follow_redirects"],
        "http2": not options["http1"],
        "verify_tls": not options["insecure"],
        "ca_file": options["ca_file"],
        "client_cert": options["client_cert"],
        "client_key": options["client_key"],
    }


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise click.UsageError(f"a header is written 'NAME: VALUE': {text!r}")
    return name.strip(), value.strip()


def _json_pair(text: str) -> tuple[str, object]:
    """A path and the value expected there: JSON where it is that, else text, so that quotes may be left out."""
    path, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"a JSON expectation is written 'PATH=VALUE': {text!r}")
    try:
        return path.strip(), msgspec.json.decode(value, type=str | int | float | bool)
    except msgspec.MsgspecError:
        return path.strip(), value


def _checked(kind: Callable[..., Any], *given: Any, **fields: Any) -> Any:
    """Make a request; what is wrong with it is bad usage."""
    try:
        return kind(*given, **fields)
    except ValueError as exc:
        raise click.UsageError(str(exc)) from exc


def _printed(observation: Measured) -> Measured:
    take = click.get_current_context().obj
    if take is None:
        click.echo(encode(observation))
    else:
        take(observation)
    return observation


def _run(measuring: Coroutine[Any, Any, list[Measured]]) -> None:
    """Measure; leave with 3 when nothing could be measured or the monitor itself was at fault."""
    seen = asyncio.run(measuring)
    if not seen or any(one.failure is not None and one.failure.layer is Layer.MONITOR for one in seen):
        raise click.exceptions.Exit(COULD_NOT_MEASURE)


if __name__ == "__main__":
    main(prog_name="python -m probes")
