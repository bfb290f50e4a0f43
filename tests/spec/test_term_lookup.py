"""What a word of the clinic means, by the column it stands in: small tables a clinician can correct."""

from __future__ import annotations

import pytest

from outcomes.definitions import DIAGNOSIS_TIERS, REGIONS, Codebook
from tables import parse

MODALITIES = """
written                  | modalities                                  | how
US                       | ultrasound_therapy                          | known
U.S.                     | ultrasound_therapy                          | known
  ultra   SOUND          | ultrasound_therapy                          | known
e-stim                   | electrical_stimulation                      | known
E Stim                   | electrical_stimulation                      | known
softtissue work          | massage                                     | known
soft-tissue  mob.        | massage                                     | known
Heat or cold (not specified) | thermal_unspecified                     | known
heat_therapy             | heat_therapy                                | known
us/es                    | ultrasound_therapy;electrical_stimulation   | known
US / ES                  | ultrasound_therapy;electrical_stimulation   | known
us/estim                 | ultrasound_therapy;electrical_stimulation   | known
combo                    | ultrasound_therapy;electrical_stimulation   | known
hp                       | thermal_unspecified                         | assumed
MT                       | manual_therapy_unspecified                  | assumed
rt                       | mechanical_massage                          | assumed
hs                       | home_exercise                               | assumed
es                       | electrical_stimulation                      | known
ta                       | functional_training                         | known
core                     | rehab_exercise                              | known
mf                       | myofascial_release                          | known
te                       | rehab_exercise                              | known
met                      | muscle_energy                               | known
nmr                      | neuromuscular_reeducation                   | known
ART                      | myofascial_release                          | known
A.R.T.                   | myofascial_release                          | known
art                      |                                             | unknown
Art, us                  | ultrasound_therapy                          | unknown
pre                      | rehab_exercise                              | known
pre 6                    |                                             | unknown
pre 6/10                 |                                             | unknown
pt                       |                                             | unknown
tx                       |                                             | unknown
mech tx                  | traction                                    | known
pelvic tx                | traction                                    | known
zone tx                  |                                             | unknown
ms                       |                                             | unknown
it                       |                                             | unknown
lat                      |                                             | unknown
ql                       |                                             | unknown
no heat                  |                                             | unknown
sound bath               |                                             | unknown
massage, us and heat     | massage;ultrasound_therapy;heat_therapy     | known
hot/cold pack + us       | ultrasound_therapy;thermal_unspecified      | known
pin and stretch, ice     | myofascial_release;cold_therapy             | known
massage and sound bath   | massage                                     | unknown
us 8 min                 | ultrasound_therapy                          | known
us 1 MHz 1.0 W/cm2       | ultrasound_therapy                          | known
therex (3x10 reps)       | rehab_exercise                              | known
mcgill big 3             | rehab_exercise                              | known
g5 x 10 min              | mechanical_massage                          | known
97140-59                 | manual_therapy_unspecified                  | known
97014;G0283              | electrical_stimulation                      | known
-                        |                                             | known
no show                  | no_show                                     | known
"""

MUSCLES = """
written              | left                                | right                               | how
QL:L                 | quadratus_lumborum                  |                                     | known
ql: r                |                                     | quadratus_lumborum                  | known
Q.L.:B               | quadratus_lumborum                  | quadratus_lumborum                  | known
QL                   | quadratus_lumborum                  | quadratus_lumborum                  | no side
left QL              | quadratus_lumborum                  |                                     | known
lt ql                | quadratus_lumborum                  |                                     | known
QL right             |                                     | quadratus_lumborum                  | known
(R) piriformis       |                                     | piriformis                          | known
QL (L)               | quadratus_lumborum                  |                                     | known
right sided QL       |                                     | quadratus_lumborum                  | known
bilateral traps      | trapezius_unspecified               | trapezius_unspecified               | assumed
glutes:L             | gluteals_unspecified                |                                     | assumed
left and right QL    | quadratus_lumborum                  | quadratus_lumborum                  | known
left QL and right ES | quadratus_lumborum                  | erector_spinae                      | known
bilateral QL/ES      | erector_spinae;quadratus_lumborum   | erector_spinae;quadratus_lumborum   | known
rt traps             |                                     | trapezius_unspecified               | assumed
es                   | erector_spinae                      | erector_spinae                      | no side
ta:l                 | abdominals                          |                                     | known
core                 | abdominals                          | abdominals                          | no side
mf:r                 |                                     | multifidus                          | known
hs                   | hamstrings                          | hamstrings                          | no side
lat                  | latissimus_dorsi                    | latissimus_dorsi                    | no side
L lat                | latissimus_dorsi                    |                                     | known
L-spine paraspinals  | lumbar_paraspinals                  | lumbar_paraspinals                  | no side
itb:L                | tensor_fasciae_latae                |                                     | known
QL rechts            |                                     | quadratus_lumborum                  | known
Piriformis li.       | piriformis                          |                                     | known
piriforme destro     |                                     |                                     | unknown
piriformis destro    |                                     | piriformis                          | known
piriformis (lewy)    | piriformis                          |                                     | known
QL beidseits         | quadratus_lumborum                  | quadratus_lumborum                  | known
QL bilatéral         | quadratus_lumborum                  | quadratus_lumborum                  | known
QL höger             |                                     | quadratus_lumborum                  | known
piriformis dx        |                                     |                                     | unknown
piriformis P         |                                     |                                     | unknown
it                   |                                     |                                     | unknown
us                   |                                     |                                     | unknown
rt                   |                                     |                                     | unknown
QL, bananas:L        | quadratus_lumborum                  |                                     | unknown
"""

DIAGNOSES = """
written                | tier         | region   | known | why
M62.830                | core         |          | yes   | carries no level
m62830                 | core         |          | yes   | lost dot
M54.5                  | broad        | lumbar   | yes   | retired
M545                   | broad        | lumbar   | yes   | retired, lost dot
M51.36                 | supportive   | lumbar   | yes   | retired
M54.50 - low back pain | broad        | lumbar   | yes   | words beside it
ICD-10: M54.2          | broad        | cervical | yes   | words beside it
M54.2, M62.830         | core         | cervical | yes   | the best tier, the only region
S39.012                | broad        | lumbar   | yes   | lost letter
S33.5XXD               | broad        | lumbar   | yes   | later care
M54.3                  | supportive   | lumbar   | yes   | WHO
M62.4                  | broad        |          | yes   | WHO
M99.0                  | supportive   |          | yes   | below it regions differ
M54.5 G                | broad        | lumbar   | yes   | national letter
M54.4RG                | supportive   | lumbar   | yes   | national letters
G24.3                  | exclude      | cervical | yes   |
M62.83                 |              |          | no    | below it tiers differ
M62.81                 |              |          | no    | another disease than M62.8
M54.81                 |              |          | no    | another disease than M54.8
M47.812                |              |          | no    | not in the tables
M99.06                 |              |          | no    | not of the trunk
back pain              |              |          | no    |
"""

CODES = """
written   | modality                   | first | maintenance | known
97140     | manual_therapy_unspecified | no    | no          | yes
97140-59  | manual_therapy_unspecified | no    | no          | yes
97140 59  | manual_therapy_unspecified | no    | no          | yes
97140:GP  | manual_therapy_unspecified | no    | no          | yes
97140GP   | manual_therapy_unspecified | no    | no          | yes
97110 x2  | rehab_exercise             | no    | no          | yes
97110x2   | rehab_exercise             | no    | no          | yes
97035.0   | ultrasound_therapy         | no    | no          | yes
CPT 97035 | ultrasound_therapy         | no    | no          | yes
97014     | electrical_stimulation     | no    | no          | yes
g0283     | electrical_stimulation     | no    | no          | yes
97161     | evaluation                 | yes   | no          | yes
99203     | evaluation                 | yes   | no          | yes
99213     | re_evaluation              | no    | no          | yes
S8990     | manual_therapy_unspecified | no    | yes         | yes
12345     |                            | no    | no          | no
9714059   |                            | no    | no          | no
massage   |                            | no    | no          | no
"""

IDS = """
kind             | written        | id
region           | c-spine        | cervical
region           | Neck           | cervical
region           | left low back  | lumbar
region           | LBP            | lumbar
region           | L4-L5          | lumbar
region           | L4/5           | lumbar
region           | mid-back       | thoracic
region           | SI joint       | pelvic
region           | knee           |
sex              | F              | female
sex              | Male           | male
sex              | unknown        |
purpose          | Daily Note     | treatment
purpose          | IE             | first_exam
purpose          | DNA            | no_show
purpose          | No-Show        | no_show
purpose          | cancelled      | cancelled
purpose          | wellness       | maintenance
purpose          | Progress Note  | re_exam
purpose          | D/C            | discharge
purpose          | follow-up      | treatment
onset            | Post-traumatic | post_traumatic
onset            | insidious      | gradual
discharge_reason | Goals met      | resolved
discharge_reason | DQ             | self_discharged
discharge_reason | Referred out   | referred
instrument       | Oswestry       | odi
instrument       | NDI %          | ndi_pct
instrument       | NDI            |
cause            | MVA            | trauma
trigger          | slept wrong    | sleeping
radiation        | left thigh     | leg_above_knee
radiation        | none           | none
paresthesia      | P&N            | yes
paresthesia      | denies         | no
"""


@pytest.fixture(scope="module")
def codebook() -> Codebook:
    return Codebook.load()


def written(table: str) -> tuple[list[dict[str, str]], list[str]]:
    rows = parse(table)
    return rows, [row["written"] for row in rows]


def test_modalities(codebook: Codebook) -> None:
    rows, terms = written(MODALITIES)
    found = codebook.find_modalities(terms)
    for i, row in enumerate(rows):
        how = "unknown" if not found.known[i] else "assumed" if found.assumed[i] else "known"
        names = set(codebook.modality_names(found.masks[i]))
        assert (names, how) == ({n for n in row["modalities"].split(";") if n}, row["how"]), row


def test_muscles(codebook: Codebook) -> None:
    rows, terms = written(MUSCLES)
    found = codebook.find_muscles(terms)
    for i, row in enumerate(rows):
        flags = [(not found.known[i], "unknown"), (found.assumed[i], "assumed"), (found.side_unknown[i], "no side")]
        how = next((word for flag, word in flags if flag), "known")
        sides = [";".join(codebook.muscle_names(mask)) for mask in (found.left[i], found.right[i])]
        assert (*sides, how) == (row["left"], row["right"], row["how"]), row


def test_diagnoses(codebook: Codebook) -> None:
    rows, terms = written(DIAGNOSES)
    found = codebook.find_diagnoses(terms)
    for i, row in enumerate(rows):
        tier = DIAGNOSIS_TIERS[found.tier[i]] if found.tier[i] >= 0 else ""
        region = REGIONS[found.region[i]] if found.region[i] >= 0 else ""
        known = "yes" if found.known[i] else "no"
        assert (tier, region, known) == (row["tier"], row["region"], row["known"]), row


def test_the_protocol_says_which_codes_are_core(codebook: Codebook) -> None:
    found = codebook.find_diagnoses(["M62.830", "M54.50", "M54.5", "Z99.9"], core=("M54.50", "Z99.9"))
    assert [DIAGNOSIS_TIERS[tier] for tier in found.tier] == ["broad", "core", "broad", "core"]
    assert found.known.all()


def test_codes(codebook: Codebook) -> None:
    rows, terms = written(CODES)
    found = codebook.find_codes(terms)
    for i, row in enumerate(rows):
        flags = [("yes" if flag[i] else "no") for flag in (found.first_exam, found.maintenance, found.known)]
        modality = ";".join(codebook.modality_names(found.masks[i]))
        assert (modality, *flags) == (row["modality"], row["first"], row["maintenance"], row["known"]), row


def test_ids(codebook: Codebook) -> None:
    for row in parse(IDS):
        position = codebook.find_ids(row["kind"], [row["written"]])[0]
        found = codebook.ids(row["kind"])[position] if position >= 0 else ""
        assert found == row["id"], row
