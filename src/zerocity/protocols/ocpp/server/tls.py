"""TLS of security profiles 2 and 3: the server's context and the name in a station's certificate.

OCPP 2.0.1 part 2, A00.FR.301 to A00.FR.429; security whitepaper edition 3 for 1.6.
"""

from __future__ import annotations

import hashlib
import ssl

from cryptography import x509
from cryptography.x509.oid import NameOID

from zerocity.errors import InputError
from zerocity.protocols.ocpp.office.certificates import serial_text
from zerocity.protocols.ocpp.server.credentials import ShownCertificate
from zerocity.protocols.ocpp.server.settings import TlsFiles

# A00.FR.318 and the same for RSA; TLS 1.3 brings its own.
_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:"
    "AES128-GCM-SHA256:AES256-GCM-SHA384"
)


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """The listener's context; a station certificate is asked for where `client_ca` is given.

    It is not required, so that stations of profile 2 can use the same port. Raises InputError for
    files that cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # Stations reconnect rarely; a ticket each would only be kept for nothing.
    context.num_tickets = 0
    load_files(context, files)
    return context


def load_files(context: ssl.SSLContext, files: TlsFiles) -> None:
    """Have a context show what its files hold now; connections that are open keep theirs.

    Raises InputError for files that cannot be used.
    """
    try:
        context.load_cert_chain(files.certificate, files.key)
        if files.client_ca is not None:
            context.load_verify_locations(files.client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError) as error:
        wanted = "a PEM certificate chain with its key"
        raise InputError("ocpp.tls", f"files that cannot be used ({error})", wanted) from None


def shown_certificate(der: bytes | None) -> ShownCertificate | None:
    """What a verified client certificate says; None where none was shown or it is unreadable."""
    if not der:
        return None
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = [
            str(attribute.value)
            for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        ]
        names += _alternative_names(certificate)
    except ValueError:
        return ShownCertificate((), "", hashlib.sha256(der).hexdigest())
    serial = serial_text(certificate.serial_number)
    return ShownCertificate(tuple(names), serial, hashlib.sha256(der).hexdigest())


def _alternative_names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(extension.value.get_values_for_type(x509.DNSName))
