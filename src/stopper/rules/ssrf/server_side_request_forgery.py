"""A stranger reads what only the server can reach: the cloud's metadata, databases, consoles."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from stopper.core.app import App
from stopper.core.exchange import Exchange, Request
from stopper.core.fact import Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.checked_input import is_checked_by_callers, is_found_by
from stopper.core.flow.failed_branch import only_told
from stopper.core.flow.followed_values import through
from stopper.core.flow.labelling import labels_of
from stopper.core.flow.passing import given
from stopper.core.flow.read_parts import Origin, origins
from stopper.core.flow.stations import stations
from stopper.core.labels import UNTRUSTED
from stopper.core.outgoing.asked_host import HOSTED, host_part, host_parts, is_passed
from stopper.core.outgoing.vain_address_checks import is_vain, is_vain_comparison
from stopper.core.place import RouteRef
from stopper.core.probe import Skipped, Steps, Target, failed, listen, not_applicable, passed, send
from stopper.core.probing.address_fields import MOST, address_fields, aimed, written
from stopper.core.probing.baseline import attempt
from stopper.core.probing.raw_bodies import bare_bodies
from stopper.core.probing.xml import fetching
from stopper.core.rule import Certainty, Hit, Rule
from stopper.core.stores.stored_columns import stored_in
from stopper.core.values import (
    Call,
    Constant,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Value,
    options,
    text_of,
    walk,
)

MESSAGE: Final = "the caller decides which address the server asks"
_GUARDS: Final = re.compile(
    r"(?i)(?:\w*_)?(?:is|check|validate|verify|ensure|assert|allow|safe|guard|vet|resolve|assert)\w*_?(?:url|host|uri|target|address|domain|ip|public|external|api_?base|endpoint)\w*"
    r"|(?:\w+_)?(?:url|host)_(?:is_)?(?:allowed|safe|ok|valid)|safe_(?:get|request|fetch)|advocate\..*"
)
_BELOW_OURS: Final = re.compile(
    r"(?i)\.[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?!(?:local|internal|localhost|localdomain)$)[a-z]{2,}"
)
"""The end of a name that only who has the domain can give: ``.shop.example``."""
_MORE: Final = (
    "urllib.request.urlretrieve", "wget.download", "urllib3.PoolManager.urlopen", "pycurl.Curl.setopt", "feedparser.parse", "pandas.read_csv", "pandas.read_json",
    "socket.create_connection", "http.client.HTTPConnection", "http.client.HTTPSConnection", "requests.Request", "httpx.Request", "*.goto",
    "selenium.webdriver.Chrome.get", "pdfkit.from_url", "imgkit.from_url", "weasyprint.HTML", "grequests.get", "grequests.post", "websocket.create_connection",
    "redis.from_url", "redis.Redis.from_url", "ftplib.FTP", "ftplib.FTP_TLS", "smtplib.SMTP", "smtplib.SMTP_SSL", "paramiko.SSHClient.connect", "trafilatura.fetch_url",
    "newspaper.Article", "yt_dlp.YoutubeDL.extract_info", "httplib2.Http.request", "mechanize.urlopen", "boto3.client", "*.WebBaseLoader", "*.UnstructuredURLLoader",
    "*.RecursiveUrlLoader", "*.PlaywrightURLLoader", "*.SeleniumURLLoader", "imaplib.IMAP4", "imaplib.IMAP4_SSL", "poplib.POP3", "poplib.POP3_SSL",
    "telnetlib.Telnet", "ldap3.Server", "zeep.Client", "pymongo.MongoClient", "mechanize.Browser.open", "xmlrpc.client.ServerProxy", "git.Repo.clone_from",
    "yt_dlp.YoutubeDL.download", "niquests.get", "niquests.post", "pandas.read_html", "pandas.read_excel", "pandas.read_xml", "geopandas.read_file",
    "openai.OpenAI", "openai.AsyncOpenAI", "openai.AzureOpenAI", "openai.AsyncAzureOpenAI", "anthropic.Anthropic", "anthropic.AsyncAnthropic",
    "litellm.completion", "litellm.acompletion", "litellm.embedding", "litellm.get_valid_models", "ollama.Client", "ollama.AsyncClient",
    "langchain_openai.ChatOpenAI", "langchain_ollama.ChatOllama", "langchain_community.chat_models.ChatOllama",
    "cv2.VideoCapture", "torch.hub.load_state_dict_from_url", "sqlalchemy.create_engine", "psycopg2.connect", "psycopg.connect", "pymysql.connect",
    "urllib3.HTTPConnectionPool", "urllib3.HTTPSConnectionPool", "urllib3.connection_from_url", "urllib3.connectionpool.connection_from_url", "urllib3.ProxyManager",
    "urllib3.proxy_from_url", "httpx.Client", "httpx.AsyncClient", "aiohttp.ClientSession",
)  # fmt: skip
_OF_AZURE: Final = re.compile(
    r"azure\..*\.(?:SecretClient|KeyClient|CertificateClient|BlobServiceClient|from_(?:blob|container|file|queue)_url|(?:download_blob_from|upload_blob_to)_url)"
)
_SECOND: Final = frozenset({"setopt", "Request", "urlopen"})
_OF_MODELS: Final = ("base_url", "api_base", "azure_endpoint", "openai_api_base")
_MODELS: Final = frozenset({"openai", "anthropic", "litellm", "langchain_openai", "langchain_ollama"})
_BY_NAME: Final = {
    "weasyprint.HTML": ("url",),
    "boto3.client": ("endpoint_url",),
    "httpx.Client": ("base_url",),
    "httpx.AsyncClient": ("base_url",),
}
"""Calls that are told an address under that name, and something else first; so are clients of models."""
_PLACES: Final = (
    "url", "host", "address", "uri", "web_path", "urls", "wsdl", "base_url", "proxy_url", "vault_url", "account_url", "blob_url", "container_url", "file_url",
    "queue_url",
)  # fmt: skip

_PATH_ALONE: Final = frozenset({"http.client.HTTPConnection.request", "http.client.HTTPSConnection.request"})
"""Methods of a connection whose host was said when it was made."""
_IN_MEMORY: Final = re.compile(r"(?:io\.)?(?:BytesIO|StringIO|TextIOWrapper|open)|codecs\.\w+|tempfile\.\w+")

_FILES: Final = re.compile(r"pandas\.read_\w+|geopandas\.read_file|cv2\.VideoCapture")
"""What reads a path as well as a URL."""


def detect(app: App) -> Iterator[Hit]:
    """What a caller wrote, in the part of a URL that decides about the host, with nothing that held it against a list. What one reading
    of the request leads to is told once per file: one check there ends it everywhere."""
    facts = source_of(app)
    told: dict[object, list[Hit]] = {}
    for hit, value, function in (*_flows(facts), *_calls(facts)):
        where = hit.span.path if hit.span is not None else ""
        told.setdefault((where, _readings(facts, value, function) or hit.span, hit.certainty), []).append(hit)
    for hits in told.values():
        said = MESSAGE if len(hits) == 1 else f"{MESSAGE}, in {len(hits)} places of this file"
        yield replace(hits[0], message=said)
    yield from _stored(facts)
    for flow in facts.flows("subprocess", label=tuple(sorted(UNTRUSTED)), by_name=False):
        if any((text_of(one) or "").split(" ")[0] in ("curl", "wget") for one in walk(flow.value, 3)):
            yield Hit(MESSAGE, flow.span, certainty="likely")


def _readings(facts: SourceFacts, value: Value, function: str) -> frozenset[object]:
    """What decides about the host, as it is taken out of the body that a function is given, or out of the request by *function*."""
    found: set[object] = set()
    for part in host_parts(facts, value):
        for one in through(facts, part, 3):
            if isinstance(one, Item) and isinstance(one.owner, Parameter):
                found.add((one.owner.function, one.owner.parameter, text_of(one.key)))
            elif isinstance(one, Item) and _is_request(one):
                found.add((function, text_of(one.key)))
    return frozenset(found)


def _flows(facts: SourceFacts) -> Iterator[tuple[Hit, Value, str]]:
    for flow in facts.flows("outbound-url", label=tuple(sorted(UNTRUSTED)), by_name=False):
        if (
            flow.detail in _PATH_ALONE
            or not any(_from_caller(facts, one) for one in host_parts(facts, flow.value))
            or _is_checked(facts, flow.value, flow.function)
        ):
            continue
        if is_checked_by_callers(facts, flow.value, flow.function, *UNTRUSTED, by_host=True):
            continue
        yield Hit(MESSAGE, flow.span, certainty=_certainty(facts, flow)), flow.value, flow.function


def _calls(facts: SourceFacts) -> Iterator[tuple[Hit, Value, str]]:
    """Clients that make no flow."""
    flows = {(one.span.path, one.span.line) for one in facts.flows("outbound-url")}
    for call in (*facts.calls(*_MORE), *facts.calls_matching(_OF_AZURE.pattern)):
        of_models = call.callee.partition(".")[0] in _MODELS
        named = _OF_MODELS if of_models else _BY_NAME.get(call.callee)
        place = None if named is not None else 1 if call.method in _SECOND and call.callee != "mechanize.urlopen" else 0
        value = call.argument(place, *(named if named is not None else _PLACES))
        if (
            call.span is None
            or value is None
            or (call.span.path, call.span.line) in flows
            or _is_contents(facts, value)
            or (_FILES.fullmatch(call.callee) and _is_path(facts, value))
            or _is_of_sqlite(value)
        ):
            continue
        steering = host_part(value)
        if steering is None or not _from_caller(facts, steering) or _is_checked(facts, value, call.function):
            continue
        if not is_checked_by_callers(facts, value, call.function, *UNTRUSTED, by_host=True):
            yield Hit(MESSAGE, call.span), value, call.function


def _stored(facts: SourceFacts) -> Iterator[Hit]:
    """What a caller sent earlier and a row keeps, in the part that decides about the host, and no check on the way in or out."""
    for flow in facts.flows("outbound-url"):
        if flow.detail in _PATH_ALONE or _is_checked(facts, flow.value, flow.function):
            continue
        steering = [*host_parts(facts, flow.value)]
        if any(_from_caller(facts, one) for one in steering):
            continue
        found = next((kept for one in steering if (kept := stored_in(facts, one)) is not None), None)
        if found is not None and not _is_checked(facts, *found[1]):
            said = (
                f"what somebody has sent and the column `{found[0].name}` keeps decides which address the server asks"
            )
            yield Hit(said, flow.span, certainty="likely")


def _is_contents(facts: SourceFacts, value: Value) -> bool:
    """A file that was sent, or one in memory: it is read from, and nothing is fetched."""
    if is_passed(value, facts):
        several = given(facts, value)
        return bool(several) and all(one != value and _is_contents(facts, one) for one in several)
    if isinstance(value, Call):
        return _IN_MEMORY.fullmatch(value.callee) is not None
    held = value.owner if isinstance(value, Member) and value.attribute in ("stream", "file") else value
    return isinstance(held, Item) and isinstance(held.owner, Name) and held.owner.dotted == "flask.request.files"


def _is_path(facts: SourceFacts, value: Value) -> bool:
    """The path of a file here: below a folder, or under the name that an upload has."""
    if is_passed(value, facts):
        several = given(facts, value)
        return bool(several) and all(one != value and _is_path(facts, one) for one in several)
    if isinstance(value, Format) and value.parts:
        opening = text_of(value.parts[0])
        return "://" not in opening if opening is not None else _is_path(facts, value.parts[0])
    if isinstance(value, Call):
        return value.callee in ("os.path.join", "werkzeug.utils.secure_filename", "pathlib.Path")
    return isinstance(value, Member) and value.attribute == "filename"


def _is_of_sqlite(value: Value) -> bool:
    opening = value.parts[0] if isinstance(value, Format) and value.parts else value
    return (text_of(opening) or "").startswith("sqlite:")


def _certainty(facts: SourceFacts, flow: Flow) -> Certainty:
    return "certain" if any(label.kind in ("query-string", "request-data") for label in flow.labels) else "likely"


def _from_caller(facts: SourceFacts, value: Value) -> bool:
    return any(label.kind in UNTRUSTED and not label.by_name for label in labels_of(facts, value, numbers=True))


def _is_checked(facts: SourceFacts, value: Value, function: str) -> bool:
    """That the host was held against a list, by a comparison or by a function that says so."""
    inside = {id(one) for one in walk(value, 8)} | {id(one) for one in _origins(value)}
    inside -= {  # ``set(body) != {"url", "text"}`` asks which members there are, and nothing of what stands in one
        id(part) for one in walk(value, 8) if isinstance(one, Item) and _is_request(one) for part in walk(one.owner, 8)
    }
    read = origins(value)
    for comparison in facts.comparisons_in(function):
        if is_vain_comparison(comparison) or only_told(facts, comparison.span):
            continue
        alike = comparison.operator in ("==", "!=")
        sides = [(comparison.left, comparison.right)] if alike or comparison.operator in ("in", "not in") else []
        sides += (
            [(comparison.right, comparison.left)] if alike else []
        )  # ``any(host == asked.hostname for host in HOSTS)``
        for asked, known in sides:
            if (
                (any(id(one) in inside for one in walk(asked, 6)) or read & origins(asked))
                and not isinstance(known, Constant)
                and not is_found_by(facts, asked)
            ):
                return True
            if alike and _about_host(asked):
                return True
    for call in (one for one in facts.calls_in(function) if not only_told(facts, one.span)):
        if (_GUARDS.fullmatch(call.method) or _GUARDS.fullmatch(call.callee)) and not is_vain(facts, call):
            return True
        if (
            call.method == "startswith"
            and call.receiver is not None
            and any(id(one) in inside for one in walk(call.receiver, 4))
        ):
            said = [text_of(one) or "" for arg in call.args for one in (arg, *getattr(arg, "items", ()))]
            if any(HOSTED.match(one) for one in said):
                return True
        if _ends_like_ours(call, read):
            return True
    if any(_asks_about_host(facts, one.value, read) for one in facts.conditions_in(function) if not one.tells):
        return True
    looked_up = [
        one
        for one in walk(value, 6)
        if isinstance(one, Item) and not _is_request(one) and isinstance(one.owner, Mapping)
    ]
    if looked_up or any(
        _GUARDS.fullmatch(one.callee.rpartition(".")[2]) and not is_vain(facts, one)
        for one in walk(value, 6)
        if isinstance(one, Call)
    ):
        return True
    return any(
        _is_held_by_host(facts, where, mine)
        for where, mine in stations(facts, value, function)
        if where != function  # a function of the project that the address went through
    )


def _ends_like_ours(call: Call, read: frozenset[Origin]) -> bool:
    """``urlsplit(url).hostname.endswith(".shop.example")``: the dot before it makes it a name below ours."""
    if call.method != "endswith" or call.receiver is None or not read & origins(call.receiver):
        return False
    said = [text_of(one) for arg in call.args[:1] for one in (arg.items if isinstance(arg, Sequence) else (arg,))]
    return (
        bool(said)
        and all(_BELOW_OURS.fullmatch(one or "") for one in said)
        and any(map(_about_host, options(call.receiver)))
    )


def _asks_about_host(facts: SourceFacts, asked: Value, read: frozenset[Origin]) -> bool:
    """``if not allowed(url):``, whatever the function is called that holds the host against something."""
    return any(
        isinstance(call, Call)
        and facts.function(call.callee) is not None
        and any(read & origins(one) for one in call.args)
        and any(
            one.operator in ("in", "not in", "==", "!=") and not is_vain_comparison(one) and _about_host(one.left)
            for one in facts.comparisons_in(call.callee)
        )
        for call in walk(asked, 3)
    )


def _is_held_by_host(facts: SourceFacts, function: str, mine: frozenset[Origin]) -> bool:
    return any(
        one.operator in ("in", "not in", "==", "!=")
        and not (is_vain_comparison(one) or only_told(facts, one.span))
        and _about_host(side)
        and bool(mine & origins(side))
        for one in facts.comparisons_in(function)
        for side in (one.left, one.right)
    )


def _about_host(value: Value) -> bool:
    return any(getattr(one, "attribute", "") in ("hostname", "netloc") for one in walk(value, 4))


def _origins(value: Value) -> Iterator[Value]:
    for one in walk(value, 8):
        if isinstance(one, (Item, Parameter)):
            yield one


def _is_request(value: Item) -> bool:
    said = (one.dotted if isinstance(one, Name) else getattr(one, "callee", "") for one in walk(value.owner, 3))
    return any(name.startswith("flask.request") for name in said)


def probe(target: Target) -> Steps[Verdict]:
    """Give a listener of ours as the address, also as an entity of XML, and see whether the server comes."""
    wanted = list(address_fields(target))
    documents = list(bare_bodies(target, "application/xml"))
    if not wanted and not documents:
        return not_applicable("no route reads a field that is called like an address")
    listener = yield from listen()
    for number, (request, ref) in enumerate(documents):
        place = f"{listener.url}/{target.canary or 'stopper'}-entity-{number}"
        exchange = yield from attempt(send(replace(request, body=fetching(place).encode())))
        came = [one for one in listener.hits() if one.target.endswith(f"-entity-{number}")]
        if exchange is not None and came:
            shown = [
                Evidence("exchange", "an entity of the document names a listener of ours", exchange),
                Evidence("effect", f"the server came: {came[0].method} {urlsplit(came[0].target).path}"),
            ]
            return failed(f"{ref} fetches what an entity of XML names", [ref], shown)
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    said = ""
    for sent, (route, method, name, where) in enumerate(wanted[:MOST]):
        if RouteRef(method, route.path) in places:
            continue
        honest, place = target.request_for(route, method), f"{listener.url}/{target.canary or 'stopper'}-{sent}"
        for address in written(name, place):
            exchange = yield from _asked(target, aimed(honest, name, where, address))
            came = [one for one in listener.hits() if f"-{sent}" in one.target]
            if exchange is not None and came:
                places.append(RouteRef(method, route.path))
                said = said or f"{method} {route.path} fetches what {name} says"
                evidence += [
                    Evidence("exchange", f"the field {name} names a listener of ours", exchange),
                    Evidence("effect", f"the server came: {came[0].method} {urlsplit(came[0].target).path}"),
                ]
                break
    if places:
        return failed(said, places, evidence)
    return passed("no field that is called like an address makes the server ask us")


def _asked(target: Target, request: Request) -> Steps[Exchange | None]:
    """The answer to nobody, or to the first person where nobody is refused."""
    exchange: Exchange | None = None
    for person in (None, *target.identities[:1]):
        try:
            exchange = yield from send(request if person is None else person.on(request))
        except Skipped:
            break
        if not exchange.response.refused:
            break
    return exchange


RULE = Rule(
    slug="server-side-request-forgery",
    family="ssrf",
    title="URL from the request fetched by the server",
    harm=__doc__ or "",
    severity="high",
    check="ssrf",
    cwe=(918,),
    owasp="API7:2023",
    asvs=("V1.3.6",),
    surfaces=(
        "source",
        "wsgi",
        "http",
    ),
    ends="`stopper.outbound.Client` goes only to named hosts and judges every address before it connects.",
    certainty="certain",
    detect=detect,
    probe=probe,
)
