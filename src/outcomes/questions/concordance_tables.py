"""Tables beside the comparison of concordant with discordant treatment: classes, recording, errors, later findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.first_treatment import TreatmentRows
from outcomes.cases.schema import MISSING
from outcomes.definitions.concordance import UNKNOWN
from outcomes.estimators.sensitivity import correct_misclassification
from outcomes.questions.concordance_classes import CLASS_LABELS, Classes
from outcomes.questions.contrast_lines import Contrast
from outcomes.questions.relief_fit import fit_line
from outcomes.questions.relief_rows import ReliefRows
from outcomes.questions.results import NOT_RECORDED, Flags, read_day

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

CLASS_COLUMNS = ("class", "label", "n", "events", "estimate", "conf_low", "conf_high")
MISCLASSIFICATION_COLUMNS = ("reading", "label", "right", "estimate", "conf_low", "conf_high", "reason")
RECORDING_COLUMNS = ("unit", "n", "n_recorded", "share")
CHANGED_COLUMNS = ("n", "n_again", "n_changed", "share")
RIGHT = (0.7, 0.8, 0.9)
"""Assumed shares of right classes; nobody has measured them."""
IN_ARMS = "of_the_arms"
"""How ``right`` is read: of each arm, not of those who truly belong there."""
NAN = float("nan")


def tabulate_classes(episodes: Episodes, rows: TreatmentRows, classes: Classes) -> pd.DataFrame:
    """One row a class (`CLASS_COLUMNS`): the share relieved by the primary day, as it is, with its interval.

    Under the floors of any curve no share is given. The last two rows are parts of those before.

    Parameters
    ----------
    episodes : Episodes
    rows : TreatmentRows
    classes : Classes
        Of these rows.
    """
    import pandas as pd

    day = episodes.protocol.horizons_days.primary
    out = []
    for name, label in CLASS_LABELS.items():
        curve = fit_line(name, _as_relief_rows(rows.take(classes.find(name))), episodes.protocol)
        out.append((name, label, curve.n, int(curve.events[day]), *read_day(curve, day)))
    return pd.DataFrame(out, columns=list(CLASS_COLUMNS))


def _as_relief_rows(rows: TreatmentRows) -> ReliefRows:
    """The same intervals for the curve of a group; how the episodes ended is not asked for."""
    ends = np.zeros(rows.n, dtype=np.intp)
    return ReliefRows(
        rows.episode,
        rows.patient,
        rows.left_days,
        rows.right_days,
        np.ones(rows.n),
        ends,
        ends,
        np.full(rows.n, MISSING),
        rows.ledger,
    )


def tabulate_misclassification(contrast: Contrast) -> pd.DataFrame:
    """What the difference would be between true classes, if so many of the recorded ones were right.

    `MISCLASSIFICATION_COLUMNS`. ``right`` is the share of either arm, as weighted, that is in the right one. The
    recorded difference is then ``2 right - 1`` times that between the true arms, if

    - both arms are right equally often;
    - whether one is right does not depend on who is relieved;
    - the true class decides on relief, and not the recorded one;
    - those in the wrong arm are, in all that bears on relief, like those who belong there.

    Sensitivity and specificity, of those truly in a class the share recorded so, are not asked for, and alone do not
    give this. How much of an arm is right depends on how common the classes are, too (predictive values: Altman and
    Bland 1994, doi:10.1136/bmj.309.6947.102), and the arms compared are the overlap-weighted ones, in which the classes
    are neither as common as among the episodes nor equally common for every patient: with the share of the episodes the
    correction is another number, and a wrong one.

    Parameters
    ----------
    contrast : Contrast
        The main one.
    """
    import pandas as pd

    label = "of either arm, as weighted, the share that is in the right one"
    rows = [(IN_ARMS, label, right, *_correct(contrast, right)) for right in RIGHT]
    return pd.DataFrame(rows, columns=list(MISCLASSIFICATION_COLUMNS))


def _correct(contrast: Contrast, right: float) -> tuple[float, float, float, str]:
    """Correct the difference and its limits; limits end at -1 and 1, as differences of shares do."""
    found = contrast.shown
    if found is None:
        return NAN, NAN, NAN, contrast.reason
    recorded = np.array([each[0] for each in (found.difference, found.difference_low, found.difference_high)], float)
    known = ~np.isnan(recorded)  # where all of both arms were relieved the difference has no limits
    recorded[known] = correct_misclassification(recorded[known], right, right)
    estimate, low, high = recorded.tolist()
    if abs(estimate) > 1.0:
        return NAN, NAN, NAN, "with so many errors the recorded difference could not be this large"
    return estimate, max(low, -1.0), min(high, 1.0), ""


def tabulate_recording(episodes: Episodes, rows: TreatmentRows, classes: Classes) -> pd.DataFrame:
    """One row a clinician, or clinic (`RECORDING_COLUMNS`): episodes with both muscles written down, however vaguely.

    Parameters
    ----------
    episodes : Episodes
    rows : TreatmentRows
    classes : Classes
        Of these rows.
    """
    import pandas as pd

    columns = episodes.visits.columns
    names = [name for name in ("clinician", "clinic") if name in columns][:1]
    if not names:
        return pd.DataFrame([], columns=list(RECORDING_COLUMNS))
    if names[0] == "clinician":
        words, code = list(episodes.visits.clinicians.names), episodes.visits.clinicians.code[rows.row]
    else:
        words = [str(word) for word in episodes.visits.words.codes[names[0]]]
        code = columns[names[0]][rows.row].astype(np.intp)
    place = np.where(code < 0, len(words), code)
    n = np.bincount(place, minlength=len(words) + 1)
    recorded = np.bincount(place[classes.level != UNKNOWN], minlength=len(words) + 1)
    shown = [i for i in sorted(range(len(words)), key=lambda i: words[i]) if n[i]] + [len(words)] * bool(n[-1])
    labels = [*words, NOT_RECORDED]
    return pd.DataFrame(
        [(labels[i], int(n[i]), int(recorded[i]), recorded[i] / n[i]) for i in shown], columns=list(RECORDING_COLUMNS)
    )


def tabulate_changed(episodes: Episodes, rows: TreatmentRows) -> pd.DataFrame:
    """How often other muscles were found later: one row (`CHANGED_COLUMNS`).

    Of `n` episodes with a muscle found at the first visit, `n_again` have one at a later visit too, and `n_changed`
    (`share` of these) other muscles than at first, whatever the side.

    Parameters
    ----------
    episodes : Episodes
    rows : TreatmentRows
    """
    import pandas as pd

    again, changed = find_changed(episodes)
    first = _found(episodes)[episodes.starts] != 0
    counts = [int(flags[rows.episode].sum()) for flags in (first, again, changed)]
    return pd.DataFrame([(*counts, counts[2] / counts[1] if counts[1] else NAN)], columns=list(CHANGED_COLUMNS))


def _found(episodes: Episodes) -> np.ndarray:
    """Muscles found at each visit, whatever their side."""
    columns = episodes.visits.columns
    masks: np.ndarray = columns["muscles_identified_left"] | columns["muscles_identified_right"]
    return masks


def find_changed(episodes: Episodes) -> tuple[Flags, Flags]:
    """Return, for each episode with muscles found at its first visit, whether a later one names any, and others.

    Parameters
    ----------
    episodes : Episodes
    """
    found, episode = _found(episodes), episodes.visits.columns["episode"].astype(np.intp)
    first = found[episodes.starts]
    row = np.arange(found.size)
    later = (episode >= 0) & (found != 0)
    later[later] = (row[later] > episodes.starts[episode[later]]) & (first[episode[later]] != 0)
    differs = later.copy()
    differs[later] = found[later] != first[episode[later]]
    again, changed = np.zeros(episodes.n, dtype=np.bool_), np.zeros(episodes.n, dtype=np.bool_)
    again[episode[later]], changed[episode[differs]] = True, True
    return again, changed
