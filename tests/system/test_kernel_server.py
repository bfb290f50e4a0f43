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
READ = """import hashlib, sys
import outcomes as oc
from outcomes.files import already
there = len(already._kept)
visits = oc.build_visits(oc.read_records(EXPORT))
episodes = oc.build_episodes(visits)
looked = hashlib.sha256(episodes.table.to_csv().encode()).hexdigest()
print(there, len(already._kept), visits.n, episodes.n, looked)"""
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


@pytest.fixture
def export(tmp_path):
    rows = [f"P{i},2026-0{1 + i % 6}-{day:02},{pain}" for i in range(40) for day, pain in ((3, 7), (12, 5), (24, 2))]
    path = tmp_path / "visits.csv"
    path.write_text("\n".join(["patient_id,visit_date,pain_pre", *rows]) + "\n")
    return path


def test_kernels_find_what_was_read_before_they_were_forked_and_read_what_has_changed_since(export, tmp_path):
    path = write(tmp_path / "05_read.ipynb", f"EXPORT = {str(export)!r}", READ)
    environment = notebooks._kernel_environment(tempfile.gettempdir())
    with kernel_server(environment, {"data": str(export), "mapping": None}) as made:
        (first,), (again,) = (said(notebooks.run_notebook(path, {}, server=made)) for _ in range(2))
        with export.open("a") as file:
            file.write("P99,2026-05-03,6\n")
        (changed,) = said(notebooks.run_notebook(path, {}, server=made))
    (started,) = said(notebooks.run_notebook(path, {}))
    assert first == again and first.split()[:4] == ["3", "0", "120", "40"]
    # What was read before is left where it is, and the kernel shows what a kernel of its own shows.
    assert changed.split()[:4] == ["3", "3", "121", "41"]
    assert started.split() == ["0", "0", *changed.split()[2:]]


def test_an_export_that_cannot_be_read_is_left_to_the_notebooks(export, tmp_path, capfd):
    path = write(tmp_path / "06_gone.ipynb", f"EXPORT = {str(tmp_path / 'gone.csv')!r}", READ)
    environment = notebooks._kernel_environment(tempfile.gettempdir())
    with kernel_server(environment, {"data": str(tmp_path / "gone.csv")}) as made:
        run = notebooks.run_notebook(path, {}, server=made)
    assert run.failure == "06_gone.ipynb, cell 2, line 5: InputRefused"
    said = capfd.readouterr().err
    assert "The export was not read for all notebooks at once (InputRefused): each reads it.\n" in said
    assert "gone.csv" not in said


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
