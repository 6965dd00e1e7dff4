"""What is taken for a secret of an application, and what is not."""

from stopper.core.leak_learning import of_settings


def test_the_folder_in_which_a_shell_stands_is_no_password() -> None:
    environ = {
        "PWD": "/srv/builds/shop-41f0c2/src",
        "OLDPWD": "/srv/builds/shop-41f0c2",
        "DB_PWD": "k9-Vt2-mQ7-xW4-rL8",
    }
    assert [one.value for one in of_settings(environ, "environment")] == ["k9-Vt2-mQ7-xW4-rL8"]
