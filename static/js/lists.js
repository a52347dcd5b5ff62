// A filtered list: what is empty stays out of the address, and the count on the button follows the chips.
(() => {
  "use strict";
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.closest("[data-filter]")) return;
    const given = event.detail.parameters;
    for (const name of [...new Set(Object.keys(given))]) if (given[name] === "") delete given[name];
    if (!Object.keys(given).length) given.all = "1";
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-filter]")) return;
    for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
    setTimeout(() => { for (const field of event.target.elements) field.disabled = false; });
  });
  // Ticks: the first box ticks all that are shown, the button says how many are.
  const ticks = () => [...document.querySelectorAll(".with-tick input[name=row]")];
  const tell = () => {
    const bar = document.querySelector("[data-ticking]");
    if (!bar) return;
    const boxes = ticks(), ticked = boxes.filter((box) => box.checked).length;
    const all = bar.querySelector("[data-tick-all]"), count = bar.querySelector(".count");
    all.parentElement.hidden = false;
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
    count.hidden = !ticked;
    count.textContent = ticked;
    bar.querySelector("button").disabled = !ticked;
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-tick-all]")) for (const box of ticks()) box.checked = event.target.checked;
    if (event.target.matches("[data-tick-all], .with-tick input")) tell();
  });
  addEventListener("pageshow", tell);
  document.addEventListener("htmx:afterSettle", tell);
  document.addEventListener("htmx:afterSettle", () => {
    const list = document.querySelector("[data-chips]"), summary = document.querySelector(".filter-sheet > summary");
    if (!list || !summary) return;
    let count = summary.querySelector(".count");
    if (list.dataset.chips === "0") { count?.remove(); return; }
    if (!count) {
      count = document.createElement("span");
      count.className = "count";
      summary.append(" ", count);
    }
    count.textContent = list.dataset.chips;
  });
})();
