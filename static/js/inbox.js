// The inbox, live: fetches what changed, keeps what was typed, sends once.
// Everything here is a quicker way to do what the page's links and forms do without it.
(() => {
  "use strict";

  const inbox = document.querySelector("[data-inbox]");
  if (!inbox) return;
  const words = JSON.parse(document.getElementById("inbox-words").textContent);
  const POLL = 15000;
  const thread = () => document.getElementById("thread");
  const scroller = () => document.getElementById("messages-scroll");
  const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 120;
  const toEnd = () => { const box = scroller(); if (box) box.scrollTop = box.scrollHeight; };
  const parse = (html) => new DOMParser().parseFromString(html, "text/html");

  const get = async (address) => {
    const response = await fetch(address, { headers: { "X-Requested-With": "fetch" }, credentials: "same-origin" });
    if (response.redirected && new URL(response.url).pathname.startsWith("/sign-in")) location.reload();
    if (!response.ok) throw new Error(String(response.status));
    return response.text();
  };

  // What could not be fetched is asked for again, until it is there; without a line the "online" event asks.
  let laterTimer = null;
  const later = () => { laterTimer ??= setTimeout(() => { laterTimer = null; if (navigator.onLine) everything(); }, 3000); };

  // ── the list ───────────────────────────────────────────────────────────────
  let listTimer = null;
  const refreshList = (delay = 0) => {
    if (listTimer) return;
    listTimer = setTimeout(async () => {
      try {
        const box = document.getElementById("conversations");
        // Somebody who has loaded further pages is not thrown back to the first.
        if (box.dataset.further || inbox.classList.contains("is-choosing")) return;
        const next = parse(await get(box.dataset.address)).getElementById("conversations");
        if (next && next.innerHTML !== box.innerHTML) {
          const focused = box.contains(document.activeElement) ? document.activeElement.id : "";
          const top = box.scrollTop;
          box.innerHTML = next.innerHTML;
          box.scrollTop = top;
          if (focused) document.getElementById(focused)?.focus();
          markOpen();
          window.majlis.countDown();
        }
      } catch { later(); } finally { listTimer = null; }
    }, delay);
  };
  const markOpen = () => {
    const open = thread()?.dataset.conversation;
    for (const row of document.querySelectorAll(".conversation")) {
      if (row.dataset.conversation === open) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  };

  // ── the thread ─────────────────────────────────────────────────────────────
  let fetching = false, again = false, sending = 0;
  const refreshThread = async () => {
    const box = thread();
    if (!box?.dataset.messages) return;
    // While a message is on its way up, its own answer brings the news: else it would stand here twice for a moment.
    if (fetching || sending) { again = true; return; }
    fetching = true;
    try { merge(await get(box.dataset.messages)); } catch { later(); } finally {
      fetching = false;
      if (again) { again = false; refreshThread(); }
    }
  };

  // Put a fetched piece of thread into the one on the page: what is there is replaced where it differs, what is new
  // stands where it belongs, nothing is taken away. So the place one reads at, and what one selected, stay.
  const merge = (html, { older = false } = {}) => {
    const piece = parse(html);
    const box = thread();
    const list = document.getElementById("messages");
    const from = piece.getElementById("messages");
    if (!box || !list || !from || from.dataset.conversation !== box.dataset.conversation) return;
    const scroll = scroller(), stick = !older && atEnd(scroll), height = scroll.scrollHeight, top = scroll.scrollTop;
    let fresh = false, previous = null, answered = false;
    // The line above what is new stays where it was when one came; who has read moves with their last word.
    from.querySelector("#unread")?.remove();
    if (!older) document.getElementById("seen")?.remove();
    for (const item of [...from.children]) {
      const known = document.getElementById(item.id);
      if (known && list.contains(known)) {
        previous = renew(known, item);
        continue;
      }
      if (item.classList.contains("inbound")) fresh = true;
      if (!older && item.querySelector(".author") && item.matches(".outbound:not(.inside)")) answered = true;
      if (previous) previous.after(item);
      else if (older) list.prepend(item);
      else placeByNumber(list, item);
      previous = item;
    }
    // What is still on its way stays last.
    for (const waiting of [...list.querySelectorAll("[data-waiting]")]) list.append(waiting);
    if (older) {
      const link = document.getElementById("older"), next = piece.getElementById("older");
      if (link && next) link.replaceWith(next); else link?.remove();
      scroll.scrollTop = top + scroll.scrollHeight - height;
    } else {
      replaceWhenDifferent("thread-head", piece);
      replaceWhenDifferent("present", piece);
      if (answered && document.getElementById("body")?.value.trim()) window.majlis.toast(words.answered);
      const now = document.getElementById("composer"), then = piece.getElementById("composer");
      if (now && then && now.dataset.kind !== then.dataset.kind) { now.replaceWith(then); startComposer(); }
      if (stick) toEnd();
    }
    window.majlis.countDown();
    if (fresh) { forgetDays(list); read(); }
  };
  // The newer of two of one message stands; a menu of reactions that is open on it stays open, and the keyboard in it.
  const renew = (known, item) => {
    const menu = known.querySelector(".reaction-menu"), focused = menu?.contains(document.activeElement) && document.activeElement;
    menu?.remove();
    const kept = known.outerHTML === item.outerHTML ? known : item;
    if (kept === item) known.replaceWith(item);
    if (menu) kept.querySelector("[data-react]")?.after(menu);
    if (focused) focused.focus();
    return kept;
  };
  const placeByNumber = (list, item) => {
    const number = Number(item.dataset.number || 0);
    const after = [...list.children].find((other) => Number(other.dataset.number || 0) > number);
    if (after && number) after.before(item); else list.append(item);
  };
  const forgetDays = (list) => {
    const seen = new Set();
    for (const day of list.querySelectorAll(".day")) { if (seen.has(day.id)) day.remove(); seen.add(day.id); }
  };
  const replaceWhenDifferent = (id, piece) => {
    const now = document.getElementById(id), then = piece.getElementById(id);
    if (now && then && now.innerHTML !== then.innerHTML && !now.querySelector("details[open]")) now.replaceWith(then);
  };

  const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value || "";
  const read = () => {
    const box = thread();
    if (!box?.dataset.reading || document.hidden || !document.hasFocus() && !inbox.dataset.always) return;
    fetch(box.dataset.reading, { method: "POST", headers: { "X-CSRFToken": token(), "X-Requested-With": "fetch" } })
      .then(() => refreshList(300)).catch(() => {});
  };

  const loadOlder = async (link) => { merge(await get(link.dataset.fragment), { older: true }); };

  const seek = async (id) => {
    for (let page = 0; page < 20; page += 1) {
      const found = document.getElementById(id);
      if (found) {
        found.scrollIntoView({ block: "center", behavior: "smooth" });
        found.classList.add("is-sought");
        found.tabIndex = -1;
        found.focus({ preventScroll: true });
        setTimeout(() => found.classList.remove("is-sought"), 2500);
        return;
      }
      const link = document.getElementById("older");
      if (!link) break;
      await loadOlder(link);
    }
    window.majlis.toast(words.gone);
  };

  // ── writing ────────────────────────────────────────────────────────────────
  const who = inbox.dataset.inbox;
  const key = (kind, home = thread()?.dataset.conversation) => `majlis:${kind}:${who}:${home}`;
  const stored = (name, otherwise) => { try { return JSON.parse(localStorage.getItem(name)) ?? otherwise; } catch { return otherwise; } };
  const store = (name, value) => {
    try { if (value && (!Array.isArray(value) || value.length)) localStorage.setItem(name, JSON.stringify(value)); else localStorage.removeItem(name); } catch { /* a full or forbidden store */ }
  };
  const newRequest = () => crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random().toString(16).slice(2)}`;
  const grow = (area) => { if (!CSS.supports("field-sizing", "content")) { area.style.blockSize = "auto"; area.style.blockSize = `${Math.min(area.scrollHeight + 2, 160)}px`; } };

  const startComposer = () => {
    const form = document.getElementById("write");
    if (!form) return;
    form.elements.client_request_id.value = newRequest();
    const draft = stored(key("draft"), null);
    if (draft?.seen) form.elements.seen.value = draft.seen;
    if (draft?.body && !form.elements.body.value) {
      form.elements.body.value = draft.body;
      if (draft.quoted) quote(draft.quoted);
    }
    grow(form.elements.body);
    for (const waiting of stored(key("outbox"), [])) {
      if (!document.querySelector(`[data-request="${CSS.escape(waiting.id)}"]`)) {
        bubble(waiting);
        if (waiting.held) refused(waiting, words.answered, false, true); else deliver(waiting);
      }
    }
  };
  const keepDraft = (form) => {
    const body = form.elements.body.value;
    const known = stored(key("draft"), null);
    // What stood here when the writing began: a colleague who answers after it is worth a warning.
    if (body.trim() && !known) form.elements.seen.value = newest();
    store(key("draft"), body.trim() ? { body, quoted: form.elements.quoted.value, seen: form.elements.seen.value } : null);
  };
  const newest = () => Math.max(0, ...[...document.querySelectorAll("#messages > .message[id^=message-]")].map((item) => Number(item.id.slice(8))));
  const quote = (number) => {
    const form = document.getElementById("write"), message = document.getElementById(`message-${number}`);
    if (!form) return;
    form.elements.quoted.value = message ? number : "";
    const box = document.getElementById("quoting");
    box.hidden = !message;
    if (message) {
      box.querySelector(".who").textContent = message.dataset.who;
      box.querySelector(".what").textContent = message.dataset.gist;
    }
    keepDraft(form);
  };

  const bubble = (waiting) => {
    const sample = document.getElementById("waiting-bubble").content.firstElementChild.cloneNode(true);
    sample.dataset.request = waiting.id;
    sample.id = `request-${waiting.id}`;
    sample.querySelector(".text").textContent = waiting.body;
    sample.classList.toggle("inside", Boolean(waiting.note));
    document.getElementById("nothing-yet")?.remove();
    document.getElementById("messages").append(sample);
    toEnd();
  };
  const refused = (waiting, text, final, mayInsist = false) => {
    const item = document.getElementById(`request-${waiting.id}`);
    if (!item) return;
    const failure = item.querySelector(".failure");
    failure.hidden = false;
    failure.querySelector("p").textContent = text;
    failure.querySelector("[data-retry]").hidden = final;
    failure.querySelector("[data-edit]").hidden = !final && !mayInsist;
    failure.querySelector("[data-anyway]").hidden = !mayInsist;
    if (mayInsist) failure.querySelector("[data-retry]").hidden = true;
  };

  const deliver = async (waiting) => {
    const item = document.getElementById(`request-${waiting.id}`);
    if (item) item.querySelector(".failure").hidden = true;
    const body = new FormData();
    body.set("body", waiting.body);
    body.set("client_request_id", waiting.id);
    if (waiting.quoted) body.set("quoted", waiting.quoted);
    if (waiting.seen) body.set("seen", waiting.seen);
    const home = waiting.home, name = key("outbox", home);
    const settle = () => store(name, stored(name, []).filter((one) => one.id !== waiting.id));
    let response;
    sending += 1;
    try {
      response = await fetch(waiting.address, { method: "POST", body, headers: { "X-CSRFToken": token(), "X-Requested-With": "fetch" } });
    } catch {
      refused(waiting, words.offline, false);
      return;
    } finally {
      sending -= 1;
      if (again) setTimeout(() => { again = false; refreshThread(); }, 300);
    }
    const here = thread()?.dataset.conversation === home;
    if (response.ok && !response.redirected) {
      settle();
      const html = await response.text();
      const sent = parse(html).getElementById("sent"), item = document.getElementById(`request-${waiting.id}`);
      if (here && sent && item) {
        if (document.getElementById(`message-${sent.dataset.message}`)) item.remove();
        else { item.id = `message-${sent.dataset.message}`; item.removeAttribute("data-waiting"); }
      }
      if (here) merge(html);
      refreshList(200);
      return;
    }
    const problem = await response.json().catch(() => ({ message: words.broken }));
    const overtaken = problem.code === "answered_meanwhile";
    const final = response.status >= 400 && response.status < 500 && response.status !== 429 && !overtaken;
    if (final) settle();
    if (overtaken) store(name, stored(name, []).map((one) => one.id === waiting.id ? { ...one, held: true } : one));
    if (here) {
      refused(waiting, problem.message, final, overtaken);
      if (response.status === 409) refreshThread();
    }
  };

  const write = (form) => {
    const body = form.elements.body.value.trim();
    if (!body) { form.elements.body.focus(); return; }
    const note = form.classList.contains("is-note"), home = thread().dataset.conversation;
    const waiting = { id: form.elements.client_request_id.value, body, home, note, quoted: note ? "" : form.elements.quoted.value,
      seen: note ? "" : form.elements.seen.value, address: note ? thread().dataset.notes : form.getAttribute("action") };
    // Emptied and renumbered at once: a second press finds nothing to send.
    form.elements.body.value = "";
    form.elements.client_request_id.value = newRequest();
    quote("");
    store(key("draft"), null);
    grow(form.elements.body);
    store(key("outbox"), [...stored(key("outbox"), []), waiting]);
    document.dispatchEvent(new CustomEvent("majlis:written"));
    bubble(waiting);
    deliver(waiting);
    form.elements.body.focus();
  };

  const preview = (form) => {
    for (const place of form.querySelectorAll("[data-variable]")) {
      const value = form.elements[place.dataset.variable]?.value.trim();
      place.textContent = value || place.dataset.otherwise;
    }
  };

  // ── what people press ──────────────────────────────────────────────────────
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    if (form.id === "write") { event.preventDefault(); write(form); return; }
    if (form.dataset.once !== undefined) {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "yes";
    }
  });
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form?.id === "write") { keepDraft(form); grow(event.target); }
    if (form?.dataset.template !== undefined) preview(form);
  });
  const attached = () => {
    const chosen = document.getElementById("file")?.files[0], line = document.getElementById("attached");
    if (!line) return;
    line.hidden = !chosen;
    line.querySelector(".truncate").textContent = chosen ? chosen.name : "";
  };
  document.addEventListener("change", (event) => { if (event.target.id === "file") { attached(); document.getElementById("body").focus(); } });
  document.addEventListener("keydown", (event) => {
    if (event.target.id === "body" && event.key === "Enter" && !event.shiftKey && !event.isComposing && matchMedia("(pointer: fine)").matches) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });
  document.addEventListener("click", (event) => {
    const pressed = (selector) => event.target.closest(selector);
    let link;
    if ((link = pressed("[data-quote]"))) { event.preventDefault(); quote(link.dataset.quote); document.getElementById("body")?.focus(); }
    else if (pressed("[data-detach]")) { document.getElementById("file").value = ""; attached(); }
    else if (pressed("[data-unquote]")) { event.preventDefault(); quote(""); }
    else if ((link = pressed("a.quote[data-original]"))) { event.preventDefault(); seek(`message-${link.dataset.original}`); }
    else if ((link = pressed("#older"))) { event.preventDefault(); loadOlder(link).catch(() => window.majlis.toast(words.offline)); }
    else if ((link = pressed("[data-retry]"))) {
      const id = link.closest("[data-request]").dataset.request;
      const waiting = stored(key("outbox"), []).find((one) => one.id === id);
      if (waiting) deliver(waiting);
    } else if ((link = pressed("[data-anyway]"))) {
      const id = link.closest("[data-request]").dataset.request, name = key("outbox");
      store(name, stored(name, []).map((one) => one.id === id ? { ...one, seen: "", held: false } : one));
      deliver(stored(name, []).find((one) => one.id === id));
    } else if ((link = pressed("[data-edit]"))) {
      const item = link.closest(".message"), form = document.getElementById("write");
      if (form) { form.elements.body.value = item.querySelector(".text").textContent; keepDraft(form); form.elements.body.focus(); }
      if (item.dataset.request) {
        store(key("outbox"), stored(key("outbox"), []).filter((one) => one.id !== item.dataset.request));
        item.remove();
      }
    }
  });

  // ── signs of life ──────────────────────────────────────────────────────────
  let polling = null, source = null, behind = false, place = "";
  const everything = () => { refreshList(); refreshThread(); };
  const poll = (on) => {
    inbox.dataset.live = on ? "polling" : "stream";
    if (on && !polling) polling = setInterval(() => { if (!document.hidden) everything(); }, POLL);
    if (!on && polling) { clearInterval(polling); polling = null; }
  };
  const listen = () => {
    source = new EventSource(`${inbox.dataset.stream}${place ? `?after=${place}` : ""}`);
    source.addEventListener("hello", (event) => { place = event.lastEventId; poll(false); everything(); });
    // Nothing was missed but what is told next.
    source.addEventListener("back", (event) => { place = event.lastEventId; poll(false); });
    source.addEventListener("changed", (event) => {
      place = event.lastEventId;
      if (document.hidden) { behind = true; return; }
      refreshList(400);
      if (event.data.split(" ").includes(thread()?.dataset.live)) refreshThread();
    });
    source.addEventListener("bye", () => { source.close(); listen(); });
    source.onerror = () => {
      poll(true);
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, POLL);
    };
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    if (behind) { behind = false; everything(); }
    read();
  });
  window.addEventListener("focus", read);
  const line = () => document.body.classList.toggle("is-offline", !navigator.onLine);
  // Whatever waits goes out, of the conversation on screen and of all others. Two tabs may both try: it is sent once.
  const deliverAll = () => {
    for (const name of Object.keys(localStorage)) {
      if (name.startsWith(`majlis:outbox:${who}:`)) for (const waiting of stored(name, [])) if (!waiting.held && waiting.home) deliver(waiting);
    }
  };
  window.addEventListener("online", () => { line(); everything(); deliverAll(); });
  // The same conversation in another tab: what is written there stands here too, unless somebody writes here.
  window.addEventListener("storage", (event) => {
    const form = document.getElementById("write");
    if (!form || event.key !== key("draft") || document.activeElement === form.elements.body) return;
    const draft = event.newValue ? JSON.parse(event.newValue) : null;
    form.elements.body.value = draft?.body || "";
    grow(form.elements.body);
  });
  window.addEventListener("offline", line);
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
  document.addEventListener("window-closed", (event) => { if (thread()?.contains(event.target)) refreshThread(); });

  // Who reads the newest message goes on seeing it when a quote, a longer text or the keyboard takes its place.
  let isAtEnd = true;
  const held = new ResizeObserver(() => { if (isAtEnd) toEnd(); });
  document.addEventListener("scroll", (event) => { if (event.target.id === "messages-scroll") isAtEnd = atEnd(event.target); }, true);

  const opened = () => {
    held.disconnect();
    if (scroller()) held.observe(scroller());
    markOpen();
    startComposer();
    window.majlis.countDown();
    const sought = location.hash.startsWith("#message-") ? location.hash.slice(1) : "";
    if (sought) seek(sought); else toEnd();
    read();
  };
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "thread") { inbox.dataset.pane = "thread"; opened(); document.getElementById("thread-title")?.focus(); }
  });
  window.majlis.inbox = { thread, merge, get, token, words, newRequest, toEnd, refused, bubble, refreshList, refreshThread, keepDraft, grow, attached };
  document.documentElement.classList.add("has-script");
  line();
  opened();
  listen();
})();
