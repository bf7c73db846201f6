"""Who may call what: the least role of every operation. One not listed here fails the build."""

from typing import Literal

from app.auth.caller import Role

Least = Role | Literal["public"]

MATRIX: dict[tuple[str, str], Least] = {
    ("POST", "/api/v1/auth/token"): "public",
    ("GET", "/health/live"): "public",
    ("GET", "/health/ready"): "public",
    ("GET", "/metrics"): "public",
    ("GET", "/api/v1/me"): "viewer",
    ("GET", "/api/v1/me/stats/sessions"): "viewer",
    ("GET", "/api/v1/me/stats/tokens"): "viewer",
    ("GET", "/api/v1/me/stats/queries"): "viewer",
    ("GET", "/api/v1/me/stats/sync"): "viewer",
    ("GET", "/api/v1/me/export"): "viewer",
    ("POST", "/api/v1/ingest/batches"): "viewer",
    ("GET", "/api/v1/transcripts"): "viewer",
    ("POST", "/api/v1/transcripts"): "viewer",
    ("DELETE", "/api/v1/transcripts/{transcript_id}"): "viewer",
    ("POST", "/api/v1/admin/processors/{processor}/release"): "admin",
    ("GET", "/api/v1/sync/manifest"): "viewer",
    ("POST", "/api/v1/sync/pushes"): "viewer",
    ("GET", "/api/v1/keys"): "viewer",
    ("POST", "/api/v1/keys"): "viewer",
    ("DELETE", "/api/v1/keys/{key_id}"): "viewer",
    ("GET", "/api/v1/users"): "admin",
    ("POST", "/api/v1/users"): "admin",
    ("GET", "/api/v1/users/{user_id}"): "admin",
    ("PATCH", "/api/v1/users/{user_id}"): "admin",
    ("DELETE", "/api/v1/users/{user_id}/data"): "admin",
    ("DELETE", "/api/v1/account"): "owner",
    ("GET", "/api/v1/analytics/usage"): "engineer",
    ("GET", "/api/v1/analytics/agents"): "engineer",
    ("GET", "/api/v1/analytics/models"): "engineer",
    ("GET", "/api/v1/analytics/summary"): "engineer",
    ("GET", "/api/v1/analytics/tools"): "engineer",
    ("GET", "/api/v1/analytics/users"): "engineer",
    ("GET", "/api/v1/analytics/sessions"): "engineer",
    ("GET", "/api/v1/analytics/flowpilot/escalations"): "engineer",
    ("GET", "/api/v1/analytics/friction"): "engineer",
    ("GET", "/api/v1/analytics/export"): "admin",
    ("GET", "/api/v1/account"): "admin",
    ("PATCH", "/api/v1/account"): "admin",
    ("GET", "/api/v1/account/retention"): "admin",
    ("POST", "/api/v1/account/retention"): "admin",
    ("GET", "/api/v1/account/rollups"): "admin",
    ("POST", "/api/v1/account/rollups"): "admin",
    ("GET", "/api/v1/admin/audit"): "admin",
}
