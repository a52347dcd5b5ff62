// The search box: reached from every page by "/", ctrl+K or cmd+K; walked with the arrows; what was searched lately stays here.
(() => {
  "use strict";
  const KEPT = "majlis:searches", MOST = 8;
  const finder = document.querySelector("[data-finder]");
  const box = finder && finder.querySelector("input[type=search]");
  const writing = (element) => element.closest("input, textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    const called = (event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !writing(event.target));
    if (!called) return;
    const near = box || document.querySelector("main form[role=search] input[type=search]");
    const door = document.querySelector("a[data-search-door]");
    if (event.key === "/" && near) {
      event.preventDefault();
      near.focus();
      near.select();
    } else if (box) {
      event.preventDefault();
      box.focus();
      box.select();
    } else if (door) {
      event.preventDefault();
      location.assign(door.href);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.matches("form[role=search] input[type=search]")) event.target.blur();
  });
  if (!finder) return;

  const kept = () => {
    try { return JSON.parse(localStorage.getItem(KEPT)) || []; } catch { return []; }
  };
  const keep = (text) => {
    const asked = text.trim();
    if (asked.length < 2) return;
    try { localStorage.setItem(KEPT, JSON.stringify([asked, ...kept().filter((each) => each !== asked)].slice(0, MOST))); } catch { /* a private window keeps nothing */ }
  };
  const showKept = () => {
    const place = document.querySelector("[data-recent]");
    if (!place) return;
    const items = kept();
    place.hidden = !items.length;
    place.querySelector("ul").replaceChildren(...items.map((text) => {
      const item = document.createElement("li"), link = document.createElement("a");
      link.className = "list-item";
      link.dataset.hit = "";
      link.dir = "auto";
      link.href = `?q=${encodeURIComponent(text)}`;
      link.textContent = text;
      item.append(link);
      return item;
    }));
  };
  const hits = () => [...document.querySelectorAll("#findings [data-hit]")];

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-forget]")) {
      localStorage.removeItem(KEPT);
      showKept();
    } else if (event.target.closest("[data-hit]")) keep(box.value);
    // the kinds keep what has been typed since the page was made
    const kind = event.target.closest("[data-kind]");
    if (kind) {
      const address = new URL(kind.href);
      address.searchParams.set("q", box.value);
      kind.href = address;
    }
  });
  finder.addEventListener("keydown", (event) => {
    const found = hits();
    if (event.target !== box || !found.length) return;
    if (event.key === "ArrowDown") {
      event.preventDefault();
      found[0].focus();
    } else if (event.key === "Enter" && !event.isComposing && finder.dataset.settled === box.value && found.length) {
      event.preventDefault();
      keep(box.value);
      found[0].click();
    }
  });
  document.addEventListener("keydown", (event) => {
    const found = hits(), at = found.indexOf(document.activeElement);
    if (at < 0) return;
    if (event.key === "ArrowDown") {
      event.preventDefault();
      (found[at + 1] || found[at]).focus();
    } else if (event.key === "ArrowUp") {
      event.preventDefault();
      (found[at - 1] || box).focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      box.focus();
    }
  });
  // Enter opens the first hit only when the hits are those of what stands in the box.
  finder.dataset.settled = box.value;
  document.addEventListener("htmx:afterSettle", (event) => {
    finder.dataset.settled = new URL(location).searchParams.get("q") || "";
    showKept();
  });
  showKept();
  box.setSelectionRange(box.value.length, box.value.length);
})();
