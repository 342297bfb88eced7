import pytest

from recbole_ext.config.keys.known_keys import host_keys, keys_of
from recbole_ext.places import properties_folder
from recbole_ext.registry import models
from recbole_ext.secret_names import is_secret_name

SECRET = """WANDB_API_KEY AWS_SECRET_ACCESS_KEY GITHUB_TOKEN DB_PASS apiKey notify-webhook
    RECBOLE_EXT_NOTIFY_URL SSHPASS MYSQL_PWD PRIVATEKEY accessKey AccountKey APIKey JWT BEARER KEY_1 KEY1
    VAULT_TOKEN_2 AZURE_STORAGE_CONNECTION_STRING PGPASSWORD DATABASE_PASSWD SECRET_KEY_BASE client_secret
    refreshToken Authorization SENTRY_DSN SharedAccessSignature X-Amz-Signature sig GH_PAT passphrase
    SESSION_COOKIE license-key authtoken tokens""".split()
HARMLESS = """TOKENIZERS_PARALLELISM PWD OLDPWD SSH_AUTH_SOCK SECRET_FILE AWS_ACCESS_KEY_ID
    convert_token_to_onehot monkey item_key user_key primary_key PUBLIC_KEY max_tokens n_tokens pad_token
    token_type keyboard author bypass TIME_FIELD USER_ID_FIELD compass password_file seed HOME 7""".split()


@pytest.mark.parametrize("name", SECRET)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name) and is_secret_name(f"{name}_2")


@pytest.mark.parametrize("name", HARMLESS)
def test_names_of_other_things(name: str) -> None:
    assert not is_secret_name(name)


def test_no_setting_is_taken_for_a_secret() -> None:
    files = [entry.properties for entry in models().values()] + [properties_folder() / "overall.yaml"]
    names = {*host_keys(), *(key for path in files for key in keys_of(path))}
    assert len(names) > 200 and [name for name in names if is_secret_name(name)] == []
