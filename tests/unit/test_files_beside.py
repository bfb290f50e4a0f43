"""Private files beside a folder: theirs is the folder that is there, whatever broke off in between."""

from __future__ import annotations

import stat

import pytest

from outcomes.errors import OutcomesError
from outcomes.files import beside, whole
from outcomes.files.beside import discard, find_beside, identify, name_beside, prepare, settle
from outcomes.files.whole import remove_whole, whole_folder

ENDING, OTHER = "rows.csv", "notes.csv"


def keep(text):
    """What fills a file with a text; None keeps nothing of it."""

    def write(path):
        if text is not None:
            path.write_text(text, encoding="utf-8")
        return text is not None

    return write


def make(folder, mark):
    folder.mkdir(exist_ok=True)
    (folder / "manifest").write_text(mark, encoding="utf-8")
    return identify(folder, "manifest")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# -- beside a folder ---------------------------------------------------------------------------------------------------


def test_a_file_gets_its_name_with_its_folder_and_one_that_is_not_kept_loses_it(tmp_path):
    target = tmp_path / "2026Q3"
    name_beside(target, OTHER).write_text("of the release before", encoding="utf-8")
    identity = make(target, "one")
    prepare(target, identity, {ENDING: keep("a,b"), OTHER: keep(None)})
    assert not name_beside(target, ENDING).exists()
    # Nobody needs to wait for the names: by the receipt it is found already, and the old one is not taken for new.
    assert find_beside(target, ENDING, "manifest").read_text(encoding="utf-8") == "a,b"
    assert find_beside(target, OTHER, "manifest") is None
    settle(target, identity)
    assert names(tmp_path) == [".2026Q3-receipt.json", "2026Q3", "2026Q3-rows.csv"]
    assert find_beside(target, ENDING, "manifest") == name_beside(target, ENDING)
    assert stat.S_IMODE(name_beside(target, ENDING).stat().st_mode) == 0o600


def test_files_of_a_folder_that_did_not_come_are_removed_and_the_old_ones_stay(tmp_path):
    target = tmp_path / "2026Q3"
    old = make(target, "one")
    prepare(target, old, {ENDING: keep("old")})
    settle(target, old)
    prepare(target, "0123456789abcdef", {ENDING: keep("new")})
    settle(target, old)
    assert names(tmp_path) == [".2026Q3-receipt.json", "2026Q3", "2026Q3-rows.csv"]
    assert find_beside(target, ENDING, "manifest").read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize("other", ["0" * 16, "f" * 16])
def test_of_two_folders_that_wait_only_the_files_of_the_one_that_came_get_names(tmp_path, other):
    """Whichever stands last in the folder; and what is not kept need not have been there."""
    target = tmp_path / "2026Q3"
    identity = make(target, "one")
    prepare(target, other, {ENDING: keep("of the other"), OTHER: keep("of the other")})
    prepare(target, identity, {ENDING: keep("ours"), OTHER: keep(None)})
    settle(target, identity)
    assert names(tmp_path) == [".2026Q3-receipt.json", "2026Q3", "2026Q3-rows.csv"]
    assert find_beside(target, ENDING, "manifest").read_text(encoding="utf-8") == "ours"


def test_what_a_run_left_that_broke_off_between_two_names_is_finished(tmp_path):
    """One file has its name already, one is hidden still: the receipt knows both, and the next run ends it."""
    target = tmp_path / "2026Q3"
    identity = make(target, "one")
    prepare(target, identity, {ENDING: keep("a"), OTHER: keep("b")})
    beside._next(target, identity, ENDING).replace(name_beside(target, ENDING))
    settle(target, identity)
    assert [find_beside(target, ending, "manifest").read_text(encoding="utf-8") for ending in (ENDING, OTHER)] == [
        "a",
        "b",
    ]
    assert not [name for name in names(tmp_path) if ".next-" in name]


@pytest.mark.parametrize("mark", ["two", None])
def test_a_file_of_another_release_is_not_taken_for_that_of_the_folder(tmp_path, mark):
    target = tmp_path / "2026Q3"
    identity = make(target, "one")
    prepare(target, identity, {ENDING: keep("a")})
    settle(target, identity)
    if mark:
        make(target, mark)
    else:
        (target / "manifest").unlink()
    assert find_beside(target, ENDING, "manifest") is None


def test_a_file_that_was_edited_is_not_found(tmp_path):
    target = tmp_path / "2026Q3"
    identity = make(target, "one")
    prepare(target, identity, {ENDING: keep("a")})
    settle(target, identity)
    name_beside(target, ENDING).write_text("b", encoding="utf-8")
    assert find_beside(target, ENDING, "manifest") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"folder": 1}', '{"folder": "%s"}', '{"folder": "%s", "files": 3}'])
def test_a_receipt_that_says_nothing_is_none(tmp_path, text):
    target = tmp_path / "2026Q3"
    identity = make(target, "one")
    beside._receipt(target).write_text(text.replace("%s", identity), encoding="utf-8")
    assert find_beside(target, ENDING, "manifest") is None


def test_where_there_is_no_folder_nothing_waits(tmp_path):
    assert identify(tmp_path / "none", "manifest") == ""
    discard(tmp_path / "no" / "folder")
    settle(tmp_path / "none", "")
    assert names(tmp_path) == []


# -- the folder and its files ------------------------------------------------------------------------------------------


def write(target, text):
    with whole_folder(target, lambda _: None, beside={ENDING: keep(text)}, mark="manifest") as staging:
        (staging / "manifest").write_text(text, encoding="utf-8")


def test_a_block_that_fails_leaves_the_old_folder_and_its_file(tmp_path):
    target = tmp_path / "2026Q3"
    write(target, "one")
    with pytest.raises(ValueError, match="half"), whole_folder(target, lambda _: None, mark="manifest") as staging:
        (staging / "manifest").write_text("two", encoding="utf-8")
        raise ValueError("half way")
    assert find_beside(target, ENDING, "manifest").read_text(encoding="utf-8") == "one"
    assert names(tmp_path) == [".2026Q3-receipt.json", "2026Q3", "2026Q3-rows.csv"]


def test_files_of_a_folder_that_was_refused_at_the_end_are_gone(tmp_path):
    looks = iter([None, ValueError("of yours")])

    def check(_):
        if fault := next(looks):
            raise fault

    given = {"beside": {ENDING: keep("one")}, "mark": "manifest"}
    with pytest.raises(ValueError, match="of yours"), whole_folder(tmp_path / "2026Q3", check, **given) as staging:
        (staging / "manifest").write_text("one", encoding="utf-8")
    assert names(tmp_path) == []


def test_what_fails_after_the_swap_is_told_as_that_and_finished_by_the_next_run(tmp_path, monkeypatch):
    target = tmp_path / "2026Q3"
    write(target, "one")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OutcomesError) as refused:
        settled = iter([settle, full])
        patch.setattr(whole, "settle", lambda *given: next(settled)(*given))
        write(target, "two")
    assert [finding.code for finding in refused.value.findings] == ["E954"]
    assert (target / "manifest").read_text(encoding="utf-8") == "two"
    assert find_beside(target, ENDING, "manifest").read_text(encoding="utf-8") == "two"
    write(target, "three")
    assert name_beside(target, ENDING).read_text(encoding="utf-8") == "three"
    assert names(tmp_path) == [".2026Q3-receipt.json", "2026Q3", "2026Q3-rows.csv"]


def test_a_folder_is_removed_as_a_whole(tmp_path, monkeypatch):
    write(tmp_path / "draft", "one")
    remove_whole(tmp_path / "draft")
    assert not (tmp_path / "draft").exists()
    # What could not be emptied is hidden, and no folder of that name: the next run removes it with its staging.
    write(tmp_path / "draft", "two")
    monkeypatch.setattr(whole.shutil, "rmtree", lambda *_, **__: None)
    remove_whole(tmp_path / "draft")
    [hidden] = [name for name in names(tmp_path) if "staging" in name]
    assert not (tmp_path / "draft").exists() and hidden.startswith(".draft.staging-")
    monkeypatch.undo()
    monkeypatch.setattr(whole, "is_running", lambda process: False)
    write(tmp_path / "draft", "three")
    assert not [name for name in names(tmp_path) if "staging" in name]
