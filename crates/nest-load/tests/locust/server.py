"""A small HTTP server on loopback that counts what it is asked for and can stand still."""

from __future__ import annotations

import asyncio
import collections
import threading
import time


class Server:
    """Answers every request with 200, `/status/N` with N, and `/slow/MS` after so many milliseconds."""

    def __init__(self) -> None:
        self.asked: collections.Counter[str] = collections.Counter()
        self.loop = asyncio.new_event_loop()
        self.started = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        self.started.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def total(self) -> int:
        return sum(self.asked.values())

    def stall(self, seconds: float) -> None:
        """Stands still for a while: connections are taken by the kernel, and nobody answers."""
        self.loop.call_soon_threadsafe(time.sleep, seconds)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=4096))
        self.port = server.sockets[0].getsockname()[1]
        self.started.set()
        self.loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                method, path, _ = lines[0].split(" ", 2)
                headers = {
                    name.strip().lower(): value.strip()
                    for name, _, value in (one.partition(":") for one in lines[1:])
                }
                await reader.readexactly(int(headers.get("content-length", 0)))
                self.asked[f"{method} {path}"] += 1
                status = path.removeprefix("/status/") if path.startswith("/status/") else "200"
                if path.startswith("/slow/"):
                    await asyncio.sleep(int(path.removeprefix("/slow/")) / 1000)
                where = "Location: /arrived\r\n" if status == "302" else ""
                writer.write(f"HTTP/1.1 {status} Answer\r\n{where}Content-Length: 2\r\n\r\nok".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
