"""`quorate serve`, `propose` and `learn` as a user types them."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from checker.cli import main
from tests.impl.server.processes import Cluster, Process


def quorate(*args: str) -> Result:
    return CliRunner().invoke(main, list(args))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        running.start()
        yield ",".join(running.addresses)


@pytest.mark.parametrize("command", ["serve", "propose", "learn"])
def test_help(command: str, golden: Callable[[str, str], None]) -> None:
    result = CliRunner().invoke(main, [command, "--help"], terminal_width=80)
    assert result.exit_code == 0
    golden(f"help-{command}.txt", result.stdout)


def test_propose_and_learn(cluster: str) -> None:
    nothing = quorate("learn", "leader", "--cluster", cluster)
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert nothing.stderr == "quorate: nothing is chosen for leader\n"
    first = quorate("propose", "leader", "ada", "--cluster", cluster)
    assert (first.exit_code, first.stdout, first.stderr) == (0, "ada\n", "")
    second = quorate("propose", "leader", "bob", "--cluster", cluster)
    assert (second.exit_code, second.stdout, second.stderr) == (0, "ada\n", "")
    found = quorate("learn", "leader", "--cluster", cluster)
    assert (found.exit_code, found.stdout, found.stderr) == (0, "ada\n", "")


def test_json(cluster: str) -> None:
    def told(*args: str) -> object:
        result = quorate(*args, "--cluster", cluster, "--json")
        assert (result.exit_code, result.stderr) == (0, "")
        return json.loads(result.stdout)

    assert told("learn", "x") == {"key": "x", "decided": None}
    assert told("propose", "x", "red") == {
        "key": "x",
        "proposed": "red",
        "decided": "red",
        "ours": True,
    }
    assert told("propose", "x", "blue") == {
        "key": "x",
        "proposed": "blue",
        "decided": "red",
        "ours": False,
    }
    assert told("learn", "x") == {"key": "x", "decided": "red"}


def test_no_answer_is_undecided() -> None:
    result = quorate("propose", "x", "red", "--cluster", "127.0.0.1:9", "--timeout", "0.2")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == (
        "quorate: no answer in 0.2 s (127.0.0.1:9: Connection refused); is a majority of the nodes "
        "running, and are these their addresses?\n"
    )


WRONG = [
    (["learn", "x", "--cluster", "nowhere"], "--cluster: 'nowhere' is not an address"),
    (["learn", "x"], "Missing option '--cluster'"),
    (["serve"], "a node needs --node and --config.  `quorate serve --example-config`"),
    (
        ["serve", "--node", "0", "--config", "no.toml"],
        "no.toml cannot be read: No such file or directory; `quorate serve --example-config`",
    ),
    (
        ["learn", "x", "--cluster", "a:1", "--tls", "a", "b", "c"],
        "--tls: these files cannot be used: [Errno 2] No such file",
    ),
]


@pytest.mark.parametrize(("args", "reason"), WRONG)
def test_wrong_usage_is_said(args: list[str], reason: str) -> None:
    result = quorate(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert reason in result.stderr
    assert "Traceback" not in result.stderr


def test_too_long_a_key_is_bad_input(cluster: str) -> None:
    result = quorate("learn", "k" * 2000, "--cluster", cluster)
    assert (result.exit_code, result.stderr) == (
        2,
        "quorate: the key is longer than 1,024 bytes\n",
    )


def test_a_first_configuration_works(tmp_path: Path) -> None:
    result = quorate("serve", "--example-config")
    assert result.exit_code == 0
    with Cluster(tmp_path, nodes=3) as cluster:
        text = result.stdout
        for port, own in zip((7001, 7002, 7003), cluster.ports, strict=True):
            text = text.replace(str(port), str(own))
        (tmp_path / "cluster.toml").write_text(text)
        cluster.start(logs=False)
        assert sorted(file.name for file in tmp_path.glob("demo-*")) == [
            "demo-0",
            "demo-1",
            "demo-2",
        ]
        assert cluster.stop() == [0, 0, 0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_node_says_where_it_listens_and_stops_when_told(
    tmp_path: Path, number: signal.Signals
) -> None:
    with Cluster(tmp_path, nodes=1) as cluster:
        node = cluster.processes[0] = Process(tmp_path, 0, "--data", str(tmp_path / "d"), "--json")
        assert node.popen.stdout is not None
        told = json.loads(node.popen.stdout.readline())
        port = cluster.ports[0]
        assert told == {"cluster": "test", "node": 0, "host": "127.0.0.1", "port": port}
        node.signal(number)
        assert node.wait() == 0
        del cluster.processes[0]
        assert (tmp_path / "d" / "node").exists()
        assert cluster.log(0) == ""


def test_an_address_that_is_taken(tmp_path: Path) -> None:
    with Cluster(tmp_path, nodes=1) as cluster:
        cluster.start()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "checker.cli", "serve", "--node", "0"),
                *("--config", str(tmp_path / "cluster.toml"), "--data", str(tmp_path / "other")),
            ],
            capture_output=True,
            check=False,
            text=True,
        )
        where = cluster.address(0)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"quorate: node 0 cannot listen on {where}: Address already in use; stop what has the "
        "port, or give the node another address in the configuration\n"
    )


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('cluster = "one"\nnodes = [{ id = 0, port = 0 }]\n')
    serve = ("serve", "--node", "0", "--config", str(tmp_path / "one.toml"), "--data")
    result = quorate(*serve, "/proc/none/of/these")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(
        "quorate: /proc/none: the journal cannot be opened (No such file or directory); give a "
        "folder that can be made"
    )
