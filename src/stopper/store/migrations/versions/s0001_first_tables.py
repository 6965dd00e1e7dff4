"""The first tables: accounts, signing keys, refresh families, revocations, used-up things."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the tables."""
    _accounts_and_keys()
    _refresh()
    op.create_table(
        "revocations",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("value", sa.String(256), nullable=False),
        sa.Column("before", sa.BigInteger, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_revocations"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_revocations_until", "revocations", ["until"])
    op.create_table(
        "single_use",
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("purpose", "tenant", "digest", name="pk_single_use"),
    )
    op.create_index("ix_single_use_until", "single_use", ["until"])


def _accounts_and_keys() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("disabled_at", sa.Float),
        sa.Column("tokens_from", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("email", name="uq_accounts_email"),
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(128), nullable=False),
        sa.Column("algorithm", sa.String(16), nullable=False),
        sa.Column("public", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("activates_at", sa.Float, nullable=False),
        sa.Column("retires_at", sa.Float),
        sa.Column("expires_at", sa.Float),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )


def _refresh() -> None:
    op.create_table(
        "refresh_families",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("device", sa.String(128)),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("auth_time", sa.BigInteger, nullable=False),
        sa.Column("amr", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("ends_at", sa.Float, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("ended_at", sa.Float),
        sa.Column("ended_reason", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_refresh_families"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_refresh_families_account_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_refresh_families_account_id", "refresh_families", ["account_id"])
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("family_id", sa.String(64), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("idle_until", sa.Float, nullable=False),
        sa.Column("used_at", sa.Float),
        sa.Column("used_by", sa.String(512)),
        sa.Column("sealed_answer", sa.LargeBinary),
        sa.Column("retry_until", sa.Float),
        sa.PrimaryKeyConstraint("digest", name="pk_refresh_tokens"),
        sa.UniqueConstraint("family_id", "generation", name="uq_refresh_tokens_family_id"),
        sa.ForeignKeyConstraint(
            ["family_id"], ["refresh_families.id"], name="fk_refresh_tokens_family_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_refresh_tokens_retry_until", "refresh_tokens", ["retry_until"])


def downgrade() -> None:
    """Drop them, those that point at others first."""
    for table in ("single_use", "revocations", "refresh_tokens", "refresh_families", "signing_keys", "accounts"):
        op.drop_table(table)
