"""How clinics write things: canonical ids with the spellings of six habits.

With ``clean=True`` the ids themselves are written. A unit test holds every spelling against the codebook.
"""

from __future__ import annotations

from outcomes.simulate.values import FAMILIES

MODALITIES: dict[str, tuple[str, ...]] = {
    "spinal_manipulation": ("adj", "SMT", "CMT", "Adjustment", "manip", "HVLA"),
    "joint_mobilization": ("joint mobs", "mobs", "Maitland", "Joint Mobilization", "mobilisation", "PA mobs"),
    "flexion_distraction": ("flex dist", "F/D", "Cox", "Flexion Distraction", "cox technique", "F/D"),
    "stretching": ("stretch", "stretching", "passive stretch", "Gentle Stretching", "assisted stretch", "STRETCHES"),
    "massage": ("STM", "massage", "soft tissue", "Massage Therapy", "deep tissue", "STW"),
    "myofascial_release": ("MFR", "myofascial release", "MFR", "Myofascial Release", "myofascial", "MFR"),
    "trigger_point_pressure": (
        "TPT",
        "trigger point",
        "TrP release",
        "Trigger Point Therapy",
        "ischemic compression",
        "TPR",
    ),
    "iastm": ("IASTM", "Graston", "gua sha", "Instrument Assisted Soft Tissue", "scraping", "IASTM"),
    "muscle_energy": ("MET", "PIR", "contract relax", "Muscle Energy", "hold relax", "PNF"),
    "manual_therapy_unspecified": ("manual", "MT", "manual therapy", "Manual Therapy", "hands on", "manual tx"),
    "electrical_stimulation": ("estim", "TENS", "IFC", "Electrical Stimulation", "interferential", "ES"),
    "heat_therapy": ("heat", "MHP", "hot packs", "Moist Heat", "hot pack", "HMP"),
    "cold_therapy": ("ice", "ice pack", "cryo", "Cryotherapy", "cold pack", "ICE"),
    "thermal_unspecified": ("HP/CP", "hot/cold pack", "contrast", "Hot/Cold Pack", "thermal", "HP/CP"),
    "ultrasound_therapy": ("US", "ultrasound", "pulsed US", "Ultrasound", "UST", "U/S"),
    "rehab_exercise": ("therex", "TE", "core stab", "Therapeutic Exercise", "exercises", "REHAB"),
    "neuromuscular_reeducation": (
        "NMR",
        "neuro re-ed",
        "balance training",
        "Neuromuscular Re-education",
        "proprioception",
        "NMRE",
    ),
    "functional_training": (
        "theract",
        "TA",
        "lifting training",
        "Therapeutic Activities",
        "functional training",
        "gait",
    ),
    "home_exercise": ("HEP", "home exercise", "home program", "Home Exercise Program", "self stretch", "HEP"),
    "traction": ("traction", "mechanical traction", "decompression", "Spinal Decompression", "lumbar traction", "IDD"),
    "dry_needling": ("DN", "dry needling", "TDN", "Dry Needling", "IMS", "DN"),
    "acupuncture": ("acu", "acupuncture", "acupuncture", "Acupuncture", "electroacupuncture", "ACU"),
    "education_advice": ("education", "advice", "posture education", "Patient Education", "ergonomics", "PT ED"),
    "taping_bracing": ("KT", "tape", "kinesio", "Kinesio Tape", "brace", "TAPING"),
    "laser_light": ("laser", "LLLT", "cold laser", "Laser", "photobiomodulation", "LLLT"),
}
# Within each family (order of `FAMILIES`): what it can be and how likely; chance of a second, different choice.
CHOICES: tuple[tuple[tuple[str, float], ...], ...] = (
    (("spinal_manipulation", 0.75), ("joint_mobilization", 0.18), ("flexion_distraction", 0.07)),
    (
        ("stretching", 0.24),
        ("massage", 0.26),
        ("myofascial_release", 0.14),
        ("trigger_point_pressure", 0.14),
        ("iastm", 0.07),
        ("muscle_energy", 0.07),
        ("manual_therapy_unspecified", 0.08),
    ),
    (("electrical_stimulation", 1.0),),
    (("heat_therapy", 0.60), ("cold_therapy", 0.25), ("thermal_unspecified", 0.15)),
    (("ultrasound_therapy", 1.0),),
    (
        ("rehab_exercise", 0.55),
        ("neuromuscular_reeducation", 0.12),
        ("functional_training", 0.13),
        ("home_exercise", 0.20),
    ),
    (("traction", 1.0),),
    (("dry_needling", 0.60), ("acupuncture", 0.40)),
    (("education_advice", 1.0),),
    (("taping_bracing", 0.70), ("laser_light", 0.30)),
)
SECOND_CHOICE = {FAMILIES.index("manual"): 0.45, FAMILIES.index("active"): 0.35}
BOTH_US_ES = "US/ES"
UNKNOWN_MODALITIES = (
    "BEMER mat",
    "sound bath",
    "whole body",
    "NPR",
    "float tank",
    "see notes",
    "Dr K protocol",
    "zone tx",
)

MUSCLES: dict[str, tuple[str, ...]] = {
    "erector_spinae": ("ES", "erectors", "erector spinae", "Erector Spinae", "spinal erectors", "ERECTORS"),
    "lumbar_paraspinals": (
        "lumbar ps",
        "lumbar paraspinals",
        "L-spine paraspinals",
        "Lumbar Paraspinals",
        "lumbar erectors",
        "lumbar ES",
    ),
    "thoracic_paraspinals": (
        "thoracic paraspinals",
        "thoracic erectors",
        "T-spine paraspinals",
        "Thoracic Paraspinals",
        "thoracic erectors",
        "thoracic paraspinals",
    ),
    "iliocostalis": ("ilio", "iliocostalis", "iliocostalis lumborum", "Iliocostalis", "iliocostal", "ILIOCOSTALIS"),
    "longissimus": ("longiss", "longissimus", "longissimus thoracis", "Longissimus", "longissimus", "LONGISSIMUS"),
    "quadratus_lumborum": ("QL", "quadratus lumborum", "quad lumborum", "Quadratus Lumborum", "QL", "QL"),
    "multifidus": ("MF", "multifidus", "multifidi", "Multifidus", "multif", "MULTIFIDUS"),
    "rotatores": ("rotatores", "rotatores", "intersegmental muscles", "Rotatores", "interspinales", "ROTATORES"),
    "upper_trapezius": ("UT", "upper trap", "upper traps", "Upper Trapezius", "upper trapezius", "UT"),
    "trapezius_unspecified": ("traps", "trap", "trapezius", "Trapezius", "trapezius", "TRAPS"),
    "levator_scapulae": ("levator", "levator scap", "lev scap", "Levator Scapulae", "levator scapula", "LEVATOR"),
    "suboccipitals": ("suboccips", "suboccipitals", "sub-occipitals", "Suboccipitals", "suboccipital", "SUBOCCIPITALS"),
    "splenius": ("splenius", "splenius capitis", "splenius cervicis", "Splenius", "splenius", "SPLENIUS"),
    "semispinalis": (
        "semispinalis",
        "semispinalis capitis",
        "semispinalis",
        "Semispinalis",
        "semispinalis",
        "SEMISPINALIS",
    ),
    "cervical_paraspinals": (
        "cervical paraspinals",
        "C-spine paraspinals",
        "neck extensors",
        "Cervical Paraspinals",
        "cervical erectors",
        "cervical paraspinals",
    ),
    "rhomboids": ("rhombs", "rhomboids", "rhomboid", "Rhomboids", "rhomboid major", "RHOMBOIDS"),
    "middle_trapezius": ("mid trap", "middle trap", "mid traps", "Middle Trapezius", "middle trapezius", "MID TRAP"),
    "lower_trapezius": ("lower trap", "lower trap", "lower traps", "Lower Trapezius", "lower trapezius", "LOWER TRAP"),
    "gluteus_medius": ("glute med", "g med", "gmed", "Gluteus Medius", "gluteus medius", "GMED"),
    "gluteus_maximus": ("glute max", "g max", "gmax", "Gluteus Maximus", "gluteus maximus", "GMAX"),
    "gluteals_unspecified": ("glutes", "gluteals", "glute", "Gluteals", "gluteal", "GLUTES"),
    "piriformis": ("piri", "piriformis", "piriformis", "Piriformis", "deep hip rotators", "PIRIFORMIS"),
    "latissimus_dorsi": ("lats", "lat", "lat dorsi", "Latissimus Dorsi", "latissimus", "LATS"),
    "serratus_posterior": (
        "SPI",
        "serratus posterior",
        "SPS",
        "Serratus Posterior",
        "serratus posterior inferior",
        "SPI",
    ),
    "iliopsoas": ("psoas", "iliopsoas", "hip flexors", "Iliopsoas", "psoas major", "PSOAS"),
    "hamstrings": ("hams", "hamstrings", "hamstring", "Hamstrings", "HS", "HAMSTRINGS"),
    "back_unspecified": ("back", "low back", "lower back", "Back Muscles", "back muscles", "BACK"),
    "neck_unspecified": ("neck", "neck muscles", "neck", "Neck Muscles", "cervical muscles", "NECK"),
}
# Muscles of each group (order of GROUPS); the erectors of a thoracic complaint come last.
GROUP_MUSCLES: tuple[tuple[tuple[str, float], ...], ...] = (
    (("erector_spinae", 0.35), ("lumbar_paraspinals", 0.35), ("longissimus", 0.15), ("iliocostalis", 0.15)),
    (("quadratus_lumborum", 1.0),),
    (("multifidus", 0.80), ("rotatores", 0.20)),
    (("upper_trapezius", 0.60), ("levator_scapulae", 0.40)),
    (("suboccipitals", 0.35), ("splenius", 0.20), ("semispinalis", 0.15), ("cervical_paraspinals", 0.30)),
    (("rhomboids", 0.55), ("middle_trapezius", 0.30), ("lower_trapezius", 0.15)),
    (("gluteus_medius", 0.50), ("gluteus_maximus", 0.25), ("gluteals_unspecified", 0.25)),
    (("piriformis", 1.0),),
    (("latissimus_dorsi", 0.50), ("serratus_posterior", 0.30), ("iliopsoas", 0.20)),
    (("thoracic_paraspinals", 0.55), ("erector_spinae", 0.25), ("longissimus", 0.20)),
)
SIDE_STYLES: tuple[tuple[str, str, str], ...] = (
    ("{}:L", "{}:R", "{}:B"),
    ("left {}", "right {}", "bilateral {}"),
    ("{} (L)", "{} (R)", "{} (B)"),
    ("{}:L", "{}:R", "{}:B"),
    ("lt {}", "rt {}", "bilateral {}"),
    ("{}:L", "{}:R", "{}:B"),
)

PURPOSES: dict[str, tuple[str, ...]] = {
    "first_exam": ("Initial Eval", "New Patient Exam", "IE", "Initial Evaluation", "First Exam", "initial assessment"),
    "treatment": ("Treatment", "treatment", "Tx", "Treatment", "Follow-up", "TREATMENT"),
    "re_exam": ("Re-exam", "Re-Eval", "re-exam", "Re-evaluation", "Progress Exam", "RE-EXAM"),
    "maintenance": ("Maintenance", "maintenance", "Wellness", "Maintenance", "Maintenance Care", "MAINTENANCE"),
    "discharge": ("Discharge", "discharge", "Discharge", "Discharge", "DC", "DISCHARGE"),
    "no_show": ("No Show", "DNA", "no-show", "No Show", "Did not attend", "NS"),
    "cancelled": ("Cancelled", "Cxl", "cancelled", "Canceled", "Cancelled", "CX"),
}
REGIONS: dict[str, tuple[str, ...]] = {
    "cervical": ("Cervical", "neck", "C-spine", "Cervical", "cervical", "NECK"),
    "thoracic": ("Thoracic", "mid back", "T-spine", "Thoracic", "thoracic", "UPPER BACK"),
    "lumbar": ("Lumbar", "low back", "L-spine", "Lumbar", "lumbar", "LOW BACK"),
    "pelvic": ("Pelvic", "pelvis", "pelvic", "Pelvic", "SI", "PELVIS"),
}
CAUSES: dict[str, tuple[str, ...]] = {
    "posture": ("posture", "poor posture", "desk posture", "Poor posture", "slouching", "POSTURE"),
    "old_injury": ("old injury", "prior injury", "previous injury", "Old injury", "past injury", "OLD INJURY"),
    "trauma": ("trauma", "fall", "MVA", "Car accident", "accident", "MVC"),
    "overuse": ("overuse", "overload", "repetitive", "Overuse", "overexertion", "RSI"),
    "underlying_condition": ("disc", "stenosis", "arthritis", "Scoliosis", "underlying", "DISC"),
    "unknown": ("unknown", "insidious", "unknown", "Unknown", "no known cause", "UNKNOWN"),
}
TRIGGERS: dict[str, tuple[str, ...]] = {
    "lifting": ("lifting", "lifted", "heavy load", "Lifting", "carrying", "LIFTING"),
    "bending_twisting": ("bending", "twisting", "bent over", "Bending", "reaching", "TWISTED"),
    "sitting": ("sitting", "desk", "computer", "Prolonged sitting", "sitting", "SITTING"),
    "running": ("running", "run", "jogging", "Running", "sprint", "RUNNING"),
    "sport_other": ("gym", "golf", "tennis", "Sport", "football", "CROSSFIT"),
    "none_known": ("none", "unknown", "gradual", "None known", "none", "NONE"),
    "household": ("gardening", "yard work", "housework", "Gardening", "shoveling", "CLEANING"),
    "driving": ("driving", "long drive", "travel", "Driving", "flight", "DRIVING"),
    "sleeping": ("slept wrong", "woke up", "pillow", "Sleep", "mattress", "SLEPT WRONG"),
    "cough_sneeze": ("sneeze", "cough", "sneezing", "Sneeze", "coughing", "SNEEZE"),
}
OTHER_TRIGGERS = ("household", "driving", "sleeping", "cough_sneeze")
RADIATIONS: dict[str, tuple[str, ...]] = {
    "none": ("none", "local", "non radiating", "No radiation", "none", "NR"),
    "arm": ("arm", "shoulder", "into arm", "Radiates to arm", "arm", "ARM"),
    "hand": ("hand", "fingers", "forearm", "Hand", "hand", "HAND"),
    "buttock": ("buttock", "hip", "glute pain", "Into buttock", "buttock", "BUTTOCK"),
    "leg_above_knee": ("thigh", "leg", "upper leg", "Posterior thigh", "thigh", "THIGH"),
    "leg_below_knee": ("below knee", "foot", "sciatica", "Below knee", "calf pain", "FOOT"),
    "trunk_band": ("ribs", "chest wall", "band", "Ribs", "rib", "RIBS"),
}
# Where pain goes by region (rows after REGIONS) and distance (none, near, far).
RADIATES_TO = (
    ("none", "arm", "hand"),
    ("none", "trunk_band", "trunk_band"),
    ("none", "buttock", "leg_below_knee"),
    ("none", "leg_above_knee", "leg_below_knee"),
)
ONSETS: dict[str, tuple[str, ...]] = {
    "sudden": ("sudden", "Sudden", "sudden", "Sudden", "sudden", "SUDDEN"),
    "gradual": ("gradual", "Gradual", "gradual", "Gradual", "gradual", "GRADUAL"),
    "post_traumatic": ("post traumatic", "Post-traumatic", "post-traumatic", "Post-traumatic", "traumatic", "TRAUMA"),
    "unknown": ("unknown", "Unknown", "unknown", "Unknown", "unknown", "UNKNOWN"),
}
SEXES: dict[str, tuple[str, ...]] = {
    "female": ("F", "Female", "f", "Female", "F", "F"),
    "male": ("M", "Male", "m", "Male", "M", "M"),
}
DISCHARGES: dict[str, tuple[str, ...]] = {
    "resolved": ("resolved", "Resolved", "resolved", "Goals met", "resolved", "RESOLVED"),
    "improved": ("improved", "Improved", "improved", "Improved", "improved", "IMPROVED"),
    "referred": ("referred", "Referred out", "referred", "Referred", "referred", "REFERRED"),
    "self_discharged": (
        "self discharged",
        "Self-discharged",
        "self-discharged",
        "Self discharge",
        "self discharged",
        "DQ",
    ),
    "other": ("other", "Other", "other", "Other", "other", "OTHER"),
}
PAYER_WORDS: dict[str, tuple[str, ...]] = {
    "private": ("Private", "private", "Insurance", "Private", "private", "PRIVATE"),
    "self_pay": ("Self pay", "self pay", "Cash", "Self pay", "self pay", "SELF PAY"),
    "medicare": ("Medicare", "medicare", "Medicare", "Medicare", "medicare", "MEDICARE"),
    "workers_comp": ("WC", "work comp", "WCOMP", "Workers Comp", "WC", "WCOMP"),
    "auto": ("Auto", "auto", "PIP", "Auto", "auto", "AUTO"),
}
INSTRUMENTS: dict[str, tuple[str, ...]] = {
    "odi": ("ODI", "ODI", "ODI", "ODI", "odi", "ODI"),
    "ndi_pct": ("NDI %", "NDI %", "NDI %", "NDI %", "ndi_pct", "NDI %"),
}
YES_NO: dict[str, tuple[str, ...]] = {
    "yes": ("Y", "yes", "Y", "Yes", "y", "YES"),
    "no": ("N", "no", "N", "No", "n", "NO"),
}
MISSING_MARKS = ("n/a", "-", "not asked")

# Canonical field -> header of the pretended clinic system, in file order.
HEADERS: dict[str, str] = {
    "patient_id": "Client ID",
    "visit_date": "Visit Date",
    "clinic_id": "Clinic",
    "clinician_id": "Provider",
    "visit_purpose": "Purpose of Visit",
    "pain_pre": "Pain Before (0-10)",
    "pain_post": "Pain After (0-10)",
    "function_score": "Form Score",
    "function_instrument": "Form",
    "region": "Area",
    "diagnoses": "ICD-10",
    "muscles_identified": "Muscles in Spasm",
    "muscles_treated": "Muscles Worked",
    "modalities": "Treatments Given",
    "procedure_codes": "CPT Codes",
    "cause": "Cause",
    "trigger": "Brought on by",
    "radiation": "Radiates to",
    "paresthesia": "Numb/Tingling",
    "onset_date": "Onset Date",
    "onset": "Onset",
    "previous_episodes": "Prior Episodes",
    "age": "Age",
    "sex": "Sex",
    "payer": "Insurance Type",
    "discharge_reason": "Discharge Reason",
}
