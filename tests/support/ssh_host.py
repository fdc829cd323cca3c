"""An ssh host on loopback with one user, whose only command is `docker system dial-stdio` to an engine's socket."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import paramiko

COMMAND = b"docker system dial-stdio"


@dataclass
class SSHHost:
    """A running one: where it is, its host key, and what it was asked to run."""

    port: int
    host_key: paramiko.PKey
    commands: list[bytes] = field(default_factory=list)
    users: list[str] = field(default_factory=list)

    def known_hosts_line(self, key: paramiko.PKey | None = None) -> str:
        key = key or self.host_key
        return f"[127.0.0.1]:{self.port} {key.get_name()} {key.get_base64()}\n"


class _Login(paramiko.ServerInterface):
    def __init__(self, host: SSHHost, user_key: paramiko.PKey, engine: Path) -> None:
        self._host = host
        self._user_key = user_key
        self._engine = engine

    def get_allowed_auths(self, username):
        return "publickey,password"

    def check_auth_publickey(self, username, key):
        self._host.users.append(username)
        return paramiko.AUTH_SUCCESSFUL if key == self._user_key else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        self._host.commands.append(command)
        if command != COMMAND:
            return False
        threading.Thread(target=_bridge, args=(channel, self._engine)).start()
        return True


@contextmanager
def ssh_host(user_key: paramiko.PKey, engine: Path) -> Iterator[SSHHost]:
    """An ssh host that lets in whoever holds `user_key`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = SSHHost(listener.getsockname()[1], paramiko.RSAKey.generate(2048))
        transports: list[paramiko.Transport] = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    transport = paramiko.Transport(listener.accept()[0])
                    transport.add_server_key(host.host_key)
                    transports.append(transport)
                    with suppress(paramiko.SSHException, EOFError):
                        transport.start_server(server=_Login(host, user_key, engine))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield host
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for transport in transports:
                transport.close()


def _bridge(channel: paramiko.Channel, engine: Path) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(engine))
        back = threading.Thread(target=_carry, args=(connection, channel))
        back.start()
        _carry(channel, connection)
        back.join()
    with suppress(OSError, EOFError):  # the other side may be gone already
        channel.close()


def _carry(source, sink) -> None:
    with suppress(OSError, EOFError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError, EOFError):
            end.shutdown(socket.SHUT_RDWR)  # wakes the other direction, which a close would not
