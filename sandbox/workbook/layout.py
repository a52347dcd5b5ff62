"""The columns of the office's master sheet, letter by letter, and the counts measured over 10,654 real rows."""

MASTER = (
    "P-NUMBER", "AREA", "PROJECT", "PLOT NUMBER", "NAME ", "PHONE", "EMAIL", "MOBILE", "SECONDARY MOBILE", "View",
    "Building", "Unit Number", "Layout", "Status", "Asking Price", "SD", "Plot No", "Registration", "Floor", "Rooms",
    "Actual Area", "Municipality no ", "OTP ( Dubai REST )", "Date of Birth", "DEWA Premise Number", "Mastre project ",
)  # fmt: skip

# Another tab of the same book: four columns are missing, so everything behind them stands elsewhere.
_GONE = ("Asking Price", "OTP ( Dubai REST )", "Date of Birth", "DEWA Premise Number")
_RENAMED = {"PROJECT": "Project", "NAME ": "NAME", "Status": "Available for "}

LAYOUTS: dict[str, dict[str, str]] = {
    "master": {name: name for name in MASTER},
    "short": {name: _RENAMED.get(name, name) for name in MASTER if name not in _GONE},
}

MEASURED_ROWS = 10_654

NO_P_NUMBER = 220
NO_KEY_AT_ALL = 12  # not measured: rows that no key can identify must be met by an import too
REPEATED_KEYS = {2: 1137, 3: 21, 4: 3}  # owners of one property: how many properties
DUPLICATED_KEYED_ROWS = 40
DUPLICATED_KEYLESS_ROWS = 9
NO_NAME = 219
DISTINCT_NAMES = 8_769
SINGLE_TOKEN_NAMES = 189
COMPANIES = 39
ARABIC_NAMES = 260
NO_PLOT = 34
NO_REGISTRATION = 1_494
NO_MUNICIPALITY = 3_450
SHARED_MUNICIPALITY = (642, 371)
EMAILS = 7_194
DISTINCT_EMAILS = 5_099
DOT_ROWS = 421
SHARED_MOBILES = 838
MOST_NAMES_ON_ONE_MOBILE = 29
LARGEST_OWNER = 78
ROWS_WITHOUT_USABLE_NUMBER = 527

STATUSES = {
    "Rented": 10_199,
    "Vacant ": 244,
    "Looks Vacant ": 205,
    "Available for Rent ": 3,
    "Sale as VOT": 2,
}

# The nine columns that hold a dot together, in rows that somebody filled in without knowing anything.
DOTTED = (
    "PHONE", "EMAIL", "SECONDARY MOBILE", "Building", "Unit Number", "SD", "Plot No", "Municipality no ",
    "Registration",
)  # fmt: skip

CLUSTERS_WITH_UNITS = (
    "VARDON", "SANCTNARY", "AMAZONIA", "PACIFICA", "ACUNA", "CENTAURY", "TRIXIS", "JANUSIA", "SYCAMORE", "AQUILEGIA",
)  # fmt: skip
CLUSTERS_WITHOUT_UNITS = (
    "ZINNIA", "CLARET", "JUNIPER", "PRIMROSE", "BASSWOOD", "VICTORIA", "MIMOSA", "AVENCIA 2", "ALBIZIA", "AMARGO",
    "LAGOONS",
)  # fmt: skip
TOWERS = ("VIRIDIS", "NAVITAS")

AREAS = ("AL YUFRAH 2", "AL YUFRAH 3", "AL YUFRAH 4")
VIEWS = ("Back-to-Back", "Single Row", "Half Single row")
MASTER_PROJECTS = ("AKOYA OXYGEN", "Akoya Oxygen", "DAMAC HILLS 2")

LAYOUT_CODES = tuple(
    f"{head}-{tail}" for head in ("RR", "R2", "XU", "R3", "RM", "TH", "X3", "V4") for tail in ("EE", "M", "4BB", "B1", "EM", "MA")
)  # fmt: skip

# Text, amount in dirhams, what is left over as a note.
ASKING_PRICES = (
    ("1.2M", 1_200_000, ""), ("1.2M CASH", 1_200_000, "CASH"), ("950K", 950_000, ""), ("FOR SALE", None, "FOR SALE"),
    ("1.35M TILL SEP", 1_350_000, "TILL SEP"), ("1.15M", 1_150_000, ""), ("875K", 875_000, ""),
    ("1.6M", 1_600_000, ""), ("2.05M CASH", 2_050_000, "CASH"), ("1M", 1_000_000, ""),
)  # fmt: skip
ASKED = 41


def scaled(count: int, rows: int) -> int:
    """A measured count carried over to a book of another length."""
    return round(count * rows / MEASURED_ROWS)
