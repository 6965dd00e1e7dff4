"""Rows of refresh families and tokens: read, inserted and ended within somebody else's transaction."""

from typing import Final

from sqlalchemy import Connection, RowMapping, bindparam, exists, insert, or_, select, update

from stopper.auth.refresh_token import Family
from stopper.store import journal
from stopper.store.schema import refresh_families as families
from stopper.store.schema import refresh_tokens as tokens
from stopper.store.words import pack, unpack

_INSERT: Final = insert(tokens)
_LOAD: Final = select(families).where(families.c.id == bindparam("p_id"))


def insert_family(connection: Connection, family: Family) -> None:
    """Insert the family's row."""
    connection.execute(
        insert(families).values(
            id=family.id,
            account_id=family.account_id,
            client_id=family.client_id,
            device=family.device,
            scopes=pack(family.scopes),
            auth_time=family.auth_time,
            amr=pack(family.amr),
            created_at=family.created_at,
            ends_at=family.ends_at,
            generation=family.generation,
            dpop_key=family.key,
        )
    )


def insert_token(connection: Connection, digest: bytes, family_id: str, generation: int, idle_until: float) -> None:
    """Insert a token that nobody has used."""
    made = {"digest": digest, "family_id": family_id, "generation": generation, "idle_until": idle_until}
    connection.execute(_INSERT, made)


def load(connection: Connection, family_id: str) -> Family | None:
    """The family of this id."""
    row = connection.execute(_LOAD, {"p_id": family_id}).mappings().one_or_none()
    return None if row is None else family_of(row)


def end(connection: Connection, family_id: str, reason: str, now: float, token_until: float) -> bool:
    """End a family, burn its sealed answers and void its access tokens. False where it had ended."""
    ended = connection.execute(
        update(families)
        .where(families.c.id == family_id, families.c.ended_at.is_(None))
        .values(ended_at=now, ended_reason=reason)
    )
    if ended.rowcount != 1:
        return False
    burn = tokens.c.family_id == family_id
    connection.execute(update(tokens).where(burn).values(sealed_answer=None, retry_until=None))
    journal.append(connection, "family", family_id, 0, token_until)
    return True


def end_all(connection: Connection, account_id: str, reason: str, now: float, token_until: float) -> None:
    """End every family of an account, burn the sealed answers and void the access tokens, each by its own entry."""
    # Families first, as in end(): who takes locks in one order does not meet anybody head on.
    ended = connection.execute(
        update(families)
        .where(families.c.account_id == account_id, families.c.ended_at.is_(None))
        .values(ended_at=now, ended_reason=reason)
        .returning(families.c.id)
    ).scalars()
    ids = ended.all()
    of_account = select(families.c.id).where(families.c.account_id == account_id)
    burn = tokens.c.family_id.in_(of_account), tokens.c.sealed_answer.is_not(None)
    connection.execute(update(tokens).where(*burn).values(sealed_answer=None, retry_until=None))
    for family_id in ids:
        journal.append(connection, "family", family_id, 0, token_until)


def end_ahead(
    connection: Connection,
    before: int,
    now: float,
    token_until: float,
    account_id: str | None = None,
    *,
    client_id: str | None = None,
) -> None:
    """End the families, of one account, of one client or of all, that issued a token at *before* or later: only a clock that was set back leaves one.

    Such a token would outlive "void everything before", and a later *before* would void honest ones.
    """
    issued = exists().where(tokens.c.family_id == families.c.id, tokens.c.used_at >= before)
    ahead = select(families.c.id).where(families.c.ended_at.is_(None), or_(families.c.created_at >= before, issued))
    if account_id is not None:
        ahead = ahead.where(families.c.account_id == account_id)
    if client_id is not None:
        ahead = ahead.where(families.c.client_id == client_id)
    for family_id in connection.execute(ahead.order_by(families.c.id)).scalars().all():
        end(connection, family_id, "clock", now, token_until)


def family_of(row: RowMapping) -> Family:
    """The family that a row holds."""
    return Family(
        id=row["id"],
        account_id=row["account_id"],
        client_id=row["client_id"],
        device=row["device"],
        scopes=unpack(row["scopes"]),
        auth_time=row["auth_time"],
        amr=unpack(row["amr"]),
        created_at=row["created_at"],
        ends_at=row["ends_at"],
        generation=row["generation"],
        ended_at=row["ended_at"],
        ended_reason=row["ended_reason"],
        key=row["dpop_key"],
    )
