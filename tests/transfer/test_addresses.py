import pytest

from skinlab.transfer.addresses import is_loopback, problem, redirected, shown


@pytest.mark.parametrize(
    ("address", "plain_http", "reason"),
    [
        ("https://example.org/a.jpg", "never", None),
        ("http://example.org/a.jpg?Signature=s", "never", "http://example.org/a.jpg is not https"),
        ("http://example.org/a.jpg", "loopback", "http://example.org/a.jpg is not https"),
        ("http://127.0.0.1:80/a.jpg", "never", "http://127.0.0.1:80/a.jpg is not https"),
        ("http://127.0.0.1:80/a.jpg", "loopback", None),
        ("http://[::1]/a.jpg", "loopback", None),
        ("http://127.0.0.1.example.org/", "loopback", "http://127.0.0.1.example.org/ is not https"),
        ("http://example.org/a.jpg", "any", None),
        ("ftp://example.org/a.jpg", "any", "ftp://example.org/a.jpg is not http(s)"),
        ("file:///etc/passwd", "any", "file:///etc/passwd is not http(s)"),
        ("/a.jpg", "any", "/a.jpg is not http(s)"),
        ("https://user:secret@example.org/", "any", "the address at example.org holds a user name or a password"),
        ("https://example.org:port/", "any", "'https://example.org:port/' is not an address"),
    ],
)
def test_only_encrypted_addresses_or_those_of_this_machine_are_fetched(address, plain_http, reason):
    assert problem(address, plain_http) == reason


@pytest.mark.parametrize(
    ("address", "location", "reason"),
    [
        ("https://a.org/x", "https://b.org/y", None),
        ("http://a.org/x", "https://a.org/x", None),
        ("http://127.0.0.1/x", "/y", None),
        ("https://a.org/x", "http://b.org/y?key=1", "the redirect to http://b.org/y drops encryption"),
        ("https://a.org/x", "https://localhost/y", "the redirect to https://localhost/y leads into this machine"),
        ("http://a.org/x", "http://127.0.0.1/y", "the redirect to http://127.0.0.1/y leads into this machine"),
        ("http://a.org/x", "ftp://a.org/x", "the redirect is refused: ftp://a.org/x is not http(s)"),
    ],
)
def test_a_redirect_neither_drops_encryption_nor_leads_into_this_machine(address, location, reason):
    assert redirected(address, location, "any")[1] == reason


def test_names_that_merely_look_like_this_machine_are_not():
    assert [is_loopback(host) for host in ("localhost", "127.9.9.9", "::1", "localhost.org", "10.0.0.1", "")] == [
        *[True] * 3,
        *[False] * 3,
    ]


def test_signatures_and_user_names_are_never_shown():
    assert shown("https://user:secret@example.org/a.jpg?Signature=secret#x") == "https://example.org/a.jpg"
