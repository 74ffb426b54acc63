"""Starts a broker with a configuration of this folder, and tries each permission: what is allowed works, all else is refused."""

import asyncio
import logging
import os
import socket
import ssl
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import nats
from nats.errors import Error, NoRespondersError, TimeoutError

logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of each connection with TLS that ends

PASSWORDS = {"coordinator": "c0ffee", "worker": "b0bbed"}
# How long a message or a refusal may take on loopback before it counts as lost.
PATIENCE_S = 2.0
# How long the test waits for something that should not come.
SILENCE_S = 0.02

# What each user may send and hear, and what it may not, in a session `s`.
MAY_SEND = {
    "coordinator": ["nest.1.s.beat", "nest.1.s.w.1"],
    "worker": ["nest.1.s.join", "nest.1.s.p.1"],
}
MAY_NOT_SEND = {
    "coordinator": ["nest.2.s.beat", "other", "_INBOX.coord.x", "_INBOX.worker.x", "$SYS.REQ.SERVER.PING"],
    "worker": ["nest.1.s.w.1", "nest.1.s.w.2", "nest.1.s.beat", "nest.1.s.p.1.x", "nest.1.s", "nest.2.s.join", "other",
               "_INBOX.coord.x", "_INBOX.worker.x", "$SYS.REQ.SERVER.PING"],
}
MAY_HEAR = {
    "coordinator": ["nest.1.s.>", "nest.1.s.join", "nest.1.s.p.*", "_INBOX.coord.>"],
    "worker": ["nest.1.s.beat", "nest.1.s.w.1", "_INBOX.worker.x.>"],
}
MAY_NOT_HEAR = {
    "coordinator": ["_INBOX.worker.>", "other", ">", "$SYS.>"],
    "worker": ["nest.1.s.join", "nest.1.s.p.1", "nest.1.s.p.*", "nest.1.s.>", "nest.1.>", "_INBOX.coord.>", "_INBOX.>", ">", "$SYS.>"],
}


class Refused(Exception):
    """The broker does something that it should not."""


def run(*command, **options):
    subprocess.run([str(part) for part in command], check=True, capture_output=True, **options)


def make_certificates(folder):
    """An authority, and certificates by it: of a broker on 127.0.0.1, and of a client."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    run("openssl", "req", "-x509", *key, "-days", 2, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt", cwd=folder)
    for name, more in {"broker": ["-addext", "subjectAltName=IP:127.0.0.1"], "client": []}.items():
        run("openssl", "req", *key, "-subj", f"/CN={name}", *more, "-keyout", f"{name}.key", "-out", f"{name}.csr", cwd=folder)
        run("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", 2,
            "-copy_extensions", "copy", "-out", f"{name}.crt", cwd=folder)


def server():
    found = next((path for path in map(Path, ["/usr/sbin/nats-server", "/usr/local/bin/nats-server"]) if path.is_file()), None)
    if not found:
        raise SystemExit("error: nats-server is missing\nhint: apt-get install nats-server, or tests/run")
    return found


def environment():
    return {**os.environ, **{f"NEST_{user.upper()}_PASSWORD": password for user, password in PASSWORDS.items()}}


@contextmanager
def broker(configuration, folder):
    """Runs a broker on a free loopback port; gives the port."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [server(), "-c", configuration, "-a", "127.0.0.1", "-p", str(port)]
    with (folder / "broker.log").open("w") as log:
        child = subprocess.Popen(command, cwd=folder, env=environment(), stdout=log, stderr=log)
    try:
        until = time.monotonic() + 10
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if child.poll() is not None or time.monotonic() > until:
                raise Refused(f"the broker does not start: {(folder / 'broker.log').read_text()}")
            time.sleep(0.02)
        yield port
    finally:
        child.terminate()
        child.wait(10)


class User:
    """A connection with the credentials of a user."""

    def __init__(self, port, folder, name, **options):
        tls = ssl.create_default_context(cafile=folder / "ca.crt")
        if options.pop("certificate", False):
            tls.load_cert_chain(folder / "client.crt", folder / "client.key")
        self.errors = []
        prefix = {"coordinator": "_INBOX.coord", "worker": "_INBOX.worker"}.get(name, "_INBOX")
        self.options = {
            "servers": f"tls://127.0.0.1:{port}", "tls": tls, "user": name, "password": PASSWORDS.get(name), "inbox_prefix": prefix,
            "allow_reconnect": False, "connect_timeout": 5, "error_cb": self.note, **options}

    async def note(self, error):
        self.errors.append(str(error).lower())  # the client has made capitals of subjects small already

    async def __aenter__(self):
        self.client = await nats.connect(**self.options)
        return self

    async def __aexit__(self, *_):
        with suppress(Error, OSError):
            await self.client.close()

    async def is_refused(self, subject):
        """Whether the broker refuses the next thing about a subject."""
        with suppress(asyncio.TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while not (said := [one for one in self.errors if subject.lower() in one]):
                    await self.client.flush()
                    await asyncio.sleep(0.001)
                self.errors.remove(said[0])
                return "permissions violation" in said[0]
        return False

    async def is_let(self, subject):
        """Whether the broker has said nothing against a subject. What it says late fails the next question."""
        await asyncio.sleep(SILENCE_S)  # the client sends by and by
        await self.client.flush(PATIENCE_S)
        return not self.errors


def expect(is_right, what):
    if not is_right:
        raise Refused(what)


async def try_permissions(users):
    for name, user in users.items():
        for subject in MAY_HEAR[name]:
            heard = await user.client.subscribe(subject)
            expect(await user.is_let(subject), f"{name} cannot hear {subject}: {user.errors}")
            await heard.unsubscribe()
        for subject in MAY_SEND[name]:
            await user.client.publish(subject, b"{}")
            expect(await user.is_let(subject), f"{name} cannot send {subject}: {user.errors}")
        for subject in MAY_NOT_HEAR[name]:
            await user.client.subscribe(subject)
            expect(await user.is_refused(subject), f"{name} can hear {subject}")
        for subject in MAY_NOT_SEND[name]:
            await user.client.publish(subject, b"{}")
            expect(await user.is_refused(subject), f"{name} can send {subject}")


async def try_session(coordinator, worker):
    """A worker joins, is asked and answers once; what it sends to others arrives nowhere."""
    heard = []

    async def hear(message):
        heard.append(message.subject)
        if message.subject.endswith(".join"):
            await message.respond(b"joined")

    async def answer_twice(message):
        await message.respond(b"first")
        await message.respond(b"second")

    await coordinator.client.subscribe("nest.1.s.>", cb=hear)
    await worker.client.subscribe("nest.1.s.w.1", cb=answer_twice)
    await coordinator.client.flush()
    await worker.client.flush()
    joined = await worker.client.request("nest.1.s.join", b"{}", PATIENCE_S)
    expect(joined.data == b"joined", "a worker that joins gets no answer")
    answer = await coordinator.client.request("nest.1.s.w.1", b"{}", PATIENCE_S)
    expect(answer.data == b"first", "a worker cannot answer what it is asked")
    expect(await worker.is_refused("_INBOX.coord."), "a worker can answer more than once")
    try:
        await worker.client.request("nest.1.s.w.1", b"{}", SILENCE_S)
        raise Refused("a worker can ask a worker")
    except (TimeoutError, NoRespondersError):
        pass
    try:
        await coordinator.client.request("nest.1.t.w.99", b"{}", PATIENCE_S)
        raise Refused("a worker that is not there has answered")
    except NoRespondersError:
        pass
    await asyncio.sleep(SILENCE_S)
    expect(heard == ["nest.1.s.join", "nest.1.s.w.1"], f"other messages than those allowed arrived: {heard}")


async def try_limits(worker):
    expect(worker.client.max_payload == 1 << 20, f"the largest message has {worker.client.max_payload} bytes")
    expect("jetstream" not in worker.client._server_info, "JetStream is on")


async def is_let_in(port, folder, name, **options):
    try:
        async with User(port, folder, name, **options):
            return True
    except (Error, OSError):
        return False


async def try_everything(port, folder, client_certificate):
    options = {"certificate": client_certificate}
    async with User(port, folder, "coordinator", **options) as coordinator, User(port, folder, "worker", **options) as worker:
        await try_limits(worker)
        await try_permissions({"coordinator": coordinator, "worker": worker})
        await try_session(coordinator, worker)
    expect(not await is_let_in(port, folder, "worker", password="wrong", **options), "a wrong password is let in")
    expect(not await is_let_in(port, folder, None, **options), "nobody is let in")
    plain = {"tls": None, "servers": f"nats://127.0.0.1:{port}"}
    expect(not await is_let_in(port, folder, "worker", **plain), "a connection without TLS is let in")
    if client_certificate:
        expect(not await is_let_in(port, folder, "worker"), "a connection without a certificate is let in")


def check(configuration, folder, client_certificate=False):
    """Everything above, on a broker with this configuration, which must be in `folder` with the certificates that it names."""
    with broker(configuration, folder) as port:
        asyncio.run(try_everything(port, folder, client_certificate))
        return len(sum([*MAY_SEND.values(), *MAY_NOT_SEND.values(), *MAY_HEAR.values(), *MAY_NOT_HEAR.values()], []))
