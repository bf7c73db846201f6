"""Whether a database URL leads to a server we can use; where it does not, why, in one sentence."""

import os
import socket
import ssl

import asyncpg
from sqlalchemy import URL

from app.db.addresses import OLDEST, BadAddress, plain

PATIENCE_S = 10
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")


class Away(BadAddress):
    """Nothing answers there at the moment; later something may."""


async def preflight(url: URL, setting: str) -> None:
    """Raise BadAddress where `setting` leads to no server that we can use."""
    try:
        connection = await asyncpg.connect(plain(url), timeout=PATIENCE_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise refusal(error, url, setting) from None
    try:
        found = connection.get_server_version()
    finally:
        await connection.close()
    if found.major < OLDEST:
        raise BadAddress(f"{setting}: PostgreSQL {found.major} is too old, Tally needs {OLDEST} or newer.")


def refusal(error: Exception, url: URL, setting: str) -> BadAddress:
    """The driver's reason in plain words; the password is in none of them."""
    where = f"{url.host}:{url.port or 5432}" if url.host else f"{url.query.get('host', 'the local socket')}"
    final = {
        "28P01": f"{setting}: {where} refuses the password of {url.username}.",
        "28000": f"{setting}: {where} does not let {url.username} in; does the role exist, does pg_hba.conf admit it?",
        "3D000": f'{setting}: there is no database "{url.database}" at {where}; create it first.',
    }
    passing = {
        "53300": f"{setting}: {where} has no connection left; raise its max_connections.",
        "57P03": f"{setting}: {where} is starting or stopping.",
    }
    state = getattr(error, "sqlstate", None)
    if state in final:
        return BadAddress(final[state])
    if state in passing:
        return Away(passing[state])
    if state == "42704":
        named = next((name for name in url.query if name in str(error)), "one of the parameters")
        return BadAddress(f"{setting}: {where} does not know {named}, which the URL asks for: leave it out.")
    return untrusted(error, url, f"{setting}: ", where) or unanswered(error, f"{setting}: ", where)


def untrusted(error: Exception, url: URL, setting: str, where: str) -> BadAddress | None:
    """Why TLS did not come about, where it is TLS; asking again would not help."""
    mode = url.query.get("sslmode")
    closed = [name for name in FILES if name in url.query and not os.access(str(url.query[name]), os.R_OK)]
    match error:
        case _ if closed:
            return BadAddress(f"{setting}the file of {closed[0]} cannot be read.")
        case ssl.SSLCertVerificationError():
            return BadAddress(
                f"{setting}the certificate of {where} is not trusted ({error.verify_message.rstrip('.')}): name the "
                "authority that signed it with sslrootcert=FILE, and the host as the certificate does."
            )
        case asyncpg.ClientConfigurationError() if str(mode).startswith("verify"):
            return BadAddress(f"{setting}sslmode={mode} needs sslrootcert=FILE, the authority's certificate.")
        case ssl.SSLError():
            return BadAddress(f"{setting}TLS with {where} does not come about ({error.reason or 'no reason given'}).")
        case ConnectionError() if "SSL upgrade" in str(error):
            return BadAddress(f"{setting}{where} does not speak TLS, which sslmode={mode} asks for.")
    return None


def unanswered(error: Exception, setting: str, where: str) -> BadAddress:
    match error:
        case socket.gaierror():
            return Away(f"{setting}the name in {where} is unknown to this machine.")
        case TimeoutError():
            return Away(f"{setting}{where} did not answer within {PATIENCE_S} seconds.")
        case OSError():
            return Away(f"{setting}nothing answers at {where}.")
        case _:
            return BadAddress(f"{setting}{where} gave no usable answer ({type(error).__name__}).")
