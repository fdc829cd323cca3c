"""Why there is no TLS with an engine, in words: which file or which certificate it is, and what to do.

OpenSSL's own texts name neither. What it leaves open is read from the files, and from the certificate that the engine
shows to a second connection, over which nothing is sent and from which nothing is believed.
"""

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jenkins_scan.causes import speaks_no_tls
from jenkins_scan.errors import EngineTLSError
from jenkins_scan.images.engine.certificate import Certificate, read_certificate, read_certificates
from jenkins_scan.images.engine.endpoint import EngineEndpoint
from jenkins_scan.plain_text import one_line

_SHOWN_WITHIN: Final = 5.0
_ALERT_WITHIN: Final = 2.0
_NOT_YET_VALID, _EXPIRED, _BAD_PURPOSE, _OTHER_HOST, _OTHER_ADDRESS = 9, 10, 26, 62, 64
_UNKNOWN_AUTHORITY: Final = (2, 7, 18, 19, 20, 21)
"""No issuer, a bad signature (an authority of the same name), self-signed: OpenSSL's X509_V_ERR codes."""
_ABOUT_CLIENT: Final = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED", "HANDSHAKE_FAILURE")
"""Words in the names of alerts that a missing or refused client certificate causes, by TLS version and engine."""
_ANEW: Final = "Make new certificates and start the engine anew; in Docker-in-Docker empty DOCKER_TLS_CERTDIR for that."


class _Encrypted(Exception):
    """The key file asks for a password."""


def check_files(endpoint: EngineEndpoint) -> None:
    """Raises `errors.EngineTLSError` (13) when a TLS file of the endpoint cannot be used, whatever the engine says."""
    tls = endpoint.tls
    if tls is None:
        return
    for path in (tls.ca, tls.cert):
        if path is not None:
            _check_certificate(path, endpoint)
    if tls.cert is not None and tls.key is not None:
        _check_pair(tls.cert, tls.key, endpoint)


def explain_tls(exc: ssl.SSLError, endpoint: EngineEndpoint) -> EngineTLSError:
    """The error (13) for a handshake that failed with `exc`."""
    reason = _reason(exc).upper().replace(" ", "_")
    if isinstance(exc, ssl.SSLCertVerificationError):
        return _not_accepted(exc, endpoint)
    if speaks_no_tls(exc):
        return _error(
            endpoint,
            "it does not speak TLS at this port",
            "Unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH if this engine is meant to be without TLS, "
            "or name its TLS port (2376 for Docker-in-Docker).",
        )
    if "ALERT" in reason and any(word in reason for word in _ABOUT_CLIENT):
        return _client_refused(endpoint)
    said = one_line(reason.lower().replace("_", " "), 100) or type(exc).__name__
    return _error(
        endpoint, f"the handshake failed ({said})", "Compare with what `docker version` says; see the engine's log."
    )


def alert_after_handshake(endpoint: EngineEndpoint) -> EngineTLSError | None:
    """The error (13) for an engine that ends each connection with a TLS alert; None when it sends none.

    In TLS 1.3 an engine judges the client's certificate after the handshake. Its alert is lost when the client's first
    request comes in between; here nothing is sent, and the alert is what is waited for.
    """
    tls = endpoint.tls
    if tls is None or tls.ca is None:
        return None
    context, host = _context(), endpoint.host_and_port[0]
    try:
        context.load_verify_locations(tls.ca)
        if tls.cert is not None:
            context.load_cert_chain(tls.cert, tls.key, password=_no_password)
        with (
            socket.create_connection(endpoint.host_and_port, timeout=_ALERT_WITHIN) as raw,
            context.wrap_socket(raw, server_hostname=host) as connection,
        ):
            connection.recv(1)
    except ssl.SSLEOFError:
        return None
    except ssl.SSLError as exc:
        return explain_tls(exc, endpoint)
    except OSError:
        return None
    return None


def _client_refused(endpoint: EngineEndpoint) -> EngineTLSError:
    cert = None if endpoint.tls is None else endpoint.tls.cert
    if cert is None:
        return _error(
            endpoint,
            "it demands a client certificate, and there is none",
            "Put cert.pem and key.pem beside ca.pem in DOCKER_CERT_PATH, or into the Docker context.",
        )
    own = next(iter(read_certificates(cert)), None)
    if own is not None and own.not_after < datetime.now(UTC):
        return _error(endpoint, f"the client certificate {cert} expired on {_day(own.not_after)}", _ANEW)
    issuer = "" if own is None else f", issued by {own.issuer}"
    return _error(
        endpoint,
        f"it refuses the client certificate {cert}{issuer}",
        "cert.pem has to be issued, for client authentication, by the authority that the engine was started with "
        "(--tlscacert).",
    )


def _not_accepted(exc: ssl.SSLCertVerificationError, endpoint: EngineEndpoint) -> EngineTLSError:
    shown, code = _shown_by(endpoint), getattr(exc, "verify_code", None)
    if code == _EXPIRED:
        return _error(endpoint, _what_expired(endpoint, shown), _ANEW)
    if code == _NOT_YET_VALID:
        since = "" if shown is None else f" before {_day(shown.not_before)}"
        return _error(endpoint, f"its certificate is not valid yet{since}", "Compare the clocks of agent and engine.")
    if code in (_OTHER_HOST, _OTHER_ADDRESS):
        named = "" if shown is None else f"; it is for {', '.join(shown.names) or 'no host at all'}"
        return _error(
            endpoint,
            f"its certificate is not for the host {endpoint.host_and_port[0]}{named}",
            "Use a name of the certificate in the address, or have this one put into it (subjectAltName; "
            "DOCKER_TLS_SAN for Docker-in-Docker).",
        )
    if code in _UNKNOWN_AUTHORITY:
        return _error(
            endpoint,
            _wrong_authority(endpoint, shown),
            "ca.pem has to be of the authority that signed the engine's certificate: with Docker-in-Docker mount the "
            "same certificates volume into both containers.",
        )
    if code == _BAD_PURPOSE:
        return _error(endpoint, "its certificate is not made for servers", "Issue it with extendedKeyUsage serverAuth.")
    said = one_line(getattr(exc, "verify_message", "") or "no reason given", 100)
    return _error(endpoint, f"its certificate was not accepted ({said})", _ANEW)


def _what_expired(endpoint: EngineEndpoint, shown: Certificate | None) -> str:
    now = datetime.now(UTC)
    if shown is not None and shown.not_after < now:
        return f"the engine's certificate expired on {_day(shown.not_after)}"
    ca = None if endpoint.tls is None else endpoint.tls.ca
    for authority in () if ca is None else read_certificates(ca):
        if authority.not_after < now:
            return f"the authority {authority.subject} in {ca} expired on {_day(authority.not_after)}"
    return "a certificate of the engine or of its authority has expired"


def _wrong_authority(endpoint: EngineEndpoint, shown: Certificate | None) -> str:
    signed = "" if shown is None else f" by {shown.issuer}"
    ca = None if endpoint.tls is None else endpoint.tls.ca
    if ca is None:
        return f"its certificate is signed{signed or ' by an authority'} that is not one of the public authorities"
    held = [authority.subject for authority in read_certificates(ca)]
    if shown is not None and shown.issuer in held:
        return f"its certificate is signed by another authority of the same name, {shown.issuer}, than the one in {ca}"
    return f"its certificate is signed{signed or ' by another authority'}; {ca} holds {'; '.join(held[:3])}"


def _shown_by(endpoint: EngineEndpoint) -> Certificate | None:
    """The certificate that the engine shows; None when it cannot be had. It is not verified: it is the one in doubt."""
    try:
        pem = ssl.get_server_certificate(endpoint.host_and_port, timeout=_SHOWN_WITHIN)
        return read_certificate(ssl.PEM_cert_to_DER_cert(pem))
    except (OSError, ValueError):
        return None


def _check_certificate(path: Path, endpoint: EngineEndpoint) -> None:
    try:
        _context().load_verify_locations(path)
    except ssl.SSLError as exc:
        raise _unusable(endpoint, f"{path} holds no certificate in PEM form") from exc
    except OSError as exc:
        raise _unusable(endpoint, f"{path}: {exc.strerror or type(exc).__name__}") from exc


def _check_pair(cert: Path, key: Path, endpoint: EngineEndpoint) -> None:
    try:
        _context().load_cert_chain(cert, key, password=_no_password)
    except _Encrypted as exc:
        raise _unusable(
            endpoint,
            f"the key {key} is encrypted, and nobody can be asked for its password",
            f"Decrypt it into a file that this user alone may read: `openssl pkey -in {key} -out NEW`.",
        ) from exc
    except ssl.SSLError as exc:
        if _reason(exc) == "KEY_VALUES_MISMATCH":
            raise _unusable(endpoint, f"the key {key} does not belong to the certificate {cert}") from exc
        why = one_line(_reason(exc).lower().replace("_", " "), 100)
        what = f"{cert} cannot be used ({why})" if why else f"{key} holds no private key in PEM form"
        raise _unusable(endpoint, what) from exc
    except OSError as exc:
        raise _unusable(endpoint, f"{key}: {exc.strerror or type(exc).__name__}") from exc


def _reason(exc: ssl.SSLError) -> str:
    """OpenSSL's name for the failure; empty for an error that is not OpenSSL's, which lacks the attribute."""
    return getattr(exc, "reason", None) or ""


def _no_password() -> str:
    # Without it OpenSSL asks at the terminal, and a build would wait for ever.
    raise _Encrypted


def _context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _error(endpoint: EngineEndpoint, what: str, remedy: str) -> EngineTLSError:
    trusted = "the public authorities" if endpoint.tls is None or endpoint.tls.ca is None else endpoint.tls.ca
    return EngineTLSError(f"No TLS with the engine at {endpoint}, verified against {trusted}: {what}.", remedy=remedy)


def _unusable(endpoint: EngineEndpoint, what: str, remedy: str | None = None) -> EngineTLSError:
    usual = "Point DOCKER_CERT_PATH at a folder with the ca.pem, cert.pem and key.pem that belong to this engine."
    return EngineTLSError(f"The TLS files of the engine at {endpoint} cannot be used: {what}.", remedy=remedy or usual)
