"""Where the warehouse's key comes from, and that a bad one is one line."""

from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from pipelines.errors import PlayerpathError
from pipelines.keys import fingerprint, load_key


def test_a_key_file_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("PLAYERPATH_KEY", raising=False)
    first = load_key(tmp_path / "game.db")
    assert (tmp_path / "game.key").stat().st_mode & 0o777 == 0o600
    assert load_key(tmp_path / "game.db") == first
    assert len(first) == 64


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PLAYERPATH_KEY", "a key of my own, long enough")
    assert load_key(tmp_path / "game.db") == b"a key of my own, long enough"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@mock_aws
def test_a_secret_of_secrets_manager_is_the_key(monkeypatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("PLAYERPATH_KEY", "secretsmanager://game/key")
    boto3.client("secretsmanager").create_secret(Name="game/key", SecretString="kept by somebody else")
    assert load_key(None) == b"kept by somebody else"
    monkeypatch.setenv("PLAYERPATH_KEY", "secretsmanager://other")
    with pytest.raises(PlayerpathError, match="cannot read the secret 'other'"):
        load_key(None)


def test_a_short_key_and_no_place_for_one_are_refused(monkeypatch) -> None:
    monkeypatch.setenv("PLAYERPATH_KEY", "short")
    with pytest.raises(PlayerpathError, match="wanted 16 characters or more, found 5"):
        load_key(None)
    monkeypatch.delenv("PLAYERPATH_KEY")
    with pytest.raises(PlayerpathError, match="no key"):
        load_key(None)


def test_a_fingerprint_tells_keys_apart_and_does_not_hold_them() -> None:
    assert fingerprint(b"a" * 32) != fingerprint(b"b" * 32)
    assert "61616161" not in fingerprint(b"a" * 32)
