"""A run that breaks anywhere leaves the old release or the new one, whole, with the private files that are its own.

Steps are counted in a forked process that ends (or gets an error of the disk) at the k-th: every write, flush, rename
and removal is a point. The slow tests kill real runs at random moments and break every system call by strace.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import whole_fakes as fakes

from outcomes.files import exchange as swapping
from outcomes.files import whole

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
SEED = 20261126


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    out = tmp_path_factory.mktemp("old") / "reports"
    fakes.publish(out, "old")
    assert fakes.state(out) == "old" and not fakes.litter(out)
    return out


@pytest.fixture(params=["one step", "two renames"])
def swap(request, monkeypatch):
    """How the folders change places: as this system can, and as one that cannot do it in one step."""
    if request.param == "two renames":
        monkeypatch.setattr(swapping, "exchange", lambda *_: False)
        monkeypatch.setattr(whole, "exchange", lambda *_: False)
    elif not can_exchange():
        pytest.skip("this system cannot exchange two folders in one step")
    return request.param


def can_exchange():
    return sys.platform in ("linux", "darwin")


def count_steps(old, out):
    fakes.fresh(out, old)
    said = out.parent / "steps"

    def work():
        made = fakes.break_at(0, fakes.die)
        fakes.publish(out, "new")
        said.write_text("\n".join(made))

    assert fakes.in_child(work) == 0 and fakes.state(out) == "new"
    return said.read_text().split("\n")


EACH = pytest.mark.parametrize("each", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["some", "all"])


def points(steps, each, stride=29):
    """Every step; in the normal run those around the swap and some of the others."""
    swap = steps.index(fakes.SWAPPED) + 1 if fakes.SWAPPED in steps else len(steps) - 8
    return [k for k in range(1, len(steps)) if each or k % stride == 1 or swap - 1 <= k <= swap + 8]


def mend(out):
    """What the next run finds and does: after it the newest release is there, and nothing else."""
    fakes.publish(out, "next")
    assert fakes.state(out) == "next" and not fakes.litter(out)


def between_renames(out):
    """The one moment without a release, where folders cannot change places in one step: the next run puts it back."""
    aside = out / f".{fakes.NAME}.previous"
    if (out / fakes.NAME).exists() or not aside.exists():
        return False
    swapping.restore(out / fakes.NAME, aside)
    return True


@EACH
def test_a_crash_at_every_step(old, tmp_path, swap, each):
    out = tmp_path / "reports"
    steps = count_steps(old, out)
    # Each of four files, their folders and that of the release, the private files, and the folder above, thrice.
    assert steps.count("fsync") == 14 and fakes.SWAPPED in steps and steps.count("replace") == 3
    found, without = [], 0
    for k in points(steps, each):
        fakes.fresh(out, old)
        code = fakes.in_child(lambda k=k: (fakes.break_at(k, fakes.die), fakes.publish(out, "new")))
        assert code == 77, (k, steps[k - 1])
        without += between_renames(out)
        found.append(fakes.state(out))
        if k % 7 == 0:
            mend(out)
    n_old = found.count("old")
    assert found == ["old"] * n_old + ["new"] * (len(found) - n_old), "once new, it stays"
    assert 0 < n_old < len(found)
    assert without == (0 if swap == "one step" else 1)


@EACH
@pytest.mark.parametrize("number", [fakes.FULL, fakes.DENIED, fakes.BROKEN], ids=["ENOSPC", "EACCES", "EIO"])
def test_an_error_of_the_disk_at_every_step(old, tmp_path, number, each):
    out = tmp_path / "reports"
    steps = count_steps(old, out)
    for k in points(steps, each, 61):
        fakes.fresh(out, old)
        code = fakes.in_child(lambda k=k: (fakes.break_at(k, fakes.refuse(number)), fakes.publish(out, "new")))
        assert code in (0, 3), (k, steps[k - 1])
        version = fakes.state(out)
        assert version == "new" if code == 0 else version in ("old", "new")
        if k % 11 == 0:
            mend(out)


@EACH
def test_the_first_release_appears_whole_or_not_at_all(tmp_path, each):
    said, seen = tmp_path / "steps", set()

    def count():
        made = fakes.break_at(0, fakes.die)
        fakes.publish(tmp_path / "0", "new")
        said.write_text("\n".join(made))

    assert fakes.in_child(count) == 0
    for k in points(said.read_text().split("\n"), each):
        out = tmp_path / f"{k}"
        assert fakes.in_child(lambda k=k, out=out: (fakes.break_at(k, fakes.die), fakes.publish(out, "new"))) == 77
        if (out / fakes.NAME).exists():
            seen.add(fakes.state(out))
        elif k % 3 == 0:
            mend(out)
    assert seen == {"new"}


def test_everything_is_on_the_disk_before_the_swap_and_the_swap_after_it(tmp_path, monkeypatch):
    """Power loss: the system may do writes in any order unless it is told; so it is told, file by file."""
    flushed, at_swap = [], []
    fsync, real = os.fsync, swapping.put_in_place
    monkeypatch.setattr(os, "fsync", lambda fd: (flushed.append(os.path.realpath(f"/proc/self/fd/{fd}")), fsync(fd))[1])

    def swap(staging, target, aside):
        written = {str(staging), *(str(path) for path in staging.rglob("*"))}
        prepared = {str(path) for path in target.parent.glob(f".{fakes.NAME}.next-*")}
        at_swap.append(sorted((written | prepared) - set(flushed)))
        assert len(prepared) == 3 and str(target.parent) in flushed
        flushed.clear()
        return real(staging, target, aside)

    monkeypatch.setattr(whole, "put_in_place", swap)
    fakes.publish(tmp_path / "out", "old")
    fakes.publish(tmp_path / "out", "new")
    assert at_swap == [[], []] and flushed[0] == str(tmp_path / "out")


def test_a_file_added_in_the_last_moment_is_not_lost(old, tmp_path, monkeypatch, swap):
    out = fakes.fresh(tmp_path / "reports", old)
    real = whole.put_in_place

    def late(staging, target, aside):
        (target / "mine.txt").write_text("mine")
        return real(staging, target, aside)

    monkeypatch.setattr(whole, "put_in_place", late)
    with pytest.raises(whole.OutcomesError, match=r"mine\.txt") as refused:
        fakes.publish(out, "new")
    assert f"{fakes.NAME} holds" in str(refused.value) and not fakes.litter(out)
    assert (out / fakes.NAME / "mine.txt").read_text() == "mine"
    (out / fakes.NAME / "mine.txt").unlink()
    assert fakes.state(out) == "old"


def test_a_stop_by_hand_in_the_swap_comes_too_late(old, tmp_path, monkeypatch):
    out = fakes.fresh(tmp_path / "reports", old)
    real = whole.put_in_place
    monkeypatch.setattr(whole, "put_in_place", lambda *a: (signal.raise_signal(signal.SIGINT), real(*a))[1])
    fakes.publish(out, "new")
    assert fakes.state(out) == "new" and signal.getsignal(signal.SIGINT) is signal.default_int_handler


# -- killed at random moments ------------------------------------------------------------------------------------------


def kill_at_random(out, old, n, work, seconds, look, after=lambda: None):
    """Kill n runs at random moments of their time; returns what was found how often, and how many had ended before."""
    rng, found, ended = random.Random(SEED), {}, 0
    for _ in range(n):
        fakes.fresh(out, old)
        process = os.fork()
        if process == 0:
            try:
                os.setsid()
                work()
            finally:
                fakes.leave(0)
        time.sleep(rng.uniform(0, seconds))
        os.kill(process, signal.SIGKILL)
        ended += os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
        what = look()
        found[what] = found.get(what, 0) + 1
        after()
    return found, ended


def timed(work):
    start = time.monotonic()
    assert fakes.in_child(work) == 0
    return time.monotonic() - start


def kill_releases(old, tmp_path, n):
    out = tmp_path / "reports"
    fakes.fresh(out, old)

    def work():
        fakes.publish(out, "new")

    found, ended = kill_at_random(out, old, n, work, 1.2 * timed(work), lambda: fakes.state(out))
    assert set(found) <= {"old", "new"} and sum(found.values()) == n
    mend(out)
    return found, ended


def test_killed_at_twenty_moments(old, tmp_path):
    kill_releases(old, tmp_path, 20)


@pytest.mark.slow
def test_killed_at_five_hundred_moments(old, tmp_path, capsys):
    found, ended = kill_releases(old, tmp_path, 500)
    assert min(found.values()) > 25, "the moments lie before and after the swap"
    with capsys.disabled():
        print(f"\n500 kills: {found}, {ended} had ended")


@pytest.mark.slow
def test_real_releases_killed_at_random_moments(tmp_path, capsys):
    """In an interpreter of its own: whoever forks where the PDF library has threads waits for them for ever."""
    command = [sys.executable, __file__, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr
    found = done.stdout.split()
    assert len(found) == 60 and set(found) <= {"old", "new"}
    with capsys.disabled():
        print(f"\n60 real releases killed: {found.count('old')} old, {found.count('new')} new")


def kill_real_releases(folder):
    """The whole of `publish_answers`, with page, PDF and tables, of answers that were refused; prints what is found."""
    import release_fakes

    from outcomes.definitions import Protocol
    from outcomes.errors import NotEstimable
    from outcomes.release.inputs import QUESTIONS, ReportInputs
    from outcomes.release.publish import publish_answers
    from outcomes.release.verify import verify_release

    episodes = release_fakes.episodes()
    episodes.protocol = episodes.visits.protocol = Protocol()  # `verify` compares it with what was written

    def publish(out, words):
        refused = {name: NotEstimable(words) for name in QUESTIONS}
        publish_answers(ReportInputs(episodes.visits, episodes, **refused), out, notebooks=False)

    old, out = folder / "old", folder / "out"
    assert fakes.in_child(lambda: publish(old, "The old one.")) == 0

    def look():
        assert verify_release(out / "all").is_whole
        page = (out / "all" / "index.html").read_text("utf-8")
        assert ("The old one." in page) != ("The new one." in page)
        return "old" if "The old one." in page else "new"

    def work():
        publish(out, "The new one.")

    fakes.fresh(out, old)
    found, _ = kill_at_random(out, old, 60, work, 1.1 * timed(work), look)
    for what, n in found.items():
        print("\n".join([what] * n))


@pytest.mark.parametrize("n", [8, pytest.param(30, marks=pytest.mark.slow)])
def test_writing_a_table_in_place_would_fail(tmp_path, n, capsys):
    """The negative control: what is proven above is not what any writer does."""
    frame = pd.DataFrame({"n": range(40_000), "word": "abc"})
    frame.to_csv(tmp_path / "whole.csv")
    whole_size = (tmp_path / "whole.csv").stat().st_size
    start = time.monotonic()
    frame.to_csv(tmp_path / "whole.csv")
    seconds, rng, broken = time.monotonic() - start, random.Random(SEED), 0
    for k in range(n):
        path = tmp_path / f"{k}.csv"
        process = os.fork()
        if process == 0:
            frame.to_csv(path)
            fakes.leave(0)
        until = time.monotonic() + 10
        while (not path.exists() or not path.stat().st_size) and time.monotonic() < until:
            time.sleep(0.0005)
        time.sleep(rng.uniform(0, 0.5 * seconds))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        broken += path.stat().st_size != whole_size
    assert broken > 0.6 * n
    with capsys.disabled() if n == 30 else contextlib.nullcontext():
        print(f"\nto_csv killed {n} times: {broken} left a part of a file")


# -- the other commands ------------------------------------------------------------------------------------------------


def read_folder(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory):
    """Two cleaned exports, what makes them again in another folder, and their bytes."""
    from outcomes.cases import build_episodes, build_visits
    from outcomes.cases.export import export_cases
    from outcomes.definitions import Protocol
    from outcomes.records import read_records

    folder, made = tmp_path_factory.mktemp("cleaned"), {}
    for version, n in (("old", 3), ("new", 5)):
        path = folder / f"{version}.csv"
        rows = [f"P{i},2026-01-{10 + i},{4 + i}" for i in range(n)]
        path.write_text("\n".join(["patient_id,visit_date,pain_pre", *rows, "P9,2026-02-01,77", ""]))
        episodes = build_episodes(build_visits(read_records([path]), Protocol()))
        export_cases(episodes, folder / version)
        made[version] = (lambda out, episodes=episodes: export_cases(episodes, out)), read_folder(folder / version)
    return made


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    from outcomes.simulate import write_simulation

    folder, made = tmp_path_factory.mktemp("simulated"), {}
    for version, seed in (("old", 1), ("new", 2)):
        write_simulation(folder / version, patients=4, seed=seed, clean=True)
        run = lambda out, seed=seed: write_simulation(out, patients=4, seed=seed, clean=True)  # noqa: E731
        made[version] = run, read_folder(folder / version)
    return made


@EACH
@pytest.mark.parametrize("which", ["cleaned", "simulated"])
@pytest.mark.parametrize("broken", ["crash", "full disk"])
def test_clean_and_simulate_leave_the_old_folder_or_the_new(which, broken, each, request, tmp_path):
    made = request.getfixturevalue(which)
    out, said, found = tmp_path / "here" / "out", tmp_path / "steps", []
    ends = fakes.die if broken == "crash" else fakes.refuse(fakes.FULL)

    def count():
        steps = fakes.break_at(0, fakes.die)
        made["new"][0](out)
        said.write_text("\n".join(steps))

    made["old"][0](out)
    assert fakes.in_child(count) == 0
    made["old"][0](tmp_path / "old" / "out")
    for k in points(said.read_text().split("\n"), each):
        fakes.fresh(out.parent, tmp_path / "old")
        code = fakes.in_child(lambda k=k: (fakes.break_at(k, ends), made["new"][0](out)))
        there = read_folder(out)
        assert there in (made["old"][1], made["new"][1]), k
        found.append(there == made["new"][1])
        if code == 3:
            assert [path.name for path in out.parent.iterdir()] == ["out"]
    made["new"][0](out)
    assert [path.name for path in out.parent.iterdir()] == ["out"] and read_folder(out) == made["new"][1]
    assert set(found) == {True, False}


def test_a_disk_that_takes_so_many_bytes_and_no_more(cleaned, tmp_path):
    """The system itself refuses the write, inside the Parquet and CSV writers too."""
    made = cleaned
    out = tmp_path / "out"
    codes = []
    for most in (0, 10, 100, 300, 1_000, 2_000, 4_000, 1 << 20):
        shutil.rmtree(out, ignore_errors=True)
        made["old"][0](out)

        def work(most=most):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            made["new"][0](out)

        codes.append(fakes.in_child(work))
        assert read_folder(out) == made["old" if codes[-1] else "new"][1]
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert codes == [3] * codes.count(3) + [0] and codes.count(3) > 3


def test_the_rows_set_aside_are_private_from_their_first_byte(cleaned, tmp_path, monkeypatch):
    import pyarrow.csv as pcsv

    modes, real = {}, pcsv.write_csv

    def look(table, path):
        if path.exists():
            modes[path.name] = path.stat().st_mode & 0o777
        return real(table, path)

    monkeypatch.setattr(pcsv, "write_csv", look)
    cleaned["new"][0](tmp_path / "out")
    assert modes == {"quarantine.csv": 0o600, "unknown_terms.csv": 0o600}
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0


# -- every system call -------------------------------------------------------------------------------------------------

MOST_OF_A_KIND = 12
CALLS = "fsync,rename,renameat2,write,pwrite64,openat,unlink,unlinkat,mkdir,rmdir,chmod,fchmodat,ftruncate,close,fcntl"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("fault", ["signal=KILL", "error=EIO", "error=ENOSPC"])
def test_every_system_call_broken_by_strace(old, tmp_path, fault, capsys):
    """The same without trust in our counting: the kernel's view of one run, up to two dozen calls of a kind broken."""
    out = tmp_path / "reports"
    program = tmp_path / "program.py"
    # What comes before (imports) is not the subject: counting begins with a call that nothing else makes.
    program.write_text(
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "import os, pathlib, whole_fakes\nos.getpriority(os.PRIO_PROCESS, 0)\n"
        "whole_fakes.publish(pathlib.Path(sys.argv[1]), 'new')\n"
    )
    command = [sys.executable, str(program), str(out), str(ROOT / "src"), str(ROOT / "tests" / "support")]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OUTCOMES_TEST_FLUSHES": "1"}

    def trace(*options):
        log = tmp_path / "log"
        done = subprocess.run(
            ["strace", "-o", str(log), *options, *command], env=environment, capture_output=True, check=False
        )
        return done, log.read_text(errors="replace").splitlines()

    fakes.fresh(out, old)
    _, lines = trace("-e", f"trace={CALLS},getpriority")
    start = next(i for i, line in enumerate(lines) if line.startswith("getpriority"))
    names = [line.split("(")[0] for line in lines if "(" in line]
    before = {name: names[: start + 1].count(name) for name in set(names)}
    found: dict[str, int] = {}
    for name in sorted(set(names[start + 1 :])):
        first, last = before.get(name, 0) + 1, names.count(name)
        for k in range(first, last + 1, 1 + (last - first) // MOST_OF_A_KIND):
            fakes.fresh(out, old)
            done, _ = trace("-e", f"trace={name}", "-e", f"inject={name}:{fault}:when={k}")
            version = fakes.state(out)
            found[version] = found.get(version, 0) + 1
            assert version == "new" or done.returncode != 0
    mend(out)
    with capsys.disabled():
        print(f"\nstrace {fault}: {found}")
    assert set(found) == {"old", "new"}


if __name__ == "__main__":
    kill_real_releases(Path(sys.argv[1]))
