"""A name space of its own on loopback: root, top-level domains and zones, signed by ldns and served by NSD.

Three servers on three addresses, so that referrals are real; a port of its own, so that nobody needs root.
Addresses are in 127.53/16, which Linux's loopback has without being told.

    .          127.53.0.1   NSEC; test and optout are signed below it, other is not
    test       127.53.0.2   NSEC3
    optout     127.53.0.2   NSEC3 with opt-out
    other      127.53.0.2   not signed
    the rest   127.53.0.3   as `LEAVES` says
"""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from probes.dns import Delegations, DnsQuestion, Validator, ask
from probes.dnssec import read_anchors

ROOT, TOP, LEAF, RESOLVER = "127.53.0.1", "127.53.0.2", "127.53.0.3", "127.53.0.4"
PROGRAMS = ("nsd", "ldns-signzone", "ldns-keygen")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"  # where Debian has servers, and other users' PATH does not
DAY = 86400

RECORDS = """
@ 300 IN SOA ns.test. mail.test. 2022020301 7200 900 1209600 300
@ 300 IN NS ns.test.
@ 300 IN A 203.0.113.1
www 300 IN A 203.0.113.10
www 300 IN AAAA 2001:db8::10
alias 300 IN CNAME www.plain.test.
away 300 IN CNAME www.unsigned.test.
*.wild 300 IN A 203.0.113.42
*.elsewhere 300 IN CNAME no.such.nsec3.test.
old 300 IN DNAME plain.test.
deep.below.here 300 IN A 203.0.113.11
svc 300 IN HTTPS 1 . alpn="h2"
"""


@dataclass(frozen=True)
class Leaf:
    """One zone below a top-level domain: how it is signed, and what its parent says of it."""

    name: str
    signing: tuple[str, ...] | None = ()  # arguments of ldns-signzone; None: not signed
    algorithm: str = "ECDSAP256SHA256"
    ds: str | None = "own"  # "own", None, or the RDATA of another one
    ns: tuple[str, ...] = ("ns.test.",)
    extra: str = ""
    served: bool = True
    strip: bool = False  # signatures removed after signing


WRONG_DS = "12345 13 2 " + "ab" * 32
UNKNOWN_DS = "12345 253 2 " + "ab" * 32
LEAVES = (
    Leaf("plain.test", extra="unsigned 300 IN NS ns.test.\n"),
    Leaf("unsigned.plain.test", signing=None, ds=None),
    Leaf("nsec3.test", signing=("-n", "-t", "5", "-s", "abcd"), extra="unsigned 300 IN NS ns.test.\n"),
    Leaf("unsigned.nsec3.test", signing=None, ds=None),
    Leaf("rsa.test", algorithm="RSASHA256"),
    Leaf("ed25519.test", algorithm="ED25519"),
    Leaf("unsigned.test", signing=None, ds=None),
    Leaf("expired.test", signing=("-i", f"{int(time.time()) - 60 * DAY}", "-e", f"{int(time.time()) - 3 * DAY}")),
    Leaf("early.test", signing=("-i", f"{int(time.time()) + 3 * DAY}", "-e", f"{int(time.time()) + 60 * DAY}")),
    Leaf("soon.test", signing=("-e", f"{int(time.time()) + 2 * DAY}")),
    Leaf("wrongds.test", ds=WRONG_DS),
    Leaf("unknown.test", ds=UNKNOWN_DS),
    Leaf("stripped.test", strip=True),
    Leaf("neversigned.test", signing=None, ds=WRONG_DS),
    Leaf("iterated.test", signing=("-n", "-t", "151")),
    Leaf("unsigned.optout", signing=None, ds=None),
    Leaf("signed.optout"),
    Leaf("hoster.other", signing=None, ds=None, extra="ns 300 IN A 127.53.0.3\n"),
    Leaf("glueless.test", ns=("ns.hoster.other.",)),
    Leaf("lame.test", ns=("ns.test.",), ds=None, served=False),
    Leaf("half.test", ns=("ns.test.", "ns-top.test."), ds=None, signing=None),
    Leaf("loop-a.test", ns=("ns.loop-b.test.",), ds=None, served=False),
    Leaf("loop-b.test", ns=("ns.loop-a.test.",), ds=None, served=False),
)


class NameSpace:
    """The running servers. `start` is the root's address as probes take it; `anchors` its key's digest."""

    def __init__(self, folder, port):
        self.folder = folder
        self.port = port
        self.start = f"{ROOT}:{port}"
        self.anchors = ()

    def at(self, address):
        """A server of the name space, as `DnsQuestion.server` takes it."""
        return f"{address}:{self.port}"

    def sign(self, zone, text, signing, algorithm, strip=False):
        """Sign a zone; its file's name and its key's DS RDATA."""
        plain = self.folder / f"{zone or 'root'}.zone"
        plain.write_text(f"$ORIGIN {zone}.\n{text}")
        if signing is None:
            return plain, None
        origin = f"{zone}."
        key = _run(self.folder, "ldns-keygen", "-r", "/dev/urandom", "-a", algorithm, "-k", origin).strip()
        signed = self.folder / f"{zone or 'root'}.signed"
        _run(self.folder, "ldns-signzone", *signing, "-o", origin, "-f", str(signed), str(plain), key)
        if strip:
            lines = signed.read_text().splitlines()
            signed.write_text("\n".join(line for line in lines if "\tRRSIG\t" not in line) + "\n")
        return signed, (self.folder / f"{key}.ds").read_text().split("DS\t", 1)[1].split("\n")[0].strip()


def _run(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def _delegations(leaves, dss):
    """NS, DS and glue for the zones right below a top-level domain, with names relative to it."""
    lines = []
    for leaf in leaves:
        label = leaf.name.split(".")[0]
        lines += [f"{label} 300 IN NS {server}" for server in leaf.ns]
        ds = dss.get(leaf.name) if leaf.ds == "own" else leaf.ds
        lines += [f"{label} 300 IN DS {ds}"] if ds else []
    return "\n".join(lines) + "\n"


def _soa(server):
    return f"@ 300 IN SOA {server} mail.test. 1 7200 900 1209600 300\n@ 300 IN NS {server}\n"


def _build(space):
    """All zone files, from the leaves upwards; server address -> [(zone, file)]."""
    files, dss = {ROOT: [], TOP: [], LEAF: []}, {}
    for leaf in LEAVES:
        text = RECORDS.replace("@ 300 IN NS ns.test.", "\n".join(f"@ 300 IN NS {server}" for server in leaf.ns))
        path, dss[leaf.name] = space.sign(leaf.name, text + leaf.extra, leaf.signing, leaf.algorithm, leaf.strip)
        if leaf.served:
            files[LEAF].append((leaf.name, path))
    glue = f"ns-tld 300 IN A {TOP}\nns 300 IN A {LEAF}\nns-top 300 IN A {TOP}\n"
    for top, signing in (("test", ("-n",)), ("optout", ("-n", "-p")), ("other", None)):
        below = [leaf for leaf in LEAVES if leaf.name.endswith(f".{top}") and leaf.name.count(".") == 1]
        text = _soa("ns-tld.test.") + _delegations(below, dss) + (glue if top == "test" else "")
        path, dss[top] = space.sign(top, text, signing, "ECDSAP256SHA256")
        files[TOP].append((top, path))
    text = _soa("ns.root-servers.") + f"ns.root-servers 300 IN A {ROOT}\nns-tld.test. 300 IN A {TOP}\n"
    for top in ("test", "optout", "other"):
        text += f"{top} 300 IN NS ns-tld.test.\n" + (f"{top} 300 IN DS {dss[top]}\n" if dss[top] else "")
    path, anchor = space.sign("", text, (), "ECDSAP256SHA256")
    files[ROOT].append((".", path))
    space.anchors = read_anchors([anchor])
    return files


def _configuration(space, address, zones):
    name = address.replace(".", "-")
    lines = [
        "server:",
        f"  ip-address: {space.at(address).replace(':', '@')}",
        '  username: ""',
        "  server-count: 1",
    ]
    lines += [f'  {key}: "{space.folder}/{name}.{key}"' for key in ("pidfile", "xfrdfile", "zonelistfile")]
    lines += [f'  zonesdir: "{space.folder}"', f'  xfrdir: "{space.folder}"', '  database: ""', "  do-ip6: no"]
    lines += [f'  nsid: "ascii_{name}"', "  rrl-ratelimit: 0", "remote-control:", "  control-enable: no"]
    for zone, path in zones:
        lines += ["zone:", f'  name: "{zone}"', f'  zonefile: "{path}"']
    path = space.folder / f"{name}.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


@contextlib.contextmanager
def _running(command, started):
    """A server in the foreground; it writes `started` when it serves."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if started in line:
                break
        else:
            raise AssertionError(f"{command[0]} did not start: {said}")
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stderr.close()


def _free_port():
    with socket.socket() as sock:
        sock.bind((ROOT, 0))
        return sock.getsockname()[1]


@pytest.fixture(scope="session")
def name_space():
    """The servers, running. Skipped where the programs are not installed, or loopback has one address only."""
    missing = [program for program in PROGRAMS if shutil.which(program, path=PATH) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian: nsd, ldnsutils)")
    try:
        port = _free_port()
    except OSError as error:
        pytest.skip(f"loopback has no {ROOT}: {error}")
    with tempfile.TemporaryDirectory(prefix="wd-names-") as folder, contextlib.ExitStack() as stack:
        space = NameSpace(Path(folder), port)
        for address, zones in _build(space).items():
            nsd = [
                shutil.which("nsd", path=PATH),
                "-d",
                "-V",
                "2",
                "-c",
                str(_configuration(space, address, zones)),
            ]
            stack.enter_context(_running(nsd, "nsd started"))
        yield space


@pytest.fixture
def run_leaf(name_space):
    """`run_leaf(name, rrtype, **fields)`: what the leaf zones' server answers, validated from the root down."""

    def run(name, rrtype="A", *, validator=None, **fields):
        given = {"role": "authoritative", "timeout_s": 5.0, "server": name_space.at(LEAF), **fields}

        async def main():
            checking = validator or Validator(Delegations([name_space.start]), name_space.anchors)
            question = DnsQuestion(name=name, rrtype=rrtype, **given)
            return await ask(question, vantage="here", target="it", validator=checking)

        return asyncio.run(main())

    return run


class Resolver:
    """A running Unbound that validates: plain, over TLS and over HTTPS, one port each."""

    def __init__(self, ports):
        self.ports = ports

    def at(self, transport):
        """Its address for that transport, as `DnsQuestion.server` takes it."""
        return f"{RESOLVER}:{self.ports['udp' if transport == 'tcp' else transport]}"


def _resolver_configuration(space, folder, ports, anchors):
    stubs = {".": ROOT, "test": TOP, "optout": TOP, "other": TOP}
    stubs |= {leaf.name: LEAF for leaf in LEAVES if leaf.served}
    lines = ["server:", *(f"  interface: {RESOLVER}@{port}" for port in ports.values())]
    lines += [f"  tls-port: {ports['tls']}", f"  https-port: {ports['https']}"]
    lines += [f'  tls-service-key: "{folder}/key.pem"', f'  tls-service-pem: "{folder}/chain.pem"']
    lines += ["  access-control: 127.0.0.0/8 allow", "  do-not-query-localhost: no", "  do-ip6: no", "  ede: yes"]
    lines += ['  username: ""', '  chroot: ""', f'  directory: "{folder}"', '  pidfile: ""', "  use-syslog: no"]
    lines += ['  module-config: "validator iterator"', '  logfile: ""', "  verbosity: 1", "  num-threads: 1"]
    lines += ['  local-zone: "test." nodefault']  # RFC 6761 has resolvers deny it
    lines += [f'  trust-anchor: ". DS {anchor.to_text()}"' for anchor in anchors]
    lines += ["remote-control:", "  control-enable: no"]
    for zone, address in stubs.items():
        lines += ["stub-zone:", f'  name: "{zone}"', f"  stub-addr: {address}@{space.port}"]
    path = folder / "unbound.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def resolver(name_space, ca, tmp_path_factory):
    """Debian's Unbound in front of the name space, with its anchor. Skipped where it is not installed."""
    program = shutil.which("unbound", path=PATH)
    if program is None:
        pytest.skip("not installed: unbound")
    folder = tmp_path_factory.mktemp("unbound")
    certificate = ca.issue_cert(RESOLVER, "dns.example")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(folder / "chain.pem", append=True)
    ports = {}
    with contextlib.ExitStack() as sockets:
        for transport in ("udp", "tls", "https"):
            sock = sockets.enter_context(socket.socket())
            sock.bind((RESOLVER, 0))
            ports[transport] = sock.getsockname()[1]
    configuration = _resolver_configuration(name_space, folder, ports, name_space.anchors)
    with _running([program, "-d", "-c", str(configuration)], "start of service"):
        yield Resolver(ports)
