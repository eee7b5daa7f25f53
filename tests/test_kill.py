"""An ingest that is killed: a short round of what scripts/kill_loop.py does fifty times."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

LOOP = Path(__file__).parent.parent / "scripts" / "kill_loop.py"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_whatever_the_moment_of_the_kill_nothing_that_was_acknowledged_is_lost(tmp_path: Path):
    command = [sys.executable, LOOP, "--kills", "4", "--base", "1200", "--images", "3000", "--folder", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    found = json.loads(done.stdout)

    assert (found["lost"], found["wrong"], found["crashed"]) == (0, 0, 0), done.stderr
    assert found["kills"] == 4
    assert found["aimed"] == 2
    assert found["complete_at_the_end"]
    assert done.returncode == 0
