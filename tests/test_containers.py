"""The image and the composition, as far as that can be known without a container engine."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app.db.addresses import parse
from app.db.embedded import Embedded
from app.settings import Settings
from tests.cli.conftest import free_port
from tests.cli.terminal import Terminal
from tests.server import FAST, administer, reachable

ROOT = Path(__file__).parent.parent
SECRETS = ("POSTGRES_PASSWORD", "TALLY_APP_PASSWORD", "TALLY_JWT_SECRET")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"]
    return found


@pytest.fixture(scope="module")
def dockerfile() -> list[list[str]]:
    """Instructions and their arguments, continuation lines joined, without comments."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    return [line.split(maxsplit=1) for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def test_everything_starts_after_what_it_needs(services: dict[str, Any]) -> None:
    assert set(services) == {"postgres", "migrate", "api", "worker"}
    assert services["postgres"]["image"] == "postgres:18"
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("api", "worker"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
        assert services[name]["healthcheck"]["test"]
    assert services["migrate"]["restart"] == "no"


def test_no_secret_has_a_default(services: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for secret in SECRETS:
        assert re.search(rf"\$\{{{secret}:\?[^}}]+\}}", text), f"{secret} must be asked for"
        assert f"{secret}:-" not in text
        assert re.search(rf"^# {secret}=$", (ROOT / ".env.example").read_text(), re.MULTILINE)


def test_only_the_migration_knows_the_superuser(services: dict[str, Any]) -> None:
    for name in ("api", "worker"):
        assert "POSTGRES_PASSWORD" not in json.dumps(services[name])
        assert services[name]["environment"]["DATABASE_URL"].startswith("postgresql://tally_app:")
    assert services["migrate"]["environment"]["MIGRATION_DATABASE_URL"].startswith("postgresql://postgres:")


def test_containers_are_confined(services: dict[str, Any]) -> None:
    for name in ("migrate", "api", "worker"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert all(port.startswith("127.0.0.1:") for port in services[name].get("ports", []))


def test_every_setting_of_image_and_composition_exists(services: dict[str, Any], dockerfile: list[list[str]]) -> None:
    known = {field.alias for field in Settings.model_fields.values()}
    inside = {name for service in services.values() for name in service.get("environment", {})}
    env = next(arguments for instruction, arguments in dockerfile if instruction == "ENV" and "TALLY" in arguments)
    for name in inside | set(re.findall(r"(\w+)=", env)):
        assert name in known or not name.startswith(("TALLY_", "DATABASE", "MIGRATION")), name


def test_the_image_ends_as_an_ordinary_user_with_a_health_check(dockerfile: list[list[str]]) -> None:
    last = [i for i, (instruction, _) in enumerate(dockerfile) if instruction == "FROM"][-1]
    final = dict(dockerfile[last:])
    assert final["USER"] == "tally"
    assert "/health/live" in final["HEALTHCHECK"]
    assert json.loads(final["CMD"]) == ["tally", "serve"]
    python = re.compile(r"python:3\.12-slim-\w+( AS build)?")
    assert all(python.fullmatch(line) for kind, line in dockerfile if kind == "FROM" and "AS dashboard" not in line)


def test_the_image_takes_hashed_dependencies_and_what_it_copies_is_sent(dockerfile: list[list[str]]) -> None:
    assert any("--require-hashes" in arguments for instruction, arguments in dockerfile if instruction == "RUN")
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for instruction, arguments in dockerfile:
        if instruction == "COPY" and "--from" not in arguments:
            for path in arguments.split()[:-1]:
                assert path.removeprefix("./") in sent
                assert (ROOT / path).exists()


def test_the_image_can_be_built_with_what_the_extras_need_by_hash(dockerfile: list[list[str]]) -> None:
    """Which packages those are, pyproject.toml says; the line that picks them is run as the image runs it."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = sorted(re.match(r"\w+", needed)[0] for extra in extras.values() for needed in extra)  # type: ignore[index]
    line = next(arguments for kind, arguments in dockerfile if kind == "RUN" and "$EXTRAS" in arguments)
    picking = line.partition("> extras.lock")[0]
    picked = subprocess.run(
        ["sh", "-c", picking], env={"PATH": os.environ["PATH"], "EXTRAS": " ".join(names)}, cwd=ROOT,
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert re.findall(r"^(\w+)==", picked, re.MULTILINE) == names
    assert picked.count("--hash=sha256:") > len(names)
    assert not picked.rstrip().endswith("\\")


def ran(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    around = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(command, env=around, capture_output=True, text=True, check=False)


def test_the_worker_sees_the_logs_that_the_api_takes_in(services: dict[str, Any]) -> None:
    assert services["api"]["volumes"] == services["worker"]["volumes"] == ["data:/data"]


COMPOSE = shutil.which("docker") is not None and ran("docker", "compose", "version").returncode == 0


@pytest.mark.skipif(not COMPOSE, reason="no docker compose here")
def test_docker_compose_takes_the_file() -> None:
    command = ["docker", "compose", "-f", str(ROOT / "docker-compose.yml"), "config", "--quiet"]
    assert ran(*command, **dict.fromkeys(SECRETS, "x" * 32)).stderr == ""
    refused = ran(*command)
    assert refused.returncode != 0
    assert "set a" in refused.stderr


@pytest.fixture(scope="module")
def socket_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL as the image makes it: a superuser, an empty database, no role of ours."""
    with Embedded(reachable(tmp_path_factory.mktemp("postgres")) / "cluster", options=FAST) as running:
        admin = parse(running.url("postgres", "postgres"))
        roles = "DROP ROLE tally_owner", "DROP ROLE tally_app", "CREATE DATABASE tally"
        administer(admin, "DROP DATABASE tally", *roles)
        yield str(running.socket_dir)


class Stand:
    """The services of the composition as processes, each with its own command and environment and no other."""

    def __init__(self, services: dict[str, Any], folder: Path, socket_dir: str) -> None:
        self._services = services
        self._folder = folder
        self._socket_dir = socket_dir
        self.port = free_port()
        self._secrets = {name: f"{name.lower().replace('_', '')}-of-32-characters-and-more" for name in SECRETS}

    def _here(self, text: str) -> str:
        """What differs between a container and a process: the server's name, the volume, the port."""
        text = re.sub(r"\$\{(\w+)[^}]*\}", lambda found: self._secrets[found[1]], text)
        text = text.replace("@postgres/tally", f"@/tally?host={self._socket_dir}")
        return text.replace("/data/", f"{self._folder}/").replace(":8000", f":{self.port}")

    def terminal(self, name: str) -> Terminal:
        environment = {key: self._here(value) for key, value in self._services[name]["environment"].items()}
        data = {"TALLY_DATA_DIR": str(self._folder), "TALLY_PORT": str(self.port), "TALLY_LOG_FORMAT": "json"}
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return Terminal(folder, {**data, **environment})

    def command(self, name: str) -> list[str]:
        given: list[str] = self._services[name].get("command", ["tally", "serve"])
        assert given[0] == "tally"
        return given[1:]

    def healthy(self, name: str) -> bool:
        _, program, *arguments = (self._here(word) for word in self._services[name]["healthcheck"]["test"])
        assert program == "python"
        return ran(sys.executable, *arguments).returncode == 0


def test_the_containers_commands_run_in_order(services: dict[str, Any], tmp_path: Path, socket_dir: str) -> None:
    stand = Stand(services, tmp_path, socket_dir)
    assert not stand.healthy("api")
    assert not stand.healthy("worker")
    migrated = stand.terminal("migrate").tally(*stand.command("migrate"))
    assert migrated.code == 0, migrated.err
    with (
        stand.terminal("api").running(*stand.command("api")) as api,
        stand.terminal("worker").running(*stand.command("worker")) as worker,
    ):
        api.wait_for('"event":"ready"')
        worker.wait_for('"event":"working"')
        assert httpx.get(f"http://127.0.0.1:{stand.port}/health/ready").status_code == 200
        assert stand.healthy("api")
        assert stand.healthy("worker")
        assert api.end(signal.SIGTERM) in {0, 128 + signal.SIGTERM, -signal.SIGTERM}
        assert worker.end(signal.SIGTERM) == 0
    os.utime(tmp_path / "worker-alive", (0, 0))
    assert not stand.healthy("worker")
    assert not stand.healthy("api")
