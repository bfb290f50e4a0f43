"""A process that dies or hangs ends the run in seconds, and its part is named; no partial answer is passed on."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from outcomes.errors import ConfigError, OutcomesError
from outcomes.release.asking import LIMIT, put_together, read_limit

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="processes cannot be forked here"
)
SEED = 20261127


def hurt(number):
    return lambda: (faulthandler.disable(), os.kill(os.getpid(), number), time.sleep(60))


def calls(fatal):
    slow = lambda: time.sleep(0.3)  # noqa: E731
    return {
        "a": ("time to relief", slow),
        "b": ("treatment mix", fatal),
        "c": ("quarters", slow),
        "d": ("clinics", slow),
    }


@pytest.fixture(autouse=True)
def nobody_is_left():
    yield
    until = time.monotonic() + 10
    while multiprocessing.active_children() and time.monotonic() < until:
        time.sleep(0.02)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM])
def test_a_worker_that_dies_is_named_by_its_part(number):
    begun = time.monotonic()
    with pytest.raises(OutcomesError, match=rf"E955 .*at work on: treatment mix.*signal {number.name}"):
        put_together(calls(hurt(number)), 2)
    assert time.monotonic() - begun < 30


def test_a_worker_that_leaves_without_an_answer():
    with pytest.raises(OutcomesError, match=r"E955 .*treatment mix.*exit code 3"):
        put_together(calls(lambda: os._exit(3)), 2)


def test_no_memory_is_told_as_the_error_it_is():
    def greedy():
        raise MemoryError

    with pytest.raises(MemoryError):
        put_together(calls(greedy), 2)


@pytest.mark.parametrize("how", ["stopped", "asleep"])
def test_a_worker_that_hangs_is_ended(monkeypatch, how):
    monkeypatch.setenv(LIMIT, "0.02")
    fatal = hurt(signal.SIGSTOP) if how == "stopped" else lambda: time.sleep(60)
    begun = time.monotonic()
    with pytest.raises(OutcomesError, match=rf"E956 .*treatment mix.*in 0.02 minutes\. .*{LIMIT}"):
        put_together(calls(fatal), 2)
    assert time.monotonic() - begun < 30


def test_a_worker_that_stops_in_the_middle_of_its_answer(monkeypatch):
    monkeypatch.setenv(LIMIT, "0.02")

    def long():
        threading.Timer(0.4, lambda: os.kill(os.getpid(), signal.SIGSTOP)).start()
        return np.zeros(1_000_000)  # more than the line holds: it is being sent while nobody reads

    with pytest.raises(OutcomesError, match="E956 the process at work on: treatment mix"):
        put_together(calls(long), 2, lambda _: time.sleep(1.0))


@pytest.mark.parametrize("text", ["soon", "0", "-3", "nan"])
def test_a_limit_that_is_no_number(monkeypatch, text):
    monkeypatch.setenv(LIMIT, text)
    with pytest.raises(ConfigError, match="E957"):
        read_limit()


def test_the_limit_is_an_hour_unless_it_is_set(monkeypatch):
    monkeypatch.delenv(LIMIT, raising=False)
    assert read_limit() == 3600
    monkeypatch.setenv(LIMIT, "120")
    assert read_limit() == 7200


def test_an_error_that_cannot_be_sent_is_told_by_its_kind():
    class Odd(Exception):
        def __init__(self, a, b):
            super().__init__(a)

    def fail():
        raise Odd("patient 4711", 2)

    with pytest.raises(RuntimeError, match=r"^Odd in a question$"):
        put_together(calls(fail), 2)


def test_workers_end_with_a_run_that_is_killed(tmp_path):
    program = (
        "import sys, os, time; sys.path.insert(0, sys.argv[1])\n"
        "from outcomes.release.asking import put_together\n"
        "say = lambda: (os.write(1, b'%d\\n' % os.getpid()), time.sleep(60))\n"
        "put_together({'a': ('a', say), 'b': ('b', say)}, 2)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", program, str(ROOT / "src")], stdout=subprocess.PIPE, text=True)
    workers = [int(run.stdout.readline()) for _ in range(2)]
    run.kill()
    run.wait()
    run.stdout.close()
    until = time.monotonic() + 10
    while any(is_at_work(process) for process in workers) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(is_at_work(process) for process in workers)


def is_at_work(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def kill_workers(n):
    """Kill a worker at a random moment, n times: the longest wait, and how often all had been answered before."""
    rng, longest, whole = random.Random(SEED), 0.0, 0
    for _ in range(n):
        victims = multiprocessing.get_context("fork").SimpleQueue()

        def work(victims=victims):
            victims.put(os.getpid())
            return float(np.sort(np.random.default_rng(1).random(20_000)).sum())

        parts = {str(i): (f"part {i}", work) for i in range(6)}
        after, killed = rng.uniform(0, 0.05), []

        def strike(_, after=after, killed=killed, victims=victims):
            if not killed:
                time.sleep(after)
                killed.append(victims.get())
                try:
                    os.kill(killed[0], signal.SIGKILL)
                except ProcessLookupError:
                    return

        begun = time.monotonic()
        try:
            found = put_together(parts, 2, strike)
        except OutcomesError as lost:
            assert "E955 the process at work on: part " in str(lost)
        else:
            assert len(set(found.values())) == 1 and len(found) == 6
            whole += 1
        longest = max(longest, time.monotonic() - begun)
    return longest, whole


def test_five_workers_killed_at_random():
    assert kill_workers(5)[0] < 30


@pytest.mark.slow
def test_two_hundred_workers_killed_at_random(capsys):
    longest, whole = kill_workers(200)
    assert longest < 60 and whole < 200
    with capsys.disabled():
        print(f"\n200 workers killed: longest {longest:.2f} s, {whole} runs had all answers, none a part of them")


def test_a_killed_kernel_is_named(tmp_path):
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    from outcomes.release.notebooks import run_notebook

    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [new_code_cell("print('before')"), new_code_cell("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")]
    path = tmp_path / "09_killed.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)
    begun = time.monotonic()
    run = run_notebook(path, {})
    assert run.failure == "09_killed.ipynb: DeadKernelError" and "did not run to its end" in run.html
    assert time.monotonic() - begun < 30
