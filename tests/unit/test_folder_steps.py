"""How folders change places, locks are read and stops by hand are heeded where the system is another one."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import signal
import sys
import threading

import pytest

from outcomes.errors import InputRefused, OutcomesError
from outcomes.files import exchange as swap
from outcomes.files import lock, whole
from outcomes.files.exchange import exchange, put_in_place, restore
from outcomes.files.lock import only_run
from outcomes.files.stops import finish_first, heed_interrupt


@pytest.fixture
def folders(tmp_path):
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "what").write_text(name)
    return tmp_path / "new", tmp_path / "old", tmp_path / "aside"


def what(folder):
    return (folder / "what").read_text()


class Libc:
    """A C library whose exchange of two names fails with an error."""

    def __init__(self, number):
        self.number = number

    def renameat2(self, *_):
        swap.ctypes.set_errno(self.number)
        return -1


# -- two folders change places -----------------------------------------------------------------------------------------


def test_in_one_step_where_the_system_can(folders):
    new, old, aside = folders
    if not exchange(new, old):
        pytest.skip("this file system cannot exchange two names")
    assert (what(old), what(new)) == ("new", "old")
    assert put_in_place(new, old, aside) == new
    assert (what(old), what(new), aside.exists()) == ("old", "new", False)


@pytest.mark.parametrize("library", [Libc(errno.ENOSYS), Libc(errno.EINVAL), object()])
def test_where_it_cannot_nothing_is_changed_and_two_renames_do_it(monkeypatch, folders, library):
    new, old, aside = folders
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(swap.ctypes, "CDLL", lambda *_, **__: library)
    assert not exchange(new, old)
    assert (what(old), what(new)) == ("old", "new")
    assert put_in_place(new, old, aside) == aside
    assert (what(old), what(aside), new.exists()) == ("new", "old", False)


def test_another_system_is_not_asked(monkeypatch, folders):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(swap.ctypes, "CDLL", None)
    assert not exchange(*folders[:2])


def test_an_exchange_that_fails_says_so_and_changes_nothing(monkeypatch, folders):
    new, old, aside = folders
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(swap.ctypes, "CDLL", lambda *_, **__: Libc(errno.EACCES))
    with pytest.raises(PermissionError):
        put_in_place(new, old, aside)
    with pytest.raises(OutcomesError) as refused:
        whole._place(new, old, aside, lambda _: None)
    assert [finding.code for finding in refused.value.findings] == ["E953"]
    assert (what(old), what(new), aside.exists()) == ("old", "new", False)


def test_the_old_folder_comes_back_where_the_second_rename_fails(monkeypatch, folders):
    new, old, aside = folders
    monkeypatch.setattr(swap, "exchange", lambda *_: False)
    plain = type(new).rename

    def rename(self, target):
        if self == new:
            raise OSError(errno.ENOSPC, "full")
        return plain(self, target)

    monkeypatch.setattr(type(new), "rename", rename)
    with pytest.raises(OSError, match="full"):
        put_in_place(new, old, aside)
    assert (what(old), aside.exists()) == ("old", False)


@pytest.mark.parametrize("can", [True, False])
def test_a_folder_that_is_refused_once_it_is_aside_comes_back(monkeypatch, folders, can):
    new, old, aside = folders
    if not can:
        monkeypatch.setattr(swap, "exchange", lambda *_: False)
        monkeypatch.setattr(whole, "exchange", lambda *_: False)

    def refuse(folder):
        if what(folder) == "old":
            raise OutcomesError(f"{folder.name} holds files of yours.")

    with pytest.raises(OutcomesError, match=r"^old holds"):
        whole._place(new, old, aside, refuse)
    assert what(old) == "old"


def test_what_lay_aside_is_put_back_or_removed(folders):
    new, old, aside = folders
    restore(old, aside)
    assert what(old) == "old"
    old.rename(aside)
    restore(old, aside)
    assert (what(old), aside.exists()) == ("old", False)
    new.rename(aside)
    restore(old, aside)
    assert (what(old), aside.exists()) == ("old", False)


# -- one run alone -----------------------------------------------------------------------------------------------------


def left(folder, **said):
    (folder / ".lock").write_text(json.dumps(said))


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"process": 1}', '{"host": "elsewhere"}'])
def test_a_lock_that_says_nothing_is_taken(tmp_path, text):
    (tmp_path / ".lock").write_text(text)
    with only_run(tmp_path, ".lock"):
        assert json.loads((tmp_path / ".lock").read_text())["process"] == os.getpid()
    assert not (tmp_path / ".lock").exists()


def test_a_lock_of_another_machine_is_left_alone(tmp_path):
    left(tmp_path, process=1, host="elsewhere")
    with pytest.raises(InputRefused) as refused, only_run(tmp_path, ".lock"):
        pass
    assert [finding.code for finding in refused.value.findings] == ["E952"]
    assert (tmp_path / ".lock").exists()


@pytest.mark.parametrize(("runs", "is_refused"), [(True, True), (False, False)])
def test_where_the_file_system_has_no_locks_the_process_that_is_named_is_asked(monkeypatch, tmp_path, runs, is_refused):
    left(tmp_path, process=os.getppid(), host=lock.host())
    monkeypatch.setattr(lock, "is_running", lambda process: runs)

    def lockf(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "lockf", lockf)
    if is_refused:
        with pytest.raises(InputRefused) as refused, only_run(tmp_path, ".lock"):
            pass
        assert [finding.code for finding in refused.value.findings] == ["E951"]
    else:
        with only_run(tmp_path, ".lock"):
            pass


def test_another_thread_is_refused_and_the_same_one_may_enter_again(tmp_path):
    said = []

    def other():
        try:
            with only_run(tmp_path, ".lock"):
                said.append("in")
        except InputRefused as refusal:
            said.append(refusal.findings[0].code)

    with only_run(tmp_path, ".lock"), only_run(tmp_path, ".lock"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert said == ["E951"]


def test_a_process_runs_unless_the_system_says_that_it_does_not(monkeypatch):
    assert lock.is_running(os.getpid())
    for fault, runs in ((ProcessLookupError, False), (PermissionError, True), (OverflowError, True)):

        def kill(process, number, fault=fault):
            assert number == 0
            raise fault

        monkeypatch.setattr(os, "kill", kill)
        assert lock.is_running(1) == runs


# -- stops by hand -----------------------------------------------------------------------------------------------------


def test_a_stop_that_a_library_swallows_ends_the_block_all_the_same():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), heed_interrupt():
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        done = True
    assert done
    assert signal.getsignal(signal.SIGINT) is before


def test_a_stop_in_a_finalizer_is_not_printed_and_other_faults_are(monkeypatch):
    class Fails:
        def __init__(self, fault):
            self.fault = fault

        def __del__(self):
            raise self.fault

    printed = []
    monkeypatch.setattr(sys, "unraisablehook", lambda swallowed: printed.append(swallowed.exc_type))
    with heed_interrupt():
        Fails(KeyboardInterrupt())
        Fails(ValueError())
    assert printed == [ValueError]


def test_renames_end_before_a_stop_is_heeded():
    before = signal.getsignal(signal.SIGINT)
    with finish_first():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_both_leave_the_signals_alone():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work():
        with heed_interrupt(), finish_first():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
