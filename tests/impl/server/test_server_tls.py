"""Mutual TLS between real processes: who has no certificate of the cluster's is nobody."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import trustme

from impl.client import Client, Unavailable, tls_context
from impl.transport.frames import FrameReader, frame
from impl.transport.handshake import hello
from tests.impl.server.processes import Cluster

MORE = '[tls]\ncert = "node-{node}.pem"\nkey = "node-{node}.key"\nca = "ca.pem"\n'


def write_certificate(authority: trustme.CA, folder: Path, name: str, host: str) -> None:
    issued = authority.issue_cert(host)
    issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    issued.private_key_pem.write_to_path(folder / f"{name}.key")


def context(folder: Path, name: str, authority: str = "ca") -> ssl.SSLContext:
    return tls_context(folder / f"{name}.pem", folder / f"{name}.key", folder / f"{authority}.pem")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("tls")
    ours, others = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(folder / "ca.pem")
    others.cert_pem.write_to_path(folder / "others.pem")
    for node in range(2):
        write_certificate(ours, folder, f"node-{node}", "127.0.0.1")
    write_certificate(others, folder, "node-2", "127.0.0.1")
    write_certificate(ours, folder, "client", "client.example")
    write_certificate(others, folder, "stranger", "client.example")
    with Cluster(folder, more=MORE) as running:
        running.start()
        running.wait_log(0, "node 1", ": connected")
        yield running


def test_nodes_and_clients_of_the_cluster(cluster: Cluster) -> None:
    with Client(cluster.addresses[:2], tls=context(cluster.folder, "client")) as client:
        assert client.propose("x", "red") == "red"
        assert client.learn("x") == "red"


def test_a_node_of_another_authority_is_not_called_and_cannot_call(cluster: Cluster) -> None:
    cluster.wait_log(0, "node 2", "not connected", "certificate verify failed")
    cluster.wait_log(2, "node 0", "not connected")
    assert cluster.logged(0, "node 1", ": connected")
    assert not cluster.logged(0, "node 2", ": connected")
    assert not cluster.logged(2, "node 0", ": connected")


@pytest.mark.parametrize("name", ["stranger", "client"])
def test_a_client_and_a_node_must_trust_each_other(cluster: Cluster, name: str) -> None:
    # The stranger trusts the node, which does not trust it; the client does not trust the node.
    trusts = "ca" if name == "stranger" else "others"
    tls = context(cluster.folder, name, trusts)
    with (
        Client(cluster.addresses[0], tls=tls, timeout=0.5) as client,
        pytest.raises(Unavailable),
    ):
        client.learn("x")


def test_without_tls_nobody_is_heard(cluster: Cluster) -> None:
    with Client(cluster.addresses[0], timeout=0.5) as client, pytest.raises(Unavailable):
        client.learn("x")


def test_a_clients_certificate_makes_no_node(cluster: Cluster) -> None:
    """Nor does it help to be of the cluster: it must be for the host of that node."""
    tls = context(cluster.folder, "client")
    plain = socket.create_connection(("127.0.0.1", cluster.ports[0]), 30)
    with tls.wrap_socket(plain, server_hostname="127.0.0.1") as caller:
        caller.sendall(frame(hello("test", 1, 0)))
        (answer,) = FrameReader(1024).feed(caller.recv(2**16))
    assert msgspec.msgpack.decode(answer) == [
        "refused",
        "its certificate is not for 127.0.0.1, the host of that node",
    ]
    cluster.wait_log(0, "closed: its certificate is not for 127.0.0.1")


def test_files_that_are_no_certificates(tmp_path: Path) -> None:
    for name in ("node-0.pem", "node-0.key", "ca.pem"):
        (tmp_path / name).write_text("nothing")
    with Cluster(tmp_path, more=MORE) as cluster:
        with pytest.raises(AssertionError, match=r"\[tls\] cannot be used: "):
            cluster.start(0)
        assert cluster.processes.pop(0).wait() == 2
