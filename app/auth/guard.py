"""The order at the door: who calls and how often is settled before a byte of the body is read."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from app.auth.caller import Gate
from app.web.bodies import JsonRequest

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class GuardedRoute(APIRoute):
    """The route of every router: the framework alone would read and parse a stranger's body first."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        gate = next((d.call for d in self.dependant.dependencies if isinstance(d.call, Gate)), None)
        takes_json = self.body_field is not None

        async def guarded(request: Request) -> Response:
            if gate is not None:
                await gate.identify(request)
            if not takes_json:
                return await handle(request)
            strict = JsonRequest(request.scope, request.receive)
            strict.require_json()
            return await handle(strict)

        return guarded
