"""What reporting guidelines ask of a comparison of treatments, and where each item is found, or who must add it.

TARGET (Cashin et al. 2025, doi:10.1001/jama.2025.13350), STROBE for cohorts (von Elm et al. 2007,
doi:10.1371/journal.pmed.0040296) and RECORD (Benchimol et al. 2015, doi:10.1371/journal.pmed.1001885), by number and
in our own words. An item is not ticked off because a table exists: what the table leaves out is named.
"""

from __future__ import annotations

ABSENT = "not in these records: "
"""How the place of an item begins that only the people who keep the records can fill."""
ITEM_COLUMNS = ("list", "item", "what", "where")

_TRIAL, _MAIN, _BALANCE = "protocol table", "main table", "balance table"
_ROWS_ONLY = "ledger: rows and visits, not the episodes that the washout and the first rating leave out"
"""The account a release publishes ends with visits joined to episodes; that of a comparison is in its notebook."""
_LISTS = "codebook: named by its hash, for lists that are not your own lie in the package of that version"
_IDEAL, _EMULATED = f"{_TRIAL}, ideal", f"{_TRIAL}, emulated"

TARGET = (
    ("1a", "says that a target trial is emulated, and sums it up", _TRIAL),
    ("1b", "names the source of the data", ABSENT + "name the record system"),
    ("1c", "sums up assumptions, methods and findings", "settings, main table, notes"),
    ("2", "background, and what is not known yet", ABSENT + "write it"),
    ("3", "the question, as a causal one", _IDEAL),
    ("4", "why a trial is emulated, and which trials it follows", ABSENT + "write it"),
    ("5", "source, purpose, places and times of the data", "ledger; " + ABSENT + "purpose and places"),
    ("6a", "who would be eligible", _IDEAL),
    ("6b", "the strategies that would be compared", _IDEAL),
    ("6c", "random assignment, known to those assigned", _IDEAL),
    ("6d", "start and end of follow-up", _IDEAL),
    ("6e", "the outcome, how and when it would be measured", _IDEAL),
    ("6f", "the contrast and its scales", _IDEAL),
    ("6g", "the assumptions the trial would need", _IDEAL),
    ("6h", "the analysis of the trial, missing values included", _IDEAL),
    ("7a", "eligibility in these data", f"{_EMULATED}; {_ROWS_ONLY}"),
    ("7b", "the strategies in these data", f"{_EMULATED}; codebook"),
    ("7c", "assignment in these data", _EMULATED),
    ("7d", "that follow-up starts with assignment, and how it ends", _EMULATED),
    ("7e", "the outcome in these data", f"{_EMULATED}; settings"),
    ("7f", "the contrast in these data", f"{_EMULATED}; settings"),
    ("7g", "the assumptions made, confounding at the start among them, and the columns for them", f"{_TRIAL}; balance"),
    ("7h", "the analysis, missing values and sensitivity analyses", "settings; main table"),
    ("8", "numbers looked at, eligible and in each arm", f"{_ROWS_ONLY}; diagnostics"),
    ("9", "the arms at the start", f"{_BALANCE}: differences between the arms, not their distributions"),
    ("10", "length and end of follow-up in each arm", "gate: that it reaches the day; reasons for its end: not by arm"),
    ("11", "missing values in each arm", f"{_BALANCE}: 'not recorded' is a level; the outcome: not by arm"),
    ("12", "the outcome in each arm", _MAIN),
    ("13", "estimates with intervals, absolute and relative", _MAIN),
    ("14", "results of the sensitivity analyses", _MAIN),
    ("15", "what the findings say on the question", ABSENT + "write it; the notes set its bounds"),
    ("16", "limits: where the emulation departs from the trial", f"{_TRIAL}; notes"),
    ("17", "ethics approval", ABSENT + "name the committee and its number, or why none was needed"),
    ("18", "registration of the protocol", ABSENT + "say whether, when and where"),
    ("19", "access to data and code", "settings: version and hashes; " + ABSENT + "how the data can be had"),
    ("20", "funding, and the part funders had", ABSENT + "name them"),
    ("21", "conflicts of interest", ABSENT + "declare them"),
)
STROBE = (
    ("1", "design named in title and summary", f"settings; {ABSENT}name the design in the title"),
    ("2", "background", ABSENT + "write it"),
    ("3", "aims, fixed beforehand", "settings: hashes of protocol and codebook"),
    ("4", "the design, early", _TRIAL),
    ("5", "places and times", "ledger; " + ABSENT + "places"),
    ("6", "who was eligible, from where, followed how", f"{_TRIAL}; ledger"),
    ("7", "outcome, treatments and what is adjusted for", f"settings; {_BALANCE}"),
    ("8", "how each was measured, alike in both arms", ABSENT + "who rated pain and who recorded treatments, and how"),
    ("9", "what was done about bias", "gate; controls in the main table"),
    ("10", "how the size came about", "diagnostics, smallest difference"),
    ("11", "how numbers were cut into classes", f"codebook; {_BALANCE}"),
    ("12", "statistical methods, missing values, sensitivity analyses", "settings; main table"),
    ("13", "numbers at each stage, with reasons", _ROWS_ONLY),
    ("14", "the patients, missing values, time followed", f"{_BALANCE}: as far as the arms differ"),
    ("15", "numbers with the outcome", _MAIN),
    ("16", "unadjusted and adjusted, with intervals", _MAIN),
    ("17", "other analyses", _MAIN),
    ("18", "main results against the aims", ABSENT + "write it"),
    ("19", "limits", "notes"),
    ("20", "a careful reading", ABSENT + "write it"),
    ("21", "for whom else it may hold", ABSENT + "write it"),
    ("22", "funding", ABSENT + "name it"),
)
RECORD = (
    ("1.1", "kind and names of the data sources in the summary", ABSENT + "name the record system"),
    ("1.2", "region and period in the summary", "ledger; " + ABSENT + "the region"),
    ("1.3", "linkage, if any, in the summary", ABSENT + "say whether records were linked"),
    ("6.1", "how patients were found: codes and rules", f"settings; {_LISTS}"),
    ("6.2", "whether codes and rules were validated", ABSENT + "a review of charts; the codes are not validated"),
    ("6.3", "the linkage as a diagram", ABSENT + "only where records were linked"),
    ("7.1", "all codes and rules for treatments, outcome and what is adjusted for", f"{_LISTS}; settings"),
    ("12.1", "who had access to which part of the records", ABSENT + "say who drew the export, and how"),
    ("12.2", "how the data were cleaned", "ledger"),
    ("12.3", "by which person and method records were linked", ABSENT + "only where records were linked"),
    ("13.1", "how rows were kept or left out", "ledger"),
    ("19.1", "what it means that the records were made for another purpose", "notes"),
    ("22.1", "where protocol and code can be had", "settings: version and hashes"),
)

NO_CALENDAR = ABSENT + "the period; the export has day numbers and no calendar"
PERIOD_ITEMS = (("TARGET", "5"), ("STROBE", "5"), ("RECORD", "1.2"))
"""Items that ask for the period."""
