"""From what was recorded to the text of the cells, in canonical words (clean) or as six kinds of clinicians write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from outcomes.simulate import words
from outcomes.simulate.coded import Coded, code_keys, code_words
from outcomes.simulate.recording import DISCHARGE_IDS, MODALITY_IDS, MUSCLE_IDS, PURPOSE_IDS, RADIATION_IDS, TRIGGER_IDS
from outcomes.simulate.values import CAUSES, PAYERS, REGIONS
from outcomes.simulate.world import Array, Table, World

_ORDINAL_1970 = date(1970, 1, 1).toordinal()
_CODES = (
    "98940",
    "98941",
    "97140",
    "97124",
    "97110",
    "97112",
    "97530",
    "97535",
    "97014",
    "G0283",
    "97010",
    "97035",
    "97012",
    "20560",
    "97810",
    "S8948",
    "99203",
    "97161",
    "99213",
    "97164",
    "S8990",
)
_CODE_OF = {
    "joint_mobilization": "97140",
    "flexion_distraction": "97140",
    "stretching": "97140",
    "massage": "97124",
    "myofascial_release": "97140",
    "trigger_point_pressure": "97140",
    "iastm": "97140",
    "muscle_energy": "97140",
    "manual_therapy_unspecified": "97140",
    "ultrasound_therapy": "97035",
    "rehab_exercise": "97110",
    "neuromuscular_reeducation": "97112",
    "functional_training": "97530",
    "home_exercise": "97535",
    "traction": "97012",
    "dry_needling": "20560",
    "acupuncture": "97810",
    "laser_light": "S8948",
}
_PAIN_CODES = ("M54.2", "M54.6", "M54.50", "M54.59")
_DYSFUNCTION = ("M99.01", "M99.02", "M99.03", "M99.05")
_RADICULAR = ("M54.12", "M54.14", "M54.41", "G57.01")
_STRAIN = ("S16.1XXA", "S29.012A", "S39.012A", "S33.5XXA")


def write_cells(world: World, written: Table, ids: Sequence[str], clean: bool) -> dict[str, Coded]:
    """Spell every field. Keys are canonical fields, in file order."""
    style = np.zeros_like(written["style"]) if clean else written["style"]
    spell_day = _iso if clean else _dmy

    def worded(name: str, vocabulary: Mapping[str, Sequence[str]], order: Sequence[str]) -> Coded:
        spellings = [[key] if clean else vocabulary[key] for key in order]
        return code_words(written[name], style, spellings)

    def number(name: str) -> Coded:
        return code_keys(written[name], str)

    sex = worded("female", words.SEXES, ("male", "female"))
    cells = {
        "patient_id": Coded(tuple(ids), written["patient"].astype(np.int32)),
        "visit_date": code_keys(written["day"], spell_day),
        "clinic_id": code_keys(written["clinic"], lambda c: f"C{c + 1:02d}"),
        "clinician_id": code_keys(written["clinician"], lambda c: f"P{c + 1:03d}"),
        "visit_purpose": _purposes(written, style, clean),
        "pain_pre": number("pain_pre"),
        "pain_post": number("pain_post"),
        "function_score": number("function_score"),
        "function_instrument": worded("instrument", words.INSTRUMENTS, ("odi", "ndi_pct")),
        "region": worded("region", words.REGIONS, REGIONS),
        "diagnoses": _diagnoses(written, style, clean),
        "muscles_identified": _muscles(written, "found", style, clean),
        "muscles_treated": _muscles(written, "treated", style, clean),
        "modalities": _modalities(written, style, clean),
        "procedure_codes": _codes(world, written, style, clean),
        "cause": worded("cause", words.CAUSES, CAUSES),
        "trigger": worded("trigger", words.TRIGGERS, TRIGGER_IDS),
        "radiation": worded("radiates_to", words.RADIATIONS, RADIATION_IDS),
        "paresthesia": worded("paresthesia", words.YES_NO, ("no", "yes")),
        "onset_date": code_keys(written["onset_day"], spell_day),
        "onset": worded("onset", words.ONSETS, tuple(words.ONSETS)),
        "previous_episodes": number("previous"),
        "age": number("age"),
        "sex": sex,
        "payer": worded("payer", words.PAYER_WORDS, PAYERS),
        "discharge_reason": worded("discharge", words.DISCHARGES, DISCHARGE_IDS),
    }
    return {name: cells[name] for name in words.HEADERS}


def _iso(day: int) -> str:
    return date.fromordinal(_ORDINAL_1970 + day).isoformat()


def _dmy(day: int) -> str:
    return date.fromordinal(_ORDINAL_1970 + day).strftime("%d/%m/%Y")


def _keyed(*parts: tuple[Array, int]) -> Array:
    """Pack small non-negative numbers, each with its number of bits, into one key."""
    key = np.zeros(len(parts[0][0]), dtype=np.int64)
    for values, bits in parts:
        key = key << bits | values
    return key


def _purposes(written: Table, style: Array, clean: bool) -> Coded:
    def spell(key: int) -> str:
        names = [name for i, name in enumerate(PURPOSE_IDS) if key >> 3 >> i & 1]
        if clean:
            # One purpose a cell: an examination says more than the treatment or discharge of the same visit.
            return next((name for name in ("first_exam", "re_exam") if name in names), names[0])
        return "; ".join(words.PURPOSES[name][key & 7] for name in names)

    return code_keys(_keyed((written["purpose"], 8), (style, 3)), spell)


def _diagnoses(written: Table, style: Array, clean: bool) -> Coded:
    """Four variants with the spasm code, four without; the leg or arm code where pain radiates far."""
    far = (written["radiation"] == 2).astype(np.int64)
    key = _keyed((written["region"], 2), (far, 1), (np.maximum(written["diagnosis"], 0), 3), (style, 3))

    def spell(key: int) -> str:
        style, variant, far, region = key & 7, key >> 3 & 7, key >> 6 & 1, key >> 7
        spasm = "M62.838" if region == 0 else "M62.830"
        bases = (
            [spasm],
            [spasm, _DYSFUNCTION[region]],
            [spasm, _PAIN_CODES[region]],
            [_PAIN_CODES[region], _DYSFUNCTION[region]],
        )
        more = ([spasm], [spasm, _PAIN_CODES[region]], [_STRAIN[region]], [_PAIN_CODES[region]])
        codes = [*(bases + more)[variant], *([_RADICULAR[region]] if far else [])]
        text = ";".join(codes)
        if clean:
            return text
        return text.replace(".", "") if style == 1 else text.lower() if style == 4 else text

    return code_keys(np.where(written["diagnosis"] < 0, -1, key), spell)


def _muscles(written: Table, name: str, style: Array, clean: bool) -> Coded:
    first, second = written[name], written[f"{name}_beside"]
    key = _keyed((np.maximum(first, 0), 6), (second + 1, 6), (written[f"{name}_side"], 2), (style, 3))

    def spell(key: int) -> str:
        style, side, second, first = key & 7, key >> 3 & 3, (key >> 5 & 63) - 1, key >> 11
        muscles = [MUSCLE_IDS[i] for i in (first, second) if i >= 0]
        terms = muscles if clean else [words.MUSCLES[muscle][style] for muscle in muscles]
        sided = words.SIDE_STYLES[0 if clean else style][side - 1] if side else "{}"
        return ";".join(sided.format(term) for term in terms)

    return code_keys(np.where(first < 0, -1, key), spell)


def _modalities(written: Table, style: Array, clean: bool) -> Coded:
    both = 1 << MODALITY_IDS.index("ultrasound_therapy") | 1 << MODALITY_IDS.index("electrical_stimulation")

    def spell(key: int) -> str:
        mask, style = key >> 3, key & 7
        terms: list[str] = []
        if not clean and style == 2 and mask & both == both:
            terms, mask = [words.BOTH_US_ES], mask & ~both
        names = [name for i, name in enumerate(MODALITY_IDS) if mask >> i & 1]
        if clean:
            return ";".join(names)
        return ("; " if style == 3 else ";").join(terms + [words.MODALITIES[name][style] for name in names])

    return code_keys(np.where(written["modalities"] < 0, -1, written["modalities"] << 3 | style), spell)


def _codes(world: World, written: Table, style: Array, clean: bool) -> Coded:
    """What was billed: from what was done and examined; hot and cold packs often go unbilled."""
    done = np.maximum(written["modalities"], 0)
    bit = {code: 1 << i for i, code in enumerate(_CODES)}
    billed = np.zeros_like(done)
    for name, code in _CODE_OF.items():
        billed |= np.where(done >> MODALITY_IDS.index(name) & 1, bit[code], 0)
    adjusted = done >> MODALITY_IDS.index("spinal_manipulation") & 1
    billed |= np.where(adjusted, np.where(written["patient"] % 3 == 0, bit["98941"], bit["98940"]), 0)
    stimulated = done >> MODALITY_IDS.index("electrical_stimulation") & 1
    billed |= np.where(stimulated, np.where(written["medicare"], bit["G0283"], bit["97014"]), 0)
    thermal = sum(
        done >> MODALITY_IDS.index(f"{name}") & 1 for name in ("heat_therapy", "cold_therapy", "thermal_unspecified")
    )
    billed |= np.where((thermal > 0) & (written["chance"] < 0.5), bit["97010"], 0)
    chiro = world.profile.name == "chiro"
    purpose = {name: written["purpose"] >> i & 1 for i, name in enumerate(PURPOSE_IDS)}
    billed |= np.where(purpose["first_exam"], bit["99203" if chiro else "97161"], 0)
    billed |= np.where(purpose["re_exam"], bit["99213" if chiro else "97164"], 0)
    billed |= np.where(purpose["maintenance"] & (written["chance"] < 0.4), bit["S8990"], 0)

    def spell(key: int) -> str:
        style, mask = key & 7, key >> 3
        codes = [code for i, code in enumerate(_CODES) if mask >> i & 1]
        return ";".join(codes if clean else _with_modifiers(codes, style))

    return code_keys(np.where(written["coded"] & (billed > 0), billed << 3 | style, -1), spell)


def _with_modifiers(codes: list[str], style: int) -> list[str]:
    adjusted = any(code.startswith("9894") for code in codes)
    if style == 1:
        codes = [f"{code}-AT" if code.startswith("9894") else code for code in codes]
        return [f"{code}-59" if code == "97140" and adjusted else code for code in codes]
    return [f"{code} x2" if code == "97110" else code for code in codes] if style == 4 else codes
