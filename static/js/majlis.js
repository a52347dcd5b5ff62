// What every page of ours needs: windows that count down, a way back, and toasts that leave.
(() => {
  "use strict";

  const label = (seconds, text) => {
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return text.minutes.replace("{minutes}", Math.max(minutes, 1));
    return text.hours.replace("{hours}", Math.floor(minutes / 60)).replace("{minutes}", String(minutes % 60).padStart(2, "0"));
  };

  const countDown = () => {
    const now = Date.now() / 1000;
    for (const badge of document.querySelectorAll("[data-window-until]")) {
      const left = Number(badge.dataset.windowUntil) - now;
      const words = badge.querySelector("[data-words]");
      const text = { minutes: badge.dataset.minutes, hours: badge.dataset.hours };
      if (left <= 0) {
        badge.dataset.tone = "";
        words.textContent = badge.dataset.closed;
        badge.removeAttribute("data-window-until");
        badge.dispatchEvent(new CustomEvent("window-closed", { bubbles: true }));
        continue;
      }
      badge.dataset.tone = left <= 1800 ? "bad" : left <= 7200 ? "warn" : "good";
      words.textContent = label(left, text);
    }
  };

  window.majlis = {
    countDown,
    toast(text) {
      const place = document.getElementById("toasts");
      if (!place || !text) return;
      const toast = document.createElement("p");
      toast.className = "toast";
      toast.dir = "auto";
      toast.textContent = text;
      place.append(toast);
      setTimeout(() => toast.remove(), 7000);
    },
  };

  if ("serviceWorker" in navigator && isSecureContext) navigator.serviceWorker.register("/sw.js").catch(() => {});
  countDown();
  setInterval(countDown, 15000);
  for (const toast of document.querySelectorAll(".toast")) setTimeout(() => toast.remove(), 7000);

  document.addEventListener("click", (event) => {
    const back = event.target.closest("[data-back]");
    if (back && history.length > 1) {
      event.preventDefault();
      history.back();
    }
    // a menu closes when somebody presses beside it
    for (const menu of document.querySelectorAll("details.more-actions[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  // Who signs out leaves nothing unsent behind for the next one on this phone.
  document.addEventListener("submit", (event) => {
    if (new URL(event.target.action, location).pathname !== "/sign-out/") return;
    for (const name of Object.keys(localStorage)) if (name.startsWith("majlis:")) localStorage.removeItem(name);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.more-actions[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  // A row of chips that is wider than the screen begins where one is.
  document.querySelector(".chips [aria-current='page']")?.scrollIntoView({ inline: "center", block: "nearest" });
})();
