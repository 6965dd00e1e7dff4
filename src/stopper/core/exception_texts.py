"""What only the text of a Python exception says."""

import re
from typing import Final

_SHAPES: Final = re.compile(
    r"invalid literal for int\(\) with base|could not convert string to|'NoneType' object |object is not (?:subscriptable|iterable|callable)"
    r"|indices must be integers|not supported between instances of|unsupported operand type|object has no attribute '"
    r"|(?:list|tuple|string|pop) index out of range|missing \d+ required (?:positional|keyword)|takes \d+ positional arguments?"
    r"|got an unexpected keyword argument|too many values to unpack|not enough values to unpack|does not match format '|Invalid isoformat string"
    r"|badly formed hexadecimal UUID|codec can't (?:de|en)code|\[Errno -?\d+\]|Max retries exceeded with url|Failed to establish a new connection"
    r"|\(?(?:sqlite3|psycopg2?|pymysql|MySQLdb|asyncpg|pyodbc|cx_Oracle|oracledb)(?:\.\w+)*\.\w*Error\b|sqlalchemy\.exc\.|\[SQL: |no such (?:table|column): "
    r"|UNIQUE constraint failed|NOT NULL constraint failed|near \"[^\"]*\": syntax error|violates (?:unique|foreign key|not-null|check) constraint"
    r"|Expecting (?:value|property name|',' delimiter)[^<]{0,40}: line \d+ column \d+|(?<![\w.])(?:\w+\.)*[A-Z]\w*(?:Error|Exception)\(['\"]|<class '\w"
)
"""How Python, its standard library and the usual drivers put their failures."""


def exception_text(text: str) -> str | None:
    """What in *text* only an exception says, or None."""
    found = _SHAPES.search(text)
    return found.group() if found else None
