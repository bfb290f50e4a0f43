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
from types import SimpleNamespace

import pytest

from outcomes.errors import InputRefused, OutcomesError
from outcomes.files import exchange as swap
from outcomes.files import lock, whole
from outcomes.files.exchange import exchange, put_in_place, restore, sync_tree
from outcomes.files.lock import only_run
from outcomes.files.stops import check_stop, finish_first, heed_interrupt, stop_on_signals


@pytest.fixture
def folders(tmp_path):
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "what").write_text(name)
    return tmp_path / "new", tmp_path / "old", tmp_path / "aside"


def lowest_free_number():
    number = os.open(os.devnull, os.O_RDONLY)
    os.close(number)
    return number


@pytest.fixture(autouse=True)
def all_files_are_closed():
    before = lowest_free_number()
    yield
    assert lowest_free_number() <= before


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


def test_on_a_mac_it_is_asked_by_its_own_name(monkeypatch, folders):
    asked = []

    class Mac:
        def renamex_np(self, first, second, flags):
            asked.append((os.fsdecode(first), os.fsdecode(second), flags.value))
            return 0

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(swap.ctypes, "CDLL", lambda *_, **__: Mac())
    assert exchange(*folders[:2])
    assert asked == [(str(folders[0]), str(folders[1]), 2)]


def test_links_are_not_followed_and_folders_only_flushed_where_they_can_be_opened(monkeypatch, folders):
    new = folders[0]
    (new / "link").symlink_to(folders[1] / "what")
    flushed, plain = [], os.open
    monkeypatch.setattr(os, "open", lambda path, *given: flushed.append(path.name) or plain(path, *given))
    sync_tree(new)
    assert sorted(flushed) == ["new", "what"]
    flushed.clear()
    monkeypatch.setattr(os, "name", "elsewhere")
    sync_tree(new)
    assert flushed == ["what"]


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


def test_a_refusal_that_does_not_hold_a_second_time_is_one_all_the_same(folders):
    """Who takes the file away again that the first look saw has the old folder back, and is told."""
    new, old, aside = folders
    said = iter([OutcomesError("It holds files of yours.")])

    def refuse_once(_):
        for refusal in said:
            raise refusal

    with pytest.raises(OutcomesError, match="files of yours"):
        whole._place(new, old, aside, refuse_once)
    assert what(old) == "old"


@pytest.mark.parametrize("mode", [whole.PUBLIC, whole.PRIVATE])
def test_the_old_folder_is_looked_at_before_the_work_after_it_and_once_more_aside(monkeypatch, folders, mode):
    _, old, _ = folders
    seen = []
    monkeypatch.setattr(whole, "sync_tree", lambda folder: seen.append(f"{what(folder)} is on the disk"))
    with whole.whole_folder(old, lambda folder: seen.append((folder == old, what(folder))), mode) as staging:
        seen.append("work")
        (staging / "what").write_text("new")
    assert seen == [(True, "old"), "work", "new is on the disk", (True, "old"), (False, "old")]
    assert what(old) == "new" and old.stat().st_mode & 0o777 == mode


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


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"process": 1}', '{"host": "elsewhere"}', "x" * 500])
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


def test_a_lock_that_its_owner_removed_meanwhile_is_made_anew(monkeypatch, tmp_path):
    """Opened before its owner removed it, and locked after: nobody else would see that lock."""
    path, plain = tmp_path / ".lock", lock._try_lock
    path.write_text("{}")

    def removed_meanwhile(handle, name):
        monkeypatch.setattr(lock, "_try_lock", plain)
        path.unlink()
        return plain(handle, name)

    monkeypatch.setattr(lock, "_try_lock", removed_meanwhile)
    with only_run(tmp_path, ".lock"):
        assert json.loads(path.read_text())["process"] == os.getpid()


def test_a_lock_that_could_not_be_signed_is_given_back(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="full"), only_run(tmp_path / "reports", ".lock"):
            pass
    assert not (tmp_path / "reports").exists()
    with only_run(tmp_path / "reports", ".lock"):
        pass


def test_on_windows_a_byte_far_behind_the_text_is_locked(monkeypatch, tmp_path):
    taken = []

    def locking(handle, mode, n):
        taken.append((os.lseek(handle, 0, os.SEEK_CUR), mode, n))

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=2, locking=locking))
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "name", "elsewhere")
    with only_run(tmp_path, ".lock"):
        assert json.loads((tmp_path / ".lock").read_text())["process"] == os.getpid()
    assert taken == [(1 << 30, 2, 1)]
    assert not (tmp_path / ".lock").exists()
    assert lock.is_running(1 << 30)  # there it cannot be asked


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


@pytest.mark.parametrize("heed", [heed_interrupt, stop_on_signals])
def test_a_stop_in_a_finalizer_is_not_printed_and_other_faults_are(monkeypatch, heed):
    class Fails:
        def __init__(self, fault):
            self.fault = fault

        def __del__(self):
            raise self.fault

    printed = []
    monkeypatch.setattr(sys, "unraisablehook", lambda swallowed: printed.append(swallowed.exc_type))
    with heed():
        Fails(KeyboardInterrupt())
        Fails(ValueError())
    assert printed == [ValueError]


def test_renames_end_before_a_stop_is_heeded():
    before = signal.getsignal(signal.SIGINT)
    with finish_first():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_heeds_a_stop_until_it_ends_and_then_all_is_as_it_was(monkeypatch, number):
    before, printed = [signal.default_int_handler, signal.SIG_DFL], []
    given = [signal.signal(one, usual) for one, usual in zip((signal.SIGINT, signal.SIGTERM), before, strict=True)]
    monkeypatch.setattr(sys, "unraisablehook", lambda swallowed: printed.append(swallowed.exc_type))
    complain = sys.unraisablehook
    with stop_on_signals():
        check_stop()
        with contextlib.suppress(KeyboardInterrupt):  # as a library may
            signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            check_stop()
        with pytest.raises(KeyboardInterrupt), heed_interrupt():
            raise AssertionError("begun after a stop")
    check_stop()
    after = [signal.signal(one, own) for one, own in zip((signal.SIGINT, signal.SIGTERM), given, strict=True)]
    assert after == before
    assert sys.unraisablehook is complain and printed == []


def test_a_command_that_is_to_ignore_a_stop_goes_on_ignoring_it():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with stop_on_signals():
            signal.raise_signal(signal.SIGTERM)
            check_stop()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_run_that_is_to_ignore_a_stop_by_hand_goes_on_ignoring_it():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for heed in (stop_on_signals, heed_interrupt, finish_first):
            with heed():
                signal.raise_signal(signal.SIGINT)
                assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_the_block_where_it_comes_and_where_it_is_swallowed_at_its_end(number):
    with stop_on_signals(), pytest.raises(KeyboardInterrupt), heed_interrupt():
        signal.raise_signal(number)
        raise AssertionError("went on")
    swallow = contextlib.suppress(KeyboardInterrupt)
    with stop_on_signals(), pytest.raises(KeyboardInterrupt), heed_interrupt(), swallow:
        signal.raise_signal(number)


def test_in_another_thread_all_leave_the_signals_alone():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work():
        with stop_on_signals(), heed_interrupt(), finish_first():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
