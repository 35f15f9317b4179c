"""The configuration: what is read, and what each mistake is answered with."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.server.config import EXAMPLE, ConfigError, load, parse

HERE = Path("/etc/quorate")
NODES = "nodes = [{ id = 0, port = 7001 }, { id = 1, port = 7002 }]\n"


def test_the_example_is_a_configuration() -> None:
    config = parse(EXAMPLE, HERE, 1)
    assert (config.cluster, config.me, config.own.port) == ("demo", 1, 7002)
    assert config.data == HERE / "demo-1"
    assert config.tls is None


def test_paths_and_limits() -> None:
    text = f'cluster = "c"\n{NODES}[tls]\ncert = "{{node}}.pem"\nkey = "/k/{{node}}"\nca = "ca"\n'
    config = parse(f"{text}[limits]\nkey_bytes = 10\nretry_s = 0.5\n", HERE, 1, Path("here"))
    assert config.tls == (HERE / "1.pem", Path("/k/1"), HERE / "ca")
    assert config.data == Path("here")
    assert (config.limits.key_bytes, config.limits.retry_s) == (10, 0.5)
    assert config.limits.value_bytes == 65536


def cluster(nodes: str, more: str = "") -> str:
    return f'cluster = "c"\nnodes = [{nodes}]\n{more}'


WRONG = [
    ("cluster = ", "this is not TOML: Invalid value"),
    (NODES, "Object missing required field `cluster`"),
    ('cluster = "c"', "Object missing required field `nodes`"),
    (cluster(""), "nodes: Expected `array` of length >= 1"),
    (cluster('{ id = 0, port = "7001" }'), "nodes[0].port: Expected `int`, got `str`"),
    (cluster("{ id = 0, port = 70000 }"), "nodes[0].port: Expected `int` <= 65535"),
    (cluster("{ id = 0, port = 1, name = 2 }"), "nodes[0]: Object contains unknown field `name`"),
    (cluster("{ id = 1, port = 1 }"), "must be numbered 0, 1, 2 ...; their ids are: 1"),
    (cluster("{ id = 0, port = 1 }, { id = 0, port = 2 }"), "their ids are: 0, 0"),
    (
        cluster("{ id = 0, port = 1 }, { id = 1, port = 1 }"),
        "nodes 0 and 1 are both at 127.0.0.1:1",
    ),
    (cluster("{ id = 0, port = 1 }, { id = 1, port = 0 }"), "node 1 needs a port that the others"),
    (cluster('{ id = 0, port = 1, host = "10.0.0.1" }'), "10.0.0.1 is not loopback"),
    (cluster('{ id = 0, port = 1, listen = "0.0.0.0" }'), "say `trusted_network = true`"),
    (cluster("{ id = 0, port = 1 }", "[limits]\nkey_bytes = 0"), "limits.key_bytes: Expected"),
    (cluster("{ id = 0, port = 1 }", '[tls]\ncert = "c"'), "tls: Object missing required field"),
    (cluster("{ id = 0, port = 1 }", "data = 3"), "data: Expected `str`, got `int`"),
]


@pytest.mark.parametrize(("text", "reason"), WRONG)
def test_what_is_wrong_is_said(text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(text, HERE, 0)
    assert reason in str(error.value)
    if "Expected" in reason or "Object" in reason or "TOML" in reason:
        assert str(error.value).endswith("; `quorate serve --example-config` prints one that works")


def test_a_node_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="there is no node 2: the nodes are 0 to 1"):
        parse(f'cluster = "c"\n{NODES}', HERE, 2)


def test_a_network_that_is_trusted() -> None:
    text = cluster('{ id = 0, port = 1, host = "10.0.0.1" }', "trusted_network = true")
    assert parse(text, HERE, 0).own.host == "10.0.0.1"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    with pytest.raises(ConfigError, match=r"c.toml cannot be read: No such file"):
        load(file, 0)
    file.write_bytes(b"cluster = '\xff'")
    with pytest.raises(ConfigError, match=r"c.toml is not UTF-8: byte 11"):
        load(file, 0)
    file.write_text("cluster = 3")
    with pytest.raises(ConfigError, match=r"c.toml: cluster: Expected `str`, got `int`"):
        load(file, 0)


@given(st.text(max_size=60))
def test_any_text_is_a_configuration_or_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(f"{text}\nnodes = 3", HERE, 0)
