// A campaign that is watched: the page draws itself anew when it hears that something changed.
(() => {
  "use strict";
  const truth = document.getElementById("truth");
  if (!truth) return;
  // Without news too: so the sign of life and the time left stay true. Oftener when there is no line.
  const LOOK = 10000, POLL = 3000;
  let asking = false, again = false, behind = false, source = null, timer = 0;

  const draw = async () => {
    if (document.hidden) { behind = true; return; }
    if (asking) { again = true; return; }
    asking = true;
    try {
      const answer = await fetch(truth.dataset.now, { headers: { "X-Requested-With": "fetch" }, cache: "no-store" });
      if (answer.redirected || answer.status === 404) { location.reload(); return; }
      if (answer.ok) {
        const text = await answer.text();
        const held = truth.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
        truth.innerHTML = text;
        if (held) [...truth.querySelectorAll("a")].find((link) => link.getAttribute("href") === held)?.focus({ preventScroll: true });
        truth.dataset.drawn = String(Number(truth.dataset.drawn || 0) + 1);
      }
    } catch { /* no line: the next look tells */ } finally {
      asking = false;
      if (again) { again = false; draw(); }
    }
  };
  const every = (pause) => { clearInterval(timer); timer = setInterval(draw, pause); };
  const listen = () => {
    source = new EventSource(truth.dataset.stream);
    source.onopen = () => { truth.dataset.live = "stream"; every(LOOK); };
    source.addEventListener("changed", draw);
    source.addEventListener("bye", () => { source.close(); listen(); });
    source.onerror = () => {
      truth.dataset.live = "polling";
      every(POLL);
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, POLL);
    };
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden && behind) { behind = false; draw(); } });
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) { listen(); draw(); } });
  listen();
})();
