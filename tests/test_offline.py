"""The main job, from pictures to a map, asks no other machine for anything."""

import json
import os
import subprocess
import sys
from pathlib import Path

# Python tells its audit hooks of every name that is looked up and every connection that is made.
GUARD = """
import json, sys
tried = []
def guard(event, args):
    if event == "socket.getaddrinfo":
        address = args[0]
    elif event == "socket.connect" and isinstance(args[1], tuple):
        address = args[1][0]
    else:
        return
    address = address.decode() if isinstance(address, bytes) else address
    if address not in (None, "localhost", "127.0.0.1", "::1"):
        tried.append([event, str(address)])
        raise ConnectionRefusedError(f"no network: {address}")
sys.addaudithook(guard)
"""
JOB = """
from pathlib import Path
from sharedspace.cli import main
home, folder = sys.argv[1:]
def run(*words):
    status = main([*words, "--home", home])
    assert status == 0, (words, status)
run("ingest", folder, "-c", "drawings")
run("search", "a lamp", "-c", "drawings")
run("search", "a lamp", "-c", "drawings", "--index", "chroma")
run("classify", "-c", "drawings", "--labels", "day,night")
run("cluster", "-c", "drawings", "--method", "kmeans", "-k", "3")
run("map", "-c", "drawings", "--out", str(Path(home) / "map.html"))
run("collections", "verify", "drawings")
run("export", "-c", "drawings", "--out", str(Path(home) / "drawings.zip"))
run("import", str(Path(home) / "drawings.zip"), "-c", "again")
run("models")
"""


def child(code: str, *arguments: str) -> list[list[str]]:
    """The addresses that a process tried to reach; its last line tells."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_"))}
    done = subprocess.run(
        [sys.executable, "-c", f"{GUARD}\n{code}\nprint(json.dumps(tried))", *arguments],
        env=clean,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_the_main_job_tries_to_reach_no_other_machine(tmp_path: Path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for path in sorted(Path("sample_data/images").glob("*.webp"))[:40]:
        (folder / path.name).write_bytes(path.read_bytes())

    assert child(JOB, str(tmp_path / "home"), str(folder)) == []


def test_whoever_tries_is_seen(tmp_path: Path):
    code = """
import socket, urllib.request
for ask in (lambda: socket.create_connection(("192.0.2.1", 80), 1), lambda: urllib.request.urlopen("http://example.org")):
    try:
        ask()
    except OSError:
        pass
"""
    assert [address for _, address in child(code)] == ["192.0.2.1", "example.org"]
