"""The protocol: defaults, loading, every fault at once, a stable hash, and the file in docs/."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from outcomes.definitions import Protocol
from outcomes.definitions.sections import BaselineRules, EpisodeRules
from outcomes.errors import ConfigError


def load(tmp_path: Path, text: str) -> Protocol:
    path = tmp_path / "protocol.toml"
    path.write_text(text, encoding="utf-8")
    return Protocol.load(path)


def places(error: ConfigError) -> dict[str, str]:
    return {finding.place: finding.code for finding in error.findings}


def faults_of(tmp_path: Path, text: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text)
    return places(raised.value)


def test_the_file_in_docs_is_the_default(repository: Path) -> None:
    path = repository / "docs" / "protocol.toml"
    assert path.read_text(encoding="utf-8") == Protocol().to_toml(), "write Protocol().to_toml() to docs/protocol.toml"
    assert Protocol.load(path) == Protocol()


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Protocol()


def test_a_whole_number_stands_for_a_decimal_and_changes_no_hash(tmp_path: Path) -> None:
    loaded = load(tmp_path, "[baseline]\neligible_min_nrs = 3\n")
    assert loaded == Protocol()
    assert loaded.hash == Protocol().hash == Protocol(baseline=BaselineRules(eligible_min_nrs=3)).hash


def test_a_changed_value_changes_the_hash_and_is_written_with_its_default(tmp_path: Path) -> None:
    changed = load(tmp_path, "\ufeff[episode]\ngap_days = 60\n[horizons_days]\nrelief = [7, 28]\n")
    assert changed.episode.gap_days == 60
    assert changed.horizons_days.relief == (7, 28)
    assert changed.hash != Protocol().hash
    assert "Default: 90." in changed.to_toml()
    assert load(tmp_path, changed.to_toml()) == changed


def test_the_hash_is_the_same_in_another_process() -> None:
    code = "from outcomes.definitions.protocol import Protocol; print(Protocol().hash)"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {Protocol().hash}
    assert len(Protocol().hash) == 12


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    found = faults_of(
        tmp_path,
        """
        epsode = 1
        dropout = 5
        [episode]
        gap_day = 60
        washout_days = -1
        relief_rule = 1
        gap_days = true
        pct_reduction = 30
        [baseline]
        eligible_min_nrs = nan
        [relief]
        pct_reduction = 101
        confirm = "sometimes"
        confirm_within_days = 3.0
        [horizons_days]
        relief = [28, 14]
        recurrence = [90, "x"]
        [inference]
        level = 1.0
        [case_definition]
        core_icd10cm = ["back pain"]
        tiers = []
        """,
    )
    assert found == {
        "epsode": "C102",
        "dropout": "C103",
        "episode.gap_day": "C102",
        "episode.washout_days": "C104",
        "episode.relief_rule": "C103",
        "episode.gap_days": "C103",
        "episode.pct_reduction": "C102",
        "baseline.eligible_min_nrs": "C104",
        "relief.pct_reduction": "C104",
        "relief.confirm": "C104",
        "relief.confirm_within_days": "C103",
        "horizons_days.relief": "C104",
        "horizons_days.recurrence[1]": "C103",
        "inference.level": "C104",
        "case_definition.core_icd10cm[0]": "C104",
        "case_definition.tiers": "C104",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[epsode]\n", "Did you mean 'episode'?"),
        ("[episode]\ngap_day = 1\n", "Did you mean 'gap_days'?"),
        ("[episode]\npct_reduction = 30\n", "Did you mean 'relief.pct_reduction'?"),
        ("[relief]\nconfirm = 'if-observable'\n", "Did you mean 'if_observable'?"),
        ("[dropout]\ncensor_at = 'last_visit_plus_gap'\n", "is forbidden"),
        ("[dropout]\ncolour = 1\n", "Known here: no_visit_days, censor_at."),
        ("[inference]\nlevel = 0.05\n", "allowed is 0.5 to 0.9999. Write the share that intervals cover, 0.95, not"),
        ("[inference]\nlevel = 95.0\n", "Write the share that intervals cover"),
        ("[inference]\nbootstrap_draws = 1\n", "allowed is 2 to 100000. 500 are usual"),
        ("[inference]\nbootstrap_draws = 50000000\n", "more than 100,000 take days"),
        ("[relief]\npct_reduction = 200\n", "Choose a value in that range."),
    ],
)
def test_a_fault_says_what_to_write(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[horizons_days]\nprimary = 30\n", "horizons_days.primary"),
        ("[horizons_days]\nrecurrence = [90]\n", "horizons_days.primary_recurrence"),
        ("[episode]\ngap_days = 20\n", "episode.relief_gap_days"),
        ("[resolution]\nmax_nrs = 3\n", "resolution.max_nrs"),
        ("[reporting_floor]\nspc_points = 4\n", "reporting_floor.spc_trial_points"),
        ("[reporting_floor]\nfunnel_flag_n = 5\n", "reporting_floor.funnel_show_n"),
        ("[case_definition]\nlower_regions = ['lumbar', 'thoracic']\n", "case_definition.lower_regions"),
        ("[case_definition]\nupper_regions = ['cervical', 'lumbar']\n", "case_definition.lower_regions"),
    ],
)
def test_two_settings_that_cannot_both_hold(tmp_path: Path, text: str, place: str) -> None:
    assert faults_of(tmp_path, text) == {place: "C105"}


def test_a_short_gap_is_allowed_without_rules_b_and_c(tmp_path: Path) -> None:
    text = "[episode]\ngap_days = 10\nrelief_rule = false\nnew_onset_rule = false\n"
    assert load(tmp_path, text).episode.gap_days == 10


def test_a_protocol_made_in_python_is_checked_too() -> None:
    with pytest.raises(ConfigError) as raised:
        replace(Protocol(), episode=EpisodeRules(gap_days=-1, relief_rule=None))  # type: ignore[arg-type]
    assert places(raised.value) == {"episode.gap_days": "C104", "episode.relief_rule": "C103"}
    with pytest.raises(ConfigError):
        Protocol(episode=BaselineRules())  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"[episode\n", b"\xff\xfe", b"gap = \n"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "protocol.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        Protocol.load(path)
    assert places(raised.value) == {"protocol.toml": "C101"}


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml"):
        Protocol.load(tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("[baseline]\nwindow_days = 14\n", "episode.new_onset_marker_min_gap_days"),
        ("[baseline]\nwindow_days = 30\n[episode]\nnew_onset_rule = false\n", "episode.relief_gap_days"),
        (
            "[baseline]\nwindow_days = 90\n[episode]\nnew_onset_rule = false\nrelief_rule = false\n",
            "episode.gap_days",
        ),
    ],
)
def test_the_baseline_window_ends_before_another_episode_can_open(tmp_path: Path, text: str, other: str) -> None:
    with pytest.raises(ConfigError, match=f"must be below {other}"):
        load(tmp_path, text)
    assert load(tmp_path, text.replace("window_days = ", "window_days = 13 # ")).baseline.window_days == 13
