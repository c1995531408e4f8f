"""The keys of a cluster satisfy the strictest client that reads them."""

import socket
import ssl
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.cluster.certificates import Authority, Pair, key_pair


def shake(server: Pair, authority: bytes, name: str, folder: Path) -> None:
    """A TLS handshake in which the client checks as strictly as Python 3.13 does."""
    server.write(folder, "server")
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(folder / "server.crt", folder / "server.key")
    asking = ssl.create_default_context(cadata=authority.decode())
    asking.verify_flags |= ssl.VERIFY_X509_STRICT
    left, right = socket.socketpair()

    def serve() -> None:
        try:
            serving.wrap_socket(left, server_side=True).close()
        except OSError:
            left.close()

    thread = Thread(target=serve)
    thread.start()
    try:
        with asking.wrap_socket(right, server_hostname=name):
            pass
    finally:
        right.close()
        thread.join()


@pytest.mark.parametrize("name", ["127.0.0.1", "kubernetes.default.svc"])
def test_a_server_is_trusted_by_each_of_its_names(name: str, tmp_path: Path) -> None:
    authority = Authority()
    server = authority.server("api", ["127.0.0.1", "kubernetes.default.svc"])
    shake(server, authority.certificate, name, tmp_path)


def test_a_server_is_not_trusted_by_another_name(tmp_path: Path) -> None:
    authority = Authority()
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(authority.server("api", ["127.0.0.1"]), authority.certificate, "other", tmp_path)


def test_a_server_of_another_cluster_is_not_trusted(tmp_path: Path) -> None:
    other = Authority().server("api", ["127.0.0.1"])
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(other, Authority().certificate, "127.0.0.1", tmp_path)


def test_a_client_is_the_user_and_groups_it_was_made_for() -> None:
    made = x509.load_pem_x509_certificate(Authority().client("me", ["one", "two"]).certificate)
    names = made.subject.get_attributes_for_oid
    assert [name.value for name in names(NameOID.COMMON_NAME)] == ["me"]
    assert [name.value for name in names(NameOID.ORGANIZATION_NAME)] == ["one", "two"]


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    Authority().client("me").write(tmp_path, "me")
    assert (tmp_path / "me.key").stat().st_mode & 0o777 == 0o600


def test_each_cluster_signs_accounts_with_a_key_of_its_own() -> None:
    assert key_pair()[0] != key_pair()[0]
