"""A real `chroma run`, on this machine only."""

import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


class ChromaServer:
    """A Chroma server over a folder, on a port of its own that stays the same when it is started anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = Path(sys.executable).parent / "chroma"
        command = [program, "run", "--path", self._folder, "--host", "127.0.0.1", "--port", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/api/v2/heartbeat", timeout=1):
                    return
            except OSError:
                assert time.monotonic() < end, "chroma run does not answer"
                time.sleep(0.05)

    def kill(self) -> None:
        """End it without a warning."""
        self._process.kill()
        self._process.wait()
