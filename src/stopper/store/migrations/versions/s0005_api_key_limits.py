"""API keys: where they may be used from, how often, what replaced them, and when their owner was reminded."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the columns; the keys that are there may be used from everywhere."""
    op.add_column("api_keys", sa.Column("addresses", sa.Text, nullable=False, server_default="[]"))
    op.add_column("api_keys", sa.Column("rate_limit", sa.String(128)))
    op.add_column("api_keys", sa.Column("replaced_by", sa.String(64)))
    op.add_column("api_keys", sa.Column("reminded_at", sa.Float))


def downgrade() -> None:
    """End the keys that are bound to addresses, which would be good everywhere without the column, and drop the columns."""
    op.execute("DELETE FROM api_keys WHERE addresses <> '[]'")
    for column in ("reminded_at", "replaced_by", "rate_limit", "addresses"):
        op.drop_column("api_keys", column)
