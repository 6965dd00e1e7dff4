"use strict";
(() => {
  const filters = document.querySelector(".filters");
  const findings = [...document.querySelectorAll(".finding")];
  if (!filters || findings.length === 0) return;
  const severities = [...filters.querySelectorAll("input[name=severity]")];
  const check = filters.querySelector("select");
  const words = filters.querySelector("input[type=search]");
  const count = filters.querySelector("output");
  const nothing = document.querySelector(".nothing");
  const texts = findings.map((finding) => finding.textContent.toLowerCase());

  const show = () => {
    const wanted = new Set(severities.filter((box) => box.checked).map((box) => box.value));
    const parts = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let seen = 0;
    findings.forEach((finding, index) => {
      const fits = wanted.has(finding.dataset.severity)
        && (!check.value || check.value === finding.dataset.check)
        && parts.every((part) => texts[index].includes(part));
      finding.hidden = !fits;
      seen += fits ? 1 : 0;
    });
    count.textContent = `${seen} of ${findings.length} shown`;
    nothing.hidden = seen > 0;
  };

  const all = filters.querySelector("button");
  all.addEventListener("click", () => {
    const open = !findings.every((finding) => finding.open);
    findings.forEach((finding) => { finding.open = open; });
    all.textContent = open ? "Close all" : "Open all";
  });
  filters.addEventListener("input", show);
  filters.addEventListener("submit", (event) => event.preventDefault());

  let before = [];
  window.addEventListener("beforeprint", () => {
    before = findings.filter((finding) => !finding.open);
    before.forEach((finding) => { finding.open = true; });
  });
  window.addEventListener("afterprint", () => before.forEach((finding) => { finding.open = false; }));

  const reveal = () => {
    const named = document.getElementById(location.hash.slice(1));
    if (named && named.classList.contains("finding")) named.open = true;
  };
  window.addEventListener("hashchange", reveal);
  filters.hidden = false;
  show();
  reveal();
})();
