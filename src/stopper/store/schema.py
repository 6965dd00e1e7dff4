"""The tables as they are now. How a database gets there stands in ``migrations/versions``; a test compares the two."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Times are seconds since the epoch as floats: one type in both databases, no time zones to lose.
Sequence: Final = BigInteger().with_variant(Integer(), "sqlite")

accounts: Final = Table(
    "accounts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("disabled_at", Float),
    Column("tokens_from", BigInteger, nullable=False),
)

signing_keys: Final = Table(
    "signing_keys",
    metadata,
    Column("kid", String(128), primary_key=True),
    Column("algorithm", String(16), nullable=False),
    Column("public", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("activates_at", Float, nullable=False),
    Column("retires_at", Float),
    Column("expires_at", Float),
)

refresh_families: Final = Table(
    "refresh_families",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", String(64), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("client_id", String(128), nullable=False),
    Column("device", String(128)),
    Column("scopes", Text, nullable=False),
    Column("auth_time", BigInteger, nullable=False),
    Column("amr", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("ends_at", Float, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("ended_at", Float),
    Column("ended_reason", String(64)),
    Column("dpop_key", String(64)),
)

refresh_tokens: Final = Table(
    "refresh_tokens",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("family_id", String(64), ForeignKey("refresh_families.id", ondelete="CASCADE"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("idle_until", Float, nullable=False),
    Column("used_at", Float),
    Column("used_by", String(512)),
    Column("sealed_answer", LargeBinary),
    Column("retry_until", Float),
    UniqueConstraint("family_id", "generation"),
)
Index("ix_refresh_tokens_retry_until", refresh_tokens.c.retry_until)

revocations: Final = Table(
    "revocations",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("value", String(256), nullable=False),
    Column("before", BigInteger, nullable=False),
    Column("until", Float, nullable=False, index=True),
    sqlite_autoincrement=True,
)

single_use: Final = Table(
    "single_use",
    metadata,
    Column("purpose", String(64), primary_key=True),
    Column("tenant", String(64), primary_key=True),
    Column("digest", LargeBinary(32), primary_key=True),
    Column("until", Float, nullable=False, index=True),
)

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("subject", String(128), nullable=False, index=True),
    Column("name", String(128), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("tenant", String(64)),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("last_used_at", Float),
    Column("addresses", Text, nullable=False, server_default="[]"),
    Column("rate_limit", String(128)),
    Column("replaced_by", String(64)),
    Column("reminded_at", Float),
)

browser_sessions: Final = Table(
    "browser_sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("subject", String(256), nullable=False, index=True),
    Column("tenant", String(128)),
    Column("device", String(128)),
    Column("scopes", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("amr", Text, nullable=False),
    Column("claims", Text, nullable=False),
    Column("auth_time", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("last_used_at", Float, nullable=False),
    Column("ends_at", Float, nullable=False, index=True),
)
