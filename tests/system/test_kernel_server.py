"""Kernels forked from one process: as clean as those started by command, stopped with the run, missed when killed."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import time

import pytest

from outcomes.release import notebooks
from outcomes.release.kernels import kernel_server
from outcomes.release.notebook_format import no_address_parsers

with no_address_parsers():
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
LOOK = """import json, os, sys
import pandas as pd
print(json.dumps({
    "names": sorted(name for name in globals() if not name.startswith("_")),
    "columns": pd.get_option("display.max_columns"),
    "given": os.environ.get("GIVEN"), "files": [n for n in os.listdir() if not n.startswith("kernel")],
    "path": sys.path[0],
    "session": os.getsid(0) == os.getpid(), "pid": os.getpid()}))"""
IMPORT = "import debugpy\nprint(debugpy.__name__)"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kernels are forked")


@pytest.fixture(scope="module")
def server():
    with kernel_server(notebooks._kernel_environment(tempfile.gettempdir())) as made:
        yield made


def write(path, *sources):
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources], metadata=KERNEL), path)
    return path


def said(run):
    assert not run.failure, run.failure
    return [
        "".join(output.get("text", ""))
        for cell in json.loads(run.notebook)["cells"]
        for output in cell.get("outputs", ())
    ]


def is_gone(pid):
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_a_forked_kernel_is_as_clean_as_one_that_was_started(server, tmp_path):
    path = write(tmp_path / "01_look.ipynb", "left = 1", LOOK, "print('debugpy' in sys.modules)")
    outputs = [said(notebooks.run_notebook(path, {}, environment={"GIVEN": "x"}, server=server)) for _ in range(2)]
    assert [with_debugger.strip() for _, with_debugger in outputs] == ["False", "False"]
    outputs.append(said(notebooks.run_notebook(path, {}, environment={"GIVEN": "x"})))
    first, again, started = (json.loads(found) for found, _ in outputs)
    pids = [found.pop("pid") for found in (first, again, started)]
    assert first == again == started
    assert first["given"] == "x" and first["session"] and len(set(pids)) == 3
    assert all(is_gone(pid) for pid in pids)


def test_a_notebook_may_import_the_debugger_itself(server, tmp_path):
    (name,) = said(notebooks.run_notebook(write(tmp_path / "04.ipynb", IMPORT), {}, server=server))
    assert name.strip() == "debugpy"


def test_a_killed_forked_kernel_is_named(server, tmp_path):
    path = write(tmp_path / "02_killed.ipynb", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    assert notebooks.run_notebook(path, {}, server=server).failure == "02_killed.ipynb: DeadKernelError"


def test_kernels_end_with_the_process_they_were_forked_from(server, tmp_path):
    """The last of this module: it kills the process that all its tests share, which takes three seconds to start."""
    noted = tmp_path / "pid"
    path = write(
        tmp_path / "03_long.ipynb",
        f"import os, pathlib, time\npathlib.Path({str(noted)!r}).write_text(str(os.getpid()))\ntime.sleep(60)",
    )

    def kill_when_it_runs(pid):
        while not (noted.exists() and noted.read_text()):
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)

    threading.Thread(target=kill_when_it_runs, args=(server._process.pid,), daemon=True).start()
    run = notebooks.run_notebook(path, {}, server=server)
    assert run.failure == "03_long.ipynb: DeadKernelError"
    assert is_gone(int(noted.read_text()))
