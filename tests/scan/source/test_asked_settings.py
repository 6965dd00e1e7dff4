"""What a service of the project gives out of the files of settings beside the code."""

import pytest

from stopper.core.facts import source_of
from stopper.core.values import Constant, EnvironmentValue, text_of

SERVICE = """
    from typing import Generic, TypeVar
    import yaml

    Kind = TypeVar("Kind")


    class ConfigService(Generic[Kind]):
        _held = {}

        @classmethod
        def load(cls, stage):
            for name in ("default.yml", f"{stage}.yml"):
                with open(f"config/{name}") as file:
                    merge(cls._held, yaml.safe_load(file))

        @classmethod
        def get_value(cls, key: str, default: Kind | None = None) -> Kind:
            found = cls._held
            for word in key.split("."):
                found = found.get(word, {})
            return found or default
"""
APP = """
    from flask import Flask
    from service import ConfigService

    app = Flask(__name__)
    app.config["SECRET_KEY"] = ConfigService[str].get_value(key="server.secret_key")
    app.config["MAX_CONTENT_LENGTH"] = ConfigService[int].get_value("server.largest", 5)
    app.config["MAIL_SERVER"] = ConfigService[str].get_value("mail.host")
"""


def _written(read, files: dict[str, str]):
    reading = read({"service.py": SERVICE, "app.py": APP, **files})
    return {
        one.key: one.value
        for one in source_of(reading.app).config_writes("SECRET_KEY", "MAX_CONTENT_LENGTH", "MAIL_SERVER")
    }


def test_a_path_of_keys_gives_what_stands_under_it_where_it_stands(read):
    found = _written(
        read, {"config/default.yml": "server:\n  port: 80\n  secret_key: 'p1ain-in-a-file'\n  largest: 1000\n"}
    )
    secret = found["SECRET_KEY"]
    assert (text_of(secret), secret.span.path, secret.span.line) == ("p1ain-in-a-file", "config/default.yml", 3)
    assert found["MAX_CONTENT_LENGTH"].value == 1000
    assert not isinstance(found["MAIL_SERVER"], (Constant, EnvironmentValue)), "no file has that path"


@pytest.mark.parametrize(("other", "said"), [("production.yml", "of production"), ("development.yml", "of all")])
def test_what_production_says_goes_before_and_what_a_desk_says_counts_for_nothing(read, other, said):
    files = {
        "config/default.yml": "server: {secret_key: of all}\n",
        f"config/{other}": f"server: {{secret_key: of {other.removesuffix('.yml')}}}\n",
    }
    assert text_of(_written(read, files)["SECRET_KEY"]) == said


def test_a_file_that_names_variables_makes_it_a_variable(read):
    files = {
        "config/default.yml": "server: {port: 80}\n",
        "config/custom-environment-variables.yml": "server: {secret_key: SERVER_SECRET_KEY}\n",
    }
    secret = _written(read, files)["SECRET_KEY"]
    assert isinstance(secret, EnvironmentValue)
    assert (secret.variable, secret.default) == ("SERVER_SECRET_KEY", None)


def test_where_two_folders_have_that_path_it_is_not_known_which_is_meant(read):
    files = {
        "a/config/default.yml": "server: {secret_key: one}\n",
        "b/config/default.yml": "server: {secret_key: two}\n",
    }
    assert not isinstance(_written(read, files)["SECRET_KEY"], Constant)
