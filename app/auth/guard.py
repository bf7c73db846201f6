"""The order at the door: who calls and how often, then the body, then a transaction, then the handler.

The framework alone would read and parse a stranger's body first. And nobody holds a connection of the database while
a body drips in.
"""

from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import BaseRoute

from app.auth.caller import Gate
from app.web.bodies import JsonRequest
from app.web.calling import Answering, Handler, application, can_be_called
from app.web.parameters import Parameters


def is_whole(route: BaseRoute) -> bool:
    """Whether its application needs nothing of the framework around it."""
    return isinstance(route, GuardedRoute) and route.is_called


class GuardedRoute(APIRoute):
    """The route of every router."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.is_called = can_be_called(self)
        if self.is_called:
            self.app = application(self._guarded(Handler(self)))

    def get_route_handler(self) -> Answering:
        return self._guarded(super().get_route_handler())

    def _guarded(self, handle: Answering) -> Answering:
        gate = next((d.call for d in self.dependant.dependencies if isinstance(d.call, Gate)), None)
        parameters = Parameters(self.dependant)
        takes_json = self.body_field is not None

        async def guarded(request: Request) -> Response:
            claims = await gate.identify(request) if gate else None
            if takes_json:
                request = JsonRequest(request.scope, request.receive)
                request.require_json()
                await request.body()
            request.scope["state"]["given"] = parameters.read(request.scope["query_string"])
            return await gate.run(handle, request, claims) if gate and claims else await handle(request)

        return guarded
