"""A4: public keys fetched from an endpoint that is slow, down, lying or rotating."""

import asyncio
import time

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app.auth.jwks import Jwks, Pace
from app.web.problems import Unauthorized, Unavailable
from tests.auth.key_server import ALGORITHMS, QUICK, RSA_KEY, SIGNERS, KeyServer, fetching, jwk, trusting
from tests.auth.token_corpus import Signer, corpus, raw_corpus

# Tokens by way of the endpoint


async def test_tokens_of_every_published_key_are_accepted_after_one_fetch(server: KeyServer) -> None:
    async with trusting(server) as authority:
        for signer in SIGNERS:
            assert (await authority.verify(signer.token())).user_id == signer.user_id
        assert server.requests == 1


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.algorithm)
async def test_every_hostile_token_is_refused_alike(server: KeyServer, signer: Signer) -> None:
    async with trusting(server) as authority:
        await authority.verify(signer.token())
        for name, token in corpus(signer, trap_url=f"{server.url}?trap") + raw_corpus(signer):
            with pytest.raises(Unauthorized):
                print(name, await authority.verify(token))  # noqa: T201  says which, should one get in
        assert server.requests == 1


async def test_malformed_tokens_cause_no_fetch_at_all(server: KeyServer) -> None:
    async with trusting(server) as authority:
        for token in ("", "a.b.c", SIGNERS[0].headed(alg="none"), SIGNERS[0].token(iss="other")):
            with pytest.raises(Unauthorized):
                await authority.verify(token)
    assert server.requests == 0


async def test_a_key_is_only_good_for_its_own_name_and_algorithm(server: KeyServer) -> None:
    server.keys = [jwk(SIGNERS[0]), jwk(Signer("RS256", rsa.generate_private_key(65537, 2048), kid="other"))]
    async with trusting(server) as authority:
        await authority.verify(SIGNERS[0].token())
        for header in ({"kid": "other"}, {"kid": "R"}, {"kid": ""}):
            with pytest.raises(Unauthorized):
                await authority.verify(SIGNERS[0].headed(**header))


async def test_a_token_without_kid_needs_exactly_one_fitting_key(server: KeyServer) -> None:
    nameless = Signer("RS256", RSA_KEY)
    async with trusting(server) as authority:
        await authority.verify(nameless.token())
    server.keys.append(jwk(Signer("RS256", rsa.generate_private_key(65537, 2048), kid="r2")))
    async with trusting(server) as authority:
        with pytest.raises(Unauthorized):
            await authority.verify(nameless.token())


async def test_without_any_key_an_outage_is_named_as_such(server: KeyServer) -> None:
    server.mode = "down"
    async with trusting(server) as authority:
        with pytest.raises(Unavailable, match="could not be fetched; try again") as caught:
            await authority.verify(SIGNERS[0].token())
        assert "Retry-After" in caught.value.headers
        with pytest.raises(Unauthorized):
            await authority.verify("nonsense")


async def test_a_provider_that_publishes_no_key_lets_nobody_in(server: KeyServer) -> None:
    server.keys = []
    async with trusting(server) as authority:
        with pytest.raises(Unauthorized):
            await authority.verify(SIGNERS[0].token())


# Fetching


async def test_the_first_callers_share_one_fetch(server: KeyServer) -> None:
    async with fetching(server) as jwks:
        found = await asyncio.gather(*(jwks.find("RS256", "r") for _ in range(200)))
    assert all(found)
    assert server.requests == 1


async def test_a_thousand_unknown_kids_cause_one_fetch_per_cool_down(server: KeyServer) -> None:
    async with fetching(server, Pace(cool_down=0.3)) as jwks:
        await jwks.find("RS256", "r")
        await asyncio.gather(*(jwks.find("RS256", f"early {n}") for n in range(1000)))
        assert server.requests == 1
        await asyncio.sleep(0.31)
        assert not any(await asyncio.gather(*(jwks.find("RS256", f"late {n}") for n in range(1000))))
        assert server.requests == 2


async def test_a_caller_who_goes_away_does_not_take_the_fetch_along(server: KeyServer) -> None:
    server.mode = "slow"
    async with fetching(server) as jwks:
        first, second = (asyncio.create_task(jwks.find("RS256", "r")) for _ in range(2))
        await server.asked(1)
        first.cancel()
        server.released.set()
        assert await second
        assert first.cancelled()
        assert server.requests == 1


async def test_a_new_key_is_honoured_after_the_cool_down_and_a_removed_one_is_refused(server: KeyServer) -> None:
    async with fetching(server, Pace(refresh=60, cool_down=0.05)) as jwks:
        assert await jwks.find("RS256", "r")
        server.keys = [jwk(SIGNERS[0], kid="r2")]
        await asyncio.sleep(0.06)
        assert await jwks.find("RS256", "r2")
        assert await jwks.find("RS256", "r") is None


async def test_a_removed_key_goes_by_itself_with_nobody_asking(server: KeyServer) -> None:
    async with fetching(server, QUICK) as jwks:
        assert await jwks.find("RS256", "r")
        server.keys = [jwk(SIGNERS[1])]
        await server.asked(3)
        before = server.requests
        assert await jwks.find("ES256", "e")
        assert jwks._keys is not None
        assert jwks._keys.find("RS256", "r") is None
        assert server.requests == before


FAILURES = ["down", "error", "redirect", "huge", "packed", "trickle", "<html>", "[]", '{"keys": 7}', "[" * 9999, "\0"]


@pytest.mark.parametrize("mode", FAILURES, ids=lambda mode: ascii(mode[:9]))
async def test_an_outage_keeps_the_old_keys_and_ends_by_itself(server: KeyServer, mode: str) -> None:
    async with fetching(server, QUICK) as jwks:
        await jwks.find("RS256", "r")
        server.mode = mode
        await server.asked(3)
        assert await jwks.find("RS256", "r")
        server.mode, server.keys = "ok", [jwk(SIGNERS[0], kid="after")]
        async with asyncio.timeout(3):
            while await jwks.find("RS256", "after") is None:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("mode", FAILURES, ids=lambda mode: ascii(mode[:9]))
async def test_a_first_fetch_that_fails_is_unavailable_then_tried_again(server: KeyServer, mode: str) -> None:
    server.mode = mode
    async with fetching(server, QUICK) as jwks:
        with pytest.raises(Unavailable):
            await jwks.find("RS256", "r")
        assert server.requests == 1
        server.mode = "ok"
        await asyncio.sleep(0.06)
        assert await jwks.find("RS256", "r")


async def test_without_keys_a_dead_endpoint_is_asked_once_a_pause(server: KeyServer) -> None:
    server.mode = "down"
    async with fetching(server) as jwks:
        for _ in range(50):
            with pytest.raises(Unavailable):
                await jwks.find("RS256", "r")
    assert server.requests == 1


async def test_old_keys_end_with_the_time_they_are_kept(server: KeyServer) -> None:
    async with fetching(server, Pace(refresh=60, cool_down=60, retry=0, keep=0.1)) as jwks:
        assert await jwks.find("RS256", "r")
        server.mode = "down"
        await asyncio.sleep(0.11)
        with pytest.raises(Unavailable):
            await jwks.find("RS256", "r")


async def test_a_slow_endpoint_delays_nobody_whose_key_is_known(server: KeyServer) -> None:
    async with fetching(server, Pace(refresh=0.05, cool_down=0.05)) as jwks:
        await jwks.find("RS256", "r")
        server.mode = "slow"
        await server.asked(2)
        stranger = asyncio.create_task(jwks.find("RS256", "unknown"))
        slowest = 0.0
        for _ in range(500):
            started = time.perf_counter()
            assert await jwks.find("RS256", "r")
            slowest = max(slowest, time.perf_counter() - started)
        assert slowest < 0.05
        assert not stranger.done()
        server.released.set()
        assert await stranger is None


async def test_after_closing_nothing_is_asked_and_a_client_lent_to_it_stays_open(server: KeyServer) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        jwks = Jwks(server.url, ALGORITHMS, client=client, pace=QUICK)
        await jwks.find("RS256", "r")
        await jwks.aclose()
        assert not client.is_closed
        await asyncio.sleep(0.15)
    assert server.requests == 1
