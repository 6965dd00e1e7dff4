"""Refresh families that are bound to a client's key (RFC 9449)."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the column; the families that are there are bound to no key."""
    op.add_column("refresh_families", sa.Column("dpop_key", sa.String(64)))


def downgrade() -> None:
    """End the bound families, which would be anybody's without the column, and drop it."""
    op.execute(
        "DELETE FROM refresh_tokens WHERE family_id IN (SELECT id FROM refresh_families WHERE dpop_key IS NOT NULL)"
    )
    op.execute("DELETE FROM refresh_families WHERE dpop_key IS NOT NULL")
    op.drop_column("refresh_families", "dpop_key")
