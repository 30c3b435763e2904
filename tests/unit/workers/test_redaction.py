"""What is taken out of a payload or a text before people may read it, and what is left in."""

import json
import time

import pytest
from hypothesis import given
from hypothesis.strategies import lists, sampled_from, tuples

from docs.examples import EXAMPLES
from producers.envelope import seal
from producers.sealing import KeyMessage
from workers import redaction
from workers.redaction import REDACTED, redacted_payload, redacted_text

SECRET = "hunter2 und mehr"
WORD = "hunter2-und-mehr"

NAMES = (
    *("password", "Password", "DB_PASSWORD", "userPassword", "pass-word", "passwd", "pwd", "passphrase", "PassPhrase"),
    *("secret", "client_secret", "clientSecret", "secret_id", "secretId", "secrets", "aws_secret_access_key"),
    *("token", "access_token", "accessToken", "access-token", "TOKEN", "refresh token", "tokenValue", "password_hash"),
    *("api_key", "apiKey", "apikey", "API key", "APIKey", "OPENAI_API_KEY", "x-api-key", "X-Api-Key", "api_key_2"),
    *("access_key", "accessKeyId", "private_key", "privateKey", "sealed_key", "authorization", "Proxy-Authorization"),
    *("credential", "credentials", "cookie", "Set-Cookie", "cookies", "jwt", "sessionJWT", "id.token"),
)
PLAIN = (
    *("tokenizer", "passwordless", "max_tokens", "tokens", "secretary", "cookiecutter", "passenger", "author"),
    *("access_token_hash", "access_token_hint", "key", "keyboard", "authorizer", "monkey", "name", ""),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_text_under_the_name_of_a_secret_is_taken_out(name: str) -> None:
    payload, redacted = redacted_payload(json.dumps({name: SECRET, "other": "stays"}).encode())
    assert redacted
    assert json.loads(payload) == {name: REDACTED, "other": "stays"}


@pytest.mark.parametrize("name", PLAIN)
def test_a_text_under_another_name_stays(name: str) -> None:
    raw = json.dumps({name: SECRET})
    assert redacted_payload(raw.encode()) == (raw, False)


STAYS: dict[str, object] = {
    "a number": {"max_tokens": 4096, "password": 12},
    "a yes": {"passwordless": True, "token": False},
    "nothing": {"token": None, "password": "", "cookies": [], "credentials": {}},
    "words about secrets": {"error": "the token has expired, and the password is wrong: log in again"},
    "a count in a text": {"error": "max_tokens: 4096, tokenizer=gpt2, passwordless: true"},
    "flags without arguments": ["--passwordless", "yes", "--token", "--verbose"],
    "an address without a password": "postgresql://worker@host:5432/minimcp",
}


@pytest.mark.parametrize("what", STAYS)
def test_what_is_no_secret_stays(what: str) -> None:
    raw = json.dumps(STAYS[what])
    assert redacted_payload(raw.encode()) == (raw, False)


TAKEN: dict[str, tuple[object, object]] = {
    "what lies below the name of a secret": (
        {"credentials": {"user": "ada", "keys": ["a", 1]}},
        {"credentials": {"user": REDACTED, "keys": [REDACTED, 1]}},
    ),
    "the argument of a flag": (
        ["serve", "--password", SECRET, "--port", "80", "-token", WORD, "--api-key", WORD],
        ["serve", "--password", REDACTED, "--port", "80", "-token", REDACTED, "--api-key", REDACTED],
    ),
    "a flag with its argument": (["--db-password=" + WORD, "x"], ["--db-password=" + REDACTED, "x"]),
    "a secret deep down": ([{"a": [{"b": {"pwd": SECRET}}]}], [{"a": [{"b": {"pwd": REDACTED}}]}]),
    "a text in a list": (["x", f"token={WORD}"], ["x", f"token={REDACTED}"]),
}


@pytest.mark.parametrize("what", TAKEN)
def test_a_secret_in_a_structure_is_taken_out(what: str) -> None:
    given, left = TAKEN[what]
    payload, redacted = redacted_payload(json.dumps(given).encode())
    assert (json.loads(payload), redacted) == (left, True)


TEXTS = (
    f"Authorization: {SECRET}",
    f"Authorization: Bearer {WORD}",
    f"authorization: Digest username=ada, response={WORD}",
    f"X-Api-Key: {WORD}",
    f"Cookie: a=b; session={WORD}; c=d",
    f'curl -H "Authorization: Token {WORD}" http://host/',
    f"{{'Authorization': '{SECRET}', 'x': 1}}",
    f'password="{SECRET}"',
    f"password = '{SECRET}'",
    f'"password": "a \\" {SECRET}"',
    f'{{\\"password\\": \\"{SECRET}\\"}}',
    f'{{"token": "{WORD}"',
    f'{{"token": "{SECRET}',
    f"DB_PASSWORD={WORD} next",
    f"clientSecret: {WORD}",
    f"api key: {WORD}",
    f"secret_id={WORD}",
    f"serve --password {WORD} --port 80",
    f"serve --db-password '{SECRET}'",
    f"https://host/?a=b&access_token={WORD}&c=d",
    f"postgresql://ada:{WORD}@host/",
    f"sent bearer {WORD}",
    f"the key sk-{WORD}",
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_secret_in_a_text_is_taken_out(text: str) -> None:
    assert "hunter2" not in redacted_text(text)
    assert "mehr" not in redacted_text(text)
    assert REDACTED in redacted_text(text)


def test_what_stands_around_a_secret_stays() -> None:
    text = f"GET /?x=1 failed\nAuthorization: {SECRET}\nHost: example.org\nserve --password {WORD} --port 80"
    assert redacted_text(text) == (
        f"GET /?x=1 failed\nAuthorization: {REDACTED}\nHost: example.org\nserve --password {REDACTED} --port 80"
    )


def test_of_the_examples_of_all_contracts_only_sealed_keys_are_taken_out() -> None:
    for message in EXAMPLES.values():
        raw = seal(message)
        payload, redacted = redacted_payload(raw)
        if isinstance(message, KeyMessage):
            assert redacted
            assert message.sealed_key.ciphertext not in payload
        else:
            assert (payload, redacted) == (raw.decode(), False)


def test_an_envelope_too_deep_to_be_looked_through_is_treated_as_text() -> None:
    for depth in (400, 700, 900, 5_000):
        raw = b'{"a": ' * depth + f'{{"password": "{SECRET}"}}'.encode() + b"}" * depth
        payload, redacted = redacted_payload(raw)
        assert redacted
        assert SECRET not in payload


PIECES = (
    *("a", "a_", "a-", "a.", "a:", "-a", "--a-b-c-d", "a://", "ab://x:", "@", "\\", '"', " ", "sk-", "bearer "),
    *("token", "token ", "token:", 'token="', 'token=\\"', "passWord", "--token ", "Authorization: "),
)


@pytest.mark.parametrize("piece", PIECES)
def test_a_word_of_a_megabyte_takes_no_time(piece: str) -> None:
    """What looks at each letter twice for each letter would take minutes."""
    text = piece * (1_000_000 // len(piece))
    begin = time.process_time()
    redacted_text(text)
    redacted_text("token=" + text)
    redacted_text("x " * 500_000 + text[:1_000])
    assert time.process_time() - begin < 5


TOLD_BY_ONE_THING = (
    *(f"{name}={WORD}" for name in NAMES),
    *(f"--{name} {WORD}" for name in NAMES),
    *(f"to\u212aen={WORD}", f"\u017fecret: {WORD}", f"--to\u212aen {WORD}", f"ba\u017fic {WORD}"),
    *(f"Bearer {WORD}", f"BASIC {WORD}", f"redis://ada:{WORD}@host", f"\u017fk-{WORD}"),
)


def _with_all_patterns(text: str) -> str:
    for _, pattern in redaction._PATTERNS:
        text = pattern.sub(redaction._replacement, text)
    return text


@pytest.mark.parametrize("text", TOLD_BY_ONE_THING)
def test_no_pattern_is_left_out_that_finds_something(text: str) -> None:
    assert redacted_text(text) == _with_all_patterns(text)


BEGINNINGS = (
    *("password", "pwd", "secret", "tokEn", "api Key", "authoriZation", "cookie", "credential", "jwt", "to\u212aen"),
    *(
        "\u017fecret",
        "--to\u212aen",
        "Bearer",
        "ba\u017fic",
        "sk",
        "\u017fk",
        "GHO",
        "xoxb",
        "figd",
        "redis://ada",
        "é",
    ),
)
ENDS = (WORD, f"{WORD}@host", f'"{WORD} {WORD}"', "\\n", "")


@given(
    lists(
        tuples(sampled_from(BEGINNINGS), sampled_from(("=", ": ", ":", "_", "-", " ")), sampled_from(ENDS)), max_size=2
    )
)
def test_looking_for_less_finds_no_less(parts: list[tuple[str, str, str]]) -> None:
    text = " ".join(map("".join, parts))
    assert redacted_text(text) == _with_all_patterns(text)


@pytest.mark.parametrize("prefix", ["sk-", "pk_", "ghp_", "gho-", "xoxa-", "xoxb-", "xoxp-", "figd_"])
def test_a_key_of_a_service_that_is_known_by_its_beginning_is_taken_out(prefix: str) -> None:
    assert redacted_text(f"used {prefix}0123456789abcdef in vain") == f"used {REDACTED} in vain"
