"""The sandbox in this very process, as an httpx transport: `--endpoint sandbox` needs no port and no thread."""

import httpx

from jenkins_scan.sandbox.messages import Dropped
from jenkins_scan.sandbox.service import SandboxService


class SandboxTransport(httpx.BaseTransport):
    """Answers every request from `service`, whatever host it is for."""

    def __init__(self, service: SandboxService) -> None:
        self._service = service

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The sandbox's answer. Raises `httpx.RemoteProtocolError` where the scenario drops the connection."""
        answer = self._service.handle(
            request.method, request.url.raw_path.decode("ascii"), dict(request.headers), request.read()
        )
        if isinstance(answer, Dropped):
            # What httpx says when a real server closes the connection.
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        # A stream, as a network would give: `content=` would count as read already.
        return httpx.Response(answer.status, headers=answer.headers, stream=httpx.ByteStream(answer.body))
