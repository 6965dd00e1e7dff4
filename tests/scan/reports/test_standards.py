"""Findings name what they speak against in other standards, and only where the row is sure."""

import json as decoder
import re
from dataclasses import replace

import pytest

from stopper.scan import catalogue
from stopper.scan.report import Report
from stopper.scan.reports import html, json, sarif
from stopper.scan.reports.standards import PCI_DSS, SOC2, pci_dss, soc2


def test_every_row_belongs_to_a_rule_of_the_catalogue() -> None:
    used = {number for rule in catalogue.load() for number in rule.cwe}
    assert sorted((PCI_DSS.keys() | SOC2.keys()) - used) == []


def test_numbers_have_the_form_of_their_standard() -> None:
    assert all(re.fullmatch(r"\d{1,2}\.\d{1,2}\.\d{1,2}", one) for row in PCI_DSS.values() for one in row)
    assert all(re.fullmatch(r"CC[1-9]\.[1-8]", one) for row in SOC2.values() for one in row)


@pytest.mark.parametrize(
    ("cwe", "pci", "criteria"),
    [
        ((798,), ("8.6.2",), ("CC6.1",)),
        ((307,), ("8.3.4",), ("CC6.1",)),
        ((639, 319), ("4.2.1", "6.2.4", "8.3.2"), ("CC6.1", "CC6.7")),
        ((1059,), (), ()),
    ],
)
def test_rows_are_joined(cwe: tuple[int, ...], pci: tuple[str, ...], criteria: tuple[str, ...]) -> None:
    assert pci_dss(cwe) == pci
    assert soc2(cwe) == criteria


def test_json_html_and_sarif_name_them(sample: Report) -> None:
    one = replace(sample, findings=(sample.findings[0],))
    found = decoder.loads(json.render(one))["findings"][0]
    assert (found["pci_dss"], found["soc2"]) == (["8.6.2"], ["CC6.1"])
    assert "<dt>PCI DSS 4.0</dt><dd>8.6.2</dd>" in html.render(one)
    tags = decoder.loads(sarif.render(one, lambda _: None))["runs"][0]["tool"]["driver"]["rules"][0]["properties"][
        "tags"
    ]
    assert {"asvs-5.0/V13.3.1", "pci-dss-4.0/8.6.2", "soc2/CC6.1"} <= set(tags)
