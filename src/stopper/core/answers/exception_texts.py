"""What only the text of a Python exception says, and in whose texts the inside is told."""

import re
from typing import Final

from stopper.core.rule import Certainty

_SHAPES: Final = re.compile(
    r"invalid literal for int\(\) with base|could not convert string to|'NoneType' object |object is not (?:subscriptable|iterable|callable)"
    r"|indices must be integers|not supported between instances of|unsupported operand type|object has no attribute '"
    r"|(?:list|tuple|string|pop) index out of range|missing \d+ required (?:positional|keyword)|takes \d+ positional arguments?"
    r"|got an unexpected keyword argument|too many values to unpack|not enough values to unpack|does not match format '|Invalid isoformat string"
    r"|badly formed hexadecimal UUID|codec can't (?:de|en)code|\[Errno -?\d+\]|Max retries exceeded with url|Failed to establish a new connection"
    r"|\(?(?:sqlite3|psycopg2?|pymysql|MySQLdb|asyncpg|pyodbc|cx_Oracle|oracledb)(?:\.\w+)*\.\w*Error\b|sqlalchemy\.exc\.|\[SQL: |no such (?:table|column): "
    r"|UNIQUE constraint failed|NOT NULL constraint failed|near \"[^\"]*\": syntax error|violates (?:unique|foreign key|not-null|check) constraint"
    r"|Expecting (?:value|property name|',' delimiter)[^<]{0,40}: line \d+ column \d+|(?<![\w.])(?:\w+\.)*[A-Z]\w*(?:Error|Exception)\(['\"]|<class '\w|\(<string>, line \d+\)|name '\w{1,60}' is not defined"
)
"""How Python, its standard library and the usual drivers put their failures."""


def exception_text(text: str) -> str | None:
    """What in *text* only an exception says, or None."""
    found = _SHAPES.search(text)
    return found.group() if found else None


EVERYTHING: Final = frozenset({"*", "Exception", "BaseException"})
_OF_THE_INSIDE: Final = re.compile(
    r"(?i)sqlalchemy|sql|psycopg|asyncpg|(?:maria|mongo|couch|influx|dynamo)db|pymongo|redis|elastic|opensearch|peewee|django|requests\.|httpx|urllib|http\.client|aiohttp|grpc|boto|docker|kubernetes"
    r"|paramiko|ldap|smtplib|ftplib|ssl\.|socket|subprocess|ProcessError|OSError|IOError|EnvironmentError|FileNotFound|FileExists|IsADirectory|NotADirectory|RuntimeError|SystemError|ImportError"
    r"|ModuleNotFound|NameError|UnboundLocal|Integrity|Operational|Programming(?:Error)?|Database|Data(?:Store)?(?:Error|Exception)|Flush|Connection|Timeout|Transport|Storage|Search\w*(?:Error|Exception)"
    r"|Internal|Backend|Client\w*(?:Error|Exception)|API\w*(?:Error|Exception)|Service\w*(?:Error|Exception)|Git\w*Error|Request(?:s)?(?:Error|Exception)|jinja2"
)
"""Exceptions in whose texts addresses, statements, paths and versions stand."""
FOR_THE_CALLER: Final = re.compile(
    r"werkzeug\.exceptions\..*|(?!httpx\.|requests\.|urllib3?\.)(?:.*\.)?(?:HTTPException|\w*ValidationError|\w*HTTPError|SchemaError|CSRFError|JSONDecodeError|TemplateSyntaxError|(?<=jinja2\.exceptions\.)SecurityError|(?<=jinja2\.sandbox\.)SecurityError|\w*Parse(?:r)?Error)|(?:re|regex)\.error|(?:builtins\.)?(?:KeyError|AssertionError)|sqlalchemy\.(?:\w+\.)*(?:NoResultFound|MultipleResultsFound)|(?:.*\.)?(?:AuthError|OAuth\d?Error|Email\w+Error|Invalid(?:Recipient|Email|Phone|Address|Input|Parameter|Data)\w*)|cryptography\.(?:fernet\.InvalidToken|exceptions\.\w+)"
)
"""Exceptions whose text is written for the caller: HTTP's own, and what a schema says about the input; and those without a text."""


def certainty_of(catches: tuple[str, ...], own: set[str]) -> Certainty | None:
    """How sure it is that the text is a library's; None where it is written for the caller."""
    foreign = [
        name
        for name in catches
        if name not in own and name != "?" and not name.isdigit() and not FOR_THE_CALLER.fullmatch(name)
    ]
    if not foreign:
        return None
    if any(name in EVERYTHING for name in foreign):
        return "certain"
    return "likely" if any(_OF_THE_INSIDE.search(name) for name in foreign) else "possible"
