"""The page in a real browser: Chromium of Debian, driven by Selenium.

    apt-get install -y chromium chromium-driver        (`make browser` does it)

One browser for all tests of this file; each loads its page anew.  The pages lie in a folder, and
the browser has no network to use: a page that asked for anything would say so in its log.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.history.pictures.samples import HOSTILE, events, hostile, paged, stored

selenium = pytest.importorskip("selenium", reason="pip install selenium (the extra `dev` has it)")

from selenium.webdriver import ActionChains, Chrome  # noqa: E402
from selenium.webdriver.chrome.options import Options  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.remote.webelement import WebElement  # noqa: E402

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.skipif(
        BROWSER is None or DRIVER is None,
        reason="no Chromium: apt-get install -y chromium chromium-driver (or: make browser)",
    ),
    pytest.mark.xdist_group("browser"),
]
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--window-size=1280,1000"),
)

LINEAR, STALE = stored(3, 24), stored(3, 60, stale=20, seed=3)
LARGE = stored(6, 2400, keys=8, stale=1200, seed=3)


class Tab:
    """One page at a time."""

    def __init__(self, driver: Chrome, folder: Path) -> None:
        self.driver, self.folder = driver, folder

    def open(self, name: str) -> None:
        self.media("light")
        self.driver.set_window_size(1280, 1000)
        self.driver.get((self.folder / f"{name}.html").as_uri())

    def media(self, scheme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def run(self, script: str, *given: Any) -> Any:
        return self.driver.execute_script(script, *given)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """In one call: each costs some milliseconds."""
        script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)"
        found: list[str] = self.run(script, selector)
        return found

    def op(self, words: str, where: str = "#figure") -> WebElement:
        """The operation whose label begins so."""
        script = (
            "return [...document.querySelectorAll(`${arguments[0]} .op`)]"
            ".find((one) => one.getAttribute('aria-label').includes(arguments[1]))"
        )
        found = self.run(script, where, words)
        assert isinstance(found, WebElement)
        return found

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    @property
    def focused(self) -> str:
        return str(self.run("return document.activeElement.getAttribute('aria-label') || ''"))

    @property
    def tip(self) -> str:
        return str(
            self.run("const t = document.getElementById('tip'); return t.hidden ? '' : t.innerText")
        )

    @property
    def log(self) -> list[str]:
        entries: list[dict[str, str]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    folder = tmp_path_factory.mktemp("pages")
    pages = {"linear": LINEAR, "stale": STALE, "large": LARGE, "hostile": hostile()}
    pages["keys"] = stored(4, 40, keys=3)
    for name, history in pages.items():
        (folder / f"{name}.html").write_bytes(paged(history, "register"))
    options = Options()
    options.binary_location = str(BROWSER)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with Chrome(options=options, service=Service(str(DRIVER))) as driver:
        yield Tab(driver, folder)


@pytest.mark.parametrize("name", ["linear", "stale", "large", "hostile", "keys"])
def test_a_page_loads_without_a_word(browser: Tab, name: str) -> None:
    browser.open(name)
    assert browser.log == []
    assert browser.run("return performance.getEntriesByType('resource').length") == 0
    assert browser.all("#figure .op")


def test_what_is_drawn(browser: Tab) -> None:
    browser.open("linear")
    assert browser.find("h1").text == "✓ linearizable"
    assert len(browser.all("#figure .op")) == 24
    assert sorted(map(int, browser.texts("#figure .op .place"))) == [*range(1, 25)]
    x = browser.run(
        "return [...document.querySelectorAll('#figure .op')]"
        ".sort((a, b) => a.mark.place - b.mark.place)"
        ".map((one) => one.querySelector('.point').getBoundingClientRect().x)"
    )
    assert x == sorted(x), "points go to the right"
    inside = browser.run(
        "return [...document.querySelectorAll('#figure .op')].every((one) => {"
        " const bar = one.querySelector('.bar').getBoundingClientRect(),"
        " point = one.querySelector('.point').getBoundingClientRect();"
        " return bar.left < point.left && point.right < bar.right + 6; })"
    )
    assert inside
    assert not browser.find("#contradiction").is_displayed()


def test_a_contradiction_is_marked_and_in_sight(browser: Tab) -> None:
    browser.open("large")
    assert browser.find("h1").text == "✗ not linearizable"
    assert len(browser.all("#witness .op")) == 3
    assert "no place" in browser.find("#witness .op.stuck").text
    stuck = browser.find("#figure .op.stuck")
    box, view = stuck.rect, browser.find("#figure").rect
    assert view["x"] < box["x"] < view["x"] + view["width"] - box["width"], "scrolled to"
    assert len(browser.all("#figure .op.witness")) == 3
    assert "2,400 operations stand on this page" in browser.find("#left-out").text
    assert browser.find("#overview svg").is_displayed()


def test_the_pointer_shows_the_state(browser: Tab) -> None:
    browser.open("linear")
    value = next(one.argument for one in LINEAR if one.f == "write")
    ActionChains(browser.driver).move_to_element(browser.op(f"write({value})")).perform()
    assert f"write({value})" in browser.tip
    assert f"→ {value}" in browser.tip.splitlines()[-1]
    assert browser.tip.splitlines()[-1].startswith("state: ")
    browser.press(Keys.ESCAPE)
    assert browser.tip == ""


def test_the_keyboard_goes_everywhere(browser: Tab) -> None:
    browser.open("linear")
    browser.find("#zoom-one").send_keys(Keys.TAB)
    here = browser.focused
    assert here.startswith("process "), "one Tab into the picture"
    assert "state" in browser.tip
    lane = browser.run(
        "const here = document.activeElement.mark.lane;"
        "return [...document.querySelectorAll('#figure .op')].map((one) => one.mark)"
        ".filter((mark) => mark.lane === here).map((mark) => mark.at)"
    )
    at = "return document.activeElement.mark.at"
    browser.press(Keys.ARROW_RIGHT)
    assert browser.run(at) == lane[1]
    assert "step" in browser.focused
    assert "state after it" in browser.focused
    browser.press(Keys.END)
    assert browser.run(at) == lane[-1]
    box, view = browser.driver.switch_to.active_element.rect, browser.find("#figure").rect
    assert box["x"] + box["width"] <= view["x"] + view["width"] + 1, "it is scrolled to"
    browser.press(Keys.HOME)
    assert browser.run(at) == lane[0]
    before = browser.run("return document.activeElement.mark.lane")
    browser.press(Keys.ARROW_DOWN)
    assert browser.run("return document.activeElement.mark.lane") == before + 1
    place = browser.run("return document.activeElement.mark.place")
    browser.press(Keys.PAGE_DOWN)
    assert browser.run("return document.activeElement.mark.place") == place + 1
    browser.press(Keys.PAGE_UP)
    assert browser.run("return document.activeElement.mark.place") == place
    assert len(browser.all("#figure .op[tabindex='0']")) == 1
    browser.press(Keys.ENTER)
    details = browser.find("#details")
    assert details.is_displayed()
    assert "state after" in details.text
    assert browser.run("return document.activeElement.id") == "details"
    browser.press(Keys.ESCAPE)
    assert not details.is_displayed()
    assert browser.run("return document.activeElement.mark.place") == place
    browser.press("/")
    assert browser.run("return document.activeElement.id") == "search-value"
    browser.find("#zoom-one").click()
    browser.press("?")
    assert browser.find("#help").is_displayed()
    browser.press(Keys.ESCAPE)
    assert not browser.find("#help").is_displayed()


def test_search(browser: Tab) -> None:
    browser.open("linear")
    box = browser.find("#search-value")
    times = Counter(one.result for one in LINEAR if type(one.result) is int)
    value = max(times, key=lambda value: (value < 10) * times[value])
    box.send_keys(str(value))
    expected = [one for one in LINEAR if value in (one.argument, one.result)]
    assert len(expected) > 1
    assert browser.find("#count").text == f"{len(expected)} found"
    assert len(browser.all("#figure .op.match")) == len(expected)
    box.send_keys(Keys.ENTER)
    assert browser.find("#count").text == f"1 of {len(expected)}"
    assert browser.run("return document.activeElement.id") == "search-value"
    browser.find("#next").click()
    assert browser.find("#count").text == f"2 of {len(expected)}"
    assert "2 of" in browser.run("return document.getElementById('said').textContent")
    browser.find("#search-process").send_keys("1")
    both = [one for one in expected if one.process == 1]
    assert browser.find("#count").text == (f"{len(both)} found" if both else "none")
    browser.find("#search-value").send_keys(Keys.ESCAPE)
    browser.find("#search-process").send_keys(Keys.ESCAPE)
    assert browser.find("#count").text == ""
    assert browser.all("#figure .op.match, #figure .op.dim") == []


def test_a_number_finds_whole_numbers_and_a_text_any_part(browser: Tab) -> None:
    values = [1, 10, 21, -1, 1.5, [3, 1], "a1", "abc"]
    rows = [(0, kind, "write", value) for value in values for kind in ("invoke", "ok")]
    rows = [(p, kind, f, None if kind == "ok" else value) for p, kind, f, value in rows]
    (browser.folder / "values.html").write_bytes(paged(events(*rows), "register"))
    browser.open("values")
    for query, found in {"1": 2, "-1": 1, "1.5": 1, "21": 1, "b": 1, "A": 2, "7": 0}.items():
        browser.find("#search-value").clear()
        browser.find("#search-value").send_keys(query)
        assert browser.find("#count").text == (f"{found} found" if found else "none"), query


def test_search_goes_to_another_key(browser: Tab) -> None:
    browser.open("large")
    first = browser.find("#view").get_attribute("value")
    keys = {one.key for one in LARGE}
    here = browser.find("#view option:checked").text
    other = next(key for key in sorted(keys) if f'"{key}"' not in here)
    box = browser.find("#search-key")
    box.send_keys(other, Keys.ENTER)
    assert browser.find("#view").get_attribute("value") != first
    assert f'"{other}"' in browser.find("#view option:checked").text
    assert browser.find("#count").text.startswith("1 of ")


def test_keys_one_by_one_or_together(browser: Tab) -> None:
    browser.open("keys")
    options = browser.all("#view option")
    assert options[0].text.startswith("all keys (")
    assert len(browser.all("#figure .op")) == 40
    options[1].click()
    assert 0 < len(browser.all("#figure .op")) < 40
    assert browser.log == []


def test_zoom(browser: Tab) -> None:
    browser.open("stale")
    wide = browser.find("#figure svg").rect["width"]
    browser.find("#zoom-fit").click()
    room = browser.find("#figure").rect["width"]
    assert browser.find("#figure svg").rect["width"] <= room < wide
    browser.find("#zoom-one").click()
    assert browser.find("#figure svg").rect["width"] == pytest.approx(wide, abs=2)
    browser.find("#figure .op[tabindex='0']").send_keys("+")
    assert browser.find("#figure svg").rect["width"] > 1.3 * wide


def test_the_table_says_the_same(browser: Tab) -> None:
    browser.open("stale")
    browser.run("document.getElementById('table').open = true")
    browser.run("return new Promise((done) => setTimeout(done, 50))")
    rows = browser.texts("#table tbody tr")
    assert len(rows) == 60
    assert sum("part of the contradiction" in row for row in rows) == 3
    assert sum("no place" in row for row in rows) == 1
    browser.all("#table tbody button")[5].click()
    assert browser.focused.startswith("process ")


def colours(tab: Tab) -> tuple[list[int], list[int]]:
    script = "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
    page, ink = tab.run(script)
    return numbers(page), numbers(ink)


def numbers(colour: str) -> list[int]:
    return [int(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]


def contrast(one: list[int], other: list[int]) -> float:
    """WCAG 2.2, relative luminance."""

    def light(colour: list[int]) -> float:
        parts = [c / 255 for c in colour]
        line = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * line[0] + 0.7152 * line[1] + 0.0722 * line[2]

    high, low = sorted([light(one), light(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_light_and_dark(browser: Tab) -> None:
    browser.open("stale")
    light, _ = colours(browser)
    browser.media("dark")
    dark, _ = colours(browser)
    assert min(light) > 200
    assert max(dark) < 60
    browser.find("#theme").click()
    assert colours(browser)[0] == light, "light is chosen, though the system is dark"
    browser.find("#theme").click()
    browser.media("light")
    assert colours(browser)[0] == dark
    browser.find("#theme").click()
    assert colours(browser)[0] == light, "as the system again"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_there_is_contrast(browser: Tab, scheme: str) -> None:
    """4.5 for texts, 3 for what is drawn (WCAG 2.2, 1.4.3 and 1.4.11)."""
    browser.open("stale")
    browser.media(scheme)
    page, _ = colours(browser)
    named = browser.run(
        "const probe = document.createElement('span'); document.body.append(probe);"
        "const of = (name) => { probe.style.color = `var(${name})`;"
        " return getComputedStyle(probe).color; };"
        "return Object.fromEntries(['--ink', '--soft', '--bad', '--read', '--change', '--order',"
        " '--warn', '--mark', '--panel', '--lane'].map((name) => [name, of(name)]))"
    )
    found = {name: numbers(colour) for name, colour in named.items()}
    for name in ("--ink", "--soft", "--bad", "--read", "--change", "--warn", "--order"):
        assert contrast(found[name], page) >= 4.5, name
        assert contrast(found[name], found["--panel"]) >= 4.5, name
    for name in ("--ink", "--bad", "--order", "--change", "--read"):
        assert contrast(found[name], found["--mark"]) >= 4.5, name


@pytest.mark.parametrize("name", ["stale", "large", "keys"])
def test_everything_has_a_name(browser: Tab, name: str) -> None:
    """As a screen reader is told it: by the browser's own accessibility tree."""
    browser.open(name)
    browser.run("document.getElementById('table').open = true")
    nodes = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    wanted = {"button", "searchbox", "textbox", "combobox", "checkbox", "link", "image", "table",
              "application", "region", "search"}  # fmt: skip
    seen: dict[str, int] = {}
    for node in nodes:
        role = node.get("role", {}).get("value")
        if node.get("ignored") or role not in wanted:
            continue
        seen[role] = seen.get(role, 0) + 1
        assert node.get("name", {}).get("value"), node
    assert seen["application"] == len(browser.all(".figure:not([hidden]) svg"))
    assert seen["button"] >= len(browser.all("#figure .op"))
    assert seen["searchbox"] == 3
    ids = browser.run("return [...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len([one for one in ids if one != "hatch"]) == len({*ids} - {"hatch"})
    assert browser.run("return document.documentElement.lang") == "en"
    assert len(browser.all("h1")) == 1


def test_a_narrow_window_is_not_wider_than_it_is(browser: Tab) -> None:
    browser.open("stale")
    browser.driver.set_window_size(500, 900)
    wide = browser.run("return document.documentElement.scrollWidth")
    assert wide <= browser.run("return window.innerWidth")


def test_values_run_nothing(browser: Tab) -> None:
    browser.open("hostile")
    browser.run("document.getElementById('table').open = true")
    browser.run(
        "for (const one of document.querySelectorAll('#figure .op')) {"
        " one.dispatchEvent(new PointerEvent('pointerover', {bubbles: true}));"
        " one.dispatchEvent(new MouseEvent('click', {bubbles: true})); }"
    )
    browser.find("#search-value").send_keys("<img", Keys.ENTER)
    assert browser.find("#count").text.startswith("1 of ")
    assert browser.run("return window.ran === undefined")
    assert browser.all("img, iframe, object, script[src], a:not(.skip)") == []
    assert browser.log == []
    details = browser.run("return document.querySelector('#details').textContent")
    assert "window.ran" in details
    shown = browser.run("return document.body.innerText")
    assert HOSTILE[0] in shown


def test_an_injected_script_would_not_run(browser: Tab) -> None:
    """The policy of the page stops what escaping would have let through."""
    browser.open("linear")
    browser.run(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        "document.body.append(s);"
        "const i = document.createElement('div'); document.body.append(i);"
        "i.innerHTML = '<img src=x onerror=\"window.ran = 2\">'"
    )
    assert browser.run("return window.ran === undefined")
    assert any("Content Security Policy" in line for line in browser.log)


def test_one_operation_only(browser: Tab) -> None:
    history = events((0, "invoke", "read"), (0, "ok", "read", 5))
    (browser.folder / "one.html").write_bytes(paged(history, "register"))
    browser.open("one")
    assert browser.log == []
    assert "no place" in browser.find("#witness").text
