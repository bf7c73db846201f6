"""/models: each clause of the contract."""

import pytest

from app.analytics.models import readable
from tests.analytics.conftest import Read
from tests.factories import Logbook, at

MAY = {"start_date": "2026-05-01", "end_date": "2026-05-31"}
NOON = at("2026-05-03T12:00")


async def test_messages_of_any_role_with_a_model_count(read: Read, log: Logbook) -> None:
    session = log.session(NOON)
    for role in ("user", "assistant", "system", "tool"):
        log.message(
            session, NOON, role=role, model_id="m", input_tokens=2, given_response_ms=50, is_error=role == "tool"
        )
    log.message(session, NOON, input_tokens=2)
    await log.write()
    report = await read("models", **MAY)
    (model,) = report["models"]
    assert (report["total_usage"], model["usage_count"], model["total_tokens"]) == (4, 4, 8)
    assert (model["avg_response_time_ms"], model["error_rate"]) == (50.0, 25.0)
    assert model["p50_response_time_ms"] == pytest.approx(50, rel=0.01)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("llama-3-8b.gguf", "Llama 3 8B"),
        ("models/mistral_7b-instruct.BIN", "Mistral 7B Instruct"),
        ("anthropic/claude-sonnet-4", "Claude Sonnet 4"),
        ("gpt-4o", "Gpt 4O"),
        ("a/b/", "B"),
        ("-_-", "-_-"),
        ("/", "/"),
        ("x.gguf.bin", "X.Gguf"),
    ],
)
def test_a_model_s_name_is_readable(model: str, name: str) -> None:
    assert readable(model) == name


async def test_the_most_used_come_first_then_by_id(read: Read, log: Logbook) -> None:
    session = log.session(NOON)
    for model, times in (("b", 1), ("c", 2), ("a", 1)):
        for _ in range(times):
            log.message(session, NOON, model_id=model)
    await log.write()
    assert [model["model_id"] for model in (await read("models", **MAY))["models"]] == ["c", "a", "b"]


async def test_filters_hold_for_counts_and_for_times(read: Read, log: Logbook) -> None:
    session = log.session(NOON)
    log.message(session, NOON, agent_name="a", model_id="m", given_response_ms=10)
    log.message(session, NOON, agent_name="b", model_id="m", given_response_ms=1000)
    log.message(session, NOON, agent_name="a", model_id="n", given_response_ms=10)
    await log.write()
    (one,) = (await read("models", **MAY, model="n"))["models"]
    assert one["model_id"] == "n"
    by_a = (await read("models", **MAY, agent="a", compare="previous"))["models"]
    assert [(model["model_id"], model["usage_count"]) for model in by_a] == [("m", 1), ("n", 1)]
    assert by_a[0]["p99_response_time_ms"] == pytest.approx(10, rel=0.01)
