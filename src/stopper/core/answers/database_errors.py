"""What a database says of a statement that it does not understand, as it stands in answers."""

import re
from typing import Final

SAID: Final = re.compile(
    r"\b(?:sqlite3|psycopg2?|pymysql|MySQLdb|asyncpg|pyodbc|cx_Oracle|oracledb)(?:\.\w+)*\.\w*Error\b|sqlalchemy\.exc\.|"
    r"near (?:\\?\"|&#34;|&quot;)[^\"&]*(?:\"|&#34;|&quot;): syntax error|unrecognized token: (?:\\?\"|&#34;|&quot;)|no such (?:table|column): \w|"
    r"You have an error in your SQL syntax|syntax error at or near (?:\\?\"|&#34;|&quot;)|unterminated quoted string at or near|"
    r"\[Microsoft\]\[ODBC|Unclosed quotation mark after the character string|SQLSTATE\[|\bORA-\d{5}: "
)
_QUOTE: Final = re.compile(r"(?i)'|%27")


def is_told(sent: str, answer: str) -> bool:
    """Whether something with a quote in it is answered with the error of a database."""
    return bool(_QUOTE.search(sent)) and bool(SAID.search(answer))


def without_quotes(sent: str) -> str:
    """The same without its quotes."""
    return _QUOTE.sub("", sent)
