"""The cells of a notebook, run one after the other: in this process, as a kernel would, or in a kernel."""

from __future__ import annotations

import ast
import contextlib
import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import KernelManager


@dataclass
class Played:
    """What running a notebook left."""

    names: dict[str, Any] = field(default_factory=dict, repr=False)
    shown: list[Any] = field(default_factory=list)  # the value of each cell's last expression, and what was displayed
    printed: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.names[name]


def play(text: str) -> Played:
    """Validate the notebook in `text` and run its cells; the first error is raised."""
    book = nbformat.reads(text, as_version=4)
    nbformat.validate(book)
    played, printed = Played({"__name__": "__main__"}), io.StringIO()
    with contextlib.redirect_stdout(printed):
        for number, cell in enumerate(book.cells):
            if cell.cell_type == "code":
                _run(cell.source, f"<cell {number}>", played)
    played.printed = printed.getvalue()
    return played


def _run(source: str, name: str, played: Played) -> None:
    tree = ast.parse(source, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), played.names)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), name, "eval"), played.names)
        if value is not None:
            played.shown.append(value)


class Kernel:
    """One Jupyter kernel for many notebooks: its start and the first import of the libraries are paid once."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.manager = KernelManager()
        env = os.environ | {"PLOTLY_RENDERER": "plotly_mimetype", "TMPDIR": str(scratch)}
        self.manager.start_kernel(cwd=str(folder), env=env)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, book: Any) -> Any:
        """The notebook after a run from top to bottom, in an empty namespace; raises AssertionError for its errors."""
        self._execute("%reset -f")
        for cell in book.cells:
            if cell.cell_type == "code":
                cell.execution_count, cell.outputs = self._execute(cell.source)
        return book

    def _execute(self, source: str) -> tuple[int, list[Any]]:
        """How many cells were run by now, and the outputs of this one, texts of one stream in one piece."""
        outputs: list[Any] = []

        def heard(message: Any) -> None:
            if message["msg_type"] not in ("stream", "display_data", "execute_result", "error"):
                return
            one = nbformat.v4.output_from_msg(message)
            if outputs and one.output_type == "stream" and outputs[-1].get("name") == one.name:
                outputs[-1].text += one.text
            else:
                outputs.append(one)

        reply = self.client.execute_interactive(source, timeout=300, output_hook=heard)["content"]
        assert reply["status"] == "ok", "\n".join(reply["traceback"])
        return reply["execution_count"], outputs

    def stop(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.context.term()
