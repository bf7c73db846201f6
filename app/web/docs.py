"""GET /docs: the OpenAPI description as a page. Made here, from nothing but itself: no script, no other server."""

import base64
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.web.problems import title

router = APIRouter()

STYLE = files("app.web").joinpath("docs.css").read_text()
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
LIMITS = {"minimum": "≥", "maximum": "≤", "minLength": "characters ≥", "maxLength": "characters ≤"}
ABOVE = {
    "viewer": "every member",
    "engineer": "engineer, admin, owner",
    "admin": "admin, owner",
    "owner": "owner",
}
SIGN_IN = 'curl -s $TALLY_URL/api/v1/auth/token --json \'{"api_key": "tly_…"}\''

Schema = Mapping[str, Any]
Named = tuple[str, str, Schema]  # method, path, operation


@router.get("/docs", include_in_schema=False)
async def read_docs(request: Request) -> HTMLResponse:
    """What can be asked, by whom, and what comes back."""
    return HTMLResponse(page(json.dumps(request.app.openapi())), headers=HEADERS)


@cache
def page(openapi: str) -> str:
    described = json.loads(openapi)
    tags = by_tag(described)
    shapes = described["components"]["schemas"]
    contents = join(f"<li>{escape(tag)}<ul>{join(entry(one) for one in named)}</ul>" for tag, named in tags.items())
    chapters = join(
        f"<section><h2>{escape(tag)}</h2>{join(article(one) for one in named)}</section>" for tag, named in tags.items()
    )
    name, version = escape(described["info"]["title"]), escape(described["info"]["version"])
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{name} API</title>
<style>{STYLE}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the description</a>
<nav aria-label="Contents"><p class="brand">{name} <small>{version}</small></p>
<ul>{contents}<li><a href="#shapes">Shapes</a></ul></nav>
<main id="main">
<header><h1>{name} API</h1>
<p>{escape(described["info"]["description"])}</p>
<p>Exchange an API key for a token, then send it as <code>Authorization: Bearer …</code>:</p>
<pre tabindex="0"><code>{escape(SIGN_IN)}</code></pre>
<p>Answers are JSON; whatever is not 2xx is a {link("ProblemDocument")} with the content type
<code>application/problem+json</code>, whose <code>detail</code> says what to do. Machines read
<a href="/openapi.json">openapi.json</a>.</p></header>
{chapters}
<section id="shapes"><h2>Shapes</h2>{join(shape(name, schema) for name, schema in sorted(shapes.items()))}</section>
</main>
</body>
</html>
"""


def by_tag(described: Schema) -> dict[str, list[Named]]:
    found: defaultdict[str, list[Named]] = defaultdict(list)
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            found[operation.get("tags", ["other"])[0]].append((method.upper(), path, operation))
    return dict(found)


def entry(one: Named) -> str:
    method, path, operation = one
    return f'<li><a href="#{operation["operationId"]}"><b class="{method}">{method}</b> {wrapping(path)}</a>'


def article(one: Named) -> str:
    method, path, operation = one
    identity = operation["operationId"]
    described = join(f"<p>{prose(part)}</p>" for part in operation.get("description", "").split("\n\n") if part)
    return f"""<article id="{identity}" aria-labelledby="{identity}-title">
<h3 id="{identity}-title"><b class="{method}">{method}</b> <a href="#{identity}">{wrapping(path)}</a></h3>
<p class="who">{who(operation)}</p>{described}
{parameters(operation)}{body(operation)}
<h4>Answers</h4><dl class="answers">{join(answers(operation))}</dl>
<pre tabindex="0"><code>{escape(curl(one))}</code></pre>
</article>"""


def who(operation: Schema) -> str:
    """The role, which stands in the scopes of the security requirement."""
    role = next((scopes[0] for need in operation.get("security", ()) for scopes in need.values() if scopes), None)
    return f"For {ABOVE[role]}" if role else "Needs no credentials"


def parameters(operation: Schema) -> str:
    given = operation.get("parameters", ())
    fields = join(field(p["name"], {**p["schema"], **p}, p.get("required", False), p["in"]) for p in given)
    return f"<h4>Parameters</h4><dl>{fields}</dl>" if given else ""


def body(operation: Schema) -> str:
    contents = operation.get("requestBody", {}).get("content", {})
    return join(
        f"<h4>Body</h4><p><code>{escape(kind)}</code> {kind_of(content.get('schema', {}))}</p>"
        for kind, content in contents.items()
    )


def answers(operation: Schema) -> Iterator[str]:
    """Good ones with their shape; problems in one line, because they all look alike."""
    bad = [status for status in operation["responses"] if not status.startswith("2")]
    for status, answer in operation["responses"].items():
        if status not in bad:
            kinds = [kind_of(content.get("schema", {})) for content in answer.get("content", {}).values()]
            yield f"<dt>{status}<dd>{', '.join(kinds) or 'nothing more'}"
    listed = ", ".join(f'<abbr title="{title(int(status))}">{status}</abbr>' for status in bad)
    yield f"<dt>else<dd>{listed}"


def shape(name: str, schema: Schema) -> str:
    required = schema.get("required", ())
    fields = join(field(each, inner, each in required) for each, inner in schema.get("properties", {}).items())
    described = f"<p>{prose(schema['description'])}</p>" if "description" in schema else ""
    return f'<article id="shape-{anchor(name)}"><h3>{called(name)}</h3>{described}<dl>{fields}</dl></article>'


def field(name: str, schema: Schema, required: bool, place: str = "") -> str:  # noqa: FBT001 - reads as OpenAPI does
    notes = [place, kind_of(schema), *limits(schema), "required" if required else ""]
    if schema.get("default") is not None:
        notes.append(f"default <code>{escape(json.dumps(schema['default']))}</code>")
    said = f"<br>{prose(schema['description'])}" if "description" in schema else ""
    return f"<dt><code>{escape(name)}</code><dd><span>{' · '.join(note for note in notes if note)}</span>{said}"


def limits(schema: Schema) -> Iterator[str]:
    for inner in (schema, *schema.get("anyOf", ())):
        yield from (f"{sign} {inner[key]}" for key, sign in LIMITS.items() if key in inner)


def kind_of(schema: Schema) -> str:
    """A type in words; a shape of ours as a link to it."""
    if "$ref" in schema:
        return link(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(kind_of(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(escape(json.dumps(value)) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {kind_of(schema['items'])}"
    return escape(schema.get("format") or schema.get("type") or json.dumps(schema.get("const", "any")))


def curl(one: Named) -> str:
    method, path, operation = one
    parts = ["curl -s"]
    if method not in ("GET", "POST"):
        parts.append(f"-X {method}")
    # {user_id} reads as a shell variable: $USER_ID.
    address = re.sub(r"\{(\w+)\}", lambda found: "$" + found[1].upper(), path)
    parts.append(f'"$TALLY_URL{address}"')
    if operation.get("security"):
        parts.append('-H "Authorization: Bearer $TOKEN"')
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        parts.append("--json @body.json")
    elif method == "POST":
        parts.append("-X POST")
    return " ".join(parts)


def prose(text: str) -> str:
    """Docstrings mark names with backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def link(name: str) -> str:
    return f'<a href="#shape-{anchor(name)}">{called(name)}</a>'


def called(name: str) -> str:
    """Page_Key_ is how the framework writes Page[Key]."""
    return escape(re.sub(r"^([A-Za-z]+)_(\w+)_$", r"\1 of \2", name))


def anchor(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)


def wrapping(path: str) -> str:
    """A long path may break after a slash."""
    return escape(path).replace("/", "/<wbr>")


def join(parts: Iterable[str]) -> str:
    return "\n".join(parts)
