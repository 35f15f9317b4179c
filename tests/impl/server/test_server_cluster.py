"""Three processes, real sockets, real disks: they decide once, and survive what they should."""

import json
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from impl.client import Client, ClientError, Unavailable, UnknownOutcome
from tests.impl.server.processes import Cluster, Process


def decisions(cluster: Cluster, key: str) -> set[str | None]:
    """What each node says by itself."""
    found = set()
    for node in cluster.processes:
        with cluster.client(node) as client:
            found.add(client.learn(key))
    return found


def test_two_clients_at_once_and_one_decision_everywhere(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.start()
        for number in range(10):
            key = f"key {number}"
            answers: list[str] = []
            together = threading.Barrier(2)

            def propose(
                node: int,
                key: str = key,
                answers: list[str] = answers,
                together: threading.Barrier = together,
            ) -> None:
                with cluster.client(node) as client:
                    together.wait()
                    answers.append(client.propose(key, f"from {node}"))

            threads = [threading.Thread(target=propose, args=(node,)) for node in (0, 1)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(answers) == 2
            assert answers[0] in ("from 0", "from 1")
            assert decisions(cluster, key) == set(answers)
        assert cluster.stop() == [0, 0, 0]


def test_nothing_is_chosen_until_something_is(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.start()
        assert decisions(cluster, "x") == {None}
        with cluster.client(0) as client:
            assert client.propose("x", "red") == "red"
            assert client.propose("x", "blue") == "red"
        assert decisions(cluster, "x") == {"red"}


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_any_one_may_be_lost_and_learns_when_it_is_back(tmp_path: Path, lost: int) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.start()
        with cluster.client() as client:
            assert client.propose("before", "red") == "red"
            cluster.kill(lost)
            assert client.propose("while", "green") == "green"
            assert client.learn("before") == "red"
        assert decisions(cluster, "while") == {"green"}
        cluster.start(lost)
        with cluster.client(lost) as client:
            assert client.learn("before") == "red"
            assert client.learn("while") == "green"
            assert client.propose("while", "blue") == "green"


def test_all_are_killed_and_what_was_decided_is_read_again(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.start()
        with cluster.client() as client:
            for number in range(50):
                assert client.propose(f"k{number}", f"v{number}") == f"v{number}"
        for _ in range(2):
            cluster.kill()
            cluster.start()
            with cluster.client(2, 1, 0) as client:
                assert [client.learn(f"k{n}") for n in range(50)] == [f"v{n}" for n in range(50)]
                assert client.propose("k7", "another") == "v7"


def test_one_that_stands_still_is_passed_over(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.start()
        cluster.processes[1].signal(signal.SIGSTOP)
        with cluster.client(0, 2) as client:
            assert [client.propose(f"k{n}", "v") for n in range(20)] == ["v"] * 20
        cluster.processes[1].signal(signal.SIGCONT)
        with cluster.client(1) as client:
            assert [client.propose(f"k{n}", "w") for n in range(20)] == ["v"] * 20


def test_the_client_leaves_a_node_that_stands_still(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.start()
        with cluster.client(1, 0, 2) as client:
            assert client.propose("x", "v") == "v"
            cluster.processes[1].signal(signal.SIGSTOP)
            assert client.propose("y", "v") == "v"


def test_without_a_majority_the_client_is_told_what_is_known(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.start()
        cluster.kill(1, 2)
        with (
            cluster.client(0, timeout=0.5) as client,
            pytest.raises(UnknownOutcome, match="may be chosen now or later, or not"),
        ):
            client.propose("x", "red")
        with cluster.client(0, timeout=0.5) as client, pytest.raises(Unavailable):
            client.learn("x")
        refused = pytest.raises(Unavailable, match=r"Connection refused.*Connection refused")
        with cluster.client(1, 2, timeout=0.5) as client, refused:
            client.propose("x", "red")
        cluster.start(1)
        with cluster.client(0) as client:
            assert client.propose("x", "blue") in ("red", "blue")


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_the_history_tells_what_clients_asked_and_were_told(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.start()
        with cluster.client(1) as client:
            client.learn("x")
            client.propose("x", "red")
            client.propose("x", "blue")
        cluster.kill(0, 2)
        with cluster.client(1, timeout=0.3) as client, pytest.raises(UnknownOutcome):
            client.propose("y", "v")
        cluster.wait_log(1, "not connected")
        cluster.stop(1)
        told = lines(cluster.history(1))
        times = [line.pop("time") for line in told]
        assert times == sorted(times)

        def line(process: int, kind: str, f: str, key: str, value: str | None) -> dict[str, Any]:
            return {"process": process, "type": kind, "f": f, "key": key, "value": value}

        assert told == [
            line(1, "invoke", "learn", "x", None),
            line(1, "ok", "learn", "x", None),
            line(1, "invoke", "propose", "x", "red"),
            line(1, "ok", "propose", "x", "red"),
            line(1, "invoke", "propose", "x", "blue"),
            line(1, "ok", "propose", "x", "red"),
            line(4, "invoke", "propose", "y", "v"),
            line(4, "info", "propose", "y", "v"),
        ]
        cluster.start(1, 2)
        with cluster.client(1) as client:
            client.learn("x")
        assert lines(cluster.history(1))[-1]["process"] == 7, "numbers go on after a restart"


def test_the_trace_tells_each_step(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.start()
        with cluster.client(0) as client:
            client.propose("x", "red")
        cluster.kill(0)
        before = lines(cluster.trace(0))
        assert before[0] == {
            "quorate": "trace",
            "version": 1,
            "protocol": "paxos",
            "node": 0,
            "nodes": 3,
        }
        assert before[1]["event"] == {"type": "start", "wish": "red"}
        assert before[1]["state"]["writing"]
        assert before[2]["event"] == {"type": "written"}
        assert before[2]["state"]["promised"] == 0
        assert all(line["node"] == 0 and line["key"] == "x" for line in before[1:])
        decided = [line for line in before[1:] if line["state"]["decided"] is not None]
        assert decided[0]["state"]["decided"] == "red"
        cluster.start(0)
        after = lines(cluster.trace(0))[len(before) :]
        assert after[0] == before[0]
        assert after[1]["event"] == {"type": "recovered"}
        assert after[1]["state"]["voted"]["value"] == "red"
        assert after[1]["state"]["promised"] == before[-1]["state"]["promised"]
        assert after[1]["state"]["decided"] is None


@pytest.mark.parametrize("logs", [False, True])
def test_a_full_disk_stops_the_node_and_loses_nothing(tmp_path: Path, logs: bool) -> None:
    """No file may grow beyond 40 kB: the journal is first, or with `logs` the trace."""
    with Cluster(tmp_path, nodes=1) as cluster:
        cluster.start(logs=logs, file_limit=40_000)
        acknowledged = {}
        failed: ClientError | None = None
        with cluster.client(timeout=1.0) as client:
            for number in range(10_000):
                try:
                    acknowledged[f"k{number}"] = client.propose(f"k{number}", "v" * 500)
                except ClientError as error:
                    failed = error
                    break
        assert acknowledged
        assert isinstance(failed, UnknownOutcome | Unavailable)
        assert cluster.processes[0].wait() == 74
        del cluster.processes[0]
        assert "quorate: node 0 has stopped: " in cluster.log(0)
        assert "File too large" in cluster.log(0)
        assert ("journal" in cluster.log(0)) != logs
        assert "Traceback" not in cluster.log(0)
        cluster.start(logs=False)
        with cluster.client() as client:
            assert {key: client.learn(key) for key in acknowledged} == acknowledged


def test_a_journal_that_grows_is_replaced_by_a_snapshot_while_it_serves(tmp_path: Path) -> None:
    """The values are 580 kB in all, and a journal of 64 kB is enough for a snapshot."""
    values = {f"k{number}": f"v{number}" * 2000 for number in range(100)}
    with Cluster(tmp_path, more="[limits]\njournal_bytes = 65536") as cluster:
        cluster.start()
        with cluster.client() as client:
            for key, value in values.items():
                assert client.propose(key, value) == value
                assert client.propose(key, "another") == value
        cluster.kill()
        for node in range(3):
            snapshots = list((tmp_path / f"data-{node}").glob("snapshot-*"))
            assert [file for file in snapshots if file.stat().st_size > 100_000]
        cluster.start()
        with cluster.client() as client:
            assert {key: client.learn(key) for key in values} == values


def test_a_folder_belongs_to_one_node(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.start()
        cluster.stop()
        (tmp_path / "data-0").rename(tmp_path / "aside")
        (tmp_path / "data-1").rename(tmp_path / "data-0")
        with pytest.raises(AssertionError, match=r"is the data of node 1 of 3 in cluster 'test'"):
            cluster.start(0)
        assert cluster.processes.pop(0).wait() == 2


def test_two_processes_cannot_be_one_node(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.start(0)
        first = cluster.processes.pop(0)
        try:
            with pytest.raises(AssertionError, match="the journal is open in another process"):
                cluster.start(0)
            assert cluster.processes.pop(0).wait() == 2
        finally:
            first.kill()


def test_one_node_is_a_cluster_and_may_choose_its_port(tmp_path: Path) -> None:
    with Cluster(tmp_path, nodes=1) as cluster:
        file = tmp_path / "cluster.toml"
        file.write_text(file.read_text().replace(f"port = {cluster.ports[0]}", "port = 0"))
        cluster.processes[0] = one = Process(tmp_path, 0)
        where = one.wait_ready().rpartition(" ")[2]
        with Client([where]) as client:
            assert client.propose("x", "red") == "red"
