"""What `tally up` says once it answers."""

from collections.abc import Mapping

import typer


def announce(url: str, keys: Mapping[str, str], *, has_dashboard: bool) -> None:
    """Where it is, how to get in, and one call to paste."""
    typer.echo(f"\nTally is ready: {url}   (API reference: {url}/docs)\n")
    if not keys:
        typer.echo(
            "No demo account. To begin: tally account create NAME; tally user add EMAIL --account ID --role owner;"
            f" tally key create --user ID{' makes the key that opens the dashboard' if has_dashboard else ''}"
        )
    else:
        typer.echo("Demo sign-in keys:")
        for role, key in keys.items():
            typer.echo(f"  {role:<9} {key}")
        if has_dashboard:
            typer.echo(f"\nDashboard: open {url} and paste one of these keys.")
        typer.echo(f"\nTry it:\n{example(url, keys['engineer'])}")
    typer.echo("\nCtrl-C stops everything.\n")


def example(url: str, key: str) -> str:
    """One line that signs in and asks a question; needs nothing but a shell and curl."""
    sign_in = f"curl -s {url}/api/v1/auth/token -H 'Content-Type: application/json' -d '{{\"api_key\": \"{key}\"}}'"
    take = 'sed \'s/.*"access_token":"\\([^"]*\\)".*/\\1/\''
    return f'  curl -s {url}/api/v1/me -H "Authorization: Bearer $({sign_in} | {take})"'
