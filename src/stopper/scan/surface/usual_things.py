"""Names of what APIs keep, and of what lies below one thing, asked for where nothing tells which routes there are.

The words were counted in the route strings of two hundred and fifty public Flask projects; those that several share come first, and the usual
vocabulary of the fields in which APIs are written after them.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from stopper.core.probing.things.item_routes import words_below
from stopper.scan.surface.more_words import heads_of

HEADS: Final = ("/api", "/api/v1", "/v1")
"""Where an API begins that answers nowhere else."""
DOORS: Final = tuple(
    f"{head}/{word}"
    for head in ("", *HEADS, "/api/v2", "/v2", "/rest")
    for word in ("login", "auth/login", "signin", "auth/signin", "sessions", "session", "token", "auth/token", "auth", "users/login", "user/login", "account/login", "authenticate")
)  # fmt: skip
"""Where people log in, asked for where everything else is refused to nobody."""
FIRST: Final = (
    "users", "me", "profile", "account", "accounts", "login", "session", "orders", "posts", "events", "projects", "documents", "messages", "notes", "devices", "contacts",
    "patients", "groups", "members", "transactions", "customers", "invoices", "bookings", "tickets", "courses", "campaigns", "admin/users",
)  # fmt: skip
"""Words of which one is below the beginning of most APIs."""
THINGS: Final = (
    "roles", "groups", "members", "permissions", "tags", "images", "teams", "requests", "services", "resources", "alerts", "templates", "topics", "rules", "clients",
    "contacts", "bookings", "appointments", "reservations", "cards", "addresses", "patients", "courses", "students", "vehicles", "rooms", "threads", "conversations",
    "organizations", "orgs", "companies", "wallets", "wallet", "loans", "payees", "beneficiaries", "statements", "balance", "deals", "leads", "campaigns", "donations",
    "wishlist", "wishlists", "vouchers", "coupons", "shipments", "parcels", "deliveries", "drivers", "trips", "rides", "doctors", "prescriptions", "records", "visits",
    "grades", "enrollments", "assignments", "submissions", "lessons", "exams", "folders", "attachments", "links", "bookmarks", "favorites", "favourites", "applications",
    "pets", "properties", "listings", "tenants", "leases", "rentals", "guests", "flights", "cars", "menu", "restaurants", "movies", "songs", "playlists", "games", "recipes",
    "departments", "payroll", "salaries", "leaves", "timesheets", "candidates", "expenses", "claims", "policies", "plans", "billing", "quotes", "invites", "invitations",
    "activities", "activity", "audit", "audit-logs", "history", "usage", "analytics", "schedules", "calendar", "shifts", "meetings", "workouts", "meals", "sensors", "readings",
    "telemetry", "automations", "servers", "domains", "hosts", "incidents", "issues", "boards", "lists", "feed", "friends", "followers", "photos", "albums", "videos",
    "authors", "publishers", "members/me", "accounts/me", "whoami", "api-keys", "profiles", "preferences", "inventory", "warehouses", "suppliers", "purchases", "sales", "stores",
    "polls", "surveys", "forms", "responses", "announcements", "memberships", "trainers", "classes", "desks", "spaces", "workspaces", "branches", "agents", "staff",
    "admin/orders", "admin/audit", "admin/settings", "admin/dashboard", "reports/summary", "cart/items", "export.csv",
)  # fmt: skip
"""What is asked for below one beginning, beside the words of `more_words`."""
_PARTS: Final = (
    "comments",
    "status",
    "members",
    "history",
    "notes",
    "items",
    "cancel",
    "share",
    "settings",
    "export",
    "approve",
)
"""What lies below things of any kind."""
_PARTS_OF: Final[tuple[tuple[str, str], ...]] = (
    (r"user|member|account|customer|client|profile|reader|employee", "role password orders posts balance documents permissions payment-methods"),
    (r"order|purchase|booking|reservation|appointment|ticket", "receipt refund return address confirm check-in transfer assign reply close"),
    (r"project|board|team|org|group|workspace|compan|tenant|agenc", "tasks users invite invoices projects report billing archive"),
    (r"post|article|note|document|file|folder|message|thread|album|photo", "replies reply read tags versions attachments archive transfer"),
    (r"trip|ride|rental|session|shift|stay", "end start finish"),
    (r"event|course|class|lesson|campaign|meeting", "attendees students participants register enroll join tickets close"),
    (r"device|sensor|server|vehicle|host", "telemetry readings command commands logs config location trips diagnose diagnostics"),
    (r"patient|pet|contact|case|record", "visits prescriptions appointments medical results archive"),
    (r"card|wallet|loan|payee|voucher|coupon", "freeze block pin redeem repay limit"),
    (r"list|cart|product|item|recipe|book", "reviews ratings checkout borrow return photos price"),
    (r"invoice|quote|claim|expense|leave|deal|application|request", "pdf reject submit stage withdraw accept assign"),
)  # fmt: skip
"""What lies below things of a kind, by words of the path before the id."""
AT_ROOT_MOST: Final = 110
"""Words that are asked for at the root, where other words were asked for before."""
KINDS_MOST: Final = 5
"""Kinds of things below which is asked."""


_WEAKNESS: Final = re.compile(
    r"(?i)/(sqli?|sql[_-]\w+|xss\w*|\w+[_-]xss|ssrf|xxe\w*|ssti|lfi|rfi|rce|idor|csrf|pickle|[\w-]*(inject|travers|deseriali[sz]|vulnerab|insecure|unsafe|misconfig|brute)[\w-]*|"
    r"open[_-]redirect)(?=/|$)"
)
_WEAKNESSES: Final = (
    "sql_injection", "sqli", "xss", "reflected_xss", "stored_xss", "dom_xss", "ssti", "ssrf", "xxe", "idor", "lfi", "rfi", "rce", "csrf", "command_injection",
    "cmd_injection", "code_injection", "template_injection", "header_injection", "log_injection", "nosql_injection", "open_redirect", "path_traversal",
    "directory_traversal", "file_upload", "unrestricted_upload", "unrestricted_file_upload", "insecure_upload", "file_inclusion", "insecure_deserialization",
    "unsafe_deserialization", "deserialization", "mass_assignment", "broken_auth", "broken_access_control", "weak_crypto", "insecure_jwt", "race_condition",
    "security_misconfiguration", "sensitive_data", "information_disclosure", "brute_force", "clickjacking", "vulnerable", "insecure_redirect", "insecure_direct_object_reference",
)  # fmt: skip
"""What programs that teach a weakness each call their routes."""


def weaknesses(found: Iterable[str]) -> tuple[str, ...]:
    """Paths called by weaknesses, where one of the routes *found* is; joined as that is, or in both ways."""
    called = [path for path in found if _WEAKNESS.search(path)]
    signs = {sign for path in called for sign in "_-" if re.search(rf"\w{sign}\w", path)} or set("_-")
    head = _WEAKNESS.split(called[0])[0] if called else ""
    every = (f"{head}/{word.replace('_', sign)}" for sign in sorted(signs, reverse=True) for word in _WEAKNESSES)
    return tuple(dict.fromkeys(every)) if called else ()


def beginning(head: str) -> tuple[str, ...]:
    """Paths of which one answers where most APIs begin with *head*."""
    return tuple(f"{head}/{word}" for word in FIRST)


def things(found: Iterable[str]) -> tuple[str, ...]:
    """What APIs keep, below where the routes *found* begin, or at the root."""
    heads = heads_of(found)[:1]
    words = tuple(dict.fromkeys((*FIRST, *THINGS)))
    return (
        tuple(f"{heads[0]}/{word}" for word in words) if heads else tuple(f"/{word}" for word in words[:AT_ROOT_MOST])
    )


def parts_of(templates: Iterable[str], *, few: bool = True) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The templates of single things (``/orders/{id}``), each with the words that may stand below it; those of any kind where *few* routes
    are known."""
    single = [one for one in templates if one.count("{") == 1 and one.endswith("}")]
    for template in single[:KINDS_MOST]:
        kind = template.rpartition("/{")[0].rpartition("/")[2]
        special = [word for sign, said in _PARTS_OF if re.search(f"(?i){sign}", kind) for word in said.split()]
        yield template, tuple(dict.fromkeys((*words_below(kind), *special, *(_PARTS if few else ()))))


_IN_A_VERSION: Final = re.compile(r"(?i)((?:/[\w-]+){0,2}/v)(\d{1,2})/([\w-]+)")
_OF_A_VERSION: Final = (
    "users", "users/1", "login", "register", "items", "items/1", "search", "products", "orders", "customers", "files", "upload", "fetch", "proxy", "webhook", "export", "admin", "config",
    "secrets", "reset-password", "bulk-action", "health",
)  # fmt: skip


def beside_versions(found: Iterable[str]) -> tuple[str, ...]:
    """Paths in the versions before and behind each that is *found*, called as what is known of any, or usually; and the same in those known."""
    known = tuple(found)
    said = [(part[1], int(part[2]), part[3]) for path in known if (part := _IN_A_VERSION.match(path)) is not None]
    words = tuple(dict.fromkeys((*(word for _, _, word in said), *_OF_A_VERSION)))
    heads = {(head, number) for head, number, _ in said}
    beside = {(head, number + step) for head, number in heads for step in (-1, 1) if number + step > 0} - heads
    ordered = (*sorted(beside), *(sorted(heads) if len(heads) > 1 else ()))
    return tuple(path for head, number in ordered for word in words if (path := f"{head}{number}/{word}") not in known)
