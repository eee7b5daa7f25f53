"""Verbs that run something of their own: the app, and the training of the pocket model."""

from __future__ import annotations

import math
import os
import socket
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from sharedspace import encoders
from sharedspace.classroom import reachable_at
from sharedspace.cli.terminal import Answer, printable, say
from sharedspace.errors import BadInput
from sharedspace.home import default_path

ROOT = Path(__file__).parents[2]  # of the repository: the app's launcher and its settings stand there
PORT = 8501
STEPS = 4000  # what the shipped weights had


def app_options(parser: ArgumentParser) -> None:
    """Options of `app`."""
    parser.add_argument("--port", type=int, help=f"default: {PORT}, or the next that is free")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument(
        "--share",
        action="store_true",
        help="let the machines of this network in, for the lessons only. Whoever opens the app at http://localhost may "
        "do everything; a proxy or tunnel on this machine that hides that it hands on makes its visitors look so too",
    )


def app(args: Namespace) -> Answer:
    """Serve the app until Ctrl-C."""
    if not (ROOT / "app.py").is_file():
        raise BadInput(f"The app is not in {ROOT}: run this from a clone of the repository.")
    port = _free_port(args.port)
    home = (Path(args.home) if args.home else default_path()).resolve()  # the app runs in another folder
    command = app_command(port, browser=not args.no_browser and _has_screen(), share=args.share)
    url = f"http://localhost:{port}"
    shared = _shared_url(port) if args.share else None

    def serve() -> int:
        os.chdir(ROOT)
        os.environ["SHAREDSPACE_HOME"] = str(home)
        if args.chroma_url is not None:
            os.environ["SHAREDSPACE_CHROMA_URL"] = args.chroma_url
        if args.chroma_header is not None:
            os.environ["SHAREDSPACE_CHROMA_HEADERS"] = "\n".join(args.chroma_header)
        if args.json:
            os.dup2(2, 1)  # Streamlit's own messages are no part of the document
        if os.name != "nt":
            os.execv(command[0], command)  # the app gets this process's signals, and leaves no orphan
        return subprocess.run(command, check=False).returncode

    lines = [f"Shared Space on {url}, home {printable(home)}; Ctrl-C ends it"]
    if args.share:
        lines.append(
            f"Lessons for the machines beside this one: {shared}"
            if shared
            else "This machine is in no network: nobody else can reach the app"
        )
    document = {"url": url, "home": str(home), **({"shared": shared} if args.share else {})}
    return Answer(document, lines, 0, serve)


def _shared_url(port: int) -> str | None:
    found = reachable_at()
    return None if found is None else f"http://{found}:{port}"


def app_command(port: int, browser: bool, share: bool = False) -> list[str]:
    """The command line of Streamlit; its folder's settings say to open no browser and to ask for nothing."""
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), f"--server.port={port}"]
    if share:
        # Told where it is seen, Streamlit asks no other machine for that.
        command += ["--server.address=0.0.0.0", "--browser.serverAddress=localhost"]
    return [*command, "--server.headless=false", "--server.showEmailPrompt=false"] if browser else command


def _has_screen() -> bool:
    screen = sys.platform in ("darwin", "win32") or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    return screen and sys.stdout.isatty()


def _free_port(wanted: int | None) -> int:
    """The port to serve on: the one that is wanted, else the first free one from PORT on."""
    for port in [wanted] if wanted is not None else range(PORT, PORT + 20):
        with socket.socket() as probe:
            if os.name != "nt":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a server that has just ended is no bar
            try:
                probe.bind(("", port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise BadInput(f"Port {PORT if wanted is None else wanted} cannot be had: choose another with --port.")


def pocket(args: Namespace) -> Answer:
    """What the pocket model is, and where it lies."""
    info = encoders.MODELS[0]
    files = [file for file in encoders.POCKET.glob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    document = {"name": info.name, "folder": str(encoders.POCKET), "dimension": info.dimension, "bytes": size}
    return Answer(
        document,
        [
            f"{info.name}: {info.note}; {info.dimension}-d, {size / 1e6:.1f} MB in {encoders.POCKET}",
            "sharedspace pocket evaluate measures it, sharedspace pocket train trains it from scratch",
        ],
    )


def train_options(parser: ArgumentParser) -> None:
    """Options of `pocket train`."""
    parser.add_argument("--out", required=True, metavar="DIR", help="for the model and the checkpoints")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"batches of 256 (default: {STEPS})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in DIR")
    parser.add_argument("--small", action="store_true", help="the twin: a smaller model, with a space of its own")


def train(args: Namespace) -> Answer:
    """Train the pocket model from scratch."""
    from sharedspace.pocket.train import train as train_pocket

    if args.steps < 1:
        raise BadInput(f"Train for at least one step, not {args.steps}.")
    if args.resume and not (Path(args.out) / "checkpoint.pt").is_file():
        raise BadInput(f"There is no checkpoint in {args.out} to go on from.")
    at = train_pocket(
        Path(args.out), steps=args.steps, seed=args.seed, resume=args.resume, small=args.small, report=say
    )
    folder = str(Path(args.out) / "model")
    document = {
        "model": folder,
        "steps": at.step,
        "samples": at.samples,
        "loss": _number(at.loss),
        "validation": {"object": at.object, "colour": at.colour, "setting": at.setting},
    }
    return Answer(document, [f"{printable(folder)} after {at.step:,} steps, {at.samples:,} samples"])


def evaluate_options(parser: ArgumentParser) -> None:
    """Options of `pocket evaluate`."""
    parser.add_argument(
        "--model", metavar="DIR", help="a folder that `pocket train` wrote (default: the one in the box)"
    )
    parser.add_argument("--n", type=int, default=1000, help="scenes to measure on (default: 1000)")


def evaluate(args: Namespace) -> Answer:
    """Measure the pocket model on scenes that it was not trained on."""
    from sharedspace.pocket.evaluate import evaluate as evaluate_pocket
    from sharedspace.pocket.evaluate import format_table

    folder = Path(args.model) if args.model else encoders.POCKET
    if not (folder / "config.json").is_file():
        raise BadInput(f"There is no model in {folder}.")
    if args.n < 20:
        raise BadInput(f"Measure on at least 20 scenes, not {args.n}.")
    figures = evaluate_pocket(folder, n=args.n)
    rows = [{**row, "value": _number(row["value"])} for row in figures["rows"]]
    return Answer({"model": str(folder), **figures, "rows": rows}, format_table(figures).splitlines())


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None  # JSON has no NaN
