"""The two roles, made where they are missing: the owner of the schema and the application.

Emitted offline too. Roles live in the cluster, not in the database, so a downgrade leaves them.
"""

import base64
import hashlib
import hmac
import os
import unicodedata

# Two databases of one server may be migrated at the same moment: the second finds the role made meanwhile.
ROLES = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tally_owner') THEN
        BEGIN
            CREATE ROLE tally_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tally_app') THEN
        BEGIN
            CREATE ROLE tally_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'tally_owner', 'SET') THEN
        GRANT tally_owner TO CURRENT_USER WITH SET TRUE;
    END IF;
    IF NOT has_schema_privilege('tally_owner', 'public', 'CREATE') THEN
        GRANT CREATE ON SCHEMA public TO tally_owner;
    END IF;
END
$$
"""


def scram(password: str) -> str:
    """The form PostgreSQL stores, made here, so that the password itself reaches no server log."""
    salt, rounds = os.urandom(16), 4096
    # Clients send other than plain letters in this normal form (SASLprep).
    normal = unicodedata.normalize("NFKC", password).encode()
    salted = hashlib.pbkdf2_hmac("sha256", normal, salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    first, second, third = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${rounds}:{first}${second}:{third}"


def with_password(password: str) -> str:
    """For an application role that the lines above have just made: its password is the one of DATABASE_URL."""
    return f"ALTER ROLE tally_app PASSWORD '{scram(password)}'"
