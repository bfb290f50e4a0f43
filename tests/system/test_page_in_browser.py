"""The page in a real browser: nothing asked for, nothing cut off, readable in light and dark, whole on paper."""

from __future__ import annotations

import base64
import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from outcomes.release.render_html import render_html

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
DRIVER = shutil.which("chromedriver")
PDFTOTEXT = shutil.which("pdftotext")
AXE = Path(__file__).parents[2] / "tools" / "axe" / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="Chromium or chromedriver is not installed: page not looked at"
    ),
]

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
WIDTHS = (360, 768, 1280, 1684)

CONTRAST = """
const parse = c => { const m = c.match(/[\\d.]+/g).map(Number);
  return m.length > 3 && m[3] === 0 ? null : m.slice(0, 3); };
const lum = c => { const f = c.map(v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
const back = e => { for (; e; e = e.parentElement) {
  const b = parse(getComputedStyle(e).backgroundColor); if (b) return b; } return [255, 255, 255]; };
const out = [];
for (const e of document.querySelectorAll('body *')) {
  if (!e.getClientRects().length || e.closest('.skip')) continue;
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own) continue;
  const style = getComputedStyle(e), inSvg = e.ownerSVGElement;
  const ink = parse(inSvg ? style.fill : style.color), paper = back(inSvg ? e.ownerSVGElement.parentElement : e);
  const a = lum(ink), b = lum(paper), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) out.push([e.tagName, e.textContent.trim().slice(0, 30), ratio.toFixed(2)]);
}
return out;
"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory, drawn_page):
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(render_html(drawn_page), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def public_file(tmp_path_factory):
    """The page of a small practice's public release: some of it hidden, some of it drawn."""
    from outcomes.release.public.cohorts import find_people
    from outcomes.release.public.counts import count_people
    from outcomes.release.public.protect import protect_release
    from outcomes.release.public.publish import make_release
    from support.small_practices import make_practice

    episodes = make_practice(250, seed=3)
    people = find_people(episodes)
    counts = count_people(episodes, people)
    made = make_release(None, episodes, people.quarter, protect_release(counts.tables, counts.curves))
    path = tmp_path_factory.mktemp("public") / "index.html"
    path.write_text(render_html(made.page), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


def open_page(browser, path, width, scheme="light", unfolded=True, anew=False):
    """Open the page; what lies folded is opened too, so that it is looked at like the rest.

    A page that was only looked at so far stays open: it has no script, so that another width or scheme lays it out
    as loading it would. A test that does something to it, or looks at how it loads, asks for it `anew` and for itself.
    """
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    wanted = (path, unfolded)
    if anew or getattr(browser, "looked_at", None) != wanted:
        browser.get(path.as_uri())
        if unfolded:
            browser.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    browser.looked_at = None if anew else wanted


def test_nothing_is_asked_for_and_nothing_goes_wrong(browser, page_file):
    browser.get_log("performance")
    open_page(browser, page_file, 1280, anew=True)
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    # On a busy machine the browser's own first tab is still loading. No page can ask for chrome:// by itself, and what
    # stands in the page as data: is asked of nobody.
    assert [url for url in asked if not url.startswith(("chrome://", "data:"))] == [page_file.as_uri()]
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_its_width(browser, page_file, width):
    open_page(browser, page_file, width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    outside = browser.execute_script(
        "return [...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, .skip, svg') && "
        "e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '.' + e.className)"
    )
    assert outside == []
    drawn = browser.execute_script(
        "return [...document.querySelectorAll('figure.figure')].map(f => "
        "[...f.querySelectorAll('[role=img]')].filter(e => e.getClientRects().length).length)"
    )
    assert drawn and set(drawn) == {1}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_text_has_enough_contrast(browser, page_file, width, scheme):
    open_page(browser, page_file, width, scheme)
    dark = browser.execute_script("return getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    assert browser.execute_script(CONTRAST) == []


@pytest.mark.parametrize("width", [360, 1280])
def test_no_text_of_a_figure_is_too_small_to_read(browser, page_file, width):
    open_page(browser, page_file, width)
    # Text can stand upright: its scale is the length of a unit, turned or not.
    smallest = browser.execute_script(
        "return Math.min(...[...document.querySelectorAll('figure svg text')].filter(e => e.getClientRects().length)"
        ".map(e => parseFloat(getComputedStyle(e).fontSize) * Math.hypot(e.getScreenCTM().a, e.getScreenCTM().b)))"
    )
    assert smallest >= 8.5


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not there (npm ci --prefix tools/axe): page not audited")
@pytest.mark.parametrize(
    ("width", "scheme", "unfolded"),
    # In the normal run the narrowest dark and all open, the wide one as it opens; everything else in the slow one.
    [
        pytest.param(*case, marks=[] if case in ((360, "dark", True), (1280, "light", False)) else pytest.mark.slow)
        for case in itertools.product([360, 768, 1280], ["light", "dark"], [False, True])
    ],
)
def test_axe_finds_no_violation(browser, page_file, width, scheme, unfolded):
    open_page(browser, page_file, width, scheme, unfolded)
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = browser.execute_async_script(
        "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']})"
        ".then(r => done({violations: r.violations, passes: r.passes.length}), e => done({violations: [String(e)]}))"
    )
    said = [(v["id"], v["help"], [n["target"] for n in v["nodes"][:3]]) for v in found["violations"]]
    assert said == [] and found["passes"] > 15


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_the_public_page_fits_and_can_be_read(browser, public_file, width, scheme):
    open_page(browser, public_file, width, scheme)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(CONTRAST) == []
    if AXE.is_file():
        browser.execute_script(AXE.read_text(encoding="utf-8"))
        found = browser.execute_async_script(
            "axe.run(document, {resultTypes: ['violations']}).then(r => arguments[0](r.violations.map(v => v.help)))"
        )
        assert found == []


def test_what_is_folded_opens_by_keyboard_and_names_what_it_holds(browser, page_file):
    from selenium.webdriver.common.keys import Keys

    open_page(browser, page_file, 1280, unfolded=False, anew=True)
    summaries = browser.find_elements("css selector", "details.more > summary")
    assert summaries and not browser.execute_script("return document.querySelectorAll('details[open]').length")
    inside = browser.find_element("css selector", "details.more caption, details.more .title")
    assert not inside.is_displayed()
    for summary in summaries:
        named = browser.execute_script(
            "return [...arguments[0].parentElement.querySelectorAll('caption, .title')].map(e => e.textContent.trim())",
            summary,
        )
        assert named and all(name in summary.text for name in named)
        summary.send_keys(Keys.ENTER)
    assert inside.is_displayed()


def test_the_keyboard_reaches_the_report_and_every_table_that_scrolls(browser, page_file):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    open_page(browser, page_file, 360, anew=True)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.get_attribute("class") == "skip"
    stuck = browser.execute_script(
        "return [...document.querySelectorAll('.scroll')]"
        ".filter(e => e.scrollWidth > e.clientWidth && e.tabIndex < 0).length"
    )
    assert stuck == 0


@pytest.mark.parametrize(("name", "width", "height"), [("A4", 8.27, 11.69), ("Letter", 8.5, 11.0)])
def test_nothing_is_cut_on_paper(browser, page_file, tmp_path, name, width, height):
    if not PDFTOTEXT:
        pytest.skip("pdftotext (poppler-utils) is not installed: the printed page was not read")
    open_page(browser, page_file, 1280, "dark")
    paper = {"paperWidth": width, "paperHeight": height, "preferCSSPageSize": False, "printBackground": True}
    path = tmp_path / "page.pdf"
    path.write_bytes(base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", paper)["data"]))
    pages = (
        subprocess.run([PDFTOTEXT, "-layout", path, "-"], capture_output=True, check=True).stdout.decode().split("\f")
    )
    assert 6 <= len([page for page in pages if page.strip()]) <= 15
    assert "What cannot be said" in pages[0] and "What to look into" in pages[0]
    for caption, first, last in (
        ("Share relieved by fixed days", r"^\s*7\s", r"^\s*90\s"),
        ("How episodes ended", "Discharged", "Still open at the data cut"),
        ("Share of treatment visits with each family, by quarter", "Manual", "Only what was recorded is counted"),
        ("Control charts of the indicators", "Relieved by day", r"Grey:\s+too\s+early\s+to\s+tell"),
    ):
        whole = [page for page in pages if caption in page]
        assert len(whole) == 1, caption
        below = whole[0].split(caption, 1)[1]
        assert re.search(first, below, re.MULTILINE) and re.search(last, below, re.MULTILINE), caption
