"""Names that belong to nobody: put together from syllables and words, in Latin and in Arabic letters."""

from collections.abc import Iterator
from random import Random

_ARABIC = (
    ("Ka", "Ra", "Sa", "Ta", "Za", "Ma", "Na", "Fa", "Ha", "Ja", "Wa", "Ba"),
    ("reem", "lid", "seer", "beeb", "dil", "wan", "yan", "hoor", "mees", "leem", "rouf", "zen"),
    ("Al Dar", "Al Qas", "Al Mur", "Al Han", "Al Tar", "Al Saf", "Bin Rah", "Bin Zay", "Abu Lat", "Abu Nas"),
    ("wani", "hari", "soudi", "bali", "rouqi", "tibi", "nahi", "zouni", "kari", "mali", "souri", "fadi"),
)
_ENGLISH = (
    ("Wil", "Har", "Os", "Ed", "Al", "Ger", "Ro", "Mel", "Cla", "Hen"),
    ("low", "mund", "wick", "bert", "tha", "ward", "ley", "na", "ron", "vin"),
    ("Ash", "Brook", "Cold", "Dun", "East", "Fern", "Grey", "Hazel", "Kings", "Mill", "North", "Stan"),
    ("worth", "ley", "ham", "field", "ridge", "more", "bury", "stead", "wick", "combe"),
)
_SOUTH_ASIAN = (
    ("Aru", "Deve", "Kiru", "Man", "Nara", "Pra", "Raje", "Su", "Tana", "Vi"),
    ("nesh", "preet", "deep", "mala", "vika", "jeet", "lata", "karan", "bir", "sha"),
    ("Chand", "Dev", "Gup", "Jha", "Kum", "Mehr", "Nai", "Pat", "Raz", "Sing", "Tal", "Ver"),
    ("wani", "rolia", "tari", "lekar", "walla", "pura", "shetty", "kani", "moori", "desani"),
)
_ARABIC_LETTERS = (
    ("كا", "را", "سا", "تا", "زا", "ما", "نا", "فا", "ها", "جا"),
    ("ريم", "ليد", "سير", "بيب", "دل", "وان", "يان", "حور", "ميس", "ليم"),
    ("الدار", "القاس", "المور", "الهان", "الطار", "الصاف"),
    ("واني", "هاري", "سودي", "بالي", "روقي", "تيبي", "ناهي", "زوني"),
)
_TRADES = ("Holding", "Real Estate", "Investments", "Trading", "Properties", "General Trading")
_FORMS = ("LLC", "L.L.C", "FZE", "Ltd", "FZ-LLC")


def people(random: Random) -> Iterator[str]:
    """Names of people without end, none twice. Typists shout every third one."""
    seen: set[str] = set()
    while True:
        first, second, third, fourth = random.choice((_ARABIC, _ARABIC, _ENGLISH, _SOUTH_ASIAN, _SOUTH_ASIAN))
        name = f"{random.choice(first)}{random.choice(second)} {random.choice(third)}{random.choice(fourth)}"
        if random.random() < 0.45:
            name = f"{random.choice(first)}{random.choice(second)} {name}"
        if random.random() < 0.33:
            name = name.upper()
        if name.lower() not in seen:
            seen.add(name.lower())
            yield name


def arabic(random: Random) -> Iterator[str]:
    """The same in Arabic letters."""
    seen: set[str] = set()
    first, second, third, fourth = _ARABIC_LETTERS
    while True:
        name = (
            f"{random.choice(first)}{random.choice(second)} {random.choice(first)}{random.choice(second)} "
            f"{random.choice(third)}{random.choice(fourth)}"
        )
        if name not in seen:
            seen.add(name)
            yield name


def single_tokens(random: Random) -> Iterator[str]:
    """People of whom the sheet knows one word."""
    seen: set[str] = set()
    while True:
        first, second, _, tail = random.choice((_ARABIC, _ENGLISH, _SOUTH_ASIAN))
        name = f"{random.choice(first)}{random.choice(second)}"
        if len(seen) > 150:
            name += random.choice(tail)
        if name not in seen:
            seen.add(name)
            yield name


def companies(random: Random) -> Iterator[str]:
    """Owners that are companies."""
    seen: set[str] = set()
    _, _, third, fourth = _ENGLISH
    while True:
        name = f"{random.choice(third)}{random.choice(fourth)} {random.choice(_TRADES)} {random.choice(_FORMS)}"
        if name not in seen:
            seen.add(name)
            yield name
