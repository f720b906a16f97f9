"""The pages that perf_analyzer writes, read by a parser that follows the HTML standard to the letter, and as XML."""

import re
import subprocess
import xml.etree.ElementTree
from pathlib import Path

import html5lib
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def page(http_address, tmp_path_factory):
    file = tmp_path_factory.mktemp("report") / "report.html"
    command = ["node", str(ROOT / "dist/perf_analyzer/main.js"), "-m", "simple", "-u", http_address]
    load = ["--concurrency-range=1:2", "-p", "100", "-s", "1000", "-r", "3"]
    subprocess.run([*command, *load, "--report-html", str(file)], check=True, capture_output=True, timeout=60)
    return file.read_text(encoding="utf-8")


def test_is_html_without_any_parse_error(page):
    parser = html5lib.HTMLParser(strict=True)
    document = parser.parse(page)
    namespaces = {"svg": "http://www.w3.org/2000/svg", "html": "http://www.w3.org/1999/xhtml"}
    charts = document.findall(".//svg:svg", namespaces)
    assert len(charts) == 3
    for chart in charts:
        title, description = chart.get("aria-labelledby").split()
        assert chart.find(f"svg:title[@id='{title}']", namespaces).text
        assert chart.find(f"svg:desc[@id='{description}']", namespaces).text
    assert len(document.findall(".//html:table", namespaces)) == 3


def test_is_xml_as_well(page):
    assert xml.etree.ElementTree.fromstring(page).tag == "{http://www.w3.org/1999/xhtml}html"


def test_needs_nothing_but_itself(page):
    without_namespaces = page.replace("http://www.w3.org/2000/svg", "").replace("http://www.w3.org/1999/xhtml", "")
    assert not re.search(r"https?:|<script|<link|<img|@import|url\(", without_namespaces)
