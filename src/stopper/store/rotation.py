"""Refresh rotation in SQL. One conditional UPDATE decides who used a token; everything else follows from its row count."""

from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, Float, RowMapping, String, bindparam, delete, func, or_, select, update

from stopper.auth.account import Account
from stopper.auth.refresh_token import Build, Family, Rotation
from stopper.store import accounts as account_rows
from stopper.store import families as family_rows
from stopper.store import journal
from stopper.store.database import Database
from stopper.store.schema import accounts
from stopper.store.schema import refresh_families as families
from stopper.store.schema import refresh_tokens as tokens


class SqlRefresh:
    """A :class:`stopper.auth.refresh_token.RefreshStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_family(self, family: Family, account: Account, digest: bytes, idle_until: float) -> bool:
        """Insert a family with its first token, if the account still is as *account* says, what it may do too."""
        same = (
            select(accounts.c.id)
            .where(
                accounts.c.id == account.id,
                accounts.c.password_hash == account.password_hash,
                accounts.c.tokens_from == account.tokens_from,
                accounts.c.disabled_at.is_(None),
            )
            .with_for_update(read=True)
        )

        def work(connection: Connection) -> bool:
            if connection.execute(same).one_or_none() is None:
                return False
            family_rows.insert_family(connection, family)
            family_rows.insert_token(connection, digest, family.id, 0, idle_until)
            return True

        return self._database.write(work)

    def rotate(
        self,
        digest: bytes,
        used_by: str,
        client_id: str,
        device: str | None,
        now: float,
        token_until: float,
        build: Build,
        key: str | None = None,
    ) -> Rotation:
        """Use, repeat, end or refuse; see the protocol."""

        def work(connection: Connection) -> Rotation:
            _line_up(connection, digest)
            won = _use(connection, digest, used_by, client_id, device, key, now)
            if won is not None:
                return _succeed(connection, digest, won, build)
            return _explain(connection, digest, used_by, now, token_until)

        return self._database.write(work)

    def end_family(self, family_id: str, reason: str, now: float, token_until: float) -> bool:
        """End a family; False where it had ended."""
        return self._database.write(lambda connection: family_rows.end(connection, family_id, reason, now, token_until))

    def end_everything(self, now: float, token_until: float) -> int:
        """End every family and void every access token that was issued up to now; returns how many families ended."""

        return self._database.write(lambda connection: _end_many(connection, None, now, token_until))

    def end_client(self, client_id: str, now: float, token_until: float) -> int:
        """End every family of a client and void every access token that it was given up to now; returns how many families ended."""
        return self._database.write(lambda connection: _end_many(connection, client_id, now, token_until))

    def end_device(self, account_id: str, device: str, now: float, token_until: float) -> int:
        """End the families that one account has on one device, each by its own entry; returns how many ended."""
        on_it = select(families.c.id).where(
            families.c.account_id == account_id, families.c.device == device, families.c.ended_at.is_(None)
        )

        def work(connection: Connection) -> int:
            found = connection.execute(on_it.order_by(families.c.id)).scalars().all()
            return sum(family_rows.end(connection, one, "revoked-device", now, token_until) for one in found)

        return self._database.write(work)

    def family_of(self, digest: bytes) -> Family | None:
        """The family that a token belongs to."""
        wanted = select(tokens.c.family_id).where(tokens.c.digest == digest)

        def work(connection: Connection) -> Family | None:
            family_id = connection.execute(wanted).scalar_one_or_none()
            return None if family_id is None else family_rows.load(connection, family_id)

        return self._database.read(work)

    def families(self, account_id: str) -> list[Family]:
        """The families of one account that have not ended."""
        last_use = func.max(tokens.c.used_at).label("last_used_at")
        wanted = (
            select(families, last_use)
            .outerjoin(tokens, tokens.c.family_id == families.c.id)
            .where(families.c.account_id == account_id, families.c.ended_at.is_(None))
            .group_by(families.c.id)
            .order_by(families.c.created_at, families.c.id)
        )
        return self._database.read(
            lambda connection: [
                replace(family_rows.family_of(row), last_used_at=row["last_used_at"])
                for row in connection.execute(wanted).mappings()
            ]
        )

    def forget_answers(self, now: float) -> int:
        """Delete sealed answers whose window has ended; returns how many."""
        burn = update(tokens).where(tokens.c.retry_until <= now).values(sealed_answer=None, retry_until=None)
        return self._database.write(lambda connection: connection.execute(burn).rowcount)

    def forget_families(self, now: float) -> int:
        """Delete families that are past their absolute end, with their tokens; returns how many."""
        old = select(families.c.id).where(families.c.ends_at <= now)

        def work(connection: Connection) -> int:
            connection.execute(delete(tokens).where(tokens.c.family_id.in_(old)))
            return connection.execute(delete(families).where(families.c.ends_at <= now)).rowcount

        return self._database.write(work)


def _end_many(connection: Connection, client_id: str | None, now: float, token_until: float) -> int:
    """End the families of one client, or all, by one entry of the journal."""
    # A change within this second has given out tokens that bear the next one.
    ahead = connection.execute(select(func.max(accounts.c.tokens_from))).scalar_one_or_none() or 0
    before = max(int(now), ahead) + 1
    meant = (
        [families.c.ended_at.is_(None)]
        if client_id is None
        else [families.c.ended_at.is_(None), families.c.client_id == client_id]
    )
    count: int = connection.execute(select(func.count()).select_from(families).where(*meant)).scalar_one()
    family_rows.end_ahead(connection, before, now, token_until, client_id=client_id)
    reason = "revoked-all" if client_id is None else "revoked-client"
    connection.execute(update(families).where(*meant).values(ended_at=now, ended_reason=reason))
    burn = update(tokens).where(tokens.c.sealed_answer.is_not(None))
    if client_id is not None:
        burn = burn.where(tokens.c.family_id.in_(select(families.c.id).where(families.c.client_id == client_id)))
    connection.execute(burn.values(sealed_answer=None, retry_until=None))
    journal.append(connection, "all" if client_id is None else "client", client_id or "", before, token_until)
    return count


def _line_up(connection: Connection, digest: bytes) -> None:
    """Wait for whoever changes the account or ends the family, and keep them waiting.

    Without it PostgreSQL compares with the family as it was before the wait, and a token would be issued from a state that is gone.
    SQLite has one writer at a time and needs no more.
    """
    if connection.dialect.name != "postgresql":
        return
    connection.execute(_OWNER, {"p_digest": digest})
    connection.execute(_FAMILY, {"p_digest": digest})


# Made once: putting a statement together costs more than SQLite needs to run it.
_OF_TOKEN: Final = select(tokens.c.family_id).where(tokens.c.digest == bindparam("p_digest")).scalar_subquery()
_OWNER: Final = (
    select(accounts.c.id)
    .where(accounts.c.id == select(families.c.account_id).where(families.c.id == _OF_TOKEN).scalar_subquery())
    .with_for_update(read=True)
)
_FAMILY: Final = select(families.c.id).where(families.c.id == _OF_TOKEN).with_for_update()
_NOW: Final = bindparam("p_now", type_=Float())
_DEVICE: Final = bindparam("p_device", type_=String())
_LIVE: Final = (
    select(families.c.id)
    .join(accounts, accounts.c.id == families.c.account_id)
    .where(
        families.c.id == tokens.c.family_id,
        families.c.ended_at.is_(None),
        families.c.ends_at > _NOW,
        families.c.client_id == bindparam("p_client"),
        families.c.dpop_key.is_not_distinct_from(bindparam("p_key", type_=String())),
        accounts.c.disabled_at.is_(None),
        or_(_DEVICE.is_(None), families.c.device.is_(None), families.c.device == _DEVICE),
    )
)
_USE: Final = (
    update(tokens)
    .where(
        tokens.c.digest == bindparam("p_digest"), tokens.c.used_at.is_(None), tokens.c.idle_until > _NOW, _LIVE.exists()
    )
    .values(used_at=_NOW, used_by=bindparam("p_used_by"))
    .returning(tokens.c.family_id, tokens.c.generation)
)
_COUNT_UP: Final = (
    update(families).where(families.c.id == bindparam("p_family")).values(generation=bindparam("p_generation"))
)
_BURN: Final = (
    update(tokens)
    .where(tokens.c.family_id == bindparam("p_family"), tokens.c.generation == bindparam("p_generation"))
    .values(sealed_answer=None, retry_until=None)
)
_KEEP: Final = (
    update(tokens)
    .where(tokens.c.digest == bindparam("p_digest"))
    .values(sealed_answer=bindparam("p_sealed"), retry_until=bindparam("p_until"))
)


def _use(
    connection: Connection,
    digest: bytes,
    used_by: str,
    client_id: str,
    device: str | None,
    key: str | None,
    now: float,
) -> RowMapping | None:
    """Mark the token used if it may be used now; the row for the one caller who did, None for everybody else."""
    shown = {
        "p_digest": digest, "p_now": now, "p_client": client_id, "p_device": device, "p_key": key, "p_used_by": used_by,
    }  # fmt: skip
    return connection.execute(_USE, shown).mappings().one_or_none()


def _succeed(connection: Connection, digest: bytes, won: RowMapping, build: Build) -> Rotation:
    family = family_rows.load(connection, won["family_id"])
    account = None if family is None else account_rows.load(connection, family.account_id)
    if family is None or account is None:
        raise LookupError("a refresh token without its family or account; foreign keys are off")
    successor = build(family, account)
    generation: int = won["generation"]
    family_rows.insert_token(connection, successor.digest, family.id, generation + 1, successor.idle_until)
    connection.execute(_COUNT_UP, {"p_family": family.id, "p_generation": generation + 1})
    # Only the immediate predecessor may ask again: the answer before it goes now. Those before that one went with its own rotation.
    connection.execute(_BURN, {"p_family": family.id, "p_generation": generation - 1})
    connection.execute(_KEEP, {"p_digest": digest, "p_sealed": successor.sealed, "p_until": successor.retry_until})
    return Rotation("rotated", answer=successor.answer, family=family)


def _explain(connection: Connection, digest: bytes, used_by: str, now: float, token_until: float) -> Rotation:
    """Why the token could not be used, and what follows from it."""
    token = connection.execute(select(tokens).where(tokens.c.digest == digest)).mappings().one_or_none()
    family = None if token is None else family_rows.load(connection, token["family_id"])
    if token is None or family is None:
        return Rotation("refused", "refresh-unknown")
    account = account_rows.load(connection, family.account_id)
    if family.ended_at is not None:
        return Rotation("refused", "refresh-family-ended", family=family)
    if account is None or not account.active:
        return Rotation("refused", "refresh-account-disabled", family=family)
    if family.ends_at <= now:
        return Rotation("refused", "refresh-family-too-old", family=family)
    if token["used_at"] is None:
        reason = "refresh-idle-too-long" if token["idle_until"] <= now else "refresh-other-client"
        return Rotation("refused", reason, family=family)
    if _may_repeat(token, family, used_by, now):
        return Rotation("repeated", sealed=token["sealed_answer"], family=family)
    family_rows.end(connection, family.id, "reuse", now, token_until)
    return Rotation("reused", "refresh-reuse", family=family)


def _may_repeat(token: RowMapping, family: Family, used_by: str, now: float) -> bool:
    """The immediate predecessor, within its window, shown again by whoever used it."""
    return (
        token["generation"] == family.generation - 1
        and token["sealed_answer"] is not None
        and token["retry_until"] > now >= token["used_at"] - 1.0
        and token["used_by"] == used_by
    )
