"""Style sheets lose what can match nothing, and nothing else."""

import pytest

import purge

PAGE = """<html><body class="bare"><main id="main"><a class="link on" href="x">a</a>
<table><tr><td class='cell'>1</td></tr></table><em style="color: var(--asked)">x</em>
<script>document.body.classList.add("read");</script></main></body></html>"""
SCRIPT = (
    'n.classList.toggle("open"); n.append(document.createElement("dialog"));'
    'n.classList.add("theme-" + mode, `tip-${side}`); n.style.getPropertyValue("--measured")'
)


@pytest.fixture(scope="module")
def words() -> purge.Words:
    return purge.words_of([PAGE], [SCRIPT])


def test_words_of_pages_and_scripts_are_known(words: purge.Words):
    assert {"main", "a", "td", "tbody", "dialog"} <= words.elements
    assert {"bare", "main", "link", "on", "cell", "read", "open"} <= words.names
    assert "--asked" in words.properties
    assert words.beginnings == {"theme-", "tip-"}
    assert not words.hold("absent", words.names)


@pytest.mark.parametrize(
    "selector",
    [
        ".link",
        "#main > a.link.on:hover",
        "TBODY td.cell::after",
        "*",
        ":root",
        "a:focus-visible + em ~ script",
        ".open",  # only a script adds it
        "dialog::backdrop",
        ".read",  # a script within a page does
        ".theme-dark",  # a script puts it together
        ".tip-left",
        "a:not(.absent)",
        "td:nth-child(2n + 1 of .cell)",
        "a:is(.absent, .link)",
        "main:has(> .cell)",
        "[data-anything=else]",
        "[class]",
        '[class*="in"]',
        '[class^=" li"]',
        "[ class ~= on i ]",
        "a:lang(en)",
    ],
)
def test_what_may_match_stays(words: purge.Words, selector: str):
    assert purge.purge(f"{selector} {{ top: 0 }}", words) == f"{selector}{{top:0;}}\n"


@pytest.mark.parametrize(
    "selector",
    [
        ".absent",
        "#absent",
        "article",
        ".link.absent",
        "a .absent",
        ".absent > a",
        "article:hover",
        "a:is(.absent, article)",
        "main:has(.absent)",
        "a:where(.absent)",
        '[class*="absent"]',
        "a[class^=absent-]:not(.link)",
    ],
)
def test_what_can_match_nothing_goes(words: purge.Words, selector: str):
    assert purge.purge(f"{selector} {{ top: 0 }}", words) == ""


def test_a_list_loses_its_dead_members_alone(words: purge.Words):
    sheet = "a, .absent , em:is(.absent, a), article { top: 0; left: 1px !important }"
    assert purge.purge(sheet, words) == "a,em:is(.absent, a){top:0;left:1px!important;}\n"


def test_rules_within_at_rules_are_judged_and_empty_ones_go(words: purge.Words):
    sheet = """
    @media print { .absent { top: 0 } a { top: 1px } }
    @media (min-width: 9em) { .absent { top: 0 } }
    @supports (top: 0) { @media screen { .absent { top: 0 } } }
    @supports (top: 0) { @media screen { a { top: 2px } } }
    """
    kept = purge.purge(sheet, words).replace("\n", "")
    printed = "@media print{a{top:1px;}}"
    assert kept == printed + "@supports (top: 0){@media screen{a{top:2px;}}}"


def test_other_at_rules_stay(words: purge.Words):
    for rule in (
        '@import url("more.css") screen;',
        "@layer one, two;",
        "@font-face{font-family: F; src: url(f.woff)}",
        "@page :first{margin: 1cm}",
    ):
        assert purge.purge(rule, words).strip() == rule


def test_movements_stay_where_something_moves(words: purge.Words):
    turn = "@keyframes turn{from{top: 0}to{top: 1px}}"
    assert purge.purge(turn + ".absent { animation: turn 1s }", words) == ""
    assert turn in purge.purge(turn + "a { animation: 1s turn }", words)
    assert turn in purge.purge(turn + "a { --how: turn 1s; animation: var(--how) }", words)


def test_custom_properties_stay_where_something_asks_for_them(words: purge.Words):
    sheet = """
    :root { --first: 1px; --second: var(--first); --idle: 2px; --measured: 3px; --asked: red }
    .absent { left: var(--idle) }
    em { --alone: 1 }
    a { top: var( --second, 0 ) }
    """
    root = ":root{--first:1px;--second:var(--first);--measured:3px;--asked:red;}"
    assert purge.purge(sheet, words) == f"{root}\na{{top:var( --second, 0 );}}\n"


def test_values_come_through_unharmed(words: purge.Words):
    sheet = r"""
    /* a remark */ /*! a licence */
    a { content: "\201C; }"; background: url("data:image/svg+xml;,{<svg/>}") , url( b.png );
        width: calc(1px + 2 * (3px - 1em)); color: red; color: color-mix(in srgb, red, blue);
        transform: none; *zoom: 1; bottom: 0 }
    a:before { content: '\f054' }
    .on\.off, em { top: 0 }
    a { & > em { left: 0 } top: 0 }
    """
    kept = purge.purge(sheet, words)
    assert "/*! a licence */" in kept
    assert "a remark" not in kept
    assert 'content:"\u201c; }";' in kept
    assert 'content:"\uf054"' in kept
    assert '"data:image/svg+xml;,{<svg/>}"' in kept
    assert (
        "width:calc(1px + 2 * (3px - 1em));color:red;color:color-mix(in srgb, red, blue);" in kept
    )
    assert "transform:none;bottom:0;" in kept
    assert "\nem{top:0;}" in kept
    assert "& > em { left: 0 }" in kept


def test_a_site_is_read_with_its_scripts(tmp_path):
    (tmp_path / "_static" / "scripts").mkdir(parents=True)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "page.html").write_text(PAGE, "utf-8")
    (tmp_path / "_static" / "scripts" / "own.js").write_text(SCRIPT, "utf-8")
    (tmp_path / "searchindex.js").write_text('["absent"]', "utf-8")  # words of prose
    words = purge.words_of_site(tmp_path)
    assert {"link", "open"} <= words.names
    assert "absent" not in words.names
