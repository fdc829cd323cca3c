import ssl
from datetime import UTC, datetime

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.images.engine.certificate import Certificate, read_certificate, read_certificates

AUTHORITY = trustme.CA()
LEAF = AUTHORITY.issue_cert("docker", "*.example.test", "127.0.0.1", "::1")
DER = ssl.PEM_cert_to_DER_cert(LEAF.cert_chain_pems[0].bytes().decode())
NO_TIME = DER.replace(b"\x18\x0f", b"\x04\x0f").replace(b"\x17\x0d", b"\x04\x0d")
BEGIN, END = datetime(1999, 2, 3, 4, 5, 6, tzinfo=UTC), datetime(2051, 2, 3, 4, 5, 6, tzinfo=UTC)


def made(names=None, subject=(), extensions=()):
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(kind, value) for kind, value in subject]
    builder = x509.CertificateBuilder(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority")]),
        x509.Name(attributes),
        key.public_key(),
        5,
        BEGIN,
        END,
    )
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_a_certificate_is_read_as_a_library_reads_it():
    expected = x509.load_der_x509_certificate(DER)
    found = read_certificate(DER)
    assert (found.not_before, found.not_after) == (expected.not_valid_before_utc, expected.not_valid_after_utc)
    assert found.names == ("docker", "*.example.test", "127.0.0.1", "::1")
    assert found.issuer == read_certificates_of(AUTHORITY.cert_pem.bytes().decode())[0].subject
    assert found.issuer.startswith("O=trustme")


def read_certificates_of(text):
    return [read_certificate(ssl.PEM_cert_to_DER_cert(text))]


def test_dates_before_2000_and_from_2050_on_are_read_too():
    found = read_certificate(made())
    assert found == Certificate("(no name)", "CN=An authority", BEGIN, END, ())


def test_a_name_is_one_line_and_bounded():
    found = read_certificate(made(subject=[(NameOID.COMMON_NAME, "evil\n\x1b[31mname"), (NameOID.COUNTRY_NAME, "DE")]))
    assert found.subject == "CN=evil name"


def test_only_the_first_names_are_kept_and_other_kinds_are_left_out():
    names = [x509.RFC822Name("me@example.test"), *(x509.DNSName(f"host{number}") for number in range(20))]
    found = read_certificate(made(names, extensions=[x509.BasicConstraints(ca=False, path_length=None)]))
    assert found.names == tuple(f"host{number}" for number in range(8))


@pytest.mark.parametrize(
    "der", [b"", b"\x30", b"\x30\x82", b"text", DER[:-1], DER + b"x", b"\x30\x02\x30\x00", b"\x02\x01\x00", NO_TIME]
)
def test_what_is_no_certificate_is_none(der):
    assert read_certificate(der) is None


@given(st.integers(0, len(DER) - 1), st.binary(min_size=1, max_size=3), st.booleans())
def test_a_damaged_certificate_is_read_or_none(at, bytes_, cut):
    damaged = DER[:at] + bytes_ + (b"" if cut else DER[at + len(bytes_) :])
    assert isinstance(read_certificate(damaged), Certificate | None)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_none(data):
    assert read_certificate(data) is None


def test_a_file_may_hold_several_certificates_and_other_text(tmp_path):
    path = tmp_path / "ca.pem"
    pem = AUTHORITY.cert_pem.bytes().decode()
    broken, half = (f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n" for text in ("?!", "abc"))
    path.write_text(f"My authority:\n{pem}{broken}\xff{half}{pem}")
    assert len(read_certificates(path)) == 2


def test_a_file_that_is_not_there_holds_none(tmp_path):
    assert read_certificates(tmp_path / "none.pem") == ()
