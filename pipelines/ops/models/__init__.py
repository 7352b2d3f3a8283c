"""The tables of ops.db, by subject. Importing this package registers all of them with `Base.metadata`."""

from pipelines.ops.models.access import LoginAttempt, OneTimeLink, SessionRow, UserRole, UserRow
from pipelines.ops.models.audit import AuditEntry, AuditHead
from pipelines.ops.models.base import Base
from pipelines.ops.models.decisions import Decision, DecisionSubject, FieldBase, OutboxEntry, Suggestion
from pipelines.ops.models.ledger import Alias, AntiLink, Entity, Link, OpsNumber
from pipelines.ops.models.operation import (
    BreakerRow,
    FindingRow,
    ServiceBeat,
    SourcePosition,
    SyncRequest,
    SyncRun,
    SyncRunSource,
)
from pipelines.ops.models.people import Consent, Contact
from pipelines.ops.models.settings import HolidayRow, HolidayYear, SettingsHistory

__all__ = [
    "Alias",
    "AntiLink",
    "AuditEntry",
    "AuditHead",
    "Base",
    "BreakerRow",
    "Consent",
    "Contact",
    "Decision",
    "DecisionSubject",
    "Entity",
    "FieldBase",
    "FindingRow",
    "HolidayRow",
    "HolidayYear",
    "Link",
    "LoginAttempt",
    "OneTimeLink",
    "OpsNumber",
    "OutboxEntry",
    "ServiceBeat",
    "SessionRow",
    "SettingsHistory",
    "SourcePosition",
    "Suggestion",
    "SyncRequest",
    "SyncRun",
    "SyncRunSource",
    "UserRole",
    "UserRow",
]
