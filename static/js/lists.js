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
