import ipaddress
import socket
import ssl
import threading
from contextlib import suppress
from datetime import datetime

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jenkins_scan.errors import EngineTLSError, EngineUnreachable
from jenkins_scan.images.engine.endpoint import EngineEndpoint, EngineTLS
from jenkins_scan.images.engine.faults import explain
from jenkins_scan.images.engine.source import EngineSource
from jenkins_scan.images.engine.tls import check_files, explain_tls
from jenkins_scan.images.reference import parse_reference
from tests.support.canned_engine import engine_on_port
from tests.support.engine_certificates import LONG_AGO, PAST, EngineCertificates

NOWHERE = "tcp://127.0.0.1:1"
FUTURE = datetime(2190, 1, 1)  # noqa: DTZ001  trustme takes no zone


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return EngineCertificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(made):
    return made.server()


@pytest.fixture(scope="module")
def client(made):
    return made.client()


@pytest.fixture
def files(made, tmp_path):
    """A client's set of its own, to be damaged."""
    copies = []
    for path in made.client().paths:
        copies.append(tmp_path / path.name)
        copies[-1].write_bytes(path.read_bytes())
    return EngineTLS(*copies)


def failure(server_context, tls):
    """Why there was no TLS, as told: the message and the remedy."""
    with engine_on_port({}, server_context) as engine, pytest.raises(EngineTLSError) as caught:
        EngineSource(parse_reference("app:1"), EngineEndpoint(engine.url, "DOCKER_HOST", tls=tls)).resolve()
    assert caught.value.exit_code == 13
    assert "from DOCKER_HOST" in caught.value.message
    assert "_ssl.c" not in caught.value.message
    return caught.value


def unusable(tls):
    with pytest.raises(EngineTLSError, match=r"TLS files of the engine at tcp://.* cannot be used: ") as caught:
        check_files(EngineEndpoint(NOWHERE, "x", tls=tls))
    return caught.value


def test_good_files_are_fine_and_none_are_too(client):
    for tls in (None, client, EngineTLS(client.ca, None, None), EngineTLS(None, None, None)):
        check_files(EngineEndpoint(NOWHERE, "x", tls=tls))


@pytest.mark.parametrize("content", [b"no PEM\n", b"", b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n"])
@pytest.mark.parametrize("file", ["ca", "cert", "key"])
def test_a_file_that_is_no_pem_is_named(files, file, content):
    getattr(files, file).write_bytes(content)
    what = "holds no private key in PEM form" if file == "key" else "holds no certificate in PEM form"
    assert f"{getattr(files, file)} {what}" in unusable(files).message


@pytest.mark.parametrize("file", ["ca", "cert", "key"])
def test_a_file_that_vanished_is_named(files, file):
    getattr(files, file).unlink()
    assert f"{getattr(files, file)}: No such file" in unusable(files).message


def test_a_key_of_another_certificate_is_told(files, made):
    files.key.write_bytes(made.authority.issue_cert("other").private_key_pem.bytes())
    assert f"the key {files.key} does not belong to the certificate {files.cert}" in unusable(files).message


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
def test_an_encrypted_key_is_told_and_nobody_is_asked_for_its_password(files, form):
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    secret = serialization.BestAvailableEncryption(b"hunter2")
    encrypted = key.private_bytes(serialization.Encoding.PEM, getattr(serialization.PrivateFormat, form), secret)
    files.key.write_bytes(encrypted)
    error = unusable(files)
    assert f"the key {files.key} is encrypted" in error.message
    assert "openssl pkey" in error.remedy


def test_a_certificate_that_openssl_takes_for_too_weak_is_told(files):
    key = ec.generate_private_key(ec.SECP192R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "weak")])
    now = datetime(2025, 1, 1)  # noqa: DTZ001  the library takes UTC
    weak = x509.CertificateBuilder(name, name, key.public_key(), 1, now, FUTURE).sign(key, hashes.SHA256())
    files.cert.write_bytes(weak.public_bytes(serialization.Encoding.PEM))
    assert f"{files.cert} cannot be used (ee key too small)" in unusable(files).message


def test_another_authority_is_told_by_both_names(server, client, tmp_path):
    other = tmp_path / "other.pem"
    other_authority = trustme.CA(organization_name="Another authority")
    other_authority.cert_pem.write_to_path(str(other))
    error = failure(server.context(), EngineTLS(other, client.cert, client.key))
    assert "signed by O=trustme" in error.message
    assert f"{other} holds O=Another authority" in error.message
    assert "certificates volume" in error.remedy


def test_another_authority_of_the_same_name_is_told(client, tmp_path):
    first, second = (trustme.CA(organization_name="Docker", organization_unit_name="The authority") for _ in range(2))
    (tmp_path / "ca.pem").write_bytes(first.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    second.issue_cert("127.0.0.1").configure_cert(context)
    error = failure(context, EngineTLS(tmp_path / "ca.pem", None, None))
    assert "by another authority of the same name, O=Docker, OU=The authority" in error.message


def test_without_an_authority_of_its_own_only_the_public_ones_vouch_for_the_engine(server):
    error = failure(server.context(), EngineTLS(None, None, None))
    assert "verified against the public authorities" in error.message
    assert "signed by O=trustme" in error.message
    assert "not one of the public authorities" in error.message


def test_a_certificate_of_the_engine_that_expired_is_told_with_its_date(made, client):
    server = made.server(name="expired", not_before=LONG_AGO, not_after=PAST)
    assert "the engine's certificate expired on 2024-01-01 00:00 UTC" in failure(server.context(), client).message


def test_a_certificate_of_the_engine_that_is_not_valid_yet_is_told_with_its_date(made, client):
    server = made.server(name="early", not_before=FUTURE)
    error = failure(server.context(), client)
    assert "not valid yet before 2190-01-01" in error.message
    assert "clocks" in error.remedy


def test_an_authority_that_expired_is_told_with_its_date(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Old authority")])

    def issue(subject, public_key, end, extension):
        builder = x509.CertificateBuilder(name, subject, public_key, 7, LONG_AGO, end)
        return builder.add_extension(extension, critical=True).sign(key, hashes.SHA256())

    authority = issue(name, key.public_key(), PAST, x509.BasicConstraints(ca=True, path_length=None))
    own = ec.generate_private_key(ec.SECP256R1())
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = issue(x509.Name([]), own.public_key(), FUTURE, host)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (tmp_path / "ca.pem").write_bytes(authority.public_bytes(pem))
    secret = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    (tmp_path / "server.pem").write_bytes(leaf.public_bytes(pem) + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    said = failure(context, EngineTLS(tmp_path / "ca.pem", None, None)).message
    assert f"the authority CN=Old authority in {tmp_path}/ca.pem expired on 2024-01-01" in said


def test_another_host_is_told_with_the_names_of_the_certificate(made, client):
    server = made.server("docker.example", name="elsewhere")
    error = failure(server.context(), client)
    assert "is not for the host 127.0.0.1; it is for docker.example" in error.message
    assert "DOCKER_TLS_SAN" in error.remedy


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_engine_that_demands_a_client_certificate_is_told(server, client, version):
    context = server.context()
    context.minimum_version = context.maximum_version = version
    assert (
        "demands a client certificate, and there is none" in failure(context, EngineTLS(client.ca, None, None)).message
    )


def test_a_client_certificate_that_expired_is_told_with_its_date(made, server):
    old = made.client(name="old", not_before=LONG_AGO, not_after=PAST)
    assert f"the client certificate {old.cert} expired on 2024-01-01" in failure(server.context(), old).message


def test_a_client_certificate_of_another_authority_is_told_with_that_one(made, server):
    foreign = made.client(name="foreign", issuer=trustme.CA(organization_name="Foreign"))
    said = failure(server.context(), foreign).message
    assert f"refuses the client certificate {foreign.cert}, issued by O=Foreign" in said


def test_tls_to_a_plain_port_is_told(client):
    error = failure(None, client)
    assert "does not speak TLS at this port" in error.message
    assert "Unset DOCKER_TLS_VERIFY" in error.remedy


def broken_at(address, tls):
    """What is told of a connection that broke, when a second one to the same place may say why."""
    error = explain(ConnectionResetError(), EngineEndpoint(address, "x", tls=tls), 1)
    assert error.exit_code == 13
    return error.message


def test_the_alert_of_an_engine_that_broke_the_connection_is_fetched_by_a_second_one(server, made, client):
    old = made.client(name="old", not_before=LONG_AGO, not_after=PAST)
    foreign = made.client(name="foreign", issuer=trustme.CA())
    with engine_on_port({}, server.context()) as engine:
        assert "demands a client certificate" in broken_at(engine.url, EngineTLS(client.ca, None, None))
        assert "expired on 2024-01-01" in broken_at(engine.url, old)
        assert "refuses the client certificate" in broken_at(engine.url, foreign)


def test_without_an_alert_a_broken_connection_is_just_that(client, hangs_up):
    for address, tls in (
        (NOWHERE, client),
        (NOWHERE, None),
        (NOWHERE, EngineTLS(None, None, None)),
        (hangs_up, client),
    ):
        assert "broke before an answer" in broken_at(address, tls)


def test_an_engine_that_ends_the_connection_without_an_alert_is_just_that(server, client):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def close_well():
            connection, _ = listener.accept()
            with server.context().wrap_socket(connection, server_side=True) as wrapped, suppress(OSError):
                wrapped.unwrap()

        thread = threading.Thread(target=close_well)
        thread.start()
        assert "broke before" in broken_at(f"tcp://127.0.0.1:{listener.getsockname()[1]}", client)
        thread.join()


@pytest.fixture
def hangs_up():
    """The address of a listener that ends each connection in the handshake."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.recv(1024)
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_an_engine_that_hangs_up_in_the_handshake_is_told(client, hangs_up):
    with pytest.raises(EngineUnreachable, match="broke before an answer"):
        EngineSource(parse_reference("app:1"), EngineEndpoint(hangs_up, "x", tls=client)).resolve()


def verification(code, message="strange"):
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_code, error.verify_message = code, message
    return error


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (9, "its certificate is not valid yet."),
        (10, "a certificate of the engine or of its authority has expired."),
        (20, "its certificate is signed by another authority; "),
        (26, "its certificate is not made for servers."),
        (62, "its certificate is not for the host 127.0.0.1."),
        (99, "its certificate was not accepted (strange)."),
    ],
)
def test_what_the_engine_does_not_show_again_is_left_out(client, code, said):
    assert said in explain_tls(verification(code), EngineEndpoint(NOWHERE, "x", tls=client)).message


def test_without_files_there_is_less_to_tell():
    endpoint = EngineEndpoint(NOWHERE, "x", tls=EngineTLS(None, None, None))
    assert "has expired" in explain_tls(verification(10), endpoint).message
    assert "signed by an authority that is not one" in explain_tls(verification(20), endpoint).message


def test_any_other_failure_is_told_in_openssls_words_without_its_decoration(client):
    error = ssl.SSLError(1, "[SSL: NO_SHARED_CIPHER] no shared cipher (_ssl.c:1006)")
    error.reason = "NO_SHARED_CIPHER"
    said = explain_tls(error, EngineEndpoint(NOWHERE, "x", tls=client)).message
    assert said.endswith("the handshake failed (no shared cipher).")
    assert (
        "was not accepted (no reason given)"
        in explain_tls(ssl.CertificateError("odd"), EngineEndpoint(NOWHERE, "x")).message
    )
    assert "(SSLError)" in explain_tls(ssl.SSLError("x"), EngineEndpoint(NOWHERE, "x")).message


def test_a_client_certificate_that_cannot_be_read_is_told_without_its_issuer(tmp_path):
    tls = EngineTLS(None, tmp_path / "cert.pem", tmp_path / "key.pem")
    error = ssl.SSLError(1, "x")
    error.reason = "TLSV1_ALERT_UNKNOWN_CA"
    said = explain_tls(error, EngineEndpoint(NOWHERE, "x", tls=tls)).message
    assert said.endswith(f"it refuses the client certificate {tmp_path}/cert.pem.")
