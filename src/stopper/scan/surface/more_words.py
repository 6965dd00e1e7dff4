"""Names that small APIs use, asked for where a crawl has found hardly anything.

The lists were counted: route strings of some two hundred public Flask projects, and of public samples that are weak on purpose. The second
part of what is tried below a beginning is the usual vocabulary of such APIs.
"""

import re
import uuid
from collections.abc import Iterable, Iterator
from typing import Final, cast

from stopper.core.exchange import Response
from stopper.core.naming import as_parameter
from stopper.core.probing.things.objects import entries, inner_object

USUAL: Final = (
    "/", "/login", "/register", "/logout", "/me", "/profile", "/account", "/users", "/admin", "/admin/users", "/health", "/healthz", "/status",
    "/config", "/debug", "/metrics", "/token", "/refresh", "/notes", "/items", "/orders", "/search", "/files", "/upload", "/keys",
    "/auth/login", "/auth/register", "/auth/me", "/auth/refresh", "/auth/logout", "/api", "/api/login", "/api/register", "/api/me",
    "/api/users", "/api/notes", "/api/items", "/api/orders", "/api/v1", "/api/v1/users", "/api/v1/login", "/api/v1/me",
    "/auth", "/signup", "/users/login", "/admin/login", "/api/users/login", "/api/auth", "/api/auth/login", "/api/auth/register", "/api/token", "/api/v1/auth/login", "/docs", "/apidocs/", "/swagger/", "/api/docs/", "/graphql", "/robots.txt", "/forgot-password", "/forgot_password", "/admin-login", "/admin/dashboard",
)  # fmt: skip
FEW: Final = 5
"""Below so many routes that pages, forms or texts led to, more names are tried: such an API shows nothing of itself."""
MANY: Final = 15
"""From so many routes on no names are tried."""
SOME: Final = 11
"""From so many routes on, found by the words of a field, the words that say nothing of it are not tried."""
BELOW_MOST: Final = 2
"""Beginnings of paths below which names are tried."""
_THINGS: Final = (
    "user", "get", "product", "book", "post", "article", "task", "todo", "message", "customer", "comment", "employee", "event", "ticket", "profile",
    "welcome", "hello", "greet", "file", "download", "view", "page", "delete",
)  # fmt: skip
_LISTS: Final = (
    "user", "product", "book", "post", "article", "task", "todo", "message", "customer", "comment", "employee", "event", "ticket", "account", "transaction",
    "upload", "setting", "secret", "report", "log",
)  # fmt: skip
_DOINGS: Final = (
    "user", "all", "home", "index", "info", "version", "ping", "echo", "hello", "welcome", "greet", "list", "data", "view", "page", "file", "help", "about",
    "image", "read", "download", "fetch", "proxy", "redirect", "render", "template", "preview", "convert", "lookup", "calc", "calculate", "eval", "exec",
    "execute", "run", "cmd", "command", "log", "report", "export", "import", "backup", "xml", "yaml", "feedback", "contact", "graphql",
    "dashboard", "protected", "test", "create", "add", "post", "tokens", "signin", "sign-in", "reset-password", "forgot-password", "change_password",
    "change-password", "reset_password", "update_profile", "stats", "load", "url", "external", "secret", "env", "flag", "note", "comment", "message", "chat", "ask",
    "system", "submit", "update", "authenticate", "userinfo", "credentials", "check", "verify", "database", "server", "metadata", "resource", "restore", "notifications", "setup",
    "store", "fetch_url", "add_numbers", "sql", "sqli", "xss", "ssti", "ssrf", "lfi", "rce", "xxe", "idor", "deserialize", "deserialization", "pickle", "vulnerable", "unsafe", "route",
)  # fmt: skip
_JOINED: Final = (
    "get_users", "get_user", "list_users", "get_log", "get_logs", "get_data", "read_file", "get_file", "view_file", "run_file", "create_file", "delete_file",
    "create_user", "add_user", "update_user", "delete_user", "run_command", "sql_injection", "command_injection", "path_traversal", "open_redirect", "file_upload",
)  # fmt: skip
_HELD: Final = ("user", "order", "account", "invoice", "document", "message", "note")
"""Things that are often read by their number where nothing lists them."""
_DOORS: Final = (
    "/user/login",
    "/user/register",
    "/account/login",
    "/account/register",
    "/register/user",
    "/login/user",
)
MORE: Final[tuple[str, ...]] = tuple(
    dict.fromkeys(
        (
            *_DOORS,
            *(f"/{word}/1" for word in _THINGS),
            *(f"/{word}s" for word in _LISTS),
            *(f"/{word}" for word in _DOINGS),
            *(f"/{word}s/1" for word in _HELD),
            *(f"/{word}" for word in _JOINED),
        )
    )
)
"""Paths, the likeliest kinds first; all of them are only read."""
UNLINKED: Final = (
    *(f"/{word}/1" for word in ("account", "user", "users", "order", "invoice", "message", "profile", "document", "product", "post")),
    "/goto", "/redirect", "/download", "/fetch", "/proxy", "/ping", "/exec", "/export", "/backup", "/logs", "/log", "/view", "/file", "/reset-password", "/change-password",
    "/admin/config", "/admin/logs", "/api/users/1", "/api/search", "/process_xml", "/preview", "/feedback", "/calculate",
)  # fmt: skip
"""What pages that lead to much else often leave without a link; all of them are only read."""
_BELOW: Final = (
    "login", "register", "users", "user", "1", "create", "list", "search", "admin", "me", "profile", "config", "data", "status", "health", "info", "debug",
    "ping", "files", "file", "upload", "download", "export", "fetch", "token", "auth", "key", "messages", "notes", "products", "orders", "tasks",
    "posts", "post", "comments", "xml", "deserialize", "exec", "user/1", "user/login", "user/register", "chat", "logs", "backup", "settings", "feedback", "webhook", "secret", "all",
)  # fmt: skip
_DONE: Final = ("edit/1", "update/1", "delete/1", "remove/1", "data/1")
"""What is done to one thing below the name of its kind (``/user/update/1``); of a deed only what it takes is asked."""
_BELOW_MORE: Final = (
    "auth/login", "auth/register", "auth/signin", "auth/signup", "auth/token", "auth/refresh", "auth/me", "auth/logout", "signup", "signin", "logout", "refresh",
    "session", "sessions", "account", "accounts", "users/1", "users/me", "users/login", "users/register", "admin/users", "admin/config", "admin/stats", "admin/logs",
    "items", "invoices", "customers", "staff", "employees", "devices", "documents", "projects", "books", "events", "tickets", "payments", "transactions", "transfer",
    "categories", "cart", "reviews", "articles", "todos", "jobs", "reports", "report", "notifications", "subscriptions", "keys", "tokens", "secrets",
    "webhooks", "hooks", "webhooks/test", "hooks/test", "callback", "proxy", "preview", "render", "template", "convert", "import", "parse", "load", "restore",
    "exports", "run", "execute", "command", "cmd", "eval", "calc", "lookup", "resolve", "image", "avatar", "graphql", "query", "system", "internal",
    "internal/config", "debug/config", "env", "version", "metrics", "stats", "test", "echo", "greet", "redirect", "forgot-password", "reset-password",
    "password/reset", "change-password", "verify", "system/ping", "tools/ping", "product/1", "order/1", "item/1", "note/1", "files/1", "account/1", "orders/1", "accounts/1", "invoices/1", "documents/1", "messages/1", "notes/1", "transactions/1",
)  # fmt: skip
"""Tried below one beginning only, where an API shows nothing of itself."""
_HINTS: Final = ("login", "users", "health", "status", "products")
_PLAIN_HINTS: Final = (
    "health",
    "status",
    "config",
    "upload",
    "search",
    "products",
    "ping",
    "user/1",
    "users/1",
    "data",
    "exec",
    "files",
    "tasks",
    "books",
)
HINTS: Final[tuple[str, ...]] = (
    *(f"{head}/{word}" for head in ("/api", "/api/v1") for word in _PLAIN_HINTS),
    *(f"{head}/{word}" for head in ("/v1", "/api/v2", "/v2", "/rest") for word in _HINTS),
)
"""Paths that show by which beginning an API's routes are reached."""
_TOOLS: Final = (
    "hello", "preview", "render", "template", "convert", "fetch", "proxy", "redirect", "download", "view", "file", "export", "import", "import/xml", "import/yaml", "import/csv",
    "import/json", "xml", "restore", "session/restore", "deserialize", "load", "run", "exec", "ping", "tools/ping", "calc", "backup", "logs", "webhook", "webhooks", "webhooks/test", "config/import", "report",
)  # fmt: skip
"""What an API that shows its things often has beside them and does not speak of."""
_FORGOTTEN: Final = (
    "forgot-password",
    "reset-password",
    "forgot",
    "reset",
    "change-password",
    "verify-otp",
    "otp",
    "refresh",
    "logout",
)
"""What stands beside a log-in."""
_ADMIN: Final = ("users", "stats", "config", "logs", "audit", "settings", "export")
ADMIN_MOST: Final = 8
"""Lists that are known, each of which is asked for below ``admin``."""
_DOOR: Final = re.compile(r"(?i)/(log-?in|sign-?in|authenticate|sessions?|token|register|sign-?up)/?$")
_UNSEEN: Final = (
    "users", "users/all", "users/1", "admin", "admin/users", "all", "config", "debug", "info", "status", "health", "logs", "export", "backup", "search", "stats",
    "me", "profile", "settings", "internal", "upload", "files", "reports",
)  # fmt: skip
"""Tried below the beginnings of an API that shows many of its routes: what its pages do not speak of."""
SHOWN: Final = 10
"""So many routes are many."""
_BEGINNING: Final = re.compile(r"(/[^/{}]+(?:/(?:api|rest)(?=/|$))?(?:/v\d{1,3}(?=/|$))?)(/.|$)")
_LIST: Final = re.compile(r"(?i)/([a-z_-]{3,30}s|staff|people|personnel|inventory|media|feedback)/?$")
_HEADS: Final = re.compile(r"(?i)^(/[\w-]+)?/(api|rest|v\d+)(/v\d+)?$")
_OF_ITSELF: Final = re.compile(r"(?i)/(health(z|check)?|status|docs?)(?=/| |$)")
"""What an API says of itself, and nothing of what it is for."""


def below(found: Iterable[str], *, few: bool = False) -> tuple[str, ...]:
    """Paths below the beginnings of the routes *found*: those of an API, and those that several of these share. Where only *few* are known,
    more is tried below the first of them."""
    known = tuple(found)
    heads = _beginnings(known)
    shared = sorted(
        (head for head in dict.fromkeys(heads) if _HEADS.match(head) or _begins_several(head, known)),
        key=lambda head: (not _HEADS.match(head), -heads.count(head)),
    )
    if len(known) >= SHOWN and not few:
        return tuple(f"{head}/{word}" for head in shared[: 2 * BELOW_MOST] for word in _UNSEEN)
    words = [
        f"{head}/{word}" for head in shared[:BELOW_MOST] for word in (*_BELOW, *(() if _HEADS.match(head) else _DONE))
    ]
    if few:
        words += [f"{head}/{word}" for head in shared[:1] for word in _BELOW_MORE]
    return tuple(dict.fromkeys(words))


def unspoken(found: Iterable[str]) -> tuple[str, ...]:
    """Paths beside the routes *found* of which nothing speaks as a rule: what administrators have of the same things, what stands beside a log-in,
    and tools."""
    known = [path for path in found if "{" not in path]
    head = (*heads_of(known), "")[0]
    lists = [path.rpartition("/")[2] for path in lists_among(known) if "/admin" not in path][:ADMIN_MOST]
    doors = list(dict.fromkeys(path.rstrip("/").rpartition("/")[0] for path in known if _DOOR.search(path)))[
        :BELOW_MOST
    ]
    admin = [f"{head}/admin/{word}" for word in dict.fromkeys((*lists, *_ADMIN))]
    beside = [f"{door}/{word}" for door in doors for word in _FORGOTTEN]
    return tuple(
        dict.fromkeys((*admin, *beside, *(f"{head}/{word}" for word in _TOOLS), *(("/hello",) if head else ())))
    )


def _begins_several(head: str, known: Iterable[str]) -> bool:
    """Whether several routes lie below *head*; below that of one kind of things (``/posts/{id}``, ``/posts/new``) nothing else does."""
    behind = [path.removeprefix(f"{head}/") for path in known if path.startswith(f"{head}/") and path != f"{head}/"]
    words = [one for one in behind if not one.startswith("{")]
    return len(behind) > 1 and (len(words) == len(behind) or len(words) > 1)


def _beginnings(known: Iterable[str]) -> list[str]:
    begun = [part for path in known if (part := _BEGINNING.match(path)) is not None]
    return [part.group(1) for part in begun if part.group(2) or _HEADS.match(part.group(1))]


def heads_of(found: Iterable[str]) -> tuple[str, ...]:
    """The beginnings of an API by their names (``/api/v1``) below which routes were *found*, the one with most first."""
    heads = [head for head in _beginnings(found) if _HEADS.match(head)]
    return tuple(sorted(dict.fromkeys(heads), key=lambda head: -heads.count(head)))


def wanted(led: Iterable[str], answered: Iterable[str] = ()) -> tuple[tuple[str, ...], ...]:
    """The lists of words that are worth trying beside what something *led* to. Where that shows by which beginning an API is reached no
    other is tried, and an API whose every route but its start lies below one has hardly anything elsewhere. Where several usual names
    have *answered* at the root, that is the beginning."""
    paths = [path for path in led if path.strip("/")]
    below_one = [any(map(_HEADS.match, _beginnings([path]))) for path in paths]
    answered = tuple(answered)
    if not any(below_one):
        heads = [head for head in _beginnings(answered) if _HEADS.match(head)]
        sure = any(sum(path.startswith(f"{head}/") for path in answered) > 1 for head in heads)
        return (MORE,) if sure or (len(at_root((*paths, *answered))) >= AT_ROOT and not heads) else (HINTS, MORE)
    return () if all(below_one) else (MORE,)


def at_root(found: Iterable[str]) -> list[str]:
    """The routes *found* that lie at the root itself, but for its start."""
    return [path for path in found if path.strip("/") and path.count("/") == 1]


def lists_among(found: Iterable[str]) -> list[str]:
    """Those of the paths *found* that are lists of things by their name."""
    return [path for path in found if _LIST.search(path) and "{" not in path]


def one_by_uuid(found: Iterable[str]) -> tuple[str, ...]:
    """One thing by a UUID of each list that was *found*, where no thing by its number was."""
    known = set(found)
    lists = [path.rstrip("/") for path in lists_among(known)]
    return tuple(f"{path}/{UUID}" for path in sorted(lists) if not any(one.startswith(f"{path}/{{") for one in known))


def one_of(found: Iterable[str]) -> tuple[str, ...]:
    """The first thing of each list that was *found*, by its number; and the list of each thing."""
    known = tuple(found)
    lists = [path.rpartition("/{")[0] for path in known if path.count("{") == 1 and path.endswith("}")]
    things = [f"{path.rstrip('/')}/1" for path in known if _LIST.search(path) and "{" not in path]
    return tuple(dict.fromkeys((*things, *filter(None, lists))))


_TITLE: Final = re.compile(r"(?is)<(?:title|h1)[^>]{0,200}>([^<]{1,200})<")
TITLE_MOST: Final = 300


def title_of(response: Response) -> str:
    """What an API calls itself: the title of its start page, or the short texts of its JSON."""
    if response.content_type == "text/html":
        return " ".join(_TITLE.findall(response.text[:20_000]))[:TITLE_MOST]
    said = response.json()
    members = cast("dict[str, object]", said) if isinstance(said, dict) else {}
    return " ".join(text for text in members.values() if isinstance(text, str) and len(text) <= 200)[:TITLE_MOST]


AT_ROOT: Final = 3
"""Usual names at the root that tell where an API begins."""
_FIELDS: Final[tuple[tuple[str, str], ...]] = (
    (r"bank|account|financ|wallet|money|ledger|fintech", "accounts transactions transfer transfers cards balance payees beneficiaries statements loans deposit withdraw payments rates transactions/search"),
    (r"shop|store|cart|product|commerce|catalog|market", "products orders cart basket checkout coupons reviews categories wishlist invoices payments customers inventory suppliers addresses"),
    (r"blog|post|social|forum|news|article|press|writer", "posts articles comments messages feed followers friends tags drafts notifications groups search/users likes follow"),
    (r"clinic|health|patient|hospital|medic|doctor", "patients appointments doctors prescriptions records visits labs medications reports nurses"),
    (r"parcel|deliver|logistic|ship|courier|fleet|taxi|ride|truck", "parcels shipments deliveries drivers vehicles orders addresses quote rides trips track/1 warehouses"),
    (r"ticket|help.?desk|support|issue|tracker", "tickets issues agents comments attachments customers reports queues"),
    (r"file|drive|upload|share|docs?\b|document", "files folders shares links documents share trash activity download"),
    (r"school|course|student|learn|university|campus", "students courses grades teachers enrollments lessons assignments exams classes"),
    (r"hotel|travel|book|flight|rental|airline|event", "bookings reservations rooms hotels flights guests events tickets cars"),
    (r"\bhr\b|employee|payroll|staff|company|people", "employees payroll departments leaves salaries timesheets candidates"),
    (r"chat|message|mail", "messages conversations rooms channels contacts inbox"),
    (r"task|project|todo|board|team", "tasks projects boards teams comments members todos"),
)  # fmt: skip
"""What an API of a field keeps, by words of its title and its routes."""
FIELDS_MOST: Final = 2


def of_field(said: str, found: Iterable[str]) -> tuple[str, ...]:
    """Paths of what an API usually has that speaks of itself as *said* and has the routes *found*: a bank's are others than a shop's."""
    known = tuple(found)
    title = sum(bool(re.search(f"(?i){sign}", said)) for sign, _ in _FIELDS)
    text = said if title else _OF_ITSELF.sub("", " ".join(known))
    words = [kept.split() for sign, kept in _FIELDS if re.search(f"(?i){sign}", text)][:FIELDS_MOST]
    heads = heads_of(known)[:1] or (("",) if at_root(known) else ("", "/api", "/api/v1"))
    return tuple(dict.fromkeys(f"{head}/{word}" for head in heads for some in words for word in some))


UUID: Final = str(uuid.UUID(int=1))
"""What stands for the id of a thing that has no number."""
NOUNS_MOST: Final = 6
"""Kinds of things that answers speak of which are asked for."""
_REFERS: Final = re.compile(r"([a-z]{3,20})_(id|uuid|number)")
_NO_KIND: Final = frozenset(
    {
        "session",
        "request",
        "trace",
        "transaction",
        "external",
        "client",
        "parent",
        "object",
        "correlation",
        "message",
        "error",
    }
)


def kinds_named(path: str, said: object) -> Iterator[str]:
    """Where things lie that an answer at *path* speaks of by their ids: ``member_id`` in ``/api/payments`` tells of ``/api/members``."""
    folder = path.rstrip("/").rpartition("/")[0].partition("/{")[0]
    objects = entries(said) or ([inner_object(said)] if inner_object(said) else [])
    for name in objects[0] if objects else ():
        found = _REFERS.fullmatch(as_parameter(name))
        if found is not None and found.group(1) not in _NO_KIND:
            yield f"{folder}/{found.group(1)}"


def of_kinds(kinds: Iterable[str]) -> tuple[str, ...]:
    """The list of each kind of things, and the first of them by its number."""
    few = list(dict.fromkeys(kinds))[:NOUNS_MOST]
    return tuple(path for kind in few for path in (f"{kind}s", f"{kind}s/1", f"{kind}/1"))
