"""The rows of the dirty book: properties, their owners, what is missing, and how it was all typed."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from random import Random

from . import layout, names, phones
from .phones import BLANK, Cell, Exchange, Form, PhoneBook

Value = str | int | float | date | None
PHONE_COLUMNS = {"PHONE": "phone", "MOBILE": "mobile", "SECONDARY MOBILE": "secondary"}


@dataclass(slots=True)
class Owner:
    """Somebody who owns one or more properties, under the name the sheet has for him."""

    name: str
    kind: str = "person"  # person, arabic, single, company
    book: PhoneBook = field(default_factory=PhoneBook)
    email: str = ""


@dataclass(slots=True)
class Row:
    """One line of the sheet: its cells by master column, and how its phone cells are to be read."""

    cells: dict[str, Value]
    owner: Owner | None = None
    phones: dict[str, Cell] = field(default_factory=dict)
    duplicate: bool = False


def build(rows: int, seed: int) -> list[Row]:
    """All rows in the order of the sheet. The same arguments give the same book."""
    random = Random(seed)  # a repeatable book is the point
    owners = _owners(rows, random)
    properties, keyless = _properties(rows, random)
    drawn = _drawn(owners, rows, random)
    book = [Row(dict(cells), next(drawn)) for cells, owned in properties for _ in range(owned)]
    book += [Row(cells, next(drawn)) for cells in keyless]
    random.shuffle(book)
    _part_co_owners(book)
    _join_households(book, random)
    _fill_names(book, rows, random)
    _fill_phones(book, rows, random)
    _fill_emails(book, rows, random)
    _fill_statuses(book, rows, random)
    _dot(book, rows, random)
    _duplicate(book, rows, random)
    _stray_notes(book)
    return book


def _owners(rows: int, random: Random) -> list[Owner]:
    count = layout.scaled(layout.DISTINCT_NAMES, rows)
    companies, arabic, single = (
        layout.scaled(each, rows) for each in (layout.COMPANIES, layout.ARABIC_NAMES, layout.SINGLE_TOKEN_NAMES)
    )
    sources = (
        ("company", names.companies(random), companies),
        ("arabic", names.arabic(random), arabic),
        ("single", names.single_tokens(random), single),
        ("person", names.people(random), max(1, count - companies - arabic - single)),
    )
    owners = [Owner(next(source), kind) for kind, source, how_many in sources for _ in range(how_many)]
    random.shuffle(owners)
    _share_books(owners, rows, random)
    return owners


def _share_books(owners: list[Owner], rows: int, random: Random) -> None:
    """Households, agents and secretaries: several names over one number."""
    groups = [int(layout.MOST_NAMES_ON_ONE_MOBILE * 1.5)] if rows >= 2000 else []
    # Couples who own together come on top of these; and not every member's cell gets to show the number.
    groups += [random.choice((2, 2, 2, 3)) for _ in range(layout.scaled(int(layout.SHARED_MOBILES * 0.8), rows))]
    members = iter(owners)
    for size in groups:
        shared = PhoneBook()
        for owner in itertools.islice(members, size):
            owner.book = shared


def _properties(rows: int, random: Random) -> tuple[list[tuple[dict[str, Value], int]], list[dict[str, Value]]]:
    """Properties with the number of rows each gets, and the cells of rows whose property has no P-NUMBER."""
    repeated = {owned: layout.scaled(count, rows) for owned, count in layout.REPEATED_KEYS.items()}
    duplicates = layout.scaled(layout.DUPLICATED_KEYED_ROWS, rows) + layout.scaled(layout.DUPLICATED_KEYLESS_ROWS, rows)
    keyless = layout.scaled(layout.NO_P_NUMBER, rows) - layout.scaled(layout.DUPLICATED_KEYLESS_ROWS, rows)
    single = rows - duplicates - keyless - sum(owned * count for owned, count in repeated.items())
    counts = [1] * single + [owned for owned, count in repeated.items() for _ in range(count)]
    shared = _shared_municipalities(rows, random)
    keys = random.sample(range(1_000_001, 1_000_001 + 8 * rows), len(counts))
    properties = [(_property(float(key), random, shared), owned) for key, owned in zip(keys, counts, strict=True)]
    nameless = [_property(None, random, shared) for _ in range(keyless)]
    for cells in nameless[: layout.scaled(layout.NO_KEY_AT_ALL, rows)]:
        cells |= {"PLOT NUMBER": None, "Registration": None, "Unit Number": None}
    return properties, nameless


def _shared_municipalities(rows: int, random: Random) -> Iterator[float]:
    """The municipality number of each property: 0 stands for none, two of them for hundreds of units."""
    filled = rows - layout.scaled(layout.NO_MUNICIPALITY, rows)
    shared = [layout.scaled(each, rows) for each in layout.SHARED_MUNICIPALITY]
    plain = filled - sum(shared)
    deck = [0.0] * (rows - filled) + [6_910_001.0] * shared[0] + [6_910_002.0] * shared[1]
    deck += [float(random.randrange(6_000_000, 6_900_000)) for _ in range(plain)]
    random.shuffle(deck)
    return itertools.cycle(deck)


def _property(key: float | None, random: Random, municipalities: Iterator[float]) -> dict[str, Value]:
    cluster = random.choices(
        (*layout.CLUSTERS_WITH_UNITS, *layout.CLUSTERS_WITHOUT_UNITS, *layout.TOWERS),
        [5.3] * len(layout.CLUSTERS_WITH_UNITS) + [3.8] * len(layout.CLUSTERS_WITHOUT_UNITS) + [2.6] * 2,
    )[0]
    cells: dict[str, Value] = dict.fromkeys(layout.MASTER)
    cells["P-NUMBER"] = key if key is not None else random.choice((None, None, 0, 0.0))
    cells["AREA"] = random.choice(layout.AREAS)
    cells["PROJECT"] = _project(cluster, random)
    cells["PLOT NUMBER"] = None if random.random() < layout.NO_PLOT / layout.MEASURED_ROWS else _plot(random)
    cells["View"] = random.choice(layout.VIEWS)
    cells["Layout"] = random.choice(layout.LAYOUT_CODES)
    cells["Unit Number"] = _unit(cluster, random)
    if cluster in layout.TOWERS:
        cells["Building"] = cells["Unit Number"]
    cells["SD"] = random.choice((None, None, "SD"))
    cells["Plot No"] = float(random.randrange(100, 9_999)) if random.random() < 0.6 else None
    if random.random() >= (layout.NO_REGISTRATION - layout.DOT_ROWS) / layout.MEASURED_ROWS:
        letters = random.choice(("XG", "XH", "BF", "TR", "VD"))
        cells["Registration"] = f"AKOYA OXYGEN-{letters}{random.randrange(100, 9_999)}{random.choice(('', 'A', 'B'))}"
    cells["Floor"] = random.choices((0, "G", random.randrange(1, 15)), (90, 6, 4))[0]
    cells["Rooms"] = random.choices((0, "Studio", "1 B/R", "2 B/R", "3 B/R"), (88, 2, 2, 3, 5))[0]
    if random.random() < 0.96:
        cells["Actual Area"] = round(max(38.0, random.gauss(170, 42)), 2)
    cells["Municipality no "] = next(municipalities) or random.choice((None, None, 0))
    cells["Mastre project "] = random.choices(layout.MASTER_PROJECTS, (90, 6, 4))[0]
    return cells


def _project(cluster: str, random: Random) -> str:
    """`VARDON @ AKOYA OXYGEN`, as different people write it."""
    name = random.choices((cluster, cluster.title(), cluster.lower()), (80, 17, 3))[0]
    at = random.choices((" @ ", "@", " @", "  @ "), (84, 8, 5, 3))[0]
    master = random.choices(("AKOYA OXYGEN", "Akoya Oxygen", "AKOYA OXYGEN "), (84, 10, 6))[0]
    return name + at + master


def _plot(random: Random) -> str:
    number = random.randrange(1, 17_000)
    return random.choices((f"{number}-", f"{number}-{random.randrange(1, 3)}", f"A{number}-"), (92, 6, 2))[0]


def _unit(cluster: str, random: Random) -> Value:
    """Villas have numbers, towers only their own letter, and a dozen clusters nothing."""
    if cluster in layout.TOWERS:
        return f"{cluster} {random.choices('ABCD', (60, 20, 12, 8))[0]}"
    if cluster in layout.CLUSTERS_WITHOUT_UNITS or random.random() < 0.045:
        return random.choice((None, None, None, 0))
    return float(random.randrange(1, 712))


def _drawn(owners: list[Owner], rows: int, random: Random) -> Iterator[Owner]:
    """Every owner once, one of them for a whole street, and the rest of the rows to a few who own several."""
    large = layout.scaled(layout.LARGEST_OWNER, rows)
    several = random.sample(owners, max(1, len(owners) // 30))
    deck = owners + [next((each for each in owners if each.kind == "company"), owners[0])] * max(0, large - 1)
    deck += random.choices(several, k=max(0, rows - len(deck)))
    random.shuffle(deck)
    return itertools.cycle(deck)


def _part_co_owners(book: list[Row]) -> None:
    """No property twice to the same owner: swap with an earlier row when chance made it so."""
    several = _keys_with_several(book)
    held: dict[Value, set[str]] = {}
    for index, row in enumerate(book):
        if row.cells["P-NUMBER"] not in several or row.owner is None:
            continue
        taken = held.setdefault(row.cells["P-NUMBER"], set())
        for candidate in reversed(book[:index] if row.owner.name in taken else []):
            if candidate.owner and candidate.owner.name not in taken and candidate.cells["P-NUMBER"] not in several:
                row.owner, candidate.owner = candidate.owner, row.owner
                break
        taken.add(row.owner.name)


def _join_households(book: list[Row], random: Random) -> None:
    """Every other pair of co-owners answers one phone."""
    several = _keys_with_several(book)
    first: dict[Value, Owner] = {}
    for row in book:
        key = row.cells["P-NUMBER"]
        if key in several and row.owner is not None:
            other = first.setdefault(key, row.owner)
            if other is not row.owner and random.random() < 0.55:
                row.owner.book = other.book


def _fill_names(book: list[Row], rows: int, random: Random) -> None:
    co_owned = _keys_with_several(book)
    alone = [row for row in book if row.cells["P-NUMBER"] not in co_owned]
    for row in book:
        row.cells["NAME "] = row.owner.name if row.owner else None
    for row in random.sample(alone, min(len(alone), layout.scaled(layout.NO_NAME, rows))):
        row.cells["NAME "] = random.choice((None, None, " ", "-"))


def _keys_with_several(book: list[Row]) -> set[Value]:
    counts: dict[Value, int] = {}
    for row in book:
        counts[row.cells["P-NUMBER"]] = counts.get(row.cells["P-NUMBER"], 0) + 1
    return {key for key, count in counts.items() if key and count > 1}


def _fill_phones(book: list[Row], rows: int, random: Random) -> None:
    """Deal the forms of each column over the rows, so that the three columns miss each other as they really do."""
    exchange = Exchange(random)
    order = random.sample(book, len(book))
    decks = {column: _deck(attribute, rows, random) for column, attribute in PHONE_COLUMNS.items()}
    for row, form in zip(order, decks["MOBILE"][0] + decks["MOBILE"][1], strict=False):
        _type(row, "MOBILE", form, exchange, random)
    reached = [row for row in order if _usable(row)]
    unreached = [row for row in order if not _usable(row)]
    hopeless = unreached[: layout.scaled(layout.ROWS_WITHOUT_USABLE_NUMBER, rows)]
    saved = unreached[len(hopeless) :]
    half = len(saved) // 2
    for column, first in (("PHONE", saved[:half]), ("SECONDARY MOBILE", saved[half:])):
        good, junk = decks[column]
        others = random.sample(reached, len(reached))
        _deal(column, good, first + others, exchange, random)
        few = hopeless[: len(hopeless) // 4]
        free = [row for row in others if column not in row.phones]
        _deal(column, junk, few + free, exchange, random)


def _deck(attribute: str, rows: int, random: Random) -> tuple[list[Form], list[Form]]:
    good: list[Form] = []
    junk: list[Form] = []
    for form in phones.FORMS:
        cards = [form] * layout.scaled(getattr(form, attribute), rows)
        (good if form.line == "mobile" else junk).extend(cards)
    random.shuffle(good)
    random.shuffle(junk)
    return good, junk


def _deal(column: str, forms: list[Form], rows: list[Row], exchange: Exchange, random: Random) -> None:
    for row, form in zip(rows, forms, strict=False):
        _type(row, column, form, exchange, random)


def _type(row: Row, column: str, form: Form, exchange: Exchange, random: Random) -> None:
    book = row.owner.book if row.owner else PhoneBook()
    # Most extra cells repeat what MOBILE already says; the others are a second number of the same owner.
    if column != "MOBILE" and random.random() < 0.25:
        book = PhoneBook()
    cell = phones.write(form, book, exchange, random)
    row.phones[column] = cell
    row.cells[column] = cell.raw


def _usable(row: Row) -> bool:
    return any(cell.line == "mobile" for cell in row.phones.values())


def _fill_emails(book: list[Row], rows: int, random: Random) -> None:
    # The rows that get dots lose theirs again: about three in five of them have one.
    wanted = layout.scaled(layout.EMAILS + layout.DOT_ROWS * 3 // 5, rows)
    for row in random.sample(book, min(len(book), wanted)):
        if row.owner is not None:
            row.owner.email = row.owner.email or _email(row.owner, random)
            row.cells["EMAIL"] = row.owner.email.upper() if random.random() < 0.05 else row.owner.email
    for row in [row for row in book if row.cells["EMAIL"] and row.cells["Unit Number"]][:1]:
        row.cells["EMAIL"] = str(row.cells["EMAIL"]).replace("@", ".at.")


def _email(owner: Owner, random: Random) -> str:
    """An address at a domain kept for examples. Offices write their own for many of their clients."""
    if random.random() < 0.2:
        return f"office{random.randrange(1, 90)}@realty.example"
    local = "".join(each for each in owner.name.lower() if each.isascii() and each.isalnum())
    return f"{local or f'owner{random.randrange(10_000)}'}@example.{random.choice(('com', 'net', 'org'))}"


def _fill_statuses(book: list[Row], rows: int, random: Random) -> None:
    order = random.sample(book, len(book))
    rare = [
        text for text, count in layout.STATUSES.items() if text != "Rented" for _ in range(layout.scaled(count, rows))
    ]
    for row, status in itertools.zip_longest(order[1:], rare[: len(order) - 1], fillvalue="Rented"):
        if isinstance(row, Row):
            row.cells["Status"] = status
    asked = layout.scaled(layout.ASKED, rows)
    for row, (text, _, _) in zip(random.sample(book, asked), itertools.cycle(layout.ASKING_PRICES), strict=False):
        row.cells["Asking Price"] = text
    order[-1].cells["Date of Birth"] = date(1971, 4, 2)


def _dot(book: list[Row], rows: int, random: Random) -> None:
    """Rows in which somebody typed a dot wherever he knew nothing: they have a mobile, and no unit to lose."""
    candidates = [
        row
        for row in random.sample(book, len(book))
        if row.phones.get("MOBILE", BLANK).line == "mobile"
        and row.cells["Unit Number"] in (None, 0)
        and row.cells["Municipality no "] in (None, 0)
    ]
    for row in candidates[: layout.scaled(layout.DOT_ROWS, rows)]:
        row.cells |= dict.fromkeys(layout.DOTTED, ".")
        for column in ("PHONE", "SECONDARY MOBILE"):
            row.phones[column] = Cell(".", "empty", (), "dot")


def _duplicate(book: list[Row], rows: int, random: Random) -> None:
    """Copy some rows whole, to a place further down. Only rented singles, so that no other figure moves."""
    several = _keys_with_several(book)
    plain = [
        row
        for row in book
        if row.cells["Status"] == "Rented" and row.cells["Asking Price"] is None and row.cells["Plot No"] != "."
    ]
    keyed = [
        row for row in plain if row.cells["P-NUMBER"] and row.cells["P-NUMBER"] not in several and row.cells["NAME "]
    ]
    keyless = [row for row in plain if not row.cells["P-NUMBER"]]
    chosen = random.sample(keyed, min(len(keyed), layout.scaled(layout.DUPLICATED_KEYED_ROWS, rows)))
    chosen += random.sample(keyless, min(len(keyless), layout.scaled(layout.DUPLICATED_KEYLESS_ROWS, rows)))
    for row in chosen:
        copy = Row(dict(row.cells), row.owner, dict(row.phones), duplicate=True)
        book.insert(random.randrange(len(book)), copy)


def _stray_notes(book: list[Row]) -> None:
    """A note and a phone number in columns where they do not belong."""
    if len(book) > 100:
        book[57].cells["Rooms"] = "KEY WITH SECURITY"
        book[91].cells["Floor"] = "0500000000"
