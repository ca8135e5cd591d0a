"""An S3 on this machine, and a line to it that breaks."""

from collections.abc import Iterator

import pytest

from rec_assets_tests.store.s3_server import BUCKET, KEY, SECRET, Line, forget_connections


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    pytest.importorskip("s3fs", reason="needs the `s3` extra")
    server = pytest.importorskip("moto.server", reason="needs moto's server, of the `dev` extra")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def base(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A URL below an empty bucket; where it is and who asks comes from the environment."""
    import s3fs

    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    forget_connections()
    files = s3fs.S3FileSystem(endpoint_url=endpoint)
    files.mkdir(BUCKET)
    yield f"s3://{BUCKET}/some/prefix"
    files.rm(BUCKET, recursive=True)
    forget_connections()


@pytest.fixture
def line(base: str, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """What the environment calls the endpoint."""
    line = Line(int(endpoint.rpartition(":")[2]))
    monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
    forget_connections()
    yield line
    line.close()
