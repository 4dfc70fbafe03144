"""The built site in Debian's chromium: every page, in both themes, on a telephone, by keyboard.

Skipped where there is no chromium; `.ci/run` installs it. The tests that open every page take
minutes and are left to `make check ARGS="-m weekly"`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Response

from tools import browser
from tools.browser import DESKTOP, PATIENCE, PHONE, SITE, NoBrowserError, page_names

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "preload": False,  # it would ask for what style sheets import, and in the wrong folder
    "resultTypes": ["violations"],  # describing what is right takes as long as looking for faults
}
"""What axe looks for."""

each_page = pytest.mark.parametrize("page_name", page_names())


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    if not (SITE / "index.html").is_file():
        pytest.fail(f"there is no site in {SITE}; run `make book` first")
    with browser.served() as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    try:
        with browser.chromium() as program:
            yield program
    except NoBrowserError as error:
        pytest.skip(str(error))


class Opened(NamedTuple):
    """A page and what it has said and asked for since it was opened."""

    page: Page
    said: list[str]
    asked: list[str]


@pytest.fixture
def opened(chromium: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Opened]:
    """A new window; the parameters of `browser.new_context` may be given indirectly."""
    arguments: dict[str, Any] = {"viewport": DESKTOP} | getattr(request, "param", {})
    context = chromium.new_context(**arguments)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    window = Opened(page, [], [])

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            window.said.append(f"{message.type}: {message.text}")

    def receive(response: Response) -> None:
        if response.status >= 400:
            window.said.append(f"missing: {response.url}")

    page.on("console", hear)
    page.on("pageerror", lambda error: window.said.append(f"error: {error}"))
    page.on("request", lambda request: window.asked.append(request.url))
    page.on("response", receive)
    yield window
    context.close()


def go(window: Opened, address: str, name: str) -> Page:
    browser.go(window.page, f"{address}{name}.html")
    return window.page


def violations(page: Page) -> list[str]:
    """What axe finds, a line each."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:150]}"
        for rule in found
        for node in rule["nodes"][:3]
    ]


@pytest.mark.weekly
@each_page
@pytest.mark.parametrize("opened", [{}], indirect=True, ids=["light"])
def test_a_page_says_nothing_asks_no_other_host_and_shuts_nobody_out(
    opened: Opened, address: str, page_name: str
) -> None:
    page = go(opened, address, page_name)
    assert violations(page) == []
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith((address, "data:", "blob:"))] == []


@pytest.mark.weekly
@each_page
@pytest.mark.parametrize(
    "opened",
    [{"viewport": PHONE, "color_scheme": "dark", "is_mobile": True}],
    indirect=True,
    ids=["dark telephone"],
)
def test_a_dark_page_fits_a_telephone_and_shuts_nobody_out(
    opened: Opened, address: str, page_name: str
) -> None:
    page = go(opened, address, page_name)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    width = page.evaluate("document.scrollingElement.scrollWidth")
    assert width <= PHONE["width"], f"the page is {width} pixels wide"
    assert page.locator("img.only-light:visible").count() == 0
    assert violations(page) == []
    assert opened.said == []


WITH_STEPPER = "book/generative/gan"
WITH_ANIMATION = "book/reinforcement/dqn"
WITH_TABS = ("book/tabular/kmeans", "book/vision/cnn")


def shown_frames(page: Page) -> list[int]:
    """The places of the frames of the first stepper that are to be seen."""
    return page.evaluate(
        """[...document.querySelector(".stepper").querySelectorAll(".frame")]
           .flatMap((frame, i) => getComputedStyle(frame).visibility === "visible" ? [i] : [])"""
    )


def test_the_arrow_keys_step_through_the_frames_and_each_shows_alone(
    opened: Opened, address: str
) -> None:
    page = go(opened, address, WITH_STEPPER)
    buttons = page.locator(".stepper").first.locator("input")
    last = buttons.count() - 1
    assert last > 0
    [first] = shown_frames(page)
    buttons.nth(first).focus()
    seen = [first]
    for _ in range(last + 1):
        page.keyboard.press("ArrowRight")
        seen += shown_frames(page)
    assert set(seen) == set(range(last + 1))
    assert seen[-1] == first, "the buttons are a ring"


@pytest.mark.parametrize("opened", [{"reduced_motion": "reduce"}], indirect=True)
def test_who_wants_no_motion_gets_a_picture_that_does_not_move(
    opened: Opened, address: str
) -> None:
    page = go(opened, address, WITH_ANIMATION)
    assert page.locator("img.moving").count() > 0
    assert page.locator("img.moving:visible").count() == 0
    assert page.locator("img.motionless:visible").count() > 0


def test_a_box_stops_the_animation(opened: Opened, address: str) -> None:
    page = go(opened, address, WITH_ANIMATION)
    assert page.locator("img.moving:visible").count() > 0
    page.locator("label.stop input").first.check()
    figure = page.locator("figure:has(label.stop)").first
    assert figure.locator("img.moving:visible").count() == 0
    assert figure.locator("img.motionless:visible").count() == 1


def test_a_tab_that_is_chosen_stays_chosen_on_the_next_page(opened: Opened, address: str) -> None:
    chosen = {}
    for name in WITH_TABS:
        page = go(opened, address, name)
        if not chosen:
            page.locator(".sd-tab-label[data-sync-id=jax]").first.click()
        chosen[name] = page.evaluate(
            """[...document.querySelectorAll(".sd-tab-set > input:checked + label")]
               .map((label) => label.dataset.syncId)"""
        )
    for name, tabs in chosen.items():
        assert tabs, name
        assert set(tabs) == {"jax"}, name


def follow_first_result(page: Page, word: str) -> None:
    """Click on what the search shows first; it leads to a page of the book about `word`."""
    link = page.locator("ul.search li a").first
    link.wait_for()
    link.click()
    page.wait_for_load_state()
    assert word in page.url
    assert page.locator("article h1").count() == 1


def test_the_search_finds_a_page_and_leads_there(opened: Opened, address: str) -> None:
    page = opened.page
    page.goto(f"{address}search.html?q=prototypical")
    follow_first_result(page, "prototypical")
    assert opened.said == []


def test_an_excerpt_of_a_search_has_each_formula_once(opened: Opened, address: str) -> None:
    opened.page.goto(f"{address}search.html?q=convolution+kernel")
    excerpt = opened.page.locator("ul.search li p.context").first
    excerpt.wait_for()
    formulas = opened.page.evaluate(
        """() => Search.makeSearchSummary(
            '<main role="main"><p>kernel <span class="katex"><math><semantics><mi>y</mi>' +
            '<annotation>x^2</annotation></semantics></math><span class="katex-html">y</span>' +
            '</span></p></main>', ["kernel"], "").textContent"""
    )
    assert formulas.split() == ["kernel", "x^2"]
    assert opened.said == []


def test_a_site_that_is_opened_as_files_works_and_finds_pages(opened: Opened) -> None:
    page = opened.page
    browser.go(page, (SITE / "index.html").as_uri())
    page.locator("form.filters select[name=part]").select_option(index=1)
    page.locator("button.theme-switch-button:visible").first.click()
    chosen = page.evaluate("document.documentElement.dataset.mode")
    page.locator(".tutorial:visible .sd-card").first.click()  # its link covers all of it
    page.wait_for_load_state()
    assert page.url.startswith("file:")
    assert page.evaluate("document.documentElement.dataset.mode") == chosen != "auto"
    browser.go(page, (SITE / f"{WITH_TABS[0]}.html").as_uri())
    page.locator(".sd-tab-label[data-sync-id=jax]").first.click()
    browser.go(page, (SITE / f"{WITH_TABS[1]}.html").as_uri())
    tabs = page.locator(".sd-tab-set > input:checked + label")
    assert set(tabs.evaluate_all("(all) => all.map((one) => one.dataset.syncId)")) == {"jax"}
    browser.go(page, (SITE / f"{WITH_STEPPER}.html").as_uri())
    [first] = shown_frames(page)
    page.locator(".stepper").first.locator("input").nth(first).focus()
    page.keyboard.press("ArrowRight")
    assert shown_frames(page) != [first]
    page.keyboard.press("Control+K")
    page.locator("dialog input[type=search]").fill("prototypical")
    page.keyboard.press("Enter")
    follow_first_result(page, "prototypical")
    assert opened.said == []
    assert not [url for url in opened.asked if not url.startswith(("file:", "data:", "blob:"))]


WITH_WIDE_CODE = "book/jax_and_numpy/updates"


@pytest.mark.parametrize(
    "opened", [{"viewport": PHONE, "is_mobile": True}], indirect=True, ids=["telephone"]
)
def test_what_is_far_down_is_laid_out_and_measured_when_the_reader_comes_near(
    opened: Opened, address: str
) -> None:
    page = opened.page
    page.goto(f"{address}{WITH_WIDE_CODE}.html", wait_until="load")
    wide = """() => [...document.querySelectorAll("pre")].map((code, place) => [
        place, code.checkVisibility({ contentVisibilityAuto: true }), code.tabIndex])"""
    before = page.evaluate(wide)
    assert [tab for _, shown, tab in before if not shown] == [-1] * sum(
        not shown for _, shown, _ in before
    )
    far = max(place for place, shown, _ in before if not shown)
    last = page.locator("pre").nth(far)
    last.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    _place, shown, tab = page.evaluate(wide)[far]
    assert shown
    assert (tab == 0) == last.evaluate("code => code.scrollWidth > code.clientWidth")


@pytest.mark.parametrize(
    "opened", [{"viewport": PHONE, "is_mobile": True}], indirect=True, ids=["telephone"]
)
def test_the_first_screen_does_not_jump_while_it_loads(opened: Opened, address: str) -> None:
    """The limit is what counts as good: https://web.dev/articles/cls."""
    jumps = """jumped = 0; new PerformanceObserver((list) => list.getEntries().forEach(
        (entry) => { jumped += entry.value })).observe({ type: "layout-shift", buffered: true })"""
    opened.page.add_init_script(jumps)
    opened.page.goto(f"{address}{WITH_STEPPER}.html", wait_until="load")
    stepper = opened.page.locator(".stepper").bounding_box()
    assert stepper, "there is no stepper"
    assert stepper["y"] < PHONE["height"], "it is not on the first screen"
    opened.page.wait_for_timeout(500)
    assert opened.page.evaluate("jumped") < 0.1


@pytest.mark.parametrize("opened", [{"viewport": PHONE}], indirect=True, ids=["telephone"])
def test_an_address_with_a_heading_leads_to_it_and_a_reader_who_comes_back_finds_the_place(
    opened: Opened, address: str
) -> None:
    page = opened.page
    page.goto(f"{address}{WITH_TABS[0]}.html", wait_until="load")
    name = page.locator(".bd-article > section > section").nth(-4).get_attribute("id")

    def top() -> float:
        page.wait_for_timeout(500)
        return page.locator(f"#{name} > h2").evaluate("node => node.getBoundingClientRect().top")

    page.goto(f"{address}index.html", wait_until="load")
    page.goto(f"{address}{WITH_TABS[0]}.html#{name}", wait_until="load")
    assert 0 <= top() <= PHONE["height"] / 3
    page.mouse.wheel(0, 150)
    before = top()
    page.reload()
    assert abs(top() - before) < 3
    page.goto(f"{address}index.html", wait_until="load")
    page.go_back()
    assert abs(top() - before) < 3


def test_the_button_changes_the_theme_and_the_next_page_keeps_it(
    opened: Opened, address: str
) -> None:
    page = go(opened, address, "index")
    theme = "document.documentElement.dataset.theme"
    seen = {page.evaluate(theme)}
    for _ in range(3):
        page.locator("button.theme-switch-button:visible").first.click()
        seen.add(page.evaluate(theme))
        if page.evaluate(theme) == "dark":
            break
    assert seen == {"light", "dark"}
    page = go(opened, address, WITH_TABS[0])
    assert page.evaluate(theme) == "dark"
    assert page.locator("img.only-light:visible").count() == 0


def test_without_a_mouse_the_first_key_offers_a_way_to_the_text(
    opened: Opened, address: str
) -> None:
    page = go(opened, address, WITH_TABS[0])
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.textContent.trim()")
    assert focused == "Skip to main content"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main-content"


def test_the_filters_of_the_index_leave_what_was_asked_for(opened: Opened, address: str) -> None:
    page = go(opened, address, "index")
    everything = page.locator(".tutorial:visible").count()
    page.locator("form.filters select[name=part]").select_option(index=1)
    left = page.locator(".tutorial:visible").count()
    assert 0 < left < everything
    assert page.locator("form.filters output").text_content() == f"{left} of {everything}"


def test_a_heading_of_the_ledger_sorts_by_its_column(opened: Opened, address: str) -> None:
    page = go(opened, address, "book/performance/ledger")
    table = page.locator("table.sortable").first
    numbers = """(table) => [...table.tBodies[0].rows]
        .map((row) => parseFloat(row.cells[2].textContent)).filter((x) => !isNaN(x))"""
    table.locator("thead button").nth(2).click()
    rising = table.evaluate(numbers)
    assert len(rising) > 1
    assert rising == sorted(rising)
    table.locator("thead button").nth(2).click()
    assert table.evaluate(numbers) == rising[::-1]
