"""What one request costs the generator: bare GETs over HTTP/1.1, TLS and HTTP/2."""

import tools
from nginx import Nginx
from rounds import interleaved, ratios
from tables import Figure, Section, all_runs, doubts, efficiency_table
from tools import NEST


def get(rounds: int) -> Section:
    with Nginx() as server:
        url, base = server.url(), server.url(path="")
        peers = [tools.wrk(url), tools.oha(url), tools.goose(base), tools.locust(base), tools.hey(url), tools.h2load(url)]
        runs = interleaved(server, [tools.nest(url), *peers], rounds)
    figures = [
        Figure("to wrk", ratios(runs, NEST, "wrk"), 1.05, 0.95),
        Figure("to oha", ratios(runs, NEST, "oha"), 1.5, 1.3),
        Figure("to Goose", ratios(runs, NEST, "Goose"), 2.6, 2.2),
        Figure("to Locust FastHttpUser", ratios(runs, NEST, "Locust"), 16, 12, digits=1),
    ]
    text = "A GET of 208 bytes on 64 kept connections: requests per CPU-second of the generator."
    return Section("GET, 64 connections", text, figures, efficiency_table(runs), doubts(all_runs(runs)))


def get_1000(rounds: int) -> Section:
    with Nginx() as server:
        url = server.url()
        many = [tools.nest(url, connections=1000), tools.wrk(url, connections=1000), tools.oha(url, connections=1000)]
        runs = interleaved(server, many, rounds)
    figures = [Figure("to wrk", ratios(runs, NEST, "wrk"), 1.05, 0.95)]
    text = "The same on 1,000 connections, where memory is what costs time."
    return Section("GET, 1,000 connections", text, figures, efficiency_table(runs), doubts(all_runs(runs)))


def tls(rounds: int) -> Section:
    with Nginx() as server:
        url = server.url("tls")
        runs = interleaved(server, [tools.nest(url, "--insecure"), tools.oha(url, "--insecure")], rounds)
    figures = [Figure("to oha", ratios(runs, NEST, "oha"), 1.2, 1.0)]
    text = "The same GET over TLS 1.3 (AES-128-GCM for everybody), 64 kept connections, their handshakes included."
    return Section("TLS 1.3", text, figures, efficiency_table(runs), doubts(all_runs(runs)))


def http2(rounds: int) -> Section:
    """One request at a time on each connection, as a customer makes them."""
    with Nginx() as server:
        over_tls = http2_pair(server.url("h2"), "--http2", "--insecure")
        in_clear = http2_pair(server.url("h2c"), "--http2")
        encrypted = interleaved(server, over_tls, rounds)
        plain = interleaved(server, in_clear, rounds)
    figures = [
        Figure("over TLS, to oha", ratios(encrypted, NEST, "oha"), 1.2, 1.0),
        Figure("without TLS, to oha", ratios(plain, NEST, "oha"), 1.2, 1.0),
    ]
    detail = f"Over TLS:\n\n{efficiency_table(encrypted)}\n\nWithout TLS (h2c, prior knowledge):\n\n{efficiency_table(plain)}"
    text = "The same GET over HTTP/2 on 64 connections, one request at a time on each."
    return Section("HTTP/2", text, figures, detail, doubts(all_runs(encrypted) + all_runs(plain)))


def http2_pair(url: str, *options: str) -> list[tools.Tool]:
    return [tools.nest(url, *options), tools.oha(url, "-p", "1", *options)]
