"""journals: event journals by the place they lie at, and how far each was read."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Identified, Label, Model, Stamp, Total


class Journal(Identified, Model):
    __tablename__ = "journals"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        CheckConstraint("length(read_sha256) = 64", "read_sha256"),
        CheckConstraint("byte_offset >= 0 AND newlines >= 0", "byte_offset"),
    )

    # The file's own name, without its folders: the id follows from the whole path.
    name: Mapped[Label]
    byte_offset: Mapped[Total]
    newlines: Mapped[Total]
    # Of the bytes before the offset: whether it is still the same file.
    read_sha256: Mapped[str] = mapped_column(String(64))
    read_at: Mapped[Stamp]
