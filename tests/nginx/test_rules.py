"""Rules for whoever edits the templates, each the lesson of an advisory or of a bypass somewhere else."""

import re
from pathlib import Path

import pytest

from api.gateway import TEMPLATES

FILES = sorted(TEMPLATES.rglob("*.conf"))
# What a file is chosen by: named captures whose patterns know every allowed character, and where the search begins.
CHOOSE = {"video", "generation", "rendition", "file", "still", "small", "made", "text", "beside", "page", "uri"}
# Words of a client that may be read at all, and in which file.
CLIENT_WORDS = {
    ("http_host", "proxy.conf"),
    ("http_authorization", "limits.conf"),
    ("args", "api.conf"),
    ("is_args", "api.conf"),
    ("request_uri", "problem_headers.conf"),
    ("request_uri", "callers.conf"),
    ("request_uri", "tls.conf"),
    ("http_x_edge_secret", "edges_only.conf"),
    # What edges say, once they have shown the secret.
    *((f"http_x_{name}", "edges.conf") for name in ("session_id", "token", "video", "rendition", "start_ms", "end_ms")),
}


def directives(path: Path) -> list[list[str]]:
    """Every directive of a file as its words; quoted words stay whole, and what opens a block is one too."""
    text = "\n".join(re.sub(r"(^|\s)#.*", "", line) for line in path.read_text().splitlines())
    found: list[list[str]] = [[]]
    for word in re.findall(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|(?:%\{[A-Z_]+\}|[^\s;{}"\'])+|[;{}]', text):
        if word in (";", "{", "}"):
            found.append([])
        else:
            found[-1].append(word.strip("\"'"))
    return [words for words in found if words]


def all_of(*names: str) -> list[tuple[Path, list[str]]]:
    found = [(path, words) for path in FILES for words in directives(path) if words[0] in names]
    assert found, f"nothing of {names} is there any more: the rule guards nothing"
    return found


def variables(words: list[str]) -> set[str]:
    return set(re.findall(r"\$\{?(\w+)", " ".join(words)))


def test_the_reader_of_templates_reads() -> None:
    words = [words for _, words in all_of("location", "error_page", "proxy_pass", "limit_req")]
    for one in (
        ["error_page", "403", "=", "@denied"],
        ["location", "/v/"],
        ["limit_req", "zone=pace", "burst=130", "delay=30"],
    ):
        assert one in words


def test_captures_have_names() -> None:
    """CVE-2026-42945 and its sibling need captures without."""
    for path in FILES:
        for words in directives(path):
            text = " ".join(words)
            assert not re.search(r"\$\{?[0-9]", text), f"{path.name}: {text}"
            if words[0] in ("location", "if", "rewrite") or words[0].startswith("~"):
                assert not re.search(r"(?<!\\)\((?!\?)", re.sub(r"^if \(|\)$", "", text)), f"{path.name}: {text}"


def test_nothing_is_rewritten() -> None:
    """`rewrite` with a `?` is one half of CVE-2026-42945; with `alias` Debian's nginx answers 500. We need none."""
    assert [(p.name, w) for p in FILES for w in directives(p) if w[0] == "rewrite"] == []


def test_addresses_of_error_pages_are_fixed() -> None:
    """They are not normalised again."""
    for path, words in all_of("error_page"):
        # The one variable comes from a map whose values are two addresses of ours.
        assert variables(words) <= {"plain_answer"}, path.name


def test_files_are_chosen_by_captures_alone() -> None:
    for path, words in all_of("try_files", "alias", "root"):
        assert variables(words) <= CHOOSE, f"{path.name}: {words}"


def test_upstreams_are_fixed_and_their_paths_are_captures() -> None:
    for path, words in all_of("proxy_pass"):
        target = words[1]
        assert re.match(r"(?:http|%\{ORIGIN_SCHEME\})://[a-z]+/", target), f"{path.name}: {target}"
        assert variables(words) <= CHOOSE | {"events_of", "is_args", "args"}, f"{path.name}: {target}"


def test_what_a_client_says_is_read_in_few_places() -> None:
    said = r"(?:http_\w+|arg_\w+|args|is_args|query_string|cookie_\w+|request_uri|request|request_body)"
    found = {
        (name, path.name)
        for path in FILES
        for words in directives(path)
        for name in variables(words)
        if re.fullmatch(said, name)
    }
    assert found == CLIENT_WORDS


def test_locations_that_lead_to_folders_end_like_them() -> None:
    """The traversal of a `location /x` with an `alias /y/`."""
    for path, _ in all_of("alias"):
        text = path.read_text()
        for place, folder in re.findall(r"location (\S+) \{[^}]*?alias \"([^\"]+)\";", text, re.DOTALL):
            assert place.endswith("/"), place
            assert folder.endswith("/"), folder


@pytest.mark.parametrize("name", ["verdict.conf", "posters.conf", "held.conf"])
def test_a_clients_headers_and_body_stay_outside(name: str) -> None:
    words = [words for path in FILES if path.name == name for words in directives(path)]
    assert ["proxy_pass_request_headers", "off"] in words
    assert ["proxy_pass_request_body", "off"] in words


def test_what_is_unknown_is_not_found() -> None:
    for name in ("pages.conf", "api.conf", "media.conf", "edges.conf", "edge.conf"):
        path = next(p for p in FILES if p.name == name)
        assert ["return", "404"] in directives(path), name


def test_addresses_end_where_their_patterns_end() -> None:
    """In PCRE `$` forgives a newline at the end, which a path may have as %0a."""
    for path, words in all_of("location"):
        if words[1] in ("~", "~*"):
            assert words[2].startswith("^"), f"{path.name}: {words[2]}"
            assert words[2].endswith("\\z"), f"{path.name}: {words[2]}"
